//! Modules of the logout plans: RP-Initiated Logout, Session Management, Front- and Back-Channel Logout.

use serde_json::json;

use super::client::{Case, Flow, Grant, KEYS, unsigned};
use super::suite::{SITE, fresh};
use super::verify;

/// A client with a post-logout redirect URI and more, logged in.
async fn logged_in(case: &Case, mut more: serde_json::Value) -> (Flow<'_>, Grant, String) {
    let back = format!("https://suite.example/test/{}/post_logout_redirect", fresh());
    more["post_logout_redirect_uris"] = json!([back]);
    let mut flow = case.begin_with(more).await;
    let request = flow.request();
    let grant = flow.log_in(&request).await;
    (flow, grant, back)
}

/// Opens the end-session endpoint; where a confirmation is asked for, gives it.
async fn end(flow: &mut Flow<'_>, fields: &[(&str, &str)]) {
    let url = url::Url::parse_with_params(flow.suite.endpoint("end_session_endpoint"), fields).unwrap();
    flow.browser.open(url.as_str()).await;
    if flow.browser.page.name() == "logout-confirm" {
        assert!(flow.browser.page.has("op-logout-confirm"));
        flow.browser.submit(&[("decision", "logout")]).await;
    }
}

/// Whether the browser still has a session.
async fn has_session(flow: &mut Flow<'_>) -> bool {
    let request = flow.request().with("prompt", "none");
    flow.open(&request).await;
    let answer = flow.answer(&request);
    let errors = ["login_required", "interaction_required", "account_selection_required", "consent_required"];
    assert!(answer.get("error").is_none_or(|error| errors.contains(&error)), "{answer:?}");
    answer.get("error").is_none()
}

fn back_at(flow: &Flow<'_>, url: &str) {
    let page = &flow.browser.page;
    assert_eq!((page.name(), page.url.as_str()), ("outside", url), "{}", page.words());
}

/// A page of ours that says so; nobody was sent anywhere.
fn page_of_ours(flow: &Flow<'_>, names: &[&str]) {
    let page = &flow.browser.page;
    assert!(names.contains(&page.name()) && page.has(&format!("op-{}", page.name())), "{}: {}", page.url, page.words());
}

pub(super) async fn discovery(case: &Case) {
    case.suite.endpoint("end_session_endpoint");
}

/// The good case: at once, with the state and nothing else; the session is over.
pub(super) async fn initiated(case: &Case) {
    let (mut flow, grant, back) = logged_in(case, json!({})).await;
    assert!(has_session(&mut flow).await);
    let state = fresh();
    let hint = grant.id_token.as_deref().unwrap();
    end(&mut flow, &[("id_token_hint", hint), ("post_logout_redirect_uri", &back), ("state", &state)]).await;
    back_at(&flow, &format!("{back}?state={state}"));
    assert!(!has_session(&mut flow).await);
}

