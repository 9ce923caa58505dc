//! Providers of texts and of signals over HTTP, each judged by what its maker gives away: Vonage's and Twilio's libraries,
//! and AWS SNS as `moto` plays it, which checks signatures with AWS's own code.

use std::collections::BTreeMap;

use serde_json::{Value, json};
use stepgate_core::secret::sha256;
use stepgate_tests::{Api, Asked, Backend, Browser, Sns, World, ask_oracle};

const BOB: &str = "+12025550101";

fn keep(text: String) -> &'static str {
    text.leak()
}

async fn at_factor(world: &World, username: &str) -> Browser {
    let mut browser = world.browser();
    browser.open("/account").await;
    browser.log_in(username).await;
    browser
}

/// Asks for a code by text.
async fn ask(world: &World, username: &str) -> Browser {
    let mut browser = at_factor(world, username).await;
    browser.submit(&[("factor", "phone_otp"), ("channel", "text")]).await;
    browser
}

async fn deliveries(world: &World, provider: &str, state: &str) -> i64 {
    let sql =
        format!("SELECT COUNT(*) AS found FROM phone_deliveries WHERE provider = '{provider}' AND state = '{state}'");
    world.count(&sql).await
}

const KEY: &str = "abcd1234";
const SIGNATURE: &str = "a-signature-secret-of-the-tests-32b";
const UUID: &str = "aaaaaaaa-bbbb-4ccc-8ddd-0123456789ab";

/// A world whose texts go over Vonage; a second account of the same deployment has keys of its own.
async fn vonage() -> (World, Api) {
    let api = Api::start(202, &json!({ "message_uuid": UUID }).to_string()).await;
    let account = |name: &str, key: &str, signature: &str| {
        format!(
            "{{ kind = 'vonage', name = '{name}', api_key = '{key}', api_secret = 'secret', signature_secret = '{signature}', \
             text_from = '+12025550199', base_url = '{}' }}",
            api.base_url()
        )
    };
    let providers =
        [account("vonage", KEY, SIGNATURE), account("other", "efgh5678", "another-secret-of-the-tests-32-b")];
    let settings: [(&str, &str); 2] = [
        ("STEPGATE__PHONE__PROVIDERS", keep(format!("[{}]", providers.join(", ")))),
        ("STEPGATE__OUTBOUND__ALLOW", keep(api.allowed())),
    ];
    (World::start_with(Backend::Sqlite, &settings).await, api)
}

fn message(asked: &Asked) -> Value {
    serde_json::from_slice(&asked.body).unwrap()
}

#[tokio::test]
async fn vonage_is_asked_what_its_own_library_asks() {
    let (world, api) = vonage().await;
    let mut browser = ask(&world, "bob").await;
    assert_eq!(browser.page.name(), "code", "{}", browser.page.words());
    let asked = api.asked();
    let [request] = asked.as_slice() else { panic!("{asked:?}") };
    let body = message(request);
    let callback = body["webhook_url"].as_str().unwrap();
    assert!(callback.starts_with(&format!("{}/callbacks/vonage/status?delivery=", world.issuer)), "{callback}");
    assert_eq!((&body["to"], &body["ttl"]), (&json!("12025550101"), &json!(120)));
    let text = body["text"].as_str().unwrap().to_owned();
    browser.submit(&[("code", &text[..6])]).await;
    assert!(browser.page.strength().contains("Phone OTP"), "{}", browser.page.words());
    if let Some(said) = ask_oracle("vonage_says.py", &["send", KEY, "secret"], &body) {
        let theirs: Value = serde_json::from_str(&said).unwrap();
        let ours = json!({
            "method": request.method.as_str(),
            "path": request.uri.to_string(),
            "authorization": request.headers["authorization"].to_str().unwrap(),
            "body": body,
        });
        assert_eq!(ours, theirs);
    }
    // Throttled: the second account is asked at once, for the same code.
    api.answers(429, "{}");
    world.advance(61).await;
    let refused = ask(&world, "bob").await;
    assert!(refused.page.words().contains("could not be sent"), "{}", refused.page.words());
    let asked = api.asked();
    assert_eq!((asked.len(), &message(&asked[1])["text"]), (3, &message(&asked[2])["text"]));
    assert_ne!(asked[1].headers["authorization"], asked[2].headers["authorization"]);
}

