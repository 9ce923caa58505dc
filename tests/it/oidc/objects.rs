//! Modules about request objects (OpenID Connect Core §6, RFC 9101).

use serde_json::{Value, json};

use super::client::{Case, Flow, Request, unsigned};
use super::refusals::error_page;
use super::suite::{SITE, fresh};

/// The type of a document that is a request object.
const OBJECT: &str = "application/oauth-authz-req+jwt";

/// What stays outside of the object: OAuth wants these for every request (OpenID Connect Core §6.1).
fn outside(request: &Request) -> Request {
    let mut fields = request.fields.clone();
    let kept = ["client_id", "response_type", "scope", "response_mode"];
    fields.retain(|(name, _)| kept.contains(&name.as_str()));
    Request { fields }
}

/// An address for an object that does not exist yet, as it is registered: with a fragment that looks like a hash of the
/// content and is none.
fn address() -> (String, String) {
    let path = format!("/objects/{}", fresh());
    let url = SITE.publish(&path, OBJECT, String::new());
    (path, format!("{url}#{}", super::verify::half_hash(&fresh())))
}

/// Whether unsigned objects are offered. Where they are not, they must be refused as such.
fn offered(case: &Case) -> bool {
    case.suite.supports("request_object_signing_alg_values_supported", "none")
}

async fn works_or_is_refused(flow: &mut Flow<'_>, sent: &Request, meant: &Request, offered: bool, refusal: &[&str]) {
    if offered {
        flow.open(sent).await;
        flow.walk().await;
        let answer = flow.answer(meant);
        flow.grant(meant, &answer).await;
        return;
    }
    flow.open(sent).await;
    if flow.browser.page.name() == "error" {
        return error_page(flow);
    }
    // What the object says is not believed: not even its state.
    let answer = flow.answer(sent);
    assert!(refusal.contains(&answer.error()), "{answer:?}");
}

pub(super) async fn unsigned_by_reference(case: &Case) {
    let (path, url) = address();
    let changes = json!({ "request_uris": [url], "request_object_signing_alg": "none" });
    let changes = if offered(case) { changes } else { json!({ "request_uris": [url] }) };
    let mut flow = case.begin_with(changes).await;
    let request = flow.request();
    SITE.publish(&path, OBJECT, unsigned(&request.claims(&flow)));
    let sent = outside(&request).with("request_uri", &url);
    let refusal = ["request_uri_not_supported", "invalid_request_uri", "invalid_request_object"];
    works_or_is_refused(&mut flow, &sent, &request, offered(case), &refusal).await;
}

pub(super) async fn unsigned_by_value(case: &Case) {
    let changes = if offered(case) { json!({ "request_object_signing_alg": "none" }) } else { json!({}) };
    let mut flow = case.begin_with(changes).await;
    let request = flow.request();
    let sent = outside(&request).with("request", &unsigned(&request.claims(&flow)));
    let refusal = ["request_not_supported", "invalid_request_object"];
    works_or_is_refused(&mut flow, &sent, &request, offered(case), &refusal).await;
}

/// Signed with the client's registered key, fetched from the client's address.
pub(super) async fn signed_by_reference(case: &Case) {
    let (path, url) = address();
    let changes = json!({ "request_uris": [url], "request_object_signing_alg": "RS256" });
    let mut flow = case.begin_with(changes).await;
    let request = flow.request();
    let object = flow.client.key.sign(&json!({ "alg": "RS256" }), &request.claims(&flow));
    SITE.publish(&path, OBJECT, object);
    let sent = outside(&request).with("request_uri", &url);
    flow.open(&sent).await;
    flow.walk().await;
    let answer = flow.answer(&request);
    flow.grant(&request, &answer).await;
    assert!(!SITE.called(&path).is_empty());
}

/// Another redirect URI outside than inside of the object: what is inside counts, or nothing does.
pub(super) async fn redirect_uri_inside(case: &Case) {
    let signed = !offered(case);
    let alg = if signed { "RS256" } else { "none" };
    let mut flow = case.begin_with(json!({ "request_object_signing_alg": alg })).await;
    let request = flow.request();
    let claims: Value = request.claims(&flow);
    let object = if signed { flow.client.key.sign(&json!({ "alg": "RS256" }), &claims) } else { unsigned(&claims) };
    let elsewhere = format!("{}/elsewhere", flow.client.redirect);
    let sent = outside(&request).with("redirect_uri", &elsewhere).with("request", &object);
    flow.open(&sent).await;
    if flow.browser.page.name() == "error" {
        return error_page(&flow);
    }
    flow.walk().await;
    let answer = flow.answer(&request);
    flow.grant(&request, &answer).await;
}
