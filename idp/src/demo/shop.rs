//! The demo's card provider, and what there is to spend: accounts of the organization and the partner, and a voucher.

use std::sync::Arc;

use axum::Router;
use axum::extract::Path;
use axum::http::StatusCode;
use axum::response::Response;
use axum::routing::get;
use stepgate_core::id::{OrganizationId, PartnerId, PersonId, VoucherId};
use stepgate_core::subscriptions::license_key::TypedKey;
use stepgate_core::subscriptions::money::Money;
use stepgate_core::subscriptions::order::Sponsor;
use stepgate_core::subscriptions::term::days_after;
use stepgate_store::sponsors;
use stepgate_store::vouchers::{self, Voucher};

use crate::app::App;
use crate::cx::Cx;
use crate::fault::Fault;
use crate::http::extract::{Browser, Form};
use crate::http::page::{PageFailure, see_other, with_browser};
use crate::outbound::demo_card::{self, CardPage};
use crate::pages::form::{Control, Field, Form as PageForm};
use crate::pages::shop::ShopPage;
use crate::pages::table::Cell;
use crate::pages::{self, Layout, Section, admin::DetailSection};

/// The demo's voucher: five keys of anything.
const VOUCHER: &str = "DEMO-VOUCHER-0001";

pub(super) fn routes() -> Router<Arc<App>> {
    Router::new().route("/demo/card/{id}", get(get_card).post(post_card))
}

/// What there is to spend in the demo.
pub(super) async fn open(cx: &Cx, (organization, partner): (OrganizationId, PartnerId)) -> Result<(), Fault> {
    let currency = cx.app.settings.subscriptions.currency().map_err(Fault::internal)?;
    let transaction = cx.app.db.begin().await?;
    sponsors::set_most(&transaction, Sponsor::Organization(organization), Money::new(100_000, currency)).await?;
    sponsors::set_most(&transaction, Sponsor::Partner(partner), Money::new(50_000, currency)).await?;
    // Elsewhere an organization's administrator decides that; until then nobody's account renews anything.
    sponsors::set_renews(&transaction, organization, true).await?;
    let Ok(code) = TypedKey::parse(VOUCHER) else { return Err(Fault::internal("the demo's voucher")) };
    let voucher = Voucher {
        id: VoucherId::random(cx.entropy()),
        product: None,
        sponsor: Some(Sponsor::Partner(partner)),
        uses: 5,
        remaining: 5,
        note: format!("The demo's voucher {VOUCHER}"),
        created_by: PersonId::random(cx.entropy()),
        created_at: cx.now,
        expires_at: days_after(cx.now, 365),
        withdrawn_at: None,
    };
    vouchers::insert_voucher(&transaction, &voucher, &code.voucher_hash(&cx.app.secrets.licenses)).await?;
    Ok(transaction.commit().await?)
}

async fn find(cx: &Cx, id: &str) -> Result<CardPage, PageFailure> {
    demo_card::find(&cx.app.db, id).await?.ok_or(PageFailure::NotFound)
}

async fn get_card(cx: Cx, browser: Browser, Path(id): Path<String>) -> Response {
    let shown = async {
        let card = find(&cx, &id).await?;
        // Back from the order: what is paid is not paid twice.
        if card.paid {
            return Ok(see_other(&card.success));
        }
        let layout = Layout { section: Section::Demo, ..Layout::plain("Demo card", true) };
        let heading = if card.total.is_some() { "Pay by made-up card" } else { "Give a made-up card" };
        let mut page = ShopPage::new(layout, "demo-card", heading);
        page.lead = Some("A real deployment leads to Stripe here. Nobody is charged.".to_owned());
        let (button, kept) = match card.total {
            Some(total) => {
                page.facts = vec![
                    ("Order".to_owned(), Cell::Code(card.number.clone())),
                    ("Total".to_owned(), Cell::text(total.to_string())),
                ];
                (format!("Pay {total}"), card.keep)
            }
            None => ("Give this card".to_owned(), true),
        };
        if kept {
            page.facts.push(("Kept".to_owned(), Cell::text("For renewals")));
        }
        let path = format!("/demo/card/{id}");
        page.proof = Some(browser.csrf(&cx.app));
        let choice = |value: &str| Field::required("choice", "", Control::Hidden, value);
        let cards = demo_card::CARDS.iter().map(|(digits, words)| ((*digits).to_owned(), (*words).to_owned()));
        let which = Field::required("card", "Card", Control::Select(cards.collect()), "4242");
        let forms = vec![
            PageForm::main(path.clone(), button, vec![choice("pay"), which]),
            PageForm::side("decline", path, "Decline", vec![choice("decline")]),
        ];
        page.sections = vec![DetailSection { heading: "Card".to_owned(), table: None, forms }];
        Ok(with_browser(&cx, &browser, pages::respond(StatusCode::OK, &page)))
    };
    shown.await.unwrap_or_else(|failure: PageFailure| failure.respond(&cx))
}

async fn post_card(Path(id): Path<String>, form: Form) -> Response {
    let cx = form.cx.clone();
    let done = async {
        let card = find(&cx, &id).await?;
        if form.get("choice") != "pay" {
            return Ok(see_other(&card.cancel));
        }
        let known = demo_card::CARDS.iter().map(|(digits, _)| *digits).find(|digits| *digits == form.get("card"));
        let chosen = known.unwrap_or("4242").to_owned();
        demo_card::keep(&cx.app.db, &id, &CardPage { paid: true, card: chosen, ..card.clone() }).await?;
        Ok(see_other(&card.success))
    };
    done.await.unwrap_or_else(|failure: PageFailure| failure.respond(&cx))
}
