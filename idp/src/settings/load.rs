//! Reads the file, lays the environment over it, and names every problem at once.

use std::fmt;
use std::path::Path;

use toml::{Table, Value};

use super::Settings;

/// One thing that is wrong with the configuration, and what to do about it.
#[derive(Debug, PartialEq, Eq)]
pub struct Problem(pub String);

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

const PREFIX: &str = "STEPGATE__";

/// Loads settings from `file` (or the defaults) with the `STEPGATE__…` variables of `environment` laid over them.
pub fn load(
    file: Option<&Path>,
    environment: impl Iterator<Item = (String, String)>,
) -> Result<Settings, Vec<Problem>> {
    let mut table = match file {
        Some(path) => read(path)?,
        None => Table::new(),
    };
    let mut problems = Vec::new();
    let known = Value::try_from(Settings::documented()).unwrap_or(Value::Table(Table::new()));
    for (name, value) in environment {
        if let Some(path) = name.strip_prefix(PREFIX)
            && let Err(problem) = overlay(&mut table, &known, path, &value)
        {
            problems.push(problem);
        }
    }
    unknown_keys("", &Value::Table(table.clone()), &known, &mut problems);
    match Value::Table(table).try_into::<Settings>() {
        Ok(settings) if problems.is_empty() => Ok(settings),
        Ok(_) => Err(problems),
        Err(error) => {
            if problems.is_empty() {
                problems.push(Problem(error.to_string().trim().replace('\n', " ")));
            }
            Err(problems)
        }
    }
}

fn read(path: &Path) -> Result<Table, Vec<Problem>> {
    let text = std::fs::read_to_string(path)
        .map_err(|error| vec![Problem(format!("cannot read {}: {error}", path.display()))])?;
    text.parse::<Table>().map_err(|error| vec![Problem(format!("{}: {error}", path.display()))])
}

/// `SECTION__KEY` sets `section.key`; `SECTION__KEY_FILE` sets it from a file's content, unless the whole name is that of
/// a setting (`outbound.ca_file`).
fn overlay(table: &mut Table, known: &Value, path: &str, value: &str) -> Result<(), Problem> {
    let is_setting = path.split("__").try_fold(known, |place, key| place.get(key.to_lowercase())).is_some();
    let (path, value) = match path.strip_suffix("_FILE").filter(|_| !is_setting) {
        Some(path) => {
            let content = std::fs::read_to_string(value)
                .map_err(|error| Problem(format!("{PREFIX}{path}_FILE: cannot read {value}: {error}")))?;
            (path, content.trim_end().to_owned())
        }
        None => (path, value.to_owned()),
    };
    let keys: Vec<String> = path.split("__").map(str::to_lowercase).collect();
    let Some((last, sections)) = keys.split_last() else { return Ok(()) };
    let mut place = table;
    for section in sections {
        let entry = place.entry(section.clone()).or_insert_with(|| Value::Table(Table::new()));
        place = match entry {
            Value::Table(inner) => inner,
            _ => return Err(Problem(format!("{PREFIX}{path}: {section} is not a section"))),
        };
    }
    place.insert(last.clone(), literal(&value));
    Ok(())
}

/// Numbers, booleans and lists are written as in TOML; everything else is a string.
fn literal(text: &str) -> Value {
    match format!("v = {text}").parse::<Table>().ok().and_then(|mut table| table.remove("v")) {
        Some(value @ (Value::Integer(_) | Value::Boolean(_) | Value::Array(_))) => value,
        _ => Value::String(text.to_owned()),
    }
}

fn unknown_keys(at: &str, given: &Value, known: &Value, problems: &mut Vec<Problem>) {
    let (Value::Table(given), Value::Table(known)) = (given, known) else { return };
    // A map has keys of the deployment's own; what comes in kinds is judged by its kind.
    if known.is_empty() || known.contains_key("kind") {
        return;
    }
    for (key, value) in given {
        let path = if at.is_empty() { key.clone() } else { format!("{at}.{key}") };
        match known.get(key) {
            Some(known) => unknown_keys(&path, value, known, problems),
            None => problems.push(Problem(format!("unknown key {path}: see `stepgate config schema`"))),
        }
    }
}

impl Settings {
    /// The defaults with every optional key present: what the unknown-key check compares with.
    fn documented() -> Self {
        let mut settings = Self::default();
        settings.redis.url = Some(String::new());
        settings.registration.mode = Some(crate::registration::RegistrationMode::Closed);
        settings.authorization.unsigned_request_objects = Some(false);
        settings.mail = crate::outbound::smtp::MailSettings::documented();
        settings.metrics.listen = Some(settings.server.listen);
        settings.outbound.ca_file = Some(std::path::PathBuf::new());
        settings.tls.certificate_file = Some(std::path::PathBuf::new());
        settings.tls.key_file = Some(std::path::PathBuf::new());
        settings.security_keys.metadata_file = Some(std::path::PathBuf::new());
        settings.security_keys.metadata_roots = Some(std::path::PathBuf::new());
        settings.mtls.trust_anchors = Some(std::path::PathBuf::new());
        settings.mtls.client_certificate_header = Some(String::new());
        settings
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn variables(pairs: &[(&str, &str)]) -> std::vec::IntoIter<(String, String)> {
        pairs.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect::<Vec<_>>().into_iter()
    }

    #[test]
    fn environment_overrides_and_unknown_keys_are_all_named() {
        let settings = load(
            None,
            variables(&[
                ("STEPGATE__TOKENS__CODE_SECONDS", "30"),
                ("STEPGATE__SERVER__ISSUER", "https://id.example"),
                ("STEPGATE__OUTBOUND__CA_FILE", "/etc/ca.pem"),
                ("HOME", "/root"),
            ]),
        )
        .unwrap_or_else(|problems| panic!("{problems:?}"));
        assert_eq!((settings.tokens.code_seconds, settings.server.issuer.as_str()), (30, "https://id.example"));
        assert_eq!(settings.outbound.ca_file.as_deref(), Some(Path::new("/etc/ca.pem")), "a name that ends in _FILE");

        let problems = load(None, variables(&[("STEPGATE__TOKENS__COD", "3"), ("STEPGATE__SEVER__ISSUER", "x")]))
            .err()
            .unwrap_or_default();
        let text = problems.iter().map(ToString::to_string).collect::<Vec<_>>().join("\n");
        assert!(text.contains("tokens.cod") && text.contains("sever"), "{text}");
    }
}
