//! Who may see and do what. One table; what is not in it is denied.

use stepgate_core::account::Role;
use stepgate_core::id::{ApplicationId, OrganizationId, PartnerId};

/// The places of the administrators' pages.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Place {
    /// People and their credentials.
    People,
    /// Roles of people.
    Roles,
    /// Organizations.
    Organizations,
    /// Partners.
    Partners,
    /// Applications and their policies.
    Applications,
    /// Clients.
    Clients,
    /// The audit log.
    Audit,
    /// Signing keys.
    Keys,
    /// Codes by telephone: spending, conversion, the switch.
    Phones,
    /// The integrators' console.
    Developer,
    /// Hardware tokens: the inventory, and the files that come in and go out.
    Tokens,
    /// Requests to be identity-proofed.
    Proofing,
    /// Invitations that an organization or a partner pays for.
    Invitations,
    /// What was sold, and what ends.
    Reports,
    /// Orders, invoices, vouchers, the catalogue.
    Orders,
    /// Accounts of sponsors: what may be spent, and whether an organization's renews for its people.
    Accounts,
}

impl Place {
    /// Every place, in the order of the tabs.
    pub const ALL: &'static [Self] = &[
        Self::People,
        Self::Roles,
        Self::Organizations,
        Self::Partners,
        Self::Applications,
        Self::Clients,
        Self::Audit,
        Self::Keys,
        Self::Phones,
        Self::Developer,
        Self::Tokens,
        Self::Proofing,
        Self::Invitations,
        Self::Reports,
        Self::Orders,
        Self::Accounts,
    ];

    /// The address of its tab.
    pub const fn tab(self) -> &'static str {
        match self {
            Self::People | Self::Roles => "/admin/people",
            Self::Organizations => "/admin/organizations",
            Self::Partners => "/admin/partners",
            Self::Applications => "/admin/applications",
            Self::Clients => "/admin/clients",
            Self::Audit => "/admin/audit",
            Self::Keys => "/admin/keys",
            Self::Phones => "/admin/phones",
            Self::Developer => "/developer",
            Self::Tokens => "/admin/tokens",
            Self::Proofing => "/admin/proofing",
            Self::Invitations => "/admin/invitations",
            Self::Reports => "/admin/reports",
            Self::Orders | Self::Accounts => "/admin/orders",
        }
    }
}

/// What is to be done there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Act {
    /// Look.
    See,
    /// Change.
    Edit,
}

/// How far it reaches.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Scope {
    /// Everything there.
    All,
    /// What belongs to these.
    Limited {
        /// People of these organizations.
        organizations: Vec<OrganizationId>,
        /// Applications of these partners.
        partners: Vec<PartnerId>,
        /// These applications.
        applications: Vec<ApplicationId>,
    },
    /// Nothing.
    Nothing,
}

/// What one role may do: `Some(true)` everywhere, `Some(false)` in its own place, `None` not at all.
const fn reach(role: Role, place: Place, act: Act) -> Option<bool> {
    match (role, place, act) {
        (Role::Operator, _, _) => Some(true),
        // Support helps people; it hands out no roles and sees no keys.
        (Role::Support, Place::People | Place::Tokens, _)
        | (Role::Support, Place::Organizations | Place::Audit, Act::See) => Some(true),
        (Role::ProofingAgent, Place::Proofing, _) => Some(true),
        (Role::Finance, Place::Reports, Act::See) => Some(true),
        (Role::OrganizationAdministrator(_) | Role::PartnerAdministrator(_), Place::Invitations, _)
        | (Role::OrganizationAdministrator(_) | Role::PartnerAdministrator(_), Place::Reports, Act::See) => Some(false),
        (Role::Finance, Place::Orders | Place::Accounts, _) => Some(true),
        // What may be spent is said by finance alone, who reaches all of them.
        (Role::OrganizationAdministrator(_), Place::Accounts, _)
        | (Role::PartnerAdministrator(_), Place::Accounts, Act::See) => Some(false),
        (Role::OrganizationAdministrator(_) | Role::PartnerAdministrator(_), Place::Orders, Act::See) => Some(false),
        (Role::OrganizationAdministrator(_), Place::People, _) => Some(false),
        (Role::OrganizationAdministrator(_), Place::Organizations, Act::See) => Some(false),
        (Role::PartnerAdministrator(_), Place::Applications | Place::Clients | Place::Developer, _) => Some(false),
        (Role::PartnerAdministrator(_), Place::Partners, Act::See) => Some(false),
        (Role::Integrator(_), Place::Clients | Place::Developer, _)
        | (Role::Integrator(_), Place::Applications, Act::See) => Some(false),
        (Role::ApplicationAdministrator(_), Place::Applications, Act::See) => Some(false),
        _ => None,
    }
}

