//! The router, by audience, and what every answer carries.

use std::sync::Arc;
use std::time::Instant;

use axum::Router;
use axum::extract::{Request, State};
use axum::http::{HeaderValue, StatusCode, header};
use axum::middleware::{self, Next};
use axum::response::{IntoResponse, Response};
use axum::routing::get;

use crate::app::App;
use crate::cx::Cx;
use crate::http::cors;
use crate::http::page::{Framing, PageFailure};
use crate::pages::assets;
use crate::telemetry::Route;
use crate::{
    account, admin, authorize, credentials, developer, device, discovery, help, introspection, invitations, login,
    logout, not_me, par, phones, recovery, registration, requests, revocation, shop, token, userinfo,
};

/// Everything that the provider answers.
pub fn routes(app: &Arc<App>) -> Router {
    Router::new()
        // Relying parties.
        .merge(discovery::routes())
        .merge(authorize::routes())
        .merge(token::routes())
        .merge(userinfo::routes())
        .merge(revocation::routes())
        .merge(par::routes())
        .merge(device::routes())
        .merge(introspection::routes())
        .merge(registration::routes())
        // People.
        .merge(login::routes())
        .merge(logout::routes())
        .merge(account::routes())
        .merge(help::routes())
        .merge(shop::routes())
        .merge(recovery::routes())
        .merge(not_me::routes())
        .merge(invitations::routes())
        // Phones.
        .merge(credentials::mobile_id::routes())
        // Providers of telephone services.
        .merge(credentials::phone_call::http::routes())
        .merge(phones::http::routes())
        // Administrators.
        .merge(admin::routes())
        // Integrators.
        .merge(developer::routes())
        // Operators.
        .route("/health/live", get(|| async { StatusCode::OK }))
        .route("/health/ready", get(get_ready))
        .route("/static/{name}", get(assets::serve))
        .fallback(not_found)
        .layer(middleware::from_fn_with_state(Arc::clone(app), guard))
        .with_state(Arc::clone(app))
}

async fn not_found(cx: Cx) -> Response {
    PageFailure::NotFound.respond(&cx)
}

/// Whether this node can do its work: both stores answer.
async fn get_ready(State(app): State<Arc<App>>) -> Response {
    let ready = async {
        app.db.ping().await?;
        app.ephemeral.ping().await
    };
    match ready.await {
        Ok(()) => StatusCode::OK.into_response(),
        Err(error) => {
            tracing::warn!(%error, "this node is not ready");
            (StatusCode::SERVICE_UNAVAILABLE, [(header::RETRY_AFTER, "2")]).into_response()
        }
    }
}

macro_rules! policy {
    ($more:literal) => {
        concat!(
            "default-src 'none'; style-src 'self'; script-src 'self'; img-src 'self' data: https:",
            $more,
            "; connect-src 'self'; manifest-src 'self'; worker-src 'self'; base-uri 'none'; frame-ancestors 'none'"
        )
    };
}

/// Nothing inline, nothing from elsewhere but logos, in nobody's frame. `form-action` is left open: a form that ends at
/// an application is redirected there, and browsers apply it to redirects too.
const PAGE_POLICY: &str = policy!("");

/// In the demo, logos of this machine's applications are shown although they are not `https`.
const DEMO_POLICY: &str = policy!(" http://localhost:*");

/// The page that others may frame has one script of ours, and nothing else.
const FRAMABLE_POLICY: &str = "default-src 'none'; script-src 'self'; base-uri 'none'";

fn security_policy(app: &App, framing: Option<&Framing>) -> HeaderValue {
    let usual = if app.demo { DEMO_POLICY } else { PAGE_POLICY };
    match framing {
        None => HeaderValue::from_static(usual),
        Some(Framing::Framable) => HeaderValue::from_static(FRAMABLE_POLICY),
        Some(Framing::Frames(origins)) => {
            let policy = format!("{usual}; frame-src {origins}");
            HeaderValue::try_from(policy).unwrap_or_else(|_| HeaderValue::from_static(usual))
        }
    }
}

/// What surrounds every request: security headers, what scripts of other origins may read, what integrators see in
/// their log, and one line in ours: no query, no body, no cookie.
///
/// One layer, not three: each layer of a router costs every request three allocations or more.
pub async fn guard(State(app): State<Arc<App>>, request: Request, next: Next) -> Response {
    let started = Instant::now();
    let route = Route::of(request.uri().path());
    let line =
        tracing::enabled!(tracing::Level::DEBUG).then(|| (request.method().clone(), request.uri().path().to_owned()));
    let shared = cors::is_shared(route);
    let mut response = match shared.then(|| cors::preflight(&request)).flatten() {
        Some(answer) => answer,
        None => answered(&app, request, next).await,
    };
    if shared {
        cors::share(response.headers_mut());
    }
    let framing = response.extensions_mut().remove::<Framing>();
    let framable = matches!(framing, Some(Framing::Framable));
    let policy = security_policy(&app, framing.as_ref());
    let headers = response.headers_mut();
    let fixed = |text: &'static str| HeaderValue::from_static(text);
    headers.insert(header::CONTENT_SECURITY_POLICY, policy);
    headers.insert(header::X_CONTENT_TYPE_OPTIONS, fixed("nosniff"));
    if !framable {
        headers.insert(header::X_FRAME_OPTIONS, fixed("DENY"));
    }
    headers.insert(header::REFERRER_POLICY, fixed("no-referrer"));
    if !app.settings.server.is_loopback_http() {
        headers.insert(header::STRICT_TRANSPORT_SECURITY, fixed("max-age=31536000"));
    }
    let took = started.elapsed();
    app.telemetry.request(route, response.status(), took);
    if let Some((method, path)) = line {
        let micros = u64::try_from(took.as_micros()).unwrap_or(u64::MAX);
        tracing::debug!(%method, path, status = response.status().as_u16(), micros, "request");
    }
    response
}

/// The answer, noted for the client's integrators where a protocol endpoint gave it.
async fn answered(app: &App, request: Request, next: Next) -> Response {
    let Some(endpoint) = requests::observed(request.uri().path()) else { return next.run(request).await };
    match requests::read_ahead(endpoint, request).await {
        Ok((sent, request)) => {
            let response = next.run(request).await;
            requests::note(app, &sent, &response);
            response
        }
        Err(too_large) => too_large,
    }
}
