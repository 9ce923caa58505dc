//! My Applications: what each needs, and the one button for the next step.

use std::sync::Arc;

use axum::Router;
use axum::http::StatusCode;
use axum::response::Response;
use axum::routing::get;
use stepgate_core::assurance::{
    self, ApplicationPolicy, Ask, CredentialKind, CredentialState, Decision, RepairReason, Requirement,
};
use stepgate_core::authorize::interaction::PortalPage;
use stepgate_core::clients::{Application, SubjectType};
use stepgate_core::id::{ApplicationId, CredentialId};
use stepgate_store::{applications, consents, people};
use url::Url;

use super::{Visitor, visit};
use crate::app::App;
use crate::clients::{self, Registered};
use crate::cx::Cx;
use crate::fault::Fault;
use crate::http::extract::Browser;
use crate::http::page::{PageFailure, with_browser};
use crate::pages::account::{ApplicationRow, ApplicationsPage};
use crate::pages::login::web_address;
use crate::pages::{self, Action, Section, Tone, When};
use crate::subscriptions;

pub(super) fn routes() -> Router<Arc<App>> {
    Router::new().route("/applications", get(get_applications))
}

async fn get_applications(cx: Cx, browser: Browser) -> Response {
    show(&cx, &browser).await.unwrap_or_else(|failure| failure.respond(&cx))
}

async fn show(cx: &Cx, browser: &Browser) -> Result<Response, PageFailure> {
    let visitor = visit(cx, browser, PortalPage::Applications).await?;
    let doors = doors(cx, &visitor).await?;
    let mut rows = Vec::new();
    let mut listed = applications::list_open_applications(&cx.app.db).await?;
    for door in doors.iter().filter(|door| door.been_there && door.address.is_some()) {
        if listed.iter().all(|known| known.id != door.application) {
            listed.extend(applications::find_application(&cx.app.db, door.application).await?);
        }
    }
    let mut owners: Vec<_> = listed.iter().map(|application| application.partner).collect();
    owners.sort_unstable();
    owners.dedup();
    let partners = people::list_partners_in(&cx.app.db, &owners).await?;
    for application in listed {
        let door = doors.iter().find(|door| door.application == application.id);
        let Some(address) = door.and_then(|door| door.address.clone()).or_else(|| application.url.clone()) else {
            continue;
        };
        // Anybody may register a client; among a person's applications are those that an administrator gave an
        // address, and those where the person has been.
        let own = application.url.is_some() || door.is_some_and(|door| door.been_there);
        if application.disabled_at.is_some() || !own {
            continue;
        }
        let partner = partners.iter().find(|partner| partner.id == application.partner);
        let partner = partner.map_or("", |partner| &partner.name);
        let mut row = row(cx, &visitor, &application, partner, &address)?;
        row.logo = door.and_then(|door| door.logo.clone());
        rows.push(row);
    }
    let page =
        ApplicationsPage { layout: visitor.layout(cx, "My Applications", Section::Applications), applications: rows };
    Ok(with_browser(cx, browser, pages::respond(StatusCode::OK, &page)))
}

/// How an application is entered, as far as its clients say.
struct Door {
    application: ApplicationId,
    been_there: bool,
    logo: Option<String>,
    /// `initiate_login_uri` with its parameters.
    address: Option<String>,
}

/// The doors that clients of the person's applications opened: those where the person has been first.
async fn doors(cx: &Cx, visitor: &Visitor) -> Result<Vec<Door>, Fault> {
    let uses = consents::list_uses(&cx.app.db, visitor.person.id).await?;
    let mut clients: Vec<(String, bool)> = uses.into_iter().map(|used| (used.client, true)).collect();
    for (_, client) in applications::list_initiable_clients(&cx.app.db).await? {
        if clients.iter().all(|(known, _)| *known != client) {
            clients.push((client, false));
        }
    }
    let mut doors: Vec<Door> = Vec::new();
    for (client, been_there) in clients {
        let Some(client) = clients::find(cx, &client).await? else { continue };
        let address = initiation(cx, visitor, &client);
        let logo = web_address(client.client.metadata.logo_uri.as_deref());
        match doors.iter_mut().find(|door| door.application == client.application.id) {
            Some(door) => {
                door.address = door.address.take().or(address);
                door.logo = door.logo.take().or(logo);
            }
            None => doors.push(Door { application: client.application.id, been_there, logo, address }),
        }
    }
    Ok(doors)
}

/// Where the application starts a login by itself, told who starts it and for whom (OpenID Connect Core §4). A client
/// that sees pairwise subjects is not told a name by which it could compare people with others.
pub(super) fn initiation(cx: &Cx, visitor: &Visitor, client: &Registered) -> Option<String> {
    let metadata = &client.client.metadata;
    let mut address = Url::parse(&web_address(metadata.initiate_login_uri.as_deref())?).ok()?;
    let mut query = address.query_pairs_mut();
    query.append_pair("iss", cx.app.issuer());
    if metadata.subject_type == SubjectType::Public {
        query.append_pair("login_hint", &visitor.person.username.to_string());
    }
    if let Some(target) = &client.application.url {
        query.append_pair("target_link_uri", target);
    }
    drop(query);
    Some(address.into())
}

