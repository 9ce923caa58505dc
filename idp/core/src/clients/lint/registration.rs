//! What a client registered.

use std::time::Duration;

use url::{Host, Url};

use super::{Facts, Finding, SecretAge, Severity, finding};
use crate::clients::{ApplicationType, ClientAuthMethod, ClientMetadata};

pub(super) fn floor_without_acr(facts: &Facts<'_>) -> Option<Finding> {
    let metadata = facts.metadata;
    (metadata.acr_values_voluntary && facts.wants_strength() && !facts.has_floor()).then(|| {
        finding(
            "acr-voluntary",
            Severity::Should,
            "acr_values are taken as a wish, and no floor is registered.".to_owned(),
            "Somebody who does not hold the credential is let in with less, and only the acr claim tells.",
            "Take back acr_values_voluntary, or register required_acr.",
        )
        .at("acr_values_voluntary")
    })
}

fn uris(metadata: &ClientMetadata) -> impl Iterator<Item = (&String, Url)> {
    metadata.redirect_uris.iter().filter_map(|uri| Some((uri, Url::parse(uri).ok()?)))
}

fn is_loopback(url: &Url) -> bool {
    match url.host() {
        Some(Host::Domain(name)) => name == "localhost",
        Some(Host::Ipv4(address)) => address.is_loopback(),
        Some(Host::Ipv6(address)) => address.is_loopback(),
        None => false,
    }
}

pub(super) fn http_redirect(facts: &Facts<'_>) -> Option<Finding> {
    let (uri, _) = uris(facts.metadata).find(|(_, url)| url.scheme() == "http" && !is_loopback(url))?;
    let found = finding(
        "http-redirect",
        Severity::Must,
        format!("{uri} is plain http."),
        "Whoever is on the way reads the code and can be faster than you.",
        "Serve the callback over https and register that address instead.",
    );
    Some(found.at("redirect_uris"))
}

pub(super) fn loopback_in_production(facts: &Facts<'_>) -> Option<Finding> {
    if facts.local_issuer || facts.metadata.application_type == ApplicationType::Native {
        return None;
    }
    let (uri, _) = uris(facts.metadata).find(|(_, url)| is_loopback(url))?;
    let found = finding(
        "loopback-redirect",
        Severity::Should,
        format!("{uri} leads to the person's own machine, on any port."),
        "Any program on that machine can take the code. It is meant for native programs and for trying things out.",
        "Use another client for development, and take the address off this one.",
    );
    Some(found.at("redirect_uris"))
}

pub(super) fn implicit_response_types(facts: &Facts<'_>) -> Option<Finding> {
    let types = &facts.metadata.response_types;
    let implicit = types.iter().find(|registered| !registered.split(' ').any(|word| word == "code"))?;
    let found = finding(
        "implicit",
        Severity::Must,
        format!("The response type {implicit} is registered."),
        "Tokens travel through the browser's address, where history, scripts and logs see them (RFC 9700 §2.1.2).",
        "Use code with PKCE; browsers can call the token endpoint.",
    );
    Some(found.at("response_types"))
}

pub(super) fn secret_in_the_body(facts: &Facts<'_>) -> Option<Finding> {
    (facts.metadata.token_endpoint_auth_method == ClientAuthMethod::ClientSecretPost).then(|| {
        finding(
            "secret-in-body",
            Severity::Should,
            "The secret is sent in the form (client_secret_post).".to_owned(),
            "Bodies end up in logs and error reports more often than headers do.",
            "Use private_key_jwt, where the secret never leaves you; or client_secret_basic.",
        )
        .at("token_endpoint_auth_method")
    })
}

pub(super) fn secret_where_keys_are_possible(facts: &Facts<'_>) -> Option<Finding> {
    (facts.metadata.token_endpoint_auth_method == ClientAuthMethod::ClientSecretBasic).then(|| {
        finding(
            "secret-not-key",
            Severity::Advice,
            "The client authenticates with a shared secret.".to_owned(),
            "A secret is known on both sides and travels with every request; a key is known on yours alone.",
            "When your library can, register a jwks_uri and use private_key_jwt.",
        )
        .at("token_endpoint_auth_method")
    })
}

const YEAR: Duration = Duration::from_secs(365 * 24 * 3600);

