//! From a request to a [`Cx`], a [`Browser`], a form.

use std::collections::BTreeMap;
use std::convert::Infallible;
use std::net::IpAddr;
use std::sync::Arc;

use axum::extract::{ConnectInfo, FromRequest, FromRequestParts, Request};
use axum::http::request::Parts;
use axum::http::{HeaderMap, HeaderValue, Method, header};
use axum::response::{IntoResponse, Response};
use stepgate_core::authorize::interaction::LocalAddress;
use stepgate_core::entropy::random_token;
use stepgate_core::id::InteractionId;

use super::cookies::Cookie;
use super::csrf;
use super::page::PageFailure;
use crate::app::App;
use crate::cx::Cx;
use crate::tls::Peer;
use crate::words::Language;

impl FromRequestParts<Arc<App>> for Cx {
    type Rejection = Infallible;

    async fn from_request_parts(parts: &mut Parts, app: &Arc<App>) -> Result<Self, Infallible> {
        let text = |name| parts.headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or("");
        let user_agent = text(header::USER_AGENT);
        let peer = parts.extensions.get::<ConnectInfo<Peer>>().map(|info| &info.0);
        let trusted = &app.settings.server.trusted_proxies;
        Ok(Self {
            now: app.clock.now(),
            ip: client_ip(parts, app),
            client_certificate: peer.and_then(|peer| app.mutual_tls.presented(peer, &parts.headers, trusted)),
            user_agent: user_agent.chars().take(200).collect(),
            language: Language::of_header(text(header::ACCEPT_LANGUAGE)).unwrap_or_default(),
            app: Arc::clone(app),
        })
    }
}

/// The peer's address, or what the trusted proxies in front of us say it is: the last address in `X-Forwarded-For`
/// that is not a trusted proxy itself.
fn client_ip(parts: &Parts, app: &App) -> Option<IpAddr> {
    let peer = parts.extensions.get::<ConnectInfo<Peer>>()?.0.address.ip();
    let trusted = &app.settings.server.trusted_proxies;
    if !trusted.contains(&peer) {
        return Some(peer);
    }
    let forwarded = parts.headers.get("x-forwarded-for").and_then(|value| value.to_str().ok()).unwrap_or("");
    let hops = forwarded.rsplit(',').filter_map(|hop| hop.trim().parse().ok());
    Some(hops.into_iter().find(|hop| !trusted.contains(hop)).unwrap_or(peer))
}

/// The browser that sent the request: its cookie, or a fresh one to set.
pub struct Browser {
    token: String,
    fresh: bool,
    /// The session cookie's value, if any.
    pub session: Option<String>,
    /// The parked request that the person left to mend a credential.
    pub resume: Option<InteractionId>,
    /// The page of ours that it asked for; none where it posted something, which is not posted again.
    pub asked: Option<LocalAddress>,
}

impl Browser {
    /// What names this browser; parked requests keep its hash.
    pub fn token(&self) -> &str {
        &self.token
    }

    /// The proof to put into forms for this browser.
    pub fn csrf(&self, app: &App) -> String {
        csrf::proof(&app.secrets.csrf, &self.token)
    }

    /// The header that gives a new browser its name; `None` when it has one.
    pub fn introduce(&self, app: &App) -> Option<HeaderValue> {
        self.fresh.then(|| app.cookies.set(Cookie::Browser, &self.token))
    }
}

impl FromRequestParts<Arc<App>> for Browser {
    type Rejection = Infallible;

    async fn from_request_parts(parts: &mut Parts, app: &Arc<App>) -> Result<Self, Infallible> {
        let session = app.cookies.read(&parts.headers, Cookie::Session).map(ToOwned::to_owned);
        let resume = app.cookies.read(&parts.headers, Cookie::Resume).and_then(|id| id.parse().ok());
        let path = parts.uri.path_and_query().filter(|_| parts.method == Method::GET);
        let asked = path.and_then(|path| LocalAddress::parse(path.as_str()));
        let (token, fresh) = match app.cookies.read(&parts.headers, Cookie::Browser) {
            Some(token) => (token.to_owned(), false),
            None => (random_token(&crate::cx::OsEntropy), true),
        };
        Ok(Self { token, fresh, session, resume, asked })
    }
}

/// A form that one of our own pages posted: same origin, with the proof for this browser.
pub struct Form {
    fields: BTreeMap<String, String>,
    pairs: Vec<(String, String)>,
    /// The browser that posted it.
    pub browser: Browser,
    /// The request's context.
    pub cx: Cx,
}

impl Form {
    /// A field, trimmed; empty when absent.
    pub fn get(&self, name: &str) -> &str {
        self.fields.get(name).map_or("", |value| value.trim())
    }

    /// Each value of a field that may come several times: ticks of one name.
    pub fn all(&self, name: &str) -> impl Iterator<Item = &str> {
        self.pairs.iter().filter(move |(known, _)| known == name).map(|(_, value)| value.trim())
    }

    /// A field exactly as typed; for passwords.
    pub fn raw(&self, name: &str) -> &str {
        self.fields.get(name).map_or("", String::as_str)
    }

    /// Every field, as typed.
    pub fn every(&self) -> impl Iterator<Item = (&str, &str)> {
        self.pairs.iter().map(|(name, value)| (name.as_str(), value.as_str()))
    }
}

const MAX_FORM: usize = 64 * 1024;

impl FromRequest<Arc<App>> for Form {
    type Rejection = Response;

    async fn from_request(request: Request, app: &Arc<App>) -> Result<Self, Response> {
        let (mut parts, body) = request.into_parts();
        let Ok(cx) = Cx::from_request_parts(&mut parts, app).await;
        let Ok(browser) = Browser::from_request_parts(&mut parts, app).await;
        let refuse = |failure: PageFailure| failure.respond(&cx).into_response();
        if !same_origin(&parts.headers, app) {
            return Err(refuse(PageFailure::ForeignForm));
        }
        let body = axum::body::to_bytes(body, MAX_FORM).await.map_err(|_| refuse(PageFailure::FormTooLarge))?;
        let mut fields: BTreeMap<String, String> = BTreeMap::new();
        let pairs: Vec<(String, String)> = form_urlencoded::parse(&body).into_owned().collect();
        for (name, value) in &pairs {
            fields.entry(name.clone()).or_insert_with(|| value.clone());
        }
        let proven = !browser.fresh
            && fields.get("csrf").is_some_and(|given| csrf::holds(&app.secrets.csrf, &browser.token, given));
        if !proven {
            return Err(refuse(PageFailure::StaleForm));
        }
        Ok(Self { fields, pairs, browser, cx })
    }
}

/// Browsers say where a form came from; one that comes from elsewhere is refused before its proof is looked at.
pub(super) fn same_origin(headers: &HeaderMap, app: &App) -> bool {
    let text = |name: &str| headers.get(name).and_then(|value| value.to_str().ok());
    if let Some(site) = text("sec-fetch-site")
        && !matches!(site, "same-origin" | "none")
    {
        return false;
    }
    match text("origin") {
        Some(origin) => origin == app.origin || origin == "null" && text("sec-fetch-site").is_some(),
        None => true,
    }
}
