//! The life of a phone after its enrolment: new keys, another name, loss, copies.

use serde_json::json;
use stepgate_core::credentials::mobile_id::{self as protocol, RotateMessage, RotationProof};
use stepgate_core::credentials::{MobileDevice, NextKeys};
use stepgate_core::id::{CredentialId, PersonId};
use stepgate_core::jose::{self, Jwk, SigningAlgorithm, VerifyRules};
use stepgate_core::secret::SecretBytes;
use stepgate_store::{Connection, mobile};

use super::SEAL;
use crate::audit::{self, Event};
use crate::cx::Cx;
use crate::fault::Fault;
use crate::notices::{self, Notice};

/// Keeps the keys that a phone announces: signed by the old one (the message) and by the new one (the proof in it). They
/// take over with the first message that the new one signs. The server's key of the agreement; `None` when the proof is
/// none.
pub(super) async fn rotate(cx: &Cx, device: &MobileDevice, message: &RotateMessage) -> Result<Option<Jwk>, Fault> {
    let rules = VerifyRules::typ(&[SigningAlgorithm::Es256], &[protocol::ROTATION_TYP]);
    let Ok((proof, key)) = jose::verify_with_embedded_jwk::<RotationProof>(&message.proof, &rules) else {
        return Ok(None);
    };
    let common = protocol::Common { aud: &proof.aud, act: proof.act, iat: proof.iat };
    let sound = protocol::check(common, protocol::Act::Rotate, cx.app.issuer(), cx.now).is_ok();
    if !sound || proof.device != device.id {
        return Ok(None);
    }
    let Ok((ours, offline)) = protocol::agree(&proof.ecdh, &key.thumbprint().unwrap_or_default()) else {
        return Ok(None);
    };
    let sealed = cx.app.secrets.sealing.seal(cx.entropy(), SEAL, &device.id.to_string(), offline.expose())?;
    let public_jwk = serde_json::to_string(&key).map_err(Fault::internal)?;
    let next = NextKeys { public_jwk, sealed_totp: SecretBytes::new(sealed) };
    let transaction = cx.app.db.begin().await?;
    if !mobile::set_next_keys(&transaction, device.id, &next).await? {
        return Ok(None);
    }
    let event = Event::new("mobile_id.phone.new_keys").by(device.person).data(json!({ "device": device.id }));
    audit::record(cx, &transaction, event).await?;
    transaction.commit().await?;
    Ok(Some(ours))
}

/// Who gives a phone up.
#[derive(Clone, Copy)]
pub enum Revoker<'a> {
    /// The person, in a browser.
    Person,
    /// The phone itself.
    Device,
    /// Somebody of the help desk.
    HelpDesk {
        /// Who.
        agent: PersonId,
        /// Why.
        reason: &'a str,
    },
}

/// Gives a phone up for good; `false` when that was done before.
pub async fn revoke(cx: &Cx, device: &MobileDevice, revoker: Revoker<'_>) -> Result<bool, Fault> {
    let transaction = cx.app.db.begin().await?;
    if !revoke_in(cx, &transaction, device, revoker).await? {
        return Ok(false);
    }
    // Without a phone the credential waits for one.
    mobile::unbind_without_devices(&transaction, device.credential).await?;
    transaction.commit().await?;
    Ok(true)
}

/// The same in the transaction of the act that it is part of; the credential stays what it is.
pub(super) async fn revoke_in(
    cx: &Cx,
    transaction: &impl Connection,
    device: &MobileDevice,
    revoker: Revoker<'_>,
) -> Result<bool, Fault> {
    if !mobile::revoke_device(transaction, device.id, cx.now).await? {
        return Ok(false);
    }
    mobile::withdraw_approvals(transaction, device.id).await?;
    let event = Event::new("mobile_id.phone.revoked");
    let event = match revoker {
        Revoker::Device => event.by(device.person).data(json!({ "device": device.id, "by": "device" })),
        Revoker::Person => event.by(device.person).data(json!({ "device": device.id, "by": "person" })),
        Revoker::HelpDesk { agent, reason } => Event { actor: Some(agent), ..event }
            .to(device.person)
            .data(json!({ "device": device.id, "by": "help_desk", "reason": reason })),
    };
    audit::record(cx, transaction, event).await?;
    if device.active {
        let who = match revoker {
            Revoker::HelpDesk { .. } => "The help desk has removed it. If you did not ask for that",
            Revoker::Device | Revoker::Person => "If that was not you",
        };
        let text =
            format!("{} is not used for Mobile ID any more. {who}, log in and look at Manage OTP now.", device.label);
        notices::tell(cx, transaction, device.person, &Notice::new("A phone was removed", text)).await?;
    }
    Ok(true)
}

/// There are two of a phone: neither counts any more, and the person is told. Other phones go on.
pub(super) async fn suspend(cx: &Cx, device: &MobileDevice, why: &'static str) -> Result<(), Fault> {
    let transaction = cx.app.db.begin().await?;
    if !mobile::suspend_device(&transaction, device.id, cx.now).await? {
        return Ok(());
    }
    mobile::withdraw_approvals(&transaction, device.id).await?;
    let event = Event::new("mobile_id.phone.suspended").to(device.person);
    audit::record(cx, &transaction, event.data(json!({ "device": device.id, "reason": why }))).await?;
    let text = format!(
        "{} seems to have been copied: {why}. It is suspended and approves nothing. Remove it under Manage OTP and set \
         it up again.",
        device.label
    );
    notices::tell(cx, &transaction, device.person, &Notice::new("A phone was suspended", text)).await?;
    transaction.commit().await?;
    Ok(())
}

/// Has the phones of a person asked again, after they said that a request was not theirs.
pub async fn ask_again(cx: &Cx, person: PersonId, credential: CredentialId) -> Result<(), Fault> {
    let transaction = cx.app.db.begin().await?;
    if mobile::delete_hold(&transaction, credential).await? {
        audit::record(cx, &transaction, Event::new("mobile_id.requests.resumed").by(person)).await?;
        let notice = Notice::new(
            "Your phones are asked again",
            "Logins can ask your phones again. If you did not switch that on, log in and look at Manage OTP now.",
        );
        notices::tell(cx, &transaction, person, &notice).await?;
    }
    transaction.commit().await?;
    Ok(())
}
