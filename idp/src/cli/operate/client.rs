//! Commands about clients.

use serde::Deserialize as _;

use super::*;

pub(super) async fn client_command(operator: &Operator, command: ClientCommand) -> Result<Value, OperateError> {
    let db = &operator.db;
    match command {
        ClientCommand::List => Ok(applications::list_clients(db, "", 10_000).await?.iter().map(shown).collect()),
        ClientCommand::Show { id } => {
            let found = applications::find_client(db, &id).await?;
            found.as_ref().map(shown).ok_or_else(|| OperateError::Argument(format!("there is no client {id}")))
        }
        ClientCommand::Secret(command) => secret::command(operator, command).await,
        ClientCommand::Remove { id } => {
            if !applications::delete_client(&db.write, &id).await? {
                return Err(OperateError::Argument(format!("there is no client {id}")));
            }
            operator.record("admin.client.removed", None, Some(&id)).await?;
            Ok(json!({ "removed": id }))
        }
        ClientCommand::Add { id, name, redirect_uris, partner, public, jwks, opaque } => {
            let keys = jwks.as_deref().map(read_keys).transpose()?;
            let registrant = if public { Registrant::Public } else { Registrant::Confidential };
            for uri in &redirect_uris {
                RedirectUri::register(uri, registrant)
                    .map_err(|error| OperateError::Argument(format!("--redirect-uri {uri}: {error}")))?;
            }
            let partner = partner_of(operator, &partner).await?;
            let application = Application {
                id: ApplicationId::random(&OsEntropy),
                partner,
                name: name.clone(),
                url: None,
                policy: json!({}),
                disabled_at: None,
                created_at: operator.now,
            };
            let method = match (&keys, public) {
                (Some(_), _) => ClientAuthMethod::PrivateKeyJwt,
                (None, true) => ClientAuthMethod::None,
                (None, false) => ClientAuthMethod::default(),
            };
            let secret = (method == ClientAuthMethod::default()).then(|| random_token(&OsEntropy));
            let format = if opaque { AccessTokenFormat::Opaque } else { AccessTokenFormat::Jwt };
            let client = Client {
                id: id.clone(),
                application: application.id,
                secrets: secret.as_deref().map(|secret| ClientSecret::of(secret, operator.now)).into_iter().collect(),
                metadata: ClientMetadata {
                    client_name: name,
                    redirect_uris,
                    grant_types: ["authorization_code", "refresh_token"].map(str::to_owned).to_vec(),
                    response_types: vec!["code".to_owned()],
                    scope: "openid profile email address phone offline_access".to_owned(),
                    token_endpoint_auth_method: method,
                    access_token_format: format,
                    jwks: keys,
                    ..ClientMetadata::default()
                },
                disabled_at: None,
                created_at: operator.now,
            };
            let transaction = db.begin().await?;
            applications::insert_application(&transaction, &application).await?;
            match applications::insert_client(&transaction, &client).await {
                Err(StoreError::Conflict { .. }) => {
                    return Err(OperateError::Argument(format!(
                        "--id {id}: there is a client of that id; choose another"
                    )));
                }
                other => other?,
            }
            transaction.commit().await?;
            operator.record("admin.client.added", None, Some(&id)).await?;
            Ok(json!({ "client_id": id, "client_secret": secret, "note": "the secret is shown this once" }))
        }
    }
}

/// Reads a JWK Set in which at least one key is fit to verify. All that is said of the keys is kept, certificates too.
fn read_keys(file: &Path) -> Result<Value, OperateError> {
    let unfit = |why: String| OperateError::Argument(format!("--jwks {}: {why}", file.display()));
    let text = std::fs::read_to_string(file).map_err(|error| unfit(error.to_string()))?;
    let value: Value = serde_json::from_str(&text).map_err(|error| unfit(error.to_string()))?;
    let set = JwkSet::deserialize(&value).map_err(|error| unfit(error.to_string()))?;
    if PublicKeys::new(&set).is_empty() {
        return Err(unfit("no key in it can verify RS256, PS256, ES256 or EdDSA".to_owned()));
    }
    Ok(value)
}
