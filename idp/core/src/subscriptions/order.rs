//! Orders: what was bought, what it cost, how it is paid, and where it stands.

use serde::{Deserialize, Serialize};

use super::money::{Currency, Money, MoneyError};
use super::product::{Gives, ProductId};
use super::term::days_after;
use crate::account::Address;
use crate::id::{CredentialId, OrderId, OrganizationId, PartnerId, PersonId};
use crate::time::Timestamp;

/// Where an order stands.
///
/// ```text
/// awaiting_payment ──→ paid ──→ refunding ──→ refunded
///        │              ↑ ↑         │
///        ↓              │ └─────────┘ the provider refused
///    cancelled ─────────┘ money that came all the same
/// ```
///
/// Keys are made in the transaction that makes an order *paid*, and made void in the one that makes it *refunding*: there
/// is no moment at which an order is paid and has no keys, or is given back and has some.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum OrderStage {
    /// Nothing was paid yet; an invoice may be out, or a page of the card provider open.
    AwaitingPayment,
    /// Paid: its keys exist.
    Paid,
    /// Its keys are void; the money is on its way back.
    Refunding,
    /// The money went back.
    Refunded,
    /// Nobody paid in time, or its purchaser thought better of it.
    Cancelled,
}

/// What can happen to an order.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum OrderEvent {
    /// The money came, or somebody's word stands for it.
    Paid,
    /// The purchaser, or time, gave it up.
    Cancelled,
    /// It is given back.
    RefundAsked,
    /// The money went back.
    RefundDone,
    /// It did not.
    RefundRefused,
}

impl OrderStage {
    /// Every stage.
    pub const ALL: [Self; 5] = [Self::AwaitingPayment, Self::Paid, Self::Refunding, Self::Refunded, Self::Cancelled];

    /// The name as the store keeps it.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::AwaitingPayment => "awaiting_payment",
            Self::Paid => "paid",
            Self::Refunding => "refunding",
            Self::Refunded => "refunded",
            Self::Cancelled => "cancelled",
        }
    }

    /// The inverse of [`OrderStage::as_str`].
    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|stage| stage.as_str() == text)
    }

    /// The stage after an event; `None` where the event changes nothing: a webhook that comes twice, or too late.
    pub const fn after(self, event: OrderEvent) -> Option<Self> {
        match (self, event) {
            // Money that came is never lost: an order that was given up comes back to life.
            (Self::AwaitingPayment | Self::Cancelled, OrderEvent::Paid)
            | (Self::Refunding, OrderEvent::RefundRefused) => Some(Self::Paid),
            (Self::AwaitingPayment, OrderEvent::Cancelled) => Some(Self::Cancelled),
            (Self::Paid, OrderEvent::RefundAsked) => Some(Self::Refunding),
            (Self::Refunding, OrderEvent::RefundDone) => Some(Self::Refunded),
            _ => None,
        }
    }
}

/// How an order is paid.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum PaymentMethod {
    /// By card, on the provider's own page.
    Card,
    /// By invoice: keys come when the money came.
    Invoice,
    /// By a voucher that was paid before.
    Voucher,
    /// By a partner or an organization, on its account.
    Sponsored,
}

impl PaymentMethod {
    /// Every method.
    pub const ALL: [Self; 4] = [Self::Card, Self::Invoice, Self::Voucher, Self::Sponsored];

    /// The name as the store keeps it.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Card => "card",
            Self::Invoice => "invoice",
            Self::Voucher => "voucher",
            Self::Sponsored => "sponsored",
        }
    }

    /// The inverse of [`PaymentMethod::as_str`].
    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|method| method.as_str() == text)
    }
}

/// Whose account a sponsored order, an invitation or a voucher is charged to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(tag = "kind", content = "id", rename_all = "snake_case")]
pub enum Sponsor {
    /// A partner's.
    Partner(PartnerId),
    /// An organization's.
    Organization(OrganizationId),
}

impl Sponsor {
    /// The kind's name and the id, as the store keeps them.
    pub const fn parts(self) -> (&'static str, uuid::Uuid) {
        match self {
            Self::Partner(id) => ("partner", id.uuid()),
            Self::Organization(id) => ("organization", id.uuid()),
        }
    }

    /// The inverse of [`Sponsor::parts`].
    pub fn from_parts(kind: &str, id: uuid::Uuid) -> Option<Self> {
        match kind {
            "partner" => Some(Self::Partner(PartnerId::from_uuid(id))),
            "organization" => Some(Self::Organization(OrganizationId::from_uuid(id))),
            _ => None,
        }
    }
}

/// For whom a line of an order is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "for", content = "id", rename_all = "snake_case")]
pub enum LineFor {
    /// For nobody yet: its keys are handed out later.
    #[default]
    Later,
    /// For this person: the key is theirs.
    Person(PersonId),
    /// Another year for this credential.
    Renewal(CredentialId),
}

/// A line of a cart, before anything is priced.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CartLine {
    /// What.
    pub product: ProductId,
    /// How many keys; 1 for a person or a renewal.
    pub quantity: u32,
    /// For whom.
    #[serde(flatten)]
    pub whom: LineFor,
}

/// A line of an order, as it was sold: later changes of the catalogue do not touch it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct OrderLine {
    /// What.
    pub product: ProductId,
    /// Its name at the time.
    pub name: String,
    /// What one key of it becomes.
    pub gives: Gives,
    /// How many keys.
    pub quantity: u32,
    /// The price of one, without tax.
    pub unit: Money,
    /// For whom.
    #[serde(flatten)]
    pub whom: LineFor,
}

