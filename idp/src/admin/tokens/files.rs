//! Files of tokens that came in, and what two people decide about each: approval, recall, handing over.

use std::sync::Arc;

use axum::Router;
use axum::extract::{Path, Query};
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use stepgate_core::authorize::interaction::Landing;
use stepgate_core::secret::SecretString;
use stepgate_store::tokens::batches::{self, Batch, BatchStage};
use stepgate_store::tokens::exports::{self, Export};

use super::super::access::{Act, Place, Scope, may};
use super::super::{Administrator, enter};
use super::TokenQuery;
use crate::account::fresh::step_up_at;
use crate::app::App;
use crate::cx::Cx;
use crate::hardware_tokens::acts::{self, Decision};
use crate::hardware_tokens::export::{self, SHORTEST_PASSWORD};
use crate::http::extract::{Browser, Form};
use crate::http::page::{PageFailure, see_other};
use crate::pages::admin::{DetailPage, DetailSection, ListPage};
use crate::pages::form::{Control, Field, Form as PageForm};
use crate::pages::table::{Cell, Table};
use crate::pages::{self, Action, Tone, When};

pub(super) fn routes() -> Router<Arc<App>> {
    Router::new()
        .route("/admin/tokens/files", get(get_files))
        .route("/admin/tokens/files/{id}", get(get_file))
        .route("/admin/tokens/files/{id}/do", post(post_file))
}

const fn word(stage: BatchStage) -> (Tone, &'static str) {
    match stage {
        BatchStage::Reading => (Tone::Notice, "Being read"),
        BatchStage::Proposed => (Tone::Warning, "Waits for a second person"),
        BatchStage::Approved => (Tone::Ok, "Approved"),
        BatchStage::Rejected => (Tone::Neutral, "Not imported"),
        BatchStage::Recalled => (Tone::Danger, "Recalled"),
    }
}

async fn get_files(cx: Cx, browser: Browser) -> Response {
    let shown = async {
        let administrator = enter(&cx, &browser, Place::Tokens, Act::See).await?;
        let zone = administrator.visitor.zone();
        let later = cx.now + std::time::Duration::from_secs(1);
        let row = |batch: &Batch| {
            let (tone, word) = word(batch.stage);
            vec![
                Cell::link(format!("/admin/tokens/files/{}", batch.id), batch.name.clone()),
                Cell::text(batch.total.to_string()),
                Cell::State(tone, word.to_owned()),
                Cell::text(batch.proposer.clone().unwrap_or_default()),
                Cell::text(batch.decider.clone().unwrap_or_default()),
                Cell::Time(When::new(batch.proposed_at, cx.now, &zone)),
            ]
        };
        let found = batches::list_batches(&cx.app.db, later, 200).await?;
        let columns = ["Name", "Tokens", "State", "Proposed by", "Decided by", "When"];
        let page = ListPage {
            layout: administrator.layout(&cx, "Files of tokens", Place::Tokens),
            page: "admin-token-files",
            heading: "Files of tokens".to_owned(),
            filter: Vec::new(),
            table: Table::new(&columns, found.iter().map(row).collect(), "No file came in yet."),
            actions: vec![
                Action::link("tokens", "All tokens", "/admin/tokens"),
                Action::link("import", "Import a file", "/admin/tokens/import"),
            ],
            done: None,
        };
        Ok(pages::respond(StatusCode::OK, &page))
    };
    shown.await.unwrap_or_else(|failure: PageFailure| failure.respond(&cx))
}

async fn find(cx: &Cx, id: &str) -> Result<Batch, PageFailure> {
    let Ok(id) = id.parse() else { return Err(PageFailure::NotFound) };
    batches::find_batch(&cx.app.db, id).await?.ok_or(PageFailure::NotFound)
}

async fn get_file(cx: Cx, browser: Browser, Path(id): Path<String>, Query(query): Query<TokenQuery>) -> Response {
    let shown = async {
        let administrator = enter(&cx, &browser, Place::Tokens, Act::See).await?;
        let batch = find(&cx, &id).await?;
        detail(&cx, &administrator, &batch, &query.done, None).await
    };
    shown.await.unwrap_or_else(|failure: PageFailure| failure.respond(&cx))
}

