//! Clients that register themselves: their tokens, the tokens that let them, and secrets that can make a MAC.

crate::portable::migration!(
    "
ALTER TABLE clients ADD COLUMN registration_token BYTES;
ALTER TABLE client_secrets ADD COLUMN sealed BYTES;
CREATE TABLE registration_tokens (
    id UUID PRIMARY KEY NOT NULL, hash BYTES NOT NULL, name TEXT NOT NULL,
    partner_id UUID NOT NULL REFERENCES partners(id), application_id UUID REFERENCES applications(id),
    uses_left BIGINT NOT NULL, expires_at BIGINT, created_at BIGINT NOT NULL
);
CREATE UNIQUE INDEX registration_tokens_hash_unique ON registration_tokens (hash)
"
);
