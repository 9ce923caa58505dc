//! Stripe Checkout: a page of Stripe's for each order, read anew whenever something is said about it.
//!
//! Every wish carries a key of ours, so that a node which dies between two lines finds the same page, and the same refund,
//! again. Nothing that a browser or a webhook brings is believed by itself.

mod cards;
pub mod signature;

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use futures_util::future::BoxFuture;
use http::header::{AUTHORIZATION, CONTENT_TYPE};
use http::{HeaderMap, HeaderValue, Method, StatusCode};
use serde::Deserialize;
use stepgate_core::secret::SecretString;
use stepgate_core::subscriptions::checkout::Payment;
use stepgate_core::subscriptions::money::{Currency, Money};
use url::Url;

use self::cards::{IntentTold, method_of};
use super::fetch::{FetchRequest, Fetcher};
use super::payments::{
    CardWanted, Charge, ChargeWanted, Checkout, MoneyBack, PaymentError, Payments, ProviderRefund, RefundOrder,
    RefundState, Session, SessionState,
};

const TIMEOUT: Duration = Duration::from_secs(5);
/// The version of Stripe's API that this file is written for, whatever the account is set to.
const VERSION: &str = "2024-06-20";

/// Takes cards over Stripe.
pub struct Stripe {
    base: Url,
    authorization: HeaderValue,
    fetcher: Arc<Fetcher>,
}

impl Stripe {
    /// Checks the settings; connects nowhere.
    ///
    /// # Errors
    /// What is wrong with the settings, in words.
    pub fn new(api: &str, secret_key: &SecretString, fetcher: Arc<Fetcher>) -> Result<Self, String> {
        let base =
            Url::parse(api).map_err(|_| "shop.stripe_api: expected an address such as https://api.stripe.com")?;
        let bearer = SecretString::new(format!("Bearer {}", secret_key.expose()));
        let mut authorization =
            HeaderValue::from_str(bearer.expose()).map_err(|_| "shop.stripe_secret_key: no header takes it")?;
        authorization.set_sensitive(true);
        Ok(Self { base, authorization, fetcher })
    }

    fn url(&self, segments: &[&str]) -> Result<Url, PaymentError> {
        let mut url = self.base.clone();
        let mut path = url.path_segments_mut().map_err(|()| PaymentError::Unavailable)?;
        path.pop_if_empty().push("v1").extend(segments);
        drop(path);
        Ok(url)
    }

    async fn send<T: serde::de::DeserializeOwned>(
        &self,
        method: Method,
        segments: &[&str],
        (key, form): (Option<&str>, String),
    ) -> Result<T, PaymentError> {
        let mut headers = HeaderMap::new();
        headers.insert(AUTHORIZATION, self.authorization.clone());
        headers.insert("stripe-version", HeaderValue::from_static(VERSION));
        if method == Method::POST {
            headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/x-www-form-urlencoded"));
        }
        if let Some(key) = key.and_then(|key| HeaderValue::from_str(key).ok()) {
            headers.insert("idempotency-key", key);
        }
        let mut url = self.url(segments)?;
        // What narrows a reading stands in its address.
        let body = if method == Method::POST {
            form.into_bytes()
        } else {
            url.set_query(Some(&form).filter(|form| !form.is_empty()).map(String::as_str));
            Vec::new()
        };
        let request = FetchRequest { method, url, headers, body, timeout: TIMEOUT };
        let answer = self.fetcher.send(request).await.map_err(|error| {
            tracing::warn!(%error, "no answer from Stripe");
            PaymentError::Unavailable
        })?;
        if answer.status.is_success() {
            return serde_json::from_slice(&answer.body).map_err(|error| {
                tracing::warn!(%error, "Stripe answered what we do not understand");
                PaymentError::Unavailable
            });
        }
        Err(refusal(answer.status, &answer.body))
    }
}

#[derive(Deserialize)]
struct Refusal {
    error: RefusalBody,
}

#[derive(Deserialize)]
struct RefusalBody {
    #[serde(default)]
    code: Option<String>,
    #[serde(default, rename = "type")]
    kind: Option<String>,
}

/// A conflict of two wishes under one key, too many of them, and all that is no refusal pass by themselves.
fn refusal(status: StatusCode, body: &[u8]) -> PaymentError {
    let passes = matches!(status, StatusCode::CONFLICT | StatusCode::TOO_MANY_REQUESTS | StatusCode::REQUEST_TIMEOUT);
    // A wrong key of ours is ours to mend: nobody's order is refused for it.
    let ours = matches!(status, StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN);
    if passes || ours || !status.is_client_error() {
        tracing::warn!(status = status.as_u16(), "Stripe did not do it now");
        return PaymentError::Unavailable;
    }
    let told = serde_json::from_slice::<Refusal>(body).ok().map(|refusal| refusal.error);
    let code = told.and_then(|error| error.code.or(error.kind)).unwrap_or_else(|| status.as_u16().to_string());
    PaymentError::Refused(code)
}

