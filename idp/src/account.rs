//! The person's own pages: My Account, Manage OTP, Sessions, My Applications, and what applications may know.
//!
//! Owns: who may see them (a live session, else the login), and the header on them. Never: another person's things.

mod activation;
mod applications;
mod broken;
mod card;
mod cards;
mod change;
pub(crate) mod confirm;
mod connections;
mod credential;
pub(crate) mod fresh;
mod hardware_token;
mod history;
mod key_offer;
mod keys;
mod license;
mod manage;
mod mobile;
mod otp_help;
mod overview;
mod password;
mod recovery;
mod resume;
mod reminders;
mod renew;
mod phones;
mod proofing;
mod security_key;
mod sessions;

pub(crate) use activation::{activate_key, activation};
pub(crate) use applications::requirement_of;
pub(crate) use resume::way_to_wanted;

use std::sync::Arc;

use axum::Router;
use stepgate_core::account::{Person, Role};
use stepgate_core::assurance::{self, CredentialKind, CredentialState, Holdings};
use stepgate_core::authorize::interaction::{Interaction, Landing, PortalPage, Purpose};
use stepgate_core::credentials::Credential;
use stepgate_core::subscriptions::license_key::LicenseKey;
use stepgate_core::time::Timestamp;
use stepgate_store::{credentials, people};

use crate::admin::access::{Act, Place, Scope, may, seen};
use crate::app::App;
use crate::cx::Cx;
use crate::fault::Fault;
use crate::http::extract::Browser;
use crate::http::page::{PageFailure, see_other, with_browser};
use crate::login::Parked;
use crate::pages::{AccountHeader, Action, Banner, Layout, Section, StrengthView, Tone, When};
use crate::session::{self, Live};
use crate::subscriptions::{self, name_of};
use crate::words::Language;

/// Where the keys of a person are used.
const LICENSE: &str = "/account/otp/license";

/// The routes.
pub fn routes() -> Router<Arc<App>> {
    overview::routes()
        .merge(manage::routes())
        .merge(credential::routes())
        .merge(broken::routes())
        .merge(change::routes())
        .merge(mobile::routes())
        .merge(hardware_token::routes())
        .merge(security_key::routes())
        .merge(recovery::routes())
        .merge(otp_help::routes())
        .merge(password::routes())
        .merge(phones::routes())
        .merge(sessions::routes())
        .merge(applications::routes())
        .merge(connections::routes())
        .merge(license::routes())
        .merge(keys::routes())
        .merge(proofing::routes())
        .merge(renew::routes())
        .merge(reminders::routes())
        .merge(card::routes())
}

/// Somebody who is logged in, and what every page of theirs shows.
pub struct Visitor {
    /// The session.
    pub live: Live,
    /// Who.
    pub person: Person,
    /// What the person holds.
    pub credentials: Vec<Credential>,
    /// Keys that are the person's and wait to be used.
    pub keys: Vec<LicenseKey>,
    /// What the person may do.
    pub roles: Vec<Role>,
    /// What the person reads: what they set, else what their browser asks for.
    pub language: Language,
    organization: String,
    csrf: String,
}

/// Who visits a page of ours. Nobody logged in is led to the login and back: to the very address that was asked for, else
/// to `page`.
///
/// # Errors
/// [`PageFailure::Elsewhere`] with the way to the login; the store.
pub async fn visit(cx: &Cx, browser: &Browser, page: PortalPage) -> Result<Box<Visitor>, PageFailure> {
    if let Some(live) = session::find(cx, browser.session.as_deref()).await?
        && let Some(visitor) = visitor(cx, browser, live).await?
        && assurance::is_login(&visitor.live.session.events, &visitor.holdings(cx), cx.now)
    {
        if visitor.is_recovering(cx) && !page.is_about_credentials() {
            return Err(PageFailure::elsewhere(see_other("/account/otp")));
        }
        return Ok(Box::new(visitor));
    }
    let mut interaction = Interaction::begin(Purpose::Portal { return_to: page }, cx.now);
    interaction.back = browser.asked.clone().map(Landing::Asked);
    let parked = Parked::begin(cx, browser.token(), interaction).await?;
    Err(PageFailure::elsewhere(with_browser(cx, browser, see_other(&parked.path()))))
}

/// Who visits a page that everybody may read; `None` for somebody who is not logged in.
///
/// # Errors
/// The store.
pub async fn known(cx: &Cx, browser: &Browser) -> Result<Option<Box<Visitor>>, Fault> {
    let Some(live) = session::find(cx, browser.session.as_deref()).await? else { return Ok(None) };
    let found = visitor(cx, browser, live).await?;
    let is_login = |it: &Visitor| assurance::is_login(&it.live.session.events, &it.holdings(cx), cx.now);
    Ok(found.filter(is_login).map(Box::new))
}

async fn visitor(cx: &Cx, browser: &Browser, live: Live) -> Result<Option<Visitor>, Fault> {
    let person = people::find_person(&cx.app.db, live.session.person).await?;
    let Some(person) = person.filter(|person| person.suspended_at.is_none()) else { return Ok(None) };
    let organizations = people::organizations_of(&cx.app.db, person.id).await?;
    Ok(Some(Visitor {
        credentials: credentials::list_credentials(&cx.app.db, person.id).await?,
        keys: subscriptions::keys_of(cx, &person).await?,
        roles: people::roles_of(&cx.app.db, person.id).await?,
        organization: organizations.first().map_or_else(|| "\u{2013}".to_owned(), |first| first.name.clone()),
        csrf: browser.csrf(&cx.app),
        language: Language::of(&person).unwrap_or(cx.language),
        live,
        person,
    }))
}

