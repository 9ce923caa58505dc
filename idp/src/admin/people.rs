//! People: who they are, what they hold, what they may do.

use std::sync::Arc;

use axum::Router;
use axum::extract::{Path, Query};
use axum::http::StatusCode;
use axum::response::Response;
use axum::routing::{get, post};
use serde_json::json;
use stepgate_core::account::{Person, Role};
use stepgate_core::assurance::CredentialState;
use stepgate_core::authorize::interaction::Landing;
use stepgate_core::credentials::Credential;
use stepgate_core::credentials::hardware_token::inventory::TokenStage;
use stepgate_core::id::PersonId;
use stepgate_store::{Transaction, credentials, people, sessions};

use super::access::{Act, Place, Scope, may};
use super::{Administrator, ListQuery, enter};
use crate::account::fresh::step_up_at;
use crate::app::App;
use crate::audit::{self, Event};
use crate::cx::Cx;
use crate::fault::Fault;
use crate::hardware_tokens::custody;
use crate::http::extract::{Browser, Form};
use crate::http::page::{PageFailure, see_other};
use crate::logout::{self, end::Ended};
use crate::notices::{self, Notice};
use crate::pages::admin::{DetailPage, DetailSection, ListPage};
use crate::pages::form::{Control, Field, Form as PageForm};
use crate::pages::parts::{kind_name, state_name, state_tone};
use crate::pages::table::{Cell, Table};
use crate::pages::{self, Action, Tone, When};

pub(super) fn routes() -> Router<Arc<App>> {
    Router::new()
        .route("/admin/people", get(get_people))
        .route("/admin/people/{username}", get(get_person))
        .route("/admin/people/{username}/do", post(post_person))
}

const PAGE: u32 = 50;

async fn get_people(cx: Cx, browser: Browser, Query(query): Query<ListQuery>) -> Response {
    list(&cx, &browser, &query).await.unwrap_or_else(|failure| failure.respond(&cx))
}

async fn list(cx: &Cx, browser: &Browser, query: &ListQuery) -> Result<Response, PageFailure> {
    let administrator = enter(cx, browser, Place::People, Act::See).await?;
    let found = match &administrator.scope {
        Scope::All => people::list_persons(&cx.app.db, &query.after, &query.q, PAGE).await?,
        Scope::Limited { organizations, .. } => {
            people::list_members(&cx.app.db, organizations, (&query.after, &query.q), PAGE).await?
        }
        Scope::Nothing => return Err(PageFailure::Forbidden),
    };
    let row = |person: &Person| {
        let (tone, word) = state(person);
        vec![
            Cell::link(format!("/admin/people/{}", person.username), person.username.as_str()),
            Cell::text(person.display_name()),
            Cell::text(person.claims.email.clone().unwrap_or_default()),
            Cell::State(tone, word.to_owned()),
            Cell::text(if person.is_proofed(cx.now) { "Proofed" } else { "" }),
        ]
    };
    let mut table =
        Table::new(&["User ID", "Name", "Email", "State", "Identity"], found.iter().map(row).collect(), "Nobody.");
    if found.len() == PAGE as usize {
        table.next = found.last().map(|last| format!("/admin/people?q={}&after={}", query.q, last.username));
    }
    table.first = (!query.after.is_empty()).then(|| "/admin/people".to_owned());
    let page = ListPage {
        layout: administrator.layout(cx, "People", Place::People),
        page: "admin-people",
        heading: "People".to_owned(),
        filter: vec![Field::optional("q", "User ID or email begins with", Control::Text, query.q.clone())],
        table,
        actions: vec![if administrator.scope == Scope::All {
            Action::link("resets", "Resets of devices", "/admin/resets")
        } else {
            Action::link("renewals", "Renew for your people", "/admin/renewals")
        }],
        done: None,
    };
    Ok(pages::respond(StatusCode::OK, &page))
}

const fn state(person: &Person) -> (Tone, &'static str) {
    match person.suspended_at {
        Some(_) => (Tone::Danger, "Suspended"),
        None => (Tone::Ok, "Active"),
    }
}