/// Most lines of one order.
pub const MAX_LINES: usize = 50;
/// Most lines of one order that renews for many people at once.
pub const MAX_RENEWALS: usize = 1000;
/// Most keys of one line.
pub const MAX_QUANTITY: u32 = 500;

/// What an order comes to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Totals {
    /// Without tax.
    pub net: Money,
    /// The tax.
    pub tax: Money,
    /// With tax.
    pub gross: Money,
}

/// Adds up. The tax is worked out on the sum, so that it is rounded once.
///
/// # Errors
/// Two currencies, or too much.
pub fn totals(lines: &[OrderLine], currency: Currency, tax_basis_points: u32) -> Result<Totals, MoneyError> {
    let net = lines.iter().try_fold(Money::zero(currency), |sum, line| sum.plus(line.unit.times(line.quantity)?))?;
    let tax = net.tax(tax_basis_points)?;
    Ok(Totals { net, tax, gross: net.plus(tax)? })
}

/// The lines as an invoice, a mail or a provider of payments shows them: what has one name and one price is one line,
/// whoever it is for.
pub fn summed(lines: &[OrderLine]) -> Vec<OrderLine> {
    let mut sums: Vec<OrderLine> = Vec::new();
    for line in lines {
        let same = |sum: &&mut OrderLine| sum.name == line.name && sum.unit == line.unit;
        match sums.iter_mut().find(same) {
            Some(sum) => sum.quantity = sum.quantity.saturating_add(line.quantity),
            None => sums.push(line.clone()),
        }
    }
    sums
}

/// Where a thing or an invoice goes.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Party {
    /// The person's or company's name.
    pub name: String,
    /// The company, where `name` is a person in it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub company: Option<String>,
    /// The address.
    pub address: Address,
}

/// An order.
#[derive(Clone, Debug)]
pub struct Order {
    /// Its id.
    pub id: OrderId,
    /// The number that people read out: `SG-7K2M-9QXA`.
    pub number: String,
    /// Who ordered.
    pub purchaser: PersonId,
    /// The purchaser's organization, for its reports.
    pub organization: Option<OrganizationId>,
    /// Whose account pays, for sponsored orders and vouchers.
    pub sponsor: Option<Sponsor>,
    /// Where it stands.
    pub stage: OrderStage,
    /// How it is paid.
    pub method: PaymentMethod,
    /// What.
    pub lines: Vec<OrderLine>,
    /// What it comes to.
    pub totals: Totals,
    /// Who gets the invoice.
    pub billing: Party,
    /// Where tokens go; `None` when nothing is sent.
    pub shipping: Option<Party>,
    /// The purchaser's own number for it.
    pub purchase_order: Option<String>,
    /// When it was placed.
    pub placed_at: Timestamp,
    /// When it was paid.
    pub paid_at: Option<Timestamp>,
    /// Counts its changes.
    pub version: i64,
}

/// Days after the payment within which an order can be given back, if nothing of it was activated.
pub const REFUND_DAYS: u16 = 15;
/// Days after a token was sent within which a broken one is replaced.
pub const WARRANTY_DAYS: u16 = 45;

/// Why an order cannot be given back.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NoRefund {
    /// Not paid, or given back before.
    #[error("only an order that is paid can be given back")]
    Stage,
    /// Too late.
    #[error("an order can be given back within 15 days after it was paid")]
    Late,
    /// Something of it is in use.
    #[error("a key of it was activated, or a subscription renewed; what is in use is not taken back")]
    Used,
    /// It replaces a broken token.
    #[error("it replaces a broken token and cost nothing: give back the order that was paid, and it goes with it")]
    Replacement,
    /// It pays for invitations.
    #[error("it pays for invitations: withdraw those that were not taken up, and the account has its money back")]
    Invitations,
}

impl Order {
    /// Whether it can be given back at `now`, when `used` of its keys were redeemed.
    ///
    /// # Errors
    /// Why not.
    pub fn check_refund(&self, used: usize, now: Timestamp) -> Result<(), NoRefund> {
        match (self.stage, self.paid_at) {
            (OrderStage::Paid, Some(paid_at)) if used > 0 => {
                Err(if now >= days_after(paid_at, REFUND_DAYS) { NoRefund::Late } else { NoRefund::Used })
            }
            (OrderStage::Paid, Some(paid_at)) if now >= days_after(paid_at, REFUND_DAYS) => Err(NoRefund::Late),
            (OrderStage::Paid, Some(_)) => Ok(()),
            _ => Err(NoRefund::Stage),
        }
    }

    /// Whether finance can give it back, for whatever reason, when `used` of its keys were redeemed: a gift of ours is bound
    /// to no days. What is in use is not taken back by them either.
    ///
    /// # Errors
    /// Why not.
    pub fn check_goodwill(&self, used: usize) -> Result<(), NoRefund> {
        match self.stage {
            OrderStage::Paid if used > 0 => Err(NoRefund::Used),
            OrderStage::Paid => Ok(()),
            _ => Err(NoRefund::Stage),
        }
    }

    /// How many keys it has once it is paid.
    pub fn keys(&self) -> u32 {
        self.lines.iter().fold(0, |sum, line| sum.saturating_add(line.quantity))
    }
}

#[cfg(test)]
mod tests {
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
}
