//! The cards of Manage OTP, and what needs attention first. Fifty cards ask the store as often as one.

use jiff::tz::TimeZone;
use stepgate_core::assurance::{CredentialKind, CredentialState};
use stepgate_core::credentials::{Credential, Phone};
use stepgate_core::id::{CredentialId, PhoneId};
use stepgate_core::subscriptions::term::Renewal;
use stepgate_core::time::Timestamp;
use stepgate_store::credentials::Suspended;
use stepgate_store::deliveries::{self, DeliveryState};
use stepgate_store::holdings;
use stepgate_store::subscriptions::{self as terms, SoldAs};

use super::phones::delivered;
use super::{Visitor, activate_key, activation, change, proofing, renew};
use crate::cx::Cx;
use crate::fault::Fault;
use crate::pages::otp::{CredentialCard, PhoneRow, StatusCard};
use crate::pages::{Action, Tone, When};
use crate::proofing::Standing;
use crate::subscriptions::{self, name_of};

/// Everything that belongs to the visitor's credentials.
struct Details {
    zone: TimeZone,
    sold: Vec<(CredentialId, SoldAs)>,
    numbers: Vec<Phone>,
    last: Vec<(PhoneId, DeliveryState, Timestamp)>,
    phones: Vec<(CredentialId, String)>,
    synced: Vec<CredentialId>,
    suspensions: Vec<(CredentialId, Suspended)>,
}

impl Details {
    async fn read(cx: &Cx, visitor: &Visitor) -> Result<Self, Fault> {
        let (db, person) = (&cx.app.db, visitor.person.id);
        let has = |kind| visitor.credentials.iter().any(|held| held.kind == kind);
        let phone = has(CredentialKind::PhoneOtp);
        let suspended = visitor.credentials.iter().any(|held| held.stage == CredentialState::Suspended);
        Ok(Self {
            zone: visitor.zone(),
            sold: terms::list_sold_as(db, person).await?,
            numbers: if phone { holdings::list_numbers(db, person).await? } else { Vec::new() },
            last: if phone { deliveries::list_last(db, person).await? } else { Vec::new() },
            phones: match has(CredentialKind::MobileId) {
                true => holdings::list_confirmed_phones(db, person).await?,
                false => Vec::new(),
            },
            synced: match has(CredentialKind::SecurityKey) {
                true => holdings::list_synced_keys(db, person).await?,
                false => Vec::new(),
            },
            suspensions: if suspended { holdings::list_suspensions(db, person).await? } else { Vec::new() },
        })
    }

    fn sold(&self, id: CredentialId) -> SoldAs {
        self.sold.iter().find(|(known, _)| *known == id).map(|(_, sold)| sold.clone()).unwrap_or_default()
    }

    fn suspended(&self, id: CredentialId) -> Option<Suspended> {
        self.suspensions.iter().find(|(known, _)| *known == id).map(|(_, suspended)| *suspended)
    }

    fn number(&self, credential: &Credential) -> Option<String> {
        match credential.kind {
            CredentialKind::SecurityKey if credential.stage == CredentialState::Pending => None,
            CredentialKind::SecurityKey if self.synced.contains(&credential.id) => {
                Some("Synced between your devices".to_owned())
            }
            CredentialKind::SecurityKey => Some("On one device only".to_owned()),
            _ => {
                let phone = self.phones.iter().find(|(known, _)| *known == credential.id);
                credential.serial.clone().or_else(|| phone.map(|(_, label)| label.clone()))
            }
        }
    }

    fn rows(&self, cx: &Cx, credential: CredentialId) -> Vec<PhoneRow> {
        let verified = |phone: &&Phone| phone.credential == credential && phone.verified_at.is_some();
        let row = |phone: &Phone| {
            let channels = match (phone.text, phone.voice) {
                (true, true) => "Text and calls",
                (true, false) => "Text only",
                _ => "Calls only",
            };
            let last = self.last.iter().find(|(known, ..)| *known == phone.id);
            let last =
                last.and_then(|(_, state, at)| Some((delivered(*state)?, When::new(*at, cx.now, &self.zone).text)));
            let last = last.map_or_else(String::new, |(words, when)| format!(" \u{b7} {words} {when}"));
            PhoneRow {
                channels: format!("{channels}{last}"),
                masked: phone.masked.clone(),
                preferred: phone.preferred,
                actions: Vec::new(),
            }
        };
        self.numbers.iter().filter(verified).map(row).collect()
    }
}

/// A card for each credential, and the one thing that needs attention first.
pub(super) async fn all(cx: &Cx, visitor: &Visitor) -> Result<(Vec<CredentialCard>, Option<StatusCard>), Fault> {
    let details = Details::read(cx, visitor).await?;
    let shown = |held: &&Credential| {
        let listed = !matches!(held.kind, CredentialKind::Password | CredentialKind::Recovery);
        listed && held.stage != CredentialState::Revoked
    };
    let held: Vec<&Credential> = visitor.credentials.iter().filter(shown).collect();
    let cards: Vec<CredentialCard> = held.iter().map(|credential| card(cx, visitor, credential, &details)).collect();
    let status = status(cx, visitor, (&held, &cards), &details).await?;
    Ok((cards, status))
}

