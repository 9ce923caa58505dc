//! From a cart to an order: a snapshot, with the cart emptied and whatever pays at once charged in one transaction.

use stepgate_core::id::{InteractionId, OrderId, OrganizationId, PersonId, VoucherId};
use stepgate_core::secret::sha256;
use stepgate_core::subscriptions::checkout::order_number;
use stepgate_core::subscriptions::order::{
    Order, OrderEvent, OrderLine, OrderStage, Party, PaymentMethod, Sponsor, totals,
};
use stepgate_core::subscriptions::term::days_after;
use stepgate_core::time::Timestamp;
use stepgate_store::orders::{self, Placing};
use stepgate_store::{
    Connection, Transaction, cards as card_store, carts, charges, desk, sponsors, vouchers as voucher_store,
};

use super::buyer::Buyer;
use super::vouchers::{self, NoVoucher};
use super::{allows, cart, mails};
use crate::audit::{self, Event};
use crate::cx::Cx;
use crate::fault::Fault;

/// Days after which an order by card that nobody paid is given up.
pub(super) const CARD_DAYS: u16 = 1;

/// An order as its buyer wants it.
pub(super) struct Wish {
    /// What the form carried: one press of the button, one order.
    pub form: String,
    /// The version of the cart that the buyer saw.
    pub cart_version: i64,
    /// The sum that the buyer saw.
    pub seen: String,
    /// Who gets the invoice.
    pub billing: Party,
    /// Where tokens go.
    pub shipping: Option<Party>,
    /// The buyer's own number for it.
    pub purchase_order: Option<String>,
    /// How it is paid.
    pub method: PaymentMethod,
    /// The voucher that was typed.
    pub voucher: String,
    /// Whose account pays.
    pub sponsor: Option<Sponsor>,
    /// Whether the card that pays is kept for renewals.
    pub keep_card: bool,
}

/// Why there is no order.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub(super) enum NoOrder {
    /// The cart is another than the buyer saw.
    #[error("Your cart was changed in another window. Look at it once more, then order.")]
    CartChanged,
    /// A price is another than the buyer saw.
    #[error("A price has changed in the meantime. Look at the new sum, then order.")]
    PriceChanged,
    /// Something in it cannot be bought any more.
    #[error("Something in your cart cannot be bought any more. Take it out, then order.")]
    Gone,
    /// There is nothing in it.
    #[error("Your cart is empty.")]
    Empty,
    /// It cannot be paid so.
    #[error("Choose one of the ways to pay.")]
    Method,
    /// The voucher.
    #[error(transparent)]
    Voucher(#[from] NoVoucher),
    /// The account.
    #[error(
        "This account cannot pay for it: too little is left, or it is not yours to spend. Choose another way to pay."
    )]
    Sponsor,
}

/// What pays at once.
enum Charge {
    Nothing,
    Voucher(VoucherId),
    Sponsor(Sponsor),
}

/// The hash of what a form carried: another person's form is another.
fn request_hash(person: PersonId, form: &str) -> Vec<u8> {
    sha256(format!("{person}:{form}").as_bytes()).to_vec()
}

/// Places an order. Pressed twice, it is the same order.
///
/// # Errors
/// The store.
pub(super) async fn place(cx: &Cx, buyer: &Buyer, wish: &Wish) -> Result<Result<Order, NoOrder>, Fault> {
    let request_hash = request_hash(buyer.visitor.person.id, &wish.form);
    if let Some(before) = orders::find_order_of_request(&cx.app.db, &request_hash).await? {
        return Ok(Ok(before));
    }
    let placed = place_new(cx, buyer, wish, request_hash.clone()).await?;
    let Err(refusal) = placed else { return Ok(placed) };
    // Whatever is in the way now may be the work of the other press of the same button: it emptied the cart, or took the
    // last use of the voucher.
    Ok(orders::find_order_of_request(&cx.app.db, &request_hash).await?.ok_or(refusal))
}

