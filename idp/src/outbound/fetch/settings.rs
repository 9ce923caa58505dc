//! The settings section `outbound`.

use std::fmt;
use std::net::IpAddr;
use std::path::PathBuf;
use std::str::FromStr;

use reqwest::Certificate;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::FetchSetupError;

/// What the guarded outbound client trusts beyond the public internet.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct OutboundSettings {
    /// A file of PEM certificates that are trusted besides the system's.
    pub ca_file: Option<PathBuf>,
    /// Networks that may be reached although they are not public, as `CIDR` or `CIDR:PORT`: `10.1.2.0/24`,
    /// `10.1.2.3:8443`, `[::1]:8080`. Plain `http` is allowed to loopback addresses in this list only.
    #[schemars(with = "Vec<String>")]
    pub allow: Vec<AllowedNetwork>,
}

impl OutboundSettings {
    /// Whether something on this machine may be reached; then also by plain http.
    pub fn allows_loopback(&self) -> bool {
        self.allow.iter().any(|allowed| allowed.network.is_loopback())
    }

    pub(super) fn certificates(&self) -> Result<Vec<Certificate>, FetchSetupError> {
        let Some(path) = &self.ca_file else { return Ok(Vec::new()) };
        let name = || path.display().to_string();
        let pem = std::fs::read(path).map_err(|error| FetchSetupError::Read { path: name(), error })?;
        match Certificate::from_pem_bundle(&pem) {
            Ok(certificates) if !certificates.is_empty() => Ok(certificates),
            Ok(_) | Err(_) => Err(FetchSetupError::Certificates(name())),
        }
    }
}

/// The text names no network.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("write a network as 10.1.2.0/24, 10.1.2.3, 10.1.2.3:8443, [fd00::/8]:443 or ::1")]
pub struct AllowedNetworkError;

/// Addresses, and perhaps one port, that may be reached although they are not public.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct AllowedNetwork {
    network: IpAddr,
    prefix: u8,
    port: Option<u16>,
}

impl AllowedNetwork {
    /// Whether the network has this address and port. An IPv4 address is the same in its IPv6 form.
    pub fn has(&self, address: IpAddr, port: u16) -> bool {
        let same_network = match (self.network, address.to_canonical()) {
            (IpAddr::V4(network), IpAddr::V4(address)) => {
                same_prefix(network.to_bits().into(), address.to_bits().into(), 32, self.prefix)
            }
            (IpAddr::V6(network), IpAddr::V6(address)) => {
                same_prefix(network.to_bits(), address.to_bits(), 128, self.prefix)
            }
            (IpAddr::V4(_), IpAddr::V6(_)) | (IpAddr::V6(_), IpAddr::V4(_)) => false,
        };
        same_network && self.port.is_none_or(|allowed| allowed == port)
    }

    /// The port, where only one is allowed.
    pub const fn port(&self) -> Option<u16> {
        self.port
    }
}

/// Whether two numbers of `width` bits agree in their first `prefix`.
fn same_prefix(left: u128, right: u128, width: u32, prefix: u8) -> bool {
    (left ^ right).checked_shr(width - u32::from(prefix)).unwrap_or(0) == 0
}

impl FromStr for AllowedNetwork {
    type Err = AllowedNetworkError;

    fn from_str(text: &str) -> Result<Self, AllowedNetworkError> {
        let (network, port) = split_port(text)?;
        let (address, prefix) = match network.split_once('/') {
            Some((address, prefix)) => (address, Some(prefix)),
            None => (network, None),
        };
        let network = address.parse::<IpAddr>().map_err(|_| AllowedNetworkError)?.to_canonical();
        let width = if network.is_ipv4() { 32 } else { 128 };
        let prefix = match prefix {
            Some(digits) => digits.parse().map_err(|_| AllowedNetworkError)?,
            None => width,
        };
        if prefix > width { Err(AllowedNetworkError) } else { Ok(Self { network, prefix, port }) }
    }
}

/// Takes `:PORT` off the end; an IPv6 network with a port stands in brackets.
fn split_port(text: &str) -> Result<(&str, Option<u16>), AllowedNetworkError> {
    let (network, port) = match text.strip_prefix('[') {
        Some(rest) => {
            let (network, after) = rest.split_once(']').ok_or(AllowedNetworkError)?;
            match after {
                "" => (network, None),
                after => (network, Some(after.strip_prefix(':').ok_or(AllowedNetworkError)?)),
            }
        }
        None if text.matches(':').count() == 1 => text.split_once(':').map_or((text, None), |(n, p)| (n, Some(p))),
        None => (text, None),
    };
    let port = port.map(|digits| digits.parse::<u16>().map_err(|_| AllowedNetworkError)).transpose()?;
    Ok((network, port))
}

impl TryFrom<String> for AllowedNetwork {
    type Error = AllowedNetworkError;

    fn try_from(text: String) -> Result<Self, AllowedNetworkError> {
        text.parse()
    }
}

impl From<AllowedNetwork> for String {
    fn from(network: AllowedNetwork) -> Self {
        network.to_string()
    }
}

impl fmt::Display for AllowedNetwork {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (self.network, self.port) {
            (network, None) => write!(f, "{network}/{}", self.prefix),
            (IpAddr::V4(network), Some(port)) => write!(f, "{network}/{}:{port}", self.prefix),
            (IpAddr::V6(network), Some(port)) => write!(f, "[{network}/{}]:{port}", self.prefix),
        }
    }
}
