//! Vouchers: made by finance, typed at the checkout.

use std::time::Duration;

use stepgate_core::credentials::recovery::{CodePurpose, TypedCode};
use stepgate_core::id::{PersonId, VoucherId};
use stepgate_core::secret::SecretString;
use stepgate_core::subscriptions::checkout::voucher_covers;
use stepgate_core::subscriptions::license_key::TypedKey;
use stepgate_core::subscriptions::order::{OrderLine, Sponsor};
use stepgate_core::subscriptions::product::ProductId;
use stepgate_core::time::Timestamp;
use stepgate_store::vouchers::{self as store, Voucher};

use crate::audit::{self, Event};
use crate::cx::Cx;
use crate::fault::Fault;

/// Vouchers that one person may type in an hour.
const TRIES: u64 = 20;
const HOUR: Duration = Duration::from_secs(3600);

/// Why a voucher does not pay.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NoVoucher {
    /// No such voucher.
    #[error("We do not know this voucher. Compare it letter by letter.")]
    Unknown,
    /// Withdrawn, or its time is over.
    #[error("This voucher does not pay any more.")]
    Ended,
    /// It is for another product.
    #[error("This voucher pays for another product. Order that alone.")]
    Product,
    /// Too many were tried.
    #[error("You have tried many vouchers. Wait an hour, and copy the next one from the mail that it came in.")]
    TooOften,
    /// Not so many uses are left.
    #[error("This voucher does not have so many uses left.")]
    Used,
}

/// The voucher that was typed, if it pays these lines now. Each try is counted.
///
/// # Errors
/// The store.
pub(super) async fn find(
    cx: &Cx,
    person: PersonId,
    (typed, lines): (&str, &[OrderLine]),
) -> Result<Result<Voucher, NoVoucher>, Fault> {
    if cx.app.ephemeral.incr("voucher try", &person.to_string(), HOUR, cx.now).await? > TRIES {
        return Ok(Err(NoVoucher::TooOften));
    }
    let Ok(typed) = TypedKey::parse(typed) else { return Ok(Err(NoVoucher::Unknown)) };
    let hash = typed.voucher_hash(&cx.app.secrets.licenses);
    let Some(voucher) = store::find_voucher_by_hash(&cx.app.db, &hash).await? else {
        audit::record(cx, &cx.app.db.write, Event::new("voucher.refused").by(person)).await?;
        return Ok(Err(NoVoucher::Unknown));
    };
    let keys: u32 = lines.iter().fold(0, |sum, line| sum.saturating_add(line.quantity));
    Ok(if voucher.withdrawn_at.is_some() || voucher.expires_at <= cx.now {
        Err(NoVoucher::Ended)
    } else if !voucher_covers(voucher.product.as_ref(), lines) {
        Err(NoVoucher::Product)
    } else if voucher.remaining < i64::from(keys) {
        Err(NoVoucher::Used)
    } else {
        Ok(voucher)
    })
}

/// A voucher to be made.
pub struct NewVoucher {
    /// Keys that it pays.
    pub uses: u32,
    /// The only product that it pays.
    pub product: Option<ProductId>,
    /// Who paid it before.
    pub sponsor: Option<Sponsor>,
    /// What it is for.
    pub note: String,
    /// Until when it pays.
    pub expires_at: Timestamp,
}

/// Makes a voucher; its letters, which are not kept.
///
/// # Errors
/// The store.
pub async fn create(cx: &Cx, new: NewVoucher, by: PersonId) -> Result<SecretString, Fault> {
    let code = TypedCode::random(cx.entropy());
    let hash = code.hash(&cx.app.secrets.licenses, CodePurpose::Voucher);
    let voucher = Voucher {
        id: VoucherId::random(cx.entropy()),
        product: new.product,
        sponsor: new.sponsor,
        uses: i64::from(new.uses),
        remaining: i64::from(new.uses),
        note: new.note,
        created_by: by,
        created_at: cx.now,
        expires_at: new.expires_at,
        withdrawn_at: None,
    };
    let transaction = cx.app.db.begin().await?;
    store::insert_voucher(&transaction, &voucher, &hash).await?;
    let data = serde_json::json!({
        "voucher": voucher.id, "uses": voucher.uses, "product": voucher.product, "sponsor": voucher.sponsor,
        "until": voucher.expires_at,
    });
    let event = Event { actor: Some(by), ..Event::new("voucher.created").data(data) };
    audit::record(cx, &transaction, event).await?;
    transaction.commit().await?;
    Ok(code.grouped())
}

/// Withdraws a voucher; `false` when that was done before.
///
/// # Errors
/// The store.
pub async fn withdraw(cx: &Cx, id: VoucherId, by: PersonId) -> Result<bool, Fault> {
    let transaction = cx.app.db.begin().await?;
    if !store::withdraw_voucher(&transaction, id, cx.now).await? {
        return Ok(false);
    }
    let data = serde_json::json!({ "voucher": id });
    audit::record(cx, &transaction, Event { actor: Some(by), ..Event::new("voucher.withdrawn").data(data) }).await?;
    transaction.commit().await?;
    Ok(true)
}
