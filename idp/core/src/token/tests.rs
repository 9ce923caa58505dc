use serde_json::{Value, json};

use super::*;
use crate::account::{Address, Person, StandardClaims};
use crate::grants::GrantTerms;
use crate::id::{GrantId, SessionId};
use crate::oidc::{ClaimsRequest, Scopes};
use crate::time::Timestamp;

const ID: &str = "6f9619ff-8b86-4d01-b42d-00cf4fc964ff";

fn person() -> Person {
    Person {
        id: ID.parse().unwrap(),
        username: "alice".parse().unwrap(),
        claims: StandardClaims {
            name: Some("Alice Example".to_owned()),
            nickname: Some(String::new()),
            email: Some("alice@example.org".to_owned()),
            email_verified: Some(true),
            phone_number: Some("+12025550100".to_owned()),
            address: Some(Address { country: Some("NL".to_owned()), ..Address::default() }),
            ..StandardClaims::default()
        },
        suspended_at: None,
        proofed_at: None,
        proofing_expires_at: None,
        created_at: Timestamp::from_unix_seconds(1),
        updated_at: Timestamp::from_unix_seconds(1_600_000_000),
    }
}

fn terms() -> GrantTerms {
    GrantTerms {
        scope: vec!["openid".to_owned(), "email".to_owned()],
        acr: Some("gold".to_owned()),
        amr: vec!["pwd".to_owned(), "otp".to_owned()],
        auth_time: Timestamp::from_unix_millis(1_700_000_000_999),
        nonce: Some("n-0".to_owned()),
        claims: None,
        resource: Vec::new(),
        auth_time_wanted: false,
    }
}

