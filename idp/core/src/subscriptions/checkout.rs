//! From a cart to an order: quantities, lines with prices, addresses, and what a payment that came is worth.

use super::money::{Currency, Money};
use super::order::{CartLine, LineFor, MAX_LINES, MAX_QUANTITY, Order, OrderLine, Party};
use super::product::{Product, ProductId};
use crate::account::Address;
use crate::contact::is_unseen;
use crate::credentials::recovery::random_letters;
use crate::entropy::Entropy;

/// A new number that people read out: `SG-7K2M-9QXA`.
pub fn order_number(entropy: &dyn Entropy) -> String {
    format!("SG-{}-{}", random_letters(entropy, 4), random_letters(entropy, 4))
}

/// Why a line is not put into a cart.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum LineError {
    /// No whole number from 1 to [`MAX_QUANTITY`].
    #[error("Write a whole number from 1 to 500.")]
    Quantity,
    /// With what is in the cart already they are more than [`MAX_QUANTITY`].
    #[error("With those in your cart that would be more than 500. Order those first.")]
    TooMany,
    /// Several for one person, or several years at once.
    #[error("One for each person, and one year at a time. Choose for later to get several.")]
    OneEach,
    /// The cart is full.
    #[error("A cart holds 50 lines. Order these first.")]
    Full,
    /// The credential is in the cart already.
    #[error("The renewal of this credential is in your cart already.")]
    Twice,
    /// The product cannot be renewed.
    #[error("This product cannot be renewed.")]
    NoRenewal,
}

/// Reads a quantity; nothing typed is one.
///
/// # Errors
/// [`LineError::Quantity`].
pub fn quantity(typed: &str) -> Result<u32, LineError> {
    let typed = typed.trim();
    if typed.is_empty() {
        return Ok(1);
    }
    let digits = typed.len() <= 4 && typed.bytes().all(|byte| byte.is_ascii_digit());
    let number = typed.parse().ok().filter(|number| digits && (1..=MAX_QUANTITY).contains(number));
    number.ok_or(LineError::Quantity)
}

/// A cart with one line more. What is for nobody yet adds up with the same; what is for a person stands for itself.
///
/// # Errors
/// Why it is not.
pub fn with_line(lines: &[CartLine], new: CartLine) -> Result<Vec<CartLine>, LineError> {
    if new.quantity == 0 || new.quantity > MAX_QUANTITY {
        return Err(LineError::Quantity);
    }
    let mut lines = lines.to_vec();
    match new.whom {
        LineFor::Later => {
            if let Some(same) = lines.iter_mut().find(|line| line.product == new.product && line.whom == new.whom) {
                same.quantity = same.quantity.saturating_add(new.quantity);
                return if same.quantity <= MAX_QUANTITY { Ok(lines) } else { Err(LineError::TooMany) };
            }
        }
        LineFor::Person(_) | LineFor::Renewal(_) if new.quantity != 1 => return Err(LineError::OneEach),
        LineFor::Renewal(_) if lines.iter().any(|line| line.whom == new.whom) => return Err(LineError::Twice),
        LineFor::Person(_) if lines.contains(&new) => return Ok(lines),
        LineFor::Person(_) | LineFor::Renewal(_) => {}
    }
    if lines.len() >= MAX_LINES {
        return Err(LineError::Full);
    }
    lines.push(new);
    Ok(lines)
}

/// A line with its price now; `None` where the product has none in this currency.
pub fn priced(line: &CartLine, product: &Product, currency: Currency) -> Option<OrderLine> {
    let renewal = matches!(line.whom, LineFor::Renewal(_));
    let unit = if renewal { product.renewal_price(currency) } else { product.price(currency) }?;
    let mut gives = product.gives();
    // Nothing is sent, and nobody is proofed, for another year of what is there.
    gives.ships &= !renewal;
    gives.proofing &= !renewal;
    let name = if renewal { format!("Renewal: {}", product.name) } else { product.name.clone() };
    Some(OrderLine { product: product.id.clone(), name, gives, quantity: line.quantity, unit, whom: line.whom })
}

/// Whether a voucher for `product`, or for any, pays these lines.
pub fn voucher_covers(product: Option<&ProductId>, lines: &[OrderLine]) -> bool {
    product.is_none_or(|product| lines.iter().all(|line| line.product == *product))
}

