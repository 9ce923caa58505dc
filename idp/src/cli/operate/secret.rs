//! Commands about a client's secrets.

use stepgate_core::clients::MOST_SECRETS;

use super::*;
use crate::client_auth::NewSecret;

/// Commands about a client's secrets. A running provider hears of a change within a minute.
#[derive(Subcommand)]
pub(in crate::cli) enum SecretCommand {
    /// Makes a further one; prints it once. The others still count.
    Add {
        /// `client_id`.
        client: String,
        /// Days after which it stops to count; never when absent.
        #[arg(long)]
        days: Option<u32>,
    },
    /// Lists them, by the names that the other commands take.
    List {
        /// `client_id`.
        client: String,
    },
    /// Lets one stop to count, now or later.
    Expire {
        /// `client_id`.
        client: String,
        /// The secret's name.
        secret: String,
        /// Hours from now.
        #[arg(long, default_value_t = 0)]
        hours: u32,
    },
    /// Removes one.
    Remove {
        /// `client_id`.
        client: String,
        /// The secret's name.
        secret: String,
    },
}

/// A secret is named by the beginning of its hash, which tells nothing about it.
fn name(secret: &ClientSecret) -> String {
    data_encoding::HEXLOWER.encode(secret.hash.as_bytes()).chars().take(12).collect()
}

async fn find(operator: &Operator, id: &str) -> Result<Client, OperateError> {
    let found = applications::find_client(&operator.db, id).await?;
    found.ok_or_else(|| OperateError::Argument(format!("there is no client {id}")))
}

fn named<'a>(client: &'a Client, wanted: &str) -> Result<&'a ClientSecret, OperateError> {
    let found = client.secrets.iter().find(|secret| name(secret) == wanted);
    found.ok_or_else(|| OperateError::Argument(format!("{} has no secret {wanted}; list them", client.id)))
}

pub(super) async fn command(operator: &Operator, command: SecretCommand) -> Result<Value, OperateError> {
    let write = &operator.db.write;
    match command {
        SecretCommand::List { client } => {
            let client = find(operator, &client).await?;
            let row = |secret: &ClientSecret| {
                json!({
                    "secret": name(secret),
                    "made": secret.created_at.unix_seconds(),
                    "expires": secret.expires_at.map(Timestamp::unix_seconds),
                    "counts": secret.is_live(operator.now),
                })
            };
            Ok(client.secrets.iter().map(row).collect())
        }
        SecretCommand::Add { client, days } => add(operator, &client, days).await,
        SecretCommand::Expire { client, secret, hours } => {
            let client = find(operator, &client).await?;
            let end = operator.now + std::time::Duration::from_secs(u64::from(hours) * 3600);
            applications::expire_client_secret(write, &client.id, &named(&client, &secret)?.hash, end).await?;
            operator.record("admin.client.secret.expired", None, Some(&client.id)).await?;
            Ok(json!({ "secret": secret, "expires": end.unix_seconds() }))
        }
        SecretCommand::Remove { client, secret } => {
            let client = find(operator, &client).await?;
            applications::delete_client_secret(write, &client.id, &named(&client, &secret)?.hash).await?;
            operator.record("admin.client.secret.removed", None, Some(&client.id)).await?;
            Ok(json!({ "removed": secret }))
        }
    }
}

async fn add(operator: &Operator, id: &str, days: Option<u32>) -> Result<Value, OperateError> {
    let client = find(operator, id).await?;
    let method = client.metadata.token_endpoint_auth_method;
    if !method.needs_secret() {
        return Err(OperateError::Argument(format!("{id} authenticates by {}: it has no secret", method.as_str())));
    }
    let sealing = &operator.secrets.sealing;
    let mut new = NewSecret::make(method, id, sealing, &OsEntropy, operator.now).map_err(other)?;
    new.row.expires_at = days.map(|days| operator.now + std::time::Duration::from_secs(u64::from(days) * 24 * 3600));
    let transaction = operator.db.begin().await?;
    applications::hold_client(&transaction, id).await?;
    if applications::count_client_secrets(&transaction, id, operator.now).await? >= MOST_SECRETS {
        return Err(OperateError::Argument(format!(
            "{id} has {MOST_SECRETS} secrets that count; expire or remove one"
        )));
    }
    applications::insert_client_secret(&transaction, id, &new.row).await?;
    transaction.commit().await?;
    operator.record("admin.client.secret.added", None, Some(id)).await?;
    Ok(json!({
        "client_id": id,
        "secret": name(&new.row),
        "client_secret": new.text.expose(),
        "note": "the secret is shown this once; a running provider takes it within a minute",
    }))
}
