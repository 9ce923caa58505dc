//! The supervised reset: what two people of the help desk, the person, and whoever holds the undo link can do with it.
//!
//! The rules are `stepgate_core::credentials::reset`; here they meet the store and the people who are told. Never: a
//! credential that an agent sets, or a code in a mail.

use serde_json::json;
use stepgate_core::account::Person;
use stepgate_core::assurance::CredentialKind;
use stepgate_core::credentials::hardware_token::inventory::TokenStage;
use stepgate_core::credentials::recovery::{CodeError, CodePurpose, TypedCode};
use stepgate_core::credentials::reset::{BIND_WITHIN, Reset, ResetError, ResetStage};
use stepgate_core::credentials::suspension::Cause;
use stepgate_core::entropy::random_token;
use stepgate_core::id::{CredentialId, PersonId, ResetId};
use stepgate_core::secret::{TokenHash, constant_time_eq};
use stepgate_store::resets::{self as store, Case, With};
use stepgate_store::{Connection, StoreError, credentials, sessions};

use super::codes;
use crate::audit::{self, Event};
use crate::cx::Cx;
use crate::fault::Fault;
use crate::hardware_tokens::custody;
use crate::logout::end;
use crate::notices::{self, Notice};
use crate::session::{self, Live, Renewed};

/// Why nothing was done.
#[derive(Debug, thiserror::Error)]
pub enum ResetFailure {
    /// The rules.
    #[error("{0}")]
    Refused(ResetError),
    /// Somebody else was faster.
    #[error("Somebody has just moved this case on. Look at it again.")]
    Overtaken,
    /// There is one already.
    #[error("There is an open case about this person already.")]
    OpenAlready,
    /// Ours.
    #[error("{0}")]
    Fault(Fault),
}

impl<E: Into<Fault>> From<E> for ResetFailure {
    fn from(error: E) -> Self {
        Self::Fault(error.into())
    }
}

/// Asks for a reset of a person's authenticators.
pub async fn ask(cx: &Cx, by: PersonId, person: &Person, words: (&str, &str)) -> Result<(), ResetFailure> {
    let id = ResetId::random(cx.entropy());
    let reset = Reset::ask(id, person.id, by, cx.now).map_err(ResetFailure::Refused)?;
    let transaction = cx.app.db.begin().await?;
    match store::insert_reset(&transaction, &reset, words).await {
        Ok(()) => {}
        Err(StoreError::Conflict { .. }) => return Err(ResetFailure::OpenAlready),
        Err(error) => return Err(error.into()),
    }
    record(cx, &transaction, "reset.asked", by, &reset).await?;
    Ok(transaction.commit().await?)
}

/// Approves: the cool-down begins, and the person is told at every address, with the link that stops it.
pub async fn approve(cx: &Cx, by: PersonId, read: &Case) -> Result<(), ResetFailure> {
    let cool_down = cx.app.settings.recovery.cool_down();
    let moved = read.reset.clone().approve(by, cool_down, cx.now).map_err(ResetFailure::Refused)?;
    let token = random_token(cx.entropy());
    let with = With { undo: Some(TokenHash::of(&token)), code: None };
    let transaction = cx.app.db.begin().await?;
    moved_on(&transaction, read, &moved, with).await?;
    record(cx, &transaction, "reset.approved", by, &moved).await?;
    let text = format!(
        "Our help desk was asked to let you set up a new device because all of yours were said to be lost. It becomes \
         possible in {} hours.",
        cool_down.as_secs().div_ceil(3600)
    );
    let undo = cx.app.url(&format!("/help/undo?link={token}"));
    let notice = Notice::new("A reset of your devices was asked for", text)
        .with_in_mail(format!("If that was not you, stop it here; you need not sign in:\n\n{undo}"));
    notices::tell(cx, &transaction, moved.person, &notice).await?;
    Ok(transaction.commit().await?)
}

/// Refuses.
pub async fn refuse(cx: &Cx, by: PersonId, read: &Case) -> Result<(), ResetFailure> {
    let moved = read.reset.clone().refuse(by, cx.now).map_err(ResetFailure::Refused)?;
    let transaction = cx.app.db.begin().await?;
    moved_on(&transaction, read, &moved, With::default()).await?;
    record(cx, &transaction, "reset.refused", by, &moved).await?;
    Ok(transaction.commit().await?)
}

/// Makes the binding code, for the agent to read out or show. It is shown once; another one replaces it.
pub async fn issue(cx: &Cx, by: PersonId, read: &Case) -> Result<TypedCode, ResetFailure> {
    let moved = read.reset.clone().issue(by, cx.now).map_err(ResetFailure::Refused)?;
    let code = TypedCode::random(cx.entropy());
    let with = With { undo: None, code: Some(code.hash(&cx.app.secrets.recovery, CodePurpose::Binding)) };
    let transaction = cx.app.db.begin().await?;
    moved_on(&transaction, read, &moved, with).await?;
    record(cx, &transaction, "reset.code.made", by, &moved).await?;
    transaction.commit().await?;
    Ok(code)
}

/// The case that an undo link is about, while it can still be stopped.
pub async fn find_by_link(cx: &Cx, token: &str) -> Result<Option<Case>, Fault> {
    let found = store::find_reset_by_undo(&cx.app.db, &TokenHash::of(token)).await?;
    Ok(found.filter(|case| case.reset.clone().undo().is_ok() && cx.now < case.reset.expires_at()))
}

