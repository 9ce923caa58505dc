//! A new password in place of the old one, whichever way it was earned.

use serde_json::json;
use stepgate_core::account::Person;
use stepgate_core::assurance::{CredentialKind, CredentialState};
use stepgate_core::credentials::Credential;
use stepgate_core::credentials::password::PasswordError;
use stepgate_core::id::{PersonId, SessionId};
use stepgate_core::secret::SecretString;
use stepgate_store::{Connection, credentials, recovery as store, sessions};

use crate::audit::{self, Event};
use crate::cx::Cx;
use crate::fault::Fault;
use crate::login::password::{self, SEAL};
use crate::logout::end;
use crate::notices::{self, Notice};
use crate::passwords::{PasswordHashError, PoolError, Verification};

/// Why a password was not changed.
pub enum Unchanged {
    /// The password of today is not the one typed, or no try is allowed now.
    Wrong,
    /// The new one cannot be chosen.
    Rule(PasswordError),
}

/// Changes the password of somebody who knows the one of today. Other sessions end where `end_others` says so.
pub async fn change(
    cx: &Cx,
    person: &Person,
    (current, new): (SecretString, SecretString),
    (session, end_others): (SessionId, bool),
) -> Result<Result<(), Unchanged>, Fault> {
    if let Err(error) = stepgate_core::credentials::password::check(&new, &person.username) {
        return Ok(Err(Unchanged::Rule(error)));
    }
    if !is_right(cx, person.id, current).await? {
        return Ok(Err(Unchanged::Wrong));
    }
    let hash = password::hash(cx, new).await?;
    if end_others {
        for session in sessions::list_sessions(&cx.app.db, person.id, cx.now).await? {
            end::know_partners(cx, session.id).await?;
        }
    }
    let transaction = cx.app.db.begin().await?;
    let mut ended = end::Ended::default();
    if end_others {
        ended = end::end_all_in(cx, &transaction, person.id, Some(session)).await?.1;
    }
    replace(cx, &transaction, person, &hash, "by its holder").await?;
    transaction.commit().await?;
    ended.tell_soon(cx);
    Ok(Ok(()))
}

/// Puts a new hash in place, clears the failures, ends mailed links, and tells the person; in the caller's transaction.
pub(super) async fn replace(
    cx: &Cx,
    transaction: &impl Connection,
    person: &Person,
    hash: &str,
    how: &'static str,
) -> Result<(), Fault> {
    let Some(credential) = of(cx, person.id).await? else {
        return Err(Fault::internal("a password was to be replaced where there is none"));
    };
    let sealed = cx.app.secrets.sealing.seal(cx.entropy(), SEAL, &credential.id.to_string(), hash.as_bytes())?;
    credentials::replace_secret(transaction, credential.id, &sealed, &json!({})).await?;
    credentials::clear_failures(transaction, credential.id).await?;
    store::end_links(transaction, person.id, cx.now).await?;
    audit::record(cx, transaction, Event::new("password.changed").by(person.id).data(json!({ "how": how }))).await?;
    let text = "The password of your account was changed. If that was not you, use Forgot your password on the login page \
                at once, and tell support.";
    notices::tell(cx, transaction, person.id, &Notice::new("Your password was changed", text)).await
}

async fn of(cx: &Cx, person: PersonId) -> Result<Option<Credential>, Fault> {
    let held = credentials::list_credentials(&cx.app.db, person).await?;
    Ok(held.into_iter().find(|it| it.kind == CredentialKind::Password && it.stage == CredentialState::Active))
}

/// Whether a password is the person's; a counted try like at a login.
async fn is_right(cx: &Cx, person: PersonId, typed: SecretString) -> Result<bool, Fault> {
    let Some(credential) = of(cx, person).await? else { return Ok(false) };
    let Some(reserved) = credentials::reserve_try(&cx.app.db, credential.id, cx.now).await? else { return Ok(false) };
    let phc = cx.app.secrets.sealing.open(SEAL, &credential.id.to_string(), &reserved.sealed_secret)?;
    let stored = std::str::from_utf8(phc.expose()).map_err(Fault::internal)?;
    match cx.app.passwords.verify(&typed, stored).await {
        Ok(Verification::Verified { .. }) => {
            Ok(credentials::accept_secret(&cx.app.db.write, credential.id, cx.now).await?)
        }
        Ok(Verification::Wrong) | Err(PasswordHashError::TooLong) => {
            audit::record(cx, &cx.app.db.write, Event::new("password.change.failed").by(person)).await?;
            Ok(false)
        }
        Err(error) => {
            credentials::return_try(&cx.app.db, credential.id, &reserved).await?;
            Err(if matches!(error, PasswordHashError::Pool(PoolError::Busy)) {
                Fault::Busy
            } else {
                Fault::internal(error)
            })
        }
    }
}
