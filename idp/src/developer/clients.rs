//! The clients of an application.

use std::sync::Arc;

use axum::Router;
use axum::extract::{Path, Query as Address};
use axum::response::Response;
use axum::routing::{get, post};
use serde_json::json;
use stepgate_core::assurance::CredentialKind;
use stepgate_core::clients::{Application, Client, ClientAuthMethod, ClientMetadata, MOST_SECRETS};
use stepgate_core::entropy::random_token;
use stepgate_core::oidc::STANDARD_SCOPES;
use stepgate_store::{applications, requests};

use super::form::{draw, judge, of_form, of_metadata};
use super::{
    APPLICATIONS, Integrator, Query, client_page, commit, done, encode, enter, path_of, requests_path, respond,
};
use crate::app::App;
use crate::client_auth::NewSecret;
use crate::cx::Cx;
use crate::fault::Fault;
use crate::http::extract::{Browser, Form};
use crate::http::oauth_error::ProtocolFailure;
use crate::http::page::{PageFailure, see_other};
use crate::pages::developer::{Block, ConsolePage};
use crate::pages::form::{Control, Field, Form as PageForm};
use crate::pages::snippets::{self, Values};
use crate::pages::table::{Cell, Table};
use crate::pages::{Action, Tone};
use crate::registration::{check_sector, secret_for};

pub(super) fn routes() -> Router<Arc<App>> {
    Router::new()
        .route("/developer/applications/{id}/clients/new", get(get_new).post(post_new))
        .route("/developer/clients/{id}", get(get_client))
        .route("/developer/clients/{id}/edit", get(get_edit).post(post_edit))
        .route("/developer/clients/{id}/configuration", get(get_configuration))
        .route("/developer/clients/{id}/do", post(post_do))
}

/// What most clients want to begin with.
fn beginning(application: &Application) -> ClientMetadata {
    ClientMetadata {
        client_name: application.name.clone(),
        grant_types: ["authorization_code", "refresh_token"].map(str::to_owned).to_vec(),
        response_types: vec!["code".to_owned()],
        scope: STANDARD_SCOPES
            .iter()
            .filter(|scope| **scope != "offline_access")
            .copied()
            .collect::<Vec<_>>()
            .join(" "),
        token_endpoint_auth_method: ClientAuthMethod::ClientSecretBasic,
        ..ClientMetadata::default()
    }
}

fn new_page(cx: &Cx, integrator: &Integrator, application: &Application) -> ConsolePage {
    let layout = integrator.layout(cx, "New client", APPLICATIONS);
    let mut page = ConsolePage::new(layout, "developer-client-form", "New client");
    page.back =
        Some(Action::link("back", application.name.clone(), format!("/developer/applications/{}", application.id)));
    page
}

fn new_path(application: &Application) -> String {
    format!("/developer/applications/{}/clients/new", application.id)
}

async fn get_new(cx: Cx, browser: Browser, Path(id): Path<String>) -> Response {
    let shown = async {
        let integrator = enter(&cx, &browser).await?;
        let application = integrator.application(&cx, &id).await?;
        let typed = of_metadata(&cx, &beginning(&application));
        let form = draw(&cx, new_path(&application), "Register the client", &typed, &[]);
        Ok(respond(&new_page(&cx, &integrator, &application).with(Block::Form(form))))
    };
    shown.await.unwrap_or_else(|failure: PageFailure| failure.respond(&cx))
}

async fn post_new(Path(id): Path<String>, form: Form) -> Response {
    let cx = form.cx.clone();
    let made = async {
        let integrator = enter(&cx, &form.browser).await?;
        let application = integrator.application(&cx, &id).await?;
        let typed = of_form(&cx, &form);
        let metadata = match sound(&cx, judge(&cx, &typed, &ClientMetadata::default())).await {
            Ok(metadata) => metadata,
            Err(faults) => {
                let form = draw(&cx, new_path(&application), "Register the client", &typed, &faults);
                return Ok(respond(&new_page(&cx, &integrator, &application).with(Block::Form(form))));
            }
        };
        let (client, secret) = create(&cx, &integrator, &application, metadata).await?;
        let mut page = overview(&cx, &integrator, &client, &application).await?;
        page.done = Some("Registered. Copy the configuration for your library next.".to_owned());
        page.secret = secret.map(|secret| ("The client secret".to_owned(), secret));
        Ok(respond(&page))
    };
    made.await.unwrap_or_else(|failure: PageFailure| failure.respond(&cx))
}

