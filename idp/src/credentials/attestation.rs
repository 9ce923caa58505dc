//! Which makes of security key a deployment takes, and who vouches for them (WebAuthn §6.5, §7.1).
//!
//! Without a list any key is taken, none is asked what it is, and none is believed to be hardware: `phrh` is earned
//! with a list only.

use std::path::PathBuf;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use uuid::Uuid;
use webauthn_rs::prelude::{AttestationCaList, AttestationCaListBuilder};

use crate::tls::read_certificates;

/// Security keys and passkeys.
#[derive(Clone, Debug, Default, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct SecurityKeySettings {
    /// The makes of key that may be added, each with who vouches for it. Any key when empty.
    pub accepted: Vec<AcceptedKey>,
}

/// One make of key.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct AcceptedKey {
    /// Its name, for people.
    pub name: String,
    /// Its AAGUID, as the FIDO metadata service lists it: `ee882879-721c-4913-9775-3dfcce97072a`.
    pub aaguid: String,
    /// A file of PEM certificates: the attestation roots that the metadata service lists with it.
    pub roots: PathBuf,
}

/// The authorities of the settings; `None` where any key is taken.
///
/// # Errors
/// Which setting is unfit, and why.
pub fn attesters(settings: &SecurityKeySettings) -> Result<Option<AttestationCaList>, String> {
    let mut list = AttestationCaListBuilder::new();
    for key in &settings.accepted {
        let unfit = |why: &str| format!("security_keys.accepted {}: {why}", key.name);
        let aaguid = Uuid::try_parse(&key.aaguid).map_err(|_| unfit("aaguid is not a UUID"))?;
        let roots = read_certificates("security_keys.accepted.roots", &key.roots).map_err(|error| error.to_string())?;
        for root in roots {
            list.insert_device_der(&root, aaguid, key.name.clone(), std::collections::BTreeMap::new())
                .map_err(|_| unfit("roots holds a certificate that cannot be read"))?;
        }
    }
    let list = list.build();
    Ok((!list.is_empty()).then_some(list))
}
