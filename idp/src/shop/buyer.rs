//! Who buys, and what is offered to them.

use stepgate_core::account::{Organization, Person, Role};
use stepgate_core::assurance::{self, Acceptable, CredentialKind, Requirement};
use stepgate_core::authorize::interaction::PortalPage;
use stepgate_core::credentials::Credential;
use stepgate_core::id::{ApplicationId, InteractionId, OrganizationId, PartnerId, PersonId};
use stepgate_core::subscriptions::order::{LineFor, OrderLine, Sponsor};
use stepgate_core::subscriptions::product::Product;
use stepgate_store::sponsors::{self, Account};
use stepgate_store::{applications, consents, credentials, people};

use super::catalogue::{Catalogue, catalogue};
use crate::account::{Visitor, requirement_of, visit, way_to_wanted};
use crate::clients;
use crate::cx::Cx;
use crate::fault::Fault;
use crate::http::extract::Browser;
use crate::http::page::PageFailure;
use crate::login::{self, Parked};
use crate::subscriptions::is_renewable;

/// People to choose from. Whoever has more renews them under *Renew for your people*, or invites them.
const PEOPLE: u32 = 500;

/// The application that the person wants to get to, and lacks something for.
pub(super) struct Wanted {
    /// The request of this browser that waits for it.
    pub id: Option<InteractionId>,
    /// The application's name.
    pub application: String,
    /// The way back to it.
    pub path: Option<String>,
    /// What would do; `None` where it refuses nothing.
    pub accepts: Option<Vec<Acceptable>>,
}

/// Somebody who buys.
pub(super) struct Buyer {
    /// Who.
    pub visitor: Box<Visitor>,
    /// What is sold.
    pub catalogue: Catalogue,
    /// The names of the partners whose people they are.
    pub partners: Vec<String>,
    /// The organizations that they belong to.
    pub organizations: Vec<Organization>,
    /// Where they want to get to.
    pub wanted: Option<Wanted>,
}

/// Who buys; nobody logged in is led to the login and back.
pub(super) async fn enter(cx: &Cx, browser: &Browser, page: PortalPage) -> Result<Buyer, PageFailure> {
    let visitor = visit(cx, browser, page).await?;
    for_application(cx, browser, visitor, None).await
}

/// The same, of somebody who says which application it is for.
pub(super) async fn for_application(
    cx: &Cx,
    browser: &Browser,
    visitor: Box<Visitor>,
    application: Option<ApplicationId>,
) -> Result<Buyer, PageFailure> {
    let (wanted, asking) = match wanted(cx, browser, &visitor, application).await? {
        Some((wanted, partner)) => (Some(wanted), Some(partner)),
        None => (None, None),
    };
    let catalogue = catalogue(cx).await?;
    // Who is asked for nothing in particular need not be known any better.
    let restricted = catalogue.products.iter().any(|product| !product.partners.is_empty());
    let partners = if restricted { partners(cx, &visitor, asking).await? } else { Vec::new() };
    let organizations = people::organizations_of(&cx.app.db, visitor.person.id).await?;
    Ok(Buyer { visitor, catalogue, partners, organizations, wanted })
}

