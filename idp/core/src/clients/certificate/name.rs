//! Distinguished names: in a certificate (X.501), and as text (RFC 4514).

use std::fmt::Write as _;
use std::str::FromStr;

use data_encoding::HEXLOWER_PERMISSIVE;

use super::der::{Reader, tag};

/// A distinguished name, most specific part first, as in its text. Two are equal when they have the same parts in the
/// same order; within a part the order does not matter. Values are compared exactly.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DistinguishedName(Vec<Vec<Attribute>>);

/// Its type as a dotted number, and its value: text, or `#` and DER in hexadecimal.
type Attribute = (String, String);

/// The text is no distinguished name.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("not a distinguished name as in RFC 4514: CN=client,O=Example,C=US")]
pub struct NameError;

/// Short names of types (RFC 4514 §3), and two that everybody uses.
const SHORT: &[(&str, &str)] = &[
    ("CN", "2.5.4.3"),
    ("SN", "2.5.4.4"),
    ("SERIALNUMBER", "2.5.4.5"),
    ("C", "2.5.4.6"),
    ("L", "2.5.4.7"),
    ("ST", "2.5.4.8"),
    ("STREET", "2.5.4.9"),
    ("O", "2.5.4.10"),
    ("OU", "2.5.4.11"),
    ("ORGANIZATIONIDENTIFIER", "2.5.4.97"),
    ("UID", "0.9.2342.19200300.100.1.1"),
    ("DC", "0.9.2342.19200300.100.1.25"),
    ("EMAILADDRESS", "1.2.840.113549.1.9.1"),
];

impl DistinguishedName {
    /// Whether it has no parts: such a name names nobody.
    pub const fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    fn new(mut parts: Vec<Vec<Attribute>>) -> Self {
        parts.iter_mut().for_each(|part| part.sort());
        Self(parts)
    }

    /// From the content of a `Name`.
    pub(super) fn from_der(content: &[u8]) -> Option<Self> {
        let (mut parts, mut sets) = (Vec::new(), Reader::of(content));
        while let Some((kind, set)) = sets.next() {
            let (mut part, mut attributes) = (Vec::new(), Reader::of(set));
            while let Some((_, attribute)) = attributes.next() {
                let mut attribute = Reader::of(attribute);
                let name = dotted(attribute.take(tag::OBJECT_IDENTIFIER)?)?;
                let (form, value) = attribute.next()?;
                part.push((name, text(form, value)));
            }
            attributes.end()?;
            if kind != tag::SET || part.is_empty() {
                return None;
            }
            parts.push(part);
        }
        sets.end()?;
        // The text begins with what stands last (RFC 4514 §2.1).
        parts.reverse();
        Some(Self::new(parts))
    }
}

/// An object identifier as dotted numbers.
fn dotted(bytes: &[u8]) -> Option<String> {
    let (mut numbers, mut number) = (Vec::new(), 0_u64);
    for byte in bytes {
        number = number.checked_mul(128)?.checked_add(u64::from(byte & 0x7f))?;
        if byte & 0x80 == 0 {
            numbers.push(std::mem::take(&mut number));
        }
    }
    let (first, rest) = numbers.split_first()?;
    let top = (*first / 40).min(2);
    let mut text = format!("{top}.{}", first - top * 40);
    for number in rest {
        let _ = write!(text, ".{number}");
    }
    bytes.last().is_some_and(|last| last & 0x80 == 0).then_some(text)
}

fn text(form: u8, value: &[u8]) -> String {
    let read = match form {
        // UTF8String, NumericString, PrintableString, IA5String.
        0x0c | 0x12 | 0x13 | 0x16 => std::str::from_utf8(value).ok().map(str::to_owned),
        // BMPString.
        0x1e if value.len().is_multiple_of(2) => {
            let units: Vec<u16> = value
                .chunks_exact(2)
                .map(|pair| pair.iter().fold(0, |unit, byte| (unit << 8) | u16::from(*byte)))
                .collect();
            String::from_utf16(&units).ok()
        }
        _ => None,
    };
    // Of a form without text, the value itself; no text begins like that, because its `#` is escaped.
    read.unwrap_or_else(|| format!("#\u{0}{form:02x}{}", HEXLOWER_PERMISSIVE.encode(value)))
}

impl FromStr for DistinguishedName {
    type Err = NameError;

    fn from_str(text: &str) -> Result<Self, NameError> {
        let mut parts = vec![Vec::new()];
        let mut rest = text;
        loop {
            let (name, after) = rest.split_once('=').ok_or(NameError)?;
            let (value, separator, after) = take_value(after)?;
            let attribute = (type_of(name.trim())?, value);
            parts.last_mut().ok_or(NameError)?.push(attribute);
            match separator {
                None => return Ok(Self::new(parts)),
                Some('+') => {}
                Some(_) => parts.push(Vec::new()),
            }
            rest = after;
        }
    }
}

fn type_of(name: &str) -> Result<String, NameError> {
    if let Some((_, number)) = SHORT.iter().find(|(short, _)| short.eq_ignore_ascii_case(name)) {
        return Ok((*number).to_owned());
    }
    let is_dotted = name.contains('.') && name.split('.').all(|number| number.parse::<u64>().is_ok());
    if is_dotted { Ok(name.to_owned()) } else { Err(NameError) }
}

/// A value without its escapes, the separator behind it, and what comes then.
fn take_value(text: &str) -> Result<(String, Option<char>, &str), NameError> {
    let text = text.trim_start_matches(' ');
    let (mut value, mut kept) = (Vec::new(), 0);
    let mut characters = text.char_indices();
    while let Some((at, character)) = characters.next() {
        match character {
            ',' | '+' => {
                value.truncate(kept.max(trimmed(&value)));
                let value = String::from_utf8(value).map_err(|_| NameError)?;
                let after = text.get(at + 1..).ok_or(NameError)?;
                return if value.is_empty() { Err(NameError) } else { Ok((value, Some(character), after)) };
            }
            '\\' => {
                let (_, next) = characters.next().ok_or(NameError)?;
                if let Some(high) = next.to_digit(16) {
                    let low = characters.next().and_then(|(_, low)| low.to_digit(16)).ok_or(NameError)?;
                    value.push(u8::try_from(high * 16 + low).map_err(|_| NameError)?);
                } else if " \"#+,;<=>\\".contains(next) {
                    value.extend(next.encode_utf8(&mut [0; 4]).bytes());
                } else {
                    return Err(NameError);
                }
                // An escaped space at the end is part of the value.
                kept = value.len();
            }
            '"' | ';' | '<' | '>' | '\0' => return Err(NameError),
            '#' if value.is_empty() => return Err(NameError),
            other => value.extend(other.encode_utf8(&mut [0; 4]).bytes()),
        }
    }
    value.truncate(kept.max(trimmed(&value)));
    let value = String::from_utf8(value).map_err(|_| NameError)?;
    if value.is_empty() { Err(NameError) } else { Ok((value, None, "")) }
}

fn trimmed(value: &[u8]) -> usize {
    value.iter().rposition(|byte| *byte != b' ').map_or(0, |last| last + 1)
}
