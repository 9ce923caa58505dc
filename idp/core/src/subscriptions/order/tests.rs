//! The state machine's laws, and what lines come to.

use super::*;
use proptest::prelude::*;

fn line(quantity: u32, minor: i64) -> OrderLine {
    OrderLine {
        product: "mobile-id".to_owned().try_into().unwrap(),
        name: "Mobile ID".to_owned(),
        gives: Gives {
            kinds: vec![crate::assurance::CredentialKind::MobileId],
            reach: crate::contact::Reach::default(),
            proofing: false,
            ships: false,
        },
        quantity,
        unit: Money::new(minor, "USD".parse().unwrap()),
        whom: LineFor::Later,
    }
}

#[test]
fn the_tax_is_rounded_once() {
    let usd = "USD".parse().unwrap();
    let sums = totals(&[line(3, 33), line(1, 1)], usd, 750).unwrap();
    assert_eq!((sums.net.minor, sums.tax.minor, sums.gross.minor), (100, 8, 108));
    assert_eq!(totals(&[line(1, 1)], "EUR".parse().unwrap(), 0), Err(MoneyError::Mixed));
    assert_eq!(totals(&[line(u32::MAX, 100_000_000)], usd, 0), Err(MoneyError::TooLarge));
}

#[test]
fn days_bind_the_purchaser_and_use_binds_finance_too() {
    let usd = "USD".parse().unwrap();
    let paid_at = Timestamp::from_unix_seconds(1_800_000_000);
    let order = |stage| Order {
        id: OrderId::from_uuid(uuid::Uuid::from_u128(1)),
        number: "SG-7K2M-9QXA".to_owned(),
        purchaser: PersonId::from_uuid(uuid::Uuid::from_u128(2)),
        organization: None,
        sponsor: None,
        stage,
        method: PaymentMethod::Card,
        lines: vec![line(1, 100)],
        totals: totals(&[line(1, 100)], usd, 0).unwrap(),
        billing: Party::default(),
        shipping: None,
        purchase_order: None,
        placed_at: paid_at,
        paid_at: Some(paid_at),
        version: 0,
    };
    let (paid, late) = (order(OrderStage::Paid), days_after(paid_at, REFUND_DAYS));
    assert_eq!((paid.check_refund(0, paid_at), paid.check_refund(0, late)), (Ok(()), Err(NoRefund::Late)));
    assert_eq!((paid.check_goodwill(0), paid.check_goodwill(1)), (Ok(()), Err(NoRefund::Used)));
    for stage in OrderStage::ALL.into_iter().filter(|stage| *stage != OrderStage::Paid) {
        let other = order(stage);
        assert_eq!(
            (other.check_refund(0, late), other.check_goodwill(0)),
            (Err(NoRefund::Stage), Err(NoRefund::Stage))
        );
    }
}

#[test]
fn a_line_is_kept_with_whom_it_is_for() {
    let mut one = line(1, 100);
    one.whom = LineFor::Renewal(CredentialId::from_uuid(uuid::Uuid::from_u128(7)));
    for kept in [one, line(2, 100)] {
        let text = serde_json::to_string(&kept).unwrap();
        assert_eq!(serde_json::from_str::<OrderLine>(&text).unwrap(), kept, "{text}");
    }
}

#[test]
fn what_has_one_name_and_one_price_is_one_line_on_paper() {
    let mut other = line(1, 24);
    other.name = "Renewal: Mobile ID".to_owned();
    let renewals = vec![other.clone(); MAX_RENEWALS];
    let all: Vec<OrderLine> = [line(2, 30), line(1, 31)].into_iter().chain(renewals).chain([line(3, 30)]).collect();
    let sums = summed(&all);
    let quantities: Vec<u32> = sums.iter().map(|line| line.quantity).collect();
    assert_eq!(quantities, [5, 1, 1000]);
    let usd = "USD".parse().unwrap();
    assert_eq!(totals(&sums, usd, 1900), totals(&all, usd, 1900));
}

proptest! {
    /// However messages repeat and overtake one another: what was paid stays paid until it is given back, what went
    /// back stays back, and keys exist exactly while an order is paid.
    #[test]
    fn no_order_of_messages_gives_something_for_nothing(events in prop::collection::vec(0_usize..5, 0..40)) {
        use OrderEvent::{Cancelled, Paid, RefundAsked, RefundDone, RefundRefused};
        let all = [Paid, Cancelled, RefundAsked, RefundDone, RefundRefused];
        let (mut stage, mut keys, mut returned) = (OrderStage::AwaitingPayment, 0_i32, 0_i32);
        for event in events.into_iter().map(|place| all[place]) {
            let Some(next) = stage.after(event) else { continue };
            match next {
                OrderStage::Paid => keys += 1,
                OrderStage::Refunding => keys -= 1,
                OrderStage::Refunded => returned += 1,
                OrderStage::Cancelled => prop_assert_eq!(keys, 0),
                OrderStage::AwaitingPayment => prop_assert!(false, "nothing leads back"),
            }
            stage = next;
            prop_assert_eq!(keys, i32::from(stage == OrderStage::Paid));
            prop_assert!(returned <= 1);
        }
        prop_assert_eq!(returned == 1, stage == OrderStage::Refunded);
    }
}
