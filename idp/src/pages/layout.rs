//! What is around every page: title, demo banner, the header of a signed-in person, the strength indicator.

use stepgate_core::assurance::CredentialKind;

use super::assets::Asset;
use super::parts::{Action, Tone, kind_icon};
use super::when::When;
use crate::words::{Fact, Language};

/// One page of the administrators: its path and its name.
type Tab = (&'static str, &'static str);

/// As many tabs stand in one row; more are grouped.
const FEW: usize = 5;

/// The administrators' pages.
const GROUPS: [(&str, &[Tab]); 5] = [
    (
        "Directory",
        &[
            ("/admin/people", "People"),
            ("/admin/organizations", "Organizations"),
            ("/admin/partners", "Partners"),
            ("/admin/proofing", "Proofing"),
        ],
    ),
    ("Credentials", &[("/admin/tokens", "Tokens"), ("/admin/phones", "Phones")]),
    ("Integration", &[("/admin/applications", "Applications"), ("/admin/clients", "Clients")]),
    ("Sales", &[("/admin/orders", "Orders"), ("/admin/invitations", "Invitations"), ("/admin/reports", "Reports")]),
    ("System", &[("/admin/audit", "Audit"), ("/admin/keys", "Keys"), ("/admin/janitor", "Janitor")]),
];

/// Every tab of the administrators' pages.
pub(super) fn all_admin_tabs() -> Vec<&'static str> {
    GROUPS.iter().flat_map(|(_, tabs)| tabs.iter().map(|(path, _)| *path)).collect()
}

/// The frame of a page.
#[derive(Clone, Debug)]
pub struct Layout {
    /// The page's own title; `Stepgate` is added.
    pub title: String,
    /// The language of everything on the page.
    pub language: Language,
    /// Whether this is the demo, which says so on every page.
    pub demo: bool,
    /// Who is signed in, on pages of the portal.
    pub account: Option<AccountHeader>,
    /// Which tab of the portal is open.
    pub section: Section,
    /// Something that needs attention.
    pub banner: Option<Banner>,
}

impl Layout {
    /// A page outside of the portal, in English: login steps, errors.
    pub fn plain(title: impl Into<String>, demo: bool) -> Self {
        Self {
            title: title.into(),
            language: Language::English,
            demo,
            account: None,
            section: Section::None,
            banner: None,
        }
    }

    /// The same in a language; the title is the words of a key.
    pub fn plain_in(language: Language, title: &str, demo: bool) -> Self {
        Self { language, ..Self::plain(language.text(title), demo) }
    }

    /// A page of the portal.
    pub fn portal(title: impl Into<String>, demo: bool, section: Section, account: AccountHeader) -> Self {
        Self { account: Some(account), section, ..Self::plain(title, demo) }
    }

    /// The language of the page, for the parts of it that speak for themselves.
    pub(crate) fn spoken(&self) -> Language {
        self.language
    }

    /// What stands before and after the name of who asks for a factor.
    pub(crate) fn asks(&self, what: &str) -> (String, String) {
        self.language.around("step-asks", "who", [("what", what.into())])
    }

    /// The words of a key, in the language of the page.
    pub(crate) fn t(&self, key: &str) -> String {
        self.language.text(key)
    }

    /// The same with one fact in them.
    pub(crate) fn t1<'a>(&self, key: &str, name: &'static str, fact: impl Into<Fact<'a>>) -> String {
        self.language.say(key, [(name, fact.into())])
    }

    /// The words before and after a fact that has markup of its own.
    pub(crate) fn around(&self, key: &str, name: &'static str) -> (String, String) {
        self.language.around(key, name, [])
    }

    pub(crate) fn stylesheet(&self) -> String {
        Asset::Stylesheet.url()
    }

    pub(crate) fn favicon(&self) -> String {
        Asset::Favicon.url()
    }

    pub(crate) fn wait_script(&self) -> String {
        Asset::WaitScript.url()
    }

    pub(crate) fn signed_out_script(&self) -> String {
        Asset::SignedOutScript.url()
    }

    pub(crate) fn submit_script(&self) -> String {
        Asset::SubmitScript.url()
    }

    pub(crate) fn console_stylesheet(&self) -> String {
        Asset::ConsoleStylesheet.url()
    }

    pub(crate) fn console_script(&self) -> String {
        Asset::ConsoleScript.url()
    }

    pub(crate) fn help_stylesheet(&self) -> String {
        Asset::HelpStylesheet.url()
    }

    pub(crate) fn shop_stylesheet(&self) -> String {
        Asset::ShopStylesheet.url()
    }

    pub(crate) fn is_wide(&self) -> bool {
        matches!(self.section, Section::Admin(_) | Section::Developer(_) | Section::Demo)
    }

    pub(crate) fn on_developer_tab(&self, path: &str) -> bool {
        matches!(self.section, Section::Developer(open) if open == path)
    }

    pub(crate) fn current(&self, section: &str) -> bool {
        self.section.name() == section
    }

    pub(crate) fn on_admin_tab(&self, path: &str) -> bool {
        matches!(self.section, Section::Admin(open) if open == path)
    }

    fn open_tab(&self) -> &'static str {
        match self.section {
            Section::Admin(open) => open,
            _ => "",
        }
    }

    /// The groups of administrators' pages that the person sees: name, where it leads, whether it is open.
    pub(crate) fn admin_groups(&self) -> Vec<(&'static str, &'static str, bool)> {
        let group = |(name, tabs): &(&'static str, &'static [Tab])| {
            let first = self.seen(tabs).next()?;
            Some((*name, first.0, tabs.iter().any(|(path, _)| *path == self.open_tab())))
        };
        GROUPS.iter().filter_map(group).collect()
    }

    /// The pages of the open group; all that the person sees, where they are few.
    pub(crate) fn admin_tabs(&self) -> Vec<Tab> {
        if self.is_flat() {
            return GROUPS.iter().flat_map(|(_, tabs)| self.seen(tabs)).collect();
        }
        let open = GROUPS.iter().find(|(_, tabs)| tabs.iter().any(|(path, _)| *path == self.open_tab()));
        open.map(|(_, tabs)| self.seen(tabs).collect()).unwrap_or_default()
    }

    /// Whether one row holds all that the person sees.
    pub(crate) fn is_flat(&self) -> bool {
        self.account.as_ref().is_none_or(|account| account.admin_tabs.len() <= FEW)
    }

    fn seen(&self, tabs: &'static [Tab]) -> impl Iterator<Item = Tab> {
        let seen = self.account.as_ref().map(|account| account.admin_tabs.as_slice()).unwrap_or_default();
        tabs.iter().copied().filter(move |(path, _)| seen.contains(path))
    }

    pub(crate) fn csrf(&self) -> &str {
        self.account.as_ref().map_or("", |account| account.csrf.as_str())
    }
}

