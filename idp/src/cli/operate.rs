//! What an operator does without a browser. Each command prints one JSON value with `--json`.

mod client;
mod janitor;
mod order;
mod phone;
mod registration_token;
mod report;
mod secret;
mod resource;
mod token;
mod voucher;

use std::path::{Path, PathBuf};

use clap::Subcommand;
use serde_json::{Value, json};
use stepgate_core::account::{Person, StandardClaims};
use stepgate_core::assurance::{CredentialKind, CredentialState};
use stepgate_core::clients::{AccessTokenFormat, Application, Client, ClientAuthMethod, ClientMetadata, ClientSecret};
use stepgate_core::contact::EmailAddress;
use stepgate_core::credentials::{Credential, password as rules};
use stepgate_core::entropy::random_token;
use stepgate_core::id::{ApplicationId, CredentialId, PartnerId, PersonId};
use stepgate_core::jose::{JwkSet, PublicKeys, SigningAlgorithm, stage};
use stepgate_core::oidc::{RedirectUri, Registrant};
use stepgate_core::secret::{Secret, SecretString};
use stepgate_core::subscriptions::order::Sponsor;
use stepgate_core::time::Timestamp;
use stepgate_store::audit::{NewEvent, Verdict};
use stepgate_store::credentials::NewCredential;
use stepgate_store::{Db, StoreError, applications, audit, credentials, people, sponsors};

use crate::cx::{Clock, OsEntropy};
use crate::login::password;
use crate::passwords::PasswordHasher;
use crate::secrets::Secrets;
use crate::settings::Settings;
use crate::{keys, settings};

/// The operator's commands.
#[derive(Subcommand)]
pub(super) enum Operate {
    /// Brings the database's schema up to date.
    Migrate,
    /// The configuration.
    #[command(subcommand)]
    Config(ConfigCommand),
    /// Signing keys.
    #[command(subcommand)]
    Keys(KeysCommand),
    /// Clients of partner applications.
    #[command(subcommand)]
    Client(ClientCommand),
    /// Initial access tokens: who has one may register clients (`registration.mode = "token"`).
    #[command(subcommand)]
    RegistrationToken(registration_token::RegistrationTokenCommand),
    /// Prints what an API publishes about itself (RFC 9728), from the clients that are registered for it.
    Resource(resource::ResourceArguments),
    /// People.
    #[command(subcommand)]
    User(UserCommand),
    /// Hardware tokens.
    #[command(subcommand)]
    Token(token::TokenCommand),
    /// What is left lying about: half-enrolled, stale, expiring, orphaned, near a limit.
    #[command(subcommand)]
    Janitor(janitor::JanitorCommand),
    /// Codes by telephone: the switch, the day's spending.
    #[command(subcommand)]
    Phone(phone::PhoneCommand),
    /// Orders.
    #[command(subcommand)]
    Order(order::OrderCommand),
    /// Vouchers.
    #[command(subcommand)]
    Voucher(voucher::VoucherCommand),
    /// What was sold, and what ends.
    #[command(subcommand)]
    Report(report::ReportCommand),
    /// The audit log.
    #[command(subcommand)]
    Audit(AuditCommand),
}

/// Commands about the configuration.
#[derive(Subcommand)]
pub(super) enum ConfigCommand {
    /// Names every problem of the configuration.
    Check,
    /// Prints the JSON Schema of the configuration.
    Schema,
    /// Prints every key with its default, as a file.
    Default,
}

/// Commands about signing keys.
#[derive(Subcommand)]
pub(super) enum KeysCommand {
    /// Lists them.
    List,
    /// Makes new ones now; the old ones stay published until all they signed has expired.
    Rotate {
        /// Only for this algorithm; can be given several times.
        #[arg(long)]
        algorithm: Vec<SigningAlgorithm>,
    },
}

/// Commands about clients.
#[derive(Subcommand)]
pub(super) enum ClientCommand {
    /// Registers a client for a new application; prints its secret once.
    Add {
        /// `client_id`.
        #[arg(long)]
        id: String,
        /// The application's name, as people see it.
        #[arg(long)]
        name: String,
        /// A redirect URI; may be given several times.
        #[arg(long = "redirect-uri", required = true)]
        redirect_uris: Vec<String>,
        /// The partner that owns it; made when there is none of that name.
        #[arg(long)]
        partner: String,
        /// A public client: no secret, PKCE.
        #[arg(long, conflicts_with = "jwks")]
        public: bool,
        /// A file with its public keys (a JWK Set): it then authenticates by `private_key_jwt`.
        #[arg(long, value_name = "FILE")]
        jwks: Option<PathBuf>,
        /// Opaque access tokens in place of JWTs.
        #[arg(long)]
        opaque: bool,
    },
    /// Lists all.
    List,
    /// Shows one.
    Show {
        /// `client_id`.
        id: String,
    },
    /// Removes one.
    Remove {
        /// `client_id`.
        id: String,
    },
    /// Its secrets: several count at once while one is being replaced.
    #[command(subcommand)]
    Secret(secret::SecretCommand),
}

