//! Clients that are known by a certificate (RFC 8705): `tls_client_auth`, `self_signed_tls_client_auth`, and access
//! tokens that are good only with the certificate that they were asked for with.
//!
//! Owns: which certificate a request came with, and what it is worth for one client. Never trusts one because TLS took it.

mod settings;

use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use axum::http::{HeaderMap, HeaderName};
use data_encoding::BASE64;
use stepgate_core::clients::ClientAuthMethod;
use stepgate_core::clients::certificate::{self, Certificate, Confirmation, RegisteredName};
use stepgate_core::jose::JwkSet;
use stepgate_core::oidc::{ErrorCode, OAuthError};
use tokio_rustls::rustls::RootCertStore;
use tokio_rustls::rustls::pki_types::pem::PemObject;
use tokio_rustls::rustls::pki_types::{CertificateDer, UnixTime};
use tokio_rustls::rustls::server::WebPkiClientVerifier;
use tokio_rustls::rustls::server::danger::ClientCertVerifier;

use crate::clients::{Registered, keys};
use crate::cx::Cx;
use crate::tls::{self, Peer, TlsError};

pub use settings::MutualTlsSettings;

/// Whom we believe about certificates.
pub struct MutualTls {
    authorities: Option<Arc<dyn ClientCertVerifier>>,
    header: Option<HeaderName>,
}

/// The certificates that a request came with, the client's own first.
#[derive(Clone, Debug)]
pub struct PresentedCertificate {
    own: CertificateDer<'static>,
    intermediates: Vec<CertificateDer<'static>>,
}

impl PresentedCertificate {
    fn of(mut chain: Vec<CertificateDer<'static>>) -> Option<Arc<Self>> {
        if chain.is_empty() || chain.len() > 10 {
            return None;
        }
        let own = chain.remove(0);
        Some(Arc::new(Self { own, intermediates: chain }))
    }

    /// What tokens are bound by.
    pub fn thumbprint(&self) -> String {
        certificate::thumbprint(&self.own)
    }
}

impl MutualTls {
    /// Reads the authorities.
    ///
    /// # Errors
    /// The settings are unfit.
    pub fn new(settings: &MutualTlsSettings) -> Result<Self, TlsError> {
        let unfit = |setting, path: String, why: String| TlsError::File { setting, path, why };
        let authorities = match &settings.trust_anchors {
            None => None,
            Some(path) => {
                let mut roots = RootCertStore::empty();
                let said = || path.display().to_string();
                for anchor in tls::read_certificates("mtls.trust_anchors", path)? {
                    roots.add(anchor).map_err(|error| unfit("mtls.trust_anchors", said(), error.to_string()))?;
                }
                let verifier = WebPkiClientVerifier::builder_with_provider(Arc::new(roots), tls::provider()).build();
                Some(verifier.map_err(|error| unfit("mtls.trust_anchors", said(), error.to_string()))?)
            }
        };
        let header = settings.client_certificate_header.as_deref().map(str::parse::<HeaderName>).transpose();
        let header = header.map_err(|error| {
            let name = settings.client_certificate_header.clone().unwrap_or_default();
            unfit("mtls.client_certificate_header", name, error.to_string())
        })?;
        Ok(Self { authorities, header })
    }

    /// The certificate of a request: what a trusted proxy says about it, else what was shown to ourselves.
    pub fn presented(
        &self,
        peer: &Peer,
        headers: &HeaderMap,
        trusted_proxies: &[IpAddr],
    ) -> Option<Arc<PresentedCertificate>> {
        if let Some(name) = &self.header
            && trusted_proxies.contains(&peer.address.ip())
        {
            let mut values = headers.get_all(name).iter();
            // Two of them: one may be the client's own doing.
            let (value, None) = (values.next()?, values.next()) else { return None };
            return PresentedCertificate::of(from_header(value.to_str().ok()?)?);
        }
        PresentedCertificate::of(peer.certificates.to_vec())
    }
}

