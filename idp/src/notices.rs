//! What a person is told about their account, apart from any page they look at.
//!
//! Owns: the text of a notice, whom it reaches, and its way through the outbox, written in the transaction of the act that
//! it tells of. Each mail carries a link, good for one use, by which its reader says *this was not me*
//! (NIST SP 800-63B-4 §4.6). Never: a code or anything that authenticates; mail is no factor (§3.1.3.1).

mod deliver;

use std::time::Duration;

use serde::{Deserialize, Serialize};
use stepgate_core::account::Person;
use stepgate_core::assurance::{CredentialKind, CredentialState};
use stepgate_core::entropy::random_token;
use stepgate_core::id::{CredentialId, PersonId};
use stepgate_core::secret::TokenHash;
use stepgate_store::notices::NoticeLink;
use stepgate_store::{Connection, credentials, notices as links, outbox as store, people};

use crate::cx::Cx;
use crate::fault::Fault;
use crate::login::phone;
use crate::outbox;
use crate::pages::When;
use crate::words::Language;

pub use deliver::deliver;

/// The kinds of these messages in the outbox.
const MAIL: &str = "mail";
const TEXT: &str = "notice text";
/// How long *this was not me* can be said.
pub const LINK_LIFE: Duration = Duration::from_secs(72 * 3600);

/// Something that happened to an account, for the people whose account it is.
#[derive(Clone, Debug)]
pub struct Notice {
    /// The subject line: `A security key was added`.
    pub subject: String,
    /// What happened and what to do about it, in sentences.
    pub text: String,
    in_mail: Option<String>,
    /// Subject and text in the other languages. What is kept for the page behind the link is English, as that page is.
    translated: Vec<(Language, String, String)>,
    credential: Option<CredentialId>,
    by_text: bool,
}

impl Notice {
    /// A notice with these words. It goes to every address on file, and to telephones too.
    pub fn new(subject: impl Into<String>, text: impl Into<String>) -> Self {
        Self {
            subject: subject.into(),
            text: text.into(),
            in_mail: None,
            translated: Vec::new(),
            credential: None,
            by_text: true,
        }
    }

    /// A notice whose mail is in the language of whoever gets it: `words` says subject and text in any of them.
    pub fn spoken(words: impl Fn(Language) -> (String, String)) -> Self {
        let (subject, text) = words(Language::English);
        let others = Language::ALL.iter().map(|(language, _)| *language).filter(|it| *it != Language::English);
        let translated = others.map(|language| {
            let (subject, text) = words(language);
            (language, subject, text)
        });
        Self { translated: translated.collect(), ..Self::new(subject, text) }
    }

    /// The words for a person: language, subject and text. English where they are there in English only.
    fn words_for(&self, person: &Person) -> (Language, &str, &str) {
        let wanted = Language::of(person);
        let found = self.translated.iter().find(|(language, ..)| Some(*language) == wanted);
        found.map_or((Language::English, self.subject.as_str(), self.text.as_str()), |(language, subject, text)| {
            (*language, subject.as_str(), text.as_str())
        })
    }

    /// What stands in the mail alone, after the text: it may hold what the store keeps as a hash only, and the page
    /// behind the link must not show.
    #[must_use]
    pub fn with_in_mail(mut self, words: String) -> Self {
        self.in_mail = Some(words);
        self
    }

    /// The credential that it is about: *this was not me* suspends it.
    #[must_use]
    pub const fn about(mut self, credential: CredentialId) -> Self {
        self.credential = Some(credential);
        self
    }

    /// Only by mail: what does not concern the security of the account.
    #[must_use]
    pub const fn by_mail_only(mut self) -> Self {
        self.by_text = false;
        self
    }
}

/// A mail in the outbox.
#[derive(Serialize, Deserialize)]
struct Mailed {
    to: String,
    subject: String,
    text: String,
}

/// A text in the outbox.
#[derive(Serialize, Deserialize)]
struct Texted {
    /// Under which messages to this number are counted.
    phone: String,
    to: String,
    text: String,
}

/// Tells a person, at every address on file. Call it in the transaction of the act.
///
/// # Errors
/// The store.
pub async fn tell(cx: &Cx, transaction: &impl Connection, person: PersonId, notice: &Notice) -> Result<(), Fault> {
    let Some(found) = people::find_person(&cx.app.db, person).await? else { return Ok(()) };
    if let Some(to) = found.claims.email.clone() {
        let token = random_token(cx.entropy());
        let link = NoticeLink {
            person,
            credential: notice.credential,
            subject: notice.subject.clone(),
            text: notice.text.clone(),
            ip: cx.ip,
            created_at: cx.now,
            expires_at: cx.now + LINK_LIFE,
            used_at: None,
        };
        links::insert_link(transaction, &TokenHash::of(&token), &link).await?;
        let (language, subject, text) = notice.words_for(&found);
        let more = notice.in_mail.as_deref();
        let mailed =
            Mailed { to, subject: subject.to_owned(), text: written(cx, (&found, language), (text, more), &token) };
        keep(cx, transaction, MAIL, &mailed).await?;
    }
    if notice.by_text {
        text_all(cx, transaction, person, notice).await?;
    }
    Ok(())
}

