use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use super::*;

const FILES: [(&str, &str); 2] =
    [("en", include_str!("../../locales/en.ftl")), ("de", include_str!("../../locales/de.ftl"))];

/// Every key of a file with the facts in its words, also in the words that it takes from other keys.
fn keys(source: &str) -> BTreeMap<String, BTreeSet<String>> {
    let parsed = FluentResource::try_new(source.to_owned());
    assert!(parsed.is_ok(), "{:?}", parsed.err().map(|(_, errors)| errors));
    let mut found: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    let mut key = String::new();
    for line in source.lines().filter(|line| !line.starts_with('#')) {
        if let Some((name, _)) = line.split_once(" =").filter(|_| line.starts_with(|it: char| it.is_ascii_lowercase()))
        {
            key = name.to_owned();
            assert!(found.insert(key.clone(), BTreeSet::new()).is_none(), "{key} is there twice");
        }
        for part in line.split("{ ").skip(1) {
            let fact = part.split(' ').next().unwrap();
            found.get_mut(&key).unwrap().insert(fact.to_owned());
        }
    }
    found
}

/// The text of all code and templates.
fn sources() -> String {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut text = String::new();
    let mut folders: Vec<PathBuf> = vec![root.join("src"), root.join("templates")];
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(&folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|kind| kind == "rs" || kind == "html")
                && !path.ends_with("words/tests.rs")
            {
                text.push_str(&std::fs::read_to_string(&path).unwrap());
            }
        }
    }
    text
}

#[test]
fn every_language_says_what_english_says_of_the_same_facts() {
    let english = keys(FILES[0].1);
    for (tag, source) in &FILES[1..] {
        let other = keys(source);
        let missing: Vec<_> = english.keys().filter(|key| !other.contains_key(*key)).collect();
        let foreign: Vec<_> = other.keys().filter(|key| !english.contains_key(*key)).collect();
        assert!(missing.is_empty() && foreign.is_empty(), "{tag}: without {missing:?}, only there {foreign:?}");
        for (key, facts) in &english {
            assert_eq!(Some(facts), other.get(key), "{tag}: {key}");
        }
    }
}

#[test]
fn no_key_is_unused_and_none_that_is_used_is_missing() {
    let (known, sources) = (keys(FILES[0].1), sources());
    for key in known.keys() {
        let within = known.values().any(|facts| facts.contains(key));
        assert!(within || sources.contains(&format!("\"{key}\"")), "nobody says {key}");
    }
    let calls = [
        "language.text(\"",
        "language.say(\"",
        "language.around(\"",
        "layout.t(\"",
        "layout.t1(\"",
        "layout.around(\"",
        "layout_in_theirs(cx, \"",
        "layout_in_theirs(&cx, \"",
        "language\n            .say(\"",
    ];
    for call in calls {
        for rest in sources.split(call).skip(1) {
            let key = rest.split('"').next().unwrap();
            assert!(known.contains_key(key), "there are no words for {key}");
        }
    }
}

#[test]
fn the_language_is_what_the_browser_weighs_most_of_those_we_speak() {
    let cases = [
        ("", None),
        ("de", Some(Language::German)),
        ("de-AT,de;q=0.9,en;q=0.8", Some(Language::German)),
        ("fr-CH, fr;q=0.9, en;q=0.8, de;q=0.7, *;q=0.5", Some(Language::English)),
        ("en;q=0.1, DE;q=0.25", Some(Language::German)),
        ("en, de", Some(Language::English)),
        ("de;q=0, fr", None),
        ("de;q=zero, en;q=0.001", Some(Language::English)),
        ("de;q=7", None),
        ("*", None),
        ("\u{e4},;;q=,de;q=1.000", Some(Language::German)),
    ];
    for (header, language) in cases {
        assert_eq!(Language::of_header(header), language, "{header}");
    }
    let tags = |tags: &[&str]| tags.iter().map(|tag| (*tag).to_owned()).collect::<Vec<_>>();
    assert_eq!(Language::of_tags(&tags(&["fr", "de_CH", "en"])), Some(Language::German));
    assert_eq!(Language::of_tags(&tags(&["fr", "en-XB-de"])), Some(Language::English));
    assert_eq!(Language::of_tag("en-XB").map(Language::tag), Some("en"), "nobody chooses the made-up one");
}

#[test]
fn sums_are_written_as_people_write_them() {
    let sum = |minor, currency: &str| Money { minor, currency: currency.parse().unwrap() };
    let cases = [
        (2400, "EUR", "24.00 EUR", "24,00\u{a0}\u{20ac}"),
        (2405, "USD", "24.05 USD", "24,05\u{a0}$"),
        (-2400, "USD", "-24.00 USD", "-24,00\u{a0}$"),
        (123_456_789, "USD", "1234567.89 USD", "1.234.567,89\u{a0}$"),
        (1500, "JPY", "1500 JPY", "1.500\u{a0}JPY"),
        (100_005, "KWD", "100.005 KWD", "100,005\u{a0}KWD"),
    ];
    for (minor, currency, english, german) in cases {
        assert_eq!(Language::English.money(sum(minor, currency)), english);
        assert_eq!(Language::German.money(sum(minor, currency)), german);
    }
}

#[test]
fn a_fact_with_markup_of_its_own_stands_between_two_pieces() {
    let (before, after) = Language::German.around("back-to", "application", []);
    assert_eq!((before.as_str(), after.as_str()), ("Zur\u{fc}ck zu ", ""));
    // Facts are put in as they are: what looks like words of ours in a name stays a name.
    let name = "{ month } & <b>";
    assert_eq!(Language::English.say("back-to", [("application", name.into())]), format!("Back to {name}"));
}
