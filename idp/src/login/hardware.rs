//! The hardware-token step: six to eight digits from the display.

use serde_json::json;
use stepgate_core::account::Person;
use stepgate_core::assurance::{Evidence, FactorEvent, Method};
use stepgate_core::credentials::hardware_token::inventory::TokenStage;
use stepgate_core::credentials::hardware_token::{self, Memory, OathParameters, Verdict, normalise_code};
use stepgate_core::id::CredentialId;
use stepgate_store::Connection;
use stepgate_store::credentials::{self, Reserved};
use stepgate_store::tokens::drifts::{self, Drift, How};
use stepgate_store::tokens::{self, resyncs};

use crate::audit::{self, Event};
use crate::cx::Cx;
use crate::fault::Fault;
use crate::login::parked::Parked;
use crate::notices::{self, Notice};

/// Purpose of the sealed seed.
pub const SEAL: &str = "oath seed";

/// What became of a typed code.
pub enum CodeOutcome {
    /// Right, for the first time.
    Accepted(FactorEvent),
    /// Not digits, or too few or too many: not counted as a try.
    Malformed,
    /// Wrong.
    Wrong,
    /// Right, but used before.
    Replayed,
    /// Right, and the same form was pressed twice: the other press was faster. Not counted as a try.
    Overtaken,
    /// Not tried: too many failures, or the credential cannot be used now.
    Locked,
}

/// Checks a code. The try is counted in a statement of its own before anything is compared, and the code is accepted
/// by one conditional write: over all nodes, once. The same code in another login is refused as used, and counted.
pub async fn check(
    cx: &Cx,
    person: &Person,
    credential: CredentialId,
    parked: &mut Parked,
    typed: &str,
) -> Result<CodeOutcome, Fault> {
    let Some(code) = normalise_code(typed) else { return Ok(CodeOutcome::Malformed) };
    let Some(reserved) = credentials::reserve_try(&cx.app.db, credential, cx.now).await? else {
        return Ok(CodeOutcome::Locked);
    };
    let token = open(cx, credential, &reserved)?;
    let (verdict, ran_away) =
        match hardware_token::verify(token.seed.expose(), &token.parameters, token.memory, &code, cx.now) {
            Verdict::Wrong => (resync_by_itself(cx, credential, &token, &code).await?, true),
            verdict => (verdict, false),
        };
    let outcome = match verdict {
        Verdict::Accepted { last, drift } if parked.claim(cx).await? => {
            let found = Memory { last, drift };
            let outcome = if ran_away {
                let transaction = cx.app.db.begin().await?;
                let outcome = accept(cx, &transaction, person, credential, found).await?;
                if matches!(outcome, CodeOutcome::Accepted(_)) {
                    let drift = Drift { at: cx.now, how: How::ByItself, from: token.memory, to: found };
                    drifts::insert_drift(&transaction, credential, &drift).await?;
                    transaction.commit().await?;
                }
                outcome
            } else {
                accept(cx, &cx.app.db.write, person, credential, found).await?
            };
            if !matches!(outcome, CodeOutcome::Accepted(_)) {
                parked.disclaim(cx).await?;
            }
            outcome
        }
        Verdict::Accepted { .. } => CodeOutcome::Overtaken,
        Verdict::Replayed if parked.came_second(cx).await? => CodeOutcome::Overtaken,
        Verdict::Replayed => CodeOutcome::Replayed,
        Verdict::Wrong => CodeOutcome::Wrong,
    };
    if matches!(outcome, CodeOutcome::Overtaken) {
        credentials::return_try(&cx.app.db, credential, &reserved).await?;
        return Ok(outcome);
    }
    let kind = match &outcome {
        CodeOutcome::Accepted(_) => "login.hardware_token.succeeded",
        _ => "login.hardware_token.failed",
    };
    let data = json!({ "credential": credential, "replayed": matches!(outcome, CodeOutcome::Replayed) });
    audit::record(cx, &cx.app.db.write, Event::new(kind).by(person.id).data(data)).await?;
    Ok(outcome)
}

/// A token that ran away comes back by itself: a code from further off counts as wrong, and is remembered for five
/// minutes; the one that follows it on the token is right. Both were counted as tries by then.
async fn resync_by_itself(cx: &Cx, credential: CredentialId, token: &Token, code: &str) -> Result<Verdict, Fault> {
    let far = hardware_token::find_far(token.seed.expose(), &token.parameters, token.memory, code, cx.now);
    let Some(Memory { last, drift }) = far else { return Ok(Verdict::Wrong) };
    if resyncs::take_factor(&cx.app.db, credential, last - 1, cx.now).await? {
        return Ok(Verdict::Accepted { last, drift });
    }
    let until = cx.now + hardware_token::AUTO_RESYNC_LIFETIME;
    resyncs::put_factor(&cx.app.db, credential, last, until).await?;
    Ok(Verdict::Wrong)
}

async fn accept(
    cx: &Cx,
    connection: &impl Connection,
    person: &Person,
    credential: CredentialId,
    found: Memory,
) -> Result<CodeOutcome, Fault> {
    if !credentials::accept_counter(connection, credential, found.last, found.drift, cx.now).await? {
        return Ok(CodeOutcome::Replayed);
    }
    Ok(CodeOutcome::Accepted(FactorEvent {
        method: Method::HardwareToken,
        at: cx.now,
        credential,
        evidence: Evidence::default(),
        proofed: person.is_proofed(cx.now),
    }))
}

