//! Hardware tokens: the inventory, one token with its custody log, and what wears out. `files` is what comes in and goes
//! out.

mod files;
mod import;
mod wear;

use std::sync::Arc;

use axum::Router;
use axum::extract::{Path, Query};
use axum::http::StatusCode;
use axum::response::Response;
use axum::routing::{get, post};
use serde::Deserialize;
use stepgate_core::authorize::interaction::Landing;
use stepgate_core::credentials::hardware_token::Mode;
use stepgate_core::credentials::hardware_token::inventory::{HardwareToken, TokenAct, TokenStage};
use stepgate_store::tokens::{self, Filter};
use stepgate_store::{license_keys, orders, people};

use super::access::{Act, Place, Scope, may};
use super::{Administrator, enter};
use crate::account::fresh::step_up_at;
use crate::app::App;
use crate::cx::Cx;
use crate::hardware_tokens::acts::{self, Acted};
use crate::http::extract::{Browser, Form};
use crate::http::page::{PageFailure, see_other};
use crate::pages::admin::{DetailPage, DetailSection, ListPage};
use crate::pages::form::{Control, Field, Form as PageForm};
use crate::pages::table::{Cell, Table};
use crate::pages::{self, Action, Tone, When};

pub(super) fn routes() -> Router<Arc<App>> {
    Router::new()
        .route("/admin/tokens", get(get_tokens))
        .route("/admin/tokens/token/{id}", get(get_token))
        .route("/admin/tokens/token/{id}/do", post(post_token))
        .merge(files::routes())
        .merge(wear::routes())
        .merge(import::routes())
}

const PAGE: u32 = 50;

/// What the addresses of these pages may carry.
#[derive(Deserialize, Default)]
#[serde(default)]
struct TokenQuery {
    q: String,
    stage: String,
    batch: String,
    after: String,
    done: String,
}

const fn stage_word(stage: TokenStage) -> (Tone, &'static str) {
    match stage {
        TokenStage::Stock => (Tone::Neutral, "In stock"),
        TokenStage::Shipped => (Tone::Notice, "Shipped"),
        TokenStage::Assigned => (Tone::Notice, "Assigned"),
        TokenStage::Active => (Tone::Ok, "Active"),
        TokenStage::Suspended => (Tone::Warning, "Suspended"),
        TokenStage::Lost => (Tone::Danger, "Lost"),
        TokenStage::Revoked => (Tone::Danger, "Revoked"),
        TokenStage::Expired => (Tone::Warning, "Expired"),
        TokenStage::Destroyed => (Tone::Neutral, "Destroyed"),
    }
}

fn stage_cell(stage: TokenStage) -> Cell {
    let (tone, word) = stage_word(stage);
    Cell::State(tone, word.to_owned())
}

fn kind(token: &HardwareToken) -> String {
    let parameters = token.parameters;
    let mode = match parameters.mode() {
        Mode::Hotp => "HOTP".to_owned(),
        Mode::Totp { period_seconds } => format!("TOTP {period_seconds} s"),
    };
    format!("{mode}, {}, {} digits", parameters.algorithm().name(), parameters.digits())
}

fn token_link(token: &HardwareToken) -> Cell {
    Cell::link(format!("/admin/tokens/token/{}", token.id), token.serial.clone())
}

fn holder(token: &HardwareToken) -> Cell {
    match &token.username {
        Some(username) => Cell::link(format!("/admin/people/{username}"), username.clone()),
        None => Cell::Empty,
    }
}

async fn get_tokens(cx: Cx, browser: Browser, Query(query): Query<TokenQuery>) -> Response {
    list(&cx, &browser, &query).await.unwrap_or_else(|failure| failure.respond(&cx))
}

