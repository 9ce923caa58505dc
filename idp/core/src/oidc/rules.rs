//! Which rule an error rests on: a stable id, the document it stands in, what it demands and how to keep it.
//!
//! A description begins with the parameter that it is about, so an error whose maker named no rule is found by its
//! endpoint and the beginning of its description. What is in no row falls back to the source of its error code.

use super::errors::{ErrorCode, OAuthError};

/// A rule.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Rule {
    /// Its id: `authorize.redirect_uri`.
    pub id: &'static str,
    /// Where it stands: `RFC 6749 §3.1.2.3`.
    pub source: &'static str,
    /// What it demands.
    pub demands: &'static str,
    /// How a client keeps it.
    pub remedy: &'static str,
}

/// Endpoint (empty for all), beginning of the description, rule. The first that fits counts.
type Row = (&'static str, &'static str, Rule);

const fn row(
    endpoint: &'static str,
    begins: &'static str,
    id: &'static str,
    source: &'static str,
    demands: &'static str,
    remedy: &'static str,
) -> Row {
    (endpoint, begins, Rule { id, source, demands, remedy })
}

const ROWS: &[Row] = &[
    row(
        "authorize",
        "redirect_uri: missing",
        "authorize.redirect_uri_given",
        "OpenID Connect Core §3.1.2.1",
        "Every authentication request names its redirect_uri.",
        "Send redirect_uri, exactly as it is registered.",
    ),
    row(
        "authorize",
        "redirect_uri",
        "authorize.redirect_uri",
        "RFC 9700 §4.1.3, OpenID Connect Core §3.1.2.1",
        "redirect_uri equals a registered one, character by character; only the port of a loopback address may differ.",
        "Register the address as the client sends it: scheme, host, path, trailing slash and query all count.",
    ),
    row(
        "authorize",
        "client_id: the client did not register",
        "authorize.grant_type",
        "RFC 7591 §2",
        "A client uses the grant types that it registered.",
        "Add authorization_code to the client's grant types.",
    ),
    row(
        "authorize",
        "client_id",
        "authorize.client_id",
        "RFC 6749 §2.2, §4.1.1",
        "client_id names a registered client that is switched on.",
        "Compare client_id with the console, and switch the client on.",
    ),
    row(
        "",
        "response_type",
        "authorize.response_type",
        "RFC 6749 §3.1.1",
        "response_type is given, supported and registered for the client.",
        "Send response_type=code, or register the other type.",
    ),
    row(
        "",
        "response_mode",
        "authorize.response_mode",
        "OAuth 2.0 Multiple Response Types §2.1",
        "response_mode is query, fragment or form_post, and fits the response type.",
        "Leave response_mode out, or choose a supported one; tokens never travel in a query.",
    ),
    row(
        "authorize",
        "code_challenge",
        "authorize.pkce",
        "RFC 7636 §4.3, RFC 9700 §2.1.1",
        "A public client proves by PKCE that it redeems its own code; the method is S256.",
        "Send code_challenge (base64url of SHA-256 of the verifier) and code_challenge_method=S256.",
    ),
    row(
        "authorize",
        "id_token_hint",
        "authorize.id_token_hint",
        "OpenID Connect Core §3.1.2.1",
        "id_token_hint is an ID token of this issuer; it may have expired.",
        "Send the ID token as it was received, or leave the hint out.",
    ),
    row(
        "authorize",
        "claims: none of the essential acr",
        "authorize.acr_known",
        "OpenID Connect Core §5.5.1.1",
        "An essential acr names at least one class that this provider knows.",
        "Ask for a value out of acr_values_supported in the discovery document.",
    ),
    row(
        "authorize",
        "claims: sub",
        "authorize.subject",
        "OpenID Connect Core §5.5.1",
        "A sub that is asked for is a subject of this issuer, and the one of id_token_hint.",
        "Ask for the sub that this client got in an ID token.",
    ),
    row(
        "authorize",
        "claims",
        "authorize.claims",
        "OpenID Connect Core §5.5",
        "claims is a JSON object with userinfo and id_token members.",
        "Send JSON such as {'id_token':{'acr':{'essential':true,'values':['…']}}}, percent-encoded.",
    ),
    row(
        "authorize",
        "prompt: none",
        "authorize.prompt_none",
        "OpenID Connect Core §3.1.2.6",
        "With prompt=none nothing is shown: without a session that suffices there is an error.",
        "On login_required or interaction_required, start again without prompt=none.",
    ),
    row(
        "authorize",
        "prompt",
        "authorize.prompt",
        "OpenID Connect Core §3.1.2.1",
        "prompt holds none, login, consent or select_account; none stands alone.",
        "Send known values, separated by spaces.",
    ),
    row(
        "authorize",
        "nonce",
        "authorize.nonce",
        "OpenID Connect Core §3.2.2.1",
        "A request whose answer brings an ID token through the browser carries a nonce.",
        "Send a random nonce, and compare it with the one in the ID token.",
    ),
    row(
        "",
        "resource",
        "authorize.resource",
        "RFC 8707 §2",
        "resource is an absolute address without a fragment, and one that the client may ask tokens for.",
        "Send the address of the API as it was registered.",
    ),
    row(
        "authorize",
        "max_age",
        "authorize.max_age",
        "OpenID Connect Core §3.1.2.1",
        "max_age is a whole number of seconds.",
        "Send digits only, and compare auth_time when the ID token comes back.",
    ),
    row(
        "",
        "request_uri",
        "authorize.request_uri",
        "RFC 9126 §4, OpenID Connect Core §6.2",
        "request_uri is one that this client pushed or registered, still fresh and unused.",
        "Push the request again, and send the browser on at once.",
    ),
    row(
        "",
        "request",
        "authorize.not_supported",
        "OpenID Connect Core §3.1.2.6, §6",
        "A request object is sent only where the provider takes one, and is signed as the client registered.",
        "See request_parameter_supported in the discovery document and the client's request_object_signing_alg.",
    ),
    row(
        "authorize",
        "the person would have to act",
        "authorize.prompt_none",
        "OpenID Connect Core §3.1.2.6",
        "With prompt=none nothing is shown: without a session that suffices there is an error.",
        "On login_required or interaction_required, start again without prompt=none.",
    ),
    row(
        "",
        "scope",
        "authorize.scope",
        "RFC 6749 §3.3",
        "Scopes are known to the provider and registered for the client; a refresh never widens them.",
        "Add the scope to the client, or leave it out of the request.",
    ),
    row(
        "token",
        "code_verifier",
        "token.pkce",
        "RFC 7636 §4.6",
        "The verifier belongs to the code_challenge of the authorization request; one never comes without the other.",
        "Keep the verifier with the state until the code comes back; do not share it between tabs.",
    ),
    row(
        "token",
        "code: was used before",
        "token.code_once",
        "RFC 6749 §4.1.2",
        "A code is redeemed once. A second use revokes what the first one gave.",
        "Redeem the code in one place, and do not retry with the same code; look for a reloaded callback page.",
    ),
    row(
        "token",
        "code",
        "token.code",
        "RFC 6749 §4.1.2, §4.1.3",
        "The code was issued to this client, with this redirect_uri, less than a minute ago.",
        "Redeem the code at once, with the client and redirect_uri of the authorization request.",
    ),
    row(
        "token",
        "redirect_uri",
        "token.redirect_uri",
        "RFC 6749 §4.1.3",
        "redirect_uri is the same as in the authorization request.",
        "Send the very string of the authorization request.",
    ),
    row(
        "token",
        "refresh_token: was used before",
        "token.refresh_once",
        "RFC 9700 §4.14.2",
        "A refresh token is used once; a second use revokes the whole family.",
        "Keep the new refresh token of each answer, and let one process refresh at a time.",
    ),
    row(
        "token",
        "refresh_token: the strength",
        "token.refresh_strength",
        "RFC 9470 §6.1",
        "A refresh never raises what was shown, and the client's floor must still hold.",
        "Start an authorization request: the person has to show a factor again.",
    ),
    row(
        "token",
        "refresh_token",
        "token.refresh_token",
        "RFC 6749 §6",
        "The refresh token is this client's, unexpired and not revoked.",
        "Drop the stored token and start an authorization request.",
    ),
    row(
        "token",
        "grant_type",
        "token.grant_type",
        "RFC 6749 §5.2, RFC 7591 §2",
        "grant_type is supported, and registered for the client.",
        "Add the grant type to the client, or send the one that fits the flow.",
    ),
    row(
        "",
        "client_assertion",
        "client.assertion",
        "RFC 7523 §3, OpenID Connect Core §9",
        "The assertion is signed with a registered key; iss and sub are the client_id, aud is the issuer, jti is new.",
        "Check the key, the audience (the issuer), the clock, and make a new jti for each request.",
    ),
    row(
        "",
        "the client registered another method",
        "client.method",
        "OpenID Connect Core §9",
        "A client authenticates by the method that it registered.",
        "Change token_endpoint_auth_method here, or in the library's settings.",
    ),
    row(
        "",
        "the client is unknown or its credentials are wrong",
        "client.credentials",
        "RFC 6749 §2.3.1",
        "The client_id exists, is switched on, and the secret is one of its valid ones.",
        "Compare the secret with what the console showed once; look whether it was ended; make a new one if in doubt.",
    ),
    row(
        "",
        "the client must authenticate",
        "client.authentication",
        "RFC 6749 §3.2.1",
        "A confidential client authenticates at the token endpoint.",
        "Send the secret or an assertion; libraries often need the authentication method set explicitly.",
    ),
    row(
        "",
        "the Authorization header is not HTTP Basic",
        "client.basic",
        "RFC 6749 §2.3.1",
        "client_id and secret are form-encoded, joined by a colon, then base64-encoded.",
        "Form-encode both halves first: a secret with special characters fails otherwise.",
    ),
    row(
        "",
        "Content-Type",
        "form.content_type",
        "RFC 6749 §4.1.3, appendix B",
        "Parameters travel as application/x-www-form-urlencoded.",
        "Send a form, not JSON.",
    ),
    row(
        "userinfo",
        "the token is unknown",
        "bearer.token",
        "RFC 6750 §3.1",
        "The access token is ours, unexpired, and its session and grant are alive.",
        "Refresh the token, or start an authorization request.",
    ),
    row(
        "userinfo",
        "",
        "bearer.scope",
        "RFC 6750 §3.1, OpenID Connect Core §5.3",
        "The token was issued for a person, with the scope openid.",
        "Ask for openid in the authorization request.",
    ),
];

