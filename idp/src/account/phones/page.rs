//! From the numbers of a credential to their pages.

use axum::http::StatusCode;
use axum::response::Response;
use stepgate_core::contact::Country;
use stepgate_core::credentials::{Credential, Phone};
use stepgate_store::deliveries::{self, DeliveryState};
use stepgate_store::{challenges, credentials, phones as store};

use super::{Typed, form_binding, reach};
use crate::account::Visitor;
use crate::credentials::security_key;
use crate::cx::Cx;
use crate::fault::Fault;
use crate::http::page::PageFailure;
use crate::login::{phone as codes, receipt};
use crate::pages::form::{Control, Field, Form as PageForm};
use crate::pages::phones::{NumberRow, PhoneCodePage, PhonesPage};
use crate::pages::{self, Action, Section, When};
use crate::phones::{self, first_text};
use crate::words::Language;

/// The numbers of a credential, and the form for another one.
pub(super) async fn list(
    cx: &Cx,
    visitor: &Visitor,
    credential: &Credential,
    done: Option<&str>,
    typed: Typed<'_>,
) -> Result<Response, PageFailure> {
    let mut rows = Vec::new();
    let times = store::list_times(&cx.app.db, credential.id).await?;
    let mut found = credentials::list_phones(&cx.app.db, credential.id).await?;
    found.retain(|phone| phone.verified_at.is_some());
    for phone in &found {
        let usable_from = times.iter().find(|it| it.phone == phone.id).and_then(|it| it.usable_from);
        rows.push(row(cx, visitor, (phone, found.len()), usable_from.filter(|from| cx.now < *from)).await?);
    }
    let mut alternatives = Vec::new();
    if security_key::available(cx) {
        alternatives.push(super::super::key_offer::action(cx, visitor, "Add a security key"));
    }
    alternatives.push(Action::link("others", "See your other credentials", "/account/otp"));
    let page = PhonesPage {
        layout: visitor.layout(cx, "Telephone numbers", Section::ManageOtp),
        heading: if rows.is_empty() { "Set up your Phone OTP" } else { "Your telephone numbers" }.to_owned(),
        rows,
        add: add_form(cx, visitor, credential, typed).await?,
        alternatives,
        back: Action::link("cancel", "Back to Manage OTP", format!("/account/otp#credential-{}", credential.id)),
        done: done.map(str::to_owned),
    };
    Ok(pages::respond(StatusCode::OK, &page))
}

async fn row(
    cx: &Cx,
    visitor: &Visitor,
    (phone, of): (&Phone, usize),
    rests_until: Option<stepgate_core::time::Timestamp>,
) -> Result<NumberRow, Fault> {
    let id = phone.id.to_string();
    let button = |name: &str, label: &str| {
        Action::post(format!("{name}-{id}"), label, format!("/account/otp/phones/{name}")).with("phone", id.clone())
    };
    let mut actions = Vec::new();
    if !phone.preferred && of > 1 {
        actions.push(button("prefer", "Offer first"));
    }
    if cx.app.outbound.calls() {
        let (label, channels) = match (phone.text, phone.voice) {
            (true, true) => ("Texts only", "text"),
            (true, false) => ("Calls as well", "both"),
            (false, _) => ("Texts as well", "both"),
        };
        actions.push(button("channels", label).with("channels", channels));
    }
    if of > 1 {
        actions.push(button("remove", "Remove").dangerous());
    }
    let zone = visitor.zone();
    let note = match (rests_until, deliveries::find_last(&cx.app.db, phone.id).await?) {
        (Some(until), _) => Some(format!("Rests until {}: no login takes it before.", When::date(until, &zone).text)),
        (None, Some((state, at))) => {
            delivered(Language::English, state, &When::new(at, cx.now, &zone).text).map(|words| format!("{words}."))
        }
        (None, None) => None,
    };
    let channels = match (phone.text, phone.voice) {
        (true, true) => "Texts and calls",
        (true, false) => "Texts",
        (false, _) => "Calls",
    };
    Ok(NumberRow {
        masked: phone.masked.clone(),
        channels: channels.to_owned(),
        preferred: phone.preferred,
        note,
        actions,
    })
}

