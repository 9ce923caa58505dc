//! The playground: builds any authorization request for one of the integrator's clients, runs it in the browser, and
//! shows each message. In the demo a made-up person can be sent instead (`demo::playground`).
//!
//! Owns: runs, sealed and kept for an hour, and the sandbox client of each partner. Never: a way round anything; every
//! message goes through the same routes as a stranger's.

mod build;
mod explain;
mod messages;
mod run;
mod sandbox;
mod show;

use std::sync::Arc;

use axum::Router;
use axum::body::Bytes;
use axum::extract::{Path, Query as Address, RawQuery};
use axum::response::Response;
use axum::routing::{get, post};
use stepgate_core::id::RunId;
use stepgate_store::playground;

use super::{Integrator, Query, enter, respond};
use crate::app::App;
use crate::cx::Cx;
use crate::fault::Fault;
use crate::http::extract::{Browser, Form};
use crate::http::page::{PageFailure, see_other};
use crate::pages::developer::{Block, ConsolePage};

pub use run::{Acting, Run};

/// The tab.
const TAB: &str = "/developer/playground";
/// Where answers come.
const CALLBACK: &str = "/developer/playground/callback";

pub(super) fn routes() -> Router<Arc<App>> {
    Router::new()
        .route(TAB, get(get_playground).post(post_playground))
        .route(CALLBACK, get(get_callback).post(post_callback))
        .route("/developer/playground/sandbox", post(post_sandbox))
        .route("/developer/playground/runs/{id}", get(get_run))
}

/// The redirect URI of the playground.
pub fn callback(cx: &Cx) -> String {
    cx.app.url(CALLBACK)
}

async fn get_playground(cx: Cx, browser: Browser, Address(query): Address<Query>) -> Response {
    let shown = async {
        let integrator = enter(&cx, &browser).await?;
        let sandbox = sandbox::find(&cx, &integrator).await?;
        let typed = build::beginning(&query.client, sandbox.as_ref());
        Ok(respond(&page(&cx, &integrator, &typed, &[], sandbox.is_some())))
    };
    shown.await.unwrap_or_else(|failure: PageFailure| failure.respond(&cx))
}

