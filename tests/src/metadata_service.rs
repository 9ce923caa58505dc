//! A FIDO Metadata Service of the test's own: it signs lists of authenticators (FIDO MDS §3.1.7).

use std::path::PathBuf;

use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, RSA_PKCS1_SHA256, RsaKeyPair};
use data_encoding::{BASE64, BASE64URL_NOPAD};
use serde_json::{Value, json};
use stepgate_core::jose::{PrivateKey, SigningAlgorithm};

use crate::Maker;

enum Signer {
    Es256(EcdsaKeyPair),
    Rs256(RsaKeyPair),
}

/// It, with a root, and a certificate under it.
pub struct MetadataService {
    /// The root, in PEM.
    pub root: String,
    certificate: Vec<u8>,
    signer: Signer,
}

impl MetadataService {
    /// One that signs with this algorithm, and whose certificate is good until the end of a year.
    pub fn new(algorithm: SigningAlgorithm, until: i32) -> Self {
        let root_key = rcgen::KeyPair::generate().unwrap();
        let mut root = rcgen::CertificateParams::default();
        root.is_ca = rcgen::IsCa::Ca(rcgen::BasicConstraints::Unconstrained);
        root.key_usages = vec![rcgen::KeyUsagePurpose::KeyCertSign];
        root.distinguished_name.push(rcgen::DnType::CommonName, "Root of the test's metadata service");
        let pem = root.self_signed(&root_key).unwrap().pem();
        let issuer = rcgen::Issuer::from_params(&root, &root_key);
        let pkcs8 = PrivateKey::generate_pkcs8(algorithm).unwrap();
        let key = rcgen::KeyPair::try_from(pkcs8.expose().as_slice()).unwrap();
        let mut leaf = rcgen::CertificateParams::new(vec!["mds.fidoalliance.example".to_owned()]).unwrap();
        leaf.is_ca = rcgen::IsCa::ExplicitNoCa;
        leaf.not_after = rcgen::date_time_ymd(until, 12, 31);
        let certificate = leaf.signed_by(&key, &issuer).unwrap().der().to_vec();
        let signer = if algorithm == SigningAlgorithm::Rs256 {
            Signer::Rs256(RsaKeyPair::from_pkcs8(pkcs8.expose()).unwrap())
        } else {
            Signer::Es256(EcdsaKeyPair::from_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, pkcs8.expose()).unwrap())
        };
        Self { root: pem, certificate, signer }
    }

    /// A signed list.
    pub fn sign(&self, list: &Value) -> String {
        let part = |value: &Value| BASE64URL_NOPAD.encode(value.to_string().as_bytes());
        let alg = if matches!(self.signer, Signer::Rs256(_)) { "RS256" } else { "ES256" };
        let header = json!({ "alg": alg, "typ": "JWT", "x5c": [BASE64.encode(&self.certificate)] });
        let signed = format!("{}.{}", part(&header), part(list));
        let signature = match &self.signer {
            Signer::Es256(pair) => pair.sign(&SystemRandom::new(), signed.as_bytes()).unwrap().as_ref().to_vec(),
            Signer::Rs256(pair) => {
                let mut signature = vec![0; pair.public_modulus_len()];
                pair.sign(&RSA_PKCS1_SHA256, &SystemRandom::new(), signed.as_bytes(), &mut signature).unwrap();
                signature
            }
        };
        format!("{signed}.{}", BASE64URL_NOPAD.encode(&signature))
    }

    /// Writes a signed list and its root into files: their paths.
    pub fn write(&self, name: &str, blob: &str) -> (PathBuf, PathBuf) {
        let place = |what: &str| std::env::temp_dir().join(format!("stepgate-{name}-{}.{what}", std::process::id()));
        let (list, roots) = (place("jwt"), place("pem"));
        std::fs::write(&list, blob).unwrap();
        std::fs::write(&roots, &self.root).unwrap();
        (list, roots)
    }
}

impl Maker {
    /// What the list says about this make: its AAGUID, its root, and what was reported when.
    pub fn listed(&self, name: &str, reports: &[(&str, &str)]) -> Value {
        let root: String = self.root.lines().filter(|line| !line.starts_with('-')).collect();
        let aaguid = uuid::Uuid::from_bytes(self.aaguid);
        let report = |(status, date): &(&str, &str)| json!({ "status": status, "effectiveDate": date });
        json!({
            "aaguid": aaguid,
            "metadataStatement": { "description": name, "attestationRootCertificates": [root] },
            "statusReports": reports.iter().map(report).collect::<Vec<_>>(),
        })
    }
}

/// The day so many days from now, as lists write it.
pub fn day(from_now: i64) -> String {
    let now = i64::try_from(std::time::UNIX_EPOCH.elapsed().unwrap().as_secs()).unwrap();
    let mut left = now / 86_400 + from_now;
    let leap = |year: i64| i64::from(year % 4 == 0 && (year % 100 != 0 || year % 400 == 0));
    let mut year = 1970;
    while left >= 365 + leap(year) {
        left -= 365 + leap(year);
        year += 1;
    }
    let months = [31, 28 + leap(year), 31, 30, 31, 30, 31, 31, 30, 31, 30, 31];
    let mut month = 0;
    while left >= months[month] {
        left -= months[month];
        month += 1;
    }
    format!("{year:04}-{:02}-{:02}", month + 1, left + 1)
}
