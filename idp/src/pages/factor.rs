//! The OTP step of a login: the choice of a factor, the code, the wait for the phone.

use askama::Template;
use stepgate_core::assurance::CredentialKind;

use super::Page;
use super::layout::Layout;
use super::login::Flow;
use super::parts::{Tone, kind_icon};
use super::samples;
use super::when::{When, duration_text};
use crate::words::Language;

/// Whether the OTP step may be skipped.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Skip {
    /// A password is enough here: the button is shown.
    Offered,
    /// Somebody asks for more, and the page says who and what.
    AskedFor {
        /// Who: the application's name.
        who: String,
        /// What: `a hardware token`.
        what: String,
    },
    /// The person asked for it: *Elevate*. Neither button nor sentence.
    OwnWish,
    /// The person is about to change what they sign in with: the page says that this comes first.
    Detour,
}

/// One way to go on.
#[derive(Clone, Debug)]
pub struct FactorChoice {
    /// What; the value of `factor`.
    pub kind: CredentialKind,
    /// Which: `HT-0001`, `•••• 0101`, `Bob's phone`.
    pub detail: String,
    /// When it was last used.
    pub last_used: Option<When>,
    /// The numbers to choose from, for Phone OTP.
    pub phones: Vec<PhoneChoice>,
}

impl FactorChoice {
    pub(crate) fn icon(&self) -> &'static str {
        kind_icon(self.kind)
    }

    pub(crate) fn name(&self, language: Language) -> String {
        language.kind(self.kind)
    }

    /// What to do: the key of the words.
    pub(crate) fn invitation(&self) -> &'static str {
        match self.kind {
            CredentialKind::Password => "factor-password",
            CredentialKind::PhoneOtp => "factor-phone",
            CredentialKind::MobileId => "factor-mobile",
            CredentialKind::HardwareToken => "factor-token",
            CredentialKind::SecurityKey => "factor-key",
            CredentialKind::Recovery => "factor-recovery",
        }
    }

    pub(crate) fn offers_voice(&self) -> bool {
        self.phones.iter().any(|phone| phone.voice)
    }

    pub(crate) fn offers_text(&self) -> bool {
        self.phones.iter().any(|phone| phone.text)
    }
}

/// One number to send a code to.
#[derive(Clone, Debug)]
pub struct PhoneChoice {
    /// The value of `phone`.
    pub id: String,
    /// `•••• 0101`.
    pub masked: String,
    /// Whether it takes text messages (`channel` = `text`).
    pub text: bool,
    /// Whether it takes calls (`channel` = `voice`).
    pub voice: bool,
}

/// Asks for the next factor. Buttons `factor`; for Phone OTP the fields `phone` and `channel` go along. Skip is a button
/// named `skip`.
#[derive(Clone, Debug, Template)]
#[template(path = "login/factor.html")]
pub struct FactorPage {
    /// The frame.
    pub layout: Layout,
    /// The interaction.
    pub flow: Flow,
    /// The user ID of the person.
    pub username: String,
    /// The ways, last used first.
    pub choices: Vec<FactorChoice>,
    /// Whether the step may be skipped.
    pub skip: Skip,
    /// What went wrong with the last way.
    pub error: Option<String>,
}

/// Where a code comes from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum CodeSource {
    /// Texted to this masked number.
    Text(String),
    /// Told in a call to this masked number.
    Voice(String),
    /// Shown by the hardware token with this serial number.
    HardwareToken(String),
    /// Shown by the Stepgate app without a connection.
    OfflineCode,
    /// One of the printed recovery codes.
    Recovery,
}

impl CodeSource {
    pub(crate) const fn kind(&self) -> CredentialKind {
        match self {
            Self::Text(_) | Self::Voice(_) => CredentialKind::PhoneOtp,
            Self::HardwareToken(_) => CredentialKind::HardwareToken,
            Self::OfflineCode => CredentialKind::MobileId,
            Self::Recovery => CredentialKind::Recovery,
        }
    }

