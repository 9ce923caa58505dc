//! A partner's applications.

use std::sync::Arc;

use axum::Router;
use axum::extract::{Path, Query as Address};
use axum::response::Response;
use axum::routing::{get, post};
use serde_json::json;
use stepgate_core::clients::{Application, Client};
use stepgate_core::id::ApplicationId;
use stepgate_store::{applications, console, people};

use super::{APPLICATIONS, Integrator, Owners, Query, done, encode, enter, path_of, respond, state, tell};
use crate::app::App;
use crate::audit;
use crate::cx::Cx;
use crate::http::extract::{Browser, Form};
use crate::http::page::{PageFailure, see_other};
use crate::pages::Action;
use crate::pages::developer::{Block, ConsolePage};
use crate::pages::form::{Control, Field, Form as PageForm};
use crate::pages::table::{Cell, Table};

pub(super) fn routes() -> Router<Arc<App>> {
    Router::new()
        .route("/developer", get(get_applications))
        .route("/developer/applications/new", get(get_new).post(post_new))
        .route("/developer/applications/{id}", get(get_application))
        .route("/developer/applications/{id}/edit", post(post_edit))
        .route("/developer/applications/{id}/do", post(post_do))
}

/// Applications on one page.
const PAGE: u32 = 50;

async fn get_applications(cx: Cx, browser: Browser, Address(query): Address<Query>) -> Response {
    let shown = async {
        let integrator = enter(&cx, &browser).await?;
        let after = query.after.rsplit_once('|').and_then(|(name, id)| Some((name, id.parse().ok()?)));
        let found = console::list_applications(&cx.app.db, &integrator.owners, &query.q, after, PAGE).await?;
        let owners: Vec<_> = found.iter().map(|application| application.partner).collect();
        let partners = people::list_partners_in(&cx.app.db, &owners).await?;
        let partner = |application: &Application| {
            let owner = partners.iter().find(|partner| partner.id == application.partner);
            owner.map_or_else(String::new, |owner| owner.name.clone())
        };
        let row = |application: &Application| {
            let (tone, word) = state(application.disabled_at.is_some());
            vec![
                Cell::link(format!("/developer/applications/{}", application.id), application.name.clone()),
                Cell::text(partner(application)),
                Cell::State(tone, word),
                Cell::Time(integrator.when(&cx, application.created_at)),
            ]
        };
        let empty = "No application yet. Make one, give it a client, and copy the configuration into your library.";
        let mut table = Table::new(&["Name", "Partner", "State", "Made"], found.iter().map(row).collect(), empty);
        if found.len() == PAGE as usize {
            table.next = found.last().map(|last| {
                format!("/developer?q={}&after={}", encode(&query.q), encode(&format!("{}|{}", last.name, last.id)))
            });
        }
        let mut page = ConsolePage::new(integrator.layout(&cx, "Developer", APPLICATIONS), "developer", "Applications");
        page.done = done(&query);
        page.actions = vec![Action::link("new", "New application", "/developer/applications/new")];
        let filter = vec![Field::optional("q", "Name or client_id", Control::Text, query.q.clone())];
        Ok(respond(&page.with(Block::Table(String::new(), filter, table))))
    };
    shown.await.unwrap_or_else(|failure: PageFailure| failure.respond(&cx))
}

/// What was typed about an application.
#[derive(Default)]
struct Typed {
    partner: String,
    name: String,
    url: String,
    wrong: Vec<(&'static str, String)>,
}

impl Typed {
    fn of(form: &Form) -> Self {
        let mut typed = Self {
            partner: form.get("partner").to_owned(),
            name: form.get("name").to_owned(),
            url: form.get("url").to_owned(),
            wrong: Vec::new(),
        };
        if typed.name.is_empty() || typed.name.chars().count() > 100 {
            typed.wrong.push(("name", "1 to 100 characters, as people will read it.".to_owned()));
        }
        let fit = |url: url::Url| matches!(url.scheme(), "https" | "http") && url.has_host();
        if !typed.url.is_empty() && !url::Url::parse(&typed.url).is_ok_and(fit) {
            typed.wrong.push(("url", "Must be an address such as https://app.example/.".to_owned()));
        }
        typed
    }

