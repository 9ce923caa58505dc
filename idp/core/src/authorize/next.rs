//! The one place that chooses the next step of a login.
//!
//! Total and pure: whatever the interaction, the session and the verdict are, there is exactly one step. It is asked
//! anew at every request of the browser, so nothing that happened in between (a session ended in another window, a
//! credential revoked, a policy changed) is missed.

use crate::assurance::CredentialKind;
use crate::authorize::AuthorizationRequest;
use crate::authorize::interaction::{Choice, Interaction, Named, Purpose, SkipOtp, Stage};
use crate::grants::Session;
use crate::id::PersonId;
use crate::oidc::{ErrorCode, Prompt};

/// What `assurance` says about the session, as far as the choice of a step needs it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// What is demanded holds.
    Satisfied,
    /// It would hold with one more of these.
    Challenge(Vec<Choice>),
    /// This was shown too long ago, or must be shown again.
    Reauthenticate(Choice),
    /// It could hold if the person repaired, activated or bought something.
    Missing,
    /// It cannot hold.
    Unmet,
}

/// A live session of the browser and what is known about it.
#[derive(Clone, Copy, Debug)]
pub struct LoggedIn<'a> {
    /// The session; never one that ended.
    pub session: &'a Session,
    /// What `assurance` says.
    pub verdict: &'a Verdict,
    /// Usable credentials beyond the password that the person holds, to offer where nothing demands one.
    pub held: &'a [Choice],
    /// Whether the person's remembered consent, or the client's registration, covers the request.
    pub consent: ConsentOnRecord,
}

/// Whether there is anything left to ask the person about the client.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ConsentOnRecord {
    /// The person said yes to all of it before, or the operator vouches for the client.
    Covers,
    /// Something is new.
    Lacks,
}

/// What happens next.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum NextStep {
    /// The page that the person is on is the right one.
    Stay,
    /// Ask for the user ID.
    Identify,
    /// Ask for this person's password.
    Password {
        /// Whose.
        person: PersonId,
    },
    /// Let the person choose a factor.
    Factor {
        /// Among these, never empty.
        choices: Vec<Choice>,
        /// Whether it can be left out.
        skip: SkipOtp,
    },
    /// Say what the application accepts, what the person has, and why it does not do.
    RequirementsNotMet,
    /// Ask whether the client may.
    Consent,
    /// Done: answer the client with a code, or go to the page.
    Finish,
    /// Answer the client with this error.
    Refuse(ErrorCode),
    /// The session that was to be elevated is not there any more: begin anew.
    SessionGone,
}

/// Chooses the next step. `logged_in` is the browser's live session; `None` when there is none.
pub fn next(interaction: &Interaction, logged_in: Option<LoggedIn<'_>>) -> NextStep {
    let step = match &interaction.purpose {
        Purpose::Authorize { request } if request.prompt.is_none() => silent(request, logged_in),
        Purpose::Authorize { .. } | Purpose::Device { .. } | Purpose::Portal { .. } => {
            interactive(interaction, logged_in)
        }
        Purpose::Elevate { .. } => elevation(interaction, logged_in),
    };
    if is_here(&interaction.stage, &step) { NextStep::Stay } else { step }
}

/// The error that the client gets when the person gives up (OpenID Connect Core §3.1.2.6, Unmet Authentication
/// Requirements §2): a factor that was demanded and not shown is a requirement not met, all else is a plain no.
pub fn refusal_when_cancelled(stage: &Stage) -> ErrorCode {
    match stage {
        Stage::RequirementsNotMet => ErrorCode::UnmetAuthenticationRequirements,
        Stage::Factor { .. }
        | Stage::PhoneCode { .. }
        | Stage::MobileWait { .. }
        | Stage::SecurityKey { .. }
        | Stage::HardwareCode { .. } => match stage.skip() {
            SkipOtp::Offered => ErrorCode::AccessDenied,
            SkipOtp::NotOffered => ErrorCode::UnmetAuthenticationRequirements,
        },
        Stage::Identify | Stage::Password { .. } | Stage::Consent => ErrorCode::AccessDenied,
    }
}

