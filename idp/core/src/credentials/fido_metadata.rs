//! The FIDO Metadata Service's list of authenticators (FIDO MDS v3.1): who vouches for which model, and what is known
//! against it.
//!
//! Owns: reading the list, which is somebody else's file, and its signature by the key that it names. Never decides
//! whose that key may be: the chain of certificates is verified by whoever knows the roots.

use std::fmt;

use aws_lc_rs::signature::{
    ECDSA_P256_SHA256_FIXED, RSA_PKCS1_2048_8192_SHA256, UnparsedPublicKey, VerificationAlgorithm,
};
use data_encoding::{BASE64, BASE64URL_NOPAD};
use serde::Deserialize;
use uuid::Uuid;

use crate::jose::is_strict_object;
use crate::time::Timestamp;

/// The longest list that is looked at; the one of FIDO has some 10 MB.
pub const LONGEST: usize = 64 * 1024 * 1024;
const LONGEST_HEADER: usize = 64 * 1024;
const MOST_CERTIFICATES: usize = 10;

/// Why a list is refused.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum MetadataError {
    /// It has not the form of a signed list.
    #[error("not a metadata BLOB: {0}")]
    Malformed(&'static str),
    /// Signed in a way that is not accepted.
    #[error("signed with {0}; RS256 and ES256 are accepted")]
    Algorithm(String),
    /// The signature is not by the key of its own first certificate.
    #[error("the signature is not by the key of its first certificate")]
    Signature,
    /// An entry cannot be read.
    #[error("the entry of {0}: {1}")]
    Entry(String, &'static str),
}

/// A list as it comes: signed, and nothing of it believed yet.
pub struct SignedMetadata<'a> {
    algorithm: &'static dyn VerificationAlgorithm,
    /// The certificates of its header (`x5c`) in DER, the signer's own first.
    pub chain: Vec<Vec<u8>>,
    signed: &'a [u8],
    signature: Vec<u8>,
    payload: &'a str,
}

impl fmt::Debug for SignedMetadata<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SignedMetadata").field("certificates", &self.chain.len()).finish_non_exhaustive()
    }
}

#[derive(Deserialize)]
struct Header {
    alg: String,
    x5c: Vec<String>,
    #[serde(default)]
    crit: Option<serde::de::IgnoredAny>,
}

impl<'a> SignedMetadata<'a> {
    /// Takes a BLOB apart (FIDO MDS §3.1.7: a compact JWS).
    ///
    /// # Errors
    /// [`MetadataError`].
    pub fn read(blob: &'a str) -> Result<Self, MetadataError> {
        let unfit = MetadataError::Malformed;
        let blob = blob.trim_ascii();
        if blob.len() > LONGEST {
            return Err(unfit("too long"));
        }
        let (signed, signature) = blob.rsplit_once('.').ok_or(unfit("no three parts"))?;
        let (header, payload) = signed.split_once('.').ok_or(unfit("no three parts"))?;
        if header.len() > LONGEST_HEADER || payload.contains('.') {
            return Err(unfit("no three parts"));
        }
        let decode = |part: &str| BASE64URL_NOPAD.decode(part.as_bytes()).map_err(|_| unfit("not base64url"));
        let header = decode(header)?;
        if !is_strict_object(&header) {
            return Err(unfit("the header is no JSON object"));
        }
        let header: Header = serde_json::from_slice(&header).map_err(|_| unfit("the header has no alg or no x5c"))?;
        if header.crit.is_some() {
            return Err(unfit("the header has crit"));
        }
        let algorithm: &'static dyn VerificationAlgorithm = match header.alg.as_str() {
            "RS256" => &RSA_PKCS1_2048_8192_SHA256,
            "ES256" => &ECDSA_P256_SHA256_FIXED,
            _ => return Err(MetadataError::Algorithm(header.alg.chars().take(20).collect())),
        };
        if header.x5c.is_empty() || header.x5c.len() > MOST_CERTIFICATES {
            return Err(unfit("x5c has no certificate, or more than ten"));
        }
        let chain = header.x5c.iter().map(|text| base64(text)).collect::<Option<_>>();
        let chain = chain.ok_or(unfit("x5c is not base64"))?;
        Ok(Self { algorithm, chain, signed: signed.as_bytes(), signature: decode(signature)?, payload })
    }

    /// What it says, if the key of its first certificate (a `SubjectPublicKeyInfo` in DER) has signed it.
    ///
    /// # Errors
    /// [`MetadataError`].
    pub fn verified(&self, public_key: &[u8]) -> Result<Metadata, MetadataError> {
        UnparsedPublicKey::new(self.algorithm, public_key)
            .verify(self.signed, &self.signature)
            .map_err(|_| MetadataError::Signature)?;
        self.unverified()
    }

    /// What it says, whoever signed it: for looking at it only.
    ///
    /// # Errors
    /// [`MetadataError`].
    pub fn unverified(&self) -> Result<Metadata, MetadataError> {
        let unfit = MetadataError::Malformed;
        let payload = BASE64URL_NOPAD.decode(self.payload.as_bytes()).map_err(|_| unfit("not base64url"))?;
        if !is_strict_object(&payload) {
            return Err(unfit("what is signed is no JSON object, or has a member twice"));
        }
        let list: List = serde_json::from_slice(&payload).map_err(|_| unfit("no, nextUpdate or entries is missing"))?;
        let next_update = date(&list.next_update).ok_or(unfit("nextUpdate is no date"))?;
        let models = list.entries.into_iter().filter_map(model).collect::<Result<_, _>>()?;
        Ok(Metadata { number: list.no, next_update, models })
    }
}

