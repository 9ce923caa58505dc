//! The authorization endpoint (RFC 6749 §3.1, OpenID Connect Core §3.1.2): silent where nothing is left to ask, parked
//! where the person has to act.

use std::sync::Arc;

use axum::Router;
use axum::body::Bytes;
use axum::extract::RawQuery;
use axum::http::HeaderMap;
use axum::response::Response;
use axum::routing::get;
use stepgate_core::authorize::interaction::{Interaction, Purpose};
use stepgate_core::authorize::next::{NextStep, next};
use stepgate_core::authorize::{self, AuthorizationRequest, Context, Hint, HintedSubject, Refusal};
use stepgate_core::oidc::params::{Params, RawAuthorization};
use stepgate_core::oidc::{ErrorCode, OAuthError, STANDARD_SCOPES};

use crate::access;
use crate::app::App;
use crate::clients::{self, Registered};
use crate::cx::Cx;
use crate::fault::Fault;
use crate::http::extract::Browser;
use crate::http::oauth_error::{Refused, refused};
use crate::http::page::{PageFailure, see_other, with_browser};
use crate::login::finish::{Issued, issue_code};
use crate::login::http::to_client;
use crate::login::{Parked, Standing, demand, stand};
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
    let raw = RawAuthorization::from(&Params::parse(query.as_bytes()).map_err(|error| bad(error.to_string()))?);
    let client = match raw.client_id.as_deref() {
        Some(id) => clients::find(cx, id).await?,
        None => None,
    };
    let context = Context {
        issuer: cx.app.issuer(),
        supported_scopes: &cx.app.scopes,
        hint: hint(cx, raw.id_token_hint.as_deref()).await?,
        person_of: &|subject| client.as_ref().and_then(|client| client.person(cx, subject)),
        now: cx.now,
    };
    let request = match authorize::validate(&raw, client.as_ref().map(|client| &client.client), &context) {
        Ok(request) => request,
        Err(Refusal::Page(error)) => return Err(bad(error.to_string())),
        Err(Refusal::Client { response, error }) => {
            tracing::info!(client.id = raw.client_id.as_deref(), %error, "an authorization request was refused");
            let answer = to_client(cx, &response, client.as_ref().map_or("", |client| &client.application.name));
            return Ok(refused(answer, Refused::Error(error)));
        }
    };
    // `validate` lets no request of an unknown client through.
    let client = client.ok_or_else(|| bad("client_id: names no registered client".to_owned()))?;
    decide(cx, browser, request, client).await
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
            match issue_code(cx, request, &client, standing, None).await? {
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
            let parked = Parked::begin(cx, browser.token(), interaction.moved(&step)).await?;
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
