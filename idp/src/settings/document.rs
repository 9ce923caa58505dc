//! The configuration described: its JSON Schema, and the defaults as a file with a comment for every key.

use schemars::schema_for;
use serde_json::Value;

use super::Settings;

/// Why the settings cannot be described. Only a defect of ours can cause it.
#[derive(Debug, thiserror::Error)]
pub enum DocumentError {
    /// The schema.
    #[error("the schema of the settings: {0}")]
    Schema(#[from] serde_json::Error),
    /// The defaults.
    #[error("the default settings: {0}")]
    Defaults(#[from] toml::ser::Error),
}

/// The JSON Schema of the configuration.
pub fn schema() -> Result<Value, DocumentError> {
    Ok(serde_json::to_value(schema_for!(Settings))?)
}

/// The defaults as TOML, with what the schema says about each key.
pub fn defaults() -> Result<String, DocumentError> {
    let (schema, defaults) = (schema()?, toml::Value::try_from(Settings::default())?);
    let mut text = String::from("# Every key with its default. Made by `stepgate config default`.\n");
    for (name, section) in properties(&schema, &schema) {
        describe(&schema, (name, section), defaults.get(name), &mut text);
    }
    Ok(text)
}

/// A section: its keys, then the sections in it.
fn describe(schema: &Value, (name, section): (&str, &Value), defaults: Option<&toml::Value>, text: &mut String) {
    text.push_str(&format!("\n{}[{name}]\n", comment(section)));
    let mut inner = Vec::new();
    for (key, property) in properties(schema, section) {
        let value = defaults.and_then(|section| section.get(key));
        if value.is_some_and(toml::Value::is_table) && !properties(schema, property).is_empty() {
            inner.push((format!("{name}.{key}"), property, value));
            continue;
        }
        text.push_str(&comment(property));
        match value {
            Some(toml::Value::Array(items)) if items.len() > 1 && items.iter().all(toml::Value::is_table) => {
                // Lists of tables are read better one a line.
                let lines: String = items.iter().map(|item| format!("    {item},\n")).collect();
                text.push_str(&format!("{key} = [\n{lines}]\n"));
            }
            Some(value) => text.push_str(&format!("{key} = {value}\n")),
            None => text.push_str(&format!("# {key} =\n")),
        }
    }
    for (name, section, value) in inner {
        describe(schema, (&name, section), value, text);
    }
}

/// The properties of an object, references followed, in alphabetical order.
fn properties<'a>(schema: &'a Value, object: &'a Value) -> Vec<(&'a str, &'a Value)> {
    let object = match object.get("$ref").and_then(Value::as_str).and_then(|path| path.strip_prefix('#')) {
        Some(pointer) => schema.pointer(pointer).unwrap_or(object),
        None => object,
    };
    let mut found: Vec<_> = object.get("properties").and_then(Value::as_object).into_iter().flatten().collect();
    found.sort_by_key(|(name, _)| name.as_str());
    found.into_iter().map(|(name, property)| (name.as_str(), property)).collect()
}

fn comment(of: &Value) -> String {
    let description = of.get("description").and_then(Value::as_str).unwrap_or_default();
    description.lines().map(|line| format!("# {line}\n")).collect()
}

#[cfg(test)]
mod tests {
    use std::path::PathBuf;

    use super::*;
    use crate::boot;
    use crate::settings::load;

    fn file(name: &str) -> PathBuf {
        PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../config").join(name)
    }

    fn text(name: &str) -> String {
        std::fs::read_to_string(file(name)).unwrap_or_else(|error| panic!("config/{name}: {error}"))
    }

    #[test]
    fn the_files_in_config_are_those_that_the_settings_make() {
        let remedy = "make it again with `stepgate config default > config/default.toml` and \
                      `stepgate config schema > config/schema.json`";
        assert_eq!(text("default.toml"), defaults().unwrap(), "{remedy}");
        let schema_file: Value = serde_json::from_str(&text("schema.json")).unwrap();
        assert_eq!(schema_file, schema().unwrap(), "{remedy}");
    }

    #[test]
    fn every_example_can_be_loaded() {
        let master = [("STEPGATE__SECRETS__MASTER".to_owned(), "a".repeat(64))];
        for name in ["default.toml", "demo.toml", "production.example.toml"] {
            let loaded = load(Some(&file(name)), master.clone().into_iter());
            assert!(loaded.is_ok(), "{name}: {:?}", loaded.err());
        }
        let production = load(Some(&file("production.example.toml")), master.into_iter()).unwrap_or_default();
        assert_eq!(boot::problems(&production), []);
        let demo = load(Some(&file("demo.toml")), std::iter::empty()).unwrap_or_default();
        assert_eq!(demo.secrets.master, boot::DEMO_MASTER);
    }
}
