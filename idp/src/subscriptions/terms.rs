//! The one writer of paid years.

use stepgate_core::id::TermId;
use stepgate_store::Connection;
use stepgate_store::subscriptions::{self as store, Term};

use crate::cx::Cx;
use crate::fault::Fault;

/// Writes a paid year down, in the transaction in which it begins.
///
/// # Errors
/// The store; the key paid for this credential before.
pub(super) async fn write_term(cx: &Cx, connection: &impl Connection, term: &Term) -> Result<(), Fault> {
    Ok(store::insert_term(connection, (TermId::random(cx.entropy()), term), cx.now).await?)
}
