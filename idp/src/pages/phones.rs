//! The pages of a person's telephone numbers.

use askama::Template;

use super::Page;
use super::form::{Control, Field, Form};
use super::layout::{Layout, Section};
use super::parts::{Action, Tone};
use super::samples;
use super::when::{When, duration_text};

/// One number.
#[derive(Clone, Debug)]
pub struct NumberRow {
    /// `•••• 0101`.
    pub masked: String,
    /// `Texts and calls`.
    pub channels: String,
    /// Whether it is offered first.
    pub preferred: bool,
    /// What became of the last code, or that it rests.
    pub note: Option<String>,
    /// *Offer first*, *Calls as well*, *Remove*.
    pub actions: Vec<Action>,
}

/// The numbers of a Phone OTP credential, what is weak about telephones, and the form for another number.
#[derive(Clone, Debug, Template)]
#[template(path = "account/phones.html")]
pub struct PhonesPage {
    /// The frame.
    pub layout: Layout,
    /// `Your telephone numbers`.
    pub heading: String,
    /// The verified numbers, the preferred one first.
    pub rows: Vec<NumberRow>,
    /// Adds a number.
    pub add: Form,
    /// What can be used instead of a telephone.
    pub alternatives: Vec<Action>,
    /// Back to Manage OTP.
    pub back: Action,
    /// What was just done.
    pub done: Option<String>,
}

/// Asks for the code that went to a new number. Field `code`; button `resend`.
#[derive(Clone, Debug, Template)]
#[template(path = "account/phone-code.html")]
pub struct PhoneCodePage {
    /// The frame.
    pub layout: Layout,
    /// `•••• 0101`.
    pub masked: String,
    /// Whether the code comes by a call.
    pub voice: bool,
    /// The number's id.
    pub phone: String,
    /// How long the code still works, in seconds.
    pub seconds_left: u64,
    /// When another code may be asked for, where it is not now.
    pub resend_from: Option<When>,
    /// What is known of the code on its way.
    pub delivery: Option<(Tone, String)>,
    /// What is wrong with the code.
    pub error: Option<String>,
    /// Back to the numbers.
    pub back: Action,
}

impl PhoneCodePage {
    pub(crate) fn help(&self) -> String {
        if self.seconds_left == 0 {
            return "The code does not work any more. Ask for another one.".to_owned();
        }
        format!("The code works for another {}.", duration_text(self.seconds_left))
    }
}

impl Page for PhonesPage {
    fn samples() -> Vec<(&'static str, Self)> {
        let button = |name: &str, label: &str| {
            Action::post(format!("{name}-p2"), label, "/account/otp/phones").with("phone", "p2")
        };
        let first = NumberRow {
            masked: "•••• 0101".into(),
            channels: "Texts and calls".into(),
            preferred: true,
            note: Some("Last code delivered 5 minutes ago.".into()),
            actions: vec![
                Action::post("channels-p1", "Texts only", "/account/otp/phones/channels").with("phone", "p1"),
            ],
        };
        let second = NumberRow {
            masked: "•••• 0199".into(),
            channels: "Texts".into(),
            preferred: false,
            note: Some("Rests until 1 December 2026: no login takes it before.".into()),
            actions: vec![
                button("prefer", "Offer first"),
                button("channels", "Calls as well"),
                button("remove", "Remove").dangerous(),
            ],
        };
        let countries = [("US", "United States (+1)"), ("DE", "Germany (+49)")];
        let countries = countries.map(|(value, words)| (value.to_owned(), words.to_owned())).to_vec();
        let ways =
            [("text", "By text"), ("voice", "By a call")].map(|(value, words)| (value.to_owned(), words.to_owned()));
        let fields = |typed: &str, error: Option<&str>| {
            let mut number = Field::required("number", "Number", Control::Telephone, typed)
                .help("As you dial it there, or with + and the country code.");
            number.error = error.map(str::to_owned);
            vec![
                Field::required("opened", "", Control::Hidden, "1764315000000.name.seal"),
                Field::required("country", "Country", Control::Select(countries.clone()), "US"),
                number,
                Field::optional("comment", "Leave this empty", Control::Trap, ""),
                Field::required("channel", "How do codes come?", Control::Select(ways.to_vec()), "text"),
            ]
        };
        let form = |typed, error| Form::main("/account/otp/phones", "Send a code to this number", fields(typed, error));
        let page = Self {
            layout: samples::portal("Telephone numbers", Section::ManageOtp),
            heading: "Your telephone numbers".into(),
            rows: vec![first, second],
            add: form("", None),
            alternatives: vec![
                Action::post("add-key", "Add a security key", "/account/otp/key/new"),
                Action::link("others", "See your other credentials", "/account/otp"),
            ],
            back: Action::link("cancel", "Back to Manage OTP", "/account/otp"),
            done: Some("The number is yours now, and can get codes.".into()),
        };
        let refused = "This is a landline, and texts do not arrive there. Choose calls instead.";
        let none = Self {
            heading: "Set up your Phone OTP".into(),
            rows: vec![],
            add: form("030 123456", Some(refused)),
            done: None,
            ..page.clone()
        };
        vec![("two numbers", page), ("none yet, refused", none)]
    }
}

impl Page for PhoneCodePage {
    fn samples() -> Vec<(&'static str, Self)> {
        let page = Self {
            layout: samples::portal("Check your number", Section::ManageOtp),
            masked: "•••• 0199".into(),
            voice: false,
            phone: "p2".into(),
            seconds_left: 97,
            resend_from: Some(samples::clock(24)),
            delivery: Some((Tone::Ok, "Delivered: your phone has it.".into())),
            error: None,
            back: Action::link("cancel", "Another number", "/account/otp/phones"),
        };
        let wrong = Self {
            voice: true,
            seconds_left: 0,
            resend_from: None,
            delivery: Some((Tone::Warning, "The carrier refused it. Check the number.".into())),
            error: Some("That code is not right, or it is too old. Ask for another code.".into()),
            ..page.clone()
        };
        vec![("waiting", page), ("wrong code", wrong)]
    }
}
