//! Nodes die, databases restart: the person goes on, nothing is used twice, no counter is lost.

use stepgate_tests::{Backend, World, on_each_backend};

#[tokio::test]
async fn a_node_dies_in_the_middle_and_the_person_goes_on() {
    on_each_backend(|world| async move {
        let rp = world.relying_party().await;
        let (mut browser, started) = (world.browser(), rp.start(&[("acr_values", "urn:stepgate:acr:hardware-token")]));
        browser.open(&started.url).await;
        let wound = async |number: usize| {
            world.kill_node(number);
            if world.nodes() == 1 {
                world.start_node(number).await;
            }
        };
        // After the user ID, after the password, with a wrong code typed, with the code in the hand, after the exchange.
        browser.submit(&[("username", "dave")]).await;
        wound(0).await;
        browser.log_in("dave").await;
        if world.nodes() > 1 {
            world.start_node(0).await;
        }
        wound(world.nodes() - 1).await;
        browser.submit(&[("factor", "hardware_token")]).await;
        for _ in 0..3 {
            browser.submit(&[("code", "000000")]).await;
        }
        if world.nodes() > 1 {
            world.start_node(1).await;
        }
        wound(0).await;
        let shown = world.shown_code("dave").await;
        browser.submit(&[("code", &shown)]).await;
        let code = rp.code(&started, &browser.page);
        wound(0).await;
        let (status, tokens) = rp.token(&rp.exchange_fields(&started, &code)).await;
        assert!(status.is_success(), "{tokens}");
        wound(0).await;
        assert_eq!(rp.token(&rp.exchange_fields(&started, &code)).await.1["error"], "invalid_grant", "a code once");
        let mut again = world.browser();
        again.open("/account").await;
        again.log_in("dave").await;
        again.submit(&[("factor", "hardware_token")]).await;
        again.submit(&[("code", &shown)]).await;
        assert!(again.page.words().contains("already used"), "{}", again.page.words());
    })
    .await;
}

#[tokio::test]
async fn t5_guesses_are_counted_over_a_crash() {
    on_each_backend(|world| async move {
        let mut browser = world.browser();
        browser.open("/account").await;
        browser.log_in("dave").await;
        browser.submit(&[("factor", "hardware_token")]).await;
        for guess in 0..5 {
            browser.submit(&[("code", "000000")]).await;
            if guess == 2 {
                world.kill_node(0);
                world.start_node(0).await;
            }
        }
        let shown = world.shown_code("dave").await;
        browser.submit(&[("code", &shown)]).await;
        assert!(browser.page.words().contains("too many wrong codes"), "{}", browser.page.words());
    })
    .await;
}

#[tokio::test]
async fn without_its_database_a_node_says_try_again_and_recovers() {
    let Some(world) = with_postgres().await else { return };
    let rp = world.relying_party().await;
    let server = std::env::var("STEPGATE_TEST_POSTGRES").unwrap();
    let admin = sea_orm::Database::connect(&server).await.unwrap();
    let name = world.database_url.as_deref().unwrap().rsplit_once('/').unwrap().1.to_owned();
    let run = async |sql: String| sea_orm::ConnectionTrait::execute_unprepared(&admin, &sql).await.unwrap();
    // The database closes its doors, as it does when it restarts.
    run(format!("ALTER DATABASE {name} WITH ALLOW_CONNECTIONS false")).await;
    run(format!("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = '{name}'")).await;
    let shut = async || {
        let fields = [("grant_type", "authorization_code"), ("code", "x"), ("redirect_uri", "y")];
        let response = rp.post("/token", &fields).send().await.unwrap();
        response.status() == 503 && response.headers().contains_key("retry-after")
    };
    world.until("503 with Retry-After", shut).await;
    let mut browser = world.browser();
    let page = browser.open("/account").await;
    assert_eq!((page.status.as_u16(), page.name()), (503, "error"));
    run(format!("ALTER DATABASE {name} WITH ALLOW_CONNECTIONS true")).await;
    world
        .until("it recovers by itself", async || {
            let mut browser = world.browser();
            browser.open("/account").await.name() == "login"
        })
        .await;
}

async fn with_postgres() -> Option<World> {
    if std::env::var("STEPGATE_TEST_POSTGRES").is_err() {
        println!("STEPGATE_TEST_POSTGRES is not set: nothing to restart");
        return None;
    }
    Some(World::start(Backend::PostgresRedis).await)
}

#[tokio::test]
async fn a_provider_that_does_not_answer_is_told_at_once_and_other_ways_stay_open() {
    on_each_backend(|world| async move {
        let set = async |failing: bool| {
            for number in 0..world.nodes() {
                let url = format!("{}/demo/inbox/failing", world.node(number));
                let body = serde_json::json!({ "failing": failing });
                assert!(reqwest::Client::new().post(url).json(&body).send().await.unwrap().status().is_success());
            }
        };
        set(true).await;
        let mut browser = world.browser();
        browser.open("/account").await;
        browser.log_in("erin").await;
        browser.submit(&[("factor", "phone_otp")]).await;
        assert_eq!(browser.page.name(), "factor");
        assert!(browser.page.words().contains("could not be sent"), "{}", browser.page.words());
        for way in ["factor-phone_otp", "factor-mobile_id", "factor-hardware_token"] {
            assert!(browser.page.has(way), "{way}: {}", browser.page.words());
        }
        set(false).await;
        world.advance(31).await;
        browser.show_phone(&world, "+12025550105").await;
        assert!(browser.page.strength().contains("Phone OTP"), "{}", browser.page.strength());
    })
    .await;
}
