//! The sector identifier document (OpenID Connect Core §8.1): who shares a sector says so itself.

use stepgate_core::clients::ClientMetadata;
use stepgate_core::registration::RegistrationError;

use crate::clients::keys::document;
use crate::cx::Cx;

const MEMBER: &str = "sector_identifier_uri";

/// All redirect URIs must be in the document.
pub(crate) async fn check_sector(cx: &Cx, metadata: &ClientMetadata) -> Result<(), RegistrationError> {
    let Some(uri) = &metadata.sector_identifier_uri else { return Ok(()) };
    let refuse = |fault: String| RegistrationError::of(MEMBER, fault);
    let unread = || refuse("could not be fetched; it must answer 200 with a JSON array of redirect URIs".to_owned());
    let body = document(cx, uri).await.ok_or_else(unread)?;
    let listed: Vec<String> = serde_json::from_slice(&body).map_err(|_| unread())?;
    match metadata.redirect_uris.iter().find(|uri| !listed.contains(uri)) {
        Some(missing) => Err(refuse(format!("its document does not list {missing}"))),
        None => Ok(()),
    }
}
