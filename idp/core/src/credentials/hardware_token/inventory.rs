//! The life of a token from the store room to the shredder, and the code that goes with a shipment.
//!
//! ```text
//! stock ─→ shipped ⇄ assigned ─→ active ⇄ suspended      (expired: its life, or its subscription, ended)
//!   │          │         │          │
//!   └──────────┴─────────┴──────────┴─→ lost ─→ revoked ─→ destroyed
//! ```
//! `suspended` and `expired` are what the credential of an active token has become; they are not kept twice.

use super::{Mode, OathParameters};
use crate::assurance::CredentialState;
use crate::entropy::Entropy;
use crate::id::{BatchId, CredentialId, LicenseKeyId, PersonId, TokenId};
use crate::secret::SecretString;
use crate::time::Timestamp;

/// Where a token is in its life.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TokenStage {
    /// In the store room.
    Stock,
    /// On its way.
    Shipped,
    /// Somebody's, who has not activated it.
    Assigned,
    /// In use.
    Active,
    /// In use, but not now.
    Suspended,
    /// Nobody knows where.
    Lost,
    /// Worthless for ever: its seed is erased.
    Revoked,
    /// Its life, or its holder's subscription, ended.
    Expired,
    /// Gone.
    Destroyed,
}

impl TokenStage {
    /// All, in the order of a life.
    pub const ALL: [Self; 9] = [
        Self::Stock,
        Self::Shipped,
        Self::Assigned,
        Self::Active,
        Self::Suspended,
        Self::Lost,
        Self::Revoked,
        Self::Expired,
        Self::Destroyed,
    ];

    /// Its name.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Stock => "stock",
            Self::Shipped => "shipped",
            Self::Assigned => "assigned",
            Self::Active => "active",
            Self::Suspended => "suspended",
            Self::Lost => "lost",
            Self::Revoked => "revoked",
            Self::Expired => "expired",
            Self::Destroyed => "destroyed",
        }
    }

    /// The inverse of [`TokenStage::as_str`].
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|stage| stage.as_str() == name)
    }

    /// Whether the act leads on from here. What is not in this table does not happen.
    pub const fn allows(self, act: TokenAct) -> bool {
        use TokenStage as At;
        match act {
            TokenAct::Ship => matches!(self, At::Stock | At::Assigned),
            TokenAct::Assign => matches!(self, At::Stock | At::Shipped),
            TokenAct::TakeBack => matches!(self, At::Shipped | At::Assigned),
            TokenAct::SendCode => matches!(self, At::Shipped | At::Assigned),
            TokenAct::Activate => matches!(self, At::Shipped | At::Assigned),
            TokenAct::Suspend => matches!(self, At::Active),
            TokenAct::Reactivate => matches!(self, At::Suspended),
            TokenAct::ReportLost => !matches!(self, At::Lost | At::Revoked | At::Destroyed),
            TokenAct::Revoke => !matches!(self, At::Revoked | At::Destroyed),
            TokenAct::Destroy => matches!(self, At::Stock | At::Lost | At::Revoked | At::Expired),
        }
    }
}

/// What can be done with a token.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TokenAct {
    /// Send it off.
    Ship,
    /// Make it somebody's.
    Assign,
    /// Back to stock, unopened.
    TakeBack,
    /// A new registration code for its holder.
    SendCode,
    /// Put it into use.
    Activate,
    /// No code of it counts for now.
    Suspend,
    /// The opposite.
    Reactivate,
    /// Nobody knows where it is.
    ReportLost,
    /// No code of it ever counts again.
    Revoke,
    /// It is no more.
    Destroy,
}

impl TokenAct {
    /// All.
    pub const ALL: [Self; 10] = [
        Self::Ship,
        Self::Assign,
        Self::TakeBack,
        Self::SendCode,
        Self::Activate,
        Self::Suspend,
        Self::Reactivate,
        Self::ReportLost,
        Self::Revoke,
        Self::Destroy,
    ];

