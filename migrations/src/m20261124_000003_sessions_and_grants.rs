//! Browser sessions with their factor events, parked requests, grants and what hangs on them, signing keys.

crate::portable::migration!(
    "
CREATE TABLE signing_keys (
    kid TEXT PRIMARY KEY NOT NULL, algorithm TEXT NOT NULL, sealed_private BYTES NOT NULL, public_jwk TEXT NOT NULL,
    created_at BIGINT NOT NULL, signs_from BIGINT NOT NULL, signs_until BIGINT, published_until BIGINT
);
CREATE UNIQUE INDEX signing_keys_one_at_a_time ON signing_keys (algorithm, signs_from);
CREATE TABLE sessions (
    id UUID PRIMARY KEY NOT NULL, token_hash BYTES NOT NULL, previous_token_hash BYTES, rotated_at BIGINT,
    person_id UUID NOT NULL REFERENCES persons(id), created_at BIGINT NOT NULL, last_seen_at BIGINT NOT NULL,
    expires_at BIGINT NOT NULL, ended_at BIGINT, user_agent TEXT NOT NULL, ip TEXT
);
CREATE UNIQUE INDEX sessions_token_unique ON sessions (token_hash);
CREATE INDEX sessions_by_previous_token ON sessions (previous_token_hash);
CREATE INDEX sessions_by_person ON sessions (person_id);
CREATE INDEX sessions_by_expiry ON sessions (expires_at);
CREATE TABLE factor_events (
    session_id UUID NOT NULL REFERENCES sessions(id) ON DELETE CASCADE, at BIGINT NOT NULL, method TEXT NOT NULL,
    credential_id UUID NOT NULL, evidence TEXT NOT NULL, proofed BOOLEAN NOT NULL,
    PRIMARY KEY (session_id, at, method)
);
CREATE TABLE interactions (
    id UUID PRIMARY KEY NOT NULL, stage TEXT NOT NULL, data TEXT NOT NULL, version BIGINT NOT NULL,
    session_id UUID, created_at BIGINT NOT NULL, expires_at BIGINT NOT NULL
);
CREATE INDEX interactions_by_expiry ON interactions (expires_at);
CREATE TABLE grants (
    id UUID PRIMARY KEY NOT NULL, person_id UUID NOT NULL, client_id TEXT NOT NULL, session_id UUID NOT NULL,
    terms TEXT NOT NULL, created_at BIGINT NOT NULL, revoked_at BIGINT
);
CREATE INDEX grants_by_person ON grants (person_id, client_id);
CREATE INDEX grants_by_session ON grants (session_id);
CREATE TABLE authorization_codes (
    hash BYTES PRIMARY KEY NOT NULL, grant_id UUID NOT NULL, client_id TEXT NOT NULL, redirect_uri TEXT NOT NULL,
    code_challenge TEXT, expires_at BIGINT NOT NULL, used_at BIGINT
);
CREATE INDEX authorization_codes_by_expiry ON authorization_codes (expires_at);
CREATE TABLE refresh_tokens (
    hash BYTES PRIMARY KEY NOT NULL, grant_id UUID NOT NULL, issued_at BIGINT NOT NULL, expires_at BIGINT NOT NULL,
    used_at BIGINT, retried_at BIGINT, successor BYTES
);
CREATE INDEX refresh_tokens_by_grant ON refresh_tokens (grant_id);
CREATE INDEX refresh_tokens_by_expiry ON refresh_tokens (expires_at);
CREATE TABLE access_tokens (
    hash BYTES PRIMARY KEY NOT NULL, grant_id UUID, client_id TEXT NOT NULL, claims TEXT NOT NULL,
    expires_at BIGINT NOT NULL, revoked_at BIGINT
);
CREATE INDEX access_tokens_by_expiry ON access_tokens (expires_at);
CREATE TABLE revoked_tokens (jti TEXT PRIMARY KEY NOT NULL, expires_at BIGINT NOT NULL);
CREATE INDEX revoked_tokens_by_expiry ON revoked_tokens (expires_at);
"
);
