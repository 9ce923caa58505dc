//! From the form to an authorization request.

use std::collections::BTreeMap;

use stepgate_core::entropy::random_token;
use stepgate_core::oidc::CodeChallenge;

use super::run::{Acting, Run};
use super::sandbox::{self, Sandbox};
use super::{callback, messages};
use crate::cx::Cx;
use crate::developer::Integrator;
use crate::http::extract::Form;
use crate::http::page::PageFailure;
use crate::pages::developer::{Group, GroupedForm};
use crate::pages::form::{Control, Field};
use crate::registration::deployment;

/// What was typed, by field.
pub(super) type Typed = BTreeMap<&'static str, String>;

/// Parameters that are sent as they are typed; an empty one is not sent.
const SENT: &[&str] = &[
    "response_type",
    "response_mode",
    "scope",
    "acr_values",
    "claims",
    "prompt",
    "max_age",
    "login_hint",
    "ui_locales",
    "claims_locales",
    "display",
    "resource",
];

const OTHERS: &[&str] = &["client", "pkce", "nonce", "push", "as", "strength"];

/// The form as it is at first.
pub(super) fn beginning(client: &str, sandbox: Option<&Sandbox>) -> Typed {
    let client = if client.is_empty() { sandbox.map_or("", |sandbox| &sandbox.client_id) } else { client };
    let mut typed = Typed::from(
        [
            ("client", client),
            ("response_type", "code"),
            ("scope", "openid profile email"),
            ("pkce", "1"),
            ("nonce", "1"),
            ("as", "erin"),
            ("strength", "hardware_token"),
        ]
        .map(|(name, value)| (name, value.to_owned())),
    );
    typed.retain(|_, value| !value.is_empty());
    typed
}

pub(super) fn of_form(form: &Form) -> Typed {
    SENT.iter().chain(OTHERS).map(|name| (*name, form.get(name).to_owned())).collect()
}

/// The form.
pub(super) fn draw(cx: &Cx, typed: &Typed, faults: &[(&'static str, String)]) -> GroupedForm {
    let value = |name: &str| typed.get(name).cloned().unwrap_or_default();
    let field = |name: &'static str, control: Control, help: &str| {
        let mut field = Field::optional(name, name, control, value(name));
        field.help = Some(help.to_owned()).filter(|help| !help.is_empty());
        field.error = faults.iter().find(|(known, _)| *known == name).map(|(_, fault)| fault.clone());
        field
    };
    let options = |values: &[&str]| {
        let words = |value: &&str| ((*value).to_owned(), if value.is_empty() { "–" } else { *value }.to_owned());
        Control::Select(values.iter().map(words).collect())
    };
    let types: Vec<&str> = deployment(&cx.app).response_types.iter().map(String::as_str).collect();
    let known: Vec<String> = cx.app.catalogue.uris().map(ToString::to_string).collect();
    let mut groups = vec![
        group(
            "Client",
            "Whose request it is.",
            true,
            vec![
                field("client", Control::Text, &format!("client_id; it must have registered {}", callback(cx))),
                field(
                    "client_secret",
                    Control::Password,
                    "Only for a client other than the sandbox; used for this run alone.",
                ),
            ],
        ),
        group(
            "Request",
            "Everything that can be asked for.",
            true,
            vec![
                field("response_type", options(&types), ""),
                field("response_mode", options(&["", "query", "fragment", "form_post"]), ""),
                field("scope", Control::Text, ""),
                field("prompt", options(&["", "none", "login", "consent", "select_account", "login consent"]), ""),
                field("max_age", Control::Text, "Seconds."),
                field("login_hint", Control::Text, ""),
                field("pkce", Control::Tick, "code_challenge with S256"),
                field("nonce", Control::Tick, "A random one, compared in the ID token"),
                field("push", Control::Tick, "Send it by PAR first (RFC 9126)"),
            ],
        ),
        group(
            "Strength",
            "What the login must show.",
            true,
            vec![
                field("acr_values", Control::Text, &format!("Best first. Known: {}", known.join(", "))),
                field(
                    "claims",
                    Control::Lines,
                    "JSON, such as {\"id_token\":{\"acr\":{\"essential\":true,\"values\":[\"…\"]}}}",
                ),
            ],
        ),
        group(
            "More",
            "Languages, display, resource.",
            false,
            vec![
                field("ui_locales", Control::Text, ""),
                field("claims_locales", Control::Text, ""),
                field("display", options(&["", "page", "popup", "touch", "wap"]), ""),
                field("resource", Control::Text, "RFC 8707"),
            ],
        ),
    ];
    let mut other = None;
    if let Some(people) = demo_people(cx) {
        let kinds = ["password", "phone_otp", "mobile_id", "hardware_token"];
        let people: Vec<&str> = people.to_vec();
        groups.insert(
            1,
            group(
                "As a demo person",
                "Sent by their own phones and tokens, in a session apart.",
                true,
                vec![
                    field("as", options(&people), ""),
                    field(
                        "strength",
                        options(&kinds),
                        "Shown where it is asked for or offered; password gives up where more is demanded.",
                    ),
                ],
            ),
        );
        other = Some(("Run as the demo person".to_owned(), "/demo/playground".to_owned()));
    }
    GroupedForm { action: super::TAB.to_owned(), groups, submit: "Run as myself".to_owned(), other, error: None }
}

fn group(heading: &str, lead: &str, open: bool, fields: Vec<Field>) -> Group {
    Group { heading: heading.to_owned(), lead: lead.to_owned(), fields, sets: Vec::new(), open }
}

/// Who can be sent, in the demo.
fn demo_people(cx: &Cx) -> Option<&'static [&'static str]> {
    const PEOPLE: &[&str] = &["alice", "bob", "carol", "dave", "erin", "frank", "grace"];
    cx.app.demo.then_some(PEOPLE)
}

