//! Scripts of other origins: what they may call and read, and what not.

use stepgate_tests::{Backend, World};

#[tokio::test]
async fn scripts_of_other_origins_reach_the_protocol_and_nothing_with_a_cookie() {
    let world = World::start(Backend::Sqlite).await;
    let http = reqwest::Client::new();
    let allowed = async |method: reqwest::Method, path: &str| {
        let request = http.request(method, format!("{}{path}", world.issuer)).header("origin", "https://app.example");
        let answer = request.header("access-control-request-method", "POST").send().await.unwrap();
        let origin = answer.headers().get("access-control-allow-origin").cloned();
        assert!(answer.headers().get("access-control-allow-credentials").is_none());
        (answer.status().as_u16(), origin.map(|value| value.to_str().unwrap().to_owned()))
    };
    let star = Some("*".to_owned());
    for path in ["/token", "/userinfo", "/revoke", "/jwks.json", "/.well-known/openid-configuration"] {
        assert_eq!(allowed(reqwest::Method::OPTIONS, path).await, (204, star.clone()), "{path}");
    }
    // Errors too: a script must be able to tell why.
    assert_eq!(allowed(reqwest::Method::POST, "/token").await, (400, star.clone()));
    assert_eq!(allowed(reqwest::Method::GET, "/userinfo").await, (401, star));
    for path in ["/authorize", "/account", "/logout", "/introspect"] {
        assert_eq!(allowed(reqwest::Method::GET, path).await.1, None, "{path}");
    }
}
