//! What happened in a session, and what a person holds.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use crate::id::CredentialId;
use crate::time::Timestamp;

/// The text names no known value.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("unknown {what}")]
pub struct UnknownName {
    what: &'static str,
}

macro_rules! named {
    ($(#[$doc:meta])+ $what:literal $name:ident { $($(#[$variant_doc:meta])+ $variant:ident = $text:literal,)+ }) => {
        $(#[$doc])+
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        pub enum $name {
            $($(#[$variant_doc])+ #[serde(rename = $text)] $variant,)+
        }

        impl $name {
            /// Every value, in the order of declaration.
            pub const ALL: &'static [Self] = &[$(Self::$variant),+];

            /// The name as the store, the configuration and the pages write it.
            pub const fn as_str(self) -> &'static str {
                match self { $(Self::$variant => $text),+ }
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(self.as_str())
            }
        }

        impl FromStr for $name {
            type Err = UnknownName;

            fn from_str(text: &str) -> Result<Self, UnknownName> {
                match text {
                    $($text => Ok(Self::$variant),)+
                    _ => Err(UnknownName { what: $what }),
                }
            }
        }
    };
}

named! {
    /// The kinds of credential a person can hold.
    "kind of credential" CredentialKind {
        /// Something known.
        Password = "password",
        /// Codes to a telephone number by text or voice; the telephone network is a restricted channel.
        PhoneOtp = "phone_otp",
        /// The Stepgate app on the person's phone.
        MobileId = "mobile_id",
        /// An OATH token from the token inventory.
        HardwareToken = "hardware_token",
        /// A FIDO2 authenticator or passkey.
        SecurityKey = "security_key",
        /// Printed one-time codes: they reach Manage OTP and nothing else.
        Recovery = "recovery",
    }
}

named! {
    /// How a factor was shown: finer than the kind, because the evidence differs.
    "method" Method {
        /// Password.
        Password = "password",
        /// Phone OTP by text message.
        PhoneText = "phone_text",
        /// Phone OTP by voice call.
        PhoneVoice = "phone_voice",
        /// Mobile ID approved with user verification on the device.
        MobileIdVerified = "mobile_id_verified",
        /// Mobile ID approved without user verification.
        MobileIdUnverified = "mobile_id_unverified",
        /// Mobile ID, offline code.
        MobileIdOffline = "mobile_id_offline",
        /// OATH hardware token.
        HardwareToken = "hardware_token",
        /// Security key with user presence only.
        SecurityKey = "security_key",
        /// Security key with user verification.
        SecurityKeyVerified = "security_key_verified",
        /// Recovery code.
        RecoveryCode = "recovery_code",
    }
}

impl Method {
    /// The kind of credential that this method uses.
    pub const fn credential_kind(self) -> CredentialKind {
        match self {
            Self::Password => CredentialKind::Password,
            Self::PhoneText | Self::PhoneVoice => CredentialKind::PhoneOtp,
            Self::MobileIdVerified | Self::MobileIdUnverified | Self::MobileIdOffline => CredentialKind::MobileId,
            Self::HardwareToken => CredentialKind::HardwareToken,
            Self::SecurityKey | Self::SecurityKeyVerified => CredentialKind::SecurityKey,
            Self::RecoveryCode => CredentialKind::Recovery,
        }
    }
}

named! {
    /// The state of a credential. `Locked` and `Expired` are judgements that the store derives from facts (failures
    /// counted, end of the subscription) when it reads the row.
    "state of a credential" CredentialState {
        /// Bought, not bound to a device yet.
        Pending = "pending",
        /// Usable.
        Active = "active",
        /// Switched off for a while, by the person or an administrator.
        Suspended = "suspended",
        /// Too many wrong tries.
        Locked = "locked",
        /// The subscription has ended.
        Expired = "expired",
        /// Given up for good.
        Revoked = "revoked",
    }
}

/// What is known about the authenticator beyond the method.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Evidence {
    /// The key is attested to live in one device's hardware and cannot leave it.
    pub device_bound: bool,
    /// The key is synchronised between devices (a synced passkey).
    pub synced: bool,
}

/// One successful authentication in a session.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct FactorEvent {
    /// How.
    pub method: Method,
    /// When.
    pub at: Timestamp,
    /// With what.
    pub credential: CredentialId,
    /// What is known about the authenticator.
    #[serde(default)]
    pub evidence: Evidence,
    /// Whether the person was identity-proofed at that time.
    pub proofed: bool,
}

/// One credential that a person holds, as far as a decision needs to know it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HeldCredential {
    /// Which.
    pub id: CredentialId,
    /// Of what kind.
    pub kind: CredentialKind,
    /// In what state, now.
    pub state: CredentialState,
    /// When it last authenticated the person: the choice offers the last used first.
    pub last_used: Option<Timestamp>,
}

/// What a person holds now.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Holdings {
    /// All credentials, in any state.
    pub credentials: Vec<HeldCredential>,
    /// Whether the person's identity proofing is valid now.
    pub proofed: bool,
}