/// The application that was named; else that of the request which this browser left; else the one that the person did not
/// get to, whatever browser that was in.
async fn wanted(
    cx: &Cx,
    browser: &Browser,
    visitor: &Visitor,
    application: Option<ApplicationId>,
) -> Result<Option<(Wanted, PartnerId)>, PageFailure> {
    let parked = match browser.resume {
        Some(id) => Parked::find(cx, id, browser.token()).await?,
        None => None,
    };
    if let Some(parked) = parked
        && let Some(client_id) = parked.interaction.client_id()
        && let Some(client) = clients::find(cx, client_id).await?
        && application.is_none_or(|named| named == client.application.id)
        && let Ok(requirement) = login::demand(cx, &parked.interaction, Some(&client))
    {
        let path = Some(parked.path());
        let application = client.application.name.clone();
        let wanted = Wanted { id: Some(parked.id), application, path, accepts: accepts(cx, &requirement) };
        return Ok(Some((wanted, client.application.partner)));
    }
    if let Some(named) = application {
        let found = applications::find_application(&cx.app.db, named).await?;
        let Some(found) = found.filter(|found| found.disabled_at.is_none()) else { return Ok(None) };
        let accepts = accepts(cx, &requirement_of(cx, &found)?);
        return Ok(Some((Wanted { id: None, application: found.name, path: found.url, accepts }, found.partner)));
    }
    let Some(way) = way_to_wanted(cx, &visitor.person).await? else { return Ok(None) };
    let accepts = accepts(cx, &requirement_of(cx, &way.client.application)?);
    let application = &way.client.application;
    let wanted = Wanted { id: None, application: application.name.clone(), path: way.address, accepts };
    Ok(Some((wanted, application.partner)))
}

fn accepts(cx: &Cx, requirement: &Requirement) -> Option<Vec<Acceptable>> {
    let accepts = assurance::acceptable(requirement, cx.now);
    let anything = accepts.iter().any(|option| option.kinds.is_empty() && !option.proofed);
    (!anything).then_some(accepts)
}

/// The partners whose people they are: of the application that they want, of applications where they have been, of roles.
/// Whoever comes from a partner's application counts, with or without access to it: that is how somebody gets what the
/// application asks for. A restricted product is one that others are not led to; it is no secret.
async fn partners(cx: &Cx, visitor: &Visitor, asking: Option<PartnerId>) -> Result<Vec<String>, Fault> {
    let mut ids: Vec<PartnerId> = asking.into_iter().chain(own_partners(&visitor.roles)).collect();
    for used in consents::list_uses(&cx.app.db, visitor.person.id).await? {
        if let Some(client) = clients::find(cx, &used.client).await? {
            ids.push(client.application.partner);
        }
    }
    ids.sort_unstable();
    ids.dedup();
    Ok(people::list_partners_in(&cx.app.db, &ids).await?.into_iter().map(|partner| partner.name).collect())
}

fn own_partners(roles: &[Role]) -> impl Iterator<Item = PartnerId> {
    roles.iter().filter_map(|role| match role {
        Role::PartnerAdministrator(id) | Role::Integrator(id) => Some(*id),
        _ => None,
    })
}

impl Buyer {
    /// Whether a product is offered to them.
    pub fn is_offered(&self, product: &Product) -> bool {
        product.is_sold_to(&self.partners) && product.price(self.catalogue.currency).is_some()
    }

    /// The organizations whose people they buy for.
    fn administered(&self) -> impl Iterator<Item = OrganizationId> {
        self.visitor.roles.iter().filter_map(|role| match role {
            Role::OrganizationAdministrator(id) => Some(*id),
            _ => None,
        })
    }

    /// The people whom they buy for, besides themselves.
    ///
    /// # Errors
    /// The store.
    pub async fn people(&self, cx: &Cx) -> Result<Vec<Person>, Fault> {
        let own: Vec<OrganizationId> = self.administered().collect();
        let mut found = people::list_members(&cx.app.db, &own, ("", ""), PEOPLE).await?;
        found.retain(|person| person.id != self.visitor.person.id);
        Ok(found)
    }

    /// Whether they may buy for this person.
    ///
    /// # Errors
    /// The store.
    pub async fn buys_for(&self, cx: &Cx, person: PersonId) -> Result<bool, Fault> {
        if person == self.visitor.person.id {
            return Ok(true);
        }
        let theirs = people::organizations_of(&cx.app.db, person).await?;
        Ok(self.administered().any(|own| theirs.iter().any(|organization| organization.id == own)))
    }

