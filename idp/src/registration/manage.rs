//! A client reads, replaces and removes its own registration (RFC 7592 §2).

use serde_json::{Value, json};
use stepgate_core::clients::{Client, ClientAuthMethod, ClientMetadata};
use stepgate_core::oidc::{ErrorCode, OAuthError};
use stepgate_core::registration::{Members, RegistrationError, validate};
use stepgate_core::secret::SecretString;
use stepgate_store::{Connection, applications, registrations};

use super::register::SELF_SERVICE;
use super::{Answer, deployment, documents, statement};
use crate::audit::{self, Event};
use crate::client_auth::NewSecret;
use crate::cx::Cx;
use crate::http::oauth_error::ProtocolFailure;

/// Members that a request must not bring back (RFC 7592 §2.2).
const OURS: &[&str] =
    &["registration_access_token", "registration_client_uri", "client_secret_expires_at", "client_id_issued_at"];

/// A client that proved to be itself.
pub(super) struct Oneself {
    client: Client,
    token: SecretString,
}

/// Who holds the client's registration access token. Unknown client, switched off, wrong token: nobody learns which.
pub(super) async fn authenticate(cx: &Cx, id: &str, token: Option<String>) -> Result<Oneself, ProtocolFailure> {
    let Some(token) = token else { return Err(ProtocolFailure::BearerMissing) };
    let known = registrations::find_client_token(&cx.app.db, id).await?;
    if !known.is_some_and(|known| known.matches(&token)) {
        return Err(refused());
    }
    match applications::find_client(&cx.app.db, id).await? {
        Some(client) if client.disabled_at.is_none() => Ok(Oneself { client, token: SecretString::new(token) }),
        _ => Err(refused()),
    }
}

fn refused() -> ProtocolFailure {
    let text = "the registration access token is not that of this client, or the client is gone";
    ProtocolFailure::BearerRefused(OAuthError::new(ErrorCode::InvalidToken, text))
}

/// Everything that it registered. Its secret is not known here any more.
pub(super) fn read(oneself: Oneself) -> Answer {
    let Oneself { client, token } = oneself;
    Answer { client_id: client.id, issued_at: client.created_at, secret: None, token, metadata: client.metadata }
}

/// Replaces everything: what is left out is gone, or back to its default. The token stays: one that was lost with an
/// answer could not be had again (ADR 10).
pub(super) async fn replace(cx: &Cx, oneself: Oneself, members: Members) -> Result<Answer, ProtocolFailure> {
    let Oneself { client: before, token } = oneself;
    check_identity(cx, &before, &members).map_err(OAuthError::from)?;
    let known = before.metadata.software_statement.as_deref();
    let members = statement::apply(cx, members, known).map_err(OAuthError::from)?;
    let metadata = validate(&members, &before.metadata, &deployment(&cx.app)).map_err(OAuthError::from)?;
    documents::check_sector(cx, &metadata).await.map_err(OAuthError::from)?;

    let transaction = cx.app.db.begin().await?;
    if !applications::hold_client(&transaction, &before.id).await? {
        return Err(refused());
    }
    let secret = secret_for(cx, &transaction, &before, &metadata).await?;
    let client = Client { metadata, ..before };
    applications::update_client(&transaction, &client).await?;
    audit::record(cx, &transaction, Event::new("client.registration.replaced").client(&client.id)).await?;
    transaction.commit().await?;
    tell(cx, &client.id).await;
    let secret = secret.map(|secret| secret.text);
    Ok(Answer { client_id: client.id, issued_at: client.created_at, secret, token, metadata: client.metadata })
}

/// A request names the client that it is about, and does not choose its secret (RFC 7592 §2.2).
fn check_identity(cx: &Cx, client: &Client, members: &Members) -> Result<(), RegistrationError> {
    if members.get("client_id").and_then(Value::as_str) != Some(client.id.as_str()) {
        return Err(RegistrationError::of("client_id", "must be that of the client"));
    }
    if let Some(name) = OURS.iter().find(|name| members.contains_key(**name)) {
        return Err(RegistrationError::of(name, "is the provider's to say; leave it out"));
    }
    if let Some(secret) = members.get("client_secret") {
        let mut live = client.secrets.iter().filter(|known| known.is_live(cx.now));
        if !secret.as_str().is_some_and(|secret| live.any(|known| known.hash.matches(secret))) {
            return Err(RegistrationError::of("client_secret", "must be the one the client has; leave it out"));
        }
    }
    Ok(())
}

/// The secrets that the method needs, and no others: a new one where those there are do not serve.
pub(crate) async fn secret_for(
    cx: &Cx,
    connection: &impl Connection,
    client: &Client,
    metadata: &ClientMetadata,
) -> Result<Option<NewSecret>, ProtocolFailure> {
    let method = metadata.token_endpoint_auth_method;
    let serves = client.secrets.iter().any(|secret| {
        secret.is_live(cx.now) && (method != ClientAuthMethod::ClientSecretJwt || secret.sealed.is_some())
    });
    if method.needs_secret() && serves {
        return Ok(None);
    }
    applications::delete_client_secrets(connection, &client.id).await?;
    if !method.needs_secret() {
        return Ok(None);
    }
    let secret = NewSecret::make(method, &client.id, &cx.app.secrets.sealing, cx.entropy(), cx.now)?;
    applications::insert_client_secret(connection, &client.id, &secret.row).await?;
    Ok(Some(secret))
}

/// Removes the client. Its tokens are worth nothing from then on.
pub(super) async fn remove(cx: &Cx, oneself: Oneself) -> Result<(), ProtocolFailure> {
    let client = oneself.client;
    let transaction = cx.app.db.begin().await?;
    if !applications::delete_client(&transaction, &client.id).await? {
        return Err(refused());
    }
    applications::delete_application_if_empty(&transaction, client.application, SELF_SERVICE).await?;
    let event = Event::new("client.unregistered").client(&client.id);
    audit::record(cx, &transaction, event.data(json!({ "application": client.application }))).await?;
    transaction.commit().await?;
    tell(cx, &client.id).await;
    Ok(())
}

/// This node forgets at once, the others as soon as they hear of it.
async fn tell(cx: &Cx, client_id: &str) {
    cx.app.clients.forget(client_id);
    cx.app.invalidations.publish(&format!("client:{client_id}")).await;
}
