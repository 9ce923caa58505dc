//! The authorization endpoint (RFC 6749 §3.1, OpenID Connect Core §3.1.2): silent where nothing is left to ask, parked
//! where the person has to act.

pub mod gather;
pub mod settings;

use std::sync::Arc;

use axum::Router;
use axum::body::Bytes;
use axum::extract::RawQuery;
use axum::http::HeaderMap;
use axum::response::Response;
use axum::routing::get;
use stepgate_core::authorize::interaction::{Interaction, Purpose};
use stepgate_core::authorize::next::{NextStep, next};
use stepgate_core::authorize::{self, Arrival, AuthorizationRequest, Context, Hint, HintedSubject, Refusal};
use stepgate_core::oidc::params::{Params, RawAuthorization};
use stepgate_core::oidc::{ErrorCode, OAuthError, STANDARD_SCOPES};

use crate::access;
use crate::app::App;
use crate::authorize::gather::{GatherError, Gathered, gather};
use crate::clients::{self, Registered};
use crate::cx::Cx;
use crate::fault::Fault;
use crate::http::extract::Browser;
use crate::http::oauth_error::{Refused, refused};
use crate::http::page::{PageFailure, see_other, with_browser};
use crate::login::finish::{Issued, issue};
use crate::login::http::to_client;
use crate::login::{self, Parked, Standing, demand, stand};
use crate::session;
use crate::token::http::form;

/// The routes.
pub fn routes() -> Router<Arc<App>> {
    Router::new().route("/authorize", get(get_authorize).post(post_authorize))
}

/// A URL that every browser and proxy lets through.
const LONGEST_QUERY: usize = 7 * 1024;

/// A posted request goes on as the same request by GET: only that carries our cookies (ADR 4).
async fn post_authorize(cx: Cx, headers: HeaderMap, body: Bytes) -> Response {
    let refused = |detail: String| PageFailure::BadRequest { detail }.respond(&cx);
    if let Err(error) = form(&headers, &body) {
        return refused(error.to_string());
    }
    match std::str::from_utf8(&body) {
        Ok(query) if query.len() <= LONGEST_QUERY && query.bytes().all(|byte| byte.is_ascii_graphic()) => {
            see_other(&format!("/authorize?{query}"))
        }
        _ => refused("the request is longer than 7 KiB, or not form-encoded".to_owned()),
    }
}

async fn get_authorize(cx: Cx, browser: Browser, RawQuery(query): RawQuery) -> Response {
    answer(&cx, &browser, &query.unwrap_or_default()).await.unwrap_or_else(|failure| failure.respond(&cx))
}

async fn answer(cx: &Cx, browser: &Browser, query: &str) -> Result<Response, PageFailure> {
    let bad = |detail: String| PageFailure::BadRequest { detail };
    let outer = RawAuthorization::from(&Params::parse(query.as_bytes()).map_err(|error| bad(error.to_string()))?);
    let client = match outer.client_id.as_deref() {
        Some(id) => clients::find(cx, id).await?,
        None => None,
    };
    let judged = match &client {
        None => Err(authorize::refuse(&outer, None, OAuthError::invalid("client_id", "unknown"), cx.app.issuer())),
        Some(registered) => match gather(cx, registered, &outer).await {
            Ok(Gathered { raw, arrival }) => judge(cx, registered, &raw, arrival).await?,
            Err(GatherError::Refused(error)) => {
                Err(authorize::refuse(&outer, Some(&registered.client), error, cx.app.issuer()))
            }
            Err(GatherError::Fault(fault)) => return Err(fault.into()),
        },
    };
    match (judged, client) {
        (Ok(request), Some(client)) => decide(cx, browser, request, client).await,
        (Err(Refusal::Client { response, error }), Some(client)) => {
            tracing::info!(client.id = client.client.id, %error, "an authorization request was refused");
            Ok(refused(to_client(cx, &response, &client.application.name), Refused::Error(error)))
        }
        (Err(Refusal::Page(error)), _) => Err(bad(error.to_string())),
        (_, None) => Err(bad("client_id: names no registered client".to_owned())),
    }
}