/// Commands about people.
#[derive(Subcommand)]
pub(super) enum UserCommand {
    /// Adds a person; prints a random password once.
    Add {
        /// User ID.
        #[arg(long)]
        username: String,
        /// Full name.
        #[arg(long)]
        name: String,
        /// Email address.
        #[arg(long)]
        email: Option<String>,
        /// Makes the person an operator, who may administer everything.
        #[arg(long)]
        operator: bool,
    },
    /// Lists people by user ID.
    List {
        /// Begin after this user ID.
        #[arg(long, default_value = "")]
        after: String,
    },
    /// Gives a person a new random password, printed once. Other credentials stay as they are.
    Reset {
        /// User ID.
        username: String,
    },
}

/// Commands about the audit log.
#[derive(Subcommand)]
pub(super) enum AuditCommand {
    /// Walks the hash chain and names the row that was touched, if one was.
    Verify,
}

/// Why a command failed. The text names the argument and the remedy.
#[derive(Debug, thiserror::Error)]
pub(super) enum OperateError {
    #[error("{0}")]
    Argument(String),
    #[error("the configuration has problems:\n{0}")]
    Config(String),
    #[error(transparent)]
    Store(#[from] StoreError),
    #[error("{0}")]
    Other(String),
    /// The answer is no: printed already.
    #[error("the audit log was touched at row {seq}: {why}")]
    Touched { seq: i64, why: &'static str },
}

fn other(error: impl std::fmt::Display) -> OperateError {
    OperateError::Other(error.to_string())
}

/// What the commands work with.
struct Operator {
    db: Db,
    secrets: Secrets,
    settings: Settings,
    now: Timestamp,
}

impl Operator {
    async fn connect(settings: Settings) -> Result<Self, OperateError> {
        let previous: Vec<_> = settings.secrets.previous.iter().cloned().map(Secret::new).collect();
        let secrets = Secrets::derive(&Secret::new(settings.secrets.master.clone()), &previous).map_err(other)?;
        let db = Db::connect(&settings.database.url, settings.database.max_connections).await?;
        stepgate_store::migrate(&db).await?;
        Ok(Self { db, secrets, settings, now: Clock::default().now() })
    }

    async fn record(&self, kind: &str, person: Option<PersonId>, client: Option<&str>) -> Result<(), OperateError> {
        let event = NewEvent {
            id: stepgate_core::id::EventId::random(&OsEntropy),
            at: self.now,
            kind: kind.to_owned(),
            actor: None,
            person,
            session: None,
            client: client.map(str::to_owned),
            ip: None,
            data: json!({ "by": "command line" }),
        };
        Ok(audit::insert_event(&self.db.write, &event).await?)
    }

    async fn hash(&self, password: &SecretString) -> Result<String, OperateError> {
        let peppers = self.secrets.peppers().map_err(other)?;
        let hasher = PasswordHasher::new(&self.settings.passwords, peppers, &OsEntropy).map_err(other)?;
        hasher.hash(password, &OsEntropy).await.map_err(other)
    }
}

/// Runs a command; what it has to say.
pub(super) async fn run(command: Operate, settings: Settings) -> Result<Value, OperateError> {
    match command {
        Operate::Config(ConfigCommand::Schema) => return settings::schema().map_err(other),
        Operate::Config(ConfigCommand::Default) => return settings::defaults().map(Value::String).map_err(other),
        Operate::Config(ConfigCommand::Check) => {
            let problems: Vec<String> =
                crate::boot::problems(&settings).iter().map(settings::Problem::to_string).collect();
            if problems.is_empty() {
                return Ok(json!({ "config": "fit for production" }));
            }
            return Err(OperateError::Config(problems.join("\n")));
        }
        _ => {}
    }
    let per_day = settings.phone.spend.per_day;
    let operator = Operator::connect(settings).await?;
    match command {
        Operate::Migrate | Operate::Config(_) => Ok(json!({ "schema": "up to date" })),
        Operate::Keys(command) => keys_command(&operator, command).await,
        Operate::Client(command) => client::client_command(&operator, command).await,
        Operate::RegistrationToken(command) => registration_token::command(&operator, command).await,
        Operate::Resource(arguments) => resource::metadata(&operator, arguments).await,
        Operate::Janitor(command) => janitor::command(&operator, command).await,
        Operate::User(command) => user_command(&operator, command).await,
        Operate::Token(command) => token::command(operator, command).await,
        Operate::Phone(command) => phone::command(&operator, (command, per_day)).await,
        Operate::Order(command) => order::command(operator, command).await,
        Operate::Voucher(command) => voucher::command(operator, command).await,
        Operate::Report(command) => report::command(&operator, command).await,
        Operate::Audit(AuditCommand::Verify) => {
            while audit::seal_events(&operator.db, 500).await? == 500 {}
            match audit::verify_chain(&operator.db).await? {
                Verdict::Whole { count } => Ok(json!({ "audit": "whole", "events": count })),
                Verdict::Broken { seq, why } => Err(OperateError::Touched { seq, why }),
            }
        }
    }
}

async fn keys_command(operator: &Operator, command: KeysCommand) -> Result<Value, OperateError> {
    let (db, sealing) = (&operator.db, &operator.secrets.sealing);
    match command {
        KeysCommand::List => {}
        KeysCommand::Rotate { algorithm } => {
            let algorithms = if algorithm.is_empty() { SigningAlgorithm::ALL } else { &algorithm };
            keys::rotate(db, algorithms, sealing, &OsEntropy, operator.now).await.map_err(other)?;
            operator.record("admin.keys.rotated", None, None).await?;
        }
    }
    let row = |key: &stepgate_store::keys::StoredKey| {
        json!({
            "kid": key.times.kid,
            "algorithm": key.times.algorithm,
            "stage": format!("{:?}", stage(&key.times, operator.now)).to_lowercase(),
        })
    };
    Ok(keys::list(db).await?.iter().map(row).collect())
}

fn shown(client: &Client) -> Value {
    json!({ "client_id": client.id, "application": client.application, "metadata": client.metadata, "enabled": client.disabled_at.is_none() })
}

async fn partner_of(operator: &Operator, name: &str) -> Result<PartnerId, OperateError> {
    for known in sponsors::list_named(&operator.db, name).await? {
        if let Sponsor::Partner(id) = known {
            return Ok(id);
        }
    }
    let id = PartnerId::random(&OsEntropy);
    let new = stepgate_core::account::Partner { id, name: name.to_owned(), created_at: operator.now };
    people::insert_partner(&operator.db.write, &new).await?;
    Ok(id)
}

async fn user_command(operator: &Operator, command: UserCommand) -> Result<Value, OperateError> {
    let db = &operator.db;
    match command {
        UserCommand::List { after } => {
            let row = |person: &Person| json!({ "username": person.username.as_str(), "name": person.display_name(), "email": person.claims.email, "suspended": person.suspended_at.is_some() });
            Ok(people::list_persons(db, &after, "", 1000).await?.iter().map(row).collect())
        }
        UserCommand::Reset { username } => {
            let person = people::find_person_by_login(db, &username).await?;
            let person = person.ok_or_else(|| OperateError::Argument(format!("there is no person {username}")))?;
            let held = credentials::list_credentials(db, person.id).await?;
            let held = held.iter().find(|held| held.kind == CredentialKind::Password);
            let held = held.ok_or_else(|| OperateError::Argument(format!("{username} has no password to reset")))?;
            let new = SecretString::new(random_token(&OsEntropy));
            let sealed = seal(operator, held.id, &operator.hash(&new).await?)?;
            credentials::replace_secret(&db.write, held.id, &sealed, &json!({})).await?;
            credentials::clear_failures(&db.write, held.id).await?;
            operator.record("admin.password.reset", Some(person.id), None).await?;
            Ok(json!({ "username": username, "password": new.expose(), "note": "shown this once" }))
        }
        UserCommand::Add { username, name, email, operator: is_operator } => {
            let email = email.map(|email| email.parse::<EmailAddress>()).transpose();
            let email = email.map_err(|error| OperateError::Argument(format!("--email: {error}")))?;
            let person = Person {
                id: PersonId::random(&OsEntropy),
                username: username.parse().map_err(|error| OperateError::Argument(format!("--username: {error}")))?,
                claims: StandardClaims {
                    name: Some(name),
                    email: email.map(|email| email.as_str().to_owned()),
                    ..StandardClaims::default()
                },
                suspended_at: None,
                proofed_at: None,
                proofing_expires_at: None,
                created_at: operator.now,
                updated_at: operator.now,
            };
            let new = SecretString::new(random_token(&OsEntropy));
            rules::check(&new, &person.username).map_err(other)?;
            let credential = CredentialId::random(&OsEntropy);
            let sealed = seal(operator, credential, &operator.hash(&new).await?)?;
            let transaction = db.begin().await?;
            match people::insert_person(&transaction, &person).await {
                Err(StoreError::Conflict { .. }) => {
                    return Err(OperateError::Argument("--username or --email: somebody has it already".to_owned()));
                }
                other => other?,
            }
            let credential = Credential {
                id: credential,
                person: person.id,
                kind: CredentialKind::Password,
                label: "Password".to_owned(),
                serial: None,
                stage: CredentialState::Active,
                failures: 0,
                retry_at: None,
                last_used_at: None,
                activated_at: Some(operator.now),
                purchased_at: None,
                expires_at: None,
                created_at: operator.now,
            };
            let credential = NewCredential { credential, sealed_secret: Some(sealed), parameters: json!({}) };
            credentials::insert_credential(&transaction, &credential).await?;
            if is_operator {
                people::grant_role(&transaction, person.id, stepgate_core::account::Role::Operator).await?;
            }
            transaction.commit().await?;
            operator.record("admin.person.added", Some(person.id), None).await?;
            Ok(json!({ "username": username, "password": new.expose(), "note": "the password is shown this once" }))
        }
    }
}

fn seal(operator: &Operator, credential: CredentialId, phc: &str) -> Result<Vec<u8>, OperateError> {
    let sealing = &operator.secrets.sealing;
    sealing.seal(&OsEntropy, password::SEAL, &credential.to_string(), phc.as_bytes()).map_err(other)
}
