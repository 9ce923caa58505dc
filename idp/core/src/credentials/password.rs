//! The rules for a new password (NIST SP 800-63B-4 §3.1.1, as one of two factors): length and what is commonly guessed.
//! No rules of composition, no expiry. Hashing lives where it can block a thread.

mod common;

use crate::contact::Username;
use crate::secret::SecretString;

/// The fewest characters of a password.
pub const MIN_CHARACTERS: usize = 8;

/// The most bytes of a password; also what is refused before any hashing.
pub const MAX_BYTES: usize = 1024;

/// Why a password cannot be chosen; each says what to do instead.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum PasswordError {
    /// Fewer than [`MIN_CHARACTERS`].
    #[error("use at least {MIN_CHARACTERS} characters; a few words in a row are easy to remember")]
    TooShort,
    /// More than [`MAX_BYTES`].
    #[error("use a shorter password: at most {MAX_BYTES} bytes")]
    TooLong,
    /// Among the first that anyone tries.
    #[error("many people use this password, so it is among the first to be guessed; choose another")]
    Common,
    /// Contains the user name, or is little else.
    #[error("leave your user name out of the password")]
    HoldsUsername,
}

/// Whether `password` may become the password of `username`.
pub fn check(password: &SecretString, username: &Username) -> Result<(), PasswordError> {
    let text = password.expose();
    if text.len() > MAX_BYTES {
        return Err(PasswordError::TooLong);
    }
    if text.chars().count() < MIN_CHARACTERS {
        return Err(PasswordError::TooShort);
    }
    let lower = SecretString::new(text.to_lowercase());
    if common::is_common(lower.expose()) {
        return Err(PasswordError::Common);
    }
    if holds(lower.expose(), username.as_str()) { Err(PasswordError::HoldsUsername) } else { Ok(()) }
}

/// A name of up to three characters turns up in many good passwords by chance: it is refused only where the password is
/// little else.
fn holds(password: &str, username: &str) -> bool {
    let names = password.matches(username).count() * username.len();
    names > 0 && (username.len() > 3 || names + 4 >= password.len())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rules() {
        let long = "p".repeat(1000) + &"q".repeat(24);
        let too_long = "p".repeat(1024) + "q";
        for (password, username, verdict) in [
            ("stepgate-demo-2026", "alice", Ok(())),
            ("stepgate-demo-2026", "admin", Ok(())),
            ("correct horse battery staple", "bob", Ok(())),
            ("пароль из слов", "bob", Ok(())),
            (&long, "bob", Ok(())),
            ("", "bob", Err(PasswordError::TooShort)),
            ("seven77", "bob", Err(PasswordError::TooShort)),
            ("äöüä", "bob", Err(PasswordError::TooShort)),
            (&too_long, "bob", Err(PasswordError::TooLong)),
            ("password", "bob", Err(PasswordError::Common)),
            ("PassWord123", "bob", Err(PasswordError::Common)),
            ("Password2026!", "bob", Err(PasswordError::Common)),
            ("12345678", "bob", Err(PasswordError::Common)),
            ("aaaaaaaaaaaa", "bob", Err(PasswordError::Common)),
            ("abcdefghij", "bob", Err(PasswordError::Common)),
            ("987654321", "bob", Err(PasswordError::Common)),
            ("my-Alice-in-wonderland", "alice", Err(PasswordError::HoldsUsername)),
            ("bobbob12", "bob", Err(PasswordError::HoldsUsername)),
            ("a bobsleigh ride", "bob", Ok(())),
            ("any phrase at all", "a", Ok(())),
        ] {
            let result = check(&SecretString::new(password.to_owned()), &username.parse().unwrap());
            assert_eq!(result, verdict, "{password} {username}");
        }
    }
}
