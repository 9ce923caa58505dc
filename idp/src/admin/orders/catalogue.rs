//! What is sold: prices, who is sold to, what is withdrawn, and the tax; over the configuration, which stays as it is.

use std::sync::Arc;

use axum::Router;
use axum::extract::{Path, Query};
use axum::http::StatusCode;
use axum::response::Response;
use axum::routing::get;
use serde_json::Value;
use stepgate_core::subscriptions::money::Money;
use stepgate_core::subscriptions::product::Product;
use stepgate_store::catalogue::{self as store, EVERYTHING};
use stepgate_store::people;

use super::super::access::{Act, Place};
use super::super::{Administrator, ListQuery, enter};
use super::section;
use crate::account::confirm::{self, ONCE_MORE, Typed};
use crate::app::App;
use crate::audit::{self, Event};
use crate::cx::Cx;
use crate::fault::Fault;
use crate::http::extract::{Browser, Form};
use crate::http::page::{PageFailure, see_other};
use crate::pages::admin::{DetailPage, ListPage};
use crate::pages::form::{Control, Field, Form as PageForm};
use crate::pages::table::{Cell, Table};
use crate::pages::{self, Action, Tone};
use crate::shop::catalogue::{ProductChange, TaxChange};
use crate::shop::{Catalogue, catalogue};

pub(super) fn routes() -> Router<Arc<App>> {
    Router::new()
        .route("/admin/catalogue", get(get_catalogue))
        .route("/admin/catalogue/{product}", get(get_product).post(post_product))
}

/// The page of what concerns all products. No product has this name: it begins with a capital letter.
const TAX: &str = "Tax";

fn path(name: &str) -> String {
    format!("/admin/catalogue/{name}")
}

async fn get_catalogue(cx: Cx, browser: Browser, Query(query): Query<ListQuery>) -> Response {
    let shown = async {
        let administrator = enter(&cx, &browser, Place::Orders, Act::Edit).await?;
        let catalogue = catalogue(&cx).await?;
        let known = partners(&cx).await?;
        let row = |product: &Product| {
            let price = |price: Option<Money>| Cell::text(price.map_or_else(String::new, |price| price.to_string()));
            let state = if product.withdrawn { (Tone::Neutral, "Withdrawn") } else { (Tone::Ok, "Sold") };
            vec![
                Cell::link(format!("/admin/catalogue/{}", product.id), product.name.clone()),
                price(product.price(catalogue.currency)),
                price(product.renewal_price(catalogue.currency)),
                match product.partners.iter().find(|name| !known.contains(name)) {
                    Some(name) => Cell::State(Tone::Danger, format!("There is no partner {name}")),
                    None => Cell::text(product.partners.join(", ")),
                },
                Cell::State(state.0, state.1.to_owned()),
            ]
        };
        let columns = ["Product", "First year", "Another year", "Only for people of", "State"];
        let table =
            Table::new(&columns, catalogue.products.iter().map(row).collect(), "The configuration has no products.");
        let page = ListPage {
            layout: administrator.layout(&cx, "Catalogue", Place::Orders),
            page: "admin-catalogue",
            heading: "Catalogue".to_owned(),
            filter: Vec::new(),
            table,
            actions: vec![
                Action::link("tax", "Tax", format!("/admin/catalogue/{TAX}")),
                Action::link("orders", "Orders", "/admin/orders"),
            ],
            done: (query.done == "saved")
                .then(|| "Saved. It counts from now on; what was ordered before keeps its price.".to_owned()),
        };
        Ok(pages::respond(StatusCode::OK, &page))
    };
    shown.await.unwrap_or_else(|failure: PageFailure| failure.respond(&cx))
}

/// The names of all partners.
async fn partners(cx: &Cx) -> Result<Vec<String>, Fault> {
    Ok(people::list_partners(&cx.app.db).await?.into_iter().map(|partner| partner.name).collect())
}