/// Currencies that Stripe counts in hundredths although they have no minor units.
const COUNTED_IN_HUNDREDTHS: [&str; 2] = ["ISK", "UGX"];

fn to_stripe(money: Money) -> i64 {
    if COUNTED_IN_HUNDREDTHS.contains(&money.currency.as_str()) { money.minor.saturating_mul(100) } else { money.minor }
}

/// The inverse; `None` for what is no amount of ours.
fn from_stripe(minor: i64, currency: &str) -> Option<Money> {
    let currency: Currency = currency.to_ascii_uppercase().parse().ok()?;
    if !COUNTED_IN_HUNDREDTHS.contains(&currency.as_str()) {
        return Some(Money::new(minor, currency));
    }
    (minor % 100 == 0).then(|| Money::new(minor / 100, currency))
}

/// What opens a page: always the same for the same order.
fn form(wanted: &Checkout) -> String {
    let mut form = form_urlencoded::Serializer::new(String::new());
    form.append_pair("mode", "payment")
        .append_pair("client_reference_id", &wanted.order.to_string())
        .append_pair("success_url", &wanted.success)
        .append_pair("cancel_url", &wanted.cancel)
        .append_pair("metadata[order]", &wanted.number)
        .append_pair("payment_intent_data[metadata][order]", &wanted.number)
        .append_pair("payment_intent_data[description]", &wanted.number);
    if let Some(mail) = &wanted.mail {
        form.append_pair("customer_email", mail);
    }
    if wanted.keep {
        form.append_pair("customer_creation", "always")
            .append_pair("payment_intent_data[setup_future_usage]", "off_session");
    }
    for (place, line) in wanted.lines.iter().enumerate() {
        let key = |name: &str| format!("line_items[{place}]{name}");
        form.append_pair(&key("[quantity]"), &line.quantity.to_string())
            .append_pair(&key("[price_data][currency]"), &line.unit.currency.as_str().to_ascii_lowercase())
            .append_pair(&key("[price_data][unit_amount]"), &to_stripe(line.unit).to_string())
            .append_pair(&key("[price_data][product_data][name]"), &line.name);
    }
    form.finish()
}

#[derive(Deserialize)]
struct CheckoutSession {
    id: String,
    #[serde(default)]
    url: Option<String>,
    #[serde(default)]
    status: Option<String>,
    payment_status: String,
    #[serde(default)]
    client_reference_id: Option<String>,
    #[serde(default)]
    amount_total: Option<i64>,
    #[serde(default)]
    currency: Option<String>,
    #[serde(default)]
    payment_intent: Option<IntentTold>,
    #[serde(default)]
    setup_intent: Option<IntentTold>,
    #[serde(default)]
    customer: Option<Expandable>,
}

/// An id, or the whole thing of that id.
#[derive(Deserialize)]
#[serde(untagged)]
enum Expandable {
    Id(String),
    Whole { id: String },
}

impl Expandable {
    fn id(self) -> String {
        match self {
            Self::Id(id) | Self::Whole { id } => id,
        }
    }
}

/// What is read of a page besides the page itself: the card.
const WITH_CARD: &str = "expand[]=payment_intent.payment_method&expand[]=setup_intent.payment_method";

impl From<CheckoutSession> for Session {
    fn from(told: CheckoutSession) -> Self {
        let amount = told.amount_total.zip(told.currency.as_deref());
        let given = told.setup_intent.as_ref().and_then(method_of);
        Self {
            id: told.id,
            url: told.url,
            state: match told.status.as_deref() {
                Some("expired") => SessionState::Expired,
                Some("complete") => SessionState::Complete,
                _ => SessionState::Open,
            },
            payment: Payment {
                reference: told.client_reference_id.unwrap_or_default(),
                paid: matches!(told.payment_status.as_str(), "paid"),
                amount: amount.and_then(|(minor, currency)| from_stripe(minor, currency)),
            },
            card: told.payment_intent.as_ref().and_then(method_of).or(given),
            payment_id: told.payment_intent.map(IntentTold::id),
            customer: told.customer.map(Expandable::id),
        }
    }
}

#[derive(Deserialize)]
struct Refund {
    id: String,
    #[serde(default)]
    status: Option<String>,
    #[serde(default)]
    amount: Option<i64>,
    #[serde(default)]
    currency: Option<String>,
    #[serde(default)]
    metadata: HashMap<String, String>,
}

impl From<Refund> for ProviderRefund {
    fn from(told: Refund) -> Self {
        let state = match told.status.as_deref() {
            Some("succeeded") => RefundState::Done,
            Some("failed" | "canceled") => RefundState::Refused,
            _ => RefundState::Pending,
        };
        let amount = told.amount.zip(told.currency.as_deref());
        Self {
            id: told.id,
            state,
            amount: amount.and_then(|(minor, currency)| from_stripe(minor, currency)),
            key: told.metadata.get("key").cloned(),
        }
    }
}

