//! Manage OTP and the pages behind it: one card per credential, enrolment, tests, small forms.

use askama::Template;
use stepgate_core::assurance::{CredentialKind, CredentialState};

use super::Page;
use super::form::{Control, Field, Form};
use super::layout::{Banner, Layout, Section};
use super::parts::{Action, Tone, kind_icon, kind_name, state_tone};
use super::samples;
use super::when::{When, duration_text};
use crate::help::{self, Topic};
use crate::words::Language;

/// One number of a Phone OTP credential.
#[derive(Clone, Debug)]
pub struct PhoneRow {
    /// `•••• 0101`.
    pub masked: String,
    /// `Text and call`.
    pub channels: String,
    /// Whether it is offered first.
    pub preferred: bool,
    /// *Remove*, *Use first*.
    pub actions: Vec<Action>,
}

/// One credential.
#[derive(Clone, Debug)]
pub struct CredentialCard {
    /// Its id; the card's element id is `credential-{id}`.
    pub id: String,
    /// Its kind.
    pub kind: CredentialKind,
    /// The name that its holder gave it.
    pub label: String,
    /// Its serial number or masked number.
    pub number: Option<String>,
    /// Its state.
    pub state: CredentialState,
    /// Whether the person is proofed.
    pub proofed: bool,
    /// Whether this session has shown it.
    pub shown: bool,
    /// When its subscription was bought.
    pub bought: Option<When>,
    /// When its subscription ends.
    pub expires: Option<When>,
    /// When it was last used.
    pub last_used: Option<When>,
    /// What needs attention: `It cannot elevate until it is renewed.`
    pub note: Option<String>,
    /// The numbers, for Phone OTP.
    pub phones: Vec<PhoneRow>,
    /// What the state asks for: *Activate*, *Renew*.
    pub primary: Option<Action>,
    /// The rest: *Elevate*, *View Details*, *Test*, *Resync*, *Rename*, *Suspend*, *Report lost*, *Revoke*.
    pub actions: Vec<Action>,
}

impl CredentialCard {
    pub(crate) fn icon(&self) -> &'static str {
        kind_icon(self.kind)
    }

    pub(crate) fn kind_name(&self, language: Language) -> String {
        language.kind(self.kind)
    }

    pub(crate) fn state_name(&self, language: Language) -> String {
        language.state(self.state)
    }

    pub(crate) fn tone(&self) -> Tone {
        state_tone(self.state)
    }

    /// Where its holder reads on: what its state asks for, else how it works.
    pub(crate) fn help_path(&self) -> String {
        let topic = match (self.state, self.kind) {
            (CredentialState::Expired, _) => return "/help/renewals#late".to_owned(),
            (CredentialState::Suspended | CredentialState::Locked | CredentialState::Revoked, _) => {
                return "/help/overview#states".to_owned();
            }
            (_, CredentialKind::PhoneOtp) => Topic::PhoneOtp,
            (_, CredentialKind::MobileId) => Topic::MobileId,
            (_, CredentialKind::HardwareToken) => Topic::HardwareToken,
            (_, CredentialKind::SecurityKey) => Topic::SecurityKey,
            (_, CredentialKind::Password | CredentialKind::Recovery) => Topic::SelfHelp,
        };
        let part = if self.state == CredentialState::Pending { "#set-up" } else { "" };
        format!("{}{part}", help::link(topic))
    }

    pub(crate) fn expires_word(&self) -> &'static str {
        if self.state == CredentialState::Expired { "expired" } else { "expires" }
    }
}

/// What needs attention first, and the one button that helps.
#[derive(Clone, Debug)]
pub struct StatusCard {
    /// How much.
    pub tone: Tone,
    /// `Phone OTP has expired`.
    pub heading: String,
    /// What that means.
    pub text: String,
    /// *Renew*, *Activate*.
    pub action: Option<Action>,
}

