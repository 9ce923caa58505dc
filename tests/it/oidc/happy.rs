//! Modules in which everything goes well.

use serde_json::json;

use super::client::{Case, Flow, Grant, Request};
use super::verify;

/// The claims that the scopes of a request ask for: from userinfo, or from the ID token where that is all there is.
async fn claims(flow: &Flow<'_>, grant: &Grant) -> serde_json::Value {
    if flow.variant.gives_access_token() { flow.userinfo(grant).await } else { grant.claims().clone() }
}

/// The whole way, with every check; each access token works at the userinfo endpoint.
pub(super) async fn server(case: &Case) {
    let mut flow = case.begin().await;
    let request = flow.request();
    let grant = flow.log_in(&request).await;
    for token in &grant.access_tokens {
        assert!(flow.token_lives(token).await);
    }
    if flow.variant.gives_access_token() {
        flow.userinfo(&grant).await;
    }
}

pub(super) async fn client_secret_post(case: &Case) {
    assert!(case.suite.supports("token_endpoint_auth_methods_supported", "client_secret_post"));
    let mut flow = case.begin_with(json!({ "token_endpoint_auth_method": "client_secret_post" })).await;
    let request = flow.request();
    let grant = flow.log_in(&request).await;
    flow.userinfo(&grant).await;
}

/// Nothing registered about algorithms: RS256, and a `kid` that names one published key.
pub(super) async fn id_token_signature(case: &Case) {
    let mut flow = case.begin().await;
    assert!(case.metadata().get("id_token_signed_response_alg").is_none());
    let request = flow.request();
    let grant = flow.log_in(&request).await;
    if let Some(token) = &grant.id_token {
        verify::verified(token, &case.suite.jwks().await, "RS256");
    }
}

pub(super) async fn userinfo_get(case: &Case) {
    let mut flow = case.begin().await;
    let request = flow.request();
    let grant = flow.log_in(&request).await;
    flow.userinfo(&grant).await;
}

pub(super) async fn userinfo_post_header(case: &Case) {
    let mut flow = case.begin().await;
    let request = flow.request();
    let grant = flow.log_in(&request).await;
    let post = case.suite.http.post(case.suite.endpoint("userinfo_endpoint"));
    flow.userinfo_by(post.bearer_auth(grant.access_token().unwrap()), &grant).await;
}

pub(super) async fn userinfo_post_body(case: &Case) {
    let mut flow = case.begin().await;
    let request = flow.request();
    let grant = flow.log_in(&request).await;
    let post = case.suite.http.post(case.suite.endpoint("userinfo_endpoint"));
    flow.userinfo_by(post.form(&[("access_token", grant.access_token().unwrap())]), &grant).await;
}

pub(super) async fn no_nonce(case: &Case) {
    let mut flow = case.begin().await;
    let request = flow.request().without("nonce");
    let grant = flow.log_in(&request).await;
    assert!(grant.claims().get("nonce").is_none());
}

async fn scope(case: &Case, scope: &str) {
    for word in scope.split(' ') {
        assert!(case.suite.supports("scopes_supported", word), "{word}");
    }
    let mut flow = case.begin().await;
    let request = flow.request().with("scope", scope);
    let grant = flow.log_in(&request).await;
    let claims = claims(&flow, &grant).await;
    for name in verify::claims_of(scope) {
        assert!(claims.get(name).is_some(), "{name} is missing: {claims}");
        assert!(case.suite.supports("claims_supported", name), "{name}");
    }
}

pub(super) async fn scope_profile(case: &Case) {
    scope(case, "openid profile").await;
}

pub(super) async fn scope_email(case: &Case) {
    scope(case, "openid email").await;
}

pub(super) async fn scope_address(case: &Case) {
    scope(case, "openid address").await;
}

pub(super) async fn scope_phone(case: &Case) {
    scope(case, "openid phone").await;
}

pub(super) async fn scope_all(case: &Case) {
    scope(case, "openid profile email address phone").await;
}

/// The same, with scopes and parameters in another order.
pub(super) async fn alternate(case: &Case) {
    let mut flow = case.begin().await;
    let mut request = flow.request().with("scope", "phone email openid profile address");
    request.fields.reverse();
    let grant = flow.log_in(&request).await;
    let claims = claims(&flow, &grant).await;
    assert!(claims.get("email").is_some() && claims.get("address").is_some(), "{claims}");
}

/// A request that differs from the usual one in something that must do no harm.
async fn harmless(case: &Case, change: impl Fn(Request) -> Request) -> Grant {
    let mut flow = case.begin().await;
    let request = change(flow.request());
    let grant = flow.log_in(&request).await;
    if flow.variant.gives_access_token() {
        flow.userinfo(&grant).await;
    }
    grant
}

