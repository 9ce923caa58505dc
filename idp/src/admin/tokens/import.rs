//! A file of tokens comes in: upload, report.

use std::sync::Arc;

use axum::Router;
use axum::extract::DefaultBodyLimit;
use axum::http::StatusCode;
use axum::response::Response;
use axum::routing::get;
use serde_json::json;
use stepgate_core::credentials::hardware_token::import::{Format, RowError};
use stepgate_core::id::EventId;
use stepgate_core::secret::SecretString;
use stepgate_store::audit::NewEvent;

use super::super::access::{Act, Place};
use super::super::{Administrator, enter};
use crate::app::App;
use crate::cx::Cx;
use crate::hardware_tokens::import::{Desk, Intent, Report, TOLD, read};
use crate::http::extract::Browser;
use crate::http::page::{PageFailure, see_other};
use crate::http::upload::Upload;
use crate::pages::admin::{DetailPage, DetailSection};
use crate::pages::form::{Control, Field, Form as PageForm};
use crate::pages::table::{Cell, Table};
use crate::pages::{self, Action, Tone};

pub(super) fn routes() -> Router<Arc<App>> {
    // The reader has limits of its own, and keeps no file in memory.
    Router::new().route("/admin/tokens/import", get(get_import).post(post_import)).layer(DefaultBodyLimit::disable())
}

async fn get_import(cx: Cx, browser: Browser) -> Response {
    let shown = async {
        let administrator = enter(&cx, &browser, Place::Tokens, Act::Edit).await?;
        Ok(page(&cx, &administrator, &Shown { form: form(&|_| String::new(), None), report: None }))
    };
    shown.await.unwrap_or_else(|failure: PageFailure| failure.respond(&cx))
}

fn form(typed: &dyn Fn(&str) -> String, error: Option<(&str, &str)>) -> PageForm {
    let select = |options: &[(&str, &str)]| {
        Control::Select(options.iter().map(|(value, words)| ((*value).to_owned(), (*words).to_owned())).collect())
    };
    let formats = select(&[("pskc", "PSKC (RFC 6030)"), ("oath-csv", "OATH CSV"), ("yubico-csv", "Yubico CSV")]);
    let hashes = select(&[("", "–"), ("sha1", "SHA-1"), ("sha256", "SHA-256"), ("sha512", "SHA-512")]);
    let mut fields = vec![
        Field::required("name", "Name", Control::Text, typed("name"))
            .help("The order, the maker's number of the series."),
        Field::required("format", "Written as", formats, typed("format")),
        Field::optional("key", "Key", Control::Password, "").help("Of an encrypted PSKC file, in hexadecimal."),
        Field::optional("password", "Password", Control::Password, "")
            .help("Of an encrypted PSKC file, in place of a key."),
        Field::optional("algorithm", "Hash", hashes, typed("algorithm")).help("Of an OATH CSV, which does not say."),
        Field::optional("digits", "Digits", Control::Text, typed("digits"))
            .help("Of a Yubico CSV, which may not say: 6 to 8."),
        Field::optional("check", "Only look whether it could be imported", Control::Tick, typed("check")),
        // The last one: what stands before it must be known when it comes.
        Field::required("file", "File", Control::File, ""),
    ];
    if let Some((name, text)) = error
        && let Some(field) = fields.iter_mut().find(|field| field.name == name)
    {
        field.error = Some(text.to_owned());
    }
    PageForm::main("/admin/tokens/import", "Read the file", fields)
}

struct Shown {
    form: PageForm,
    report: Option<Report>,
}

