//! The integrators' console: applications, clients, their secrets, configuration to copy, what they sent, what is wrong
//! with them, and a playground. For integrators and administrators of a partner, and for operators.
//!
//! Owns: what an integrator may change about a partner's clients. Never: what only an operator grants, the policy of an
//! application (that is its administrator's), a secret after it was shown once.

mod applications;
mod checks;
mod clients;
mod form;
mod log;
pub mod playground;
mod secrets;

use std::sync::Arc;

use axum::Router;
use axum::http::StatusCode;
use axum::response::Response;
use serde::Deserialize;
use stepgate_core::authorize::interaction::PortalPage;
use stepgate_core::clients::{Application, Client};
use stepgate_core::id::PartnerId;
use stepgate_store::console::Owners;

use crate::account::{Visitor, visit};
use crate::admin::access::{Act, Place, Scope, may};
use crate::app::App;
use crate::audit::{self, Event};
use crate::cx::Cx;
use crate::fault::Fault;
use crate::http::extract::Browser;
use crate::http::page::PageFailure;
use crate::pages::developer::ConsolePage;
use crate::pages::{self, Action, Layout, Section, Tone, When};

/// The routes.
pub fn routes() -> Router<Arc<App>> {
    Router::new()
        .merge(applications::routes())
        .merge(clients::routes())
        .merge(secrets::routes())
        .merge(checks::routes())
        .merge(log::routes())
        .merge(playground::routes())
}

/// The tab of applications.
const APPLICATIONS: &str = "/developer";

/// What an address of the console may carry.
#[derive(Deserialize, Default)]
#[serde(default)]
struct Query {
    q: String,
    after: String,
    outcome: String,
    endpoint: String,
    client: String,
    done: String,
    library: String,
}

/// Somebody who may be here.
pub struct Integrator {
    visitor: Box<Visitor>,
    owners: Owners,
}

/// Whoever is not logged in goes to the login; whoever is no integrator is refused.
pub async fn enter(cx: &Cx, browser: &Browser) -> Result<Integrator, PageFailure> {
    let visitor = visit(cx, browser, PortalPage::Developer).await?;
    let owners = match may(&visitor.roles, Place::Developer, Act::Edit) {
        Scope::All => Owners::All,
        Scope::Limited { partners, .. } => Owners::Partners(partners),
        Scope::Nothing => return Err(PageFailure::Forbidden),
    };
    Ok(Integrator { visitor, owners })
}

impl Integrator {
    fn layout(&self, cx: &Cx, title: &str, tab: &'static str) -> Layout {
        self.visitor.layout(cx, title, Section::Developer(tab))
    }

    /// Who.
    pub fn person(&self) -> &stepgate_core::account::Person {
        &self.visitor.person
    }

    fn owns(&self, partner: PartnerId) -> bool {
        match &self.owners {
            Owners::All => true,
            Owners::Partners(partners) => partners.contains(&partner),
        }
    }

    /// An application of theirs. Of another partner's it is not even said that it exists.
    async fn application(&self, cx: &Cx, id: &str) -> Result<Application, PageFailure> {
        let id = id.parse().map_err(|_| PageFailure::NotFound)?;
        let found = stepgate_store::applications::find_application(&cx.app.db, id).await?;
        found.filter(|application| self.owns(application.partner)).ok_or(PageFailure::NotFound)
    }

    /// A client of theirs, and its application.
    async fn client(&self, cx: &Cx, id: &str) -> Result<(Client, Application), PageFailure> {
        let client = stepgate_store::applications::find_client(&cx.app.db, id).await?.ok_or(PageFailure::NotFound)?;
        let application = self.application(cx, &client.application.to_string()).await?;
        Ok((client, application))
    }

    /// An event of theirs.
    fn event(&self, kind: &'static str) -> Event {
        Event { actor: Some(self.visitor.person.id), ..Event::new(kind) }
    }

    fn when(&self, cx: &Cx, at: stepgate_core::time::Timestamp) -> When {
        When::new(at, cx.now, &self.visitor.zone())
    }
}

/// The page of a client: its heading and its neighbours.
fn client_page(
    cx: &Cx,
    integrator: &Integrator,
    (client, application): (&Client, &Application),
    open: &str,
) -> ConsolePage {
    let name = if client.metadata.client_name.is_empty() { &client.id } else { &client.metadata.client_name };
    let mut page = ConsolePage::new(integrator.layout(cx, name, APPLICATIONS), "developer-client", name.clone());
    page.id = Some(client.id.clone());
    page.state = Some(state(client.disabled_at.is_some() || application.disabled_at.is_some()));
    page.back =
        Some(Action::link("back", application.name.clone(), format!("/developer/applications/{}", application.id)));
    let base = path_of(&client.id);
    let tabs = [
        ("Overview", ""),
        ("Settings", "/edit"),
        ("Secrets and keys", "/secrets"),
        ("Configuration", "/configuration"),
        ("Checks", "/checks"),
        ("Go live", "/go-live"),
    ];
    page.tabs = tabs
        .iter()
        .map(|(words, part)| ((*words).to_owned(), format!("{base}{part}"), *part == open))
        .chain([("Requests".to_owned(), requests_path(client), false)])
        .collect();
    page
}

fn requests_path(client: &Client) -> String {
    format!("/developer/applications/{}/requests?client={}", client.application, encode(&client.id))
}

fn path_of(client_id: &str) -> String {
    format!("/developer/clients/{}", encode(client_id))
}

fn encode(text: &str) -> String {
    form_urlencoded::byte_serialize(text.as_bytes()).collect::<String>().replace('+', "%20")
}

fn state(off: bool) -> (Tone, String) {
    if off { (Tone::Danger, "Off".to_owned()) } else { (Tone::Ok, "On".to_owned()) }
}

fn respond(page: &ConsolePage) -> Response {
    pages::respond(StatusCode::OK, page)
}

/// What was just done, in words.
fn done(query: &Query) -> Option<String> {
    let text = match query.done.as_str() {
        "saved" => "Saved. Every node has it.",
        "on" => "Switched on.",
        "off" => "Switched off: all its requests are refused from now on.",
        "removed" => "The client is removed. Its tokens are worth nothing any more.",
        "made" => "Made.",
        "ended" => "The secret has an end now.",
        _ => return None,
    };
    Some(text.to_owned())
}

/// Commits a change of a client with its event, and tells every node.
async fn commit(cx: &Cx, transaction: stepgate_store::Transaction, client_id: &str, event: Event) -> Result<(), Fault> {
    audit::record(cx, &transaction, event.client(client_id)).await?;
    transaction.commit().await?;
    tell(cx, client_id).await;
    Ok(())
}

/// This node forgets what it keeps of a client at once, the others as soon as they hear of it.
async fn tell(cx: &Cx, client_id: &str) {
    cx.app.clients.forget(client_id);
    cx.app.invalidations.publish(&format!("client:{client_id}")).await;
}
