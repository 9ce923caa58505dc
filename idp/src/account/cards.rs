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

use super::activation::{anew, is_too_late};
use super::phones::delivered;
use super::{Visitor, activate_key, activation, change, proofing, renew};
use crate::cx::Cx;
use crate::fault::Fault;
use crate::pages::otp::{CredentialCard, PhoneRow, StatusCard};
use crate::pages::{Action, Tone, When};
use crate::proofing::Standing;
use crate::shop::{Catalogue, catalogue};
use crate::subscriptions::{self, name_of};
use crate::words::Language;

/// Everything that belongs to the visitor's credentials.
struct Details {
    language: Language,
    zone: TimeZone,
    catalogue: Catalogue,
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
            language: visitor.language,
            zone: visitor.zone(),
            catalogue: catalogue(cx).await?,
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
                Some(self.language.text("key-synced"))
            }
            CredentialKind::SecurityKey => Some(self.language.text("key-on-one-device")),
            _ => {
                let phone = self.phones.iter().find(|(known, _)| *known == credential.id);
                credential.serial.clone().or_else(|| phone.map(|(_, label)| label.clone()))
            }
        }
    }

    fn when(&self, cx: &Cx, at: Timestamp) -> When {
        When::new_in(self.language, at, cx.now, &self.zone)
    }

    fn date(&self, at: Timestamp) -> When {
        When::date_in(self.language, at, &self.zone)
    }

    fn rows(&self, cx: &Cx, credential: CredentialId) -> Vec<PhoneRow> {
        let verified = |phone: &&Phone| phone.credential == credential && phone.verified_at.is_some();
        let row = |phone: &Phone| {
            let channels = self.language.text(channels(phone));
            let last = self.last.iter().find(|(known, ..)| *known == phone.id);
            let last = last.and_then(|(_, state, at)| delivered(self.language, *state, &self.when(cx, *at).text));
            let last = last.map_or_else(String::new, |words| format!(" \u{b7} {words}"));
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

/// How a number takes codes.
pub(super) const fn channels(phone: &Phone) -> &'static str {
    match (phone.text, phone.voice) {
        (true, true) => "phone-text-and-calls",
        (true, false) => "phone-text-only",
        _ => "phone-calls-only",
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
    let (state, language) = (credential.state(cx.now), details.language);
    let (sold, suspended) = (details.sold(credential.id), details.suspended(credential.id));
    CredentialCard {
        id: credential.id.to_string(),
        kind: credential.kind,
        label: credential.label.clone(),
        number: details.number(credential),
        state,
        proofed: visitor.person.is_proofed(cx.now),
        shown: visitor.live.session.events.iter().any(|event| event.credential == credential.id),
        bought: credential.purchased_at.map(|at| details.date(at)),
        expires: credential.expires_at.map(|at| details.date(at)),
        last_used: credential.last_used_at.map(|at| details.when(cx, at)),
        note: waits(cx, visitor, credential, &sold).or_else(|| note(cx, visitor, (credential, suspended), language)),
        phones: if credential.kind == CredentialKind::PhoneOtp { details.rows(cx, credential.id) } else { Vec::new() },
        primary: primary(cx, visitor, &details.catalogue, (credential, &sold)),
        actions: [adoptions(cx, visitor, credential, details), actions(cx, visitor, credential, suspended)].concat(),
    }
}

/// Keys that could become the one that was bought: a key that is set up cannot be set up again.
fn adoptions(cx: &Cx, visitor: &Visitor, credential: &Credential, details: &Details) -> Vec<Action> {
    let sold = details.sold(credential.id);
    let proofed = !sold.needs_proofing || visitor.person.is_proofed(cx.now);
    let waits = credential.stage == CredentialState::Pending && !is_too_late(cx, credential);
    if credential.kind != CredentialKind::SecurityKey || !waits || !proofed {
        return Vec::new();
    }
    let adoptable = |held: &&Credential| subscriptions::is_adoptable(cx, held, &details.sold(held.id));
    let action = |held: &Credential| {
        let words = visitor.language.say("adopt-key", [("label", held.label.as_str().into())]);
        let adopt = Action::post(format!("adopt-{}", held.id), words, "/account/otp/key/adopt");
        adopt.with("credential", credential.id.to_string()).with("key", held.id.to_string())
    };
    visitor.credentials.iter().filter(adoptable).map(action).collect()
}

/// What a credential that was bought waits for, other than its holder.
fn waits(cx: &Cx, visitor: &Visitor, credential: &Credential, sold: &SoldAs) -> Option<String> {
    if credential.stage != CredentialState::Pending || is_too_late(cx, credential) {
        return None;
    }
    if sold.needs_proofing && !visitor.person.is_proofed(cx.now) {
        return Some(visitor.language.text("card-needs-proofing"));
    }
    let unmade = credential.kind == CredentialKind::HardwareToken && credential.serial.is_none();
    unmade.then(|| visitor.language.text("card-token-comes"))
}

/// What needs to be said about a credential.
pub(super) fn note(
    cx: &Cx,
    visitor: &Visitor,
    (credential, suspended): (&Credential, Option<Suspended>),
    language: Language,
) -> Option<String> {
    match credential.state(cx.now) {
        CredentialState::Pending if is_too_late(cx, credential) => {
            let on = credential.expires_at.map_or_else(String::new, |at| visitor.date(at).text);
            Some(language.say("card-too-late", [("ended", on.into())]))
        }
        CredentialState::Pending => Some(language.text("card-pending")),
        CredentialState::Expired => renew::note(cx, visitor, credential, language),
        CredentialState::Locked => Some(language.text("card-locked")),
        CredentialState::Suspended => Some(language.text(change::why(suspended))),
        CredentialState::Active if credential.retry_at.is_some_and(|at| at > cx.now) => {
            Some(language.text("card-rests"))
        }
        CredentialState::Active => renew::note(cx, visitor, credential, language),
        CredentialState::Revoked => None,
    }
}

/// What the state asks for: *Activate*, *Renew*, something new.
pub(super) fn primary(
    cx: &Cx,
    visitor: &Visitor,
    catalogue: &Catalogue,
    (credential, sold): (&Credential, &SoldAs),
) -> Option<Action> {
    let language = visitor.language;
    if credential.stage != CredentialState::Pending {
        let closed = matches!(subscriptions::stands(cx, credential), Some(Renewal::Closed));
        let renew = renew::action(cx, catalogue, (credential, sold), language);
        return renew.or_else(|| closed.then(|| anew(credential, language)));
    }
    activation(cx, &visitor.person, (credential, sold), language)
}

fn actions(cx: &Cx, visitor: &Visitor, credential: &Credential, suspended: Option<Suspended>) -> Vec<Action> {
    let (id, state) = (credential.id.to_string(), credential.state(cx.now));
    let language = visitor.language;
    let link = |name: &str, label: &str| {
        Action::link(format!("{name}-{id}"), language.text(label), format!("/account/otp/{name}?credential={id}"))
    };
    let mut actions = Vec::new();
    if state == CredentialState::Active {
        let elevate = Action::post(format!("elevate-{id}"), language.text("elevate"), "/account/elevate");
        actions.push(elevate.with("kind", credential.kind.as_str()));
    }
    actions.push(Action::link(format!("details-{id}"), language.text("view-details"), format!("/account/otp/{id}")));
    if credential.kind == CredentialKind::HardwareToken && state == CredentialState::Active {
        actions.push(link("resync", "resync"));
    }
    if credential.kind == CredentialKind::PhoneOtp && state == CredentialState::Active {
        actions.push(link("phones", "numbers"));
    }
    if credential.kind == CredentialKind::MobileId && state == CredentialState::Active {
        let add = Action::post(format!("add-phone-{id}"), language.text("add-phone"), "/account/otp/mobile/start");
        actions.push(add.with("credential", id.clone()));
        actions.push(Action::link(format!("phones-{id}"), language.text("phones"), "/account/otp/mobile"));
    }
    if state == CredentialState::Active && !visitor.person.is_proofed(cx.now) {
        actions.push(Action::link(format!("upgrade-{id}"), language.text("upgrade"), "/account/otp/get?upgrade=1"));
    }
    actions.push(link("rename", "rename"));
    actions.extend(change::actions(credential, (state, suspended), language));
    actions
}

/// The one thing that needs attention first, and its button.
async fn status(
    cx: &Cx,
    visitor: &Visitor,
    (held, cards): (&[&Credential], &[CredentialCard]),
    details: &Details,
) -> Result<Option<StatusCard>, Fault> {
    let language = details.language;
    let again = |action: &Action| Action { id: "status-action".to_owned(), ..action.clone() };
    let unproofed = |held: &&&Credential| {
        let waits = held.stage == CredentialState::Pending && details.sold(held.id).needs_proofing;
        waits && !visitor.person.is_proofed(cx.now) && !is_too_late(cx, held)
    };
    if let Some(waiting) = held.iter().find(unproofed) {
        let (tone, text, action) = proofing::told(cx, visitor, language).await?;
        let action = action.unwrap_or_else(|| Action::link("", language.text("see-proofing"), "/account/proofing"));
        let heading = language.say("status-proofing", [("label", waiting.label.as_str().into())]);
        return Ok(Some(StatusCard { tone, heading, text, action: Some(again(&action)) }));
    }
    let pairs = || held.iter().zip(cards);
    let to_set_up = |held: &Credential| held.stage == CredentialState::Pending && !is_too_late(cx, held);
    let pending = pairs().find(|(held, card)| to_set_up(held) && card.primary.is_some());
    if let Some((held, card)) = pending {
        return Ok(Some(StatusCard {
            tone: Tone::Notice,
            heading: language.say("status-set-up", [("label", held.label.as_str().into())]),
            text: language.text("status-set-up-text"),
            action: card.primary.as_ref().map(again),
        }));
    }
    if let Some(key) = visitor.keys.first() {
        return Ok(Some(StatusCard {
            tone: Tone::Notice,
            heading: language.say("status-key", [("name", name_of(cx, key).into())]),
            text: language.text("status-key-text"),
            action: Some(activate_key(cx, key, "status-action", language)),
        }));
    }
    let soon = cx.now + std::time::Duration::from_secs(30 * 24 * 3600);
    let ending = pairs().filter_map(|(held, card)| Some((held, card, held.expires_at.filter(|ends| *ends < soon)?)));
    let Some((held, card, ends)) = ending.min_by_key(|(.., ends)| *ends) else { return asked(cx, visitor).await };
    let over = ends <= cx.now;
    Ok(Some(StatusCard {
        tone: if over { Tone::Danger } else { Tone::Warning },
        heading: language
            .say(if over { "status-expired" } else { "status-ends" }, [("label", held.label.as_str().into())]),
        text: if is_too_late(cx, held) { card.note.clone() } else { renew::note(cx, visitor, held, language) }
            .unwrap_or_default(),
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
    let language = visitor.language;
    let (tone, text, action) = proofing::told(cx, visitor, language).await?;
    let action = action.unwrap_or_else(|| Action::link("", language.text("see-proofing"), "/account/proofing"));
    let action = Action { id: "status-action".to_owned(), ..action };
    Ok(Some(StatusCard { tone, heading: language.text("status-asked"), text, action: Some(action) }))
}
