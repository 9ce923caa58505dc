//! Identity proofing by an agent: somebody asks, an agent looks at them and their document, and decides.
//!
//! Owns: what a decision sets in motion. Never: documents, their numbers or pictures; who may decide is
//! `stepgate_core::proofing`.

use jiff::tz::TimeZone;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::json;
use stepgate_core::account::Person;
use stepgate_core::id::{LicenseKeyId, PersonId, ProofingId};
use stepgate_core::proofing::{
    Findings, MOST_REFUSED, Method, NoDecision, ProofingStage, check_approval, check_refusal,
};
use stepgate_core::subscriptions::term::Renewal;
use stepgate_store::proofing::{self as store, ProofingRequest};
use stepgate_store::{Connection, people};

use crate::account::way_to_wanted;
use crate::audit::{self, Event};
use crate::cx::Cx;
use crate::fault::Fault;
use crate::notices::{self, Notice};
use crate::pages::When;

/// Identity proofing.
#[derive(Clone, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct ProofingSettings {
    /// Days for which a proofing counts; 0: it does not end.
    pub valid_days: u16,
    /// Minutes for which a code or an approval of the agent's lets them decide. The page asks for a new one before its
    /// form is shown, once half of them are over.
    pub decision_minutes: u16,
    /// The level that is recorded when the person and the document were there, as your rules name it. The default is
    /// that of NIST SP 800-63A.
    pub level_in_person: String,
    /// The same for a video call.
    pub level_video: String,
}

impl Default for ProofingSettings {
    fn default() -> Self {
        Self {
            valid_days: 1826,
            decision_minutes: 60,
            level_in_person: "ial2".to_owned(),
            level_video: "ial2".to_owned(),
        }
    }
}

impl ProofingSettings {
    /// The level that is reached in this way.
    fn level(&self, method: Method) -> &str {
        match method {
            Method::InPerson => &self.level_in_person,
            Method::Video => &self.level_video,
        }
    }

    /// Everything that is wrong, each with its key.
    pub fn problems(&self) -> Vec<String> {
        let mut found = Vec::new();
        for (key, level) in [("level_in_person", &self.level_in_person), ("level_video", &self.level_video)] {
            if !(1..=40).contains(&level.len()) || !level.bytes().all(|byte| byte.is_ascii_graphic()) {
                found
                    .push(format!("proofing.{key} must be a name of 1 to 40 letters, digits and signs without blanks"));
            }
        }
        if !(10..=720).contains(&self.decision_minutes) {
            found.push("proofing.decision_minutes must be 10 to 720".to_owned());
        }
        found
    }
}

/// Puts a person into the agents' queue, in the transaction of what it is for; `false` for somebody who is in it and stays
/// where they are.
///
/// # Errors
/// The store.
pub async fn ask_in(
    cx: &Cx,
    connection: &impl Connection,
    person: PersonId,
    key: Option<LicenseKeyId>,
) -> Result<bool, Fault> {
    let id = ProofingId::random(cx.entropy());
    let asked = store::insert_request(connection, (id, person, key), cx.now).await?;
    if asked {
        let data = json!({ "request": id, "license_key": key });
        audit::record(cx, connection, Event::new("proofing.asked").by(person).data(data)).await?;
    }
    Ok(asked)
}

/// Why a proofing would be paid for in vain.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum InVain {
    /// The person is proofed, until then.
    Proofed(Option<When>),
    /// The person is in the queue.
    InQueue,
}

impl InVain {
    /// In words, about `You` or about a name. What comes `with_more` than proofing can be had without.
    pub fn words(&self, whom: &str, with_more: bool) -> String {
        let are = if whom == "You" { "are" } else { "is" };
        let instead = if with_more { " Take the one without identity proofing." } else { "" };
        match self {
            Self::Proofed(Some(until)) => {
                format!("{whom} {are} proofed until {}: that counts for every credential.{instead}", until.text)
            }
            Self::Proofed(None) => format!("{whom} {are} proofed: that counts for every credential.{instead}"),
            Self::InQueue => {
                format!("{whom} {are} in the queue for proofing already: that counts for every credential.{instead}")
            }
        }
    }
}

/// Whether another proofing of this person would be for nothing. What ends soon can be renewed as a subscription can.
///
/// # Errors
/// The store.
pub async fn in_vain(cx: &Cx, person: &Person) -> Result<Option<InVain>, Fault> {
    if lasts(cx, person) {
        let until = person.proofing_expires_at.map(|ends| When::date(ends, &TimeZone::UTC));
        return Ok(Some(InVain::Proofed(until)));
    }
    let waits = matches!(standing(cx, person.id).await?, Standing::Waits(_));
    Ok(waits.then_some(InVain::InQueue))
}

fn lasts(cx: &Cx, person: &Person) -> bool {
    let rules = cx.app.settings.subscriptions.rules();
    let early = |ends| matches!(rules.renewal(ends, cx.now), Renewal::Opens(_));
    person.is_proofed(cx.now) && person.proofing_expires_at.is_none_or(early)
}

/// Where a person stands with an agent.
#[derive(Clone, Debug)]
pub enum Standing {
    /// Nothing was asked, and nothing was bought that would pay for it.
    Nothing,
    /// In the queue.
    Waits(ProofingRequest),
    /// Refused; can ask again.
    Refused(ProofingRequest),
    /// Refused too often.
    RefusedForGood(ProofingRequest),
    /// Approved once.
    Approved(ProofingRequest),
}

