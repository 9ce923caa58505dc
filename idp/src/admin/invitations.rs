//! Invitations: who was invited by whom, how far each got; sending again, withdrawing, export.

mod batch;

use std::sync::Arc;

use axum::Router;
use axum::extract::{Path, Query};
use axum::http::StatusCode;
use axum::response::Response;
use axum::routing::{get, post};
use serde::Deserialize;
use stepgate_core::id::InvitationId;
use stepgate_core::subscriptions::export::{Cell as Exported, csv};
use stepgate_core::subscriptions::invitation::{Invitation, InvitationState};
use stepgate_core::subscriptions::order::Sponsor;
use stepgate_core::time::Timestamp;
use stepgate_store::invitations::{self as store, Filter};
use stepgate_store::{reports, sponsors};

use super::access::{Act, Place, Scope, may};
use super::{Administrator, enter, payers};
use crate::account::confirm::{self, ONCE_MORE, Typed};
use crate::app::App;
use crate::cx::Cx;
use crate::fault::Fault;
use crate::http::extract::{Browser, Form};
use crate::http::page::{PageFailure, download_csv, see_other};
use crate::invitations::{self, Again, Withdrawn};
use crate::pages::admin::{DetailPage, DetailSection, ListPage};
use crate::pages::form::{Control, Field, Form as PageForm};
use crate::pages::table::{Cell, Table};
use crate::pages::{self, Action, Tone, When};

pub(super) fn routes() -> Router<Arc<App>> {
    Router::new()
        .route("/admin/invitations", get(get_list))
        .route("/admin/invitations.csv", get(get_csv))
        .route("/admin/invitations/{id}", get(get_one))
        .route("/admin/invitations/{id}/do", post(post_one))
        .merge(batch::routes())
}

const PAGE: u32 = 50;
/// Rows of an export at most, and so many at a time.
const EXPORTED: usize = 100_000;
const AT_ONCE: u32 = 2000;

#[derive(Deserialize, Default)]
#[serde(default)]
struct InvitationQuery {
    q: String,
    state: String,
    /// When the last one of the page before was made.
    made: Option<i64>,
    /// Its id.
    after: String,
    done: String,
    count: u32,
}

const fn word(state: InvitationState) -> (Tone, &'static str) {
    match state {
        InvitationState::Sent => (Tone::Notice, "Sent"),
        InvitationState::Opened => (Tone::Notice, "Opened"),
        InvitationState::Expired => (Tone::Warning, "Link too old"),
        InvitationState::Joined => (Tone::Ok, "Joined"),
        InvitationState::Activated => (Tone::Ok, "Activated"),
        InvitationState::Withdrawn => (Tone::Neutral, "Withdrawn"),
    }
}

/// Only what the administrator's own organizations and partners pay for.
fn reach(administrator: &Administrator) -> Option<Vec<Sponsor>> {
    (administrator.scope != Scope::All).then(|| payers::own(&administrator.scope))
}

/// The names of who pays for these.
async fn names(cx: &Cx, found: &[Invitation]) -> Result<Vec<(Sponsor, String)>, Fault> {
    let sponsors: Vec<Sponsor> = found.iter().map(|it| it.sponsor).collect();
    Ok(sponsors::list_names(&cx.app.db, &sponsors).await?)
}

fn sponsor_name(named: &[(Sponsor, String)], sponsor: Sponsor) -> String {
    named.iter().find(|(known, _)| *known == sponsor).map_or_else(String::new, |(_, name)| name.clone())
}

async fn get_list(cx: Cx, browser: Browser, Query(query): Query<InvitationQuery>) -> Response {
    list(&cx, &browser, &query).await.unwrap_or_else(|failure| failure.respond(&cx))
}

