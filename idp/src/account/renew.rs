//! *Renew*, and renewal by itself.

use std::sync::Arc;

use axum::Router;
use axum::extract::Query;
use axum::http::StatusCode;
use axum::response::Response;
use axum::routing::{get, post};
use serde_json::json;
use stepgate_core::assurance::CredentialState;
use stepgate_core::authorize::interaction::PortalPage;
use stepgate_core::credentials::Credential;
use stepgate_core::subscriptions::term::Renewal;
use stepgate_store::subscriptions::SoldAs;
use stepgate_store::{charges, subscriptions as store};

use super::change::Which;
use super::manage::own;
use super::{Visitor, visit};
use crate::app::App;
use crate::audit::{self, Event};
use crate::cx::Cx;
use crate::http::extract::{Browser, Form};
use crate::http::page::{PageFailure, see_other, with_browser};
use crate::pages::form::{Control, Field, Form as PageForm};
use crate::pages::otp::FormPage;
use crate::pages::sections::SectionsPage;
use crate::pages::{self, Action, Section, When};
use crate::shop::{Catalogue, cards};
use crate::subscriptions::{self, Payer, Plan};
use crate::words::{Fact, Language};

pub(super) fn routes() -> Router<Arc<App>> {
    Router::new().route("/account/otp/renew", get(get_renew)).route("/account/otp/auto-renew", post(post_auto_renew))
}

/// *Renew*, for what can be renewed now and nothing else.
pub(super) fn action(
    cx: &Cx,
    catalogue: &Catalogue,
    (credential, sold): (&Credential, &SoldAs),
    language: Language,
) -> Option<Action> {
    let product = subscriptions::renewal_product_of(cx, catalogue, credential, sold)?;
    let action = Action::post(format!("renew-{}", credential.id), language.text("renew"), "/cart/add");
    Some(action.with("product", product.id.as_str()).with("for", format!("renew:{}", credential.id)))
}

/// What a term's end means, in words; `None` while nothing has to be done.
pub(super) fn note(cx: &Cx, visitor: &Visitor, credential: &Credential, language: Language) -> Option<String> {
    let ends = credential.expires_at?;
    let zone = visitor.zone();
    let date = |at| When::date_in(language, at, &zone).text.into();
    match (subscriptions::stands(cx, credential)?, ends <= cx.now) {
        (Renewal::Open { until }, true) => {
            Some(language.say("term-expired", [("ended", date(ends)), ("until", date(until)), proofed(cx, visitor)]))
        }
        (Renewal::Open { .. }, false) => Some(language.say("term-ends", [("ends", date(ends))])),
        (Renewal::Closed, _) => Some(language.say("term-expired-for-good", [("ended", date(ends))])),
        (Renewal::Opens(_), _) => None,
    }
}

/// Whether a proofing is there that stays, for sentences that differ by it.
fn proofed(cx: &Cx, visitor: &Visitor) -> (&'static str, Fact<'static>) {
    ("proofed", if visitor.person.is_proofed(cx.now) { "yes" } else { "no" }.into())
}

async fn get_renew(cx: Cx, browser: Browser, Query(which): Query<Which>) -> Response {
    let shown = async {
        let visitor = visit(&cx, &browser, PortalPage::ManageOtp).await?;
        let credential = own(&visitor, &which.credential, None)?;
        if credential.stage == CredentialState::Pending {
            // It has to be activated first, or its year is over.
            return Ok(see_other("/account/otp"));
        }
        let sold = store::find_sold_as(&cx.app.db, credential.id).await?;
        let catalogue = crate::shop::catalogue(&cx).await?;
        Ok(with_browser(&cx, &browser, page(&cx, &visitor, (credential, &sold), &catalogue)))
    };
    shown.await.unwrap_or_else(|failure: PageFailure| failure.respond(&cx))
}