async fn detail(
    cx: &Cx,
    administrator: &Administrator,
    batch: &Batch,
    done: &str,
    error: Option<(&str, &str)>,
) -> Result<Response, PageFailure> {
    let zone = administrator.visitor.zone();
    let (tone, word) = word(batch.stage);
    let mut facts = vec![
        ("Tokens", Cell::text(batch.total.to_string())),
        ("Written as", Cell::text(batch.format.clone())),
        ("Proposed by", Cell::text(batch.proposer.clone().unwrap_or_default())),
        ("Proposed", Cell::Time(When::new(batch.proposed_at, cx.now, &zone))),
        ("Decided by", Cell::text(batch.decider.clone().unwrap_or_default())),
        ("Decided", Cell::time(batch.decided_at.map(|at| When::new(at, cx.now, &zone)))),
    ];
    if batch.stage == BatchStage::Proposed {
        facts.push(("Waits until", Cell::Time(When::new(batch.expires_at, cx.now, &zone))));
    }
    if let Some((at, note)) = &batch.recalled {
        facts.push(("Recalled", Cell::Time(When::new(*at, cx.now, &zone))));
        facts.push(("Why", Cell::text(note.clone())));
    }
    let counts = matches!(batch.stage, BatchStage::Approved | BatchStage::Recalled);
    if counts {
        facts.push(("Its tokens", Cell::link(format!("/admin/tokens?batch={}", batch.id), "list")));
    }
    let editable = may(&administrator.visitor.roles, Place::Tokens, Act::Edit) != Scope::Nothing;
    let wishes = exports::list_exports(&cx.app.db, batch.id).await?;
    let mut sections = Vec::new();
    if editable {
        sections.extend(decisions(cx, administrator, batch, &wishes));
    }
    if let Some((id, text)) = error {
        let form = sections.iter_mut().flat_map(|section| section.forms.iter_mut()).find(|form| form.id == id);
        if let Some(form) = form {
            form.error = Some(text.to_owned());
        }
    }
    let row = |wish: &Export| {
        let (tone, word) = match &wish.approver {
            _ if wish.arrived_at.is_some() => (Tone::Ok, "Arrived"),
            _ if wish.expires_at <= cx.now && wish.fetches > 0 => (Tone::Ok, "Fetched"),
            _ if wish.expires_at <= cx.now => (Tone::Neutral, "Ran out"),
            Some(_) if wish.fetches > 0 => (Tone::Notice, "Fetched; has it arrived?"),
            Some(_) => (Tone::Notice, "Approved: can be fetched"),
            None => (Tone::Warning, "Waits for a second person"),
        };
        vec![
            Cell::text(wish.note.clone()),
            Cell::text(wish.proposer.clone().unwrap_or_default()),
            Cell::text(wish.approver.clone().unwrap_or_default()),
            Cell::State(tone, word.to_owned()),
            Cell::text(wish.fetches.to_string()),
            Cell::Time(When::new(wish.proposed_at, cx.now, &zone)),
        ]
    };
    if !wishes.is_empty() {
        let columns = ["To whom", "Proposed by", "Approved by", "State", "Fetched", "When"];
        let table = Table::new(&columns, wishes.iter().map(row).collect(), "None.");
        sections.push(DetailSection { heading: "Handed over".to_owned(), table: Some(table), forms: Vec::new() });
    }
    let page = DetailPage {
        layout: administrator.layout(cx, &batch.name, Place::Tokens),
        page: "admin-token-file",
        heading: batch.name.clone(),
        state: Some((tone, word.to_owned())),
        facts: facts.into_iter().map(|(label, cell)| (label.to_owned(), cell)).collect(),
        sections,
        back: Action::link("cancel", "Files of tokens", "/admin/tokens/files"),
        done: match done {
            "" => None,
            "proposed" => {
                Some("The file is read and its seeds are sealed. Another administrator must approve it.".to_owned())
            }
            _ => Some("Done. It is in the audit log.".to_owned()),
        },
        secret: None,
    };
    Ok(pages::respond(if error.is_some() { StatusCode::UNPROCESSABLE_ENTITY } else { StatusCode::OK }, &page))
}