impl Payments for Stripe {
    fn name(&self) -> &'static str {
        "stripe"
    }

    fn begin<'a>(&'a self, wanted: &'a Checkout) -> BoxFuture<'a, Result<Session, PaymentError>> {
        Box::pin(async move {
            let key = wanted.order.to_string();
            let told: CheckoutSession =
                self.send(Method::POST, &["checkout", "sessions"], (Some(&key), form(wanted))).await?;
            Ok(told.into())
        })
    }

    fn find<'a>(&'a self, id: &'a str) -> BoxFuture<'a, Result<Session, PaymentError>> {
        Box::pin(async move {
            let path = ["checkout", "sessions", id];
            let told: CheckoutSession = self.send(Method::GET, &path, (None, WITH_CARD.to_owned())).await?;
            Ok(told.into())
        })
    }

    fn expire<'a>(&'a self, id: &'a str) -> BoxFuture<'a, Result<(), PaymentError>> {
        Box::pin(async move {
            let path = ["checkout", "sessions", id, "expire"];
            self.send::<CheckoutSession>(Method::POST, &path, (None, String::new())).await.map(drop)
        })
    }

    fn refund<'a>(&'a self, wanted: &'a RefundOrder) -> BoxFuture<'a, Result<ProviderRefund, PaymentError>> {
        Box::pin(async move {
            let form = form_urlencoded::Serializer::new(String::new())
                .append_pair("payment_intent", &wanted.payment)
                .append_pair("amount", &to_stripe(wanted.amount).to_string())
                .append_pair("metadata[order]", &wanted.number)
                .append_pair("metadata[key]", &wanted.key)
                .finish();
            let told: Refund = self.send(Method::POST, &["refunds"], (Some(&wanted.key), form)).await?;
            Ok(told.into())
        })
    }

    fn find_refund<'a>(&'a self, id: &'a str) -> BoxFuture<'a, Result<ProviderRefund, PaymentError>> {
        Box::pin(async move {
            let told: Refund = self.send(Method::GET, &["refunds", id], (None, String::new())).await?;
            Ok(told.into())
        })
    }

    fn find_money<'a>(&'a self, payment: &'a str) -> BoxFuture<'a, Result<MoneyBack, PaymentError>> {
        Box::pin(self.read_money(payment))
    }

    fn begin_card<'a>(&'a self, wanted: &'a CardWanted) -> BoxFuture<'a, Result<Session, PaymentError>> {
        Box::pin(self.open_card_page(wanted))
    }

    fn charge<'a>(&'a self, wanted: &'a ChargeWanted) -> BoxFuture<'a, Result<Charge, PaymentError>> {
        Box::pin(self.charge_card(wanted))
    }

    fn find_charge<'a>(&'a self, wanted: &'a ChargeWanted) -> BoxFuture<'a, Result<Option<Charge>, PaymentError>> {
        Box::pin(self.look_for_charge(wanted))
    }

    fn detach<'a>(&'a self, method: &'a str) -> BoxFuture<'a, Result<(), PaymentError>> {
        Box::pin(self.detach_card(method))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn answers_become_facts() {
        let read = |text: &str| Session::from(serde_json::from_str::<CheckoutSession>(text).unwrap());
        let paid = read(
            r#"{"id":"cs_1","status":"complete","payment_status":"paid","client_reference_id":"o","amount_total":2400,
                "currency":"usd","payment_intent":{"id":"pi_1"}}"#,
        );
        assert!(paid.payment.paid && paid.state == SessionState::Complete);
        assert_eq!(paid.payment_id.as_deref(), Some("pi_1"));
        assert_eq!(paid.payment.amount, Some(Money::new(2400, "USD".parse().unwrap())));
        // Nobody had to pay, or nobody has: neither is money.
        for status in ["unpaid", "no_payment_required", "?"] {
            let text = format!(r#"{{"id":"cs_1","payment_status":"{status}","payment_intent":null}}"#);
            assert!(!read(&text).payment.paid, "{status}");
        }
        assert_eq!(refusal(StatusCode::CONFLICT, b""), PaymentError::Unavailable);
        assert_eq!(refusal(StatusCode::UNAUTHORIZED, b""), PaymentError::Unavailable);
        let told = br#"{"error":{"type":"invalid_request_error","code":"charge_already_refunded"}}"#;
        assert_eq!(refusal(StatusCode::BAD_REQUEST, told), PaymentError::Refused("charge_already_refunded".to_owned()));
    }

    #[test]
    fn amounts_are_counted_as_stripe_counts_them() {
        for (minor, currency, there) in [(2400, "USD", 2400), (2400, "JPY", 2400), (2400, "ISK", 240_000)] {
            let money = Money::new(minor, currency.parse().unwrap());
            assert_eq!(to_stripe(money), there, "{currency}");
            assert_eq!(from_stripe(there, &currency.to_lowercase()), Some(money));
        }
        assert_eq!(from_stripe(150, "isk"), None);
        assert_eq!(from_stripe(150, "dollar"), None);
    }
}
