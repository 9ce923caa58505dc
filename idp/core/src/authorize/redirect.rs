//! The way back to a client.

use crate::authorize::PageError;
use crate::clients::Client;
use crate::oidc::is_registered;

/// A redirect URI that a client registered. There is no other way to make one than to find it among the client's, so
/// whoever holds one may send a browser there.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RegisteredRedirect(String);

impl RegisteredRedirect {
    /// The client's redirect URI that is `requested`: exactly, but for the port of a loopback address.
    ///
    /// # Errors
    /// [`PageError::UnregisteredRedirectUri`].
    pub(super) fn of(client: &Client, requested: &str) -> Result<Self, PageError> {
        let registered = client.metadata.redirect_uris.iter().any(|registered| is_registered(registered, requested));
        if registered { Ok(Self(requested.to_owned())) } else { Err(PageError::UnregisteredRedirectUri) }
    }

    /// The URI itself; a code is bound to it.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The URI with fields added to its query.
    pub(super) fn with_query(&self, fields: &[(&'static str, String)]) -> String {
        let separator = match self.0.rsplit_once('?') {
            None => "?",
            Some((_, "")) => "",
            Some(_) => "&",
        };
        format!("{}{separator}{}", self.0, encode(fields))
    }

    /// The URI with fields in its fragment; a registered URI has none.
    pub(super) fn with_fragment(&self, fields: &[(&'static str, String)]) -> String {
        format!("{}#{}", self.0, encode(fields))
    }
}

/// `application/x-www-form-urlencoded`, with `%20` for a space: what reads a form and what reads a URI component both
/// understand it.
fn encode(fields: &[(&'static str, String)]) -> String {
    let mut serializer = form_urlencoded::Serializer::new(String::new());
    serializer.extend_pairs(fields.iter().map(|(name, value)| (*name, value.as_str())));
    serializer.finish().replace('+', "%20")
}