/// Registers a client; its secret, where it has one, is known this once.
pub(super) async fn create(
    cx: &Cx,
    integrator: &Integrator,
    application: &Application,
    metadata: ClientMetadata,
) -> Result<(Client, Option<String>), PageFailure> {
    let id: String = random_token(cx.entropy()).chars().filter(char::is_ascii_alphanumeric).take(20).collect();
    let method = metadata.token_endpoint_auth_method;
    let secret = method
        .needs_secret()
        .then(|| NewSecret::make(method, &id, &cx.app.secrets.sealing, cx.entropy(), cx.now))
        .transpose()?;
    let client = Client {
        id,
        application: application.id,
        secrets: secret.iter().map(|secret| secret.row.clone()).collect(),
        metadata,
        disabled_at: None,
        created_at: cx.now,
    };
    let transaction = cx.app.db.begin().await?;
    applications::insert_client(&transaction, &client).await?;
    let event = integrator.event("developer.client.created").data(json!({ "application": application.id }));
    commit(cx, transaction, &client.id, event).await?;
    Ok((client, secret.map(|secret| secret.text.expose().clone())))
}

async fn get_client(cx: Cx, browser: Browser, Path(id): Path<String>, Address(query): Address<Query>) -> Response {
    let shown = async {
        let integrator = enter(&cx, &browser).await?;
        let (client, application) = integrator.client(&cx, &id).await?;
        let mut page = overview(&cx, &integrator, &client, &application).await?;
        page.done = done(&query);
        Ok(respond(&page))
    };
    shown.await.unwrap_or_else(|failure: PageFailure| failure.respond(&cx))
}

async fn overview(
    cx: &Cx,
    integrator: &Integrator,
    client: &Client,
    application: &Application,
) -> Result<ConsolePage, PageFailure> {
    let metadata = &client.metadata;
    let list = |items: &[String]| Cell::text(items.join(" "));
    let live = client.secrets.iter().filter(|secret| secret.is_live(cx.now)).count();
    let log = requests::list_requests_of_client(&cx.app.db, &client.id, 500).await?;
    let failed = log.iter().filter(|request| request.failed()).count();
    let floor = if metadata.required_acr.is_empty() {
        Cell::State(Tone::Neutral, "None of its own".to_owned())
    } else {
        list(&metadata.required_acr)
    };
    let facts = vec![
        ("Issuer".to_owned(), Cell::Code(cx.app.issuer().to_owned())),
        ("redirect_uris".to_owned(), list(&metadata.redirect_uris)),
        ("scope".to_owned(), Cell::text(metadata.scope.clone())),
        ("grant_types".to_owned(), list(&metadata.grant_types)),
        ("Authentication".to_owned(), Cell::Code(metadata.token_endpoint_auth_method.as_str().to_owned())),
        (
            "Secrets".to_owned(),
            Cell::link(format!("{}/secrets", path_of(&client.id)), format!("{live} of {MOST_SECRETS} in use")),
        ),
        ("Strength floor".to_owned(), floor),
        ("Registered".to_owned(), Cell::Time(integrator.when(cx, client.created_at))),
        (
            "Latest requests".to_owned(),
            Cell::link(requests_path(client), format!("{} kept, {failed} of them refused", log.len())),
        ),
    ];
    let path = format!("{}/do", path_of(&client.id));
    let hidden = |act: &str| vec![Field::required("act", "", Control::Hidden, act)];
    let (act, words) = if client.disabled_at.is_some() { ("on", "Switch on") } else { ("off", "Switch off") };
    let switch = PageForm::side(act, path.clone(), words, hidden(act));
    let switch =
        if act == "off" { switch.dangerous("All its requests are refused until it is switched on.") } else { switch };
    let remove = PageForm::side("remove", path, "Remove the client", hidden("remove"))
        .dangerous("It is gone for good, with its log. Its tokens are worth nothing from then on.");
    let mut page = client_page(cx, integrator, (client, application), "");
    let playground = format!("/developer/playground?client={}", encode(&client.id));
    page.actions = vec![Action::link("try", "Try in the playground", playground)];
    Ok(page
        .with(Block::Facts(String::new(), facts))
        .with(Block::Small(words.to_owned(), switch))
        .with(Block::Small("Remove".to_owned(), remove)))
}

