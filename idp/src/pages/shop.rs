//! The pages of the shop: what can be had, the cart, the checkout, orders.

use askama::Template;
use stepgate_core::assurance::CredentialKind;

use super::Page;
use super::admin::DetailSection;
use super::form::{Control, Field, Form};
use super::layout::{Layout, Section};
use super::parts::{Action, Tone, kind_icon};
use super::samples;
use super::table::{Cell, Table};

/// One product on a shelf.
#[derive(Clone, Debug)]
pub struct ProductCard {
    /// Its id.
    pub id: String,
    /// The kind that its icon shows; none for identity proofing alone.
    pub kind: Option<CredentialKind>,
    /// Its name.
    pub name: String,
    /// One line on what it is.
    pub summary: String,
    /// `24.00 USD a year`.
    pub price: String,
    /// What comes with it: that it is sent by post, that somebody looks at its holder first.
    pub more: Option<String>,
    /// What else there is to know: that one is held already, or can be renewed.
    pub note: Option<String>,
    /// Renewing what is held, in place of a new one.
    pub renew: Option<Action>,
    /// Why it will not do at the application; it can be bought all the same, for other purposes.
    pub refused: Option<String>,
    /// Whether it is the first of the page: its button is the filled one.
    pub first: bool,
    /// Whether its reader came for just this: one button puts one of it into the cart, for themselves.
    pub for_me: bool,
}

impl ProductCard {
    pub(crate) fn icon(&self) -> &'static str {
        match self.kind {
            Some(kind) => kind_icon(kind),
            None => include_str!("../../templates/icon/shield.svg"),
        }
    }
}

/// Products under one heading.
#[derive(Clone, Debug)]
pub struct Shelf {
    /// `What Iron Works Portal accepts`.
    pub heading: String,
    /// The products.
    pub products: Vec<ProductCard>,
}

/// What can be had: what the application accepts first, what it refuses said.
#[derive(Clone, Debug, Template)]
#[template(path = "shop/acquire.html")]
pub struct AcquirePage {
    /// The frame.
    pub layout: Layout,
    /// `Get what Iron Works Portal accepts`.
    pub heading: String,
    /// What happens next.
    pub lead: String,
    /// The way to the cart, when something is in it.
    pub cart: Option<Action>,
    /// Other ways: a license key, back to the application.
    pub ways: Vec<Action>,
    /// The shelves.
    pub shelves: Vec<Shelf>,
    /// For whom one can buy: values and words; people of an organization begin with `person:`.
    pub people: Vec<(String, String)>,
    /// What was typed, and why it is not in the cart.
    pub typed: TypedWish,
}

/// What was typed in the catalogue, and why it is not in the cart.
#[derive(Clone, Debug, Default)]
pub struct TypedWish {
    /// For whom: `me`, `later`, `people`.
    pub whom: String,
    /// How many.
    pub quantity: String,
    /// The people who were ticked.
    pub people: Vec<String>,
    /// What is wrong, and with which field of the form: `for`, `quantity`, or none of them.
    pub error: Option<(&'static str, String)>,
}

impl AcquirePage {
    fn is_person(value: &str) -> bool {
        value.starts_with("person:")
    }

    pub(crate) fn whom(&self) -> Vec<(&str, &str)> {
        let choices = self.people.iter().filter(|(value, _)| !Self::is_person(value));
        let mut choices: Vec<_> = choices.map(|(value, words)| (value.as_str(), words.as_str())).collect();
        if !self.members().is_empty() {
            choices.push(("people", "People of your organization"));
        }
        choices
    }

    pub(crate) fn members(&self) -> Vec<&(String, String)> {
        self.people.iter().filter(|(value, _)| Self::is_person(value)).collect()
    }

    pub(crate) fn is_ticked(&self, value: &str) -> bool {
        self.typed.people.iter().any(|ticked| ticked == value)
    }

    pub(crate) fn quantity(&self) -> &str {
        if self.typed.quantity.is_empty() { "1" } else { &self.typed.quantity }
    }

    pub(crate) fn error_of(&self, field: &str) -> Option<&str> {
        self.typed.error.as_ref().filter(|(at, _)| *at == field).map(|(_, text)| text.as_str())
    }

    /// The product whose button is the filled one, and whether that is *Renew*: what the reader came for, else keeping what
    /// is there, else the first. None where a key waits to be activated.
    fn leading(&self) -> Option<(&ProductCard, bool)> {
        if self.ways.iter().any(|way| way.id == ACTIVATE) {
            return None;
        }
        let products = || self.shelves.iter().flat_map(|shelf| &shelf.products);
        let wished = products().find(|card| card.for_me).map(|card| (card, false));
        let renewed =
            || products().find(|card| card.renew.is_some() && card.refused.is_none()).map(|card| (card, true));
        wished.or_else(renewed).or_else(|| products().find(|card| card.first).map(|card| (card, false)))
    }

    pub(crate) fn renew_look(&self, product: &ProductCard) -> &'static str {
        match self.leading() {
            Some((first, true)) if first.id == product.id => "main",
            _ if product.refused.is_some() => "",
            _ => "accent",
        }
    }

    pub(crate) fn add_look(&self, product: &ProductCard) -> &'static str {
        let leads = self.leading().is_some_and(|(first, renews)| first.id == product.id && !renews);
        if leads { "main" } else { "" }
    }

    pub(crate) fn way_look(&self, way: &Action) -> &'static str {
        if way.id == ACTIVATE { "main" } else { "" }
    }
}

/// The element id of the button that activates a key of one's own, before anything is bought.
pub const ACTIVATE: &str = "activate";

