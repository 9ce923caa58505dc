//! Codes that people type from paper or hear from the help desk: recovery codes, the binding code of a supervised reset,
//! license keys.
//!
//! 23 random letters out of 31 are 113 bits, so that a fast keyed hash is enough (NIST SP 800-63B-4 §3.1.2: 112 bits);
//! a 24th letter tells a slip of the pen from a wrong code. Never holds a code longer than a call.

use aws_lc_rs::hmac;

use crate::entropy::Entropy;
use crate::secret::SecretString;

/// How many codes a set has.
pub const CODES: usize = 10;

/// From so many codes left on, the person is told to make new ones.
pub const FEW: u32 = 3;

/// Digits and letters that nobody takes for one another: without 0, O, 1, I and L. Their number is a prime, which is
/// what makes the last letter find every single slip and every swap of two neighbours.
const ALPHABET: &[u8; 31] = b"23456789ABCDEFGHJKMNPQRSTUVWXYZ";
/// Letters of a code, the last one included.
const LETTERS: usize = 24;
/// Letters between two hyphens.
const GROUP: usize = 4;

/// What a code is for. It is part of the hash: a code of one purpose is worthless for the other.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CodePurpose {
    /// One of a person's recovery codes.
    Recovery,
    /// The binding code of a supervised reset.
    Binding,
    /// A license key.
    License,
    /// A voucher.
    Voucher,
}

impl CodePurpose {
    /// What is stored in place of these letters: HMAC-SHA-256 under the server's key.
    pub(crate) fn hash(self, key: &hmac::Key, letters: &str) -> Vec<u8> {
        let mut mac = hmac::Context::with_key(key);
        mac.update(match self {
            Self::Recovery => b"stepgate recovery code\0".as_slice(),
            Self::Binding => b"stepgate binding code\0".as_slice(),
            Self::License => b"stepgate license key\0".as_slice(),
            Self::Voucher => b"stepgate voucher\0".as_slice(),
        });
        mac.update(letters.as_bytes());
        mac.sign().as_ref().to_vec()
    }
}

/// Why something typed cannot be a code. None of these is a guess: whoever guesses knows the alphabet.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum CodeError {
    /// Too few or too many letters.
    #[error("a code has 24 letters and digits in six groups; these are {typed}")]
    Length {
        /// How many were typed.
        typed: usize,
    },
    /// A letter that no code has.
    #[error("codes have no {0}; look again what it may be")]
    Letter(char),
    /// The last letter does not fit the others.
    #[error("a letter is mistyped, or two are swapped; compare it group by group")]
    Mistyped,
}

/// So many random letters of the alphabet, for numbers that people read out: they are no secret.
pub fn random_letters(entropy: &dyn Entropy, count: usize) -> String {
    letters(&random_values(entropy, count))
}

fn random_values(entropy: &dyn Entropy, count: usize) -> Vec<usize> {
    let mut values = Vec::with_capacity(count + 1);
    let mut bytes = [0; 32];
    while values.len() < count {
        entropy.fill(&mut bytes);
        // 248 is the largest multiple of 31 that a byte holds: no letter is likelier than another.
        let fair = bytes.iter().filter(|byte| **byte < 248).map(|byte| usize::from(byte % 31));
        values.extend(fair.take(count - values.len()));
    }
    values
}

fn letters(values: &[usize]) -> String {
    values.iter().filter_map(|value| ALPHABET.get(*value)).map(|byte| char::from(*byte)).collect()
}

/// A code.
#[derive(Clone)]
pub struct TypedCode(SecretString);

impl TypedCode {
    /// A new one.
    pub fn random(entropy: &dyn Entropy) -> Self {
        let mut values = random_values(entropy, LETTERS - 1);
        values.push(check(&values));
        Self(SecretString::new(letters(&values)))
    }

    /// Reads what was typed: in any case, with or without hyphens and spaces, full-width letters too.
    ///
    /// # Errors
    /// What is wrong with it.
    pub fn parse(typed: &str) -> Result<Self, CodeError> {
        let separator =
            |letter: &char| letter.is_whitespace() || matches!(letter, '-' | '_' | '.' | '\u{2010}'..='\u{2015}');
        let plain = |letter: char| match u32::from(letter) {
            wide @ 0xff01..=0xff5e => char::from_u32(wide - 0xfee0).unwrap_or(letter),
            _ => letter,
        };
        let letters = typed.chars().map(plain).filter(|letter| !separator(letter)).map(|it| it.to_ascii_uppercase());
        let letters: Vec<char> = letters.take(LETTERS * 8).collect();
        let value = |letter: &char| {
            ALPHABET.iter().position(|known| char::from(*known) == *letter).ok_or(CodeError::Letter(*letter))
        };
        let values = letters.iter().map(value).collect::<Result<Vec<_>, _>>()?;
        match values.split_last() {
            Some((last, rest)) if values.len() == LETTERS => {
                if check(rest) == *last {
                    Ok(Self(SecretString::new(letters.into_iter().collect())))
                } else {
                    Err(CodeError::Mistyped)
                }
            }
            _ => Err(CodeError::Length { typed: values.len() }),
        }
    }

