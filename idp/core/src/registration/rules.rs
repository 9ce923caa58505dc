//! What members must agree about, and what holds where one is absent.

use url::Url;

use super::values::is_loopback;
use super::{Deployment, Members, RegistrationError, is_given};
use crate::clients::{self, ApplicationType, ClientAuthMethod, ClientMetadata};
use crate::jose::{SigningAlgorithm, names};
use crate::oidc::{RedirectUri, RedirectUriError, Registrant, STANDARD_SCOPES};

/// A rule breaks with the member that is to be changed and what is wrong with it.
type Rule = fn(&ClientMetadata, &Deployment<'_>) -> Result<(), (&'static str, String)>;

/// Every rule, in the order in which they are tried.
const RULES: &[Rule] = &[
    response_types_need_their_grants,
    grants_need_their_response_types,
    a_public_client_acts_for_people_only,
    redirect_uris_fit_the_application,
    post_logout_redirect_uris_fit_the_application,
    keys_are_given_in_one_way,
    authentication_has_what_it_needs,
    assertions_are_signed_as_the_method_says,
    encryption_has_keys,
    content_encryption_has_key_management,
    request_objects_are_signed_where_they_must_be,
    subjects_have_a_sector,
    frontchannel_logout_stays_at_home,
];

/// Applies the defaults (RFC 7591 §2, OpenID Connect Dynamic Client Registration §2).
pub(super) fn complete(metadata: &mut ClientMetadata, members: &Members) {
    if !is_given(members, "response_types") {
        let wants_code = !is_given(members, "grant_types") || has(&metadata.grant_types, "authorization_code");
        metadata.response_types = if wants_code { vec!["code".to_owned()] } else { Vec::new() };
    }
    if !is_given(members, "grant_types") {
        metadata.grant_types = needed_grants(metadata).into_iter().map(str::to_owned).collect();
    }
    let acts_for_people = metadata.grant_types.iter().any(|grant| grant != "client_credentials");
    if !is_given(members, "scope") && acts_for_people {
        metadata.scope = STANDARD_SCOPES.join(" ");
    }
    let default = |alg: &Option<String>, enc: &mut Option<String>| {
        if alg.is_some() && enc.is_none() {
            *enc = Some(names::DEFAULT_CONTENT_ENCRYPTION.to_owned());
        }
    };
    default(&metadata.id_token_encrypted_response_alg, &mut metadata.id_token_encrypted_response_enc);
    default(&metadata.userinfo_encrypted_response_alg, &mut metadata.userinfo_encrypted_response_enc);
    default(&metadata.introspection_encrypted_response_alg, &mut metadata.introspection_encrypted_response_enc);
    default(&metadata.request_object_encryption_alg, &mut metadata.request_object_encryption_enc);
    metadata.id_token_signed_response_alg.get_or_insert_with(|| SigningAlgorithm::Rs256.as_str().to_owned());
}

/// Tries every rule.
pub(super) fn check(metadata: &ClientMetadata, deployment: &Deployment<'_>) -> Result<(), RegistrationError> {
    for rule in RULES {
        rule(metadata, deployment).map_err(|(member, fault)| RegistrationError::of(member, fault))?;
    }
    Ok(())
}

fn has(list: &[String], word: &str) -> bool {
    list.iter().any(|known| known == word)
}

fn words(metadata: &ClientMetadata) -> impl Iterator<Item = &str> {
    metadata.response_types.iter().flat_map(|types| types.split(' '))
}

/// OpenID Connect Dynamic Client Registration §2, `response_types`.
fn needed_grants(metadata: &ClientMetadata) -> Vec<&'static str> {
    let mut grants = Vec::new();
    if words(metadata).any(|word| word == "code") {
        grants.push("authorization_code");
    }
    if words(metadata).any(|word| matches!(word, "token" | "id_token")) {
        grants.push("implicit");
    }
    grants
}

fn response_types_need_their_grants(m: &ClientMetadata, _: &Deployment<'_>) -> Result<(), (&'static str, String)> {
    match needed_grants(m).into_iter().find(|grant| !has(&m.grant_types, grant)) {
        Some(grant) => Err(("grant_types", format!("must have {grant}: response_types needs it"))),
        None if m.grant_types.iter().all(|grant| grant == "refresh_token") => {
            Err(("grant_types", "must have a grant that gives tokens in the first place".to_owned()))
        }
        None => Ok(()),
    }
}

