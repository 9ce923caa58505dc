//! A token that goes out in the parcel of an order: to the person whose subscription waits for it, or with a license key
//! that nobody has activated yet. Then it becomes whoever's activates that, and their registration code is mailed when they
//! do: until then the token is nobody's (ADR 37).

use serde_json::json;
use stepgate_core::account::Person;
use stepgate_core::credentials::hardware_token::inventory::{
    HardwareToken, REGISTRATION_LIFETIME, TokenAct, TokenStage,
};
use stepgate_core::id::{CredentialId, LicenseKeyId, PersonId};
use stepgate_store::tokens::parcels::{self, Owed};
use stepgate_store::tokens::{self, Change, Step};
use stepgate_store::{StoreError, Transaction};

use super::acts::{kind, registration};
use crate::audit::{self, Event};
use crate::cx::Cx;
use crate::fault::Fault;
use crate::notices;

/// Puts a token into a parcel, in the transaction that sends it: one conditional write, its line of the custody log, an
/// audit event. `false`: somebody else moved it, or what it is for, at the same moment.
///
/// # Errors
/// The store.
pub async fn send(
    cx: &Cx,
    transaction: &Transaction,
    (by, note): (PersonId, &str),
    (token, owed): (&HardwareToken, &Owed),
) -> Result<bool, Fault> {
    let step = |act, to| Step { token, act, to, actor: Some(by), note, now: cx.now };
    let (act, sent) = match (owed.waiting, owed.person) {
        _ if token.person.is_some() => {
            let step = step(TokenAct::Ship, TokenStage::Shipped);
            (TokenAct::Ship, tokens::take_step(transaction, &step, &Change::Nothing).await?)
        }
        (Some(credential), Some(person)) => {
            let step = step(TokenAct::Assign, TokenStage::Shipped);
            (TokenAct::Assign, give(cx, transaction, &step, (person, credential)).await?)
        }
        _ => {
            let free = !owed.open || parcels::hold_key(transaction, owed.key).await?;
            let step = step(TokenAct::Ship, TokenStage::Shipped);
            let sent = match free {
                true => tokens::take_step(transaction, &step, &Change::With(owed.key)).await,
                false => Ok(false),
            };
            match sent {
                // Another token goes with this key.
                Err(StoreError::Conflict { .. }) => (TokenAct::Ship, false),
                sent => (TokenAct::Ship, sent?),
            }
        }
    };
    if !sent {
        return Ok(false);
    }
    let data = json!({ "serial": token.serial, "note": note, "license_key": owed.key });
    let event = Event { actor: Some(by), person: owed.person, ..Event::new(kind(act)).data(data) };
    audit::record(cx, transaction, event).await?;
    Ok(true)
}

/// It is theirs, and the code that goes another way than the token does is on its way.
async fn give(
    cx: &Cx,
    transaction: &Transaction,
    step: &Step<'_>,
    (person, credential): (PersonId, CredentialId),
) -> Result<bool, Fault> {
    let token = step.token;
    let parameters = serde_json::to_value(token.parameters).map_err(Fault::internal)?;
    let (hash, notice) = registration(cx, token);
    let change = Change::Holder(person, credential, &hash, cx.now + REGISTRATION_LIFETIME);
    if !tokens::take_step(transaction, step, &change).await? {
        return Ok(false);
    }
    match parcels::give_token(transaction, credential, (&token.serial, &parameters)).await {
        // Somebody got a token of that number past the inventory.
        Ok(false) | Err(StoreError::Conflict { .. }) => return Ok(false),
        other => other?,
    };
    notices::tell(cx, transaction, person, &notice).await?;
    Ok(true)
}

/// The token that was sent with a key becomes its holder's, in the transaction in which they activate the key.
///
/// # Errors
/// The store.
pub async fn take_up(cx: &Cx, transaction: &Transaction, person: &Person, key: LicenseKeyId) -> Result<(), Fault> {
    let Some(token) = parcels::find_token_of_key(transaction, key).await? else { return Ok(()) };
    let Some(credential) = parcels::find_waiting(transaction, key).await? else { return Ok(()) };
    let (act, to, note) = (TokenAct::Assign, TokenStage::Assigned, "its license key was activated");
    if !token.allows(act, cx.now) || token.exported_at.is_some() {
        return Ok(());
    }
    let step = Step { token: &token, act, to, actor: Some(person.id), note, now: cx.now };
    if !give(cx, transaction, &step, (person.id, credential)).await? {
        return Err(Fault::internal(format!("token {} moved while its key was activated", token.serial)));
    }
    let data = json!({ "serial": token.serial, "note": note, "license_key": key });
    audit::record(cx, transaction, Event::new(kind(act)).by(person.id).data(data)).await
}
