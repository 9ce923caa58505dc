//! The demo: people with every strength, a partner application, a local inbox, a clock that can be moved.
//!
//! Listens on loopback only; its secrets are known to everybody. Nothing in here runs under `serve`.

mod actor;
pub mod clock;
mod data;
mod http;
mod paper;
pub mod partner;
mod people;
mod phone;
mod phones;
mod playground;
mod sale;
mod shop;
mod tokens;

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
use crate::outbound::fetch::AllowedNetwork;
use crate::phones::first_text::FirstText;
use crate::phones::settings::Caps;
use crate::registration::RegistrationMode;
use crate::settings::Settings;
use crate::shop::ShopSettings;

/// Who sells in the demo, and where its invoices are paid to: a made-up address, and the example of an IBAN's standard.
const SELLER: [&str; 4] = ["Stepgate Demo Ltd.", "1 Gate Street", "Springfield, IL 62701", "USA"];
const BANK: [&str; 4] = [
    "Bank: First Demo Bank",
    "Account holder: Stepgate Demo Ltd.",
    "IBAN: GB29 NWBK 6016 1331 9268 19",
    "BIC: NWBKGB2L",
];

/// Where the demo listens and keeps its data.
#[derive(Clone, Debug)]
pub struct Options {
    /// The provider's port.
    pub port: u16,
    /// The partner application's port.
    pub partner_port: u16,
    /// The folder for data.
    pub data: PathBuf,
    /// The authority behind the provider's certificate, where it was made for the demo.
    pub authority: Option<PathBuf>,
    /// Another database than SQLite in the folder.
    pub database_url: Option<String>,
    /// Redis.
    pub redis_url: Option<String>,
    /// The issuer, when a front door stands before several nodes.
    pub issuer: Option<String>,
}

/// Runs the demo until it is told to stop. Of the `settings`, what the options say and the secret are the demo's own.
pub async fn run(options: Options, settings: Settings) -> Result<(), BootError> {
    let folder = options.data.clone();
    std::fs::create_dir_all(&folder)
        .map_err(|error| BootError::Settings(vec![format!("--data {}: {error}", folder.display())]))?;
    let settings = adapt(settings, &options, &folder);
    let issuer = settings.server.issuer.clone();
    let partner = format!("http://localhost:{}", options.partner_port);
    let node = boot::build(settings, Delivery::Inbox, Clock::default()).await?;
    let app = Arc::clone(&node.app);
    // What the phones and the partner application trust: they are at home here, and speak to this node.
    let authority = options.authority.as_deref().or(app.settings.tls.certificate_file.as_deref());
    let trust = authority.map(std::fs::read).transpose();
    let trust = trust.map_err(|error| BootError::Settings(vec![format!("the TLS certificate: {error}")]))?;
    let own = if trust.is_some() { "https://localhost" } else { "http://127.0.0.1" };
    let phones = Phones::new(format!("{own}:{}", options.port), issuer.clone(), http_client(trust.as_deref()));
    let phones = Arc::new(phones);
    data::seed(&app, &phones, &partner).await?;
    let routes = router::routes(&app).merge(http::routes(&app, phones, partner.clone()));
    let routes = routes.merge(crate::telemetry::routes(&app));
    println!("{}", welcome(&issuer, &partner, &folder));
    if let Some(authority) = &options.authority {
        println!("  Trust                 {}      (the authority of the demo's certificate)\n", authority.display());
    }
    tokio::select! {
        served = node.serve(routes) => served,
        partner = serve_partner(&issuer, &partner, options.partner_port, trust) => partner,
    }
}

fn adapt(mut settings: Settings, options: &Options, folder: &std::path::Path) -> Settings {
    let database = folder.join("stepgate.db");
    settings.server.listen = SocketAddr::from((Ipv4Addr::LOCALHOST, options.port));
    settings.server.issuer = options.issuer.clone().unwrap_or_else(|| {
        let scheme = if settings.tls.certificate_file.is_some() { "https" } else { "http" };
        format!("{scheme}://localhost:{}", options.port)
    });
    settings.database.url =
        options.database_url.clone().unwrap_or_else(|| format!("sqlite://{}?mode=rwc", database.display()));
    settings.redis.url.clone_from(&options.redis_url);
    settings.authorization.unsigned_request_objects.get_or_insert(true);
    if settings.secrets.master.is_empty() {
        settings.secrets.master = DEMO_MASTER.to_owned();
    }
    // The partner application is told of logouts; it listens on this machine.
    for address in ["127.0.0.1", "[::1]"] {
        settings.outbound.allow.extend(format!("{address}:{}", options.partner_port).parse::<AllowedNetwork>());
    }
    if settings.phone.caps == Caps::default() {
        settings.phone.caps = Caps::of_the_demo();
    }
    if settings.phone.first_text == FirstText::default() {
        settings.phone.first_text = FirstText::of_the_demo();
    }
    if settings.reports.clients.is_empty() {
        settings.reports.clients.push("demo-service".to_owned());
    }
    if settings.shop.seller == ShopSettings::default().seller {
        settings.shop.seller = SELLER.map(str::to_owned).to_vec();
    }
    if settings.shop.payment_details.is_empty() {
        settings.shop.payment_details = BANK.map(str::to_owned).to_vec();
    }
    settings.registration.mode = settings.registration.mode.or(Some(RegistrationMode::Open));
    settings
}

/// A client that trusts these PEM certificates besides the system's.
fn http_client(trust: Option<&[u8]>) -> reqwest::Client {
    let trust = trust.and_then(|pem| reqwest::Certificate::from_pem_bundle(pem).ok()).unwrap_or_default();
    let builder = || reqwest::Client::builder().redirect(reqwest::redirect::Policy::none());
    builder()
        .tls_certs_merge(trust.clone())
        .build()
        .or_else(|_| builder().tls_certs_only(trust).build())
        .unwrap_or_default()
}

/// Where data goes when nobody says.
pub fn temporary_folder() -> PathBuf {
    std::env::temp_dir().join(format!("stepgate-demo-{}", std::process::id()))
}

/// The partner application is a program of its own that happens to run in this process.
async fn serve_partner(issuer: &str, partner: &str, port: u16, trust: Option<Vec<u8>>) -> Result<(), BootError> {
    let config = PartnerConfig {
        issuer: issuer.to_owned(),
        public_url: partner.to_owned(),
        client_id: "demo-partner".to_owned(),
        client_secret: "demo-partner-secret".to_owned(),
        api_client_id: "demo-service".to_owned(),
        api_client_secret: "demo-service-secret".to_owned(),
        trust,
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