    /// Its name.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Ship => "ship",
            Self::Assign => "assign",
            Self::TakeBack => "take-back",
            Self::SendCode => "send-code",
            Self::Activate => "activate",
            Self::Suspend => "suspend",
            Self::Reactivate => "reactivate",
            Self::ReportLost => "lost",
            Self::Revoke => "revoke",
            Self::Destroy => "destroy",
        }
    }

    /// The inverse of [`TokenAct::as_str`].
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|act| act.as_str() == name)
    }
}

/// A token of the inventory, without its seed.
#[derive(Clone, Debug)]
pub struct HardwareToken {
    /// Its id; its sealed seed belongs to it.
    pub id: TokenId,
    /// The file it came in.
    pub batch: BatchId,
    /// The number on its back.
    pub serial: String,
    /// Who made it.
    pub manufacturer: String,
    /// Which model.
    pub model: String,
    /// What it computes with.
    pub parameters: OathParameters,
    /// The stage that is kept: neither `Suspended` nor `Expired`.
    pub kept_stage: TokenStage,
    /// How many steps of its life were recorded.
    pub version: i64,
    /// Whose it is.
    pub person: Option<PersonId>,
    /// Their user ID.
    pub username: Option<String>,
    /// The credential that it became, or waits to become.
    pub credential: Option<CredentialId>,
    /// The license key that it was sent with, while nobody has activated that.
    pub license_key: Option<LicenseKeyId>,
    /// Since when its seed is known elsewhere.
    pub exported_at: Option<Timestamp>,
    /// When its maker says that its life ends.
    pub life_ends_at: Option<Timestamp>,
    /// When it came in.
    pub imported_at: Timestamp,
    /// When it was put into use, and the drift it had then.
    pub activated: Option<(Timestamp, i32)>,
    /// What has become of its credential.
    pub use_of_it: Option<TokenUse>,
}

/// What the credential of a token tells.
#[derive(Clone, Debug)]
pub struct TokenUse {
    /// Its stored stage.
    pub stage: CredentialState,
    /// When its subscription, or the token's life, ends.
    pub expires_at: Option<Timestamp>,
    /// The drift now, in steps.
    pub drift: i32,
    /// When it last authenticated its holder.
    pub last_used_at: Option<Timestamp>,
    /// Failed tries in a row.
    pub failures: u32,
}

impl HardwareToken {
    /// Where it is at `now`: facts kept of it, and what its credential has become.
    pub fn stage(&self, now: Timestamp) -> TokenStage {
        match (self.kept_stage, &self.use_of_it) {
            (TokenStage::Active, Some(it)) => match it.stage {
                CredentialState::Suspended => TokenStage::Suspended,
                CredentialState::Revoked => TokenStage::Revoked,
                _ if it.expires_at.is_some_and(|end| end <= now) => TokenStage::Expired,
                _ => TokenStage::Active,
            },
            (TokenStage::Stock, _) if self.life_ends_at.is_some_and(|end| end <= now) => TokenStage::Expired,
            (stage, _) => stage,
        }
    }

    /// Whether the act leads on from where it is. What is somebody's is taken back before it becomes another's.
    pub fn allows(&self, act: TokenAct, now: Timestamp) -> bool {
        self.stage(now).allows(act) && (act != TokenAct::Assign || self.person.is_none())
    }

    /// How fast its clock runs away: seconds by which it is off now, and those that a year adds at this pace. `None`
    /// for HOTP, and before there is anything to tell.
    pub fn drift(&self, now: Timestamp) -> Option<(i64, Option<i64>)> {
        let (Mode::Totp { period_seconds }, Some(it)) = (self.parameters.mode(), &self.use_of_it) else { return None };
        let step = i64::from(period_seconds);
        let (since, first) = self.activated?;
        let days = i64::try_from(now.since(since).as_secs() / 86_400).unwrap_or(0);
        let moved = i64::from(it.drift) - i64::from(first);
        // A step is all that can be seen: within a month it says nothing of the clock.
        let a_year = (days >= 30).then(|| moved * step * 365 / days);
        Some((i64::from(it.drift) * step, a_year))
    }

