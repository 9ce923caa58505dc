//! Flags about TLS and outbound requests, laid over the settings.

use std::path::{Path, PathBuf};

use crate::boot::BootError;
use crate::outbound::fetch::AllowedNetwork;
use crate::settings::Settings;
use crate::tls;

/// How the server is reached, and what it may reach.
#[derive(clap::Args, Clone, Debug)]
pub(super) struct Transport {
    /// The TLS certificate and the intermediate ones, in PEM.
    #[arg(long, value_name = "FILE", requires = "tls_key")]
    tls_cert: Option<PathBuf>,
    /// Its private key, in PEM.
    #[arg(long, value_name = "FILE", requires = "tls_cert")]
    tls_key: Option<PathBuf>,
    /// TLS with a certificate for localhost that is made at the first start; says which file clients must trust.
    #[arg(long, conflicts_with_all = ["tls_cert", "tls_key"])]
    tls_self_signed: bool,
    /// PEM certificates that outbound requests trust besides the system's.
    #[arg(long, value_name = "FILE")]
    outbound_ca: Option<PathBuf>,
    /// A network that outbound requests may reach although it is not public; may be given several times.
    #[arg(long, value_name = "CIDR[:PORT]")]
    outbound_allow: Vec<AllowedNetwork>,
}

impl Transport {
    /// Lays the flags over the settings; the authority that clients must trust, where one was made in `folder`.
    pub(super) fn lay_over(&self, settings: &mut Settings, folder: &Path) -> Result<Option<PathBuf>, BootError> {
        if self.tls_cert.is_some() {
            settings.tls.certificate_file.clone_from(&self.tls_cert);
            settings.tls.key_file.clone_from(&self.tls_key);
        }
        if self.outbound_ca.is_some() {
            settings.outbound.ca_file.clone_from(&self.outbound_ca);
        }
        settings.outbound.allow.extend(self.outbound_allow.iter().copied());
        if !self.tls_self_signed {
            return Ok(None);
        }
        let made = tls::self_signed(folder)?;
        settings.tls.certificate_file = Some(made.certificate_file);
        settings.tls.key_file = Some(made.key_file);
        Ok(Some(made.authority_file))
    }
}
