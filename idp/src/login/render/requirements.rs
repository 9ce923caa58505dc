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
use crate::pages::parts::kind_name;
use crate::pages::requirements::{Accepted, Held, RequirementsNotMetPage};
use crate::pages::{Action, When};
use crate::subscriptions;

pub(super) async fn page(cx: &Cx, scene: &Scene, flow: Flow) -> Result<RequirementsNotMetPage, PageFailure> {
    let Some(standing) = &scene.standing else { return Err(PageFailure::InteractionGone) };
    let zone = standing.person.claims.zoneinfo.as_deref().and_then(|name| TimeZone::get(name).ok());
    let zone = zone.unwrap_or(TimeZone::UTC);
    let date = |at| When::date(at, &zone).text;
    let explanation = assurance::explain(&scene.requirement, &standing.holdings);
    let held = credentials::list_credentials(&cx.app.db, standing.person.id).await?;
    let has = explanation.has.iter().map(|line| {
        let credential = held.iter().find(|credential| credential.id == line.credential);
        let detail = credential.and_then(|credential| credential.serial.clone());
        let label = detail.map_or_else(
            || kind_name(line.kind).to_owned(),
            |serial| format!("{} \u{b7} {serial}", kind_name(line.kind)),
        );
        let ended = credential.and_then(|credential| credential.expires_at);
        let reason = match (line.verdict, ended) {
            (Verdict::Expired, Some(at)) => format!("Its subscription has ended: expired on {}", date(at)),
            (verdict, _) => reason(verdict, line.kind).to_owned(),
        };
        Held { kind: line.kind, label, reason }
    });
    let mut main = shortest(standing.decision());
    if let Decision::Repair { credential, kind, reason: RepairReason::Expired } = standing.decision() {
        main = Some(renew(cx, &held, (*credential, *kind)));
    }
    Ok(RequirementsNotMetPage {
        layout: super::layout(cx, "Login requirements not met"),
        accepts: accepts(scene, &explanation),
        has: has.collect(),
        main,
        others: vec![
            Action::link("license", "I have a license key", "/account/otp/license"),
            Action::link("manage-otp", "Open Manage OTP", "/account/otp"),
        ],
        flow,
    })
}

fn accepts(scene: &Scene, explanation: &Explanation) -> Vec<Accepted> {
    let kinds = [
        CredentialKind::PhoneOtp,
        CredentialKind::MobileId,
        CredentialKind::HardwareToken,
        CredentialKind::SecurityKey,
    ];
    let suffix = if explanation.proofing { ", proofed" } else { "" };
    let allowed = kinds.into_iter().filter(|kind| scene.requirement.allows(*kind));
    allowed.map(|kind| Accepted { kind, label: format!("{}{suffix}", kind_name(kind)) }).collect()
}

const fn reason(verdict: Verdict, kind: CredentialKind) -> &'static str {
    match verdict {
        Verdict::Usable => "Can be used",
        Verdict::RefusedByPartner if matches!(kind, CredentialKind::PhoneOtp) => "Phones are not accepted",
        Verdict::RefusedByPartner => "Not accepted here",
        Verdict::NotActivated => "Bought, not activated yet",
        Verdict::Suspended => "Suspended",
        Verdict::Locked => "Locked after too many wrong codes",
        Verdict::Expired => "Its subscription has ended",
        Verdict::NotProofed => "Your identity has not been proofed",
    }
}

/// *Renew*, where that is still possible; something new otherwise.
fn renew(cx: &Cx, held: &[Credential], (id, kind): (CredentialId, CredentialKind)) -> Action {
    let open = held.iter().any(|credential| credential.id == id && subscriptions::is_renewable(cx, credential));
    if open {
        let path = format!("/account/otp/renew?credential={id}");
        return Action::link("continue", format!("Renew your {}", kind_name(kind)), path);
    }
    Action::link("continue", format!("Get a new {}", kind_name(kind)), "/account/otp/get")
}

/// The button for the shortest way.
fn shortest(decision: &Decision) -> Option<Action> {
    let manage = |label: &str, credential: Option<CredentialId>| {
        let anchor = credential.map_or_else(String::new, |id| format!("#credential-{id}"));
        Action::link("continue", label, format!("/account/otp{anchor}"))
    };
    match decision {
        Decision::Repair { credential, kind, reason } => {
            let label = match reason {
                RepairReason::NotActivated => format!("Activate your {}", kind_name(*kind)),
                RepairReason::Suspended => format!("See why your {} is suspended", kind_name(*kind)),
                RepairReason::Locked => format!("Unlock your {}", kind_name(*kind)),
                RepairReason::Expired => format!("Renew your {}", kind_name(*kind)),
            };
            Some(manage(&label, Some(*credential)))
        }
        Decision::Acquire { acceptable, proofing } => {
            let label = match (acceptable.as_slice(), proofing) {
                ([], true) => return Some(Action::link("continue", "See how to get proofed", "/account/proofing")),
                ([Product { kind, .. }], _) => format!("Get {}", kind_name(*kind)),
                _ => "Get a credential".to_owned(),
            };
            Some(Action::link("continue", label, "/account/otp/get"))
        }
        Decision::Challenge { .. }
        | Decision::Reauthenticate { .. }
        | Decision::Satisfied(_)
        | Decision::Unmet { .. } => None,
    }
}
