//! The page of a run: each message in turn.

use super::explain::{decode, meaning, plain};
use super::run::{Exchange, Run};
use crate::cx::Cx;
use crate::pages::developer::{Block, ConsolePage, Message};
use crate::pages::{Action, Layout, Tone};

/// What a parameter of an authorization request is for.
fn purpose(name: &str) -> &'static str {
    match name {
        "response_type" => "What to send back: code alone is the safe choice.",
        "redirect_uri" => "Where to. Must be registered, character by character.",
        "scope" => "openid makes it OpenID Connect; the others bring claims to userinfo.",
        "state" => "Comes back unchanged: compare it.",
        "nonce" => "Comes back inside the ID token: compare it.",
        "code_challenge" => "The hash of the verifier: only whoever has the verifier can redeem the code.",
        "acr_values" => "The strength that is demanded, best first.",
        "claims" => "Single claims, and acr as an essential one.",
        "max_age" => "How old the login may be. Check auth_time.",
        "prompt" => "Whether to show something, or nothing at all.",
        "client_id" => "Who asks.",
        _ => "",
    }
}

/// What was sent and answered, as the so-manieth message of the run.
fn message(number: usize, exchange: &Exchange) -> Block {
    Block::Message(Message {
        id: format!("message-{number}"),
        heading: format!("{number}. {}", exchange.heading),
        line: exchange.line.clone(),
        fields: exchange.fields.clone(),
        answer: Some((exchange.status.clone(), exchange.body.clone())),
        note: Some(exchange.note.clone()),
    })
}

/// The page.
pub(super) fn page(cx: &Cx, layout: Layout, run: &Run) -> ConsolePage {
    let mut page = ConsolePage::new(layout, "developer-run", "What happened");
    page.back = Some(Action::link("back", "Playground", format!("/developer/playground?client={}", run.client_id)));
    page.id = Some(run.client_id.clone());
    page.state = Some(match run.answered("error") {
        Some(error) => (Tone::Danger, error.to_owned()),
        None if run.answer.is_empty() => (Tone::Notice, "Waiting for the answer".to_owned()),
        None => (Tone::Ok, "Answered".to_owned()),
    });
    if let Some(acting) = &run.acting {
        let text = format!("{} was sent, with {}.", acting.username, acting.strength);
        page = page.with(Block::Words(text));
    }
    if !run.strength.is_empty() {
        page = page.with(Block::Explained("Why this strength".to_owned(), run.strength.clone()));
    }
    let asked = run.parameters.iter().map(|(name, value)| (name.clone(), value.clone(), purpose(name).to_owned()));
    page = page.with(Block::Explained("1. Authorization request".to_owned(), asked.collect())).with(Block::Code(
        "request-url".to_owned(),
        "As an address".to_owned(),
        run.url(cx),
    ));
    // A pushed request goes before the answer of the browser, all else follows from it.
    let pushed = usize::from(run.exchanges.first().is_some_and(|first| first.line == "POST /par"));
    let (before, after) = run.exchanges.split_at(pushed);
    for exchange in before {
        page = page.with(message(2, exchange));
    }
    let fields =
        run.answer.iter().map(|(name, value)| (name.clone(), value.clone(), answer(name).to_owned())).collect();
    page = page.with(Block::Explained(format!("{}. Authorization response", pushed + 2), fields));
    for (number, exchange) in (pushed + 3..).zip(after) {
        page = page.with(message(number, exchange));
    }
    if let Some((header, claims)) = run.id_token.as_deref().and_then(decode) {
        let rows = |members: &serde_json::Map<String, serde_json::Value>| {
            members.iter().map(|(name, value)| (name.clone(), plain(value), meaning(name, value))).collect()
        };
        page = page
            .with(Block::Explained("ID token: header".to_owned(), rows(&header)))
            .with(Block::Explained("ID token: claims".to_owned(), rows(&claims)));
    }
    page
}

fn answer(name: &str) -> &'static str {
    match name {
        "code" => "To be redeemed once, within a minute, by this client only.",
        "state" => "The one of the request.",
        "iss" => "Who answers (RFC 9207): compare it, against mix-up.",
        "error" => "Why there is no code.",
        "error_description" => "For developers; do not show it to people.",
        "id_token" | "access_token" => "Came through the browser.",
        _ => "",
    }
}
