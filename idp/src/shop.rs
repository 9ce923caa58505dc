//! The shop: from the catalogue to an order that is paid, and back.
//!
//! Owns: what is offered to whom, the cart, the checkout, how money comes in and goes back, invoices, and the pages of all
//! that. Never: keys and terms (`subscriptions::settle` makes them, in the transaction that makes an order paid), nor card
//! numbers: they are typed at the provider. What the provider's messages say is read anew before it counts.

mod acquire;
pub(crate) mod attention;
pub mod broken;
mod buyer;
pub mod cards;
mod cart;
mod cart_pages;
pub mod catalogue;
pub mod charge;
pub(crate) mod checkout;
mod checkout_page;
mod invoice;
mod mails;
mod order_page;
mod orders;
mod paper;
pub mod parcel;
mod pay;
mod place;
mod receipt;
pub mod refund;
mod settings;
mod sweep;
mod terms;
pub mod vouchers;
mod warranty;
mod webhook;
pub mod words;

pub use cards::takes;
pub use catalogue::{Catalogue, catalogue};
pub use invoice::invoice;
pub use mails::paid as tell_paid;
pub(crate) use orders::pdf;
pub use place::{cancel, note_placed};
pub use settings::ShopSettings;
pub use sweep::sweep;
pub use warranty::{Replaced, replace, replaceable};

use std::sync::Arc;

use axum::Router;
use stepgate_core::subscriptions::order::PaymentMethod;

use crate::app::App;
use crate::cx::Cx;

/// The routes.
pub fn routes() -> Router<Arc<App>> {
    acquire::routes()
        .merge(cart_pages::routes())
        .merge(checkout_page::routes())
        .merge(broken::routes())
        .merge(orders::routes())
        .merge(terms::routes())
        .merge(webhook::routes())
}

/// Whether an order can be paid so.
fn allows(cx: &Cx, method: PaymentMethod) -> bool {
    let possible = method != PaymentMethod::Card || cx.app.outbound.payments.is_some();
    possible && cx.app.settings.shop.allows(method)
}