#[tokio::test]
async fn t28_vonage_s_receipts_are_believed_once_for_their_body_their_minute_and_their_account() {
    let (world, api) = vonage().await;
    let mut browser = ask(&world, "bob").await;
    let callback = message(&api.asked()[0])["webhook_url"].as_str().unwrap().to_owned();
    let now = stepgate::cx::Clock::default().now().unix_seconds();
    let status = |status: &str| {
        let error = json!({ "type": "https://developer.vonage.com/x", "title": "1320", "detail": "No" });
        json!({ "message_uuid": UUID, "to": "12025550101", "from": "12025550199", "timestamp": "2026-11-28T10:00:00Z",
                "status": status, "channel": "sms", "error": error })
        .to_string()
    };
    let hex = |body: &str| sha256(body.as_bytes()).iter().map(|byte| format!("{byte:02x}")).collect::<String>();
    let claims = |body: &str, jti: &str| json!({ "iss": "Vonage", "api_key": KEY, "application_id": "a1", "iat": now, "jti": jti, "payload_hash": hex(body) });
    // Signed as Vonage's servers do it; whether Vonage's own library takes it, and what we answered.
    let tell = async |body: &str, claims: &Value, (secret, algorithm): (&str, &str)| {
        let said = ask_oracle("vonage_says.py", &["sign", secret, algorithm, SIGNATURE], claims)?;
        let said: Value = serde_json::from_str(&said).unwrap();
        let taken = said["taken"].as_bool().unwrap();
        let request = reqwest::Client::new().post(&callback).bearer_auth(said["token"].as_str().unwrap());
        let request = request.header("content-type", "application/json").body(body.to_owned());
        Some((taken, request.send().await.unwrap().status().as_u16()))
    };
    let (sound, delivered, rejected) = ((SIGNATURE, "HS256"), status("delivered"), status("rejected"));
    let Some(_) = tell("{}", &claims("{}", "probe"), ("x-secret-that-is-nobody-s-at-all-32", "HS256")).await else {
        return;
    };
    let with = |name: &str, value: Value| {
        let mut changed = claims(&delivered, "forged");
        changed[name] = value;
        changed
    };
    // The library looks at the signature alone, and takes the last four; we do not.
    for (what, claims, key, taken) in [
        ("another secret", with("iss", "Vonage".into()), ("another-secret-of-the-tests-32-b", "HS256"), false),
        ("no signature", with("iss", "Vonage".into()), (SIGNATURE, "none"), false),
        ("another hash", with("iss", "Vonage".into()), (SIGNATURE, "HS512"), false),
        ("another body", with("payload_hash", hex(&rejected).into()), sound, true),
        ("long ago", with("iat", (now - 400).into()), sound, true),
        ("of another account", with("api_key", "efgh5678".into()), sound, true),
        ("without an id", with("jti", "".into()), sound, true),
    ] {
        assert_eq!(tell(&delivered, &claims, key).await, Some((taken, 403)), "{what}");
    }
    // The other account of this deployment signs well, and cannot speak of this one's messages.
    let mut others = claims(&delivered, "others");
    others["api_key"] = "efgh5678".into();
    let other = tell(&delivered, &others, ("another-secret-of-the-tests-32-b", "HS256")).await;
    assert_eq!(other.map(|(_, status)| status), Some(404));
    assert_eq!(deliveries(&world, "vonage", "sent").await, 1, "nothing moved");

    let submitted = status("submitted");
    assert_eq!(tell(&submitted, &claims(&submitted, "0"), sound).await, Some((true, 204)), "under way");
    assert_eq!(tell(&rejected, &claims(&rejected, "1"), sound).await, Some((true, 204)));
    assert_eq!(deliveries(&world, "vonage", "failed").await, 1);
    assert_eq!(
        world.count("SELECT CAST(reason AS BIGINT) AS found FROM phone_deliveries WHERE state = 'failed'").await,
        1320
    );
    assert_eq!(tell(&rejected, &claims(&rejected, "1"), sound).await, Some((true, 409)), "the same again");
    assert_eq!(tell(&delivered, &claims(&delivered, "2"), sound).await, Some((true, 204)), "too late");
    assert_eq!(deliveries(&world, "vonage", "failed").await, 1, "what has failed stays failed");
    // A refusal by the carrier sends the same code over the second account.
    world.until("the second account", async || api.asked().len() == 2).await;
    let code = message(&api.asked()[1])["text"].as_str().unwrap()[..6].to_owned();
    browser.submit(&[("code", &code)]).await;
    assert!(browser.page.strength().contains("Phone OTP"), "{}", browser.page.words());
}

