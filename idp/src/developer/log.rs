//! The request log: what an application's clients sent, what became of it, and the rule behind each refusal.

use std::sync::Arc;

use axum::Router;
use axum::extract::{Path, Query as Address};
use axum::response::Response;
use axum::routing::get;
use stepgate_core::clients::requests::{Endpoint, LoggedRequest, Outcome};
use stepgate_core::oidc::rules;
use stepgate_store::requests::{self, Filter};

use super::{APPLICATIONS, Integrator, Query, encode, enter, path_of, respond};
use crate::app::App;
use crate::cx::Cx;
use crate::http::extract::Browser;
use crate::http::page::PageFailure;
use crate::pages::developer::{Block, ConsolePage, Message};
use crate::pages::form::{Control, Field};
use crate::pages::table::{Cell, Table};
use crate::pages::{Action, Tone};

pub(super) fn routes() -> Router<Arc<App>> {
    Router::new()
        .route("/developer/applications/{id}/requests", get(get_requests))
        .route("/developer/requests/{id}", get(get_request))
}

/// Requests on one page.
const PAGE: u32 = 50;

fn outcome(request: &LoggedRequest) -> Cell {
    match &request.outcome {
        Outcome::Answered => {
            let word = request.shown.acr.clone().unwrap_or_else(|| "Answered".to_owned());
            Cell::State(Tone::Ok, word)
        }
        Outcome::Failed(failure) if failure.error.is_empty() => Cell::State(Tone::Danger, "error page".to_owned()),
        Outcome::Failed(failure) => Cell::State(Tone::Danger, failure.error.clone()),
    }
}

fn row(cx: &Cx, integrator: &Integrator, request: &LoggedRequest) -> Vec<Cell> {
    let description = match &request.outcome {
        Outcome::Answered => String::new(),
        Outcome::Failed(failure) => failure.description.clone(),
    };
    vec![
        Cell::Link(format!("/developer/requests/{}", request.id), integrator.when(cx, request.at).text),
        Cell::Code(request.endpoint.as_str().to_owned()),
        Cell::Link(path_of(&request.client), request.client.clone()),
        outcome(request),
        Cell::text(description),
    ]
}

fn filter_of(query: &Query) -> Filter {
    let before = query.after.split_once('|').and_then(|(at, id)| {
        Some((stepgate_core::time::Timestamp::from_unix_millis(at.parse().ok()?), id.parse().ok()?))
    });
    Filter {
        client: Some(query.client.clone()).filter(|client| !client.is_empty()),
        failed: match query.outcome.as_str() {
            "failed" => Some(true),
            "answered" => Some(false),
            _ => None,
        },
        endpoint: Endpoint::parse(&query.endpoint),
        before,
    }
}

fn fields(query: &Query) -> Vec<Field> {
    let outcomes = [("", "Any"), ("failed", "Refused"), ("answered", "Answered")];
    let endpoints = std::iter::once("").chain(Endpoint::ALL.iter().map(|endpoint| endpoint.as_str()));
    vec![
        Field::optional(
            "outcome",
            "Outcome",
            Control::Select(outcomes.map(|(value, words)| (value.to_owned(), words.to_owned())).to_vec()),
            query.outcome.clone(),
        ),
        Field::optional(
            "endpoint",
            "Endpoint",
            Control::Select(
                endpoints.map(|it| (it.to_owned(), if it.is_empty() { "Any" } else { it }.to_owned())).collect(),
            ),
            query.endpoint.clone(),
        ),
        Field::optional("client", "client_id", Control::Text, query.client.clone()),
    ]
}