/// The cart, the checkout, one order, a list of orders.
#[derive(Clone, Debug, Template)]
#[template(path = "shop/page.html")]
pub struct ShopPage {
    /// The frame.
    pub layout: Layout,
    /// The page's name: `cart`.
    pub page: &'static str,
    /// Its heading.
    pub heading: String,
    /// Its state.
    pub state: Option<(Tone, String)>,
    /// One line below the heading.
    pub lead: Option<String>,
    /// What happened.
    pub notes: Vec<(Tone, String)>,
    /// The filled button.
    pub main: Option<Action>,
    /// The other buttons.
    pub actions: Vec<Action>,
    /// Tables and forms.
    pub sections: Vec<DetailSection>,
    /// What is known.
    pub facts: Vec<(String, Cell)>,
    /// The way back.
    pub back: Option<Action>,
    /// The proof of its forms, on pages of nobody in particular.
    pub proof: Option<String>,
}

impl ShopPage {
    pub(crate) fn csrf(&self) -> &str {
        self.proof.as_deref().unwrap_or_else(|| self.layout.csrf())
    }

    /// A page with nothing but a heading.
    pub fn new(layout: Layout, page: &'static str, heading: impl Into<String>) -> Self {
        Self {
            layout,
            page,
            heading: heading.into(),
            state: None,
            lead: None,
            notes: Vec::new(),
            main: None,
            actions: Vec::new(),
            sections: Vec::new(),
            facts: Vec::new(),
            back: None,
            proof: None,
        }
    }
}

impl Page for AcquirePage {
    fn samples() -> Vec<(&'static str, Self)> {
        let card = |id: &str, kind, name: &str, first| ProductCard {
            id: id.into(),
            kind,
            name: name.into(),
            summary: "Approve on your phone; codes work without a network.".into(),
            price: "30.00 USD a year".into(),
            more: None,
            note: None,
            renew: None,
            refused: None,
            first,
            for_me: first,
        };
        let mut renewable = card("hardware-token", Some(CredentialKind::HardwareToken), "Hardware token", false);
        renewable.note = Some("You hold one that ended 3 days ago. Renewing keeps your device.".into());
        renewable.renew = Some(Action::post("renew-1", "Renew for 45.00 USD", "/cart/add"));
        let mut refused = card("phone-otp-domestic", Some(CredentialKind::PhoneOtp), "Phone OTP, domestic", false);
        refused.refused = Some("Iron Works Portal does not accept it".into());
        let all = Self {
            layout: samples::portal("Get a credential", Section::ManageOtp),
            heading: "Get what Iron Works Portal accepts".into(),
            lead: "We keep your place. You come back to it when your credential is set up.".into(),
            cart: Some(Action::link("cart", "Cart (2)", "/cart")),
            ways: vec![Action::link("license", "I have a license key", "/account/otp/license")],
            shelves: vec![
                Shelf {
                    heading: "Accepted".into(),
                    products: vec![card("mobile-id", Some(CredentialKind::MobileId), "Mobile ID", true), renewable],
                },
                Shelf { heading: "Not accepted there".into(), products: vec![refused] },
            ],
            people: vec![("me".into(), "Me".into()), ("later".into(), "Later: keys to hand out".into())],
            typed: TypedWish::default(),
        };
        let mut refused = all.clone();
        refused.people.push(("person:bob".into(), "Bob Baker".into()));
        refused.people.push(("person:carol".into(), "Carol Cooper".into()));
        let wrong = "Write a whole number from 1 to 500.".to_owned();
        let error = Some(("quantity", wrong));
        refused.typed =
            TypedWish { whom: "people".into(), quantity: "7000".into(), people: vec!["person:bob".into()], error };
        let none = Self { shelves: vec![], cart: None, heading: "Get a credential".into(), ..all.clone() };
        let mut proofing = all.clone();
        proofing.shelves.truncate(1);
        proofing.shelves.iter_mut().for_each(|shelf| shelf.products = vec![card("proofing", None, "Upgrade", true)]);
        vec![("shelves", all), ("nothing", none), ("proofing", proofing), ("refused", refused)]
    }
}

impl Page for ShopPage {
    fn samples() -> Vec<(&'static str, Self)> {
        let columns = ["Product", "For", "Quantity", "Price", "Sum"];
        let row = ["Mobile ID", "You", "1", "30.00 USD", "30.00 USD"].map(Cell::text).to_vec();
        let table = Table::new(&columns, vec![row], "Your cart is empty.");
        let section = |heading: &str, table, forms| DetailSection { heading: heading.into(), table, forms };
        let facts = vec![("Total".to_owned(), Cell::text("30.00 USD"))];
        let layout = |title| samples::portal(title, Section::Orders);
        let cart = Self {
            main: Some(Action::link("continue", "Check out", "/checkout")),
            sections: vec![section("What is in it", Some(table.clone()), vec![])],
            facts: facts.clone(),
            ..Self::new(layout("Cart"), "cart", "Your cart")
        };
        let field = Field::required("name", "Name", Control::Text, "").error("Write the name.");
        let checkout = Self {
            notes: vec![(Tone::Warning, "A price has changed.".into())],
            sections: vec![section(
                "Billing",
                Some(table.clone()),
                vec![Form::main("/checkout", "Order and pay", vec![field])],
            )],
            back: Some(Action::link("back", "Cart", "/cart")),
            ..Self::new(layout("Checkout"), "checkout", "Checkout")
        };
        let order = Self {
            state: Some((Tone::Ok, "Paid".into())),
            lead: Some("Activate what is for you, hand on what is for others.".into()),
            actions: vec![Action::link("keys", "License keys", "/account/otp/keys")],
            ..Self { page: "order", heading: "Order SG-7K2M-9QXA".into(), ..cart.clone() }
        };
        vec![("cart", cart), ("checkout with an error", checkout), ("order", order)]
    }
}
