//! What a client was seen to do.

use super::{ENOUGH, Facts, Finding, Severity, finding};

pub(super) fn acr_in_the_clear(facts: &Facts<'_>) -> Option<Finding> {
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

pub(super) fn pkce_never_used(facts: &Facts<'_>) -> Option<Finding> {
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

pub(super) fn state_never_sent(facts: &Facts<'_>) -> Option<Finding> {
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

pub(super) fn nonce_never_sent(facts: &Facts<'_>) -> Option<Finding> {
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

pub(super) fn tokens_through_the_browser(facts: &Facts<'_>) -> Option<Finding> {
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

pub(super) fn offline_access_unused(facts: &Facts<'_>) -> Option<Finding> {
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

pub(super) fn max_age_needs_auth_time(facts: &Facts<'_>) -> Option<Finding> {
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

pub(super) fn userinfo_never_called(facts: &Facts<'_>) -> Option<Finding> {
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

pub(super) fn introspection_is_today(facts: &Facts<'_>) -> Option<Finding> {
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

pub(super) fn acr_must_be_checked(facts: &Facts<'_>) -> Option<Finding> {
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
