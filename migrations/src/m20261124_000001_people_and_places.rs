//! People, organizations, partners, their applications and clients, and who may do what.

crate::portable::migration!(
    "
CREATE TABLE organizations (
    id UUID PRIMARY KEY NOT NULL, name TEXT NOT NULL, created_at BIGINT NOT NULL
);
CREATE TABLE partners (
    id UUID PRIMARY KEY NOT NULL, name TEXT NOT NULL, created_at BIGINT NOT NULL
);
CREATE TABLE applications (
    id UUID PRIMARY KEY NOT NULL, partner_id UUID NOT NULL REFERENCES partners(id), name TEXT NOT NULL, url TEXT,
    policy TEXT NOT NULL, disabled_at BIGINT, created_at BIGINT NOT NULL
);
CREATE INDEX applications_by_partner ON applications (partner_id);
CREATE TABLE clients (
    client_id TEXT PRIMARY KEY NOT NULL, application_id UUID NOT NULL REFERENCES applications(id),
    metadata TEXT NOT NULL, disabled_at BIGINT, created_at BIGINT NOT NULL
);
CREATE INDEX clients_by_application ON clients (application_id);
CREATE TABLE client_secrets (
    hash BYTES PRIMARY KEY NOT NULL, client_id TEXT NOT NULL REFERENCES clients(client_id) ON DELETE CASCADE,
    created_at BIGINT NOT NULL, expires_at BIGINT
);
CREATE INDEX client_secrets_by_client ON client_secrets (client_id);
CREATE TABLE persons (
    id UUID PRIMARY KEY NOT NULL, username TEXT NOT NULL, email TEXT, claims TEXT NOT NULL, suspended_at BIGINT,
    proofed_at BIGINT, proofing_expires_at BIGINT, created_at BIGINT NOT NULL, updated_at BIGINT NOT NULL
);
CREATE UNIQUE INDEX persons_username_unique ON persons (username);
CREATE UNIQUE INDEX persons_email_unique ON persons (email);
CREATE TABLE memberships (
    person_id UUID NOT NULL REFERENCES persons(id), organization_id UUID NOT NULL REFERENCES organizations(id),
    created_at BIGINT NOT NULL, PRIMARY KEY (person_id, organization_id)
);
CREATE TABLE roles (
    person_id UUID NOT NULL REFERENCES persons(id), role TEXT NOT NULL, place TEXT NOT NULL,
    PRIMARY KEY (person_id, role, place)
);
CREATE TABLE consents (
    person_id UUID NOT NULL REFERENCES persons(id), client_id TEXT NOT NULL, scopes TEXT NOT NULL,
    granted_at BIGINT NOT NULL, PRIMARY KEY (person_id, client_id)
);
"
);