async fn get_requests(cx: Cx, browser: Browser, Path(id): Path<String>, Address(query): Address<Query>) -> Response {
    let shown = async {
        let integrator = enter(&cx, &browser).await?;
        let application = integrator.application(&cx, &id).await?;
        let found = requests::list_requests(&cx.app.db, application.id, &filter_of(&query), PAGE).await?;
        let rows = found.iter().map(|request| row(&cx, &integrator, request)).collect();
        let settings = &cx.app.settings.developer;
        let empty = "Nothing yet. Each refused request is here a moment later, and a sample of those that went well.";
        let mut table = Table::new(&["When", "Endpoint", "Client", "Outcome", "Description"], rows, empty);
        let path = format!("/developer/applications/{}/requests", application.id);
        if found.len() == PAGE as usize {
            table.next = found.last().map(|last| {
                let place = encode(&format!("{}|{}", last.at.unix_millis(), last.id));
                let (outcome, endpoint) = (&query.outcome, &query.endpoint);
                format!("{path}?outcome={outcome}&endpoint={endpoint}&client={}&after={place}", encode(&query.client))
            });
        }
        let layout = integrator.layout(&cx, &application.name, APPLICATIONS);
        let mut page = ConsolePage::new(layout, "developer-requests", application.name.clone());
        page.back = Some(Action::link("back", "Applications", APPLICATIONS));
        page.tabs = vec![
            ("Clients".to_owned(), format!("/developer/applications/{}", application.id), false),
            ("Requests".to_owned(), path, true),
        ];
        let lead = format!(
            "Every refused request and a sample of the others, for {} hours and {} requests a client. Codes, tokens and secrets are never kept.",
            settings.request_log_hours, settings.request_log_rows
        );
        let mut page = page.with(Block::Words(lead));
        let dropped = cx.app.requests.dropped();
        if dropped > 0 {
            let text = format!("{dropped} requests were too many at once and were not kept, since this node started.");
            page = page.with(Block::Note(Tone::Warning, text));
        }
        Ok(respond(&page.with(Block::Table(String::new(), fields(&query), table))))
    };
    shown.await.unwrap_or_else(|failure: PageFailure| failure.respond(&cx))
}

async fn get_request(cx: Cx, browser: Browser, Path(id): Path<String>) -> Response {
    let shown = async {
        let integrator = enter(&cx, &browser).await?;
        let id = id.parse().map_err(|_| PageFailure::NotFound)?;
        let request = requests::find_request(&cx.app.db, id).await?.ok_or(PageFailure::NotFound)?;
        let application = integrator.application(&cx, &request.application.to_string()).await?;
        let layout = integrator.layout(&cx, "Request", APPLICATIONS);
        let heading = format!("Request to {}", request.endpoint.as_str());
        let mut page = ConsolePage::new(layout, "developer-request", heading);
        let back = format!("/developer/applications/{}/requests", application.id);
        page.back = Some(Action::link("back", "Requests", back));
        let when = integrator.when(&cx, request.at);
        let mut facts = vec![
            ("When".to_owned(), Cell::Time(crate::pages::When { text: when.exact.clone(), ..when })),
            ("Client".to_owned(), Cell::link(path_of(&request.client), request.client.clone())),
            ("Outcome".to_owned(), outcome(&request)),
        ];
        if let Outcome::Failed(failure) = &request.outcome {
            if !failure.error.is_empty() {
                facts.push(("error".to_owned(), Cell::Code(failure.error.clone())));
            }
            facts.push(("error_description".to_owned(), Cell::text(failure.description.clone())));
        }
        let mut page = page.with(Block::Facts(String::new(), facts));
        if let Some(rule) = rule_of(&request) {
            page = page.with(Block::Facts(
                "The rule behind it".to_owned(),
                vec![
                    ("Rule".to_owned(), Cell::Code(rule.id.to_owned())),
                    ("Source".to_owned(), Cell::text(rule.source)),
                    ("It demands".to_owned(), Cell::text(rule.demands)),
                    ("What to do".to_owned(), Cell::text(rule.remedy)),
                ],
            ));
        }
        let message = Message {
            id: "parameters".to_owned(),
            heading: "Parameters".to_owned(),
            line: request.endpoint.as_str().to_owned(),
            fields: request.parameters.clone(),
            answer: None,
            note: Some("Of state, nonce and code_challenge only the beginning is kept; \u{201c}given\u{201d} stands for a value that is not kept.".to_owned()),
        };
        Ok(respond(&page.with(Block::Message(message))))
    };
    shown.await.unwrap_or_else(|failure: PageFailure| failure.respond(&cx))
}

fn rule_of(request: &LoggedRequest) -> Option<rules::Rule> {
    match &request.outcome {
        Outcome::Failed(failure) => failure.rule.as_deref().and_then(rules::find),
        Outcome::Answered => None,
    }
}
