//! The command line. Without a command it is the demo.

use std::path::PathBuf;
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
    #[cfg(feature = "demo")]
    #[command(flatten)]
    demo: DemoArguments,
}

#[derive(Subcommand)]
enum Command {
    /// A provider with demo people, a partner application and a local inbox, on loopback.
    #[cfg(feature = "demo")]
    Demo(DemoArguments),
    /// Serves in production.
    Serve {
        /// The configuration file.
        #[arg(long)]
        config: PathBuf,
    },
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
}

/// Runs the command that the arguments name.
pub fn main() -> ExitCode {
    let cli = Cli::parse();
    let filter = EnvFilter::try_from_default_env().unwrap_or_else(|_| EnvFilter::new("warn"));
    tracing_subscriber::fmt().with_env_filter(filter).with_writer(std::io::stderr).init();
    let runtime = match tokio::runtime::Builder::new_multi_thread().enable_all().build() {
        Ok(runtime) => runtime,
        Err(error) => {
            eprintln!("stepgate: the runtime does not start: {error}");
            return ExitCode::FAILURE;
        }
    };
    match runtime.block_on(run(cli)) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("stepgate: {error}");
            ExitCode::FAILURE
        }
    }
}

async fn run(cli: Cli) -> Result<(), BootError> {
    match cli.command {
        #[cfg(feature = "demo")]
        None => demo(cli.demo).await,
        #[cfg(not(feature = "demo"))]
        None => Err(BootError::Settings(vec!["name a command; see `stepgate --help`".to_owned()])),
        #[cfg(feature = "demo")]
        Some(Command::Demo(arguments)) => demo(arguments).await,
        Some(Command::Serve { config }) => {
            let node = boot::build(production(&config)?, Delivery::Providers, Clock::default()).await?;
            let routes = router::routes(&node.app);
            node.serve(routes).await
        }
    }
}

#[cfg(feature = "demo")]
async fn demo(arguments: DemoArguments) -> Result<(), BootError> {
    crate::demo::run(crate::demo::Options {
        port: arguments.port,
        partner_port: arguments.partner_port,
        data: arguments.data,
        database_url: arguments.database_url,
        redis_url: arguments.redis_url,
        issuer: arguments.issuer,
    })
    .await
}

/// Settings fit for production, or every problem at once.
fn production(config: &std::path::Path) -> Result<Settings, BootError> {
    let words =
        |problems: Vec<settings::Problem>| BootError::Settings(problems.iter().map(ToString::to_string).collect());
    let settings = settings::load(Some(config), std::env::vars()).map_err(words)?;
    let problems = boot::problems(&settings);
    if problems.is_empty() { Ok(settings) } else { Err(words(problems)) }
}
