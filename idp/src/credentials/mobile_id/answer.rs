//! A phone's answer: approval, denial, *this was not me*.

use serde_json::json;
use stepgate_core::credentials::MobileDevice;
use stepgate_core::credentials::mobile_id::{AnswerMessage, Choice};
use stepgate_core::credentials::suspension::ProofFor;
use stepgate_core::secret::{constant_time_eq, sha256};
use stepgate_store::credentials;
use stepgate_store::mobile::{self, Answer, ChallengeState, MobileChallenge};

use super::devices;
use super::verifier::{self, Verification};
use crate::audit::{self, Event};
use crate::cx::Cx;
use crate::fault::Fault;
use crate::logout;
use crate::notices::{self, Notice};

/// What became of an answer.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Said {
    /// The browser goes on.
    Approved,
    /// Nobody was let in.
    Denied,
    /// The request is over: one try.
    WrongNumber,
    /// It was answered before, is too old, or is not this phone's.
    Over,
    /// This phone verifies its user, and the approval did not show it. The request still waits.
    Unverified,
    /// There are two of this phone.
    Copied,
}

/// Takes an answer.
pub(super) async fn answer(cx: &Cx, device: &MobileDevice, message: &AnswerMessage) -> Result<Said, Fault> {
    let Some(challenge) = mobile::find_challenge(&cx.app.db, message.challenge).await? else { return Ok(Said::Over) };
    let ours = challenge.credential == device.credential && device.usable();
    if !ours || !constant_time_eq(challenge.nonce.as_bytes(), message.nonce.as_bytes()) {
        return Ok(Said::Over);
    }
    match message.decision {
        Choice::Approve => approve(cx, device, message, &challenge).await,
        Choice::Deny => {
            let answer = by(device, &challenge, ChallengeState::Denied);
            let once = mobile::answer_challenge(&cx.app.db.write, answer, cx.now).await?;
            if once {
                audit::record(cx, &cx.app.db.write, event(device, ChallengeState::Denied)).await?;
            }
            Ok(if once { Said::Denied } else { Said::Over })
        }
        Choice::NotMe => not_me(cx, device, &challenge).await,
    }
}

const fn by(device: &MobileDevice, challenge: &MobileChallenge, state: ChallengeState) -> Answer {
    Answer { challenge: challenge.id, device: device.id, state, verified: false }
}

fn event(device: &MobileDevice, state: ChallengeState) -> Event {
    let facts = json!({ "device": device.id, "result": state.as_str() });
    Event::new("mobile_id.answered").by(device.person).data(facts)
}

async fn approve(
    cx: &Cx,
    device: &MobileDevice,
    message: &AnswerMessage,
    challenge: &MobileChallenge,
) -> Result<Said, Fault> {
    let verification = verifier::verify(cx, device, message)?;
    match verification {
        Verification::Missing => return Ok(Said::Unverified),
        Verification::Copied => {
            devices::suspend(cx, device, "its screen lock's key counted backwards").await?;
            return Ok(Said::Copied);
        }
        Verification::Without | Verification::Shown { .. } => {}
    }
    let typed = sha256(message.number.as_deref().unwrap_or_default().as_bytes());
    let right = constant_time_eq(&challenge.number_hash, &typed);
    // One wrong number ends the request: with a million numbers, one try each is nothing to a guesser.
    let state = if right { ChallengeState::Approved } else { ChallengeState::Failed };
    // A locked, suspended or lapsed credential approves nothing; a wrong number counts as a failure. One that its holder
    // put to rest can be asked for the end of that: what the answer is good for is looked at when it is redeemed.
    let (active, paused) = (ProofFor::Use, ProofFor::Resuming);
    if credentials::reserve_proof(&cx.app.db, device.credential, active, cx.now).await?.is_none()
        && credentials::reserve_proof(&cx.app.db, device.credential, paused, cx.now).await?.is_none()
    {
        return Ok(Said::Over);
    }
    let transaction = cx.app.db.begin().await?;
    let verified = if let Verification::Shown { old, new } = &verification {
        if !mobile::replace_verifier(&transaction, device.id, (old, new)).await? {
            return Ok(Said::Unverified);
        }
        true
    } else {
        false
    };
    let answer = Answer { verified, ..by(device, challenge, state) };
    if !mobile::answer_challenge(&transaction, answer, cx.now).await? {
        return Ok(Said::Over);
    }
    audit::record(cx, &transaction, event(device, state)).await?;
    transaction.commit().await?;
    Ok(if right { Said::Approved } else { Said::WrongNumber })
}

/// Somebody else has the password: their session ends, no phone is asked any more, and the person is told.
async fn not_me(cx: &Cx, device: &MobileDevice, challenge: &MobileChallenge) -> Result<Said, Fault> {
    if let Some(session) = challenge.session {
        logout::end::know_partners(cx, session).await?;
    }
    let transaction = cx.app.db.begin().await?;
    if !mobile::answer_challenge(&transaction, by(device, challenge, ChallengeState::NotMe), cx.now).await? {
        return Ok(Said::Over);
    }
    mobile::insert_hold(&transaction, device.credential, cx.now).await?;
    let ended = match challenge.session {
        Some(session) => logout::end::end_in(cx, &transaction, session, device.person).await?,
        None => None,
    };
    audit::record(cx, &transaction, event(device, ChallengeState::NotMe)).await?;
    let event = Event::new("mobile_id.requests.stopped").by(device.person);
    audit::record(cx, &transaction, event.data(json!({ "device": device.id, "ended": challenge.session }))).await?;
    let notice = Notice::new(
        "Somebody else tried to log in as you",
        "You said on your phone that a request was not yours. The session that asked has been ended, and your phones are \
         not asked any more until you switch that on again under Manage OTP. Whoever asked knows your password: change \
         it now.",
    );
    notices::tell(cx, &transaction, device.person, &notice).await?;
    transaction.commit().await?;
    if let Some(ended) = ended {
        ended.tell_soon(cx);
    }
    Ok(Said::Denied)
}