    /// The key of the heading's words.
    pub(crate) fn heading(&self) -> &'static str {
        match self {
            Self::Text(_) => "code-text",
            Self::Voice(_) => "code-voice",
            Self::HardwareToken(_) => "code-token",
            Self::OfflineCode => "code-offline",
            Self::Recovery => "help-code-use",
        }
    }

    pub(crate) fn lead(&self, language: Language) -> String {
        match self {
            Self::Text(number) => language.say("code-text-lead", [("number", number.into())]),
            Self::Voice(number) => language.say("code-voice-lead", [("number", number.into())]),
            Self::HardwareToken(serial) => language.say("code-token-lead", [("serial", serial.into())]),
            Self::OfflineCode => language.text("code-offline-lead"),
            Self::Recovery => language.text("code-recovery-lead"),
        }
    }

    /// Where somebody finds help who gets no further: the key of the link's words, and the page.
    pub(crate) const fn stuck(&self) -> (&'static str, &'static str) {
        match self {
            Self::Text(_) | Self::Voice(_) => ("code-stuck-none", "/help/phone-otp#no-code"),
            Self::HardwareToken(_) => ("code-stuck-refused", "/help/hardware-token#refused"),
            Self::OfflineCode => ("code-stuck-offline", "/help/mobile-id#offline"),
            Self::Recovery => ("code-stuck-recovery", "/help/self-help#all-lost"),
        }
    }

    pub(crate) const fn is_numeric(&self) -> bool {
        !matches!(self, Self::Recovery)
    }
}

/// When another code may be asked for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Resend {
    /// Now.
    Ready,
    /// Not before this time ([`When::clock`]).
    NotBefore(When),
}

/// Asks for a code. Field `code`; buttons `resend`, `other` (other ways), `skip`.
#[derive(Clone, Debug, Template)]
#[template(path = "login/code.html")]
pub struct CodePage {
    /// The frame.
    pub layout: Layout,
    /// The interaction.
    pub flow: Flow,
    /// Where the code comes from.
    pub source: CodeSource,
    /// How long a sent code still works, in seconds.
    pub seconds_left: Option<u64>,
    /// When another code may be asked for; `None` where none is sent.
    pub resend: Option<Resend>,
    /// What is known of a code on its way.
    pub delivery: Option<(Tone, String)>,
    /// Where the page's script asks what became of the code; `None` where none is sent.
    pub status_url: Option<String>,
    /// Whether the person holds another way.
    pub other_ways: bool,
    /// Whether the step may be skipped.
    pub skip: Skip,
    /// What is wrong with the code.
    pub error: Option<String>,
}

impl CodePage {
    pub(crate) fn icon(&self) -> &'static str {
        kind_icon(self.source.kind())
    }

    pub(crate) fn time_left(&self) -> Option<String> {
        self.seconds_left.map(duration_text)
    }

    pub(crate) fn help(&self) -> String {
        if let Some(left) = self.time_left() {
            return self.layout.t1("code-works-for", "left", left);
        }
        self.layout.t(match self.source {
            CodeSource::HardwareToken(_) => "code-token-help",
            _ => "code-help",
        })
    }
}

/// Shows the number to type in the app and waits for the phone. Buttons `continue`, `other`, `offline`, `deny`.
#[derive(Clone, Debug, Template)]
#[template(path = "login/mobile-id-wait.html")]
pub struct MobileIdWaitPage {
    /// The frame.
    pub layout: Layout,
    /// The interaction.
    pub flow: Flow,
    /// The six digits.
    pub number: String,
    /// The name of the phone.
    pub device: String,
    /// How long the request still works, in seconds.
    pub seconds_left: u64,
    /// Answers `{"state": "pending"}` until the phone has answered.
    pub status_url: String,
    /// Whether the person holds another way.
    pub other_ways: bool,
    /// Whether the step may be skipped.
    pub skip: Skip,
    /// What went wrong: *not answered yet*.
    pub error: Option<String>,
}

impl MobileIdWaitPage {
    /// The two groups of digits.
    pub(crate) fn groups(&self) -> (&str, &str) {
        self.number.split_at_checked(3).unwrap_or((self.number.as_str(), ""))
    }