/// The person, if the administrator's scope reaches that far. Out of reach looks like not there.
pub(super) async fn reach(cx: &Cx, administrator: &Administrator, username: &str) -> Result<Person, PageFailure> {
    let person = people::find_person_by_login(&cx.app.db, username).await?.ok_or(PageFailure::NotFound)?;
    let reached = match &administrator.scope {
        Scope::All => true,
        Scope::Limited { organizations, .. } => {
            let theirs = people::organizations_of(&cx.app.db, person.id).await?;
            theirs.iter().any(|organization| organizations.contains(&organization.id))
        }
        Scope::Nothing => false,
    };
    if reached { Ok(person) } else { Err(PageFailure::NotFound) }
}

async fn get_person(
    cx: Cx,
    browser: Browser,
    Path(username): Path<String>,
    Query(query): Query<ListQuery>,
) -> Response {
    let shown = async {
        let administrator = enter(&cx, &browser, Place::People, Act::See).await?;
        let person = reach(&cx, &administrator, &username).await?;
        detail(&cx, &administrator, &person, &query.done).await
    };
    shown.await.unwrap_or_else(|failure: PageFailure| failure.respond(&cx))
}

async fn detail(cx: &Cx, administrator: &Administrator, person: &Person, done: &str) -> Result<Response, PageFailure> {
    let zone = administrator.visitor.zone();
    let editable = may(&administrator.visitor.roles, Place::People, Act::Edit) != Scope::Nothing;
    let held = credentials::list_credentials(&cx.app.db, person.id).await?;
    let row = |credential: &Credential| {
        let state = credential.state(cx.now);
        let (act, label) = match state {
            CredentialState::Suspended => ("reactivate", "Reactivate"),
            CredentialState::Locked => ("unlock", "Unlock"),
            _ if credential.failures > 0 => ("unlock", "Clear failures"),
            _ => ("suspend-credential", "Suspend"),
        };
        let button =
            Action::post(format!("{act}-{}", credential.id), label, format!("/admin/people/{}/do", person.username));
        vec![
            Cell::text(kind_name(credential.kind)),
            Cell::text(credential.serial.clone().unwrap_or_default()),
            Cell::State(state_tone(state), state_name(state).to_owned()),
            Cell::text(credential.failures.to_string()),
            Cell::time(credential.last_used_at.map(|at| When::new(at, cx.now, &zone))),
            if editable {
                Cell::Button(button.with("act", act).with("credential", credential.id.to_string()))
            } else {
                Cell::Empty
            },
        ]
    };
    let columns = ["Kind", "Serial", "State", "Failures", "Last used", ""];
    let credentials = Table::new(&columns, held.iter().map(row).collect(), "None.");
    let live = sessions::list_sessions(&cx.app.db, person.id, cx.now).await?;
    let row = |session: &stepgate_core::grants::Session| {
        vec![
            Cell::text(session.ip.map(|ip| ip.to_string()).unwrap_or_default()),
            Cell::text(session.user_agent.chars().take(60).collect::<String>()),
            Cell::Time(When::new(session.last_seen_at, cx.now, &zone)),
        ]
    };
    let sessions = Table::new(&["From", "Browser", "Last seen"], live.iter().map(row).collect(), "None.");
    let roles = people::roles_of(&cx.app.db, person.id).await?;
    let roles = roles.iter().map(|role| {
        let (name, place) = role.parts();
        vec![Cell::text(name), Cell::Code(place.map(|place| place.to_string()).unwrap_or_default())]
    });
    let roles = Table::new(&["Role", "Where"], roles.collect(), "None.");
    let (tone, word) = state(person);
    let mut forms = Vec::new();
    if editable {
        let hidden = |act: &str| Field::required("act", "", Control::Hidden, act);
        let path = format!("/admin/people/{}/do", person.username);
        let form = if person.suspended_at.is_some() {
            PageForm::side("unsuspend", path, "Lift the suspension", vec![hidden("unsuspend")])
        } else {
            let reason = Field::required("reason", "Reason", Control::Text, "");
            PageForm::side("suspend", path, "Suspend", vec![hidden("suspend"), reason])
                .dangerous("All sessions end at once, and nobody can log in until it is lifted.")
        };
        forms.push(form);
    }
    let mut role_forms = Vec::new();
    if may(&administrator.visitor.roles, Place::Roles, Act::Edit) == Scope::All {
        let names = [
            "operator",
            "support",
            "proofing_agent",
            "organization_administrator",
            "partner_administrator",
            "integrator",
            "application_administrator",
        ];
        let options: Vec<_> = names.iter().map(|name| ((*name).to_owned(), name.replace('_', " "))).collect();
        let path = format!("/admin/people/{}/do", person.username);
        for (act, label) in [("grant-role", "Grant"), ("revoke-role", "Take away")] {
            let fields = vec![
                Field::required("act", "", Control::Hidden, act),
                Field::required("role", "Role", Control::Select(options.clone()), ""),
                Field::optional("place", "Where", Control::Text, "")
                    .help("The id of the organization, partner or application."),
            ];
            role_forms.push(PageForm::side(act, path.clone(), label, fields));
        }
    }
    let section =
        |heading: &str, table, forms| DetailSection { heading: heading.to_owned(), table: Some(table), forms };
    let page = DetailPage {
        layout: administrator.layout(cx, person.display_name(), Place::People),
        page: "admin-person",
        heading: format!("{} ({})", person.display_name(), person.username),
        state: Some((tone, word.to_owned())),
        facts: vec![
            ("Id".to_owned(), Cell::Code(person.id.to_string())),
            ("Lost everything?".to_owned(), Cell::link(format!("/admin/people/{}/reset", person.username), "Reset")),
            ("Email".to_owned(), Cell::text(person.claims.email.clone().unwrap_or_default())),
            ("Proofed".to_owned(), Cell::time(person.proofed_at.map(|at| When::date(at, &zone)))),
            ("Account made".to_owned(), Cell::Time(When::date(person.created_at, &zone))),
        ],
        sections: vec![
            section("Credentials", credentials, Vec::new()),
            super::mobile::section(cx, administrator, person, editable).await?,
            section("Sessions", sessions, forms),
            section("Roles", roles, role_forms),
        ],
        back: Action::link("cancel", "People", "/admin/people"),
        done: (!done.is_empty()).then(|| "Done. It is in the audit log.".to_owned()),
        secret: None,
    };
    Ok(pages::respond(StatusCode::OK, &page))
}

