//! From what a browser or a client sends to the request that is meant: request objects, by value and by reference, and
//! pushed requests.
//!
//! Owns: fetching and finding. What an object may say is for `stepgate_core::authorize::request_object`.

use std::sync::Arc;

use http::StatusCode;
use stepgate_core::authorize::request_object::{self, Beside, LONGEST, Opened, Rules};
use stepgate_core::authorize::{Arrival, check_references, pushed_reference};
use stepgate_core::jose::unverified_kid;
use stepgate_core::oidc::params::RawAuthorization;
use stepgate_core::oidc::{ErrorCode, OAuthError};
use stepgate_core::secret::TokenHash;
use stepgate_store::pushed::{self, FoundPushed};

use crate::clients::Registered;
use crate::clients::keys::{ClientKeys, KeysError, client_keys};
use crate::cx::Cx;
use crate::fault::Fault;
use crate::outbound::fetch::FetchRequest;

/// The request that is meant, and how it came.
pub struct Gathered {
    /// Its parameters.
    pub raw: RawAuthorization,
    /// How it came.
    pub arrival: Arrival,
}

/// Why the request that is meant cannot be had.
#[derive(Debug, thiserror::Error)]
pub enum GatherError {
    /// The client's doing.
    #[error("{0}")]
    Refused(#[from] OAuthError),
    /// Ours.
    #[error(transparent)]
    Fault(#[from] Fault),
}

/// Gathers the request of a browser at the authorization endpoint.
pub async fn gather(cx: &Cx, client: &Registered, outer: &RawAuthorization) -> Result<Gathered, GatherError> {
    check_references(outer)?;
    if let Some(object) = &outer.request {
        return open(cx, client, outer, object, ("request", Beside::MayAdd)).await;
    }
    let Some(uri) = &outer.request_uri else {
        return Ok(Gathered { raw: outer.clone(), arrival: Arrival::default() });
    };
    if let Some(reference) = pushed_reference(uri) {
        return find(cx, client, reference).await;
    }
    let object = fetch(cx, client, uri).await?;
    open(cx, client, outer, &object, ("request_uri", Beside::MayAdd)).await
}

/// Gathers the request that a client pushes: the object alone, where there is one (RFC 9126 §3).
pub async fn gather_pushed(cx: &Cx, client: &Registered, outer: &RawAuthorization) -> Result<Gathered, GatherError> {
    if outer.request_uri.is_some() {
        return Err(OAuthError::invalid("request_uri", "cannot itself be pushed").into());
    }
    match &outer.request {
        Some(object) => open(cx, client, outer, object, ("request", Beside::Ignored)).await,
        None => Ok(Gathered { raw: outer.clone(), arrival: Arrival::default() }),
    }
}

async fn open(
    cx: &Cx,
    client: &Registered,
    outer: &RawAuthorization,
    object: &str,
    (parameter, beside): (&'static str, Beside),
) -> Result<Gathered, GatherError> {
    let keys = keys(cx, client, object).await?;
    let rules = Rules {
        parameter,
        issuer: cx.app.issuer(),
        keys: keys.as_deref().map(|keys| &keys.signing),
        unsigned: cx.app.settings.authorization.unsigned(),
        beside,
        now: cx.now,
    };
    let Opened { raw, signed } = request_object::open(outer, object, &client.client, &rules)?;
    Ok(Gathered { raw, arrival: Arrival { signed, ..Arrival::default() } })
}

/// The keys that a client signs its requests with, with that of the object among them.
async fn keys(cx: &Cx, client: &Registered, object: &str) -> Result<Option<Arc<ClientKeys>>, OAuthError> {
    match client_keys(cx, client, unverified_kid(object).as_deref()).await {
        Ok(keys) => Ok(Some(keys)),
        Err(KeysError::NotRegistered) => Ok(None),
        Err(error @ KeysError::Unreachable) => Err(OAuthError::new(ErrorCode::InvalidRequestObject, error.to_string())),
    }
}

async fn find(cx: &Cx, client: &Registered, reference: &str) -> Result<Gathered, GatherError> {
    let reference = TokenHash::of(reference);
    let found = pushed::find_pushed(&cx.app.db, &reference, &client.client.id, cx.now).await.map_err(Fault::from)?;
    match found {
        FoundPushed::Open(row) => Ok(Gathered {
            raw: serde_json::from_value(row.parameters).map_err(Fault::internal)?,
            arrival: Arrival { pushed: Some(row.id), signed: row.signed },
        }),
        FoundPushed::Used => Err(refuse("was used before; push the request again").into()),
        FoundPushed::Expired => Err(refuse("has expired; push the request again").into()),
        FoundPushed::Unknown => Err(refuse("names no request that this client pushed").into()),
    }
}

/// Fetches a request object from a URI that the client registered: the whole of it is compared, fragment included, and
/// fetched without the fragment. What the fragment says of the content is not looked at: clients register the URI
/// before there is an object (OpenID Connect Core §6.2).
async fn fetch(cx: &Cx, client: &Registered, uri: &str) -> Result<String, OAuthError> {
    if !client.client.metadata.request_uris.iter().any(|registered| registered == uri) {
        return Err(refuse("not among the client's registered request_uris"));
    }
    let mut url = url::Url::parse(uri).map_err(|_| refuse("not an absolute URL"))?;
    url.set_fragment(None);
    let answer = cx.app.outbound.fetcher.send(FetchRequest::get(url)).await;
    let answer = answer.map_err(|error| refuse(&error.to_string()))?;
    if answer.status != StatusCode::OK {
        return Err(refuse(&format!("the host answered with {}, not with 200", answer.status.as_u16())));
    }
    if answer.body.len() > LONGEST {
        return Err(refuse("the request object is larger than 16 KiB"));
    }
    let object = String::from_utf8(answer.body).map_err(|_| refuse("the host did not answer with a JWT"))?;
    Ok(object.trim().to_owned())
}

fn refuse(fault: &str) -> OAuthError {
    OAuthError::parameter(ErrorCode::InvalidRequestUri, "request_uri", fault)
}
