//! Invitations with a credential that somebody else pays for: whom, where each stands, and the file that names many.

mod sheet;

pub use sheet::{Record, RowError, Sheet, read, records};

use super::money::Money;
use super::order::Sponsor;
use super::product::ProductId;
use crate::contact::{EmailAddress, Username};
use crate::id::{InvitationId, LicenseKeyId, OrderId, OrganizationId, PersonId};
use crate::time::Timestamp;

/// Most people of one batch.
pub const MAX_ROWS: usize = 1000;
/// Most bytes of a file.
pub const MAX_BYTES: usize = 512 * 1024;
/// Days that the link of a mail is good for.
pub const LINK_DAYS: u16 = 14;
/// Errors that are told; all are counted.
pub const TOLD: usize = 100;

/// Where an invitation stands.
///
/// ```text
/// sent ─→ opened ─→ joined ─→ activated
///   └───────┴─→ expired ─→ (sent again) sent
/// each but activated ─→ withdrawn
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[expect(missing_docs, reason = "each is what its name says")]
pub enum InvitationState {
    Sent,
    Opened,
    Expired,
    Joined,
    Activated,
    Withdrawn,
}

impl InvitationState {
    /// Every state.
    pub const ALL: [Self; 6] =
        [Self::Sent, Self::Opened, Self::Expired, Self::Joined, Self::Activated, Self::Withdrawn];

    /// The name in addresses and exports.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Sent => "sent",
            Self::Opened => "opened",
            Self::Expired => "expired",
            Self::Joined => "joined",
            Self::Activated => "activated",
            Self::Withdrawn => "withdrawn",
        }
    }

    /// The inverse of [`InvitationState::as_str`].
    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|state| state.as_str() == text)
    }
}

/// An invitation, as it is kept.
#[derive(Clone, Debug)]
pub struct Invitation {
    /// Its id.
    pub id: InvitationId,
    /// Who pays.
    pub sponsor: Sponsor,
    /// Which organization the person joins; none where a partner invites.
    pub organization: Option<OrganizationId>,
    /// The order of its batch.
    pub order: OrderId,
    /// The key that waits for the person.
    pub key: LicenseKeyId,
    /// What it becomes.
    pub product: ProductId,
    /// Whom it was mailed to, in small letters.
    pub email: String,
    /// The person's name, as the administrator wrote it.
    pub name: String,
    /// The user ID that was proposed.
    pub username: Option<String>,
    /// What it cost the sponsor.
    pub charged: Money,
    /// Who invited.
    pub invited_by: PersonId,
    /// Who took it up.
    pub person: Option<PersonId>,
    /// When the batch was made.
    pub created_at: Timestamp,
    /// When the mail that counts was sent.
    pub sent_at: Timestamp,
    /// Until when its link is good.
    pub expires_at: Timestamp,
    /// When the link was first opened.
    pub opened_at: Option<Timestamp>,
    /// When it was taken up.
    pub joined_at: Option<Timestamp>,
    /// When the key was redeemed.
    pub activated_at: Option<Timestamp>,
    /// When it was withdrawn.
    pub withdrawn_at: Option<Timestamp>,
}

impl Invitation {
    /// Where it stands at `now`.
    pub fn state(&self, now: Timestamp) -> InvitationState {
        match (self.withdrawn_at, self.activated_at, self.joined_at, self.opened_at) {
            (Some(_), ..) => InvitationState::Withdrawn,
            (None, Some(_), ..) => InvitationState::Activated,
            (None, None, Some(_), _) => InvitationState::Joined,
            _ if self.expires_at <= now => InvitationState::Expired,
            (None, None, None, Some(_)) => InvitationState::Opened,
            (None, None, None, None) => InvitationState::Sent,
        }
    }
}

/// Somebody who is to be invited.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Invitee {
    /// Where the mail goes, in small letters.
    pub email: String,
    /// How the mail greets.
    pub name: String,
    /// The user ID that is proposed.
    pub username: Option<Username>,
}

/// What is wrong with one field, and what to do.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Flaw {
    /// `email`, `name`, `user_id`; `file` for the whole.
    pub field: &'static str,
    /// What is wrong.
    pub wrong: String,
    /// What to do.
    pub remedy: &'static str,
}

impl Flaw {
    fn new(field: &'static str, wrong: impl Into<String>, remedy: &'static str) -> Self {
        Self { field, wrong: wrong.into(), remedy }
    }
}

impl Invitee {
    /// Reads the three fields.
    ///
    /// # Errors
    /// Everything that is wrong with them.
    pub fn parse(email: &str, name: &str, username: &str) -> Result<Self, Vec<Flaw>> {
        let (email, name, username) = (email.trim().to_lowercase(), name.trim(), username.trim());
        let mut flaws = Vec::new();
        if email.is_empty() {
            flaws.push(Flaw::new("email", "there is no address", "Write the person's e-mail address."));
        } else if email.parse::<EmailAddress>().is_err() {
            flaws.push(Flaw::new("email", "this is no e-mail address", "Write it in the form name@host."));
        }
        // The name stands in a mail of ours: it must not bring a link or a line of its own.
        let strange =
            |it: char| it.is_control() || matches!(it, '<' | '>' | '/' | '\\' | '@' | ':' | '\u{202a}'..='\u{202e}');
        if name.is_empty() {
            flaws.push(Flaw::new("name", "there is no name", "Write the person's name."));
        } else if name.chars().count() > 80 {
            flaws.push(Flaw::new("name", "it is too long", "Write at most 80 characters."));
        } else if name.contains(strange) {
            flaws.push(Flaw::new(
                "name",
                "it has characters that no name has",
                "Leave out / \\ : @ < > and line breaks.",
            ));
        }
        let username = (!username.is_empty()).then(|| username.parse::<Username>());
        if let Some(Err(_)) = username {
            let remedy = "Use 1 to 64 characters out of a-z, 0-9, dot, underscore and hyphen, or leave it empty.";
            flaws.push(Flaw::new("user_id", "it cannot be a user ID", remedy));
        }
        if flaws.is_empty() {
            Ok(Self { email, name: name.to_owned(), username: username.and_then(Result::ok) })
        } else {
            Err(flaws)
        }
    }
}

/// The part of a sum that each of `count` bears: whole minor units that add up to it exactly.
pub fn share(sum: Money, place: usize, count: usize) -> Money {
    let part = |place: usize| {
        let exact =
            i128::from(sum.minor) * i128::try_from(place).unwrap_or(0) / i128::try_from(count.max(1)).unwrap_or(1);
        i64::try_from(exact).unwrap_or(0)
    };
    Money::new(part(place + 1) - part(place), sum.currency)
}

#[cfg(test)]
mod tests;
