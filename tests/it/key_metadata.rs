//! What the FIDO Metadata Service says about makes of key, how keys have to know their holder, and answers that are too
//! large for any key.

use std::path::Path;

use serde_json::{Value, json};
use stepgate::credentials::attestation::{Attestation, SecurityKeySettings};
use stepgate_core::jose::SigningAlgorithm;
use stepgate_core::time::Timestamp;
use stepgate_tests::{Backend, Browser, Maker, MetadataService, SecurityKey, World, day};

use super::passkeys::{add, use_passkey};

const GOOD: [u8; 16] = *b"\x01\x23\x45\x67\x89\xab\xcd\xef\x01\x23\x45\x67\x89\xab\xcd\xef";
const BAD: [u8; 16] = *b"\xba\xd0\x45\x67\x89\xab\xcd\xef\x01\x23\x45\x67\x89\xab\xcd\xef";
const FILE: &str = "STEPGATE__SECURITY_KEYS__METADATA_FILE";
const ROOTS: &str = "STEPGATE__SECURITY_KEYS__METADATA_ROOTS";
const POLICY: &str = "STEPGATE__SECURITY_KEYS__USER_VERIFICATION";

fn leak(path: &Path) -> &'static str {
    path.display().to_string().leak()
}

fn made(world: &World, maker: Option<Maker>) -> SecurityKey {
    let mut key = SecurityKey::new(&world.issuer);
    key.maker = maker;
    key
}

/// What a login by this passkey is worth at an application that would like hardware protection.
async fn worth(world: &World, key: &mut SecurityKey) -> String {
    let rp = world.relying_party().await;
    let mut browser = world.browser();
    let started = rp.start(&[("acr_values", "phrh phr")]);
    browser.open(&started.url).await;
    use_passkey(&mut browser, key).await;
    rp.finish(&started, &browser.page).await.acr().to_owned()
}

#[tokio::test]
async fn what_the_metadata_vouches_for_is_hardware_until_it_is_reported() {
    let service = MetadataService::new(SigningAlgorithm::Es256, 2099);
    let (good, bad) = (Maker::new(GOOD), Maker::new(BAD));
    let (later, before) = (day(2), day(-30));
    let list = json!({ "legalHeader": "x", "no": 7, "nextUpdate": day(1), "entries": [
        good.listed("Good key", &[("FIDO_CERTIFIED_L1", &before), ("USER_KEY_REMOTE_COMPROMISE", &later)]),
        bad.listed("Bad key", &[("REVOKED", &before)]),
    ]});
    let (file, roots) = service.write("metadata", &service.sign(&list));
    let world = World::start_with(Backend::Sqlite, &[(FILE, leak(&file)), (ROOTS, leak(&roots))]).await;
    // Any key is taken as before; what counts as hardware is what somebody vouches for and nobody has reported.
    let (mut good, mut bad) = (made(&world, Some(good)), made(&world, Some(bad)));
    let mut forged = made(&world, Some(Maker::new(GOOD)));
    for (who, key, acr) in [("alice", &mut good, "phrh"), ("petra", &mut bad, "phr"), ("frank", &mut forged, "phr")] {
        let browser = add(&world, who, key).await;
        assert!(browser.page.words().contains("Your security key is set up"), "{who}: {}", browser.page.words());
        assert_eq!(worth(&world, key).await, acr, "{who}");
    }
    let said = janitor(&world).await;
    assert!(said.contains("No. 7, good until"), "{said}");
    // What comes to be known later counts from then on, also for keys that were added before.
    world.advance(3 * 24 * 3600).await;
    assert_eq!(worth(&world, &mut good).await, "phr");
    let said = janitor(&world).await;
    assert!(said.contains("out of date since"), "{said}");
    std::fs::remove_file(file).unwrap();
    std::fs::remove_file(roots).unwrap();
}

async fn janitor(world: &World) -> String {
    let mut browser = world.browser();
    browser.open("/account").await;
    browser.log_in("admin").await;
    browser.open("/admin/janitor").await.words()
}

