//! What happened to a credential: when, where, for which application.
//!
//! Uses come from the factor events, all else from the audit log. Addresses are shown as they are: what city they are in
//! nobody here knows.

use std::collections::HashMap;

use stepgate_core::assurance::CredentialKind;
use stepgate_core::credentials::Credential;
use stepgate_core::time::Timestamp;
use stepgate_store::audit::{self, NewEvent};
use stepgate_store::uses::{self, Use};

use super::Visitor;
use super::sessions::browser_name;
use crate::cx::Cx;
use crate::fault::Fault;
use crate::pages::credential::HISTORY;
use crate::pages::table::{Cell, Table};
use crate::pages::{Tone, When};

/// Lines of the history.
const LINES: usize = 30;
/// Events that are looked through for it.
const EVENTS: u32 = 300;

/// The latest of what happened to a credential.
pub(super) async fn of(cx: &Cx, visitor: &Visitor, credential: &Credential) -> Result<Table, Fault> {
    let uses = uses::list_uses(&cx.app.db, credential.id, 30).await?;
    let events = audit::list_latest_of(&cx.app.db, visitor.person.id, EVENTS).await?;
    let events: Vec<NewEvent> = events.into_iter().map(|found| found.event).collect();
    // The session knows where it was seen last; the event knows where it was then.
    let places: HashMap<i64, String> = events
        .iter()
        .filter(|event| event.kind.starts_with("login.") && event.kind.ends_with(".succeeded"))
        .filter_map(|event| Some((event.at.unix_millis(), event.ip?.to_string())))
        .collect();
    let alone = visitor.credentials.iter().filter(|held| held.kind == credential.kind).count() == 1;
    let zone = visitor.zone();
    let mut lines: Vec<(Timestamp, Vec<Cell>)> = Vec::new();
    for used in &uses {
        let place = places.get(&used.at.unix_millis()).cloned();
        let place = place.or_else(|| used.ip.map(|ip| ip.to_string())).unwrap_or_default();
        let row = vec![
            Cell::Time(When::new(used.at, cx.now, &zone)),
            Cell::State(Tone::Ok, "Used".to_owned()),
            Cell::text(place),
            Cell::text(browser_name(&used.user_agent)),
            Cell::text(applications(cx, used).await?),
        ];
        lines.push((used.at, row));
    }
    for event in events.iter().filter(|event| concerns(event, credential, alone)) {
        let Some((tone, words)) = words(&event.kind) else { continue };
        let what = tone.map_or_else(|| Cell::text(words.clone()), |tone| Cell::State(tone, words.clone()));
        let place = event.ip.map(|ip| ip.to_string()).unwrap_or_default();
        let by = if event.actor.is_some_and(|actor| actor != visitor.person.id) { "An administrator" } else { "" };
        let when = Cell::Time(When::new(event.at, cx.now, &zone));
        lines.push((event.at, vec![when, what, Cell::text(place), Cell::text(by), Cell::Empty]));
    }
    lines.sort_by_key(|(at, _)| std::cmp::Reverse(*at));
    let rows = lines.into_iter().take(LINES).map(|(_, row)| row).collect();
    Ok(Table::new(&HISTORY, rows, "Not used yet."))
}

/// The names of the applications that the login was for.
async fn applications(cx: &Cx, used: &Use) -> Result<String, Fault> {
    let mut names: Vec<String> = Vec::new();
    for client in &used.clients {
        let found = crate::clients::find(cx, client).await?;
        let name = found.map_or_else(|| client.clone(), |found| found.application.name.clone());
        if !names.contains(&name) {
            names.push(name);
        }
    }
    Ok(if names.is_empty() { cx.app.settings.server.name.clone() } else { names.join(", ") })
}

/// Whether an event is about the credential. Failed tries of a kind of which only one is held are, named or not.
fn concerns(event: &NewEvent, credential: &Credential, alone: bool) -> bool {
    match event.data.get("credential").and_then(serde_json::Value::as_str) {
        Some(id) => id == credential.id.to_string(),
        None => {
            let kind = match credential.kind {
                CredentialKind::Password => "login.password.",
                CredentialKind::PhoneOtp => "login.phone_otp.",
                CredentialKind::MobileId => "login.mobile_id",
                CredentialKind::HardwareToken => "login.hardware_token.",
                CredentialKind::SecurityKey => "login.security_key.",
                CredentialKind::Recovery => "login.recovery",
            };
            alone && event.kind.starts_with(kind) && event.kind.ends_with(".failed")
        }
    }
}

/// What an event is called here; `None` for what the uses tell already.
fn words(kind: &str) -> Option<(Option<Tone>, String)> {
    if kind.ends_with(".succeeded") && kind.starts_with("login.") {
        return None;
    }
    Some(match kind {
        _ if kind.starts_with("login.") => (Some(Tone::Warning), "Failed try".to_owned()),
        "credential.suspended" | "admin.credential.suspended" => (Some(Tone::Warning), "Suspended".to_owned()),
        "credential.lost" => (Some(Tone::Danger), "Reported lost".to_owned()),
        "security.not_me" => (Some(Tone::Danger), "\u{201c}This was not me\u{201d}".to_owned()),
        "credential.revoked" | "security_key.removed" => (Some(Tone::Danger), "Revoked".to_owned()),
        "credential.resumed" | "admin.credential.reactivated" => (Some(Tone::Ok), "Resumed".to_owned()),
        "credential.tested" => (Some(Tone::Ok), "Tested: it works".to_owned()),
        "credential.resync" => (None, "Resync".to_owned()),
        "credential.renamed" => (None, "Renamed".to_owned()),
        "admin.credential.unlocked" => (None, "Unlocked".to_owned()),
        other => {
            let text = other.replace(['.', '_'], " ");
            let mut letters = text.chars();
            let first = letters.next().map(|letter| letter.to_uppercase().to_string()).unwrap_or_default();
            (None, format!("{first}{}", letters.as_str()))
        }
    })
}