fn row(
    cx: &Cx,
    visitor: &Visitor,
    application: &Application,
    partner: &str,
    address: &str,
) -> Result<ApplicationRow, Fault> {
    let policy: ApplicationPolicy = serde_json::from_value(application.policy.clone()).map_err(Fault::internal)?;
    let ask = Ask {
        floors: std::slice::from_ref(&policy),
        essential_acr: None,
        acr_values: &[],
        acr_values_voluntary: false,
        max_age: None,
        login_prompted: false,
        started_at: cx.now,
    };
    let requirement = Requirement::from_ask(&cx.app.catalogue, &ask).map_err(Fault::internal)?;
    let events = &visitor.live.session.events;
    let decision = assurance::decide(&cx.app.catalogue, &requirement, events, &visitor.holdings(cx), cx.now);
    let open = |label: &str| Action::link(format!("open-{}", application.id), label, address);
    let mend = |label: &str, path: &str| Action::link(format!("mend-{}", application.id), label, path);
    let unmet = |note: String, action| ((Tone::Warning, "Requirements not met".to_owned()), Some(note), action);
    let (status, note, action) = match decision {
        Decision::Satisfied(_) => ((Tone::Ok, "Ready".to_owned()), holds(&requirement, visitor, cx), open("Open")),
        Decision::Challenge { .. } | Decision::Reauthenticate { .. } => {
            let with = holds(&requirement, visitor, cx).map_or_else(String::new, |holds| format!(" {holds}"));
            let note = format!("It asks for one more factor when you open it.{with}");
            ((Tone::Notice, "Needs more than this login".to_owned()), Some(note), open("Elevate and open"))
        }
        Decision::Repair { credential, kind, reason } => {
            let (words, action) = repair(cx, visitor, (credential, reason));
            let action = mend(&action.0, &action.1);
            unmet(format!("You have {}, which {words}.", assurance::label(kind)), action)
        }
        Decision::Acquire { acceptable, proofing: true } if acceptable.is_empty() => {
            let note = "Your credential would do, but your identity is not proofed.".to_owned();
            unmet(note, mend("Get proofed", "/account/proofing"))
        }
        Decision::Acquire { .. } => {
            let note = "You do not hold a credential that it accepts.".to_owned();
            unmet(note, mend("Get credential", "/account/otp/get"))
        }
        Decision::Unmet { .. } => {
            let note = "It accepts no credential at the moment.".to_owned();
            ((Tone::Danger, "Closed".to_owned()), Some(note), mend("Open Manage OTP", "/account/otp"))
        }
    };
    Ok(ApplicationRow {
        name: application.name.clone(),
        partner: partner.to_owned(),
        logo: None,
        status,
        needs: requirement.names().join(" or "),
        note,
        action: Some(action),
    })
}

/// What the person has that an application accepts.
fn holds(requirement: &Requirement, visitor: &Visitor, cx: &Cx) -> Option<String> {
    let mut kinds: Vec<&str> = Vec::new();
    for held in &visitor.credentials {
        let usable = held.state(cx.now) == CredentialState::Active && requirement.allows(held.kind);
        let listed = !matches!(held.kind, CredentialKind::Password | CredentialKind::Recovery);
        let name = assurance::label(held.kind);
        if usable && listed && !kinds.contains(&name) {
            kinds.push(name);
        }
    }
    (!kinds.is_empty()).then(|| format!("You have: {}.", kinds.join(", ")))
}

/// What is wrong with a credential, and the button that mends it: its words and where it leads.
fn repair(cx: &Cx, visitor: &Visitor, (id, reason): (CredentialId, RepairReason)) -> (String, (String, String)) {
    let card = format!("/account/otp#credential-{id}");
    let held = visitor.credentials.iter().find(|held| held.id == id);
    match reason {
        RepairReason::NotActivated => ("is not activated yet".to_owned(), ("Activate".to_owned(), card)),
        RepairReason::Suspended => ("is suspended".to_owned(), ("See why".to_owned(), card)),
        RepairReason::Locked => ("is locked after too many wrong codes".to_owned(), ("See why".to_owned(), card)),
        RepairReason::Expired => {
            let ended = held.and_then(|held| held.expires_at).map(|at| When::date(at, &visitor.zone()).text);
            let words = ended.map_or_else(|| "has expired".to_owned(), |on| format!("expired on {on}"));
            let open = held.is_some_and(|held| subscriptions::is_renewable(cx, held));
            if open {
                (words, ("Renew".to_owned(), format!("/account/otp/renew?credential={id}")))
            } else {
                (words, ("Get credential".to_owned(), "/account/otp/get".to_owned()))
            }
        }
    }
}
