//! The checkout form: what it asks for, filled in from what we know, and how it is read.

use stepgate_core::contact::is_unseen;
use stepgate_core::subscriptions::checkout::{PartyErrors, TypedParty, party};
use stepgate_core::subscriptions::order::{Party, PaymentMethod, Sponsor};
use stepgate_store::sponsors::Account;

use super::buyer::Buyer;
use super::place::Wish;
use super::{allows, terms};
use crate::account::confirm::Typed;
use crate::cx::Cx;
use crate::http::extract::Form;
use crate::pages::form::{Control, Field};

/// The form as it is shown: what was typed, and what is wrong with it.
pub(super) struct CheckoutForm {
    /// One press of the button, one order.
    pub token: String,
    /// What the buyer sees.
    pub cart_version: i64,
    /// The sum that the buyer sees.
    pub seen: String,
    /// Whether something is sent.
    pub ships: bool,
    /// The accounts that can pay.
    pub sponsors: Vec<(Sponsor, String, Account)>,
}

const PARTY: [(&str, &str, bool); 7] = [
    ("name", "Name", true),
    ("company", "Company", false),
    ("street", "Street and number", true),
    ("postal_code", "Postal code", false),
    ("town", "Town", true),
    ("region", "State or region", false),
    ("country", "Country", true),
];

const METHODS: [(PaymentMethod, &str); 4] = [
    (PaymentMethod::Card, "Card"),
    (PaymentMethod::Invoice, "Invoice: keys come when the money has come"),
    (PaymentMethod::Voucher, "Voucher"),
    (PaymentMethod::Sponsored, "On account of a partner or an organization"),
];

/// What is known of the buyer: the standard claims.
fn known(buyer: &Buyer, field: &str) -> String {
    let claims = &buyer.visitor.person.claims;
    let address = claims.address.clone().unwrap_or_default();
    let found = match field {
        "name" => Some(buyer.visitor.person.display_name().to_owned()),
        "company" => buyer.organizations.first().map(|organization| organization.name.clone()),
        "street" => address.street_address,
        "postal_code" => address.postal_code,
        "town" => address.locality,
        "region" => address.region,
        "country" => address.country,
        _ => None,
    };
    found.unwrap_or_default()
}

impl CheckoutForm {
    /// The ways to pay that are open to this buyer.
    fn methods(&self, cx: &Cx) -> Vec<(String, String)> {
        let open = METHODS.iter().filter(|(method, _)| {
            allows(cx, *method) && (*method != PaymentMethod::Sponsored || !self.sponsors.is_empty())
        });
        open.map(|(method, words)| (method.as_str().to_owned(), (*words).to_owned())).collect()
    }

    /// The fields, as typed where something was typed.
    pub fn fields(&self, cx: &Cx, buyer: &Buyer, typed: Option<&Typed>, errors: &[(String, String)]) -> Vec<Field> {
        let value = |name: &str, default: String| typed.map_or(default, |typed| typed.get(name).to_owned());
        let hidden = |name: &str, value: String| Field::required(name, "", Control::Hidden, value);
        let mut fields = vec![
            hidden("form", self.token.clone()),
            hidden("cart", self.cart_version.to_string()),
            hidden("seen", self.seen.clone()),
        ];
        for (name, label, required) in PARTY {
            fields.push(address(name, label, required, value(name, known(buyer, name))));
        }
        if self.ships {
            let same = Field::optional(
                "same_address",
                "Send it to this address",
                Control::Tick,
                value("same_address", "1".to_owned()),
            );
            fields.push(same.help("Take the tick away to have it sent to another address."));
            for (name, label, _) in PARTY {
                let name = format!("ship_{name}");
                let label = format!("Send to: {}", label.to_lowercase());
                fields.push(address(&name, &label, false, value(&name, String::new())));
            }
        }
        let order = Field::optional(
            "purchase_order",
            "Your purchase-order number",
            Control::Text,
            value("purchase_order", String::new()),
        );
        fields.push(order);
        let methods = self.methods(cx);
        let first = methods.first().map(|(name, _)| name.clone()).unwrap_or_default();
        fields.push(Field::required("method", "How do you pay?", Control::Select(methods), value("method", first)));
        if allows(cx, PaymentMethod::Voucher) {
            // The style sheet shows what belongs to a way to pay where that way is chosen.
            let voucher = Field::optional("voucher", "Voucher", Control::Text, value("voucher", String::new()));
            fields.push(voucher.help("The letters and digits on it, when you pay with a voucher."));
        }
        if !self.sponsors.is_empty() {
            let named = |(sponsor, name, account): &(Sponsor, String, Account)| {
                let left = account.most.minor.saturating_sub(account.used.minor);
                let left = stepgate_core::subscriptions::money::Money::new(left, account.most.currency);
                (sponsor_value(*sponsor), format!("{name}: {left} left"))
            };
            let accounts = Control::Select(self.sponsors.iter().map(named).collect());
            let account = Field::optional("sponsor", "Account", accounts, value("sponsor", String::new()));
            fields.push(account.help("Whose account pays, when it is paid on account."));
        }
        if allows(cx, PaymentMethod::Card) {
            let keep = Field::optional(
                "keep_card",
                "Keep this card for renewals",
                Control::Tick,
                value("keep_card", String::new()),
            );
            fields.push(keep.help(
                "Only when you pay by card. It pays for nothing but what you let renew by itself, and we tell you the price \
                 and the day before. We keep no number of it.",
            ));
        }
        let terms =
            Field::required("terms", "I accept the terms of sale", Control::Tick, value("terms", String::new()));
        fields.push(terms.link(terms::address(cx), "Read the terms of sale"));
        for field in &mut fields {
            field.error = errors.iter().find(|(name, _)| *name == field.name).map(|(_, text)| text.clone());
        }
        fields
    }
}

