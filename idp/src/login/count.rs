//! What the operator's graphs learn of elevations: asked for, satisfied, not met and why.

use stepgate_core::assurance::{CredentialKind, Decision, FactorEvent, RepairReason};
use stepgate_core::authorize::interaction::{Interaction, SkipOtp, Stage};

use super::evaluate::Standing;
use crate::cx::Cx;
use crate::telemetry::Elevation;

/// A parked request came to a stage.
pub fn moved(cx: &Cx, from: Option<&Stage>, to: &Stage, standing: Option<&Standing>) {
    let asks = |stage: &Stage| matches!(stage, Stage::Factor { skip: SkipOtp::NotOffered, .. });
    match to {
        Stage::RequirementsNotMet => cx.app.telemetry.elevation(standing.map_or(Elevation::NothingAccepted, why)),
        // Choosing again is the same question.
        stage if asks(stage) && !from.is_some_and(|from| asks(from) || from.credential().is_some()) => {
            cx.app.telemetry.elevation(Elevation::Asked);
        }
        _ => {}
    }
}

/// What was asked for holds; counted where a factor was shown for it.
pub fn satisfied(cx: &Cx, interaction: &Interaction, standing: &Standing) {
    let beside = |event: &FactorEvent| event.method.credential_kind() != CredentialKind::Password;
    if standing.live.session.events.iter().any(|event| event.at >= interaction.started_at && beside(event)) {
        cx.app.telemetry.elevation(Elevation::Satisfied);
    }
}

/// The person went back without.
pub fn given_up(cx: &Cx) {
    cx.app.telemetry.elevation(Elevation::GivenUp);
}

const fn why(standing: &Standing) -> Elevation {
    match standing.decision() {
        Decision::Repair { reason: RepairReason::NotActivated, .. } => Elevation::NotActivated,
        Decision::Repair { reason: RepairReason::Suspended, .. } => Elevation::Suspended,
        Decision::Repair { reason: RepairReason::Locked, .. } => Elevation::Locked,
        Decision::Repair { reason: RepairReason::Expired, .. } => Elevation::Expired,
        Decision::Acquire { proofing: true, .. } => Elevation::NotProofed,
        Decision::Acquire { .. } => Elevation::NotHeld,
        Decision::Unmet { .. }
        | Decision::Satisfied(_)
        | Decision::Challenge { .. }
        | Decision::Reauthenticate { .. } => Elevation::NothingAccepted,
    }
}
