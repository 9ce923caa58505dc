//! Recovery codes: made once, shown once, each used once.

use serde_json::json;
use stepgate_core::account::Person;
use stepgate_core::assurance::{CredentialKind, CredentialState, Evidence, FactorEvent, Method, label};
use stepgate_core::credentials::Credential;
use stepgate_core::credentials::recovery::{CODES, CodeError, CodePurpose, FEW, TypedCode};
use stepgate_core::id::CredentialId;
use stepgate_core::time::Timestamp;
use stepgate_store::credentials::{self, NewCredential};
use stepgate_store::{Connection, recovery as store};

use crate::audit::{self, Event};
use crate::cx::Cx;
use crate::fault::Fault;
use crate::notices::{self, Notice};
use crate::session::{self, Live, Renewed};

/// Makes a new set in place of the one before. The caller has asked for a fresh factor.
pub async fn make(cx: &Cx, person: &Person) -> Result<Vec<TypedCode>, Fault> {
    let codes: Vec<TypedCode> = (0..CODES).map(|_| TypedCode::random(cx.entropy())).collect();
    let transaction = cx.app.db.begin().await?;
    let replaced = store::revoke_sets(&transaction, person.id).await?;
    let credential = insert_credential(cx, &transaction, person, None).await?;
    for code in &codes {
        store::insert_code(&transaction, credential, &hash(cx, code)).await?;
    }
    let event = Event::new("recovery.codes.made").by(person.id);
    let event = event.data(json!({ "credential": credential, "count": codes.len(), "replaced": replaced > 0 }));
    audit::record(cx, &transaction, event).await?;
    let text = "New recovery codes were made for your account. Older ones do not work any more. If that was not you, \
                change your password and tell support at once.";
    notices::tell(cx, &transaction, person.id, &Notice::new("New recovery codes", text).about(credential)).await?;
    transaction.commit().await?;
    Ok(codes)
}

/// A credential of the kind that reaches Manage OTP and nothing else; with an end where it only opens a door for a while.
pub(super) async fn insert_credential(
    cx: &Cx,
    connection: &impl Connection,
    person: &Person,
    expires_at: Option<Timestamp>,
) -> Result<CredentialId, Fault> {
    let credential = Credential {
        id: CredentialId::random(cx.entropy()),
        person: person.id,
        kind: CredentialKind::Recovery,
        label: label(CredentialKind::Recovery).to_owned(),
        serial: None,
        stage: CredentialState::Active,
        failures: 0,
        retry_at: None,
        last_used_at: None,
        activated_at: Some(cx.now),
        purchased_at: None,
        expires_at,
        created_at: cx.now,
    };
    let id = credential.id;
    let new = NewCredential { credential, sealed_secret: None, parameters: json!({}) };
    credentials::insert_credential(connection, &new).await?;
    Ok(id)
}

fn hash(cx: &Cx, code: &TypedCode) -> Vec<u8> {
    code.hash(&cx.app.secrets.recovery, CodePurpose::Recovery)
}

/// What became of a typed recovery code.
pub enum Used {
    /// It was right: the session with its new cookies, and how many codes are left.
    Accepted(Box<Renewed>, u32),
    /// It cannot be a code. It was no try.
    Malformed(CodeError),
    /// It is none of the person's.
    Wrong,
    /// It was used before.
    Again,
    /// No try is allowed now.
    Locked,
    /// The person has no codes.
    NoCodes,
}

/// The factor event of a recovery: it counts for the pages of credentials alone.
pub(super) fn event(cx: &Cx, person: &Person, credential: CredentialId) -> FactorEvent {
    FactorEvent {
        method: Method::RecoveryCode,
        at: cx.now,
        credential,
        evidence: Evidence::default(),
        proofed: person.is_proofed(cx.now),
    }
}

/// Uses a code in a session of its owner. The try is counted before anything is compared; the code is used up by one
/// conditional write, in the transaction that raises the session.
pub async fn use_code(cx: &Cx, live: Live, person: &Person, typed: &str) -> Result<Used, Fault> {
    let Some(set) = store::find_set(&cx.app.db.write, person.id).await? else { return Ok(Used::NoCodes) };
    let code = match TypedCode::parse(typed) {
        Ok(code) => code,
        Err(error) => return Ok(Used::Malformed(error)),
    };
    let Some(reserved) = credentials::reserve_try(&cx.app.db, set.credential, cx.now).await? else {
        return Ok(Used::Locked);
    };
    let (hash, session) = (hash(cx, &code), live.session.id);
    let transaction = cx.app.db.begin().await?;
    if !store::take_code(&transaction, set.credential, &hash, cx.now).await? {
        drop(transaction);
        let used = store::is_used(&cx.app.db, set.credential, &hash).await?;
        let event = Event::new("recovery.code.failed").by(person.id).session(session);
        audit::record(cx, &cx.app.db.write, event.data(json!({ "used_before": used }))).await?;
        return Ok(if used { Used::Again } else { Used::Wrong });
    }
    if !credentials::accept_secret(&transaction, set.credential, cx.now).await? {
        return Ok(Used::Locked);
    }
    let raised = session::raise(cx, &transaction, live, event(cx, person, set.credential)).await?;
    let Some(renewed) = raised else {
        // The session was ended or raised elsewhere meanwhile: the code is still good.
        drop(transaction);
        credentials::return_try(&cx.app.db, set.credential, &reserved).await?;
        return Ok(Used::Locked);
    };
    let left = store::find_set(&transaction, person.id).await?.map_or(0, |set| set.left);
    let event = Event::new("recovery.code.used").by(person.id).session(session);
    audit::record(cx, &transaction, event.data(json!({ "left": left }))).await?;
    let few = if left <= FEW { " Make new ones under Manage OTP, Recovery codes." } else { "" };
    let text = format!(
        "Somebody with your password used one of your recovery codes. {left} are left.{few} If that was not you, change \
         your password, end all sessions, and tell support at once."
    );
    let notice = Notice::new("A recovery code was used", text).about(set.credential);
    notices::tell(cx, &transaction, person.id, &notice).await?;
    transaction.commit().await?;
    Ok(Used::Accepted(Box::new(renewed), left))
}
