//! The life of a credential: what they all share. Each kind has a module of its own.

pub mod throttle;
pub mod password;
pub mod phone_otp;
pub mod hardware_token;
pub mod web_push;
pub mod mobile_id;
pub mod fido_metadata;
pub mod recovery;
pub mod reset;
pub mod suspension;

use crate::assurance::{CredentialKind, CredentialState, HeldCredential};
use crate::id::{CredentialId, DeviceId, PersonId, PhoneId};
use crate::secret::SecretBytes;
use crate::time::Timestamp;

/// A credential as it is kept. Secrets are sealed and live beside it, not in it.
#[derive(Clone, Debug)]
pub struct Credential {
    /// Its id.
    pub id: CredentialId,
    /// Whose.
    pub person: PersonId,
    /// Of what kind.
    pub kind: CredentialKind,
    /// The name its holder gave it.
    pub label: String,
    /// The serial number or masked number that people know it by.
    pub serial: Option<String>,
    /// The stored stage: `Pending`, `Active`, `Suspended` or `Revoked`. [`Credential::state`] adds what time and
    /// failures make of it.
    pub stage: CredentialState,
    /// Failed tries since the last success; survives restarts, right over all nodes.
    pub failures: u32,
    /// No try is accepted before this time.
    pub retry_at: Option<Timestamp>,
    /// When it last authenticated the person.
    pub last_used_at: Option<Timestamp>,
    /// When it was bound to a device.
    pub activated_at: Option<Timestamp>,
    /// When its subscription was bought; `None` where none is needed.
    pub purchased_at: Option<Timestamp>,
    /// When its subscription ends; `None` where none is needed.
    pub expires_at: Option<Timestamp>,
    /// When the row was made.
    pub created_at: Timestamp,
}

/// Consecutive failures after which a credential is disabled for good and must be bound again (NIST SP 800-63B-4
/// §3.2.2 allows 100 at most).
pub const MAX_FAILURES: u32 = 50;

impl Credential {
    /// The state at `now`. Revoked and suspended win over expired, expired over locked.
    pub fn state(&self, now: Timestamp) -> CredentialState {
        match self.stage {
            CredentialState::Active if self.expires_at.is_some_and(|end| end <= now) => CredentialState::Expired,
            CredentialState::Active if self.failures >= MAX_FAILURES => CredentialState::Locked,
            stage => stage,
        }
    }

    /// What the assurance module needs to know of it.
    pub fn held(&self, now: Timestamp) -> HeldCredential {
        HeldCredential { id: self.id, kind: self.kind, state: self.state(now), last_used: self.last_used_at }
    }
}

/// One telephone number of a Phone OTP credential. The number itself is sealed; this is what may be shown.
#[derive(Clone, Debug)]
pub struct Phone {
    /// Its id.
    pub id: PhoneId,
    /// The credential it belongs to.
    pub credential: CredentialId,
    /// `•••• 0101`.
    pub masked: String,
    /// Whether it takes text messages.
    pub text: bool,
    /// Whether it takes calls.
    pub voice: bool,
    /// Offered first.
    pub preferred: bool,
    /// When a code proved possession.
    pub verified_at: Option<Timestamp>,
}

/// One phone enrolled for Mobile ID.
#[derive(Clone)]
pub struct MobileDevice {
    /// Its id.
    pub id: DeviceId,
    /// The credential it belongs to.
    pub credential: CredentialId,
    /// The person who enrolled it.
    pub person: PersonId,
    /// The name shown to its holder.
    pub label: String,
    /// Its public key, a JWK in JSON.
    pub public_jwk: String,
    /// The sealed key of its offline codes.
    pub sealed_totp: SecretBytes,
    /// The last TOTP step that was accepted.
    pub last_step: u64,
    /// The highest sequence number seen; a lower one is a clone.
    pub sequence: u64,
    /// Whether the enrolling browser has confirmed it.
    pub active: bool,
    /// The credential with which it verifies its user, as the verifying library keeps it; `None` where it does not.
    pub verifier: Option<String>,
    /// The keys that take over with the first message that they sign.
    pub next: Option<NextKeys>,
    /// The public key that it had before: whoever signs with it now has a copy.
    pub previous_jwk: Option<String>,
    /// The sealed place that wakes it up.
    pub sealed_push: Option<Vec<u8>>,
    /// When it was enrolled.
    pub created_at: Timestamp,
    /// When its keys were made.
    pub keyed_at: Timestamp,
    /// When, by its own clock, it made the last message that was accepted.
    pub message_at: Option<Timestamp>,
    /// When it was last heard of.
    pub seen_at: Option<Timestamp>,
    /// Since when it counts no more, because there seem to be two of it.
    pub suspended_at: Option<Timestamp>,
}

/// The keys that a phone has announced.
#[derive(Clone)]
pub struct NextKeys {
    /// Its public key, a JWK in JSON.
    pub public_jwk: String,
    /// The sealed key of its offline codes.
    pub sealed_totp: SecretBytes,
}

impl MobileDevice {
    /// Whether it may approve, and be asked.
    pub const fn usable(&self) -> bool {
        self.active && self.suspended_at.is_none()
    }
}
