//! One `KeyPackage`: a token, or why it is none of ours.

use super::crypto::Protection;
use super::xml::{Element, Space};
use crate::credentials::hardware_token::import::{ImportedToken, checked_seed, serial, words};
use crate::credentials::hardware_token::{Algorithm, MAX_LEARNED_DRIFT, Mode, OathParameters};
use crate::time::Timestamp;

type Refused = (Option<String>, String);

pub(super) fn read(element: &Element, row: u64, protection: &Protection) -> Result<ImportedToken, Refused> {
    let number = name(element).map_err(|reason| (None, reason))?;
    token(element, row, &number, protection).map_err(|reason| (Some(number), reason))
}

/// The serial number of the device, else the id of the key.
fn name(element: &Element) -> Result<String, String> {
    let device = element.child(Space::Pskc, "DeviceInfo")?;
    let given = match device {
        Some(device) => device.text_of(Space::Pskc, "SerialNo")?,
        None => "",
    };
    let key = element.child(Space::Pskc, "Key")?.and_then(|key| key.attribute("Id")).unwrap_or("");
    let text = if given.is_empty() { key } else { given };
    if text.is_empty() {
        return Err("it has neither a SerialNo nor a Key with an Id".to_owned());
    }
    serial(text).map_err(str::to_owned)
}

fn token(element: &Element, row: u64, number: &str, protection: &Protection) -> Result<ImportedToken, String> {
    let key = element.wanted(Space::Pskc, "Key")?;
    let is_totp = match key.attribute("Algorithm").map(profile) {
        Some("hotp") => false,
        Some("totp") => true,
        other => {
            let other = other.unwrap_or("");
            return Err(format!("its algorithm profile {other:?} is not accepted: hotp or totp"));
        }
    };
    for elsewhere in ["KeyProfileId", "KeyReference"] {
        if key.child(Space::Pskc, elsewhere)?.is_some() {
            return Err(format!("its seed lies elsewhere ({elsewhere})"));
        }
    }
    let data = key.wanted(Space::Pskc, "Data")?;
    let seed = protection.open(data.wanted(Space::Pskc, "Secret")?)?;
    let mode = if is_totp {
        let period_seconds = u32::try_from(number_in(data, "TimeInterval")?.unwrap_or(30)).unwrap_or(u32::MAX);
        Mode::Totp { period_seconds }
    } else {
        Mode::Hotp
    };
    let (algorithm, digits) = shown(key)?;
    let parameters = OathParameters::new(mode, algorithm, digits).map_err(|error| error.to_string())?;
    let expires_at = policy(key)?;
    let seed = checked_seed(seed.expose().clone())?;
    let counter = u64::try_from(number_in(data, "Counter")?.unwrap_or(0)).map_err(|_| "its Counter is negative")?;
    if counter > 1 << 40 {
        return Err("its Counter is larger than any token counts".to_owned());
    }
    let drift = number_in(data, "TimeDrift")?.unwrap_or(0);
    if drift.abs() > MAX_LEARNED_DRIFT {
        return Err(format!("its TimeDrift is {drift} steps; more than {MAX_LEARNED_DRIFT} are not accepted"));
    }
    let device = element.child(Space::Pskc, "DeviceInfo")?;
    let words_of = |name: &str| {
        Ok::<_, String>(device.map(|it| it.text_of(Space::Pskc, name)).transpose()?.map_or_else(String::new, words))
    };
    Ok(ImportedToken {
        row,
        serial: number.to_owned(),
        manufacturer: words_of("Manufacturer")?,
        model: words_of("Model")?,
        parameters,
        seed,
        counter,
        drift: i32::try_from(drift).unwrap_or(0),
        expires_at: match device.map(|device| device.text_of(Space::Pskc, "ExpiryDate")).transpose()? {
            None | Some("") => expires_at,
            Some(text) => Some(date(text)?),
        },
    })
}

/// The last part of `urn:ietf:params:xml:ns:keyprov:pskc:hotp`; other names stay whole.
fn profile(name: &str) -> &str {
    name.strip_prefix("urn:ietf:params:xml:ns:keyprov:pskc:").unwrap_or(name)
}

