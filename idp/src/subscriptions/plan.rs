//! What will become of a credential that is to be renewed by itself: who pays, when, and how much. For its page, and for the
//! page of the card.

use stepgate_core::credentials::Credential;
use stepgate_core::subscriptions::card;
use stepgate_core::subscriptions::money::Money;
use stepgate_core::subscriptions::term::next_notice;
use stepgate_core::time::Timestamp;
use stepgate_store::charges;
use stepgate_store::subscriptions::SoldAs;

use super::auto_renew::{Payer, is_over, payer, quote};
use super::renewal::product_of;
use crate::cx::Cx;
use crate::fault::Fault;
use crate::shop::catalogue;

/// What would become of it.
#[derive(Clone, Debug)]
pub struct Plan {
    /// Who would pay.
    pub payer: Payer,
    /// When; `None` when it is not renewed by itself any more for this end.
    pub on: Option<Timestamp>,
    /// How much, with tax.
    pub price: Money,
}

/// What would become of a credential, were it renewed by itself; `None` for what does not end, or has no price.
///
/// # Errors
/// The store.
pub async fn plan(cx: &Cx, credential: &Credential, sold: &SoldAs) -> Result<Option<Plan>, Fault> {
    let Some(ends) = credential.expires_at else { return Ok(None) };
    let Some(product) = product_of(&catalogue(cx).await?, credential, sold) else { return Ok(None) };
    let Some(quote) = quote(cx, credential, &product).await? else { return Ok(None) };
    let (payer, price) = (payer(cx, credential.person).await?, quote.totals.gross);
    let on = match &payer {
        Payer::Account(_) => next_notice(ends, cx.now).map(|notice| notice.due),
        _ if is_over(cx, credential, ends).await? => None,
        Payer::Card(_) | Payer::Nobody => {
            let promised = charges::find_promise(&cx.app.db, (credential.id, ends)).await?;
            let kept = promised.is_some_and(|told| told.currency == price.currency && price.minor <= told.minor);
            card::first_try(ends, cx.now, kept)
        }
    };
    Ok(Some(Plan { payer, on, price }))
}

/// What is promised to whoever switches the renewal on now: they have read price and day beside the button, which within the
/// weeks before the end is the announcement. `None` before that, and after the end.
///
/// # Errors
/// The store.
pub async fn promise(cx: &Cx, credential: &Credential, sold: &SoldAs) -> Result<Option<(Timestamp, Money)>, Fault> {
    let Some(ends) = credential.expires_at.filter(|_| super::is_renewable(cx, credential)) else { return Ok(None) };
    Ok(plan(cx, credential, sold).await?.map(|plan| (ends, plan.price)))
}
