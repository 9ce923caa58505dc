//! Identity proofing by an agent: what is recorded of it, and who may decide.
//!
//! Recorded is the outcome: how the identity was seen and to which level, which kind of document, from which country,
//! until when it is valid, and that the name is the account's. Never a document's number, nor a picture of it.

use jiff::civil::Date;

use crate::id::PersonId;
use crate::time::Timestamp;

/// Where a request stands.
///
/// ```text
/// asked ─→ approved   by an agent: the person is proofed
///   └────→ refused    by an agent, with a reason; the person can ask again
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ProofingStage {
    /// It waits for an agent.
    Asked,
    /// The person is proofed.
    Approved,
    /// They are not.
    Refused,
}

impl ProofingStage {
    /// The name as the store keeps it.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Asked => "asked",
            Self::Approved => "approved",
            Self::Refused => "refused",
        }
    }

    /// The inverse of [`ProofingStage::as_str`].
    pub fn parse(text: &str) -> Option<Self> {
        [Self::Asked, Self::Approved, Self::Refused].into_iter().find(|stage| stage.as_str() == text)
    }
}

/// How an agent saw the person and the document.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Method {
    /// Both were there.
    InPerson,
    /// In a video call.
    Video,
}

impl Method {
    /// Every method.
    pub const ALL: [Self; 2] = [Self::InPerson, Self::Video];

    /// The name as the store keeps it.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::InPerson => "in_person",
            Self::Video => "video",
        }
    }

    /// Its words.
    pub const fn words(self) -> &'static str {
        match self {
            Self::InPerson => "In person",
            Self::Video => "In a video call",
        }
    }

    /// The inverse of [`Method::as_str`].
    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|method| method.as_str() == text)
    }
}

/// A kind of document (the types of OpenID Connect for Identity Assurance).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Document {
    /// A passport.
    Passport,
    /// An identity card.
    IdCard,
    /// A driving licence.
    DrivingPermit,
    /// A residence permit.
    ResidencePermit,
}

impl Document {
    /// Every kind.
    pub const ALL: [Self; 4] = [Self::Passport, Self::IdCard, Self::DrivingPermit, Self::ResidencePermit];

    /// The name as the store keeps it.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Passport => "passport",
            Self::IdCard => "idcard",
            Self::DrivingPermit => "driving_permit",
            Self::ResidencePermit => "residence_permit",
        }
    }

    /// Its words.
    pub const fn words(self) -> &'static str {
        match self {
            Self::Passport => "Passport",
            Self::IdCard => "Identity card",
            Self::DrivingPermit => "Driving licence",
            Self::ResidencePermit => "Residence permit",
        }
    }

    /// The inverse of [`Document::as_str`].
    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|document| document.as_str() == text)
    }
}

/// What an agent found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Findings {
    /// How.
    pub method: Method,
    /// Which kind of document.
    pub document: Document,
    /// Who issued it: a country or an authority.
    pub issuer: String,
    /// The last day on which it is valid; `None` where it bears none.
    pub valid_until: Option<Date>,
    /// Whether the name on it is the account's.
    pub name_matches: bool,
}

/// Why a decision is none.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NoDecision {
    /// Of oneself.
    #[error("Nobody decides about themselves. Leave this one to another agent.")]
    OwnRequest,
    /// The name differs.
    #[error("The name on the document must be the account's. Refuse, and say which name has to be corrected.")]
    NameDiffers,
    /// The issuer is missing, or looks like a document's number.
    #[error("Type who issued the document, in 2 to 60 letters. Numbers of documents are not kept.")]
    Issuer,
    /// The document has run out.
    #[error("The document has run out. Refuse, and say that a valid one is needed.")]
    RunOut,
    /// A refusal without a reason.
    #[error("Say why in 10 to 500 characters. The person reads it.")]
    Reason,
}

/// Whether an agent may approve. A document is valid to the end of its last day, wherever on earth that day ends last.
///
/// # Errors
/// Why not.
pub fn check_approval(
    agent: PersonId,
    person: PersonId,
    findings: &Findings,
    now: Timestamp,
) -> Result<(), NoDecision> {
    if agent == person {
        return Err(NoDecision::OwnRequest);
    }
    if !findings.name_matches {
        return Err(NoDecision::NameDiffers);
    }
    let issuer = findings.issuer.trim();
    let fits =
        (2..=60).contains(&issuer.chars().count()) && !issuer.chars().any(|it| it.is_numeric() || it.is_control());
    if !fits {
        return Err(NoDecision::Issuer);
    }
    let today = jiff::Timestamp::from_millisecond(now.unix_millis()).unwrap_or_default();
    let today = today.to_zoned_datetime(jiff::tz::TimeZone::fixed(jiff::tz::offset(-12))).date();
    if findings.valid_until.is_some_and(|last| last < today) { Err(NoDecision::RunOut) } else { Ok(()) }
}

/// Whether an agent may refuse.
///
/// # Errors
/// Why not.
pub fn check_refusal(agent: PersonId, person: PersonId, reason: &str) -> Result<(), NoDecision> {
    if agent == person {
        return Err(NoDecision::OwnRequest);
    }
    if (10..=500).contains(&reason.trim().chars().count()) { Ok(()) } else { Err(NoDecision::Reason) }
}

/// Requests of one person that are refused before they have to speak with somebody.
pub const MOST_REFUSED: usize = 3;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nobody_proofs_themselves_and_no_number_is_kept() {
        let [agent, person] = [1, 2].map(|id| PersonId::from_uuid(uuid::Uuid::from_u128(id)));
        // 2 March 2026, 14:05 UTC.
        let now = Timestamp::from_unix_seconds(1_772_460_300);
        let good = Findings {
            method: Method::Video,
            document: Document::Passport,
            issuer: "Germany".to_owned(),
            valid_until: None,
            name_matches: true,
        };
        assert_eq!(check_approval(agent, person, &good, now), Ok(()));
        assert_eq!(check_approval(agent, agent, &good, now), Err(NoDecision::OwnRequest));
        assert_eq!(check_refusal(agent, agent, "no document at all"), Err(NoDecision::OwnRequest));
        let other = Findings { name_matches: false, ..good.clone() };
        assert_eq!(check_approval(agent, person, &other, now), Err(NoDecision::NameDiffers));
        for issuer in ["", "X", "C01X00T47", "Germany C01X00T47", &"a".repeat(61)] {
            let wrong = Findings { issuer: issuer.to_owned(), ..good.clone() };
            assert_eq!(check_approval(agent, person, &wrong, now), Err(NoDecision::Issuer), "{issuer}");
        }
        for (last, checked) in [(1, Err(NoDecision::RunOut)), (2, Ok(())), (3, Ok(()))] {
            let valid_until = Some(jiff::civil::date(2026, 3, last));
            assert_eq!(
                check_approval(agent, person, &Findings { valid_until, ..good.clone() }, now),
                checked,
                "{last}"
            );
        }
        assert_eq!(check_refusal(agent, person, "no"), Err(NoDecision::Reason));
        assert_eq!(check_refusal(agent, person, "The document has run out."), Ok(()));
    }
}
