//! Recovery codes, mailed links for a new password, and supervised resets.

crate::portable::migration!(
    "
CREATE TABLE recovery_codes (
    hash BYTES PRIMARY KEY NOT NULL, credential_id UUID NOT NULL REFERENCES credentials(id), used_at BIGINT
);
CREATE INDEX recovery_codes_by_credential ON recovery_codes (credential_id);
CREATE TABLE recovery_links (
    hash BYTES PRIMARY KEY NOT NULL, person_id UUID NOT NULL REFERENCES persons(id), session_id UUID,
    created_at BIGINT NOT NULL, expires_at BIGINT NOT NULL, used_at BIGINT
);
CREATE INDEX recovery_links_by_person ON recovery_links (person_id);
CREATE INDEX recovery_links_by_session ON recovery_links (session_id);
CREATE INDEX recovery_links_by_expiry ON recovery_links (expires_at);
CREATE TABLE reset_cases (
    id UUID PRIMARY KEY NOT NULL, person_id UUID NOT NULL REFERENCES persons(id), stage TEXT NOT NULL,
    version BIGINT NOT NULL, reason TEXT NOT NULL, checked TEXT NOT NULL, asked_by UUID NOT NULL,
    asked_at BIGINT NOT NULL, decided_by UUID, ready_at BIGINT, code_hash BYTES, code_until BIGINT,
    tries BIGINT NOT NULL, undo_hash BYTES, expires_at BIGINT NOT NULL
);
CREATE UNIQUE INDEX reset_cases_one_open ON reset_cases (person_id) WHERE stage IN ('asked', 'waiting', 'coded');
CREATE UNIQUE INDEX reset_cases_undo_unique ON reset_cases (undo_hash);
"
);
