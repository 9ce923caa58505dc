//! The demo's card provider: a page of our own, on which made-up money is paid or declined. Kept in the database, so that
//! every node of the demo knows of it.

use futures_util::future::BoxFuture;
use serde::{Deserialize, Serialize};
use stepgate_core::subscriptions::card::CardFacts;
use stepgate_core::subscriptions::checkout::Payment;
use stepgate_core::subscriptions::money::Money;
use stepgate_core::time::Timestamp;
use stepgate_store::{Db, ephemeral};

use super::payments::{
    CardWanted, Charge, ChargeState, ChargeWanted, Checkout, MoneyBack, PaymentError, Payments, ProviderRefund,
    RefundOrder, RefundState, Session, SessionState,
};

const PURPOSE: &str = "demo card";
/// Charges without the person, by key: whether they were paid.
const CHARGES: &str = "demo charge";
/// Cards that were taken away again.
const DETACHED: &str = "demo card away";
/// The made-up cards, by their last four digits. All pay while somebody is there.
pub const CARDS: [(&str, &str); 3] = [
    ("4242", "Visa 4242, which always pays"),
    ("0341", "Visa 0341, which pays now and is declined at renewals"),
    ("3184", "Visa 3184, which pays now and wants a confirmation at renewals"),
];
/// Longer than anybody looks at the demo: it ends with its folder.
const FAR: Timestamp = Timestamp::from_unix_seconds(253_402_207_200);

/// One page.
#[derive(Clone, Serialize, Deserialize)]
pub struct CardPage {
    /// Which order.
    pub order: String,
    /// Its number.
    pub number: String,
    /// What it comes to; nothing where a card is given without buying.
    pub total: Option<Money>,
    /// Whether the card is kept.
    pub keep: bool,
    /// The card that paid, or was given: its last four digits.
    pub card: String,
    /// Where to go after the payment.
    pub success: String,
    /// Where to go without one.
    pub cancel: String,
    /// Whether it was paid.
    pub paid: bool,
}

/// The provider.
pub struct DemoCard {
    db: Db,
    issuer: String,
}

impl DemoCard {
    /// On this database.
    pub const fn new(db: Db, issuer: String) -> Self {
        Self { db, issuer }
    }

    fn session(&self, id: &str, page: &CardPage) -> Session {
        Session {
            id: id.to_owned(),
            url: (!page.paid).then(|| format!("{}/demo/card/{id}", self.issuer)),
            state: if page.paid { SessionState::Complete } else { SessionState::Open },
            payment: Payment {
                reference: page.order.clone(),
                paid: page.paid && page.total.is_some(),
                amount: page.total,
            },
            payment_id: (page.paid && page.total.is_some()).then(|| format!("pay_{id}")),
            customer: (page.paid && page.keep).then(|| format!("customer_{id}")),
            card: card(id, page).filter(|_| page.paid),
        }
    }

    async fn open(&self, id: &str, page: CardPage) -> Result<Session, PaymentError> {
        if let Some(known) = find(&self.db, id).await.map_err(unavailable)? {
            return Ok(self.session(id, &known));
        }
        keep(&self.db, id, &page).await.map_err(unavailable)?;
        Ok(self.session(id, &page))
    }

    async fn kept(&self, purpose: &str, key: &str) -> Result<Option<String>, PaymentError> {
        let now = Timestamp::from_unix_seconds(0);
        ephemeral::find_value(&self.db, purpose, key, now).await.map_err(unavailable)
    }
}

/// The made-up card of a page; its name says how it behaves.
fn card(id: &str, page: &CardPage) -> Option<CardFacts> {
    CardFacts::told(&format!("card_{}_{id}", page.card), "visa", &page.card, (12, 2099))
}

fn charged(wanted: &ChargeWanted) -> Charge {
    Charge {
        id: format!("pay_{}", wanted.key),
        payment: Payment { reference: wanted.order.to_string(), paid: true, amount: Some(wanted.amount) },
        state: ChargeState::Paid,
    }
}

/// A page that is kept.
///
/// # Errors
/// The store.
pub async fn find(db: &Db, id: &str) -> Result<Option<CardPage>, stepgate_store::StoreError> {
    // It does not end: any moment will do.
    let now = Timestamp::from_unix_seconds(0);
    let kept = ephemeral::find_value(db, PURPOSE, id, now).await?;
    Ok(kept.and_then(|text| serde_json::from_str(&text).ok()))
}

