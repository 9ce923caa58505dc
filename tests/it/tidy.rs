//! The invariants of ARCHITECTURE.md, read off the sources.

use std::path::{Path, PathBuf};

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap().to_owned()
}

/// All Rust files below a folder: path from the root, and text without its tests.
fn sources(folder: &str) -> Vec<(String, String)> {
    let mut found = Vec::new();
    let mut folders = vec![root().join(folder)];
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(&folder).unwrap() {
            let path = entry.unwrap().path();
            let name = path.strip_prefix(root()).unwrap().to_str().unwrap().to_owned();
            if path.is_dir() {
                if !name.ends_with("/target") && !name.ends_with("/tests") {
                    folders.push(path);
                }
            } else if name.ends_with(".rs") && !name.ends_with("tests.rs") {
                let text = std::fs::read_to_string(&path).unwrap();
                let code = text.split("#[cfg(test)]").next().unwrap().to_owned();
                found.push((name, code));
            }
        }
    }
    assert!(!found.is_empty());
    found
}

/// Lines that are code.
fn lines(text: &str) -> impl Iterator<Item = &str> {
    text.lines().map(str::trim).filter(|line| !line.starts_with("//"))
}

fn only_in(folder: &str, words: &[&str], allowed: &[&str]) {
    for (name, text) in sources(folder) {
        if allowed.iter().any(|prefix| name.starts_with(prefix)) {
            continue;
        }
        for line in lines(&text) {
            let found = words.iter().find(|word| line.contains(**word));
            assert!(found.is_none(), "{name}: {} belongs elsewhere: {line}", found.unwrap());
        }
    }
}

#[test]
fn the_core_does_no_io_and_reads_no_clock() {
    let words = [
        "async fn",
        ".await",
        "tokio",
        "SystemTime",
        "Instant::now",
        "std::fs",
        "std::net::Tcp",
        "println!",
        "rand::fill",
    ];
    only_in("idp/core/src", &words, &[]);
}

#[test]
fn one_place_reads_clock_and_randomness() {
    only_in("idp/src", &["SystemTime::now", "aws_lc_rs::rand::fill", "Utc::now", "Uuid::new_v4"], &["idp/src/cx.rs"]);
    only_in("idp/store/src", &["SystemTime::now", "rand::fill", "Uuid::new_v4"], &[]);
}

#[test]
fn only_the_assurance_module_knows_acr_and_amr() {
    let demo = ["idp/src/demo"];
    only_in("idp/src", &["urn:stepgate:acr", "refeds.org", "\"pwd\"", "\"mfa\"", "\"hwk\"", "\"swk\""], &demo);
    only_in("idp/store/src", &["urn:stepgate:acr", "\"pwd\"", "\"mfa\""], &[]);
    only_in("idp/core/src", &["urn:stepgate:acr", "\"pwd\"", "\"mfa\"", "\"swk\""], &["idp/core/src/assurance"]);
}

#[test]
fn one_place_writes_oauth_errors() {
    only_in("idp/src", &["WWW_AUTHENTICATE"], &["idp/src/http/oauth_error.rs", "idp/src/demo/partner"]);
    // The console reads what was answered, to explain it.
    let readers = ["idp/src/http/oauth_error.rs", "idp/src/demo/partner", "idp/src/developer"];
    only_in("idp/src", &["\"error_description\""], &readers);
}

#[test]
fn steps_do_not_choose_what_comes_next() {
    only_in("idp/src/login/steps", &["next::", "NextStep", "dispatch("], &[]);
    only_in("idp/src", &["NextStep::"], &["idp/src/login/dispatch.rs", "idp/src/authorize.rs"]);
}

#[test]
fn use_cases_know_no_http() {
    for folder in
        ["idp/src/login/phone.rs", "idp/src/login/hardware.rs", "idp/src/login/password.rs", "idp/src/login/finish.rs"]
    {
        let text = std::fs::read_to_string(root().join(folder)).unwrap();
        let words = ["axum", "askama", "StatusCode", "pages::"];
        assert!(lines(&text).all(|line| words.iter().all(|word| !line.contains(word))), "{folder}");
    }
}

#[test]
fn outbound_requests_go_through_the_guarded_client() {
    only_in("idp/src", &["reqwest::"], &["idp/src/outbound/fetch", "idp/src/demo"]);
}

/// Mail goes to the one server that the settings name, over a client of its own: SMTP is no HTTP, and a mail server often
/// stands inside, where the guarded client would not go.
#[test]
fn mail_leaves_through_one_file() {
    only_in("idp/src", &["lettre::"], &["idp/src/outbound/smtp.rs"]);
    only_in("idp/src", &["TcpStream::connect"], &["idp/src/outbound", "idp/src/demo"]);
}

#[test]
fn modules_of_the_core_use_only_what_is_declared_above_them() {
    let lib = std::fs::read_to_string(root().join("idp/core/src/lib.rs")).unwrap();
    let order: Vec<&str> = lib.lines().filter_map(|line| line.strip_prefix("pub mod ")?.strip_suffix(';')).collect();
    assert!(order.len() > 10, "{order:?}");
    for (name, text) in sources("idp/core/src") {
        let module = name.strip_prefix("idp/core/src/").unwrap().split(['/', '.']).next().unwrap();
        let Some(own) = order.iter().position(|known| *known == module) else { continue };
        for (position, other) in order.iter().enumerate() {
            let used = lines(&text).any(|line| {
                line.contains(&format!("crate::{other}::")) || line.contains(&format!("crate::{other}::{{"))
            });
            assert!(!used || position <= own, "{name} uses {other}, which is declared below it");
        }
    }
}

#[test]
fn secrets_cannot_be_printed() {
    for (name, text) in sources("idp/core/src/secret") {
        assert!(!text.contains("impl<T: Zeroize> std::fmt::Debug"), "{name}");
    }
    let secret = std::fs::read_to_string(root().join("idp/core/src/secret.rs")).unwrap();
    let (before, _) = secret.split_once("pub struct Secret<").unwrap();
    let derive = before.lines().rev().find(|line| line.contains("derive")).unwrap();
    assert_eq!(derive.trim(), "#[derive(Clone)]");
}

/// What is secret has no equality, and the hashes of what people and devices send are compared in constant time.
#[test]
fn t14_secrets_and_their_hashes_are_compared_in_constant_time() {
    let secret = std::fs::read_to_string(root().join("idp/core/src/secret.rs")).unwrap();
    assert!(!secret.contains("PartialEq for Secret"), "the library's comparison stops at the first difference");
    let words =
        ["hash ==", "hash !=", "== sha256(", "!= sha256(", "expose() ==", "expose() !=", "digits ==", "digits !="];
    for folder in ["idp/core/src", "idp/src"] {
        only_in(folder, &words, &["idp/src/demo", "idp/src/credentials/phone_call.rs"]);
    }
}

#[test]
fn files_can_be_read_in_one_sitting() {
    let mut long = Vec::new();
    for folder in ["idp/src", "idp/core/src", "idp/store/src", "migrations/src"] {
        for (name, text) in sources(folder) {
            let count = text.lines().count();
            if count > 420 {
                long.push(format!("{name}: {count} lines"));
            }
        }
    }
    assert!(long.is_empty(), "split these: {long:#?}");
}

#[test]
fn nothing_is_left_unfinished() {
    only_in("idp", &["todo!(", "unimplemented!(", "FIXME", "#[ignore"], &[]);
}
