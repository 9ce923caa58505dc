//! Links in notices, why a credential is suspended, checks of passwords under way, and where a credential was used.

crate::portable::migration!(
    "
CREATE TABLE notice_links (
    token_hash BYTES PRIMARY KEY NOT NULL, person_id UUID NOT NULL, credential_id UUID, subject TEXT NOT NULL,
    text TEXT NOT NULL, ip TEXT, created_at BIGINT NOT NULL, expires_at BIGINT NOT NULL, used_at BIGINT
);
CREATE INDEX notice_links_by_expiry ON notice_links (expires_at);
ALTER TABLE credentials ADD COLUMN suspended_for TEXT;
ALTER TABLE credentials ADD COLUMN suspended_at BIGINT;
ALTER TABLE credentials ADD COLUMN checking BIGINT NOT NULL DEFAULT 0;
ALTER TABLE credentials ADD COLUMN checking_since BIGINT;
CREATE INDEX factor_events_by_credential ON factor_events (credential_id, at);
CREATE INDEX audit_events_by_person_and_time ON audit_events (person_id, at)
"
);
