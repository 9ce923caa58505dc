//! What happens can be counted, and nobody can be told from it.

use stepgate_tests::{World, on_each_backend};

/// The numbers of all nodes.
async fn read(world: &World) -> String {
    let http = reqwest::Client::builder().pool_max_idle_per_host(0).build().unwrap();
    let mut text = String::new();
    for node in 0..world.nodes() {
        let answer = http.get(format!("{}/metrics", world.node(node))).send().await.unwrap();
        assert!(answer.headers()["content-type"].to_str().unwrap().starts_with("text/plain; version=0.0.4"));
        text.push_str(&answer.text().await.unwrap());
    }
    text
}

/// What a series says, summed over the nodes. Labels may be written in any order.
fn sum(text: &str, name: &str, labels: &[(&str, &str)]) -> f64 {
    let of_series = |line: &&str| {
        line.split(['{', ' ']).next() == Some(name)
            && labels.iter().all(|(label, value)| line.contains(&format!("{label}=\"{value}\"")))
    };
    let values = text.lines().filter(of_series).map(|line| line.rsplit_once(' ').unwrap().1.parse::<f64>().unwrap());
    values.sum()
}

#[tokio::test]
async fn what_happens_is_counted_without_anybodys_name() {
    on_each_backend(|world| async move {
        let rp = world.relying_party().await;
        let before = read(&world).await;
        // A login with a wrong password first, an elevation, tokens; one that cannot be met; one that is given up.
        let (mut browser, started) = (world.browser(), rp.start(&[("acr_values", "urn:stepgate:acr:hardware-token")]));
        browser.open(&started.url).await;
        browser.submit(&[("username", "dave")]).await;
        browser.submit(&[("password", "wrong-password-here")]).await;
        browser.log_in("dave").await;
        browser.show_token(&world, "dave").await;
        let login = rp.finish(&started, &browser.page).await;
        rp.refresh(&login).await;
        rp.userinfo("nonsense").await;
        let started = rp.start(&[("acr_values", "urn:stepgate:acr:hardware-token")]);
        let mut browser = world.browser();
        browser.open(&started.url).await;
        browser.log_in("bob").await;
        browser.submit(&[("cancel", "1")]).await;
        let mut browser = world.browser();
        browser.open("/account").await;
        browser.log_in("bob").await;
        browser.show_phone(&world, "+12025550101").await;
        world.browser().open("/nowhere/alice").await;

        let after = read(&world).await;
        let rose = |name: &str, labels: &[(&str, &str)]| sum(&after, name, labels) - sum(&before, name, labels);
        let factors = "stepgate_factors_total";
        assert_eq!(rose("stepgate_logins_total", &[("outcome", "succeeded")]), 3.0);
        assert_eq!(rose("stepgate_logins_total", &[("outcome", "failed")]), 1.0);
        assert_eq!(rose("stepgate_logins_total", &[("outcome", "given_up")]), 1.0);
        assert_eq!(rose(factors, &[("method", "password"), ("outcome", "succeeded")]), 3.0);
        assert_eq!(rose(factors, &[("method", "password"), ("outcome", "failed")]), 1.0);
        assert_eq!(rose(factors, &[("method", "hardware_token"), ("outcome", "succeeded")]), 1.0);
        assert_eq!(rose(factors, &[("method", "phone_otp"), ("outcome", "succeeded")]), 1.0);
        let elevations = "stepgate_elevations_total";
        assert_eq!(rose(elevations, &[("outcome", "asked")]), 1.0, "{after}");
        assert_eq!(rose(elevations, &[("outcome", "satisfied")]), 1.0);
        assert_eq!(rose(elevations, &[("outcome", "unmet"), ("reason", "not_held")]), 1.0);
        assert_eq!(rose(elevations, &[("outcome", "given_up")]), 1.0);
        assert_eq!(rose("stepgate_tokens_issued_total", &[("grant_type", "authorization_code")]), 1.0);
        assert_eq!(rose("stepgate_tokens_issued_total", &[("grant_type", "refresh_token")]), 1.0);
        assert_eq!(rose("stepgate_deliveries_total", &[("channel", "text"), ("outcome", "succeeded")]), 1.0);
        let requests = "stepgate_http_requests_total";
        assert_eq!(rose(requests, &[("route", "token"), ("status", "200")]), 2.0);
        assert_eq!(rose(requests, &[("route", "userinfo"), ("status", "401")]), 1.0);
        assert_eq!(rose(requests, &[("route", "other"), ("status", "404")]), 1.0);
        let seconds = "stepgate_http_request_seconds";
        assert_eq!(rose(&format!("{seconds}_count"), &[("route", "token")]), 2.0);
        assert_eq!(rose(&format!("{seconds}_bucket"), &[("route", "token"), ("le", "+Inf")]), 2.0);
        assert!(after.contains("stepgate_outbox_waiting 0") && after.contains("stepgate_passwords_waiting 0"));
        // No identifier has become a label.
        for secret in ["alice", "bob", "dave", "demo-local", "12025550101", "nowhere", &started.url] {
            assert!(!after.contains(secret), "{secret}");
        }
        assert!(after.lines().count() < 1_000, "{} lines", after.lines().count());
    })
    .await;
}

#[tokio::test]
async fn the_numbers_have_an_address_of_their_own() {
    let port = std::net::TcpListener::bind(("127.0.0.1", 0)).unwrap().local_addr().unwrap().port();
    let listen: &'static str = Box::leak(format!("127.0.0.1:{port}").into_boxed_str());
    let world = World::start_with(stepgate_tests::Backend::Sqlite, &[("STEPGATE__METRICS__LISTEN", listen)]).await;
    let answer = reqwest::get(format!("http://{listen}/metrics")).await.unwrap();
    assert!(answer.status().is_success());
    assert!(answer.text().await.unwrap().contains("# TYPE stepgate_logins_total counter"));
    assert_eq!(reqwest::get(format!("http://{listen}/account")).await.unwrap().status(), 404, "nothing else");
    drop(world);
}
