//! The shop: what administrators changed about the catalogue, and what finance needs to know of orders.

crate::portable::migration!(
    "
ALTER TABLE orders ADD COLUMN replaces UUID;
ALTER TABLE orders ADD COLUMN refund_id TEXT;
ALTER TABLE orders ADD COLUMN attention TEXT;
ALTER TABLE orders ADD COLUMN checked_at BIGINT;
CREATE INDEX orders_by_payment ON orders (payment_id) WHERE payment_id IS NOT NULL;
CREATE INDEX orders_by_replaced ON orders (replaces) WHERE replaces IS NOT NULL;
CREATE INDEX orders_by_attention ON orders (placed_at) WHERE attention IS NOT NULL;
CREATE TABLE catalogue_overrides (
    product TEXT PRIMARY KEY NOT NULL, data TEXT NOT NULL, version BIGINT NOT NULL, changed_by UUID NOT NULL,
    changed_at BIGINT NOT NULL
);
"
);
