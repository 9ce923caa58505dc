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
/// Attested credential data follow.
const ATTESTED: u8 = 0x40;

/// A key that holds one credential.
pub struct SecurityKey {
    pair: EcdsaKeyPair,
    id: Vec<u8>,
    origin: String,
    /// Whether it verifies its holder (by a PIN or a finger).
    pub verifies: bool,
    /// Signatures made so far; the next one carries one more.
    pub counter: u32,
}

impl SecurityKey {
    /// A new key, used from pages of `origin`.
    pub fn new(origin: &str) -> Self {
        let pair = EcdsaKeyPair::generate(&ECDSA_P256_SHA256_ASN1_SIGNING).unwrap();
        let id = digest(&SHA256, pair.public_key().as_ref()).as_ref().to_vec();
        Self { pair, id, origin: origin.to_owned(), verifies: true, counter: 0 }
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
        data.push(PRESENT | more | if self.verifies { VERIFIED } else { 0 });
        data.extend_from_slice(&self.counter.to_be_bytes());
        data.extend_from_slice(rest);
        data
    }

    /// Answers `navigator.credentials.create` with a credential of its own, unattested.
    pub fn register(&mut self, options: &str) -> String {
        let options: Value = serde_json::from_str(options).unwrap();
        let point = self.pair.public_key().as_ref();
        let (x, y) = point[1..].split_at(32);
        // {1: 2, 3: -7, -1: 1, -2: x, -3: y} (RFC 9052 §7), with {…} of five members.
        let mut key = vec![0xa5, 0x01, 0x02, 0x03, 0x26, 0x20, 0x01, 0x21, 0x58, 0x20];
        key.extend_from_slice(x);
        key.extend_from_slice(&[0x22, 0x58, 0x20]);
        key.extend_from_slice(y);
        let mut attested = vec![0; 16];
        attested.extend_from_slice(&u16::try_from(self.id.len()).unwrap().to_be_bytes());
        attested.extend_from_slice(&self.id);
        attested.extend_from_slice(&key);
        let data = self.authenticator_data(&options, ATTESTED, &attested);
        // {"fmt": "none", "attStmt": {}, "authData": data}
        let mut object = vec![0xa3, 0x63, b'f', b'm', b't', 0x64, b'n', b'o', b'n', b'e', 0x67];
        object.extend_from_slice(b"attStmt");
        object.push(0xa0);
        object.push(0x68);
        object.extend_from_slice(b"authData");
        object.push(0x59);
        object.extend_from_slice(&u16::try_from(data.len()).unwrap().to_be_bytes());
        object.extend_from_slice(&data);
        let client_data = self.client_data("webauthn.create", &options);
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
            "signature": encode(signature.as_ref()), "userHandle": null,
        }))
    }

    fn answer(&self, response: Value) -> String {
        let id = encode(&self.id);
        json!({ "id": id, "rawId": id, "type": "public-key", "extensions": {}, "response": response }).to_string()
    }
}

fn encode(bytes: &[u8]) -> String {
    BASE64URL_NOPAD.encode(bytes)
}