/// Manage OTP: everything about a person's credentials.
#[derive(Clone, Debug, Template)]
#[template(path = "account/manage-otp.html")]
pub struct ManageOtpPage {
    /// The frame.
    pub layout: Layout,
    /// What needs attention first.
    pub status: Option<StatusCard>,
    /// *Elevate*: its element id becomes `elevate`. `None` when the session has shown all that the person holds.
    pub elevate: Option<Action>,
    /// The credentials.
    pub cards: Vec<CredentialCard>,
    /// Below: purchase another, *I have a license key*, recovery codes.
    pub more: Vec<Action>,
    /// What was just done: `Phone removed.`
    pub done: Option<String>,
}

impl ManageOtpPage {
    /// How *Elevate* looks: it is the filled button where nothing comes before it.
    pub(crate) fn elevate_look(&self) -> &'static str {
        let first = self.status.as_ref().is_some_and(|status| status.action.is_some());
        if first { "" } else { "main" }
    }

    /// What a card has to say that the status above it does not say already.
    pub(crate) fn note_of<'a>(&self, card: &'a CredentialCard) -> Option<&'a String> {
        let said = self.status.as_ref().map(|status| &status.text);
        card.note.as_ref().filter(|note| Some(*note) != said)
    }

    /// The way to a credential, which is the main button of somebody who has none and for whom nothing waits.
    pub(crate) fn first_step(&self) -> Option<&Action> {
        let nothing = self.cards.is_empty() && self.status.is_none();
        self.more.iter().find(|action| action.id == FIRST_STEP).filter(|_| nothing)
    }
}

/// The element id of the way to a credential.
pub const FIRST_STEP: &str = "get";

/// Binds a phone as Mobile ID: the app reads the picture or the code, then shows six digits that are typed here.
#[derive(Clone, Debug, Template)]
#[template(path = "account/mobile-enrol.html")]
pub struct MobileEnrolPage {
    /// The frame.
    pub layout: Layout,
    /// The picture: an `<svg>` without inline style.
    pub qr_svg: String,
    /// The code to type instead of the picture.
    pub code: String,
    /// Where the app is found.
    pub app_url: String,
    /// How long both work, in seconds.
    pub seconds_left: u64,
    /// Where the form posts to: field `digits`.
    pub action: String,
    /// What is wrong with the digits.
    pub error: Option<String>,
}

impl MobileEnrolPage {
    pub(crate) fn time_left(&self) -> String {
        duration_text(self.seconds_left)
    }
}

/// Recovery codes, shown once.
#[derive(Clone, Debug, Template)]
#[template(path = "account/recovery-codes.html")]
pub struct RecoveryCodesPage {
    /// The frame.
    pub layout: Layout,
    /// The codes.
    pub codes: Vec<String>,
    /// Back to Manage OTP; its id becomes `continue`.
    pub done: Action,
}

/// A page with one form: rename, resync, add a phone, confirm a code, redeem a key.
#[derive(Clone, Debug, Template)]
#[template(path = "account/form.html")]
pub struct FormPage {
    /// The frame.
    pub layout: Layout,
    /// The page's name: `otp-resync`.
    pub page: &'static str,
    /// Its heading.
    pub heading: String,
    /// What it is about.
    pub lead: String,
    /// The form.
    pub form: Form,
    /// Back; its id becomes `cancel`.
    pub back: Action,
}

fn card(id: &str, kind: CredentialKind, state: CredentialState) -> CredentialCard {
    let act =
        |name: &str, label: &str| Action::link(format!("{name}-{id}"), label, format!("/account/otp/{id}/{name}"));
    CredentialCard {
        id: id.into(),
        kind,
        label: kind_name(kind).into(),
        number: None,
        state,
        proofed: false,
        shown: false,
        bought: Some(samples::date(-300 * 86_400)),
        expires: Some(samples::date(65 * 86_400)),
        last_used: Some(samples::when(-1_200)),
        note: None,
        phones: vec![],
        primary: None,
        actions: vec![
            act("details", "View details"),
            act("test", "Test"),
            act("rename", "Rename"),
            Action::post(format!("lost-{id}"), "Report lost", format!("/account/otp/{id}/lost")).dangerous(),
        ],
    }
}