fn amount(price: Option<Money>) -> String {
    price.map_or_else(String::new, |price| price.to_string().split(' ').next().unwrap_or_default().to_owned())
}

fn tick(on: bool) -> &'static str {
    if on { "1" } else { "" }
}

fn fields(catalogue: &Catalogue, name: &str) -> Option<Vec<Field>> {
    if name == TAX {
        let points = catalogue.tax_basis_points;
        return Some(vec![
            Field::required("tax_name", "What the tax is called", Control::Text, catalogue.tax_name.clone()),
            Field::required(
                "tax_basis_points",
                "The tax, in hundredths of a percent",
                Control::Text,
                points.to_string(),
            )
            .help("1900 is 19 %. Orders that were placed keep theirs."),
        ]);
    }
    let product = catalogue.named(name)?;
    let currency = catalogue.currency;
    let mut fields = vec![Field::required(
        "price",
        format!("First year, in {currency}"),
        Control::Text,
        amount(product.price(currency)),
    )];
    if !product.kinds.is_empty() {
        let renewal = amount(product.renewal_price(currency));
        fields.push(Field::required("renewal_price", format!("Another year, in {currency}"), Control::Text, renewal));
    }
    let partners =
        Field::optional("partners", "Only for people of these partners", Control::Lines, product.partners.join("\n"));
    fields.push(partners.help("One name a line; empty: for everybody."));
    fields.push(Field::optional("withdrawn", "Not sold any more", Control::Tick, tick(product.withdrawn)));
    Some(fields)
}

/// How often it was changed: what the form shows must still hold when it is saved.
async fn version(cx: &Cx, name: &str) -> Result<i64, Fault> {
    let known = store::list_overrides(&cx.app.db).await?;
    Ok(known.iter().find(|known| known.product == kept(name)).map_or(0, |known| known.version))
}

fn kept(name: &str) -> &str {
    if name == TAX { EVERYTHING } else { name }
}

fn page(
    cx: &Cx,
    administrator: &Administrator,
    (name, heading): (&str, String),
    (read, mut fields): (i64, Vec<Field>),
    whole: Option<String>,
) -> DetailPage {
    let path = path(name);
    fields.push(Field::required("version", "", Control::Hidden, read.to_string()));
    let mut form = PageForm::main(path, "Save", fields);
    form.error = whole;
    DetailPage {
        layout: administrator.layout(cx, "Catalogue", Place::Orders),
        page: "admin-product",
        heading,
        state: None,
        facts: vec![("Name in orders".to_owned(), Cell::Code(name.to_owned()))],
        sections: vec![section("Change", None, vec![form])],
        back: Action::link("back", "Catalogue", "/admin/catalogue"),
        done: None,
        secret: None,
    }
}

fn heading(catalogue: &Catalogue, name: &str) -> String {
    catalogue.named(name).map_or_else(|| "Tax".to_owned(), |product| product.name.clone())
}

async fn get_product(cx: Cx, browser: Browser, Path(name): Path<String>) -> Response {
    let shown = async {
        let administrator = enter(&cx, &browser, Place::Orders, Act::Edit).await?;
        let catalogue = catalogue(&cx).await?;
        let mut fields = fields(&catalogue, &name).ok_or(PageFailure::NotFound)?;
        let mut read = version(&cx, &name).await?;
        let kept = confirm::kept(&cx, &browser, (&administrator.visitor, &path(&name))).await?;
        if let Some(typed) = &kept {
            for shown in &mut fields {
                typed.get(&shown.name).clone_into(&mut shown.value);
            }
            fields.extend((typed.get(FREE) == "1").then(|| Field::optional(FREE, NOTHING, Control::Tick, "1")));
            read = typed.get("version").parse().unwrap_or(read);
        }
        let page = page(&cx, &administrator, (&name, heading(&catalogue, &name)), (read, fields), None);
        let done = kept.map(|_| ONCE_MORE.to_owned());
        Ok(pages::respond(StatusCode::OK, &DetailPage { done, ..page }))
    };
    shown.await.unwrap_or_else(|failure: PageFailure| failure.respond(&cx))
}