async fn list(cx: &Cx, browser: &Browser, query: &TokenQuery) -> Result<Response, PageFailure> {
    let administrator = enter(cx, browser, Place::Tokens, Act::See).await?;
    let filter = Filter {
        serial: query.q.trim().to_owned(),
        stage: TokenStage::from_name(&query.stage),
        batch: query.batch.parse().ok(),
        after: query.after.clone(),
    };
    let found = tokens::list_tokens(&cx.app.db, &filter, PAGE).await?;
    let row = |token: &HardwareToken| {
        vec![
            token_link(token),
            Cell::text(token.manufacturer.clone()),
            Cell::text(kind(token)),
            stage_cell(token.stage(cx.now)),
            holder(token),
        ]
    };
    let empty = "No token. Import a file, or look for another serial number.";
    let columns = ["Serial number", "Maker", "Codes", "Stage", "Holder"];
    let mut table = Table::new(&columns, found.iter().map(row).collect(), empty);
    let address = |after: &str| {
        let mut pairs = form_urlencoded::Serializer::new(String::new());
        pairs.append_pair("q", &query.q).append_pair("stage", &query.stage).append_pair("batch", &query.batch);
        format!("/admin/tokens?{}", pairs.append_pair("after", after).finish())
    };
    if found.len() == PAGE as usize {
        table.next = found.last().map(|last| address(&last.serial));
    }
    table.first = (!query.after.is_empty()).then(|| address(""));
    let counts = tokens::count_stages(&cx.app.db).await?;
    let count = |stage| counts.iter().find(|(known, _)| *known == stage).map_or(0, |(_, count)| *count);
    let mut stages = vec![(String::new(), "Any".to_owned())];
    stages.extend(TokenStage::ALL.into_iter().filter(|stage| *stage != TokenStage::Expired).map(|stage| {
        let (name, word) = (stage.as_str().to_owned(), stage_word(stage).1);
        // A suspension is kept with the credential: it is not counted apart.
        if stage == TokenStage::Suspended {
            (name, word.to_owned())
        } else {
            (name, format!("{word} ({})", count(stage)))
        }
    }));
    let mut actions = vec![
        Action::link("batches", "Files", "/admin/tokens/files"),
        Action::link("worn", "Wear", "/admin/tokens/worn"),
    ];
    if may(&administrator.visitor.roles, Place::Tokens, Act::Edit) != Scope::Nothing {
        actions.push(Action::link("waiting", "Who waits for a token", "/admin/tokens/waiting"));
        actions.push(Action::link("import", "Import a file", "/admin/tokens/import"));
    }
    let page = ListPage {
        layout: administrator.layout(cx, "Tokens", Place::Tokens),
        page: "admin-tokens",
        heading: "Hardware tokens".to_owned(),
        filter: vec![
            Field::optional("q", "Serial number begins with", Control::Text, query.q.clone()),
            Field::optional("stage", "Stage", Control::Select(stages), query.stage.clone()),
        ],
        table,
        actions,
        done: None,
    };
    Ok(pages::respond(StatusCode::OK, &page))
}

async fn get_token(cx: Cx, browser: Browser, Path(id): Path<String>, Query(query): Query<TokenQuery>) -> Response {
    let shown = async {
        let administrator = enter(&cx, &browser, Place::Tokens, Act::See).await?;
        let token = find(&cx, &id).await?;
        detail(&cx, &administrator, &token, &query.done, None).await
    };
    shown.await.unwrap_or_else(|failure: PageFailure| failure.respond(&cx))
}

async fn find(cx: &Cx, id: &str) -> Result<HardwareToken, PageFailure> {
    let Ok(id) = id.parse() else { return Err(PageFailure::NotFound) };
    tokens::find_token(&cx.app.db, id).await?.ok_or(PageFailure::NotFound)
}

async fn detail(
    cx: &Cx,
    administrator: &Administrator,
    token: &HardwareToken,
    done: &str,
    error: Option<(TokenAct, &str)>,
) -> Result<Response, PageFailure> {
    let zone = administrator.visitor.zone();
    let row = |line: &tokens::Custody| {
        vec![
            Cell::Time(When::new(line.at, cx.now, &zone)),
            Cell::text(line.actor.clone().unwrap_or_else(|| "Command line".to_owned())),
            stage_cell(line.from),
            stage_cell(line.to),
            Cell::text(line.person.clone().unwrap_or_default()),
            Cell::text(line.note.clone()),
        ]
    };
    let custody = tokens::list_custody(&cx.app.db, token.id).await?;
    let columns = ["When", "Who", "From", "To", "Holder", "Note"];
    let custody = Table::new(&columns, custody.iter().map(row).collect(), "It came in and has not moved.");
    let stage = token.stage(cx.now);
    let (tone, word) = stage_word(stage);
    let used = token.use_of_it.as_ref();
    let mut facts = vec![
        ("Maker", Cell::text(format!("{} {}", token.manufacturer, token.model).trim())),
        ("Codes", Cell::text(kind(token))),
        ("Holder", holder(token)),
        ("Came in", Cell::Time(When::date(token.imported_at, &zone))),
        ("Came in with", Cell::link(format!("/admin/tokens/files/{}", token.batch), "its file")),
        ("In use since", Cell::time(token.activated.map(|(at, _)| When::date(at, &zone)))),
        ("Last used", Cell::time(used.and_then(|it| it.last_used_at).map(|at| When::new(at, cx.now, &zone)))),
        (
            "Clock is off by",
            Cell::text(token.drift(cx.now).map_or_else(String::new, |(seconds, _)| format!("{seconds:+} s"))),
        ),
        ("Failed tries", Cell::text(used.map_or_else(String::new, |it| it.failures.to_string()))),
        ("Life ends", Cell::time(token.life_ends_at.map(|at| When::date(at, &zone)))),
        ("Seed known elsewhere since", Cell::time(token.exported_at.map(|at| When::date(at, &zone)))),
    ];
    facts.extend(sent_with(cx, token).await?.map(|order| ("Sent with a license key of order", Cell::Code(order))));
    let editable = may(&administrator.visitor.roles, Place::Tokens, Act::Edit) != Scope::Nothing;
    let possible =
        TokenAct::ALL.into_iter().filter(|act| editable && *act != TokenAct::Activate && token.allows(*act, cx.now));
    let forms = possible.map(|act| {
        let mut form = form(token, act);
        form.error = error.filter(|(of, _)| *of == act).map(|(_, text)| text.to_owned());
        form
    });
    let page = DetailPage {
        layout: administrator.layout(cx, &token.serial, Place::Tokens),
        page: "admin-token",
        heading: token.serial.clone(),
        state: Some((tone, word.to_owned())),
        facts: facts.into_iter().map(|(label, cell)| (label.to_owned(), cell)).collect(),
        sections: vec![
            DetailSection { heading: "Custody".to_owned(), table: Some(custody), forms: Vec::new() },
            wear::history(cx, token, &zone).await?,
            DetailSection { heading: "What can be done".to_owned(), table: None, forms: forms.collect() },
        ],
        back: Action::link("cancel", "Tokens", "/admin/tokens"),
        done: (!done.is_empty()).then(|| "Done. It is in the custody log.".to_owned()),
        secret: None,
    };
    Ok(pages::respond(if error.is_some() { StatusCode::UNPROCESSABLE_ENTITY } else { StatusCode::OK }, &page))
}