#[tokio::test]
async fn of_a_list_of_makes_the_revoked_ones_are_not_taken() {
    let service = MetadataService::new(SigningAlgorithm::Rs256, 2099);
    let (good, bad) = (Maker::new(GOOD), Maker::new(BAD));
    let list = json!({ "no": 8, "nextUpdate": day(20), "entries": [
        good.listed("Good key", &[]), bad.listed("Bad key", &[("ATTESTATION_KEY_COMPROMISE", &day(-1))]),
    ]});
    let (file, roots) = service.write("accepted", &service.sign(&list));
    let accepted = "[{ name = \"Good key\", aaguid = \"01234567-89ab-cdef-0123-456789abcdef\" },
        { name = \"Bad key\", aaguid = \"bad04567-89ab-cdef-0123-456789abcdef\" }]";
    let settings = [(FILE, leak(&file)), (ROOTS, leak(&roots)), ("STEPGATE__SECURITY_KEYS__ACCEPTED", accepted)];
    let world = World::start_with(Backend::Sqlite, &settings).await;
    for (maker, says) in [
        (Some(bad), "is not accepted any more: others can pretend to be one"),
        (None, "make of key is not accepted"),
        (Some(good), "Your security key is set up"),
    ] {
        let browser = add(&world, "alice", &mut made(&world, maker)).await;
        assert!(browser.page.words().contains(says), "{says}: {}", browser.page.words());
    }
    std::fs::remove_file(file).unwrap();
    std::fs::remove_file(roots).unwrap();
}

#[test]
fn metadata_counts_only_as_it_was_signed_under_the_root_that_was_named() {
    let now = Timestamp::from_unix_seconds(i64::try_from(std::time::UNIX_EPOCH.elapsed().unwrap().as_secs()).unwrap());
    let list = json!({ "no": 1, "nextUpdate": day(5), "entries": [Maker::new(GOOD).listed("Key", &[])] });
    let service = MetadataService::new(SigningAlgorithm::Es256, 2099);
    let signed = service.sign(&list);
    let loaded = |service: &MetadataService, blob: &str| {
        let (file, roots) = service.write("judged", blob);
        let settings = SecurityKeySettings {
            metadata_file: Some(file),
            metadata_roots: Some(roots),
            ..SecurityKeySettings::default()
        };
        Attestation::load(&settings, now).map(|attestation| attestation.age(now).unwrap().2)
    };
    assert_eq!(loaded(&service, &signed), Ok(false));
    assert_eq!(loaded(&service, &format!("\n{signed}\n")), Ok(false));
    let refused = |service: &MetadataService, blob: &str, why: &str| {
        let error = loaded(service, blob).unwrap_err();
        assert!(error.contains("security_keys.metadata") && error.contains(why), "{why}: {error}");
    };
    refused(&MetadataService::new(SigningAlgorithm::Es256, 2099), &signed, "not under metadata_roots");
    let parts: Vec<&str> = signed.split('.').collect();
    let other = service.sign(&json!({ "no": 2, "nextUpdate": day(5), "entries": [] }));
    let payload = other.split('.').nth(1).unwrap();
    refused(&service, &[parts[0], payload, parts[2]].join("."), "signature is not by the key");
    refused(&service, &[parts[0], parts[1], ""].join("."), "signature is not by the key");
    refused(&service, &signed[..signed.len() / 2], "not a metadata BLOB");
    refused(&service, "", "not a metadata BLOB");
    refused(&service, &service.sign(&json!({ "no": 1, "nextUpdate": "soon", "entries": [] })), "nextUpdate");
    let bad = json!({ "no": 1, "nextUpdate": day(5), "entries": [{ "aaguid": "not-one" }] });
    refused(&service, &service.sign(&bad), "the entry of not-one");
    // A signer whose certificate has lapsed signs nothing new; what it signed in its time is only old.
    let lapsed = MetadataService::new(SigningAlgorithm::Es256, 2020);
    refused(&lapsed, &lapsed.sign(&list), "not under metadata_roots");
    let old = lapsed.sign(&json!({ "no": 1, "nextUpdate": "2020-05-01", "entries": [] }));
    assert_eq!(loaded(&lapsed, &old), Ok(true));
}

/// Begins to add a key or a passkey; the open page.
async fn adding(world: &World, username: &str) -> Browser {
    let mut browser = world.browser();
    browser.open("/account/otp").await;
    browser.log_in(username).await;
    browser.submit_to("/account/otp/key/new").await;
    browser
}

fn asks(browser: &Browser) -> Value {
    serde_json::from_str::<Value>(&browser.page.attribute("data-key-options")).unwrap()["publicKey"].clone()
}

#[tokio::test]
async fn t33_a_deployment_that_requires_verification_takes_no_touch_alone() {
    let world = World::start_with(Backend::Sqlite, &[(POLICY, "required")]).await;
    let mut browser = adding(&world, "alice").await;
    assert_eq!(asks(&browser)["authenticatorSelection"]["userVerification"], "required");
    let mut key = made(&world, None);
    key.verifies = false;
    let response = key.register(&browser.page.attribute("data-key-options"));
    browser.submit(&[("response", &response), ("label", "Touch")]).await;
    assert!(browser.page.words().contains("Set a PIN on it"), "{}", browser.page.words());
    key.verifies = true;
    let response = key.register(&browser.page.attribute("data-key-options"));
    browser.submit(&[("response", &response), ("label", "Touch")]).await;
    assert!(browser.page.words().contains("Your security key is set up"), "{}", browser.page.words());
    let mut browser = world.browser();
    browser.open("/account").await;
    browser.log_in("alice").await;
    browser.submit(&[("factor", "security_key")]).await;
    assert_eq!(asks(&browser)["userVerification"], "required");
    key.verifies = false;
    let response = key.sign(&browser.page.attribute("data-key-options"));
    browser.submit(&[("response", &response)]).await;
    assert!(browser.page.words().contains("did not ask who you are"), "{}", browser.page.words());
    key.verifies = true;
    let response = key.sign(&browser.page.attribute("data-key-options"));
    browser.submit(&[("response", &response)]).await;
    assert_eq!(browser.page.strength(), "Security Key");
}

#[tokio::test]
async fn t33_where_verification_is_discouraged_a_touch_does_beside_the_password_and_nowhere_else() {
    let world = World::start_with(Backend::Sqlite, &[(POLICY, "discouraged")]).await;
    let mut browser = adding(&world, "alice").await;
    assert_eq!(asks(&browser)["authenticatorSelection"]["userVerification"], "discouraged");
    // Some keys verify when they are made, whatever they are asked; a touch does from then on.
    let mut key = made(&world, None);
    let response = key.register(&browser.page.attribute("data-key-options"));
    browser.submit(&[("response", &response), ("label", "Touch")]).await;
    assert!(browser.page.words().contains("Your security key is set up"), "{}", browser.page.words());
    key.verifies = false;
    let mut browser = world.browser();
    browser.open("/account").await;
    use_passkey(&mut browser, &mut key).await;
    assert!(browser.page.words().contains("cannot be used here"), "{}", browser.page.words());
    browser.log_in("alice").await;
    browser.submit(&[("factor", "security_key")]).await;
    assert_eq!(asks(&browser)["userVerification"], "discouraged");
    let response = key.sign(&browser.page.attribute("data-key-options"));
    browser.submit(&[("response", &response)]).await;
    assert_eq!(browser.page.strength(), "Security Key");
}

#[tokio::test]
async fn t33_who_asks_for_a_passkey_gets_one_that_is_kept_and_verifies() {
    let world = World::start(Backend::Sqlite).await;
    let mut browser = adding(&world, "alice").await;
    let selection = asks(&browser)["authenticatorSelection"].clone();
    assert_eq!((&selection["residentKey"], &selection["userVerification"]), (&json!("preferred"), &json!("preferred")));
    browser.submit(&[("passkey", "1")]).await;
    let selection = asks(&browser)["authenticatorSelection"].clone();
    assert_eq!(selection["residentKey"], "required");
    assert_eq!(selection["requireResidentKey"], true);
    assert_eq!(selection["userVerification"], "required");
    let mut key = made(&world, None);
    key.verifies = false;
    let response = key.register(&browser.page.attribute("data-key-options"));
    browser.submit(&[("response", &response), ("label", "Mine")]).await;
    assert!(browser.page.words().contains("Set a PIN on it"), "{}", browser.page.words());
    assert!(browser.page.words().contains("Set up a passkey"), "and it is still a passkey that is asked for");
    key.verifies = true;
    let response = key.register(&browser.page.attribute("data-key-options"));
    browser.submit(&[("response", &response), ("label", "Mine")]).await;
    assert!(browser.page.words().contains("Your security key is set up"), "{}", browser.page.words());
}

#[tokio::test]
async fn t33_answers_too_large_or_too_deep_for_any_key_are_refused() {
    let world = World::start(Backend::Sqlite).await;
    let mut browser = adding(&world, "alice").await;
    let encode = |bytes: &[u8]| data_encoding::BASE64URL_NOPAD.encode(bytes);
    // Longer than anything is read; arrays in arrays; a map, a text and bytes of lengths that nobody has.
    let attestations: [Vec<u8>; 6] = [
        vec![0xa0; 20_000],
        vec![0x81; 8_000],
        [vec![0xa1; 4_000], vec![0x60; 4_000]].concat(),
        vec![0xbb, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff],
        vec![0xa1, 0x63, b'f', b'm', b't', 0x7b, 0x7f, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff],
        vec![0xa1, 0x68, b'a', b'u', b't', b'h', b'D', b'a', b't', b'a', 0x5b, 0, 0, 0, 0xff, 0xff, 0xff, 0xff, 0xff],
    ];
    for (number, attestation) in attestations.iter().enumerate() {
        let response = made(&world, None).register(&browser.page.attribute("data-key-options"));
        let mut response: Value = serde_json::from_str(&response).unwrap();
        response["response"]["attestationObject"] = encode(attestation).into();
        browser.submit(&[("response", &response.to_string()), ("label", "Big")]).await;
        assert!(browser.page.words().contains("did not answer as it should"), "{number}: {}", browser.page.words());
    }
    // A right answer wrapped in a name that is longer than any.
    let response = made(&world, None).register(&browser.page.attribute("data-key-options"));
    let mut response: Value = serde_json::from_str(&response).unwrap();
    response["extensions"] = json!({ "x": "y".repeat(20_000) });
    browser.submit(&[("response", &response.to_string()), ("label", "Big")]).await;
    assert!(browser.page.words().contains("did not answer as it should"), "{}", browser.page.words());
    // Nothing of that has hurt: a right one is taken.
    let response = made(&world, None).register(&browser.page.attribute("data-key-options"));
    browser.submit(&[("response", &response), ("label", "Small")]).await;
    assert!(browser.page.words().contains("Your security key is set up"), "{}", browser.page.words());
}

#[tokio::test]
async fn twenty_keys_are_enough_and_the_page_says_so() {
    let world = World::start(Backend::Sqlite).await;
    let mut browser = adding(&world, "alice").await;
    let mut first = None;
    for _ in 0..20 {
        let mut key = made(&world, None);
        let response = key.register(&browser.page.attribute("data-key-options"));
        browser.submit(&[("response", &response), ("label", "One more")]).await;
        assert!(browser.page.words().contains("Your security key is set up"), "{}", browser.page.words());
        let first = first.get_or_insert(key);
        browser.submit_to("/account/otp/key/new").await;
        if browser.page.name() == "factor" {
            browser.submit(&[("factor", "security_key")]).await;
            let response = first.sign(&browser.page.attribute("data-key-options"));
            browser.submit(&[("response", &response)]).await;
            browser.submit_to("/account/otp/key/new").await;
        }
    }
    assert_eq!(browser.page.name(), "too-many-keys", "{}", browser.page.words());
    assert!(browser.page.words().contains("You have 20 security keys"), "{}", browser.page.words());
    assert!(browser.page.words().contains("Give up one"), "{}", browser.page.words());
}
