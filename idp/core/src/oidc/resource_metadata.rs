//! The metadata of a protected resource (RFC 9728): how a client that knows nothing but an API's address finds out where
//! its tokens come from.

use serde::Serialize;

/// The document (RFC 9728 §2).
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[expect(missing_docs, reason = "each field is the metadata of the same name")]
pub struct ResourceMetadata {
    pub resource: String,
    pub authorization_servers: Vec<String>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub scopes_supported: Vec<String>,
    pub bearer_methods_supported: Vec<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub resource_name: Option<String>,
    /// Not of the RFC, which leaves room for more: the acr of which the resource accepts any, under the name that its
    /// challenge has for them (RFC 9470 §3).
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub acr_values: Vec<String>,
}

/// Why a text cannot be the identifier of a resource.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ResourceError {
    /// RFC 9728 §1.2.
    #[error("must be an https URL without a fragment and without user information (http on this machine only)")]
    NotAResource,
}

impl ResourceMetadata {
    /// What a resource says that takes its tokens in the `Authorization` header alone.
    pub fn new(resource: &str, issuer: &str) -> Self {
        Self {
            resource: resource.to_owned(),
            authorization_servers: vec![issuer.to_owned()],
            scopes_supported: Vec::new(),
            bearer_methods_supported: vec!["header".to_owned()],
            resource_name: None,
            acr_values: Vec::new(),
        }
    }

    /// Where a client looks for the document of a resource: the well-known path goes between host and path (§3.1).
    ///
    /// # Errors
    /// [`ResourceError`].
    pub fn well_known(resource: &str) -> Result<String, ResourceError> {
        let url = url::Url::parse(resource).map_err(|_| ResourceError::NotAResource)?;
        let local = match url.host() {
            Some(url::Host::Domain(name)) => name == "localhost",
            Some(url::Host::Ipv4(ip)) => ip.is_loopback(),
            Some(url::Host::Ipv6(ip)) => ip.is_loopback(),
            None => false,
        };
        let fit = url.scheme() == "https" || url.scheme() == "http" && local;
        if !fit || url.fragment().is_some() || !url.username().is_empty() || url.password().is_some() {
            return Err(ResourceError::NotAResource);
        }
        let path = url.path().strip_suffix('/').unwrap_or(url.path());
        let query = url.query().map(|query| format!("?{query}")).unwrap_or_default();
        Ok(format!("{}/.well-known/oauth-protected-resource{path}{query}", url.origin().ascii_serialization()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_well_known_path_goes_between_host_and_path() {
        let at = |resource| ResourceMetadata::well_known(resource);
        let base = "https://api.example/.well-known/oauth-protected-resource";
        assert_eq!(at("https://api.example").unwrap(), base);
        assert_eq!(at("https://api.example/").unwrap(), base);
        assert_eq!(at("https://api.example/orders/v2?x=1").unwrap(), format!("{base}/orders/v2?x=1"));
        assert_eq!(at("http://localhost:81/a").unwrap(), "http://localhost:81/.well-known/oauth-protected-resource/a");
        for unfit in ["http://api.example", "https://api.example#a", "https://me@api.example", "urn:x", "orders", ""] {
            assert_eq!(at(unfit), Err(ResourceError::NotAResource), "{unfit}");
        }
    }
}
