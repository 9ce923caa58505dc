//! *I have a license key*: typed, or handed over; and *Activate* for keys that are the person's.

use std::sync::Arc;

use axum::Router;
use axum::http::StatusCode;
use axum::response::Response;
use axum::routing::{get, post};
use stepgate_core::assurance::CredentialState;
use stepgate_core::authorize::interaction::PortalPage;
use stepgate_core::credentials::Credential;
use stepgate_core::subscriptions::license_key::LicenseKey;
use stepgate_store::license_keys;

use super::{Visitor, visit};
use crate::app::App;
use crate::cx::Cx;
use crate::fault::Fault;
use crate::http::extract::{Browser, Form};
use crate::http::page::{PageFailure, see_other, with_browser};
use crate::pages::admin::DetailSection;
use crate::pages::form::{Control, Field, Form as PageForm};
use crate::pages::sections::SectionsPage;
use crate::pages::table::{Cell, Table};
use crate::pages::{self, Action, Section, When};
use crate::subscriptions::{self, NotRedeemed, is_renewable, name_of, verified_mail};

pub(super) fn routes() -> Router<Arc<App>> {
    Router::new()
        .route("/account/otp/license", get(get_license).post(post_license))
        .route("/account/otp/license/activate", post(post_activate))
}

/// What was typed, and what is wrong with it.
#[derive(Default)]
struct Typed<'a> {
    key: &'a str,
    error: Option<String>,
}

async fn get_license(cx: Cx, browser: Browser) -> Response {
    let shown = async {
        let visitor = visit(&cx, &browser, PortalPage::License).await?;
        Ok(with_browser(&cx, &browser, page(&cx, &visitor, Typed::default()).await?))
    };
    shown.await.unwrap_or_else(|failure: PageFailure| failure.respond(&cx))
}

/// A table of keys that are the person's, each with its button.
pub(super) fn table(cx: &Cx, visitor: &Visitor, keys: &[LicenseKey]) -> Table {
    let zone = visitor.zone();
    let rows = keys.iter().map(|key| {
        let id = key.id.to_string();
        let button = Action::post(format!("use-{id}"), "Use it", "/account/otp/license/activate").with("id", id);
        vec![
            Cell::text(name_of(cx, key)),
            Cell::Code(subscriptions::key_letters(&cx.app, key.id).expose().clone()),
            Cell::Time(When::date(key.purchased_at, &zone)),
            Cell::Button(button),
        ]
    });
    Table::new(&["Product", "Key", "Bought", ""], rows.collect(), "Nobody has handed you a key.")
}

async fn page(cx: &Cx, visitor: &Visitor, typed: Typed<'_>) -> Result<Response, PageFailure> {
    let keys = &visitor.keys;
    let mut field = Field::required("key", "License key", Control::Text, typed.key)
        .help("As you got it. Capital letters, hyphens and spaces do not matter.");
    field.error = typed.error;
    let mut sections = Vec::new();
    if !keys.is_empty() {
        let table = Some(table(cx, visitor, keys));
        sections.push(DetailSection { heading: "Keys for you".to_owned(), table, forms: Vec::new() });
    }
    sections.push(DetailSection {
        heading: if keys.is_empty() { "Your key" } else { "Another key" }.to_owned(),
        table: None,
        forms: vec![PageForm::main("/account/otp/license", "Use it", vec![field])],
    });
    let own = keys.iter().any(|key| key.purchaser == Some(visitor.person.id));
    let effect = if own { " An order is not taken back any more once a key of it was used." } else { "" };
    let page = SectionsPage {
        layout: visitor.layout(cx, "I have a license key", Section::ManageOtp),
        page: "license",
        heading: "I have a license key".to_owned(),
        lead: format!("It becomes yours, and you can set it up at once. A key is used once.{effect}"),
        note: None,
        actions: vec![Action::link("keys", "Keys that I bought", "/account/otp/keys")],
        sections,
        back: Action::link("cancel", "Manage OTP", "/account/otp"),
    };
    Ok(pages::respond(StatusCode::OK, &page))
}

async fn post_license(form: Form) -> Response {
    let cx = form.cx.clone();
    let done = async {
        let visitor = visit(&cx, &form.browser, PortalPage::License).await?;
        let typed = form.get("key");
        let key = match subscriptions::find_typed(&cx, &visitor.person, typed).await? {
            Ok(key) => key,
            Err(no) => return page(&cx, &visitor, Typed { key: typed, error: Some(no.to_string()) }).await,
        };
        // What was typed is carried along: the id alone opens no key that is anybody's.
        go_on(&form, &visitor, &key, ("key", typed)).await
    };
    done.await.unwrap_or_else(|failure: PageFailure| failure.respond(&cx))
}

