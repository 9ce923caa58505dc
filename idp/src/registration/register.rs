//! A new client.

use serde_json::json;
use stepgate_core::account::Partner;
use stepgate_core::clients::{Application, Client, ClientMetadata};
use stepgate_core::entropy::{Entropy, random_token};
use stepgate_core::id::{ApplicationId, PartnerId};
use stepgate_core::oidc::OAuthError;
use stepgate_core::registration::{Members, validate};
use stepgate_core::secret::{SecretString, TokenHash};
use stepgate_store::{Connection, applications, people, registrations};

use super::admit::{Permit, spent};
use super::{Answer, deployment, documents, statement};
use crate::audit::{self, Event};
use crate::client_auth::NewSecret;
use crate::cx::Cx;
use crate::fault::Fault;
use crate::http::oauth_error::ProtocolFailure;

/// The partner of clients that nobody vouches for.
pub(super) const SELF_SERVICE: PartnerId =
    PartnerId::from_uuid(uuid::Uuid::from_u128(0x5e1f_5e1f_0000_4000_8000_0000_0000_0001));

/// Registers a client for whomever the permit names. The permit is used up with it, or not at all.
pub(super) async fn register(cx: &Cx, permit: Permit, members: Members) -> Result<Answer, ProtocolFailure> {
    let members = statement::apply(cx, members, None).map_err(OAuthError::from)?;
    let granted = ClientMetadata { self_registered: true, ..ClientMetadata::default() };
    let metadata = validate(&members, &granted, &deployment(&cx.app)).map_err(OAuthError::from)?;
    documents::check_sector(cx, &metadata).await.map_err(OAuthError::from)?;

    let (id, token) = (client_id(cx.entropy()), random_token(cx.entropy()));
    let method = metadata.token_endpoint_auth_method;
    let secret = method
        .needs_secret()
        .then(|| NewSecret::make(method, &id, &cx.app.secrets.sealing, cx.entropy(), cx.now))
        .transpose()?;
    let transaction = cx.app.db.begin().await?;
    let by = match &permit {
        Permit::Open => "everybody",
        Permit::Token(token) if registrations::take_token(&transaction, token.id, cx.now).await? => &token.name,
        Permit::Token(_) => return Err(spent()),
    };
    let application = application_for(cx, &transaction, &permit, &metadata).await?;
    let client = Client {
        id,
        application,
        secrets: secret.iter().map(|secret| secret.row.clone()).collect(),
        metadata,
        disabled_at: None,
        created_at: cx.now,
    };
    applications::insert_client(&transaction, &client).await?;
    registrations::set_client_token(&transaction, &client.id, &TokenHash::of(&token)).await?;
    let event = Event::new("client.registered").client(&client.id);
    audit::record(cx, &transaction, event.data(json!({ "application": application, "by": by }))).await?;
    transaction.commit().await?;
    Ok(Answer {
        client_id: client.id,
        issued_at: client.created_at,
        secret: secret.map(|secret| secret.text),
        token: SecretString::new(token),
        metadata: client.metadata,
    })
}

/// 128 random bits in hexadecimal: fit for every URL, form and command line.
fn client_id(entropy: &dyn Entropy) -> String {
    let mut bytes = [0; 16];
    entropy.fill(&mut bytes);
    data_encoding::HEXLOWER.encode(&bytes)
}

async fn application_for(
    cx: &Cx,
    connection: &impl Connection,
    permit: &Permit,
    metadata: &ClientMetadata,
) -> Result<ApplicationId, Fault> {
    let partner = match permit {
        Permit::Token(token) => match token.application {
            Some(application) => return Ok(application),
            None => token.partner,
        },
        Permit::Open => {
            let partner = Partner { id: SELF_SERVICE, name: "Self-service".to_owned(), created_at: cx.now };
            people::insert_partner_once(connection, &partner).await?;
            SELF_SERVICE
        }
    };
    let application = Application {
        id: ApplicationId::random(cx.entropy()),
        partner,
        name: name_of(metadata),
        // What people can open from their own pages is for the partner to say, not for a client.
        url: None,
        policy: json!({}),
        disabled_at: None,
        created_at: cx.now,
    };
    applications::insert_application(connection, &application).await?;
    Ok(application.id)
}

/// The name that people see: the client's, else where it sends them.
fn name_of(metadata: &ClientMetadata) -> String {
    if !metadata.client_name.is_empty() {
        return metadata.client_name.clone();
    }
    let host = |uri: &String| url::Url::parse(uri).ok().and_then(|url| url.host_str().map(str::to_owned));
    metadata.redirect_uris.iter().find_map(host).unwrap_or_else(|| "A client without a name".to_owned())
}
