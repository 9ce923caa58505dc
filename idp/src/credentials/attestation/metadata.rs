//! The file of the FIDO Metadata Service: read at the start, believed if the chain of its signer leads to a root that the
//! operator named.

use std::time::Duration;

use stepgate_core::credentials::fido_metadata::{LONGEST, Metadata, SignedMetadata};
use stepgate_core::time::Timestamp;
use tokio_rustls::rustls::RootCertStore;
use tokio_rustls::rustls::client::verify_server_cert_signed_by_trust_anchor;
use tokio_rustls::rustls::pki_types::{CertificateDer, UnixTime};
use tokio_rustls::rustls::server::ParsedCertificate;

use super::SecurityKeySettings;
use crate::tls;

/// `nextUpdate` is a day; it is over at its end.
pub(super) const DAY: Duration = Duration::from_secs(24 * 3600);

/// Reads and verifies what the settings name.
pub(super) fn load(settings: &SecurityKeySettings, now: Timestamp) -> Result<Option<Metadata>, String> {
    let (file, roots) = match (&settings.metadata_file, &settings.metadata_roots) {
        (None, None) => return Ok(None),
        (Some(file), Some(roots)) => (file, roots),
        (Some(_), None) => {
            return Err("security_keys.metadata_roots: name whom metadata_file is signed under".to_owned());
        }
        (None, Some(_)) => {
            return Err("security_keys.metadata_file: there is none, and metadata_roots are named".to_owned());
        }
    };
    let unfit = |why: &str| format!("security_keys.metadata_file {}: {why}", file.display());
    let length = std::fs::metadata(file).map_err(|error| unfit(&error.to_string()))?.len();
    if usize::try_from(length).is_ok_and(|length| length > LONGEST) {
        return Err(unfit("too long for a metadata BLOB"));
    }
    let text = std::fs::read_to_string(file).map_err(|error| unfit(&error.to_string()))?;
    let signed = SignedMetadata::read(&text).map_err(|error| unfit(&error.to_string()))?;
    // Without this a file that nobody has renewed would, one day, keep the provider from starting: its signer's
    // certificate lapses as well. It was good until the day that it names, and from then on it is old, which is said.
    let next = signed.unverified().map_err(|error| unfit(&error.to_string()))?.next_update;
    let key = signer(&signed.chain, roots, now.min(next)).map_err(|why| unfit(&why))?;
    let metadata = signed.verified(&key).map_err(|error| unfit(&error.to_string()))?;
    if metadata.next_update + DAY <= now {
        tracing::warn!(
            number = metadata.number,
            "security_keys.metadata_file is out of date: fetch a new one from the FIDO Metadata Service and start anew"
        );
    }
    Ok(Some(metadata))
}

/// The key of the first certificate, if the chain leads to a root.
fn signer(chain: &[Vec<u8>], roots: &std::path::Path, at: Timestamp) -> Result<Vec<u8>, String> {
    let mut store = RootCertStore::empty();
    let anchors = tls::read_certificates("security_keys.metadata_roots", roots).map_err(|error| error.to_string())?;
    for anchor in anchors {
        store.add(anchor).map_err(|error| format!("metadata_roots: {error}"))?;
    }
    let mut chain = chain.iter().map(|der| CertificateDer::from(der.as_slice()));
    let own = chain.next().ok_or("x5c has no certificate")?;
    let above: Vec<_> = chain.collect();
    let own = ParsedCertificate::try_from(&own).map_err(|error| format!("its signer's certificate: {error}"))?;
    let seconds = u64::try_from(at.unix_seconds()).unwrap_or_default();
    let time = UnixTime::since_unix_epoch(Duration::from_secs(seconds));
    let algorithms = tls::provider().signature_verification_algorithms.all;
    verify_server_cert_signed_by_trust_anchor(&own, &store, &above, time, algorithms)
        .map_err(|error| format!("its signer is not under metadata_roots: {error}"))?;
    Ok(own.subject_public_key_info().to_vec())
}
