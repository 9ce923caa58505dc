//! What satisfies a class: any of some combinations of factors.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::facts::{CredentialKind, FactorEvent, Method};
use crate::time::Timestamp;

/// Which events fill a place: all methods of a kind, or one method only.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub enum Selector {
    /// Any method of the kind.
    Kind(CredentialKind),
    /// This method only.
    Method(Method),
}

impl Selector {
    /// The kind of credential that can fill the place.
    pub const fn kind(self) -> CredentialKind {
        match self {
            Self::Kind(kind) => kind,
            Self::Method(method) => method.credential_kind(),
        }
    }

    fn accepts(self, method: Method) -> bool {
        match self {
            Self::Kind(kind) => method.credential_kind() == kind,
            Self::Method(wanted) => method == wanted,
        }
    }
}

impl TryFrom<String> for Selector {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        let kind = text.parse().map(Self::Kind);
        kind.or_else(|_| text.parse().map(Self::Method)).map_err(|_| format!("unknown factor {text}"))
    }
}

impl From<Selector> for String {
    fn from(selector: Selector) -> Self {
        match selector {
            Selector::Kind(kind) => kind.as_str().to_owned(),
            Selector::Method(method) => method.as_str().to_owned(),
        }
    }
}

/// One way to satisfy a class: each place filled by one event.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Combination {
    /// The places; each is filled by any one of its selectors.
    pub all_of: Vec<Vec<Selector>>,
    /// Whether the person must be identity-proofed: now, and when the device was shown (the password, where that is all).
    #[serde(skip_serializing_if = "is_false")]
    pub proofed: bool,
    /// Whether the keys must be attested to live in one device's hardware.
    #[serde(skip_serializing_if = "is_false")]
    pub device_bound: bool,
    /// Seconds after which a factor must be shown again.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub max_age_seconds: Option<u64>,
    /// Not accepted before (seconds since the Unix epoch).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub valid_from: Option<i64>,
    /// Not accepted from then on (seconds since the Unix epoch).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub valid_until: Option<i64>,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde passes a reference")]
fn is_false(value: &bool) -> bool {
    !value
}

impl Combination {
    /// Whether the combination is in force at `now`.
    pub fn in_force(&self, now: Timestamp) -> bool {
        let seconds = now.unix_seconds();
        self.valid_from.is_none_or(|from| from <= seconds) && self.valid_until.is_none_or(|until| seconds < until)
    }

    /// How old a factor may be.
    pub fn max_age(&self) -> Option<Duration> {
        self.max_age_seconds.map(Duration::from_secs)
    }

    /// The same combination, tightened: never accepts what it did not accept before.
    pub fn tightened(&self, proofed: bool, max_age_seconds: Option<u64>, refuse_restricted: bool) -> Self {
        let mut tight = self.clone();
        tight.proofed |= proofed;
        tight.max_age_seconds = [self.max_age_seconds, max_age_seconds].into_iter().flatten().min();
        if refuse_restricted {
            for place in &mut tight.all_of {
                place.retain(|selector| selector.kind() != CredentialKind::PhoneOtp);
            }
        }
        tight
    }

    /// Whether a place has been left without any selector: nothing can satisfy the combination.
    pub fn is_impossible(&self) -> bool {
        self.all_of.iter().any(Vec::is_empty)
    }

    /// Whether `event` fills the place, its age and credential aside.
    pub fn fills(&self, place: &[Selector], event: &FactorEvent, proofed_now: bool) -> bool {
        place.iter().any(|selector| selector.accepts(event.method))
            && (!self.proofed || proofed_now && (event.proofed || self.leaves_proofing_to_another(event)))
            && (!self.device_bound || event.evidence.device_bound)
    }

    /// Whether it is not this event that ties the proofed person to the session: beside a device that is shown after the
    /// proofing, the password may have been typed before. Nobody logs in anew because of a proofing.
    fn leaves_proofing_to_another(&self, event: &FactorEvent) -> bool {
        let is_password = |kind: CredentialKind| kind == CredentialKind::Password;
        is_password(event.method.credential_kind())
            && self.all_of.iter().any(|place| !place.iter().any(|selector| is_password(selector.kind())))
    }
}

/// A named requirement with the URIs that ask for it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct AcrClass {
    /// The name people see.
    pub name: String,
    /// The URIs that ask for it; the first is what tokens carry when nothing was asked.
    pub uris: Vec<super::Acr>,
    /// What satisfies it.
    pub any_of: Vec<Combination>,
    /// The class names a session of this strength when a request asks for nothing.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub names: Option<CredentialKind>,
    /// A class that a plain password login satisfies: asking for it is voluntary (OpenID Connect Core §3.1.2.1).
    #[serde(default, skip_serializing_if = "is_false")]
    pub voluntary: bool,
}