impl Visitor {
    /// What the person holds, as the assurance module asks for it.
    pub fn holdings(&self, cx: &Cx) -> Holdings {
        Holdings {
            credentials: self.credentials.iter().map(|credential| credential.held(cx.now)).collect(),
            proofed: self.person.is_proofed(cx.now),
        }
    }

    /// Whether the session rests on a recovery code: it reaches the pages of credentials and nothing else.
    pub fn is_recovering(&self, cx: &Cx) -> bool {
        assurance::is_recovering(&self.live.session.events, &self.holdings(cx), cx.now)
    }

    /// The person's time zone.
    pub fn zone(&self) -> jiff::tz::TimeZone {
        let name = self.person.claims.zoneinfo.as_deref().unwrap_or("UTC");
        jiff::tz::TimeZone::get(name).unwrap_or(jiff::tz::TimeZone::UTC)
    }

    /// A day in their time zone and language.
    pub fn date(&self, at: Timestamp) -> When {
        When::date_in(self.language, at, &self.zone())
    }

    /// The frame of a page that is in English for everybody.
    pub fn layout(&self, cx: &Cx, title: &str, section: Section) -> Layout {
        self.framed(cx, Language::English, title.to_owned(), section)
    }

    /// The frame of a page in their language; the title is the words of a key.
    pub fn layout_in_theirs(&self, cx: &Cx, title: &str, section: Section) -> Layout {
        self.framed(cx, self.language, self.language.text(title), section)
    }

    fn framed(&self, cx: &Cx, language: Language, title: String, section: Section) -> Layout {
        let holdings = self.holdings(cx);
        let strength = assurance::strength(&self.live.session.events, &holdings, cx.now);
        let zone = self.zone();
        let fresh = |at| cx.now.since(at) < std::time::Duration::from_secs(20);
        let label = strength.kind.map_or_else(|| language.text("strength-none"), |kind| language.kind(kind));
        let view = StrengthView {
            label: match strength.proofed {
                true => language.say("strength-proofed", [("kind", label.into())]),
                false => label,
            },
            shown: strength.shown,
            risen: strength.kind.filter(|_| strength.since.is_some_and(fresh)),
            proofed: strength.proofed,
            since: strength.since.map(|at| When::new_in(language, at, cx.now, &zone)),
            until: Some(When::clock_in(language, session::ends_at(cx, &self.live.session), &zone)),
        };
        let header = AccountHeader {
            user: self.person.display_name().to_owned(),
            user_id: self.person.username.to_string(),
            organization: self.organization.clone(),
            strength: view,
            admin_tabs: seen(&self.roles),
            developer: may(&self.roles, Place::Developer, Act::See) != Scope::Nothing,
            csrf: self.csrf.clone(),
        };
        let banner = self.banner(cx, language);
        Layout { banner, language, ..Layout::portal(title, cx.app.demo, section, header) }
    }

    /// Something that needs attention: a subscription that has ended, or soon will.
    fn banner(&self, cx: &Cx, language: Language) -> Option<Banner> {
        if self.is_recovering(cx) {
            return Some(Banner { tone: Tone::Warning, text: language.text("banner-recovering"), action: None });
        }
        let soon = cx.now + std::time::Duration::from_secs(30 * 24 * 3600);
        let kept = |held: &&Credential| {
            !matches!(held.stage, CredentialState::Revoked | CredentialState::Pending)
                && held.kind != CredentialKind::Recovery
        };
        let ending = self.credentials.iter().filter(kept);
        let ending = ending.filter(|held| held.expires_at.is_some_and(|end| end < soon));
        let first = ending.filter_map(|held| Some((held, held.expires_at?))).min_by_key(|(_, end)| *end);
        let Some((credential, end)) = first else { return self.unused_key(cx, language) };
        let zone = self.zone();
        let when = When::new_in(language, end, cx.now, &zone);
        let is_date = when.text == When::date_in(language, end, &zone).text;
        let (tone, key) = match (end <= cx.now, is_date) {
            (true, true) => (Tone::Danger, "banner-ended-on"),
            (true, false) => (Tone::Danger, "banner-ended"),
            (false, _) => (Tone::Warning, "banner-ends"),
        };
        let text = language.say(key, [("name", language.kind(credential.kind).into()), ("when", when.text.into())]);
        let action = if subscriptions::is_renewable(cx, credential) {
            let path = format!("/account/otp/renew?credential={}", credential.id);
            Action::link("banner-action", language.text("renew"), path)
        } else {
            let path = format!("/account/otp#credential-{}", credential.id);
            Action::link("banner-action", language.text("open-manage-otp"), path)
        };
        Some(Banner { tone, text, action: Some(action) })
    }

    /// Something that was bought and is worth nothing before it is activated.
    fn unused_key(&self, cx: &Cx, language: Language) -> Option<Banner> {
        let key = self.keys.first()?;
        let text = language.say("banner-unused", [("name", name_of(cx, key).into())]);
        let action = Action::link("banner-action", language.text("activate"), LICENSE);
        Some(Banner { tone: Tone::Notice, text, action: Some(action) })
    }

    /// The kinds of what the person holds, or has a key for: what does not have to be bought again.
    pub fn owns(&self) -> Vec<CredentialKind> {
        let held = self.credentials.iter().filter(|held| held.stage != CredentialState::Revoked);
        let keys = self.keys.iter().flat_map(|key| key.gives.kinds.iter().copied());
        held.map(|held| held.kind).chain(keys).collect()
    }

    /// A credential of theirs.
    pub fn credential(&self, id: &str) -> Option<&Credential> {
        self.credentials.iter().find(|credential| credential.id.to_string() == id)
    }
}