/// Stops it: whoever holds the link was told at an address of the person's. `false` when it is over.
pub async fn undo(cx: &Cx, token: &str) -> Result<bool, Fault> {
    let Some(read) = find_by_link(cx, token).await? else { return Ok(false) };
    let Ok(moved) = read.reset.clone().undo() else { return Ok(false) };
    let transaction = cx.app.db.begin().await?;
    if !store::update_reset(&transaction, &read, &moved, With::default()).await? {
        return Ok(false);
    }
    let event = Event::new("reset.undone").to(moved.person).data(json!({ "reset": moved.id }));
    audit::record(cx, &transaction, event).await?;
    let text = "The reset of your devices was stopped. Nothing was changed. If you did not stop it, tell support.";
    notices::tell(cx, &transaction, moved.person, &Notice::new("The reset was stopped", text)).await?;
    transaction.commit().await?;
    Ok(true)
}

/// What became of a typed binding code.
pub enum Redeemed {
    /// It was right: the session may bind a new device for a while.
    Accepted(Box<Renewed>),
    /// It cannot be a code. It was no try.
    Malformed(CodeError),
    /// It is another one.
    Wrong,
    /// There is no code to type now, or there were too many tries.
    NoCode,
}

/// The person, logged in with the password, types the code. The try is counted before anything is compared.
pub async fn redeem(cx: &Cx, live: Live, person: &Person, typed: &str) -> Result<Redeemed, Fault> {
    let code = match TypedCode::parse(typed) {
        Ok(code) => code,
        Err(error) => return Ok(Redeemed::Malformed(error)),
    };
    let Some(read) = store::find_reset_of(&cx.app.db, person.id).await? else { return Ok(Redeemed::NoCode) };
    if !matches!(read.reset.stage, ResetStage::Coded { .. }) {
        return Ok(Redeemed::NoCode);
    }
    let Some(kept) = store::reserve_code_try(&cx.app.db, &read, cx.now).await? else { return Ok(Redeemed::NoCode) };
    let session = live.session.id;
    if !constant_time_eq(&code.hash(&cx.app.secrets.recovery, CodePurpose::Binding), &kept) {
        let event = Event::new("reset.code.failed").by(person.id).session(session);
        audit::record(cx, &cx.app.db.write, event.data(json!({ "reset": read.reset.id }))).await?;
        return Ok(Redeemed::Wrong);
    }
    let Ok(moved) = read.reset.clone().redeem(person.id, cx.now) else { return Ok(Redeemed::NoCode) };
    for other in sessions::list_sessions(&cx.app.db, person.id, cx.now).await? {
        end::know_partners(cx, other.id).await?;
    }
    let transaction = cx.app.db.begin().await?;
    if !store::update_reset(&transaction, &read, &moved, With::default()).await? {
        return Ok(Redeemed::NoCode);
    }
    let until = cx.now + BIND_WITHIN;
    let credential = codes::insert_credential(cx, &transaction, person, Some(until)).await?;
    let event = codes::event(cx, person, credential);
    let Some(renewed) = session::raise(cx, &transaction, live, event).await? else { return Ok(Redeemed::NoCode) };
    let lost = suspend_lost(cx, &transaction, person).await?;
    let (_, ended) = end::end_all_in(cx, &transaction, person.id, Some(session)).await?;
    let event = Event::new("reset.bound").by(person.id).session(session);
    audit::record(cx, &transaction, event.data(json!({ "reset": moved.id, "suspended": lost }))).await?;
    let text = "With the code of our help desk you can now set up a new device. The ones that were said to be lost are \
                suspended, and you are signed out everywhere else. If that was not you, change your password and tell \
                support at once.";
    notices::tell(cx, &transaction, person.id, &Notice::new("The help desk's code was used", text)).await?;
    transaction.commit().await?;
    ended.tell_soon(cx);
    Ok(Redeemed::Accepted(Box::new(renewed)))
}

/// All devices were said to be lost, that is what the reset was for: none of them works on. Whoever finds one again
/// resumes it with the new one, or gives it up.
async fn suspend_lost(cx: &Cx, transaction: &impl Connection, person: &Person) -> Result<Vec<CredentialId>, Fault> {
    let mut suspended = Vec::new();
    for held in credentials::list_credentials(&cx.app.db, person.id).await? {
        let device = !matches!(held.kind, CredentialKind::Password | CredentialKind::Recovery);
        if device && credentials::suspend_credential(transaction, held.id, Cause::Lost, cx.now).await? {
            let line = (Some(person.id), "said to be lost: its holder's devices were reset");
            custody::log(cx, transaction, &held, TokenStage::Suspended, line).await?;
            suspended.push(held.id);
        }
    }
    Ok(suspended)
}

async fn moved_on(connection: &impl Connection, read: &Case, moved: &Reset, with: With) -> Result<(), ResetFailure> {
    if store::update_reset(connection, read, moved, with).await? { Ok(()) } else { Err(ResetFailure::Overtaken) }
}

async fn record(
    cx: &Cx,
    connection: &impl Connection,
    kind: &'static str,
    by: PersonId,
    reset: &Reset,
) -> Result<(), Fault> {
    let event = Event { actor: Some(by), ..Event::new(kind) }.to(reset.person);
    audit::record(cx, connection, event.data(json!({ "reset": reset.id }))).await
}
