//! One parked request and how far the person got with it.
//!
//! ```text
//!            name            right password
//! Identify ────────> Password ───────────┐      choose              right code, approved
//!    ^                  ^                v   ┌─────────> PhoneCode ────────┐
//!    │ other person     │ stale        next ──> Factor ─> MobileWait ──────┼──> next
//!    └──────────────────┴────────────────┤   ├─────────> HardwareCode ─────┤
//!                                        │   └─────────> SecurityKey ──────┘
//!                                        ├──> RequirementsNotMet
//!                                        └──> Consent ─── allow ───> next ──> finished
//! ```
//! A stage holds what its page needs and what nobody could work out again. Which stage comes is for `next` alone.

use serde::{Deserialize, Serialize};

use crate::assurance::CredentialKind;
use crate::authorize::{AuthorizationRequest, DeviceRequest};
use crate::credentials::suspension::ProofFor;
use crate::id::{ChallengeId, CredentialId, DeviceAuthorizationId, PersonId, PhoneId, SessionId};
use crate::time::Timestamp;

pub use super::portal::{Landing, LocalAddress, PortalPage};

/// A parked request.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Interaction {
    /// What the person came for.
    pub purpose: Purpose,
    /// When it began.
    pub started_at: Timestamp,
    /// Who alone may finish it.
    pub pinned: Option<Pinned>,
    /// What the person decided on the way.
    pub decided: Decided,
    /// Where a detour of our own leads back to, instead of the page that its purpose ends on.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub back: Option<Landing>,
    /// Where the person is.
    pub stage: Stage,
}

/// What the person came for.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "purpose", rename_all = "snake_case")]
pub enum Purpose {
    /// A client asks.
    Authorize {
        /// For this.
        request: Box<AuthorizationRequest>,
    },
    /// A device of the person's asks (RFC 8628). It ends with a yes or a no rather than with a redirect.
    Device {
        /// Which.
        device: DeviceAuthorizationId,
        /// For this.
        request: Box<DeviceRequest>,
    },
    /// Our own pages.
    Portal {
        /// Where to go afterwards.
        return_to: PortalPage,
    },
    /// The person wants to be stronger, from Manage OTP.
    Elevate {
        /// Who.
        person: PersonId,
        /// In which session.
        session: SessionId,
        /// With what.
        want: Want,
    },
}

/// What an elevation from our own pages is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Want {
    /// Any one-time password.
    AnyOtp,
    /// A credential of this kind.
    Kind(CredentialKind),
    /// Any one-time password, to choose a new password for the forgotten one.
    NewPassword,
    /// To see that this credential works. What is shown is added to no session.
    Test(CredentialId),
    /// To end the rest of this credential by a proof of its own. What is shown is added to no session.
    Resume(CredentialId),
}

/// Who alone may finish an interaction.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Pinned {
    /// This person,
    pub person: PersonId,
    /// and where it matters, only in this session (an elevation lifts the session that began it).
    pub session: Option<SessionId>,
}

/// What the person decided on the way.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Decided {
    /// Skip OTP.
    pub skipped_otp: bool,
    /// Allow.
    pub consented: bool,
    /// Log in with another account than the one that is logged in.
    pub other_account: bool,
}

/// Where the person is.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "stage", rename_all = "snake_case")]
pub enum Stage {
    /// Asked for the user ID.
    Identify,
    /// Asked for the password.
    Password {
        /// Of whom.
        login: Named,
    },
    /// Asked to choose a factor.
    Factor {
        /// What can be chosen: nothing else is accepted.
        choices: Vec<Choice>,
        /// Whether it can be left out.
        skip: SkipOtp,
    },
    /// A code was sent.
    PhoneCode {
        /// The code's challenge.
        challenge: ChallengeId,
        /// With this credential,
        credential: CredentialId,
        /// to this number.
        phone: PhoneId,
        /// Whether it can be left out.
        skip: SkipOtp,
    },
    /// The phone was asked.
    MobileWait {
        /// The question's challenge.
        challenge: ChallengeId,
        /// With this credential.
        credential: CredentialId,
        /// Whether it can be left out.
        skip: SkipOtp,
    },
    /// A security key was given something to sign.
    SecurityKey {
        /// What.
        challenge: ChallengeId,
        /// With this credential, or another key of the person.
        credential: CredentialId,
        /// Whether it can be left out.
        skip: SkipOtp,
    },
    /// Asked for the code that a token shows.
    HardwareCode {
        /// With this credential.
        credential: CredentialId,
        /// Whether it can be left out.
        skip: SkipOtp,
    },
    /// Asked to let the client in.
    Consent,
    /// Told that what the person holds does not do. Why is worked out anew each time: it may have changed.
    RequirementsNotMet,
}

