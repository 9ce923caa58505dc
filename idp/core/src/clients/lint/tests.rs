use std::time::Duration;

use super::*;
use crate::clients::{ApplicationType, ClientAuthMethod};

const YEAR: Duration = Duration::from_secs(365 * 24 * 3600);
const NOW: Timestamp = Timestamp::from_unix_seconds(1_772_460_300);

fn clean() -> ClientMetadata {
    ClientMetadata {
        redirect_uris: vec!["https://app.example/callback".to_owned()],
        post_logout_redirect_uris: vec!["https://app.example/bye".to_owned()],
        grant_types: vec!["authorization_code".to_owned(), "refresh_token".to_owned()],
        response_types: vec!["code".to_owned()],
        scope: "openid profile".to_owned(),
        token_endpoint_auth_method: ClientAuthMethod::PrivateKeyJwt,
        jwks_uri: Some("https://app.example/jwks.json".to_owned()),
        backchannel_logout_uri: Some("https://app.example/logout".to_owned()),
        policy_uri: Some("https://app.example/privacy".to_owned()),
        ..ClientMetadata::default()
    }
}

fn busy() -> Seen {
    Seen { authorize: 5, pkce: 5, nonce: 5, state: 5, exchanges: 5, userinfo: 2, ..Seen::default() }
}

fn ids(metadata: &ClientMetadata, seen: &Seen, secrets: &[SecretAge]) -> Vec<&'static str> {
    let facts = Facts {
        metadata,
        secrets,
        application_floor: false,
        local_issuer: false,
        access_token_seconds: 600,
        seen,
        now: NOW,
    };
    findings(&facts).into_iter().map(|finding| finding.id).collect()
}

#[test]
fn a_good_client_has_no_findings() {
    assert_eq!(ids(&clean(), &busy(), &[]), Vec::<&str>::new());
    assert_eq!(ids(&clean(), &Seen::default(), &[]), Vec::<&str>::new(), "nothing seen is nothing missing");
}

#[test]
fn a_strength_in_the_clear_is_found_until_something_holds_it() {
    let seen = Seen { acr_in_the_clear: 2, ..busy() };
    assert_eq!(ids(&clean(), &seen, &[]), ["acr-in-the-clear", "check-acr"]);
    let floor = ClientMetadata { required_acr: vec!["x".to_owned()], ..clean() };
    assert_eq!(ids(&floor, &seen, &[]), ["check-acr"]);
    let pushed = ClientMetadata { require_pushed_authorization_requests: true, ..clean() };
    assert_eq!(ids(&pushed, &seen, &[]), ["check-acr"]);
}

#[test]
fn each_mistake_of_the_registration_is_found() {
    let plain = clean();
    let with = |change: fn(&mut ClientMetadata)| {
        let mut changed = plain.clone();
        change(&mut changed);
        ids(&changed, &busy(), &[])
    };
    let uri = |uri: &str| vec![uri.to_owned()];
    assert_eq!(with(|it| it.redirect_uris = vec!["http://app.example/cb".to_owned()]), ["http-redirect"]);
    assert_eq!(with(|it| it.redirect_uris = vec!["http://127.0.0.1/cb".to_owned()]), ["loopback-redirect"]);
    assert_eq!(with(|it| it.response_types.push("id_token".to_owned())), ["implicit"]);
    assert_eq!(with(|it| it.token_endpoint_auth_method = ClientAuthMethod::ClientSecretPost), ["secret-in-body"]);
    assert_eq!(with(|it| it.token_endpoint_auth_method = ClientAuthMethod::ClientSecretBasic), ["secret-not-key"]);
    assert_eq!(with(|it| it.post_logout_redirect_uris.clear()), ["no-post-logout"]);
    assert_eq!(with(|it| it.backchannel_logout_uri = None), ["no-back-channel-logout"]);
    assert_eq!(with(|it| it.policy_uri = None), ["no-policy-link"]);
    assert_eq!(with(|it| it.default_max_age = Some(60)), ["check-auth-time", "token-outlives-login"]);
    let native = ClientMetadata {
        application_type: ApplicationType::Native,
        redirect_uris: uri("http://127.0.0.1/cb"),
        ..clean()
    };
    assert_eq!(ids(&native, &busy(), &[]), Vec::<&str>::new());
    let offline = ClientMetadata {
        scope: "openid offline_access".to_owned(),
        grant_types: vec!["authorization_code".to_owned()],
        ..clean()
    };
    assert_eq!(ids(&offline, &busy(), &[]), ["offline-without-refresh"]);
}

#[test]
fn each_habit_is_found_once_it_was_seen_often_enough() {
    let seen = |change: fn(&mut Seen)| {
        let mut seen = busy();
        change(&mut seen);
        ids(&clean(), &seen, &[])
    };
    assert_eq!(seen(|it| it.pkce = 0), ["no-pkce"]);
    assert_eq!(seen(|it| (it.pkce, it.state) = (0, 0)), ["no-pkce", "no-state"]);
    assert_eq!(seen(|it| it.nonce = 0), ["no-nonce"]);
    assert_eq!(seen(|it| it.through_the_browser = 1), ["front-channel-tokens"]);
    assert_eq!(seen(|it| it.offline_access = 4), ["offline-unused"]);
    assert_eq!(seen(|it| it.userinfo = 0), ["userinfo-unused"]);
    assert_eq!(seen(|it| it.max_age = 1), ["check-auth-time"]);
    let few = Seen { authorize: 2, ..Seen::default() };
    assert_eq!(ids(&clean(), &few, &[]), Vec::<&str>::new());
}

#[test]
fn secrets_age_and_rotations_end() {
    let by_secret = ClientMetadata { token_endpoint_auth_method: ClientAuthMethod::ClientSecretJwt, ..clean() };
    let old = SecretAge { created_at: NOW - YEAR - YEAR, expires_at: None };
    let new = SecretAge { created_at: NOW, expires_at: None };
    assert_eq!(ids(&by_secret, &busy(), &[old]), ["old-secret"]);
    assert_eq!(ids(&by_secret, &busy(), &[old, new]), ["old-secret", "rotation-unfinished"]);
    let ended = SecretAge { expires_at: Some(NOW), ..old };
    assert_eq!(ids(&by_secret, &busy(), &[ended, new]), Vec::<&str>::new());
}