/// Keeps a page.
///
/// # Errors
/// The store.
pub async fn keep(db: &Db, id: &str, page: &CardPage) -> Result<(), stepgate_store::StoreError> {
    let text = serde_json::to_string(page).unwrap_or_default();
    ephemeral::put_value(db, (PURPOSE, id), &text, FAR).await
}

fn unavailable(error: stepgate_store::StoreError) -> PaymentError {
    tracing::warn!(%error, "the demo's card provider");
    PaymentError::Unavailable
}

impl Payments for DemoCard {
    fn name(&self) -> &'static str {
        "demo"
    }

    fn begin<'a>(&'a self, wanted: &'a Checkout) -> BoxFuture<'a, Result<Session, PaymentError>> {
        Box::pin(async move {
            let id = format!("demo_{}", wanted.order.uuid().simple());
            let page = CardPage {
                order: wanted.order.to_string(),
                number: wanted.number.clone(),
                total: Some(wanted.total),
                keep: wanted.keep,
                card: String::new(),
                success: wanted.success.clone(),
                cancel: wanted.cancel.clone(),
                paid: false,
            };
            self.open(&id, page).await
        })
    }

    fn find<'a>(&'a self, id: &'a str) -> BoxFuture<'a, Result<Session, PaymentError>> {
        Box::pin(async move {
            let page = find(&self.db, id).await.map_err(unavailable)?;
            let page = page.ok_or_else(|| PaymentError::Refused("resource_missing".to_owned()))?;
            Ok(self.session(id, &page))
        })
    }

    fn expire<'a>(&'a self, _id: &'a str) -> BoxFuture<'a, Result<(), PaymentError>> {
        Box::pin(async { Ok(()) })
    }

    fn refund<'a>(&'a self, wanted: &'a RefundOrder) -> BoxFuture<'a, Result<ProviderRefund, PaymentError>> {
        Box::pin(async move {
            Ok(ProviderRefund {
                id: format!("re_{}", wanted.key),
                state: RefundState::Done,
                amount: Some(wanted.amount),
                key: Some(wanted.key.clone()),
            })
        })
    }

    fn find_refund<'a>(&'a self, id: &'a str) -> BoxFuture<'a, Result<ProviderRefund, PaymentError>> {
        Box::pin(
            async move { Ok(ProviderRefund { id: id.to_owned(), state: RefundState::Done, amount: None, key: None }) },
        )
    }

    fn find_money<'a>(&'a self, _payment: &'a str) -> BoxFuture<'a, Result<MoneyBack, PaymentError>> {
        Box::pin(async { Ok(MoneyBack::default()) })
    }

    fn begin_card<'a>(&'a self, wanted: &'a CardWanted) -> BoxFuture<'a, Result<Session, PaymentError>> {
        Box::pin(async move {
            let id = format!("demo_{}", wanted.setup.uuid().simple());
            let page = CardPage {
                order: wanted.setup.to_string(),
                number: String::new(),
                total: None,
                keep: true,
                card: String::new(),
                success: wanted.success.clone(),
                cancel: wanted.cancel.clone(),
                paid: false,
            };
            self.open(&id, page).await
        })
    }

    fn charge<'a>(&'a self, wanted: &'a ChargeWanted) -> BoxFuture<'a, Result<Charge, PaymentError>> {
        Box::pin(async move {
            if self.kept(CHARGES, &wanted.key).await?.is_some() {
                return Ok(charged(wanted));
            }
            let refused = |code: &str| Err(PaymentError::Refused(code.to_owned()));
            if self.kept(DETACHED, &wanted.method).await?.is_some() {
                return refused("resource_missing");
            }
            match wanted.method.split('_').nth(1) {
                Some("4242") => {}
                Some("3184") => return refused("authentication_required"),
                _ => return refused("card_declined"),
            }
            ephemeral::put_value(&self.db, (CHARGES, &wanted.key), "paid", FAR).await.map_err(unavailable)?;
            Ok(charged(wanted))
        })
    }

    fn find_charge<'a>(&'a self, wanted: &'a ChargeWanted) -> BoxFuture<'a, Result<Option<Charge>, PaymentError>> {
        Box::pin(async move { Ok(self.kept(CHARGES, &wanted.key).await?.map(|_| charged(wanted))) })
    }

    fn detach<'a>(&'a self, method: &'a str) -> BoxFuture<'a, Result<(), PaymentError>> {
        Box::pin(async move { ephemeral::put_value(&self.db, (DETACHED, method), "1", FAR).await.map_err(unavailable) })
    }
}
