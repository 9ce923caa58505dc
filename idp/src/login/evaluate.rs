//! What the assurance module says about a session, in the form in which the next step is chosen.

use std::sync::Arc;
use std::time::Duration;

use stepgate_core::account::Person;
use stepgate_core::assurance::{
    self, Ask, AskError, CredentialKind, CredentialState, Decision, Granted, HeldCredential, Holdings, Requirement,
};
use stepgate_core::authorize::DeviceRequest;
use stepgate_core::authorize::interaction::{Choice, Interaction, Purpose, Want};
use stepgate_core::authorize::is_covered;
use stepgate_core::authorize::next::{ConsentOnRecord, LoggedIn, Verdict};
use stepgate_core::credentials::suspension::ProofFor;
use stepgate_core::id::CredentialId;
use stepgate_core::oidc::Prompt;
use stepgate_core::time::Timestamp;
use stepgate_store::{consents, credentials, people};

use crate::clients::{self, Registered};
use crate::cx::Cx;
use crate::fault::Fault;
use crate::session::Live;

/// A person with a live session, and everything that was worked out about them.
pub struct Standing {
    /// The session.
    pub live: Live,
    /// Who.
    pub person: Person,
    /// What the person holds.
    pub holdings: Holdings,
    /// What holds; `None` when what is demanded does not.
    pub granted: Option<Granted>,
    decision: Decision,
    verdict: Verdict,
    held: Vec<Choice>,
    consent: ConsentOnRecord,
    /// What the person allowed the client before.
    pub allowed: Vec<String>,
}

impl Standing {
    /// What the choice of the next step needs to know.
    pub fn logged_in(&self) -> LoggedIn<'_> {
        LoggedIn { session: &self.live.session, verdict: &self.verdict, held: &self.held, consent: self.consent }
    }

    /// Why the demand is not met, for the page that says so.
    pub const fn decision(&self) -> &Decision {
        &self.decision
    }
}

/// What an interaction demands. Worked out anew each time: a policy may have changed in between.
pub fn demand(cx: &Cx, interaction: &Interaction, client: Option<&Registered>) -> Result<Requirement, AskError> {
    let (Purpose::Authorize { request }, Some(client)) = (&interaction.purpose, client) else {
        return match (&interaction.purpose, client) {
            (Purpose::Elevate { .. }, _) => Ok(Requirement::elevation(interaction.started_at)),
            (Purpose::Device { request, .. }, Some(client)) => of_device(cx, request, client, interaction.started_at),
            _ => plain(cx, interaction.started_at),
        };
    };
    let scopes: Vec<String> = request.scope.iter().map(str::to_owned).collect();
    let claim = request.claims.acr();
    let essential = claim.as_ref().filter(|acr| acr.essential).map(|acr| acr.values.as_slice());
    let wished: Vec<String> =
        claim.as_ref().filter(|acr| !acr.essential).map_or_else(Vec::new, |acr| acr.values.clone());
    let (values, from_claim) =
        if request.acr_values.is_empty() { (&wished, true) } else { (&request.acr_values, false) };
    Requirement::from_ask(
        &cx.app.catalogue,
        &Ask {
            floors: &client.floors_for(&scopes),
            essential_acr: essential,
            acr_values: values,
            // A claim that was not marked essential is a wish by its own words (OpenID Connect Core §5.5.1).
            acr_values_voluntary: from_claim || client.client.metadata.acr_values_voluntary,
            max_age: request.max_age.map(Duration::from_secs),
            login_prompted: request.prompt.contains(Prompt::Login),
            started_at: interaction.started_at,
        },
    )
}

/// What a device demands: the floors of its client, and what it asked for. It asked us directly, so nobody on the way
/// could lower it.
fn of_device(
    cx: &Cx,
    request: &DeviceRequest,
    client: &Registered,
    started_at: Timestamp,
) -> Result<Requirement, AskError> {
    let scopes: Vec<String> = request.scope.iter().map(str::to_owned).collect();
    let ask = Ask {
        floors: &client.floors_for(&scopes),
        essential_acr: None,
        acr_values: &request.acr_values,
        acr_values_voluntary: client.client.metadata.acr_values_voluntary,
        max_age: request.max_age.map(Duration::from_secs),
        login_prompted: false,
        started_at,
    };
    Requirement::from_ask(&cx.app.catalogue, &ask)
}