fn address(name: &str, label: &str, required: bool, value: String) -> Field {
    let control = if name.ends_with("street") { Control::Lines } else { Control::Text };
    if required { Field::required(name, label, control, value) } else { Field::optional(name, label, control, value) }
}

/// A sponsor in a form: `organization:<id>`.
pub fn sponsor_value(sponsor: Sponsor) -> String {
    let (kind, id) = sponsor.parts();
    format!("{kind}:{id}")
}

/// The inverse.
pub fn read_sponsor(text: &str) -> Option<Sponsor> {
    let (kind, id) = text.split_once(':')?;
    Sponsor::from_parts(kind, uuid::Uuid::try_parse(id).ok()?)
}

/// Reads what was typed.
///
/// # Errors
/// Each field that is wrong: its name, and what to do.
pub(super) fn read(form: &Form, ships: bool) -> Result<Wish, Vec<(String, String)>> {
    let mut errors: Vec<(String, String)> = Vec::new();
    let billing = kept(typed_party(form, ""), "", &mut errors);
    let shipping = if !ships {
        None
    } else if form.get("same_address") == "1" {
        billing.clone()
    } else {
        kept(typed_party(form, "ship_"), "ship_", &mut errors)
    };
    let method = PaymentMethod::parse(form.get("method"));
    if method.is_none() {
        errors.push(("method".to_owned(), "Choose one of the ways to pay.".to_owned()));
    }
    if form.get("terms") != "1" {
        errors.push(("terms".to_owned(), "Read the terms of sale, and accept them to order.".to_owned()));
    }
    let order = form.get("purchase_order");
    if order.chars().count() > 60 || order.chars().any(is_unseen) {
        errors.push(("purchase_order".to_owned(), "Write at most 60 characters.".to_owned()));
    }
    let form_token = form.get("form");
    match (billing, method, form.get("cart").parse()) {
        (Some(billing), Some(method), Ok(cart_version)) if errors.is_empty() && form_token.len() >= 22 => Ok(Wish {
            form: form_token.to_owned(),
            cart_version,
            seen: form.get("seen").to_owned(),
            billing,
            shipping,
            purchase_order: (!order.is_empty()).then(|| order.to_owned()),
            method,
            voucher: form.get("voucher").to_owned(),
            sponsor: read_sponsor(form.get("sponsor")),
            keep_card: method == PaymentMethod::Card && form.get("keep_card") == "1",
        }),
        _ => Err(errors),
    }
}

fn kept(read: Result<Party, PartyErrors>, prefix: &str, errors: &mut Vec<(String, String)>) -> Option<Party> {
    match read {
        Ok(party) => Some(party),
        Err(wrong) => {
            errors.extend(wrong.into_iter().map(|(field, text)| (format!("{prefix}{field}"), text.to_owned())));
            None
        }
    }
}

fn typed_party(form: &Form, prefix: &str) -> Result<Party, PartyErrors> {
    let get = |name: &str| form.get(&format!("{prefix}{name}")).to_owned();
    let texts = PARTY.map(|(name, ..)| get(name));
    let [name, company, street, postal_code, town, region, country] = &texts;
    party(TypedParty { name, company, street, postal_code, town, region, country })
}