fn card(cx: &Cx, visitor: &Visitor, credential: &Credential, details: &Details) -> CredentialCard {
    let (state, zone) = (credential.state(cx.now), &details.zone);
    let (sold, suspended) = (details.sold(credential.id), details.suspended(credential.id));
    CredentialCard {
        id: credential.id.to_string(),
        kind: credential.kind,
        label: credential.label.clone(),
        number: details.number(credential),
        state,
        proofed: visitor.person.is_proofed(cx.now),
        shown: visitor.live.session.events.iter().any(|event| event.credential == credential.id),
        bought: credential.purchased_at.map(|at| When::date(at, zone)),
        expires: credential.expires_at.map(|at| When::date(at, zone)),
        last_used: credential.last_used_at.map(|at| When::new(at, cx.now, zone)),
        note: waits(cx, visitor, credential, &sold).or_else(|| note(cx, visitor, credential, suspended)),
        phones: if credential.kind == CredentialKind::PhoneOtp { details.rows(cx, credential.id) } else { Vec::new() },
        primary: primary(cx, visitor, credential, &sold),
        actions: [adoptions(cx, visitor, credential, details), actions(cx, visitor, credential, suspended)].concat(),
    }
}

/// Keys that could become the one that was bought: a key that is set up cannot be set up again.
fn adoptions(cx: &Cx, visitor: &Visitor, credential: &Credential, details: &Details) -> Vec<Action> {
    let sold = details.sold(credential.id);
    let proofed = !sold.needs_proofing || visitor.person.is_proofed(cx.now);
    if credential.kind != CredentialKind::SecurityKey || credential.stage != CredentialState::Pending || !proofed {
        return Vec::new();
    }
    let adoptable = |held: &&Credential| subscriptions::is_adoptable(cx, held, &details.sold(held.id));
    let action = |held: &Credential| {
        let words = format!("Use \u{201c}{}\u{201d}", held.label);
        let adopt = Action::post(format!("adopt-{}", held.id), words, "/account/otp/key/adopt");
        adopt.with("credential", credential.id.to_string()).with("key", held.id.to_string())
    };
    visitor.credentials.iter().filter(adoptable).map(action).collect()
}

/// What a credential that was bought waits for, other than its holder.
fn waits(cx: &Cx, visitor: &Visitor, credential: &Credential, sold: &SoldAs) -> Option<String> {
    if credential.stage != CredentialState::Pending {
        return None;
    }
    if sold.needs_proofing && !visitor.person.is_proofed(cx.now) {
        return Some(
            "It was bought with identity proofing: an agent looks at you first, then it can be set up.".to_owned(),
        );
    }
    (credential.kind == CredentialKind::HardwareToken && credential.serial.is_none()).then(|| {
        "A token is being made ready for you. When it has come, activate it with its serial number and the registration \
         code that we mail to you."
            .to_owned()
    })
}

/// What needs to be said about a credential.
pub(super) fn note(
    cx: &Cx,
    visitor: &Visitor,
    credential: &Credential,
    suspended: Option<Suspended>,
) -> Option<String> {
    match credential.state(cx.now) {
        CredentialState::Pending => Some("Bought, not set up yet: it cannot be used until you activate it.".to_owned()),
        CredentialState::Expired => renew::note(cx, visitor, credential),
        CredentialState::Locked => {
            Some("Locked after too many wrong codes. Ask your administrator to unlock it.".to_owned())
        }
        CredentialState::Suspended => Some(change::why(suspended).to_owned()),
        CredentialState::Active if credential.retry_at.is_some_and(|at| at > cx.now) => {
            Some("After several wrong codes it rests for a while. Try again later.".to_owned())
        }
        CredentialState::Active => renew::note(cx, visitor, credential),
        CredentialState::Revoked => None,
    }
}

/// What the state asks for: *Activate*, *Renew*, something new.
pub(super) fn primary(cx: &Cx, visitor: &Visitor, credential: &Credential, sold: &SoldAs) -> Option<Action> {
    if credential.stage != CredentialState::Pending {
        let closed = matches!(subscriptions::stands(cx, credential), Some(Renewal::Closed));
        let again = format!("/account/otp/get?again={}", credential.id);
        let anew = || Action::link(format!("new-{}", credential.id), "Get a new one", again);
        return renew::action(cx, credential, sold).or_else(|| closed.then(anew));
    }
    activation(cx, &visitor.person, credential, sold)
}

