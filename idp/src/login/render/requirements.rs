//! Login requirements not met: what is missing, and the way to mend it.

use jiff::tz::TimeZone;
use stepgate_core::assurance::{self, CredentialKind, Decision, Explanation, Product, RepairReason, Verdict};
use stepgate_core::credentials::Credential;
use stepgate_core::id::CredentialId;
use stepgate_core::subscriptions::license_key::LicenseKey;
use stepgate_store::{credentials, subscriptions as store};

use super::Scene;
use crate::account::{activate_key, activation};
use crate::cx::Cx;
use crate::http::page::PageFailure;
use crate::login::Standing;
use crate::pages::login::Flow;
use crate::pages::requirements::{Accepted, Held, RequirementsNotMetPage};
use crate::pages::{Action, When};
use crate::words::Language;
use crate::{proofing, subscriptions};

pub(super) async fn page(cx: &Cx, scene: &Scene, flow: Flow) -> Result<RequirementsNotMetPage, PageFailure> {
    let Some(standing) = &scene.standing else { return Err(PageFailure::InteractionGone) };
    let language = scene.language(cx);
    let zone = standing.person.claims.zoneinfo.as_deref().and_then(|name| TimeZone::get(name).ok());
    let zone = zone.unwrap_or(TimeZone::UTC);
    let date = |at| When::date_in(language, at, &zone).text;
    let explanation = assurance::explain(&scene.requirement, &standing.holdings);
    let held = credentials::list_credentials(&cx.app.db, standing.person.id).await?;
    let has = explanation.has.iter().map(|line| {
        let credential = held.iter().find(|credential| credential.id == line.credential);
        let detail = credential.and_then(|credential| credential.serial.clone());
        let kind = language.kind(line.kind);
        let label = detail.map_or_else(|| kind.clone(), |serial| format!("{kind} \u{b7} {serial}"));
        let ended = credential.and_then(|credential| credential.expires_at);
        let reason = match (line.verdict, ended) {
            (Verdict::Expired, Some(at)) => language.say("unmet-expired-on", [("date", date(at).into())]),
            (verdict, _) => language.text(reason(verdict, line.kind)),
        };
        Held { kind: line.kind, label, reason }
    });
    let keys = match standing.decision() {
        Decision::Acquire { .. } | Decision::Repair { .. } => subscriptions::keys_of(cx, &standing.person).await?,
        _ => Vec::new(),
    };
    let accepted = assurance::acceptable(&scene.requirement, cx.now);
    let owns: Vec<CredentialKind> = explanation.has.iter().map(|line| line.kind).collect();
    let key = subscriptions::fitting(&keys, &accepted, (&owns, standing.holdings.proofed));
    let unused = key.map(|key| Held {
        kind: key.gives.kinds.first().copied().unwrap_or(CredentialKind::Password),
        label: subscriptions::name_of(cx, key),
        reason: language.text(reason(Verdict::NotActivated, CredentialKind::Password)),
    });
    Ok(RequirementsNotMetPage {
        layout: super::layout(cx, scene, "unmet"),
        accepts: accepts(scene, &explanation, language),
        has: has.chain(unused).collect(),
        main: way_on(cx, standing, (&held, key), language).await?,
        others: vec![
            Action::link("license", language.text("have-license-key"), "/account/otp/license"),
            Action::link("manage-otp", language.text("open-manage-otp"), "/account/otp"),
        ],
        flow,
    })
}

/// The filled button: what is theirs already before anything is sold.
async fn way_on(
    cx: &Cx,
    standing: &Standing,
    (held, key): (&[Credential], Option<&LicenseKey>),
    language: Language,
) -> Result<Option<Action>, PageFailure> {
    Ok(match (standing.decision(), key) {
        (Decision::Acquire { .. } | Decision::Repair { reason: RepairReason::Expired, .. }, Some(key)) => {
            Some(activate_key(cx, key, "continue", language))
        }
        (Decision::Repair { credential, kind, reason: RepairReason::Expired }, _) => {
            Some(renew(cx, held, (*credential, *kind), language))
        }
        (Decision::Repair { credential, kind, reason: RepairReason::NotActivated }, _) => {
            let credential = held.iter().find(|it| it.id == *credential);
            activate(cx, standing, (credential, *kind), language).await?
        }
        (Decision::Acquire { acceptable, proofing: true }, _) if acceptable.is_empty() => {
            Some(get_proofed(cx, standing, language).await?)
        }
        (decision, _) => shortest(decision, language),
    })
}