/// What became of two codes that should bring a token back into step.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Resynced {
    /// It is in step.
    Done,
    /// Not digits, or too few or too many: not counted as a try.
    Malformed,
    /// They do not follow one another, or were used.
    Wrong,
    /// They do follow one another, but too far away from where the token should be.
    FarAway,
    /// Not tried: too many failures, or the credential cannot be used now.
    Locked,
}

/// Brings a token back into step with two consecutive codes (RFC 4226 §7.4). Not an authentication: it earns nothing.
pub async fn resync(
    cx: &Cx,
    person: &Person,
    credential: CredentialId,
    first: &str,
    second: &str,
) -> Result<Resynced, Fault> {
    let (Some(first), Some(second)) = (normalise_code(first), normalise_code(second)) else {
        return Ok(Resynced::Malformed);
    };
    let Some(reserved) = credentials::reserve_try(&cx.app.db, credential, cx.now).await? else {
        return Ok(Resynced::Locked);
    };
    let token = open(cx, credential, &reserved)?;
    let (seed, codes) = (token.seed.expose(), (first.as_str(), second.as_str()));
    let found = hardware_token::resync(seed, &token.parameters, token.memory, codes, cx.now);
    let outcome = match found {
        Some(found) => return brought_back(cx, person, credential, (token.memory, found)).await,
        None if hardware_token::is_far_away(seed, &token.parameters, token.memory, codes, cx.now) => Resynced::FarAway,
        None => Resynced::Wrong,
    };
    let facts = json!({ "credential": credential, "succeeded": false });
    audit::record(cx, &cx.app.db.write, Event::new("credential.resync").by(person.id).data(facts)).await?;
    Ok(outcome)
}

/// Accepts the second code, keeps how far the token had wandered, and tells its holder.
async fn brought_back(
    cx: &Cx,
    person: &Person,
    credential: CredentialId,
    (from, to): (Memory, Memory),
) -> Result<Resynced, Fault> {
    let transaction = cx.app.db.begin().await?;
    let done = matches!(accept(cx, &transaction, person, credential, to).await?, CodeOutcome::Accepted(_));
    let facts = json!({ "credential": credential, "succeeded": done, "drift": to.drift });
    audit::record(cx, &transaction, Event::new("credential.resync").by(person.id).data(facts)).await?;
    if done {
        drifts::insert_drift(&transaction, credential, &Drift { at: cx.now, how: How::Resync, from, to }).await?;
        let text =
            "Your OTP hardware token was brought back into step with two of its codes. Nothing else was changed.";
        let notice = Notice::new("Your token was brought back into step", text).about(credential);
        notices::tell(cx, &transaction, person.id, &notice).await?;
    }
    transaction.commit().await?;
    Ok(if done { Resynced::Done } else { Resynced::Wrong })
}

/// Ends a pause of a token with a code that it shows. Not an authentication: it earns nothing.
pub async fn resume(cx: &Cx, person: &Person, credential: CredentialId, typed: &str) -> Result<CodeOutcome, Fault> {
    let Some(code) = normalise_code(typed) else { return Ok(CodeOutcome::Malformed) };
    let Some(reserved) = credentials::reserve_try_of_paused(&cx.app.db, credential, cx.now).await? else {
        return Ok(CodeOutcome::Locked);
    };
    let token = open(cx, credential, &reserved)?;
    let verdict = hardware_token::verify(token.seed.expose(), &token.parameters, token.memory, &code, cx.now);
    let found = match verdict {
        Verdict::Accepted { last, drift } => (last, drift),
        Verdict::Replayed => return Ok(CodeOutcome::Replayed),
        Verdict::Wrong => return Ok(CodeOutcome::Wrong),
    };
    let transaction = cx.app.db.begin().await?;
    if !credentials::resume_by_code(&transaction, credential, found, cx.now).await? {
        return Ok(CodeOutcome::Replayed);
    }
    let line = (Some(person.id), "resumed by its holder, with a code of it");
    let stages = (TokenStage::Suspended, TokenStage::Active);
    tokens::log_custody(&transaction, credential, stages, line, cx.now).await?;
    let data = json!({ "credential": credential, "by": "its own code" });
    audit::record(cx, &transaction, Event::new("credential.resumed").by(person.id).data(data)).await?;
    let notice =
        Notice::new("A credential was resumed", "A hardware token that you had put to rest can be used again.");
    notices::tell(cx, &transaction, person.id, &notice.about(credential)).await?;
    transaction.commit().await?;
    Ok(CodeOutcome::Accepted(FactorEvent {
        method: Method::HardwareToken,
        at: cx.now,
        credential,
        evidence: Evidence::default(),
        proofed: person.is_proofed(cx.now),
    }))
}

struct Token {
    seed: stepgate_core::secret::SecretBytes,
    parameters: OathParameters,
    memory: Memory,
}

fn open(cx: &Cx, credential: CredentialId, reserved: &Reserved) -> Result<Token, Fault> {
    Ok(Token {
        seed: cx.app.secrets.sealing.open(SEAL, &credential.to_string(), &reserved.sealed_secret)?,
        parameters: serde_json::from_value(reserved.parameters.clone()).map_err(Fault::internal)?,
        memory: Memory { last: reserved.counter, drift: reserved.drift },
    })
}
