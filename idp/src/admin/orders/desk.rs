//! Vouchers and the accounts of sponsors.

use std::sync::Arc;

use axum::Router;
use axum::extract::Query;
use axum::http::StatusCode;
use axum::response::Response;
use axum::routing::{get, post};
use stepgate_core::id::VoucherId;
use stepgate_core::subscriptions::checkout::quantity;
use stepgate_core::subscriptions::money::Money;
use stepgate_core::subscriptions::order::Sponsor;
use stepgate_core::subscriptions::product::ProductId;
use stepgate_core::subscriptions::term::days_after;
use stepgate_store::vouchers::{self, Voucher};
use stepgate_store::{desk, people, sponsors};

use super::super::access::{Act, Place};
use super::super::{Administrator, ListQuery, enter};
use super::{section, sponsor_name};
use crate::app::App;
use crate::audit::{self, Event};
use crate::cx::Cx;
use crate::fault::Fault;
use crate::http::extract::{Browser, Form};
use crate::http::page::{PageFailure, see_other};
use crate::pages::admin::DetailPage;
use crate::pages::form::{Control, Field, Form as PageForm};
use crate::pages::table::{Cell, Table};
use crate::pages::{self, Action, Tone, When};
use crate::shop::checkout::{read_sponsor, sponsor_value};
use crate::shop::vouchers::{self as shop_vouchers, NewVoucher};
use crate::shop::{Catalogue, catalogue};

pub(super) fn routes() -> Router<Arc<App>> {
    Router::new()
        .route("/admin/vouchers", get(get_vouchers).post(post_voucher))
        .route("/admin/vouchers/withdraw", post(post_withdraw))
        .route("/admin/sponsors", get(get_sponsors).post(post_sponsor))
}

async fn get_vouchers(cx: Cx, browser: Browser) -> Response {
    let shown = async {
        let administrator = enter(&cx, &browser, Place::Orders, Act::Edit).await?;
        let fields = voucher_fields(&cx, None, &[]).await?;
        let page = vouchers_page(&cx, &administrator, fields, None).await?;
        Ok(pages::respond(StatusCode::OK, &page))
    };
    shown.await.unwrap_or_else(|failure: PageFailure| failure.respond(&cx))
}

/// Everybody who can be a sponsor.
async fn sponsors_known(cx: &Cx) -> Result<Vec<(String, String)>, Fault> {
    let organizations = people::list_organizations(&cx.app.db).await?.into_iter();
    let organizations = organizations.map(|known| (Sponsor::Organization(known.id), known.name));
    let partners = people::list_partners(&cx.app.db).await?.into_iter();
    let partners = partners.map(|known| (Sponsor::Partner(known.id), known.name));
    Ok(organizations.chain(partners).map(|(sponsor, name)| (sponsor_value(sponsor), name)).collect())
}

fn products(catalogue: &Catalogue) -> Vec<(String, String)> {
    let mut all = vec![(String::new(), "Any product".to_owned())];
    all.extend(catalogue.products.iter().map(|product| (product.id.to_string(), product.name.clone())));
    all
}

async fn voucher_fields(cx: &Cx, typed: Option<&Form>, errors: &[(&str, &str)]) -> Result<Vec<Field>, Fault> {
    let value = |name: &str, default: &str| typed.map_or_else(|| default.to_owned(), |form| form.get(name).to_owned());
    let mut sponsors = vec![(String::new(), "Nobody in particular".to_owned())];
    sponsors.extend(sponsors_known(cx).await?);
    let products = products(&catalogue(cx).await?);
    let mut fields = vec![
        Field::required("uses", "Keys that it pays", Control::Text, value("uses", "1")).help("1 to 500."),
        Field::required("product", "Product", Control::Select(products), value("product", "")),
        Field::optional("sponsor", "Paid by", Control::Select(sponsors), value("sponsor", "")),
        Field::required("days", "Days until it ends", Control::Text, value("days", "365")),
        Field::optional("note", "What it is for", Control::Text, value("note", "")),
    ];
    for field in &mut fields {
        field.error = errors.iter().find(|(name, _)| *name == field.name).map(|(_, text)| (*text).to_owned());
    }
    Ok(fields)
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
        let (tone, word) = match voucher {
            Voucher { withdrawn_at: Some(_), .. } => (Tone::Neutral, "Withdrawn"),
            Voucher { expires_at, .. } if *expires_at <= cx.now => (Tone::Neutral, "Ended"),
            Voucher { remaining: 0, .. } => (Tone::Neutral, "Used up"),
            _ => (Tone::Ok, "Good"),
        };
        let withdraw = Action::post(format!("withdraw-{}", voucher.id), "Withdraw", "/admin/vouchers/withdraw");
        let withdraw = Cell::Button(withdraw.with("voucher", voucher.id.to_string()).dangerous());
        vec![
            Cell::text(voucher.note.clone()),
            Cell::text(voucher.product.as_ref().map_or_else(|| "Any".to_owned(), ToString::to_string)),
            Cell::text(format!("{} of {}", voucher.remaining, voucher.uses)),
            Cell::State(tone, word.to_owned()),
            Cell::Time(When::date(voucher.expires_at, &zone)),
            if voucher.withdrawn_at.is_none() { withdraw } else { Cell::Empty },
        ]
    };
    let columns = ["For", "Product", "Left", "State", "Ends", ""];
    let table = Table::new(&columns, found.iter().map(row).collect(), "No vouchers.");
    let form = PageForm::main("/admin/vouchers", "Make a voucher", fields);
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
        let mut errors = Vec::new();
        let uses = quantity(form.get("uses")).unwrap_or(0);
        if uses == 0 {
            errors.push(("uses", "Write a whole number from 1 to 500."));
        }
        let days = form.get("days").parse::<u16>().unwrap_or(0);
        if !(1..=1825).contains(&days) {
            errors.push(("days", "Write a whole number from 1 to 1825."));
        }
        if form.get("note").chars().count() > 200 {
            errors.push(("note", "Write at most 200 characters."));
        }
        if !errors.is_empty() {
            let fields = voucher_fields(&cx, Some(&form), &errors).await?;
            let page = vouchers_page(&cx, &administrator, fields, None).await?;
            return Ok(pages::respond(StatusCode::UNPROCESSABLE_ENTITY, &page));
        }
        let new = NewVoucher {
            uses,
            product: ProductId::try_from(form.get("product").to_owned()).ok(),
            sponsor: read_sponsor(form.get("sponsor")),
            note: form.get("note").to_owned(),
            expires_at: days_after(cx.now, days),
        };
        let code = shop_vouchers::create(&cx, new, administrator.visitor.person.id).await?;
        let fields = voucher_fields(&cx, None, &[]).await?;
        let page = vouchers_page(&cx, &administrator, fields, Some(code.expose().clone())).await?;
        Ok(pages::respond(StatusCode::OK, &page))
    };
    done.await.unwrap_or_else(|failure: PageFailure| failure.respond(&cx))
}

