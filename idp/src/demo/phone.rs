//! A reference phone: real keys, the real protocol. The demo answers requests with it, and so do the tests.

use aws_lc_rs::agreement::{self, ECDH_P256, PrivateKey as AgreementKey, UnparsedPublicKey};
use data_encoding::BASE64URL_NOPAD;
use reqwest::Client;
use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::json;
use stepgate_core::credentials::hardware_token::{OathParameters, code_at};
use stepgate_core::credentials::mobile_id::{
    Act, AnswerMessage, Choice, EnrolMessage, MESSAGE_TYP, PollMessage, REQUEST_TYP, RequestMessage, offline_key,
};
use stepgate_core::jose::{self, Jwk, JwkSet, PrivateKey, PublicKeys, SigningAlgorithm, VerifyRules};
use stepgate_core::secret::{SecretBytes, SecretString};
use stepgate_core::time::Timestamp;

/// What went wrong between a phone and the server.
#[derive(Debug, thiserror::Error)]
pub enum PhoneError {
    /// No answer.
    #[error("the server did not answer: {0}")]
    Http(#[from] reqwest::Error),
    /// The server refused.
    #[error("the server refused: {0}")]
    Refused(String),
    /// A key or a signature.
    #[error("{0}")]
    Jose(#[from] jose::JoseError),
    /// An answer that cannot be read, or keys that cannot be agreed upon.
    #[error("the server's answer makes no sense")]
    Nonsense,
}

/// The keys of a phone: what an app would keep where nobody can take them out.
pub struct Keys {
    /// Signs every message.
    pub signing: PrivateKey,
    signing_pkcs8: SecretBytes,
}

impl Keys {
    /// New keys.
    pub fn generate() -> Result<Self, PhoneError> {
        Self::from_pkcs8(PrivateKey::generate_pkcs8(SigningAlgorithm::Es256)?)
    }

    /// Keys that were kept.
    pub fn from_pkcs8(pkcs8: SecretBytes) -> Result<Self, PhoneError> {
        Ok(Self { signing: PrivateKey::from_pkcs8(SigningAlgorithm::Es256, &pkcs8)?, signing_pkcs8: pkcs8 })
    }

    /// To keep them.
    pub const fn pkcs8(&self) -> &SecretBytes {
        &self.signing_pkcs8
    }
}

/// An enrolled phone.
pub struct Phone {
    http: Client,
    base: String,
    issuer: String,
    device: String,
    keys: Keys,
    offline: SecretBytes,
    server: JwkSet,
}

#[derive(Deserialize)]
struct EnrolReply {
    device: String,
    digits: String,
    ecdh: Jwk,
    jwks: JwkSet,
}

#[derive(Deserialize)]
struct PollReply {
    request: Option<String>,
}

#[derive(Deserialize)]
struct AnswerReply {
    result: String,
}

impl Phone {
    /// Enrols with a code from the browser; the phone and the digits that it shows. `base` is where the server is
    /// reached, `issuer` what it calls itself.
    pub async fn enrol(
        base: &str,
        issuer: &str,
        code: &str,
        label: &str,
        now: Timestamp,
    ) -> Result<(Self, String), PhoneError> {
        let (http, keys) = (Client::new(), Keys::generate()?);
        let ecdh = AgreementKey::generate(&ECDH_P256).map_err(|_| PhoneError::Nonsense)?;
        let message = EnrolMessage {
            aud: issuer.to_owned(),
            act: Act::Enrol,
            iat: now.unix_seconds(),
            code: code.to_owned(),
            label: label.to_owned(),
            ecdh: public_jwk(&ecdh)?,
        };
        let jws = keys.signing.sign_with_embedded_jwk(MESSAGE_TYP, &message)?;
        let reply: EnrolReply = call(&http, base, "enrol", &jws).await?;
        let thumbprint = keys.signing.public_jwk().thumbprint().unwrap_or_default();
        let theirs = UnparsedPublicKey::new(&ECDH_P256, point(&reply.ecdh)?);
        let offline =
            agreement::agree(&ecdh, theirs, PhoneError::Nonsense, |shared| Ok(offline_key(shared, &thumbprint)))?;
        let phone = Self {
            http,
            base: base.to_owned(),
            issuer: issuer.to_owned(),
            device: reply.device,
            keys,
            offline,
            server: reply.jwks,
        };
        Ok((phone, reply.digits))
    }

    /// A phone whose enrolment is already in the store: for the demo's people.
    pub fn enrolled(
        http: Client,
        base: &str,
        issuer: &str,
        device: String,
        (keys, offline, server): (Keys, SecretBytes, JwkSet),
    ) -> Self {
        Self { http, base: base.to_owned(), issuer: issuer.to_owned(), device, keys, offline, server }
    }

    /// What the phone is being asked.
    pub async fn poll(&self, now: Timestamp) -> Result<Option<RequestMessage>, PhoneError> {
        let knows = self.server.keys.first().and_then(|key| key.kid.clone()).unwrap_or_default();
        let (aud, iat) = (self.issuer.clone(), now.unix_seconds());
        let message = PollMessage { aud, act: Act::Poll, iat, seq: sequence(), knows };
        let reply: PollReply = call(&self.http, &self.base, "poll", &self.sign(&message)?).await?;
        let rules = VerifyRules::typ(&[SigningAlgorithm::Es256], &[REQUEST_TYP]);
        let server = PublicKeys::new(&self.server);
        let request = reply.request.map(|request| jose::verify::<RequestMessage>(&request, &server, &rules));
        Ok(request.transpose()?.map(|request| request.claims))
    }

    /// Approves with the number that the person typed; what the server made of it.
    pub async fn approve(&self, request: &RequestMessage, number: &str, now: Timestamp) -> Result<String, PhoneError> {
        self.answer(request, Choice::Approve, Some(number.to_owned()), now).await
    }

    /// Denies.
    pub async fn deny(&self, request: &RequestMessage, now: Timestamp) -> Result<String, PhoneError> {
        self.answer(request, Choice::Deny, None, now).await
    }

    async fn answer(
        &self,
        request: &RequestMessage,
        decision: Choice,
        number: Option<String>,
        now: Timestamp,
    ) -> Result<String, PhoneError> {
        let message = AnswerMessage {
            aud: self.issuer.clone(),
            act: Act::Answer,
            iat: now.unix_seconds(),
            seq: sequence(),
            challenge: request.challenge,
            nonce: request.nonce.clone(),
            decision,
            number,
            assertion: None,
        };
        let reply: AnswerReply = call(&self.http, &self.base, "answer", &self.sign(&message)?).await?;
        Ok(reply.result)
    }

    /// The code that the phone shows without a connection.
    pub fn offline_code(&self, now: Timestamp) -> SecretString {
        code_at(self.offline.expose(), &OathParameters::COMMON_TOTP, now.unix_seconds().unsigned_abs() / 30)
    }

    fn sign(&self, message: &impl serde::Serialize) -> Result<String, PhoneError> {
        Ok(self.keys.signing.sign_as(MESSAGE_TYP, &self.device, message)?)
    }
}

/// Above every number before, also after a restart: the nanoseconds since the phone's own epoch would do; the time
/// of the process does.
fn sequence() -> u64 {
    use std::sync::atomic::{AtomicU64, Ordering};
    static LAST: AtomicU64 = AtomicU64::new(0);
    let clock = crate::cx::Clock::default().now().unix_millis().unsigned_abs();
    let mut last = LAST.load(Ordering::Relaxed);
    loop {
        let next = clock.max(last + 1);
        match LAST.compare_exchange_weak(last, next, Ordering::Relaxed, Ordering::Relaxed) {
            Ok(_) => return next,
            Err(seen) => last = seen,
        }
    }
}

async fn call<R: DeserializeOwned>(http: &Client, base: &str, name: &str, jws: &str) -> Result<R, PhoneError> {
    let response = http.post(format!("{base}/mobile/api/{name}")).json(&json!({ "jws": jws })).send().await?;
    if !response.status().is_success() {
        return Err(PhoneError::Refused(response.text().await?));
    }
    Ok(response.json().await?)
}

fn public_jwk(key: &AgreementKey) -> Result<Jwk, PhoneError> {
    let public = key.compute_public_key().map_err(|_| PhoneError::Nonsense)?;
    let point = public.as_ref();
    let (x, y) = point.get(1..33).zip(point.get(33..65)).ok_or(PhoneError::Nonsense)?;
    Ok(Jwk::p256(x, y))
}

fn point(jwk: &Jwk) -> Result<Vec<u8>, PhoneError> {
    let coordinate = |text: &Option<String>| {
        BASE64URL_NOPAD.decode(text.as_deref().unwrap_or_default().as_bytes()).map_err(|_| PhoneError::Nonsense)
    };
    Ok([&[4], coordinate(&jwk.x)?.as_slice(), coordinate(&jwk.y)?.as_slice()].concat())
}