/// The rule of an id.
pub fn find(id: &str) -> Option<Rule> {
    ROWS.iter().map(|(_, _, rule)| *rule).find(|rule| rule.id == id).or_else(|| of_code(id))
}

/// The rule that an error of an endpoint rests on.
pub fn of_error(endpoint: &str, error: &OAuthError) -> Rule {
    let named = error.rule().and_then(find);
    named.or_else(|| of_description(endpoint, error.description())).unwrap_or_else(|| fallback(error.code()))
}

/// The rule by what the client was told.
pub fn of_description(endpoint: &str, description: &str) -> Option<Rule> {
    let fits = |(place, begins, _): &&Row| (place.is_empty() || *place == endpoint) && description.starts_with(begins);
    // A parameter twice is the same mistake for all of them (RFC 6749 §3.1).
    if description.ends_with("given more than once") {
        return Some(Rule {
            id: "form.once",
            source: "RFC 6749 §3.1",
            demands: "No parameter is given more than once.",
            remedy: "Look for a parameter in both the query and the form, or appended twice.",
        });
    }
    ROWS.iter().find(fits).map(|(_, _, rule)| *rule)
}

fn of_code(id: &str) -> Option<Rule> {
    let code = id.strip_prefix("code.")?;
    ErrorCode::ALL.iter().find(|known| known.as_str() == code).map(|code| fallback(*code))
}

