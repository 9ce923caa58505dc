//! The messages themselves, as `docs/mobile-id-protocol.md` writes them.

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use crate::credentials::web_push::Subscription;
use crate::id::{ChallengeId, DeviceId};
use crate::jose::{Jwk, JwkSet};
use crate::secret::sha256;

/// Which call a message is made for, so that it is worth nothing at another.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Act {
    /// A new phone introduces itself.
    Enrol,
    /// It registers what verifies its user.
    Verifier,
    /// It asks whether there is anything to answer.
    Poll,
    /// It answers.
    Answer,
    /// It says where it can be woken up.
    Push,
    /// It announces new keys.
    Rotate,
    /// It gives itself up.
    Leave,
}

/// What all messages have.
#[derive(Clone, Copy)]
pub struct Common<'a> {
    /// The issuer.
    pub aud: &'a str,
    /// The call.
    pub act: Act,
    /// Seconds since the Unix epoch.
    pub iat: i64,
}

/// A message of an enrolled phone.
pub trait Message {
    /// The call that takes it.
    const ACT: Act;

    /// What all have, and the sequence number.
    fn common(&self) -> (Common<'_>, u64);
}

macro_rules! messages {
    ($($(#[$doc:meta])+ $name:ident for $act:ident { $($(#[$field_doc:meta])* $field:ident: $type:ty,)* })+) => {$(
        $(#[$doc])+
        #[derive(Clone, Serialize, Deserialize)]
        #[serde(deny_unknown_fields)]
        pub struct $name {
            /// The issuer.
            pub aud: String,
            /// Always the same for this message.
            pub act: Act,
            /// Seconds since the Unix epoch.
            pub iat: i64,
            /// Above every number that the phone sent before: what makes a message good once.
            pub seq: u64,
            $($(#[$field_doc])* pub $field: $type,)*
        }

        impl Message for $name {
            const ACT: Act = Act::$act;

            fn common(&self) -> (Common<'_>, u64) {
                (Common { aud: &self.aud, act: self.act, iat: self.iat }, self.seq)
            }
        }
    )+};
}

messages! {
    /// A phone asks whether there is anything to answer.
    PollMessage for Poll {
        /// The newest key of the server that the phone knows, by its `kid`: what is asked is signed with that one.
        knows: String,
    }

    /// A phone gives itself up.
    LeaveMessage for Leave {}

    /// A phone answers.
    AnswerMessage for Answer {
        /// The request.
        challenge: ChallengeId,
        /// The request's nonce.
        nonce: String,
        /// What the person decided.
        decision: Choice,
        /// What the person typed.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        number: Option<String>,
        /// What the phone's authenticator signed over [`approval_challenge`] after it verified the user.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        assertion: Option<Value>,
    }

    /// A new phone registers what verifies its user.
    VerifierMessage for Verifier {
        /// The challenge that the answer to the enrolment named.
        challenge: ChallengeId,
        /// The public key credential, as `navigator.credentials.create` made it.
        credential: Value,
    }

    /// A phone says where it can be woken up.
    PushMessage for Push {
        /// There; nowhere when absent.
        #[serde(default)]
        subscription: Option<Subscription>,
    }

    /// A phone announces new keys. Signed by the old one.
    RotateMessage for Rotate {
        /// A [`RotationProof`], signed by the new one, which is in its header.
        proof: String,
    }
}

/// A new phone introduces itself. Signed with the key in the message's header.
#[derive(Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct EnrolMessage {
    /// The issuer.
    pub aud: String,
    /// `enrol`.
    pub act: Act,
    /// Seconds since the Unix epoch.
    pub iat: i64,
    /// The code out of the QR picture.
    pub code: String,
    /// What the phone calls itself.
    pub label: String,
    /// A fresh P-256 key, for the key of offline codes.
    pub ecdh: Jwk,
}

/// Shows possession of new keys.
#[derive(Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RotationProof {
    /// The issuer.
    pub aud: String,
    /// `rotate`.
    pub act: Act,
    /// Seconds since the Unix epoch.
    pub iat: i64,
    /// The phone.
    pub device: DeviceId,
    /// A fresh P-256 key, for the new key of offline codes.
    pub ecdh: Jwk,
}

/// What a person decided.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Choice {
    /// Let them in.
    Approve,
    /// Do not.
    Deny,
    /// Do not, and it was not me who asked.
    NotMe,
}

/// A request as the phone is shown it, signed by the server. Without the number.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct RequestMessage {
    /// The issuer.
    pub iss: String,
    /// The phone.
    pub aud: DeviceId,
    /// The request.
    pub challenge: ChallengeId,
    /// To be repeated by the answer.
    pub nonce: String,
    /// Who asks.
    pub application: String,
    /// What for.
    pub purpose: String,
    /// From where.
    pub place: String,
    /// Seconds since the Unix epoch.
    pub iat: i64,
    /// Seconds since the Unix epoch.
    pub exp: i64,
}

/// The keys that sign requests from now on, signed by one that the phone knows.
#[derive(Clone, Serialize, Deserialize)]
pub struct KeysMessage {
    /// The issuer.
    pub iss: String,
    /// The phone.
    pub aud: DeviceId,
    /// Seconds since the Unix epoch.
    pub iat: i64,
    /// The keys.
    pub keys: JwkSet,
}

/// What a phone's authenticator signs for an approval: SHA-256 of the canonical JSON (RFC 8785) of all that the approval
/// says. So an approval is good for one request, one number, one phone and one message.
pub fn approval_challenge(issuer: &str, device: DeviceId, message: &AnswerMessage) -> [u8; 32] {
    // The members in their order, ASCII only, and a whole number: this is its own canonical form.
    let approval = json!({
        "challenge": message.challenge,
        "decision": message.decision,
        "device": device,
        "iss": issuer,
        "nonce": message.nonce,
        "number": message.number,
        "seq": message.seq,
        "typ": "stepgate-mobile-approval",
    });
    sha256(approval.to_string().as_bytes())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_approval_is_hashed_in_its_canonical_form() {
        let device = DeviceId::from_uuid(uuid::Uuid::from_u128(1));
        let message = AnswerMessage {
            aud: "https://id.example".to_owned(),
            act: Act::Answer,
            iat: 1_790_000_000,
            seq: 42,
            challenge: ChallengeId::from_uuid(uuid::Uuid::from_u128(2)),
            nonce: "n0".to_owned(),
            decision: Choice::Approve,
            number: Some("123456".to_owned()),
            assertion: None,
        };
        let canonical = r#"{"challenge":"00000000-0000-0000-0000-000000000002","decision":"approve","device":"00000000-0000-0000-0000-000000000001","iss":"https://id.example","nonce":"n0","number":"123456","seq":42,"typ":"stepgate-mobile-approval"}"#;
        assert_eq!(approval_challenge("https://id.example", device, &message), sha256(canonical.as_bytes()));
    }
}
