//! The linter's findings and the go-live list of a client.

use std::sync::Arc;

use axum::Router;
use axum::extract::{Path, Query as Address};
use axum::response::Response;
use axum::routing::get;
use serde_json::json;
use stepgate_core::clients::golive::{self, State};
use stepgate_core::clients::lint::{self, Facts, SecretAge, Severity};
use stepgate_core::clients::requests::Seen;
use stepgate_core::clients::{Application, Client};
use stepgate_core::time::Timestamp;
use stepgate_store::requests;

use super::{Integrator, Query, client_page, done, enter, path_of, respond};
use crate::app::App;
use crate::audit;
use crate::cx::Cx;
use crate::http::extract::{Browser, Form};
use crate::http::page::{PageFailure, see_other};
use crate::pages::developer::{Block, Finding, Step};
use crate::pages::{Action, Tone};

pub(super) fn routes() -> Router<Arc<App>> {
    Router::new()
        .route("/developer/clients/{id}/checks", get(get_checks))
        .route("/developer/clients/{id}/go-live", get(get_go_live).post(post_go_live))
}

/// Requests that the linter looks at.
const LATEST: u32 = 500;

/// What is looked at, gathered.
struct Gathered {
    secrets: Vec<SecretAge>,
    seen: Seen,
    requests: usize,
    application_floor: bool,
}

async fn gather(cx: &Cx, client: &Client, application: &Application) -> Result<Gathered, PageFailure> {
    let requests = requests::list_requests_of_client(&cx.app.db, &client.id, LATEST).await?;
    let age = |secret: &stepgate_core::clients::ClientSecret| SecretAge {
        created_at: secret.created_at,
        expires_at: secret.expires_at,
    };
    let policy = |name: &str| application.policy.get(name);
    let accepts = policy("accepts").and_then(serde_json::Value::as_array).is_some_and(|classes| !classes.is_empty());
    Ok(Gathered {
        secrets: client.secrets.iter().map(age).collect(),
        seen: Seen::of(&requests),
        requests: requests.len(),
        application_floor: accepts || policy("proofed") == Some(&json!(true)),
    })
}

impl Gathered {
    fn facts<'a>(&'a self, cx: &Cx, client: &'a Client) -> Facts<'a> {
        Facts {
            metadata: &client.metadata,
            secrets: &self.secrets,
            application_floor: self.application_floor,
            local_issuer: cx.app.settings.server.is_loopback_http(),
            access_token_seconds: cx.app.settings.tokens.access_seconds,
            seen: &self.seen,
            now: cx.now,
        }
    }
}

async fn get_checks(cx: Cx, browser: Browser, Path(id): Path<String>) -> Response {
    let shown = async {
        let integrator = enter(&cx, &browser).await?;
        let (client, application) = integrator.client(&cx, &id).await?;
        let gathered = gather(&cx, &client, &application).await?;
        let base = path_of(&client.id);
        let view = |found: lint::Finding| Finding {
            id: found.id.to_owned(),
            severity: match found.severity {
                Severity::Must => (Tone::Danger, "Must"),
                Severity::Should => (Tone::Warning, "Should"),
                Severity::Advice => (Tone::Notice, "Advice"),
            },
            what: found.what,
            why: found.why.to_owned(),
            fix: found.fix.to_owned(),
            link: found.field.map(|field| (format!("Set {field}"), format!("{base}/edit#form-{field}"))),
        };
        let found = lint::findings(&gathered.facts(&cx, &client)).into_iter().map(view).collect();
        let lead = format!(
            "What is wrong, risky or left undone in the registration and in the latest {} requests, what matters most first.",
            gathered.requests
        );
        let page = client_page(&cx, &integrator, (&client, &application), "/checks");
        Ok(respond(&page.with(Block::Words(lead)).with(Block::Findings(found))))
    };
    shown.await.unwrap_or_else(|failure: PageFailure| failure.respond(&cx))
}

fn step_view(cx: &Cx, integrator: &Integrator, client: &Client, step: &golive::Step) -> Step {
    let since = |at: Option<Timestamp>| at.map(|at| integrator.when(cx, at));
    let (at, manual) = match step.state {
        State::Done(at) => (since(at), false),
        State::Open => (None, false),
        State::Confirmed(at) => (since(at), true),
    };
    let words = if step.is_done() { "Take back" } else { "Confirm" };
    let path = format!("{}/go-live", path_of(&client.id));
    let set = if step.is_done() { "" } else { "1" };
    let confirm = manual
        .then(|| Action::post(format!("confirm-{}", step.id), words, path).with("step", step.id).with("set", set));
    Step {
        id: step.id.to_owned(),
        title: step.title.to_owned(),
        how: step.how.to_owned(),
        done: step.is_done(),
        since: at,
        confirm,
    }
}

async fn get_go_live(cx: Cx, browser: Browser, Path(id): Path<String>, Address(query): Address<Query>) -> Response {
    let shown = async {
        let integrator = enter(&cx, &browser).await?;
        let (client, application) = integrator.client(&cx, &id).await?;
        let gathered = gather(&cx, &client, &application).await?;
        let milestones = requests::milestones_of(&cx.app.db, &client.id).await?;
        let reached = |name: &str| milestones.iter().find(|(known, _)| known == name).map(|(_, at)| *at);
        let facts = gathered.facts(&cx, &client);
        let steps = golive::steps(&facts, &lint::findings(&facts), client.created_at, &reached);
        let (done_count, all) = (steps.iter().filter(|step| step.is_done()).count(), steps.len());
        let steps = steps.iter().map(|step| step_view(&cx, &integrator, &client, step)).collect();
        let mut page = client_page(&cx, &integrator, (&client, &application), "/go-live");
        page.done = done(&query);
        let lead = format!("{done_count} of {all} done. Most are ticked by themselves once they were seen to work.");
        Ok(respond(&page.with(Block::Words(lead)).with(Block::Steps(steps))))
    };
    shown.await.unwrap_or_else(|failure: PageFailure| failure.respond(&cx))
}

async fn post_go_live(Path(id): Path<String>, form: Form) -> Response {
    let cx = form.cx.clone();
    let confirmed = async {
        let integrator = enter(&cx, &form.browser).await?;
        let (client, _) = integrator.client(&cx, &id).await?;
        let known = golive::MANUAL.iter().find(|(id, ..)| *id == form.get("step"));
        let (step, ..) = known.ok_or(PageFailure::NotFound)?;
        let set = form.get("set") == "1";
        let transaction = cx.app.db.begin().await?;
        if set {
            requests::upsert_milestone(&transaction, &client.id, step, cx.now).await?;
        } else {
            requests::delete_milestone(&transaction, &client.id, step).await?;
        }
        let event = integrator.event("developer.golive.confirmed").client(&client.id);
        audit::record(&cx, &transaction, event.data(json!({ "step": step, "confirmed": set }))).await?;
        transaction.commit().await?;
        Ok(see_other(&format!("{}/go-live#step-{step}", path_of(&client.id))))
    };
    confirmed.await.unwrap_or_else(|failure: PageFailure| failure.respond(&cx))
}