impl Stage {
    /// The credential whose answer is awaited.
    pub fn credential(&self) -> Option<CredentialId> {
        match self {
            Self::PhoneCode { credential, .. }
            | Self::MobileWait { credential, .. }
            | Self::SecurityKey { credential, .. }
            | Self::HardwareCode { credential, .. } => Some(*credential),
            Self::Identify | Self::Password { .. } | Self::Factor { .. } | Self::Consent | Self::RequirementsNotMet => {
                None
            }
        }
    }

    /// Whether the person may leave the factor out here.
    pub fn skip(&self) -> SkipOtp {
        match self {
            Self::Factor { skip, .. }
            | Self::PhoneCode { skip, .. }
            | Self::MobileWait { skip, .. }
            | Self::SecurityKey { skip, .. }
            | Self::HardwareCode { skip, .. } => *skip,
            Self::Identify | Self::Password { .. } | Self::Consent | Self::RequirementsNotMet => SkipOtp::NotOffered,
        }
    }
}

/// Who wants to log in. An unknown name gets the same page, and the same answer, as a known one.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Named {
    /// Somebody with an account.
    Person(PersonId),
    /// Nobody; the name as it was typed, to show it again.
    Unknown(String),
}

/// A credential that can be chosen.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Choice {
    /// Which.
    pub credential: CredentialId,
    /// Of what kind.
    pub kind: CredentialKind,
}

/// Whether a page offers Skip OTP.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum SkipOtp {
    /// Nothing demands the factor.
    Offered,
    /// Something does.
    NotOffered,
}

/// The person is not where this can be done: an old page, or a forged request.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the login is not at the step that this belongs to")]
pub struct WrongStage;

impl Interaction {
    /// Begins one.
    pub fn begin(purpose: Purpose, now: Timestamp) -> Self {
        let pinned = match &purpose {
            Purpose::Authorize { request } => {
                request.hinted_subject.map(|hinted| Pinned { person: hinted.person, session: None })
            }
            Purpose::Device { .. } | Purpose::Portal { .. } => None,
            Purpose::Elevate { person, session, .. } => Some(Pinned { person: *person, session: Some(*session) }),
        };
        Self { purpose, started_at: now, pinned, decided: Decided::default(), back: None, stage: Stage::Identify }
    }

    /// The same, for a session that must be confirmed by a new login first.
    #[must_use]
    pub fn of_another_login(self) -> Self {
        Self { decided: Decided { other_account: true, ..self.decided }, ..self }
    }

    /// The one credential that is asked for, when the person came to test it or to end its rest.
    pub fn tested(&self) -> Option<CredentialId> {
        match self.purpose {
            Purpose::Elevate { want: Want::Test(credential) | Want::Resume(credential), .. } => Some(credential),
            _ => None,
        }
    }

    /// What a factor that is shown here is for.
    pub fn proof_for(&self) -> ProofFor {
        match self.purpose {
            Purpose::Elevate { want: Want::Resume(_), .. } => ProofFor::Resuming,
            _ => ProofFor::Use,
        }
    }

    /// The client's request, when a client asks.
    pub fn request(&self) -> Option<&AuthorizationRequest> {
        match &self.purpose {
            Purpose::Authorize { request } => Some(request),
            Purpose::Device { .. } | Purpose::Portal { .. } | Purpose::Elevate { .. } => None,
        }
    }

    /// The client that asks, itself or for a device.
    pub fn client_id(&self) -> Option<&str> {
        match &self.purpose {
            Purpose::Authorize { request } => Some(&request.client_id),
            Purpose::Device { request, .. } => Some(&request.client_id),
            Purpose::Portal { .. } | Purpose::Elevate { .. } => None,
        }
    }

    /// The person typed a user ID. Typing another one on the password page is a change of mind.
    ///
    /// # Errors
    /// [`WrongStage`] elsewhere.
    pub fn named(self, login: Named) -> Result<Self, WrongStage> {
        match self.stage {
            Stage::Identify | Stage::Password { .. } => Ok(Self { stage: Stage::Password { login }, ..self }),
            _ => Err(WrongStage),
        }
    }

