//! The phones of the demo's people. Their keys are derived from the demo's secret, so that every node, and the same
//! node after a restart, can answer for them.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use stepgate_core::account::Person;
use stepgate_core::assurance::CredentialKind;
use stepgate_core::credentials::MobileDevice;
use stepgate_core::id::{CredentialId, DeviceId};
use stepgate_core::secret::{SecretBytes, sha256};
use stepgate_store::{credentials, mobile, people};
use tokio::sync::Mutex;

use super::phone::{Keys, Phone, PhoneError};
use crate::credentials::mobile_id::{SEAL, server_keys};
use crate::cx::Cx;
use crate::fault::Fault;

/// The phones, by user ID.
pub struct Phones {
    base: String,
    issuer: String,
    http: reqwest::Client,
    known: Mutex<BTreeMap<String, Arc<Phone>>>,
}

/// Purpose of a demo phone's own sealed key. Only the demo keeps a phone's private key on the server.
const KEY_SEAL: &str = "demo phone key";

impl Phones {
    /// None yet. `base` is where this node is reached.
    pub fn new(base: String, issuer: String, http: reqwest::Client) -> Self {
        Self { base, issuer, http, known: Mutex::default() }
    }

    /// Gives a person a phone that is enrolled and active.
    pub async fn give(
        &self,
        cx: &Cx,
        connection: &impl stepgate_store::Connection,
        person: &Person,
        credential: CredentialId,
    ) -> Result<(), Fault> {
        let keys = Keys::generate().map_err(Fault::internal)?;
        let id = DeviceId::random(cx.entropy());
        let offline = offline(person.username.as_str());
        let sealing = &cx.app.secrets.sealing;
        let device = MobileDevice {
            id,
            credential,
            person: person.id,
            label: format!("{}'s phone", person.claims.given_name.as_deref().unwrap_or("Demo")),
            public_jwk: serde_json::to_string(keys.signing.public_jwk()).map_err(Fault::internal)?,
            sealed_totp: SecretBytes::new(sealing.seal(cx.entropy(), SEAL, &id.to_string(), offline.expose())?),
            last_step: 0,
            sequence: 0,
            active: true,
            verifier: None,
            next: None,
            previous_jwk: None,
            sealed_push: None,
            created_at: cx.now,
            keyed_at: cx.now,
            message_at: None,
            seen_at: None,
            suspended_at: None,
        };
        mobile::insert_device(connection, &device).await?;
        let sealed = sealing.seal(cx.entropy(), KEY_SEAL, &credential.to_string(), keys.pkcs8().expose())?;
        let parameters = serde_json::json!({ "demo_device": id });
        Ok(credentials::replace_secret(connection, credential, &sealed, &parameters).await?)
    }

    /// The phone of a person.
    pub async fn of(&self, cx: &Cx, username: &str) -> Result<Option<Arc<Phone>>, Fault> {
        let mut known = self.known.lock().await;
        if let Some(phone) = known.get(username) {
            return Ok(Some(Arc::clone(phone)));
        }
        let Some(person) = people::find_person_by_login(&cx.app.db, username).await? else { return Ok(None) };
        let held = credentials::list_credentials(&cx.app.db, person.id).await?;
        let Some(held) = held.into_iter().find(|held| held.kind == CredentialKind::MobileId) else { return Ok(None) };
        let Some(secret) = credentials::find_secret(&cx.app.db, held.id).await? else { return Ok(None) };
        let device = secret.parameters.get("demo_device").and_then(|id| id.as_str()).map(str::to_owned);
        let (Some(device), false) = (device, secret.sealed_secret.is_empty()) else { return Ok(None) };
        let pkcs8 = cx.app.secrets.sealing.open(KEY_SEAL, &held.id.to_string(), &secret.sealed_secret)?;
        let keys = Keys::from_pkcs8(pkcs8).map_err(Fault::internal)?;
        let (keys, http) = ((keys, offline(username), server_keys(cx)?), self.http.clone());
        let phone = Phone::enrolled(http, &self.base, &self.issuer, device, keys);
        let phone = Arc::new(phone);
        known.insert(username.to_owned(), Arc::clone(&phone));
        Ok(Some(phone))
    }

    /// Answers the pending request of a person as their phone would; what the server made of it. Waits a moment for a
    /// request that is on its way.
    pub async fn answer(&self, cx: &Cx, username: &str, number: Option<&str>) -> Result<String, Answering> {
        let phone = self.of(cx, username).await?.ok_or(Answering::NoPhone)?;
        for _ in 0..20 {
            let now = cx.app.clock.now();
            if let Some(request) = phone.poll(now).await? {
                return Ok(match number {
                    Some(number) => phone.approve(&request, number, now).await?,
                    None => phone.deny(&request, now).await?,
                });
            }
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
        Err(Answering::NoRequest)
    }
}

/// The key of a demo phone's offline codes: everybody may know it.
pub fn offline(username: &str) -> SecretBytes {
    let hash = sha256(format!("stepgate demo phone {username}").as_bytes());
    SecretBytes::new(hash.get(..20).unwrap_or_default().to_vec())
}

/// Why a demo phone did not answer.
#[derive(Debug, thiserror::Error)]
pub enum Answering {
    /// The person has none.
    #[error("this person has no phone")]
    NoPhone,
    /// It is not being asked.
    #[error("this person's phone is not being asked anything")]
    NoRequest,
    /// The protocol.
    #[error(transparent)]
    Phone(#[from] PhoneError),
    /// Ours.
    #[error(transparent)]
    Fault(#[from] Fault),
}