pub(super) fn secret_too_old(facts: &Facts<'_>) -> Option<Finding> {
    let live = |secret: &&SecretAge| secret.expires_at.is_none_or(|end| end > facts.now);
    let oldest = facts.secrets.iter().filter(live).map(|secret| secret.created_at).min()?;
    let age = facts.now.since(oldest);
    (age > YEAR && facts.metadata.token_endpoint_auth_method.needs_secret()).then(|| {
        finding(
            "old-secret",
            Severity::Should,
            format!("A secret is {} days old.", age.as_secs() / 86_400),
            "The longer a secret lives, the more places have seen it.",
            "Add a second secret, deploy it, then end the old one. Both work meanwhile.",
        )
    })
}

pub(super) fn many_secrets(facts: &Facts<'_>) -> Option<Finding> {
    let lasting = facts.secrets.iter().filter(|secret| secret.expires_at.is_none()).count();
    (lasting > 1).then(|| {
        finding(
            "rotation-unfinished",
            Severity::Should,
            format!("{lasting} secrets are valid without an end."),
            "A rotation that is not finished leaves the old secret as good as the new one.",
            "End the secret that is no longer deployed.",
        )
    })
}

pub(super) fn keys_pasted(facts: &Facts<'_>) -> Option<Finding> {
    let metadata = facts.metadata;
    let by_key = matches!(
        metadata.token_endpoint_auth_method,
        ClientAuthMethod::PrivateKeyJwt | ClientAuthMethod::SelfSignedTlsClientAuth
    );
    (by_key && metadata.jwks.is_some() && metadata.jwks_uri.is_none()).then(|| {
        finding(
            "keys-pasted",
            Severity::Advice,
            "The keys are pasted here.".to_owned(),
            "Each new key needs somebody to come here; in a hurry that takes too long.",
            "Publish your public keys at an https address and register it as jwks_uri.",
        )
        .at("jwks_uri")
    })
}

pub(super) fn offline_access_without_refresh(facts: &Facts<'_>) -> Option<Finding> {
    (facts.has_scope("offline_access") && !facts.has_grant("refresh_token")).then(|| {
        finding(
            "offline-without-refresh",
            Severity::Should,
            "offline_access is registered, but not the grant type refresh_token.".to_owned(),
            "No refresh token is ever issued, so the scope only worries people on the consent page.",
            "Register refresh_token, or take offline_access away.",
        )
        .at("scope")
    })
}

pub(super) fn no_post_logout(facts: &Facts<'_>) -> Option<Finding> {
    (facts.logs_people_in() && facts.metadata.post_logout_redirect_uris.is_empty()).then(|| {
        finding(
            "no-post-logout",
            Severity::Should,
            "No post_logout_redirect_uris are registered.".to_owned(),
            "After signing out people stay on our page instead of coming back to yours.",
            "Register the page that people see after signing out.",
        )
        .at("post_logout_redirect_uris")
    })
}

pub(super) fn no_logout_channel(facts: &Facts<'_>) -> Option<Finding> {
    let metadata = facts.metadata;
    let told = metadata.backchannel_logout_uri.is_some() || metadata.frontchannel_logout_uri.is_some();
    (facts.logs_people_in() && !told).then(|| {
        finding(
            "no-back-channel-logout",
            Severity::Should,
            "The client is not told when a session ends.".to_owned(),
            "Somebody who signs out elsewhere, or is suspended, stays signed in at your application.",
            "Register backchannel_logout_uri and end your session when a logout token arrives.",
        )
        .at("backchannel_logout_uri")
    })
}

pub(super) fn access_token_outlives(facts: &Facts<'_>) -> Option<Finding> {
    let longest = facts.metadata.default_max_age?;
    (facts.access_token_seconds > longest).then(|| {
        finding(
            "token-outlives-login",
            Severity::Advice,
            format!("default_max_age is {longest} s, and an access token lives {} s.", facts.access_token_seconds),
            "An access token goes on after the login it rests on counts as too old.",
            "Let the resource server ask introspection, which says what holds now; or use a longer default_max_age.",
        )
        .at("default_max_age")
    })
}

pub(super) fn nothing_to_show(facts: &Facts<'_>) -> Option<Finding> {
    let metadata = facts.metadata;
    (facts.logs_people_in() && metadata.policy_uri.is_none()).then(|| {
        finding(
            "no-policy-link",
            Severity::Advice,
            "There is no link to a privacy policy.".to_owned(),
            "People are asked to hand over data and cannot read what happens to it.",
            "Register policy_uri, and tos_uri where you have terms.",
        )
        .at("policy_uri")
    })
}
