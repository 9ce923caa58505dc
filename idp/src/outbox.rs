//! The outbox: what must reach a person, or a partner, even if this node dies.
//!
//! Owns: sealing; of codes, delivery at once, and the worker that delivers what was left behind. Messages are inserted in the
//! transaction of the act they belong to and delivered at least once. Never: the log; codes and numbers stay sealed.

use std::sync::Arc;
use std::time::Duration;

use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use stepgate_core::contact::PhoneNumber;
use stepgate_core::credentials::phone_otp;
use stepgate_core::id::{ChallengeId, MessageId, PhoneId};
use stepgate_core::secret::SecretString;
use stepgate_store::outbox::{self, Leased, NewMessage};

use crate::app::App;
use crate::cx::Cx;
use crate::fault::Fault;
use crate::login::phone::Channel;
use crate::phones::deliver::{Handed, hand_over};
use crate::telemetry::{Delivery, Outcome};

const SEAL: &str = "outbox";
/// The kind of messages that bring a code.
const CODE: &str = "code";
/// A message is this node's for so long; then any node may deliver it.
pub const OWN_TIME: Duration = Duration::from_secs(15);
/// The same for a code: longer than two providers that stay silent one after the other, or a second node would ask them
/// again meanwhile and the person got the code twice.
const CODE_OWN_TIME: Duration = Duration::from_secs(30);
/// A code that is older is worthless and is not sent any more.
const CODE_LIFETIME: Duration = phone_otp::LIFE;
/// Why a message was given up.
const STOPPED: &str = "sending is stopped";

/// A message to a person. No `Debug`: it holds a number and a code.
#[derive(Clone, Serialize, Deserialize)]
#[serde(tag = "channel", rename_all = "snake_case")]
pub enum Message {
    /// A text message.
    Text {
        /// E.164.
        to: String,
        /// The whole text.
        text: String,
        /// The code in it.
        code: String,
        /// The challenge that it answers.
        challenge: ChallengeId,
        /// Whose number it is.
        phone: PhoneId,
    },
    /// A call that says the text.
    Voice {
        /// E.164.
        to: String,
        /// The code to say.
        code: String,
        /// The challenge that it answers.
        challenge: ChallengeId,
        /// Whose number it is.
        phone: PhoneId,
    },
}

impl Message {
    /// The message that brings a code.
    pub fn code(
        cx: &Cx,
        (channel, challenge, phone): (Channel, ChallengeId, PhoneId),
        to: &PhoneNumber,
        code: &SecretString,
    ) -> Result<Self, Fault> {
        let to = to.as_e164().to_owned();
        let host = url::Url::parse(cx.app.issuer()).map_err(Fault::internal)?;
        Ok(match channel {
            Channel::Text => Self::Text {
                to,
                text: phone_otp::text_message(
                    &cx.app.settings.server.name,
                    host.host_str().unwrap_or(""),
                    code.expose(),
                )
                .expose()
                .clone(),
                code: code.expose().clone(),
                challenge,
                phone,
            },
            Channel::Voice => Self::Voice { to, code: code.expose().clone(), challenge, phone },
        })
    }

    /// Where it goes, E.164.
    pub fn to(&self) -> &str {
        match self {
            Self::Text { to, .. } | Self::Voice { to, .. } => to,
        }
    }

    /// The challenge that its code answers.
    pub const fn challenge(&self) -> ChallengeId {
        match self {
            Self::Text { challenge, .. } | Self::Voice { challenge, .. } => *challenge,
        }
    }

    /// Whose number it goes to.
    pub const fn phone(&self) -> PhoneId {
        match self {
            Self::Text { phone, .. } | Self::Voice { phone, .. } => *phone,
        }
    }
}

/// Seals a message for the outbox.
pub fn seal(cx: &Cx, message: &Message) -> Result<NewMessage, Fault> {
    Ok(NewMessage { due_at: cx.now + CODE_OWN_TIME, ..sealed(cx, CODE, message, None)? })
}

/// Seals what is to be delivered, of whatever kind. Of two with the same key only the first is kept.
pub fn sealed(cx: &Cx, kind: &str, message: &impl Serialize, dedupe_key: Option<String>) -> Result<NewMessage, Fault> {
    let id = MessageId::random(cx.entropy());
    let payload = serde_json::to_vec(message).map_err(Fault::internal)?;
    Ok(NewMessage {
        id,
        kind: kind.to_owned(),
        sealed_payload: cx.app.secrets.sealing.seal(cx.entropy(), SEAL, &id.to_string(), &payload)?,
        created_at: cx.now,
        due_at: cx.now + OWN_TIME,
        dedupe_key,
    })
}

/// Opens a message to a person that was kept.
pub fn open(app: &App, kept: &Leased) -> Result<Message, Fault> {
    open_as(app, kept)
}

/// Opens what was kept.
pub fn open_as<T: DeserializeOwned>(app: &App, kept: &Leased) -> Result<T, Fault> {
    let payload = app.secrets.sealing.open(SEAL, &kept.id.to_string(), &kept.sealed_payload)?;
    serde_json::from_slice(payload.expose()).map_err(Fault::internal)
}

/// Delivers a message that was just committed. When no provider took it, the person is told at once.
pub async fn deliver_now(cx: &Cx, id: MessageId, message: &Message) -> Result<Handed, Fault> {
    let handed = hand_over(cx, id, message).await?;
    count(cx, message, handed == Handed::Over);
    match handed {
        Handed::Over => outbox::finish_message(&cx.app.db, id, cx.now).await?,
        // The person sees it at once and asks again: a late second copy would only confuse.
        Handed::Refused(error) => outbox::abandon_message(&cx.app.db, id, cx.now, &error.to_string()).await?,
        Handed::Stopped => outbox::abandon_message(&cx.app.db, id, cx.now, STOPPED).await?,
    }
    Ok(handed)
}

fn count(cx: &Cx, message: &Message, delivered: bool) {
    let channel = match message {
        Message::Text { .. } => Delivery::Text,
        Message::Voice { .. } => Delivery::Voice,
    };
    cx.app.telemetry.delivery(channel, if delivered { Outcome::Succeeded } else { Outcome::Failed });
}

/// Delivers what other nodes left behind. Called every few seconds by the background task.
pub async fn deliver_left_behind(app: &Arc<App>) -> Result<(), Fault> {
    let cx = Cx::background(app);
    for leased in outbox::lease_messages(&app.db, CODE, 20, cx.now, cx.now + CODE_OWN_TIME).await? {
        if cx.now.since(leased.created_at) > CODE_LIFETIME {
            outbox::abandon_message(&app.db, leased.id, cx.now, "too old to be of use").await?;
            continue;
        }
        let message = open(app, &leased)?;
        let handed = hand_over(&cx, leased.id, &message).await?;
        count(&cx, &message, handed == Handed::Over);
        match handed {
            Handed::Over => outbox::finish_message(&app.db, leased.id, cx.now).await?,
            Handed::Refused(error) => {
                outbox::fail_message(&app.db, leased.id, cx.now + CODE_OWN_TIME, &error.to_string()).await?;
            }
            Handed::Stopped => outbox::abandon_message(&app.db, leased.id, cx.now, STOPPED).await?,
        }
    }
    Ok(())
}
