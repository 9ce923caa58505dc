//! Login requirements not met: what is missing, and the way to mend it.

use jiff::tz::TimeZone;
use stepgate_core::assurance::{self, CredentialKind, Decision, Explanation, Product, RepairReason, Verdict};
use stepgate_core::credentials::Credential;
use stepgate_core::id::CredentialId;
use stepgate_store::credentials;

use super::Scene;
use crate::cx::Cx;
use crate::http::page::PageFailure;
use crate::pages::login::Flow;
use crate::pages::requirements::{Accepted, Held, RequirementsNotMetPage};
use crate::pages::{Action, When};
use crate::subscriptions;
use crate::words::Language;

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
    let mut main = shortest(standing.decision(), language);
    if let Decision::Repair { credential, kind, reason: RepairReason::Expired } = standing.decision() {
        main = Some(renew(cx, &held, (*credential, *kind), language));
    }
    Ok(RequirementsNotMetPage {
        layout: super::layout(cx, scene, "unmet"),
        accepts: accepts(scene, &explanation, language),
        has: has.collect(),
        main,
        others: vec![
            Action::link("license", language.text("have-license-key"), "/account/otp/license"),
            Action::link("manage-otp", language.text("open-manage-otp"), "/account/otp"),
        ],
        flow,
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
        Decision::Acquire { acceptable, proofing } => {
            let label = match (acceptable.as_slice(), proofing) {
                ([], true) => {
                    return Some(Action::link("continue", language.text("unmet-get-proofed"), "/account/proofing"));
                }
                ([Product { kind, .. }], _) => say("unmet-get", *kind),
                _ => language.text("unmet-get-any"),
            };
            Some(Action::link("continue", label, "/account/otp/get"))
        }
        Decision::Challenge { .. }
        | Decision::Reauthenticate { .. }
        | Decision::Satisfied(_)
        | Decision::Unmet { .. } => None,
    }
}