async fn post_person(Path(username): Path<String>, form: Form) -> Response {
    let cx = form.cx.clone();
    let done = async {
        let administrator = enter(&cx, &form.browser, Place::People, Act::Edit).await?;
        let person = reach(&cx, &administrator, &username).await?;
        // What lets somebody in takes more than a session that was left open; what stops somebody does not.
        if matches!(form.get("act"), "unsuspend" | "reactivate" | "unlock" | "grant-role") {
            step_up_at(&cx, &form, &administrator.visitor, Landing::Person(person.username.clone())).await?;
        }
        act(&cx, &administrator, &person, &form).await?;
        Ok(see_other(&format!("/admin/people/{}?done=1", person.username)))
    };
    done.await.unwrap_or_else(|failure: PageFailure| failure.respond(&cx))
}

/// One act on a person, with its audit event in the same transaction.
async fn act(cx: &Cx, administrator: &Administrator, person: &Person, form: &Form) -> Result<(), PageFailure> {
    let by = administrator.visitor.person.id;
    if form.get("act") == "suspend" {
        for session in sessions::list_sessions(&cx.app.db, person.id, cx.now).await? {
            logout::end::know_partners(cx, session.id).await?;
        }
    }
    let mut ended = Ended::default();
    let transaction = cx.app.db.begin().await?;
    let event = |kind: &'static str| Event { actor: Some(by), ..Event::new(kind) }.to(person.id);
    let event = match form.get("act") {
        "suspend" => {
            let suspended = Person { suspended_at: Some(cx.now), updated_at: cx.now, ..person.clone() };
            people::update_person(&transaction, &suspended).await?;
            (_, ended) = logout::end::end_all_in(cx, &transaction, person.id, None).await?;
            event("admin.person.suspended").data(json!({ "reason": form.get("reason") }))
        }
        "unsuspend" => {
            let lifted = Person { suspended_at: None, updated_at: cx.now, ..person.clone() };
            people::update_person(&transaction, &lifted).await?;
            event("admin.person.reactivated")
        }
        act @ ("suspend-credential" | "reactivate" | "unlock") => {
            let credential = owned(cx, person.id, form.get("credential")).await?;
            let kind = act_on(cx, &transaction, by, &credential, act).await?;
            event(kind).data(json!({ "credential": credential.id }))
        }
        act @ ("grant-role" | "revoke-role") => {
            // Roles are the operator's alone, whoever else may edit people.
            if may(&administrator.visitor.roles, Place::Roles, Act::Edit) != Scope::All {
                return Err(PageFailure::Forbidden);
            }
            let place = uuid::Uuid::try_parse(form.get("place")).ok();
            let role = Role::from_parts(form.get("role"), place).ok_or_else(|| PageFailure::BadRequest {
                detail: "place: this role needs the id of its place, or must have none".to_owned(),
            })?;
            let data = json!({ "role": form.get("role"), "place": place });
            if act == "grant-role" {
                people::grant_role(&transaction, person.id, role).await?;
                event("admin.role.granted").data(data)
            } else {
                people::revoke_role(&transaction, person.id, role).await?;
                event("admin.role.revoked").data(data)
            }
        }
        _ => return Err(PageFailure::NotFound),
    };
    audit::record(cx, &transaction, event).await?;
    transaction.commit().await.map_err(Fault::from)?;
    ended.tell_soon(cx);
    Ok(())
}

