//! What a request requires: a set, not a number.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::class::{Combination, Selector};
use super::{Acr, Catalogue, CredentialKind};
use crate::time::Timestamp;

/// What an application accepts: its server-side floor. The default accepts any login.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct ApplicationPolicy {
    /// Any of these classes; empty accepts any login.
    pub accepts: Vec<Acr>,
    /// Whether the person must be identity-proofed.
    pub proofed: bool,
    /// Seconds after which a factor must be shown again.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub max_age_seconds: Option<u64>,
    /// Refuses factors over the telephone network (NIST SP 800-63B-4 §3.2.9).
    pub refuse_restricted: bool,
    /// The policy holds from then on (seconds since the Unix epoch).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub valid_from: Option<i64>,
    /// The policy holds until then (seconds since the Unix epoch).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub valid_until: Option<i64>,
}

impl ApplicationPolicy {
    fn in_force(&self, now: Timestamp) -> bool {
        let seconds = now.unix_seconds();
        self.valid_from.is_none_or(|from| from <= seconds) && self.valid_until.is_none_or(|until| seconds < until)
    }
}

/// What a request asks for, from all its sources.
#[derive(Clone, Debug)]
pub struct Ask<'a> {
    /// The client's floors: its application's policy, its own, those of the scopes. All of them hold.
    pub floors: &'a [ApplicationPolicy],
    /// The values of an essential `acr` claim; `Some` and empty when it is essential without values.
    pub essential_acr: Option<&'a [String]>,
    /// `acr_values`, best first; or those of a voluntary `acr` claim.
    pub acr_values: &'a [String],
    /// The client opted for the voluntary reading of `acr_values` (OpenID Connect Core §3.1.2.1).
    pub acr_values_voluntary: bool,
    /// `max_age`.
    pub max_age: Option<Duration>,
    /// `prompt=login`.
    pub login_prompted: bool,
    /// When the request came in.
    pub started_at: Timestamp,
}

/// Why no requirement can be made of a request.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum AskError {
    /// An essential `acr` names no class that this deployment knows.
    #[error("claims: none of the essential acr values is supported")]
    UnknownEssentialAcr,
    /// A floor names a class that is not configured.
    #[error("the application's policy names the unknown class {0}")]
    UnknownFloor(Acr),
}

/// One of the classes that a request asks for.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Asked {
    pub(super) acr: Acr,
    pub(super) name: String,
    pub(super) any_of: Vec<Combination>,
}

/// A floor: any of these combinations.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Floor {
    pub(super) names: Vec<String>,
    pub(super) any_of: Vec<Combination>,
}

/// A requirement: one of the asked classes, and every floor, and fresh enough. Kept with the parked request.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Requirement {
    pub(super) asked: Vec<Asked>,
    pub(super) floors: Vec<Floor>,
    /// Whether an asked class must hold, or would only be nice to have.
    pub(super) essential: bool,
    /// Factors shown before do not count.
    pub(super) not_before: Option<Timestamp>,
    /// Factors shown since then are fresh in any case: no freshness rule can make a login go round in circles.
    pub(super) started_at: Timestamp,
}

impl Requirement {
    /// The strictest of everything that is asked.
    ///
    /// # Errors
    /// An essential acr, or a floor, that names no known class.
    pub fn from_ask(catalogue: &Catalogue, ask: &Ask<'_>) -> Result<Self, AskError> {
        let in_force = ask.floors.iter().filter(|floor| floor.in_force(ask.started_at));
        let refuses_restricted = ask.floors.iter().any(|floor| floor.refuse_restricted);
        let floors = in_force.map(|policy| floor(catalogue, policy)).collect::<Result<Vec<_>, _>>()?;
        let values = match ask.essential_acr {
            Some(values) if !values.is_empty() => values,
            _ => ask.acr_values,
        };
        let classes: Vec<_> = values.iter().filter_map(|value| catalogue.class(value)).collect();
        if classes.is_empty() && ask.essential_acr.is_some_and(|values| !values.is_empty()) {
            return Err(AskError::UnknownEssentialAcr);
        }
        // Essential for every class above Password; a Password class among the values makes all of them a wish.
        let only_wished = ask.acr_values_voluntary || classes.iter().any(|(_, class)| class.voluntary);
        let tight = |combinations: &[Combination]| {
            combinations.iter().map(|combination| combination.tightened(false, None, refuses_restricted)).collect()
        };
        let asked = classes
            .iter()
            .map(|(acr, class)| Asked { acr: (*acr).clone(), name: class.name.clone(), any_of: tight(&class.any_of) })
            .collect();
        let age = if ask.login_prompted { Some(Duration::ZERO) } else { ask.max_age };
        Ok(Self {
            asked,
            floors,
            essential: ask.essential_acr.is_some() || !only_wished,
            not_before: age.map(|age| ask.started_at - age),
            started_at: ask.started_at,
        })
    }

