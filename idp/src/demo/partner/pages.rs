//! The application's pages.

use askama::Template;
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{Html, IntoResponse, Response};
use serde_json::Value;

use super::login::{Login, RelyingPartyError};

/// One button of the home page.
struct Button {
    id: &'static str,
    label: &'static str,
    note: &'static str,
}

const BUTTONS: &[Button] = &[
    Button { id: "plain", label: "Log in", note: "Any login will do" },
    Button { id: "any-otp", label: "Any OTP", note: "acr_values: otp" },
    Button { id: "phone-otp", label: "Phone OTP only", note: "acr_values: phone-otp" },
    Button { id: "mobile-id", label: "Mobile ID only", note: "acr_values: mobile-id" },
    Button { id: "hardware-token", label: "Hardware token only", note: "acr_values: hardware-token" },
    Button { id: "proofed", label: "A proofed credential", note: "acr_values: otp:proofed" },
    Button { id: "max-age-0", label: "Log in anew", note: "max_age=0" },
    Button { id: "essential-acr", label: "Essential acr", note: "claims: acr essential, otp" },
];

#[derive(Template)]
#[template(path = "partner/home.html")]
struct HomePage {
    buttons: &'static [Button],
    shown: Option<Shown>,
    orders: Option<String>,
    told: bool,
}

struct Shown {
    name: String,
    acr: String,
    amr: String,
    can_refresh: bool,
    claims: String,
    userinfo: String,
    introspection: String,
}

#[derive(Template)]
#[template(path = "partner/error.html")]
struct ErrorPage {
    error: String,
    description: String,
    state_checked: bool,
}

#[derive(Template)]
#[template(path = "partner/spa.html")]
struct SpaPage;

fn pretty(value: &Value) -> String {
    serde_json::to_string_pretty(value).unwrap_or_default()
}

pub(super) fn home(login: Option<&Login>, orders: Option<&str>, told: bool) -> Response {
    let text = |value: &Value, name: &str| value.get(name).and_then(Value::as_str).unwrap_or("none").to_owned();
    let shown = login.map(|login| Shown {
        name: text(&login.userinfo, "name"),
        acr: text(&login.claims, "acr"),
        amr: login.claims.get("amr").map(ToString::to_string).unwrap_or_default(),
        can_refresh: login.can_refresh(),
        claims: pretty(&login.claims),
        userinfo: pretty(&login.userinfo),
        introspection: pretty(&login.introspection),
    });
    show(StatusCode::OK, &HomePage { buttons: BUTTONS, shown, orders: orders.map(str::to_owned), told })
}

pub(super) fn error(error: &RelyingPartyError) -> Response {
    let page = match error {
        RelyingPartyError::Refused { error, description, .. } => {
            ErrorPage { error: error.clone(), description: description.clone(), state_checked: true }
        }
        other => ErrorPage { error: "login_failed".to_owned(), description: other.to_string(), state_checked: false },
    };
    show(StatusCode::OK, &page)
}

#[derive(Template)]
#[template(path = "partner/text.html")]
struct TextPage {
    heading: &'static str,
    text: &'static str,
}

pub(super) async fn privacy() -> Response {
    let text = "This is a demo: what you allow is shown to you on its pages, and forgotten when it stops.";
    show(StatusCode::OK, &TextPage { heading: "Privacy policy", text })
}

pub(super) async fn terms() -> Response {
    let text = "This is a demo: use it as you like, and expect nothing of it.";
    show(StatusCode::OK, &TextPage { heading: "Terms of service", text })
}

pub(super) async fn logo() -> Response {
    ([(header::CONTENT_TYPE, "image/svg+xml")], include_str!("../../../static/iron-works.svg")).into_response()
}

pub(super) async fn spa() -> Response {
    show(StatusCode::OK, &SpaPage)
}

pub(super) async fn stylesheet() -> Response {
    ([(header::CONTENT_TYPE, "text/css; charset=utf-8")], include_str!("../../../static/partner.css")).into_response()
}

fn show(status: StatusCode, page: &impl Template) -> Response {
    let policy =
        HeaderValue::from_static("default-src 'none'; style-src 'self'; base-uri 'none'; frame-ancestors 'none'");
    match page.render() {
        Ok(html) => (status, [(header::CONTENT_SECURITY_POLICY, policy)], Html(html)).into_response(),
        Err(error) => (StatusCode::INTERNAL_SERVER_ERROR, error.to_string()).into_response(),
    }
}
