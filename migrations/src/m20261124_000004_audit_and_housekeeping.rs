//! The audit log, the outbox, counters and leases.

crate::portable::migration!(
    "
CREATE TABLE audit_events (
    id UUID PRIMARY KEY NOT NULL, at BIGINT NOT NULL, kind TEXT NOT NULL, actor UUID, person_id UUID, session_id UUID,
    client_id TEXT, ip TEXT, data TEXT NOT NULL, seq BIGINT, previous_hash BYTES, hash BYTES
);
CREATE UNIQUE INDEX audit_events_seq_unique ON audit_events (seq);
CREATE INDEX audit_events_unsealed ON audit_events (at) WHERE seq IS NULL;
CREATE INDEX audit_events_by_person ON audit_events (person_id, seq);
CREATE TABLE audit_head (id BIGINT PRIMARY KEY NOT NULL, seq BIGINT NOT NULL, hash BYTES NOT NULL);
CREATE TABLE outbox (
    id UUID PRIMARY KEY NOT NULL, kind TEXT NOT NULL, sealed_payload BYTES NOT NULL, created_at BIGINT NOT NULL,
    due_at BIGINT NOT NULL, attempts BIGINT NOT NULL, done_at BIGINT, failed_at BIGINT, last_error TEXT,
    dedupe_key TEXT
);
CREATE UNIQUE INDEX outbox_dedupe_unique ON outbox (dedupe_key);
CREATE INDEX outbox_due ON outbox (due_at) WHERE done_at IS NULL AND failed_at IS NULL;
CREATE TABLE ephemeral (
    purpose TEXT NOT NULL, name TEXT NOT NULL, value TEXT NOT NULL, count BIGINT NOT NULL, expires_at BIGINT NOT NULL,
    PRIMARY KEY (purpose, name)
);
CREATE INDEX ephemeral_by_expiry ON ephemeral (expires_at);
CREATE TABLE leases (name TEXT PRIMARY KEY NOT NULL, holder TEXT NOT NULL, until_at BIGINT NOT NULL);
"
);
