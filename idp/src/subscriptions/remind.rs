//! Reminders that a subscription ends: 60, 30, 15, 7 days before, on the day, and 30 days after; once each, over all nodes
//! and restarts.
//!
//! What is due is found by an index, taken by one conditional statement on the due time and the end that were read, and
//! put into the outbox in the same transaction. A batch is one short transaction, so that no login waits.

use std::sync::Arc;

use stepgate_core::assurance::CredentialState;
use stepgate_core::subscriptions::term::{Renewal, notice_due};
use stepgate_store::Connection;
use stepgate_store::term_notices::{self as store, DueNotice};

use super::auto_renew;
use super::renewal::stands;
use super::wording::{Facts, reminder};
use crate::app::App;
use crate::cx::Cx;
use crate::fault::Fault;
use crate::notices;
use crate::pages::When;
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
        let mut failed = Vec::new();
        for notice in due.iter().filter(|notice| notice.auto_renew && concerns(notice)) {
            // An order of its own. A renewal moves the end, so that the notice below is not there to be taken.
            if !auto_renew::renew_by_itself(&cx, notice).await? {
                failed.push(notice.credential.id);
            }
        }
        let transaction = cx.app.db.begin().await?;
        for notice in &due {
            if store::take_notice(&transaction, notice, cx.now).await? {
                taken += 1;
                tell(&cx, &transaction, notice, failed.contains(&notice.credential.id)).await?;
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

async fn tell(cx: &Cx, transaction: &impl Connection, due: &DueNotice, auto_renew_failed: bool) -> Result<(), Fault> {
    let Some(notice) = notice_due(due.ends, cx.now).filter(|_| concerns(due)) else { return Ok(()) };
    let Some(to) = due.person.claims.email.as_deref() else { return Ok(()) };
    if !due.reminders && notice.days != 0 {
        return Ok(());
    }
    let renewable = stands(cx, &due.credential);
    let zone = due.person.claims.zoneinfo.as_deref().and_then(|name| jiff::tz::TimeZone::get(name).ok());
    let zone = zone.unwrap_or(jiff::tz::TimeZone::UTC);
    let language = Language::of(&due.person).unwrap_or_default();
    let ends = When::date_in(language, due.ends, &zone);
    let until = match renewable {
        Some(Renewal::Open { until }) => Some(When::date_in(language, until, &zone)),
        _ => None,
    };
    let facts = Facts {
        person: &due.person,
        label: &due.credential.label,
        days: notice.days,
        ends: &ends,
        renewable_until: until.as_ref(),
        link: &cx.app.url(&format!("/account/otp/renew?credential={}", due.credential.id)),
        preferences: &cx.app.url("/account/otp/reminders"),
        brand: &cx.app.settings.server.name,
        auto_renew_failed,
    };
    let (subject, text) = reminder(language, &facts);
    notices::mail(cx, transaction, (to, &subject), &text).await
}
