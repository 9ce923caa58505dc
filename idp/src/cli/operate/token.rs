//! Commands about hardware tokens. A file that the command line proposes is approved by another person, on a page: the
//! two-person rule holds for the command line too.

use std::net::SocketAddr;
use std::time::Instant;

use stepgate_core::credentials::hardware_token::import::Format;
use stepgate_core::credentials::hardware_token::inventory::{HardwareToken, TokenAct, TokenStage};
use stepgate_core::id::EventId;
use stepgate_store::tokens::{self, Filter};

use super::*;
use crate::boot::{self, Delivery};
use crate::cx::Cx;
use crate::hardware_tokens::acts::{self, Acted};
use crate::hardware_tokens::import::{Desk, Intent, Report, read};

/// Commands about hardware tokens.
#[derive(Subcommand)]
pub(in crate::cli) enum TokenCommand {
    /// Reads a file of tokens and proposes it; another person approves it under /admin/tokens/files.
    Import(ImportArguments),
    /// Lists tokens by serial number.
    List {
        /// Only serial numbers that begin so.
        #[arg(long, default_value = "")]
        serial: String,
        /// Only tokens in this stage: stock, shipped, assigned, active, suspended, lost, revoked, destroyed.
        #[arg(long, value_parser = stage)]
        stage: Option<TokenStage>,
        /// Begin after this serial number.
        #[arg(long, default_value = "")]
        after: String,
    },
    /// Makes a token of the stock somebody's; the registration code is mailed to them.
    Assign {
        /// Its serial number.
        serial: String,
        /// Whose it becomes: a user ID.
        username: String,
        /// Who does it: the user ID of an operator or of support.
        #[arg(long)]
        by: String,
        /// Why.
        #[arg(long, default_value = "")]
        note: String,
    },
}

/// What an import is told.
#[derive(clap::Args)]
pub(in crate::cli) struct ImportArguments {
    /// The file.
    file: PathBuf,
    /// How it is written: pskc, oath-csv or yubico-csv.
    #[arg(long)]
    format: String,
    /// Who proposes it: the user ID of an operator or of support. Somebody else must approve.
    #[arg(long)]
    by: String,
    /// What it is called; the file's name when absent.
    #[arg(long)]
    name: Option<String>,
    /// A file with the key of an encrypted PSKC file, in hexadecimal.
    #[arg(long, value_name = "FILE", conflicts_with = "password_file")]
    key_file: Option<PathBuf>,
    /// A file with the password of an encrypted PSKC file.
    #[arg(long, value_name = "FILE")]
    password_file: Option<PathBuf>,
    /// The hash of an OATH CSV's tokens, which it does not say itself: sha1, sha256 or sha512.
    #[arg(long, default_value = "")]
    algorithm: String,
    /// The digits of a Yubico CSV's tokens, where its lines do not say.
    #[arg(long, default_value = "")]
    digits: String,
    /// Only looks whether the file could be imported.
    #[arg(long)]
    dry_run: bool,
}

fn stage(name: &str) -> Result<TokenStage, String> {
    TokenStage::from_name(name).ok_or_else(|| format!("there is no stage {name}"))
}

pub(super) async fn command(operator: Operator, command: TokenCommand) -> Result<Value, OperateError> {
    match command {
        TokenCommand::Import(arguments) => import(&operator, arguments).await,
        TokenCommand::List { serial, stage, after } => {
            let filter = Filter { serial, stage, batch: None, after };
            let found = tokens::list_tokens(&operator.db, &filter, 1000).await?;
            Ok(found.iter().map(|token| shown(token, operator.now)).collect())
        }
        TokenCommand::Assign { serial, username, by, note } => {
            let by = keeper(&operator, &by).await?;
            let Operator { settings, .. } = operator;
            assign(settings, by, (&serial, &username), &note).await
        }
    }
}

fn shown(token: &HardwareToken, now: Timestamp) -> Value {
    json!({
        "serial": token.serial,
        "manufacturer": token.manufacturer,
        "parameters": token.parameters,
        "stage": token.stage(now).as_str(),
        "holder": token.username,
        "batch": token.batch,
    })
}

/// The person who acts: one who may do the same on the pages.
async fn keeper(operator: &Operator, username: &str) -> Result<PersonId, OperateError> {
    use crate::admin::access::{Act, Place, Scope, may};
    let person = people::find_person_by_login(&operator.db, username).await?;
    let person = person.ok_or_else(|| OperateError::Argument(format!("--by: there is no person {username}")))?;
    let roles = people::roles_of(&operator.db, person.id).await?;
    if may(&roles, Place::Tokens, Act::Edit) != Scope::All || person.suspended_at.is_some() {
        return Err(OperateError::Argument(format!("--by: {username} may not administer tokens")));
    }
    Ok(person.id)
}

