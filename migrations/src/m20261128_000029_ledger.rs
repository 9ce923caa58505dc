//! What finance has to look at, each matter for itself; which tokens were replaced under warranty; orders that cost nothing
//! and replace something are no sales.
//!
//! `orders.attention` is read no more; a node of the version before may still write it.

crate::portable::migration!(
    "
CREATE TABLE order_attentions (
    id UUID PRIMARY KEY NOT NULL, order_id UUID NOT NULL, cause TEXT NOT NULL, reason TEXT NOT NULL,
    until_refunded BOOLEAN NOT NULL, raised_at BIGINT NOT NULL, settled_at BIGINT, settled_by UUID
);
CREATE UNIQUE INDEX order_attentions_once ON order_attentions (order_id, cause);
CREATE INDEX order_attentions_open ON order_attentions (order_id) WHERE settled_at IS NULL;
INSERT INTO order_attentions (id, order_id, cause, reason, until_refunded, raised_at)
    SELECT id, id, attention, attention, stage = 'refunding', placed_at FROM orders WHERE attention IS NOT NULL;
CREATE TABLE replaced_tokens (
    license_key_id UUID NOT NULL, number BIGINT NOT NULL, order_id UUID NOT NULL, replacement_id UUID NOT NULL,
    PRIMARY KEY (license_key_id, number)
);
CREATE INDEX replaced_tokens_by_order ON replaced_tokens (order_id);
DELETE FROM sales WHERE order_id IN (SELECT id FROM orders WHERE replaces IS NOT NULL);
CREATE INDEX license_keys_void ON license_keys (order_id, line) WHERE stage = 'void'
"
);
