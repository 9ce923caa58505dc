//! Tokens in the parcels of orders: which one goes with which license key, who waits for one; and what somebody asks for
//! under warranty.

crate::portable::migration!(
    "
ALTER TABLE hardware_tokens ADD COLUMN license_key_id UUID;
CREATE UNIQUE INDEX hardware_tokens_with_key ON hardware_tokens (license_key_id) WHERE license_key_id IS NOT NULL;
CREATE INDEX token_custody_by_person ON token_custody (person_id, at);
CREATE INDEX orders_to_send ON orders (paid_at) WHERE stage = 'paid' AND shipping_stage = 'waiting';
CREATE INDEX credentials_without_token ON credentials (id)
    WHERE kind = 'hardware_token' AND stage = 'pending' AND serial IS NULL;
CREATE INDEX replaced_tokens_by_replacement ON replaced_tokens (replacement_id);
CREATE TABLE warranty_requests (
    license_key_id UUID NOT NULL, number BIGINT NOT NULL, order_id UUID NOT NULL, asked_by UUID NOT NULL,
    asked_at BIGINT NOT NULL, reason TEXT NOT NULL, stage TEXT NOT NULL, decided_by UUID, decided_at BIGINT, answer TEXT,
    PRIMARY KEY (license_key_id, number)
);
CREATE INDEX warranty_requests_open ON warranty_requests (order_id) WHERE stage = 'asked'
"
);