/// The list.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Metadata {
    /// Its number; each list has a higher one than the list before.
    pub number: u64,
    /// The beginning of the day by which there is a newer one.
    pub next_update: Timestamp,
    /// The FIDO2 models in it; those without an AAGUID (U2F, UAF) are left out.
    pub models: Vec<Model>,
}

/// A model of authenticator.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Model {
    /// Which.
    pub aaguid: Uuid,
    /// What people call it.
    pub name: String,
    /// Who vouches for it: certificates in DER.
    pub roots: Vec<Vec<u8>>,
    reports: Vec<(Trouble, Option<Timestamp>)>,
}

impl Model {
    /// What is known against it at a time: the latest of it. What was once reported stays, also where a later report says
    /// that there is an update: nobody can tell by a key's signature whether it got that.
    pub fn trouble(&self, now: Timestamp) -> Option<Trouble> {
        let known = |(_, since): &&(Trouble, Option<Timestamp>)| since.is_none_or(|since| since <= now);
        self.reports.iter().rfind(known).map(|(trouble, _)| *trouble)
    }
}

/// What a status report says against a model (FIDO MDS §3.1.4).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Trouble {
    /// Its verification of the user can be got around.
    UserVerificationBypass,
    /// Whoever has its attestation key can pretend to be one.
    AttestationKeyCompromise,
    /// Its keys can be taken out from afar.
    UserKeyRemoteCompromise,
    /// Its keys can be taken out by whoever holds it.
    UserKeyPhysicalCompromise,
    /// It must not be trusted.
    Revoked,
}

impl Trouble {
    fn of(status: &str) -> Option<Self> {
        Some(match status {
            "USER_VERIFICATION_BYPASS" => Self::UserVerificationBypass,
            "ATTESTATION_KEY_COMPROMISE" => Self::AttestationKeyCompromise,
            "USER_KEY_REMOTE_COMPROMISE" => Self::UserKeyRemoteCompromise,
            "USER_KEY_PHYSICAL_COMPROMISE" => Self::UserKeyPhysicalCompromise,
            "REVOKED" => Self::Revoked,
            _ => return None,
        })
    }