    /// The person wants to type another user ID.
    ///
    /// # Errors
    /// [`WrongStage`] elsewhere than on the password page, or when the interaction is somebody's.
    pub fn somebody_else(self) -> Result<Self, WrongStage> {
        match (&self.stage, self.pinned) {
            (Stage::Password { .. }, None) => {
                Ok(Self { stage: Stage::Identify, decided: Decided { other_account: true, ..self.decided }, ..self })
            }
            _ => Err(WrongStage),
        }
    }

    /// The credential of a kind that the page offers.
    ///
    /// # Errors
    /// [`WrongStage`] when it does not offer one.
    pub fn offered(&self, kind: CredentialKind) -> Result<Choice, WrongStage> {
        match &self.stage {
            Stage::Factor { choices, .. } => {
                choices.iter().find(|choice| choice.kind == kind).copied().ok_or(WrongStage)
            }
            _ => Err(WrongStage),
        }
    }

    /// A code was sent to a phone; again from the code's page, when it is sent anew or to another number.
    ///
    /// # Errors
    /// [`WrongStage`] when the credential was not offered.
    pub fn code_sent(
        self,
        credential: CredentialId,
        phone: PhoneId,
        challenge: ChallengeId,
    ) -> Result<Self, WrongStage> {
        let skip = self.may_answer(credential)?;
        Ok(Self { stage: Stage::PhoneCode { challenge, credential, phone, skip }, ..self })
    }

    /// A request was sent to the person's phone.
    ///
    /// # Errors
    /// [`WrongStage`] when the credential was not offered.
    pub fn mobile_asked(self, credential: CredentialId, challenge: ChallengeId) -> Result<Self, WrongStage> {
        let skip = self.may_answer(credential)?;
        Ok(Self { stage: Stage::MobileWait { challenge, credential, skip }, ..self })
    }

    /// A security key was given something to sign; again from its own page, when the first answer was no good.
    ///
    /// # Errors
    /// [`WrongStage`] when the credential was not offered.
    pub fn key_asked(self, credential: CredentialId, challenge: ChallengeId) -> Result<Self, WrongStage> {
        let skip = self.may_answer(credential)?;
        Ok(Self { stage: Stage::SecurityKey { challenge, credential, skip }, ..self })
    }

    /// The person reads the code from a token.
    ///
    /// # Errors
    /// [`WrongStage`] when the credential was not offered.
    pub fn token_chosen(self, credential: CredentialId) -> Result<Self, WrongStage> {
        let skip = self.may_answer(credential)?;
        Ok(Self { stage: Stage::HardwareCode { credential, skip }, ..self })
    }

    /// The person wants to choose again: `next` makes the choice anew.
    ///
    /// # Errors
    /// [`WrongStage`] when no answer is awaited.
    pub fn choose_again(self) -> Result<Self, WrongStage> {
        if self.stage.credential().is_none() {
            return Err(WrongStage);
        }
        Ok(Self { stage: Stage::Identify, ..self })
    }

    /// The person left the factor out.
    ///
    /// # Errors
    /// [`WrongStage`] when that was not offered.
    pub fn skip_otp(self) -> Result<Self, WrongStage> {
        match self.stage.skip() {
            SkipOtp::Offered => Ok(Self { decided: Decided { skipped_otp: true, ..self.decided }, ..self }),
            SkipOtp::NotOffered => Err(WrongStage),
        }
    }

    /// The person let the client in.
    ///
    /// # Errors
    /// [`WrongStage`] elsewhere than on the consent page.
    pub fn consent(self) -> Result<Self, WrongStage> {
        match self.stage {
            Stage::Consent => Ok(Self { decided: Decided { consented: true, ..self.decided }, ..self }),
            _ => Err(WrongStage),
        }
    }

    fn may_answer(&self, credential: CredentialId) -> Result<SkipOtp, WrongStage> {
        let offered = match &self.stage {
            Stage::Factor { choices, .. } => choices.iter().any(|choice| choice.credential == credential),
            stage => stage.credential() == Some(credential),
        };
        if offered { Ok(self.stage.skip()) } else { Err(WrongStage) }
    }
}