/// What became of the last code, and when.
pub(in crate::account) fn delivered(language: Language, state: DeliveryState, when: &str) -> Option<String> {
    let key = match state {
        DeliveryState::Delivered => "phone-delivered",
        DeliveryState::Failed => "phone-refused",
        DeliveryState::Sending | DeliveryState::Sent => return None,
    };
    Some(language.say(key, [("when", when.into())]))
}

/// The form for another number. Where the person's language names a country, numbers are dialled there.
async fn add_form(cx: &Cx, visitor: &Visitor, credential: &Credential, typed: Typed<'_>) -> Result<PageForm, Fault> {
    // Whoever mends what was typed goes on in the same form.
    let opened = match typed.opened {
        "" => first_text::proof(cx, &form_binding(visitor, credential)),
        kept => kept.to_owned(),
    };
    let locale = visitor.person.claims.locale.as_deref();
    let policy = phones::policy(cx)?;
    let domestic = reach(cx, credential).await? == stepgate_core::contact::Reach::Domestic;
    let offered = policy.countries.iter().filter(|country| !domestic || country.is_domestic_to(policy.home));
    let mut countries: Vec<(String, String)> = offered.map(|country| (country.to_string(), words(*country))).collect();
    countries.sort_by(|one, other| one.1.cmp(&other.1));
    let region = locale.and_then(|locale| locale.rsplit_once(['-', '_'])).map_or("", |(_, region)| region);
    let usual = if countries.iter().any(|(code, _)| code == region) { region } else { policy.home.as_str() };
    let country = if typed.country.is_empty() { usual } else { typed.country };
    let mut number = Field::required("number", "Number", Control::Telephone, typed.number)
        .help("As you dial it there, or with + and the country code.");
    number.error = typed.number_error;
    let mut fields = vec![
        Field::required("credential", "", Control::Hidden, credential.id.to_string()),
        Field::required("opened", "", Control::Hidden, opened),
        Field::required("country", "Country", Control::Select(countries), country),
        number,
        Field::optional("comment", "Leave this empty", Control::Trap, ""),
    ];
    if cx.app.outbound.calls() {
        let ways =
            [("text", "By text"), ("voice", "By a call")].map(|(value, words)| (value.to_owned(), words.to_owned()));
        let channel = if typed.channel.is_empty() { "text" } else { typed.channel };
        fields.push(Field::required("channel", "How do codes come?", Control::Select(ways.to_vec()), channel));
    }
    let mut form = PageForm::main("/account/otp/phones", "Send a code to this number", fields);
    form.error = typed.error;
    Ok(form)
}

fn words(country: Country) -> String {
    let name = country.name();
    country.calling_code().map_or_else(|| name.to_owned(), |code| format!("{name} (+{code})"))
}

/// Asks for the code that went to a new number.
pub(super) async fn verify(
    cx: &Cx,
    visitor: &Visitor,
    (credential, phone): (&Credential, &Phone),
    binding: &str,
    error: Option<String>,
) -> Result<Response, PageFailure> {
    let latest = challenges::latest_phone_challenge(&cx.app.db, binding).await?;
    let zone = visitor.zone();
    let (mut seconds_left, mut resend_from, mut delivery) = (0, None, None);
    if let Some(latest) = &latest {
        seconds_left = latest.expires_at.since(cx.now).as_secs();
        resend_from = Some(codes::resend_at(cx, latest.sent_at)).filter(|at| cx.now < *at);
        let state = deliveries::find_state(&cx.app.db, latest.id).await?;
        delivery = receipt::line(Language::English, state, latest.channel == "voice", receipt::Place::NewNumber);
    }
    let page = PhoneCodePage {
        layout: visitor.layout(cx, "Check your number", Section::ManageOtp),
        masked: phone.masked.clone(),
        voice: phone.voice,
        phone: phone.id.to_string(),
        seconds_left,
        resend_from: resend_from.map(|at| When::clock(at, &zone)),
        delivery,
        error,
        back: Action::link("cancel", "Another number", format!("/account/otp/phones?credential={}", credential.id)),
    };
    Ok(pages::respond(StatusCode::OK, &page))
}
