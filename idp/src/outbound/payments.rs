//! Providers that take money by card: Stripe, and the demo's own page. What they say is read anew each time; nothing that
//! a browser or a message brings is believed by itself.

use futures_util::future::BoxFuture;
use stepgate_core::id::{CardSetupId, OrderId};
use stepgate_core::subscriptions::card::CardFacts;
use stepgate_core::subscriptions::checkout::Payment;
use stepgate_core::subscriptions::money::Money;

/// One line on the provider's page.
#[derive(Clone, Debug)]
pub struct CheckoutLine {
    /// Its words.
    pub name: String,
    /// How many.
    pub quantity: u32,
    /// What one costs.
    pub unit: Money,
}

/// What is to be paid. The same order always asks for the same, so that the provider recognises it.
#[derive(Clone, Debug)]
pub struct Checkout {
    /// The order: the provider's reference, and the key by which it makes one page only.
    pub order: OrderId,
    /// Its number, for people.
    pub number: String,
    /// What is sold; the tax is a line of its own.
    pub lines: Vec<CheckoutLine>,
    /// What it comes to.
    pub total: Money,
    /// The purchaser's address.
    pub mail: Option<String>,
    /// Where the browser goes after the payment.
    pub success: String,
    /// Where it goes without one.
    pub cancel: String,
    /// Whether the card is to be kept, for charges without the person.
    pub keep: bool,
}

/// A card that is to be given without buying.
#[derive(Clone, Debug)]
pub struct CardWanted {
    /// The visit: the provider's reference, and the key by which it makes one page only.
    pub setup: CardSetupId,
    /// The person's address.
    pub mail: Option<String>,
    /// Where the browser goes once a card was given.
    pub success: String,
    /// Where it goes without one.
    pub cancel: String,
}

/// Where a page of the provider stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SessionState {
    /// It can be paid on.
    Open,
    /// It was gone through.
    Complete,
    /// Its time is over.
    Expired,
}

/// A page of the provider, as the provider tells of it.
#[derive(Clone, Debug)]
pub struct Session {
    /// Its id.
    pub id: String,
    /// Its address, while it is open.
    pub url: Option<String>,
    /// Where it stands.
    pub state: SessionState,
    /// Whether and how much was paid.
    pub payment: Payment,
    /// The provider's name for the payment.
    pub payment_id: Option<String>,
    /// The provider's name for the person, where it keeps their card.
    pub customer: Option<String>,
    /// The card that paid, or was given.
    pub card: Option<CardFacts>,
}

/// A card on file that is to be charged without the person. The same key always comes with the same.
#[derive(Clone, Debug)]
pub struct ChargeWanted {
    /// The order.
    pub order: OrderId,
    /// Its number, for people.
    pub number: String,
    /// The provider's name for the person.
    pub customer: String,
    /// The provider's name for the card.
    pub method: String,
    /// How much.
    pub amount: Money,
    /// By which the provider recognises the same wish.
    pub key: String,
}

/// Where a charge stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ChargeState {
    /// The money came.
    Paid,
    /// It is under way.
    Pending,
    /// It did not come, and will not: the provider's word for why.
    Failed(String),
}

/// A charge, as the provider tells of it.
#[derive(Clone, Debug)]
pub struct Charge {
    /// Its id: the provider's name for the payment.
    pub id: String,
    /// Whether and how much was paid.
    pub payment: Payment,
    /// Where it stands.
    pub state: ChargeState,
}

/// What became of the money of a payment.
#[derive(Clone, Debug, Default)]
pub struct MoneyBack {
    /// What went back, whoever asked for it.
    pub refunds: Vec<ProviderRefund>,
    /// Whether the cardholder disputes it.
    pub disputed: bool,
}

/// Where a refund stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RefundState {
    /// The money is back.
    Done,
    /// It is on its way.
    Pending,
    /// It will not go back.
    Refused,
}

/// A refund, as the provider tells of it.
#[derive(Clone, Debug)]
pub struct ProviderRefund {
    /// Its id.
    pub id: String,
    /// Where it stands.
    pub state: RefundState,
    /// How much, where the provider says so.
    pub amount: Option<Money>,
    /// The key that it was asked for with, where it was asked for by us.
    pub key: Option<String>,
}

/// Money that is to go back.
#[derive(Clone, Debug)]
pub struct RefundOrder {
    /// The provider's name for the payment.
    pub payment: String,
    /// How much.
    pub amount: Money,
    /// By which the provider recognises the same wish.
    pub key: String,
    /// The order's number, for people.
    pub number: String,
}

/// Why a provider did not do it.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum PaymentError {
    /// No answer, or one that will be another later.
    #[error("the payment provider cannot be reached now")]
    Unavailable,
    /// It says no.
    #[error("the payment provider refused: {0}")]
    Refused(String),
}

/// A provider that takes money by card.
pub trait Payments: Send + Sync {
    /// Its name, under which its events are remembered.
    fn name(&self) -> &'static str;

    /// Opens a page to pay an order on; the same one again for the same order.
    fn begin<'a>(&'a self, wanted: &'a Checkout) -> BoxFuture<'a, Result<Session, PaymentError>>;

    /// Reads a page anew.
    fn find<'a>(&'a self, id: &'a str) -> BoxFuture<'a, Result<Session, PaymentError>>;

    /// Closes a page, so that nobody pays on it any more. Best effort: a payment that comes all the same is not lost.
    fn expire<'a>(&'a self, id: &'a str) -> BoxFuture<'a, Result<(), PaymentError>>;

    /// Gives money back, once for each key.
    fn refund<'a>(&'a self, wanted: &'a RefundOrder) -> BoxFuture<'a, Result<ProviderRefund, PaymentError>>;

    /// Reads a refund anew.
    fn find_refund<'a>(&'a self, id: &'a str) -> BoxFuture<'a, Result<ProviderRefund, PaymentError>>;

    /// What went back of a payment, and whether it is disputed, read anew.
    fn find_money<'a>(&'a self, payment: &'a str) -> BoxFuture<'a, Result<MoneyBack, PaymentError>>;

    /// Opens a page on which a card is given without buying; the same one again for the same visit.
    fn begin_card<'a>(&'a self, wanted: &'a CardWanted) -> BoxFuture<'a, Result<Session, PaymentError>>;

    /// Charges a card on file, once for each key. That the bank says no is a refusal.
    fn charge<'a>(&'a self, wanted: &'a ChargeWanted) -> BoxFuture<'a, Result<Charge, PaymentError>>;

    /// The charge that was asked for under this key, read anew; `None` where it never arrived. The provider forgets keys
    /// after a day, charges never.
    fn find_charge<'a>(&'a self, wanted: &'a ChargeWanted) -> BoxFuture<'a, Result<Option<Charge>, PaymentError>>;

    /// Takes a card away from the provider's keeping.
    fn detach<'a>(&'a self, method: &'a str) -> BoxFuture<'a, Result<(), PaymentError>>;
}
