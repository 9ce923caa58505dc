//! The messages of a run, sent through the provider's own routes as a client's would be.

use axum::body::Body;
use axum::http::{Method, Request, StatusCode, header};
use data_encoding::BASE64;
use serde_json::Value;
use tower::ServiceExt as _;

use super::run::{Exchange, Run};
use crate::cx::Cx;
use crate::fault::Fault;
use crate::http::router;

/// The fields of a query or a form.
pub(super) fn fields(encoded: &[u8]) -> Vec<(String, String)> {
    form_urlencoded::parse(encoded).map(|(name, value)| (name.into_owned(), value.into_owned())).collect()
}

async fn send(cx: &Cx, request: Request<Body>) -> Result<(StatusCode, String), Fault> {
    let response = router::routes(&cx.app).oneshot(request).await.map_err(Fault::internal)?;
    let status = response.status();
    let body = axum::body::to_bytes(response.into_body(), 1024 * 1024).await.map_err(Fault::internal)?;
    Ok((status, String::from_utf8_lossy(&body).into_owned()))
}

fn pretty(body: &str) -> String {
    let parsed = serde_json::from_str::<Value>(body).ok();
    parsed.and_then(|value| serde_json::to_string_pretty(&value).ok()).unwrap_or_else(|| body.to_owned())
}

/// A form post with the client's authentication; what is shown of it never holds the secret.
async fn post(
    cx: &Cx,
    run: &mut Run,
    path: &str,
    mut form: Vec<(String, String)>,
    (heading, note): (&str, &str),
) -> Result<Option<Value>, Fault> {
    let mut request = Request::builder().method(Method::POST).uri(path);
    request = request.header(header::CONTENT_TYPE, "application/x-www-form-urlencoded");
    let mut shown = form.clone();
    match (&run.secret, run.method.as_str()) {
        (Some(secret), "client_secret_post") => {
            form.push(("client_id".to_owned(), run.client_id.clone()));
            form.push(("client_secret".to_owned(), secret.clone()));
            shown.push(("client_id".to_owned(), run.client_id.clone()));
            shown.push(("client_secret".to_owned(), "…".to_owned()));
        }
        (Some(secret), _) => {
            let encode = |text: &str| form_urlencoded::byte_serialize(text.as_bytes()).collect::<String>();
            let pair = format!("{}:{}", encode(&run.client_id), encode(secret));
            request = request.header(header::AUTHORIZATION, format!("Basic {}", BASE64.encode(pair.as_bytes())));
            shown.insert(0, ("Authorization".to_owned(), format!("Basic base64({}:…)", run.client_id)));
        }
        (None, _) => {
            form.push(("client_id".to_owned(), run.client_id.clone()));
            shown.push(("client_id".to_owned(), run.client_id.clone()));
        }
    }
    let encoded = form_urlencoded::Serializer::new(String::new()).extend_pairs(&form).finish();
    let request = request.body(Body::from(encoded)).map_err(Fault::internal)?;
    let (status, body) = send(cx, request).await?;
    run.exchanges.push(Exchange {
        heading: heading.to_owned(),
        line: format!("POST {path}"),
        fields: shown,
        status: status.to_string(),
        body: pretty(&body),
        note: note.to_owned(),
    });
    Ok(status.is_success().then(|| serde_json::from_str(&body).ok()).flatten())
}

/// Whether discovery names an endpoint for pushed requests.
pub(super) async fn takes_pushed_requests(cx: &Cx) -> Result<bool, Fault> {
    let request = Request::get("/.well-known/openid-configuration").body(Body::empty()).map_err(Fault::internal)?;
    let (_, body) = send(cx, request).await?;
    Ok(body.contains("\"pushed_authorization_request_endpoint\""))
}

/// Pushes the request (RFC 9126); where the browser goes then. A refused push is in the messages, and the request goes
/// on in the clear so that both can be compared.
pub(super) async fn push(cx: &Cx, run: &mut Run) -> Result<String, Fault> {
    let form = run.parameters.iter().filter(|(name, _)| name != "client_id").cloned().collect();
    let note = "The browser only carries request_uri and client_id: nothing in it can be stripped.";
    let pushed = post(cx, run, "/par", form, ("Pushed authorization request", note)).await?;
    let reference = pushed.as_ref().and_then(|answer| answer.get("request_uri")).and_then(Value::as_str);
    Ok(match reference {
        Some(reference) => {
            let fields = [("client_id", run.client_id.as_str()), ("request_uri", reference)];
            let query = form_urlencoded::Serializer::new(String::new()).extend_pairs(fields).finish();
            format!("{}?{query}", cx.app.url("/authorize"))
        }
        None => run.url(cx),
    })
}

/// What follows an answer.
pub(super) async fn exchange(cx: &Cx, run: &mut Run) -> Result<(), Fault> {
    let mut access_token = run.answered("access_token").map(str::to_owned);
    run.id_token = run.answered("id_token").map(str::to_owned);
    if let Some(code) = run.answered("code").map(str::to_owned) {
        let mut form = vec![
            ("grant_type".to_owned(), "authorization_code".to_owned()),
            ("code".to_owned(), code),
            ("redirect_uri".to_owned(), super::callback(cx)),
        ];
        form.extend(run.verifier.clone().map(|verifier| ("code_verifier".to_owned(), verifier)));
        let note = "The code is used up by this; a second use would revoke the tokens.";
        let tokens = post(cx, run, "/token", form, ("Token request", note)).await?;
        let text = |name: &str| tokens.as_ref().and_then(|it| it.get(name)).and_then(Value::as_str).map(str::to_owned);
        access_token = text("access_token").or(access_token);
        run.id_token = text("id_token").or(run.id_token.take());
    }
    let Some(access_token) = access_token else { return Ok(()) };
    let request = Request::get("/userinfo").header(header::AUTHORIZATION, format!("Bearer {access_token}"));
    let (status, body) = send(cx, request.body(Body::empty()).map_err(Fault::internal)?).await?;
    run.exchanges.push(Exchange {
        heading: "Userinfo".to_owned(),
        line: "GET /userinfo".to_owned(),
        fields: vec![("Authorization".to_owned(), "Bearer (the access token)".to_owned())],
        status: status.to_string(),
        body: pretty(&body),
        note: "The claims of the scopes, and what holds now: acr disappears when its factor no longer counts."
            .to_owned(),
    });
    if run.method != "none" {
        let form = vec![("token".to_owned(), access_token)];
        let note = "What a resource server asks (RFC 7662). It should compare acr, not only active.";
        post(cx, run, "/introspect", form, ("Introspection", note)).await?;
    }
    Ok(())
}
