//! Puts a node together and runs it until it is told to stop.

use std::net::SocketAddr;
use std::sync::Arc;

use stepgate_core::assurance::{Catalogue, CatalogueSettings};
use stepgate_core::entropy::random_token;
use stepgate_core::secret::Secret;
use stepgate_store::Db;
use stepgate_store::ephemeral::Ephemeral;
use stepgate_store::invalidations::Invalidations;
use tokio::net::TcpListener;
use tokio_rustls::rustls::ServerConfig;

use crate::app::{App, Parts};
use crate::credentials::attestation::Attestation;
use crate::cx::{Clock, OsEntropy};
use crate::fault::Fault;
use crate::keys;
use crate::mutual_tls::MutualTls;
use crate::outbound::Outbound;
use crate::passwords::PasswordHasher;
use crate::secrets::{Secrets, SecretsError};
use crate::settings::Settings;
use crate::telemetry;
use crate::tls::{self, Peer, TlsError, TlsListener};
use crate::words::Language;

/// Why a node does not start. The text says what to do.
#[derive(Debug, thiserror::Error)]
pub enum BootError {
    /// The settings are unfit.
    #[error("the configuration has problems:\n{}", .0.join("\n"))]
    Settings(Vec<String>),
    /// A secret is unfit.
    #[error(transparent)]
    Secrets(#[from] SecretsError),
    /// The database or Redis.
    #[error("the store: {0}")]
    Store(#[from] stepgate_store::StoreError),
    /// Anything underneath.
    #[error(transparent)]
    Fault(#[from] Fault),
    /// An address cannot be listened on.
    #[error("cannot listen on {0}: {1}; is another program using it?")]
    Listen(SocketAddr, std::io::Error),
    /// The server stopped by itself.
    #[error("the server stopped: {0}")]
    Serve(std::io::Error),
    /// TLS cannot be set up.
    #[error(transparent)]
    Tls(#[from] TlsError),
    /// The list of security keys is unfit.
    #[error("{0}")]
    SecurityKeys(String),
    /// Outbound requests cannot be set up.
    #[error("outbound requests: {0}")]
    Outbound(String),
}

/// How codes reach people.
pub enum Delivery {
    /// Through the configured providers.
    Providers,
    /// Into the demo's local inbox.
    Inbox,
}

/// A node: the application and its listener.
pub struct Node {
    /// The application.
    pub app: Arc<App>,
    listener: TcpListener,
    tls: Option<Arc<ServerConfig>>,
}

/// Builds a node: connects, migrates, loads keys, listens.
pub async fn build(settings: Settings, delivery: Delivery, clock: Clock) -> Result<Node, BootError> {
    let secrets = Secrets::derive(
        &Secret::new(settings.secrets.master.clone()),
        &settings.secrets.previous.iter().cloned().map(Secret::new).collect::<Vec<_>>(),
    )?;
    let db = Db::connect(&settings.database.url, settings.database.max_connections).await?;
    stepgate_store::migrate(&db).await?;
    let (ephemeral, invalidations) = match &settings.redis.url {
        Some(url) => (Ephemeral::redis(url, &settings.server.issuer).await?, Invalidations::redis(url).await?),
        None => (Ephemeral::Sql(db.clone()), Invalidations::for_database(&db).await?),
    };
    keys::rotate_by_age(&db, &secrets.sealing, &OsEntropy, clock.now()).await?;
    let keys = keys::load(&db, &secrets.sealing, clock.now()).await?;
    let catalogue = Catalogue::new(&CatalogueSettings::default()).map_err(Fault::internal)?;
    let demo = matches!(delivery, Delivery::Inbox);
    let outbound = match delivery {
        Delivery::Providers => Outbound::providers(&settings).map_err(BootError::Outbound)?,
        Delivery::Inbox => Outbound::demo(&settings, &db).map_err(BootError::Outbound)?,
    };
    let peppers = secrets.peppers()?;
    let passwords = PasswordHasher::new(&settings.passwords, peppers, &OsEntropy).map_err(Fault::internal)?;
    let (tls, mutual_tls) = (tls::server_config(&settings.tls)?, MutualTls::new(&settings.mtls)?);
    let attestation = Attestation::load(&settings.security_keys, clock.now()).map_err(BootError::SecurityKeys)?;
    let listen = settings.server.listen;
    Language::prepare();
    let app = Arc::new(App::new(Parts {
        passwords,
        settings,
        db,
        ephemeral,
        invalidations,
        catalogue,
        secrets,
        outbound,
        mutual_tls,
        attestation,
        clock,
        keys,
        demo,
    }));
    let listener = TcpListener::bind(listen).await.map_err(|error| BootError::Listen(listen, error))?;
    Ok(Node { app, listener, tls })
}

impl Node {
    /// Where the node listens.
    pub fn address(&self) -> Option<SocketAddr> {
        self.listener.local_addr().ok()
    }

    /// Serves until the process is asked to stop, then lets the requests under way finish.
    pub async fn serve(self, routes: axum::Router) -> Result<(), BootError> {
        super::background::spawn(&self.app, &random_token(&OsEntropy));
        if let Some(listen) = self.app.settings.metrics.listen {
            telemetry::serve(&self.app, listen).await.map_err(|error| BootError::Listen(listen, error))?;
        }
        let service = routes.into_make_service_with_connect_info::<Peer>();
        let served = match self.tls {
            None => axum::serve(self.listener, service).with_graceful_shutdown(asked_to_stop()).await,
            Some(config) => {
                let listener = TlsListener::new(self.listener, config).map_err(BootError::Serve)?;
                axum::serve(listener, service).with_graceful_shutdown(asked_to_stop()).await
            }
        };
        served.map_err(BootError::Serve)
    }
}

async fn asked_to_stop() {
    let interrupt = tokio::signal::ctrl_c();
    #[cfg(unix)]
    {
        let Ok(mut terminate) = tokio::signal::unix::signal(tokio::signal::unix::SignalKind::terminate()) else {
            let _ = interrupt.await;
            return;
        };
        tokio::select! {
            _ = interrupt => {}
            _ = terminate.recv() => {}
        }
    }
    #[cfg(not(unix))]
    let _ = interrupt.await;
}
