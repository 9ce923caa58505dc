//! A phone, written from `idp/docs/mobile-id-protocol.md` and nothing else: it shares no code with the provider. It can do
//! what a good phone does, and what a bad one would.

use std::time::SystemTime;

use aws_lc_rs::agreement::{self, ECDH_P256, PrivateKey, UnparsedPublicKey};
use aws_lc_rs::digest::{SHA256, digest};
use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::signature::{
    ECDSA_P256_SHA256_FIXED, ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, KeyPair as _,
    UnparsedPublicKey as VerifyingKey,
};
use aws_lc_rs::{hkdf, hmac};
use data_encoding::BASE64URL_NOPAD;
use serde_json::{Value, json};

use crate::SecurityKey;

const MESSAGE: &str = "stepgate-mobile+jwt";
const ROTATION: &str = "stepgate-mobile-rotation+jwt";
const REQUEST: &str = "stepgate-mobile-request+jwt";
const KEYS: &str = "stepgate-mobile-keys+jwt";

/// What the server refused: the error's name, and its words.
#[derive(Debug)]
pub struct Refused {
    /// `replay`, `clock`, …
    pub error: String,
    /// What to do.
    pub description: String,
}

/// An enrolled phone.
pub struct MobileClient {
    http: reqwest::Client,
    issuer: String,
    /// Where the server is reached: a node of its own, or the issuer.
    pub base: String,
    /// The phone's id.
    pub device: String,
    pair: EcdsaKeyPair,
    pkcs8: Vec<u8>,
    offline: Vec<u8>,
    /// The server's keys that it keeps.
    pub keys: Vec<Value>,
    /// The number of its last message.
    pub seq: u64,
    /// Its screen lock.
    pub lock: Option<SecurityKey>,
    /// How many seconds its clock is ahead.
    pub ahead: i64,
}

/// What the phone shows.
#[derive(Clone, Debug)]
pub struct Request(pub Value);

fn encode(bytes: &[u8]) -> String {
    BASE64URL_NOPAD.encode(bytes)
}

fn decode(text: &Value) -> Vec<u8> {
    BASE64URL_NOPAD.decode(text.as_str().unwrap().as_bytes()).unwrap()
}

fn jwk(point: &[u8]) -> Value {
    json!({ "kty": "EC", "crv": "P-256", "x": encode(&point[1..33]), "y": encode(&point[33..65]) })
}

fn point(jwk: &Value) -> Vec<u8> {
    [vec![4], decode(&jwk["x"]), decode(&jwk["y"])].concat()
}

/// RFC 7638 §3.
fn thumbprint(jwk: &Value) -> String {
    let canonical = format!(r#"{{"crv":"P-256","kty":"EC","x":{},"y":{}}}"#, jwk["x"], jwk["y"]);
    encode(digest(&SHA256, canonical.as_bytes()).as_ref())
}

fn sign(pair: &EcdsaKeyPair, header: &Value, claims: &Value) -> String {
    let signed = format!("{}.{}", encode(header.to_string().as_bytes()), encode(claims.to_string().as_bytes()));
    let signature = pair.sign(&SystemRandom::new(), signed.as_bytes()).unwrap();
    format!("{signed}.{}", encode(signature.as_ref()))
}

/// Section 2: the key of offline codes.
fn agree(ours: &PrivateKey, theirs: &Value, own: &Value) -> Vec<u8> {
    struct Twenty;
    impl hkdf::KeyType for Twenty {
        fn len(&self) -> usize {
            20
        }
    }
    let info = format!("offline code v1 {}", thumbprint(own));
    agreement::agree(ours, UnparsedPublicKey::new(&ECDH_P256, point(theirs)), (), |shared| {
        let mut key = vec![0; 20];
        let salt = hkdf::Salt::new(hkdf::HKDF_SHA256, b"stepgate mobile id");
        salt.extract(shared).expand(&[info.as_bytes()], Twenty).unwrap().fill(&mut key).unwrap();
        Ok(key)
    })
    .unwrap()
}

struct Fresh {
    pkcs8: Vec<u8>,
    pair: EcdsaKeyPair,
    public: Value,
    ecdh: PrivateKey,
    ecdh_public: Value,
}

fn fresh() -> Fresh {
    let pkcs8 = EcdsaKeyPair::generate_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, &SystemRandom::new()).unwrap();
    let pair = EcdsaKeyPair::from_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, pkcs8.as_ref()).unwrap();
    let ecdh = PrivateKey::generate(&ECDH_P256).unwrap();
    let ecdh_public = jwk(ecdh.compute_public_key().unwrap().as_ref());
    Fresh { pkcs8: pkcs8.as_ref().to_vec(), public: jwk(pair.public_key().as_ref()), pair, ecdh, ecdh_public }
}

