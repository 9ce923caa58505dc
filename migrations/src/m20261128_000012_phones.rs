//! Which provider took which message and what became of it; what it cost; and since when a number may be used.

crate::portable::migration!(
    "
CREATE TABLE phone_deliveries (
    id UUID PRIMARY KEY NOT NULL, message_id UUID NOT NULL, challenge_id UUID NOT NULL, phone_id UUID NOT NULL,
    prefix TEXT NOT NULL, provider TEXT NOT NULL, provider_id TEXT, attempt BIGINT NOT NULL, state TEXT NOT NULL,
    reason BIGINT, cost BIGINT NOT NULL, expects_receipt BOOLEAN NOT NULL, sent_at BIGINT NOT NULL,
    updated_at BIGINT NOT NULL, followed_at BIGINT, expires_at BIGINT NOT NULL
);
CREATE UNIQUE INDEX phone_deliveries_provider_unique ON phone_deliveries (provider, provider_id);
CREATE UNIQUE INDEX phone_deliveries_attempt_unique ON phone_deliveries (message_id, attempt);
CREATE INDEX phone_deliveries_by_challenge ON phone_deliveries (challenge_id);
CREATE INDEX phone_deliveries_by_phone ON phone_deliveries (phone_id, sent_at);
CREATE INDEX phone_deliveries_by_expiry ON phone_deliveries (expires_at);
CREATE INDEX phone_deliveries_open ON phone_deliveries (sent_at) WHERE followed_at IS NULL AND state <> 'delivered';
CREATE TABLE phone_prefixes (
    prefix TEXT NOT NULL, day BIGINT NOT NULL, sent BIGINT NOT NULL, used BIGINT NOT NULL, spent BIGINT NOT NULL,
    PRIMARY KEY (prefix, day)
);
CREATE INDEX phone_prefixes_by_day ON phone_prefixes (day);
CREATE TABLE phone_spend (day BIGINT PRIMARY KEY NOT NULL, spent BIGINT NOT NULL, granted BIGINT NOT NULL);
CREATE TABLE phone_switch (
    id BIGINT PRIMARY KEY NOT NULL, stopped_at BIGINT NOT NULL, reason TEXT NOT NULL, person_id UUID
);
ALTER TABLE phones ADD COLUMN usable_from BIGINT;
ALTER TABLE phones ADD COLUMN added_at BIGINT
"
);