/// Where a person stands.
///
/// # Errors
/// The store.
pub async fn standing(cx: &Cx, person: PersonId) -> Result<Standing, Fault> {
    let requests = store::list_requests_of(&cx.app.db, person).await?;
    let refused = requests.iter().take_while(|request| request.stage == ProofingStage::Refused).count();
    let Some(latest) = requests.into_iter().next() else { return Ok(Standing::Nothing) };
    Ok(match latest.stage {
        ProofingStage::Asked => Standing::Waits(latest),
        ProofingStage::Approved => Standing::Approved(latest),
        ProofingStage::Refused if refused >= MOST_REFUSED => Standing::RefusedForGood(latest),
        ProofingStage::Refused => Standing::Refused(latest),
    })
}

/// Asks again after a refusal: what paid for the first time pays for this one. `false`: there is nothing to ask again.
///
/// # Errors
/// The store.
pub async fn ask_again(cx: &Cx, person: PersonId) -> Result<bool, Fault> {
    let Standing::Refused(before) = standing(cx, person).await? else { return Ok(false) };
    let transaction = cx.app.db.begin().await?;
    ask_in(cx, &transaction, person, before.key).await?;
    transaction.commit().await?;
    Ok(true)
}

/// Why an agent's decision does not stand.
#[derive(Debug, thiserror::Error)]
pub enum DecideFailure {
    /// By the rules.
    #[error(transparent)]
    No(#[from] NoDecision),
    /// Somebody else was faster.
    #[error("Another agent has decided this a moment ago.")]
    Overtaken,
    /// Ours.
    #[error(transparent)]
    Fault(#[from] Fault),
}

/// Decides a request: what was found, or why it is refused. The outcome is on the account at once.
///
/// # Errors
/// Why not; the store.
pub async fn decide(
    cx: &Cx,
    agent: PersonId,
    request: &ProofingRequest,
    decision: Result<&Findings, &str>,
) -> Result<(), DecideFailure> {
    let last = is_last_refusal(cx, request).await?;
    let transaction = cx.app.db.begin().await.map_err(Fault::from)?;
    decide_in(cx, &transaction, (agent, request), decision, last).await?;
    transaction.commit().await.map_err(Fault::from)?;
    Ok(())
}

/// Whether another refusal is the last: after it the person cannot ask again.
///
/// # Errors
/// The store.
pub async fn is_last_refusal(cx: &Cx, request: &ProofingRequest) -> Result<bool, Fault> {
    let all = store::list_requests_of(&cx.app.db, request.person).await?;
    let before = all.iter().skip_while(|other| other.id == request.id);
    Ok(before.take_while(|other| other.stage == ProofingStage::Refused).count() + 1 >= MOST_REFUSED)
}

async fn decide_in(
    cx: &Cx,
    transaction: &impl Connection,
    (agent, request): (PersonId, &ProofingRequest),
    decision: Result<&Findings, &str>,
    last: bool,
) -> Result<(), DecideFailure> {
    match decision {
        Ok(findings) => check_approval(agent, request.person, findings, cx.now)?,
        Err(reason) => check_refusal(agent, request.person, reason)?,
    }
    let level = |found: &Findings| cx.app.settings.proofing.level(found.method);
    let recorded = decision.map(|found| (found, level(found)));
    let decided =
        store::decide_request(transaction, (request.id, agent), recorded, cx.now).await.map_err(Fault::from)?;
    if !decided {
        return Err(DecideFailure::Overtaken);
    }
    let (kind, data, notice) = match decision {
        Ok(found) => {
            let days = cx.app.settings.proofing.valid_days;
            let until = (days > 0).then(|| cx.now + std::time::Duration::from_secs(24 * 3600) * u32::from(days));
            store::set_proofed(transaction, request.person, until, cx.now).await.map_err(Fault::from)?;
            let data = json!({ "request": request.id, "method": found.method.as_str(),
                "document": found.document.as_str(), "issuer": found.issuer.trim(), "valid_until": found.valid_until.map(|last| last.to_string()),
                "level": level(found), "until": until });
            let text = format!(
                "Your identity is proofed. What you bought with proofing can be set up now, under Manage OTP. \
                 Applications hear of it from the next code or approval on.{}",
                way_on(cx, request.person).await?
            );
            ("proofing.approved", data, Notice::new("Your identity is proofed", text))
        }
        Err(reason) => {
            let next = if last {
                "It did not work out several times: please speak with your administrator before you try again."
            } else {
                "You can ask again under Manage OTP."
            };
            let text = format!("Your identity could not be proofed: {}\n\n{next}", reason.trim());
            let data = json!({ "request": request.id, "reason": reason.trim() });
            ("proofing.refused", data, Notice::new("Your identity could not be proofed", text))
        }
    };
    let event = Event { actor: Some(agent), ..Event::new(kind).to(request.person) }.data(data);
    audit::record(cx, transaction, event).await?;
    notices::tell(cx, transaction, request.person, &notice.by_mail_only()).await?;
    Ok(())
}

/// Where the person was about to go when they found that they lack it.
async fn way_on(cx: &Cx, person: PersonId) -> Result<String, Fault> {
    let Some(person) = people::find_person(&cx.app.db, person).await? else { return Ok(String::new()) };
    let way = way_to_wanted(cx, &person).await?;
    let line = way.and_then(|way| Some(format!("\n\nGo on to {}:\n\n{}", way.client.application.name, way.address?)));
    Ok(line.unwrap_or_default())
}

/// The person whom a request is about.
///
/// # Errors
/// The store.
pub async fn person_of(cx: &Cx, request: &ProofingRequest) -> Result<Option<Person>, Fault> {
    Ok(people::find_person(&cx.app.db, request.person).await?)
}
