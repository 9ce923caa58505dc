//! Applications with their policies, and the clients behind them.

use std::sync::Arc;

use axum::Router;
use axum::extract::{Path, Query};
use axum::http::StatusCode;
use axum::response::Response;
use axum::routing::{get, post};
use serde_json::json;
use stepgate_core::assurance::{ApplicationPolicy, Ask, Requirement};
use stepgate_core::clients::{Application, Client};
use stepgate_store::applications;

use super::access::{Act, Place, Scope, may};
use super::{Administrator, ListQuery, enter};
use crate::app::App;
use crate::audit::{self, Event};
use crate::cx::Cx;
use crate::fault::Fault;
use crate::http::extract::{Browser, Form};
use crate::http::page::{PageFailure, see_other};
use crate::pages::admin::{DetailPage, DetailSection, ListPage};
use crate::pages::form::{Control, Field, Form as PageForm};
use crate::pages::table::{Cell, Table};
use crate::pages::{self, Action, Tone};

pub(super) fn routes() -> Router<Arc<App>> {
    Router::new()
        .route("/admin/applications", get(get_applications))
        .route("/admin/applications/{id}", get(get_application))
        .route("/admin/applications/{id}/policy", post(post_policy))
        .route("/admin/clients", get(get_clients))
        .route("/admin/clients/{id}/do", post(post_client))
}

fn within(scope: &Scope, application: &Application) -> bool {
    match scope {
        Scope::All => true,
        Scope::Limited { partners, applications, .. } => {
            partners.contains(&application.partner) || applications.contains(&application.id)
        }
        Scope::Nothing => false,
    }
}

async fn get_applications(cx: Cx, browser: Browser) -> Response {
    let shown = async {
        let administrator = enter(&cx, &browser, Place::Applications, Act::See).await?;
        let mut found = applications::list_applications(&cx.app.db).await?;
        found.retain(|application| within(&administrator.scope, application));
        let row = |application: &Application| {
            vec![
                Cell::link(format!("/admin/applications/{}", application.id), application.name.clone()),
                Cell::text(application.url.clone().unwrap_or_default()),
                Cell::Code(application.policy.to_string()),
            ]
        };
        let page = ListPage {
            layout: administrator.layout(&cx, "Applications", Place::Applications),
            page: "admin-applications",
            heading: "Applications".to_owned(),
            filter: Vec::new(),
            table: Table::new(&["Name", "Address", "Policy"], found.iter().map(row).collect(), "None."),
            actions: Vec::new(),
            done: None,
        };
        Ok(pages::respond(StatusCode::OK, &page))
    };
    shown.await.unwrap_or_else(|failure: PageFailure| failure.respond(&cx))
}

async fn find(cx: &Cx, administrator: &Administrator, id: &str) -> Result<Application, PageFailure> {
    let id = id.parse().map_err(|_| PageFailure::NotFound)?;
    let found = applications::find_application(&cx.app.db, id).await?;
    found.filter(|application| within(&administrator.scope, application)).ok_or(PageFailure::NotFound)
}

async fn get_application(cx: Cx, browser: Browser, Path(id): Path<String>, Query(query): Query<ListQuery>) -> Response {
    let shown = async {
        let administrator = enter(&cx, &browser, Place::Applications, Act::See).await?;
        let application = find(&cx, &administrator, &id).await?;
        let policy = serde_json::to_string_pretty(&application.policy).map_err(Fault::internal)?;
        detail(&cx, &administrator, &application, (policy, None), !query.done.is_empty()).await
    };
    shown.await.unwrap_or_else(|failure: PageFailure| failure.respond(&cx))
}

async fn detail(
    cx: &Cx,
    administrator: &Administrator,
    application: &Application,
    (policy, error): (String, Option<String>),
    done: bool,
) -> Result<Response, PageFailure> {
    let clients = applications::client_ids_of(&cx.app.db, application.id).await?;
    let mut forms = Vec::new();
    if may(&administrator.visitor.roles, Place::Applications, Act::Edit) != Scope::Nothing {
        let known: Vec<String> = cx.app.catalogue.uris().map(ToString::to_string).collect();
        let help = format!(
            "JSON: accepts (any of {}), proofed, max_age_seconds, refuse_restricted, valid_from, valid_until.",
            known.join(", ")
        );
        let mut field = Field::required("policy", "Policy", Control::Json, policy).help(help);
        field.error = error;
        let path = format!("/admin/applications/{}/policy", application.id);
        forms.push(PageForm::main(path, "Save the policy", vec![field]));
    }
    let rows = clients.into_iter().map(|client| vec![Cell::Code(client)]).collect();
    let page = DetailPage {
        layout: administrator.layout(cx, &application.name, Place::Applications),
        page: "admin-application",
        heading: application.name.clone(),
        state: None,
        facts: vec![
            ("Id".to_owned(), Cell::Code(application.id.to_string())),
            ("Address".to_owned(), Cell::text(application.url.clone().unwrap_or_default())),
        ],
        sections: vec![
            DetailSection { heading: "What it accepts".to_owned(), table: None, forms },
            DetailSection {
                heading: "Clients".to_owned(),
                table: Some(Table::new(&["client_id"], rows, "None.")),
                forms: Vec::new(),
            },
        ],
        back: Action::link("cancel", "Applications", "/admin/applications"),
        done: done.then(|| "The policy is saved and in force on every node.".to_owned()),
        secret: None,
    };
    Ok(pages::respond(StatusCode::OK, &page))
}