    /// For which of these people they may buy, all at once.
    ///
    /// # Errors
    /// The store.
    pub async fn buys_for_whom(&self, cx: &Cx, people: &[PersonId]) -> Result<Vec<PersonId>, Fault> {
        let own = self.visitor.person.id;
        let others: Vec<PersonId> = people.iter().copied().filter(|person| *person != own).collect();
        let organizations: Vec<OrganizationId> = self.administered().collect();
        let mut found = people::list_members_among(&cx.app.db, &organizations, &others).await?;
        found.push(own);
        Ok(found)
    }

    /// A credential of one of these kinds, of this person, that can be renewed now.
    ///
    /// # Errors
    /// The store.
    pub async fn renewable(
        &self,
        cx: &Cx,
        person: PersonId,
        kinds: &[CredentialKind],
    ) -> Result<Option<Credential>, Fault> {
        let held = credentials::list_credentials(&cx.app.db, person).await?;
        Ok(held.into_iter().find(|held| kinds.contains(&held.kind) && is_renewable(cx, held)))
    }

    /// The accounts that they may spend from, with the names of whose they are: of organizations and partners that they
    /// administer. To belong to one, or to test its clients, is no say over its money.
    ///
    /// # Errors
    /// The store.
    pub async fn sponsors(&self, cx: &Cx) -> Result<Vec<(Sponsor, String, Account)>, Fault> {
        let own: Vec<Sponsor> = self.visitor.roles.iter().filter_map(spends).collect();
        let mut found = Vec::new();
        for (sponsor, name) in sponsors::list_names(&cx.app.db, &own).await? {
            if let Some(account) = sponsors::find_account(&cx.app.db, sponsor, self.catalogue.currency).await? {
                found.push((sponsor, name, account));
            }
        }
        Ok(found)
    }

    /// The organization that they buy these lines for, as its administrator: for its people, or keys to hand out. What
    /// people buy for themselves concerns no organization of theirs.
    ///
    /// # Errors
    /// The store.
    pub async fn buys_as(&self, cx: &Cx, lines: &[OrderLine]) -> Result<Option<OrganizationId>, Fault> {
        let own: Vec<OrganizationId> = self.administered().collect();
        if own.is_empty() {
            return Ok(None);
        }
        for line in lines {
            let person = match line.whom {
                LineFor::Later => None,
                LineFor::Person(person) => Some(person),
                LineFor::Renewal(id) => {
                    credentials::find_credential(&cx.app.db, id).await?.map(|credential| credential.person)
                }
            };
            if let Some(person) = person.filter(|person| *person != self.visitor.person.id) {
                let theirs = people::organizations_of(&cx.app.db, person).await?;
                let shared = theirs.iter().find(|organization| own.contains(&organization.id));
                return Ok(shared.map(|organization| organization.id));
            }
        }
        let hands_out = lines.iter().any(|line| line.whom == LineFor::Later);
        Ok(own.first().copied().filter(|_| hands_out))
    }
}

/// Whose account a role lets spend.
const fn spends(role: &Role) -> Option<Sponsor> {
    match role {
        Role::OrganizationAdministrator(id) => Some(Sponsor::Organization(*id)),
        Role::PartnerAdministrator(id) => Some(Sponsor::Partner(*id)),
        Role::Operator
        | Role::Support
        | Role::ProofingAgent
        | Role::Finance
        | Role::Integrator(_)
        | Role::ApplicationAdministrator(_) => None,
    }
}

/// The application of a parked request of this browser, and the way back to it.
///
/// # Errors
/// The store.
pub(super) async fn parked(cx: &Cx, browser: &Browser, id: InteractionId) -> Result<Option<(String, String)>, Fault> {
    let Some(parked) = Parked::find(cx, id, browser.token()).await? else { return Ok(None) };
    let Some(client_id) = parked.interaction.client_id() else { return Ok(None) };
    let client = clients::find(cx, client_id).await?;
    Ok(client.map(|client| (client.application.name.clone(), parked.path())))
}