fn decisions(cx: &Cx, administrator: &Administrator, batch: &Batch, wishes: &[Export]) -> Vec<DetailSection> {
    let me = administrator.visitor.person.id;
    let path = format!("/admin/tokens/files/{}/do", batch.id);
    let hidden = |act: &str| Field::required("act", "", Control::Hidden, act);
    let note = |label: &str| Field::required("note", label, Control::Text, "");
    let section = |heading: &str, forms| DetailSection { heading: heading.to_owned(), table: None, forms };
    match batch.stage {
        BatchStage::Proposed => {
            let mut forms = Vec::new();
            if batch.proposed_by != me {
                forms.push(PageForm::main(path.clone(), "Approve: put its tokens into stock", vec![hidden("approve")]));
            }
            let label = if batch.proposed_by == me { "Withdraw" } else { "Refuse" };
            let reject = PageForm::side("reject", path, label, vec![hidden("reject")]);
            forms.push(reject.dangerous("Its tokens are not imported, and their seeds are erased."));
            vec![section("Decide", forms)]
        }
        BatchStage::Approved => {
            let mut hand_over = vec![PageForm::side(
                "export",
                path.clone(),
                "Propose to hand over what is in stock",
                vec![hidden("export"), note("To whom, and why")],
            )];
            for wish in wishes.iter().filter(|wish| wish.arrived_at.is_none() && cx.now < wish.expires_at) {
                let which = Field::required("export", "", Control::Hidden, wish.id.to_string());
                if wish.approver.is_none() && wish.proposed_by != me {
                    let fields = vec![hidden("approve-export"), which];
                    let label = format!("Approve: {}", wish.note);
                    hand_over.push(PageForm::side(&format!("approve-{}", wish.id), path.clone(), label, fields));
                } else if wish.is_open(cx.now) && wish.proposed_by == me {
                    let password = Field::required("password", "Password for the file", Control::Password, "")
                        .help(format!("At least {SHORTEST_PASSWORD} characters. It goes to the receiver another way."));
                    let fields = vec![hidden("fetch"), which, password];
                    let label = if wish.fetches > 0 { "Fetch it again" } else { "Fetch the encrypted file" };
                    let form = PageForm::side("fetch", path.clone(), label, fields);
                    hand_over.push(form.dangerous("What goes out becomes nobody's here any more."));
                    if wish.fetches > 0 {
                        let which = Field::required("export", "", Control::Hidden, wish.id.to_string());
                        let fields = vec![hidden("arrived"), which];
                        hand_over.push(PageForm::side("arrived", path.clone(), "It has arrived", fields));
                    }
                }
            }
            let recall = PageForm::side("recall", path, "Recall all its tokens", vec![hidden("recall"), note("Why")])
                .dangerous("Every token of this file is revoked at once, wherever it is, and its holder is told.");
            vec![section("Hand over", hand_over), section("Recall", vec![recall])]
        }
        BatchStage::Reading | BatchStage::Rejected | BatchStage::Recalled => Vec::new(),
    }
}

async fn post_file(Path(id): Path<String>, form: Form) -> Response {
    let cx = form.cx.clone();
    let done = async {
        let administrator = enter(&cx, &form.browser, Place::Tokens, Act::Edit).await?;
        let batch = find(&cx, &id).await?;
        act(&cx, &administrator, &batch, &form).await
    };
    done.await.unwrap_or_else(|failure: PageFailure| failure.respond(&cx))
}

async fn act(cx: &Cx, administrator: &Administrator, batch: &Batch, form: &Form) -> Result<Response, PageFailure> {
    let by = administrator.visitor.person.id;
    let note: String = form.get("note").chars().filter(|it| !it.is_control()).take(200).collect();
    let export = form.get("export").parse();
    // What lets seeds in or out takes more than a session that was left open; what stops something does not.
    if matches!(form.get("act"), "approve" | "export" | "approve-export" | "fetch") {
        step_up_at(cx, form, &administrator.visitor, Landing::TokenFile(batch.id)).await?;
    }
    let (form_id, done) = match (form.get("act"), export) {
        ("approve", _) => ("form", acts::decide(cx, by, batch.id, Decision::Approve, &note).await?),
        ("reject", _) => ("reject", acts::decide(cx, by, batch.id, Decision::Reject, &note).await?),
        ("recall", _) => ("recall", acts::decide(cx, by, batch.id, Decision::Recall, &note).await?),
        ("export", _) if batch.stage == BatchStage::Approved => {
            ("export", export::propose(cx, by, batch.id, &note).await?)
        }
        ("approve-export", Ok(export)) => ("export", export::approve(cx, by, batch.id, export).await?),
        ("arrived", Ok(export)) => ("arrived", export::close(cx, by, batch.id, export).await?),
        ("fetch", Ok(export)) => {
            let password = SecretString::new(form.raw("password").to_owned());
            if password.expose().chars().count() < SHORTEST_PASSWORD {
                let error = Some(("fetch", "The password is too short."));
                return detail(cx, administrator, batch, "", error).await;
            }
            match export::fetch(cx, by, batch.id, export, &password).await? {
                Some(file) => return Ok(download(file)),
                None => ("fetch", false),
            }
        }
        _ => return Err(PageFailure::NotFound),
    };
    if done {
        return Ok(see_other(&format!("/admin/tokens/files/{}?done=1", batch.id)));
    }
    let batch = find(cx, &batch.id.to_string()).await?;
    let text = "That cannot be done: it is decided already, or it ran out, or it takes another person.";
    detail(cx, administrator, &batch, "", Some((form_id, text))).await
}

fn download(file: String) -> Response {
    let headers = [
        (header::CONTENT_TYPE, HeaderValue::from_static("application/pskc+xml")),
        (header::CONTENT_DISPOSITION, HeaderValue::from_static("attachment; filename=\"tokens.pskcxml\"")),
        (header::CACHE_CONTROL, HeaderValue::from_static("no-store")),
    ];
    (headers, file).into_response()
}
