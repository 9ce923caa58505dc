//! *Renew*, renewal by itself, and who is reminded.

use std::sync::Arc;

use axum::Router;
use axum::extract::Query;
use axum::http::StatusCode;
use axum::response::Response;
use axum::routing::{get, post};
use serde_json::json;
use stepgate_core::authorize::interaction::PortalPage;
use stepgate_core::credentials::Credential;
use stepgate_core::subscriptions::term::Renewal;
use stepgate_store::subscriptions::SoldAs;
use stepgate_store::{charges, subscriptions as store, term_notices};

use super::change::Which;
use super::manage::own;
use super::{Visitor, visit};
use crate::app::App;
use crate::audit::{self, Event};
use crate::cx::Cx;
use crate::http::extract::{Browser, Form};
use crate::http::page::{PageFailure, see_other, with_browser};
use crate::pages::admin::DetailSection;
use crate::pages::form::{Control, Field, Form as PageForm};
use crate::pages::otp::FormPage;
use crate::pages::sections::SectionsPage;
use crate::pages::{self, Action, Section, When};
use crate::shop::{Catalogue, cards};
use crate::subscriptions::{self, Payer, Plan};

pub(super) fn routes() -> Router<Arc<App>> {
    Router::new()
        .route("/account/otp/renew", get(get_renew))
        .route("/account/otp/auto-renew", post(post_auto_renew))
        .route("/account/otp/reminders", get(get_reminders).post(post_reminders))
}

/// *Renew*, for what can be renewed now and nothing else.
pub(super) fn action(cx: &Cx, credential: &Credential, sold: &SoldAs) -> Option<Action> {
    let product = subscriptions::renewal_product_of(cx, credential, sold)?;
    let action = Action::post(format!("renew-{}", credential.id), "Renew", "/cart/add");
    Some(action.with("product", product.id.as_str()).with("for", format!("renew:{}", credential.id)))
}

/// What a term's end means, in words; `None` while nothing has to be done.
pub(super) fn note(cx: &Cx, visitor: &Visitor, credential: &Credential) -> Option<String> {
    let ends = credential.expires_at?;
    let zone = visitor.zone();
    let date = |at| When::date(at, &zone).text;
    match (subscriptions::stands(cx, credential)?, ends <= cx.now) {
        (Renewal::Open { until }, true) => Some(format!(
            "Expired on {}. It cannot elevate until it is renewed, which is possible until {}; your device and your \
             proofing stay.",
            date(ends),
            date(until)
        )),
        (Renewal::Open { .. }, false) => {
            Some(format!("Ends on {}. Renewed now, it lasts a year longer than that.", date(ends)))
        }
        (Renewal::Closed, _) => Some(format!("Expired on {}, too long ago to be renewed. Get a new one.", date(ends))),
        (Renewal::Opens(_), _) => None,
    }
}

async fn get_renew(cx: Cx, browser: Browser, Query(which): Query<Which>) -> Response {
    let shown = async {
        let visitor = visit(&cx, &browser, PortalPage::ManageOtp).await?;
        let credential = own(&visitor, &which.credential, None)?;
        let sold = store::find_sold_as(&cx.app.db, credential.id).await?;
        let catalogue = crate::shop::catalogue(&cx).await?;
        Ok(with_browser(&cx, &browser, page(&cx, &visitor, (credential, &sold), &catalogue)))
    };
    shown.await.unwrap_or_else(|failure: PageFailure| failure.respond(&cx))
}

fn page(cx: &Cx, visitor: &Visitor, (credential, sold): (&Credential, &SoldAs), catalogue: &Catalogue) -> Response {
    let zone = visitor.zone();
    let settings = &cx.app.settings.subscriptions;
    let product = subscriptions::renewal_product_of(cx, credential, sold);
    let priced = product.as_ref().and_then(|product| catalogue.product(&product.id));
    let price = priced.and_then(|product| product.renewal_price(catalogue.currency));
    let back = Action::link("cancel", "Back to Manage OTP", "/account/otp");
    let heading = format!("Renew {}", credential.label);
    if let (Some(product), Some(price), Some(ends)) = (product, price, credential.expires_at) {
        let until = When::date(settings.rules().renewed(ends), &zone).text;
        let hidden = |name: &str, value: String| Field::required(name, "", Control::Hidden, value);
        let fields = vec![hidden("product", product.id.to_string()), hidden("for", format!("renew:{}", credential.id))];
        let more = if product.kinds.len() > 1 { " What you bought together with it is renewed as well." } else { "" };
        let page = FormPage {
            layout: visitor.layout(cx, "Renew", Section::ManageOtp),
            page: "renew",
            heading,
            lead: format!(
                "{price} for another year of {}: until {until}. Your device and your proofing stay as they are.{more}",
                product.name
            ),
            form: PageForm::main("/cart/add", "Add to cart", fields),
            back,
        };
        return pages::respond(StatusCode::OK, &page);
    }
    let (lead, actions) = match subscriptions::stands(cx, credential) {
        Some(Renewal::Opens(at)) => {
            let lead = format!("It can be renewed from {} on. There is nothing to do yet.", When::date(at, &zone).text);
            (lead, Vec::new())
        }
        Some(_) => {
            let lead = note(cx, visitor, credential).unwrap_or_default();
            (lead, vec![Action::link("get", "Get a new one", "/account/otp/get")])
        }
        None => ("It does not end, so there is nothing to renew.".to_owned(), Vec::new()),
    };
    let page = SectionsPage {
        layout: visitor.layout(cx, "Renew", Section::ManageOtp),
        page: "renew",
        heading,
        lead,
        note: None,
        actions,
        sections: Vec::new(),
        back,
    };
    pages::respond(StatusCode::OK, &page)
}

