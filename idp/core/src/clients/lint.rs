//! The linter: what in a client's registration, or in what it was seen to do, is wrong, risky or left undone.
//!
//! Pure: facts in, findings out. Each finding says why it matters and what mends it. A finding that rests on requests
//! is made only when enough of them were seen.

use std::time::Duration;

use url::{Host, Url};

use super::requests::Seen;
use super::{ClientAuthMethod, ClientMetadata};
use crate::time::Timestamp;

/// How much a finding matters.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Severity {
    /// Somebody can be harmed: mend it before going live.
    Must,
    /// Weaker than it could be.
    Should,
    /// Worth knowing; some of it cannot be seen from here.
    Advice,
}

/// A finding.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Finding {
    /// Its stable id: `acr-in-the-clear`.
    pub id: &'static str,
    /// How much it matters.
    pub severity: Severity,
    /// What was found.
    pub what: String,
    /// Why it matters.
    pub why: &'static str,
    /// What mends it.
    pub fix: &'static str,
    /// The metadata that mends it.
    pub field: Option<&'static str>,
}

/// A secret, without itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SecretAge {
    /// When it was made.
    pub created_at: Timestamp,
    /// When it stops to count.
    pub expires_at: Option<Timestamp>,
}

/// What is looked at.
#[derive(Clone, Debug)]
pub struct Facts<'a> {
    /// The registration.
    pub metadata: &'a ClientMetadata,
    /// Its secrets.
    pub secrets: &'a [SecretAge],
    /// Whether its application has a policy that accepts only some strengths.
    pub application_floor: bool,
    /// Whether this deployment is one to try things out on this machine.
    pub local_issuer: bool,
    /// Seconds that an access token lives.
    pub access_token_seconds: u64,
    /// What it was seen to do.
    pub seen: &'a Seen,
    /// Now.
    pub now: Timestamp,
}

type Rule = fn(&Facts<'_>) -> Option<Finding>;

/// Every rule, by what it guards.
const RULES: &[Rule] = &[
    acr_in_the_clear,
    floor_without_acr,
    pkce_never_used,
    state_never_sent,
    nonce_never_sent,
    http_redirect,
    loopback_in_production,
    implicit_response_types,
    tokens_through_the_browser,
    secret_in_the_body,
    secret_where_keys_are_possible,
    secret_too_old,
    keys_pasted,
    many_secrets,
    offline_access_without_refresh,
    offline_access_unused,
    no_post_logout,
    no_logout_channel,
    max_age_needs_auth_time,
    access_token_outlives,
    userinfo_never_called,
    introspection_is_today,
    acr_must_be_checked,
    nothing_to_show,
];

/// Everything that was found, what matters most first.
pub fn findings(facts: &Facts<'_>) -> Vec<Finding> {
    let mut found: Vec<Finding> = RULES.iter().filter_map(|rule| rule(facts)).collect();
    found.sort_by_key(|finding| finding.severity);
    found
}

/// Requests before something that was never seen is believed to be missing.
const ENOUGH: u32 = 3;

const fn finding(
    id: &'static str,
    severity: Severity,
    what: String,
    why: &'static str,
    fix: &'static str,
) -> Finding {
    Finding { id, severity, what, why, fix, field: None }
}

impl Finding {
    const fn at(mut self, field: &'static str) -> Self {
        self.field = Some(field);
        self
    }
}

impl Facts<'_> {
    fn has_floor(&self) -> bool {
        self.application_floor || !self.metadata.required_acr.is_empty()
    }

    fn wants_strength(&self) -> bool {
        self.has_floor() || !self.metadata.default_acr_values.is_empty() || self.seen.acr_in_the_clear > 0
    }

    fn logs_people_in(&self) -> bool {
        !self.metadata.redirect_uris.is_empty()
    }

    fn has_scope(&self, scope: &str) -> bool {
        self.metadata.scope.split(' ').any(|registered| registered == scope)
    }

    fn has_grant(&self, grant: &str) -> bool {
        self.metadata.grant_types.iter().any(|registered| registered == grant)
    }
}

fn acr_in_the_clear(facts: &Facts<'_>) -> Option<Finding> {
    let (count, pushed_only) = (facts.seen.acr_in_the_clear, facts.metadata.require_pushed_authorization_requests);
    let signed_only = facts.metadata.require_signed_request_object;
    (count > 0 && !facts.has_floor() && !pushed_only && !signed_only).then(|| {
        finding(
            "acr-in-the-clear",
            Severity::Must,
            format!("{count} of the latest requests ask for a strength in the browser's address, and no floor is registered."),
            "A person can strip acr_values from the address and come back with a password only. Unless your code checks acr, it is let in.",
            "Register required_acr: it holds whatever the request says. Or send the request by PAR, which the browser cannot change.",
        )
        .at("required_acr")
    })
}

