//! People, the organizations they belong to, and what they may do.

use serde::{Deserialize, Serialize};

use crate::contact::Username;
use crate::id::{ApplicationId, OrganizationId, PartnerId, PersonId};
use crate::time::Timestamp;

/// A person with an account. One person, many memberships.
#[derive(Clone, Debug)]
pub struct Person {
    /// The account's id; the `sub` of public clients.
    pub id: PersonId,
    /// The user ID that the person types.
    pub username: Username,
    /// The standard claims that are set (OpenID Connect Core §5.1); what is unset is absent.
    pub claims: StandardClaims,
    /// When an administrator suspended the account; `None` while it is usable.
    pub suspended_at: Option<Timestamp>,
    /// When the person's identity was proofed.
    pub proofed_at: Option<Timestamp>,
    /// When that proofing stops to count; `None` means it does not end.
    pub proofing_expires_at: Option<Timestamp>,
    /// When the account was made.
    pub created_at: Timestamp,
    /// When the claims last changed: `updated_at`.
    pub updated_at: Timestamp,
}

impl Person {
    /// The name to greet with: the full name, else the user ID.
    pub fn display_name(&self) -> &str {
        self.claims.name.as_deref().unwrap_or(self.username.as_str())
    }

    /// Whether the identity proofing is valid at `now`.
    pub fn is_proofed(&self, now: Timestamp) -> bool {
        self.proofed_at.is_some_and(|at| at <= now) && self.proofing_expires_at.is_none_or(|end| now < end)
    }
}

/// The standard claims of OpenID Connect Core §5.1, but for `sub` and `updated_at`. Unset ones are absent, never empty.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
#[expect(missing_docs, reason = "each field is the claim of the same name in OpenID Connect Core §5.1")]
pub struct StandardClaims {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub given_name: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub family_name: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub middle_name: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub nickname: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub preferred_username: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub profile: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub picture: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub website: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub gender: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub birthdate: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub zoneinfo: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub locale: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub email: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub email_verified: Option<bool>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub phone_number: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub phone_number_verified: Option<bool>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub address: Option<Address>,
}

/// The `address` claim (OpenID Connect Core §5.1.1).
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
#[expect(missing_docs, reason = "each field is the member of the same name in OpenID Connect Core §5.1.1")]
pub struct Address {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub formatted: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub street_address: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub locality: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub region: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub postal_code: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub country: Option<String>,
}

/// An organization whose people log in.
#[derive(Clone, Debug)]
pub struct Organization {
    /// Its id.
    pub id: OrganizationId,
    /// Its name, as the portal shows it.
    pub name: String,
    /// When it was made.
    pub created_at: Timestamp,
}

/// A partner (service provider) that owns applications.
#[derive(Clone, Debug)]
pub struct Partner {
    /// Its id.
    pub id: PartnerId,
    /// Its name.
    pub name: String,
    /// When it was made.
    pub created_at: Timestamp,
}

/// What a person may do, and where. Everything not granted is denied.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Role {
    /// Runs the deployment: sees and edits everything.
    Operator,
    /// Looks people up, resets and re-binds credentials.
    Support,
    /// Runs video proofing appointments.
    ProofingAgent,
    /// Handles orders: invoices, refunds, vouchers, the accounts of sponsors.
    Finance,
    /// Invites and suspends people of one organization.
    OrganizationAdministrator(OrganizationId),
    /// Owns a partner's applications and their policies.
    PartnerAdministrator(PartnerId),
    /// Registers and tests a partner's clients.
    Integrator(PartnerId),
    /// Approves access to one application.
    ApplicationAdministrator(ApplicationId),
}

impl Role {
    /// The role's name and the id of the place it is limited to, as the store keeps them.
    pub fn parts(self) -> (&'static str, Option<uuid::Uuid>) {
        match self {
            Self::Operator => ("operator", None),
            Self::Support => ("support", None),
            Self::ProofingAgent => ("proofing_agent", None),
            Self::Finance => ("finance", None),
            Self::OrganizationAdministrator(id) => ("organization_administrator", Some(id.uuid())),
            Self::PartnerAdministrator(id) => ("partner_administrator", Some(id.uuid())),
            Self::Integrator(id) => ("integrator", Some(id.uuid())),
            Self::ApplicationAdministrator(id) => ("application_administrator", Some(id.uuid())),
        }
    }

    /// The inverse of [`Role::parts`]; `None` when the two do not belong together.
    pub fn from_parts(name: &str, place: Option<uuid::Uuid>) -> Option<Self> {
        Some(match (name, place) {
            ("operator", None) => Self::Operator,
            ("support", None) => Self::Support,
            ("proofing_agent", None) => Self::ProofingAgent,
            ("finance", None) => Self::Finance,
            ("organization_administrator", Some(id)) => Self::OrganizationAdministrator(OrganizationId::from_uuid(id)),
            ("partner_administrator", Some(id)) => Self::PartnerAdministrator(PartnerId::from_uuid(id)),
            ("integrator", Some(id)) => Self::Integrator(PartnerId::from_uuid(id)),
            ("application_administrator", Some(id)) => Self::ApplicationAdministrator(ApplicationId::from_uuid(id)),
            _ => return None,
        })
    }
}
