//! The pages of ours that a login can lead to.

use serde::{Deserialize, Serialize};

use crate::contact::Username;
use crate::id::{BatchId, CredentialId, ProofingId, TokenId};

/// The pages of ours that a login can lead to: a closed list, so that no request can name another place.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[expect(missing_docs, reason = "each variant is the page of the same name")]
pub enum PortalPage {
    Account,
    ManageOtp,
    OtpHelp,
    Bind,
    License,
    Keys,
    Proofing,
    Sessions,
    Applications,
    Acquire,
    Cart,
    Checkout,
    Orders,
    AccountApplications,
    Mobile,
    Developer,
    Admin,
    Help,
    Join,
}

impl PortalPage {
    /// Every page.
    pub const ALL: &'static [Self] = &[
        Self::Account,
        Self::ManageOtp,
        Self::OtpHelp,
        Self::Bind,
        Self::License,
        Self::Keys,
        Self::Proofing,
        Self::Sessions,
        Self::Applications,
        Self::Acquire,
        Self::Cart,
        Self::Checkout,
        Self::Orders,
        Self::AccountApplications,
        Self::Mobile,
        Self::Developer,
        Self::Admin,
        Self::Help,
        Self::Join,
    ];

    /// Its path.
    pub const fn path(self) -> &'static str {
        match self {
            Self::Account => "/account",
            Self::ManageOtp => "/account/otp",
            Self::OtpHelp => "/account/otp/help",
            Self::Bind => "/account/otp/bind",
            Self::License => "/account/otp/license",
            Self::Keys => "/account/otp/keys",
            Self::Proofing => "/account/proofing",
            Self::Sessions => "/account/sessions",
            Self::Applications => "/applications",
            Self::Acquire => "/account/otp/get",
            Self::Cart => "/cart",
            Self::Checkout => "/checkout",
            Self::Orders => "/orders",
            Self::AccountApplications => "/account/applications",
            Self::Mobile => "/mobile",
            Self::Developer => "/developer",
            Self::Admin => "/admin",
            Self::Help => "/help",
            Self::Join => "/join",
        }
    }

    /// Whether a session that rests on a recovery code reaches it: only what helps to bind a new device, and to look
    /// after the account meanwhile.
    pub const fn is_about_credentials(self) -> bool {
        matches!(
            self,
            Self::Account
                | Self::ManageOtp
                | Self::OtpHelp
                | Self::Bind
                | Self::License
                | Self::Sessions
                | Self::Mobile
                | Self::Help
        )
    }

    /// The page at a path, or above it: `/admin/people` leads back to `/admin`.
    pub fn of_path(path: &str) -> Option<Self> {
        let below =
            |page: &&Self| path.strip_prefix(page.path()).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'));
        Self::ALL.iter().filter(below).max_by_key(|page| page.path().len()).copied()
    }
}

/// A page of ours to which a detour leads back: the one on which somebody pressed a button that takes a fresh factor. A
/// closed list, with nothing in it that was not parsed. What was posted is not posted again: the button is pressed once
/// more.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Landing {
    /// The details of a credential.
    Credential(CredentialId),
    /// Where a credential gets another name.
    Rename(CredentialId),
    /// The numbers of a Phone OTP.
    Numbers(CredentialId),
    /// The phones of Mobile ID.
    MobilePhones,
    /// Where a security key is set up.
    NewKey,
    /// Where a hardware token is put into use.
    ActivateToken,
    /// The recovery codes.
    RecoveryCodes,
    /// The change of the password.
    Password,
    /// The card for renewals.
    Card,
    /// The checkout, to keep a card.
    Checkout,
    /// A file of tokens, for administrators.
    TokenFile(BatchId),
    /// A token of the inventory, for administrators.
    Token(TokenId),
    /// Somebody's page, for administrators.
    Person(Username),
    /// The reset of somebody's devices, for the help desk.
    Reset(Username),
    /// A request to be identity-proofed, for agents.
    Proofing(ProofingId),
    /// The page that was asked for without a session, with its query.
    Asked(LocalAddress),
}

/// An address below one of our own pages, as a browser asked for it: path and query, and never another place. It is as
/// the request line had it, so that whoever follows it gets what they would have got with a session.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct LocalAddress(String);

impl LocalAddress {
    /// What is longer is not kept; the way leads to the page above it then.
    const LONGEST: usize = 1000;

    /// Reads one; `None` for what is not below a page of [`PortalPage`], or could be read as another place.
    pub fn parse(text: &str) -> Option<Self> {
        let path = text.split('?').next().unwrap_or_default();
        let plain = text.bytes().all(|byte| byte.is_ascii_graphic() && !matches!(byte, b'\\' | b'#'));
        let climbs = |segment: &str| {
            let segment = segment.to_ascii_lowercase().replace("%2e", ".");
            segment.is_empty() || matches!(segment.as_str(), "." | "..")
        };
        let named = path.strip_prefix('/').is_some_and(|rest| !rest.split('/').any(climbs));
        let ours = named && plain && text.len() <= Self::LONGEST && PortalPage::of_path(path).is_some();
        ours.then(|| Self(text.to_owned()))
    }
}

impl TryFrom<String> for LocalAddress {
    type Error = &'static str;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        Self::parse(&text).ok_or("not an address of ours")
    }
}

impl From<LocalAddress> for String {
    fn from(address: LocalAddress) -> Self {
        address.0
    }
}

impl Landing {
    /// Its path.
    pub fn path(&self) -> String {
        match self {
            Self::Credential(id) => format!("/account/otp/{id}"),
            Self::Rename(id) => format!("/account/otp/rename?credential={id}"),
            Self::Numbers(id) => format!("/account/otp/phones?credential={id}"),
            Self::MobilePhones => "/account/otp/mobile".to_owned(),
            Self::NewKey => "/account/otp/key/new".to_owned(),
            Self::ActivateToken => "/account/otp/token".to_owned(),
            Self::RecoveryCodes => "/account/otp/recovery".to_owned(),
            Self::Password => "/account/password".to_owned(),
            Self::Card => "/account/otp/card".to_owned(),
            Self::Checkout => "/checkout".to_owned(),
            Self::TokenFile(id) => format!("/admin/tokens/files/{id}"),
            Self::Token(id) => format!("/admin/tokens/token/{id}"),
            Self::Person(username) => format!("/admin/people/{username}"),
            Self::Reset(username) => format!("/admin/people/{username}/reset"),
            Self::Proofing(id) => format!("/admin/proofing/{id}"),
            Self::Asked(address) => address.0.clone(),
        }
    }
}
