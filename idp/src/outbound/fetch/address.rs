//! Which addresses may be reached.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::sync::Arc;

use super::AllowedNetwork;

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) enum Scheme {
    Https,
    Http,
}

/// Scheme and port of a request, and the networks that are allowed besides the public ones.
#[derive(Clone)]
pub(super) struct Destination {
    pub(super) scheme: Scheme,
    pub(super) port: u16,
    pub(super) allowed: Arc<[AllowedNetwork]>,
}

impl Destination {
    /// Whether any address could be reached with this scheme and port.
    pub(super) fn may_exist(&self) -> bool {
        let is_public = self.scheme == Scheme::Https && is_web_port(self.port);
        is_public || self.allowed.iter().any(|network| network.port().is_none_or(|port| port == self.port))
    }

    /// Whether `address` may be connected to.
    pub(super) fn admits(&self, address: IpAddr) -> bool {
        let is_allowed = self.allowed.iter().any(|network| network.has(address, self.port));
        match self.scheme {
            Scheme::Https => is_allowed || (is_public(address) && is_web_port(self.port)),
            Scheme::Http => is_allowed && address.to_canonical().is_loopback(),
        }
    }
}

/// 443 and what anyone may listen on; never another service's well-known port.
const fn is_web_port(port: u16) -> bool {
    port == 443 || port >= 1024
}

/// Whether an address belongs to the public internet.
pub(super) fn is_public(address: IpAddr) -> bool {
    match address {
        IpAddr::V4(address) => is_public_v4(address),
        IpAddr::V6(address) => is_public_v6(address),
    }
}

/// Everything but the IANA special-purpose registry (RFC 6890), and one public address at which a cloud serves metadata.
fn is_public_v4(address: Ipv4Addr) -> bool {
    !matches!(
        address.octets(),
        // "This network", private, loopback, link-local (and metadata), multicast, reserved and broadcast.
        [0 | 10 | 127 | 224..=255, ..] | [169, 254, ..] | [172, 16..=31, ..] | [192, 168, ..]
        // Carrier-grade NAT.
        | [100, 64..=127, ..]
        // IETF protocol assignments, documentation, 6to4 relays, benchmarks.
        | [192, 0, 0 | 2, _] | [198, 51, 100, _] | [203, 0, 113, _] | [192, 88, 99, _] | [198, 18 | 19, ..]
        // Azure's host.
        | [168, 63, 129, 16]
    )
}

/// Global unicast (2000::/3) only, which leaves out loopback, unspecified, unique local, link-local, multicast,
/// v4-mapped, v4-compatible and NAT64; and of that no documentation and no tunnel into IPv4.
fn is_public_v6(address: Ipv6Addr) -> bool {
    match address.segments() {
        // IETF protocol assignments with Teredo (2001::/23), documentation, 6to4, documentation (RFC 9637).
        [0x2001, 0..=0x1ff, ..] | [0x2001, 0xdb8, ..] | [0x2002, ..] | [0x3fff, 0..=0xfff, ..] => false,
        [0x2000..=0x3fff, ..] => true,
        _ => false,
    }
}