    /// The floors alone: what a client demands of a token that it did not ask a person for.
    ///
    /// # Errors
    /// A floor that names no known class.
    pub fn of_floors(
        catalogue: &Catalogue,
        floors: &[ApplicationPolicy],
        started_at: Timestamp,
    ) -> Result<Self, AskError> {
        let ask = Ask {
            floors,
            essential_acr: None,
            acr_values: &[],
            acr_values_voluntary: false,
            max_age: None,
            login_prompted: false,
            started_at,
        };
        Self::from_ask(catalogue, &ask)
    }

    /// The requirement of *Elevate* on our own pages: any class above Password.
    pub fn elevation(started_at: Timestamp) -> Self {
        let class = super::defaults::any_otp();
        let asked =
            class.uris.into_iter().map(|acr| Asked { acr, name: class.name.clone(), any_of: class.any_of.clone() });
        Self { asked: asked.collect(), floors: Vec::new(), essential: true, not_before: None, started_at }
    }

    /// Whether anything above a plain login is demanded: then *Skip OTP* is not offered.
    pub fn demands_more_than_password(&self) -> bool {
        let beyond = |any_of: &[Combination]| !any_of.iter().any(is_plain_password);
        self.essential && !self.asked.is_empty() && self.asked.iter().all(|asked| beyond(&asked.any_of))
            || self.floors.iter().any(|floor| beyond(&floor.any_of))
    }

    /// The names of what is accepted, for people.
    pub fn names(&self) -> Vec<&str> {
        if self.asked.is_empty() {
            self.floors.iter().flat_map(|floor| floor.names.iter().map(String::as_str)).collect()
        } else {
            self.asked.iter().map(|asked| asked.name.as_str()).collect()
        }
    }

    /// Kinds of credential that may be used at all: what a partner refuses is never offered.
    pub fn allows(&self, kind: CredentialKind) -> bool {
        let mentions = |any_of: &[Combination]| {
            any_of.iter().any(|combination| {
                !combination.is_impossible()
                    && combination.all_of.iter().flatten().any(|selector| selector.kind() == kind)
            })
        };
        let asked = self.asked.is_empty() || !self.essential || self.asked.iter().any(|asked| mentions(&asked.any_of));
        asked && self.floors.iter().all(|floor| floor.any_of.iter().any(is_plain_password) || mentions(&floor.any_of))
    }
}

fn is_plain_password(combination: &Combination) -> bool {
    !combination.proofed
        && combination.all_of.iter().all(|place| place.contains(&Selector::Kind(CredentialKind::Password)))
}

fn floor(catalogue: &Catalogue, policy: &ApplicationPolicy) -> Result<Floor, AskError> {
    let tight = |combination: &Combination| {
        combination.tightened(policy.proofed, policy.max_age_seconds, policy.refuse_restricted)
    };
    let mut floor = Floor { names: Vec::new(), any_of: Vec::new() };
    for acr in &policy.accepts {
        let (_, class) = catalogue.class(acr.as_str()).ok_or_else(|| AskError::UnknownFloor(acr.clone()))?;
        let suffix = if policy.proofed && !class.name.ends_with("proofed") { ", proofed" } else { "" };
        floor.names.push(format!("{}{suffix}", class.name));
        floor.any_of.extend(class.any_of.iter().map(tight));
    }
    if policy.accepts.is_empty() {
        let suffix = if policy.proofed { "a proofed login" } else { "any login" };
        floor.names.push(suffix.to_owned());
        floor.any_of.extend(any_login().iter().map(tight));
    }
    Ok(floor)
}

/// What every request needs, whatever it asks for: somebody who logged in.
pub(super) fn any_login() -> Vec<Combination> {
    [Selector::Kind(CredentialKind::Password), Selector::Method(super::Method::SecurityKeyVerified)]
        .into_iter()
        .map(|selector| Combination { all_of: vec![vec![selector]], ..Combination::default() })
        .collect()
}
