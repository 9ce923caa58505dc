//! Which makes of security key a deployment takes, who vouches for them, and what is known against them (WebAuthn §6.5,
//! §7.1; FIDO MDS).
//!
//! Without a list and without metadata any key is taken, none is asked what it is, and none is believed to be hardware:
//! `phrh` is earned only by what somebody vouches for (ADR 0024).

mod metadata;

use std::collections::BTreeMap;
use std::path::PathBuf;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use stepgate_core::credentials::fido_metadata::{Metadata, Model, Trouble};
use stepgate_core::time::Timestamp;
use uuid::Uuid;
use webauthn_rs::prelude::{AttestationCaListBuilder, AttestationMetadata, SecurityKey, SecurityKeyRegistration};

use crate::fault::Fault;
use crate::tls::read_certificates;

/// Security keys and passkeys.
#[derive(Clone, Debug, Default, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct SecurityKeySettings {
    /// Whether people may add a security key or a passkey for nothing, or need a subscription that was bought for it. Keys
    /// that are there stay.
    pub offer: KeyOffer,
    /// The makes of key that may be added. Any key when empty.
    pub accepted: Vec<AcceptedKey>,
    /// Whether keys have to know their holder (by a PIN, a finger, a face) besides being touched.
    pub user_verification: UserVerification,
    /// A file of the FIDO Metadata Service (a BLOB, as <https://mds3.fidoalliance.org> gives it). What it vouches for
    /// earns hardware protection, and what it reports as broken or revoked does not. It is read at the start: renew it
    /// by the day that it names, and start anew.
    pub metadata_file: Option<PathBuf>,
    /// A file of PEM certificates: the authorities above whoever signs the metadata (for FIDO's, GlobalSign Root R3).
    pub metadata_roots: Option<PathBuf>,
}

/// What a key of one's own costs.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum KeyOffer {
    /// Nothing: anybody adds keys. What is bought is a year beside it, as an organization or an application may want it.
    #[default]
    Free,
    /// Each key that is added takes a subscription from the catalogue.
    Sold,
}

/// One make of key.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct AcceptedKey {
    /// Its name, for people.
    pub name: String,
    /// Its AAGUID, as the FIDO metadata service lists it: `ee882879-721c-4913-9775-3dfcce97072a`.
    pub aaguid: String,
    /// A file of PEM certificates: the attestation roots that the metadata service lists with it. Not needed where the
    /// metadata file has them.
    #[serde(default)]
    pub roots: Option<PathBuf>,
}

/// Whether a key has to know its holder.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum UserVerification {
    /// Always: a key without a PIN, a finger or a face is not added, and a touch alone does not count.
    Required,
    /// Where the key can. One that did when it was added must do so at every use; one that only knows a touch is a
    /// second factor beside the password.
    #[default]
    Preferred,
    /// Never asked for beside a password: a touch is enough. A login by a passkey alone verifies its holder all the same.
    Discouraged,
}

impl UserVerification {
    /// What a browser is told (WebAuthn §5.8.6).
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Required => "required",
            Self::Preferred => "preferred",
            Self::Discouraged => "discouraged",
        }
    }
}

/// Who vouches for keys, and what is known against them. By default: nobody, and nothing.
#[derive(Default)]
pub struct Attestation {
    /// The authorities above each model, as the library writes them down.
    authorities: BTreeMap<Uuid, Value>,
    /// Whether only what they vouch for may be added.
    only: bool,
    /// The models that something was reported about, or will be.
    models: BTreeMap<Uuid, Model>,
    /// Number of the metadata, and when there is a newer one.
    metadata: Option<(u64, Timestamp)>,
}

