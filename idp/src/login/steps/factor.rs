//! The factor: its choice, its code, its wait.

use stepgate_core::account::Person;
use stepgate_core::assurance::{CredentialKind, FactorEvent};
use stepgate_core::authorize::interaction::{Choice, Interaction, Stage};
use stepgate_core::id::PhoneId;
use stepgate_store::mobile::{self, ChallengeState};
use stepgate_store::{challenges, credentials, people};

use super::{Outcome, earn, keep, tested};
use crate::credentials::{mobile_id, security_key};
use crate::cx::Cx;
use crate::http::extract::Form;
use crate::http::page::PageFailure;
use crate::login::dispatch::spoken;
use crate::login::hardware::{self, CodeOutcome};
use crate::login::http::Say;
use crate::login::not_sent;
use crate::login::parked::Parked;
use crate::login::phone::{self, Channel, Sending, Sent};
use crate::session::Live;

/// One request of a person who is logged in and asked for a factor.
struct Turn<'a> {
    cx: &'a Cx,
    parked: Parked,
    live: Live,
    person: Person,
    form: &'a Form,
}

/// Takes a step at one of the factor's pages.
pub(super) async fn take(cx: &Cx, parked: Parked, live: Option<Live>, form: &Form) -> Result<Outcome, PageFailure> {
    // Whoever is not logged in any more is shown where to begin again.
    let Some(live) = live else { return Ok(Outcome::Next { cookie: None }) };
    let Some(person) = people::find_person(&cx.app.db, live.session.person).await? else {
        return Ok(Outcome::Next { cookie: None });
    };
    let leaves = !form.get("skip").is_empty() || !form.get("other").is_empty();
    if leaves && matches!(parked.interaction.stage, Stage::MobileWait { .. }) {
        mobile::withdraw_challenge(&cx.app.db, &parked.binding(), ChallengeState::Expired).await?;
    }
    if !form.get("skip").is_empty() {
        return keep(cx, parked, Interaction::skip_otp).await;
    }
    if !form.get("other").is_empty() {
        return keep(cx, parked, Interaction::choose_again).await;
    }
    let stage = parked.interaction.stage.clone();
    let mut turn = Turn { cx, parked, live, person, form };
    // The person is pinned: a credential of somebody else never counts, whoever is logged in by now.
    if let Some(credential) = stage.credential()
        && !turn.owns(credential).await?
    {
        return Ok(Outcome::Next { cookie: None });
    }
    match stage {
        Stage::Factor { choices, .. } => turn.choose(&choices).await,
        Stage::PhoneCode { credential, phone, .. } if !form.get("resend").is_empty() => {
            turn.send_code(credential, Some(phone), true).await
        }
        Stage::PhoneCode { .. } => turn.check_phone_code().await,
        Stage::HardwareCode { credential, .. } => {
            let outcome = hardware::check(cx, &turn.person, credential, &mut turn.parked, form.get("code")).await?;
            turn.judge(outcome, Source::Token).await
        }
        Stage::MobileWait { challenge, credential, .. } => turn.mobile(challenge, credential).await,
        Stage::SecurityKey { challenge, credential, .. } => turn.check_key(challenge, credential).await,
        Stage::Identify | Stage::Password { .. } | Stage::Consent | Stage::RequirementsNotMet => {
            Ok(Outcome::Next { cookie: None })
        }
    }
}

/// Where a code came from, for the words about it.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Source {
    Phone,
    Token,
    Offline,
}

