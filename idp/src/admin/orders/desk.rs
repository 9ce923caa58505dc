//! Vouchers: made, and withdrawn.

use std::sync::Arc;

use axum::Router;
use axum::extract::{Path, Query};
use axum::http::StatusCode;
use axum::response::Response;
use axum::routing::{get, post};
use serde::Deserialize;
use stepgate_core::id::VoucherId;
use stepgate_core::subscriptions::checkout::quantity;
use stepgate_core::subscriptions::term::days_after;
use stepgate_store::reports;
use stepgate_store::vouchers::{self, Voucher};

use super::super::access::{Act, Place};
use super::super::{Administrator, enter, payers};
use super::section;
use crate::account::confirm::{self, ONCE_MORE, Typed};
use crate::app::App;
use crate::cx::Cx;
use crate::fault::Fault;
use crate::http::extract::{Browser, Form};
use crate::http::page::{PageFailure, see_other};
use crate::pages::admin::DetailPage;
use crate::pages::form::{Control, Field, Form as PageForm};
use crate::pages::table::{Cell, Table};
use crate::pages::{self, Action, Tone, When};
use crate::shop::vouchers::{self as shop_vouchers, NewVoucher};
use crate::shop::{Catalogue, catalogue};

pub(super) fn routes() -> Router<Arc<App>> {
    Router::new()
        .route("/admin/vouchers", get(get_vouchers).post(post_voucher))
        .route("/admin/vouchers/{id}", get(get_voucher))
        .route("/admin/vouchers/{id}/withdraw", post(post_withdraw))
}

const PATH: &str = "/admin/vouchers";

#[derive(Deserialize, Default)]
#[serde(default)]
struct Said {
    done: String,
}

async fn get_vouchers(cx: Cx, browser: Browser) -> Response {
    let shown = async {
        let administrator = enter(&cx, &browser, Place::Orders, Act::Edit).await?;
        let kept = confirm::kept(&cx, &browser, (&administrator.visitor, PATH)).await?;
        let fields = voucher_fields(&cx, &administrator, kept.as_ref(), &[]).await?;
        let page = vouchers_page(&cx, &administrator, fields, None).await?;
        let done = kept.is_some().then(|| ONCE_MORE.to_owned());
        Ok(pages::respond(StatusCode::OK, &DetailPage { done, ..page }))
    };
    shown.await.unwrap_or_else(|failure: PageFailure| failure.respond(&cx))
}

fn products(catalogue: &Catalogue) -> Vec<(String, String)> {
    let mut all = vec![(String::new(), "Any product".to_owned())];
    all.extend(catalogue.products.iter().map(|product| (product.id.to_string(), product.name.clone())));
    all
}

async fn voucher_fields(
    cx: &Cx,
    administrator: &Administrator,
    typed: Option<&Typed>,
    errors: &[(&str, &str)],
) -> Result<Vec<Field>, Fault> {
    let value =
        |name: &str, default: &str| typed.map_or_else(|| default.to_owned(), |typed| typed.get(name).to_owned());
    let products = products(&catalogue(cx).await?);
    let known = payers::list(cx, &administrator.scope).await?;
    let mut fields = vec![
        Field::required("uses", "Keys that it pays", Control::Text, value("uses", "1")).help("1 to 500."),
        Field::required("product", "Product", Control::Select(products), value("product", "")),
    ];
    fields.extend(payers::fields(("Paid by", Some("Nobody in particular")), &known, &|name| value(name, "")));
    fields.extend([
        Field::required("days", "Days until it ends", Control::Text, value("days", "365")),
        Field::optional("note", "What it is for", Control::Text, value("note", "")),
    ]);
    for field in &mut fields {
        field.error = errors.iter().find(|(name, _)| *name == field.name).map(|(_, text)| (*text).to_owned());
    }
    Ok(fields)
}

fn state(cx: &Cx, voucher: &Voucher) -> (Tone, &'static str) {
    match voucher {
        Voucher { withdrawn_at: Some(_), .. } => (Tone::Neutral, "Withdrawn"),
        Voucher { expires_at, .. } if *expires_at <= cx.now => (Tone::Neutral, "Ended"),
        Voucher { remaining: 0, .. } => (Tone::Neutral, "Used up"),
        _ => (Tone::Ok, "Good"),
    }
}

