//! What administrators do with a token: ship, assign, take back, suspend, report lost, revoke, destroy; and with a file.

use serde_json::json;
use stepgate_core::account::Person;
use stepgate_core::assurance::{CredentialKind, CredentialState};
use stepgate_core::credentials::Credential;
use stepgate_core::credentials::hardware_token::inventory::{
    HardwareToken, REGISTRATION_LIFETIME, TokenAct, TokenStage, registration_code,
};
use stepgate_core::id::{BatchId, CredentialId, PersonId};
use stepgate_store::credentials::{self, NewCredential};
use stepgate_store::tokens::{self, Change, Step, batches};
use stepgate_store::{StoreError, Transaction};

use super::registration_hash;
use crate::audit::{self, Event};
use crate::cx::Cx;
use crate::fault::Fault;
use crate::notices::{self, Notice};

/// What became of an act.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Acted {
    /// It is done.
    Done,
    /// It does not lead on from where the token is.
    NotFromHere,
    /// Somebody else was faster.
    Overtaken,
    /// Its seed is known elsewhere: it cannot become anybody's.
    Exported,
    /// The person to give it to is missing.
    WhoFor,
}

/// Does something with a token: one conditional write, its line of the custody log, what follows for the credential, a
/// notice to its holder, and an audit event, in one transaction.
///
/// # Errors
/// The store.
pub async fn act(
    cx: &Cx,
    by: PersonId,
    token: &HardwareToken,
    act: TokenAct,
    (holder, note): (Option<&Person>, &str),
) -> Result<Acted, Fault> {
    if !token.allows(act, cx.now) || act == TokenAct::Activate {
        return Ok(Acted::NotFromHere);
    }
    if act == TokenAct::Assign && token.exported_at.is_some() {
        return Ok(Acted::Exported);
    }
    let transaction = cx.app.db.begin().await?;
    let step = |to| Step { token, act, to, actor: Some(by), note, now: cx.now };
    let taken = match act {
        TokenAct::Assign => {
            let Some(holder) = holder else { return Ok(Acted::WhoFor) };
            assign(cx, &transaction, &step(TokenStage::Assigned), holder).await?
        }
        TokenAct::SendCode => send_code(cx, &transaction, &step(token.kept_stage)).await?,
        TokenAct::Ship => tokens::take_step(&transaction, &step(TokenStage::Shipped), &Change::Nothing).await?,
        TokenAct::TakeBack => {
            let taken = tokens::take_step(&transaction, &step(TokenStage::Stock), &Change::NoHolder).await?;
            if let (true, Some(credential)) = (taken, token.credential) {
                tokens::release_waiting_credential(&transaction, credential).await?;
            }
            taken
        }
        TokenAct::Suspend => {
            move_credential(cx, &transaction, token, ("active", "suspended")).await?
                && tokens::take_step(&transaction, &step(token.kept_stage), &Change::Nothing).await?
        }
        TokenAct::Reactivate => {
            move_credential(cx, &transaction, token, ("suspended", "active")).await?
                && tokens::take_step(&transaction, &step(token.kept_stage), &Change::Nothing).await?
        }
        TokenAct::ReportLost => end(cx, &transaction, &step(TokenStage::Lost)).await?,
        TokenAct::Revoke => end(cx, &transaction, &step(TokenStage::Revoked)).await?,
        TokenAct::Destroy => end(cx, &transaction, &step(TokenStage::Destroyed)).await?,
        TokenAct::Activate => false,
    };
    if !taken {
        return Ok(Acted::Overtaken);
    }
    let mut event =
        Event { actor: Some(by), ..Event::new(kind(act)) }.data(json!({ "serial": token.serial, "note": note }));
    event.person = holder.map(|holder| holder.id).or(token.person);
    audit::record(cx, &transaction, event).await?;
    if let (Some(person), Some(notice)) = (token.person, notice(act, &token.serial)) {
        notices::tell(cx, &transaction, person, &notice).await?;
    }
    transaction.commit().await?;
    Ok(Acted::Done)
}