async fn list(cx: &Cx, browser: &Browser, query: &InvitationQuery) -> Result<Response, PageFailure> {
    let administrator = enter(cx, browser, Place::Invitations, Act::See).await?;
    let only = reach(&administrator);
    let before = query.made.map(Timestamp::from_unix_millis).zip(query.after.parse().ok());
    let filter = Filter { before, ..filter(cx, query, only) };
    let found = store::list_invitations(&cx.app.db, &filter, PAGE).await?;
    let named = names(cx, &found).await?;
    let zone = administrator.visitor.zone();
    let row = |it: &Invitation| {
        let (tone, word) = word(it.state(cx.now));
        vec![
            Cell::link(format!("/admin/invitations/{}", it.id), it.email.clone()),
            Cell::text(it.name.clone()),
            Cell::text(invitations::product_name(cx, it)),
            Cell::text(sponsor_name(&named, it.sponsor)),
            Cell::State(tone, word.to_owned()),
            Cell::Time(When::new(it.sent_at, cx.now, &zone)),
            Cell::Time(When::date(it.expires_at, &zone)),
        ]
    };
    let columns = ["Email", "Name", "Product", "Paid by", "State", "Sent", "Link good until"];
    let empty = "Nobody yet. Invite one person, or many with a file; they pay nothing.";
    let mut table = Table::new(&columns, found.iter().map(row).collect(), empty);
    if found.len() == PAGE as usize
        && let Some(last) = found.last()
    {
        let made = last.created_at.unix_millis();
        table.next = Some(format!("{}&made={made}&after={}", address("/admin/invitations", query), last.id));
    }
    table.first = query.made.map(|_| address("/admin/invitations", query));
    let mut actions = vec![Action::link("export", "Export", address("/admin/invitations.csv", query))];
    if may(&administrator.visitor.roles, Place::Invitations, Act::Edit) != Scope::Nothing {
        actions.insert(0, Action::link("invite-many", "Invite many", "/admin/invitations/file"));
        actions.insert(0, Action::link("invite", "Invite", "/admin/invitations/new"));
    }
    let page = ListPage {
        layout: administrator.layout(cx, "Invitations", Place::Invitations),
        page: "admin-invitations",
        heading: "Invitations".to_owned(),
        filter: vec![
            Field::optional("q", "Email begins with, or name has", Control::Text, query.q.clone()),
            Field::optional("state", "State", Control::Select(states()), query.state.clone()),
        ],
        table,
        actions,
        done: match query.done.as_str() {
            "invited" if query.count == 1 => {
                Some("The mail is on its way. Its link is good for 14 days, and once.".to_owned())
            }
            "invited" => {
                Some(format!("{} mails are on their way. Each link is good for 14 days, and once.", query.count))
            }
            "before" => Some("You pressed the button twice: they were invited once.".to_owned()),
            _ => None,
        },
    };
    Ok(pages::respond(StatusCode::OK, &page))
}

fn states() -> Vec<(String, String)> {
    let each = InvitationState::ALL.map(|state| (state.as_str().to_owned(), word(state).1.to_owned()));
    [(String::new(), "Any".to_owned())].into_iter().chain(each).collect()
}

/// Which of those that the administrator may see.
fn filter(cx: &Cx, query: &InvitationQuery, sponsors: Option<Vec<Sponsor>>) -> Filter {
    let state = InvitationState::parse(&query.state).map(|state| (state, cx.now));
    Filter { sponsors, text: query.q.clone(), state, before: None }
}

/// An address with the filter that the page has.
fn address(path: &str, query: &InvitationQuery) -> String {
    let mut pairs = form_urlencoded::Serializer::new(String::new());
    format!("{path}?{}", pairs.append_pair("q", &query.q).append_pair("state", &query.state).finish())
}

async fn get_csv(cx: Cx, browser: Browser, Query(query): Query<InvitationQuery>) -> Response {
    let shown = async {
        let administrator = enter(&cx, &browser, Place::Invitations, Act::See).await?;
        let mut filter = filter(&cx, &query, reach(&administrator));
        let mut found = Vec::new();
        loop {
            let some = store::list_invitations(&cx.app.db, &filter, AT_ONCE).await?;
            let whole = some.len() == AT_ONCE as usize;
            found.extend(some);
            filter.before = found.last().map(|last: &Invitation| (last.created_at, last.id));
            if !whole || found.len() >= EXPORTED {
                break;
            }
        }
        let named = names(&cx, &found).await?;
        let time =
            |at: Option<Timestamp>| at.map_or_else(String::new, |at| When::date(at, &jiff::tz::TimeZone::UTC).iso);
        let row = |it: &Invitation| -> Vec<Exported> {
            vec![
                it.email.as_str().into(),
                it.name.as_str().into(),
                it.username.as_deref().unwrap_or_default().into(),
                it.product.as_str().into(),
                sponsor_name(&named, it.sponsor).into(),
                it.state(cx.now).as_str().into(),
                it.charged.currency.as_str().into(),
                it.charged.minor.into(),
                time(Some(it.sent_at)).into(),
                time(it.joined_at).into(),
                time(it.activated_at).into(),
            ]
        };
        let heads = [
            "email",
            "name",
            "user_id",
            "product",
            "paid_by",
            "state",
            "currency",
            "charged_minor",
            "sent",
            "joined",
            "activated",
        ];
        let rows: Vec<_> = found.iter().map(row).collect();
        Ok(download_csv("invitations.csv", csv(&heads, &rows)))
    };
    shown.await.unwrap_or_else(|failure: PageFailure| failure.respond(&cx))
}

/// The invitation, if the administrator's scope reaches that far. Out of reach looks like not there.
async fn find(cx: &Cx, administrator: &Administrator, id: &str) -> Result<(Invitation, String), PageFailure> {
    let Ok(id) = id.parse::<InvitationId>() else { return Err(PageFailure::NotFound) };
    let found = store::find_invitation(&cx.app.db, id).await?.ok_or(PageFailure::NotFound)?;
    if reach(administrator).is_some_and(|only| !only.contains(&found.sponsor)) {
        return Err(PageFailure::NotFound);
    }
    let name = reports::find_sponsor_name(&cx.app.db, found.sponsor).await?;
    Ok((found, name.unwrap_or_default()))
}