/// The run that a form asks for, and whether its request is to be pushed.
pub(super) async fn run(
    cx: &Cx,
    integrator: &Integrator,
    form: &Form,
    acting: Option<Acting>,
) -> Result<Result<(Run, bool), Vec<(&'static str, String)>>, PageFailure> {
    let id = form.get("client");
    let client = match integrator.client(cx, id).await {
        Ok((client, _)) => client,
        Err(PageFailure::NotFound) => {
            return Ok(Err(vec![("client", "names no client of yours; make a sandbox client above".to_owned())]));
        }
        Err(failure) => return Err(failure),
    };
    let callback = callback(cx);
    if !client.metadata.redirect_uris.contains(&callback) {
        return Ok(Err(vec![("client", format!("add {callback} to its redirect_uris first, or use the sandbox"))]));
    }
    let sandbox = sandbox::find(cx, integrator).await?.filter(|sandbox| sandbox.client_id == client.id);
    let typed = Some(form.raw("client_secret").to_owned()).filter(|secret| !secret.is_empty());
    let secret = sandbox.map(|sandbox| sandbox.secret).or(typed);
    let sends_secret =
        matches!(client.metadata.token_endpoint_auth_method.as_str(), "client_secret_basic" | "client_secret_post");
    if sends_secret && secret.is_none() {
        return Ok(Err(vec![("client_secret", "needed for the token request of this client".to_owned())]));
    }
    let mut parameters = vec![("client_id".to_owned(), client.id.clone()), ("redirect_uri".to_owned(), callback)];
    let given = SENT.iter().map(|name| ((*name).to_owned(), form.get(name).to_owned()));
    parameters.extend(given.filter(|(_, value)| !value.is_empty()));
    parameters.push(("state".to_owned(), random_token(cx.entropy())));
    if form.get("nonce") == "1" {
        parameters.push(("nonce".to_owned(), random_token(cx.entropy())));
    }
    let verifier = (form.get("pkce") == "1").then(|| random_token(cx.entropy()));
    if let Some(challenge) = verifier.as_deref().and_then(|verifier| CodeChallenge::of(verifier).ok()) {
        parameters.push(("code_challenge".to_owned(), challenge.as_str().to_owned()));
        parameters.push(("code_challenge_method".to_owned(), "S256".to_owned()));
    }
    let push = form.get("push") == "1";
    if push && !messages::takes_pushed_requests(cx).await? {
        return Ok(Err(vec![("push", "this provider has no endpoint for pushed requests".to_owned())]));
    }
    let method = client.metadata.token_endpoint_auth_method.as_str().to_owned();
    let run = Run {
        client_id: client.id,
        method,
        secret,
        parameters,
        verifier,
        acting,
        answer: Vec::new(),
        exchanges: Vec::new(),
        id_token: None,
        strength: Vec::new(),
    };
    Ok(Ok((run, push)))
}