async fn call(http: &reqwest::Client, base: &str, act: &str, jws: &str) -> Result<Value, Refused> {
    let answer = http.post(format!("{base}/mobile/api/{act}")).json(&json!({ "jws": jws })).send().await.unwrap();
    let succeeded = answer.status().is_success();
    let body: Value = answer.json().await.unwrap();
    assert!(body["now"].is_i64(), "every answer says what time it is: {body}");
    if succeeded {
        return Ok(body);
    }
    let text = |name: &str| body[name].as_str().unwrap().to_owned();
    Err(Refused { error: text("error"), description: text("description") })
}

fn seconds() -> i64 {
    i64::try_from(SystemTime::UNIX_EPOCH.elapsed().unwrap().as_secs()).unwrap()
}

impl MobileClient {
    /// Section 2, and section 3 where it has a lock. The phone, and the digits that it shows.
    pub async fn enrol(
        issuer: &str,
        code: &str,
        label: &str,
        lock: Option<SecurityKey>,
    ) -> Result<(Self, String), Refused> {
        Self::enrol_at(issuer, code, (label, 0), lock).await
    }

    /// The same with a clock that is ahead of ours by some seconds.
    pub async fn enrol_at(
        issuer: &str,
        code: &str,
        (label, ahead): (&str, i64),
        lock: Option<SecurityKey>,
    ) -> Result<(Self, String), Refused> {
        let (http, fresh) = (reqwest::Client::new(), fresh());
        let code: String = code.chars().filter(|c| !c.is_whitespace()).collect();
        let claims = json!({
            "aud": issuer, "act": "enrol", "iat": seconds() + ahead, "code": code, "label": label, "ecdh": fresh.ecdh_public,
        });
        let header = json!({ "alg": "ES256", "typ": MESSAGE, "jwk": fresh.public });
        let reply = call(&http, issuer, "enrol", &sign(&fresh.pair, &header, &claims)).await?;
        let mut phone = Self {
            http,
            issuer: issuer.to_owned(),
            base: issuer.to_owned(),
            device: reply["device"].as_str().unwrap().to_owned(),
            offline: agree(&fresh.ecdh, &reply["ecdh"], &fresh.public),
            pair: fresh.pair,
            pkcs8: fresh.pkcs8,
            keys: reply["jwks"]["keys"].as_array().unwrap().clone(),
            seq: 0,
            lock: None,
            ahead,
        };
        if let Some(mut lock) = lock {
            let made = lock.register(&reply["verifier"]["options"].to_string());
            let made: Value = serde_json::from_str(&made).unwrap();
            phone.send("verifier", json!({ "challenge": reply["verifier"]["challenge"], "credential": made })).await?;
            phone.lock = Some(lock);
        }
        Ok((phone, reply["digits"].as_str().unwrap().to_owned()))
    }

