//! Telephone numbers, e-mail addresses and user names, parsed once at the edge.

mod number;

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

pub use number::{Country, Line, NumberPolicy, NumberRefusal, Reach, UnknownCountry};

/// What is wrong with a contact.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum ContactError {
    /// Not `+` and 8 to 15 digits (E.164).
    #[error("write the number in international form: a plus sign, the country code, the number; digits only")]
    Phone,
    /// Not an address of the form `name@host`.
    #[error("write the address in the form name@host")]
    Email,
    /// User names have 1 to 64 characters out of `a-z`, `0-9`, `.`, `_`, `-`.
    #[error("a user name has 1 to 64 characters out of a-z, 0-9, dot, underscore and hyphen")]
    Username,
}

/// A telephone number in E.164 form. No `Debug`: logs hold the masked form only.
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct PhoneNumber(String);

impl PhoneNumber {
    /// The whole number, `+12025550101`, for delivery.
    pub fn as_e164(&self) -> &str {
        &self.0
    }

    /// The number as people see it: only its last four digits.
    pub fn masked(&self) -> String {
        let shown: String = self.0.chars().skip(self.0.len().saturating_sub(4)).collect();
        format!("\u{2022}\u{2022}\u{2022}\u{2022} {shown}")
    }
}

impl FromStr for PhoneNumber {
    type Err = ContactError;

    /// Accepts the separators that people type (spaces, hyphens, dots, brackets).
    fn from_str(text: &str) -> Result<Self, ContactError> {
        let number: String = text.chars().filter(|c| !matches!(c, ' ' | '-' | '.' | '(' | ')' | '\u{a0}')).collect();
        let digits = number.strip_prefix('+').ok_or(ContactError::Phone)?;
        let well_formed = (8..=15).contains(&digits.len())
            && digits.bytes().all(|byte| byte.is_ascii_digit())
            && !digits.starts_with('0');
        if well_formed { Ok(Self(number)) } else { Err(ContactError::Phone) }
    }
}

/// What an address holds in quotes only, and nobody's does (RFC 5322 section 3.2.3, the `specials`).
const SPECIALS: [char; 11] = ['<', '>', '(', ')', '[', ']', '\\', ',', ';', ':', '"'];

/// Whether a character is a control, or one that turns the reading direction of what follows (UAX #9 sections 2.1 to 2.4):
/// with those a name or an address looks like another. The marks U+200E and U+200F turn nothing, and people who write from
/// right to left type them.
pub fn is_unseen(c: char) -> bool {
    c.is_control() || matches!(c, '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}

/// An e-mail address.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct EmailAddress(String);

impl EmailAddress {
    /// The address as it was given.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for EmailAddress {
    type Err = ContactError;

    fn from_str(text: &str) -> Result<Self, ContactError> {
        let (name, host) = text.rsplit_once('@').ok_or(ContactError::Email)?;
        let printable = text.chars().all(|c| !is_unseen(c) && !c.is_whitespace() && !SPECIALS.contains(&c));
        let host_ok = !host.is_empty()
            && !host.starts_with('.')
            && !host.ends_with('.')
            && !host.contains("..")
            && host.chars().all(|c| c.is_alphanumeric() || matches!(c, '.' | '-'));
        if printable && host_ok && !name.is_empty() && text.len() <= 254 {
            Ok(Self(text.to_owned()))
        } else {
            Err(ContactError::Email)
        }
    }
}

/// A user ID, lower case.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Username(String);

impl TryFrom<String> for Username {
    type Error = ContactError;

    fn try_from(text: String) -> Result<Self, ContactError> {
        text.parse()
    }
}

impl From<Username> for String {
    fn from(username: Username) -> Self {
        username.0
    }
}

impl Username {
    /// The user ID.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for Username {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl FromStr for Username {
    type Err = ContactError;

    fn from_str(text: &str) -> Result<Self, ContactError> {
        let name = text.trim().to_lowercase();
        let well_formed = (1..=64).contains(&name.len())
            && name.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || matches!(b, b'.' | b'_' | b'-'));
        if well_formed { Ok(Self(name)) } else { Err(ContactError::Username) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_hold_nothing_that_is_not_seen_or_means_something_else() {
        for good in ["bob@iron.example", "o'hara+id@mail.iron.example", "zo\u{eb}@iron.example"] {
            assert!(good.parse::<EmailAddress>().is_ok(), "{good}");
        }
        for wrong in ["<script>@x.y", "a,b@x.y", "a b@x.y", "eve\u{202e}@x.y", "a@.y", "a@x..y", "@x.y", "a@", "a"] {
            assert_eq!(wrong.parse::<EmailAddress>(), Err(ContactError::Email), "{wrong}");
        }
    }
}
