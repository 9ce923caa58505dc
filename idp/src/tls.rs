//! The TLS listener: 1.2 with ephemeral keys and authenticated encryption, and 1.3; HTTP/2 and HTTP/1.1.
//!
//! Owns: handshakes, and the certificates that clients show in them. Never: what a client's certificate is worth. Here it
//! only proves that the client has its key; who may be known by it is decided for each client (`mutual_tls`).

mod self_signed;
mod settings;

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use axum::extract::connect_info::Connected;
use axum::serve::IncomingStream;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{Semaphore, mpsc};
use tokio_rustls::TlsAcceptor;
use tokio_rustls::rustls::client::danger::HandshakeSignatureValid;
use tokio_rustls::rustls::crypto::{CryptoProvider, aws_lc_rs, verify_tls12_signature, verify_tls13_signature};
use tokio_rustls::rustls::pki_types::pem::PemObject;
use tokio_rustls::rustls::pki_types::{CertificateDer, PrivateKeyDer, UnixTime};
use tokio_rustls::rustls::server::danger::{ClientCertVerified, ClientCertVerifier};
use tokio_rustls::rustls::{self, DigitallySignedStruct, DistinguishedName, ServerConfig, SignatureScheme, version};
use tokio_rustls::server::TlsStream;

pub use self_signed::{SelfSigned, self_signed};
pub use settings::TlsSettings;

/// How long a handshake may take.
const HANDSHAKE: Duration = Duration::from_secs(10);
/// Handshakes at once; whoever comes then waits.
const HANDSHAKES: usize = 512;

/// The listener cannot be set up. The text names the setting.
#[derive(Debug, thiserror::Error)]
pub enum TlsError {
    /// One file without the other.
    #[error("tls.certificate_file and tls.key_file belong together; one of them is missing")]
    Half,
    /// A file cannot be read, or holds something else.
    #[error("{setting} {path}: {why}")]
    File {
        /// Which setting.
        setting: &'static str,
        /// The file.
        path: String,
        /// Why.
        why: String,
    },
    /// Certificate and key do not fit each other.
    #[error("tls.certificate_file and tls.key_file: {0}")]
    Unfit(rustls::Error),
    /// A certificate could not be made.
    #[error("a self-signed certificate cannot be made: {0}")]
    SelfSigned(String),
}

/// The provider of all cryptography in TLS.
pub fn provider() -> Arc<CryptoProvider> {
    Arc::new(aws_lc_rs::default_provider())
}

/// The certificates of a PEM file.
pub fn read_certificates(
    setting: &'static str,
    path: &std::path::Path,
) -> Result<Vec<CertificateDer<'static>>, TlsError> {
    let unfit = |why: String| TlsError::File { setting, path: path.display().to_string(), why };
    let found = CertificateDer::pem_file_iter(path).map_err(|error| unfit(error.to_string()))?;
    let found: Vec<_> = found.collect::<Result<_, _>>().map_err(|error| unfit(error.to_string()))?;
    if found.is_empty() { Err(unfit("no certificate in PEM".to_owned())) } else { Ok(found) }
}

/// What the listener works with; `None` where the settings ask for plain HTTP.
///
/// # Errors
/// The files are unfit.
pub fn server_config(settings: &TlsSettings) -> Result<Option<Arc<ServerConfig>>, TlsError> {
    let (certificate, key) = match (&settings.certificate_file, &settings.key_file) {
        (None, None) => return Ok(None),
        (Some(certificate), Some(key)) => (certificate, key),
        _ => return Err(TlsError::Half),
    };
    let chain = read_certificates("tls.certificate_file", certificate)?;
    let key = PrivateKeyDer::from_pem_file(key).map_err(|error| TlsError::File {
        setting: "tls.key_file",
        path: key.display().to_string(),
        why: error.to_string(),
    })?;
    let provider = provider();
    let builder = ServerConfig::builder_with_provider(Arc::clone(&provider))
        .with_protocol_versions(&[&version::TLS13, &version::TLS12])
        .map_err(TlsError::Unfit)?;
    let builder = if settings.request_client_certificates {
        builder.with_client_cert_verifier(Arc::new(AnyCertificate(provider)))
    } else {
        builder.with_no_client_auth()
    };
    let mut config = builder.with_single_cert(chain, key).map_err(TlsError::Unfit)?;
    config.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
    Ok(Some(Arc::new(config)))
}