    pub(crate) fn time_left(&self) -> String {
        duration_text(self.seconds_left)
    }
}

impl Page for FactorPage {
    fn samples() -> Vec<(&'static str, Self)> {
        let phone =
            |id: &str, masked: &str, voice| PhoneChoice { id: id.into(), masked: masked.into(), text: true, voice };
        let choice = |kind, detail: &str, phones| FactorChoice { kind, detail: detail.into(), last_used: None, phones };
        let phones = vec![phone("p1", "•••• 0101", true), phone("p2", "•••• 0102", false)];
        let page = Self {
            layout: samples::plain("One more step"),
            flow: samples::flow(),
            username: "bluej_4804".into(),
            choices: vec![
                FactorChoice {
                    last_used: Some(samples::when(-2 * 86_400)),
                    ..choice(CredentialKind::MobileId, "Jennifer's Pixel", vec![])
                },
                choice(CredentialKind::PhoneOtp, "2 numbers", phones),
                choice(CredentialKind::HardwareToken, "HT-0002", vec![]),
                choice(CredentialKind::SecurityKey, "Blue key", vec![]),
            ],
            skip: Skip::Offered,
            error: None,
        };
        let asked = Skip::AskedFor { who: "Iron Works Portal".into(), what: "a code from your phone".into() };
        let one = Self {
            choices: vec![choice(CredentialKind::PhoneOtp, "•••• 0101", vec![phone("p1", "•••• 0101", true)])],
            skip: asked,
            ..page.clone()
        };
        let error = Self {
            error: Some("The request was denied on your phone. If that was not you, change your password.".into()),
            skip: Skip::OwnWish,
            flow: Flow { application: None, ..page.flow.clone() },
            ..page.clone()
        };
        vec![("four ways", page), ("one phone, asked for", one), ("error while elevating", error)]
    }
}

impl Page for CodePage {
    fn samples() -> Vec<(&'static str, Self)> {
        let page = Self {
            layout: samples::plain("Code"),
            flow: samples::flow(),
            source: CodeSource::Text("•••• 0101".into()),
            seconds_left: Some(108),
            resend: Some(Resend::NotBefore(samples::clock(24))),
            delivery: Some((Tone::Ok, "Delivered: your phone has it.".into())),
            status_url: Some("/interaction/sample/status".into()),
            other_ways: true,
            skip: Skip::Offered,
            error: None,
        };
        let token = Self {
            source: CodeSource::HardwareToken("HT-0001".into()),
            seconds_left: None,
            resend: None,
            delivery: None,
            status_url: None,
            skip: Skip::AskedFor { who: "Iron Works Portal".into(), what: "a hardware token".into() },
            error: Some("That code was already used. Wait for the next one on your token (up to 30 seconds).".into()),
            ..page.clone()
        };
        let voice = Self {
            source: CodeSource::Voice("•••• 0102".into()),
            resend: Some(Resend::Ready),
            delivery: Some((Tone::Warning, "The call did not get through. Ask for another code.".into())),
            other_ways: false,
            ..page.clone()
        };
        let recovery = Self {
            source: CodeSource::Recovery,
            seconds_left: None,
            resend: None,
            delivery: None,
            status_url: None,
            skip: Skip::OwnWish,
            ..page.clone()
        };
        vec![("text", page), ("token, used code", token), ("voice", voice), ("recovery", recovery)]
    }
}

impl Page for MobileIdWaitPage {
    fn samples() -> Vec<(&'static str, Self)> {
        let page = Self {
            layout: samples::plain("Approve on your phone"),
            flow: samples::flow(),
            number: "482915".into(),
            device: "Jennifer's Pixel".into(),
            seconds_left: 300,
            status_url: "/interaction/sample/status".into(),
            other_ways: true,
            skip: Skip::Offered,
            error: None,
        };
        let early = Self {
            error: Some("Your phone has not answered yet. Type the number there, then come back.".into()),
            skip: Skip::OwnWish,
            ..page.clone()
        };
        vec![("waiting", page), ("not yet", early)]
    }
}
