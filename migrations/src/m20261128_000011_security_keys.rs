//! Security keys (FIDO2), and the challenges that they sign.

crate::portable::migration!(
    "
CREATE TABLE security_keys (
    credential_id UUID PRIMARY KEY NOT NULL REFERENCES credentials(id), key_id BYTES NOT NULL, data TEXT NOT NULL,
    sign_count BIGINT NOT NULL
);
CREATE UNIQUE INDEX security_keys_key_unique ON security_keys (key_id);
CREATE TABLE key_challenges (
    id UUID PRIMARY KEY NOT NULL, person_id UUID NOT NULL, binding TEXT NOT NULL, state TEXT NOT NULL,
    expires_at BIGINT NOT NULL, used_at BIGINT
);
CREATE INDEX key_challenges_by_expiry ON key_challenges (expires_at);
"
);
