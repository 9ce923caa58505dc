//! Phones for Mobile ID: their user verification, new keys, push subscriptions, suspension; requests that know the
//! session they belong to; people who want no requests for a while.

crate::portable::migration!(
    "
ALTER TABLE mobile_devices ADD COLUMN verifier TEXT;
ALTER TABLE mobile_devices ADD COLUMN next_jwk TEXT;
ALTER TABLE mobile_devices ADD COLUMN next_sealed_totp BYTES;
ALTER TABLE mobile_devices ADD COLUMN previous_jwk TEXT;
ALTER TABLE mobile_devices ADD COLUMN keyed_at BIGINT;
ALTER TABLE mobile_devices ADD COLUMN message_at BIGINT;
ALTER TABLE mobile_devices ADD COLUMN seen_at BIGINT;
ALTER TABLE mobile_devices ADD COLUMN suspended_at BIGINT;
ALTER TABLE mobile_devices ADD COLUMN sealed_push BYTES;
ALTER TABLE mobile_challenges ADD COLUMN session_id UUID;
ALTER TABLE mobile_enrolments ADD COLUMN replaces_id UUID;
CREATE TABLE mobile_holds (
    credential_id UUID PRIMARY KEY NOT NULL, since BIGINT NOT NULL
);
"
);
