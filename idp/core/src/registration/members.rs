//! One rule for each member: of what kind its value is, and what may be in it by itself.

use serde_json::Value;

use super::keys::public_keys;
use super::values::{
    acr_values, acr_values_by_scope, encryption, flag, ip, known, long_text, number, one_of, page, page_list,
    response_types, scopes, signing, text, texts,
};
use super::{Deployment, Members, RegistrationError, is_given};
use crate::clients::{
    AccessTokenFormat, ApplicationType, AssertionAudience, ClientAuthMethod, ClientMetadata, SubjectType,
};
use crate::jose::names;

type Write = fn(&ClientMetadata) -> Value;
type Read = fn(&mut ClientMetadata, &Value, &Deployment<'_>) -> Result<(), String>;

fn set<T>(place: &mut T, value: Result<T, String>) -> Result<(), String> {
    *place = value?;
    Ok(())
}

fn some<T>(place: &mut Option<T>, value: Result<T, String>) -> Result<(), String> {
    *place = Some(value?);
    Ok(())
}

/// A member, and the rule that reads it.
type Member = (&'static str, Read);

const MEMBERS: &[Member] = &[
    // About the client, for people.
    ("client_name", |m, v, _| set(&mut m.client_name, text(v))),
    ("client_uri", |m, v, d| some(&mut m.client_uri, page(v, d.loopback_pages))),
    ("logo_uri", |m, v, d| some(&mut m.logo_uri, page(v, d.loopback_pages))),
    ("policy_uri", |m, v, d| some(&mut m.policy_uri, page(v, d.loopback_pages))),
    ("tos_uri", |m, v, d| some(&mut m.tos_uri, page(v, d.loopback_pages))),
    ("contacts", |m, v, _| set(&mut m.contacts, texts(v))),
    ("software_id", |m, v, _| some(&mut m.software_id, text(v))),
    ("software_version", |m, v, _| some(&mut m.software_version, text(v))),
    ("software_statement", |m, v, _| some(&mut m.software_statement, long_text(v))),
    // What it does.
    ("application_type", |m, v, _| set(&mut m.application_type, one_of(v, APPLICATION_TYPES))),
    ("redirect_uris", |m, v, _| set(&mut m.redirect_uris, texts(v))),
    ("post_logout_redirect_uris", |m, v, _| set(&mut m.post_logout_redirect_uris, texts(v))),
    ("grant_types", |m, v, d| set(&mut m.grant_types, texts(v).and_then(|types| known(types, d.grant_types)))),
    ("response_types", |m, v, d| {
        set(&mut m.response_types, texts(v).and_then(|types| response_types(types, d.response_types)))
    }),
    ("scope", |m, v, d| set(&mut m.scope, scopes(v, d.scopes))),
    ("initiate_login_uri", |m, v, d| some(&mut m.initiate_login_uri, page(v, d.loopback_pages))),
    // How it proves who it is.
    ("token_endpoint_auth_method", |m, v, d| {
        known(vec![text(v)?], d.auth_methods)?;
        set(&mut m.token_endpoint_auth_method, one_of(v, AUTH_METHODS))
    }),
    ("token_endpoint_auth_signing_alg", |m, v, _| {
        some(&mut m.token_endpoint_auth_signing_alg, signing(v, names::MACS))
    }),
    ("assertion_audience", |m, v, _| set(&mut m.assertion_audience, one_of(v, ASSERTION_AUDIENCES))),
    ("jwks", |m, v, _| some(&mut m.jwks, public_keys(v))),
    ("jwks_uri", |m, v, d| some(&mut m.jwks_uri, page(v, d.loopback_documents))),
    ("tls_client_auth_subject_dn", |m, v, _| some(&mut m.tls_client_auth_subject_dn, text(v))),
    ("tls_client_auth_san_dns", |m, v, _| some(&mut m.tls_client_auth_san_dns, text(v))),
    ("tls_client_auth_san_uri", |m, v, _| some(&mut m.tls_client_auth_san_uri, text(v))),
    ("tls_client_auth_san_ip", |m, v, _| some(&mut m.tls_client_auth_san_ip, ip(v))),
    ("tls_client_auth_san_email", |m, v, _| some(&mut m.tls_client_auth_san_email, text(v))),
    // What it gets, and in which form.
    ("subject_type", |m, v, _| set(&mut m.subject_type, one_of(v, SUBJECT_TYPES))),
    ("sector_identifier_uri", |m, v, d| some(&mut m.sector_identifier_uri, page(v, d.loopback_documents))),
    ("id_token_signed_response_alg", |m, v, _| some(&mut m.id_token_signed_response_alg, signing(v, &[]))),
    ("id_token_encrypted_response_alg", |m, v, _| some(&mut m.id_token_encrypted_response_alg, encryption(v))),
    ("id_token_encrypted_response_enc", |m, v, _| some(&mut m.id_token_encrypted_response_enc, content(v))),
    ("userinfo_signed_response_alg", |m, v, _| some(&mut m.userinfo_signed_response_alg, signing(v, &[]))),
    ("userinfo_encrypted_response_alg", |m, v, _| some(&mut m.userinfo_encrypted_response_alg, encryption(v))),
    ("userinfo_encrypted_response_enc", |m, v, _| some(&mut m.userinfo_encrypted_response_enc, content(v))),
    ("introspection_signed_response_alg", |m, v, _| some(&mut m.introspection_signed_response_alg, signing(v, &[]))),
    ("introspection_encrypted_response_alg", |m, v, _| {
        some(&mut m.introspection_encrypted_response_alg, encryption(v))
    }),
    ("introspection_encrypted_response_enc", |m, v, _| some(&mut m.introspection_encrypted_response_enc, content(v))),
    ("access_token_format", |m, v, _| set(&mut m.access_token_format, one_of(v, TOKEN_FORMATS))),
    ("access_token_signed_response_alg", |m, v, _| some(&mut m.access_token_signed_response_alg, signing(v, &[]))),
    // Its requests.
    ("request_uris", |m, v, d| set(&mut m.request_uris, page_list(v, d.loopback_documents))),
    ("request_object_signing_alg", |m, v, _| some(&mut m.request_object_signing_alg, signing(v, &["none"]))),
    ("request_object_encryption_alg", |m, v, _| some(&mut m.request_object_encryption_alg, encryption(v))),
    ("request_object_encryption_enc", |m, v, _| some(&mut m.request_object_encryption_enc, content(v))),
    ("require_signed_request_object", |m, v, _| set(&mut m.require_signed_request_object, flag(v))),
    ("require_pushed_authorization_requests", |m, v, _| set(&mut m.require_pushed_authorization_requests, flag(v))),
    // The strength it wants; it can only ask for more.
    ("default_acr_values", |m, v, d| set(&mut m.default_acr_values, acr_values(v, d.catalogue))),
    ("default_max_age", |m, v, _| some(&mut m.default_max_age, number(v))),
    ("require_auth_time", |m, v, _| set(&mut m.require_auth_time, flag(v))),
    ("required_acr", |m, v, d| set(&mut m.required_acr, acr_values(v, d.catalogue))),
    ("required_acr_by_scope", |m, v, d| set(&mut m.required_acr_by_scope, acr_values_by_scope(v, d.catalogue))),
    // How it learns of a logout.
    ("frontchannel_logout_uri", |m, v, d| some(&mut m.frontchannel_logout_uri, page(v, d.loopback_pages))),
    ("frontchannel_logout_session_required", |m, v, _| set(&mut m.frontchannel_logout_session_required, flag(v))),
    ("backchannel_logout_uri", |m, v, d| some(&mut m.backchannel_logout_uri, page(v, d.loopback_documents))),
    ("backchannel_logout_session_required", |m, v, _| set(&mut m.backchannel_logout_session_required, flag(v))),
];

/// What an operator grants, and how it is written. A client may say what it has (RFC 7592 §2.2 makes it repeat
/// everything), and nothing else.
const GRANTED: &[(&str, Write)] = &[
    ("skip_consent", |granted| granted.skip_consent.into()),
    ("acr_values_voluntary", |granted| granted.acr_values_voluntary.into()),
    ("audience", |granted| granted.audience.clone().into()),
    ("self_registered", |granted| granted.self_registered.into()),
];

const APPLICATION_TYPES: &[(&str, ApplicationType)] =
    &[("web", ApplicationType::Web), ("native", ApplicationType::Native)];

const SUBJECT_TYPES: &[(&str, SubjectType)] = &[("public", SubjectType::Public), ("pairwise", SubjectType::Pairwise)];

const TOKEN_FORMATS: &[(&str, AccessTokenFormat)] =
    &[("jwt", AccessTokenFormat::Jwt), ("opaque", AccessTokenFormat::Opaque)];

const ASSERTION_AUDIENCES: &[(&str, AssertionAudience)] =
    &[("endpoint", AssertionAudience::Endpoint), ("issuer", AssertionAudience::Issuer)];

const AUTH_METHODS: &[(&str, ClientAuthMethod)] = &[
    ("client_secret_basic", ClientAuthMethod::ClientSecretBasic),
    ("client_secret_post", ClientAuthMethod::ClientSecretPost),
    ("client_secret_jwt", ClientAuthMethod::ClientSecretJwt),
    ("private_key_jwt", ClientAuthMethod::PrivateKeyJwt),
    ("tls_client_auth", ClientAuthMethod::TlsClientAuth),
    ("self_signed_tls_client_auth", ClientAuthMethod::SelfSignedTlsClientAuth),
    ("none", ClientAuthMethod::None),
];

fn content(value: &Value) -> Result<String, String> {
    super::values::named(value, names::CONTENT_ENCRYPTION)
}

/// The members that can be registered, in the order of the table.
pub fn names() -> impl Iterator<Item = &'static str> {
    MEMBERS.iter().map(|(name, _)| *name)
}

/// Reads every member that is known.
pub(super) fn read(
    members: &Members,
    granted: &ClientMetadata,
    deployment: &Deployment<'_>,
) -> Result<ClientMetadata, RegistrationError> {
    let mut metadata = ClientMetadata {
        skip_consent: granted.skip_consent,
        acr_values_voluntary: granted.acr_values_voluntary,
        audience: granted.audience.clone(),
        self_registered: granted.self_registered,
        ..ClientMetadata::default()
    };
    for (name, read) in MEMBERS {
        if let Some(value) = members.get(*name).filter(|_| is_given(members, name)) {
            read(&mut metadata, value, deployment).map_err(|fault| RegistrationError::of(name, fault))?;
        }
    }
    for (name, has) in GRANTED {
        if is_given(members, name) && members.get(*name) != Some(&has(granted)) {
            return Err(RegistrationError::of(name, "is granted by the operator; leave it out"));
        }
    }
    Ok(metadata)
}