    /// Whether its holder should get another one soon: its battery's or its clock's end can be seen.
    pub fn is_wearing_out(&self, now: Timestamp) -> bool {
        let quarter = std::time::Duration::from_secs(90 * 86_400);
        let ends = self.life_ends_at.is_some_and(|end| end <= now + quarter);
        ends || self
            .drift(now)
            .is_some_and(|(seconds, a_year)| seconds.abs() >= 300 || a_year.is_some_and(|it| it.abs() >= 600))
    }
}

/// How long a registration code waits for the token that was sent (NIST SP 800-63B-4 §4.2.1.2: by post, 21 days, 30 abroad).
pub const REGISTRATION_LIFETIME: std::time::Duration = std::time::Duration::from_secs(30 * 86_400);
/// How often a person may be wrong until somebody sends a new code.
pub const REGISTRATION_TRIES: i64 = 10;

/// Ten letters and digits that cannot be taken for one another: 50 bits, `K7QX2-M94TA`.
pub fn registration_code(entropy: &dyn Entropy) -> SecretString {
    let mut bytes = [0; 10];
    entropy.fill(&mut bytes);
    let mut code = String::with_capacity(11);
    for (place, byte) in bytes.iter().enumerate() {
        if place == 5 {
            code.push('-');
        }
        // 32 characters: every byte's low five bits are one of them.
        code.extend(ALPHABET.chars().nth(usize::from(byte & 31)));
    }
    SecretString::new(code)
}

const ALPHABET: &str = "23456789ABCDEFGHJKLMNPQRSTUVWXYZ";

/// What was typed as a registration code, as it is hashed: upper case, without hyphens and spaces.
pub fn normalise_registration_code(typed: &str) -> SecretString {
    let kept = typed.chars().filter(char::is_ascii_alphanumeric).take(40);
    SecretString::new(kept.map(|character| character.to_ascii_uppercase()).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    struct Counting;
    impl Entropy for Counting {
        fn fill(&self, bytes: &mut [u8]) {
            for (place, byte) in bytes.iter_mut().enumerate() {
                *byte = u8::try_from(place * 7).unwrap_or(0);
            }
        }
    }

    /// Every act from every stage, written out.
    #[test]
    fn what_leads_where() {
        let acts = TokenAct::ALL.map(TokenAct::as_str).join(" ");
        assert_eq!(acts, "ship assign take-back send-code activate suspend reactivate lost revoke destroy");
        let expected = [
            (TokenStage::Stock, "yy-----yyy"),
            (TokenStage::Shipped, "-yyyy--yy-"),
            (TokenStage::Assigned, "y-yyy--yy-"),
            (TokenStage::Active, "-----y-yy-"),
            (TokenStage::Suspended, "------yyy-"),
            (TokenStage::Lost, "--------yy"),
            (TokenStage::Revoked, "---------y"),
            (TokenStage::Expired, "-------yyy"),
            (TokenStage::Destroyed, "----------"),
        ];
        for (stage, expected) in expected {
            let found: String = TokenAct::ALL.map(|act| if stage.allows(act) { 'y' } else { '-' }).iter().collect();
            assert_eq!(found, expected, "{stage:?}");
            assert_eq!(TokenStage::from_name(stage.as_str()), Some(stage));
        }
    }

    #[test]
    fn registration_codes_are_read_back_however_they_are_typed() {
        let code = registration_code(&Counting);
        assert_eq!(code.expose().len(), 11);
        let lower = format!(" {} ", code.expose().to_lowercase().replace('-', " "));
        assert_eq!(normalise_registration_code(&lower).expose(), &code.expose().replace('-', ""));
    }
}
