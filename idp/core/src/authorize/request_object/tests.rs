use data_encoding::BASE64URL_NOPAD;
use proptest::prelude::*;
use serde_json::json;

use super::*;
use crate::clients::ClientMetadata;
use crate::id::ApplicationId;
use crate::jose::{JwkSet, PrivateKey};
use crate::oidc::params::Params;

const ISSUER: &str = "https://op.example";
const NOW: i64 = 1_700_000_000;

struct Signer {
    key: PrivateKey,
    public: PublicKeys,
}

fn signer() -> Signer {
    let pkcs8 = PrivateKey::generate_pkcs8(SigningAlgorithm::Es256).unwrap();
    let key = PrivateKey::from_pkcs8(SigningAlgorithm::Es256, &pkcs8).unwrap();
    let public = PublicKeys::new(&JwkSet { keys: vec![key.public_jwk().clone()] });
    Signer { key, public }
}

fn client(metadata: ClientMetadata) -> Client {
    Client {
        id: "rp".to_owned(),
        application: ApplicationId::from_uuid(uuid::Uuid::nil()),
        secrets: Vec::new(),
        metadata,
        disabled_at: None,
        created_at: Timestamp::from_unix_seconds(0),
    }
}

fn outer(query: &str) -> RawAuthorization {
    RawAuthorization::from(&Params::parse(query.as_bytes()).unwrap())
}

fn unsigned(claims: &Value) -> String {
    let part = |value: &Value| BASE64URL_NOPAD.encode(value.to_string().as_bytes());
    format!("{}.{}.", part(&json!({"alg": "none"})), part(claims))
}

fn rules(keys: Option<&PublicKeys>) -> Rules<'_> {
    Rules {
        parameter: "request",
        issuer: ISSUER,
        keys,
        unsigned: Unsigned::Taken,
        beside: Beside::MayAdd,
        now: Timestamp::from_unix_seconds(NOW),
    }
}

fn fault(opened: Result<Opened, OAuthError>) -> String {
    let error = opened.err().unwrap();
    assert_eq!(error.code(), ErrorCode::InvalidRequestObject);
    error.description().to_owned()
}

