//! The password step.

use std::time::Duration;

use serde_json::json;
use stepgate_core::account::Person;
use stepgate_core::assurance::{CredentialKind, Evidence, FactorEvent, Method};
use stepgate_core::credentials::Credential;
use stepgate_core::id::CredentialId;
use stepgate_core::secret::SecretString;
use stepgate_store::credentials;

use crate::audit::{self, Event};
use crate::cx::Cx;
use crate::fault::Fault;
use crate::login::parked::Parked;
use crate::passwords::{PasswordHashError, PoolError, Verification};

/// Purpose of the sealed password hash.
pub const SEAL: &str = "password";

/// What became of a typed password.
pub enum Checked {
    /// Right: what it earned.
    Right(FactorEvent),
    /// An unknown person, a wrong password, a locked account: nobody is told which.
    Wrong,
    /// Right, and the same form was pressed twice: the other press was faster.
    Overtaken,
}

/// Checks a password. [`Checked::Wrong`] always after the same work: one conditional write and one Argon2id.
pub async fn check(
    cx: &Cx,
    person: Option<&Person>,
    parked: &mut Parked,
    password: SecretString,
) -> Result<Checked, Fault> {
    let person = person.filter(|person| person.suspended_at.is_none());
    let credential = match person {
        Some(person) => of_kind(credentials::list_credentials(&cx.app.db, person.id).await?, CredentialKind::Password),
        None => None,
    };
    // Nobody's credential gets the same statement: it changes no row, and takes as long.
    let known = credential.is_some();
    let id = credential.map_or_else(|| CredentialId::random(cx.entropy()), |credential| credential.id);
    let reserved = match credentials::reserve_slow_try(&cx.app.db, id, cx.now).await? {
        None if known => wait_for_room(cx, id).await?,
        other => other,
    };
    let phc = match &reserved {
        Some(reserved) => Some(cx.app.secrets.sealing.open(SEAL, &id.to_string(), &reserved.sealed_secret)?),
        None => None,
    };
    let stored = phc.as_ref().and_then(|phc| std::str::from_utf8(phc.expose()).ok());
    let verified = match stored {
        Some(stored) => cx.app.passwords.verify(&password, stored).await,
        None => cx.app.passwords.verify_nobody(&password).await,
    };
    let verified = match verified {
        Ok(Verification::Verified { needs_rehash }) => Some(needs_rehash),
        // Too long to be anybody's: wrong, for everybody alike.
        Ok(Verification::Wrong) | Err(PasswordHashError::TooLong) => None,
        Err(error) => {
            // The person did nothing wrong: the try that was counted is given back.
            if let Some(reserved) = &reserved {
                credentials::return_try(&cx.app.db, id, reserved).await?;
            }
            if matches!(error, PasswordHashError::Pool(PoolError::Busy)) {
                cx.app.telemetry.password_refused();
            }
            return Err(hashing(error));
        }
    };
    let (Some(person), Some(needs_rehash)) = (person, verified) else {
        // Nobody's credential gets this statement, too.
        credentials::settle_try(&cx.app.db, id).await?;
        let event = Event::new("login.password.failed").data(json!({ "counted": reserved.is_some() }));
        let event = if let Some(person) = person { event.to(person.id) } else { event };
        audit::record(cx, &cx.app.db.write, event).await?;
        return Ok(Checked::Wrong);
    };
    if !parked.claim(cx).await? {
        if let Some(reserved) = &reserved {
            credentials::return_try(&cx.app.db, id, reserved).await?;
        }
        return Ok(Checked::Overtaken);
    }
    if needs_rehash {
        match store_hash(cx, id, password).await {
            // Too busy to hash it anew: the password is right all the same, and the next login will.
            Ok(()) | Err(Fault::Busy) => {}
            Err(fault) => return Err(fault),
        }
    }
    if !credentials::accept_secret(&cx.app.db.write, id, cx.now).await? {
        parked.disclaim(cx).await?;
        return Ok(Checked::Wrong);
    }
    audit::record(cx, &cx.app.db.write, Event::new("login.password.succeeded").by(person.id)).await?;
    Ok(Checked::Right(FactorEvent {
        method: Method::Password,
        at: cx.now,
        credential: id,
        evidence: Evidence::default(),
        proofed: person.is_proofed(cx.now),
    }))
}

/// How often whoever has to wait looks whether there is room.
const LOOKS: u32 = 200;

/// Where as many tries as are allowed are being evaluated at this moment, one more waits for what they come to: a right
/// one makes room, so that one person's logins at the same time do not lock one another out; wrong ones leave none. No
/// more are evaluated than without waiting.
async fn wait_for_room(cx: &Cx, id: CredentialId) -> Result<Option<credentials::Reserved>, Fault> {
    for look in 0..LOOKS {
        let checking = credentials::is_checking(&cx.app.db, id, cx.app.clock.now()).await?;
        // Asked after each look: what was under way at the last one may have made room since.
        if look > 0 || checking {
            let reserved = credentials::reserve_slow_try(&cx.app.db, id, cx.now).await?;
            if reserved.is_some() || !checking {
                return Ok(reserved);
            }
        }
        if !checking {
            break;
        }
        tokio::time::sleep(Duration::from_millis(if look < 10 { 10 } else { 50 })).await;
    }
    Ok(None)
}

/// Hashes a password with the parameters of today and stores it in place of the old hash.
pub async fn store_hash(cx: &Cx, credential: CredentialId, password: SecretString) -> Result<(), Fault> {
    let phc = hash(cx, password).await?;
    let sealed = cx.app.secrets.sealing.seal(cx.entropy(), SEAL, &credential.to_string(), phc.as_bytes())?;
    Ok(credentials::replace_secret(&cx.app.db.write, credential, &sealed, &json!({})).await?)
}

/// Hashes a password with the parameters of today.
pub async fn hash(cx: &Cx, password: SecretString) -> Result<String, Fault> {
    cx.app.passwords.hash(&password, cx.entropy()).await.map_err(hashing)
}

fn hashing(error: PasswordHashError) -> Fault {
    match error {
        PasswordHashError::Pool(PoolError::Busy) => Fault::Busy,
        other => Fault::internal(other),
    }
}

fn of_kind(held: Vec<Credential>, kind: CredentialKind) -> Option<Credential> {
    held.into_iter().find(|credential| credential.kind == kind)
}
