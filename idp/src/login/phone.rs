//! The Phone OTP step: a code by text or call, and its check.

use serde::{Deserialize, Serialize};
use serde_json::json;
use stepgate_core::account::Person;
use stepgate_core::assurance::{Evidence, FactorEvent, Method};
use stepgate_core::contact::{NumberRefusal, PhoneNumber, Reach};
use stepgate_core::credentials::hardware_token::normalise_code;
use stepgate_core::credentials::{Phone, phone_otp};
use stepgate_core::entropy::random_digits;
use stepgate_core::id::{ChallengeId, CredentialId, PhoneId};
use stepgate_core::secret::SecretString;
use stepgate_core::time::Timestamp;
use stepgate_store::challenges::{self, NewPhoneChallenge};
use stepgate_store::{credentials, deliveries, phones as phones_store};

use super::hardware::CodeOutcome;
use super::parked::Parked;
use crate::audit::{self, Event};
use crate::cx::Cx;
use crate::fault::Fault;
use crate::outbox;
use crate::phones;
use crate::phones::caps::{self, Admission, Wish};
use crate::phones::deliver::Handed;
use crate::phones::risk::{self, Risk};

/// Purpose of the sealed number.
pub const SEAL: &str = "phone number";

/// How a code travels.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Channel {
    /// Text message.
    Text,
    /// Call.
    Voice,
}

impl Channel {
    /// Its name in forms and rows.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Text => "text",
            Self::Voice => "voice",
        }
    }
}

/// What became of the wish to send a code.
pub enum Sending {
    /// Under way: the provider took it.
    Sent(Sent),
    /// The last code is too young: wait until then.
    TooSoon(Timestamp),
    /// Too many messages, to this number or to others.
    Capped,
    /// No provider took it.
    Failed,
    /// All sending is stopped.
    Stopped,
    /// No such phone, or it does not take this channel.
    NoSuchPhone,
    /// The number was added a short time ago.
    TooNew(Timestamp),
    /// No codes go to such numbers.
    Refused(NumberRefusal),
    /// The network says that the number may be in other hands.
    Risky(Risk),
}

/// A code that was sent.
#[derive(Clone, Copy, Debug)]
pub struct Sent {
    /// The challenge.
    pub challenge: ChallengeId,
    /// The credential it belongs to.
    pub credential: CredentialId,
    /// Where it went.
    pub phone: PhoneId,
    /// How.
    pub channel: Channel,
}

/// Sends a code to one of the person's phones. `binding` names the parked request that the code is good for.
pub async fn send(cx: &Cx, phone: &Phone, channel: Channel, binding: &str, person: &Person) -> Result<Sending, Fault> {
    let takes = match channel {
        Channel::Text => phone.text,
        Channel::Voice => phone.voice && cx.app.outbound.calls(),
    };
    if !takes || phone.verified_at.is_none() {
        return Ok(Sending::NoSuchPhone);
    }
    if let Some(from) = phones_store::find_usable_from(&cx.app.db, phone.id).await?.filter(|from| cx.now < *from) {
        return Ok(Sending::TooNew(from));
    }
    send_unverified(cx, phone, channel, binding, person).await
}

/// Sends a code to a number that may not have been proved to be the person's: what proves it.
pub async fn send_unverified(
    cx: &Cx,
    phone: &Phone,
    channel: Channel,
    binding: &str,
    person: &Person,
) -> Result<Sending, Fault> {
    if let Some(latest) = challenges::latest_phone_challenge(&cx.app.db, binding).await?
        && latest.phone == phone.id
        && cx.now < resend_at(cx, latest.sent_at)
    {
        return Ok(Sending::TooSoon(resend_at(cx, latest.sent_at)));
    }
    // Taken back in the meantime, by a press of another button.
    let Some(number) = find_number(cx, phone.id).await? else { return Ok(Sending::NoSuchPhone) };
    if let Err(refusal) = phones::policy(cx)?.judge(&number, channel == Channel::Text, Reach::International) {
        return Ok(Sending::Refused(refusal));
    }
    let call = channel == Channel::Voice;
    if let Some(risk) = risk::weigh(cx, person, &number, call).await? {
        return Ok(Sending::Risky(risk));
    }
    let hash = phones::number_hash(cx, &number);
    let wish = Wish { number: &hash, prefix: number.block(), person: person.id, call };
    match caps::admit(cx, &wish).await? {
        Admission::Admitted => deliver(cx, (phone, &number), channel, binding, person).await,
        Admission::TooSoon(at) => Ok(Sending::TooSoon(at)),
        Admission::Capped => Ok(Sending::Capped),
    }
}

/// When another code may be asked for.
pub fn resend_at(cx: &Cx, sent_at: Timestamp) -> Timestamp {
    let pause = std::time::Duration::from_secs(1) * cx.app.settings.phone.caps.pause_seconds;
    phone_otp::resend_at(sent_at, pause)
}

