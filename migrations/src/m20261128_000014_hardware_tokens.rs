//! The inventory of hardware tokens: the files they came in, each token, the steps of its life, files that go out, and
//! the first code of an automatic resync.

crate::portable::migration!(
    "
CREATE TABLE token_batches (
    id UUID PRIMARY KEY NOT NULL, name TEXT NOT NULL, format TEXT NOT NULL, stage TEXT NOT NULL, total BIGINT NOT NULL,
    proposed_by UUID NOT NULL, proposed_at BIGINT NOT NULL, expires_at BIGINT NOT NULL, decided_by UUID,
    decided_at BIGINT, recalled_by UUID, recalled_at BIGINT, recall_note TEXT
);
CREATE INDEX token_batches_by_time ON token_batches (proposed_at);
CREATE TABLE hardware_tokens (
    id UUID PRIMARY KEY NOT NULL, batch_id UUID NOT NULL REFERENCES token_batches(id), serial TEXT NOT NULL,
    manufacturer TEXT NOT NULL, model TEXT NOT NULL, parameters TEXT NOT NULL, sealed_seed BYTES, counter BIGINT NOT NULL,
    drift BIGINT NOT NULL, life_ends_at BIGINT, stage TEXT NOT NULL, version BIGINT NOT NULL, person_id UUID,
    credential_id UUID, registration_hash BYTES, registration_expires_at BIGINT, registration_tries BIGINT NOT NULL,
    exported_at BIGINT, imported_at BIGINT NOT NULL, activated_at BIGINT, activated_drift BIGINT
);
CREATE UNIQUE INDEX hardware_tokens_serial_unique ON hardware_tokens (serial);
CREATE INDEX hardware_tokens_by_batch ON hardware_tokens (batch_id, serial);
CREATE INDEX hardware_tokens_by_stage ON hardware_tokens (stage, serial);
CREATE INDEX hardware_tokens_by_person ON hardware_tokens (person_id);
CREATE INDEX hardware_tokens_by_credential ON hardware_tokens (credential_id);
CREATE TABLE token_custody (
    token_id UUID NOT NULL, version BIGINT NOT NULL, at BIGINT NOT NULL, actor UUID, from_stage TEXT NOT NULL,
    to_stage TEXT NOT NULL, person_id UUID, note TEXT NOT NULL, PRIMARY KEY (token_id, version)
);
CREATE TABLE token_exports (
    id UUID PRIMARY KEY NOT NULL, batch_id UUID NOT NULL REFERENCES token_batches(id), note TEXT NOT NULL,
    proposed_by UUID NOT NULL, proposed_at BIGINT NOT NULL, expires_at BIGINT NOT NULL, approved_by UUID,
    approved_at BIGINT, taken_at BIGINT
);
CREATE INDEX token_exports_by_batch ON token_exports (batch_id);
CREATE TABLE token_resyncs (
    credential_id UUID PRIMARY KEY NOT NULL REFERENCES credentials(id), factor BIGINT NOT NULL,
    expires_at BIGINT NOT NULL
);
CREATE INDEX token_resyncs_by_expiry ON token_resyncs (expires_at);
"
);
