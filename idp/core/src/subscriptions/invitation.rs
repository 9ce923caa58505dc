//! Invitations with a credential that somebody else pays for: whom, where each stands, and the file that names many.

use std::collections::BTreeMap;

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

/// What is wrong in one line of the file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RowError {
    /// The line, from 1; the heads are a line too.
    pub line: usize,
    /// What.
    pub flaw: Flaw,
}

/// What a file holds. It counts whole or not at all.
#[derive(Clone, Debug, Default)]
pub struct Sheet {
    /// Who is to be invited, each with its line.
    pub people: Vec<(usize, Invitee)>,
    /// The first errors, by line.
    pub errors: Vec<RowError>,
    /// How many errors there are.
    pub wrong: usize,
}

impl Sheet {
    /// Whether nothing is wrong with it.
    pub const fn is_clean(&self) -> bool {
        self.wrong == 0 && !self.people.is_empty()
    }

    /// Notes an error.
    pub fn refuse(&mut self, line: usize, flaw: Flaw) {
        self.wrong += 1;
        if self.errors.len() < TOLD {
            self.errors.push(RowError { line, flaw });
        }
    }

    fn refused(line: usize, flaw: Flaw) -> Self {
        let mut sheet = Self::default();
        sheet.refuse(line, flaw);
        sheet
    }
}

/// One record of a file.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Record {
    /// The line that it begins in, from 1.
    pub line: usize,
    /// Its fields, without their quotes.
    pub fields: Vec<String>,
}

/// The records of a CSV file, strictly (RFC 4180): commas, double quotes, lines that end in LF or CRLF. Empty lines are
/// passed over.
///
/// # Errors
/// The line and what is wrong with it.
pub fn records(text: &str) -> Result<Vec<Record>, RowError> {
    let refuse = |line, wrong: &str, remedy| RowError { line, flaw: Flaw::new("file", wrong, remedy) };
    let (mut found, mut record, mut field) = (Vec::new(), Record { line: 1, ..Record::default() }, String::new());
    let (mut line, mut letters) = (1, text.chars().peekable());
    // Whether the field began with a quote; it has ended when its closing quote was read.
    let mut was_quoted = false;
    while let Some(letter) = letters.next() {
        match letter {
            '"' if field.is_empty() && !was_quoted => {
                was_quoted = true;
                let opened = line;
                loop {
                    match letters.next() {
                        None => {
                            let remedy = "Close it with another double quote.";
                            return Err(refuse(opened, "a quote is opened and never closed", remedy));
                        }
                        Some('"') if letters.peek() == Some(&'"') => field.extend(letters.next()),
                        Some('"') => break,
                        Some(inside) => {
                            line += usize::from(inside == '\n');
                            field.push(inside);
                        }
                    }
                }
            }
            ',' => {
                record.fields.push(std::mem::take(&mut field));
                was_quoted = false;
            }
            '\r' if letters.peek() == Some(&'\n') => {}
            '\n' => {
                let is_empty = record.fields.is_empty() && field.is_empty() && !was_quoted;
                record.fields.push(std::mem::take(&mut field));
                line += 1;
                let whole = std::mem::replace(&mut record, Record { line, ..Record::default() });
                if !is_empty {
                    found.push(whole);
                }
                was_quoted = false;
            }
            '\r' => {
                return Err(refuse(line, "a line ends in a lone carriage return", "Save the file with LF or CRLF."));
            }
            '"' => {
                let remedy = "Put the whole field into double quotes, and write a quote in it twice.";
                return Err(refuse(line, "there is a quote within a field", remedy));
            }
            _ if was_quoted => {
                let remedy = "Put a comma or the end of the line after the closing quote.";
                return Err(refuse(line, "something stands behind a closing quote", remedy));
            }
            other => field.push(other),
        }
    }
    if !record.fields.is_empty() || !field.is_empty() || was_quoted {
        record.fields.push(field);
        found.push(record);
    }
    Ok(found)
}

const COLUMNS: [&str; 3] = ["email", "name", "user_id"];
const HEADS: &str = "The first line must be: email,name,user_id (user_id may be left out).";

