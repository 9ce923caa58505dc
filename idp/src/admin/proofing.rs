//! The agents' queue: who waits to be proofed, and the decision about one.

use std::sync::Arc;

use axum::Router;
use axum::extract::{Path, Query};
use axum::http::StatusCode;
use axum::response::Response;
use axum::routing::get;
use stepgate_core::proofing::{Document, Findings, Method, ProofingStage};
use stepgate_store::proofing::{self as store, ProofingRequest};

use super::access::{Act, Place};
use super::{Administrator, ListQuery, enter};
use crate::account::step_up;
use crate::app::App;
use crate::cx::Cx;
use crate::http::extract::{Browser, Form};
use crate::http::page::{PageFailure, see_other};
use crate::pages::admin::{DetailPage, DetailSection, ListPage};
use crate::pages::form::{Control, Field, Form as PageForm};
use crate::pages::table::{Cell, Table};
use crate::pages::{self, Action, Tone, When};
use crate::proofing::{self, DecideFailure};

pub(super) fn routes() -> Router<Arc<App>> {
    Router::new()
        .route("/admin/proofing", get(get_queue))
        .route("/admin/proofing/{request}", get(get_request).post(post_decision))
}

const fn state(stage: ProofingStage) -> (Tone, &'static str) {
    match stage {
        ProofingStage::Asked => (Tone::Notice, "Waits"),
        ProofingStage::Approved => (Tone::Ok, "Approved"),
        ProofingStage::Refused => (Tone::Danger, "Refused"),
    }
}

async fn get_queue(cx: Cx, browser: Browser, Query(query): Query<ListQuery>) -> Response {
    let shown = async {
        let administrator = enter(&cx, &browser, Place::Proofing, Act::See).await?;
        let stage = ProofingStage::parse(&query.q).unwrap_or(ProofingStage::Asked);
        let zone = administrator.visitor.zone();
        let rows = store::list_requests(&cx.app.db, stage, 200).await?.into_iter().map(|request| {
            let (tone, word) = state(request.stage);
            vec![
                Cell::link(format!("/admin/proofing/{}", request.id), request.username),
                Cell::State(tone, word.to_owned()),
                Cell::Time(When::new(request.asked_at, cx.now, &zone)),
                Cell::text(request.agent.unwrap_or_default()),
            ]
        });
        let table = Table::new(&["Person", "State", "Asked", "Decided by"], rows.collect(), "Nobody waits.");
        let stages = [ProofingStage::Asked, ProofingStage::Approved, ProofingStage::Refused];
        let options = stages.map(|stage| (stage.as_str().to_owned(), state(stage).1.to_owned())).to_vec();
        let page = ListPage {
            layout: administrator.layout(&cx, "Proofing", Place::Proofing),
            page: "admin-proofing",
            heading: "Identity proofing".to_owned(),
            filter: vec![Field::optional("q", "State", Control::Select(options), stage.as_str())],
            table,
            actions: Vec::new(),
            done: (query.done == "decided").then(|| "Decided. The person has been told.".to_owned()),
        };
        Ok(pages::respond(StatusCode::OK, &page))
    };
    shown.await.unwrap_or_else(|failure: PageFailure| failure.respond(&cx))
}

async fn find(cx: &Cx, id: &str) -> Result<ProofingRequest, PageFailure> {
    let Ok(id) = id.parse() else { return Err(PageFailure::NotFound) };
    store::find_request(&cx.app.db, id).await?.ok_or(PageFailure::NotFound)
}

async fn get_request(cx: Cx, browser: Browser, Path(id): Path<String>) -> Response {
    let shown = async {
        let administrator = enter(&cx, &browser, Place::Proofing, Act::See).await?;
        let request = find(&cx, &id).await?;
        show(&cx, &administrator, &request, None).await
    };
    shown.await.unwrap_or_else(|failure: PageFailure| failure.respond(&cx))
}

/// What was typed, and what is wrong with it.
struct Wrong<'a> {
    form: &'a Form,
    error: String,
}