/// A mail that tells of no act: a reminder, or something handed over. It carries no *this was not me*.
///
/// # Errors
/// The store.
pub async fn mail(
    cx: &Cx,
    transaction: &impl Connection,
    (to, subject): (&str, &str),
    text: &str,
) -> Result<(), Fault> {
    let mailed = Mailed { to: to.to_owned(), subject: subject.to_owned(), text: text.to_owned() };
    keep(cx, transaction, MAIL, &mailed).await
}

/// Nobody waits for a notice: any node takes it at its next round.
async fn keep(cx: &Cx, transaction: &impl Connection, kind: &str, message: &impl Serialize) -> Result<(), Fault> {
    let mut sealed = outbox::sealed(cx, kind, message, None)?;
    sealed.due_at = cx.now;
    store::insert_message(transaction, &sealed).await?;
    Ok(())
}

/// The mail: what happened, when, from where, and what to do when it was somebody else.
fn written(
    cx: &Cx,
    (person, language): (&Person, Language),
    (said, more): (&str, Option<&str>),
    token: &str,
) -> String {
    let zone = person.claims.zoneinfo.as_deref().unwrap_or("UTC");
    let zone = jiff::tz::TimeZone::get(zone).unwrap_or(jiff::tz::TimeZone::UTC);
    let when = When::date_in(language, cx.now, &zone).exact;
    let greeting = language.say("mail-greeting", [("name", person.display_name().into())]);
    let mut parts = vec![greeting, said.to_owned()];
    parts.extend(more.map(str::to_owned));
    let mut facts = language.say("mail-when", [("when", when.into())]);
    if let Some(ip) = cx.ip {
        facts.push('\n');
        facts.push_str(&language.say("mail-from", [("address", ip.to_string().into())]));
    }
    parts.extend([facts, language.text("mail-not-you"), cx.app.url(&format!("/not-me?token={token}"))]);
    format!("{}\n\n{}\n", parts.join("\n\n"), cx.app.settings.server.name)
}

/// A text to every number on file that takes texts, once each.
async fn text_all(cx: &Cx, transaction: &impl Connection, person: PersonId, notice: &Notice) -> Result<(), Fault> {
    let held = credentials::list_credentials(&cx.app.db, person).await?;
    let mut told: Vec<String> = Vec::new();
    for credential in held.iter().filter(|held| held.kind == CredentialKind::PhoneOtp) {
        if matches!(credential.stage, CredentialState::Pending | CredentialState::Revoked) {
            continue;
        }
        for listed in credentials::list_phones(&cx.app.db, credential.id).await? {
            if !listed.text || listed.verified_at.is_none() {
                continue;
            }
            let Some(sealed) = credentials::find_sealed_number(&cx.app.db, listed.id).await? else { continue };
            let number = cx.app.secrets.sealing.open(phone::SEAL, &listed.id.to_string(), &sealed)?;
            let Ok(to) = std::str::from_utf8(number.expose()).map(str::to_owned) else { continue };
            if told.contains(&to) {
                continue;
            }
            told.push(to.clone());
            let text = short(&cx.app.settings.server.name, &notice.subject);
            keep(cx, transaction, TEXT, &Texted { phone: listed.id.to_string(), to, text }).await?;
        }
    }
    Ok(())
}

/// The text: no code, no link, one message (160 characters that every network carries).
fn short(brand: &str, subject: &str) -> String {
    let plain = |text: &str, most: usize| {
        let kept = text.chars().filter(|c| c.is_ascii_alphanumeric() || " -.,".contains(*c)).take(most);
        kept.collect::<String>().trim().to_owned()
    };
    let (brand, subject) = (plain(brand, 24), plain(subject, 56));
    format!("{brand}: {subject}. Not you? Follow the mail we sent, or sign in and look at Manage OTP.")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_is_one_message_without_a_link() {
        let text = short("Stepgate", "A hardware token was suspended");
        assert!(text.starts_with("Stepgate: A hardware token was suspended. Not you?"), "{text}");
        let text = short(&"Ünï https://evil.example ".repeat(9), &"https://evil.example/x?y=1 ".repeat(20));
        assert!(text.len() <= 160 && text.is_ascii() && !text.contains("//"), "{text}");
    }
}
