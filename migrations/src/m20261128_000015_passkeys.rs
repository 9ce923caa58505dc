//! Logins by a passkey alone: challenges that are for nobody yet, and what is known about a key's hardware.

crate::portable::migration!(
    "
CREATE TABLE passkey_challenges (
    id UUID PRIMARY KEY NOT NULL, binding TEXT NOT NULL, state TEXT NOT NULL, expires_at BIGINT NOT NULL, used_at BIGINT
);
CREATE INDEX passkey_challenges_by_expiry ON passkey_challenges (expires_at);
ALTER TABLE security_keys ADD COLUMN synced BOOLEAN NOT NULL DEFAULT FALSE;
ALTER TABLE security_keys ADD COLUMN attested BOOLEAN NOT NULL DEFAULT FALSE;
"
);
