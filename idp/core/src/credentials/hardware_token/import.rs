//! Files of tokens as their makers ship them: PSKC (RFC 6030), OATH CSV and Yubico's CSV.
//!
//! Owns: what a row says, and why a row or a whole file is refused. Never: a guess. What a file leaves open is asked of
//! whoever uploads it, or the row is refused. A file is read once, front to back; only one row is in memory.

mod csv;
pub mod pskc;
#[cfg(test)]
mod tests;

use std::io::{BufRead, Read};

use super::{Algorithm, OathParameters};
use crate::secret::{SecretBytes, SecretString};
use crate::time::Timestamp;

/// The shortest seed that is taken: RFC 4226 §4 R6.
pub const SHORTEST_SEED: usize = 16;
/// The longest: no HMAC here has a larger block than SHA-512.
const LONGEST_SEED: usize = 128;
/// The largest file that is read. A hundred thousand encrypted tokens take about 120 MB.
pub const LARGEST_FILE: u64 = 512 * 1024 * 1024;
/// The longest line of a CSV file.
const LONGEST_LINE: u64 = 4096;

/// How a file is written, and what it does not say itself.
#[derive(Clone)]
pub enum Format {
    /// RFC 6030.
    Pskc(pskc::Unlock),
    /// `serial, seed, type, digits, step`; version 2 has `user, resolver, realm` before them, which are not looked at.
    OathCsv {
        /// The hash of every token in the file.
        algorithm: Algorithm,
    },
    /// What Yubico's personalisation tool logs, in both of its layouts. Always HOTP with HMAC-SHA-1.
    YubicoCsv {
        /// The digits of tokens whose line does not tell.
        digits: u32,
    },
}

impl Format {
    /// From what was chosen and typed: `pskc`, `oath-csv` or `yubico-csv`; a key in hex or a password; a hash; digits.
    ///
    /// # Errors
    /// Which field is wrong, and how it should be.
    pub fn from_choice(
        name: &str,
        (key, password): (&SecretString, &SecretString),
        algorithm: &str,
        digits: &str,
    ) -> Result<Self, (&'static str, &'static str)> {
        match name {
            "pskc" => pskc::Unlock::from_typed(key, password).map(Self::Pskc),
            "oath-csv" => match algorithm {
                "sha1" => Ok(Self::OathCsv { algorithm: Algorithm::Sha1 }),
                "sha256" => Ok(Self::OathCsv { algorithm: Algorithm::Sha256 }),
                "sha512" => Ok(Self::OathCsv { algorithm: Algorithm::Sha512 }),
                _ => Err(("algorithm", "An OATH CSV does not say which hash its tokens use: choose it.")),
            },
            "yubico-csv" => match digits.parse() {
                Ok(digits @ 6..=8) => Ok(Self::YubicoCsv { digits }),
                _ => Err(("digits", "Say how many digits these tokens show, 6 to 8.")),
            },
            _ => Err(("format", "Choose how the file is written: pskc, oath-csv or yubico-csv.")),
        }
    }

    /// Its name, as [`Format::from_choice`] takes it.
    pub const fn name(&self) -> &'static str {
        match self {
            Self::Pskc(_) => "pskc",
            Self::OathCsv { .. } => "oath-csv",
            Self::YubicoCsv { .. } => "yubico-csv",
        }
    }
}

/// One token of a file.
pub struct ImportedToken {
    /// Which one of the file, from 1.
    pub row: u64,
    /// The number on its back.
    pub serial: String,
    /// Who made it; empty where the file does not say.
    pub manufacturer: String,
    /// Which model; empty where the file does not say.
    pub model: String,
    /// What it computes with.
    pub parameters: OathParameters,
    /// Its seed.
    pub seed: SecretBytes,
    /// The next counter of an HOTP token.
    pub counter: u64,
    /// The steps by which a TOTP token's clock is ahead.
    pub drift: i32,
    /// When its maker says that its life ends.
    pub expires_at: Option<Timestamp>,
}

/// Why one row was refused.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RowError {
    /// Which one of the file, from 1.
    pub row: u64,
    /// The number on the token's back, where it could be read.
    pub serial: Option<String>,
    /// What is wrong, and what would be right.
    pub reason: String,
}

