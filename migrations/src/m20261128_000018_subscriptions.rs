//! Credentials as annual subscriptions: carts, orders and their payment, license keys, terms, vouchers, sponsors.
//!
//! The end of a term stays where logins read it, in `credentials`; `terms` is the history of how it came about.

crate::portable::migration!(
    "
ALTER TABLE credentials ADD COLUMN product TEXT;
ALTER TABLE credentials ADD COLUMN license_key_id UUID;
ALTER TABLE credentials ADD COLUMN auto_renew BOOLEAN NOT NULL DEFAULT FALSE;
ALTER TABLE credentials ADD COLUMN notice_at BIGINT;
UPDATE credentials SET notice_at = expires_at - 5184000000 WHERE expires_at IS NOT NULL;
CREATE INDEX credentials_by_notice ON credentials (notice_at) WHERE notice_at IS NOT NULL;
CREATE INDEX credentials_by_expiry ON credentials (expires_at) WHERE expires_at IS NOT NULL;
CREATE TABLE carts (
    person_id UUID PRIMARY KEY NOT NULL REFERENCES persons(id), lines TEXT NOT NULL, version BIGINT NOT NULL,
    changed_at BIGINT NOT NULL
);
CREATE TABLE orders (
    id UUID PRIMARY KEY NOT NULL, number TEXT NOT NULL, request_hash BYTES NOT NULL, purchaser_id UUID NOT NULL,
    organization_id UUID, sponsor_kind TEXT, sponsor_id UUID, stage TEXT NOT NULL, version BIGINT NOT NULL,
    method TEXT NOT NULL, currency TEXT NOT NULL, net BIGINT NOT NULL, tax BIGINT NOT NULL, gross BIGINT NOT NULL,
    lines TEXT NOT NULL, billing TEXT NOT NULL, shipping TEXT, purchase_order TEXT, voucher_id UUID,
    invoice_number TEXT, checkout_id TEXT, payment_id TEXT, interaction_id UUID, placed_at BIGINT NOT NULL,
    due_at BIGINT, paid_at BIGINT, paid_by UUID, refunded_at BIGINT, shipping_stage TEXT NOT NULL, carrier TEXT,
    tracking TEXT, sent_at BIGINT
);
CREATE UNIQUE INDEX orders_number_unique ON orders (number);
CREATE UNIQUE INDEX orders_request_unique ON orders (request_hash);
CREATE UNIQUE INDEX orders_invoice_unique ON orders (invoice_number);
CREATE UNIQUE INDEX orders_checkout_unique ON orders (checkout_id);
CREATE INDEX orders_by_purchaser ON orders (purchaser_id, placed_at);
CREATE INDEX orders_by_organization ON orders (organization_id, placed_at);
CREATE INDEX orders_by_sponsor ON orders (sponsor_id, placed_at);
CREATE INDEX orders_by_stage ON orders (stage, due_at);
CREATE INDEX orders_by_time ON orders (placed_at);
CREATE TABLE license_keys (
    id UUID PRIMARY KEY NOT NULL, hash BYTES NOT NULL, order_id UUID, line BIGINT NOT NULL, number BIGINT NOT NULL,
    product TEXT NOT NULL, gives TEXT NOT NULL, stage TEXT NOT NULL, purchaser_id UUID, purchased_at BIGINT NOT NULL,
    holder_id UUID, holder_mail TEXT, renews UUID, redeemed_by UUID, redeemed_at BIGINT, voided_at BIGINT
);
CREATE UNIQUE INDEX license_keys_hash_unique ON license_keys (hash);
CREATE UNIQUE INDEX license_keys_of_order ON license_keys (order_id, line, number);
CREATE INDEX license_keys_by_purchaser ON license_keys (purchaser_id, purchased_at);
CREATE INDEX license_keys_by_holder ON license_keys (holder_id);
CREATE INDEX license_keys_by_mail ON license_keys (holder_mail);
CREATE TABLE terms (
    id UUID PRIMARY KEY NOT NULL, credential_id UUID NOT NULL, person_id UUID NOT NULL, license_key_id UUID NOT NULL,
    order_id UUID, from_at BIGINT NOT NULL, until_at BIGINT NOT NULL, created_at BIGINT NOT NULL
);
CREATE UNIQUE INDEX terms_once ON terms (license_key_id, credential_id);
CREATE INDEX terms_by_credential ON terms (credential_id, created_at);
CREATE TABLE payment_events (
    provider TEXT NOT NULL, event_id TEXT NOT NULL, received_at BIGINT NOT NULL, PRIMARY KEY (provider, event_id)
);
CREATE TABLE vouchers (
    id UUID PRIMARY KEY NOT NULL, hash BYTES NOT NULL, product TEXT, sponsor_kind TEXT, sponsor_id UUID,
    uses BIGINT NOT NULL, remaining BIGINT NOT NULL, note TEXT NOT NULL, created_by UUID NOT NULL,
    created_at BIGINT NOT NULL, expires_at BIGINT NOT NULL, withdrawn_at BIGINT
);
CREATE UNIQUE INDEX vouchers_hash_unique ON vouchers (hash);
CREATE TABLE sponsor_accounts (
    kind TEXT NOT NULL, id UUID NOT NULL, currency TEXT NOT NULL, most BIGINT NOT NULL, used BIGINT NOT NULL,
    PRIMARY KEY (kind, id, currency)
);
CREATE TABLE counters (name TEXT PRIMARY KEY NOT NULL, value BIGINT NOT NULL);
"
);
