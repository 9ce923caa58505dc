//! Values of one kind each: what they may hold. A fault says what would be right.

use std::collections::BTreeMap;
use std::net::IpAddr;

use serde_json::Value;
use url::{Host, Url};

use crate::assurance::Catalogue;
use crate::jose::{SigningAlgorithm, names};
use crate::oidc::Scopes;

type Read<T> = Result<T, String>;

/// More of anything than a client needs.
const MOST: usize = 50;

/// Text that is shown, or compared.
pub(super) fn text(value: &Value) -> Read<String> {
    let text = value.as_str().ok_or("must be a string")?;
    if text.trim().is_empty() || text.chars().count() > 500 {
        return Err("must have 1 to 500 characters".to_owned());
    }
    if text.chars().any(|character| character.is_control() || is_invisible(character)) {
        return Err("must not hold control characters".to_owned());
    }
    Ok(text.to_owned())
}

/// What turns the direction of text round, or shows nothing: a name must be what it looks like.
const fn is_invisible(character: char) -> bool {
    matches!(character, '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2060}'..='\u{2069}' | '\u{feff}')
}

/// A token of another's making.
pub(super) fn long_text(value: &Value) -> Read<String> {
    let text = value.as_str().ok_or("must be a string")?;
    if text.is_empty() || text.len() > 16 * 1024 {
        Err("must have 1 to 16384 characters".to_owned())
    } else {
        Ok(text.to_owned())
    }
}

/// A list of texts, none of them twice.
pub(super) fn texts(value: &Value) -> Read<Vec<String>> {
    let items = value.as_array().ok_or("must be an array of strings")?;
    if items.len() > MOST {
        return Err(format!("must not have more than {MOST} entries"));
    }
    let mut found: Vec<String> = Vec::with_capacity(items.len());
    for item in items {
        let item = item.as_str().filter(|item| !item.is_empty() && item.len() <= 2000);
        let item = item.ok_or("must be an array of strings of 1 to 2000 characters")?;
        if !found.iter().any(|known| known == item) {
            found.push(item.to_owned());
        }
    }
    Ok(found)
}

pub(super) fn flag(value: &Value) -> Read<bool> {
    value.as_bool().ok_or_else(|| "must be true or false".to_owned())
}

pub(super) fn number(value: &Value) -> Read<u64> {
    let number = value.as_u64().filter(|number| *number <= u64::from(u32::MAX));
    number.ok_or_else(|| "must be a whole number of seconds".to_owned())
}

pub(super) fn ip(value: &Value) -> Read<String> {
    let address: IpAddr = text(value)?.parse().map_err(|_| "must be an IPv4 or IPv6 address")?;
    Ok(address.to_string())
}

/// One of a few words.
pub(super) fn one_of<T: Copy>(value: &Value, table: &[(&str, T)]) -> Read<T> {
    let found = value.as_str().and_then(|text| table.iter().find(|(name, _)| *name == text));
    found.map(|(_, value)| *value).ok_or_else(|| must_be(table.iter().map(|(name, _)| *name)))
}

fn must_be<'a>(names: impl Iterator<Item = &'a str>) -> String {
    format!("must be one of: {}", names.collect::<Vec<_>>().join(", "))
}

/// The name of one algorithm.
pub(super) fn named(value: &Value, names: &[&str]) -> Read<String> {
    let found = value.as_str().filter(|text| names.contains(text));
    found.map(str::to_owned).ok_or_else(|| must_be(names.iter().copied()))
}

/// A signature algorithm, or one of these besides.
pub(super) fn signing(value: &Value, besides: &[&str]) -> Read<String> {
    let signing = SigningAlgorithm::ALL.iter().map(|algorithm| algorithm.as_str());
    named(value, &signing.chain(besides.iter().copied()).collect::<Vec<_>>())
}

pub(super) fn encryption(value: &Value) -> Read<String> {
    named(value, names::ENCRYPTION)
}

