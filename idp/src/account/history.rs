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
use crate::pages::credential;
use crate::pages::table::{Cell, Table};
use crate::pages::{Tone, When};
use crate::words::Language;

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
    let (zone, language) = (visitor.zone(), visitor.language);
    let when = |at| Cell::Time(When::new_in(language, at, cx.now, &zone));
    let mut lines: Vec<(Timestamp, Vec<Cell>)> = Vec::new();
    for used in &uses {
        let place = places.get(&used.at.unix_millis()).cloned();
        let place = place.or_else(|| used.ip.map(|ip| ip.to_string())).unwrap_or_default();
        let row = vec![
            when(used.at),
            Cell::State(Tone::Ok, language.text("history-used")),
            Cell::text(place),
            Cell::text(language.browser(&browser_name(&used.user_agent))),
            Cell::text(applications(cx, used).await?),
        ];
        lines.push((used.at, row));
    }
    for event in events.iter().filter(|event| concerns(event, credential, alone)) {
        let Some((tone, words)) = words(language, &event.kind) else { continue };
        let what = tone.map_or_else(|| Cell::text(words.clone()), |tone| Cell::State(tone, words.clone()));
        let place = event.ip.map(|ip| ip.to_string()).unwrap_or_default();
        let by = event.actor.is_some_and(|actor| actor != visitor.person.id);
        let by = if by { language.text("history-administrator") } else { String::new() };
        lines.push((event.at, vec![when(event.at), what, Cell::text(place), Cell::text(by), Cell::Empty]));
    }
    lines.sort_by_key(|(at, _)| std::cmp::Reverse(*at));
    let rows = lines.into_iter().take(LINES).map(|(_, row)| row).collect();
    Ok(credential::history(language, rows))
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
fn words(language: Language, kind: &str) -> Option<(Option<Tone>, String)> {
    if kind.ends_with(".succeeded") && kind.starts_with("login.") {
        return None;
    }
    let (tone, key) = match kind {
        _ if kind.starts_with("login.") => (Some(Tone::Warning), "history-failed"),
        "credential.suspended" | "admin.credential.suspended" => (Some(Tone::Warning), "state-suspended"),
        "credential.lost" => (Some(Tone::Danger), "history-lost"),
        "security.not_me" => (Some(Tone::Danger), "history-not-me"),
        "credential.revoked" | "security_key.removed" => (Some(Tone::Danger), "state-revoked"),
        "credential.resumed" | "admin.credential.reactivated" => (Some(Tone::Ok), "history-resumed"),
        "credential.tested" => (Some(Tone::Ok), "history-tested"),
        "credential.resync" => (None, "resync"),
        "credential.renamed" => (None, "history-renamed"),
        "admin.credential.unlocked" => (None, "history-unlocked"),
        "subscription.renewed" => (None, "history-renewed"),
        "subscription.auto_renew" => (None, "history-auto-renew"),
        // In English the name of an event reads well enough.
        other if language == Language::English => return Some((None, spelled(other))),
        _ => (None, "history-other"),
    };
    Some((tone, language.text(key)))
}

fn spelled(kind: &str) -> String {
    let text = kind.replace(['.', '_'], " ");
    let mut letters = text.chars();
    let first = letters.next().map(|letter| letter.to_uppercase().to_string()).unwrap_or_default();
    format!("{first}{}", letters.as_str())
}
