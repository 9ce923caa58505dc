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

    /// The credentials that lines of it renew.
    pub fn renewals(&self) -> impl Iterator<Item = CredentialId> + '_ {
        self.lines.iter().filter_map(|line| match line.whom {
            LineFor::Renewal(id) => Some(id),
            LineFor::Person(_) | LineFor::Later => None,
        })
    }

    /// Whether lines of it renew, and whether lines of it give keys to hand on or activate.
    pub fn gives(&self) -> (bool, bool) {
        let renewals = self.renewals().count();
        (renewals > 0, renewals < self.lines.len())
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
mod tests;
