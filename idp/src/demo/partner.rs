//! The demo partner application: *Iron Works Portal*, a relying party built on the `openidconnect` crate as any partner
//! would build theirs.
//!
//! It runs in the same process and knows nothing of the provider but its issuer. It also owns a small API, which asks
//! the provider what a token is worth and answers RFC 9470 when that is not enough.

mod api;
mod login;
mod logout;
mod pages;

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use axum::Router;
use axum::extract::{Query, State};
use axum::http::{HeaderMap, HeaderValue, header};
use axum::response::{IntoResponse, Redirect, Response};
use axum::routing::{get, post};
use openidconnect::CsrfToken;
use serde::Deserialize;

use login::{Ask, Login, Pending, RelyingParty, RelyingPartyError};

/// Where the partner application is, and who it is to the provider.
#[derive(Clone, Debug)]
pub struct PartnerConfig {
    /// The provider.
    pub issuer: String,
    /// Where people reach the application.
    pub public_url: String,
    /// Its client.
    pub client_id: String,
    /// Its secret.
    pub client_secret: String,
    /// The client of its API.
    pub api_client_id: String,
    /// Its secret.
    pub api_client_secret: String,
    /// PEM certificates that it trusts besides the system's.
    pub trust: Option<Vec<u8>>,
}

/// What the application knows of one browser.
#[derive(Default)]
struct Visit {
    pending: Option<Pending>,
    login: Option<Login>,
    orders: Option<String>,
    /// The provider said that the session has ended.
    told: bool,
}

struct Partner {
    rp: RelyingParty,
    visits: Mutex<HashMap<String, Visit>>,
}

impl Partner {
    /// Ends what the application has of a session, or of all sessions of a person where no session is named.
    fn forget(&self, sid: &str, sub: &str) {
        let (claim, value) = if sid.is_empty() { ("sub", sub) } else { ("sid", sid) };
        for visit in self.visits().values_mut() {
            let of = visit.login.as_ref().and_then(|login| login.claims.get(claim)).and_then(|found| found.as_str());
            if of == Some(value) {
                *visit = Visit { told: true, ..Visit::default() };
            }
        }
    }