pub(super) const fn kind(act: TokenAct) -> &'static str {
    match act {
        TokenAct::Ship => "token.shipped",
        TokenAct::Assign => "token.assigned",
        TokenAct::TakeBack => "token.taken_back",
        TokenAct::SendCode => "token.registration_code_sent",
        TokenAct::Activate => "token.activated",
        TokenAct::Suspend => "token.suspended",
        TokenAct::Reactivate => "token.reactivated",
        TokenAct::ReportLost => "token.lost",
        TokenAct::Revoke => "token.revoked",
        TokenAct::Destroy => "token.destroyed",
    }
}

/// What a holder hears; assigning and new codes tell their own.
fn notice(act: TokenAct, serial: &str) -> Option<Notice> {
    let (subject, text) = match act {
        TokenAct::Ship => (
            "Your token is on its way",
            "has been sent to you. You need it, and the registration code that you got, to activate it.",
        ),
        TokenAct::TakeBack => ("A token was taken back", "is not yours any more. There is nothing to do."),
        TokenAct::Suspend => ("Your token was suspended", "opens nothing for now. Ask your administrator why."),
        TokenAct::Reactivate => ("Your token works again", "can be used again."),
        TokenAct::ReportLost => {
            let text = "opens nothing any more. If you still have it, tell your administrator. What you paid for is not \
                        lost: it waits for another token.";
            ("Your token was reported lost", text)
        }
        TokenAct::Revoke | TokenAct::Destroy => {
            let text =
                "opens nothing any more. Ask your administrator for another one; what you paid for waits for it.";
            ("Your token was revoked", text)
        }
        TokenAct::Assign | TokenAct::SendCode | TokenAct::Activate => return None,
    };
    Some(Notice::new(subject, format!("The OTP hardware token {serial} {text}")))
}

async fn assign(cx: &Cx, transaction: &Transaction, step: &Step<'_>, holder: &Person) -> Result<bool, Fault> {
    let token = step.token;
    let parameters = serde_json::to_value(token.parameters).map_err(Fault::internal)?;
    // What the person bought waits for this; where nothing does, something is made for it.
    let adopted = match tokens::adopt_waiting_credential(transaction, holder.id, (&token.serial, &parameters)).await {
        Err(StoreError::Conflict { .. }) => return Ok(false),
        other => other?,
    };
    let credential = adopted.unwrap_or_else(|| CredentialId::random(cx.entropy()));
    let (hash, notice) = registration(cx, token);
    let change = Change::Holder(holder.id, credential, &hash, cx.now + REGISTRATION_LIFETIME);
    if !tokens::take_step(transaction, step, &change).await? {
        return Ok(false);
    }
    if adopted.is_none() {
        let waiting =
            NewCredential { credential: waiting(cx, holder, token, credential), sealed_secret: None, parameters };
        match credentials::insert_credential(transaction, &waiting).await {
            // Somebody got a token of that number past the inventory.
            Err(StoreError::Conflict { .. }) => return Ok(false),
            other => other?,
        }
    }
    notices::tell(cx, transaction, holder.id, &notice).await?;
    Ok(true)
}

fn waiting(cx: &Cx, holder: &Person, token: &HardwareToken, id: CredentialId) -> Credential {
    Credential {
        id,
        person: holder.id,
        kind: CredentialKind::HardwareToken,
        label: stepgate_core::assurance::label(CredentialKind::HardwareToken).to_owned(),
        serial: Some(token.serial.clone()),
        stage: CredentialState::Pending,
        failures: 0,
        retry_at: None,
        last_used_at: None,
        activated_at: None,
        purchased_at: None,
        expires_at: None,
        created_at: cx.now,
    }
}

async fn send_code(cx: &Cx, transaction: &Transaction, step: &Step<'_>) -> Result<bool, Fault> {
    let Some(person) = step.token.person else { return Ok(false) };
    let (hash, notice) = registration(cx, step.token);
    let change = Change::Code(&hash, cx.now + REGISTRATION_LIFETIME);
    let taken = tokens::take_step(transaction, step, &change).await?;
    if taken {
        notices::tell(cx, transaction, person, &notice).await?;
    }
    Ok(taken)
}

