//! A security key that its holder has had without a subscription becomes the one that was bought: a key that is set up
//! cannot be set up again, and nobody should need a second one for what they paid.

use serde_json::json;
use stepgate_core::account::Person;
use stepgate_core::assurance::{CredentialKind, CredentialState};
use stepgate_core::credentials::Credential;
use stepgate_store::subscriptions::{self as store, SoldAs, Term};

use super::redeem::may_bind;
use super::terms::write_term;
use crate::audit::{self, Event};
use crate::cx::Cx;
use crate::fault::Fault;
use crate::notices::{self, Notice};
use crate::words::Language;

/// Whether a credential is a device that could take over what was bought: in use, and paid for by nothing.
pub fn is_adoptable(cx: &Cx, credential: &Credential, sold: &SoldAs) -> bool {
    credential.kind == CredentialKind::SecurityKey
        && credential.state(cx.now) == CredentialState::Active
        && credential.expires_at.is_none()
        && sold.key.is_none()
}

/// Makes `held` the device of what was bought and waits. `false`: it does not wait any more, its person has to be
/// identity-proofed first, or `held` has a subscription of its own.
///
/// # Errors
/// The store. Nothing is half done then.
pub async fn adopt(cx: &Cx, person: &Person, (waiting, held): (&Credential, &Credential)) -> Result<bool, Fault> {
    let sold = store::find_sold_as(&cx.app.db, held.id).await?;
    let bought = store::find_sold_as(&cx.app.db, waiting.id).await?;
    let waits = waiting.stage == CredentialState::Pending && waiting.kind == held.kind;
    if !waits || !is_adoptable(cx, held, &sold) || !may_bind(cx, person, waiting).await? {
        return Ok(false);
    }
    let transaction = cx.app.db.begin().await?;
    if !store::move_subscription(&transaction, person.id, (waiting.id, held.id), cx.now).await? {
        return Ok(false);
    }
    // Where terms count from the activation, this is it.
    if let (None, Some(purchased_at), Some(key)) = (waiting.expires_at, waiting.purchased_at, bought.key)
        && let Some(until) = cx.app.settings.subscriptions.rules().first(purchased_at, Some(cx.now))
        && store::begin_term(&transaction, held.id, until, cx.now).await?
    {
        let term = Term { credential: held.id, person: person.id, key, order: None, from: cx.now, until };
        write_term(cx, &transaction, &term).await?;
    }
    let data = json!({ "credential": held.id, "waiting": waiting.id, "product": bought.product });
    audit::record(cx, &transaction, Event::new("subscription.adopted").by(person.id).data(data)).await?;
    let words = |language: Language| {
        let label = held.label.as_str().into();
        (language.text("adopted-subject"), language.say("adopted", [("label", label)]))
    };
    notices::tell(cx, &transaction, person.id, &Notice::spoken(words).about(held.id)).await?;
    transaction.commit().await?;
    Ok(true)
}