/// Judges a client's request by what the deployment supports and knows.
pub async fn judge(
    cx: &Cx,
    client: &Registered,
    raw: &RawAuthorization,
    arrival: Arrival,
) -> Result<Result<AuthorizationRequest, Refusal>, Fault> {
    let context = Context {
        issuer: cx.app.issuer(),
        arrival,
        response_types: &cx.app.response_types,
        pushed_only: cx.app.settings.authorization.require_pushed_requests,
        supported_scopes: &cx.app.scopes,
        hint: hint(cx, raw.id_token_hint.as_deref()).await?,
        person_of: &|subject| client.person(cx, subject),
        now: cx.now,
    };
    Ok(authorize::validate(raw, Some(&client.client), &context))
}

async fn hint(cx: &Cx, hint: Option<&str>) -> Result<Hint, Fault> {
    let Some(hint) = hint else { return Ok(Hint::Absent) };
    let Some(claims) = access::read_hint(cx, hint) else { return Ok(Hint::Refused) };
    let person = access::person_of_hint(cx, &claims).await?;
    Ok(person.map_or(Hint::Refused, |person| Hint::Verified(HintedSubject { person })))
}

/// Answers at once where nothing is left to ask; parks the request otherwise.
async fn decide(
    cx: &Cx,
    browser: &Browser,
    request: AuthorizationRequest,
    client: Arc<Registered>,
) -> Result<Response, PageFailure> {
    let interaction = Interaction::begin(Purpose::Authorize { request: Box::new(request) }, cx.now);
    let name = &client.application.name;
    let standing = match demand(cx, &interaction, Some(&client)) {
        Err(error) => {
            let error = OAuthError::new(ErrorCode::UnmetAuthenticationRequirements, error.to_string());
            return refuse(cx, &interaction, &client, &error);
        }
        Ok(requirement) => match session::find(cx, browser.session.as_deref()).await? {
            Some(live) => stand(cx, live, &interaction, &requirement, Some(&client)).await?,
            None => None,
        },
    };
    match next(&interaction, standing.as_ref().map(Standing::logged_in)) {
        NextStep::Finish => {
            let (Some(request), Some(standing)) = (interaction.request(), &standing) else {
                return Err(Fault::internal("finished without a request or a session").into());
            };
            match issue(cx, request, &client, standing, None).await? {
                Issued::Answer(response) => Ok(to_client(cx, &response, name)),
                Issued::Gone => Err(PageFailure::InteractionGone),
                Issued::Unanswerable(error) => Err(PageFailure::BadRequest { detail: error.to_string() }),
            }
        }
        NextStep::Refuse(code) => {
            let error = OAuthError::new(code, "prompt: none was asked for, but the person would have to act");
            refuse(cx, &interaction, &client, &error)
        }
        step => {
            let interaction = interaction.moved(&step);
            login::count::moved(cx, None, &interaction.stage, standing.as_ref());
            let parked = Parked::begin(cx, browser.token(), interaction).await?;
            Ok(with_browser(cx, browser, see_other(&parked.path())))
        }
    }
}

fn refuse(
    cx: &Cx,
    interaction: &Interaction,
    client: &Registered,
    error: &OAuthError,
) -> Result<Response, PageFailure> {
    let request = interaction.request().ok_or(PageFailure::InteractionGone)?;
    let response = request.answer_error(&client.client, error, cx.app.issuer());
    let response = response.map_err(|error| PageFailure::BadRequest { detail: error.to_string() })?;
    Ok(refused(to_client(cx, &response, &client.application.name), Refused::Error(error.clone())))
}

/// The scopes that a deployment knows.
pub fn supported_scopes() -> Vec<String> {
    STANDARD_SCOPES.iter().map(ToString::to_string).collect()
}
