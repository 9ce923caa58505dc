//! Modules about what the person sees, and does not see: `prompt`, `max_age`, hints.

use super::client::{Case, Flow, Grant, Request};

/// A login, a while, then a request that must lead to the login page although there is a session.
async fn asks_again(case: &Case, again: impl Fn(Request) -> Request) {
    let mut flow = case.begin().await;
    let request = flow.request();
    let first = flow.log_in(&request).await;
    case.suite.advance(2).await;
    let request = again(flow.request());
    let page = flow.open(&request).await;
    assert!(page.has("op-login") || page.has("op-password"), "{}: {}", page.url, page.words());
    flow.walk().await;
    let answer = flow.answer(&request);
    let second = flow.grant(&request, &answer).await;
    assert!(second.auth_time() > first.auth_time(), "{} {}", first.claims(), second.claims());
    assert_eq!(first.claims()["sub"], second.claims()["sub"]);
}

pub(super) async fn login(case: &Case) {
    asks_again(case, |request| request.with("prompt", "login")).await;
}

pub(super) async fn max_age_1(case: &Case) {
    asks_again(case, |request| request.with("max_age", "1")).await;
}

/// No session, nobody to ask; a long `state` comes back as it was.
pub(super) async fn none_not_logged_in(case: &Case) {
    let mut flow = case.begin().await;
    let request = flow.request().with("prompt", "none").with("state", &"s-._~0".repeat(22)[..128]);
    flow.open(&request).await;
    let answer = flow.answer(&request);
    let errors = ["login_required", "interaction_required", "account_selection_required", "consent_required"];
    assert!(errors.contains(&answer.error()), "{answer:?}");
}

fn same_login(first: &Grant, second: &Grant) {
    assert_eq!(first.claims()["sub"], second.claims()["sub"]);
    assert_eq!(first.auth_time(), second.auth_time());
}

/// A login, then the same again without a page in between.
async fn silent(case: &Case, before: impl Fn(Request) -> Request, again: impl Fn(Request, &Grant) -> Request) {
    let mut flow: Flow<'_> = case.begin().await;
    let request = before(flow.request());
    let first = flow.log_in(&request).await;
    case.suite.advance(2).await;
    let request = again(flow.request(), &first);
    let second = flow.silently(&request).await;
    same_login(&first, &second);
}

pub(super) async fn none_logged_in(case: &Case) {
    silent(case, |request| request, |request, _| request.with("prompt", "none")).await;
}

pub(super) async fn max_age_10000(case: &Case) {
    silent(case, |request| request.with("max_age", "15000"), |request, _| request.with("max_age", "10000")).await;
}

pub(super) async fn id_token_hint(case: &Case) {
    let hinted = |request: Request, first: &Grant| {
        request.with("prompt", "none").with("id_token_hint", first.id_token.as_deref().unwrap())
    };
    silent(case, |request| request, hinted).await;
}

/// A person who may not exist: still a login page, and whoever comes gets in.
pub(super) async fn login_hint(case: &Case) {
    let mut flow = case.begin().await;
    let request = flow.request().with("login_hint", "buffy@localhost");
    let page = flow.open(&request).await;
    assert!(page.has("op-login"), "{}: {}", page.url, page.words());
    flow.walk().await;
    let answer = flow.answer(&request);
    flow.grant(&request, &answer).await;
}
