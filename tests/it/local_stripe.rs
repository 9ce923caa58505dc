//! Payments against `localstripe`, a Stripe that others wrote: customers, payment methods, payment intents that are confirmed
//! without the person, refunds. It has no Checkout and knows no idempotency keys (ADR 29): for those there is a fake of ours.

use std::sync::Arc;

use stepgate::outbound::fetch::{Fetcher, OutboundSettings};
use stepgate::outbound::payments::{ChargeState, ChargeWanted, PaymentError, Payments, RefundOrder, RefundState};
use stepgate::outbound::stripe::Stripe;
use stepgate_core::id::OrderId;
use stepgate_core::secret::SecretString;
use stepgate_core::subscriptions::money::Money;
use stepgate_tests::{Backend, LocalStripe, World};

use super::license_keys::at;
use super::renewal::{credential, ends, is_a_year};

const DAY: u64 = 24 * 3600;
const BOB: &str = "bob@iron-builders.example";
/// Cards as Stripe's own documentation names them.
const PAYS: &str = "4242424242424242";
const DECLINED: &str = "4000000000000341";
const CONFIRMED: &str = "4000002500003155";

fn adapter(port: u16) -> Stripe {
    let allow = vec![format!("127.0.0.1:{port}").parse().unwrap()];
    let fetcher = Fetcher::new(&OutboundSettings { allow, ca_file: None }).unwrap();
    let key = SecretString::new("sk_test_1".to_owned());
    Stripe::new(&format!("http://127.0.0.1:{port}"), &key, Arc::new(fetcher)).unwrap()
}

fn wanted(number: u128, (customer, method): (String, String)) -> ChargeWanted {
    let order = OrderId::from_uuid(uuid::Uuid::from_u128(number));
    ChargeWanted {
        order,
        number: format!("SG-{number}"),
        customer,
        method,
        amount: Money::new(4800, "USD".parse().unwrap()),
        key: format!("charge-{order}-1"),
    }
}

#[tokio::test]
async fn charges_and_refunds_are_what_another_stripe_takes_and_tells() {
    let Some(mut local) = LocalStripe::start() else { return };
    let stripe = adapter(local.port);
    let paid = wanted(1, local.card(PAYS));
    let charge = stripe.charge(&paid).await.unwrap();
    assert_eq!(charge.state, ChargeState::Paid);
    assert_eq!(charge.payment.reference, paid.order.to_string());
    assert_eq!((charge.payment.paid, charge.payment.amount), (true, Some(paid.amount)));
    let declined = stripe.charge(&wanted(2, local.card(DECLINED))).await.unwrap_err();
    assert_eq!(declined, PaymentError::Refused("card_declined".to_owned()));
    let waits = stripe.charge(&wanted(3, local.card(CONFIRMED))).await.unwrap();
    assert_eq!(waits.state, ChargeState::Failed("authentication_required".to_owned()));
    assert!(!waits.payment.paid);
    let (customer, _) = local.card(PAYS);
    let gone = stripe.charge(&wanted(4, (customer, "pm_of_nobody".to_owned()))).await.unwrap_err();
    assert!(matches!(gone, PaymentError::Refused(_)), "{gone:?}");

    let before = stripe.find_money(&charge.id).await.unwrap();
    assert!(before.refunds.is_empty() && !before.disputed);
    let part = RefundOrder {
        payment: charge.id.clone(),
        amount: Money::new(1800, "USD".parse().unwrap()),
        key: "refund-1".to_owned(),
        number: paid.number.clone(),
    };
    let refund = stripe.refund(&part).await.unwrap();
    assert_eq!((refund.state, refund.amount), (RefundState::Done, Some(part.amount)));
    assert_eq!(stripe.find_refund(&refund.id).await.unwrap().state, RefundState::Done);
    let after = stripe.find_money(&charge.id).await.unwrap();
    assert_eq!(after.refunds.len(), 1);
    assert_eq!(after.refunds[0].key.as_deref(), Some("refund-1"), "by which our own is known");
    let none = stripe.refund(&RefundOrder { payment: "pi_of_nobody".to_owned(), ..part }).await.unwrap_err();
    assert!(matches!(none, PaymentError::Refused(_)), "{none:?}");
    stripe.detach(&paid.method).await.unwrap();
    assert!(matches!(stripe.detach("pm_of_nobody").await, Err(PaymentError::Refused(_))));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_renewal_is_charged_and_declined_at_another_stripe() {
    for (number, pays) in [(DECLINED, false), (PAYS, true)] {
        let Some(mut local) = LocalStripe::start() else { return };
        let leaked = |text: String| -> &'static str { text.leak() };
        let settings = [
            ("STEPGATE__OUTBOUND__ALLOW", leaked(format!("['127.0.0.1:{}']", local.port))),
            ("STEPGATE__SHOP__STRIPE_API", leaked(format!("http://127.0.0.1:{}", local.port))),
            ("STEPGATE__SHOP__STRIPE_SECRET_KEY", "sk_test_1"),
        ];
        let world = World::start_with(Backend::Sqlite, &settings).await;
        world.tamper("DELETE FROM sponsor_accounts").await;
        let (customer, method) = local.card(number);
        let last4 = &number[12..];
        let card = format!(
            "INSERT INTO cards_on_file (person_id, provider, customer, method, brand, last4, month, year, kept_at)
             SELECT id, 'stripe', '{customer}', '{method}', 'Visa', '{last4}', 12, 2030, 0 FROM persons WHERE username = 'bob'"
        );
        world.tamper(&card).await;
        let id = credential(&world, "bob", "Phone OTP").await;
        let mut bob = at(&world, "bob", &format!("/account/otp/{id}")).await;
        bob.submit(&[("on", "1")]).await;
        let before = ends(&world, "bob", "phone_otp").await;
        world.advance(246 * DAY).await;
        world.mail(BOB, "will be renewed on").await;
        world.advance(30 * DAY).await;
        if pays {
            world.until("it is renewed", async || ends(&world, "bob", "phone_otp").await > before).await;
            assert!(is_a_year(before, ends(&world, "bob", "phone_otp").await));
            world.mail(BOB, "was renewed for another year: 48.00 USD").await;
        } else {
            world.mail(BOB, "could not be renewed").await;
            assert_eq!(ends(&world, "bob", "phone_otp").await, before);
        }
    }
}
