//! Offline codes: for a phone without a connection, and for whoever is not asked any more.

use stepgate_core::account::Person;
use stepgate_core::assurance::Method;
use stepgate_core::credentials::hardware_token::{self, Memory, OathParameters, Verdict, normalise_code};
use stepgate_core::id::CredentialId;
use stepgate_store::{credentials, mobile};

use super::{SEAL, event};
use crate::audit::{self, Event};
use crate::cx::Cx;
use crate::fault::Fault;
use crate::login::hardware::CodeOutcome;
use crate::login::parked::Parked;

/// Checks an offline code against the person's phones.
pub async fn check_offline(
    cx: &Cx,
    person: &Person,
    credential: CredentialId,
    parked: &mut Parked,
    typed: &str,
) -> Result<CodeOutcome, Fault> {
    let Some(code) = normalise_code(typed) else { return Ok(CodeOutcome::Malformed) };
    let proof = parked.interaction.proof_for();
    let Some(reserved) = credentials::reserve_proof(&cx.app.db, credential, proof, cx.now).await? else {
        return Ok(CodeOutcome::Locked);
    };
    let mut outcome = CodeOutcome::Wrong;
    for device in mobile::list_devices(&cx.app.db, credential).await?.iter().filter(|device| device.usable()) {
        let key = cx.app.secrets.sealing.open(SEAL, &device.id.to_string(), device.sealed_totp.expose())?;
        let last = i64::try_from(device.last_step).unwrap_or(i64::MAX);
        let memory = Memory { last, drift: 0 };
        match hardware_token::verify(key.expose(), &OathParameters::COMMON_TOTP, memory, &code, cx.now) {
            Verdict::Wrong => {}
            Verdict::Replayed if parked.came_second(cx).await? => outcome = CodeOutcome::Overtaken,
            Verdict::Replayed => outcome = CodeOutcome::Replayed,
            Verdict::Accepted { .. } if !parked.claim(cx).await? => {
                outcome = CodeOutcome::Overtaken;
                break;
            }
            Verdict::Accepted { last, .. } => {
                let once = mobile::accept_step(&cx.app.db, device.id, last.unsigned_abs()).await?;
                let accepted = once && credentials::accept_proof(&cx.app.db.write, credential, proof, cx.now).await?;
                outcome = if accepted {
                    CodeOutcome::Accepted(event(cx, person, credential, Method::MobileIdOffline))
                } else {
                    parked.disclaim(cx).await?;
                    CodeOutcome::Replayed
                };
                break;
            }
        }
    }
    if matches!(outcome, CodeOutcome::Overtaken) {
        credentials::return_try(&cx.app.db, credential, &reserved).await?;
        return Ok(outcome);
    }
    let kind = match outcome {
        CodeOutcome::Accepted(_) => "login.mobile_id_offline.succeeded",
        _ => "login.mobile_id_offline.failed",
    };
    audit::record(cx, &cx.app.db.write, Event::new(kind).by(person.id)).await?;
    Ok(outcome)
}
