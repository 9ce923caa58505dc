//! Hands notices over. A mail leaves its row in the outbox once: one node holds it while it is under way, and its
//! Message-ID is that of the row, should a node die between the server's answer and its own note of it.

use std::sync::Arc;
use std::time::Duration;

use futures_util::future::join_all;
use stepgate_core::contact::{EmailAddress, PhoneNumber};
use stepgate_core::id::DeliveryId;
use stepgate_core::secret::SecretString;
use stepgate_store::deliveries;
use stepgate_store::outbox::{self as store, Leased};

use super::{MAIL, Mailed, TEXT, Texted};
use crate::app::App;
use crate::cx::Cx;
use crate::fault::Fault;
use crate::outbound::{DeliveryError, Mail, smtp};
use crate::outbox;
use crate::phones::{day, switch};

/// How many messages a node hands over at a time, at once.
const AT_ONCE: u32 = 20;
/// A message is this node's for so long: longer than any conversation with a mail server.
const LEASE: Duration = Duration::from_secs(smtp::WHOLE.as_secs() + 20);
/// A notice that nobody took for so long is given up.
const LIFETIME: Duration = Duration::from_secs(3 * 24 * 3600);
/// How often a text is handed over before the mail has to do.
const TEXT_TRIES: u32 = 3;
const DAY: Duration = Duration::from_secs(24 * 3600);
/// Texts without a code that one number gets in a day at most.
const TEXTS_A_DAY: u64 = 5;
/// The first wait after a refusal that passes; each further one is twice as long, up to an hour.
const FIRST_WAIT: u64 = 15;

/// Hands over the notices that are due. Called every second by the background task.
pub async fn deliver(app: &Arc<App>) -> Result<(), Fault> {
    let cx = Cx::background(app);
    for kind in [MAIL, TEXT] {
        let leased = store::lease_messages(&app.db, kind, AT_ONCE, cx.now, cx.now + LEASE).await?;
        let ended = join_all(leased.iter().map(|leased| one(&cx, leased))).await;
        ended.into_iter().collect::<Result<Vec<()>, Fault>>()?;
    }
    Ok(())
}

async fn one(cx: &Cx, leased: &Leased) -> Result<(), Fault> {
    let db = &cx.app.db;
    let outcome = if cx.now.since(leased.created_at) > LIFETIME {
        Err(Failed::ForGood("too old to be of use".to_owned()))
    } else if leased.kind == MAIL {
        mail(cx, leased).await?
    } else {
        text(cx, leased).await?
    };
    // Read anew: the conversation may have taken long.
    let now = cx.app.clock.now();
    match outcome {
        Ok(()) => store::finish_message(db, leased.id, now).await?,
        Err(Failed::ForGood(why)) => store::abandon_message(db, leased.id, now, &why).await?,
        Err(Failed::ForNow(why)) => {
            store::fail_message(db, leased.id, now + wait_after(leased.attempts), &why).await?;
        }
    }
    Ok(())
}

/// Why a notice was not handed over.
enum Failed {
    /// It is tried again.
    ForNow(String),
    /// It is not.
    ForGood(String),
}

impl From<DeliveryError> for Failed {
    fn from(error: DeliveryError) -> Self {
        if error.is_passing() { Self::ForNow(error.to_string()) } else { Self::ForGood(error.to_string()) }
    }
}

async fn mail(cx: &Cx, leased: &Leased) -> Result<Result<(), Failed>, Fault> {
    let kept: Mailed = outbox::open_as(&cx.app, leased)?;
    let Ok(to) = kept.to.parse::<EmailAddress>() else {
        return Ok(Err(Failed::ForGood("no e-mail address".to_owned())));
    };
    let text = SecretString::new(kept.text);
    let mail = Mail { id: leased.id, subject: kept.subject, text, code: None, at: leased.created_at };
    Ok(cx.app.outbound.mail(&to, &mail).await.map_err(Failed::from))
}

async fn text(cx: &Cx, leased: &Leased) -> Result<Result<(), Failed>, Fault> {
    let kept: Texted = outbox::open_as(&cx.app, leased)?;
    let Ok(to) = kept.to.parse::<PhoneNumber>() else {
        return Ok(Err(Failed::ForGood("no telephone number".to_owned())));
    };
    // Each try costs money, and the mail says the same.
    if leased.attempts > TEXT_TRIES {
        return Ok(Err(Failed::ForGood("no provider took it".to_owned())));
    }
    if switch::is_stopped(cx).await? {
        return Ok(Err(Failed::ForGood("texts are switched off".to_owned())));
    }
    // Counted at the first try only: a provider that is away uses nothing up.
    if leased.attempts <= 1 && cx.app.ephemeral.incr("notice text", &kept.phone, DAY, cx.now).await? > TEXTS_A_DAY {
        return Ok(Err(Failed::ForGood("enough texts to this number for a day".to_owned())));
    }
    let named = (DeliveryId::from_uuid(leased.id.uuid()), leased.created_at);
    let mut outcome = DeliveryError::Unavailable;
    for way in &cx.app.outbound.ways {
        let Some(cost) = way.notice_price(to.country()) else { continue };
        if !switch::reserve(cx, cost).await? {
            return Ok(Err(Failed::ForGood("the day's cap of texts is reached".to_owned())));
        }
        match cx.app.outbound.notify(way, (&to, kept.text.clone()), named).await {
            Ok(()) => return Ok(Ok(())),
            Err(error) => {
                // What did not answer may have sent it all the same, and will charge for it.
                if error != DeliveryError::Unavailable {
                    deliveries::return_spend(&cx.app.db, day(cx.now), cost).await?;
                }
                outcome = error;
            }
        }
    }
    Ok(Err(outcome.into()))
}

/// The wait after so many tries.
fn wait_after(attempts: u32) -> Duration {
    let doublings = attempts.saturating_sub(1).min(8);
    Duration::from_secs((FIRST_WAIT << doublings).min(3600))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn waits_grow_up_to_an_hour() {
        let waits: Vec<u64> = [0, 1, 2, 3, 8, 9, u32::MAX].map(|attempts| wait_after(attempts).as_secs()).to_vec();
        assert_eq!(waits, [15, 15, 30, 60, 1920, 3600, 3600]);
        assert!(LEASE > smtp::WHOLE);
    }
}
