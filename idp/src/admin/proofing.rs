//! The agents' queue: who waits to be proofed, and the decision about one. It takes a device of the agent's, shown before
//! the form is; what was typed is never lost.

mod typed;

use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::extract::{Path, Query};
use axum::http::StatusCode;
use axum::response::Response;
use axum::routing::get;
use stepgate_core::authorize::interaction::{Landing, PortalPage};
use stepgate_core::proofing::{Document, Findings, Method, ProofingStage};
use stepgate_core::time::Timestamp;
use stepgate_store::proofing::{self as store, ProofingRequest};

use super::access::{Act, Place};
use super::{Administrator, ListQuery, enter};
use crate::account::fresh::{holds_device, log_in_again, show_device, showed_device};
use crate::account::known;
use crate::app::App;
use crate::cx::Cx;
use crate::http::extract::{Browser, Form};
use crate::http::page::{PageFailure, see_other};
use crate::pages::admin::{DetailPage, DetailSection, ListPage};
use crate::pages::form::{Control, Field, Form as PageForm};
use crate::pages::table::{Cell, Table};
use crate::pages::{self, Action, Tone, When};
use crate::proofing::{self, DecideFailure};
use typed::Typed;

const PAGE: u32 = 50;

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
        let after = query.before.map(Timestamp::from_unix_millis).zip(query.after.parse().ok());
        let found = store::list_requests(&cx.app.db, stage, after, PAGE).await?;
        let address = format!("/admin/proofing?q={}", stage.as_str());
        let more = found.last().filter(|_| found.len() == PAGE as usize);
        let next = more.map(|last| format!("{address}&before={}&after={}", last.asked_at.unix_millis(), last.id));
        let rows = found.into_iter().map(|request| {
            let (tone, word) = state(request.stage);
            vec![
                Cell::link(format!("/admin/proofing/{}", request.id), request.username),
                Cell::State(tone, word.to_owned()),
                Cell::Time(When::new(request.asked_at, cx.now, &zone)),
                Cell::text(request.agent.unwrap_or_default()),
            ]
        });
        let mut table = Table::new(&["Person", "State", "Asked", "Decided by"], rows.collect(), "Nobody waits.");
        (table.next, table.first) = (next, after.is_some().then_some(address));
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
        let typed = Typed::kept(&cx, &browser, request.id).await?;
        show(&cx, &administrator, &request, &typed).await
    };
    shown.await.unwrap_or_else(|failure: PageFailure| failure.respond(&cx))
}