fn plain(cx: &Cx, started_at: Timestamp) -> Result<Requirement, AskError> {
    let ask = Ask {
        floors: &[],
        essential_acr: None,
        acr_values: &[],
        acr_values_voluntary: false,
        max_age: None,
        login_prompted: false,
        started_at,
    };
    Requirement::from_ask(&cx.app.catalogue, &ask)
}

/// Works out where a session stands with an interaction.
pub async fn stand(
    cx: &Cx,
    live: Live,
    interaction: &Interaction,
    requirement: &Requirement,
    client: Option<&Arc<Registered>>,
) -> Result<Option<Standing>, Fault> {
    let Some(person) = people::find_person(&cx.app.db, live.session.person).await? else { return Ok(None) };
    if person.suspended_at.is_some() {
        return Ok(None);
    }
    let held = credentials::list_credentials(&cx.app.db, person.id).await?;
    let holdings = Holdings {
        credentials: held.iter().map(|credential| credential.held(cx.now)).collect(),
        proofed: person.is_proofed(cx.now),
    };
    let events = &live.session.events;
    let decision = match &interaction.purpose {
        Purpose::Elevate { want, .. } => elevate(cx, interaction, requirement, &live, &holdings, *want),
        Purpose::Authorize { .. } | Purpose::Device { .. } if assurance::is_recovering(events, &holdings, cx.now) => {
            recovering(requirement, &holdings)
        }
        Purpose::Authorize { .. } | Purpose::Device { .. } | Purpose::Portal { .. } => {
            assurance::decide(&cx.app.catalogue, requirement, events, &holdings, cx.now)
        }
    };
    let offered = assurance::offers(events, &holdings, cx.now);
    let offered: Vec<_> = offered.into_iter().filter(|kind| requirement.allows(*kind)).collect();
    let verdict = match interaction.tested() {
        Some(credential) => test(credential, interaction.proof_for(), &holdings),
        None => verdict(&decision, &holdings),
    };
    let (consent, allowed) = consent(cx, interaction, &person, client).await?;
    let granted = if let Decision::Satisfied(granted) = &decision { Some(granted.clone()) } else { None };
    Ok(Some(Standing {
        held: choices(&offered, &holdings),
        live,
        person,
        holdings,
        granted,
        decision,
        verdict,
        consent,
        allowed,
    }))
}

/// *Elevate* on our own pages: one more factor, shown now, whatever the session has shown before.
fn elevate(
    cx: &Cx,
    interaction: &Interaction,
    requirement: &Requirement,
    live: &Live,
    holdings: &Holdings,
    want: Want,
) -> Decision {
    let wanted = |kind: CredentialKind| match want {
        Want::AnyOtp | Want::NewPassword => !matches!(kind, CredentialKind::Password | CredentialKind::Recovery),
        Want::Kind(wanted) => kind == wanted,
        Want::Test(_) | Want::Resume(_) => false,
    };
    let events = &live.session.events;
    let shown_now =
        events.iter().any(|event| event.at >= interaction.started_at && wanted(event.method.credential_kind()));
    let decision = match want {
        // The mail stands for the password here: the session is no login, and what is shown in it is all there is.
        Want::NewPassword => assurance::standing(&cx.app.catalogue, None, events, holdings, cx.now).map_or(
            Decision::Challenge { factors: active(holdings, wanted), why: assurance::Why::Demanded },
            Decision::Satisfied,
        ),
        Want::AnyOtp | Want::Kind(_) | Want::Test(_) | Want::Resume(_) => {
            assurance::decide(&cx.app.catalogue, requirement, events, holdings, cx.now)
        }
    };
    if !matches!(decision, Decision::Satisfied(_)) || shown_now {
        return decision;
    }
    let mut kinds = assurance::offers(events, holdings, cx.now);
    kinds.retain(|kind| wanted(*kind));
    if kinds.is_empty() {
        kinds = active(holdings, wanted);
    }
    Decision::Challenge { factors: kinds, why: assurance::Why::Demanded }
}

/// The kinds of what the person holds and can use now, last used first.
fn active(holdings: &Holdings, wanted: impl Fn(CredentialKind) -> bool) -> Vec<CredentialKind> {
    let mut held: Vec<_> = holdings.credentials.iter().filter(|held| held.state == CredentialState::Active).collect();
    held.sort_by_key(|held| std::cmp::Reverse(held.last_used));
    let mut kinds = Vec::new();
    for kind in held.into_iter().map(|held| held.kind).filter(|kind| wanted(*kind)) {
        if !kinds.contains(&kind) {
            kinds.push(kind);
        }
    }
    kinds
}

