//! Devices that wait to be let in (RFC 8628).

crate::portable::migration!(
    "
CREATE TABLE device_authorizations (
    id UUID PRIMARY KEY NOT NULL, device_hash BYTES NOT NULL, user_hash BYTES NOT NULL, client_id TEXT NOT NULL,
    request TEXT NOT NULL, ip TEXT, created_at BIGINT NOT NULL, expires_at BIGINT NOT NULL,
    interval_seconds BIGINT NOT NULL, polled_at BIGINT, decided_at BIGINT, grant_id UUID, refusal TEXT, used_at BIGINT
);
CREATE UNIQUE INDEX device_authorizations_device_unique ON device_authorizations (device_hash);
CREATE UNIQUE INDEX device_authorizations_user_unique ON device_authorizations (user_hash);
CREATE INDEX device_authorizations_by_expiry ON device_authorizations (expires_at);
"
);