/// The number of a phone.
pub async fn find_number(cx: &Cx, phone: PhoneId) -> Result<Option<PhoneNumber>, Fault> {
    let Some(sealed) = credentials::find_sealed_number(&cx.app.db, phone).await? else { return Ok(None) };
    let number = cx.app.secrets.sealing.open(SEAL, &phone.to_string(), &sealed)?;
    let number = std::str::from_utf8(number.expose()).ok().and_then(|text| text.parse::<PhoneNumber>().ok());
    number.map(Some).ok_or_else(|| Fault::Internal(format!("phone {phone} has no valid number")))
}

async fn deliver(
    cx: &Cx,
    (phone, number): (&Phone, &PhoneNumber),
    channel: Channel,
    binding: &str,
    person: &Person,
) -> Result<Sending, Fault> {
    let code = SecretString::new(random_digits(cx.entropy(), phone_otp::DIGITS));
    let challenge = NewPhoneChallenge {
        id: ChallengeId::random(cx.entropy()),
        credential: phone.credential,
        person: person.id,
        phone: phone.id,
        binding: binding.to_owned(),
        channel: channel.as_str().to_owned(),
        code_hash: Vec::new(),
        sent_at: cx.now,
        expires_at: cx.now + phone_otp::LIFE,
    };
    let challenge = NewPhoneChallenge {
        code_hash: phone_otp::code_hash(cx.app.secrets.codes.expose(), challenge.id, code.expose()).to_vec(),
        ..challenge
    };
    let message = outbox::Message::code(cx, (channel, challenge.id, phone.id), number, &code)?;
    let queued = outbox::seal(cx, &message)?;
    let transaction = cx.app.db.begin().await?;
    challenges::insert_phone_challenge(&transaction, &challenge).await?;
    stepgate_store::outbox::insert_message(&transaction, &queued).await?;
    let event = Event::new("phone_otp.sent").by(person.id).data(json!({ "channel": channel.as_str() }));
    audit::record(cx, &transaction, event).await?;
    deliveries::count_code(&transaction, number.block(), phones::day(cx.now), (1, 0, 0)).await?;
    transaction.commit().await?;

    // Delivered here and now, so that the page can say so when it fails; a node that dies in between leaves the
    // message to the others.
    Ok(match outbox::deliver_now(cx, queued.id, &message).await? {
        Handed::Over => {
            Sending::Sent(Sent { challenge: challenge.id, credential: phone.credential, phone: phone.id, channel })
        }
        Handed::Refused(_) => Sending::Failed,
        Handed::Stopped => Sending::Stopped,
    })
}

/// Checks a typed code: the try is counted on the credential and on the challenge before anything is compared, and the
/// challenge is used up by one conditional write.
///
/// The right code of this very challenge, typed once more, is no guess: its try is given back. That gives nobody more
/// guesses: each comparison has its own try first, a wrong one never comes back, and a right one tells nothing that
/// whoever typed it did not know. The used code opens nothing.
pub async fn check(
    cx: &Cx,
    person: &Person,
    sent: &Sent,
    parked: &mut Parked,
    typed: &str,
) -> Result<CodeOutcome, Fault> {
    let Some(code) = normalise_code(typed) else { return Ok(CodeOutcome::Malformed) };
    let db = &cx.app.db;
    let proof = parked.interaction.proof_for();
    let Some(reserved) = credentials::reserve_proof(db, sent.credential, proof, cx.now).await? else {
        return Ok(CodeOutcome::Locked);
    };
    let binding = parked.binding();
    let matches = |hash: Option<Vec<u8>>| {
        hash.is_some_and(|hash| phone_otp::code_matches(cx.app.secrets.codes.expose(), sent.challenge, &code, &hash))
    };
    let live = challenges::reserve_phone_try(db, sent.challenge, &binding, cx.now, phone_otp::MAX_TRIES).await?;
    let again = live.is_none() && matches(challenges::find_used_phone_code(db, sent.challenge, &binding).await?);
    let right = matches(live);
    let claimed = right && parked.claim(cx).await?;
    if again || right && !claimed {
        credentials::return_try(db, sent.credential, &reserved).await?;
        let second = right || parked.came_second(cx).await?;
        return Ok(if second { CodeOutcome::Overtaken } else { CodeOutcome::Replayed });
    }
    let once = claimed && challenges::take_phone_challenge(db, sent.challenge, cx.now).await?;
    let accepted = once && credentials::accept_proof(&db.write, sent.credential, proof, cx.now).await?;
    let kind = if accepted { "login.phone_otp.succeeded" } else { "login.phone_otp.failed" };
    let data = json!({ "credential": sent.credential, "channel": sent.channel.as_str() });
    audit::record(cx, &cx.app.db.write, Event::new(kind).by(person.id).data(data)).await?;
    if !accepted {
        if claimed {
            parked.disclaim(cx).await?;
        }
        return Ok(if right { CodeOutcome::Replayed } else { CodeOutcome::Wrong });
    }
    phones::code_used(cx, sent.challenge).await?;
    Ok(CodeOutcome::Accepted(FactorEvent {
        method: match sent.channel {
            Channel::Text => Method::PhoneText,
            Channel::Voice => Method::PhoneVoice,
        },
        at: cx.now,
        credential: sent.credential,
        evidence: Evidence::default(),
        proofed: person.is_proofed(cx.now),
    }))
}