/// Where each column stands.
fn heads(record: &Record) -> Result<[Option<usize>; 3], Flaw> {
    let mut places = [None; 3];
    for (place, head) in record.fields.iter().enumerate() {
        let name = head.trim().to_lowercase();
        let Some(column) = COLUMNS.iter().position(|known| *known == name) else {
            let shown: String = name.chars().filter(|it| !it.is_control()).take(40).collect();
            return Err(Flaw::new("file", format!("there is no column \u{201c}{shown}\u{201d}"), HEADS));
        };
        match places.get_mut(column) {
            Some(known) if known.is_none() => *known = Some(place),
            _ => return Err(Flaw::new("file", format!("the column {name} is there twice"), HEADS)),
        }
    }
    match places {
        [Some(_), Some(_), _] => Ok(places),
        _ => Err(Flaw::new("file", "the columns email and name are needed", HEADS)),
    }
}

/// Reads a file: UTF-8, heads first. Finds everything that is wrong, also an address that is there twice.
pub fn read(bytes: &[u8]) -> Sheet {
    if bytes.len() > MAX_BYTES {
        return Sheet::refused(1, Flaw::new("file", "the file is larger than 512 kB", "Split it into several."));
    }
    let text = match std::str::from_utf8(bytes) {
        Ok(text) => text.strip_prefix('\u{feff}').unwrap_or(text),
        Err(error) => {
            let before = bytes.get(..error.valid_up_to()).unwrap_or_default();
            let line = before.iter().filter(|byte| **byte == b'\n').count() + 1;
            return Sheet::refused(line, Flaw::new("file", "this is not UTF-8", "Save the file as CSV in UTF-8."));
        }
    };
    let records = match records(text) {
        Ok(records) => records,
        Err(error) => return Sheet::refused(error.line, error.flaw),
    };
    let Some((head, rows)) = records.split_first() else {
        return Sheet::refused(1, Flaw::new("file", "the file is empty", HEADS));
    };
    let places = match heads(head) {
        Ok(places) => places,
        Err(flaw) => return Sheet::refused(head.line, flaw),
    };
    if rows.is_empty() {
        return Sheet::refused(head.line, Flaw::new("file", "nobody is named", "Write one line for each person."));
    }
    let mut sheet = Sheet::default();
    if rows.len() > MAX_ROWS {
        let flaw = Flaw::new("file", format!("there are {} people", rows.len()), "Invite at most 1000 at a time.");
        sheet.refuse(head.line, flaw);
        return sheet;
    }
    let (mut addresses, mut usernames) = (BTreeMap::new(), BTreeMap::new());
    for row in rows {
        if row.fields.len() != head.fields.len() {
            let wrong = format!("{} fields where the first line has {}", row.fields.len(), head.fields.len());
            sheet.refuse(row.line, Flaw::new("file", wrong, "Put a field with a comma in it into double quotes."));
            continue;
        }
        let field = |column: Option<usize>| column.and_then(|place| row.fields.get(place)).map_or("", String::as_str);
        let [email, name, username] = places.map(field);
        match Invitee::parse(email, name, username) {
            Err(flaws) => flaws.into_iter().for_each(|flaw| sheet.refuse(row.line, flaw)),
            Ok(invitee) => {
                if let Some(first) = addresses.get(&invitee.email) {
                    let wrong = format!("the same address stands in line {first}");
                    sheet.refuse(row.line, Flaw::new("email", wrong, "Leave one of the two out."));
                    continue;
                }
                addresses.insert(invitee.email.clone(), row.line);
                let name = invitee.username.as_ref().map(|name| name.as_str().to_owned());
                if let Some(first) = name.and_then(|name| usernames.insert(name, row.line)) {
                    let wrong = format!("the same user ID stands in line {first}");
                    sheet.refuse(row.line, Flaw::new("user_id", wrong, "Give each person a user ID of their own."));
                    continue;
                }
                sheet.people.push((row.line, invitee));
            }
        }
    }
    sheet
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