async fn place_new(
    cx: &Cx,
    buyer: &Buyer,
    wish: &Wish,
    request_hash: Vec<u8>,
) -> Result<Result<Order, NoOrder>, Fault> {
    let person = buyer.visitor.person.id;
    let cart = carts::find_cart(&cx.app.db, person).await?;
    let priced = cart::priced(cx, buyer, &cart).await?;
    let lines: Vec<OrderLine> = priced.iter().flatten().cloned().collect();
    let mut order = match draft(cx, buyer, wish, lines) {
        Ok(order) => order,
        Err(refusal) => return Ok(Err(refusal)),
    };
    let refusal = if cart.version != wish.cart_version {
        Some(NoOrder::CartChanged)
    } else if priced.iter().any(Option::is_none) {
        Some(NoOrder::Gone)
    } else if order.totals.gross.to_string() != wish.seen {
        Some(NoOrder::PriceChanged)
    } else {
        None
    };
    if let Some(refusal) = refusal {
        return Ok(Err(refusal));
    }
    let charge = match charge(cx, buyer, wish, &mut order).await? {
        Ok(charge) => charge,
        Err(refusal) => return Ok(Err(refusal)),
    };
    order.organization = organization(cx, buyer, &charge, &order.lines).await?;
    for _ in 0..8 {
        let transaction = cx.app.db.begin().await?;
        let interaction = buyer.wanted.as_ref().and_then(|wanted| wanted.id);
        if let Err(fault) = insert(cx, &transaction, &order, (request_hash.clone(), interaction, &charge)).await {
            drop(transaction);
            if let Some(before) = orders::find_order_of_request(&cx.app.db, &request_hash).await? {
                return Ok(Ok(before));
            }
            let taken = orders::find_order_by_number(&cx.app.db, &order.number).await?.is_some();
            if !taken {
                return Err(fault);
            }
            order.number = order_number(cx.entropy());
            continue;
        }
        if !carts::save_cart(&transaction, person, (&[], cart.version), cx.now).await? {
            return Ok(Err(NoOrder::CartChanged));
        }
        if wish.keep_card && order.method == PaymentMethod::Card {
            card_store::set_keep_card(&transaction, order.id).await?;
        }
        if let Some(refusal) = pay_at_once(cx, &transaction, &order, &charge).await? {
            return Ok(Err(refusal));
        }
        transaction.commit().await?;
        return Ok(Ok(order));
    }
    Err(Fault::internal("no free order number was found"))
}

fn draft(cx: &Cx, buyer: &Buyer, wish: &Wish, lines: Vec<OrderLine>) -> Result<Order, NoOrder> {
    if lines.is_empty() {
        return Err(NoOrder::Empty);
    }
    let catalogue = &buyer.catalogue;
    let sums = totals(&lines, catalogue.currency, catalogue.tax_basis_points).map_err(|_| NoOrder::Gone)?;
    Ok(Order {
        id: OrderId::random(cx.entropy()),
        number: order_number(cx.entropy()),
        purchaser: buyer.visitor.person.id,
        organization: None,
        sponsor: None,
        stage: OrderStage::AwaitingPayment,
        method: wish.method,
        shipping: wish.shipping.clone().filter(|_| lines.iter().any(|line| line.gives.ships)),
        lines,
        totals: sums,
        billing: wish.billing.clone(),
        purchase_order: wish.purchase_order.clone(),
        placed_at: cx.now,
        paid_at: None,
        version: 0,
    })
}

/// The organization that an order is of: whose account pays, or for whose people its administrator buys.
async fn organization(
    cx: &Cx,
    buyer: &Buyer,
    charge: &Charge,
    lines: &[OrderLine],
) -> Result<Option<OrganizationId>, Fault> {
    match charge {
        Charge::Sponsor(Sponsor::Organization(id)) => Ok(Some(*id)),
        Charge::Sponsor(Sponsor::Partner(_)) => Ok(None),
        Charge::Nothing | Charge::Voucher(_) => buyer.buys_as(cx, lines).await,
    }
}

/// What pays at once, looked at before the transaction; whether enough is left is decided in it.
async fn charge(cx: &Cx, buyer: &Buyer, wish: &Wish, order: &mut Order) -> Result<Result<Charge, NoOrder>, Fault> {
    if !allows(cx, wish.method) {
        return Ok(Err(NoOrder::Method));
    }
    Ok(match wish.method {
        PaymentMethod::Card | PaymentMethod::Invoice => Ok(Charge::Nothing),
        PaymentMethod::Voucher => match vouchers::find(cx, order.purchaser, (&wish.voucher, &order.lines)).await? {
            Ok(voucher) => {
                order.sponsor = voucher.sponsor;
                Ok(Charge::Voucher(voucher.id))
            }
            Err(refusal) => Err(refusal.into()),
        },
        PaymentMethod::Sponsored => {
            let offered = buyer.sponsors(cx).await?;
            match wish.sponsor.filter(|wanted| offered.iter().any(|(sponsor, ..)| sponsor == wanted)) {
                Some(sponsor) => {
                    order.sponsor = Some(sponsor);
                    Ok(Charge::Sponsor(sponsor))
                }
                None => Err(NoOrder::Sponsor),
            }
        }
    })
}