fn page(cx: &Cx, visitor: &Visitor, (credential, sold): (&Credential, &SoldAs), catalogue: &Catalogue) -> Response {
    let language = visitor.language;
    let settings = &cx.app.settings.subscriptions;
    let product = subscriptions::renewal_product_of(cx, catalogue, credential, sold);
    let price = product.as_ref().and_then(|product| product.renewal_price(catalogue.currency));
    let back = Action::link("cancel", language.text("back-to-manage-otp"), "/account/otp");
    let heading = language.say("renew-heading", [("label", credential.label.as_str().into())]);
    let layout = visitor.layout_in_theirs(cx, "renew", Section::ManageOtp);
    if let (Some(product), Some(price), Some(ends)) = (product, price, credential.expires_at) {
        let until = visitor.date(settings.rules().renewed(ends)).text;
        let hidden = |name: &str, value: String| Field::required(name, "", Control::Hidden, value);
        let fields = vec![hidden("product", product.id.to_string()), hidden("for", format!("renew:{}", credential.id))];
        let key = if product.kinds.len() > 1 { "renew-lead-bundle" } else { "renew-lead" };
        let facts = [
            ("price", language.money(price).into()),
            ("product", product.name.into()),
            ("until", until.into()),
            proofed(cx, visitor),
        ];
        let page = FormPage {
            layout,
            page: "renew",
            heading,
            lead: language.say(key, facts),
            form: PageForm::main("/cart/add", language.text("renew-add"), fields),
            back,
        };
        return pages::respond(StatusCode::OK, &page);
    }
    let (lead, actions) = match subscriptions::stands(cx, credential) {
        Some(Renewal::Opens(at)) => (language.say("renew-opens", [("from", visitor.date(at).text.into())]), Vec::new()),
        Some(_) => {
            let lead = note(cx, visitor, credential, language).unwrap_or_default();
            (lead, vec![Action::link("get", language.text("get-new"), "/account/otp/get")])
        }
        None => (language.text("renew-endless"), Vec::new()),
    };
    let page = SectionsPage { layout, page: "renew", heading, lead, note: None, actions, sections: Vec::new(), back };
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
    let label = visitor.language.text(if on { "auto-renew-stop" } else { "auto-renew-start" });
    let fields = vec![
        Field::required("credential", "", Control::Hidden, credential.id.to_string()),
        Field::required("on", "", Control::Hidden, if on { "0" } else { "1" }),
    ];
    let mut form = PageForm::side("auto-renew", "/account/otp/auto-renew", label, fields);
    form.effect = Some(effect(cx, visitor, on, plan));
    Some(form)
}

fn effect(cx: &Cx, visitor: &Visitor, on: bool, plan: Option<&Plan>) -> String {
    let language = visitor.language;
    if let Some(plan) = plan.filter(|plan| !matches!(plan.payer, Payer::Nobody)) {
        let key = if on { "auto-renew-on" } else { "auto-renew-off" };
        return language.say(key, [("plan", words(visitor, plan).into())]);
    }
    language.text(match (on, cards::available(cx)) {
        (true, true) => "auto-renew-on-unpaid-card",
        (true, false) => "auto-renew-on-unpaid",
        (false, true) => "auto-renew-off-card",
        (false, false) => "auto-renew-off-unpaid",
    })
}

/// Who pays, when and how much.
pub(super) fn words(visitor: &Visitor, plan: &Plan) -> String {
    let language = visitor.language;
    let card = match &plan.payer {
        Payer::Card(card) => language.card(&card.card.to_string()),
        Payer::Account(_) | Payer::Nobody => String::new(),
    };
    let key = match (&plan.payer, plan.on.is_some()) {
        (Payer::Account(_), true) => "plan-account",
        (Payer::Card(_), true) => "plan-card",
        (Payer::Nobody, true) => "plan-nobody",
        (Payer::Account(_), false) => "plan-late-account",
        (Payer::Card(_), false) => "plan-late-card",
        (Payer::Nobody, false) => "plan-late-nobody",
    };
    let on = plan.on.map(|on| visitor.date(on).text).unwrap_or_default();
    language.say(key, [("on", on.into()), ("price", language.money(plan.price).into()), ("card", card.into())])
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
