//! From a license key to a credential and on: proofing by an agent, what waits for it, reminders, requests that are
//! kept while their person gets what they lack.

crate::portable::migration!(
    "
CREATE TABLE proofing_requests (
    id UUID PRIMARY KEY NOT NULL, person_id UUID NOT NULL REFERENCES persons(id), license_key_id UUID,
    stage TEXT NOT NULL, asked_at BIGINT NOT NULL, decided_at BIGINT, decided_by UUID, method TEXT, document TEXT,
    issuer TEXT, reason TEXT
);
CREATE UNIQUE INDEX proofing_requests_open ON proofing_requests (person_id) WHERE stage = 'asked';
CREATE INDEX proofing_requests_by_stage ON proofing_requests (stage, asked_at);
CREATE INDEX proofing_requests_by_person ON proofing_requests (person_id, asked_at);
ALTER TABLE credentials ADD COLUMN needs_proofing BOOLEAN NOT NULL DEFAULT FALSE;
CREATE INDEX credentials_by_license_key ON credentials (license_key_id) WHERE license_key_id IS NOT NULL;
ALTER TABLE persons ADD COLUMN reminders BOOLEAN NOT NULL DEFAULT TRUE;
ALTER TABLE pushed_requests ADD COLUMN kept_until BIGINT;
CREATE TABLE wanted_applications (
    person_id UUID PRIMARY KEY NOT NULL REFERENCES persons(id), client_id TEXT NOT NULL, asked_at BIGINT NOT NULL,
    expires_at BIGINT NOT NULL
);
CREATE INDEX wanted_applications_by_expiry ON wanted_applications (expires_at);
"
);
