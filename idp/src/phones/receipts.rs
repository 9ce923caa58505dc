//! What providers tell about messages, once it was made sure that they told it: noted forward only.

use std::sync::Arc;
use std::time::Duration;

use serde_json::json;
use stepgate_store::deliveries::{self, DeliveryState, ReceiptOutcome, Receipted};

use crate::app::App;
use crate::audit::{self, Event};
use crate::cx::Cx;
use crate::fault::Fault;
use crate::outbound::{Receipt, ReceiptedMessage};

/// How often a receipt is looked at that is faster than the answer it is about.
const LOOKS: u32 = 8;
/// After the first look; each pause is twice as long as the one before, half a minute in all.
const PAUSE: Duration = Duration::from_millis(150);

/// Notes what a provider tells.
pub async fn note(cx: &Cx, receipt: &Receipt) -> Result<ReceiptOutcome, Fault> {
    let which = match &receipt.message {
        ReceiptedMessage::Both(id, provider_id) => Receipted::Both(*id, provider_id),
        ReceiptedMessage::Provider(provider_id) => Receipted::Provider(provider_id),
    };
    let told = (receipt.state, receipt.reason);
    let outcome = deliveries::move_delivery(&cx.app.db, &receipt.provider, which, told, cx.now).await?;
    if outcome == ReceiptOutcome::Moved {
        let kind = match receipt.state {
            DeliveryState::Delivered => "phone_otp.delivered",
            DeliveryState::Failed | DeliveryState::Sending | DeliveryState::Sent => "phone_otp.undelivered",
        };
        let data = json!({ "provider": receipt.provider, "reason": receipt.reason });
        audit::record(cx, &cx.app.db.write, Event::new(kind).data(data)).await?;
    }
    Ok(outcome)
}

/// Notes what message centres tell over their own connections, until the node ends.
pub fn listen(app: &Arc<App>) {
    let Some(mut receipts) = app.outbound.take_receipts() else { return };
    let app = Arc::downgrade(app);
    tokio::spawn(async move {
        while let Some(receipt) = receipts.recv().await {
            let app = app.clone();
            // A centre may tell before its own answer to us was written down.
            tokio::spawn(async move {
                for look in 0..LOOKS {
                    let Some(app) = app.upgrade() else { return };
                    match note(&Cx::background(&app), &receipt).await {
                        Ok(ReceiptOutcome::Unknown) => {}
                        Ok(ReceiptOutcome::Moved | ReceiptOutcome::Stale) => return,
                        Err(fault) => tracing::warn!(error = %fault, "a receipt will be looked at again"),
                    }
                    tokio::time::sleep(PAUSE * (1 << look)).await;
                }
                tracing::warn!(provider = %receipt.provider, "a receipt names no message of ours");
            });
        }
    });
}