/// The order whose license key it was sent with, while nobody has activated that.
async fn sent_with(cx: &Cx, token: &HardwareToken) -> Result<Option<String>, PageFailure> {
    let Some(key) = token.license_key else { return Ok(None) };
    let order = license_keys::find_key(&cx.app.db, key).await?.and_then(|key| key.order);
    let Some(order) = order else { return Ok(None) };
    Ok(orders::find_order(&cx.app.db, order).await?.map(|order| order.number))
}

/// The form of an act; each asks for what its line of the custody log needs.
fn form(token: &HardwareToken, act: TokenAct) -> PageForm {
    let hidden = Field::required("act", "", Control::Hidden, act.as_str());
    let seen = Field::required("version", "", Control::Hidden, token.version.to_string());
    let note = |label: &str| Field::required("note", label, Control::Text, "");
    let (label, more, effect) = match act {
        TokenAct::Ship => ("Ship", vec![note("Where to, and how")], None),
        TokenAct::Assign => {
            let who = Field::required("username", "User ID", Control::Text, "");
            ("Assign", vec![who, note("Why")], None)
        }
        TokenAct::TakeBack => ("Take back into stock", vec![note("Why")], None),
        TokenAct::SendCode => ("Send a new registration code", Vec::new(), None),
        TokenAct::Suspend => ("Suspend", vec![note("Why")], Some("Its codes open nothing until it is reactivated.")),
        TokenAct::Reactivate => ("Reactivate", vec![note("Why")], None),
        TokenAct::ReportLost => {
            let effect = "Its codes open nothing any more, and its seed is erased. Its holder is told; what they paid for waits \
                          for another token.";
            ("Report lost", vec![note("What happened")], Some(effect))
        }
        TokenAct::Revoke => {
            let effect = "Its codes never open anything again, and its seed is erased. What its holder paid for waits for \
                          another token.";
            ("Revoke", vec![note("Why")], Some(effect))
        }
        TokenAct::Destroy => {
            ("Record as destroyed", vec![note("How, and by whom")], Some("The record cannot be undone."))
        }
        TokenAct::Activate => ("Activate", Vec::new(), None),
    };
    let fields = [hidden, seen].into_iter().chain(more).collect();
    let form = PageForm::side(act.as_str(), format!("/admin/tokens/token/{}/do", token.id), label, fields);
    match effect {
        Some(effect) => form.dangerous(effect),
        None => form,
    }
}

async fn post_token(Path(id): Path<String>, form: Form) -> Response {
    let cx = form.cx.clone();
    let done = async {
        let administrator = enter(&cx, &form.browser, Place::Tokens, Act::Edit).await?;
        let token = find(&cx, &id).await?;
        let Some(act) = TokenAct::from_name(form.get("act")) else { return Err(PageFailure::NotFound) };
        if act == TokenAct::Reactivate {
            step_up_at(&cx, &form, &administrator.visitor, Landing::Token(token.id)).await?;
        }
        let person = match form.get("username") {
            "" => None,
            username => people::find_person_by_login(&cx.app.db, username).await?,
        };
        let note: String = form.get("note").chars().filter(|it| !it.is_control()).take(200).collect();
        // What the page showed must still hold: somebody else may have acted meanwhile.
        let outcome = if form.get("version") == token.version.to_string() {
            acts::act(&cx, administrator.visitor.person.id, &token, act, (person.as_ref(), &note)).await?
        } else {
            Acted::Overtaken
        };
        let error = match outcome {
            Acted::Done => return Ok(see_other(&format!("/admin/tokens/token/{}?done=1", token.id))),
            Acted::NotFromHere => "That is not possible from where the token is now.",
            Acted::Overtaken => "Somebody else changed this token just now. This is how it is; look again.",
            Acted::Exported => "Its seed is known elsewhere: it cannot become anybody's.",
            Acted::WhoFor => "There is nobody of that user ID.",
        };
        let token = find(&cx, &id).await?;
        detail(&cx, &administrator, &token, "", Some((act, error))).await
    };
    done.await.unwrap_or_else(|failure: PageFailure| failure.respond(&cx))
}