async fn vouchers_page(
    cx: &Cx,
    administrator: &Administrator,
    fields: Vec<Field>,
    secret: Option<String>,
) -> Result<DetailPage, Fault> {
    let zone = administrator.visitor.zone();
    let found = vouchers::list_vouchers(&cx.app.db).await?;
    let row = |voucher: &Voucher| {
        let (tone, word) = state(cx, voucher);
        let name = if voucher.note.is_empty() { "Voucher" } else { &voucher.note };
        vec![
            Cell::link(format!("{PATH}/{}", voucher.id), name),
            Cell::text(voucher.product.as_ref().map_or_else(|| "Any".to_owned(), ToString::to_string)),
            Cell::text(format!("{} of {}", voucher.remaining, voucher.uses)),
            Cell::State(tone, word.to_owned()),
            Cell::Time(When::date(voucher.expires_at, &zone)),
        ]
    };
    let columns = ["For", "Product", "Left", "State", "Ends"];
    let table = Table::new(&columns, found.iter().map(row).collect(), "No vouchers.");
    let form = PageForm::main(PATH, "Make a voucher", fields);
    Ok(DetailPage {
        layout: administrator.layout(cx, "Vouchers", Place::Orders),
        page: "admin-vouchers",
        heading: "Vouchers".to_owned(),
        state: None,
        facts: Vec::new(),
        sections: vec![
            section("Vouchers that were made", Some(table), Vec::new()),
            section("Make a voucher", None, vec![form]),
        ],
        back: Action::link("back", "Orders", "/admin/orders"),
        done: None,
        secret: secret.map(|code| ("The voucher".to_owned(), code)),
    })
}

async fn post_voucher(form: Form) -> Response {
    let cx = form.cx.clone();
    let done = async {
        let administrator = enter(&cx, &form.browser, Place::Orders, Act::Edit).await?;
        let typed = Typed::of(form.every());
        confirm::confirm(&cx, &form.browser, (&administrator.visitor, PATH), &typed).await?;
        let new = match read(&cx, &administrator, &typed).await? {
            Ok(new) => new,
            Err(errors) => {
                let fields = voucher_fields(&cx, &administrator, Some(&typed), &errors).await?;
                let page = vouchers_page(&cx, &administrator, fields, None).await?;
                return Ok(pages::respond(StatusCode::UNPROCESSABLE_ENTITY, &page));
            }
        };
        let code = shop_vouchers::create(&cx, new, administrator.visitor.person.id).await?;
        let fields = voucher_fields(&cx, &administrator, None, &[]).await?;
        let page = vouchers_page(&cx, &administrator, fields, Some(code.expose().clone())).await?;
        Ok(pages::respond(StatusCode::OK, &page))
    };
    done.await.unwrap_or_else(|failure: PageFailure| failure.respond(&cx))
}

type Errors = Vec<(&'static str, &'static str)>;

async fn read(cx: &Cx, administrator: &Administrator, typed: &Typed) -> Result<Result<NewVoucher, Errors>, Fault> {
    let get = |name: &str| typed.get(name).trim();
    let mut errors = Vec::new();
    let uses = quantity(get("uses")).unwrap_or(0);
    if uses == 0 {
        errors.push(("uses", "Write a whole number from 1 to 500."));
    }
    let days = get("days").parse::<u16>().unwrap_or(0);
    if !(1..=1825).contains(&days) {
        errors.push(("days", "Write a whole number from 1 to 1825."));
    }
    if get("note").chars().count() > 200 {
        errors.push(("note", "Write at most 200 characters."));
    }
    let product = catalogue(cx).await?.named(get("product")).map(|product| product.id.clone());
    if product.is_none() && !get("product").is_empty() {
        errors.push(("product", "Choose one of these products."));
    }
    let sponsor = match payers::chosen(cx, &administrator.scope, &|name| typed.get(name).to_owned()).await? {
        Ok(sponsor) => sponsor.map(|(sponsor, _)| sponsor),
        Err(error) => {
            errors.push(error);
            None
        }
    };
    if !errors.is_empty() {
        return Ok(Err(errors));
    }
    let expires_at = days_after(cx.now, days);
    Ok(Ok(NewVoucher { uses, product, sponsor, note: get("note").to_owned(), expires_at }))
}

