//! What phones and the provider sign for each other: a message counts once, for its own call, by the keys of now.

use serde_json::{Value, json};
use stepgate_tests::on_each_backend;

use crate::mobile_phones::{another, answered, set_up, waiting};

pub(super) fn payload(jws: &str) -> Value {
    let part = jws.split('.').nth(1).unwrap();
    serde_json::from_slice(&data_encoding::BASE64URL_NOPAD.decode(part.as_bytes()).unwrap()).unwrap()
}

#[tokio::test]
async fn a_message_counts_once_for_its_own_call_by_its_own_key_now() {
    on_each_backend(async |world| {
        let (_, mut phone) = set_up(&world, None).await;
        let knows = phone.keys[0]["kid"].clone();
        let first = phone.message("poll", json!({ "knows": knows }));
        assert!(phone.deliver("poll", &first).await.is_ok());
        assert_eq!(phone.deliver("poll", &first).await.unwrap_err().error, "replay");
        let leave = phone.message("leave", json!({}));
        assert_eq!(phone.deliver("poll", &leave).await.unwrap_err().error, "bad_message");
        let act = phone.message("poll", json!({}));
        assert_eq!(phone.deliver("leave", &act).await.unwrap_err().error, "bad_act");

        // Another phone's key under this phone's name.
        let (_, mut stranger) = another(&world, Some(&mut phone)).await;
        std::mem::swap(&mut phone.device, &mut stranger.device);
        assert_eq!(stranger.look().await.unwrap_err().error, "bad_message");
        std::mem::swap(&mut phone.device, &mut stranger.device);

        phone.ahead = 90;
        let refused = phone.look().await.unwrap_err();
        assert_eq!(refused.error, "clock");
        assert!(refused.description.contains("automatic"), "{}", refused.description);
        phone.ahead = 0;
        assert!(phone.look().await.is_ok(), "nothing of that has hurt the phone");
    })
    .await;
}

#[tokio::test]
async fn a_phone_shows_only_what_the_server_signed_for_it() {
    on_each_backend(async |world| {
        let (_, mut phone) = set_up(&world, None).await;
        waiting(&world).await;
        let jws = phone.look().await.unwrap()["request"].as_str().unwrap().to_owned();
        assert!(phone.read(&jws).is_some());
        let encode = |value: &Value| data_encoding::BASE64URL_NOPAD.encode(value.to_string().as_bytes());
        let parts: Vec<&str> = jws.split('.').collect();
        for (member, lie) in [("application", "Your bank"), ("place", "127.0.0.1 "), ("purpose", "To win a prize")] {
            let mut said = payload(&jws);
            said[member] = lie.into();
            assert!(phone.read(&[parts[0], &encode(&said), parts[2]].join(".")).is_none(), "{member}");
        }
        // Keys of tokens are not keys of requests, and change without phones noticing.
        world.rotate_keys().await;
        assert!(phone.poll().await.unwrap().is_some());
        let jwks: Value = reqwest::get(format!("{}/jwks.json", world.issuer)).await.unwrap().json().await.unwrap();
        let published = jwks["keys"].as_array().unwrap();
        assert!(published.iter().all(|key| key["kid"] != phone.keys[0]["kid"]));
    })
    .await;
}

#[tokio::test]
async fn new_keys_take_over_with_their_first_message_and_the_old_ones_are_dead() {
    on_each_backend(async |world| {
        let (_, mut phone) = set_up(&world, None).await;
        let mut old = phone.rotate().await.unwrap();
        assert!(old.look().await.is_ok(), "until the new ones are used");
        phone.seq = old.seq;
        assert!(phone.look().await.is_ok());
        old.seq = phone.seq;
        // Made before the new ones took over, however long that took.
        old.ahead = -5;
        assert_eq!(old.look().await.unwrap_err().error, "bad_message");
        phone.seq = old.seq;
        answered(&world, &mut phone).await;
        // The key of offline codes is a new one, too.
        let mut browser = waiting(&world).await;
        browser.submit(&[("offline", "1")]).await;
        browser.submit(&[("code", &old.offline_code())]).await;
        assert!(browser.page.words().contains("not right"), "{}", browser.page.words());
        browser.submit(&[("code", &phone.offline_code())]).await;
        assert_eq!(browser.page.strength(), "Mobile ID");
        // A key that somebody else has made cannot take the place of this one.
        let refused = phone.send("rotate", json!({ "proof": "e30.e30.AA" })).await.unwrap_err();
        assert_eq!(refused.error, "bad_proof");
        assert!(phone.look().await.is_ok());
        // Whoever still uses the old key has a copy: neither counts any more.
        old.ahead += 30;
        assert_eq!(old.look().await.unwrap_err().error, "suspended");
        assert_eq!(phone.look().await.unwrap_err().error, "suspended");
    })
    .await;
}