/// Why a whole file was refused; what comes after cannot be trusted or read.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{reason} (after row {row})")]
pub struct FileError {
    /// The last row that was read.
    pub row: u64,
    /// What is wrong.
    pub reason: String,
}

/// What is read next.
pub enum Found {
    /// A token.
    Token(ImportedToken),
    /// A row that was refused.
    Refused(RowError),
}

/// A file that is being read.
pub enum Rows<R: BufRead> {
    /// PSKC.
    Pskc(Box<pskc::Reader<R>>),
    /// One of the CSV formats.
    Csv(csv::Reader<R>),
}

impl<R: BufRead> Rows<R> {
    /// Begins to read.
    pub fn new(format: Format, source: R) -> Self {
        match format {
            Format::Pskc(unlock) => Self::Pskc(Box::new(pskc::Reader::new(unlock, source))),
            Format::OathCsv { algorithm } => Self::Csv(csv::Reader::new(csv::Layout::Oath { algorithm }, source)),
            Format::YubicoCsv { digits } => Self::Csv(csv::Reader::new(csv::Layout::Yubico { digits }, source)),
        }
    }

    /// The next row; `None` at the end of the file.
    ///
    /// # Errors
    /// When the whole file is refused. Nothing that was read before may be used then.
    pub fn next_row(&mut self) -> Result<Option<Found>, FileError> {
        match self {
            Self::Pskc(reader) => reader.next_row(),
            Self::Csv(reader) => reader.next_row(),
        }
    }
}

/// A serial number: printable ASCII without spaces, 1 to 64 characters, as it can be read from a token's back and typed.
///
/// # Errors
/// What is wrong with it.
pub fn serial(text: &str) -> Result<String, &'static str> {
    let text = text.trim();
    let fits = (1..=64).contains(&text.len())
        && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.' | b':' | b'/'));
    if fits {
        Ok(text.to_owned())
    } else {
        Err("a serial number has 1 to 64 letters, digits, hyphens, dots, colons and slashes")
    }
}

/// Words for people, cut to what a page shows.
fn words(text: &str) -> String {
    text.trim().chars().filter(|character| !character.is_control()).take(64).collect()
}

fn checked_seed(seed: Vec<u8>) -> Result<SecretBytes, String> {
    let seed = SecretBytes::new(seed);
    match seed.expose().len() {
        SHORTEST_SEED..=LONGEST_SEED => Ok(seed),
        length => Err(format!("its seed has {length} bytes; at least {SHORTEST_SEED} are wanted (RFC 4226 section 4)")),
    }
}

/// Reads at most so much: what goes beyond is an error, not an end.
struct Limited<R> {
    source: R,
    /// What the whole file may still have.
    left: u64,
    /// What the element that is being read may still have.
    allowance: u64,
}

impl<R: BufRead> Limited<R> {
    const fn new(source: R, allowance: u64) -> Self {
        Self { source, left: LARGEST_FILE, allowance }
    }
}

impl<R: BufRead> Read for Limited<R> {
    fn read(&mut self, buffer: &mut [u8]) -> std::io::Result<usize> {
        let available = self.fill_buf()?;
        let count = available.len().min(buffer.len());
        if let (Some(to), Some(from)) = (buffer.get_mut(..count), available.get(..count)) {
            to.copy_from_slice(from);
        }
        self.consume(count);
        Ok(count)
    }
}

impl<R: BufRead> BufRead for Limited<R> {
    fn fill_buf(&mut self) -> std::io::Result<&[u8]> {
        if self.left == 0 {
            return Err(std::io::Error::other("the file is larger than 512 MB"));
        }
        if self.allowance == 0 {
            return Err(std::io::Error::other("one element or line is larger than any token needs"));
        }
        let most = usize::try_from(self.left.min(self.allowance)).unwrap_or(usize::MAX);
        let available = self.source.fill_buf()?;
        Ok(available.get(..most).unwrap_or(available))
    }

    fn consume(&mut self, count: usize) {
        let taken = u64::try_from(count).unwrap_or(u64::MAX);
        self.left = self.left.saturating_sub(taken);
        self.allowance = self.allowance.saturating_sub(taken);
        self.source.consume(count);
    }
}
