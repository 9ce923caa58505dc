//! Pushed authorization requests (RFC 9126).

crate::portable::migration!(
    "
CREATE TABLE pushed_requests (
    id UUID PRIMARY KEY NOT NULL, reference_hash BYTES NOT NULL, client_id TEXT NOT NULL, parameters TEXT NOT NULL,
    signed BOOLEAN NOT NULL, created_at BIGINT NOT NULL, expires_at BIGINT NOT NULL, used_at BIGINT
);
CREATE UNIQUE INDEX pushed_requests_reference_unique ON pushed_requests (reference_hash);
CREATE INDEX pushed_requests_by_expiry ON pushed_requests (expires_at);
"
);
