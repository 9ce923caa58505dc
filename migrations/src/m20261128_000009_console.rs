//! The integrator's console: what clients sent, what was seen of them, sandboxes and runs of the playground.

crate::portable::migration!(
    "
CREATE TABLE client_requests (
    id UUID PRIMARY KEY NOT NULL, at BIGINT NOT NULL, client_id TEXT NOT NULL, application_id UUID NOT NULL,
    endpoint TEXT NOT NULL, failed BOOLEAN NOT NULL, error TEXT, description TEXT, rule TEXT, parameters TEXT NOT NULL,
    shown TEXT NOT NULL
);
CREATE INDEX client_requests_by_application ON client_requests (application_id, at);
CREATE INDEX client_requests_by_client ON client_requests (client_id, at);
CREATE INDEX client_requests_by_time ON client_requests (at);
CREATE TABLE client_milestones (
    client_id TEXT NOT NULL, name TEXT NOT NULL, first_at BIGINT NOT NULL, last_at BIGINT NOT NULL,
    PRIMARY KEY (client_id, name)
);
CREATE TABLE client_sandboxes (
    partner_id UUID PRIMARY KEY NOT NULL REFERENCES partners(id), client_id TEXT NOT NULL, sealed_secret BYTES NOT NULL
);
CREATE TABLE playground_runs (
    id UUID PRIMARY KEY NOT NULL, person_id UUID NOT NULL, state TEXT NOT NULL, sealed BYTES NOT NULL,
    answered BOOLEAN NOT NULL, created_at BIGINT NOT NULL, expires_at BIGINT NOT NULL
);
CREATE UNIQUE INDEX playground_runs_state_unique ON playground_runs (state);
CREATE INDEX playground_runs_by_expiry ON playground_runs (expires_at)
"
);
