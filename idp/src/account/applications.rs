//! My Applications: what each needs, and the one button for the next step.

use std::sync::Arc;

use axum::Router;
use axum::http::StatusCode;
use axum::response::Response;
use axum::routing::{get, post};
use stepgate_core::account::Person;
use stepgate_core::assurance::{
    self, ApplicationPolicy, CredentialKind, CredentialState, Decision, RepairReason, Requirement,
};
use stepgate_core::authorize::interaction::PortalPage;
use stepgate_core::clients::{Application, SubjectType};
use stepgate_core::id::{ApplicationId, CredentialId};
use stepgate_store::{applications, consents, people, wanted};
use url::Url;

use super::{Visitor, visit};
use crate::app::App;
use crate::clients::{self, Registered};
use crate::cx::Cx;
use crate::fault::Fault;
use crate::http::extract::{Browser, Form};
use crate::http::page::{PageFailure, see_other, with_browser};
use crate::login::parked::KEPT_FOR;
use crate::pages::account::{ApplicationRow, ApplicationsPage};
use crate::pages::login::web_address;
use crate::pages::{self, Action, Section, Tone, When};
use crate::proofing::{self, Standing};
use crate::subscriptions;

pub(super) fn routes() -> Router<Arc<App>> {
    Router::new().route("/applications", get(get_applications)).route("/applications/mend", post(post_mend))
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
        let address = initiation(cx, &visitor.person, &client);
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
pub(super) fn initiation(cx: &Cx, person: &Person, client: &Registered) -> Option<String> {
    let metadata = &client.client.metadata;
    let mut address = Url::parse(&web_address(metadata.initiate_login_uri.as_deref())?).ok()?;
    let mut query = address.query_pairs_mut();
    query.append_pair("iss", cx.app.issuer());
    if metadata.subject_type == SubjectType::Public {
        query.append_pair("login_hint", &person.username.to_string());
    }
    if let Some(target) = &client.application.url {
        query.append_pair("target_link_uri", target);
    }
    drop(query);
    Some(address.into())
}

/// What an application accepts, of whoever comes without a wish of their own.
///
/// # Errors
/// A policy that does not read.
pub(crate) fn requirement_of(cx: &Cx, application: &Application) -> Result<Requirement, Fault> {
    let policy: ApplicationPolicy = serde_json::from_value(application.policy.clone()).map_err(Fault::internal)?;
    Requirement::of_floors(&cx.app.catalogue, std::slice::from_ref(&policy), cx.now).map_err(Fault::internal)
}

fn decided(cx: &Cx, visitor: &Visitor, requirement: &Requirement) -> Decision {
    let events = &visitor.live.session.events;
    assurance::decide(&cx.app.catalogue, requirement, events, &visitor.holdings(cx), cx.now)
}

fn row(
    cx: &Cx,
    visitor: &Visitor,
    application: &Application,
    partner: &str,
    address: &str,
) -> Result<ApplicationRow, Fault> {
    let requirement = requirement_of(cx, application)?;
    let open = |label: &str| Action::link(format!("open-{}", application.id), label, address);
    let (status, note, action) = match decided(cx, visitor, &requirement) {
        Decision::Satisfied(_) => ((Tone::Ok, "Ready".to_owned()), holds(&requirement, visitor, cx), open("Open")),
        Decision::Challenge { .. } | Decision::Reauthenticate { .. } => {
            let with = holds(&requirement, visitor, cx).map_or_else(String::new, |holds| format!(" {holds}"));
            let note = format!("It asks for one more factor when you open it.{with}");
            ((Tone::Notice, "Needs more than this login".to_owned()), Some(note), open("Elevate and open"))
        }
        decision @ (Decision::Repair { .. } | Decision::Acquire { .. } | Decision::Unmet { .. }) => {
            let closed = matches!(decision, Decision::Unmet { .. });
            let status = if closed { (Tone::Danger, "Closed") } else { (Tone::Warning, "Requirements not met") };
            let mend = mend(cx, visitor, (application, &requirement), &decision);
            let action = Action::post(format!("mend-{}", application.id), mend.label, "/applications/mend");
            let action = action.with("application", application.id.to_string());
            ((status.0, status.1.to_owned()), Some(mend.note), action)
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

/// What is missing, and the way to it.
struct Mend {
    note: String,
    label: &'static str,
    path: String,
}

fn mend(
    cx: &Cx,
    visitor: &Visitor,
    (application, requirement): (&Application, &Requirement),
    decision: &Decision,
) -> Mend {
    let get = || format!("/account/otp/get?application={}", application.id);
    match decision {
        Decision::Repair { credential, kind, reason } => {
            let (words, label, path) = repair(cx, visitor, (*credential, *reason));
            let note = format!("You have {}, which {words}.", assurance::label(*kind));
            Mend { note, label, path: path.unwrap_or_else(get) }
        }
        Decision::Acquire { acceptable, proofing } => {
            let accepts = assurance::acceptable(requirement, cx.now);
            let proofed = visitor.person.is_proofed(cx.now);
            if let Some(key) = subscriptions::fitting(&visitor.keys, &accepts, (&visitor.owns(), proofed)) {
                let note = format!("You have {}, bought and not activated yet.", subscriptions::name_of(cx, key));
                return Mend { note, label: "Activate", path: "/account/otp/license".to_owned() };
            }
            if *proofing && acceptable.is_empty() {
                let note = "Your credential would do, but your identity is not proofed.".to_owned();
                return Mend { note, label: "Get proofed", path: get() };
            }
            Mend {
                note: "You do not hold a credential that it accepts.".to_owned(),
                label: "Get credential",
                path: get(),
            }
        }
        Decision::Satisfied(_)
        | Decision::Challenge { .. }
        | Decision::Reauthenticate { .. }
        | Decision::Unmet { .. } => {
            let note = "It accepts no credential at the moment.".to_owned();
            Mend { note, label: "Open Manage OTP", path: "/account/otp".to_owned() }
        }
    }
}

/// On the way to what is missing: the application is remembered, so that everything on the way knows it and leads back.
async fn post_mend(form: Form) -> Response {
    let cx = form.cx.clone();
    let begun = async {
        let visitor = visit(&cx, &form.browser, PortalPage::Applications).await?;
        let Ok(id) = form.get("application").parse::<ApplicationId>() else { return Err(PageFailure::NotFound) };
        let found = applications::find_application(&cx.app.db, id).await?;
        let application = found.filter(|found| found.disabled_at.is_none()).ok_or(PageFailure::NotFound)?;
        let requirement = requirement_of(&cx, &application)?;
        let decision = decided(&cx, &visitor, &requirement);
        let mut path = mend(&cx, &visitor, (&application, &requirement), &decision).path;
        if let Decision::Acquire { acceptable, proofing: true } = &decision
            && acceptable.is_empty()
            && matches!(
                proofing::standing(&cx, visitor.person.id).await?,
                Standing::Waits(_) | Standing::Refused(_) | Standing::RefusedForGood(_)
            )
        {
            "/account/proofing".clone_into(&mut path);
        }
        let clients = applications::client_ids_of(&cx.app.db, id).await?;
        let been = consents::list_uses(&cx.app.db, visitor.person.id).await?;
        let client = clients.iter().find(|client| been.iter().any(|used| used.client == **client)).or(clients.first());
        if let Some(client) = client {
            let whose = (visitor.person.id, client.as_str());
            wanted::want(&cx.app.db.write, whose, (cx.now, cx.now + KEPT_FOR)).await?;
        }
        Ok(see_other(&path))
    };
    begun.await.unwrap_or_else(|failure: PageFailure| failure.respond(&cx))
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

/// What is wrong with a credential, the button that mends it, and where that leads: `None` to something new.
fn repair(
    cx: &Cx,
    visitor: &Visitor,
    (id, reason): (CredentialId, RepairReason),
) -> (String, &'static str, Option<String>) {
    let card = Some(format!("/account/otp#credential-{id}"));
    let held = visitor.credentials.iter().find(|held| held.id == id);
    match reason {
        RepairReason::NotActivated => ("is not activated yet".to_owned(), "Activate", card),
        RepairReason::Suspended => ("is suspended".to_owned(), "See why", card),
        RepairReason::Locked => ("is locked after too many wrong codes".to_owned(), "See why", card),
        RepairReason::Expired => {
            let ended = held.and_then(|held| held.expires_at).map(|at| When::date(at, &visitor.zone()).text);
            let words = ended.map_or_else(|| "has expired".to_owned(), |on| format!("expired on {on}"));
            if held.is_some_and(|held| subscriptions::is_renewable(cx, held)) {
                (words, "Renew", Some(format!("/account/otp/renew?credential={id}")))
            } else {
                (words, "Get credential", None)
            }
        }
    }
}
