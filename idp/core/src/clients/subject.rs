//! The `sub` of a person as a client sees it (OpenID Connect Core §8).
//!
//! A pairwise `sub` is the person's id, encrypted deterministically for one sector (AES-256-GCM-SIV with a fixed nonce,
//! the sector as associated data): the same sector always sees the same value, two sectors see values that they cannot
//! compare, and a `sub` that comes back in a hint leads to the person without a table.

use aws_lc_rs::aead::{AES_256_GCM_SIV, Aad, LessSafeKey, NONCE_LEN, Nonce, UnboundKey};
use data_encoding::BASE64URL_NOPAD;
use url::Url;
use uuid::Uuid;

use super::{ClientMetadata, SubjectType};
use crate::id::PersonId;
use crate::secret::SecretBytes;

/// The sector of a client cannot be told.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("sector_identifier_uri: needed, because the redirect URIs of a pairwise client lie on several hosts")]
pub struct SectorError;

/// The sector of a client that sees pairwise subjects: the host of its `sector_identifier_uri`, else that of all its
/// redirect URIs. `None` for a client that sees public ones.
///
/// # Errors
/// Several hosts, and no `sector_identifier_uri` to choose one (OpenID Connect Core §8.1).
pub fn sector(metadata: &ClientMetadata) -> Result<Option<String>, SectorError> {
    if metadata.subject_type == SubjectType::Public {
        return Ok(None);
    }
    let host = |uri: &String| Url::parse(uri).ok().and_then(|url| url.host_str().map(str::to_owned));
    if let Some(uri) = &metadata.sector_identifier_uri {
        return host(uri).map(Some).ok_or(SectorError);
    }
    let mut hosts: Vec<_> = metadata.redirect_uris.iter().map(host).collect();
    hosts.sort();
    hosts.dedup();
    match hosts.as_slice() {
        [Some(one)] => Ok(Some(one.clone())),
        _ => Err(SectorError),
    }
}

/// The key that makes pairwise subjects. It must never change: relying parties know people by what it made.
pub struct SubjectKey(LessSafeKey);

/// Repeating the nonce leaks nothing but that two values are equal (RFC 8452 §1), which is the purpose.
const NONCE: [u8; NONCE_LEN] = [0; NONCE_LEN];

impl SubjectKey {
    /// From 32 secret bytes; `None` for another length.
    pub fn new(bytes: &SecretBytes) -> Option<Self> {
        UnboundKey::new(&AES_256_GCM_SIV, bytes.expose()).ok().map(|key| Self(LessSafeKey::new(key)))
    }

    /// The person's `sub` in a sector; the public one where there is no sector.
    pub fn subject(&self, sector: Option<&str>, person: PersonId) -> String {
        let Some(sector) = sector else { return person.to_string() };
        let mut body = person.uuid().as_bytes().to_vec();
        let nonce = Nonce::assume_unique_for_key(NONCE);
        // Encrypting 16 bytes cannot fail; an empty subject would be refused by every relying party.
        match self.0.seal_in_place_append_tag(nonce, aad(sector), &mut body) {
            Ok(()) => BASE64URL_NOPAD.encode(&body),
            Err(_) => String::new(),
        }
    }

    /// The person behind a `sub` that a client of the sector brings back.
    pub fn person(&self, sector: Option<&str>, subject: &str) -> Option<PersonId> {
        let Some(sector) = sector else { return subject.parse().ok() };
        let mut body = BASE64URL_NOPAD.decode(subject.as_bytes()).ok()?;
        let plain = self.0.open_in_place(Nonce::assume_unique_for_key(NONCE), aad(sector), &mut body).ok()?;
        Uuid::from_slice(plain).ok().map(PersonId::from_uuid)
    }
}

fn aad(sector: &str) -> Aad<Vec<u8>> {
    Aad::from([b"pairwise subject ".as_slice(), sector.as_bytes()].concat())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sectors_cannot_compare_and_subjects_lead_back() {
        let key = SubjectKey::new(&SecretBytes::new(vec![7; 32])).unwrap();
        let person = PersonId::from_uuid(Uuid::from_bytes([3; 16]));
        let (one, two) = (key.subject(Some("a.example"), person), key.subject(Some("b.example"), person));
        assert_ne!(one, two);
        assert_eq!(one, key.subject(Some("a.example"), person));
        assert_eq!(key.person(Some("a.example"), &one), Some(person));
        assert_eq!(key.person(Some("b.example"), &one), None);
        assert_eq!(key.person(None, &key.subject(None, person)), Some(person));
    }

    #[test]
    fn a_sector_is_one_host() {
        let client = |uris: &[&str], sector: Option<&str>| ClientMetadata {
            redirect_uris: uris.iter().map(|uri| (*uri).to_owned()).collect(),
            sector_identifier_uri: sector.map(str::to_owned),
            subject_type: SubjectType::Pairwise,
            ..ClientMetadata::default()
        };
        let one = client(&["https://rp.example/a", "https://rp.example/b"], None);
        assert_eq!(sector(&one), Ok(Some("rp.example".to_owned())));
        let two = ["https://rp.example/a", "https://other.example/b"];
        assert_eq!(sector(&client(&two, None)), Err(SectorError));
        assert_eq!(sector(&client(&two, Some("https://s.example/x.json"))), Ok(Some("s.example".to_owned())));
    }
}
