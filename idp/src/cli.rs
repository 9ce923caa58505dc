//! The command line. Without a command it is the demo.

mod operate;
mod transport;

use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use clap::{Parser, Subcommand};
use tracing_subscriber::EnvFilter;

use crate::boot::{self, BootError, Delivery};
use crate::cx::Clock;
use crate::http::router;
use crate::settings::{self, Settings};

/// An OpenID Connect identity provider in which the strength of the credential is a first-class thing.
#[derive(Parser)]
#[command(version, about)]
struct Cli {
    #[command(subcommand)]
    command: Option<Command>,
    /// The configuration file; `STEPGATE__SECTION__KEY` variables are laid over it.
    #[arg(long, global = true, value_name = "FILE")]
    config: Option<PathBuf>,
    /// Prints JSON on one line, errors too.
    #[arg(long, global = true)]
    json: bool,
    #[cfg(feature = "demo")]
    #[command(flatten)]
    demo: DemoArguments,
}

#[derive(Subcommand)]
enum Command {
    /// A provider with demo people, a partner application and a local inbox, on loopback.
    #[cfg(feature = "demo")]
    Demo(DemoArguments),
    /// Serves in production; refuses to start with anything that is unfit for it, all of it named at once.
    Serve(transport::Transport),
    /// What an operator does without a browser.
    #[command(flatten)]
    Operate(operate::Operate),
}

/// Where the demo listens and keeps its data.
#[cfg(feature = "demo")]
#[derive(clap::Args)]
struct DemoArguments {
    /// The provider's port.
    #[arg(long, default_value_t = 8080)]
    port: u16,
    /// The partner application's port.
    #[arg(long, default_value_t = 8081)]
    partner_port: u16,
    /// The folder for data; a temporary one when absent.
    #[arg(long)]
    data: Option<PathBuf>,
    /// Another database than SQLite in the folder.
    #[arg(long)]
    database_url: Option<String>,
    /// Redis.
    #[arg(long)]
    redis_url: Option<String>,
    /// The issuer, when a front door stands before several nodes.
    #[arg(long)]
    issuer: Option<String>,
    #[command(flatten)]
    transport: transport::Transport,
}

/// Runs the command that the arguments name.
pub fn main() -> ExitCode {
    let cli = Cli::parse();
    let mut filter = EnvFilter::try_from_default_env().unwrap_or_else(|_| EnvFilter::new("warn"));
    // These write whole messages to message centres into the log, with the codes in them.
    for silent in ["rusmpp=off", "rusmpp_core=off", "rusmppc=off"] {
        filter = silent.parse().map_or(filter.clone(), |directive| filter.clone().add_directive(directive));
    }
    tracing_subscriber::fmt().with_env_filter(filter).with_writer(std::io::stderr).init();
    let runtime = match tokio::runtime::Builder::new_multi_thread().enable_all().build() {
        Ok(runtime) => runtime,
        Err(error) => {
            eprintln!("stepgate: the runtime does not start: {error}");
            return ExitCode::FAILURE;
        }
    };
    let json = cli.json;
    match runtime.block_on(run(cli)) {
        Ok(None) => ExitCode::SUCCESS,
        Ok(Some(said)) => {
            let text = match said.as_str().filter(|_| !json) {
                Some(text) => text.to_owned(),
                None if json => format!("{said}\n"),
                None => format!("{said:#}\n"),
            };
            // Whoever reads may have heard enough (`| head`): that is no failure of ours.
            let _ = std::io::stdout().write_all(text.as_bytes());
            ExitCode::SUCCESS
        }
        Err(error) if json => {
            eprintln!("{}", serde_json::json!({ "error": error.to_string() }));
            ExitCode::FAILURE
        }
        Err(error) => {
            eprintln!("stepgate: {error}");
            ExitCode::FAILURE
        }
    }
}

/// Why a command failed.
#[derive(Debug, thiserror::Error)]
enum CliError {
    #[error(transparent)]
    Boot(#[from] BootError),
    #[error(transparent)]
    Operate(#[from] operate::OperateError),
}

async fn run(cli: Cli) -> Result<Option<serde_json::Value>, CliError> {
    match cli.command {
        #[cfg(feature = "demo")]
        None => demo(cli.demo, cli.config.as_deref()).await?,
        #[cfg(not(feature = "demo"))]
        None => return Err(BootError::Settings(vec!["name a command; see `stepgate --help`".to_owned()]).into()),
        #[cfg(feature = "demo")]
        Some(Command::Demo(arguments)) => demo(arguments, cli.config.as_deref()).await?,
        Some(Command::Serve(transport)) => {
            let settings = production(cli.config.as_deref(), &transport)?;
            let node = boot::build(settings, Delivery::Providers, Clock::default()).await?;
            let routes = router::routes(&node.app);
            node.serve(routes).await?;
        }
        Some(Command::Operate(command)) => {
            let settings = settings::load(cli.config.as_deref(), std::env::vars()).map_err(words)?;
            return Ok(Some(operate::run(command, settings).await?));
        }
    }
    Ok(None)
}

#[cfg(feature = "demo")]
async fn demo(arguments: DemoArguments, config: Option<&Path>) -> Result<(), BootError> {
    let data = arguments.data.unwrap_or_else(crate::demo::temporary_folder);
    let mut settings = settings::load(config, std::env::vars()).map_err(words)?;
    let authority = arguments.transport.lay_over(&mut settings, &data.join("tls"))?;
    let options = crate::demo::Options {
        port: arguments.port,
        partner_port: arguments.partner_port,
        data,
        authority,
        database_url: arguments.database_url,
        redis_url: arguments.redis_url,
        issuer: arguments.issuer,
    };
    crate::demo::run(options, settings).await
}

/// Settings fit for production, or every problem at once.
fn production(config: Option<&Path>, transport: &transport::Transport) -> Result<Settings, BootError> {
    let mut settings = settings::load(config, std::env::vars()).map_err(words)?;
    if let Some(authority) = transport.lay_over(&mut settings, Path::new("stepgate-tls"))? {
        println!("clients must trust {}", authority.display());
    }
    let problems = boot::problems(&settings);
    if problems.is_empty() { Ok(settings) } else { Err(words(problems)) }
}

fn words(problems: Vec<settings::Problem>) -> BootError {
    BootError::Settings(problems.iter().map(ToString::to_string).collect())
}
