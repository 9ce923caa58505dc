//! The accounts of sponsors: what may be spent, said by finance; and whether an organization's account renews for its
//! people, said by its administrator as well.

use std::sync::Arc;

use axum::Router;
use axum::extract::Query;
use axum::http::StatusCode;
use axum::response::Response;
use axum::routing::{get, post};
use serde::Deserialize;
use stepgate_core::id::OrganizationId;
use stepgate_core::subscriptions::money::Money;
use stepgate_core::subscriptions::order::Sponsor;
use stepgate_store::sponsors::{self, Account, Listed};

use super::super::access::{Act, Place, Scope, may};
use super::super::{Administrator, enter, payers};
use super::section;
use crate::account::confirm::{self, ONCE_MORE, Typed};
use crate::app::App;
use crate::audit::{self, Event};
use crate::cx::Cx;
use crate::fault::Fault;
use crate::http::extract::{Browser, Form};
use crate::http::page::{PageFailure, see_other};
use crate::pages::admin::DetailPage;
use crate::pages::form::{Control, Field, Form as PageForm};
use crate::pages::table::{Cell, Table};
use crate::pages::{self, Action, Tone};
use crate::shop::catalogue;

pub(super) fn routes() -> Router<Arc<App>> {
    Router::new()
        .route("/admin/sponsors", get(get_sponsors).post(post_sponsor))
        .route("/admin/sponsors/renewals", post(post_renewals))
}

const PATH: &str = "/admin/sponsors";
const PAGE: u32 = 100;

#[derive(Deserialize, Default)]
#[serde(default)]
struct SponsorQuery {
    /// The name of the last one of the page before.
    after: String,
    /// Its id.
    id: String,
    done: String,
}

async fn get_sponsors(cx: Cx, browser: Browser, Query(query): Query<SponsorQuery>) -> Response {
    let shown = async {
        let administrator = enter(&cx, &browser, Place::Accounts, Act::See).await?;
        let kept = confirm::kept(&cx, &browser, (&administrator.visitor, PATH)).await?;
        let done = match query.done.as_str() {
            "saved" => Some("The account is saved."),
            "on" => Some("From now on the account renews for its people who wish it."),
            "off" => Some("The account renews nothing by itself any more."),
            "same" => Some("Nothing was changed: it was so before."),
            _ => kept.is_some().then_some(ONCE_MORE),
        };
        let page = page(&cx, &administrator, &query, (&kept.unwrap_or_default(), None)).await?;
        Ok(pages::respond(StatusCode::OK, &DetailPage { done: done.map(str::to_owned), ..page }))
    };
    shown.await.unwrap_or_else(|failure: PageFailure| failure.respond(&cx))
}