/// One act on a credential; its holder is told. The kind of its event.
async fn act_on(
    cx: &Cx,
    transaction: &Transaction,
    by: PersonId,
    credential: &Credential,
    act: &str,
) -> Result<&'static str, Fault> {
    let (active, suspended) = (CredentialState::Active.as_str(), CredentialState::Suspended.as_str());
    let (id, line) = (credential.id, (Some(by), "on the page of its holder"));
    let (done, kind, what, more) = match act {
        "suspend-credential" => {
            let done = credentials::update_stage(transaction, id, active, suspended, cx.now).await?;
            if done {
                custody::log(cx, transaction, credential, TokenStage::Suspended, line).await?;
            }
            (
                done,
                "admin.credential.suspended",
                "was suspended",
                "Nobody can use it for now: ask your administrator why.",
            )
        }
        "reactivate" => {
            let done = credentials::update_stage(transaction, id, suspended, active, cx.now).await?;
            if done {
                custody::log(cx, transaction, credential, TokenStage::Active, line).await?;
            }
            (done, "admin.credential.reactivated", "can be used again", "An administrator has reactivated it.")
        }
        _ => {
            let done = credentials::clear_failures(transaction, id).await?;
            (done, "admin.credential.unlocked", "was unlocked", "An administrator has cleared the wrong tries.")
        }
    };
    if done {
        let subject = format!("{} {what}", credential.label);
        let notice = Notice::new(subject.clone(), format!("{subject}. {more}")).about(id);
        notices::tell(cx, transaction, credential.person, &notice).await?;
    }
    Ok(kind)
}

/// The credential of that id, if it is the person's.
async fn owned(cx: &Cx, person: PersonId, id: &str) -> Result<Credential, PageFailure> {
    let held = credentials::list_credentials(&cx.app.db, person).await?;
    held.into_iter().find(|known| known.id.to_string() == id).ok_or(PageFailure::NotFound)
}