/// The switch on the details page: whether it is renewed by itself, who would pay, when and how much.
pub(super) fn switch(
    cx: &Cx,
    visitor: &Visitor,
    credential: &Credential,
    (sold, plan): (&SoldAs, Option<&Plan>),
) -> Option<PageForm> {
    credential.expires_at?;
    let on = sold.auto_renew;
    let label = if on { "Do not renew by itself" } else { "Renew by itself" };
    let fields = vec![
        Field::required("credential", "", Control::Hidden, credential.id.to_string()),
        Field::required("on", "", Control::Hidden, if on { "0" } else { "1" }),
    ];
    let mut form = PageForm::side("auto-renew", "/account/otp/auto-renew", label, fields);
    form.effect = Some(effect(cx, visitor, on, plan));
    Some(form)
}

fn effect(cx: &Cx, visitor: &Visitor, on: bool, plan: Option<&Plan>) -> String {
    let words = plan.map(|plan| words(visitor, plan));
    let verb = if on { "It is" } else { "It can be" };
    match (plan.map(|plan| &plan.payer), words) {
        (Some(Payer::Account(_) | Payer::Card(_)), Some(words)) => format!("{verb} renewed by itself: {words}."),
        _ if on => {
            let how = if cards::available(cx) { "Give a card for it, or until then" } else { "Until then" };
            format!(
                "It is to be renewed by itself, but nobody's account or card pays for it yet. {how} we only remind you."
            )
        }
        _ if cards::available(cx) => {
            "It can be renewed by itself with a card that you give for it on the next page, or once your organization has an \
             account that pays."
                .to_owned()
        }
        _ => "It can be renewed by itself once your organization has an account that pays; until then we only remind you."
            .to_owned(),
    }
}

/// Who pays, when and how much.
pub(super) fn words(visitor: &Visitor, plan: &Plan) -> String {
    let payer = match &plan.payer {
        Payer::Account(_) => "on your organization's account".to_owned(),
        Payer::Card(card) => format!("on the card {}", card.card),
        Payer::Nobody => "as soon as somebody pays for it".to_owned(),
    };
    match plan.on {
        Some(on) => format!("on {}, for {}, {payer}", When::date(on, &visitor.zone()).text, plan.price),
        None => format!("{} {payer}, but not any more before this end: renew it by hand", plan.price),
    }
}

async fn post_auto_renew(form: Form) -> Response {
    let cx = form.cx.clone();
    let done = async {
        let visitor = visit(&cx, &form.browser, PortalPage::ManageOtp).await?;
        let credential = own(&visitor, form.get("credential"), None)?;
        let on = form.get("on") == "1";
        let sold = store::find_sold_as(&cx.app.db, credential.id).await?;
        let promised = if on { subscriptions::promise(&cx, credential, &sold).await? } else { None };
        let transaction = cx.app.db.begin().await?;
        store::set_auto_renew(&transaction, credential.id, on).await?;
        if let Some((ends, price)) = promised {
            charges::put_promise(&transaction, (credential.id, ends), price, cx.now).await?;
        }
        let event = Event::new("subscription.auto_renew").by(visitor.person.id);
        audit::record(&cx, &transaction, event.data(json!({ "credential": credential.id, "on": on }))).await?;
        transaction.commit().await?;
        let nobody = on && matches!(subscriptions::payer(&cx, visitor.person.id).await?, Payer::Nobody);
        if nobody && cards::available(&cx) {
            return Ok(see_other("/account/otp/card"));
        }
        Ok(see_other(&format!("/account/otp/{}", credential.id)))
    };
    done.await.unwrap_or_else(|failure: PageFailure| failure.respond(&cx))
}

async fn get_reminders(cx: Cx, browser: Browser) -> Response {
    let shown = async {
        let visitor = visit(&cx, &browser, PortalPage::ManageOtp).await?;
        let on = term_notices::wants_reminders(&cx.app.db, visitor.person.id).await?;
        let field = Field::optional("mails", "Remind me by mail", Control::Tick, if on { "1" } else { "" })
            .help("60, 30, 15 and 7 days before the end, and 30 days after it.");
        let section = DetailSection {
            heading: "By mail".to_owned(),
            table: None,
            forms: vec![PageForm::main("/account/otp/reminders", "Save", vec![field])],
        };
        let page = SectionsPage {
            layout: visitor.layout(&cx, "Reminders", Section::ManageOtp),
            page: "reminders",
            heading: "Reminders".to_owned(),
            lead: "Before a subscription ends we say so here on every page, and by mail. On the day itself we always write."
                .to_owned(),
            note: None,
            actions: Vec::new(),
            sections: vec![section],
            back: Action::link("cancel", "Manage OTP", "/account/otp"),
        };
        Ok(with_browser(&cx, &browser, pages::respond(StatusCode::OK, &page)))
    };
    shown.await.unwrap_or_else(|failure: PageFailure| failure.respond(&cx))
}

async fn post_reminders(form: Form) -> Response {
    let cx = form.cx.clone();
    let done = async {
        let visitor = visit(&cx, &form.browser, PortalPage::ManageOtp).await?;
        let on = form.get("mails") == "1";
        let transaction = cx.app.db.begin().await?;
        term_notices::set_reminders(&transaction, visitor.person.id, on).await?;
        let event = Event::new("subscription.reminders").by(visitor.person.id);
        audit::record(&cx, &transaction, event.data(json!({ "on": on }))).await?;
        transaction.commit().await?;
        Ok(see_other("/account/otp?done=reminders"))
    };
    done.await.unwrap_or_else(|failure: PageFailure| failure.respond(&cx))
}