    /// In words.
    pub const fn text(self) -> &'static str {
        match self {
            Self::UserVerificationBypass => "its PIN or finger can be got around",
            Self::AttestationKeyCompromise => "others can pretend to be one",
            Self::UserKeyRemoteCompromise => "its keys can be taken out from afar",
            Self::UserKeyPhysicalCompromise => "its keys can be taken out by whoever holds it",
            Self::Revoked => "revoked",
        }
    }
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct List {
    no: u64,
    next_update: String,
    entries: Vec<Entry>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Entry {
    #[serde(default)]
    aaguid: Option<String>,
    #[serde(default)]
    metadata_statement: Statement,
    #[serde(default)]
    status_reports: Vec<Report>,
}

#[derive(Default, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Statement {
    #[serde(default)]
    description: String,
    #[serde(default)]
    attestation_root_certificates: Vec<String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Report {
    status: String,
    #[serde(default)]
    effective_date: Option<String>,
}

fn model(entry: Entry) -> Option<Result<Model, MetadataError>> {
    let named = entry.aaguid?;
    Some(read_model(&named, entry.metadata_statement, &entry.status_reports).map_err(|why| {
        let named = named.chars().filter(char::is_ascii_graphic).take(40).collect();
        MetadataError::Entry(named, why)
    }))
}

fn read_model(aaguid: &str, statement: Statement, reports: &[Report]) -> Result<Model, &'static str> {
    let aaguid = Uuid::try_parse(aaguid).map_err(|_| "aaguid is no UUID")?;
    let roots = statement.attestation_root_certificates.iter().map(|text| base64(text)).collect::<Option<_>>();
    let roots = roots.ok_or("attestationRootCertificates is not base64")?;
    let mut found = Vec::new();
    for report in reports {
        let Some(trouble) = Trouble::of(&report.status) else { continue };
        let since = report.effective_date.as_deref().map(|text| date(text).ok_or("effectiveDate is no date"));
        found.push((trouble, since.transpose()?));
    }
    let name: String = statement.description.chars().filter(|c| !c.is_control()).take(100).collect();
    let name = if name.trim().is_empty() { aaguid.to_string() } else { name };
    Ok(Model { aaguid, name, roots, reports: found })
}

/// Base64 with padding; lists that are out there have spaces and line ends in it.
fn base64(text: &str) -> Option<Vec<u8>> {
    let text: Vec<u8> = text.bytes().filter(|byte| !byte.is_ascii_whitespace()).collect();
    BASE64.decode(&text).ok()
}

