//! Reminders that a subscription ends: 60, 30, 15, 7 days before, on the day, and 30 days after; once each, over all nodes
//! and restarts. The day of the end is that of its reader's time zone, and begins there before they are told.
//!
//! What is due is found by an index, taken by one conditional statement on the due time and the end that were read, and
//! put into the outbox in the same transaction. A batch is one short transaction, so that no login waits.

use std::sync::Arc;

use stepgate_core::assurance::CredentialState;
use stepgate_core::subscriptions::card::CardOnFile;
use stepgate_core::subscriptions::money::Money;
use stepgate_core::subscriptions::term::{Renewal, day_begins, days_until, notice_due};
use stepgate_core::time::Timestamp;
use stepgate_store::term_notices::{self as store, DueNotice};
use stepgate_store::{Connection, charges};

use super::auto_renew::{self, AtNotice};
use super::card_words::{CardFacts, announced};
use super::renewal::{renewal_product, stands};
use super::wording::{Facts, Way, reminder};
use crate::app::App;
use crate::cx::Cx;
use crate::fault::Fault;
use crate::notices;
use crate::pages::When;
use crate::shop;
use crate::words::Language;

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
        let whole = due.len() == BATCH as usize;
        let due = put_off(&cx, due).await?;
        let mut by_itself = Vec::new();
        for notice in due.iter().filter(|notice| notice.auto_renew && concerns(notice)) {
            // An order of its own. A renewal moves the end, so that the notice below is not there to be taken.
            // One that does not work must not keep the others from being told. It is tried again at the next notice.
            let found = auto_renew::at_notice(&cx, notice).await.unwrap_or_else(|fault| {
                tracing::error!(credential.id = %notice.credential.id, %fault, "a renewal by itself failed");
                AtNotice::Failed
            });
            by_itself.push((notice.credential.id, found));
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
        if !whole {
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

/// When the day of the end begins for its reader, where that is still to come.
fn too_early(cx: &Cx, due: &DueNotice) -> Option<Timestamp> {
    notice_due(due.ends, cx.now).filter(|notice| notice.days == 0)?;
    Some(day_begins(due.ends, &zone_of(due))).filter(|begins| *begins > cx.now)
}

/// Puts off what comes too early, and gives back the rest.
async fn put_off(cx: &Cx, due: Vec<DueNotice>) -> Result<Vec<DueNotice>, Fault> {
    let (early, rest): (Vec<_>, Vec<_>) = due.into_iter().partition(|notice| too_early(cx, notice).is_some());
    if early.is_empty() {
        return Ok(rest);
    }
    let transaction = cx.app.db.begin().await?;
    for (notice, until) in early.iter().filter_map(|notice| Some((notice, too_early(cx, notice)?))) {
        store::postpone_notice(&transaction, notice, until).await?;
    }
    transaction.commit().await?;
    Ok(rest)
}

/// What its reader can do about it.
async fn way(cx: &Cx, due: &DueNotice, language: Language) -> Result<Way, Fault> {
    let zone = zone_of(due);
    let (credential, over) = (&due.credential, due.ends <= cx.now);
    if credential.stage == CredentialState::Pending {
        return Ok(if over { Way::NeverActivated } else { Way::Activate });
    }
    Ok(match stands(cx, credential) {
        Some(Renewal::Opens(from)) => Way::RenewFrom(When::date_in(language, from, &zone)),
        Some(Renewal::Open { until }) if renewal_product(cx, credential).await?.is_some() => {
            Way::Renew { until: When::date_in(language, until, &zone) }
        }
        Some(Renewal::Open { .. } | Renewal::Closed) | None => Way::Anew,
    })
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
    let (zone, language) = (zone_of(due), Language::of(&due.person).unwrap_or_default());
    let facts = CardFacts {
        person: &due.person,
        label: &due.credential.label,
        card: &card.card.to_string(),
        price,
        on: Some(&When::date_in(language, on, &zone).text),
        ends: &When::date_in(language, due.ends, &zone).text,
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
    let (zone, language) = (zone_of(due), Language::of(&due.person).unwrap_or_default());
    let way = way(cx, due, language).await?;
    let page = match way {
        Way::Activate | Way::NeverActivated => "/account/otp".to_owned(),
        Way::Renew { .. } | Way::RenewFrom(_) | Way::Anew => {
            format!("/account/otp/renew?credential={}", due.credential.id)
        }
    };
    let facts = Facts {
        person: &due.person,
        label: &due.credential.label,
        days: days_until(due.ends, cx.now, &zone),
        ends: &When::date_in(language, due.ends, &zone),
        way: &way,
        link: &cx.app.url(&page),
        preferences: &cx.app.url("/account/otp/reminders"),
        brand: &cx.app.settings.server.name,
        auto_renew_failed,
    };
    let (subject, text) = reminder(language, &facts);
    notices::mail(cx, transaction, (to, &subject), &text).await
}
