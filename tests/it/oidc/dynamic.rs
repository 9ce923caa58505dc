//! Modules of the Dynamic plan: what a client can register, and what comes of it.

use std::collections::BTreeSet;

use serde_json::{Value, json};

use super::client::{Case, Flow, KEYS};
use super::refusals::error_page;
use super::suite::{SITE, fresh, started};
use super::verify;

pub(super) async fn id_token_rs256(case: &Case) {
    let mut flow = case.begin_with(json!({ "id_token_signed_response_alg": "RS256" })).await;
    let request = flow.request();
    let grant = flow.log_in(&request).await;
    verify::verified(grant.id_token.as_deref().unwrap_or_default(), &case.suite.jwks().await, "RS256");
}

/// Skipped by the suite where `none` is not offered. Then it cannot be registered either.
pub(super) async fn id_token_unsigned(case: &Case) {
    let changes = json!({ "id_token_signed_response_alg": "none" });
    if !case.suite.supports("id_token_signing_alg_values_supported", "none") {
        let (status, answer) = case.registration(&changes).await;
        assert_eq!((status, answer["error"].as_str()), (400, Some("invalid_client_metadata")), "{answer}");
        return;
    }
    let mut flow = case.begin_with(changes).await;
    let request = flow.request();
    let grant = flow.log_in(&request).await;
    assert_eq!(verify::read(grant.id_token.as_deref().unwrap()).0["alg"], "none");
}

pub(super) async fn userinfo_rs256(case: &Case) {
    let mut flow = case.begin_with(json!({ "userinfo_signed_response_alg": "RS256" })).await;
    let request = flow.request();
    let grant = flow.log_in(&request).await;
    let get = case.suite.http.get(case.suite.endpoint("userinfo_endpoint"));
    let response = get.bearer_auth(grant.access_token().unwrap()).send().await.unwrap();
    assert_eq!(response.status(), 200);
    assert!(response.headers()["content-type"].to_str().unwrap().starts_with("application/jwt"));
    let claims = verify::verified(&response.text().await.unwrap(), &case.suite.jwks().await, "RS256");
    assert_eq!(claims["iss"], case.suite.metadata["issuer"]);
    let audience = [json!(flow.client.id), json!([flow.client.id])];
    assert!(audience.contains(&claims["aud"]) && claims.get("nonce").is_none(), "{claims}");
    assert_eq!(claims["sub"], grant.claims()["sub"]);
}

/// Two redirect URIs are registered and none is sent: nobody can say where to.
pub(super) async fn redirect_uri_left_out(case: &Case) {
    let one = format!("https://suite.example/test/{}/callback", fresh());
    let mut flow = case.begin_with(json!({ "redirect_uris": [one, format!("{one}2")] })).await;
    let request = flow.request().without("redirect_uri");
    flow.open(&request).await;
    error_page(&flow);
}

async fn with_query(case: &Case) -> Flow<'_> {
    let redirect = format!("https://suite.example/test/{}/callback?foo=bar", fresh());
    case.begin_with(json!({ "redirect_uris": [redirect] })).await
}

/// A query in the registered URI is kept.
pub(super) async fn redirect_uri_query(case: &Case) {
    let mut flow = with_query(case).await;
    let request = flow.request();
    flow.log_in(&request).await;
}

pub(super) async fn redirect_uri_query_mismatch(case: &Case) {
    let mut flow = with_query(case).await;
    let other = flow.client.redirect.replace("foo=bar", "bar=foo");
    let request = flow.request().with("redirect_uri", &other);
    flow.open(&request).await;
    error_page(&flow);
}

pub(super) async fn redirect_uri_query_added(case: &Case) {
    let mut flow = case.begin().await;
    let other = format!("{}?foo=bar", flow.client.redirect);
    let request = flow.request().with("redirect_uri", &other);
    flow.open(&request).await;
    error_page(&flow);
}