/// Takes any certificate whose key the client has, and none.
#[derive(Debug)]
struct AnyCertificate(Arc<CryptoProvider>);

impl ClientCertVerifier for AnyCertificate {
    fn client_auth_mandatory(&self) -> bool {
        false
    }

    fn root_hint_subjects(&self) -> &[DistinguishedName] {
        &[]
    }

    fn verify_client_cert(
        &self,
        _: &CertificateDer<'_>,
        _: &[CertificateDer<'_>],
        _: UnixTime,
    ) -> Result<ClientCertVerified, rustls::Error> {
        Ok(ClientCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        verify_tls12_signature(message, certificate, signature, &self.0.signature_verification_algorithms)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        verify_tls13_signature(message, certificate, signature, &self.0.signature_verification_algorithms)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.0.signature_verification_algorithms.supported_schemes()
    }
}

/// Hands out connections whose handshake is done. Slow ones hold up nobody.
pub struct TlsListener {
    ready: mpsc::Receiver<(TlsStream<TcpStream>, SocketAddr)>,
    address: SocketAddr,
}

impl TlsListener {
    /// Begins to take connections.
    ///
    /// # Errors
    /// The listener has no address any more.
    pub fn new(listener: TcpListener, config: Arc<ServerConfig>) -> io::Result<Self> {
        let address = listener.local_addr()?;
        let (sender, ready) = mpsc::channel(64);
        tokio::spawn(take_connections(listener, TlsAcceptor::from(config), sender));
        Ok(Self { ready, address })
    }
}

async fn take_connections(
    mut listener: TcpListener,
    acceptor: TlsAcceptor,
    ready: mpsc::Sender<(TlsStream<TcpStream>, SocketAddr)>,
) {
    let places = Arc::new(Semaphore::new(HANDSHAKES));
    loop {
        let Ok(place) = Arc::clone(&places).acquire_owned().await else { return };
        // Its own way of waiting when the process has no file descriptors left.
        let (stream, peer) = tokio::select! {
            accepted = axum::serve::Listener::accept(&mut listener) => accepted,
            () = ready.closed() => return,
        };
        let (acceptor, ready) = (acceptor.clone(), ready.clone());
        tokio::spawn(async move {
            let _place = place;
            let _ = stream.set_nodelay(true);
            match tokio::time::timeout(HANDSHAKE, acceptor.accept(stream)).await {
                Ok(Ok(stream)) => drop(ready.send((stream, peer)).await),
                Ok(Err(error)) => tracing::debug!(%error, "a TLS handshake failed"),
                Err(_) => tracing::debug!("a TLS handshake took too long"),
            }
        });
    }
}

impl axum::serve::Listener for TlsListener {
    type Io = TlsStream<TcpStream>;
    type Addr = SocketAddr;

    async fn accept(&mut self) -> (Self::Io, SocketAddr) {
        match self.ready.recv().await {
            Some(connection) => connection,
            // The task that takes connections lives as long as this end of the channel.
            None => std::future::pending().await,
        }
    }

    fn local_addr(&self) -> io::Result<SocketAddr> {
        Ok(self.address)
    }
}

/// Who is at the other end of a connection.
#[derive(Clone, Debug)]
pub struct Peer {
    /// The address.
    pub address: SocketAddr,
    /// The certificates that it showed in the handshake, its own first.
    pub certificates: Arc<[CertificateDer<'static>]>,
}

impl Connected<IncomingStream<'_, TcpListener>> for Peer {
    fn connect_info(stream: IncomingStream<'_, TcpListener>) -> Self {
        Self { address: *stream.remote_addr(), certificates: Arc::from([]) }
    }
}

impl Connected<IncomingStream<'_, TlsListener>> for Peer {
    fn connect_info(stream: IncomingStream<'_, TlsListener>) -> Self {
        let (_, connection) = stream.io().get_ref();
        let certificates = connection.peer_certificates().unwrap_or_default().to_vec();
        Self { address: *stream.remote_addr(), certificates: certificates.into() }
    }
}