async fn post_product(Path(name): Path<String>, form: Form) -> Response {
    let cx = form.cx.clone();
    let done = async {
        let administrator = enter(&cx, &form.browser, Place::Orders, Act::Edit).await?;
        let catalogue = catalogue(&cx).await?;
        let mut fields = fields(&catalogue, &name).ok_or(PageFailure::NotFound)?;
        let read_version: i64 = form.get("version").parse().unwrap_or(-1);
        let configured = cx.app.settings.subscriptions.products();
        let configured = configured.iter().find(|product| product.id.as_str() == name);
        let change = match read(&catalogue, (configured, &partners(&cx).await?), &name, &form) {
            Ok(change) => change,
            Err((field, text)) => {
                for shown in &mut fields {
                    form.get(&shown.name).clone_into(&mut shown.value);
                    shown.error = (shown.name == field).then(|| text.clone());
                }
                let shown = (read_version, fields);
                let page = page(&cx, &administrator, (&name, heading(&catalogue, &name)), shown, None);
                return Ok(pages::respond(StatusCode::UNPROCESSABLE_ENTITY, &page));
            }
        };
        if let Some(asked) = free(&catalogue, &name, &form) {
            for shown in &mut fields {
                form.get(&shown.name).clone_into(&mut shown.value);
            }
            fields.push(asked);
            let shown = (read_version, fields);
            let page = page(&cx, &administrator, (&name, heading(&catalogue, &name)), shown, None);
            return Ok(pages::respond(StatusCode::UNPROCESSABLE_ENTITY, &page));
        }
        let typed = Typed::of(form.every());
        confirm::confirm(&cx, &form.browser, (&administrator.visitor, &path(&name)), &typed).await?;
        if save(&cx, &administrator, (&name, read_version), &change).await? {
            return Ok(see_other("/admin/catalogue?done=saved"));
        }
        conflict(&cx, &administrator, &name, &form).await
    };
    done.await.unwrap_or_else(|failure: PageFailure| failure.respond(&cx))
}

const FREE: &str = "free";
const NOTHING: &str = "It costs nothing";

/// The question whether a price of zero is meant: a key left out gives away what was sold until now. Nothing is asked about
/// what cost nothing before.
fn free(catalogue: &Catalogue, name: &str, form: &Form) -> Option<Field> {
    let product = catalogue.named(name)?;
    let currency = catalogue.currency;
    let zero = |field: &str, before: Option<Money>| {
        let now = Money::parse(form.get(field), currency).is_ok_and(|price| price.minor == 0);
        now && before.is_none_or(|before| before.minor != 0)
    };
    let first = zero("price", product.price(currency));
    let another = !product.kinds.is_empty() && zero("renewal_price", product.renewal_price(currency));
    let what = match (first, another) {
        (true, true) => "Both years are",
        (true, false) => "The first year is",
        (false, true) => "Another year is",
        (false, false) => return None,
    };
    let question = format!("{what} priced at zero: whoever sees it has it without paying. Tick this if that is meant.");
    (form.get(FREE) != "1").then(|| Field::optional(FREE, NOTHING, Control::Tick, "").error(question))
}

