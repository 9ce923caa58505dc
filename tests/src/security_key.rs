//! A security key in software: it registers and signs as the Web Authentication specification wants it (§6, §7), for an
//! origin that a test may choose, and with whatever flags and counter it is told to show.

use aws_lc_rs::digest::{SHA256, digest};
use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::signature::{ECDSA_P256_SHA256_ASN1_SIGNING, EcdsaKeyPair, KeyPair as _};
use data_encoding::BASE64URL_NOPAD;
use serde_json::{Value, json};

/// The user is present.
const PRESENT: u8 = 0x01;
/// The user was verified by the key.
const VERIFIED: u8 = 0x04;
/// The credential may be copied to other devices, and is.
const SYNCED: u8 = 0x18;
/// Attested credential data follow.
const ATTESTED: u8 = 0x40;

/// A key that holds one credential.
pub struct SecurityKey {
    pair: EcdsaKeyPair,
    id: Vec<u8>,
    origin: String,
    /// Whether it verifies its holder (by a PIN or a finger).
    pub verifies: bool,
    /// Whether it is copied to the person's other devices (a synced passkey).
    pub synced: bool,
    /// What vouches for its make.
    pub maker: Option<Maker>,
    /// Whose it is: what a passkey says when nobody was named.
    pub user: Option<String>,
    /// Signatures made so far; the next one carries one more.
    pub counter: u32,
}

impl SecurityKey {
    /// A new key, used from pages of `origin`.
    pub fn new(origin: &str) -> Self {
        let pair = EcdsaKeyPair::generate(&ECDSA_P256_SHA256_ASN1_SIGNING).unwrap();
        let id = digest(&SHA256, pair.public_key().as_ref()).as_ref().to_vec();
        Self { pair, id, origin: origin.to_owned(), verifies: true, synced: false, maker: None, user: None, counter: 0 }
    }

    /// The same key, used from the pages of another site.
    pub fn at(mut self, origin: &str) -> Self {
        origin.clone_into(&mut self.origin);
        self
    }

    fn client_data(&self, kind: &str, options: &Value) -> Vec<u8> {
        let challenge = options["publicKey"]["challenge"].as_str().unwrap();
        json!({ "type": kind, "challenge": challenge, "origin": self.origin, "crossOrigin": false })
            .to_string()
            .into_bytes()
    }

    fn authenticator_data(&self, options: &Value, more: u8, rest: &[u8]) -> Vec<u8> {
        let public = &options["publicKey"];
        let party = public["rpId"].as_str().or(public["rp"]["id"].as_str()).unwrap();
        let mut data = digest(&SHA256, party.as_bytes()).as_ref().to_vec();
        let verified = if self.verifies { VERIFIED } else { 0 };
        data.push(PRESENT | more | verified | if self.synced { SYNCED } else { 0 });
        data.extend_from_slice(&self.counter.to_be_bytes());
        data.extend_from_slice(rest);
        data
    }

    /// Answers `navigator.credentials.create` with a credential of its own, unattested.
    pub fn register(&mut self, options: &str) -> String {
        let options: Value = serde_json::from_str(options).unwrap();
        self.user = options["publicKey"]["user"]["id"].as_str().map(str::to_owned);
        let point = self.pair.public_key().as_ref();
        let (x, y) = point[1..].split_at(32);
        // {1: 2, 3: -7, -1: 1, -2: x, -3: y} (RFC 9052 §7), with {…} of five members.
        let mut key = vec![0xa5, 0x01, 0x02, 0x03, 0x26, 0x20, 0x01, 0x21, 0x58, 0x20];
        key.extend_from_slice(x);
        key.extend_from_slice(&[0x22, 0x58, 0x20]);
        key.extend_from_slice(y);
        let mut attested = self.maker.as_ref().map_or([0; 16], |maker| maker.aaguid).to_vec();
        attested.extend_from_slice(&u16::try_from(self.id.len()).unwrap().to_be_bytes());
        attested.extend_from_slice(&self.id);
        attested.extend_from_slice(&key);
        let data = self.authenticator_data(&options, ATTESTED, &attested);
        let client_data = self.client_data("webauthn.create", &options);
        let message = [data.as_slice(), digest(&SHA256, &client_data).as_ref()].concat();
        // {"fmt": …, "attStmt": {…}, "authData": data}
        let mut object = vec![0xa3];
        string(&mut object, "fmt");
        string(&mut object, if self.maker.is_some() { "packed" } else { "none" });
        string(&mut object, "attStmt");
        match &self.maker {
            None => object.push(0xa0),
            Some(maker) => maker.vouch(&message, &mut object),
        }
        string(&mut object, "authData");
        byte_string(&mut object, &data);
        self.answer(json!({ "attestationObject": encode(&object), "clientDataJSON": encode(&client_data) }))
    }