async fn get_edit(cx: Cx, browser: Browser, Path(id): Path<String>) -> Response {
    let shown = async {
        let integrator = enter(&cx, &browser).await?;
        let (client, application) = integrator.client(&cx, &id).await?;
        let typed = of_metadata(&cx, &client.metadata);
        let form = draw(&cx, format!("{}/edit", path_of(&client.id)), "Save", &typed, &[]);
        Ok(respond(&client_page(&cx, &integrator, (&client, &application), "/edit").with(Block::Form(form))))
    };
    shown.await.unwrap_or_else(|failure: PageFailure| failure.respond(&cx))
}

async fn post_edit(Path(id): Path<String>, form: Form) -> Response {
    let cx = form.cx.clone();
    let saved = async {
        let integrator = enter(&cx, &form.browser).await?;
        let (client, application) = integrator.client(&cx, &id).await?;
        let typed = of_form(&cx, &form);
        let metadata = match sound(&cx, judge(&cx, &typed, &client.metadata)).await {
            Ok(metadata) => metadata,
            Err(faults) => {
                let form = draw(&cx, format!("{}/edit", path_of(&client.id)), "Save", &typed, &faults);
                let page = client_page(&cx, &integrator, (&client, &application), "/edit");
                return Ok(respond(&page.with(Block::Form(form))));
            }
        };
        let changed = changes(&client.metadata, &metadata);
        let transaction = cx.app.db.begin().await?;
        if !applications::hold_client(&transaction, &client.id).await? {
            return Err(PageFailure::NotFound);
        }
        let secret = secret_for(&cx, &transaction, &client, &metadata).await.map_err(|failure| match failure {
            ProtocolFailure::Fault(fault) => fault,
            _ => Fault::internal("a secret was refused"),
        })?;
        let client = Client { metadata, ..client };
        applications::update_client(&transaction, &client).await?;
        let event = integrator.event("developer.client.changed").data(json!({ "changed": changed }));
        commit(&cx, transaction, &client.id, event).await?;
        let Some(secret) = secret else { return Ok(see_other(&format!("{}?done=saved", path_of(&client.id)))) };
        // The method of authentication now needs a secret that was not there.
        let (client, application) = integrator.client(&cx, &client.id).await?;
        let mut page = overview(&cx, &integrator, &client, &application).await?;
        page.done = Some("Saved. The way of authentication needs a new secret.".to_owned());
        page.secret = Some(("The new client secret".to_owned(), secret.text.expose().clone()));
        Ok(respond(&page))
    };
    saved.await.unwrap_or_else(|failure: PageFailure| failure.respond(&cx))
}

type Judged = Result<ClientMetadata, Vec<(String, String)>>;

/// What was judged right may still point to a document that says otherwise (OpenID Connect Registration §5).
async fn sound(cx: &Cx, judged: Judged) -> Judged {
    let metadata = judged?;
    match check_sector(cx, &metadata).await {
        Ok(()) => Ok(metadata),
        Err(error) => Err(vec![(error.member, error.fault)]),
    }
}

/// The names of the members that differ; their values are in the registration itself.
fn changes(before: &ClientMetadata, after: &ClientMetadata) -> Vec<String> {
    let (Ok(before), Ok(after)) = (serde_json::to_value(before), serde_json::to_value(after)) else {
        return Vec::new();
    };
    let names = after.as_object().into_iter().chain(before.as_object()).flat_map(|members| members.keys());
    let mut changed: Vec<String> = names.filter(|name| before.get(*name) != after.get(*name)).cloned().collect();
    changed.sort();
    changed.dedup();
    changed
}

async fn get_configuration(
    cx: Cx,
    browser: Browser,
    Path(id): Path<String>,
    Address(query): Address<Query>,
) -> Response {
    let shown = async {
        let integrator = enter(&cx, &browser).await?;
        let (client, application) = integrator.client(&cx, &id).await?;
        let all = snippets::all(&values(&cx, &client)).map_err(Fault::internal)?;
        let base = format!("{}/configuration", path_of(&client.id));
        let open = all.iter().find(|snippet| snippet.id == query.library).or(all.first());
        let open = open.cloned().ok_or(PageFailure::NotFound)?;
        let options = all.iter().map(|snippet| (snippet.id.to_owned(), snippet.name.to_owned())).collect();
        let choice = Field::required("library", "Library", Control::Select(options), open.id);
        let table = Table::new(&["Name", "Value"], endpoints(&cx, &client), "");
        let page = client_page(&cx, &integrator, (&client, &application), "/configuration")
            .with(Block::Words(
                "Filled with this client's values. Each shows how to demand a strength with acr_values and, the part that counts, how to check acr when the answer comes.".to_owned(),
            ))
            .with(Block::Library(base, choice))
            .with(Block::Code(format!("snippet-{}", open.id), open.name.to_owned(), open.text))
            .with(Block::Table("Values".to_owned(), Vec::new(), table));
        Ok(respond(&page))
    };
    shown.await.unwrap_or_else(|failure: PageFailure| failure.respond(&cx))
}