/// Somebody else saved meanwhile: what was typed stays, and beside it stands what is saved now.
async fn conflict(cx: &Cx, administrator: &Administrator, name: &str, form: &Form) -> Result<Response, PageFailure> {
    let catalogue = catalogue(cx).await?;
    let mut fields = fields(&catalogue, name).ok_or(PageFailure::NotFound)?;
    for shown in &mut fields {
        let typed = form.get(&shown.name);
        let same = shown.value.lines().map(str::trim).eq(typed.lines().map(str::trim));
        if !same {
            let now = match (&shown.control, shown.value.as_str()) {
                (Control::Tick, "1") => "ticked".to_owned(),
                (Control::Tick, _) => "not ticked".to_owned(),
                (_, "") => "empty".to_owned(),
                (_, value) => format!("\u{201c}{}\u{201d}", value.replace('\n', ", ")),
            };
            shown.error = Some(format!("Saved meanwhile: {now}."));
        }
        typed.clone_into(&mut shown.value);
    }
    let whole = "Somebody else saved this while you had it open. Nothing of yours is lost: compare, then save again.";
    let shown = (version(cx, name).await?, fields);
    let page = page(cx, administrator, (name, heading(&catalogue, name)), shown, Some(whole.to_owned()));
    Ok(pages::respond(StatusCode::CONFLICT, &page))
}

type Wrong = (&'static str, String);

/// What is kept of what was typed: only what is not as the configuration has it, so that what changes there later counts.
fn read(
    catalogue: &Catalogue,
    (configured, known): (Option<&Product>, &[String]),
    name: &str,
    form: &Form,
) -> Result<Value, Wrong> {
    let written = |change| serde_json::to_value(change).unwrap_or_default();
    if name == TAX {
        let called = form.get("tax_name");
        if !(1..=40).contains(&called.chars().count()) {
            return Err(("tax_name", "Write 1 to 40 characters.".to_owned()));
        }
        let points = form.get("tax_basis_points").parse().ok().filter(|points| *points <= 10_000_u32);
        let points = points.ok_or_else(|| ("tax_basis_points", "Write a whole number from 0 to 10000.".to_owned()))?;
        let change = TaxChange { tax_name: Some(called.to_owned()), tax_basis_points: Some(points) };
        return Ok(serde_json::to_value(change).unwrap_or_default());
    }
    let price = |field: &'static str| {
        let read = Money::parse(form.get(field), catalogue.currency).map_err(|error| (field, error.to_string()))?;
        if read.minor > 100_000_000 { Err((field, "This is too much.".to_owned())) } else { Ok(read.minor) }
    };
    let renews = catalogue.named(name).is_some_and(|product| !product.kinds.is_empty());
    let partners: Vec<String> =
        form.get("partners").lines().map(str::trim).filter(|line| !line.is_empty()).map(str::to_owned).collect();
    if let Some(unknown) = partners.iter().find(|name| !known.contains(name)) {
        let text = format!("There is no partner called {unknown}. Write the name as the list of partners has it.");
        return Err(("partners", text));
    }
    let withdrawn = form.get("withdrawn") == "1";
    let (price, renewal) = (price("price")?, if renews { Some(price("renewal_price")?) } else { None });
    let currency = catalogue.currency;
    let as_before = |minor: i64, configured: Option<Money>| configured.is_some_and(|it| it.minor == minor);
    let first = configured.and_then(|product| product.price(currency));
    let another = configured.and_then(|product| product.renewal_price(currency));
    Ok(written(ProductChange {
        withdrawn: Some(withdrawn).filter(|it| configured.is_none_or(|product| product.withdrawn != *it)),
        price: Some(price).filter(|minor| !as_before(*minor, first)),
        renewal_price: renewal.filter(|minor| !as_before(*minor, another)),
        partners: Some(partners).filter(|it| configured.is_none_or(|product| product.partners != *it)),
    }))
}

/// `false`: it was changed since it was read.
async fn save(
    cx: &Cx,
    administrator: &Administrator,
    (name, read): (&str, i64),
    change: &Value,
) -> Result<bool, Fault> {
    let by = administrator.visitor.person.id;
    let transaction = cx.app.db.begin().await?;
    if !store::save_override(&transaction, (kept(name), change, read), by, cx.now).await? {
        return Ok(false);
    }
    let data = serde_json::json!({ "product": name, "change": change });
    audit::record(cx, &transaction, Event { actor: Some(by), ..Event::new("catalogue.changed").data(data) }).await?;
    transaction.commit().await?;
    Ok(true)
}