fn grants_need_their_response_types(m: &ClientMetadata, _: &Deployment<'_>) -> Result<(), (&'static str, String)> {
    let needed = needed_grants(m);
    let idle = ["authorization_code", "implicit"]
        .into_iter()
        .find(|grant| has(&m.grant_types, grant) && !needed.contains(grant));
    match idle {
        Some("implicit") => {
            Err(("response_types", "must have one with id_token or token: grant_types has implicit".to_owned()))
        }
        Some(_) => Err(("response_types", "must have one with code: grant_types has authorization_code".to_owned())),
        None => Ok(()),
    }
}

fn a_public_client_acts_for_people_only(m: &ClientMetadata, _: &Deployment<'_>) -> Result<(), (&'static str, String)> {
    let public = m.token_endpoint_auth_method == ClientAuthMethod::None;
    if public && has(&m.grant_types, "client_credentials") {
        return Err((
            "grant_types",
            "client_credentials needs a token_endpoint_auth_method other than none".to_owned(),
        ));
    }
    Ok(())
}

const fn registrant(metadata: &ClientMetadata) -> Registrant {
    match metadata.application_type {
        ApplicationType::Web => Registrant::Confidential,
        ApplicationType::Native => Registrant::Public,
    }
}

fn fault_of(uri: &str, error: &RedirectUriError) -> String {
    match error {
        RedirectUriError::Scheme => {
            format!("{uri} must use https; with application_type native also a scheme that is a reversed domain name")
        }
        error => format!("{uri} {error}"),
    }
}

/// OpenID Connect Dynamic Client Registration §2, `application_type`; RFC 8252 §7.
fn redirect_uris_fit_the_application(m: &ClientMetadata, d: &Deployment<'_>) -> Result<(), (&'static str, String)> {
    let redirected = m.grant_types.iter().any(|grant| matches!(grant.as_str(), "authorization_code" | "implicit"));
    if redirected && m.redirect_uris.is_empty() {
        return Err(("redirect_uris", "must have at least one".to_owned()));
    }
    let https_only = m.application_type == ApplicationType::Web && has(&m.grant_types, "implicit") && !d.loopback_pages;
    for uri in &m.redirect_uris {
        RedirectUri::register(uri, registrant(m)).map_err(|error| ("redirect_uris", fault_of(uri, &error)))?;
        if https_only && (!uri.starts_with("https:") || on_loopback(uri)) {
            return Err((
                "redirect_uris",
                format!("{uri} must be https and not localhost for a web client with implicit"),
            ));
        }
        if m.application_type == ApplicationType::Native && uri.starts_with("https:") && on_loopback(uri) {
            return Err(("redirect_uris", format!("{uri} must be http on a loopback address, or a host of your own")));
        }
    }
    Ok(())
}

fn post_logout_redirect_uris_fit_the_application(
    m: &ClientMetadata,
    _: &Deployment<'_>,
) -> Result<(), (&'static str, String)> {
    for uri in &m.post_logout_redirect_uris {
        let registered = RedirectUri::register(uri, registrant(m));
        registered.map_err(|error| ("post_logout_redirect_uris", fault_of(uri, &error)))?;
    }
    Ok(())
}

fn on_loopback(uri: &str) -> bool {
    Url::parse(uri).is_ok_and(|url| url.host().is_some_and(is_loopback))
}

fn has_keys(metadata: &ClientMetadata) -> bool {
    metadata.jwks.is_some() || metadata.jwks_uri.is_some()
}

fn keys_are_given_in_one_way(m: &ClientMetadata, _: &Deployment<'_>) -> Result<(), (&'static str, String)> {
    if m.jwks.is_some() && m.jwks_uri.is_some() {
        return Err(("jwks", "must not be given together with jwks_uri; leave one of them out".to_owned()));
    }
    Ok(())
}

/// RFC 7523 §2.2, RFC 8705 §2.
fn authentication_has_what_it_needs(m: &ClientMetadata, _: &Deployment<'_>) -> Result<(), (&'static str, String)> {
    let method = m.token_endpoint_auth_method;
    let needs_keys = matches!(method, ClientAuthMethod::PrivateKeyJwt | ClientAuthMethod::SelfSignedTlsClientAuth);
    if needs_keys && !has_keys(m) {
        return Err(("jwks", format!("{} needs jwks or jwks_uri", method.as_str())));
    }
    let subjects = [
        &m.tls_client_auth_subject_dn,
        &m.tls_client_auth_san_dns,
        &m.tls_client_auth_san_uri,
        &m.tls_client_auth_san_ip,
        &m.tls_client_auth_san_email,
    ];
    let given = subjects.iter().filter(|subject| subject.is_some()).count();
    if method == ClientAuthMethod::TlsClientAuth && given != 1 {
        let fault = "exactly one of subject_dn, san_dns, san_uri, san_ip and san_email must be given";
        return Err(("tls_client_auth_subject_dn", fault.to_owned()));
    }
    Ok(())
}

