//! The demo's card provider: a page of our own, on which made-up money is paid or declined. Kept in the database, so that
//! every node of the demo knows of it.

use futures_util::future::BoxFuture;
use serde::{Deserialize, Serialize};
use stepgate_core::subscriptions::checkout::Payment;
use stepgate_core::subscriptions::money::Money;
use stepgate_core::time::Timestamp;
use stepgate_store::{Db, ephemeral};

use super::payments::{
    Checkout, PaymentError, Payments, ProviderRefund, RefundOrder, RefundState, Session, SessionState,
};

const PURPOSE: &str = "demo card";
/// Longer than anybody looks at the demo: it ends with its folder.
const FAR: Timestamp = Timestamp::from_unix_seconds(253_402_207_200);

/// One page.
#[derive(Clone, Serialize, Deserialize)]
pub struct CardPage {
    /// Which order.
    pub order: String,
    /// Its number.
    pub number: String,
    /// What it comes to.
    pub total: Money,
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
            payment: Payment { reference: page.order.clone(), paid: page.paid, amount: Some(page.total) },
            payment_id: page.paid.then(|| format!("pay_{id}")),
        }
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
            if let Some(page) = find(&self.db, &id).await.map_err(unavailable)? {
                return Ok(self.session(&id, &page));
            }
            let page = CardPage {
                order: wanted.order.to_string(),
                number: wanted.number.clone(),
                total: wanted.total,
                success: wanted.success.clone(),
                cancel: wanted.cancel.clone(),
                paid: false,
            };
            keep(&self.db, &id, &page).await.map_err(unavailable)?;
            Ok(self.session(&id, &page))
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
        Box::pin(async move { Ok(ProviderRefund { id: format!("re_{}", wanted.key), state: RefundState::Done }) })
    }

    fn find_refund<'a>(&'a self, id: &'a str) -> BoxFuture<'a, Result<ProviderRefund, PaymentError>> {
        Box::pin(async move { Ok(ProviderRefund { id: id.to_owned(), state: RefundState::Done }) })
    }
}