/// The fields of an address as they were typed: name, company, street, postal code, town, region, country.
#[derive(Clone, Copy, Debug, Default)]
#[expect(missing_docs, reason = "each field is what its name says")]
pub struct TypedParty<'a> {
    pub name: &'a str,
    pub company: &'a str,
    pub street: &'a str,
    pub postal_code: &'a str,
    pub town: &'a str,
    pub region: &'a str,
    pub country: &'a str,
}

/// What is wrong with an address: the field, and what to do.
pub type PartyErrors = Vec<(&'static str, &'static str)>;

const LONGEST: usize = 200;

/// Reads an address, of any script. Nothing about its form is taken for granted but that it has a name, a street, a town
/// and a country.
///
/// # Errors
/// Each field that is wrong.
pub fn party(typed: TypedParty<'_>) -> Result<Party, PartyErrors> {
    let mut errors = PartyErrors::new();
    let mut read = |field: &'static str, text: &str, missing: Option<&'static str>| {
        let text = text.trim();
        let unfit = |c: char| is_unseen(c) && !matches!(c, '\n' | '\r');
        if text.chars().count() > LONGEST || text.chars().any(unfit) {
            errors.push((field, "This is too long, or holds signs that no address has."));
        }
        match missing {
            Some(remedy) if text.is_empty() => errors.push((field, remedy)),
            _ => {}
        }
        (!text.is_empty()).then(|| text.replace("\r\n", "\n"))
    };
    let name = read("name", typed.name, Some("Write the name that the invoice or the parcel is for."));
    let company = read("company", typed.company, None);
    let address = Address {
        formatted: None,
        street_address: read("street", typed.street, Some("Write street and number.")),
        postal_code: read("postal_code", typed.postal_code, None),
        locality: read("town", typed.town, Some("Write the town.")),
        region: read("region", typed.region, None),
        country: read("country", typed.country, Some("Write the country.")),
    };
    if errors.is_empty() { Ok(Party { name: name.unwrap_or_default(), company, address }) } else { Err(errors) }
}

/// An address in lines, as it is written on a parcel.
pub fn lines_of(party: &Party) -> Vec<String> {
    let address = &party.address;
    let town = [&address.postal_code, &address.locality].into_iter().flatten().cloned().collect::<Vec<_>>().join(" ");
    let mut lines = vec![party.name.clone()];
    lines.extend(party.company.clone());
    lines.extend(address.street_address.iter().flat_map(|street| street.lines().map(str::to_owned)));
    lines.push(town);
    lines.extend(address.region.clone());
    lines.extend(address.country.clone());
    lines.retain(|line| !line.trim().is_empty());
    lines
}

/// What a payment provider says of an order, read anew.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Payment {
    /// Which order, in its words.
    pub reference: String,
    /// Whether the money came.
    pub paid: bool,
    /// How much.
    pub amount: Option<Money>,
}

/// What that is worth.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Worth {
    /// The order is paid.
    Paid,
    /// Not yet.
    Nothing,
    /// Money came that does not belong to this order: never a key, a matter for finance.
    Wrong,
}