#[tokio::test]
async fn a_code_goes_over_sns_signed_as_aws_checks_it() {
    let Some(mut sns) = Sns::start() else { return };
    let account = |name: &str, secret: &str| {
        format!(
            "{{ kind = 'sns', name = '{name}', region = 'us-east-1', access_key_id = '{}', secret_access_key = '{secret}', \
             sender_id = 'Stepgate', endpoint = '{}' }}",
            sns.access_key_id, sns.endpoint
        )
    };
    // The first signs with another secret: AWS refuses it, and the second brings the same code.
    let providers = [account("forged", "not-the-secret"), account("sns", &sns.secret_access_key)];
    let address = sns.endpoint.trim_start_matches("http://").trim_end_matches('/').to_owned();
    let settings: [(&str, &str); 2] = [
        ("STEPGATE__PHONE__PROVIDERS", keep(format!("[{}]", providers.join(", ")))),
        ("STEPGATE__OUTBOUND__ALLOW", keep(format!("['{address}']"))),
    ];
    let world = World::start_with(Backend::Sqlite, &settings).await;
    let mut browser = ask(&world, "bob").await;
    assert_eq!(browser.page.name(), "code", "{}", browser.page.words());
    let texts = sns.texts();
    let [(to, text)] = texts.as_slice() else { panic!("{texts:?}") };
    assert_eq!(to, BOB);
    assert!(text.ends_with(&format!("\n@localhost #{}", &text[..6])), "every character survives the form: {text}");
    assert_eq!((deliveries(&world, "forged", "failed").await, deliveries(&world, "sns", "sent").await), (1, 1));
    let refused = "SELECT CAST(reason AS BIGINT) AS found FROM phone_deliveries WHERE provider = 'forged'";
    assert_eq!(world.count(refused).await, 403);
    browser.submit(&[("code", &text[..6])]).await;
    assert!(browser.page.strength().contains("Phone OTP"), "{}", browser.page.words());
}

/// A world that asks Twilio about numbers.
async fn lookup() -> (World, Api) {
    let api = Api::start(200, "{}").await;
    let settings: [(&str, &str); 5] = [
        ("STEPGATE__PHONE__LOOKUP__KIND", "twilio"),
        ("STEPGATE__PHONE__LOOKUP__API_KEY_SID", "SK01"),
        ("STEPGATE__PHONE__LOOKUP__API_KEY_SECRET", "secret"),
        ("STEPGATE__PHONE__LOOKUP__BASE_URL", keep(api.base_url())),
        ("STEPGATE__OUTBOUND__ALLOW", keep(api.allowed())),
    ];
    (World::start_with(Backend::Sqlite, &settings).await, api)
}

/// An answer of Twilio Lookup, version 2, as its documentation has it.
fn signals(swapped_at: &str, forwarded: bool, status: &str) -> String {
    let swap = json!({ "last_sim_swap_date": swapped_at, "swapped_period": "PT48H", "swapped_in_period": true });
    let swap = if swapped_at.is_empty() { Value::Null } else { swap };
    json!({
        "phone_number": BOB, "valid": true, "validation_errors": null, "country_code": "US",
        "sim_swap": { "last_sim_swap": swap, "carrier_name": "A Carrier", "mobile_country_code": "310",
                      "mobile_network_code": "456", "error_code": null },
        "call_forwarding": { "call_forwarding_enabled": forwarded, "error_code": null },
        "line_status": { "status": status, "error_code": null },
    })
    .to_string()
}

async fn ago(world: &World, hours: u32) -> String {
    let sql = format!("SELECT strftime('%Y-%m-%dT%H:%M:%SZ', 'now', '-{hours} hours') AS found");
    world.texts(&sql).await.remove(0)
}