/// Nobody is sent to the address that was asked for, and the person sees a page of ours instead.
async fn goes_nowhere(case: &Case, fields: impl Fn(&Grant, &str) -> Vec<(&'static str, String)>) {
    let (mut flow, grant, back) = logged_in(case, json!({})).await;
    let mut fields = fields(&grant, &back);
    fields.push(("state", fresh()));
    let fields: Vec<(&str, &str)> = fields.iter().map(|(name, value)| (*name, value.as_str())).collect();
    end(&mut flow, &fields).await;
    page_of_ours(&flow, &["error", "logged-out"]);
}

fn hint(grant: &Grant) -> (&'static str, String) {
    ("id_token_hint", grant.id_token.clone().unwrap())
}

fn back_to(url: &str) -> (&'static str, String) {
    ("post_logout_redirect_uri", url.to_owned())
}

pub(super) async fn bad_redirect(case: &Case) {
    goes_nowhere(case, |grant, back| vec![hint(grant), back_to(&format!("{back}/other"))]).await;
}

pub(super) async fn query_added(case: &Case) {
    goes_nowhere(case, |grant, back| vec![hint(grant), back_to(&format!("{back}?foo=bar"))]).await;
}

/// The hint's claims in a token without a signature.
pub(super) async fn modified_hint(case: &Case) {
    let none = |grant: &Grant| ("id_token_hint", unsigned(grant.claims()));
    goes_nowhere(case, |grant, back| vec![none(grant), back_to(back)]).await;
}

/// The hint's claims, signed by somebody else.
pub(super) async fn bad_hint(case: &Case) {
    let foreign = |grant: &Grant| {
        let header = verify::read(grant.id_token.as_deref().unwrap()).0;
        ("id_token_hint", KEYS[1].sign(&header, grant.claims()))
    };
    goes_nowhere(case, |grant, back| vec![foreign(grant), back_to(back)]).await;
}

pub(super) async fn no_hint(case: &Case) {
    goes_nowhere(case, |_, back| vec![back_to(back)]).await;
}

/// The person confirms, and is told that it is done.
async fn says_so(case: &Case, fields: impl Fn(&Grant) -> Vec<(&'static str, String)>) {
    let (mut flow, grant, _) = logged_in(case, json!({})).await;
    let fields = fields(&grant);
    let fields: Vec<(&str, &str)> = fields.iter().map(|(name, value)| (*name, value.as_str())).collect();
    end(&mut flow, &fields).await;
    page_of_ours(&flow, &["logged-out"]);
    assert!(!has_session(&mut flow).await);
}

pub(super) async fn no_parameters(case: &Case) {
    says_so(case, |_| Vec::new()).await;
}

pub(super) async fn only_state(case: &Case) {
    says_so(case, |_| vec![("state", fresh())]).await;
}

pub(super) async fn no_redirect(case: &Case) {
    says_so(case, |grant| vec![hint(grant), ("state", fresh())]).await;
}

pub(super) async fn no_state(case: &Case) {
    let (mut flow, grant, back) = logged_in(case, json!({})).await;
    let token = grant.id_token.as_deref().unwrap();
    end(&mut flow, &[("id_token_hint", token), ("post_logout_redirect_uri", &back)]).await;
    back_at(&flow, &back);
    assert!(!has_session(&mut flow).await);
}

pub(super) async fn front_channel_discovery(case: &Case) {
    case.suite.endpoint("end_session_endpoint");
    for name in ["frontchannel_logout_supported", "frontchannel_logout_session_supported"] {
        assert_eq!(case.suite.metadata[name], true, "{name}");
    }
}

/// A frame tells the client which session is over; then the browser goes on to the address that was asked for.
pub(super) async fn front_channel(case: &Case) {
    let uri = format!("https://suite.example/test/{}/frontchannel_logout?a=b", fresh());
    let more = json!({ "frontchannel_logout_uri": uri, "frontchannel_logout_session_required": true });
    let (mut flow, grant, back) = logged_in(case, more).await;
    let sid = grant.claims()["sid"].as_str().expect("sid").to_owned();
    let state = fresh();
    let token = grant.id_token.as_deref().unwrap();
    end(&mut flow, &[("id_token_hint", token), ("post_logout_redirect_uri", &back), ("state", &state)]).await;
    page_of_ours(&flow, &["logged-out"]);
    let text = flow.browser.page.text.replace("&amp;", "&").replace("&#38;", "&");
    let frame = text.split("<iframe").nth(1).and_then(|frame| frame.split("src=\"").nth(1)).expect("a frame");
    let frame = url::Url::parse(frame.split('"').next().unwrap()).unwrap();
    assert!(frame.as_str().starts_with(&uri), "{frame}");
    let said = |name: &str| frame.query_pairs().find(|(known, _)| known == name).map(|(_, value)| value.into_owned());
    assert_eq!((said("iss"), said("sid")), (case.suite.metadata["issuer"].as_str().map(str::to_owned), Some(sid)));
    assert!(text.contains(&format!("{back}?state={state}")), "the way on is not on the page");
    assert!(!has_session(&mut flow).await);
}

pub(super) async fn back_channel_discovery(case: &Case) {
    case.suite.endpoint("end_session_endpoint");
    for name in ["backchannel_logout_supported", "backchannel_logout_session_supported"] {
        assert_eq!(case.suite.metadata[name], true, "{name}");
    }
}

/// The client is told by a signed token, directly.
pub(super) async fn back_channel(case: &Case) {
    let path = format!("/backchannel/{}", fresh());
    let uri = SITE.publish(&path, "text/plain", String::new());
    let more = json!({ "backchannel_logout_uri": uri, "backchannel_logout_session_required": true });
    let (mut flow, grant, back) = logged_in(case, more).await;
    let token = grant.id_token.as_deref().unwrap();
    end(&mut flow, &[("id_token_hint", token), ("post_logout_redirect_uri", &back)]).await;
    back_at(&flow, &back);
    case.suite.world.until("the client is told", async || !SITE.called(&path).is_empty()).await;
    let called = SITE.called(&path).remove(0);
    assert!(called.content_type.starts_with("application/x-www-form-urlencoded"), "{called:?}");
    let token = called.body.strip_prefix("logout_token=").unwrap_or_else(|| panic!("{called:?}"));
    let header = verify::read(token).0;
    assert!(header.get("typ").is_none_or(|typ| typ == "logout+jwt"), "{header}");
    let claims = verify::verified(token, &case.suite.jwks().await, "RS256");
    assert_eq!(claims["iss"], case.suite.metadata["issuer"]);
    assert!([json!(flow.client.id), json!([flow.client.id])].contains(&claims["aud"]), "{claims}");
    assert_eq!(claims["events"], json!({ "http://schemas.openid.net/event/backchannel-logout": {} }));
    assert_eq!((&claims["sid"], &claims["sub"]), (&grant.claims()["sid"], &grant.claims()["sub"]));
    assert!(claims["jti"].is_string() && claims.get("nonce").is_none(), "{claims}");
    let (iat, exp) = (claims["iat"].as_i64().unwrap(), claims["exp"].as_i64().unwrap());
    assert!((iat - case.suite.now()).abs() < 300 && exp > case.suite.now(), "{claims}");
    assert!(!has_session(&mut flow).await);
}

pub(super) async fn session_discovery(case: &Case) {
    case.suite.endpoint("end_session_endpoint");
    case.suite.endpoint("check_session_iframe");
}

/// What a client's page needs to watch the session: `session_state`, and a page that it may frame. What that page
/// answers is shown in a real browser by `session_management.rs`.
pub(super) async fn session(case: &Case) {
    let mut flow = case.begin().await;
    let request = flow.request();
    let answer = flow.authorize(&request).await;
    let first = answer.get("session_state").expect("session_state").to_owned();
    assert!(!first.is_empty() && !first.contains(' '), "{first}");
    let frame = case.suite.http.get(case.suite.endpoint("check_session_iframe")).send().await.unwrap();
    assert_eq!(frame.status(), 200);
    assert!(frame.headers()["content-type"].to_str().unwrap().starts_with("text/html"));
    assert!(frame.headers().get("x-frame-options").is_none(), "nobody could frame it");
    let policy = frame.headers().get("content-security-policy").map(|value| value.to_str().unwrap().to_owned());
    assert!(policy.is_none_or(|policy| !policy.contains("frame-ancestors 'none'")), "nobody could frame it");
    let grant = flow.grant(&request, &answer).await;
    end(&mut flow, &[("id_token_hint", grant.id_token.as_deref().unwrap())]).await;
    page_of_ours(&flow, &["logged-out"]);
    assert!(!has_session(&mut flow).await);
}

/// Third-party initiated login: the address is registered, echoed, and readable afterwards.
pub(super) async fn third_party(case: &Case) {
    let uri = format!("https://suite.example/test/{}/initiate", fresh());
    let flow = case.begin_with(json!({ "initiate_login_uri": uri })).await;
    assert_eq!(flow.client.metadata["initiate_login_uri"], uri.as_str());
    let text = |name: &str| flow.client.metadata[name].as_str().unwrap();
    let get = case.suite.http.get(text("registration_client_uri")).bearer_auth(text("registration_access_token"));
    let answer = get.send().await.unwrap();
    assert_eq!(answer.status(), 200);
    let read: serde_json::Value = answer.json().await.unwrap();
    assert_eq!(read["initiate_login_uri"], uri.as_str());
}

pub(super) async fn third_party_without_https(case: &Case) {
    let (status, answer) = case.registration(&json!({ "initiate_login_uri": "http://suite.example/initiate" })).await;
    assert_eq!((status, answer["error"].as_str()), (400, Some("invalid_client_metadata")), "{answer}");
    assert!(answer["error_description"].as_str().unwrap().contains("initiate_login_uri"), "{answer}");
}
