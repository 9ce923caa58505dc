//! Typed identifiers: a person can never be passed where a session is wanted.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::entropy::Entropy;

/// The text is not an identifier of the wanted type.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("not an identifier: expected a UUID in its hyphenated form")]
pub struct IdError;

macro_rules! typed_ids {
    ($($(#[$doc:meta])+ $name:ident;)+) => {$(
        $(#[$doc])+
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        #[serde(transparent)]
        pub struct $name(Uuid);

        impl $name {
            /// A new random identifier.
            pub fn random(entropy: &dyn Entropy) -> Self {
                let mut bytes = [0; 16];
                entropy.fill(&mut bytes);
                Self(uuid::Builder::from_random_bytes(bytes).into_uuid())
            }

            /// Wraps an identifier that comes from the store.
            pub const fn from_uuid(uuid: Uuid) -> Self {
                Self(uuid)
            }

            /// The identifier as the store keeps it.
            pub const fn uuid(self) -> Uuid {
                self.0
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                self.0.as_hyphenated().fmt(f)
            }
        }

        impl FromStr for $name {
            type Err = IdError;

            fn from_str(text: &str) -> Result<Self, IdError> {
                if text.len() != 36 {
                    return Err(IdError);
                }
                Uuid::try_parse(text).map(Self).map_err(|_| IdError)
            }
        }
    )+};
}

typed_ids! {
    /// A person with an account; also the `sub` that public clients of one deployment see.
    PersonId;
    /// An organization whose people log in.
    OrganizationId;
    /// A partner (service provider) that owns applications.
    PartnerId;
    /// A partner application.
    ApplicationId;
    /// An initial access token.
    RegistrationTokenId;
    /// Something a person authenticates with.
    CredentialId;
    /// One telephone number of a Phone OTP credential.
    PhoneId;
    /// One enrolled phone of a Mobile ID credential.
    DeviceId;
    /// One challenge sent to a person (a text code, a Mobile ID request).
    ChallengeId;
    /// One browser session; published as `sid`.
    SessionId;
    /// One parked authorization request and how far the person got with it.
    InteractionId;
    /// One pushed authorization request (RFC 9126).
    PushedRequestId;
    /// What one authorization gave a client: the root that its codes and tokens hang on.
    GrantId;
    /// One device's wish to be let in (RFC 8628).
    DeviceAuthorizationId;
    /// One message in the outbox.
    MessageId;
    /// One message at one provider.
    DeliveryId;
    /// One audit event.
    EventId;
    /// One request of a client, in the log that its integrator sees.
    RequestId;
    /// One supervised reset of a person's authenticators.
    ResetId;
    /// One person's wish to be identity-proofed.
    ProofingId;
    /// One run of the playground.
    RunId;
    /// One hardware token of the inventory.
    TokenId;
    /// One file of hardware tokens that came in.
    BatchId;
    /// One file of hardware tokens that goes out.
    ExportId;
    /// One order.
    OrderId;
    /// One visit to the page on which a card is given without buying.
    CardSetupId;
    /// One license key.
    LicenseKeyId;
    /// One matter about an order that finance looks at.
    AttentionId;
    /// One voucher.
    VoucherId;
    /// One paid year of a credential.
    TermId;
    /// One invitation with a sponsored credential.
    InvitationId;
}
