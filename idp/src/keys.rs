//! The signing keys in force: made on first start, sealed in the store, rotated by age and by command.

use quick_cache::sync::Cache;
use stepgate_core::entropy::Entropy;
use stepgate_core::jose::{
    self, JoseError, Jwk, JwkSet, KeyStage, KeyTimes, NewKey, Plan, PrivateKey, PublicKeys, SigningAlgorithm,
    VerifyRules, plan_rotation, stage,
};
use stepgate_core::secret::{SealError, SealingKeys, TokenHash};
use stepgate_core::time::Timestamp;
use stepgate_core::token::PresentedAccessToken;
use stepgate_store::keys::{self as store, StoredKey};
use stepgate_store::{Db, StoreError};

use crate::discovery::Document;
use crate::fault::Fault;

const SEAL: &str = "signing key";

/// How many tokens a key set remembers to have verified.
const REMEMBERED: usize = 4096;

/// The keys in force, parsed. Replaced as a whole when keys change.
pub struct KeySet {
    signers: Vec<PrivateKey>,
    public: PublicKeys,
    jwks: Document,
    /// Which keys there are and where each stands; what tells that something has changed.
    stages: Vec<(String, KeyStage)>,
    loaded_at: Timestamp,
    /// Tokens that these keys have verified. They are shown again and again, and a signature that was right stays so;
    /// what else a token's worth depends on is asked each time.
    verified: Cache<TokenHash, PresentedAccessToken>,
}

impl KeySet {
    /// The key that signs with an algorithm now.
    pub fn signer(&self, algorithm: SigningAlgorithm) -> Option<&PrivateKey> {
        self.signers.iter().find(|key| key.algorithm() == algorithm)
    }

    /// All published keys: next, current and previous.
    pub const fn public(&self) -> &PublicKeys {
        &self.public
    }

    /// What an access token says, if one of these keys signed it.
    pub fn read_access_token(&self, token: &str) -> Option<PresentedAccessToken> {
        let hash = TokenHash::of(token);
        if let Some(known) = self.verified.get(&hash) {
            return Some(known);
        }
        let rules = VerifyRules::typ(SigningAlgorithm::ALL, &["at+jwt"]);
        let claims = jose::verify::<PresentedAccessToken>(token, &self.public, &rules).ok()?.claims;
        self.verified.insert(hash, claims.clone());
        Some(claims)
    }

    /// Whether a key of that id is among them.
    pub fn knows(&self, kid: &str) -> bool {
        self.stages.iter().any(|(known, _)| known == kid)
    }

    /// When they were loaded.
    pub const fn loaded_at(&self) -> Timestamp {
        self.loaded_at
    }

    /// The published keys as a document.
    pub const fn jwks(&self) -> &Document {
        &self.jwks
    }
}

/// Why a key cannot be made or opened.
#[derive(Debug, thiserror::Error)]
enum KeyError {
    #[error("signing key: {0}")]
    Seal(#[from] SealError),
    #[error("signing key: {0}")]
    Jose(#[from] JoseError),
    #[error("signing key: {0}")]
    Json(#[from] serde_json::Error),
}

/// Loads the keys that are in force.
pub async fn load(db: &Db, sealing: &SealingKeys, now: Timestamp) -> Result<KeySet, Fault> {
    open(&store::list_keys(db).await?, sealing, now).map_err(Fault::internal)
}

/// Loads the keys again where another process has made new ones, or one's time has come.
pub async fn load_if_changed(
    db: &Db,
    sealing: &SealingKeys,
    known: &KeySet,
    now: Timestamp,
) -> Result<Option<KeySet>, Fault> {
    let stored = store::list_keys(db).await?;
    if stages(&stored, now) == known.stages {
        return Ok(None);
    }
    open(&stored, sealing, now).map(Some).map_err(Fault::internal)
}

fn stages(stored: &[StoredKey], now: Timestamp) -> Vec<(String, KeyStage)> {
    let stages = stored.iter().map(|key| (key.times.kid.clone(), stage(&key.times, now)));
    stages.filter(|(_, stage)| *stage != KeyStage::Gone).collect()
}

fn open(stored: &[StoredKey], sealing: &SealingKeys, now: Timestamp) -> Result<KeySet, KeyError> {
    let mut published: Vec<&StoredKey> = stored.iter().filter(|key| stage(&key.times, now) != KeyStage::Gone).collect();
    // The default algorithm first: some clients look no further.
    published.sort_by_key(|key| (key.times.algorithm, std::cmp::Reverse(key.times.signs_from)));
    let mut signers = Vec::new();
    let mut keys = Vec::new();
    for key in published {
        keys.push(serde_json::from_str::<Jwk>(&key.public_jwk)?);
        if stage(&key.times, now) == KeyStage::Current {
            let pkcs8 = sealing.open(SEAL, &key.times.kid, &key.sealed_private)?;
            signers.push(PrivateKey::from_pkcs8(key.times.algorithm, &pkcs8)?);
        }
    }
    let set = JwkSet { keys };
    Ok(KeySet {
        signers,
        public: PublicKeys::new(&set),
        jwks: Document::new(serde_json::to_vec(&set)?),
        stages: stages(stored, now),
        loaded_at: now,
        verified: Cache::new(REMEMBERED),
    })
}

/// Makes the keys that are due by age. Several nodes may do so at once: for each algorithm and moment one key stands.
pub async fn rotate_by_age(
    db: &Db,
    sealing: &SealingKeys,
    entropy: &dyn Entropy,
    now: Timestamp,
) -> Result<bool, Fault> {
    let times: Vec<KeyTimes> = store::list_keys(db).await?.into_iter().map(|key| key.times).collect();
    let plan = plan_rotation(&times, SigningAlgorithm::ALL, now);
    carry_out(db, sealing, entropy, plan, now).await
}

/// Makes new keys now; the old ones stay published until everything that they signed has expired.
pub async fn rotate_now(db: &Db, sealing: &SealingKeys, entropy: &dyn Entropy, now: Timestamp) -> Result<bool, Fault> {
    let times: Vec<KeyTimes> = store::list_keys(db).await?.into_iter().map(|key| key.times).collect();
    carry_out(db, sealing, entropy, Plan::at_once(&times, SigningAlgorithm::ALL, now), now).await
}

async fn carry_out(
    db: &Db,
    sealing: &SealingKeys,
    entropy: &dyn Entropy,
    plan: Plan,
    now: Timestamp,
) -> Result<bool, Fault> {
    let changed = !plan.create.is_empty();
    for new in plan.create {
        let key = make(new, sealing, entropy, now).map_err(Fault::internal)?;
        store::insert_key(db, &key).await?;
    }
    for times in plan.update {
        store::update_key_times(db, &times).await?;
    }
    Ok(changed)
}

fn make(new: NewKey, sealing: &SealingKeys, entropy: &dyn Entropy, now: Timestamp) -> Result<StoredKey, KeyError> {
    let pkcs8 = PrivateKey::generate_pkcs8(new.algorithm)?;
    let key = PrivateKey::from_pkcs8(new.algorithm, &pkcs8)?;
    Ok(StoredKey {
        times: KeyTimes {
            kid: key.kid().to_owned(),
            algorithm: new.algorithm,
            signs_from: new.signs_from,
            signs_until: None,
            published_until: None,
        },
        sealed_private: sealing.seal(entropy, SEAL, key.kid(), pkcs8.expose())?,
        public_jwk: serde_json::to_string(key.public_jwk())?,
        created_at: now,
    })
}

/// All keys, for the operator.
pub async fn list(db: &Db) -> Result<Vec<StoredKey>, StoreError> {
    store::list_keys(db).await
}
