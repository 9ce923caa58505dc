//! The cart: what goes in, for whom, and what a renewal needs.

use stepgate_core::id::{CredentialId, PersonId};
use stepgate_core::subscriptions::checkout::{self, LineError};
use stepgate_core::subscriptions::order::{CartLine, LineFor, OrderLine};
use stepgate_core::subscriptions::product::Product;
use stepgate_store::carts::{self, Cart};
use stepgate_store::{credentials, people};

use super::buyer::Buyer;
use crate::cx::Cx;
use crate::fault::Fault;
use crate::proofing;
use crate::subscriptions::{is_renewable, renewal_product};

/// What is to be put into a cart, as it was typed.
pub(super) struct Addition<'a> {
    /// The product.
    pub product: &'a str,
    /// How many.
    pub quantity: &'a str,
    /// `me`, `later`, `person:<username>`, `renew:<credential id>`.
    pub whom: &'a str,
    /// New although a renewal is open: the buyer saw the offer.
    pub anyway: bool,
}

/// What became of it.
pub(super) enum Added {
    /// It is in the cart.
    Done,
    /// A credential of the same kind can be renewed: that is offered first.
    RenewFirst {
        /// Which.
        credential: CredentialId,
        /// What its renewal is bought as.
        product: Product,
    },
    /// Not put in.
    Refused(CartRefusal),
}

/// Why something is not put into a cart.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub(super) enum CartRefusal {
    /// Not sold, or not to this person.
    #[error("This product is not sold (any more), or not to people of your applications.")]
    NotSold,
    /// The line itself.
    #[error(transparent)]
    Line(#[from] LineError),
    /// No such person, or not theirs to buy for.
    #[error("There is no such person in an organization that you administer.")]
    Person,
    /// No such credential, or not theirs to renew.
    #[error("There is no such credential of yours, or of a person in an organization that you administer.")]
    Credential,
    /// Its window is not open.
    #[error("This credential cannot be renewed now: too early, too late, or it was given up.")]
    NotRenewable,
    /// Proofing that would be paid for in vain.
    #[error("{0}")]
    ProofingInVain(String),
    /// Words that mean nobody.
    #[error("Say for whom it is: for yourself, for later, for a person, or which credential it renews.")]
    Whom,
    /// For people, and nobody was ticked.
    #[error("Tick the people for whom it is.")]
    Nobody,
    /// Another window changed the cart again and again.
    #[error("Your cart is being changed in another window. Try again.")]
    Raced,
}

enum Found {
    Line(CartLine),
    RenewFirst(CredentialId, Product),
}

/// Puts something into the cart.
///
/// # Errors
/// The store.
pub(super) async fn add(cx: &Cx, buyer: &Buyer, wish: &Addition<'_>) -> Result<Added, Fault> {
    let line = match read(cx, buyer, wish).await? {
        Ok(Found::Line(line)) => line,
        Ok(Found::RenewFirst(credential, product)) => return Ok(Added::RenewFirst { credential, product }),
        Err(refusal) => return Ok(Added::Refused(refusal)),
    };
    for _ in 0..8 {
        let cart = carts::find_cart(&cx.app.db, buyer.visitor.person.id).await?;
        let lines = match checkout::with_line(&cart.lines, line.clone()) {
            Ok(lines) => lines,
            Err(error) => return Ok(Added::Refused(error.into())),
        };
        if carts::save_cart(&cx.app.db.write, buyer.visitor.person.id, (&lines, cart.version), cx.now).await? {
            return Ok(Added::Done);
        }
    }
    Ok(Added::Refused(CartRefusal::Raced))
}

async fn read(cx: &Cx, buyer: &Buyer, wish: &Addition<'_>) -> Result<Result<Found, CartRefusal>, Fault> {
    let quantity = match checkout::quantity(wish.quantity) {
        Ok(quantity) => quantity,
        Err(error) => return Ok(Err(error.into())),
    };
    let Some(product) = buyer.catalogue.named(wish.product) else { return Ok(Err(CartRefusal::NotSold)) };
    if let Some(id) = wish.whom.strip_prefix("renew:") {
        if quantity != 1 {
            return Ok(Err(LineError::OneEach.into()));
        }
        return Ok(renewal(cx, buyer, id).await?.map(Found::Line));
    }
    if !buyer.is_offered(product) {
        return Ok(Err(CartRefusal::NotSold));
    }
    let person = match (wish.whom, wish.whom.strip_prefix("person:")) {
        ("me", _) => buyer.visitor.person.id,
        ("later", _) => {
            let line = CartLine { product: product.id.clone(), quantity, whom: LineFor::Later };
            return Ok(Ok(Found::Line(line)));
        }
        (_, Some(username)) => match people::find_person_by_login(&cx.app.db, username).await? {
            Some(person) if buyer.buys_for(cx, person.id).await? => person.id,
            _ => return Ok(Err(CartRefusal::Person)),
        },
        _ => return Ok(Err(CartRefusal::Whom)),
    };
    if let Some(words) = in_vain(cx, buyer, product, person).await? {
        return Ok(Err(CartRefusal::ProofingInVain(words)));
    }
    if !wish.anyway
        && let Some(held) = buyer.renewable(cx, person, &product.kinds).await?
    {
        let renewal = renewal_product(cx, &held).await?;
        if let Some(renewal) = renewal.and_then(|renewal| buyer.catalogue.product(&renewal.id).cloned()) {
            return Ok(Ok(Found::RenewFirst(held.id, renewal)));
        }
    }
    Ok(Ok(Found::Line(CartLine { product: product.id.clone(), quantity, whom: LineFor::Person(person) })))
}

