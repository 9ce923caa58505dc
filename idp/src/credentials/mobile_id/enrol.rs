//! Enrolment: a code for the phone, digits for the browser.

use data_encoding::BASE32_NOPAD;
use qrcode::QrCode;
use qrcode::render::svg;
use serde_json::{Value, json};
use stepgate_core::account::Person;
use stepgate_core::assurance::{CredentialState, FactorEvent, Method};
use stepgate_core::credentials::MobileDevice;
use stepgate_core::credentials::hardware_token::normalise_code;
use stepgate_core::credentials::mobile_id::{self as protocol, EnrolMessage};
use stepgate_core::entropy::random_digits;
use stepgate_core::id::{ChallengeId, CredentialId, DeviceId, SessionId};
use stepgate_core::jose::Jwk;
use stepgate_core::secret::{SecretBytes, constant_time_eq, sha256};
use stepgate_store::mobile::{self, Enrolment};
use stepgate_store::{credentials, people};

use super::devices::{self, Revoker};
use super::{SEAL, verifier};
use crate::audit::{self, Event};
use crate::cx::Cx;
use crate::fault::Fault;
use crate::notices::{self, Notice};
use crate::subscriptions;

/// An enrolment that has begun: what the browser shows.
pub struct Started {
    /// The code, in groups of four, to be typed where nothing can be scanned.
    pub code: String,
    /// The QR picture.
    pub svg: String,
}

/// Begins an enrolment: 128 random bits, good once, for ten minutes.
pub async fn start(
    cx: &Cx,
    person: &Person,
    credential: CredentialId,
    session: SessionId,
    replaces: Option<DeviceId>,
) -> Result<Started, Fault> {
    let mut bytes = [0; 16];
    cx.entropy().fill(&mut bytes);
    let code = BASE32_NOPAD.encode(&bytes);
    let enrolment = Enrolment {
        code_hash: sha256(code.as_bytes()).to_vec(),
        credential,
        person: person.id,
        session,
        device: None,
        replaces,
        expires_at: cx.now + protocol::ENROLMENT_LIFE,
        confirmed_at: None,
    };
    let transaction = cx.app.db.begin().await?;
    mobile::insert_enrolment(&transaction, &enrolment).await?;
    audit::record(cx, &transaction, Event::new("mobile_id.enrolment.started").by(person.id)).await?;
    transaction.commit().await?;
    let groups: Vec<String> =
        code.as_bytes().chunks(4).map(|group| String::from_utf8_lossy(group).into_owned()).collect();
    let code = groups.join(" ");
    Ok(Started { svg: picture(cx, &code)?, code })
}

/// The QR picture of a code: a link in which the code stands behind `#`, where no server ever sees it.
pub fn picture(cx: &Cx, code: &str) -> Result<String, Fault> {
    let typed: String = code.chars().filter(char::is_ascii_alphanumeric).take(32).collect();
    let picture = QrCode::new(cx.app.url(&format!("/mobile#c={typed}")).as_bytes()).map_err(Fault::internal)?;
    Ok(picture.render::<svg::Color<'_>>().min_dimensions(200, 200).quiet_zone(true).build())
}

/// The enrolment under way in a browser session.
pub async fn under_way(cx: &Cx, session: SessionId) -> Result<Option<Enrolment>, Fault> {
    Ok(mobile::find_enrolment_of_session(&cx.app.db, session, cx.now).await?)
}

/// What a phone gets for a good code.
pub(super) struct Enrolled {
    pub(super) device: DeviceId,
    pub(super) digits: String,
    pub(super) ecdh: Jwk,
    /// What the phone may register its screen lock with.
    pub(super) verifier: Option<(ChallengeId, Value)>,
}

/// A phone uses an enrolment code up. `None`: the code is unknown, used, or too old.
pub(super) async fn enrol(cx: &Cx, message: &EnrolMessage, key: &Jwk) -> Result<Option<Enrolled>, Fault> {
    let thumbprint = key.thumbprint().unwrap_or_default();
    let Ok((ecdh, offline)) = protocol::agree(&message.ecdh, &thumbprint) else { return Ok(None) };
    let typed: String = message.code.chars().filter(|c| !c.is_whitespace() && *c != '-').collect();
    let code_hash = sha256(typed.to_uppercase().as_bytes());
    let id = DeviceId::random(cx.entropy());
    let digits = random_digits(cx.entropy(), protocol::NUMBER_DIGITS);
    let transaction = cx.app.db.begin().await?;
    let Some(enrolment) = mobile::take_enrolment(&transaction, &code_hash, cx.now).await? else { return Ok(None) };
    let sealed = cx.app.secrets.sealing.seal(cx.entropy(), SEAL, &id.to_string(), offline.expose())?;
    let device = MobileDevice {
        id,
        credential: enrolment.credential,
        person: enrolment.person,
        label: label(&message.label),
        public_jwk: serde_json::to_string(key).map_err(Fault::internal)?,
        sealed_totp: SecretBytes::new(sealed),
        last_step: 0,
        sequence: 0,
        active: false,
        verifier: None,
        next: None,
        previous_jwk: None,
        sealed_push: None,
        created_at: cx.now,
        keyed_at: cx.now,
        message_at: None,
        seen_at: None,
        suspended_at: None,
    };
    mobile::insert_device(&transaction, &device).await?;
    mobile::set_enrolled_device(&transaction, &code_hash, id, &sha256(digits.as_bytes())).await?;
    let event = Event::new("mobile_id.phone.introduced").to(enrolment.person);
    audit::record(cx, &transaction, event.data(json!({ "device": id }))).await?;
    transaction.commit().await?;
    let person = people::find_person(&cx.app.db, enrolment.person).await?;
    let verifier = match person {
        Some(person) => verifier::begin(cx, &person, id).await?,
        None => None,
    };
    Ok(Some(Enrolled { device: id, digits, ecdh, verifier }))
}

/// A phone's own name for itself: cut, and without control characters.
fn label(text: &str) -> String {
    let clean: String = text.chars().filter(|c| !c.is_control()).take(40).collect();
    if clean.trim().is_empty() { "Phone".to_owned() } else { clean.trim().to_owned() }
}

/// What became of the digits that the browser typed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Confirmation {
    /// The phone is active, and its key has signed here.
    Confirmed(FactorEvent),
    /// No phone has used the code yet.
    NoPhoneYet,
    /// Not the digits that the phone shows.
    Wrong,
    /// Too many wrong digits, or too late: begin anew.
    Over,
}