async fn import(operator: &Operator, arguments: ImportArguments) -> Result<Value, OperateError> {
    let by = keeper(operator, &arguments.by).await?;
    let read_secret = |path: &Option<PathBuf>| match path {
        None => Ok(SecretString::new(String::new())),
        Some(path) => std::fs::read_to_string(path)
            .map(|text| SecretString::new(text.trim_end_matches(['\r', '\n']).to_owned()))
            .map_err(|error| OperateError::Argument(format!("{}: {error}", path.display()))),
    };
    let (key, password) = (read_secret(&arguments.key_file)?, read_secret(&arguments.password_file)?);
    let format = Format::from_choice(&arguments.format, (&key, &password), &arguments.algorithm, &arguments.digits);
    let format = format.map_err(|(name, text)| OperateError::Argument(format!("--{name}: {text}")))?;
    let path = arguments.file.display().to_string();
    let file =
        std::fs::File::open(&arguments.file).map_err(|error| OperateError::Argument(format!("{path}: {error}")))?;
    let name = arguments.name.unwrap_or_else(|| {
        arguments.file.file_name().map_or_else(|| path.clone(), |name| name.to_string_lossy().into_owned())
    });
    let event = Box::new(NewEvent {
        id: EventId::random(&OsEntropy),
        at: operator.now,
        kind: "token.import.proposed".to_owned(),
        actor: Some(by),
        person: None,
        session: None,
        client: None,
        ip: None,
        data: json!({ "by": "command line", "name": name, "format": format.name() }),
    });
    let intent = if arguments.dry_run { Intent::Check } else { Intent::Propose { by, name: &name, event } };
    let desk = Desk { db: &operator.db, sealing: &operator.secrets.sealing, entropy: &OsEntropy, now: operator.now };
    let started = Instant::now();
    let progress = |rows: u64| {
        if rows.is_multiple_of(10_000) && rows > 0 {
            eprintln!("{rows} rows read, {} s", started.elapsed().as_secs());
        }
    };
    let report = read(&desk, format, file, intent, &progress).await.map_err(other)?;
    if !report.is_clean() {
        return Err(OperateError::Other(refused(&report)));
    }
    let next = match report.batch {
        Some(batch) => format!("another person approves it under /admin/tokens/files/{batch}"),
        None => "nothing is wrong with it; nothing was imported".to_owned(),
    };
    Ok(json!({ "tokens": report.good, "batch": report.batch, "next": next }))
}

fn refused(report: &Report) -> String {
    let mut text = format!("the file is refused and nothing is imported: {} of {} rows\n", report.refused, report.rows);
    for error in &report.told {
        let serial = error.serial.as_deref().unwrap_or("?");
        text.push_str(&format!("row {} ({serial}): {}\n", error.row, error.reason));
    }
    if let Some(whole) = &report.whole {
        text.push_str(&whole.to_string());
    }
    text.trim_end().to_owned()
}

/// The same use case as on the page, in a node that serves nobody.
async fn assign(
    mut settings: Settings,
    by: PersonId,
    (serial, username): (&str, &str),
    note: &str,
) -> Result<Value, OperateError> {
    settings.server.listen = SocketAddr::from(([127, 0, 0, 1], 0));
    let node = boot::build(settings, Delivery::Providers, Clock::default()).await.map_err(other)?;
    let cx = Cx::background(&node.app);
    let token = tokens::find_token_by_serial(&cx.app.db, serial).await?;
    let token = token.ok_or_else(|| OperateError::Argument(format!("there is no token {serial}")))?;
    let person = people::find_person_by_login(&cx.app.db, username).await?;
    match acts::act(&cx, by, &token, TokenAct::Assign, (person.as_ref(), note)).await.map_err(other)? {
        Acted::Done => Ok(json!({ "assigned": serial, "to": username, "next": "the registration code is mailed" })),
        Acted::WhoFor => Err(OperateError::Argument(format!("there is no person {username}"))),
        Acted::NotFromHere => {
            let stage = token.stage(cx.now).as_str();
            Err(OperateError::Argument(format!("the token {serial} is {stage}: only one in stock can be assigned")))
        }
        Acted::Exported => Err(OperateError::Argument(format!("the seed of {serial} is known elsewhere"))),
        Acted::Overtaken => Err(OperateError::Other("somebody else was faster; look again".to_owned())),
    }
}