/// A certificate as proxies write it: in PEM, percent-encoded or on one line, or as a byte sequence (RFC 9440 §2.2).
fn from_header(text: &str) -> Option<Vec<CertificateDer<'static>>> {
    let text = text.trim();
    if let Some(encoded) = text.strip_prefix(':').and_then(|rest| rest.strip_suffix(':')) {
        return Some(vec![CertificateDer::from(BASE64.decode(encoded.as_bytes()).ok()?)]);
    }
    let decoded = form_urlencoded::parse(format!("v={}", text.replace('+', "%2B").replace('&', "%26")).as_bytes())
        .next()
        .map(|(_, value)| value.into_owned())?;
    // Some put the lines of a PEM one behind the other, with spaces or tabs between.
    let lines = decoded.replace("-----BEGIN CERTIFICATE-----", "\n-----BEGIN CERTIFICATE-----\n");
    let lines = lines.replace("-----END CERTIFICATE-----", "\n-----END CERTIFICATE-----\n");
    let lines: String = lines
        .lines()
        .map(|line| if line.starts_with("-----") { line.to_owned() } else { line.split_whitespace().collect() })
        .filter(|line| !line.is_empty())
        .map(|line| line + "\n")
        .collect();
    CertificateDer::pem_slice_iter(lines.as_bytes()).collect::<Result<Vec<_>, _>>().ok()
}

/// Whether the request's certificate is the client's, for a client that registered one of the two methods. The words
/// say what is missing.
///
/// # Errors
/// It is not, or there is none, or the client registered another method.
pub async fn authenticate(cx: &Cx, client: &Registered) -> Result<(), String> {
    let metadata = &client.client.metadata;
    let method = metadata.token_endpoint_auth_method;
    if !matches!(method, ClientAuthMethod::TlsClientAuth | ClientAuthMethod::SelfSignedTlsClientAuth) {
        return Err("the client must authenticate".to_owned());
    }
    let presented = cx.client_certificate.as_ref();
    let presented =
        presented.ok_or_else(|| format!("{}: no client certificate came with the request", method.as_str()))?;
    if method == ClientAuthMethod::SelfSignedTlsClientAuth {
        let known = keys::find(cx, client, |keys| is_registered(&keys.set, &presented.own).then_some(())).await;
        let known = known.map_err(|error| error.to_string())?;
        return known.ok_or_else(|| "the certificate is not among the x5c of the client's keys".to_owned());
    }
    let authorities = cx.app.mutual_tls.authorities.as_ref();
    let authorities = authorities.ok_or_else(|| "tls_client_auth is not configured here".to_owned())?;
    let seconds = u64::try_from(cx.now.unix_seconds()).unwrap_or(0);
    let now = UnixTime::since_unix_epoch(Duration::from_secs(seconds));
    authorities
        .verify_client_cert(&presented.own, &presented.intermediates, now)
        .map_err(|error| format!("the certificate is not one of a trusted authority: {error}"))?;
    let certificate = Certificate::parse(&presented.own).map_err(|error| error.to_string())?;
    let name = RegisteredName::of(metadata).map_err(|error| error.to_string())?;
    if name.is_named_by(&certificate) { Ok(()) } else { Err("the certificate names somebody else".to_owned()) }
}

/// Whether a certificate is the first of an `x5c` of the set (RFC 8705 §2.2.2).
fn is_registered(set: &JwkSet, certificate: &CertificateDer<'_>) -> bool {
    let mut registered = set.keys.iter().filter_map(|key| key.x5c.first());
    registered.any(|text| BASE64.decode(text.as_bytes()).is_ok_and(|der| der == certificate.as_ref()))
}

/// A client whose tokens are bound to its certificate must come with one (RFC 8705 §3).
///
/// # Errors
/// There is none.
pub fn check_binding(cx: &Cx, client: &Registered) -> Result<(), OAuthError> {
    if client.client.metadata.tls_client_certificate_bound_access_tokens && cx.client_certificate.is_none() {
        let text = "the client's tokens are bound to its certificate, and none came with the request";
        return Err(OAuthError::new(ErrorCode::InvalidRequest, text));
    }
    Ok(())
}

/// Whether a token may be used in this request: it is bound to no certificate, or to the one that it came with.
pub fn may_use(cx: &Cx, bound_to: Option<&Confirmation>) -> bool {
    let presented = || cx.client_certificate.as_ref().map(|presented| presented.thumbprint());
    bound_to.is_none_or(|bound| presented().as_deref() == Some(bound.certificate.as_str()))
}

#[cfg(test)]
mod tests;