/// The tabs of the portal.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Section {
    /// None of them.
    None,
    /// My Applications.
    Applications,
    /// My Account.
    Account,
    /// Manage OTP, under My Account.
    ManageOtp,
    /// Sessions, under My Account.
    Sessions,
    /// Orders, under My Account.
    Orders,
    /// Applications, under My Account: what each may know.
    Connections,
    /// Help.
    Help,
    /// The administrators' pages, with the path of the open tab: `/admin/people`.
    Admin(&'static str),
    /// The integrators' console, with the path of the open tab: `/developer`.
    Developer(&'static str),
    /// The demo's own pages.
    Demo,
}

impl Section {
    const fn name(self) -> &'static str {
        match self {
            Self::None => "",
            Self::Applications => "applications",
            Self::Account => "account",
            Self::ManageOtp => "otp",
            Self::Sessions => "sessions",
            Self::Orders => "orders",
            Self::Connections => "connections",
            Self::Help => "help",
            Self::Admin(_) => "admin",
            Self::Developer(_) => "developer",
            Self::Demo => "demo",
        }
    }

    pub(crate) const fn is_account(self) -> bool {
        matches!(self, Self::Account | Self::ManageOtp | Self::Sessions | Self::Orders | Self::Connections)
    }
}

/// Who is signed in, and how strongly: `User : Name(user_id) | Organization : … | Credential Strength : …`.
#[derive(Clone, Debug)]
pub struct AccountHeader {
    /// The person's name.
    pub user: String,
    /// The user ID.
    pub user_id: String,
    /// The organization that the person acts for.
    pub organization: String,
    /// What the session has shown.
    pub strength: StrengthView,
    /// The administrators' pages that the person sees, by path; none for everybody else.
    pub admin_tabs: Vec<&'static str>,
    /// Whether the person sees the integrators' console.
    pub developer: bool,
    /// For the sign-out form (`POST /account/sign-out`) and the forms of the page.
    pub csrf: String,
}

/// The strength of the session: words first, steps second.
#[derive(Clone, Debug)]
pub struct StrengthView {
    /// `Phone OTP`, `Mobile ID, proofed`, …
    pub label: String,
    /// The kinds that the session has shown.
    pub shown: Vec<CredentialKind>,
    /// The kind that was added just now: its step rises once.
    pub risen: Option<CredentialKind>,
    /// Whether the person is proofed.
    pub proofed: bool,
    /// Since when it holds.
    pub since: Option<When>,
    /// Until when it holds.
    pub until: Option<When>,
}

/// One step of the indicator.
pub(crate) struct StrengthStep {
    pub(crate) name: String,
    pub(crate) icon: &'static str,
    pub(crate) class: &'static str,
}

impl StrengthView {
    pub(crate) fn steps(&self, language: Language) -> Vec<StrengthStep> {
        [
            CredentialKind::Password,
            CredentialKind::PhoneOtp,
            CredentialKind::MobileId,
            CredentialKind::HardwareToken,
            CredentialKind::SecurityKey,
        ]
        .into_iter()
        .map(|kind| StrengthStep {
            name: language.kind(kind),
            icon: kind_icon(kind),
            class: match (self.shown.contains(&kind), self.risen == Some(kind)) {
                (true, true) => "step shown risen",
                (true, false) => "step shown",
                (false, _) => "step",
            },
        })
        .collect()
    }

    pub(crate) fn tooltip(&self, language: Language) -> String {
        let shown: Vec<_> = self.shown.iter().map(|kind| language.kind(*kind)).collect();
        let mut text = language.say("strength-shown", [("kinds", shown.join(", ").into())]);
        if let Some(since) = &self.since {
            text.push(' ');
            text.push_str(&language.say("strength-since", [("when", since.exact.as_str().into())]));
        }
        if let Some(until) = &self.until {
            text.push(' ');
            text.push_str(&language.say("strength-until", [("when", until.exact.as_str().into())]));
        }
        text
    }
}

/// A line above the page that needs attention: `Phone OTP expires in 12 days. Renew`.
#[derive(Clone, Debug)]
pub struct Banner {
    /// How much.
    pub tone: Tone,
    /// What.
    pub text: String,
    /// What to do; a link.
    pub action: Option<Action>,
}