    fn fields(&self) -> Vec<Field> {
        let mut fields = vec![
            Field::required("name", "Name", Control::Text, self.name.clone()).help("People see it when they log in."),
            Field::optional("url", "Address", Control::Text, self.url.clone())
                .help("Where My Applications leads to. Leave it empty and it is not listed there."),
        ];
        for field in &mut fields {
            field.error = self.wrong.iter().find(|(name, _)| *name == field.name).map(|(_, error)| error.clone());
        }
        fields
    }
}

async fn new_page(cx: &Cx, integrator: &Integrator, typed: &Typed) -> Result<Response, PageFailure> {
    let mut fields = typed.fields();
    let theirs = match &integrator.owners {
        Owners::All => people::list_partners(&cx.app.db).await?,
        Owners::Partners(own) => people::list_partners_in(&cx.app.db, own).await?,
    };
    if theirs.len() != 1 {
        let options = theirs.iter().map(|partner| (partner.id.to_string(), partner.name.clone())).collect();
        fields.insert(0, Field::required("partner", "Partner", Control::Select(options), typed.partner.clone()));
    }
    let layout = integrator.layout(cx, "New application", APPLICATIONS);
    let mut page = ConsolePage::new(layout, "developer-application-form", "New application");
    page.back = Some(Action::link("back", "Applications", APPLICATIONS));
    let form = PageForm::main("/developer/applications/new", "Make it", fields);
    Ok(respond(&page.with(Block::Small("What people see".to_owned(), form))))
}

async fn get_new(cx: Cx, browser: Browser) -> Response {
    let shown = async {
        let integrator = enter(&cx, &browser).await?;
        new_page(&cx, &integrator, &Typed::default()).await
    };
    shown.await.unwrap_or_else(|failure| failure.respond(&cx))
}

async fn post_new(form: Form) -> Response {
    let cx = form.cx.clone();
    let made = async {
        let integrator = enter(&cx, &form.browser).await?;
        let typed = Typed::of(&form);
        if !typed.wrong.is_empty() {
            return new_page(&cx, &integrator, &typed).await;
        }
        let partner = match (&integrator.owners, typed.partner.parse()) {
            (_, Ok(partner)) if integrator.owns(partner) => partner,
            (Owners::Partners(partners), _) if partners.len() == 1 => *partners.first().ok_or(PageFailure::NotFound)?,
            _ => return new_page(&cx, &integrator, &typed).await,
        };
        let application = Application {
            id: ApplicationId::random(cx.entropy()),
            partner,
            name: typed.name,
            url: Some(typed.url).filter(|url| !url.is_empty()),
            policy: json!({}),
            disabled_at: None,
            created_at: cx.now,
        };
        let transaction = cx.app.db.begin().await?;
        applications::insert_application(&transaction, &application).await?;
        let event = integrator.event("developer.application.created");
        audit::record(&cx, &transaction, event.data(json!({ "application": application.id }))).await?;
        transaction.commit().await?;
        Ok(see_other(&format!("/developer/applications/{}?done=made", application.id)))
    };
    made.await.unwrap_or_else(|failure: PageFailure| failure.respond(&cx))
}

async fn get_application(cx: Cx, browser: Browser, Path(id): Path<String>, Address(query): Address<Query>) -> Response {
    let shown = async {
        let integrator = enter(&cx, &browser).await?;
        let application = integrator.application(&cx, &id).await?;
        let typed = Typed {
            name: application.name.clone(),
            url: application.url.clone().unwrap_or_default(),
            ..Typed::default()
        };
        let mut page = page(&cx, &integrator, &application, &typed).await?;
        page.done = done(&query);
        Ok(respond(&page))
    };
    shown.await.unwrap_or_else(|failure: PageFailure| failure.respond(&cx))
}

fn client_row(cx: &Cx, integrator: &Integrator, client: &Client) -> Vec<Cell> {
    let (tone, word) = state(client.disabled_at.is_some());
    vec![
        Cell::link(path_of(&client.id), client.id.clone()),
        Cell::text(client.metadata.client_name.clone()),
        Cell::Code(client.metadata.token_endpoint_auth_method.as_str().to_owned()),
        Cell::State(tone, word),
        Cell::Time(integrator.when(cx, client.created_at)),
    ]
}

async fn page(
    cx: &Cx,
    integrator: &Integrator,
    application: &Application,
    typed: &Typed,
) -> Result<ConsolePage, PageFailure> {
    let path = format!("/developer/applications/{}", application.id);
    let clients = console::clients_of(&cx.app.db, application.id).await?;
    let rows = clients.iter().map(|client| client_row(cx, integrator, client)).collect();
    let empty = "No client yet. A client is one program that logs people in: a server, a browser application, an app.";
    let table = Table::new(&["client_id", "Name", "Authentication", "State", "Made"], rows, empty);
    let layout = integrator.layout(cx, &application.name, APPLICATIONS);
    let mut page = ConsolePage::new(layout, "developer-application", application.name.clone());
    page.back = Some(Action::link("back", "Applications", APPLICATIONS));
    page.state = Some(state(application.disabled_at.is_some()));
    page.tabs =
        vec![("Clients".to_owned(), path.clone(), true), ("Requests".to_owned(), format!("{path}/requests"), false)];
    page.actions = vec![Action::link("new-client", "New client", format!("{path}/clients/new"))];
    let (act, words) = if application.disabled_at.is_some() { ("on", "Switch on") } else { ("off", "Switch off") };
    let switch =
        PageForm::side(act, format!("{path}/do"), words, vec![Field::required("act", "", Control::Hidden, act)]);
    let switch =
        if act == "off" { switch.dangerous("Nobody can log in to it until it is switched on again.") } else { switch };
    let remove = PageForm::side(
        "remove",
        format!("{path}/do"),
        "Remove the application",
        vec![Field::required("act", "", Control::Hidden, "remove")],
    )
    .dangerous("It is gone for good. Only an application without clients can be removed.");
    let policy = match application.policy.as_object() {
        Some(policy) if !policy.is_empty() => Cell::Code(application.policy.to_string()),
        _ => Cell::text("Any login. Its administrator can demand more under Administration."),
    };
    let page = page
        .with(Block::Table("Clients".to_owned(), Vec::new(), table))
        .with(Block::Facts(
            "Facts".to_owned(),
            vec![
                ("Id".to_owned(), Cell::Code(application.id.to_string())),
                ("What it accepts".to_owned(), policy),
                ("Made".to_owned(), Cell::Time(integrator.when(cx, application.created_at))),
            ],
        ))
        .with(Block::Small(
            "What people see".to_owned(),
            PageForm::main(format!("{path}/edit"), "Save", typed.fields()),
        ))
        .with(Block::Small(words.to_owned(), switch));
    Ok(if clients.is_empty() { page.with(Block::Small("Remove".to_owned(), remove)) } else { page })
}

async fn post_edit(Path(id): Path<String>, form: Form) -> Response {
    let cx = form.cx.clone();
    let saved = async {
        let integrator = enter(&cx, &form.browser).await?;
        let mut application = integrator.application(&cx, &id).await?;
        let typed = Typed::of(&form);
        if !typed.wrong.is_empty() {
            return Ok(respond(&page(&cx, &integrator, &application, &typed).await?));
        }
        application.name = typed.name;
        application.url = Some(typed.url).filter(|url| !url.is_empty());
        save(&cx, &integrator, &application, "developer.application.changed").await?;
        Ok(see_other(&format!("/developer/applications/{}?done=saved", application.id)))
    };
    saved.await.unwrap_or_else(|failure: PageFailure| failure.respond(&cx))
}

async fn save(
    cx: &Cx,
    integrator: &Integrator,
    application: &Application,
    kind: &'static str,
) -> Result<(), PageFailure> {
    let transaction = cx.app.db.begin().await?;
    console::update_application(&transaction, application).await?;
    let event = integrator.event(kind).data(json!({ "application": application.id, "name": application.name }));
    audit::record(cx, &transaction, event).await?;
    transaction.commit().await?;
    for client in applications::client_ids_of(&cx.app.db, application.id).await? {
        tell(cx, &client).await;
    }
    Ok(())
}

async fn post_do(Path(id): Path<String>, form: Form) -> Response {
    let cx = form.cx.clone();
    let acted = async {
        let integrator = enter(&cx, &form.browser).await?;
        let mut application = integrator.application(&cx, &id).await?;
        let act = form.get("act").to_owned();
        match act.as_str() {
            "on" | "off" => {
                application.disabled_at = (act == "off").then_some(cx.now);
                let off = "developer.application.disabled";
                let kind = if act == "off" { off } else { "developer.application.enabled" };
                save(&cx, &integrator, &application, kind).await?;
                Ok(see_other(&format!("/developer/applications/{}?done={act}", application.id)))
            }
            "remove" => {
                let transaction = cx.app.db.begin().await?;
                if !console::delete_application(&transaction, application.id).await? {
                    return Err(PageFailure::BadRequest {
                        detail: "the application still has clients; remove them first".to_owned(),
                    });
                }
                let event = integrator.event("developer.application.removed");
                let data = json!({ "application": application.id, "name": application.name });
                audit::record(&cx, &transaction, event.data(data)).await?;
                transaction.commit().await?;
                Ok(see_other("/developer"))
            }
            _ => Err(PageFailure::NotFound),
        }
    };
    acted.await.unwrap_or_else(|failure: PageFailure| failure.respond(&cx))
}
