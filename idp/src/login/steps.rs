//! The steps: each checks one thing that was posted, and says so.

mod factor;
mod identify;

use axum::http::HeaderValue;
use stepgate_core::account::Person;
use stepgate_core::assurance::FactorEvent;
use stepgate_core::authorize::interaction::{Interaction, Purpose, Stage, WrongStage};
use stepgate_core::credentials::suspension::{Cause, ProofFor};
use stepgate_store::credentials;

use super::http::Say;
use super::parked::Parked;
use crate::audit::{self, Event};
use crate::cx::Cx;
use crate::fault::Fault;
use crate::http::extract::Form;
use crate::http::page::PageFailure;
use crate::logout::end::{self, Ended};
use crate::notices::{self, Notice};
use crate::session::{self, Live, Renewed};

/// What a step came to.
pub(super) enum Outcome {
    /// Something changed: on to the page by GET.
    Next {
        /// The session's new cookie.
        cookie: Option<HeaderValue>,
    },
    /// A factor was shown.
    Earned {
        /// The session with its new cookies.
        renewed: Box<Renewed>,
        /// The session of somebody else, which made room.
        replaced: Option<Ended>,
    },
    /// The same page again, with a word about what was typed.
    Again {
        /// The parked request, unchanged.
        parked: Box<Parked>,
        /// Who is logged in.
        live: Option<Live>,
        /// The word.
        say: Say,
    },
}

impl Outcome {
    fn error(parked: Parked, live: Option<Live>, key: &'static str) -> Self {
        Self::Again { parked: Box::new(parked), live, say: Say::Error(key) }
    }
}

/// Takes the step that the form belongs to.
pub(super) async fn take(cx: &Cx, parked: Parked, live: Option<Live>, form: &Form) -> Result<Outcome, PageFailure> {
    // An elevation, a test, a new password: those know who, and ask for what they need.
    let asked_who = matches!(parked.interaction.stage, Stage::Identify | Stage::Password { .. })
        && !matches!(parked.interaction.purpose, Purpose::Elevate { .. });
    if asked_who && !form.get("passkey").is_empty() {
        return identify::passkey(cx, parked, live, form).await;
    }
    match parked.interaction.stage.clone() {
        Stage::Identify => identify::name(cx, parked, live, form).await,
        Stage::Password { login } => identify::password(cx, parked, live, form, login).await,
        Stage::Factor { .. }
        | Stage::PhoneCode { .. }
        | Stage::MobileWait { .. }
        | Stage::SecurityKey { .. }
        | Stage::HardwareCode { .. } => factor::take(cx, parked, live, form).await,
        Stage::Consent if form.get("decision") == "allow" => keep(cx, parked, Interaction::consent).await,
        Stage::Consent | Stage::RequirementsNotMet => Ok(Outcome::Next { cookie: None }),
    }
}

/// Keeps what a transition makes of the interaction. One that does not fit the stage changes nothing: the browser is
/// shown where it really is.
async fn keep(
    cx: &Cx,
    parked: Parked,
    transition: impl FnOnce(Interaction) -> Result<Interaction, WrongStage>,
) -> Result<Outcome, PageFailure> {
    if let Ok(interaction) = transition(parked.interaction.clone()) {
        // Another request of the same browser may have been faster: then its page is the right one.
        parked.advance(cx, interaction).await?;
    }
    Ok(Outcome::Next { cookie: None })
}

/// A tested credential works. Its use is on record; the session is what it was.
async fn tested(cx: &Cx, parked: &Parked, person: &Person, event: &FactorEvent) -> Result<Outcome, PageFailure> {
    if parked.interaction.proof_for() == ProofFor::Resuming {
        return resumed(cx, parked, person, event).await;
    }
    let transaction = cx.app.db.begin().await?;
    let data = serde_json::json!({ "credential": event.credential, "method": event.method.as_str() });
    audit::record(cx, &transaction, Event::new("credential.tested").by(person.id).data(data)).await?;
    let path = format!("/account/otp/test?credential={}", event.credential);
    parked.close_in(&transaction, &path).await?;
    transaction.commit().await.map_err(Fault::from)?;
    Ok(Outcome::Next { cookie: None })
}

/// A credential that its holder had put to rest has shown that it is still in the right hands: the rest ends. The session
/// is what it was.
async fn resumed(cx: &Cx, parked: &Parked, person: &Person, event: &FactorEvent) -> Result<Outcome, PageFailure> {
    let transaction = cx.app.db.begin().await?;
    let done = credentials::resume_credential(&transaction, event.credential, Cause::Paused).await?;
    if done {
        let data = serde_json::json!({ "credential": event.credential, "by": event.method.as_str() });
        audit::record(cx, &transaction, Event::new("credential.resumed").by(person.id).data(data)).await?;
        let text = "A credential that you had put to rest can be used again.";
        let notice = Notice::new("A credential was resumed", text).about(event.credential);
        notices::tell(cx, &transaction, person.id, &notice).await?;
    }
    let details = format!("/account/otp/{}", event.credential);
    parked.close_in(&transaction, if done { "/account/otp?done=resumed" } else { &details }).await?;
    transaction.commit().await.map_err(Fault::from)?;
    Ok(Outcome::Next { cookie: None })
}

/// Adds a factor event to the session, or begins one. A session of somebody else ends: nobody inherits it.
async fn earn(
    cx: &Cx,
    live: Option<Live>,
    person: stepgate_core::id::PersonId,
    event: FactorEvent,
) -> Result<Outcome, PageFailure> {
    if let Some(live) = live.as_ref().filter(|live| live.session.person != person) {
        end::know_partners(cx, live.session.id).await?;
    }
    let transaction = cx.app.db.begin().await?;
    let (mut renewed, mut replaced) = (None, None);
    if let Some(live) = live {
        if live.session.person == person {
            renewed = session::raise(cx, &transaction, live, event.clone()).await?;
        } else {
            replaced = end::end_in(cx, &transaction, live.session.id, live.session.person).await?;
        }
    }
    let renewed = match renewed {
        Some(renewed) => renewed,
        None => session::begin(cx, &transaction, person, event).await?,
    };
    transaction.commit().await.map_err(Fault::from)?;
    Ok(Outcome::Earned { renewed: Box::new(renewed), replaced })
}
