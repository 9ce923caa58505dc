//! Cards on file at Stripe: a page of Checkout in `setup` mode, payment intents without the person (`off_session`), and what
//! became of the money of one.

use std::collections::HashMap;

use http::Method;
use serde::Deserialize;
use serde::de::IgnoredAny;
use stepgate_core::subscriptions::card::CardFacts;
use stepgate_core::subscriptions::checkout::Payment;

use super::{CheckoutSession, Refund, Stripe, from_stripe, to_stripe};
use crate::outbound::payments::{
    CardWanted, Charge, ChargeState, ChargeWanted, MoneyBack, PaymentError, ProviderRefund, Session,
};

/// A payment intent or a setup intent: its id, or the whole of it.
#[derive(Deserialize)]
#[serde(untagged)]
pub(super) enum IntentTold {
    Id(String),
    Whole {
        id: String,
        #[serde(default)]
        payment_method: Option<MethodTold>,
    },
}

impl IntentTold {
    pub(super) fn id(self) -> String {
        match self {
            Self::Id(id) | Self::Whole { id, .. } => id,
        }
    }
}

/// A payment method: its id, or the whole of it.
#[derive(Deserialize)]
#[serde(untagged)]
pub(super) enum MethodTold {
    Whole {
        id: String,
        #[serde(default)]
        card: Option<CardTold>,
    },
    Id(IgnoredAny),
}

#[derive(Deserialize)]
pub(super) struct CardTold {
    brand: String,
    last4: String,
    exp_month: i64,
    exp_year: i64,
}

/// The card of an intent, where it was read as a whole and is one.
pub(super) fn method_of(intent: &IntentTold) -> Option<CardFacts> {
    let IntentTold::Whole { payment_method: Some(MethodTold::Whole { id, card: Some(card) }), .. } = intent else {
        return None;
    };
    CardFacts::told(id, &card.brand, &card.last4, (card.exp_month, card.exp_year))
}

#[derive(Deserialize)]
struct PaymentIntent {
    id: String,
    status: String,
    amount: i64,
    #[serde(default)]
    amount_received: Option<i64>,
    currency: String,
    #[serde(default)]
    metadata: HashMap<String, String>,
    #[serde(default)]
    last_payment_error: Option<LastError>,
    #[serde(default)]
    latest_charge: Option<LatestCharge>,
}

#[derive(Deserialize)]
struct LastError {
    #[serde(default)]
    code: Option<String>,
}

#[derive(Deserialize)]
#[serde(untagged)]
enum LatestCharge {
    Whole {
        #[serde(default)]
        disputed: bool,
    },
    Id(IgnoredAny),
}

#[derive(Deserialize)]
struct Listed<T> {
    data: Vec<T>,
}

impl From<PaymentIntent> for Charge {
    fn from(told: PaymentIntent) -> Self {
        let state = match told.status.as_str() {
            "succeeded" => ChargeState::Paid,
            "processing" => ChargeState::Pending,
            // Nobody is there to do it.
            "requires_action" => ChargeState::Failed("authentication_required".to_owned()),
            _ => {
                let code = told.last_payment_error.and_then(|error| error.code);
                ChargeState::Failed(code.unwrap_or_else(|| "card_declined".to_owned()))
            }
        };
        Self {
            payment: Payment {
                reference: told.metadata.get("order_id").cloned().unwrap_or_default(),
                paid: state == ChargeState::Paid,
                amount: from_stripe(told.amount_received.unwrap_or(told.amount), &told.currency),
            },
            id: told.id,
            state,
        }
    }
}

/// What opens a page on which a card is given: always the same for the same visit.
fn card_page(wanted: &CardWanted) -> String {
    let mut form = form_urlencoded::Serializer::new(String::new());
    form.append_pair("mode", "setup")
        .append_pair("payment_method_types[0]", "card")
        .append_pair("customer_creation", "always")
        .append_pair("client_reference_id", &wanted.setup.to_string())
        .append_pair("success_url", &wanted.success)
        .append_pair("cancel_url", &wanted.cancel);
    if let Some(mail) = &wanted.mail {
        form.append_pair("customer_email", mail);
    }
    form.finish()
}

impl Stripe {
    pub(super) async fn open_card_page(&self, wanted: &CardWanted) -> Result<Session, PaymentError> {
        let setup = wanted.setup.to_string();
        let told: CheckoutSession =
            self.send(Method::POST, &["checkout", "sessions"], (Some(&setup), card_page(wanted))).await?;
        Ok(told.into())
    }