pub(super) async fn redirect_uri_fragment(case: &Case) {
    let redirect = format!("https://suite.example/test/{}/callback#foobar", fresh());
    let (status, answer) = case.registration(&json!({ "redirect_uris": [redirect] })).await;
    assert_eq!((status, answer["error"].as_str()), (400, Some("invalid_redirect_uri")), "{answer}");
}

/// What is registered is on the first page that the person sees.
async fn shown(case: &Case, changes: Value, attribute: &str) {
    let url = changes.as_object().unwrap().values().next().unwrap().as_str().unwrap().to_owned();
    let mut flow = case.begin_with(changes).await;
    let request = flow.request();
    let page = flow.open(&request).await;
    assert!(page.has("op-login"), "{}", page.words());
    let marker = format!("{attribute}=\"{url}\"");
    assert!(page.text.contains(&marker), "{marker} is not on the login page");
    flow.walk().await;
    let answer = flow.answer(&request);
    flow.grant(&request, &answer).await;
}

/// The picture is shown, from its own place or through ours.
pub(super) async fn logo_uri(case: &Case) {
    let picture = "<svg xmlns=\"http://www.w3.org/2000/svg\"/>".to_owned();
    let url = SITE.publish(&format!("/logo/{}.svg", fresh()), "image/svg+xml", picture);
    let url = url.replace("http://", "https://");
    let mut flow = case.begin_with(json!({ "logo_uri": url })).await;
    let request = flow.request();
    let page = flow.open(&request).await;
    assert!(page.has("op-login") && page.text.contains("<img"), "{}", page.words());
    flow.walk().await;
    let answer = flow.answer(&request);
    flow.grant(&request, &answer).await;
}

pub(super) async fn policy_uri(case: &Case) {
    shown(case, json!({ "policy_uri": format!("https://suite.example/policy/{}", fresh()) }), "href").await;
}

pub(super) async fn tos_uri(case: &Case) {
    shown(case, json!({ "tos_uri": "https://openid.example/terms" }), "href").await;
}

fn published_keys(key: usize) -> (String, String) {
    let path = format!("/jwks/{}", fresh());
    let url = SITE.publish(&path, "application/json", KEYS[key].jwks());
    (path, url)
}

/// The key of a client comes from its `jwks_uri`: for client assertions, and for request objects where there is no
/// token request.
pub(super) async fn jwks_uri(case: &Case) {
    let (path, url) = published_keys(0);
    let mut flow = case.begin_with(json!({ "jwks": null, "jwks_uri": url })).await;
    let mut request = flow.request();
    if !flow.variant.has("code") {
        let header = json!({ "alg": "RS256", "kid": flow.client.key.kid() });
        let object = flow.client.key.sign(&header, &request.claims(&flow));
        request = request.with("request", &object);
    }
    let grant = flow.log_in(&request).await;
    assert!(grant.id_token.is_some() || grant.refresh_token.is_some());
    assert!(!SITE.called(&path).is_empty(), "the keys were not fetched");
}

/// Pairwise subjects: two clients of one sector know a person by the same name, others by another.
pub(super) async fn sector_uri(case: &Case) {
    assert!(case.suite.supports("subject_types_supported", "pairwise"));
    let redirect = |name: &str| format!("https://suite.example/test/{name}/callback");
    let (one, two, path) = (redirect(&fresh()), redirect(&fresh()), format!("/sector/{}", fresh()));
    let url = SITE.publish(&path, "application/json", json!([one, two]).to_string());
    let mut subjects = Vec::new();
    for redirect in [&one, &two] {
        let changes = json!({ "subject_type": "pairwise", "sector_identifier_uri": url, "redirect_uris": [redirect] });
        let mut flow = case.begin_with(changes).await;
        let request = flow.request();
        subjects.push(flow.log_in(&request).await.claims()["sub"].clone());
    }
    assert!(!SITE.called(&path).is_empty(), "the sector document was not fetched");
    let mut public = case.begin().await;
    let request = public.request();
    let known = public.log_in(&request).await.claims()["sub"].clone();
    assert!(subjects[0] == subjects[1] && subjects[0] != known, "{subjects:?} {known}");
}