    /// A copy of the phone: its keys and its counter, as a thief of the storage has them.
    pub fn copy(&self) -> Self {
        Self {
            http: self.http.clone(),
            issuer: self.issuer.clone(),
            base: self.base.clone(),
            device: self.device.clone(),
            pair: EcdsaKeyPair::from_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, &self.pkcs8).unwrap(),
            pkcs8: self.pkcs8.clone(),
            offline: self.offline.clone(),
            keys: self.keys.clone(),
            seq: self.seq,
            lock: None,
            ahead: self.ahead,
        }
    }

    /// Section 1: the next message.
    pub fn message(&mut self, act: &str, more: Value) -> String {
        self.seq += 1;
        let mut claims = json!({ "aud": self.issuer, "act": act, "iat": seconds() + self.ahead, "seq": self.seq });
        claims.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        sign(&self.pair, &json!({ "alg": "ES256", "typ": MESSAGE, "kid": self.device }), &claims)
    }

    /// Sends a message that was made.
    pub async fn deliver(&self, act: &str, jws: &str) -> Result<Value, Refused> {
        call(&self.http, &self.base, act, jws).await
    }

    /// A request that sends a message, to be released at a barrier.
    pub fn prepared(&self, base: &str, act: &str, jws: &str) -> reqwest::RequestBuilder {
        self.http.post(format!("{base}/mobile/api/{act}")).json(&json!({ "jws": jws }))
    }

    /// Makes and sends a message.
    pub async fn send(&mut self, act: &str, more: Value) -> Result<Value, Refused> {
        let jws = self.message(act, more);
        self.deliver(act, &jws).await
    }

    /// Section 4, all of the answer.
    pub async fn look(&mut self) -> Result<Value, Refused> {
        let knows = self.keys[0]["kid"].clone();
        self.send("poll", json!({ "knows": knows })).await
    }

    /// Section 4: what it is asked, if that is the server's. New keys of the server are kept if an old one signed them.
    pub async fn poll(&mut self) -> Result<Option<Request>, Refused> {
        let reply = self.look().await?;
        if let Some(keys) = reply["keys"].as_str().and_then(|jws| self.signed(jws, KEYS)) {
            self.keys = keys["keys"]["keys"].as_array().unwrap().clone();
        }
        let Some(jws) = reply["request"].as_str() else { return Ok(None) };
        Ok(Some(self.read(jws).expect("a request that the server did not sign")))
    }

    /// A request, if it is the server's and for this phone.
    pub fn read(&self, jws: &str) -> Option<Request> {
        self.signed(jws, REQUEST).map(Request)
    }

    fn signed(&self, jws: &str, typ: &str) -> Option<Value> {
        let parts: Vec<&str> = jws.split('.').collect();
        let part = |at: usize| BASE64URL_NOPAD.decode(parts[at].as_bytes()).ok();
        let header: Value = serde_json::from_slice(&part(0)?).ok()?;
        let key = self.keys.iter().find(|key| key["kid"] == header["kid"])?;
        let verifying = VerifyingKey::new(&ECDSA_P256_SHA256_FIXED, point(key));
        verifying.verify(format!("{}.{}", parts[0], parts[1]).as_bytes(), &part(2)?).ok()?;
        let claims: Value = serde_json::from_slice(&part(1)?).ok()?;
        let right = header["alg"] == "ES256" && header["typ"] == typ;
        (right && claims["iss"] == self.issuer.as_str() && claims["aud"] == self.device.as_str()).then_some(claims)
    }

    /// Section 5: the message of an approval.
    pub fn approval(&mut self, request: &Request, number: &str) -> String {
        let mut claims = json!({
            "challenge": request.0["challenge"], "nonce": request.0["nonce"], "decision": "approve", "number": number,
        });
        let (seq, device, issuer) = (self.seq + 1, self.device.clone(), self.issuer.clone());
        if let Some(lock) = &mut self.lock {
            // RFC 8785: the members sorted, no spaces.
            let said = format!(
                r#"{{"challenge":{},"decision":"approve","device":"{device}","iss":"{issuer}","nonce":{},"number":"{number}","seq":{seq},"typ":"stepgate-mobile-approval"}}"#,
                request.0["challenge"], request.0["nonce"]
            );
            let challenge = encode(digest(&SHA256, said.as_bytes()).as_ref());
            let options = json!({ "publicKey": { "challenge": challenge, "rpId": "localhost" } });
            claims["assertion"] = serde_json::from_str(&lock.sign(&options.to_string())).unwrap();
        }
        self.message("answer", claims)
    }

    /// Section 5: approves.
    pub async fn approve(&mut self, request: &Request, number: &str) -> Result<String, Refused> {
        let jws = self.approval(request, number);
        Ok(self.deliver("answer", &jws).await?["result"].as_str().unwrap().to_owned())
    }

    /// Section 5: `deny`, or `not_me`.
    pub async fn refuse(&mut self, request: &Request, decision: &str) -> Result<String, Refused> {
        let (challenge, nonce) = (&request.0["challenge"], &request.0["nonce"]);
        let claims = json!({ "challenge": challenge, "nonce": nonce, "decision": decision });
        Ok(self.send("answer", claims).await?["result"].as_str().unwrap().to_owned())
    }

    /// Section 7: announces new keys, and takes them. The phone as it was before, with the old keys.
    pub async fn rotate(&mut self) -> Result<Self, Refused> {
        let (fresh, old) = (fresh(), self.copy());
        let claims = json!({
            "aud": self.issuer, "act": "rotate", "iat": seconds() + self.ahead, "device": self.device,
            "ecdh": fresh.ecdh_public,
        });
        let header = json!({ "alg": "ES256", "typ": ROTATION, "jwk": fresh.public });
        let reply = self.send("rotate", json!({ "proof": sign(&fresh.pair, &header, &claims) })).await?;
        self.offline = agree(&fresh.ecdh, &reply["ecdh"], &fresh.public);
        (self.pair, self.pkcs8) = (fresh.pair, fresh.pkcs8);
        Ok(Self { seq: self.seq, ..old })
    }

    /// Section 9.
    pub fn offline_code(&self) -> String {
        let counter = u64::try_from(seconds() + self.ahead).unwrap() / 30;
        let tag =
            hmac::sign(&hmac::Key::new(hmac::HMAC_SHA1_FOR_LEGACY_USE_ONLY, &self.offline), &counter.to_be_bytes());
        let tag = tag.as_ref();
        let at = usize::from(tag[19] & 15);
        let number = u32::from_be_bytes(tag[at..at + 4].try_into().unwrap()) & 0x7fff_ffff;
        format!("{:06}", number % 1_000_000)
    }
}