/// A session that rests on a recovery code opens no application, whatever that asks for: a real factor must be shown
/// first, and got where there is none.
fn recovering(requirement: &Requirement, holdings: &Holdings) -> Decision {
    let fits = |kind: CredentialKind| {
        !matches!(kind, CredentialKind::Password | CredentialKind::Recovery) && requirement.allows(kind)
    };
    let factors = active(holdings, fits);
    if !factors.is_empty() {
        return Decision::Challenge { factors, why: assurance::Why::Demanded };
    }
    let acceptable = CredentialKind::ALL.iter().copied().filter(|kind| fits(*kind));
    let acceptable = acceptable.map(|kind| assurance::Product { kind, proofed: false }).collect();
    Decision::Acquire { acceptable, proofing: false }
}

/// A test asks for the very credential; whatever the session has shown is beside the point. So does the end of a rest.
fn test(credential: CredentialId, proof: ProofFor, holdings: &Holdings) -> Verdict {
    let state = match proof {
        ProofFor::Use => CredentialState::Active,
        ProofFor::Resuming => CredentialState::Suspended,
    };
    let usable = |held: &&HeldCredential| held.id == credential && held.state == state;
    match holdings.credentials.iter().find(usable) {
        Some(held) => Verdict::Challenge(vec![Choice { credential, kind: held.kind }]),
        None => Verdict::Missing,
    }
}

fn verdict(decision: &Decision, holdings: &Holdings) -> Verdict {
    match decision {
        Decision::Satisfied(_) => Verdict::Satisfied,
        Decision::Challenge { factors, .. } => Verdict::Challenge(choices(factors, holdings)),
        Decision::Reauthenticate { factor, .. } => match choices(&[*factor], holdings).first() {
            Some(choice) => Verdict::Reauthenticate(*choice),
            None => Verdict::Missing,
        },
        Decision::Repair { .. } | Decision::Acquire { .. } => Verdict::Missing,
        Decision::Unmet { .. } => Verdict::Unmet,
    }
}

/// The active credentials of these kinds, in the order of the kinds, last used first.
fn choices(kinds: &[CredentialKind], holdings: &Holdings) -> Vec<Choice> {
    let mut held: Vec<_> = holdings.credentials.iter().filter(|held| held.state == CredentialState::Active).collect();
    held.sort_by_key(|held| std::cmp::Reverse(held.last_used));
    let of_kind = |kind: CredentialKind| {
        let of_kind = held.iter().filter(move |held| held.kind == kind);
        of_kind.map(|held| Choice { credential: held.id, kind: held.kind }).collect::<Vec<_>>()
    };
    kinds.iter().flat_map(|kind| of_kind(*kind)).collect()
}

async fn consent(
    cx: &Cx,
    interaction: &Interaction,
    person: &Person,
    client: Option<&Arc<Registered>>,
) -> Result<(ConsentOnRecord, Vec<String>), Fault> {
    let (Some(request), Some(client)) = (interaction.request(), client) else {
        return Ok((ConsentOnRecord::Covers, Vec::new()));
    };
    if client.client.metadata.skip_consent {
        return Ok((ConsentOnRecord::Covers, Vec::new()));
    }
    let allowed = consents::find_consent(&cx.app.db.read, person.id, &client.client.id).await?;
    let covered = request.consent_items().iter().all(|item| is_covered(item, &allowed));
    Ok((if covered { ConsentOnRecord::Covers } else { ConsentOnRecord::Lacks }, allowed))
}

/// Whether a parked request of a client could go on in this session: what it lacked is there.
pub async fn can_go_on(cx: &Cx, interaction: &Interaction, live: Live) -> Result<bool, Fault> {
    let Some(client) = interaction.client_id() else { return Ok(false) };
    let Some(client) = clients::find(cx, client).await? else { return Ok(false) };
    let Ok(requirement) = demand(cx, interaction, Some(&client)) else { return Ok(false) };
    let standing = stand(cx, live, interaction, &requirement, Some(&client)).await?;
    let lacks = |decision: &Decision| {
        matches!(decision, Decision::Repair { .. } | Decision::Acquire { .. } | Decision::Unmet { .. })
    };
    Ok(standing.is_some_and(|standing| !lacks(standing.decision())))
}