/// How far the roles of a person reach.
pub fn may(roles: &[Role], place: Place, act: Act) -> Scope {
    let (mut organizations, mut partners, mut applications) = (Vec::new(), Vec::new(), Vec::new());
    for role in roles {
        match (reach(*role, place, act), role) {
            (Some(true), _) => return Scope::All,
            (Some(false), Role::OrganizationAdministrator(id)) => organizations.push(*id),
            (Some(false), Role::PartnerAdministrator(id) | Role::Integrator(id)) => partners.push(*id),
            (Some(false), Role::ApplicationAdministrator(id)) => applications.push(*id),
            (Some(false) | None, _) => {}
        }
    }
    if organizations.is_empty() && partners.is_empty() && applications.is_empty() {
        return Scope::Nothing;
    }
    Scope::Limited { organizations, partners, applications }
}

/// The tabs of the administrators' pages that these roles see.
pub fn seen(roles: &[Role]) -> Vec<&'static str> {
    let places = Place::ALL.iter().filter(|place| may(roles, **place, Act::See) != Scope::Nothing);
    let mut tabs: Vec<_> = places.map(|place| place.tab()).filter(|tab| tab.starts_with("/admin")).collect();
    if tabs.contains(&Place::Audit.tab()) {
        tabs.push("/admin/janitor");
    }
    tabs.sort_unstable();
    tabs.dedup();
    tabs
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Every place for every role, written out: `A` everything, `o` its own, `-` nothing; to see, then to edit.
    #[test]
    fn each_role_at_each_place() {
        let id = uuid::Uuid::from_u128(1);
        let roles = [
            (Role::Operator, "AA AA AA AA AA AA AA AA AA AA AA AA AA AA AA AA"),
            (Role::Support, "AA -- A- -- -- -- A- -- -- -- AA -- -- -- -- --"),
            (Role::ProofingAgent, "-- -- -- -- -- -- -- -- -- -- -- AA -- -- -- --"),
            (Role::Finance, "-- -- -- -- -- -- -- -- -- -- -- -- -- A- AA AA"),
            (
                Role::OrganizationAdministrator(OrganizationId::from_uuid(id)),
                "oo -- o- -- -- -- -- -- -- -- -- -- oo o- o- oo",
            ),
            (Role::PartnerAdministrator(PartnerId::from_uuid(id)), "-- -- -- o- oo oo -- -- -- oo -- -- oo o- o- o-"),
            (Role::Integrator(PartnerId::from_uuid(id)), "-- -- -- -- o- oo -- -- -- oo -- -- -- -- -- --"),
            (
                Role::ApplicationAdministrator(ApplicationId::from_uuid(id)),
                "-- -- -- -- o- -- -- -- -- -- -- -- -- -- -- --",
            ),
        ];
        let letter = |scope: Scope| match scope {
            Scope::All => 'A',
            Scope::Limited { .. } => 'o',
            Scope::Nothing => '-',
        };
        for (role, expected) in roles {
            let row = Place::ALL.iter().map(|place| {
                [Act::See, Act::Edit].map(|act| letter(may(&[role], *place, act))).iter().collect::<String>()
            });
            assert_eq!(row.collect::<Vec<_>>().join(" "), expected, "{role:?}");
        }
        assert_eq!(may(&[], Place::People, Act::See), Scope::Nothing);
    }
}
