//! The dispatcher: every step of a login returns here.

use std::borrow::Cow;
use std::sync::Arc;

use stepgate_core::account::Person;
use stepgate_core::assurance::Requirement;
use stepgate_core::authorize::interaction::{Interaction, Purpose, Want};
use stepgate_core::authorize::next::{NextStep, next};
use stepgate_core::authorize::{AuthorizationResponse, PageError};
use stepgate_core::oidc::{ErrorCode, OAuthError};

use super::evaluate::{self, Standing};
use super::finish::{self, Issued};
use super::parked::Parked;
use super::{count, device};
use crate::audit::{self, Event};
use crate::clients::{self, Registered};
use crate::cx::Cx;
use crate::fault::Fault;
use crate::requests;
use crate::session::Live;
use crate::words::Language;

/// Everything about a parked request that a page may need.
pub struct Scene {
    /// The parked request.
    pub parked: Parked,
    /// The client that asks, if one does.
    pub client: Option<Arc<Registered>>,
    /// What it demands.
    pub requirement: Requirement,
    /// Who is logged in.
    pub standing: Option<Standing>,
}

impl Scene {
    /// The person who is logged in.
    pub fn person(&self) -> Option<&Person> {
        self.standing.as_ref().map(|standing| &standing.person)
    }

    /// The language of its pages.
    pub fn language(&self, cx: &Cx) -> Language {
        spoken(cx, self.person(), &self.parked.interaction)
    }
}

/// What is spoken with whoever logs in: what they set, once it is known who they are; else what the application asks for
/// by `ui_locales` (OpenID Connect Core §3.1.2.1); else what their browser asks for.
pub fn spoken(cx: &Cx, person: Option<&Person>, interaction: &Interaction) -> Language {
    let asked = || interaction.request().and_then(|request| Language::of_tags(&request.ui_locales));
    person.and_then(Language::of).or_else(asked).unwrap_or(cx.language)
}

/// Where the browser goes.
pub enum Answer {
    /// The page of the stage.
    Page(Box<Scene>),
    /// Back to the client.
    Client {
        /// With this.
        response: AuthorizationResponse,
        /// Its application's name, for the page that posts the answer.
        application: String,
    },
    /// To a page of ours.
    Portal(Cow<'static, str>),
    /// The parked request is over.
    Gone,
    /// The client cannot be answered.
    Unanswerable(PageError),
}

/// Reads the parked request, asks for the next step, and takes it.
pub async fn dispatch(cx: &Cx, parked: Parked, live: Option<Live>) -> Result<Answer, Fault> {
    let client = match parked.interaction.client_id() {
        Some(id) => match clients::find(cx, id).await? {
            Some(client) => Some(client),
            None => return Ok(Answer::Unanswerable(PageError::UnknownClient)),
        },
        None => None,
    };
    let requirement = match evaluate::demand(cx, &parked.interaction, client.as_deref()) {
        Ok(requirement) => requirement,
        Err(error) => {
            let error = OAuthError::new(ErrorCode::UnmetAuthenticationRequirements, error.to_string());
            return refuse(cx, &parked, client.as_deref(), &error).await;
        }
    };
    let standing = match live {
        Some(live) => evaluate::stand(cx, live, &parked.interaction, &requirement, client.as_ref()).await?,
        None => None,
    };
    let step = next(&parked.interaction, standing.as_ref().map(Standing::logged_in));
    match step {
        NextStep::Finish => {
            if let Some(standing) = standing.as_ref().filter(|_| requirement.demands_more_than_password()) {
                count::satisfied(cx, &parked.interaction, standing);
            }
            finish(cx, parked, client, standing).await
        }
        NextStep::Refuse(code) => {
            refuse(cx, &parked, client.as_deref(), &OAuthError::new(code, "the person would have to act")).await
        }
        NextStep::SessionGone => Ok(Answer::Gone),
        NextStep::Stay => Ok(Answer::Page(Box::new(Scene { parked, client, requirement, standing }))),
        step => {
            let moved = parked.interaction.clone().moved(&step);
            count::moved(cx, Some(&parked.interaction.stage), &moved.stage, standing.as_ref());
            match parked.advance(cx, moved).await? {
                Some(parked) => Ok(Answer::Page(Box::new(Scene { parked, client, requirement, standing }))),
                None => Ok(Answer::Gone),
            }
        }
    }
}

async fn finish(
    cx: &Cx,
    parked: Parked,
    client: Option<Arc<Registered>>,
    standing: Option<Standing>,
) -> Result<Answer, Fault> {
    let path = match &parked.interaction.purpose {
        // It was said where to when the detour began.
        Purpose::Portal { .. } | Purpose::Elevate { .. } if parked.interaction.back.is_some() => {
            parked.interaction.back.as_ref().map_or(Cow::Borrowed("/account/otp"), |back| back.path().into())
        }
        Purpose::Authorize { request } => {
            let (Some(client), Some(standing)) = (client, standing) else { return Ok(Answer::Gone) };
            return Ok(match finish::issue(cx, request, &client, &standing, Some(&parked)).await? {
                Issued::Answer(response) => Answer::Client { response, application: client.application.name.clone() },
                Issued::Gone => Answer::Gone,
                Issued::Unanswerable(error) => Answer::Unanswerable(error),
            });
        }
        Purpose::Device { device, request } => {
            let (Some(client), Some(standing)) = (client, standing) else { return Ok(Answer::Gone) };
            return device::allow(cx, (*device, request), &client, &standing, &parked).await;
        }
        Purpose::Portal { return_to } => return_to.path().into(),
        Purpose::Elevate { want: Want::NewPassword, .. } => "/help/password/new".into(),
        Purpose::Elevate { .. } => "/account/otp".into(),
    };
    if parked.close(cx, &path).await? { Ok(Answer::Portal(path)) } else { Ok(Answer::Gone) }
}

/// Sends the client an error, with its `state`; on our own pages the way leads back to them.
pub async fn refuse(
    cx: &Cx,
    parked: &Parked,
    client: Option<&Registered>,
    error: &OAuthError,
) -> Result<Answer, Fault> {
    if error.code() == ErrorCode::UnmetAuthenticationRequirements {
        count::given_up(cx);
    }
    if let Purpose::Device { device, .. } = &parked.interaction.purpose {
        return device::refuse(cx, *device, client, parked, error).await;
    }
    let (Some(request), Some(client)) = (parked.interaction.request(), client) else {
        let back = parked.interaction.back.as_ref();
        let path: Cow<'static, str> = back.map_or("/account/otp".into(), |back| back.path().into());
        return Ok(if parked.close(cx, &path).await? { Answer::Portal(path) } else { Answer::Gone });
    };
    let transaction = cx.app.db.begin().await?;
    if !parked.take(&transaction).await? || !finish::take_pushed(cx, request, &transaction).await? {
        return Ok(Answer::Gone);
    }
    let event = Event::new("authorization.refused").client(&client.client.id);
    let event = event.data(serde_json::json!({ "error": error.code(), "description": error.description() }));
    audit::record(cx, &transaction, event).await?;
    transaction.commit().await?;
    requests::refused(cx, request, error);
    Ok(match request.answer_error(&client.client, error, cx.app.issuer()) {
        Ok(response) => Answer::Client { response, application: client.application.name.clone() },
        Err(error) => Answer::Unanswerable(error),
    })
}
