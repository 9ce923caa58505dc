//! Password hashes: Argon2id over a peppered password, on threads of its own.
//!
//! Owns the format, the cost and the queue. Never decides whether a login succeeds, counts no failures, and logs neither
//! passwords nor hashes. The rules for choosing a password are in `stepgate_core::credentials::password`.

mod settings;
mod pepper;
mod phc;
mod pool;
#[cfg(test)]
mod tests;

use stepgate_core::credentials::password::MAX_BYTES;
use stepgate_core::entropy::Entropy;
use stepgate_core::secret::{SecretString, constant_time_eq};

use phc::{Cost, Phc};
use pool::{Pool, Work};

pub use pepper::{Pepper, PepperError, Peppers};
pub use phc::PhcError;
pub use pool::PoolError;
pub use settings::PasswordSettings;

const SALT_BYTES: usize = 16;
const HASH_BYTES: usize = 32;

/// What a password turned out to be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verification {
    /// The right one.
    Verified {
        /// The stored hash has another cost or pepper than configured: hash the password again and store that.
        needs_rehash: bool,
    },
    /// Another one.
    Wrong,
}

/// Why no hash was computed.
#[derive(Debug, thiserror::Error)]
pub enum PasswordHashError {
    /// More than [`MAX_BYTES`]; refused before any hashing.
    #[error("the password is longer than {MAX_BYTES} bytes")]
    TooLong,
    /// Too many are waiting, or a worker failed.
    #[error(transparent)]
    Pool(#[from] PoolError),
    /// The stored hash cannot be read.
    #[error("the stored password hash cannot be used: {0}")]
    Stored(#[from] PhcError),
    /// The stored hash was made with a pepper that is not configured.
    #[error("the stored password hash needs pepper {0}, which is not configured")]
    UnknownPepper(String),
}

/// Why no hasher could be set up.
#[derive(Debug, thiserror::Error)]
pub enum PasswordSetupError {
    /// The cost lies outside of what is allowed.
    #[error("passwords: {0}")]
    Cost(#[from] PhcError),
    /// The operating system gave no threads.
    #[error("the threads for password hashing could not be started: {0}")]
    Threads(#[from] std::io::Error),
}

/// Hashes and checks passwords; shared by all requests.
pub struct PasswordHasher {
    cost: Cost,
    peppers: Peppers,
    pool: Pool,
    /// A hash in today's form that no password has.
    nobody: String,
}

impl PasswordHasher {
    /// Starts the threads. `entropy` gives the salt of the hash that unknown people are checked against.
    pub fn new(
        settings: &PasswordSettings,
        peppers: Peppers,
        entropy: &dyn Entropy,
    ) -> Result<Self, PasswordSetupError> {
        let cost = Cost::new(settings.memory_kib, settings.iterations, settings.parallelism)?;
        let mut nobody_hash = [0; HASH_BYTES];
        entropy.fill(&mut nobody_hash);
        let nobody =
            Phc { cost, key_id: Some(peppers.current().id()), salt: salt(entropy), hash: nobody_hash.to_vec() }
                .encode();
        let pool = Pool::start(settings.thread_count(), settings.queue.max(1), pool::argon2id)?;
        Ok(Self { cost, peppers, pool, nobody })
    }

    /// How many passwords wait to be hashed.
    pub fn waiting(&self) -> usize {
        self.pool.waiting()
    }

    /// The PHC string of `password`, with a salt out of `entropy`.
    pub async fn hash(&self, password: &SecretString, entropy: &dyn Entropy) -> Result<String, PasswordHashError> {
        check_length(password)?;
        let pepper = self.peppers.current();
        let salt = salt(entropy);
        let work = Work { cost: self.cost, input: pepper.apply(password), salt: salt.clone(), hash_bytes: HASH_BYTES };
        let hash = self.pool.run(work).await?;
        Ok(Phc { cost: self.cost, key_id: Some(pepper.id()), salt, hash: hash.expose().clone() }.encode())
    }

    /// Whether `password` is the one whose PHC string is `stored`.
    pub async fn verify(&self, password: &SecretString, stored: &str) -> Result<Verification, PasswordHashError> {
        check_length(password)?;
        let stored = Phc::parse(stored)?;
        let input = match stored.key_id {
            Some(id) => self
                .peppers
                .find(id)
                .ok_or_else(|| PasswordHashError::UnknownPepper(data_encoding::HEXLOWER.encode(&id)))?
                .apply(password),
            // Brought along from another system.
            None => pepper::unpeppered(password),
        };
        let work = Work { cost: stored.cost, input, salt: stored.salt.clone(), hash_bytes: stored.hash.len() };
        let computed = self.pool.run(work).await?;
        if !constant_time_eq(computed.expose(), &stored.hash) {
            return Ok(Verification::Wrong);
        }
        let is_current = stored.cost == self.cost
            && stored.key_id == Some(self.peppers.current().id())
            && stored.hash.len() == HASH_BYTES;
        Ok(Verification::Verified { needs_rehash: !is_current })
    }

    /// For a person who does not exist: the same path, cost and queue as [`Self::verify`], and always wrong.
    pub async fn verify_nobody(&self, password: &SecretString) -> Result<Verification, PasswordHashError> {
        self.verify(password, &self.nobody).await.map(|_| Verification::Wrong)
    }
}

fn check_length(password: &SecretString) -> Result<(), PasswordHashError> {
    if password.expose().len() > MAX_BYTES { Err(PasswordHashError::TooLong) } else { Ok(()) }
}

fn salt(entropy: &dyn Entropy) -> Vec<u8> {
    let mut salt = vec![0; SALT_BYTES];
    entropy.fill(&mut salt);
    salt
}
