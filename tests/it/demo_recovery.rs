//! A recovery that anybody can click through in the demo.

use serde_json::Value;
use stepgate_tests::on_each_backend;

use crate::recovery::{logged_in, make, use_code};

#[tokio::test]
async fn the_demo_shows_a_sheet_of_codes_to_click_through_a_recovery() {
    on_each_backend(async |world| {
        let codes = async || {
            let url = format!("{}/demo/codes.json", world.issuer);
            reqwest::get(url).await.unwrap().json::<Value>().await.unwrap()
        };
        let first = codes().await["rosa.recovery"].as_str().unwrap().to_owned();
        let mut anybody = world.browser();
        assert!(anybody.open("/demo").await.words().contains(&format!("ten recovery codes, next: {first}")));
        let mut rosa = logged_in(&world, "rosa").await;
        assert_eq!(rosa.page.name(), "factor");
        assert!(use_code(&mut rosa, &first).await.contains("9 left"), "{}", rosa.page.words());
        let second = codes().await["rosa.recovery"].as_str().unwrap().to_owned();
        assert_ne!(first, second, "the next one is shown");
        assert!(anybody.open("/demo").await.words().contains(&second));
        // With new codes the sheet is worth nothing, and not shown.
        let mut rosa = logged_in(&world, "rosa").await;
        rosa.show_token(&world, "rosa").await;
        make(&mut rosa).await;
        assert!(codes().await.get("rosa.recovery").is_none());
        assert!(!anybody.open("/demo").await.words().contains(&second));
    })
    .await;
}