impl Page for ManageOtpPage {
    fn samples() -> Vec<(&'static str, Self)> {
        let elevate = Action::post("elevate", "Elevate", "/account/elevate");
        let phone_row = |id: &str, masked: &str, preferred| PhoneRow {
            masked: masked.into(),
            channels: "Text and call".into(),
            preferred,
            actions: vec![
                Action::post(format!("remove-{id}"), "Remove", "/account/otp/phones/remove").with("phone", id),
            ],
        };
        let mut phone = card("c1", CredentialKind::PhoneOtp, CredentialState::Active);
        phone.shown = true;
        phone.expires = Some(samples::date(12 * 86_400));
        phone.primary = Some(Action::link("renew-c1", "Renew", "/account/otp/c1/renew"));
        phone.phones = vec![phone_row("p1", "•••• 0101", true), phone_row("p2", "•••• 0102", false)];
        let mut token = card("c2", CredentialKind::HardwareToken, CredentialState::Active);
        token.label = "Desk token".into();
        token.number = Some("HT-0002".into());
        token.proofed = true;
        token.actions.insert(0, Action::post("elevate-c2", "Elevate", "/account/elevate").with("credential", "c2"));
        token.actions.insert(3, Action::link("resync-c2", "Resync", "/account/otp/c2/resync"));
        let mut expired = card("c3", CredentialKind::MobileId, CredentialState::Expired);
        expired.note = Some("It cannot elevate until you renew it. Your phone and your proofing stay.".into());
        expired.expires = Some(samples::date(-20 * 86_400));
        expired.primary = Some(Action::link("renew-c3", "Renew", "/account/otp/c3/renew"));
        let mut pending = card("c4", CredentialKind::MobileId, CredentialState::Pending);
        pending.last_used = None;
        pending.primary = Some(Action::link("activate-c4", "Activate", "/account/otp/c4/activate"));
        pending.actions = vec![];
        let more = vec![
            Action::link(FIRST_STEP, "Get another credential", "/account/otp/get"),
            Action::link("license", "I have a license key", "/account/otp/license"),
            Action::link("recovery", "Recovery codes", "/account/otp/recovery"),
        ];
        let mut layout = samples::portal("Manage OTP", Section::ManageOtp);
        layout.banner = Some(Banner {
            tone: Tone::Warning,
            text: "Phone OTP expires in 12 days.".into(),
            action: Some(Action::link("banner-renew", "Renew", "/account/otp/c1/renew")),
        });
        let status = StatusCard {
            tone: Tone::Danger,
            heading: "Mobile ID has expired".into(),
            text: "It cannot elevate until it is renewed; your device and your proofing stay.".into(),
            action: Some(Action::post("status-action", "Renew", "/cart/add").with("for", "renew:c3")),
        };
        let page = Self {
            layout,
            status: Some(status),
            elevate: Some(elevate),
            cards: vec![phone, token, expired, pending],
            more: more.clone(),
            done: None,
        };
        let mut proofed = samples::portal("Manage OTP", Section::ManageOtp);
        if let Some(account) = &mut proofed.account {
            account.strength.label = "OTP Hardware Token, proofed".into();
            account.strength.proofed = true;
            account.strength.shown.push(CredentialKind::HardwareToken);
            account.strength.risen = Some(CredentialKind::HardwareToken);
        }
        let mut cards: Vec<_> = page.cards.iter().take(2).cloned().collect();
        for card in &mut cards {
            card.shown = true;
            card.proofed = true;
            card.actions.retain(|action| !action.id.starts_with("elevate"));
        }
        let risen = Self {
            layout: proofed,
            status: None,
            elevate: None,
            cards,
            done: Some("Your session now shows OTP Hardware Token.".into()),
            ..page.clone()
        };
        let empty = Self {
            layout: samples::portal("Manage OTP", Section::ManageOtp),
            status: None,
            elevate: None,
            cards: vec![],
            more,
            done: None,
        };
        vec![("four cards", page), ("just elevated", risen), ("empty", empty)]
    }
}

