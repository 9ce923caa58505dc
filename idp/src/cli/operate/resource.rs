//! The metadata of an API (RFC 9728), for its owner to publish. See `idp/docs/protected-resources.md`.

use clap::Args;
use stepgate_core::oidc::{ResourceMetadata, STANDARD_SCOPES};

use super::*;

/// Which API, and what it says beyond what its clients registered.
#[derive(Args)]
pub(in crate::cli) struct ResourceArguments {
    /// Its identifier: the URL that clients have among their `audience`.
    resource: String,
    /// Its name, for people.
    #[arg(long)]
    name: Option<String>,
    /// A scope that it knows; may be given several times. Without one, those of its clients that are not OpenID's.
    #[arg(long = "scope")]
    scopes: Vec<String>,
    /// An acr that it accepts; may be given several times. Without one, those that all its clients require.
    #[arg(long = "acr")]
    acr_values: Vec<String>,
}

pub(super) async fn metadata(operator: &Operator, arguments: ResourceArguments) -> Result<Value, OperateError> {
    let resource = arguments.resource.as_str();
    ResourceMetadata::well_known(resource).map_err(|error| OperateError::Argument(format!("{resource}: {error}")))?;
    let mut clients = applications::list_clients(&operator.db, "", 10_000).await?;
    clients.retain(|client| client.metadata.audience.iter().any(|audience| audience == resource));
    if clients.is_empty() {
        let remedy = "no client is registered for it: put it among the `audience` of the clients that call it";
        return Err(OperateError::Argument(format!("{resource}: {remedy}")));
    }
    let mut document = ResourceMetadata::new(resource, &operator.settings.server.issuer);
    document.resource_name = arguments.name;
    document.scopes_supported = arguments.scopes;
    if document.scopes_supported.is_empty() {
        let scopes = clients.iter().flat_map(|client| client.metadata.scope.split_whitespace());
        document.scopes_supported =
            scopes.filter(|scope| !STANDARD_SCOPES.contains(scope)).map(str::to_owned).collect();
        document.scopes_supported.sort_unstable();
        document.scopes_supported.dedup();
    }
    document.acr_values = arguments.acr_values;
    if document.acr_values.is_empty()
        && let [first, others @ ..] = clients.as_slice()
    {
        let required = first.metadata.required_acr.iter();
        let by_all = |acr: &&String| others.iter().all(|client| client.metadata.required_acr.contains(acr));
        document.acr_values = required.filter(by_all).cloned().collect();
    }
    serde_json::to_value(document).map_err(other)
}