impl Attestation {
    /// Reads what the settings name.
    ///
    /// # Errors
    /// Which setting is unfit, and why.
    pub fn load(settings: &SecurityKeySettings, now: Timestamp) -> Result<Self, String> {
        let metadata = metadata::load(settings, now)?;
        let mut authorities = BTreeMap::new();
        for key in &settings.accepted {
            let unfit = |why: &str| format!("security_keys.accepted {}: {why}", key.name);
            let aaguid = Uuid::try_parse(&key.aaguid).map_err(|_| unfit("aaguid is not a UUID"))?;
            let roots = roots(key, aaguid, metadata.as_ref())?;
            let (list, unread) = listed(aaguid, &key.name, &roots)?;
            if unread > 0 {
                return Err(unfit("roots holds a certificate that cannot be read"));
            }
            authorities.insert(aaguid, list);
        }
        let only = !settings.accepted.is_empty();
        for model in metadata.iter().flat_map(|metadata| &metadata.models).filter(|_| !only) {
            let (list, unread) = listed(model.aaguid, &model.name, &model.roots)?;
            if unread > 0 {
                tracing::warn!(model = %model.name, aaguid = %model.aaguid, "a root of the metadata cannot be read");
            }
            if unread < model.roots.len() {
                authorities.insert(model.aaguid, list);
            }
        }
        let dates = metadata.as_ref().map(|metadata| (metadata.number, metadata.next_update));
        let models = metadata.map(|metadata| metadata.models).unwrap_or_default();
        let models = models.into_iter().map(|model| (model.aaguid, model)).collect();
        Ok(Self { authorities, only, models, metadata: dates })
    }

    /// Whether keys are asked what they are.
    pub fn asks(&self) -> bool {
        !self.authorities.is_empty()
    }

    /// Whether nothing else may be added than what somebody vouches for.
    pub const fn only(&self) -> bool {
        self.only
    }

    /// The registration that a key answered, to be judged by the authorities above the model that it says it is; `None`
    /// where there are none. They are put into it only now: hundreds of certificates have no place in each challenge, and
    /// those of other models none beside each other, for the library tells authorities apart by their names.
    ///
    /// # Errors
    /// The library's state has another form.
    pub fn judging(
        &self,
        key: &SecurityKey,
        state: &SecurityKeyRegistration,
    ) -> Result<Option<SecurityKeyRegistration>, Fault> {
        let Some(authorities) = model(key).and_then(|model| self.authorities.get(&model)) else { return Ok(None) };
        let mut state = serde_json::to_value(state).map_err(Fault::internal)?;
        let place = state.get_mut("ca_list").ok_or_else(|| Fault::internal("the WebAuthn state has no ca_list"))?;
        place.clone_from(authorities);
        serde_json::from_value(state).map(Some).map_err(Fault::internal)
    }

    /// What is known against the model of an attested key.
    pub fn trouble(&self, key: &SecurityKey, now: Timestamp) -> Option<Trouble> {
        self.models.get(&model(key)?)?.trouble(now)
    }

    /// The metadata's number, the day by which it was to be renewed, and whether that has passed.
    pub fn age(&self, now: Timestamp) -> Option<(u64, Timestamp, bool)> {
        self.metadata.map(|(number, next)| (number, next, next + metadata::DAY <= now))
    }
}

/// The model that a key says it is, in what its maker signed.
fn model(key: &SecurityKey) -> Option<Uuid> {
    match &key.attestation().metadata {
        AttestationMetadata::Packed { aaguid } | AttestationMetadata::Tpm { aaguid, .. } => Some(*aaguid),
        _ => None,
    }
}

/// The authorities above one model, and how many of them cannot be read.
fn listed(model: Uuid, name: &str, roots: &[Vec<u8>]) -> Result<(Value, usize), String> {
    let (mut list, mut unread) = (AttestationCaListBuilder::new(), 0);
    for root in roots {
        unread += usize::from(list.insert_device_der(root, model, name.to_owned(), BTreeMap::new()).is_err());
    }
    let list = serde_json::to_value(list.build()).map_err(|error| format!("security_keys: {error}"))?;
    Ok((list, unread))
}

/// Who vouches for an accepted make.
fn roots(key: &AcceptedKey, aaguid: Uuid, metadata: Option<&Metadata>) -> Result<Vec<Vec<u8>>, String> {
    if let Some(file) = &key.roots {
        let read = read_certificates("security_keys.accepted.roots", file).map_err(|error| error.to_string())?;
        return Ok(read.iter().map(|root| root.to_vec()).collect());
    }
    let listed = metadata.and_then(|metadata| metadata.models.iter().find(|model| model.aaguid == aaguid));
    match listed {
        Some(model) if !model.roots.is_empty() => Ok(model.roots.clone()),
        _ => Err(format!(
            "security_keys.accepted {}: name a file of roots; there is no metadata_file that lists any for it",
            key.name
        )),
    }
}