async fn show(
    cx: &Cx,
    administrator: &Administrator,
    request: &ProofingRequest,
    typed: &Typed,
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
    facts.extend(found(request));
    let sections = if request.stage == ProofingStage::Asked {
        sections(cx, administrator, request, typed).await?
    } else {
        Vec::new()
    };
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

/// What is recorded of an approval.
fn found(request: &ProofingRequest) -> impl Iterator<Item = (String, Cell)> {
    let found = request.found.clone();
    let method = found.method.and_then(|it| Method::parse(&it)).map(|it| it.words().to_owned());
    let document = found.document.and_then(|it| Document::parse(&it)).map(|it| it.words().to_owned());
    let facts = [
        ("Seen", method),
        ("Document", document),
        ("Issued by", found.issuer),
        ("Document valid until", found.document_valid_until),
        ("Level", found.level),
    ];
    facts.into_iter().filter_map(|(name, value)| Some((name.to_owned(), Cell::text(value?))))
}

/// For how long a device that was shown lets its agent decide.
fn limit(cx: &Cx) -> Duration {
    Duration::from_secs(60 * u64::from(cx.app.settings.proofing.decision_minutes))
}

/// What the agent can do now: decide, or first show a device. It is asked for before the form is there, and early enough
/// that the limit does not run out over one person.
async fn sections(
    cx: &Cx,
    administrator: &Administrator,
    request: &ProofingRequest,
    typed: &Typed,
) -> Result<Vec<DetailSection>, PageFailure> {
    let visitor = &administrator.visitor;
    if !holds_device(cx, visitor) {
        let why = Cell::text("A password alone decides about nobody, and you hold no device that can be used now.");
        let table = Table::new(&["Missing", ""], vec![vec![why, Cell::link("/account/otp", "Manage OTP")]], "");
        let heading = "You need a device to decide".to_owned();
        return Ok(vec![DetailSection { heading, table: Some(table), forms: Vec::new() }]);
    }
    let limit = limit(cx);
    // Whoever typed already goes on with it.
    let fresh = if typed.error.is_some() { limit } else { limit / 2 };
    if showed_device(cx, visitor, fresh) {
        return Ok(forms(request, typed, proofing::is_last_refusal(cx, request).await?));
    }
    let fields = vec![Field::required("act", "", Control::Hidden, "confirm")];
    let mut confirm = PageForm::main(format!("/admin/proofing/{}", request.id), "Show a device", fields);
    confirm.effect = Some(format!(
        "A code or an approval of yours lets you decide for {} minutes. You come back here.",
        limit.as_secs() / 60
    ));
    let heading = "First: is it you?".to_owned();
    Ok(vec![DetailSection { heading, table: None, forms: vec![confirm] }])
}

fn forms(request: &ProofingRequest, typed: &Typed, last: bool) -> Vec<DetailSection> {
    let path = format!("/admin/proofing/{}", request.id);
    let hidden = |act: &str| Field::required("act", "", Control::Hidden, act);
    let methods = Method::ALL.map(|it| (it.as_str().to_owned(), it.words().to_owned())).to_vec();
    let documents = Document::ALL.map(|it| (it.as_str().to_owned(), it.words().to_owned())).to_vec();
    let mut approve = PageForm::main(
        path.clone(),
        "Approve",
        vec![
            hidden("approve"),
            Field::required("method", "How you saw the person", Control::Select(methods), typed.get("method")),
            Field::required("document", "Document", Control::Select(documents), typed.get("document")),
            Field::required("issuer", "Issued by", Control::Text, typed.get("issuer"))
                .help("The country or authority. Do not type the document's number: it is not kept."),
            Field::optional("valid_until", "Valid until", Control::Date, typed.get("valid_until"))
                .help("The last day on the document. Leave it empty where it bears none."),
            Field::optional("name", "The name on it is the account's", Control::Tick, typed.get("name")),
        ],
    );
    let effect = if last {
        "They have been refused before, and cannot ask again after this one."
    } else {
        "They can ask again."
    };
    let reason = Field::required("reason", "Why", Control::Lines, typed.get("reason")).help("The person reads this.");
    let mut refuse =
        PageForm::side("refuse", path, "Refuse", vec![hidden("refuse"), reason]).dangerous(effect.to_owned());
    let wrong = if typed.get("act") == "refuse" { &mut refuse } else { &mut approve };
    wrong.error.clone_from(&typed.error);
    let section = |heading: &str, form| DetailSection { heading: heading.to_owned(), table: None, forms: vec![form] };
    vec![section("The person and the document are in order", approve), section("They are not", refuse)]
}

/// A decision takes a device of the agent's, and keeps what was typed where it has to be shown first.
async fn post_decision(Path(id): Path<String>, form: Form) -> Response {
    decide(&id, &form).await.unwrap_or_else(|failure: PageFailure| failure.respond(&form.cx))
}

async fn decide(id: &str, form: &Form) -> Result<Response, PageFailure> {
    let (cx, browser) = (&form.cx, &form.browser);
    let request = find(cx, id).await?;
    let here = Landing::Proofing(request.id);
    if known(cx, browser).await?.is_none() {
        // The session ended over the form.
        Typed::of(form, None).keep(cx, browser, request.id).await?;
        return log_in_again(cx, form, PortalPage::Admin, here).await;
    }
    let administrator = enter(cx, browser, Place::Proofing, Act::Edit).await?;
    let visitor = &administrator.visitor;
    let act = form.get("act");
    if act == "confirm" && holds_device(cx, visitor) {
        return show_device(cx, form, visitor, here).await;
    }
    if !showed_device(cx, visitor, limit(cx)) {
        Typed::of(form, None).keep(cx, browser, request.id).await?;
        let page = see_other(&here.path());
        return if holds_device(cx, visitor) { show_device(cx, form, visitor, here).await } else { Ok(page) };
    }
    let agent = visitor.person.id;
    let outcome = match (act, findings(form)) {
        ("approve", Some(Ok(found))) => proofing::decide(cx, agent, &request, Ok(&found)).await.map_err(Some),
        ("approve", Some(Err(()))) => Err(None),
        ("refuse", _) => proofing::decide(cx, agent, &request, Err(form.get("reason"))).await.map_err(Some),
        _ => return Err(PageFailure::NotFound),
    };
    let error = match outcome {
        Ok(()) => {
            Typed::forget(cx, browser, request.id).await?;
            return Ok(see_other("/admin/proofing?done=decided"));
        }
        Err(Some(DecideFailure::Fault(fault))) => return Err(PageFailure::Fault(fault)),
        Err(Some(no)) => no.to_string(),
        Err(None) => "Type the last day of the document as year, month, day: 2031-05-28.".to_owned(),
    };
    show(cx, &administrator, &request, &Typed::of(form, Some(error))).await
}

/// What the form says was found: `None` for what none of our forms sends, an error for a day that is none.
fn findings(form: &Form) -> Option<Result<Findings, ()>> {
    let (method, document) = (Method::parse(form.get("method"))?, Document::parse(form.get("document"))?);
    let valid_until = match form.get("valid_until") {
        "" => None,
        day => match day.parse() {
            Ok(day) => Some(day),
            Err(_) => return Some(Err(())),
        },
    };
    let name_matches = form.get("name") == "1";
    Some(Ok(Findings { method, document, issuer: form.get("issuer").to_owned(), valid_until, name_matches }))
}
