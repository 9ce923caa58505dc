//! Modules that send something wrong.

use super::client::{Case, Flow};

/// A page of ours that says that the request is wrong; nobody was sent anywhere.
pub(super) fn error_page(flow: &Flow<'_>) {
    let page = &flow.browser.page;
    assert!(page.has("op-error") && page.status.as_u16() == 400, "{}: {}", page.url, page.words());
}

pub(super) async fn response_type_missing(case: &Case) {
    let mut flow = case.begin().await;
    let request = flow.request().without("response_type");
    flow.open(&request).await;
    if flow.browser.page.name() == "error" {
        return error_page(&flow);
    }
    // Without a response type the answer travels in the query: `answer` looks there.
    let answer = flow.answer(&request);
    assert!(["unsupported_response_type", "invalid_request"].contains(&answer.error()), "{answer:?}");
}

pub(super) async fn no_nonce(case: &Case) {
    let mut flow = case.begin().await;
    let request = flow.request().without("nonce");
    flow.open(&request).await;
    let answer = flow.answer(&request);
    assert_eq!(answer.error(), "invalid_request");
    assert!(answer.get("error_description").unwrap().contains("nonce"), "{answer:?}");
}

pub(super) async fn unregistered_redirect_uri(case: &Case) {
    let mut flow = case.begin().await;
    let other = format!("{}/other", flow.client.redirect);
    let request = flow.request().with("redirect_uri", &other);
    flow.open(&request).await;
    error_page(&flow);
}

async fn reuse(case: &Case, after_seconds: i64) {
    let mut flow = case.begin().await;
    let request = flow.request();
    let grant = flow.log_in(&request).await;
    let (code, token) = (grant.code.clone().unwrap(), grant.access_token().unwrap());
    assert!(flow.token_lives(token).await);
    if after_seconds > 0 {
        case.suite.advance(after_seconds).await;
    }
    let (status, answer) = flow.token(&flow.code_fields(&request, &code)).await;
    assert_eq!((status, answer["error"].as_str()), (400, Some("invalid_grant")), "{answer}");
    assert!(!flow.token_lives(token).await, "the tokens of a code that was used twice are still good");
}

pub(super) async fn code_reuse(case: &Case) {
    reuse(case, 0).await;
}

pub(super) async fn code_reuse_30_seconds(case: &Case) {
    reuse(case, 30).await;
}