async fn find(cx: &Cx, id: &str) -> Result<Voucher, PageFailure> {
    let Ok(id) = id.parse::<VoucherId>() else { return Err(PageFailure::NotFound) };
    vouchers::find_voucher(&cx.app.db, id).await?.ok_or(PageFailure::NotFound)
}

async fn get_voucher(cx: Cx, browser: Browser, Path(id): Path<String>, Query(said): Query<Said>) -> Response {
    let shown = async {
        let administrator = enter(&cx, &browser, Place::Orders, Act::Edit).await?;
        let voucher = find(&cx, &id).await?;
        let path = format!("{PATH}/{}", voucher.id);
        let done = match said.done.as_str() {
            "withdrawn" => Some("It is withdrawn: nobody can pay with it any more."),
            "before" => Some("Nothing was changed: it was withdrawn before."),
            _ => confirm::kept(&cx, &browser, (&administrator.visitor, &path)).await?.map(|_| ONCE_MORE),
        };
        let page = voucher_page(&cx, &administrator, &voucher).await?;
        Ok(pages::respond(StatusCode::OK, &DetailPage { done: done.map(str::to_owned), ..page }))
    };
    shown.await.unwrap_or_else(|failure: PageFailure| failure.respond(&cx))
}

async fn voucher_page(cx: &Cx, administrator: &Administrator, voucher: &Voucher) -> Result<DetailPage, Fault> {
    let zone = administrator.visitor.zone();
    let (tone, word) = state(cx, voucher);
    let payer = match voucher.sponsor {
        Some(sponsor) => reports::find_sponsor_name(&cx.app.db, sponsor).await?.unwrap_or_default(),
        None => "Nobody in particular".to_owned(),
    };
    let facts = [
        ("Product", Cell::text(voucher.product.as_ref().map_or_else(|| "Any".to_owned(), ToString::to_string))),
        ("Paid by", Cell::text(payer)),
        ("Left", Cell::text(format!("{} of {}", voucher.remaining, voucher.uses))),
        ("Made", Cell::Time(When::new(voucher.created_at, cx.now, &zone))),
        ("Ends", Cell::Time(When::date(voucher.expires_at, &zone))),
        ("Withdrawn", Cell::time(voucher.withdrawn_at.map(|at| When::new(at, cx.now, &zone)))),
    ];
    let mut sections = Vec::new();
    if voucher.withdrawn_at.is_none() {
        let effect = format!(
            "Nobody can pay with it any more, and it cannot be made good again: the {} uses that are left are gone. Orders \
             that it paid stay paid.",
            voucher.remaining
        );
        let path = format!("{PATH}/{}/withdraw", voucher.id);
        let form = PageForm::side("withdraw", path, "Withdraw", Vec::new()).dangerous(effect);
        sections.push(section("Withdraw", None, vec![form]));
    }
    Ok(DetailPage {
        layout: administrator.layout(cx, "Voucher", Place::Orders),
        page: "admin-voucher",
        heading: if voucher.note.is_empty() { "Voucher".to_owned() } else { voucher.note.clone() },
        state: Some((tone, word.to_owned())),
        facts: facts.into_iter().map(|(label, cell)| (label.to_owned(), cell)).collect(),
        sections,
        back: Action::link("back", "Vouchers", PATH),
        done: None,
        secret: None,
    })
}

async fn post_withdraw(Path(id): Path<String>, form: Form) -> Response {
    let cx = form.cx.clone();
    let done = async {
        let administrator = enter(&cx, &form.browser, Place::Orders, Act::Edit).await?;
        let voucher = find(&cx, &id).await?;
        let path = format!("{PATH}/{}", voucher.id);
        confirm::confirm(&cx, &form.browser, (&administrator.visitor, &path), &Typed::default()).await?;
        let withdrawn = shop_vouchers::withdraw(&cx, voucher.id, administrator.visitor.person.id).await?;
        Ok(see_other(&format!("{path}?done={}", if withdrawn { "withdrawn" } else { "before" })))
    };
    done.await.unwrap_or_else(|failure: PageFailure| failure.respond(&cx))
}
