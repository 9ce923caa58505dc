//! Secrets and keys of a client: several at once while one is rotated, each with its age and its end. A secret is shown
//! when it is made and never again.

use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::extract::{Path, Query as Address};
use axum::response::Response;
use axum::routing::{get, post};
use serde_json::json;
use stepgate_core::clients::{Application, Client, ClientSecret, MOST_SECRETS};
use stepgate_core::secret::TokenHash;
use stepgate_store::applications;

use super::{Integrator, Query, client_page, commit, done, enter, path_of, respond};
use crate::app::App;
use crate::client_auth::NewSecret;
use crate::cx::Cx;
use crate::http::extract::{Browser, Form};
use crate::http::page::{PageFailure, see_other};
use crate::pages::developer::{Block, ConsolePage};
use crate::pages::form::{Control, Field, Form as PageForm};
use crate::pages::table::{Cell, Table};
use crate::pages::{Action, Tone};

pub(super) fn routes() -> Router<Arc<App>> {
    Router::new()
        .route("/developer/clients/{id}/secrets", get(get_secrets))
        .route("/developer/clients/{id}/secrets/add", post(post_add))
        .route("/developer/clients/{id}/secrets/end", post(post_end))
}

async fn get_secrets(cx: Cx, browser: Browser, Path(id): Path<String>, Address(query): Address<Query>) -> Response {
    let shown = async {
        let integrator = enter(&cx, &browser).await?;
        let (client, application) = integrator.client(&cx, &id).await?;
        let mut page = page(&cx, &integrator, (&client, &application), None);
        page.done = done(&query);
        Ok(respond(&page))
    };
    shown.await.unwrap_or_else(|failure: PageFailure| failure.respond(&cx))
}

/// What names a secret in forms: the beginning of its hash, from which nobody can make it.
fn name(secret: &ClientSecret) -> String {
    data_encoding::HEXLOWER.encode(secret.hash.as_bytes().get(..8).unwrap_or_default())
}

fn row(cx: &Cx, integrator: &Integrator, secret: &ClientSecret) -> Vec<Cell> {
    let (tone, word) = match secret.expires_at {
        None => (Tone::Ok, "In use"),
        Some(end) if end > cx.now => (Tone::Warning, "Ending"),
        Some(_) => (Tone::Neutral, "Ended"),
    };
    vec![
        Cell::Code(name(secret)),
        Cell::State(tone, word.to_owned()),
        Cell::Time(integrator.when(cx, secret.created_at)),
        Cell::time(secret.expires_at.map(|end| integrator.when(cx, end))),
    ]
}

fn page(
    cx: &Cx,
    integrator: &Integrator,
    (client, application): (&Client, &Application),
    error: Option<&str>,
) -> ConsolePage {
    let mut page = client_page(cx, integrator, (client, application), "/secrets");
    let path = path_of(&client.id);
    let method = client.metadata.token_endpoint_auth_method;
    if method.needs_secret() {
        let columns = ["Fingerprint", "State", "Made", "Ends"];
        let rows = client.secrets.iter().map(|secret| row(cx, integrator, secret)).collect();
        page = page.with(Block::Table("Secrets".to_owned(), Vec::new(), Table::new(&columns, rows, "None.")));
        let mut add = PageForm::side("add-secret", format!("{path}/secrets/add"), "Add a secret", Vec::new());
        add.fields = vec![Field::optional("add", "", Control::Hidden, "1")];
        add.error = error.map(str::to_owned);
        page = page.with(Block::Small("Rotate: add, deploy, then end the old one".to_owned(), add));
        let live: Vec<_> = client.secrets.iter().filter(|secret| secret.is_live(cx.now)).collect();
        if !live.is_empty() {
            let options = live.iter().map(|secret| {
                (name(secret), format!("{} · made {}", name(secret), integrator.when(cx, secret.created_at).text))
            });
            let days = [("0", "now"), ("1", "in a day"), ("7", "in a week"), ("30", "in 30 days")];
            let days = days.map(|(value, words)| (value.to_owned(), words.to_owned())).to_vec();
            let end = PageForm::side(
                "end-secret",
                format!("{path}/secrets/end"),
                "End it",
                vec![
                    Field::required("secret", "Secret", Control::Select(options.collect()), ""),
                    Field::required("days", "When", Control::Select(days), "7"),
                ],
            )
            .dangerous("From then on whoever still uses it is refused.");
            page = page.with(Block::Small("End a secret".to_owned(), end));
        }
    } else {
        let text = format!("{} needs no secret: nothing here has to be kept confidential by us.", method.as_str());
        page = page.with(Block::Words(text));
    }
    let keys = match (&client.metadata.jwks_uri, &client.metadata.jwks) {
        (Some(uri), _) => vec![("jwks_uri".to_owned(), Cell::Code(uri.clone()))],
        (None, Some(set)) => keys(set),
        (None, None) => vec![("Keys".to_owned(), Cell::text("None registered."))],
    };
    page.actions =
        vec![Action::link("edit-keys", "Change the keys", format!("{path}/edit#form-token_endpoint_auth_method"))];
    page.with(Block::Facts("Keys".to_owned(), keys))
}