/// The hash and the digits (RFC 6030 §4.3.4).
fn shown(key: &Element) -> Result<(Algorithm, u32), String> {
    let parameters = key.wanted(Space::Pskc, "AlgorithmParameters")?;
    let suite = parameters.text_of(Space::Pskc, "Suite")?;
    let algorithm = match suite.strip_prefix("HMAC-").unwrap_or(suite) {
        // The profiles' own default (RFC 6030 §10.1, RFC 4226 §5.3).
        "" | "SHA1" => Algorithm::Sha1,
        "SHA256" => Algorithm::Sha256,
        "SHA512" => Algorithm::Sha512,
        _ => return Err(format!("its suite {suite:?} is not known: HMAC-SHA1, HMAC-SHA256 or HMAC-SHA512")),
    };
    let format = parameters.wanted(Space::Pskc, "ResponseFormat")?;
    if format.attribute("Encoding") != Some("DECIMAL") {
        return Err("its codes are not decimal digits".to_owned());
    }
    match format.attribute("CheckDigits").or_else(|| format.attribute("CheckDigit")) {
        None | Some("false" | "0") => {}
        Some("true" | "1") => return Err("its codes have a check digit, which is not known here".to_owned()),
        Some(other) => return Err(format!("its CheckDigits is {other:?}: true or false is wanted")),
    }
    let digits = format.attribute("Length").unwrap_or("");
    Ok((algorithm, digits.parse().map_err(|_| format!("its Length {digits:?} is no number of digits"))?))
}

/// What the maker allows (RFC 6030 §5). A policy that is not understood forbids the use; the end of life is kept.
fn policy(key: &Element) -> Result<Option<Timestamp>, String> {
    let Some(policy) = key.child(Space::Pskc, "Policy")? else { return Ok(None) };
    let mut usages = policy.children.iter().filter(|child| child.is(Space::Pskc, "KeyUsage")).peekable();
    if usages.peek().is_some() && usages.all(|usage| usage.text.trim() != "OTP") {
        return Err("its policy does not allow one-time passwords".to_owned());
    }
    for rule in &policy.children {
        match (rule.space, rule.name.as_str()) {
            (Space::Pskc, "KeyUsage" | "StartDate" | "ExpiryDate") => {}
            // A PIN that the token itself asks for is nothing that we see.
            (Space::Pskc, "PINPolicy") if matches!(rule.attribute("PINUsageMode"), None | Some("Local")) => {}
            (_, other) => return Err(format!("its policy has {other:?}, which is not understood here")),
        }
    }
    match policy.text_of(Space::Pskc, "ExpiryDate")? {
        "" => Ok(None),
        text => date(text).map(Some),
    }
}

fn number_in(data: &Element, name: &str) -> Result<Option<i64>, String> {
    let Some(element) = data.child(Space::Pskc, name)? else { return Ok(None) };
    let plain = element.child(Space::Pskc, "PlainValue")?;
    let plain = plain.ok_or_else(|| format!("its {name} must be a plain value"))?.text.trim();
    plain.parse().map(Some).map_err(|_| format!("its {name} {plain:?} is no number"))
}

/// `2006-05-31T00:00:00Z`, with or without a zone; the zone may be off by a day without harm here.
fn date(text: &str) -> Result<Timestamp, String> {
    let bad = || format!("the date {text:?} is not of the form 2026-05-31T00:00:00Z");
    let number = |from: usize, to: usize| text.get(from..to).and_then(|part| part.parse::<i64>().ok()).ok_or_else(bad);
    let (year, month, day) = (number(0, 4)?, number(5, 7)?, number(8, 10)?);
    let separators = (text.get(4..5), text.get(7..8)) == (Some("-"), Some("-"));
    if !separators || !(1970..=9999).contains(&year) || !(1..=12).contains(&month) || !(1..=31).contains(&day) {
        return Err(bad());
    }
    // Days from the civil calendar: Howard Hinnant's algorithm.
    let (year, month) = if month <= 2 { (year - 1, month + 9) } else { (year, month - 3) };
    let (era, of_era) = (year.div_euclid(400), year.rem_euclid(400));
    let of_year = (153 * month + 2) / 5 + day - 1;
    let days = era * 146_097 + of_era * 365 + of_era / 4 - of_era / 100 + of_year - 719_468;
    Ok(Timestamp::from_unix_seconds(days * 86_400))
}