#[test]
fn what_the_object_says_wins_and_what_stands_beside_fills_in() {
    let signer = signer();
    let outside = outer("client_id=rp&scope=openid&state=outside&nonce=n&resource=urn:a");
    let claims = json!({
        "iss": "rp", "aud": [ISSUER], "client_id": "rp", "state": "inside", "max_age": 60, "display": null,
        "claims": {"userinfo": {"name": null}}, "resource": ["urn:b", "urn:c"], "prompt": "",
    });
    let object = signer.key.sign("JWT", &claims).unwrap();
    let opened = open(&outside, &object, &client(ClientMetadata::default()), &rules(Some(&signer.public))).unwrap();
    assert!(opened.signed);
    let raw = opened.raw;
    assert_eq!(
        (raw.state.as_deref(), raw.nonce.as_deref(), raw.scope.as_deref()),
        (Some("inside"), Some("n"), Some("openid"))
    );
    assert_eq!((raw.max_age.as_deref(), raw.display, raw.prompt), (Some("60"), None, None));
    assert_eq!((raw.claims.as_deref(), raw.resource.len()), (Some(r#"{"userinfo":{"name":null}}"#), 2));

    // By its type, by the client's registration, or because it was pushed, the object alone is the request.
    let alone = |object: &str, metadata: ClientMetadata, beside: Beside| {
        let rules = Rules { beside, ..rules(Some(&signer.public)) };
        open(&outside, object, &client(metadata), &rules).unwrap().raw
    };
    let jar = signer.key.sign("oauth-authz-req+jwt", &claims).unwrap();
    let strict = ClientMetadata { require_signed_request_object: true, ..ClientMetadata::default() };
    for raw in [
        alone(&jar, ClientMetadata::default(), Beside::MayAdd),
        alone(&object, strict, Beside::MayAdd),
        alone(&object, ClientMetadata::default(), Beside::Ignored),
    ] {
        assert_eq!((raw.state.as_deref(), raw.nonce, raw.scope), (Some("inside"), None, None));
        assert_eq!(raw.client_id.as_deref(), Some("rp"));
    }
}

#[test]
fn a_broken_rule_is_named() {
    let signer = signer();
    let judge = |claims: Value| {
        let object = signer.key.sign("JWT", &claims).unwrap();
        let outside = outer("client_id=rp&response_type=id_token+token");
        open(&outside, &object, &client(ClientMetadata::default()), &rules(Some(&signer.public)))
    };
    let cases = [
        (json!({"request": "x"}), "neither request"),
        (json!({"request_uri": "x"}), "neither request"),
        (json!({"iss": "other"}), "iss must"),
        (json!({"sub": "rp"}), "sub must not"),
        (json!({"aud": "https://elsewhere.example"}), "aud must"),
        (json!({"aud": []}), "aud must"),
        (json!({"exp": NOW - 61}), "exp has passed"),
        (json!({"exp": "soon"}), "must be numbers"),
        (json!({"nbf": NOW + 61}), "nbf lies"),
        (json!({"client_id": "other"}), "client_id differs"),
        (json!({"response_type": "code"}), "response_type differs"),
        (json!({"response_type": "token"}), "response_type differs"),
        (json!({"scope": ["openid"]}), "scope must be a string"),
        (json!({"state": {"a": 1}}), "state must be a string"),
        (json!({"state": "a\0b"}), "state holds a NUL"),
    ];
    for (claims, expected) in cases {
        let fault = fault(judge(claims.clone()));
        assert!(fault.starts_with("request: ") && fault.contains(expected), "{claims}: {fault}");
    }
    for good in [json!({"response_type": "token id_token"}), json!({"exp": NOW - 59, "nbf": NOW + 59, "aud": ISSUER})] {
        assert!(judge(good.clone()).is_ok(), "{good}");
    }
}

#[test]
fn who_must_have_signed_is_for_the_client_and_the_deployment_to_say() {
    let (signer, stranger) = (signer(), signer());
    let pinned =
        |alg: &str| ClientMetadata { request_object_signing_alg: Some(alg.to_owned()), ..ClientMetadata::default() };
    let signed = signer.key.sign("JWT", &json!({})).unwrap();
    let nobodys = unsigned(&json!({"state": "s"}));
    let judge = |object: &str, metadata: ClientMetadata, unsigned: Unsigned| {
        let rules = Rules { unsigned, ..rules(Some(&signer.public)) };
        open(&outer("client_id=rp"), object, &client(metadata), &rules)
    };
    let plain = ClientMetadata::default;
    let strict = ClientMetadata { require_signed_request_object: true, ..plain() };
    assert!(!judge(&nobodys, plain(), Unsigned::Taken).unwrap().signed);
    assert!(!judge(&nobodys, pinned("none"), Unsigned::Taken).unwrap().signed);
    assert!(fault(judge(&nobodys, plain(), Unsigned::Refused)).contains("must be signed"));
    assert!(fault(judge(&nobodys, pinned("none"), Unsigned::Refused)).contains("must be signed"));
    assert!(fault(judge(&nobodys, strict, Unsigned::Taken)).contains("must be signed"));
    assert!(fault(judge(&nobodys, pinned("ES256"), Unsigned::Taken)).contains("request_object_signing_alg"));
    assert!(judge(&signed, pinned("ES256"), Unsigned::Refused).unwrap().signed);
    for other in ["RS256", "none", "HS256"] {
        assert!(fault(judge(&signed, pinned(other), Unsigned::Taken)).contains("request_object_signing_alg"));
    }
    let forged = stranger.key.sign("JWT", &json!({})).unwrap();
    assert!(judge(&forged, plain(), Unsigned::Taken).is_err());
    let keyless = open(&outer("client_id=rp"), &signed, &client(plain()), &rules(None));
    assert!(fault(keyless).contains("no keys"));
    let typed = signer.key.sign("at+jwt", &json!({})).unwrap();
    assert!(fault(judge(&typed, plain(), Unsigned::Taken)).contains("typ must"));
    // Its signature taken off, or its header changed to none, it is nobody's.
    let (header_and_claims, _) = signed.rsplit_once('.').unwrap();
    assert!(judge(&format!("{header_and_claims}."), plain(), Unsigned::Taken).is_err());
}

proptest! {
    /// Whatever an object holds, it opens or is refused, speaks for no other client, and brings no second object.
    #[test]
    fn any_object_is_opened_or_refused(
        text in "\\PC{0,200}",
        names in proptest::collection::vec("[a-z_]{1,12}|client_id|request|resource|claims|scope", 0..6),
        number in any::<i64>(),
    ) {
        let client = client(ClientMetadata::default());
        prop_assert!(open(&outer("client_id=rp"), &text, &client, &rules(None)).is_err());
        let values = [json!(text), json!(number), json!([text]), json!({"a": text}), json!(null), json!(true)];
        let claims: Map<String, Value> = names.into_iter().zip(values).collect();
        if let Ok(opened) = open(&outer("client_id=rp&scope=x"), &unsigned(&claims.into()), &client, &rules(None)) {
            prop_assert_eq!(opened.raw.client_id.as_deref(), Some("rp"));
            prop_assert!(opened.raw.request.is_none() && opened.raw.request_uri.is_none() && !opened.signed);
        }
    }

    /// A parameter reads the same whether it stands in the query or in an object.
    #[test]
    fn a_parameter_means_the_same_inside(state in "[^\0]{1,60}", scope in "[a-z ]{1,20}", age in any::<u32>()) {
        let query = form_urlencoded::Serializer::new(String::new())
            .append_pair("client_id", "rp").append_pair("state", &state).append_pair("scope", &scope)
            .append_pair("max_age", &age.to_string()).finish();
        let object = unsigned(&json!({"state": state, "scope": scope, "max_age": age}));
        let opened = open(&outer("client_id=rp"), &object, &client(ClientMetadata::default()), &rules(None)).unwrap();
        let plain = parameters_of(&outer(&query));
        prop_assert_eq!(parameters_of(&opened.raw), plain);
    }
}