/// Judges a payment: the very order, the very amount, the very currency.
pub fn worth(order: &Order, payment: &Payment) -> Worth {
    if payment.reference != order.id.to_string() {
        Worth::Wrong
    } else if !payment.paid {
        Worth::Nothing
    } else if payment.amount == Some(order.totals.gross) {
        Worth::Paid
    } else {
        Worth::Wrong
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::id::{CredentialId, PersonId};
    use crate::subscriptions::product::shipped;
    use proptest::prelude::*;

    fn line(product: &str, quantity: u32, whom: LineFor) -> CartLine {
        CartLine { product: product.to_owned().try_into().unwrap(), quantity, whom }
    }

    #[test]
    fn quantities_are_small_whole_numbers() {
        assert_eq!((quantity(""), quantity(" 7 "), quantity("500")), (Ok(1), Ok(7), Ok(500)));
        for wrong in ["0", "-1", "501", "1.5", "1e2", "+3", "99999999999999999999", "٣", "1 000"] {
            assert_eq!(quantity(wrong), Err(LineError::Quantity), "{wrong}");
        }
    }

    #[test]
    fn a_credential_is_renewed_once_and_persons_get_one_each() {
        let renewal = LineFor::Renewal(CredentialId::from_uuid(uuid::Uuid::from_u128(1)));
        let person = LineFor::Person(PersonId::from_uuid(uuid::Uuid::from_u128(2)));
        let cart = with_line(&[], line("mobile-id", 1, renewal)).unwrap();
        assert_eq!(with_line(&cart, line("mobile-id", 1, renewal)), Err(LineError::Twice));
        assert_eq!(with_line(&cart, line("mobile-id", 2, person)), Err(LineError::OneEach));
        let cart = with_line(&cart, line("mobile-id", 400, LineFor::Later)).unwrap();
        assert_eq!(with_line(&cart, line("mobile-id", 101, LineFor::Later)), Err(LineError::TooMany));
        let cart = with_line(&cart, line("mobile-id", 100, LineFor::Later)).unwrap();
        assert_eq!((cart.len(), cart[1].quantity), (2, 500));
        let full = vec![line("mobile-id", 1, renewal); MAX_LINES];
        assert_eq!(with_line(&full, line("bundle", 1, LineFor::Later)), Err(LineError::Full));
    }

    #[test]
    fn a_renewal_costs_what_renewals_cost_and_nothing_is_sent() {
        let usd = "USD".parse().unwrap();
        let products = shipped();
        let token = products.iter().find(|it| it.id.as_str() == "hardware-token").unwrap();
        let new = priced(&line("hardware-token", 1, LineFor::Later), token, usd).unwrap();
        assert_eq!((new.unit.minor, new.gives.ships), (9000, true));
        let renewal = LineFor::Renewal(CredentialId::from_uuid(uuid::Uuid::from_u128(1)));
        let again = priced(&line("hardware-token", 1, renewal), token, usd).unwrap();
        assert_eq!((again.unit.minor, again.gives.ships), (4500, false));
        assert!(priced(&line("hardware-token", 1, LineFor::Later), token, "EUR".parse().unwrap()).is_none());
    }

    #[test]
    fn addresses_of_any_script_are_read_and_what_is_missing_is_named() {
        let typed = TypedParty {
            name: "山田 太郎",
            street: "銀座 1-2-3",
            town: "東京",
            country: "日本",
            ..TypedParty::default()
        };
        let party_read = party(typed).unwrap();
        assert_eq!(lines_of(&party_read), ["山田 太郎", "銀座 1-2-3", "東京", "日本"]);
        let wrong = party(TypedParty { name: "a\u{0}b", ..typed }).unwrap_err();
        assert_eq!(wrong.iter().map(|(field, _)| *field).collect::<Vec<_>>(), ["name"]);
        // What turns the reading direction makes one name look like another; the marks of those who write so stay.
        assert!(party(TypedParty { name: "a\u{202e}b", ..typed }).is_err());
        assert!(party(TypedParty { name: "\u{200f}\u{5e9}\u{5dc}\u{5d5}\u{5dd}", ..typed }).is_ok());
        let missing: Vec<_> = party(TypedParty::default()).unwrap_err().into_iter().map(|(field, _)| field).collect();
        assert_eq!(missing, ["name", "street", "town", "country"]);
    }

    proptest! {
        #[test]
        fn no_cart_grows_beyond_its_bounds(adds in prop::collection::vec((0_u32..600, 0_u128..4, 0_usize..3), 0..80)) {
            let mut cart = Vec::new();
            for (quantity, id, whom) in adds {
                let id = uuid::Uuid::from_u128(id);
                let whom = [LineFor::Later, LineFor::Person(PersonId::from_uuid(id)), LineFor::Renewal(CredentialId::from_uuid(id))][whom];
                if let Ok(next) = with_line(&cart, line("mobile-id", quantity, whom)) {
                    cart = next;
                }
                prop_assert!(cart.len() <= MAX_LINES);
                for line in &cart {
                    prop_assert!((1..=MAX_QUANTITY).contains(&line.quantity));
                    prop_assert!(line.whom == LineFor::Later || line.quantity == 1);
                }
            }
        }
    }
}