/// Entries that the deployment knows.
pub(super) fn known(entries: Vec<String>, offered: &[String]) -> Read<Vec<String>> {
    match entries.iter().find(|entry| !offered.contains(entry)) {
        Some(entry) => Err(format!("{entry} is not on offer here; {}", must_be(offered.iter().map(String::as_str)))),
        None => Ok(entries),
    }
}

/// Response types; the order of their words does not matter, and they are kept as discovery writes them.
pub(super) fn response_types(entries: Vec<String>, offered: &[String]) -> Read<Vec<String>> {
    let words = |text: &str| {
        let mut words: Vec<String> = text.split(' ').map(str::to_owned).collect();
        words.sort_unstable();
        words
    };
    let written = |entry: String| offered.iter().find(|known| words(known) == words(&entry)).cloned().unwrap_or(entry);
    known(entries.into_iter().map(written).collect(), offered)
}

/// Scopes, separated by spaces, that clients may register.
pub(super) fn scopes(value: &Value, offered: &[String]) -> Read<String> {
    let text = value.as_str().filter(|text| text.len() <= 2000).ok_or("must be a string of at most 2000 characters")?;
    let scopes = Scopes::parse(text).map_err(|error| error.description().to_owned())?;
    match scopes.iter().find(|scope| !offered.iter().any(|known| known == scope)) {
        Some(scope) => {
            Err(format!("{scope} is no scope of this provider; {}", must_be(offered.iter().map(String::as_str))))
        }
        None => Ok(scopes.to_string()),
    }
}

/// Classes of strength that the deployment knows.
pub(super) fn acr_values(value: &Value, catalogue: &Catalogue) -> Read<Vec<String>> {
    let values = texts(value)?;
    match values.iter().find(|acr| catalogue.class(acr).is_none()) {
        Some(acr) => {
            Err(format!("{acr} is unknown; acr_values_supported in the discovery document names those that are"))
        }
        None => Ok(values),
    }
}

pub(super) fn acr_values_by_scope(value: &Value, catalogue: &Catalogue) -> Read<BTreeMap<String, Vec<String>>> {
    let scopes = value.as_object().filter(|scopes| scopes.len() <= MOST);
    let scopes = scopes.ok_or("must be an object of scopes and their acr values")?;
    scopes.iter().map(|(scope, values)| Ok((scope.clone(), acr_values(values, catalogue)?))).collect()
}

/// An address that people, or we, are sent to: https on any host; http on loopback where the deployment is there too.
pub(super) fn page(value: &Value, loopback: bool) -> Read<String> {
    let text = value.as_str().ok_or("must be a string")?;
    check_page(text, loopback)?;
    Ok(text.to_owned())
}

pub(super) fn page_list(value: &Value, loopback: bool) -> Read<Vec<String>> {
    let pages = texts(value)?;
    for page in &pages {
        check_page(page, loopback).map_err(|fault| format!("{page} {fault}"))?;
    }
    Ok(pages)
}

fn check_page(text: &str, loopback: bool) -> Read<()> {
    let printable = text.len() <= 2000 && text.bytes().all(|byte| byte.is_ascii_graphic() && byte != b'\\');
    let url = Url::parse(text).ok().filter(|url| printable && url.host().is_some());
    let url = url.ok_or("must be an absolute https URL in at most 2000 printable ASCII characters")?;
    if !url.username().is_empty() || url.password().is_some() {
        return Err("must not have a user name or password".to_owned());
    }
    match url.scheme() {
        "https" => Ok(()),
        "http" if loopback && url.host().is_some_and(is_loopback) => Ok(()),
        _ => Err("must be https".to_owned()),
    }
}

/// Whether a host is this machine.
pub(super) fn is_loopback(host: Host<&str>) -> bool {
    match host {
        Host::Domain(name) => name == "localhost",
        Host::Ipv4(address) => address.is_loopback(),
        Host::Ipv6(address) => address.is_loopback(),
    }
}