/// Writes the order, with the number of its invoice where it has one: numbers of orders that come to nothing are free
/// again.
async fn insert(
    cx: &Cx,
    transaction: &Transaction,
    order: &Order,
    (request_hash, interaction, charge): (Vec<u8>, Option<InteractionId>, &Charge),
) -> Result<(), Fault> {
    let voucher = if let Charge::Voucher(id) = charge { Some(*id) } else { None };
    let days = match order.method {
        PaymentMethod::Card => Some(CARD_DAYS),
        // Whoever pays late is reminded by people, not by a clock.
        PaymentMethod::Invoice => Some(cx.app.settings.shop.invoice_days.saturating_mul(2).max(60)),
        PaymentMethod::Voucher | PaymentMethod::Sponsored => None,
    };
    let due_at: Option<Timestamp> = days.map(|days| days_after(order.placed_at, days));
    let mut placing = Placing { request_hash, interaction, voucher, due_at, invoice_number: None };
    let invoiced = order.method == PaymentMethod::Invoice && order.totals.gross.minor > 0;
    if invoiced {
        let number = orders::next_number(transaction, "invoice").await?;
        placing.invoice_number = Some(format!("INV-{number:06}"));
    }
    orders::insert_order(transaction, order, &placing).await?;
    note_placed(cx, transaction, order, &placing).await?;
    match &placing.invoice_number {
        Some(invoice) => mails::invoiced(cx, transaction, order, invoice).await,
        None => Ok(()),
    }
}

/// What the audit log hears of an order: which account or voucher pays it, too.
///
/// # Errors
/// The store.
pub async fn note_placed(
    cx: &Cx,
    transaction: &impl Connection,
    order: &Order,
    placing: &Placing,
) -> Result<(), Fault> {
    let data = serde_json::json!({
        "order": order.number, "method": order.method, "gross": order.totals.gross, "invoice": placing.invoice_number,
        "sponsor": order.sponsor, "voucher": placing.voucher, "organization": order.organization,
    });
    audit::record(cx, transaction, Event::new("order.placed").by(order.purchaser).data(data)).await
}

async fn pay_at_once(
    cx: &Cx,
    transaction: &Transaction,
    order: &Order,
    charge: &Charge,
) -> Result<Option<NoOrder>, Fault> {
    Ok(match charge {
        Charge::Nothing => None,
        Charge::Voucher(id) => {
            let taken = voucher_store::take_uses(transaction, *id, order.keys(), cx.now).await?;
            (!taken).then_some(NoOrder::Voucher(NoVoucher::Used))
        }
        Charge::Sponsor(sponsor) => {
            let charged = sponsors::charge(transaction, *sponsor, order.totals.gross).await?;
            (!charged).then_some(NoOrder::Sponsor)
        }
    })
}

/// Whether nothing is to be paid any more: what pays was charged with the order, or it costs nothing.
pub(super) const fn is_covered(order: &Order) -> bool {
    matches!(order.method, PaymentMethod::Voucher | PaymentMethod::Sponsored) || order.totals.gross.minor == 0
}

/// Gives an unpaid order up; `false` when it is none, or is paid at once.
///
/// # Errors
/// The store.
pub async fn cancel(cx: &Cx, order: &Order, by: Option<PersonId>) -> Result<bool, Fault> {
    let Some(cancelled) = order.stage.after(OrderEvent::Cancelled).filter(|_| !is_covered(order)) else {
        return Ok(false);
    };
    let extras = desk::find_extras(&cx.app.db, order.id).await?;
    let transaction = cx.app.db.begin().await?;
    // Not while its card is being charged.
    if !charges::is_free(&transaction, order.id).await?
        || !orders::move_order(&transaction, order, cancelled, (by, cx.now)).await?
    {
        return Ok(false);
    }
    let data = serde_json::json!({ "order": order.number });
    let event = Event { actor: by, ..Event::new("order.cancelled").to(order.purchaser).data(data) };
    audit::record(cx, &transaction, event).await?;
    mails::cancelled(cx, &transaction, order).await?;
    transaction.commit().await?;
    // Best effort: a payment that comes all the same brings the order back to life.
    if let (Some(checkout), Some(payments)) = (extras.checkout, &cx.app.outbound.payments)
        && let Err(error) = payments.expire(&checkout).await
    {
        tracing::info!(%error, order = %order.number, "the page of a cancelled order stays open");
    }
    Ok(true)
}

/// Writes an order that costs nothing, and that nobody ordered at a checkout.
///
/// # Errors
/// The store; there is one of this request.
pub(super) async fn place_free(
    cx: &Cx,
    transaction: &Transaction,
    order: &Order,
    request_hash: Vec<u8>,
) -> Result<(), Fault> {
    insert(cx, transaction, order, (request_hash, None, &Charge::Nothing)).await
}
