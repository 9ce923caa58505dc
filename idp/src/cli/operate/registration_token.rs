//! Commands about initial access tokens.

use stepgate_core::clients::RegistrationToken;
use stepgate_core::id::RegistrationTokenId;
use stepgate_core::secret::TokenHash;
use stepgate_store::registrations;

use super::*;

/// Commands about initial access tokens.
#[derive(Subcommand)]
pub(in crate::cli) enum RegistrationTokenCommand {
    /// Makes one; prints it once.
    Add {
        /// The partner whose clients are registered with it; made when there is none of that name.
        #[arg(long)]
        partner: String,
        /// The application that the clients belong to, by its id; each client gets one of its own when absent.
        #[arg(long)]
        application: Option<ApplicationId>,
        /// What it is for.
        #[arg(long, default_value = "")]
        name: String,
        /// How many clients it registers.
        #[arg(long, default_value_t = 1, value_parser = clap::value_parser!(u32).range(1..))]
        uses: u32,
        /// Days after which it stops to count.
        #[arg(long, default_value_t = 30, value_parser = clap::value_parser!(u32).range(1..))]
        days: u32,
    },
    /// Lists all.
    List,
    /// Removes one. What was registered with it stays.
    Remove {
        /// Its id.
        id: RegistrationTokenId,
    },
}

pub(super) async fn command(operator: &Operator, command: RegistrationTokenCommand) -> Result<Value, OperateError> {
    let db = &operator.db;
    match command {
        RegistrationTokenCommand::List => {
            let row = |token: &RegistrationToken| {
                json!({
                    "id": token.id,
                    "name": token.name,
                    "partner": token.partner,
                    "application": token.application,
                    "uses_left": token.uses_left,
                    "expires": token.expires_at.map(Timestamp::unix_seconds),
                })
            };
            Ok(registrations::list_tokens(db).await?.iter().map(row).collect())
        }
        RegistrationTokenCommand::Remove { id } => {
            if !registrations::delete_token(&db.write, id).await? {
                return Err(OperateError::Argument(format!("there is no initial access token {id}")));
            }
            operator.record("admin.registration_token.removed", None, None).await?;
            Ok(json!({ "removed": id }))
        }
        RegistrationTokenCommand::Add { partner, application, name, uses, days } => {
            let partner = partner_of(operator, &partner).await?;
            if let Some(id) = application {
                let owner = applications::find_application(db, id).await?.map(|application| application.partner);
                if owner != Some(partner) {
                    return Err(OperateError::Argument(format!("--application {id}: not one of that partner")));
                }
            }
            let text = random_token(&OsEntropy);
            let token = RegistrationToken {
                id: RegistrationTokenId::random(&OsEntropy),
                name,
                partner,
                application,
                uses_left: uses,
                expires_at: Some(operator.now + std::time::Duration::from_secs(u64::from(days) * 24 * 3600)),
                created_at: operator.now,
            };
            registrations::insert_token(&db.write, &token, &TokenHash::of(&text)).await?;
            operator.record("admin.registration_token.added", None, None).await?;
            Ok(json!({ "id": token.id, "token": text, "uses": uses, "note": "the token is shown this once" }))
        }
    }
}