pub(super) async fn sector_bad(case: &Case) {
    let document = json!(["https://suite.example/test/another/callback"]).to_string();
    let url = SITE.publish(&format!("/sector/{}", fresh()), "application/json", document);
    let changes = json!({ "subject_type": "pairwise", "sector_identifier_uri": url });
    let (status, answer) = case.registration(&changes).await;
    assert_eq!((status, answer["error"].as_str()), (400, Some("invalid_client_metadata")), "{answer}");
}

/// New keys come, the old ones stay for the tokens that they signed.
pub(super) async fn rotate_keys(case: &Case) {
    // Not the shared deployment: everybody's keys change here.
    let own = Case::new(started(case.suite.world.backend).await, case.variant);
    let mut flow = own.begin().await;
    let request = flow.request();
    let first = flow.log_in(&request).await;
    let part = |jwks: &Value, name: &str| -> BTreeSet<String> {
        let keys = jwks["keys"].as_array().unwrap().clone();
        keys.iter().filter_map(|key| key[name].as_str().map(str::to_owned)).collect()
    };
    let before = own.suite.jwks().await;
    let rotate = own.suite.http.post(format!("{}/demo/rotate-keys", own.suite.world.issuer));
    assert!(rotate.send().await.unwrap().status().is_success());
    // Every node publishes them; one hears of them from the other.
    for number in 0..own.suite.world.nodes() {
        let address = format!("{}/jwks.json", own.suite.world.node(number));
        let more = async || {
            let jwks: Value = own.suite.http.get(&address).send().await.unwrap().json().await.unwrap();
            part(&jwks, "kid").len() > part(&before, "kid").len()
        };
        own.suite.world.until("the new keys are published", more).await;
    }
    let after = own.suite.jwks().await;
    for key in after["keys"].as_array().unwrap() {
        if part(&before, "kid").contains(key["kid"].as_str().unwrap()) {
            continue;
        }
        assert!(["RSA", "EC"].contains(&key["kty"].as_str().unwrap()), "a new key that the suite does not know: {key}");
        let name = if key["kty"] == "RSA" { "n" } else { "x" };
        assert!(!part(&before, name).contains(key[name].as_str().unwrap()), "an old key under a new name");
    }
    assert!(part(&after, "kid").len() > part(&before, "kid").len(), "no new key");
    assert!(part(&before, "kid").is_subset(&part(&after, "kid")), "an old key is gone");
    let request = flow.request();
    let second = flow.silently(&request).await;
    let kid = |token: &Option<String>| token.as_deref().map(|token| verify::read(token).0["kid"].clone());
    assert_ne!(kid(&first.id_token), kid(&second.id_token));
    if let Some(token) = &first.id_token {
        verify::verified(token, &own.suite.jwks().await, "RS256");
    }
    own.end().await;
}

/// The client changes its key at `jwks_uri` and refreshes with the new one: the provider looks again.
pub(super) async fn client_key_rotation(case: &Case) {
    let (path, url) = published_keys(0);
    let mut flow = case.begin_with(json!({ "jwks": null, "jwks_uri": url })).await;
    let request = flow.request().with("scope", "openid offline_access").with("prompt", "consent");
    let mut grant = flow.log_in(&request).await;
    SITE.publish(&path, "application/json", KEYS[1].jwks());
    flow.client.key = &KEYS[1];
    // An unknown `kid` may be looked up once in five seconds.
    case.suite.advance(6).await;
    flow.refresh(&request, &mut grant).await;
    flow.userinfo(&grant).await;
}

pub(super) async fn assertion_for_the_issuer(case: &Case) {
    let mut flow = case.begin().await;
    let request = flow.request();
    let answer = flow.authorize(&request).await;
    let code = answer.get("code").unwrap().to_owned();
    let issuer = case.suite.metadata["issuer"].as_str().unwrap();
    let (status, tokens) = flow.token_with(&flow.code_fields(&request, &code), issuer).await;
    assert_eq!(status, 200, "{tokens}");
}