impl Turn<'_> {
    async fn owns(&self, credential: stepgate_core::id::CredentialId) -> Result<bool, PageFailure> {
        let found = credentials::find_credential(&self.cx.app.db, credential).await?;
        Ok(found.is_some_and(|found| found.person == self.person.id))
    }

    fn error(self, key: &'static str) -> Outcome {
        Outcome::error(self.parked, Some(self.live), key)
    }

    async fn choose(self, choices: &[Choice]) -> Result<Outcome, PageFailure> {
        let Ok(kind) = self.form.get("factor").parse::<CredentialKind>() else {
            return Ok(self.error("factor-choose"));
        };
        let Ok(choice) = self.parked.interaction.offered(kind) else {
            return Ok(self.error("factor-not-offered"));
        };
        if !choices.contains(&choice) || !self.owns(choice.credential).await? {
            return Ok(Outcome::Next { cookie: None });
        }
        match kind {
            CredentialKind::PhoneOtp => self.send_code(choice.credential, None, false).await,
            CredentialKind::MobileId => self.ask_phone(choice.credential).await,
            CredentialKind::HardwareToken => {
                keep(self.cx, self.parked, |interaction| interaction.token_chosen(choice.credential)).await
            }
            CredentialKind::SecurityKey => self.ask_key(choice.credential).await,
            CredentialKind::Password | CredentialKind::Recovery => Ok(self.error("factor-not-yet")),
        }
    }

    /// Sends a code: to the chosen number, or again to the one it went to.
    async fn send_code(
        self,
        credential: stepgate_core::id::CredentialId,
        again: Option<PhoneId>,
        resend: bool,
    ) -> Result<Outcome, PageFailure> {
        let phones = credentials::list_phones(&self.cx.app.db, credential).await?;
        let wanted = again.map_or_else(|| self.form.get("phone").to_owned(), |phone| phone.to_string());
        let verified = || phones.iter().filter(|phone| phone.verified_at.is_some());
        let phone = verified().find(|phone| phone.id.to_string() == wanted).or(verified().next());
        let Some(phone) = phone else { return Ok(self.error("factor-no-number")) };
        let binding = self.parked.binding();
        let channel = match self.form.get("channel") {
            "voice" => Channel::Voice,
            "text" => Channel::Text,
            _ if resend => last_channel(self.cx, &binding).await?,
            _ if phone.text => Channel::Text,
            _ => Channel::Voice,
        };
        match phone::send(self.cx, phone, channel, &binding, &self.person).await? {
            Sending::Sent(sent) => {
                keep(self.cx, self.parked, |interaction| interaction.code_sent(credential, sent.phone, sent.challenge))
                    .await
            }
            // A code that is on its way is still good: back to its page.
            Sending::TooSoon(_) if !resend => {
                let latest = challenges::latest_phone_challenge(&self.cx.app.db, &binding).await?;
                // It went out for another login: that one's page has the field for it.
                let Some(latest) = latest else {
                    return Ok(self.error("sending-elsewhere"));
                };
                keep(self.cx, self.parked, |interaction| interaction.code_sent(credential, latest.phone, latest.id))
                    .await
            }
            other => {
                let language = spoken(self.cx, Some(&self.person), &self.parked.interaction);
                let say = Say::Told(not_sent(language, &other));
                Ok(Outcome::Again { parked: Box::new(self.parked), live: Some(self.live), say })
            }
        }
    }

    async fn check_phone_code(mut self) -> Result<Outcome, PageFailure> {
        let Stage::PhoneCode { challenge, credential, phone, .. } = self.parked.interaction.stage else {
            return Ok(Outcome::Next { cookie: None });
        };
        let binding = self.parked.binding();
        let sent = Sent { challenge, credential, phone, channel: last_channel(self.cx, &binding).await? };
        let outcome = phone::check(self.cx, &self.person, &sent, &mut self.parked, self.form.get("code")).await?;
        self.judge(outcome, Source::Phone).await
    }

    async fn ask_phone(self, credential: stepgate_core::id::CredentialId) -> Result<Outcome, PageFailure> {
        let asked = mobile_id::Asking {
            application: application_name(self.cx, &self.parked).await?,
            purpose: mobile_id::purpose(&self.parked.interaction.purpose),
            binding: self.parked.binding(),
            session: self.live.session.id,
        };
        match mobile_id::ask(self.cx, &self.person, credential, asked).await? {
            // Where the phone is not asked, the waiting page takes a code out of the app.
            mobile_id::Asked::Pending(challenge) | mobile_id::Asked::CodeOnly(challenge) => {
                keep(self.cx, self.parked, |interaction| interaction.mobile_asked(credential, challenge)).await
            }
            mobile_id::Asked::Busy => Ok(self.error("phone-busy")),
            mobile_id::Asked::NoPhone => Ok(self.error("phone-none")),
        }
    }

    async fn mobile(
        mut self,
        challenge: stepgate_core::id::ChallengeId,
        credential: stepgate_core::id::CredentialId,
    ) -> Result<Outcome, PageFailure> {
        if !self.form.get("offline").is_empty() {
            let say = Say::OfflineCode(None);
            return Ok(Outcome::Again { parked: Box::new(self.parked), live: Some(self.live), say });
        }
        if self.form.get("step") == "code" {
            let (parked, typed) = (&mut self.parked, self.form.get("code"));
            let outcome = mobile_id::check_offline(self.cx, &self.person, credential, parked, typed).await?;
            if matches!(outcome, CodeOutcome::Accepted(_)) {
                let (db, binding) = (&self.cx.app.db, self.parked.binding());
                mobile::withdraw_challenge(db, &binding, ChallengeState::Redeemed).await?;
            }
            return self.judge(outcome, Source::Offline).await;
        }
        // Pressed twice: the other press redeems, and this one follows.
        if !self.parked.claim(self.cx).await? {
            return Ok(Outcome::Next { cookie: None });
        }
        let (binding, proof) = (self.parked.binding(), self.parked.interaction.proof_for());
        match mobile_id::redeem(self.cx, &self.person, challenge, (&binding, proof)).await? {
            mobile_id::Redeemed::Approved(event) => self.shown(event).await,
            mobile_id::Redeemed::Pending => {
                self.parked.disclaim(self.cx).await?;
                Ok(self.error("phone-not-yet"))
            }
            // This login has used the approval. With the new cookie it goes on; without it, there are the ways again.
            mobile_id::Redeemed::Before => keep(self.cx, self.parked, Interaction::choose_again).await,
            mobile_id::Redeemed::Over(why) => {
                // A new request needs a new choice; the page that offers it says what happened.
                let interaction =
                    self.parked.interaction.clone().choose_again().unwrap_or(self.parked.interaction.clone());
                let Some(parked) = self.parked.advance(self.cx, interaction).await? else {
                    return Ok(Outcome::Next { cookie: None });
                };
                Ok(Outcome::error(parked, Some(self.live), why.key()))
            }
        }
    }

    /// Gives a key something to sign: any active key of the person will do.
    async fn ask_key(self, credential: stepgate_core::id::CredentialId) -> Result<Outcome, PageFailure> {
        match security_key::ask(self.cx, &self.person, &self.parked.binding()).await? {
            Some(challenge) => {
                keep(self.cx, self.parked, |interaction| interaction.key_asked(credential, challenge)).await
            }
            None => Ok(self.error("key-not-here")),
        }
    }

    async fn check_key(
        self,
        challenge: stepgate_core::id::ChallengeId,
        credential: stepgate_core::id::CredentialId,
    ) -> Result<Outcome, PageFailure> {
        // A page from before: what it had signed is used up, and its press is answered by where the login is now.
        if self.form.get("challenge") != challenge.to_string() {
            return Ok(Outcome::Next { cookie: None });
        }
        let binding = self.parked.binding();
        let response = self.form.get("response");
        match security_key::verify(self.cx, &self.person, challenge, &binding, response).await? {
            security_key::Signed::Accepted(event) => self.shown(event).await,
            security_key::Signed::Refused(why) => {
                // What was signed is used up: the page that says what happened holds something new to sign.
                let Some(fresh) = security_key::ask(self.cx, &self.person, &binding).await? else {
                    return Ok(Outcome::Next { cookie: None });
                };
                let Ok(asked) = self.parked.interaction.clone().key_asked(credential, fresh) else {
                    return Ok(Outcome::Next { cookie: None });
                };
                let Some(parked) = self.parked.advance(self.cx, asked).await? else {
                    return Ok(Outcome::Next { cookie: None });
                };
                Ok(Outcome::error(parked, Some(self.live), why.key()))
            }
            security_key::Signed::Over => self.ask_key(credential).await,
        }
    }

    /// The factor was shown: the session rises by it, or its holder sees that it works.
    async fn shown(self, event: FactorEvent) -> Result<Outcome, PageFailure> {
        match self.parked.interaction.tested() {
            Some(_) => tested(self.cx, &self.parked, &self.person, &event).await,
            None => earn(self.cx, Some(self.live), self.person.id, event).await,
        }
    }

    async fn judge(self, outcome: CodeOutcome, source: Source) -> Result<Outcome, PageFailure> {
        let key = match (outcome, source) {
            (CodeOutcome::Accepted(event), _) => return self.shown(event).await,
            (CodeOutcome::Overtaken, _) => return Ok(Outcome::Next { cookie: None }),
            (CodeOutcome::Malformed, _) => "code-malformed",
            (CodeOutcome::Wrong, Source::Phone) => "code-wrong-phone",
            (CodeOutcome::Wrong, Source::Token) => "code-wrong-token",
            (CodeOutcome::Wrong, Source::Offline) => "code-wrong-offline",
            (CodeOutcome::Replayed, Source::Phone) => "code-replayed-phone",
            (CodeOutcome::Replayed, Source::Token | Source::Offline) => "code-replayed-token",
            (CodeOutcome::Locked, _) => "code-locked-other",
        };
        if source == Source::Offline {
            let say = Say::OfflineCode(Some(key));
            return Ok(Outcome::Again { parked: Box::new(self.parked), live: Some(self.live), say });
        }
        Ok(self.error(key))
    }
}

async fn last_channel(cx: &Cx, binding: &str) -> Result<Channel, PageFailure> {
    let latest = challenges::latest_phone_challenge(&cx.app.db, binding).await?;
    Ok(latest.map_or(Channel::Text, |latest| if latest.channel == "voice" { Channel::Voice } else { Channel::Text }))
}

/// What the phone says about who asks.
async fn application_name(cx: &Cx, parked: &Parked) -> Result<String, PageFailure> {
    let client = match parked.interaction.client_id() {
        Some(id) => crate::clients::find(cx, id).await?,
        None => None,
    };
    Ok(client.map_or_else(|| cx.app.settings.server.name.clone(), |client| client.application.name.clone()))
}