pub(super) async fn display_page(case: &Case) {
    harmless(case, |request| request.with("display", "page")).await;
}

pub(super) async fn display_popup(case: &Case) {
    harmless(case, |request| request.with("display", "popup")).await;
}

pub(super) async fn unknown_parameter(case: &Case) {
    harmless(case, |request| request.with("extra", "foobar")).await;
}

pub(super) async fn ui_locales(case: &Case) {
    harmless(case, |request| request.with("ui_locales", "se")).await;
}

pub(super) async fn claims_locales(case: &Case) {
    harmless(case, |request| request.with("claims_locales", "se")).await;
}

/// Everything that is offered: the ID token carries one of it.
pub(super) async fn acr_values(case: &Case) {
    let offered = case.suite.metadata["acr_values_supported"].as_array().expect("acr_values_supported").clone();
    let words: Vec<&str> = offered.iter().map(|value| value.as_str().unwrap()).collect();
    let grant = harmless(case, |request| request.with("acr_values", &words.join(" "))).await;
    assert!(offered.contains(&grant.claims()["acr"]), "{}", grant.claims());
}

/// The request in the body of a POST, as a page of the client would send it.
pub(super) async fn post_request(case: &Case) {
    let mut flow = case.begin().await;
    let request = flow.request();
    let endpoint = case.suite.endpoint("authorization_endpoint");
    flow.browser.post(endpoint, &request.fields).await;
    assert!(!flow.walk().await.is_empty());
    let answer = flow.answer(&request);
    flow.grant(&request, &answer).await;
}

pub(super) async fn claims_essential(case: &Case) {
    let mut flow = case.begin().await;
    let place = if flow.variant.gives_access_token() { "userinfo" } else { "id_token" };
    let asked = json!({ place: { "name": { "essential": true } } }).to_string();
    let request = flow.request().with("claims", &asked);
    let grant = flow.log_in(&request).await;
    let claims = claims(&flow, &grant).await;
    assert!(claims.get("name").is_some(), "{claims}");
}

/// `offline_access`, a refresh, and another client that tries the same token.
pub(super) async fn refresh_token(case: &Case) {
    assert!(case.suite.supports("scopes_supported", "offline_access"));
    let mut flow = case.begin().await;
    let request = flow.request().with("scope", "openid offline_access").with("prompt", "consent");
    flow.open(&request).await;
    let shown = flow.walk().await;
    assert!(shown.iter().any(|page| page == "consent"), "{shown:?}");
    let answer = flow.answer(&request);
    let mut grant = flow.grant(&request, &answer).await;
    let (first, old) = (grant.back.clone().expect("an ID token"), grant.access_tokens.clone());
    flow.refresh(&request, &mut grant).await;
    assert!(!old.contains(&grant.access_tokens[old.len()]), "the access token is the old one");
    let renewed = grant.back.clone().expect("an ID token");
    for name in ["iss", "sub", "aud", "azp", "auth_time", "acr"] {
        assert_eq!(first.get(name), renewed.get(name), "{name} changed by a refresh");
    }
    assert!(renewed["iat"].as_i64() >= first["iat"].as_i64());
    flow.userinfo(&grant).await;
    let other = case.begin().await;
    let token = grant.refresh_token.clone().unwrap();
    let (status, answer) = other.token(&[("grant_type", "refresh_token"), ("refresh_token", &token)]).await;
    assert_eq!((status, answer["error"].as_str()), (400, Some("invalid_grant")), "{answer}");
    // The thief did no harm.
    flow.refresh(&request, &mut grant).await;
}

pub(super) async fn pkce(case: &Case) {
    assert!(case.suite.supports("code_challenge_methods_supported", "S256"));
    let mut flow = case.begin().await;
    let verifier = "a-verifier-of-which-only-the-hash-is-sent-in-the-clear";
    let digest = aws_lc_rs::digest::digest(&aws_lc_rs::digest::SHA256, verifier.as_bytes());
    let challenge = data_encoding::BASE64URL_NOPAD.encode(digest.as_ref());
    let request = flow.request().with("code_challenge", &challenge).with("code_challenge_method", "S256");
    let answer = flow.authorize(&request).await;
    let code = answer.get("code").unwrap().to_owned();
    let mut fields = flow.code_fields(&request, &code);
    fields.push(("code_verifier", verifier));
    let (status, tokens) = flow.token(&fields).await;
    assert_eq!(status, 200, "{tokens}");
    let mut grant = Grant::default();
    flow.take(&request, &tokens, &mut grant).await;
    flow.userinfo(&grant).await;
}