fn keys(set: &serde_json::Value) -> Vec<(String, Cell)> {
    let keys = set.get("keys").and_then(serde_json::Value::as_array).into_iter().flatten();
    let text = |key: &serde_json::Value, name: &str| key.get(name).and_then(|it| it.as_str()).unwrap_or("–").to_owned();
    let row = |key: &serde_json::Value| {
        let words = format!("{} {} {}", text(key, "kty"), text(key, "alg"), text(key, "use"));
        (format!("kid {}", text(key, "kid")), Cell::Code(words))
    };
    keys.map(row).collect()
}

async fn post_add(Path(id): Path<String>, form: Form) -> Response {
    let cx = form.cx.clone();
    let added = async {
        let integrator = enter(&cx, &form.browser).await?;
        let (client, application) = integrator.client(&cx, &id).await?;
        let method = client.metadata.token_endpoint_auth_method;
        let transaction = cx.app.db.begin().await?;
        if !method.needs_secret() || !applications::hold_client(&transaction, &client.id).await? {
            return Err(PageFailure::NotFound);
        }
        if applications::count_client_secrets(&transaction, &client.id, cx.now).await? >= MOST_SECRETS {
            let text = format!("{MOST_SECRETS} secrets are in use, which is the most. End one first.");
            return Ok(respond(&page(&cx, &integrator, (&client, &application), Some(&text))));
        }
        let secret = NewSecret::make(method, &client.id, &cx.app.secrets.sealing, cx.entropy(), cx.now)?;
        applications::insert_client_secret(&transaction, &client.id, &secret.row).await?;
        let event = integrator.event("developer.secret.added").data(json!({ "secret": name(&secret.row) }));
        commit(&cx, transaction, &client.id, event).await?;
        let (client, application) = integrator.client(&cx, &id).await?;
        let mut page = page(&cx, &integrator, (&client, &application), None);
        page.secret = Some(("The new client secret".to_owned(), secret.text.expose().clone()));
        page.done = Some("Added. The old secret goes on working until you end it.".to_owned());
        Ok(respond(&page))
    };
    added.await.unwrap_or_else(|failure: PageFailure| failure.respond(&cx))
}

async fn post_end(Path(id): Path<String>, form: Form) -> Response {
    let cx = form.cx.clone();
    let ended = async {
        let integrator = enter(&cx, &form.browser).await?;
        let (client, _) = integrator.client(&cx, &id).await?;
        let days: u64 = form.get("days").parse().map_err(|_| PageFailure::NotFound)?;
        let named = |secret: &&ClientSecret| name(secret) == form.get("secret") && secret.is_live(cx.now);
        let hash: TokenHash = client.secrets.iter().find(named).map(|it| it.hash).ok_or(PageFailure::NotFound)?;
        let end = cx.now + Duration::from_secs(days.min(365) * 24 * 3600);
        let transaction = cx.app.db.begin().await?;
        applications::expire_client_secret(&transaction, &client.id, &hash, end).await?;
        let data = json!({ "secret": form.get("secret"), "days": days });
        commit(&cx, transaction, &client.id, integrator.event("developer.secret.ended").data(data)).await?;
        Ok(see_other(&format!("{}/secrets?done=ended", path_of(&client.id))))
    };
    ended.await.unwrap_or_else(|failure: PageFailure| failure.respond(&cx))
}