fn actions(cx: &Cx, visitor: &Visitor, credential: &Credential, suspended: Option<Suspended>) -> Vec<Action> {
    let (id, state) = (credential.id.to_string(), credential.state(cx.now));
    let link = |name: &str, label: &str| {
        Action::link(format!("{name}-{id}"), label, format!("/account/otp/{name}?credential={id}"))
    };
    let mut actions = Vec::new();
    if state == CredentialState::Active {
        let elevate = Action::post(format!("elevate-{id}"), "Elevate", "/account/elevate");
        actions.push(elevate.with("kind", credential.kind.as_str()));
    }
    actions.push(Action::link(format!("details-{id}"), "View details", format!("/account/otp/{id}")));
    if credential.kind == CredentialKind::HardwareToken && state == CredentialState::Active {
        actions.push(link("resync", "Resync"));
    }
    if credential.kind == CredentialKind::PhoneOtp && state == CredentialState::Active {
        actions.push(link("phones", "Numbers"));
    }
    if credential.kind == CredentialKind::MobileId && state == CredentialState::Active {
        let add = Action::post(format!("add-phone-{id}"), "Add phone", "/account/otp/mobile/start");
        actions.push(add.with("credential", id.clone()));
        actions.push(Action::link(format!("phones-{id}"), "Phones", "/account/otp/mobile"));
    }
    if state == CredentialState::Active && !visitor.person.is_proofed(cx.now) {
        actions.push(Action::link(format!("upgrade-{id}"), "Upgrade", "/account/otp/get?upgrade=1"));
    }
    actions.push(link("rename", "Rename"));
    actions.extend(change::actions(credential, state, suspended));
    actions
}

/// The one thing that needs attention first, and its button.
async fn status(
    cx: &Cx,
    visitor: &Visitor,
    (held, cards): (&[&Credential], &[CredentialCard]),
    details: &Details,
) -> Result<Option<StatusCard>, Fault> {
    let again = |action: &Action| Action { id: "status-action".to_owned(), ..action.clone() };
    let unproofed = |held: &&&Credential| {
        let waits = held.stage == CredentialState::Pending && details.sold(held.id).needs_proofing;
        waits && !visitor.person.is_proofed(cx.now)
    };
    if let Some(waiting) = held.iter().find(unproofed) {
        let (tone, text, action) = proofing::told(cx, visitor).await?;
        let action = action.unwrap_or_else(|| Action::link("", "See where it stands", "/account/proofing"));
        let heading = format!("{} waits for your identity proofing", waiting.label);
        return Ok(Some(StatusCard { tone, heading, text, action: Some(again(&action)) }));
    }
    let pairs = || held.iter().zip(cards);
    let pending = pairs().find(|(held, card)| held.stage == CredentialState::Pending && card.primary.is_some());
    if let Some((held, card)) = pending {
        return Ok(Some(StatusCard {
            tone: Tone::Notice,
            heading: format!("Set up your {}", held.label),
            text: "It is yours, and cannot be used before that.".to_owned(),
            action: card.primary.as_ref().map(again),
        }));
    }
    if let Some(key) = visitor.keys.first() {
        return Ok(Some(StatusCard {
            tone: Tone::Notice,
            heading: format!("{} waits for you", name_of(cx, key)),
            text: "It is bought and yours, and becomes a credential when you activate it.".to_owned(),
            action: Some(activate_key(cx, key, "status-action")),
        }));
    }
    let soon = cx.now + std::time::Duration::from_secs(30 * 24 * 3600);
    let ending = pairs().filter_map(|(held, card)| Some((held, card, held.expires_at.filter(|ends| *ends < soon)?)));
    let Some((held, card, ends)) = ending.min_by_key(|(.., ends)| *ends) else { return asked(cx, visitor).await };
    let over = ends <= cx.now;
    Ok(Some(StatusCard {
        tone: if over { Tone::Danger } else { Tone::Warning },
        heading: format!("{} {}", held.label, if over { "has expired" } else { "ends soon" }),
        text: renew::note(cx, visitor, held).unwrap_or_default(),
        action: card.primary.as_ref().map(again),
    }))
}

/// Somebody who asked to be proofed, with no credential that waits for it: where that stands.
async fn asked(cx: &Cx, visitor: &Visitor) -> Result<Option<StatusCard>, Fault> {
    if visitor.person.is_proofed(cx.now)
        || matches!(crate::proofing::standing(cx, visitor.person.id).await?, Standing::Nothing | Standing::Approved(_))
    {
        return Ok(None);
    }
    let (tone, text, action) = proofing::told(cx, visitor).await?;
    let action = action.unwrap_or_else(|| Action::link("", "See where it stands", "/account/proofing"));
    let action = Action { id: "status-action".to_owned(), ..action };
    Ok(Some(StatusCard { tone, heading: "Your identity proofing".to_owned(), text, action: Some(action) }))
}