fn accepts(scene: &Scene, explanation: &Explanation, language: Language) -> Vec<Accepted> {
    let kinds = [
        CredentialKind::PhoneOtp,
        CredentialKind::MobileId,
        CredentialKind::HardwareToken,
        CredentialKind::SecurityKey,
    ];
    let allowed = kinds.into_iter().filter(|kind| scene.requirement.allows(*kind));
    let label = |kind| match explanation.proofing {
        true => language.say("strength-proofed", [("kind", language.kind(kind).into())]),
        false => language.kind(kind),
    };
    allowed.map(|kind| Accepted { kind, label: label(kind) }).collect()
}

/// Why something does or does not do: the key of the words.
const fn reason(verdict: Verdict, kind: CredentialKind) -> &'static str {
    match verdict {
        Verdict::Usable => "unmet-usable",
        Verdict::RefusedByPartner if matches!(kind, CredentialKind::PhoneOtp) => "unmet-no-phones",
        Verdict::RefusedByPartner => "unmet-refused",
        Verdict::NotActivated => "unmet-not-activated",
        Verdict::Suspended => "state-suspended",
        Verdict::Locked => "unmet-locked",
        Verdict::Expired => "unmet-expired",
        Verdict::NotProofed => "unmet-not-proofed",
    }
}

/// *Renew*, where that is still possible; something new otherwise.
fn renew(cx: &Cx, held: &[Credential], (id, kind): (CredentialId, CredentialKind), language: Language) -> Action {
    let open = held.iter().any(|credential| credential.id == id && subscriptions::is_renewable(cx, credential));
    let say = |key: &str| language.say(key, [("kind", language.kind(kind).into())]);
    if open {
        return Action::link("continue", say("unmet-renew"), format!("/account/otp/renew?credential={id}"));
    }
    Action::link("continue", say("unmet-get-new"), "/account/otp/get")
}

/// Straight to where a device is set up.
async fn activate(
    cx: &Cx,
    standing: &Standing,
    (credential, kind): (Option<&Credential>, CredentialKind),
    language: Language,
) -> Result<Option<Action>, PageFailure> {
    let Some(credential) = credential else { return Ok(None) };
    let sold = store::find_sold_as(&cx.app.db, credential.id).await?;
    let path = format!("/account/otp#credential-{}", credential.id);
    let action = activation(cx, &standing.person, (credential, &sold), language);
    let action = action.unwrap_or_else(|| Action::link("", language.text("see-proofing"), path));
    // Where something comes before it, the button says that.
    let label = match action.label == language.text("activate") {
        true => language.say("unmet-activate", [("kind", language.kind(kind).into())]),
        false => action.label,
    };
    Ok(Some(Action { id: "continue".to_owned(), label, ..action }))
}

/// To what gets somebody proofed, or to where that stands.
async fn get_proofed(cx: &Cx, standing: &Standing, language: Language) -> Result<Action, PageFailure> {
    Ok(match proofing::standing(cx, standing.person.id).await? {
        proofing::Standing::Nothing | proofing::Standing::Approved(_) => {
            Action::link("continue", language.text("proofing-get"), "/account/otp/get")
        }
        proofing::Standing::Waits(_) | proofing::Standing::Refused(_) | proofing::Standing::RefusedForGood(_) => {
            Action::link("continue", language.text("unmet-see-proofing"), "/account/proofing")
        }
    })
}

/// The button for the shortest way.
fn shortest(decision: &Decision, language: Language) -> Option<Action> {
    let say = |key: &str, kind: CredentialKind| language.say(key, [("kind", language.kind(kind).into())]);
    match decision {
        Decision::Repair { credential, kind, reason } => {
            let key = match reason {
                RepairReason::NotActivated => "unmet-activate",
                RepairReason::Suspended => "unmet-why-suspended",
                RepairReason::Locked => "unmet-unlock",
                RepairReason::Expired => "unmet-renew",
            };
            Some(Action::link("continue", say(key, *kind), format!("/account/otp#credential-{credential}")))
        }
        Decision::Acquire { acceptable, .. } => {
            let label = match acceptable.as_slice() {
                [Product { kind, proofed: false }] => say("unmet-get", *kind),
                [Product { kind, proofed: true }] => say("unmet-get-with-proofing", *kind),
                _ => language.text("get-credential"),
            };
            Some(Action::link("continue", label, "/account/otp/get"))
        }
        Decision::Challenge { .. }
        | Decision::Reauthenticate { .. }
        | Decision::Satisfied(_)
        | Decision::Unmet { .. } => None,
    }
}
