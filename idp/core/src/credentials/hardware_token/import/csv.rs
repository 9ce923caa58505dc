//! Two formats of lines: OATH CSV and Yubico's.

use std::io::BufRead;

use data_encoding::HEXLOWER_PERMISSIVE;

use super::{FileError, Found, ImportedToken, LONGEST_LINE, Limited, RowError, checked_seed, serial};
use crate::credentials::hardware_token::{Algorithm, Mode, OathParameters};

/// Which of them, and what the lines leave open.
pub(super) enum Layout {
    Oath { algorithm: Algorithm },
    Yubico { digits: u32 },
}

/// A file that is being read, a line at a time.
pub struct Reader<R> {
    layout: Layout,
    source: Limited<R>,
    line: Vec<u8>,
    row: u64,
    /// Fields that come before the serial number: none in version 1, three in version 2.
    before: usize,
}

impl<R: BufRead> Reader<R> {
    pub(super) const fn new(layout: Layout, source: R) -> Self {
        Self { layout, source: Limited::new(source, LONGEST_LINE), line: Vec::new(), row: 0, before: 0 }
    }

    pub(super) fn next_row(&mut self) -> Result<Option<Found>, FileError> {
        loop {
            self.line.clear();
            self.source.allowance = LONGEST_LINE;
            let read = self.source.read_until(b'\n', &mut self.line);
            let read = read.map_err(|error| FileError { row: self.row, reason: error.to_string() })?;
            if read == 0 {
                return Ok(None);
            }
            let Ok(line) = std::str::from_utf8(&self.line) else {
                let reason = "this is no text: a CSV file is wanted, in UTF-8".to_owned();
                return Err(FileError { row: self.row, reason });
            };
            let line = line.trim_start_matches('\u{feff}').trim();
            if let Some(comment) = line.strip_prefix('#') {
                self.before = version(comment, self.row, self.before)?;
                continue;
            }
            if line.is_empty() || (matches!(self.layout, Layout::Yubico { .. }) && is_heading(line)) {
                continue;
            }
            self.row += 1;
            let fields: Vec<&str> = line.split([',', ';', '\t']).map(|field| field.trim().trim_matches('"')).collect();
            let read = match self.layout {
                Layout::Oath { algorithm } => oath(fields.get(self.before..).unwrap_or_default(), algorithm),
                Layout::Yubico { digits } => yubico(&fields, digits),
            };
            return Ok(Some(match read {
                Ok((serial, parameters, seed)) => Found::Token(ImportedToken {
                    row: self.row,
                    serial,
                    manufacturer: if matches!(self.layout, Layout::Yubico { .. }) { "Yubico" } else { "" }.to_owned(),
                    model: String::new(),
                    parameters,
                    seed,
                    counter: 0,
                    drift: 0,
                    expires_at: None,
                }),
                Err((serial, reason)) => Found::Refused(RowError { row: self.row, serial, reason }),
            }));
        }
    }
}

type Line = Result<(String, OathParameters, crate::secret::SecretBytes), (Option<String>, String)>;

/// `# version: 2` says how many fields come first.
fn version(comment: &str, row: u64, before: usize) -> Result<usize, FileError> {
    let Some(number) = comment.trim().strip_prefix("version:") else { return Ok(before) };
    match number.trim() {
        "1" => Ok(0),
        "2" => Ok(3),
        other => {
            let reason = format!("version {other} of this format is not known; versions 1 and 2 are");
            Err(FileError { row, reason })
        }
    }
}

/// `serial, seed in hex, hotp or totp, digits, step`.
fn oath(fields: &[&str], algorithm: Algorithm) -> Line {
    let field = |at: usize| fields.get(at).copied().unwrap_or("");
    let number = serial(field(0)).map_err(|reason| (None, reason.to_owned()))?;
    let refused = |reason: String| (Some(number.clone()), reason);
    if fields.len() < 4 {
        let reason = "a line has serial, seed, type, digits and, for TOTP, the step; some are missing";
        return Err(refused(reason.to_owned()));
    }
    let mode = match (field(2).to_ascii_lowercase().as_str(), field(4)) {
        ("hotp", _) => Mode::Hotp,
        ("totp", step) => match step.parse() {
            Ok(period_seconds) => Mode::Totp { period_seconds },
            Err(_) => return Err(refused(format!("its step {step:?} is no number of seconds: 30 or 60"))),
        },
        (other, _) => return Err(refused(format!("its type {other:?} is not accepted: hotp or totp"))),
    };
    let digits = field(3).parse().map_err(|_| refused(format!("{:?} is no number of digits", field(3))))?;
    let parameters = OathParameters::new(mode, algorithm, digits).map_err(|error| refused(error.to_string()))?;
    let seed = hex(field(1)).and_then(checked_seed).map_err(refused)?;
    Ok((number, parameters, seed))
}

/// The headings of the personalisation tool.
fn is_heading(line: &str) -> bool {
    line.to_ascii_uppercase().starts_with("LOGGING START")
}

/// Either `OATH-HOTP, date, slot, public id, private id, key, …, digits`, or `serial, public id, 0, key, access code,
/// date` where the `0` tells an OATH-HOTP line from one of Yubico OTP.
fn yubico(fields: &[&str], unsaid_digits: u32) -> Line {
    let field = |at: usize| fields.get(at).copied().unwrap_or("");
    let first = field(0);
    let other_kind = |serial: Option<String>| {
        let reason = "this is a Yubico OTP (AES) configuration and no OATH token: only OATH-HOTP lines are taken";
        (serial, reason.to_owned())
    };
    let (name, key, digits) = if first.eq_ignore_ascii_case("OATH-HOTP") {
        let name = if field(3).is_empty() { String::new() } else { format!("{}-{}", field(3), field(2)) };
        // The tool writes 0 where it was not set.
        let digits = if matches!(field(11), "" | "0") { Ok(unsaid_digits) } else { field(11).parse() };
        (name, field(5), digits)
    } else if first.eq_ignore_ascii_case("Yubico OTP") {
        return Err(other_kind(serial(field(3)).ok()));
    } else if !first.is_empty() && first.bytes().all(|byte| byte.is_ascii_digit()) {
        if field(2) != "0" {
            return Err(other_kind(serial(first).ok()));
        }
        (first.to_owned(), field(3), Ok(unsaid_digits))
    } else {
        return Err((None, format!("a line begins with OATH-HOTP or a serial number, not with {first:?}")));
    };
    let name = serial(&name).map_err(|_| (None, "the line names no token: its public id is empty".to_owned()))?;
    let refused = |reason: String| (Some(name.clone()), reason);
    let digits = digits.map_err(|_| refused(format!("{:?} is no number of digits", field(11))))?;
    let parameters =
        OathParameters::new(Mode::Hotp, Algorithm::Sha1, digits).map_err(|error| refused(error.to_string()))?;
    let seed = hex(key).and_then(checked_seed).map_err(refused)?;
    Ok((name, parameters, seed))
}

fn hex(text: &str) -> Result<Vec<u8>, String> {
    let compact: String = text.chars().filter(|character| *character != ' ').collect();
    // The text itself is a secret: the reason does not repeat it.
    HEXLOWER_PERMISSIVE.decode(compact.as_bytes()).map_err(|_| "its seed is not in hexadecimal".to_owned())
}
