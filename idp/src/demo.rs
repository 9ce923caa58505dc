//! The demo: people with every strength, a partner application, a local inbox, a clock that can be moved.
//!
//! Listens on loopback only; its secrets are known to everybody. Nothing in here runs under `serve`.

mod actor;
pub mod clock;
mod data;
mod http;
pub mod partner;
mod people;
mod phone;
mod phones;
mod playground;

use std::net::{Ipv4Addr, SocketAddr};
use std::path::PathBuf;
use std::sync::Arc;

use tokio::net::TcpListener;

pub use partner::PartnerConfig;
pub use phone::Phone;
pub use phones::Phones;

use crate::boot::{self, BootError, DEMO_MASTER, Delivery};
use crate::cx::Clock;
use crate::http::router;
use crate::registration::RegistrationMode;
use crate::settings::Settings;

/// Where the demo listens and keeps its data.
#[derive(Clone, Debug)]
pub struct Options {
    /// The provider's port.
    pub port: u16,
    /// The partner application's port.
    pub partner_port: u16,
    /// The folder for data; a temporary one when absent.
    pub data: Option<PathBuf>,
    /// Another database than SQLite in the folder.
    pub database_url: Option<String>,
    /// Redis.
    pub redis_url: Option<String>,
    /// The issuer, when a front door stands before several nodes.
    pub issuer: Option<String>,
}

/// Runs the demo until it is told to stop. Of the `settings`, what the options say and the secret are the demo's own.
pub async fn run(options: Options, settings: Settings) -> Result<(), BootError> {
    let folder = options.data.clone().unwrap_or_else(temporary_folder);
    std::fs::create_dir_all(&folder)
        .map_err(|error| BootError::Settings(vec![format!("--data {}: {error}", folder.display())]))?;
    let settings = adapt(settings, &options, &folder);
    let issuer = settings.server.issuer.clone();
    let partner = format!("http://localhost:{}", options.partner_port);
    let node = boot::build(settings, Delivery::Inbox, Clock::default()).await?;
    let app = Arc::clone(&node.app);
    let phones = Arc::new(Phones::new(format!("http://127.0.0.1:{}", options.port), issuer.clone()));
    data::seed(&app, &phones, &partner).await?;
    let routes = router::routes(&app).merge(http::routes(&app, phones, partner.clone()));
    println!("{}", welcome(&issuer, &partner, &folder));
    tokio::select! {
        served = node.serve(routes) => served,
        partner = serve_partner(&issuer, &partner, options.partner_port) => partner,
    }
}

fn adapt(mut settings: Settings, options: &Options, folder: &std::path::Path) -> Settings {
    let database = folder.join("stepgate.db");
    settings.server.listen = SocketAddr::from((Ipv4Addr::LOCALHOST, options.port));
    settings.server.issuer = options.issuer.clone().unwrap_or_else(|| format!("http://localhost:{}", options.port));
    settings.database.url =
        options.database_url.clone().unwrap_or_else(|| format!("sqlite://{}?mode=rwc", database.display()));
    settings.redis.url.clone_from(&options.redis_url);
    settings.secrets.master = DEMO_MASTER.to_owned();
    settings.registration.mode = settings.registration.mode.or(Some(RegistrationMode::Open));
    settings
}

fn temporary_folder() -> PathBuf {
    std::env::temp_dir().join(format!("stepgate-demo-{}", std::process::id()))
}

/// The partner application is a program of its own that happens to run in this process.
async fn serve_partner(issuer: &str, partner: &str, port: u16) -> Result<(), BootError> {
    let config = PartnerConfig {
        issuer: issuer.to_owned(),
        public_url: partner.to_owned(),
        client_id: "demo-partner".to_owned(),
        client_secret: "demo-partner-secret".to_owned(),
        api_client_id: "demo-service".to_owned(),
        api_client_secret: "demo-service-secret".to_owned(),
    };
    let listen = SocketAddr::from((Ipv4Addr::LOCALHOST, port));
    let listener = TcpListener::bind(listen).await.map_err(|error| BootError::Listen(listen, error))?;
    axum::serve(listener, partner::routes(config)).await.map_err(BootError::Serve)
}

fn welcome(issuer: &str, partner: &str, folder: &std::path::Path) -> String {
    format!(
        "\n  Stepgate demo. Loopback only; its secrets are known to everybody.\n\n  \
         Partner application   {partner}\n  \
         Provider              {issuer}\n  \
         My Account            {issuer}/account\n  \
         People and codes      {issuer}/demo        (password of all: {})\n  \
         Texts and mail        {issuer}/demo/inbox\n  \
         Administration        {issuer}/admin       (as admin)\n  \
         Developer console     {issuer}/developer   (as ingrid)\n  \
         Discovery             {issuer}/.well-known/openid-configuration\n  \
         Data                  {}\n\n  Stop with Ctrl-C.\n",
        people::PASSWORD,
        folder.display()
    )
}
