//! How the clocks of tokens wandered, and which tokens an export held: its file can be fetched until it arrived.

crate::portable::migration!(
    "
CREATE TABLE token_drifts (
    credential_id UUID NOT NULL REFERENCES credentials(id), factor BIGINT NOT NULL, at BIGINT NOT NULL, how TEXT NOT NULL,
    from_factor BIGINT NOT NULL, from_drift BIGINT NOT NULL, to_drift BIGINT NOT NULL, PRIMARY KEY (credential_id, factor)
);
CREATE TABLE token_export_items (
    export_id UUID NOT NULL REFERENCES token_exports(id), token_id UUID NOT NULL REFERENCES hardware_tokens(id),
    PRIMARY KEY (export_id, token_id)
);
ALTER TABLE token_exports ADD COLUMN fetches BIGINT NOT NULL DEFAULT 0;
ALTER TABLE token_exports ADD COLUMN arrived_at BIGINT
"
);
