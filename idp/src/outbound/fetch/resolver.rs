//! Names are resolved once per connection, and the connection goes to what was checked.

use std::io;
use std::net::{IpAddr, SocketAddr};

use futures_util::future::BoxFuture;
use reqwest::dns::{Addrs, Name, Resolve, Resolving};

use super::address::Destination;

/// How names become addresses.
pub(super) type Names = fn(String) -> BoxFuture<'static, io::Result<Vec<IpAddr>>>;

/// As the operating system does it.
pub(super) fn system_names(name: String) -> BoxFuture<'static, io::Result<Vec<IpAddr>>> {
    Box::pin(async move { Ok(tokio::net::lookup_host((name, 0)).await?.map(|address| address.ip()).collect()) })
}

/// A name has an address that may not be reached.
#[derive(Debug, thiserror::Error)]
#[error("one of the host's addresses may not be reached")]
pub(super) struct Refused;

pub(super) struct Resolver {
    pub(super) destination: Destination,
    pub(super) names: Names,
}

impl Resolve for Resolver {
    fn resolve(&self, name: Name) -> Resolving {
        let (destination, addresses) = (self.destination.clone(), (self.names)(name.as_str().to_owned()));
        Box::pin(async move {
            let addresses = addresses.await?;
            // One bad address among good ones is how a rebinding attack looks: the whole name is refused.
            if !addresses.iter().all(|address| destination.admits(*address)) {
                return Err(Refused.into());
            }
            Ok(Box::new(addresses.into_iter().map(|address| SocketAddr::new(address, 0))) as Addrs)
        })
    }
}