/// Reads a policy as strictly as it will be used.
fn parse(cx: &Cx, text: &str) -> Result<serde_json::Value, String> {
    let policy: ApplicationPolicy = serde_json::from_str(text).map_err(|error| format!("Not a policy: {error}"))?;
    let ask = Ask {
        floors: std::slice::from_ref(&policy),
        essential_acr: None,
        acr_values: &[],
        acr_values_voluntary: false,
        max_age: None,
        login_prompted: false,
        started_at: cx.now,
    };
    Requirement::from_ask(&cx.app.catalogue, &ask).map_err(|error| format!("Not a policy: {error}."))?;
    serde_json::to_value(&policy).map_err(|error| error.to_string())
}

async fn post_policy(Path(id): Path<String>, form: Form) -> Response {
    let cx = form.cx.clone();
    let saved = async {
        let administrator = enter(&cx, &form.browser, Place::Applications, Act::Edit).await?;
        let application = find(&cx, &administrator, &id).await?;
        let policy = match parse(&cx, form.get("policy")) {
            Ok(policy) => policy,
            Err(error) => {
                let typed = form.get("policy").to_owned();
                return detail(&cx, &administrator, &application, (typed, Some(error)), false).await;
            }
        };
        let transaction = cx.app.db.begin().await?;
        applications::update_application_policy(&transaction, application.id, &policy).await?;
        let event = Event { actor: Some(administrator.visitor.person.id), ..Event::new("admin.policy.changed") };
        let event = event.data(json!({ "application": application.id, "from": application.policy, "to": policy }));
        audit::record(&cx, &transaction, event).await?;
        transaction.commit().await?;
        for client in applications::client_ids_of(&cx.app.db, application.id).await? {
            cx.app.clients.forget(&client);
            cx.app.invalidations.publish(&format!("client:{client}")).await;
        }
        Ok(see_other(&format!("/admin/applications/{}?done=1", application.id)))
    };
    saved.await.unwrap_or_else(|failure: PageFailure| failure.respond(&cx))
}

async fn get_clients(cx: Cx, browser: Browser, Query(query): Query<ListQuery>) -> Response {
    let shown = async {
        let administrator = enter(&cx, &browser, Place::Clients, Act::See).await?;
        let editable = may(&administrator.visitor.roles, Place::Clients, Act::Edit) != Scope::Nothing;
        let clients = applications::list_clients(&cx.app.db, &query.after, 50).await?;
        let mut owned: Vec<Application> = Vec::new();
        for client in &clients {
            if owned.iter().all(|known| known.id != client.application) {
                owned.extend(applications::find_application(&cx.app.db, client.application).await?);
            }
        }
        let next =
            (clients.len() == 50).then(|| clients.last().map(|last| format!("/admin/clients?after={}", last.id)));
        let row = |client: &Client| {
            let application = owned.iter().find(|it| it.id == client.application)?;
            if !within(&administrator.scope, application) {
                return None;
            }
            let (tone, word, act) = match client.disabled_at {
                Some(_) => (Tone::Danger, "Off", "enable"),
                None => (Tone::Ok, "On", "disable"),
            };
            let label = if act == "enable" { "Switch on" } else { "Switch off" };
            let button =
                Action::post(format!("{act}-{}", client.id), label, format!("/admin/clients/{}/do", client.id));
            Some(vec![
                Cell::Code(client.id.clone()),
                Cell::text(application.name.clone()),
                Cell::text(client.metadata.redirect_uris.join(" ")),
                Cell::State(tone, word.to_owned()),
                if editable { Cell::Button(button.with("act", act)) } else { Cell::Empty },
            ])
        };
        let columns = ["client_id", "Application", "Redirect URIs", "State", ""];
        let mut table = Table::new(&columns, clients.iter().filter_map(row).collect(), "None.");
        table.next = next.flatten();
        let page = ListPage {
            layout: administrator.layout(&cx, "Clients", Place::Clients),
            page: "admin-clients",
            heading: "Clients".to_owned(),
            filter: Vec::new(),
            table,
            actions: Vec::new(),
            done: None,
        };
        Ok(pages::respond(StatusCode::OK, &page))
    };
    shown.await.unwrap_or_else(|failure: PageFailure| failure.respond(&cx))
}

async fn post_client(Path(id): Path<String>, form: Form) -> Response {
    let cx = form.cx.clone();
    let done = async {
        let administrator = enter(&cx, &form.browser, Place::Clients, Act::Edit).await?;
        let mut client = applications::find_client(&cx.app.db, &id).await?.ok_or(PageFailure::NotFound)?;
        find(&cx, &administrator, &client.application.to_string()).await?;
        let kind = match form.get("act") {
            "disable" => {
                client.disabled_at = Some(cx.now);
                "admin.client.disabled"
            }
            "enable" => {
                client.disabled_at = None;
                "admin.client.enabled"
            }
            _ => return Err(PageFailure::NotFound),
        };
        let transaction = cx.app.db.begin().await?;
        applications::update_client(&transaction, &client).await?;
        let event = Event { actor: Some(administrator.visitor.person.id), ..Event::new(kind) }.client(&client.id);
        audit::record(&cx, &transaction, event).await?;
        transaction.commit().await?;
        cx.app.clients.forget(&client.id);
        cx.app.invalidations.publish(&format!("client:{}", client.id)).await;
        Ok(see_other("/admin/clients"))
    };
    done.await.unwrap_or_else(|failure: PageFailure| failure.respond(&cx))
}
