//! A partner's sandbox client: made on demand, with the playground's redirect URI and nothing else. Its secret is kept
//! sealed, so that the playground can use it; nobody needs to know it.

use serde_json::json;
use stepgate_core::clients::{Application, ClientAuthMethod, ClientMetadata};
use stepgate_core::id::{ApplicationId, PartnerId};
use stepgate_core::oidc::STANDARD_SCOPES;
use stepgate_store::{applications, people, playground};

use super::callback;
use crate::audit;
use crate::cx::Cx;
use crate::developer::{Integrator, Owners, clients};
use crate::fault::Fault;
use crate::http::page::PageFailure;
use crate::pages::form::{Control, Field, Form};

const SEAL: &str = "sandbox secret";

/// A sandbox client.
pub(super) struct Sandbox {
    pub(super) client_id: String,
    pub(super) secret: String,
}

/// The partner whose sandbox an integrator uses: the first of theirs.
async fn partner(cx: &Cx, integrator: &Integrator) -> Result<Option<PartnerId>, Fault> {
    Ok(match &integrator.owners {
        Owners::Partners(partners) => partners.first().copied(),
        Owners::All => people::list_partners(&cx.app.db).await?.first().map(|partner| partner.id),
    })
}

/// The sandbox, once it was made.
pub(super) async fn find(cx: &Cx, integrator: &Integrator) -> Result<Option<Sandbox>, Fault> {
    let Some(partner) = partner(cx, integrator).await? else { return Ok(None) };
    let Some((client_id, sealed)) = playground::find_sandbox(&cx.app.db, partner).await? else { return Ok(None) };
    let secret = cx.app.secrets.sealing.open(SEAL, &client_id, &sealed)?;
    let secret = String::from_utf8(secret.expose().to_vec()).map_err(Fault::internal)?;
    Ok(Some(Sandbox { client_id, secret }))
}

/// The form that makes one.
pub(super) fn form() -> Form {
    let mut fields = vec![Field::required("sandbox", "", Control::Hidden, "1")];
    fields.truncate(1);
    Form::side("sandbox", "/developer/playground/sandbox", "Make a sandbox client", fields)
}

/// Makes the sandbox; nothing happens when there is one.
pub(super) async fn make(cx: &Cx, integrator: &Integrator) -> Result<(), PageFailure> {
    let partner = partner(cx, integrator).await?.ok_or(PageFailure::NotFound)?;
    if playground::find_sandbox(&cx.app.db, partner).await?.is_some() {
        return Ok(());
    }
    let application = Application {
        id: ApplicationId::random(cx.entropy()),
        partner,
        name: "Playground".to_owned(),
        url: None,
        policy: json!({}),
        disabled_at: None,
        created_at: cx.now,
    };
    let transaction = cx.app.db.begin().await?;
    applications::insert_application(&transaction, &application).await?;
    let event = integrator.event("developer.application.created");
    audit::record(cx, &transaction, event.data(json!({ "application": application.id, "sandbox": true }))).await?;
    transaction.commit().await?;
    // Everything that this deployment offers, so that everything can be tried.
    let offered = &cx.app.documents;
    let tried = ["authorization_code", "refresh_token", "implicit"];
    let grant_types = offered.grant_types.iter().filter(|grant| tried.contains(&grant.as_str())).cloned().collect();
    let metadata = ClientMetadata {
        client_name: "Sandbox".to_owned(),
        redirect_uris: vec![callback(cx)],
        grant_types,
        response_types: offered.response_types.clone(),
        scope: STANDARD_SCOPES.join(" "),
        token_endpoint_auth_method: ClientAuthMethod::ClientSecretBasic,
        ..ClientMetadata::default()
    };
    let (client, secret) = clients::create(cx, integrator, &application, metadata).await?;
    let secret = secret.unwrap_or_default();
    let sealed = cx.app.secrets.sealing.seal(cx.entropy(), SEAL, &client.id, secret.as_bytes()).map_err(Fault::from)?;
    // Of two presses at once the second finds the first one's.
    match playground::insert_sandbox(&cx.app.db.write, partner, &client.id, &sealed).await {
        Ok(()) | Err(stepgate_store::StoreError::Conflict { .. }) => Ok(()),
        Err(error) => Err(error.into()),
    }
}