impl Page for MobileEnrolPage {
    fn samples() -> Vec<(&'static str, Self)> {
        let qr_svg = qrcode::QrCode::new(b"stepgate://enrol?code=K7MQ-2RTX-9VHB")
            .map(|code| code.render::<qrcode::render::svg::Color<'_>>().quiet_zone(true).build())
            .unwrap_or_default();
        let page = Self {
            layout: samples::portal("Set up Mobile ID", Section::ManageOtp),
            qr_svg: qr_svg.split_once("?>").map_or(qr_svg.clone(), |(_, svg)| svg.to_owned()),
            code: "K7MQ-2RTX-9VHB".into(),
            app_url: "https://id.example/mobile".into(),
            seconds_left: 600,
            action: "/account/otp/c4/activate".into(),
            error: None,
        };
        let error = Self {
            error: Some("Those are not the digits that the app shows. Look again and type all six.".into()),
            ..page.clone()
        };
        vec![("first", page), ("wrong digits", error)]
    }
}

impl Page for RecoveryCodesPage {
    fn samples() -> Vec<(&'static str, Self)> {
        let codes = [
            "33QN-9627-RMAC-8GHP-MBCE-ZRBQ",
            "S4K5-5WEX-SPPR-RCZR-HUR9-Y3JW",
            "DZ39-NDUT-ZZPS-89AD-G8X7-YVHR",
            "AWWK-56NH-J54D-RKWQ-CA8J-HQ6T",
            "B48U-BZVV-TN89-6PGW-XSW6-BS3F",
            "42S4-TWQF-2T4B-AXXE-H65N-2S75",
            "96ZK-9M8K-Q6MT-SNP5-2GFT-U3JK",
            "W97S-7N48-79X8-CHCD-X48E-48A8",
            "VAVM-KMTR-FUZM-V4KJ-EYKW-JPPE",
            "PWMM-XD2R-QJ9Z-GT9F-QZSH-ZJMQ",
        ];
        let page = Self {
            layout: samples::portal("Recovery codes", Section::ManageOtp),
            codes: codes.map(Into::into).to_vec(),
            done: Action::link("continue", "I have kept them", "/account/otp"),
        };
        vec![("ten", page)]
    }
}

impl Page for FormPage {
    fn samples() -> Vec<(&'static str, Self)> {
        let back = Action::link("cancel", "Back to Manage OTP", "/account/otp");
        let resync = Self {
            layout: samples::portal("Resync a token", Section::ManageOtp),
            page: "otp-resync",
            heading: "Resync token HT-0002".into(),
            lead: "Type two codes in a row. We then know where your token is.".into(),
            form: Form::main(
                "/account/otp/c2/resync",
                "Resync",
                vec![
                    Field::required("code", "First code", Control::Digits, "123456"),
                    Field::required("next_code", "The code after it", Control::Digits, "123456")
                        .help("Wait until the token shows a new one.")
                        .error("This is the first code again. Wait for the next one and type that."),
                ],
            ),
            back: back.clone(),
        };
        let remove = Self {
            page: "otp-lost",
            heading: "Report Desk token lost".into(),
            lead: "Do this when you no longer have it, or when somebody else may.".into(),
            form: Form {
                submit_id: "continue".into(),
                ..Form::side(
                    "lost",
                    "/account/otp/c2/lost",
                    "Report lost",
                    vec![Field::optional("note", "What happened?", Control::Lines, "")],
                )
                .dangerous("Token HT-0002 stops working at once, for everybody. It cannot be used again.")
            },
            back: back.clone(),
            ..resync.clone()
        };
        vec![("resync, same code", resync), ("report lost", remove)]
    }
}
