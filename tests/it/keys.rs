//! Signing keys change while the server runs, and nobody notices.

use std::collections::BTreeSet;

use serde_json::Value;
use stepgate_core::jose::{self, JwkSet, PublicKeys, SigningAlgorithm, VerifyRules};
use stepgate_tests::{Browser, Login, RelyingParty, World, on_each_backend};

async fn published(world: &World, number: usize) -> Vec<Value> {
    let answer = reqwest::get(format!("{}/jwks.json", world.node(number))).await.unwrap();
    let mut answer: Value = answer.json().await.unwrap();
    serde_json::from_value(answer["keys"].take()).unwrap()
}

fn kids(keys: &[Value]) -> BTreeSet<String> {
    keys.iter().map(|key| key["kid"].as_str().unwrap().to_owned()).collect()
}

/// Only public members, each kid once, what verifies is said.
fn sound(keys: &[Value]) {
    assert_eq!(kids(keys).len(), keys.len(), "a kid twice: {keys:?}");
    for key in keys {
        assert!(["RSA", "EC", "OKP"].contains(&key["kty"].as_str().unwrap()), "{key}");
        assert_eq!(key["use"], "sig", "{key}");
        for private in ["d", "p", "q", "dp", "dq", "qi", "oth", "k"] {
            assert!(key.get(private).is_none(), "{private}");
        }
    }
}

fn kid(token: &str) -> String {
    jose::unverified_kid(token).unwrap()
}

async fn log_in(world: &World) -> (RelyingParty, Browser, Login) {
    let rp = world.relying_party().await;
    let (mut browser, started) = (world.browser(), rp.start(&[]));
    browser.open(&started.url).await;
    browser.log_in("alice").await;
    let login = rp.finish(&started, &browser.page).await;
    (rp, browser, login)
}

/// Everything that the old keys signed is worth what it was.
async fn still_good(world: &World, (rp, browser, login): &mut (RelyingParty, Browser, Login)) {
    // As often as there are nodes, and once more.
    for _ in 0..=world.nodes() {
        assert_eq!(rp.userinfo(&login.access_token).await.0, 200);
        assert_eq!(rp.introspect(&login.access_token).await["active"], true);
    }
    let again = rp.start(&[("prompt", "none"), ("id_token_hint", &login.id_token)]);
    browser.open(&again.url).await;
    rp.code(&again, &browser.page);
    let keys: JwkSet = serde_json::from_value(serde_json::json!({ "keys": published(world, 0).await })).unwrap();
    let rules = VerifyRules::typ(SigningAlgorithm::ALL, &["JWT"]);
    jose::verify::<Value>(&login.id_token, &PublicKeys::new(&keys), &rules).unwrap();
}

#[tokio::test]
async fn keys_rotate_by_command_while_the_server_runs() {
    on_each_backend(|world| async move {
        let mut old = log_in(&world).await;
        let before = published(&world, 0).await;
        sound(&before);
        let (done, said) = world.operate(&["keys", "rotate", "--json"]);
        assert!(done, "{said}");
        for number in 0..world.nodes() {
            world.until("the node has seen it", async || published(&world, number).await != before).await;
            let after = published(&world, number).await;
            sound(&after);
            assert!(kids(&after).is_superset(&kids(&before)), "the old keys stay");
            let numbers =
                |keys: &[Value]| keys.iter().map(|key| format!("{} {}", key["n"], key["x"])).collect::<BTreeSet<_>>();
            assert_eq!(numbers(&after).len(), after.len(), "a key under two names");
            let new: Vec<_> =
                after.iter().filter(|key| !kids(&before).contains(key["kid"].as_str().unwrap())).collect();
            for kty in ["RSA", "EC"] {
                assert!(new.iter().any(|key| key["kty"] == kty), "no new {kty}: {new:?}");
            }
        }
        still_good(&world, &mut old).await;
        // What is signed now is signed by a new key, and verifies for whoever fetches the keys.
        let (_, _, new) = log_in(&world).await;
        for token in [&new.id_token, &new.access_token] {
            assert!(!kids(&before).contains(&kid(token)));
        }
        let refreshed = old.0.post(
            "/token",
            &[("grant_type", "refresh_token"), ("refresh_token", old.2.refresh_token.as_deref().unwrap())],
        );
        let refreshed: Value = refreshed.send().await.unwrap().json().await.unwrap();
        assert!(!kids(&before).contains(&kid(refreshed["id_token"].as_str().unwrap())), "{refreshed}");
    })
    .await;
}

#[tokio::test]
async fn a_new_key_is_known_to_every_node_at_once_and_an_old_one_goes_in_time() {
    on_each_backend(|world| async move {
        let mut old = log_in(&world).await;
        // The demo's switch leaves the EdDSA key: the conformance suite takes new keys of types RSA and EC only.
        let mut before = published(&world, 0).await;
        before.retain(|key| key["kty"] != "OKP");
        let before = kids(&before);
        for _ in 0..3 {
            world.rotate_keys().await;
            // Whichever node made the token, each of them knows its key.
            let (rp, _, login) = log_in(&world).await;
            for _ in 0..2 * world.nodes() {
                assert_eq!(rp.userinfo(&login.access_token).await.0, 200);
            }
        }
        still_good(&world, &mut old).await;
        world.advance(8 * 24 * 3600).await;
        for number in 0..world.nodes() {
            let gone = async || kids(&published(&world, number).await).is_disjoint(&before);
            world.until("the oldest keys are gone", gone).await;
            sound(&published(&world, number).await);
        }
    })
    .await;
}