    /// Answers `navigator.credentials.get`.
    pub fn sign(&mut self, options: &str) -> String {
        let options: Value = serde_json::from_str(options).unwrap();
        self.counter += 1;
        let data = self.authenticator_data(&options, 0, &[]);
        let client_data = self.client_data("webauthn.get", &options);
        let message = [data.as_slice(), digest(&SHA256, &client_data).as_ref()].concat();
        let signature = self.pair.sign(&SystemRandom::new(), &message).unwrap();
        self.answer(json!({
            "authenticatorData": encode(&data), "clientDataJSON": encode(&client_data),
            "signature": encode(signature.as_ref()), "userHandle": self.user,
        }))
    }

    fn answer(&self, response: Value) -> String {
        let id = encode(&self.id);
        json!({ "id": id, "rawId": id, "type": "public-key", "extensions": {}, "response": response }).to_string()
    }
}

/// Who makes keys and vouches for them (WebAuthn §8.2, packed attestation).
pub struct Maker {
    /// Of this make.
    pub aaguid: [u8; 16],
    /// The root that a deployment may trust, in PEM.
    pub root: String,
    certificate: Vec<u8>,
    pair: EcdsaKeyPair,
}

impl Maker {
    /// A maker of one make, with a root of its own.
    pub fn new(aaguid: [u8; 16]) -> Self {
        let root_key = rcgen::KeyPair::generate().unwrap();
        let mut root = rcgen::CertificateParams::default();
        root.is_ca = rcgen::IsCa::Ca(rcgen::BasicConstraints::Unconstrained);
        root.key_usages = vec![rcgen::KeyUsagePurpose::KeyCertSign];
        root.distinguished_name.push(rcgen::DnType::CommonName, "Root of the test's maker");
        let root_certificate = root.self_signed(&root_key).unwrap();
        let issuer = rcgen::Issuer::from_params(&root, &root_key);
        let key = rcgen::KeyPair::generate().unwrap();
        let mut leaf = rcgen::CertificateParams::default();
        leaf.is_ca = rcgen::IsCa::ExplicitNoCa;
        for (name, value) in [
            (rcgen::DnType::CountryName, "SE"),
            (rcgen::DnType::OrganizationName, "The test's maker"),
            (rcgen::DnType::OrganizationalUnitName, "Authenticator Attestation"),
            (rcgen::DnType::CommonName, "Batch 1"),
        ] {
            leaf.distinguished_name.push(name, value);
        }
        // id-fido-gen-ce-aaguid: an OCTET STRING of sixteen bytes.
        let value = [&[0x04, 0x10], aaguid.as_slice()].concat();
        let make = rcgen::CustomExtension::from_oid_content(&[1, 3, 6, 1, 4, 1, 45724, 1, 1, 4], value);
        leaf.custom_extensions.push(make);
        let certificate = leaf.signed_by(&key, &issuer).unwrap().der().to_vec();
        let pair = EcdsaKeyPair::from_pkcs8(&ECDSA_P256_SHA256_ASN1_SIGNING, &key.serialize_der()).unwrap();
        Self { aaguid, root: root_certificate.pem(), certificate, pair }
    }

    /// {"alg": -7, "sig": …, "x5c": [certificate]}
    fn vouch(&self, message: &[u8], object: &mut Vec<u8>) {
        let signature = self.pair.sign(&SystemRandom::new(), message).unwrap();
        object.push(0xa3);
        string(object, "alg");
        object.push(0x26);
        string(object, "sig");
        byte_string(object, signature.as_ref());
        string(object, "x5c");
        object.push(0x81);
        byte_string(object, &self.certificate);
    }
}

/// A short text in CBOR (RFC 8949 §3.1).
fn string(object: &mut Vec<u8>, text: &str) {
    object.push(0x60 + u8::try_from(text.len()).unwrap());
    object.extend_from_slice(text.as_bytes());
}

/// Bytes in CBOR.
fn byte_string(object: &mut Vec<u8>, bytes: &[u8]) {
    object.push(0x59);
    object.extend_from_slice(&u16::try_from(bytes.len()).unwrap().to_be_bytes());
    object.extend_from_slice(bytes);
}

fn encode(bytes: &[u8]) -> String {
    BASE64URL_NOPAD.encode(bytes)
}