#[test]
fn an_id_token_carries_no_scope_claims_but_the_requested_ones() {
    let (person, terms) = (person(), terms());
    let claims = ClaimsRequest::parse(r#"{"id_token":{"name":null,"nickname":{"essential":true}}}"#).unwrap();
    let made = IdTokenFor {
        issuer: "https://op.example",
        client_id: "rp",
        person: &person,
        subject: ID,
        session: ID.parse::<SessionId>().unwrap(),
        terms: &terms,
        claims: &claims,
        at_hash: Some("hash"),
        now: Timestamp::from_unix_seconds(1_700_000_100),
        lifetimes: &Lifetimes::default(),
    };
    let expected = json!({
        "iss": "https://op.example", "sub": ID, "aud": "rp", "exp": 1_700_000_700, "iat": 1_700_000_100,
        "auth_time": 1_700_000_000, "nonce": "n-0", "acr": "gold", "amr": ["pwd", "otp"], "sid": ID,
        "at_hash": "hash", "name": "Alice Example",
    });
    assert_eq!(serde_json::to_value(made.exchange()).unwrap(), expected);
    // With the code, at the authorization endpoint: what stands beside it is bound to it.
    let beside = Beside { c_hash: Some("code"), s_hash: Some("state"), scope: None };
    let mut hybrid = expected;
    hybrid["c_hash"] = json!("code");
    hybrid["s_hash"] = json!("state");
    assert_eq!(serde_json::to_value(made.authorize(beside)).unwrap(), hybrid);
    // Alone: there is no access token to ask for the claims of the scopes with.
    let scope = Scopes::parse("openid email").unwrap();
    let alone = IdTokenFor { at_hash: None, ..made };
    let alone = serde_json::to_value(alone.authorize(Beside { scope: Some(&scope), ..Beside::default() })).unwrap();
    assert_eq!((&alone["email"], &alone["name"]), (&json!("alice@example.org"), &json!("Alice Example")));
    assert!(["at_hash", "c_hash", "s_hash", "phone_number"].iter().all(|name| alone.get(name).is_none()), "{alone}");
    let refreshed = serde_json::to_value(made.refresh()).unwrap();
    assert_eq!((refreshed.get("nonce"), &refreshed["auth_time"]), (None, &json!(1_700_000_000)));
}

#[test]
fn userinfo_is_what_scopes_and_claims_bring() {
    let person = person();
    let answer = |scope: &str, claims: &str| -> Value {
        let claims = ClaimsRequest::parse(claims).unwrap();
        let amr = ["pwd".to_owned()];
        let standing = Standing { acr: Some("gold"), amr: &amr, auth_time: Some(5) };
        serde_json::to_value(UserinfoClaims::of(ID, &person, &Scopes::parse(scope).unwrap(), &claims, standing))
            .unwrap()
    };
    assert_eq!(answer("openid", "{}"), json!({"sub": ID}));
    assert_eq!(
        answer("openid profile", "{}"),
        json!({"sub": ID, "name": "Alice Example", "preferred_username": "alice", "updated_at": 1_600_000_000})
    );
    assert_eq!(
        answer("openid email address phone", "{}"),
        json!({"sub": ID, "email": "alice@example.org", "email_verified": true, "phone_number": "+12025550100",
               "address": {"country": "NL"}})
    );
    assert_eq!(
        answer("openid", r#"{"userinfo":{"name":{"essential":true},"acr":null},"id_token":{"email":null}}"#),
        json!({"sub": ID, "name": "Alice Example", "acr": "gold"})
    );
}

#[test]
fn access_tokens_are_those_of_rfc_9068() {
    let terms = terms();
    let scope = Scopes::parse("openid email").unwrap();
    let issue = Issue {
        issuer: "https://op.example",
        audience: &[],
        client_id: "rp",
        scope: &scope,
        bound_to: None,
        jti: "j",
        now: Timestamp::from_unix_seconds(1_700_000_100),
        lifetimes: &Lifetimes::default(),
    };
    let token = serde_json::to_value(issue.for_person(ID, ID.parse().unwrap(), &terms)).unwrap();
    assert_eq!(
        token,
        json!({
            "iss": "https://op.example", "sub": ID, "aud": "https://op.example", "client_id": "rp",
            "scope": "openid email", "iat": 1_700_000_100, "exp": 1_700_000_700, "jti": "j",
            "auth_time": 1_700_000_000, "acr": "gold", "amr": ["pwd", "otp"], "gid": ID,
        })
    );
    let read: PresentedAccessToken = serde_json::from_value(token).unwrap();
    assert_eq!(read.aud, crate::jose::Audience::One("https://op.example".to_owned()));
    assert_eq!(read.gid, Some(ID.parse::<GrantId>().unwrap()));
    assert!(!read.is_expired(Timestamp::from_unix_seconds(1_700_000_699)));
    assert!(read.is_expired(Timestamp::from_unix_seconds(1_700_000_700)));

    let audience = ["https://a.example".to_owned(), "https://b.example".to_owned()];
    let service = serde_json::to_value(Issue { audience: &audience, ..issue }.for_client()).unwrap();
    assert_eq!((&service["sub"], &service["aud"]), (&json!("rp"), &json!(audience)));
    assert!(service.get("gid").is_none());
}

#[test]
fn introspection_of_a_bad_token_says_nothing_else() {
    assert_eq!(serde_json::to_string(&Introspection::inactive()).unwrap(), r#"{"active":false}"#);
    let scope = Scopes::parse("openid").unwrap();
    let answer = Introspection::active(GoodToken {
        iss: "https://op.example",
        sub: ID,
        aud: Audience::One("rp"),
        client_id: "rp",
        scope: &scope,
        username: None,
        exp: 2,
        iat: 1,
        jti: None,
        cnf: None,
        standing: Standing { acr: Some("gold"), amr: &[], auth_time: Some(1) },
    });
    assert_eq!(
        serde_json::to_value(answer).unwrap(),
        json!({"active": true, "iss": "https://op.example", "sub": ID, "aud": "rp", "client_id": "rp",
               "scope": "openid", "token_type": "Bearer", "exp": 2, "iat": 1, "acr": "gold", "auth_time": 1})
    );
}