/// A field that is wrong, and what to do.
type Wrong = (&'static str, String);

async fn page(
    cx: &Cx,
    administrator: &Administrator,
    query: &SponsorQuery,
    (typed, wrong): (&Typed, Option<&Wrong>),
) -> Result<DetailPage, Fault> {
    let currency = catalogue(cx).await?.currency;
    let of = (administrator.scope != Scope::All).then(|| payers::own(&administrator.scope));
    let after = query.id.parse().ok().map(|id| (query.after.as_str(), id));
    let found = sponsors::list_accounts(&cx.app.db, of.as_deref(), after, PAGE).await?;
    let reach = may(&administrator.visitor.roles, Place::Accounts, Act::Edit);
    let columns = ["Who", "Kind", "May be spent", "Spent", "Left", "Renews by itself", ""];
    let mut table = Table::new(&columns, found.iter().map(|it| row(&reach, it)).collect(), "No accounts.");
    if found.len() == PAGE as usize
        && let Some(last) = found.last()
    {
        let mut pairs = form_urlencoded::Serializer::new(String::new());
        pairs.append_pair("after", &last.name).append_pair("id", &last.sponsor.parts().1.to_string());
        table.next = Some(format!("{PATH}?{}", pairs.finish()));
    }
    table.first = after.is_some().then(|| PATH.to_owned());
    let mut sections = vec![section("Accounts that are open", Some(table), Vec::new())];
    if reach == Scope::All {
        let of = |name: &str| typed.get(name).to_owned();
        let mut fields = payers::fields(("Who", None), &payers::list(cx, &reach).await?, &of);
        let most = Field::required("most", format!("What may be spent, in {currency}"), Control::Text, of("most"));
        fields.push(most.help("As in 1000.00, what is spent included."));
        for field in &mut fields {
            field.error = wrong.filter(|(name, _)| *name == field.name).map(|(_, text)| text.clone());
        }
        sections.push(section(
            "Open an account, or change what may be spent",
            None,
            vec![PageForm::main(PATH, "Save", fields)],
        ));
    }
    let renewals = "Where it is on, credentials of the organization's people are renewed on its account, if they let them be \
                    renewed by themselves. Nobody is asked again.";
    Ok(DetailPage {
        layout: administrator.layout(cx, "Accounts", Place::Orders),
        page: "admin-sponsors",
        heading: "Accounts of sponsors".to_owned(),
        state: None,
        facts: vec![
            ("Currency".to_owned(), Cell::text(currency.to_string())),
            ("Renews by itself".to_owned(), Cell::text(renewals)),
        ],
        sections,
        back: Action::link("back", "Orders", "/admin/orders"),
        done: None,
        secret: None,
    })
}

fn row(reach: &Scope, it: &Listed) -> Vec<Cell> {
    let Account { most, used, renews } = it.account;
    let (kind, id) = it.sponsor.parts();
    let name = if it.name.is_empty() { Cell::Code(id.to_string()) } else { Cell::text(it.name.clone()) };
    let left = Money::new(most.minor.saturating_sub(used.minor), most.currency);
    let money = |money: Money| Cell::text(money.to_string());
    let (state, switch) = match it.sponsor {
        Sponsor::Partner(_) => (Cell::Empty, Cell::Empty),
        Sponsor::Organization(id) => {
            let state = if renews { (Tone::Ok, "On") } else { (Tone::Neutral, "Off") };
            let label = if renews { "Switch off" } else { "Switch on" };
            let switch = Action::post(format!("renews-{id}"), label, "/admin/sponsors/renewals");
            let switch = switch.with("organization", id.to_string()).with("on", if renews { "0" } else { "1" });
            let within = reaches(reach, id);
            (Cell::State(state.0, state.1.to_owned()), if within { Cell::Button(switch) } else { Cell::Empty })
        }
    };
    vec![name, Cell::text(kind), money(most), money(used), money(left), state, switch]
}

fn reaches(scope: &Scope, id: OrganizationId) -> bool {
    match scope {
        Scope::All => true,
        Scope::Limited { organizations, .. } => organizations.contains(&id),
        Scope::Nothing => false,
    }
}

async fn post_sponsor(form: Form) -> Response {
    let cx = form.cx.clone();
    let done = async {
        let administrator = enter(&cx, &form.browser, Place::Accounts, Act::Edit).await?;
        if administrator.scope != Scope::All {
            return Err(PageFailure::Forbidden);
        }
        let typed = Typed::of(form.every());
        confirm::confirm(&cx, &form.browser, (&administrator.visitor, PATH), &typed).await?;
        let Err(wrong) = save(&cx, &administrator, &typed).await? else {
            return Ok(see_other(&format!("{PATH}?done=saved")));
        };
        let page = page(&cx, &administrator, &SponsorQuery::default(), (&typed, Some(&wrong))).await?;
        Ok(pages::respond(StatusCode::UNPROCESSABLE_ENTITY, &page))
    };
    done.await.unwrap_or_else(|failure: PageFailure| failure.respond(&cx))
}

/// Opens an account, or changes what may be spent on it: of somebody whom we know, and no less than is spent.
async fn save(cx: &Cx, administrator: &Administrator, typed: &Typed) -> Result<Result<(), Wrong>, Fault> {
    let wrong = |field, text: &str| Ok(Err((field, text.to_owned())));
    let sponsor = match payers::chosen(cx, &Scope::All, &|name| typed.get(name).to_owned()).await? {
        Ok(Some((sponsor, _))) => sponsor,
        Ok(None) => return wrong("sponsor", "Choose whose account it is."),
        Err((field, text)) => return wrong(field, text),
    };
    let most = match Money::parse(typed.get("most").trim(), catalogue(cx).await?.currency) {
        Ok(most) => most,
        Err(error) => return wrong("most", &error.to_string()),
    };
    let transaction = cx.app.db.begin().await?;
    let before = sponsors::find_account_in(&transaction, sponsor, most.currency).await?;
    if let Some(Account { used, .. }) = before.filter(|before| before.used.minor > most.minor) {
        let text = format!("{used} are spent already: write that much, and nothing more can be spent.");
        return wrong("most", &text);
    }
    let before = before.map(|before| before.most);
    if !sponsors::change_most(&transaction, sponsor, (before, most)).await? {
        return wrong("most", "It was changed, or spent from, at this very moment. Look at it once more, then save.");
    }
    let data = serde_json::json!({ "sponsor": sponsor, "before": before, "most": most });
    let by = Some(administrator.visitor.person.id);
    audit::record(cx, &transaction, Event { actor: by, ..Event::new("sponsor.changed").data(data) }).await?;
    transaction.commit().await?;
    Ok(Ok(()))
}

async fn post_renewals(form: Form) -> Response {
    let cx = form.cx.clone();
    let done = async {
        let administrator = enter(&cx, &form.browser, Place::Accounts, Act::Edit).await?;
        let id: OrganizationId = form.get("organization").parse().map_err(|_| PageFailure::NotFound)?;
        if !reaches(&administrator.scope, id) {
            return Err(PageFailure::NotFound);
        }
        // Nothing was typed that would have to be kept.
        let typed = Typed::default();
        confirm::confirm(&cx, &form.browser, (&administrator.visitor, PATH), &typed).await?;
        let on = form.get("on") == "1";
        let transaction = cx.app.db.begin().await?;
        if !sponsors::set_renews(&transaction, id, on).await? {
            return Ok(see_other(&format!("{PATH}?done=same")));
        }
        let data = serde_json::json!({ "organization": id, "on": on });
        let by = Some(administrator.visitor.person.id);
        audit::record(&cx, &transaction, Event { actor: by, ..Event::new("sponsor.renewals").data(data) }).await?;
        transaction.commit().await?;
        Ok(see_other(&format!("{PATH}?done={}", if on { "on" } else { "off" })))
    };
    done.await.unwrap_or_else(|failure: PageFailure| failure.respond(&cx))
}