    fn visits(&self) -> MutexGuard<'_, HashMap<String, Visit>> {
        self.visits.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The application.
pub fn routes(config: PartnerConfig) -> Router {
    let partner = Arc::new(Partner { rp: RelyingParty::new(config), visits: Mutex::default() });
    Router::new()
        .route("/", get(get_home))
        .route("/start", get(get_start))
        .route("/callback", get(get_callback))
        .route("/orders", get(get_orders))
        .route("/refresh", post(post_refresh))
        .route("/logout", get(get_logout))
        .route("/api/orders", get(api::get_orders))
        .route("/backchannel-logout", post(logout::post_back_channel))
        .route("/frontchannel-logout", get(logout::get_front_channel))
        .route("/initiate", get(get_initiate))
        .route("/spa", get(pages::spa))
        .route("/privacy", get(pages::privacy))
        .route("/terms", get(pages::terms))
        .route("/iron-works.svg", get(pages::logo))
        .route("/partner.css", get(pages::stylesheet))
        .with_state(partner)
}

const COOKIE: &str = "iron-works";

fn cookie(headers: &HeaderMap) -> Option<String> {
    let lines = headers.get_all(header::COOKIE).iter().filter_map(|line| line.to_str().ok());
    let mut pairs = lines.flat_map(|line| line.split(';')).filter_map(|pair| pair.trim().split_once('='));
    pairs.find(|(name, _)| *name == COOKIE).map(|(_, value)| value.to_owned())
}

async fn get_home(State(partner): State<Arc<Partner>>, headers: HeaderMap) -> Response {
    let visits = partner.visits();
    let visit = cookie(&headers).and_then(|name| visits.get(&name));
    let told = visit.is_some_and(|visit| visit.told);
    pages::home(visit.and_then(|visit| visit.login.as_ref()), visit.and_then(|visit| visit.orders.as_deref()), told)
}

#[derive(Deserialize)]
struct Start {
    #[serde(default)]
    want: String,
}

async fn get_start(State(partner): State<Arc<Partner>>, Query(start): Query<Start>) -> Response {
    match Ask::named(&start.want) {
        Some(ask) => begin(&partner, &ask).await,
        None => pages::error(&RelyingPartyError::Unknown),
    }
}

#[derive(Deserialize)]
struct Initiation {
    #[serde(default)]
    iss: String,
    #[serde(default)]
    login_hint: String,
}

/// Somebody else starts the login (OpenID Connect Core §4): only ever at our own provider. Where the person then goes
/// is ours to say: `target_link_uri` could be anybody's.
async fn get_initiate(State(partner): State<Arc<Partner>>, Query(asked): Query<Initiation>) -> Response {
    if asked.iss != partner.rp.config.issuer {
        return pages::error(&RelyingPartyError::Issuer);
    }
    begin(&partner, &Ask::hinted(&asked.login_hint)).await
}

/// Sends the browser to the provider; what must be compared on its return is kept under a fresh cookie.
async fn begin(partner: &Partner, ask: &Ask) -> Response {
    let (url, pending) = match partner.rp.begin(ask).await {
        Ok(begun) => begun,
        Err(error) => return pages::error(&error),
    };
    let name = CsrfToken::new_random().secret().clone();
    let mut visits = partner.visits();
    if visits.len() > 10_000 {
        visits.clear();
    }
    visits.insert(name.clone(), Visit { pending: Some(pending), ..Visit::default() });
    with_cookie(Redirect::to(&url).into_response(), &name)
}

fn with_cookie(mut response: Response, name: &str) -> Response {
    let text = format!("{COOKIE}={name}; Path=/; HttpOnly; SameSite=Lax");
    if let Ok(value) = HeaderValue::try_from(text) {
        response.headers_mut().append(header::SET_COOKIE, value);
    }
    response
}

async fn get_callback(
    State(partner): State<Arc<Partner>>,
    headers: HeaderMap,
    Query(answer): Query<HashMap<String, String>>,
) -> Response {
    let name = cookie(&headers).unwrap_or_default();
    let pending = partner.visits().get_mut(&name).and_then(|visit| visit.pending.take());
    let Some(pending) = pending else { return pages::error(&RelyingPartyError::State) };
    let to_orders = pending.to_orders;
    match partner.rp.finish(pending, &answer).await {
        Ok(login) => {
            if let Some(visit) = partner.visits().get_mut(&name) {
                visit.login = Some(login);
                visit.told = false;
            }
            Redirect::to(if to_orders { "/orders" } else { "/" }).into_response()
        }
        Err(error) => pages::error(&error),
    }
}

/// Calls the API with the person's access token. When that is not strong enough, the API says what is (RFC 9470 §3),
/// and the application asks the provider for exactly that (RFC 9470 §4).
async fn get_orders(State(partner): State<Arc<Partner>>, headers: HeaderMap) -> Response {
    let name = cookie(&headers).unwrap_or_default();
    let token = partner.visits().get(&name).and_then(|visit| visit.login.as_ref()).map(Login::access_token);
    let Some(token) = token else { return begin(&partner, &Ask::orders(None, None)).await };
    match partner.rp.call_api(&token).await {
        Ok(api::Called::Orders(orders)) => {
            if let Some(visit) = partner.visits().get_mut(&name) {
                visit.orders = Some(orders);
            }
            Redirect::to("/#orders").into_response()
        }
        Ok(api::Called::StepUp { acr_values, max_age }) => begin(&partner, &Ask::orders(acr_values, max_age)).await,
        Err(error) => pages::error(&error),
    }
}

async fn post_refresh(State(partner): State<Arc<Partner>>, headers: HeaderMap) -> Response {
    let name = cookie(&headers).unwrap_or_default();
    let login = partner.visits().get_mut(&name).and_then(|visit| visit.login.take());
    let Some(login) = login else { return Redirect::to("/").into_response() };
    match partner.rp.refresh(login).await {
        Ok(login) => {
            if let Some(visit) = partner.visits().get_mut(&name) {
                visit.login = Some(login);
            }
            Redirect::to("/").into_response()
        }
        Err(error) => pages::error(&error),
    }
}

async fn get_logout(State(partner): State<Arc<Partner>>, headers: HeaderMap) -> Response {
    let visit = partner.visits().remove(&cookie(&headers).unwrap_or_default());
    let url = visit.and_then(|visit| visit.login).and_then(|login| partner.rp.logout_url(&login));
    Redirect::to(url.as_deref().unwrap_or("/")).into_response()
}