async fn show(
    cx: &Cx,
    administrator: &Administrator,
    request: &ProofingRequest,
    wrong: Option<Wrong<'_>>,
) -> Result<Response, PageFailure> {
    let person = proofing::person_of(cx, request).await?.ok_or(PageFailure::NotFound)?;
    let zone = administrator.visitor.zone();
    let (tone, word) = state(request.stage);
    let mut facts = vec![
        ("User ID".to_owned(), Cell::Code(person.username.to_string())),
        ("Name on the account".to_owned(), Cell::text(person.display_name())),
        ("Email".to_owned(), Cell::text(person.claims.email.clone().unwrap_or_default())),
        ("Telephone".to_owned(), Cell::text(person.claims.phone_number.clone().unwrap_or_default())),
        ("Asked".to_owned(), Cell::Time(When::new(request.asked_at, cx.now, &zone))),
    ];
    let decided = request.decided_at.map(|at| Cell::Time(When::new(at, cx.now, &zone)));
    facts.extend(decided.map(|cell| ("Decided".to_owned(), cell)));
    facts.extend(request.agent.clone().map(|agent| ("Decided by".to_owned(), Cell::text(agent))));
    facts.extend(request.reason.clone().map(|reason| ("Reason".to_owned(), Cell::text(reason))));
    let sections = if request.stage == ProofingStage::Asked { forms(request, wrong) } else { Vec::new() };
    let page = DetailPage {
        layout: administrator.layout(cx, "Proofing", Place::Proofing),
        page: "admin-proofing-request",
        heading: person.display_name().to_owned(),
        state: Some((tone, word.to_owned())),
        facts,
        sections,
        back: Action::link("cancel", "Identity proofing", "/admin/proofing"),
        done: None,
        secret: None,
    };
    Ok(pages::respond(StatusCode::OK, &page))
}

fn forms(request: &ProofingRequest, wrong: Option<Wrong<'_>>) -> Vec<DetailSection> {
    let path = format!("/admin/proofing/{}", request.id);
    let typed = |name: &str| wrong.as_ref().map_or("", |wrong| wrong.form.get(name)).to_owned();
    let hidden = |act: &str| Field::required("act", "", Control::Hidden, act);
    let methods = Method::ALL.map(|it| (it.as_str().to_owned(), it.words().to_owned())).to_vec();
    let documents = Document::ALL.map(|it| (it.as_str().to_owned(), it.words().to_owned())).to_vec();
    let mut approve = PageForm::main(
        path.clone(),
        "Approve",
        vec![
            hidden("approve"),
            Field::required("method", "How you saw the person", Control::Select(methods), typed("method")),
            Field::required("document", "Document", Control::Select(documents), typed("document")),
            Field::required("issuer", "Issued by", Control::Text, typed("issuer"))
                .help("The country or authority. Do not type the document's number: it is not kept."),
            Field::optional("name", "The name on it is the account's", Control::Tick, typed("name")),
        ],
    );
    let mut refuse = PageForm::side(
        "refuse",
        path,
        "Refuse",
        vec![
            hidden("refuse"),
            Field::required("reason", "Why", Control::Lines, typed("reason")).help("The person reads this."),
        ],
    )
    .dangerous("They can ask again.");
    if let Some(wrong) = &wrong {
        let refused = wrong.form.get("act") == "refuse";
        if refused { refuse.error = Some(wrong.error.clone()) } else { approve.error = Some(wrong.error.clone()) }
    }
    let section = |heading: &str, form| DetailSection { heading: heading.to_owned(), table: None, forms: vec![form] };
    vec![section("The person and the document are in order", approve), section("They are not", refuse)]
}

/// A decision takes a fresh factor of the agent's.
async fn post_decision(Path(id): Path<String>, form: Form) -> Response {
    let cx = form.cx.clone();
    let done = async {
        let administrator = enter(&cx, &form.browser, Place::Proofing, Act::Edit).await?;
        let request = find(&cx, &id).await?;
        step_up(&cx, &form, &administrator.visitor).await?;
        let agent = administrator.visitor.person.id;
        let outcome = match form.get("act") {
            "approve" => {
                let (method, document) = (Method::parse(form.get("method")), Document::parse(form.get("document")));
                let (Some(method), Some(document)) = (method, document) else { return Err(PageFailure::NotFound) };
                let name_matches = form.get("name") == "1";
                let findings = Findings { method, document, issuer: form.get("issuer").to_owned(), name_matches };
                proofing::decide(&cx, agent, &request, Ok(&findings)).await
            }
            "refuse" => proofing::decide(&cx, agent, &request, Err(form.get("reason"))).await,
            _ => return Err(PageFailure::NotFound),
        };
        let error = match outcome {
            Ok(()) => return Ok(see_other("/admin/proofing?done=decided")),
            Err(DecideFailure::Fault(fault)) => return Err(PageFailure::Fault(fault)),
            Err(no) => no.to_string(),
        };
        show(&cx, &administrator, &request, Some(Wrong { form: &form, error })).await
    };
    done.await.unwrap_or_else(|failure: PageFailure| failure.respond(&cx))
}