impl Interaction {
    /// Takes the step that [`next`] chose. A step without a page of its own leaves the stage as it is.
    #[must_use]
    pub fn moved(self, step: &NextStep) -> Self {
        let stage = match step {
            NextStep::Stay | NextStep::Finish | NextStep::Refuse(_) | NextStep::SessionGone => return self,
            NextStep::Identify => Stage::Identify,
            NextStep::Password { person } => Stage::Password { login: Named::Person(*person) },
            NextStep::Factor { choices, skip } => Stage::Factor { choices: choices.clone(), skip: *skip },
            NextStep::Consent => Stage::Consent,
            NextStep::RequirementsNotMet => Stage::RequirementsNotMet,
        };
        Self { stage, ..self }
    }
}

/// `prompt=none`: an answer or an error, never a page (OpenID Connect Core §3.1.2.1).
fn silent(request: &AuthorizationRequest, logged_in: Option<LoggedIn<'_>>) -> NextStep {
    let hinted = request.hinted_subject.map(|hinted| hinted.person);
    let Some(logged_in) = logged_in.filter(|it| hinted.is_none_or(|person| person == it.session.person)) else {
        return NextStep::Refuse(ErrorCode::LoginRequired);
    };
    match logged_in.verdict {
        Verdict::Satisfied if must_ask(request, logged_in.consent) => NextStep::Refuse(ErrorCode::ConsentRequired),
        Verdict::Satisfied => NextStep::Finish,
        Verdict::Challenge(_) | Verdict::Reauthenticate(_) => NextStep::Refuse(ErrorCode::LoginRequired),
        Verdict::Missing => NextStep::Refuse(ErrorCode::InteractionRequired),
        Verdict::Unmet => NextStep::Refuse(ErrorCode::UnmetAuthenticationRequirements),
    }
}

fn interactive(interaction: &Interaction, logged_in: Option<LoggedIn<'_>>) -> NextStep {
    let pinned = interaction.pinned.map(|pinned| pinned.person);
    let logged_in = match (logged_in, pinned) {
        // The request is about somebody: whoever else is logged in makes room.
        (Some(it), Some(person)) if it.session.person != person => return NextStep::Password { person },
        (None, Some(person)) => return NextStep::Password { person },
        (None, None) => return identify(&interaction.stage),
        (Some(it), _) => it,
    };
    let select_account = interaction.request().is_some_and(|request| request.prompt.contains(Prompt::SelectAccount));
    if (select_account || interaction.decided.other_account)
        && pinned.is_none()
        && !logged_in_here(interaction, logged_in.session)
    {
        return identify(&interaction.stage);
    }
    demanded(logged_in)
        .or_else(|| optional(interaction, logged_in))
        .or_else(|| consent(interaction, logged_in.consent))
        .unwrap_or(NextStep::Finish)
}

/// An elevation lifts the session that began it, and no other.
fn elevation(interaction: &Interaction, logged_in: Option<LoggedIn<'_>>) -> NextStep {
    let same = |it: &LoggedIn<'_>| {
        interaction.pinned.is_some_and(|pinned| {
            pinned.person == it.session.person && pinned.session.is_none_or(|session| session == it.session.id)
        })
    };
    match logged_in.filter(same) {
        None => NextStep::SessionGone,
        Some(it) => demanded(it).unwrap_or(NextStep::Finish),
    }
}

/// The person must be named first; once a name was typed, its password is asked for.
fn identify(stage: &Stage) -> NextStep {
    match stage {
        Stage::Password { login: Named::Unknown(_) } => NextStep::Stay,
        Stage::Password { login: Named::Person(person) } => NextStep::Password { person: *person },
        Stage::Identify
        | Stage::Factor { .. }
        | Stage::PhoneCode { .. }
        | Stage::MobileWait { .. }
        | Stage::SecurityKey { .. }
        | Stage::HardwareCode { .. }
        | Stage::Consent
        | Stage::RequirementsNotMet => NextStep::Identify,
    }
}