    /// Confirmed at once, with nobody there: what needs somebody fails.
    pub(super) async fn charge_card(&self, wanted: &ChargeWanted) -> Result<Charge, PaymentError> {
        let form = form_urlencoded::Serializer::new(String::new())
            .append_pair("amount", &to_stripe(wanted.amount).to_string())
            .append_pair("currency", &wanted.amount.currency.as_str().to_ascii_lowercase())
            .append_pair("customer", &wanted.customer)
            .append_pair("payment_method", &wanted.method)
            .append_pair("payment_method_types[0]", "card")
            .append_pair("confirm", "true")
            .append_pair("off_session", "true")
            .append_pair("metadata[order]", &wanted.number)
            .append_pair("metadata[order_id]", &wanted.order.to_string())
            .append_pair("metadata[key]", &wanted.key)
            .finish();
        let told: PaymentIntent =
            self.send(Method::POST, &["payment_intents"], (Some(&wanted.key), form)).await.map_err(|error| {
                // Two wishes under one key would be a mistake of ours, and no answer of the bank's.
                if error == PaymentError::Refused("idempotency_error".to_owned()) {
                    tracing::error!(key = %wanted.key, "Stripe knows this key with another wish");
                    return PaymentError::Unavailable;
                }
                error
            })?;
        if told.status == "requires_action" {
            // Best effort: nobody else has what it takes to go on with it.
            let key = format!("{}-cancel", wanted.key);
            let path = ["payment_intents", told.id.as_str(), "cancel"];
            let cancelled = self.send::<IgnoredAny>(Method::POST, &path, (Some(&key), String::new())).await;
            if let Err(error) = cancelled {
                tracing::info!(%error, "a charge that waits for somebody stays open at Stripe");
            }
        }
        Ok(told.into())
    }

    /// Among all charges of the person: keys are forgotten after a day, and a node may be away for longer.
    pub(super) async fn look_for_charge(&self, wanted: &ChargeWanted) -> Result<Option<Charge>, PaymentError> {
        let query = form_urlencoded::Serializer::new(String::new())
            .append_pair("customer", &wanted.customer)
            .append_pair("limit", "100")
            .finish();
        let told: Listed<PaymentIntent> = self.send(Method::GET, &["payment_intents"], (None, query)).await?;
        let own = told.data.into_iter().find(|intent| intent.metadata.get("key") == Some(&wanted.key));
        Ok(own.map(Charge::from))
    }

    pub(super) async fn detach_card(&self, method: &str) -> Result<(), PaymentError> {
        let key = format!("detach-{method}");
        let path = ["payment_methods", method, "detach"];
        self.send::<IgnoredAny>(Method::POST, &path, (Some(&key), String::new())).await.map(drop)
    }

    pub(super) async fn read_money(&self, payment: &str) -> Result<MoneyBack, PaymentError> {
        let query = form_urlencoded::Serializer::new(String::new())
            .append_pair("payment_intent", payment)
            .append_pair("limit", "100")
            .finish();
        let refunds: Listed<Refund> = self.send(Method::GET, &["refunds"], (None, query)).await?;
        let whole = "expand[]=latest_charge".to_owned();
        let intent: PaymentIntent = self.send(Method::GET, &["payment_intents", payment], (None, whole)).await?;
        Ok(MoneyBack {
            refunds: refunds.data.into_iter().map(ProviderRefund::from).collect(),
            disputed: matches!(intent.latest_charge, Some(LatestCharge::Whole { disputed: true })),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn intents_become_facts() {
        let read = |text: &str| Charge::from(serde_json::from_str::<PaymentIntent>(text).unwrap());
        let paid = read(
            r#"{"id":"pi_1","status":"succeeded","amount":2400,"amount_received":2400,"currency":"usd",
                "metadata":{"order_id":"o"},"latest_charge":"ch_1"}"#,
        );
        assert!(paid.payment.paid && paid.payment.reference == "o" && paid.state == ChargeState::Paid);
        for (status, error, expected) in [
            ("processing", "null", ChargeState::Pending),
            ("requires_action", "null", ChargeState::Failed("authentication_required".to_owned())),
            ("requires_payment_method", r#"{"code":"expired_card"}"#, ChargeState::Failed("expired_card".to_owned())),
            ("canceled", "null", ChargeState::Failed("card_declined".to_owned())),
        ] {
            let told = format!(
                r#"{{"id":"pi_1","status":"{status}","amount":1,"currency":"usd","last_payment_error":{error}}}"#
            );
            let charge = read(&told);
            assert!(charge.state == expected && !charge.payment.paid, "{status}");
        }
        let partly = r#"{"id":"pi_1","status":"succeeded","amount":2400,"amount_received":1,"currency":"usd"}"#;
        assert_eq!(read(partly).payment.amount.unwrap().minor, 1, "what came counts, not what was wanted");
        let card = |text: &str| method_of(&serde_json::from_str::<IntentTold>(text).unwrap());
        let whole = r#"{"id":"pi_1","payment_method":{"id":"pm_1","card":{"brand":"visa","last4":"4242","exp_month":4,
            "exp_year":2030}}}"#;
        assert_eq!(card(whole).unwrap().to_string(), "Visa ending in 4242");
        for none in
            [r#""pi_1""#, r#"{"id":"pi_1","payment_method":"pm_1"}"#, r#"{"id":"p","payment_method":{"id":"s"}}"#]
        {
            assert_eq!(card(none), None, "{none}");
        }
    }
}