/// The beginning of a day, `2026-11-28`, in UTC.
fn date(text: &str) -> Option<Timestamp> {
    let mut parts = text.split('-');
    let (year, month, day) = (parts.next()?, parts.next()?, parts.next()?);
    let digits = |part: &str, length| part.len() == length && part.bytes().all(|byte| byte.is_ascii_digit());
    if parts.next().is_some() || !digits(year, 4) || !digits(month, 2) || !digits(day, 2) {
        return None;
    }
    let (year, month, day) = (year.parse::<i64>().ok()?, month.parse::<i64>().ok()?, day.parse::<i64>().ok()?);
    let leap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
    let longest = match month {
        4 | 6 | 9 | 11 => 30,
        2 => 28 + i64::from(leap),
        1..=12 => 31,
        _ => return None,
    };
    if !(1..=longest).contains(&day) {
        return None;
    }
    // Years that begin in March: the day that may be there or not is the last one.
    let (year, month) = if month > 2 { (year, month - 3) } else { (year - 1, month + 9) };
    let days = 365 * year + year.div_euclid(4) - year.div_euclid(100) + year.div_euclid(400);
    let days = days + (153 * month + 2) / 5 + day - 1 - 719_468;
    Some(Timestamp::from_unix_seconds(days * 86_400))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn blob(header: &str, payload: &str) -> String {
        let part = |text: &str| BASE64URL_NOPAD.encode(text.as_bytes());
        format!("{}.{}.AAAA", part(header), part(payload))
    }

    const HEADER: &str = r#"{"alg":"ES256","x5c":["AAAA"]}"#;

    fn read(payload: &str) -> Result<Metadata, MetadataError> {
        SignedMetadata::read(&blob(HEADER, payload)).unwrap().unverified()
    }

    #[test]
    fn days_are_what_the_calendar_says() {
        for (text, days) in [("1970-01-01", 0), ("1970-03-01", 59), ("2000-02-29", 11_016), ("2026-11-28", 20_785)] {
            assert_eq!(date(text), Some(Timestamp::from_unix_seconds(days * 86_400)), "{text}");
        }
        for text in ["", "2026-11", "2026-02-29", "2026-13-01", "2026-00-01", "2026-1-1", "2026-11-31", "+026-11-01"] {
            assert_eq!(date(text), None, "{text}");
        }
    }

    #[test]
    fn a_model_is_read_with_its_roots_and_what_is_known_against_it() {
        let list = r#"{"legalHeader":"x","no":7,"nextUpdate":"2026-12-01","entries":[
            {"aaid":"1234#5678","statusReports":[{"status":"REVOKED"}]},
            {"aaguid":"01234567-89ab-cdef-0123-456789abcdef","timeOfLastStatusChange":"2026-01-01",
             "metadataStatement":{"description":"A key","attestationRootCertificates":["AQI\nD"]},
             "statusReports":[{"status":"FIDO_CERTIFIED_L1"},
                {"status":"USER_KEY_REMOTE_COMPROMISE","effectiveDate":"2026-05-01"},
                {"status":"UPDATE_AVAILABLE","effectiveDate":"2026-06-01"},
                {"status":"REVOKED","effectiveDate":"2026-09-01"}]}]}"#;
        let read = read(list).unwrap();
        assert_eq!((read.number, read.next_update), (7, date("2026-12-01").unwrap()));
        let [model] = read.models.as_slice() else { panic!("one has an AAGUID") };
        assert_eq!((model.name.as_str(), model.roots.as_slice()), ("A key", &[vec![1, 2, 3]][..]));
        let at = |text| model.trouble(date(text).unwrap());
        assert_eq!(at("2026-04-30"), None);
        assert_eq!(at("2026-07-01"), Some(Trouble::UserKeyRemoteCompromise), "an update does not undo it");
        assert_eq!(at("2026-09-01"), Some(Trouble::Revoked));
    }

    #[test]
    fn what_is_no_list_is_refused_and_says_why() {
        let good = r#"{"no":1,"nextUpdate":"2026-12-01","entries":[]}"#;
        assert!(read(good).is_ok());
        for payload in [
            "",
            "[]",
            r#"{"no":1,"no":2,"nextUpdate":"2026-12-01","entries":[]}"#,
            r#"{"no":-1,"nextUpdate":"2026-12-01","entries":[]}"#,
            r#"{"no":1,"nextUpdate":"tomorrow","entries":[]}"#,
            r#"{"no":1,"nextUpdate":"2026-12-01"}"#,
            r#"{"no":1,"nextUpdate":"2026-12-01","entries":[{"aaguid":"x"}]}"#,
            r#"{"no":1,"nextUpdate":"2026-12-01","entries":[{"aaguid":"01234567-89ab-cdef-0123-456789abcdef","metadataStatement":{"attestationRootCertificates":["%"]}}]}"#,
            r#"{"no":1,"nextUpdate":"2026-12-01","entries":[{"aaguid":"01234567-89ab-cdef-0123-456789abcdef","statusReports":[{"status":"REVOKED","effectiveDate":"soon"}]}]}"#,
        ] {
            assert!(read(payload).is_err(), "{payload}");
        }
        for header in [
            r#"{"alg":"none","x5c":["AAAA"]}"#,
            r#"{"alg":"HS256","x5c":["AAAA"]}"#,
            r#"{"alg":"ES256","x5c":[]}"#,
            r#"{"alg":"ES256"}"#,
            r#"{"alg":"ES256","x5c":["AAAA"],"crit":["x"]}"#,
            r#"{"alg":"ES256","alg":"RS256","x5c":["AAAA"]}"#,
            r#"{"alg":"ES256","x5c":["%"]}"#,
            "nonsense",
        ] {
            assert!(SignedMetadata::read(&blob(header, good)).is_err(), "{header}");
        }
        for whole in ["", ".", "..", "a.b", "a.b.c.d", "e30.e30.e30"] {
            assert!(SignedMetadata::read(whole).is_err(), "{whole:?}");
        }
        let unsigned = blob(HEADER, good);
        let read = SignedMetadata::read(&unsigned).unwrap();
        assert_eq!(read.verified(&[]), Err(MetadataError::Signature));
    }
}