    /// As people read it: six groups of four.
    pub fn grouped(&self) -> SecretString {
        let mut text = String::with_capacity(LETTERS + LETTERS / GROUP);
        for (place, letter) in self.0.expose().chars().enumerate() {
            if place > 0 && place % GROUP == 0 {
                text.push('-');
            }
            text.push(letter);
        }
        SecretString::new(text)
    }

    /// What is stored in place of it: HMAC-SHA-256 under the server's key.
    pub fn hash(&self, key: &hmac::Key, purpose: CodePurpose) -> Vec<u8> {
        purpose.hash(key, self.0.expose())
    }
}

/// The last letter: the weighted sum of the others modulo 31.
fn check(values: &[usize]) -> usize {
    values.iter().zip(1..).map(|(value, weight)| value * weight).sum::<usize>() % ALPHABET.len()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    struct Counting(std::sync::atomic::AtomicU64);

    impl Entropy for Counting {
        fn fill(&self, bytes: &mut [u8]) {
            for byte in bytes {
                let count = self.0.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
                *byte = crate::secret::sha256(&count.to_be_bytes())[0];
            }
        }
    }

    fn code(seed: u64) -> TypedCode {
        TypedCode::random(&Counting((seed << 20).into()))
    }

    fn error(typed: &str) -> Option<CodeError> {
        TypedCode::parse(typed).err()
    }

    #[test]
    fn what_was_typed_is_told_apart() {
        let text = code(1).grouped().expose().clone();
        assert_eq!((text.len(), text.matches('-').count()), (29, 5));
        assert_eq!(error(""), Some(CodeError::Length { typed: 0 }));
        assert_eq!(error(&text[..20]), Some(CodeError::Length { typed: 16 }));
        assert_eq!(error(&text.replacen(&text[..1], "0", 1)), Some(CodeError::Letter('0')));
        assert_eq!(error("123456"), Some(CodeError::Letter('1')));
    }

    #[test]
    fn a_hash_belongs_to_one_key_and_one_purpose() {
        let key = |bytes: &[u8]| hmac::Key::new(hmac::HMAC_SHA256, bytes);
        let hash = code(1).hash(&key(b"key"), CodePurpose::Recovery);
        assert_eq!(hash, code(1).hash(&key(b"key"), CodePurpose::Recovery));
        assert_ne!(hash, code(1).hash(&key(b"key"), CodePurpose::Binding));
        assert_ne!(hash, code(1).hash(&key(b"other"), CodePurpose::Recovery));
        assert_ne!(hash, code(2).hash(&key(b"key"), CodePurpose::Recovery));
    }

    proptest! {
        #[test]
        fn every_spelling_is_read_and_every_slip_is_found(seed in 0_u64..10_000, place in 0_usize..24, other in 0_usize..31) {
            let original = code(seed);
            let letters = original.0.expose().clone();
            let grouped = original.grouped().expose().clone();
            for spelling in [grouped.to_lowercase(), grouped.replace('-', " "), letters.clone(), format!(" {grouped}\n")] {
                prop_assert_eq!(TypedCode::parse(&spelling).map(|read| read.0.expose().clone()).ok(), Some(letters.clone()));
            }
            let mut slipped: Vec<char> = letters.chars().collect();
            slipped[place] = char::from(ALPHABET[other]);
            let slipped: String = slipped.into_iter().collect();
            prop_assert_eq!(error(&slipped), (slipped != letters).then_some(CodeError::Mistyped));
            let mut swapped: Vec<char> = letters.chars().collect();
            swapped.swap(place, (place + 1).min(23));
            let swapped: String = swapped.into_iter().collect();
            prop_assert!(swapped == letters || error(&swapped).is_some());
        }

        #[test]
        fn nothing_typed_breaks_it(typed in ".{0,300}") {
            let _ = TypedCode::parse(&typed);
        }
    }
}
