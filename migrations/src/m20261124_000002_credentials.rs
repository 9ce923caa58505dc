//! Credentials of all kinds, the phones behind them, and the challenges that prove possession.

crate::portable::migration!(
    "
CREATE TABLE credentials (
    id UUID PRIMARY KEY NOT NULL, person_id UUID NOT NULL REFERENCES persons(id), kind TEXT NOT NULL,
    label TEXT NOT NULL, serial TEXT, stage TEXT NOT NULL, failures BIGINT NOT NULL, retry_at BIGINT,
    last_used_at BIGINT, activated_at BIGINT, purchased_at BIGINT, expires_at BIGINT, created_at BIGINT NOT NULL,
    sealed_secret BYTES, parameters TEXT NOT NULL, counter BIGINT NOT NULL, drift BIGINT NOT NULL
);
CREATE INDEX credentials_by_person ON credentials (person_id);
CREATE UNIQUE INDEX credentials_serial_unique ON credentials (kind, serial);
CREATE TABLE phones (
    id UUID PRIMARY KEY NOT NULL, credential_id UUID NOT NULL REFERENCES credentials(id), masked TEXT NOT NULL,
    text_messages BOOLEAN NOT NULL, voice_calls BOOLEAN NOT NULL, preferred BOOLEAN NOT NULL, verified_at BIGINT,
    sealed_number BYTES NOT NULL, number_hash BYTES NOT NULL
);
CREATE INDEX phones_by_credential ON phones (credential_id);
CREATE TABLE phone_challenges (
    id UUID PRIMARY KEY NOT NULL, credential_id UUID NOT NULL, person_id UUID NOT NULL, phone_id UUID NOT NULL,
    binding TEXT NOT NULL, channel TEXT NOT NULL, code_hash BYTES NOT NULL, sent_at BIGINT NOT NULL,
    expires_at BIGINT NOT NULL, tries BIGINT NOT NULL, used_at BIGINT
);
CREATE INDEX phone_challenges_by_binding ON phone_challenges (binding, sent_at);
CREATE INDEX phone_challenges_by_expiry ON phone_challenges (expires_at);
CREATE TABLE mobile_devices (
    id UUID PRIMARY KEY NOT NULL, credential_id UUID NOT NULL REFERENCES credentials(id), person_id UUID NOT NULL,
    label TEXT NOT NULL, public_jwk TEXT NOT NULL, sealed_totp BYTES NOT NULL, last_step BIGINT NOT NULL,
    sequence BIGINT NOT NULL, active BOOLEAN NOT NULL, created_at BIGINT NOT NULL, revoked_at BIGINT
);
CREATE INDEX mobile_devices_by_credential ON mobile_devices (credential_id);
CREATE TABLE mobile_enrolments (
    code_hash BYTES PRIMARY KEY NOT NULL, credential_id UUID NOT NULL, person_id UUID NOT NULL,
    session_id UUID NOT NULL, device_id UUID, confirm_hash BYTES, tries BIGINT NOT NULL, expires_at BIGINT NOT NULL,
    used_at BIGINT, confirmed_at BIGINT
);
CREATE INDEX mobile_enrolments_by_session ON mobile_enrolments (session_id);
CREATE INDEX mobile_enrolments_by_expiry ON mobile_enrolments (expires_at);
CREATE TABLE mobile_challenges (
    id UUID PRIMARY KEY NOT NULL, credential_id UUID NOT NULL, person_id UUID NOT NULL, binding TEXT NOT NULL,
    number_hash BYTES NOT NULL, nonce TEXT NOT NULL, context TEXT NOT NULL, created_at BIGINT NOT NULL,
    expires_at BIGINT NOT NULL, state TEXT NOT NULL, verified BOOLEAN NOT NULL, answered_by UUID, answered_at BIGINT
);
CREATE UNIQUE INDEX mobile_challenges_one_pending ON mobile_challenges (person_id) WHERE state = 'pending';
CREATE INDEX mobile_challenges_by_person ON mobile_challenges (person_id, created_at);
CREATE INDEX mobile_challenges_by_expiry ON mobile_challenges (expires_at);
"
);