async fn post_activate(form: Form) -> Response {
    let cx = form.cx.clone();
    let done = async {
        let visitor = visit(&cx, &form.browser, PortalPage::License).await?;
        let Ok(id) = form.get("id").parse() else { return Err(PageFailure::NotFound) };
        let key = license_keys::find_key(&cx.app.db, id).await?.ok_or(PageFailure::NotFound)?;
        let person = &visitor.person;
        let theirs = match (key.holder, &key.holder_mail) {
            (Some(holder), _) => holder == person.id,
            (None, Some(mail)) => verified_mail(person).as_ref() == Some(mail),
            (None, None) => key.purchaser == Some(person.id),
        };
        let redeemed = key.redeemed_by == Some(person.id) || key.purchaser == Some(person.id);
        if !theirs && !redeemed {
            return Err(PageFailure::NotFound);
        }
        if let Some(no) = subscriptions::judge(&cx, person, &key) {
            return page(&cx, &visitor, Typed { key: "", error: Some(no.to_string()) }).await;
        }
        go_on(&form, &visitor, &key, ("id", form.get("id"))).await
    };
    done.await.unwrap_or_else(|failure: PageFailure| failure.respond(&cx))
}

/// What the key would renew in place of becoming something new: a renewal keeps device and proofing. And whether it does:
/// one that reaches less far than what is held does not.
async fn renewable<'a>(
    cx: &Cx,
    visitor: &'a Visitor,
    key: &LicenseKey,
) -> Result<Option<(&'a Credential, bool)>, Fault> {
    let [kind] = key.gives.kinds.as_slice() else { return Ok(None) };
    let mut held: Vec<_> = visitor.credentials.iter().filter(|held| held.kind == *kind).collect();
    held.retain(|held| held.state(cx.now) != CredentialState::Pending && is_renewable(cx, held));
    held.sort_by_key(|held| held.expires_at);
    for held in &held {
        if subscriptions::renews(cx, key, held).await? {
            return Ok(Some((held, true)));
        }
    }
    Ok(held.first().map(|held| (*held, false)))
}

/// Redeems; where something of the kind could be renewed, that is offered first.
async fn go_on(
    form: &Form,
    visitor: &Visitor,
    key: &LicenseKey,
    (source, value): (&'static str, &str),
) -> Result<Response, PageFailure> {
    let cx = &form.cx;
    let held = renewable(cx, visitor, key).await?;
    let no: NotRedeemed = match (form.get("way"), held) {
        ("", Some(held)) => return Ok(choice(cx, visitor, (key, held), (source, value))),
        ("renew", Some((held, true))) => match subscriptions::renew_by_key(cx, &visitor.person, (key, held)).await? {
            Ok(_) => {
                return Ok(see_other(&super::resume::way_on(cx, &form.browser, "/account/otp?done=renewed").await?));
            }
            Err(no) => no,
        },
        _ => match subscriptions::redeem(cx, &visitor.person, key).await? {
            Ok(redeemed) if redeemed.proofing => return Ok(see_other("/account/proofing")),
            Ok(_) => return Ok(see_other("/account/otp?done=redeemed")),
            Err(no) => no,
        },
    };
    page(cx, visitor, Typed { key: if source == "key" { value } else { "" }, error: Some(no.to_string()) }).await
}

fn choice(
    cx: &Cx,
    visitor: &Visitor,
    (key, (held, renews)): (&LicenseKey, (&Credential, bool)),
    (source, value): (&'static str, &str),
) -> Response {
    let path = if source == "key" { "/account/otp/license" } else { "/account/otp/license/activate" };
    let fields = |way: &str| {
        vec![Field::required(source, "", Control::Hidden, value), Field::required("way", "", Control::Hidden, way)]
    };
    let zone = visitor.zone();
    let rules = cx.app.settings.subscriptions.rules();
    let until = held.expires_at.map(|ends| When::date(rules.renewed(ends), &zone).text).unwrap_or_default();
    let renew = PageForm::main(path, format!("Renew {}", held.label), fields("renew"));
    let section = |heading: String, form| DetailSection { heading, table: None, forms: vec![form] };
    let (name, label) = (name_of(cx, key), &held.label);
    let anew = PageForm::side("new", path, "Set up a new one", fields("new"));
    let (heading, lead, sections) = if renews {
        let stays = if visitor.person.is_proofed(cx.now) { "device and your proofing stay" } else { "device stays" };
        let lead = format!(
            "This key ({name}) can renew your {label} until {until}: your {stays}. Or it becomes a new one, which you set \
             up from the start."
        );
        let sections = vec![section("Keep what you have".to_owned(), renew), section("Start anew".to_owned(), anew)];
        ("Renew what you have?", lead, sections)
    } else {
        let lead = format!(
            "This key ({name}) reaches fewer countries than your {label}, so it cannot renew that: renew it under Manage \
             OTP. The key can become a new one, which you set up from the start."
        );
        ("Set up a new one?", lead, vec![section("Start anew".to_owned(), anew)])
    };
    let page = SectionsPage {
        layout: visitor.layout(cx, "I have a license key", Section::ManageOtp),
        page: "license-choice",
        heading: heading.to_owned(),
        lead,
        note: None,
        actions: Vec::new(),
        sections,
        back: Action::link("cancel", "Manage OTP", "/account/otp"),
    };
    pages::respond(StatusCode::OK, &page)
}