fn endpoints(cx: &Cx, client: &Client) -> Vec<Vec<Cell>> {
    let row = |name: &str, value: String| vec![Cell::text(name), Cell::Code(value)];
    vec![
        row("Issuer", cx.app.issuer().to_owned()),
        row("Discovery", cx.app.url("/.well-known/openid-configuration")),
        row("client_id", client.id.clone()),
        row("Authorization endpoint", cx.app.url("/authorize")),
        row("Token endpoint", cx.app.url("/token")),
        row("Userinfo endpoint", cx.app.url("/userinfo")),
        row("Keys", cx.app.url("/jwks.json")),
    ]
}

fn values(cx: &Cx, client: &Client) -> Values {
    let metadata = &client.metadata;
    let first = |items: &[String], other: &str| items.first().cloned().unwrap_or_else(|| other.to_owned());
    // The client's own wish, else its floor, else the first class above Password.
    let strong = cx.app.catalogue.uris().find(|uri| {
        let named = cx.app.catalogue.class(uri.as_str()).and_then(|(_, class)| class.names);
        named.is_some_and(|kind| kind != CredentialKind::Password)
    });
    let strong = strong.map(ToString::to_string).unwrap_or_default();
    Values {
        issuer: cx.app.issuer().to_owned(),
        client_id: client.id.clone(),
        public: client.is_public(),
        auth_method: metadata.token_endpoint_auth_method.as_str(),
        redirect_uri: first(&metadata.redirect_uris, "https://app.example/callback"),
        post_logout: first(&metadata.post_logout_redirect_uris, "https://app.example/"),
        scope: if metadata.scope.is_empty() { "openid".to_owned() } else { metadata.scope.clone() },
        acr: first(&metadata.default_acr_values, &first(&metadata.required_acr, &strong)),
        id_token_alg: metadata.id_token_signed_response_alg.clone().unwrap_or_else(|| "RS256".to_owned()),
    }
}

async fn post_do(Path(id): Path<String>, form: Form) -> Response {
    let cx = form.cx.clone();
    let acted = async {
        let integrator = enter(&cx, &form.browser).await?;
        let (mut client, application) = integrator.client(&cx, &id).await?;
        let act = form.get("act").to_owned();
        let transaction = cx.app.db.begin().await?;
        match act.as_str() {
            "on" | "off" => {
                client.disabled_at = (act == "off").then_some(cx.now);
                applications::update_client(&transaction, &client).await?;
                let off = "developer.client.disabled";
                let kind = if act == "off" { off } else { "developer.client.enabled" };
                commit(&cx, transaction, &client.id, integrator.event(kind)).await?;
                Ok(see_other(&format!("{}?done={act}", path_of(&client.id))))
            }
            "remove" => {
                requests::forget_client(&transaction, &client.id).await?;
                if !applications::delete_client(&transaction, &client.id).await? {
                    return Err(PageFailure::NotFound);
                }
                let event = integrator.event("developer.client.removed");
                commit(&cx, transaction, &client.id, event.data(json!({ "application": application.id }))).await?;
                Ok(see_other(&format!("/developer/applications/{}?done=removed", application.id)))
            }
            _ => Err(PageFailure::NotFound),
        }
    };
    acted.await.unwrap_or_else(|failure: PageFailure| failure.respond(&cx))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn changes_are_named_without_their_values() {
        let before = ClientMetadata { scope: "openid".to_owned(), ..ClientMetadata::default() };
        let after =
            ClientMetadata { scope: "openid email".to_owned(), tos_uri: Some("x".to_owned()), ..before.clone() };
        assert_eq!(changes(&before, &after), ["scope", "tos_uri"]);
    }
}