/// The step that a requirement demands; `None` when it holds.
fn demanded(logged_in: LoggedIn<'_>) -> Option<NextStep> {
    let person = logged_in.session.person;
    match logged_in.verdict {
        Verdict::Satisfied => None,
        Verdict::Challenge(choices) => Some(ask(person, choices)),
        Verdict::Reauthenticate(choice) => Some(ask(person, &[*choice])),
        Verdict::Missing | Verdict::Unmet => Some(NextStep::RequirementsNotMet),
    }
}

/// A password has a page of its own; it comes before any other factor.
fn ask(person: PersonId, choices: &[Choice]) -> NextStep {
    if choices.is_empty() {
        return NextStep::RequirementsNotMet;
    }
    if choices.iter().any(|choice| choice.kind == CredentialKind::Password) {
        return NextStep::Password { person };
    }
    NextStep::Factor { choices: choices.to_vec(), skip: SkipOtp::NotOffered }
}

/// After a login with nothing but the password, what the person holds is offered, and can be skipped. A session that
/// was there before is not bothered again.
fn optional(interaction: &Interaction, logged_in: LoggedIn<'_>) -> Option<NextStep> {
    let only_password =
        logged_in.session.events.iter().all(|event| event.method.credential_kind() == CredentialKind::Password);
    let choices: Vec<Choice> =
        logged_in.held.iter().filter(|choice| choice.kind != CredentialKind::Password).copied().collect();
    let offer = only_password
        && logged_in_here(interaction, logged_in.session)
        && !interaction.decided.skipped_otp
        && !choices.is_empty();
    offer.then_some(NextStep::Factor { choices, skip: SkipOtp::Offered })
}

/// A device is asked about every time, whatever is on record: whoever typed its code says that it is theirs
/// (RFC 8628 §5.4).
fn consent(interaction: &Interaction, on_record: ConsentOnRecord) -> Option<NextStep> {
    if matches!(interaction.purpose, Purpose::Device { .. }) {
        return (!interaction.decided.consented).then_some(NextStep::Consent);
    }
    let request = interaction.request()?;
    (must_ask(request, on_record) && !interaction.decided.consented).then_some(NextStep::Consent)
}

/// The client can wish the question, and whoever wants to act while the person is away is asked for it every time
/// (OpenID Connect Core §11): what is on record, or the operator's word for the client, settles neither.
fn must_ask(request: &AuthorizationRequest, on_record: ConsentOnRecord) -> bool {
    request.prompt.contains(Prompt::Consent) || request.wants_offline_access() || on_record == ConsentOnRecord::Lacks
}

/// Whether the person authenticated in the course of this interaction.
fn logged_in_here(interaction: &Interaction, session: &Session) -> bool {
    session.events.iter().any(|event| event.at >= interaction.started_at)
}

/// Whether the person is where the step would lead. A factor that was chosen and can still be chosen is not
/// interrupted by the page that offers the choice.
fn is_here(stage: &Stage, step: &NextStep) -> bool {
    match (stage, step) {
        (Stage::Identify, NextStep::Identify)
        | (Stage::Consent, NextStep::Consent)
        | (Stage::RequirementsNotMet, NextStep::RequirementsNotMet) => true,
        (Stage::Password { login: Named::Person(here) }, NextStep::Password { person }) => here == person,
        (Stage::Factor { choices: here, skip: offered }, NextStep::Factor { choices, skip }) => {
            here == choices && offered == skip
        }
        (stage, NextStep::Factor { choices, skip }) => {
            stage.skip() == *skip
                && stage.credential().is_some_and(|chosen| choices.iter().any(|choice| choice.credential == chosen))
        }
        _ => false,
    }
}

#[cfg(test)]
mod tests;