async fn get_one(cx: Cx, browser: Browser, Path(id): Path<String>, Query(query): Query<InvitationQuery>) -> Response {
    let shown = async {
        let administrator = enter(&cx, &browser, Place::Invitations, Act::See).await?;
        let found = find(&cx, &administrator, &id).await?;
        let path = format!("/admin/invitations/{id}");
        let once_more = confirm::kept(&cx, &browser, (&administrator.visitor, &path)).await?.is_some();
        let done = if once_more && query.done.is_empty() { "confirmed" } else { &query.done };
        Ok(detail(&cx, &administrator, &found, done))
    };
    shown.await.unwrap_or_else(|failure: PageFailure| failure.respond(&cx))
}

fn detail(cx: &Cx, administrator: &Administrator, (it, sponsor): &(Invitation, String), done: &str) -> Response {
    let zone = administrator.visitor.zone();
    let state = it.state(cx.now);
    let (tone, word) = word(state);
    let when = |at: Option<Timestamp>| Cell::time(at.map(|at| When::new(at, cx.now, &zone)));
    let facts = [
        ("Name", Cell::text(it.name.clone())),
        ("Proposed user ID", Cell::text(it.username.clone().unwrap_or_default())),
        ("Product", Cell::text(invitations::product_name(cx, it))),
        ("Paid by", Cell::text(sponsor.clone())),
        ("Charged", Cell::text(it.charged.to_string())),
        ("Sent", when(Some(it.sent_at))),
        ("Link good until", Cell::Time(When::date(it.expires_at, &zone))),
        ("Opened", when(it.opened_at)),
        ("Joined", when(it.joined_at)),
        ("Activated", when(it.activated_at)),
        ("Withdrawn", when(it.withdrawn_at)),
    ];
    let path = format!("/admin/invitations/{}/do", it.id);
    let form = |act: &str, label: &str| {
        PageForm::side(act, path.clone(), label, vec![Field::required("act", "", Control::Hidden, act)])
    };
    let mut forms = Vec::new();
    if may(&administrator.visitor.roles, Place::Invitations, Act::Edit) != Scope::Nothing {
        if matches!(state, InvitationState::Sent | InvitationState::Opened | InvitationState::Expired) {
            forms.push(form("again", "Send again"));
        }
        if !matches!(state, InvitationState::Activated | InvitationState::Withdrawn) {
            let effect = "The key becomes void, and what it cost goes back to the account that paid.";
            forms.push(form("withdraw", "Withdraw").dangerous(effect));
        }
    }
    let page = DetailPage {
        layout: administrator.layout(cx, "Invitation", Place::Invitations),
        page: "admin-invitation",
        heading: it.email.clone(),
        state: Some((tone, word.to_owned())),
        facts: facts.into_iter().map(|(label, cell)| (label.to_owned(), cell)).collect(),
        sections: vec![DetailSection { heading: "What can be done".to_owned(), table: None, forms }],
        back: Action::link("cancel", "Invitations", "/admin/invitations"),
        done: match done {
            "confirmed" => Some(ONCE_MORE.to_owned()),
            "again" => Some("Another mail is on its way. The link in the one before is worthless now.".to_owned()),
            "withdrawn" => Some("It is withdrawn. What it cost is on the account again.".to_owned()),
            "over" => Some("Nothing was changed: it was taken up or withdrawn meanwhile.".to_owned()),
            "activated" => {
                Some("Nothing was changed: it is activated, and what is in use is not taken back.".to_owned())
            }
            "many" => Some("Nothing was sent: three mails within the hour are enough. Try again later.".to_owned()),
            _ => None,
        },
        secret: None,
    };
    pages::respond(StatusCode::OK, &page)
}

async fn post_one(Path(id): Path<String>, form: Form) -> Response {
    let cx = form.cx.clone();
    let done = async {
        let administrator = enter(&cx, &form.browser, Place::Invitations, Act::Edit).await?;
        let (invitation, _) = find(&cx, &administrator, &id).await?;
        let path = format!("/admin/invitations/{id}");
        let typed = Typed::of(form.every());
        confirm::confirm(&cx, &form.browser, (&administrator.visitor, &path), &typed).await?;
        let by = administrator.visitor.person.id;
        let done = match form.get("act") {
            "again" => match invitations::send_again(&cx, by, &invitation).await? {
                Again::Sent => "again",
                Again::Over => "over",
                Again::TooMany => "many",
            },
            "withdraw" => match invitations::withdraw(&cx, by, &invitation).await? {
                Withdrawn::Now => "withdrawn",
                Withdrawn::Before => "over",
                Withdrawn::Activated => "activated",
            },
            _ => return Err(PageFailure::NotFound),
        };
        Ok(see_other(&format!("/admin/invitations/{}?done={done}", invitation.id)))
    };
    done.await.unwrap_or_else(|failure: PageFailure| failure.respond(&cx))
}