/// Why the proofing in a product would be for nothing to this person; `None` where it would not be.
async fn in_vain(cx: &Cx, buyer: &Buyer, product: &Product, id: PersonId) -> Result<Option<String>, Fault> {
    if !product.proofing {
        return Ok(None);
    }
    let Some(person) = people::find_person(&cx.app.db, id).await? else { return Ok(None) };
    let whom = if id == buyer.visitor.person.id { "You" } else { person.display_name() };
    let found = proofing::in_vain(cx, &person).await?;
    Ok(found.map(|found| found.words(whom, !product.kinds.is_empty())))
}

/// A renewal is of what the credential was sold as, whatever the form says: a cheaper product would not reach as far.
async fn renewal(cx: &Cx, buyer: &Buyer, id: &str) -> Result<Result<CartLine, CartRefusal>, Fault> {
    let Ok(id) = id.parse::<CredentialId>() else { return Ok(Err(CartRefusal::Credential)) };
    let Some(credential) = credentials::find_credential(&cx.app.db, id).await? else {
        return Ok(Err(CartRefusal::Credential));
    };
    if !buyer.buys_for(cx, credential.person).await? {
        return Ok(Err(CartRefusal::Credential));
    }
    if !is_renewable(cx, &credential) {
        return Ok(Err(CartRefusal::NotRenewable));
    }
    let Some(product) = renewal_product(cx, &credential).await? else { return Ok(Err(LineError::NoRenewal.into())) };
    Ok(Ok(CartLine { product: product.id, quantity: 1, whom: LineFor::Renewal(id) }))
}

/// A cart with its prices now. `None` in the place of a line that cannot be bought any more. A thousand renewals ask the
/// store as often as a few.
///
/// # Errors
/// The store.
pub(super) async fn priced(cx: &Cx, buyer: &Buyer, cart: &Cart) -> Result<Vec<Option<OrderLine>>, Fault> {
    let renewed: Vec<CredentialId> = cart.lines.iter().filter_map(renews).collect();
    let held = credentials::list_by_ids(&cx.app.db, &renewed).await?;
    let mut people: Vec<PersonId> = cart.lines.iter().filter_map(is_for).collect();
    people.extend(held.iter().map(|held| held.person));
    let theirs = buyer.buys_for_whom(cx, &people).await?;
    let mut lines = Vec::new();
    for line in &cart.lines {
        let product = buyer.catalogue.product(&line.product);
        let good = match (product, line.whom) {
            (None, _) => false,
            (Some(_), LineFor::Renewal(id)) => {
                let found = held.iter().find(|held| held.id == id).filter(|found| is_renewable(cx, found));
                found.is_some_and(|found| theirs.contains(&found.person))
            }
            (Some(product), LineFor::Person(person)) => {
                let offered = buyer.is_offered(product) && theirs.contains(&person);
                offered && in_vain(cx, buyer, product, person).await?.is_none()
            }
            (Some(product), LineFor::Later) => buyer.is_offered(product),
        };
        let priced = product.filter(|_| good);
        lines.push(priced.and_then(|product| checkout::priced(line, product, buyer.catalogue.currency)));
    }
    Ok(lines)
}

const fn renews(line: &CartLine) -> Option<CredentialId> {
    if let LineFor::Renewal(id) = line.whom { Some(id) } else { None }
}

const fn is_for(line: &CartLine) -> Option<PersonId> {
    if let LineFor::Person(id) = line.whom { Some(id) } else { None }
}

/// Sets the quantities of a cart as a page of version `read` shows it; 0 takes a line out. `false` when it was changed
/// since.
///
/// # Errors
/// The store.
pub(super) async fn change(
    cx: &Cx,
    buyer: &Buyer,
    (cart, read): (&Cart, i64),
    quantities: &[Option<u32>],
) -> Result<bool, Fault> {
    if cart.version != read {
        return Ok(false);
    }
    let mut lines = Vec::new();
    for (place, line) in cart.lines.iter().enumerate() {
        let quantity = quantities.get(place).copied().flatten().unwrap_or(line.quantity);
        // What is for one person stays one.
        let quantity = if line.whom == LineFor::Later { quantity } else { quantity.min(1) };
        if quantity > 0 {
            lines.push(CartLine { quantity, ..line.clone() });
        }
    }
    Ok(carts::save_cart(&cx.app.db.write, buyer.visitor.person.id, (&lines, read), cx.now).await?)
}