fn page(
    cx: &Cx,
    integrator: &Integrator,
    typed: &build::Typed,
    faults: &[(&'static str, String)],
    has_sandbox: bool,
) -> ConsolePage {
    let layout = integrator.layout(cx, "Playground", TAB);
    let page = ConsolePage::new(layout, "developer-playground", "Playground");
    let lead =
        "Build an authorization request, run it, and see each message, with why this acr was granted or refused.";
    let page = page.with(Block::Words(lead.to_owned()));
    let page =
        if has_sandbox { page } else { page.with(Block::Small("A client to try with".to_owned(), sandbox::form())) };
    page.with(Block::Form(build::draw(cx, typed, faults)))
}

/// The form again, with what is wrong with it.
pub async fn again(
    cx: &Cx,
    integrator: &Integrator,
    form: &Form,
    faults: &[(&'static str, String)],
) -> Result<Response, PageFailure> {
    let has_sandbox = sandbox::find(cx, integrator).await?.is_some();
    Ok(respond(&page(cx, integrator, &build::of_form(form), faults, has_sandbox)))
}

/// A run that has begun: its id, itself, and where to send a browser.
pub struct Begun {
    /// Its id.
    pub id: RunId,
    /// Itself.
    pub run: Run,
    /// The authorization request.
    pub url: String,
}

/// Begins a run with what a form says, or says what is wrong with the form.
pub async fn begin(
    cx: &Cx,
    integrator: &Integrator,
    form: &Form,
    acting: Option<Acting>,
) -> Result<Result<Begun, Vec<(&'static str, String)>>, PageFailure> {
    let (mut run, push) = match build::run(cx, integrator, form, acting).await? {
        Ok(built) => built,
        Err(faults) => return Ok(Err(faults)),
    };
    let url = if push { messages::push(cx, &mut run).await? } else { run.url(cx) };
    let id = run.insert(cx, integrator.visitor.person.id).await?;
    Ok(Ok(Begun { id, run, url }))
}

async fn post_playground(form: Form) -> Response {
    let cx = form.cx.clone();
    let begun = async {
        let integrator = enter(&cx, &form.browser).await?;
        match begin(&cx, &integrator, &form, None).await? {
            Ok(begun) => Ok(see_other(&begun.url)),
            Err(faults) => again(&cx, &integrator, &form, &faults).await,
        }
    };
    begun.await.unwrap_or_else(|failure: PageFailure| failure.respond(&cx))
}

async fn post_sandbox(form: Form) -> Response {
    let cx = form.cx.clone();
    let made = async {
        let integrator = enter(&cx, &form.browser).await?;
        sandbox::make(&cx, &integrator).await?;
        Ok(see_other(TAB))
    };
    made.await.unwrap_or_else(|failure: PageFailure| failure.respond(&cx))
}

async fn get_callback(cx: Cx, browser: Browser, RawQuery(query): RawQuery) -> Response {
    answer(&cx, &browser, query.unwrap_or_default().as_bytes()).await.unwrap_or_else(|failure| failure.respond(&cx))
}

/// An answer by form_post. It proves itself by its `state`, which only this person's run knows.
async fn post_callback(cx: Cx, browser: Browser, body: Bytes) -> Response {
    answer(&cx, &browser, &body).await.unwrap_or_else(|failure| failure.respond(&cx))
}

async fn answer(cx: &Cx, browser: &Browser, encoded: &[u8]) -> Result<Response, PageFailure> {
    let integrator = enter(cx, browser).await?;
    let mut fields = messages::fields(encoded);
    if let Some((_, address)) = fields.iter().find(|(name, _)| name == "address") {
        let parts = address.split_once(['#', '?']).map_or("", |(_, rest)| rest).replace('#', "&");
        fields = messages::fields(parts.as_bytes());
    }
    let Some(state) = fields.iter().find(|(name, _)| name == "state").map(|(_, value)| value.clone()) else {
        let layout = integrator.layout(cx, "Playground", TAB);
        return Ok(respond(&ConsolePage::new(layout, "developer-callback", "The answer").with(Block::Fragment)));
    };
    let person = integrator.visitor.person.id;
    let taken = playground::take_run(&cx.app.db, &state, person, cx.now).await?;
    let taken = taken.ok_or_else(|| PageFailure::BadRequest {
        detail: "state: belongs to no run of yours that waits for an answer".to_owned(),
    })?;
    let run = Run::open(cx, &taken)?;
    let strong = integrator.visitor.person.clone();
    complete(cx, taken.id, run, fields, &strong).await?;
    Ok(see_other(&format!("/developer/playground/runs/{}", taken.id)))
}

/// Goes on with an answer: the token request, userinfo, introspection, and why the strength is what it is.
pub async fn complete(
    cx: &Cx,
    id: RunId,
    mut run: Run,
    answer: Vec<(String, String)>,
    person: &stepgate_core::account::Person,
) -> Result<(), Fault> {
    run.answer = answer;
    messages::exchange(cx, &mut run).await?;
    run.strength = explain::strength(cx, &run, person).await?;
    run.update(cx, id).await
}

/// A run that a made-up person was sent on is answered once as well.
pub async fn take(cx: &Cx, begun: &Begun, integrator: &Integrator) -> Result<bool, Fault> {
    let person = integrator.visitor.person.id;
    Ok(playground::take_run(&cx.app.db, begun.run.state(), person, cx.now).await?.is_some())
}

async fn get_run(cx: Cx, browser: Browser, Path(id): Path<String>) -> Response {
    let shown = async {
        let integrator = enter(&cx, &browser).await?;
        let id = id.parse().map_err(|_| PageFailure::NotFound)?;
        let found = playground::find_run(&cx.app.db, id, integrator.visitor.person.id, cx.now).await?;
        let run = Run::open(&cx, &found.ok_or(PageFailure::NotFound)?)?;
        Ok(respond(&show::page(&cx, integrator.layout(&cx, "Run", TAB), &run)))
    };
    shown.await.unwrap_or_else(|failure: PageFailure| failure.respond(&cx))
}