fn floor_without_acr(facts: &Facts<'_>) -> Option<Finding> {
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

fn pkce_never_used(facts: &Facts<'_>) -> Option<Finding> {
    (facts.seen.authorize >= ENOUGH && facts.seen.pkce == 0).then(|| {
        finding(
            "no-pkce",
            Severity::Must,
            format!("None of the latest {} authorization requests used PKCE.", facts.seen.authorize),
            "Without it a code that leaks or is injected can be redeemed in another session (RFC 9700 §2.1.1).",
            "Turn PKCE on in your library: code_challenge with the method S256, for confidential clients as well.",
        )
    })
}

fn state_never_sent(facts: &Facts<'_>) -> Option<Finding> {
    (facts.seen.authorize >= ENOUGH && facts.seen.state == 0 && facts.seen.pkce == 0).then(|| {
        finding(
            "no-state",
            Severity::Must,
            "No request carried a state.".to_owned(),
            "Another site can log a person in to your application as somebody else (RFC 6749 §10.12).",
            "Send a random state bound to the browser and compare it, or use PKCE, which protects against the same.",
        )
    })
}

fn nonce_never_sent(facts: &Facts<'_>) -> Option<Finding> {
    (facts.seen.authorize >= ENOUGH && facts.seen.nonce == 0 && facts.has_scope("openid")).then(|| {
        finding(
            "no-nonce",
            Severity::Should,
            "No request carried a nonce.".to_owned(),
            "An ID token that was issued for another login could be replayed into yours (OpenID Connect Core §15.5.2).",
            "Send a random nonce and compare it with the one in the ID token; most libraries do both when asked.",
        )
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

fn http_redirect(facts: &Facts<'_>) -> Option<Finding> {
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

fn loopback_in_production(facts: &Facts<'_>) -> Option<Finding> {
    if facts.local_issuer || facts.metadata.application_type == super::ApplicationType::Native {
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

fn implicit_response_types(facts: &Facts<'_>) -> Option<Finding> {
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

fn tokens_through_the_browser(facts: &Facts<'_>) -> Option<Finding> {
    (facts.seen.through_the_browser > 0).then(|| {
        finding(
            "front-channel-tokens",
            Severity::Should,
            format!("{} of the latest requests asked for tokens in the redirect.", facts.seen.through_the_browser),
            "What is in the redirect is seen by everything on the page, and is not bound to your client.",
            "Ask for response_type=code and take the tokens from the token endpoint.",
        )
    })
}

fn secret_in_the_body(facts: &Facts<'_>) -> Option<Finding> {
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

fn secret_where_keys_are_possible(facts: &Facts<'_>) -> Option<Finding> {
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

fn secret_too_old(facts: &Facts<'_>) -> Option<Finding> {
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

fn many_secrets(facts: &Facts<'_>) -> Option<Finding> {
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

fn keys_pasted(facts: &Facts<'_>) -> Option<Finding> {
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

fn offline_access_without_refresh(facts: &Facts<'_>) -> Option<Finding> {
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

fn offline_access_unused(facts: &Facts<'_>) -> Option<Finding> {
    (facts.seen.offline_access >= ENOUGH && facts.seen.refreshes == 0).then(|| {
        finding(
            "offline-unused",
            Severity::Should,
            "Requests ask for offline_access, and no refresh was seen.".to_owned(),
            "A refresh token that nobody uses is one more thing that can be stolen.",
            "Leave offline_access out until you act while the person is away.",
        )
    })
}

fn no_post_logout(facts: &Facts<'_>) -> Option<Finding> {
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

fn no_logout_channel(facts: &Facts<'_>) -> Option<Finding> {
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

fn max_age_needs_auth_time(facts: &Facts<'_>) -> Option<Finding> {
    (facts.seen.max_age > 0 || facts.metadata.default_max_age.is_some()).then(|| {
        finding(
            "check-auth-time",
            Severity::Advice,
            "Requests limit the age of a login.".to_owned(),
            "In the clear a person can strip max_age. Whether your code looks at auth_time cannot be seen from here.",
            "Compare auth_time in the ID token with the clock, and refuse what is too old.",
        )
    })
}

fn access_token_outlives(facts: &Facts<'_>) -> Option<Finding> {
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

fn userinfo_never_called(facts: &Facts<'_>) -> Option<Finding> {
    let wants = ["profile", "email", "address", "phone"].iter().any(|scope| facts.has_scope(scope));
    (wants && facts.seen.exchanges >= ENOUGH && facts.seen.userinfo == 0).then(|| {
        finding(
            "userinfo-unused",
            Severity::Advice,
            "Profile scopes are asked for, and userinfo was never called.".to_owned(),
            "The claims of these scopes come from userinfo; the ID token does not carry them.",
            "Call userinfo with the access token, or take the scopes away.",
        )
        .at("scope")
    })
}

fn introspection_is_today(facts: &Facts<'_>) -> Option<Finding> {
    (facts.seen.introspections > 0 && facts.wants_strength()).then(|| {
        finding(
            "introspection-acr",
            Severity::Advice,
            "Introspection is used, and strength matters.".to_owned(),
            "Introspection says what holds now: acr disappears when a factor is no longer good. active alone is not enough.",
            "Let the resource server compare acr as well, and answer insufficient_user_authentication (RFC 9470).",
        )
    })
}

fn acr_must_be_checked(facts: &Facts<'_>) -> Option<Finding> {
    (facts.logs_people_in() && facts.wants_strength()).then(|| {
        finding(
            "check-acr",
            Severity::Advice,
            "This client relies on strength.".to_owned(),
            "Whether your code compares acr in the ID token cannot be seen from here, and it is the part that counts.",
            "Copy the check from Configuration, and test it with the playground's request for less.",
        )
    })
}

fn nothing_to_show(facts: &Facts<'_>) -> Option<Finding> {
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

#[cfg(test)]
mod tests;