/// A new registration code. It goes by mail because the token does not; by itself it opens nothing (ADR 18).
pub(super) fn registration(cx: &Cx, token: &HardwareToken) -> (Vec<u8>, Notice) {
    let code = registration_code(cx.entropy());
    let text = format!(
        "The OTP hardware token {} is yours. When you have it in your hands, open Manage OTP, choose Activate, and type \
         its serial number, the registration code and two codes from its display. If you expect no token, tell your \
         administrator.",
        token.serial
    );
    let words = format!(
        "The registration code:\n\n    {}\n\nIt works for 30 days and opens nothing without the token.",
        code.expose()
    );
    let notice = Notice::new("Your registration code", text).with_in_mail(words);
    (registration_hash(cx, token.id, code.expose()), notice)
}

async fn move_credential(
    cx: &Cx,
    transaction: &Transaction,
    token: &HardwareToken,
    (from, to): (&str, &str),
) -> Result<bool, Fault> {
    let Some(credential) = token.credential else { return Ok(false) };
    Ok(credentials::update_stage(transaction, credential, from, to, cx.now).await?)
}

/// The end of a token, and of the credential that it was. One that was bought is no more than that token: what is left of
/// its term waits for another one.
async fn end(cx: &Cx, transaction: &Transaction, step: &Step<'_>) -> Result<bool, Fault> {
    if !tokens::take_step(transaction, step, &Change::NoSeed).await? {
        return Ok(false);
    }
    if let Some(credential) = step.token.credential
        && !tokens::release_waiting_credential(transaction, credential).await?
        && !tokens::wait_for_another(transaction, credential, cx.now).await?
        && let Some(it) = &step.token.use_of_it
    {
        credentials::update_stage(transaction, credential, it.stage.as_str(), "revoked", cx.now).await?;
    }
    Ok(true)
}

/// Ends a token that is replaced under warranty, in the transaction that orders the new one: the term of its credential
/// goes on with that. `false`: somebody else moved it at the same moment.
///
/// # Errors
/// The store.
pub async fn retire(
    cx: &Cx,
    transaction: &Transaction,
    by: PersonId,
    (token, note): (&HardwareToken, &str),
) -> Result<bool, Fault> {
    let act = TokenAct::Revoke;
    let step = Step { token, act, to: TokenStage::Revoked, actor: Some(by), note, now: cx.now };
    if !token.allows(act, cx.now) || !end(cx, transaction, &step).await? {
        return Ok(false);
    }
    let data = json!({ "serial": token.serial, "note": note });
    let event = Event { actor: Some(by), person: token.person, ..Event::new(kind(act)).data(data) };
    audit::record(cx, transaction, event).await?;
    if let Some(person) = token.person {
        let text = format!(
            "The OTP hardware token {} opens nothing any more: another one is sent to you. Your subscription goes on with \
             it, and ends when it would have ended.",
            token.serial
        );
        notices::tell(cx, transaction, person, &Notice::new("Your token is replaced", text)).await?;
    }
    Ok(true)
}

/// What two people decide about a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Decision {
    /// Its tokens go into stock.
    Approve,
    /// They do not; their seeds are erased.
    Reject,
    /// All of them are revoked.
    Recall,
}

/// Decides. `false`: not this person, not now, or somebody else was faster.
///
/// # Errors
/// The store.
pub async fn decide(cx: &Cx, by: PersonId, batch: BatchId, decision: Decision, note: &str) -> Result<bool, Fault> {
    let transaction = cx.app.db.begin().await?;
    let event = |kind| Event { actor: Some(by), ..Event::new(kind) }.data(json!({ "batch": batch, "note": note }));
    let (done, event) = match decision {
        Decision::Approve => {
            (batches::approve_batch(&transaction, batch, by, cx.now).await?, event("token.import.approved"))
        }
        Decision::Reject => {
            (batches::reject_batch(&transaction, batch, by, cx.now).await?, event("token.import.rejected"))
        }
        Decision::Recall => {
            let holders = batches::recall_batch(&transaction, batch, by, note, cx.now).await?;
            for holder in holders.iter().flatten() {
                let text = "Your OTP hardware token is one of a series that was recalled. It opens nothing any more. Ask \
                            your administrator for another one.";
                notices::tell(cx, &transaction, *holder, &Notice::new("Your token was recalled", text)).await?;
            }
            (holders.is_some(), event("token.batch.recalled"))
        }
    };
    if !done {
        return Ok(false);
    }
    audit::record(cx, &transaction, event).await?;
    transaction.commit().await?;
    if decision == Decision::Reject {
        batches::erase(&cx.app.db, batch).await?;
    }
    Ok(true)
}
