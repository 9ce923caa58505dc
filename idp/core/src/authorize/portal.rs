//! The pages of ours that a login can lead to.

use serde::{Deserialize, Serialize};

/// The pages of ours that a login can lead to: a closed list, so that no request can name another place.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[expect(missing_docs, reason = "each variant is the page of the same name")]
pub enum PortalPage {
    Account,
    ManageOtp,
    OtpHelp,
    Bind,
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
}

impl PortalPage {
    /// Every page.
    pub const ALL: &'static [Self] = &[
        Self::Account,
        Self::ManageOtp,
        Self::OtpHelp,
        Self::Bind,
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
    ];

    /// Its path.
    pub const fn path(self) -> &'static str {
        match self {
            Self::Account => "/account",
            Self::ManageOtp => "/account/otp",
            Self::OtpHelp => "/account/otp/help",
            Self::Bind => "/account/otp/bind",
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
        }
    }

    /// Whether a session that rests on a recovery code reaches it: only what helps to bind a new device, and to look
    /// after the account meanwhile.
    pub const fn is_about_credentials(self) -> bool {
        matches!(self, Self::Account | Self::ManageOtp | Self::OtpHelp | Self::Bind | Self::Sessions | Self::Mobile)
    }

    /// The page at a path, or above it: `/admin/people` leads back to `/admin`.
    pub fn of_path(path: &str) -> Option<Self> {
        let below =
            |page: &&Self| path.strip_prefix(page.path()).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'));
        Self::ALL.iter().filter(below).max_by_key(|page| page.path().len()).copied()
    }
}
