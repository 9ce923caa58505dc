//! Why a credential is suspended, and what ends that (NIST SP 800-63B-4 §4.3, §4.5).
//!
//! ```text
//! Active ── pause, lost, not me, administrator ──> Suspended
//! Suspended ── fresh other factor; after a pause also the credential itself ──> Active
//! ```

use std::str::FromStr;

/// Why.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Cause {
    /// Its holder put it to rest for a while.
    Paused,
    /// Its holder does not have it any more, or somebody else may.
    Lost,
    /// Its holder followed the link in a notice: *this was not me*.
    NotMe,
    /// An administrator did it.
    Administrator,
}

/// What must be shown to end a suspension.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Remedy {
    /// A fresh factor; the password, where nothing else is held.
    AnyFreshFactor,
    /// Another credential than a password, fresh.
    OtherCredential,
    /// Nothing that its holder has: an administrator decides.
    Administrator,
}

/// What a proof of a credential is for; it must be in another stage for each.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ProofFor {
    /// To authenticate, or to see that it works: it is in use.
    Use,
    /// To end a pause: its holder has put it to rest. It earns nothing else.
    Resuming,
}

impl Cause {
    /// Its name in rows.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Paused => "paused",
            Self::Lost => "lost",
            Self::NotMe => "not_me",
            Self::Administrator => "administrator",
        }
    }

    /// What ends it. Whoever has only stolen the password cannot bring a lost credential back.
    pub const fn remedy(self) -> Remedy {
        match self {
            Self::Paused => Remedy::AnyFreshFactor,
            Self::Lost | Self::NotMe => Remedy::OtherCredential,
            Self::Administrator => Remedy::Administrator,
        }
    }
}

impl FromStr for Cause {
    type Err = ();

    fn from_str(text: &str) -> Result<Self, ()> {
        [Self::Paused, Self::Lost, Self::NotMe, Self::Administrator]
            .into_iter()
            .find(|cause| cause.as_str() == text)
            .ok_or(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_come_back_and_only_a_pause_ends_with_any_factor() {
        for cause in [Cause::Paused, Cause::Lost, Cause::NotMe, Cause::Administrator] {
            assert_eq!(cause.as_str().parse(), Ok(cause));
            assert_eq!(cause.remedy() == Remedy::AnyFreshFactor, cause == Cause::Paused);
        }
        assert_eq!("".parse::<Cause>(), Err(()));
    }
}
