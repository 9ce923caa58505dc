//! Connecting a device that has no browser of its own.

use askama::Template;

use super::Page;
use super::consent::ScopeView;
use super::layout::Layout;
use super::login::Flow;
use super::parts::Tone;
use super::samples;
use super::when::When;

/// Asks for the code that a device shows, or says how it ended. Field `user_code`; button `continue`.
#[derive(Clone, Debug, Template)]
#[template(path = "login/device.html")]
pub struct DevicePage {
    /// The frame.
    pub layout: Layout,
    /// The hidden `csrf` field.
    pub csrf: String,
    /// What is on it.
    pub view: DeviceView,
}

/// What is on the page.
#[derive(Clone, Debug)]
pub enum DeviceView {
    /// The field for the code.
    Ask {
        /// What is in it already.
        code: String,
        /// What is wrong with it.
        error: Option<String>,
    },
    /// The end.
    Ended(Ended),
}

/// How it ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ended {
    /// The device is let in.
    Allowed,
    /// It is not.
    Refused,
    /// The code is over.
    Over,
}

impl Ended {
    pub(crate) const fn tone(self) -> Tone {
        match self {
            Self::Allowed => Tone::Ok,
            Self::Refused => Tone::Notice,
            Self::Over => Tone::Warning,
        }
    }

    pub(crate) const fn is_over(self) -> bool {
        matches!(self, Self::Over)
    }

    pub(crate) const fn heading(self) -> &'static str {
        match self {
            Self::Allowed => "Your device is connected",
            Self::Refused => "The device was not connected",
            Self::Over => "That code has ended",
        }
    }

    pub(crate) const fn text(self) -> &'static str {
        match self {
            Self::Allowed => "Go back to it: it goes on by itself in a few seconds. You can close this page.",
            Self::Refused => "It has been told so, and got nothing. You can close this page.",
            Self::Over => {
                "It was answered already, or it took too long. Ask your device for a new code if it still waits."
            }
        }
    }
}

/// Asks whether the device may. Buttons `decision` = `allow` / `deny`.
#[derive(Clone, Debug, Template)]
#[template(path = "login/device-confirm.html")]
pub struct DeviceConfirmPage {
    /// The frame.
    pub layout: Layout,
    /// The interaction.
    pub flow: Flow,
    /// The user ID of the person.
    pub username: String,
    /// The network address that the device asked from.
    pub place: String,
    /// Whether this browser is at the same address.
    pub same_place: bool,
    /// When it asked.
    pub asked: When,
    /// What it asks for.
    pub scopes: Vec<ScopeView>,
}

impl Page for DevicePage {
    fn samples() -> Vec<(&'static str, Self)> {
        let page = |view| Self { layout: samples::plain("Connect a device"), csrf: "sample".into(), view };
        let error =
            "No device shows that code now. Compare it letter by letter; if it took long, the device has a new one.";
        vec![
            ("ask", page(DeviceView::Ask { code: String::new(), error: None })),
            ("prefilled", page(DeviceView::Ask { code: "WDJB-MJHT".into(), error: None })),
            ("error", page(DeviceView::Ask { code: "WDJB-MJHH".into(), error: Some(error.into()) })),
            ("allowed", page(DeviceView::Ended(Ended::Allowed))),
            ("refused", page(DeviceView::Ended(Ended::Refused))),
            ("over", page(DeviceView::Ended(Ended::Over))),
        ]
    }
}

impl Page for DeviceConfirmPage {
    fn samples() -> Vec<(&'static str, Self)> {
        let scope = |title: &str, detail: &str| ScopeView { title: title.into(), detail: detail.into(), known: false };
        let page = Self {
            layout: samples::plain("Connect a device"),
            flow: samples::flow(),
            username: "bluej_4804".into(),
            place: "203.0.113.9".into(),
            same_place: true,
            asked: samples::when(-120),
            scopes: vec![
                scope("Know who you are", "A number that stands for your account"),
                scope("See your email address", "jennifer.blue@iron-builders.example"),
            ],
        };
        let elsewhere = Self { place: "2001:db8:85a3::8a2e:370:7334".into(), same_place: false, ..page.clone() };
        vec![("same network", page), ("elsewhere", elsewhere)]
    }
}