fn page(cx: &Cx, administrator: &Administrator, shown: &Shown) -> Response {
    let mut sections = Vec::new();
    let (mut facts, mut state) = (Vec::new(), None);
    if let Some(report) = &shown.report {
        let fact = |label: &str, text: String| (label.to_owned(), Cell::text(text));
        facts.push(fact("Rows", report.rows.to_string()));
        facts.push(fact("Could be imported", report.good.to_string()));
        facts.push(fact("Refused", report.refused.to_string()));
        if let Some(whole) = &report.whole {
            facts.push(fact("The whole file", whole.to_string()));
        }
        facts.push(fact("Imported", "Nothing. A file comes in whole, or not at all.".to_owned()));
        state = Some(if report.is_clean() {
            (Tone::Ok, "Nothing wrong".to_owned())
        } else {
            (Tone::Danger, "Refused".to_owned())
        });
        let row = |error: &RowError| {
            vec![
                Cell::text(error.row.to_string()),
                Cell::text(error.serial.clone().unwrap_or_default()),
                Cell::text(error.reason.clone()),
            ]
        };
        let table =
            Table::new(&["Row", "Serial number", "Why"], report.told.iter().map(row).collect(), "No row was refused.");
        let heading = if report.refused as usize > TOLD {
            format!("The first {TOLD} refused rows")
        } else {
            "Refused rows".to_owned()
        };
        sections.push(DetailSection { heading, table: Some(table), forms: Vec::new() });
    } else {
        facts.push(("How it goes".to_owned(), Cell::text("You propose a file; another administrator approves it. Its seeds are sealed as they are read, and never shown.")));
    }
    sections.push(DetailSection { heading: "File".to_owned(), table: None, forms: vec![shown.form.clone()] });
    let page = DetailPage {
        layout: administrator.layout(cx, "Import tokens", Place::Tokens),
        page: "admin-tokens-import",
        heading: "Import tokens".to_owned(),
        state,
        facts,
        sections,
        back: Action::link("cancel", "Tokens", "/admin/tokens"),
        done: None,
        secret: None,
    };
    let wrong = shown.report.as_ref().is_some_and(|report| !report.is_clean()) || !shown.form.errors().is_empty();
    pages::respond(if wrong { StatusCode::UNPROCESSABLE_ENTITY } else { StatusCode::OK }, &page)
}

async fn post_import(upload: Upload) -> Response {
    let cx = upload.cx.clone();
    let done = async {
        let administrator = enter(&cx, &upload.browser, Place::Tokens, Act::Edit).await?;
        let by = administrator.visitor.person.id;
        let kept: Vec<(&str, String)> =
            ["name", "format", "algorithm", "digits", "check"].map(|name| (name, upload.get(name).to_owned())).into();
        let typed =
            |name: &str| kept.iter().find(|(known, _)| *known == name).map_or_else(String::new, |(_, it)| it.clone());
        let refused = |error| Ok(page(&cx, &administrator, &Shown { form: form(&typed, Some(error)), report: None }));
        let name: String = upload.get("name").chars().filter(|it| !it.is_control()).take(80).collect();
        if name.is_empty() {
            return refused(("name", "Give the file a name, by which others will know it."));
        }
        let secret = |name: &str| SecretString::new(upload.raw(name).to_owned());
        let (key, password) = (secret("key"), secret("password"));
        let format =
            Format::from_choice(upload.get("format"), (&key, &password), upload.get("algorithm"), upload.get("digits"));
        let format = match format {
            Ok(format) => format,
            Err(error) => return refused(error),
        };
        let data = json!({ "name": name, "format": format.name(), "file": upload.file.name });
        let event =
            Box::new(NewEvent { ip: cx.ip, actor: Some(by), ..proposed(EventId::random(cx.entropy()), cx.now, data) });
        let intent =
            if upload.get("check") == "1" { Intent::Check } else { Intent::Propose { by, name: &name, event } };
        let desk = Desk { db: &cx.app.db, sealing: &cx.app.secrets.sealing, entropy: cx.entropy(), now: cx.now };
        let report = read(&desk, format, upload.file, intent, &|_| {}).await?;
        if let Some(batch) = report.batch {
            return Ok(see_other(&format!("/admin/tokens/files/{batch}?done=proposed")));
        }
        Ok(page(&cx, &administrator, &Shown { form: form(&typed, None), report: Some(report) }))
    };
    done.await.unwrap_or_else(|failure: PageFailure| failure.respond(&cx))
}

/// What the audit log says of a file that was proposed.
fn proposed(id: EventId, at: stepgate_core::time::Timestamp, data: serde_json::Value) -> NewEvent {
    NewEvent {
        id,
        at,
        kind: "token.import.proposed".to_owned(),
        actor: None,
        person: None,
        session: None,
        client: None,
        ip: None,
        data,
    }
}