#[tokio::test]
async fn t1_a_sim_card_that_twilio_saw_changed_gets_no_text_and_other_ways_are_offered() {
    let (world, api) = lookup().await;
    api.answers(200, &signals(&ago(&world, 2).await, false, "active"));
    let mut erin = ask(&world, "erin").await;
    assert_eq!(erin.page.name(), "factor", "{}", erin.page.words());
    let words = erin.page.words();
    assert!(words.contains("SIM card of that number was changed") && words.contains("Use another way"), "{words}");
    assert!(erin.page.has("factor-hardware_token") && erin.page.has("factor-mobile_id"), "other ways");
    assert_eq!(world.count("SELECT COUNT(*) AS found FROM phone_challenges").await, 0, "no code was made");
    assert_eq!(world.count("SELECT COUNT(*) AS found FROM audit_events WHERE kind = 'phone_otp.swapped'").await, 1);
    assert!(world.mail("erin@iron-builders.example", "held back").await.contains("SIM card"));
    erin.show_token(&world, "erin").await;
    assert!(erin.page.strength().contains("OTP Hardware Token"), "{}", erin.page.words());

    let asked = api.asked();
    let [request] = asked.as_slice() else { panic!("{asked:?}") };
    let given = json!({ "number": "+12025550105", "fields": "sim_swap,call_forwarding,line_status" });
    if let Some(said) = ask_oracle("twilio_request.py", &["SK01", "secret"], &given) {
        let theirs: Value = serde_json::from_str(&said).unwrap();
        let url = url::Url::parse(&format!("https://lookups.twilio.com{}", request.uri)).unwrap();
        let path = url.path().replace("%2B", "+");
        assert_eq!(
            (request.method.as_str(), theirs["url"].as_str().unwrap()),
            (theirs["method"].as_str().unwrap(), format!("https://lookups.twilio.com{path}").as_str())
        );
        let query: BTreeMap<_, _> = url.query_pairs().into_owned().collect();
        assert_eq!(json!(query), theirs["params"]);
        assert_eq!(theirs["auth"], json!(["SK01", "secret"]));
        assert_eq!(request.headers["authorization"], "Basic U0swMTpzZWNyZXQ=");
    }

    // Long ago, never, and nobody knows: the code goes out, and the person's password still stands before it.
    for (round, answer) in [
        (200, signals(&ago(&world, 100).await, false, "active")),
        (200, signals("", false, "reachable")),
        (503, String::new()),
    ]
    .into_iter()
    .enumerate()
    {
        api.answers(answer.0, &answer.1);
        let bob = ask(&world, "bob").await;
        assert_eq!(bob.page.name(), "code", "{round}: {}", bob.page.words());
    }
    api.answers(200, &signals("", false, "inactive"));
    assert!(ask(&world, "bob").await.page.words().contains("not in use"), "a dead line");

    // A number that is being added is looked at as well.
    api.answers(200, &signals(&ago(&world, 2).await, false, "active"));
    let mut heidi = at_factor(&world, "heidi").await;
    heidi.open("/account/otp/phones").await;
    heidi.submit(&[("number", "202 555 0177"), ("country", "US"), ("channel", "text")]).await;
    assert!(heidi.page.name() == "phones" && heidi.page.words().contains("SIM card"), "{}", heidi.page.words());
}

#[tokio::test]
async fn t12_a_line_that_forwards_gets_no_call_and_a_text_all_the_same() {
    let (world, api) = lookup().await;
    api.answers(200, &signals("", true, "active"));
    let mut browser = at_factor(&world, "bob").await;
    browser.submit(&[("factor", "phone_otp"), ("channel", "voice")]).await;
    assert_eq!(browser.page.name(), "factor");
    assert!(browser.page.words().contains("forwarded to another one"), "{}", browser.page.words());
    assert_eq!(world.count("SELECT COUNT(*) AS found FROM audit_events WHERE kind = 'phone_otp.forwarded'").await, 1);
    browser.show_phone(&world, BOB).await;
    assert!(browser.page.strength().contains("Phone OTP"), "{}", browser.page.words());
}
