//! The custody log of what happens to a token through its credential: its holder suspends it, reports it lost, gives it
//! up; an administrator does it on the page of the person. What administrators do with the token itself is `acts`.

use stepgate_core::assurance::{CredentialKind, CredentialState};
use stepgate_core::credentials::Credential;
use stepgate_core::credentials::hardware_token::inventory::TokenStage;
use stepgate_core::id::PersonId;
use stepgate_store::{Connection, tokens};

use crate::cx::Cx;
use crate::fault::Fault;

/// Logs where a token goes, in the transaction that moves its credential. Nothing for credentials of other kinds, and
/// for tokens that came past the inventory.
///
/// # Errors
/// The store.
pub async fn log(
    cx: &Cx,
    transaction: &impl Connection,
    credential: &Credential,
    to: TokenStage,
    (actor, note): (Option<PersonId>, &str),
) -> Result<(), Fault> {
    if credential.kind != CredentialKind::HardwareToken {
        return Ok(());
    }
    let from = match credential.stage {
        CredentialState::Suspended => TokenStage::Suspended,
        CredentialState::Revoked => TokenStage::Revoked,
        CredentialState::Expired => TokenStage::Expired,
        CredentialState::Pending => TokenStage::Assigned,
        CredentialState::Active | CredentialState::Locked => TokenStage::Active,
    };
    tokens::log_custody(transaction, credential.id, (from, to), (actor, note), cx.now).await?;
    Ok(())
}