fn assertions_are_signed_as_the_method_says(
    m: &ClientMetadata,
    _: &Deployment<'_>,
) -> Result<(), (&'static str, String)> {
    let Some(algorithm) = m.token_endpoint_auth_signing_alg.as_deref() else { return Ok(()) };
    let mac = names::MACS.contains(&algorithm);
    match m.token_endpoint_auth_method {
        ClientAuthMethod::ClientSecretJwt if !mac => {
            Err(("token_endpoint_auth_signing_alg", format!("must be one of: {}", names::MACS.join(", "))))
        }
        ClientAuthMethod::PrivateKeyJwt if mac => {
            Err(("token_endpoint_auth_signing_alg", "must be that of a key pair, not of a shared secret".to_owned()))
        }
        _ => Ok(()),
    }
}

fn encryption_has_keys(m: &ClientMetadata, _: &Deployment<'_>) -> Result<(), (&'static str, String)> {
    let encrypted = [
        ("id_token_encrypted_response_alg", &m.id_token_encrypted_response_alg),
        ("userinfo_encrypted_response_alg", &m.userinfo_encrypted_response_alg),
        ("introspection_encrypted_response_alg", &m.introspection_encrypted_response_alg),
    ];
    match encrypted.into_iter().find(|(_, algorithm)| algorithm.is_some()) {
        Some((member, _)) if !has_keys(m) => Err((member, "needs a key of yours in jwks or jwks_uri".to_owned())),
        _ => Ok(()),
    }
}

fn content_encryption_has_key_management(m: &ClientMetadata, _: &Deployment<'_>) -> Result<(), (&'static str, String)> {
    let pairs = [
        ("id_token_encrypted_response_enc", &m.id_token_encrypted_response_enc, &m.id_token_encrypted_response_alg),
        ("userinfo_encrypted_response_enc", &m.userinfo_encrypted_response_enc, &m.userinfo_encrypted_response_alg),
        (
            "introspection_encrypted_response_enc",
            &m.introspection_encrypted_response_enc,
            &m.introspection_encrypted_response_alg,
        ),
        ("request_object_encryption_enc", &m.request_object_encryption_enc, &m.request_object_encryption_alg),
    ];
    match pairs.into_iter().find(|(_, enc, alg)| enc.is_some() && alg.is_none()) {
        Some((member, ..)) => Err((member, "needs the alg beside it".to_owned())),
        None => Ok(()),
    }
}

fn request_objects_are_signed_where_they_must_be(
    m: &ClientMetadata,
    _: &Deployment<'_>,
) -> Result<(), (&'static str, String)> {
    if m.require_signed_request_object && m.request_object_signing_alg.as_deref() == Some("none") {
        return Err(("request_object_signing_alg", "must not be none with require_signed_request_object".to_owned()));
    }
    Ok(())
}

fn subjects_have_a_sector(m: &ClientMetadata, _: &Deployment<'_>) -> Result<(), (&'static str, String)> {
    clients::sector(m).map(drop).map_err(|_| {
        let fault = "is needed: subject_type is pairwise and redirect_uris lie on several hosts, or on none";
        ("sector_identifier_uri", fault.to_owned())
    })
}

/// OpenID Connect Front-Channel Logout §2: scheme, host and port of a redirect URI. Any port of a loopback address, as
/// for redirect URIs.
fn frontchannel_logout_stays_at_home(m: &ClientMetadata, _: &Deployment<'_>) -> Result<(), (&'static str, String)> {
    let Some(uri) = &m.frontchannel_logout_uri else { return Ok(()) };
    let origin = |uri: &str| {
        let url = Url::parse(uri).ok()?;
        let port = if on_loopback(uri) { None } else { url.port_or_known_default() };
        Some((url.scheme().to_owned(), url.host_str()?.to_owned(), port))
    };
    if m.redirect_uris.iter().any(|redirect| origin(redirect).is_some() && origin(redirect) == origin(uri)) {
        return Ok(());
    }
    Err(("frontchannel_logout_uri", "must have the scheme, host and port of one of redirect_uris".to_owned()))
}