/// What an error code itself means.
fn fallback(code: ErrorCode) -> Rule {
    let (id, demands, remedy) = match code {
        ErrorCode::UnmetAuthenticationRequirements => (
            "code.unmet_authentication_requirements",
            "The strength that the request or the application's policy demands was shown.",
            "The person could not or would not show it. Offer another way, and try again later.",
        ),
        ErrorCode::AccessDenied => (
            "code.access_denied",
            "The person let the client in.",
            "The person said no or went back. Show your own page, and let them try again.",
        ),
        ErrorCode::LoginRequired => {
            ("code.login_required", "With prompt=none there is a session already.", "Start again without prompt=none.")
        }
        ErrorCode::ConsentRequired => (
            "code.consent_required",
            "With prompt=none the person has agreed before.",
            "Start again without prompt=none.",
        ),
        ErrorCode::InvalidClient => (
            "code.invalid_client",
            "The client authenticates as it registered.",
            "Compare method and credentials with the console.",
        ),
        _ => (
            "code.other",
            "The request keeps the rules of its endpoint.",
            "Read the description; it names the parameter.",
        ),
    };
    Rule { id, source: code.source(), demands, remedy }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn errors_find_their_rule_by_name_or_by_words() {
        let named = OAuthError::invalid("anything", "at all").by_rule("authorize.pkce");
        assert_eq!(of_error("authorize", &named).id, "authorize.pkce");
        let cases = [
            ("token", "code: was used before; the tokens it gave are revoked", "token.code_once"),
            ("token", "code: unknown", "token.code"),
            ("token", "code_verifier: missing, the authorization request had a code_challenge", "token.pkce"),
            ("token", "redirect_uri: differs from the one of the authorization request", "token.redirect_uri"),
            ("authorize", "redirect_uri: not registered for this client", "authorize.redirect_uri"),
            ("par", "request_uri: not allowed here", "authorize.request_uri"),
            ("token", "state: given more than once", "form.once"),
            ("introspect", "the client is unknown or its credentials are wrong", "client.credentials"),
        ];
        for (endpoint, description, id) in cases {
            let rule = of_error(endpoint, &OAuthError::new(ErrorCode::InvalidRequest, description));
            assert_eq!(rule.id, id, "{description}");
        }
        let unmet = OAuthError::new(ErrorCode::UnmetAuthenticationRequirements, "the person went back");
        assert!(of_error("authorize", &unmet).source.contains("Unmet Authentication Requirements"));
    }

    #[test]
    fn every_rule_can_be_found_again() {
        for (_, _, rule) in ROWS {
            assert_eq!(find(rule.id).map(|found| found.id), Some(rule.id));
        }
        assert_eq!(find("code.access_denied").map(|rule| rule.id), Some("code.access_denied"));
        assert!(find("nothing").is_none());
    }
}