/// The enrolling browser types the digits that the phone shows: somebody who stole the QR picture cannot.
pub async fn confirm(cx: &Cx, person: &Person, session: SessionId, typed: &str) -> Result<Confirmation, Fault> {
    let Some(enrolment) = under_way(cx, session).await? else { return Ok(Confirmation::Over) };
    let Some(device) = enrolment.device else { return Ok(Confirmation::NoPhoneYet) };
    let Some(digits) = normalise_code(typed) else { return Ok(Confirmation::Wrong) };
    let tries = protocol::CONFIRM_TRIES;
    let expected = mobile::reserve_confirm_try(&cx.app.db, &enrolment.code_hash, cx.now, tries).await?;
    let Some(expected) = expected else { return Ok(Confirmation::Over) };
    if enrolment.person != person.id || !constant_time_eq(&expected, &sha256(digits.as_bytes())) {
        return Ok(Confirmation::Wrong);
    }
    let Some(device) = mobile::find_device(&cx.app.db, device).await? else { return Ok(Confirmation::Over) };
    let replaced = match enrolment.replaces {
        Some(old) => mobile::find_device(&cx.app.db, old).await?.filter(|old| old.person == person.id),
        None => None,
    };
    let bound = credentials::find_credential(&cx.app.db, enrolment.credential).await?;
    let transaction = cx.app.db.begin().await?;
    let once = mobile::confirm_enrolment(&transaction, &enrolment.code_hash, cx.now).await?
        && mobile::activate_device(&transaction, device.id).await?;
    if !once {
        return Ok(Confirmation::Over);
    }
    let (pending, active) = (CredentialState::Pending.as_str(), CredentialState::Active.as_str());
    credentials::update_stage(&transaction, enrolment.credential, pending, active, cx.now).await?;
    if let Some(bound) = &bound {
        subscriptions::begin_term(cx, &transaction, bound).await?;
    }
    let event = Event::new("mobile_id.phone.activated").by(person.id).data(json!({ "device": device.id }));
    audit::record(cx, &transaction, event).await?;
    if let Some(old) = &replaced {
        devices::revoke_in(cx, &transaction, old, Revoker::Person).await?;
    }
    let text =
        format!("{} can approve logins from now on. If that was not you, remove it under Manage OTP.", device.label);
    let notice = Notice::new("A phone was added", text).about(enrolment.credential);
    notices::tell(cx, &transaction, person.id, &notice).await?;
    transaction.commit().await?;
    // Its key has signed; whether it asked who holds it is not known at this time.
    Ok(Confirmation::Confirmed(super::event(cx, person, enrolment.credential, Method::MobileIdUnverified)))
}
