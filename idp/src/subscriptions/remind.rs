//! Reminders that a subscription ends: 60, 30, 15, 7 days before, on the day, and 30 days after; once each, over all nodes
//! and restarts.
//!
//! What is due is found by an index, taken by one conditional statement on the due time and the end that were read, and
//! put into the outbox in the same transaction. A batch is one short transaction, so that no login waits.

use std::sync::Arc;

use stepgate_core::assurance::CredentialState;
use stepgate_core::subscriptions::card::CardOnFile;
use stepgate_core::subscriptions::money::Money;
use stepgate_core::subscriptions::term::{Renewal, notice_due};
use stepgate_core::time::Timestamp;
use stepgate_store::term_notices::{self as store, DueNotice};
use stepgate_store::{Connection, charges};

use super::auto_renew::{self, AtNotice};
use super::card_words::{CardFacts, announced};
use super::renewal::stands;
use super::wording::{Facts, Language, reminder};
use crate::app::App;
use crate::cx::Cx;
use crate::fault::Fault;
use crate::notices;
use crate::pages::When;
use crate::shop;

/// Notices of one transaction.
const BATCH: u32 = 100;

/// Sends what is due. How many were taken.
///
/// # Errors
/// The store: what was not taken stays due.
pub async fn send_due(app: &Arc<App>) -> Result<u64, Fault> {
    let mut taken = 0;
    loop {
        let cx = Cx::background(app);
        let due = store::list_due_notices(&cx.app.db, cx.now, BATCH).await?;
        if due.is_empty() {
            return Ok(taken);
        }
        let mut by_itself = Vec::new();
        for notice in due.iter().filter(|notice| notice.auto_renew && concerns(notice)) {
            // An order of its own. A renewal moves the end, so that the notice below is not there to be taken.
            by_itself.push((notice.credential.id, auto_renew::at_notice(&cx, notice).await?));
        }
        let transaction = cx.app.db.begin().await?;
        for notice in &due {
            if store::take_notice(&transaction, notice, cx.now).await? {
                taken += 1;
                let found = by_itself.iter().find(|(id, _)| *id == notice.credential.id).map(|(_, found)| found);
                match found {
                    Some(AtNotice::Announce(card, quote, on)) => {
                        announce(&cx, &transaction, notice, (card, quote.totals.gross, *on)).await?;
                    }
                    // What becomes of it is told when it is known.
                    Some(AtNotice::Charge) => shop::charge::owe(&cx, &transaction, notice).await?,
                    Some(AtNotice::Failed) => tell(&cx, &transaction, notice, true).await?,
                    Some(AtNotice::Renewed) | None => tell(&cx, &transaction, notice, false).await?,
                }
            }
        }
        transaction.commit().await?;
        if due.len() < BATCH as usize {
            return Ok(taken);
        }
    }
}

/// Nobody is reminded of what they gave up, or while they are locked out.
fn concerns(notice: &DueNotice) -> bool {
    notice.credential.stage != CredentialState::Revoked && notice.person.suspended_at.is_none()
}

/// The time zone of a person.
fn zone_of(due: &DueNotice) -> jiff::tz::TimeZone {
    let zone = due.person.claims.zoneinfo.as_deref().and_then(|name| jiff::tz::TimeZone::get(name).ok());
    zone.unwrap_or(jiff::tz::TimeZone::UTC)
}

/// The price and the day of a renewal by card. It comes whether or not its reader wants to be reminded: it is about their
/// money.
async fn announce(
    cx: &Cx,
    transaction: &impl Connection,
    due: &DueNotice,
    (card, price, on): (&CardOnFile, Money, Timestamp),
) -> Result<(), Fault> {
    let Some(to) = due.person.claims.email.as_deref() else { return Ok(()) };
    charges::put_promise(transaction, (due.credential.id, due.ends), price, cx.now).await?;
    let zone = zone_of(due);
    let facts = CardFacts {
        person: &due.person,
        label: &due.credential.label,
        card: &card.card.to_string(),
        price,
        on: Some(&When::date(on, &zone).text),
        ends: &When::date(due.ends, &zone).text,
        link: &cx.app.url(&format!("/account/otp/{}", due.credential.id)),
        brand: &cx.app.settings.server.name,
    };
    let (subject, text) = announced(&facts, card.card.has_ended(on));
    notices::mail(cx, transaction, (to, &subject), &text).await
}

async fn tell(cx: &Cx, transaction: &impl Connection, due: &DueNotice, auto_renew_failed: bool) -> Result<(), Fault> {
    let Some(notice) = notice_due(due.ends, cx.now).filter(|_| concerns(due)) else { return Ok(()) };
    let Some(to) = due.person.claims.email.as_deref() else { return Ok(()) };
    if !due.reminders && notice.days != 0 {
        return Ok(());
    }
    let renewable = stands(cx, &due.credential);
    let zone = zone_of(due);
    let ends = When::date(due.ends, &zone);
    let until = match renewable {
        Some(Renewal::Open { until }) => Some(When::date(until, &zone)),
        _ => None,
    };
    let facts = Facts {
        person: &due.person,
        label: &due.credential.label,
        days: notice.days,
        ends: &ends,
        renewable_until: until.as_ref(),
        link: &cx.app.url(&format!("/account/otp/renew?credential={}", due.credential.id)),
        brand: &cx.app.settings.server.name,
        auto_renew_failed,
    };
    let (subject, text) = reminder(Language::of(&due.person), &facts);
    notices::mail(cx, transaction, (to, &subject), &text).await
}