async fn post_withdraw(form: Form) -> Response {
    let cx = form.cx.clone();
    let done = async {
        let administrator = enter(&cx, &form.browser, Place::Orders, Act::Edit).await?;
        let id: VoucherId = form.get("voucher").parse().map_err(|_| PageFailure::NotFound)?;
        shop_vouchers::withdraw(&cx, id, administrator.visitor.person.id).await?;
        Ok(see_other("/admin/vouchers"))
    };
    done.await.unwrap_or_else(|failure: PageFailure| failure.respond(&cx))
}

async fn get_sponsors(cx: Cx, browser: Browser, Query(query): Query<ListQuery>) -> Response {
    let shown = async {
        let administrator = enter(&cx, &browser, Place::Orders, Act::Edit).await?;
        let mut page = sponsors_page(&cx, &administrator, None).await?;
        page.done = (query.done == "saved").then(|| "Saved. What may be spent counts from now on.".to_owned());
        Ok(pages::respond(StatusCode::OK, &page))
    };
    shown.await.unwrap_or_else(|failure: PageFailure| failure.respond(&cx))
}

async fn sponsors_page(
    cx: &Cx,
    administrator: &Administrator,
    wrong: Option<(&Form, &str)>,
) -> Result<DetailPage, Fault> {
    let mut rows = Vec::new();
    for (kind, id, currency, most, used) in desk::list_accounts(&cx.app.db).await? {
        let (Some(sponsor), Ok(currency)) = (Sponsor::from_parts(&kind, id), currency.parse()) else { continue };
        let money = |minor: i64| Cell::text(Money::new(minor, currency).to_string());
        let name = sponsor_name(cx, sponsor).await?;
        rows.push(vec![Cell::text(name), Cell::text(kind), money(most), money(used), money(most - used)]);
    }
    let columns = ["Who", "Kind", "May be spent", "Spent", "Left"];
    let table = Table::new(&columns, rows, "No accounts.");
    let typed = |name: &str| wrong.map_or_else(String::new, |(form, _)| form.get(name).to_owned());
    let currency = catalogue(cx).await?.currency;
    let mut most = Field::required("most", format!("What may be spent, in {currency}"), Control::Text, typed("most"));
    most.error = wrong.map(|(_, text)| text.to_owned());
    let who = Control::Select(sponsors_known(cx).await?);
    let fields = vec![
        Field::required("sponsor", "Who", who, typed("sponsor")),
        most.help("As in 1000.00, what is spent included."),
    ];
    let form = PageForm::main("/admin/sponsors", "Save", fields);
    Ok(DetailPage {
        layout: administrator.layout(cx, "Accounts", Place::Orders),
        page: "admin-sponsors",
        heading: "Accounts of sponsors".to_owned(),
        state: None,
        facts: vec![("Currency".to_owned(), Cell::text(currency.to_string()))],
        sections: vec![
            section("Accounts that are open", Some(table), Vec::new()),
            section("Open an account, or change what may be spent", None, vec![form]),
        ],
        back: Action::link("back", "Orders", "/admin/orders"),
        done: None,
        secret: None,
    })
}

async fn post_sponsor(form: Form) -> Response {
    let cx = form.cx.clone();
    let done = async {
        let administrator = enter(&cx, &form.browser, Place::Orders, Act::Edit).await?;
        let currency = catalogue(&cx).await?.currency;
        let sponsor = read_sponsor(form.get("sponsor")).ok_or(PageFailure::NotFound)?;
        let most = match Money::parse(form.get("most"), currency) {
            Ok(most) => most,
            Err(error) => {
                let text = error.to_string();
                let page = sponsors_page(&cx, &administrator, Some((&form, &text))).await?;
                return Ok(pages::respond(StatusCode::UNPROCESSABLE_ENTITY, &page));
            }
        };
        let transaction = cx.app.db.begin().await?;
        sponsors::set_most(&transaction, sponsor, most).await?;
        let data = serde_json::json!({ "sponsor": sponsor, "most": most });
        let by = Some(administrator.visitor.person.id);
        audit::record(&cx, &transaction, Event { actor: by, ..Event::new("sponsor.changed").data(data) }).await?;
        transaction.commit().await?;
        Ok(see_other("/admin/sponsors?done=saved"))
    };
    done.await.unwrap_or_else(|failure: PageFailure| failure.respond(&cx))
}
