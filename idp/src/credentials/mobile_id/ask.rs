//! Asking a person's phones: one request at a time, few in vain, none where the person wants none (otp-and-security T3).

use serde_json::json;
use stepgate_core::account::Person;
use stepgate_core::authorize::interaction::{Purpose, Want};
use stepgate_core::credentials::MobileDevice;
use stepgate_core::credentials::mobile_id as protocol;
use stepgate_core::entropy::random_token;
use stepgate_core::id::{ChallengeId, CredentialId, SessionId};
use stepgate_core::secret::sha256;
use stepgate_store::StoreError;
use stepgate_store::mobile::{self, Caps, ChallengeState, MobileChallenge};

use super::{number, push};
use crate::audit::{self, Event};
use crate::cx::Cx;
use crate::fault::Fault;

/// Who asks a phone, and for which parked request.
pub struct Asking {
    /// The application's name, shown on the phone.
    pub application: String,
    /// What for, shown on the phone.
    pub purpose: &'static str,
    /// The parked request.
    pub binding: String,
    /// The browser session: it ends when the person says that it is not theirs.
    pub session: SessionId,
}

/// What a phone says about what a request is for.
pub const fn purpose(purpose: &Purpose) -> &'static str {
    match purpose {
        Purpose::Elevate { want: Want::Test(_), .. } => "To try it out: nobody is let in",
        Purpose::Elevate { .. } => "To raise the strength of a session",
        Purpose::Device { .. } => "To let another device in",
        _ => "To log in",
    }
}

/// What became of the wish to ask a phone.
pub enum Asked {
    /// The phone is being asked.
    Pending(ChallengeId),
    /// It is being asked about something else.
    Busy,
    /// It is not asked: too often in vain, or not wanted. An offline code does it. The id names no request.
    CodeOnly(ChallengeId),
    /// There is no phone.
    NoPhone,
}

/// Asks a person's phones.
pub async fn ask(cx: &Cx, person: &Person, credential: CredentialId, asking: Asking) -> Result<Asked, Fault> {
    let devices = mobile::list_devices(&cx.app.db, credential).await?;
    if !devices.iter().any(MobileDevice::usable) {
        return Ok(Asked::NoPhone);
    }
    let id = ChallengeId::random(cx.entropy());
    if mobile::find_hold(&cx.app.db, credential).await?.is_some() {
        return Ok(Asked::CodeOnly(id));
    }
    let place = cx.ip.map_or_else(|| "an unknown address".to_owned(), |ip| ip.to_string());
    let challenge = MobileChallenge {
        id,
        credential,
        person: person.id,
        binding: asking.binding,
        number_hash: sha256(number(cx, id).as_bytes()).to_vec(),
        nonce: random_token(cx.entropy()),
        session: Some(asking.session),
        context: json!({ "application": asking.application, "purpose": asking.purpose, "place": place }),
        created_at: cx.now,
        expires_at: cx.now + protocol::REQUEST_LIFE,
        state: ChallengeState::Pending,
        verified: false,
        answered_at: None,
    };
    let caps = Caps {
        unanswered: protocol::MOST_UNANSWERED,
        window: cx.now - protocol::BOMBING_WINDOW,
        since_approval: protocol::MOST_A_DAY,
        day: cx.now - protocol::DAY,
    };
    let transaction = cx.app.db.begin().await?;
    match mobile::insert_challenge(&transaction, &challenge, caps).await {
        Ok(true) => {}
        Ok(false) => {
            // What was pending is over all the same: the browser has left it.
            audit::record(cx, &transaction, Event::new("mobile_id.capped").by(person.id)).await?;
            transaction.commit().await?;
            return Ok(Asked::CodeOnly(id));
        }
        Err(StoreError::Conflict { .. }) => return Ok(Asked::Busy),
        Err(error) => return Err(error.into()),
    }
    push::wake(cx, &transaction, &devices, id).await?;
    audit::record(cx, &transaction, Event::new("mobile_id.asked").by(person.id)).await?;
    transaction.commit().await?;
    Ok(Asked::Pending(id))
}

/// Why only a code counts at a waiting page; `None` where the phone was asked.
pub async fn why_code_only(
    cx: &Cx,
    challenge: ChallengeId,
    credential: CredentialId,
) -> Result<Option<&'static str>, Fault> {
    if mobile::find_challenge(&cx.app.db, challenge).await?.is_some() {
        return Ok(None);
    }
    Ok(Some(match mobile::find_hold(&cx.app.db, credential).await? {
        Some(_) => "phone-held",
        None => "phone-tired",
    }))
}
