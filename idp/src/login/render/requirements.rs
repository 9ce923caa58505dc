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
use crate::pages::parts::kind_name;
use crate::pages::requirements::{Accepted, Held, RequirementsNotMetPage};
use crate::pages::{Action, When};
use crate::{proofing, subscriptions};

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
        reason: reason(Verdict::NotActivated, CredentialKind::Password).to_owned(),
    });
    Ok(RequirementsNotMetPage {
        layout: super::layout(cx, "Login requirements not met"),
        accepts: accepts(scene, &explanation),
        has: has.chain(unused).collect(),
        main: way_on(cx, standing, &held, key).await?,
        others: vec![
            Action::link("license", "I have a license key", "/account/otp/license"),
            Action::link("manage-otp", "Open Manage OTP", "/account/otp"),
        ],
        flow,
    })
}

/// The filled button: what is theirs already before anything is sold.
async fn way_on(
    cx: &Cx,
    standing: &Standing,
    held: &[Credential],
    key: Option<&LicenseKey>,
) -> Result<Option<Action>, PageFailure> {
    Ok(match (standing.decision(), key) {
        (Decision::Acquire { .. } | Decision::Repair { reason: RepairReason::Expired, .. }, Some(key)) => {
            Some(activate_key(cx, key, "continue"))
        }
        (Decision::Repair { credential, kind, reason: RepairReason::Expired }, _) => {
            Some(renew(cx, held, (*credential, *kind)))
        }
        (Decision::Repair { credential, kind, reason: RepairReason::NotActivated }, _) => {
            activate(cx, standing, held.iter().find(|it| it.id == *credential), *kind).await?
        }
        (Decision::Acquire { acceptable, proofing: true }, _) if acceptable.is_empty() => {
            Some(get_proofed(cx, standing).await?)
        }
        (decision, _) => shortest(decision),
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

/// Straight to where a device is set up.
async fn activate(
    cx: &Cx,
    standing: &Standing,
    credential: Option<&Credential>,
    kind: CredentialKind,
) -> Result<Option<Action>, PageFailure> {
    let Some(credential) = credential else { return Ok(None) };
    let sold = store::find_sold_as(&cx.app.db, credential.id).await?;
    let path = format!("/account/otp#credential-{}", credential.id);
    let action = activation(cx, &standing.person, credential, &sold);
    let action = action.unwrap_or_else(|| Action::link("", "See where it stands", path));
    // Where something comes before it, the button says that.
    let label = if action.label == "Activate" { format!("Activate your {}", kind_name(kind)) } else { action.label };
    Ok(Some(Action { id: "continue".to_owned(), label, ..action }))
}

/// To what gets somebody proofed, or to where that stands.
async fn get_proofed(cx: &Cx, standing: &Standing) -> Result<Action, PageFailure> {
    Ok(match proofing::standing(cx, standing.person.id).await? {
        proofing::Standing::Nothing | proofing::Standing::Approved(_) => {
            Action::link("continue", "Get proofed", "/account/otp/get")
        }
        proofing::Standing::Waits(_) | proofing::Standing::Refused(_) | proofing::Standing::RefusedForGood(_) => {
            Action::link("continue", "See where your identity proofing stands", "/account/proofing")
        }
    })
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
        Decision::Acquire { acceptable, .. } => {
            let label = match acceptable.as_slice() {
                [Product { kind, proofed: false }] => format!("Get {}", kind_name(*kind)),
                [Product { kind, proofed: true }] => format!("Get {} with identity proofing", kind_name(*kind)),
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
