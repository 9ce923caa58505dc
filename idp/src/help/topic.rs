//! The help pages: which there are, what they are called, what stands in them. One file of words each, in
//! `templates/help/topic`, and one picture, in `static/help`.

use stepgate_core::subscriptions::order::{REFUND_DAYS, WARRANTY_DAYS};
use stepgate_core::subscriptions::term::TermStart;

use crate::subscriptions::SubscriptionSettings;

macro_rules! topics {
    ($($(#[$doc:meta])+ $topic:ident = $slug:literal, $title:literal, $lead:literal;)+) => {
        /// A help page.
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        pub enum Topic { $($(#[$doc])+ $topic,)+ }

        impl Topic {
            /// Every page, in the order in which one reads on.
            pub const ALL: &'static [Self] = &[$(Self::$topic,)+];

            /// Its name in the address.
            pub const fn slug(self) -> &'static str {
                match self { $(Self::$topic => $slug,)+ }
            }

            /// Its title.
            pub const fn title(self) -> &'static str {
                match self { $(Self::$topic => $title,)+ }
            }

            /// What it is about, in a sentence.
            pub const fn lead(self) -> &'static str {
                match self { $(Self::$topic => $lead,)+ }
            }

            /// Its address.
            pub const fn path(self) -> &'static str {
                match self { $(Self::$topic => concat!("/help/", $slug),)+ }
            }

            /// Its picture.
            pub const fn picture(self) -> &'static str {
                match self { $(Self::$topic => include_str!(concat!("../../static/help/", $slug, ".svg")),)+ }
            }

            /// Its words, as they are written.
            const fn written(self) -> &'static str {
                match self { $(Self::$topic => include_str!(concat!("../../templates/help/topic/", $slug, ".html")),)+ }
            }
        }
    };
}

topics! {
    /// The first one to read.
    GetStarted = "get-started", "Get Started",
        "From nothing to an application that lets you in, and how it stays so.";
    /// What all of it is for.
    Overview = "overview", "OTP Overview",
        "What a credential is, which kinds there are, and what the words on the pages mean.";
    /// Codes by text and call.
    PhoneOtp = "phone-otp", "Phone OTP", "Codes by text, or told in a call.";
    /// Approvals in the app.
    MobileId = "mobile-id", "Mobile ID", "Approve on your phone; codes work without a network.";
    /// Codes of a device.
    HardwareToken = "hardware-token", "OTP Hardware Token", "A small device that shows codes and needs nothing else.";
    /// FIDO2 keys and passkeys.
    SecurityKey = "security-key", "Security Key", "A FIDO2 key or passkey that no copy of our page can use.";
    /// Who a person is.
    IdentityProofing = "identity-proofing", "Identity Proofing",
        "Somebody checks once who you are; it counts for all that you hold.";
    /// Before a call with an agent.
    VideoProofing = "video-proofing", "Prepare for Video Proofing",
        "What to have ready before you meet a proofing agent.";
    /// When something does not work.
    SelfHelp = "self-help", "OTP Self-Help", "Forgotten, lost, out of step: what you can do yourself, at once.";
    /// Buying and keeping.
    Renewals = "renewals", "Credential Purchase and Renewals FAQ",
        "How to buy, what a license key is, when to renew, what can be given back.";
    /// When an application refuses.
    ApplicationAccess = "application-access", "Application Access FAQ",
        "Why an application does not let you in, and what mends it.";
}

/// One heading of a page: its id and its words.
pub type Heading = (&'static str, &'static str);

impl Topic {
    /// The page of this name.
    pub fn of_slug(slug: &str) -> Option<Self> {
        Self::ALL.iter().copied().find(|topic| topic.slug() == slug)
    }

    /// Its headings, for *Page contents*.
    pub fn headings(self) -> Vec<Heading> {
        let heading = |rest: &'static str| {
            let (id, rest) = rest.split_once("\">")?;
            Some((id, rest.split_once("</h2>")?.0))
        };
        self.written().split("<h2 id=\"").skip(1).filter_map(heading).collect()
    }

    /// Its words, with the rules of this deployment in them.
    pub fn words(self, settings: &SubscriptionSettings) -> String {
        let rules = settings.rules();
        let starts = if rules.starts == TermStart::Activation { "activation" } else { "purchase" };
        self.written()
            .replace("{opens}", &rules.opens_days_before.to_string())
            .replace("{closes}", &rules.closes_months_after.to_string())
            .replace("{refund}", &REFUND_DAYS.to_string())
            .replace("{warranty}", &WARRANTY_DAYS.to_string())
            .replace("{starts}", starts)
    }

    /// The page before it and the one after.
    pub fn neighbours(self) -> (Option<Self>, Option<Self>) {
        let place = Self::ALL.iter().position(|topic| *topic == self).unwrap_or(0);
        let at = |place: usize| Self::ALL.get(place).copied();
        (place.checked_sub(1).and_then(at), at(place + 1))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The page that a link of ours leads to, if it is one of the help pages.
    fn leads_nowhere(link: &str) -> bool {
        let Some(rest) = link.strip_prefix("/help/") else { return false };
        let (slug, id) = rest.split_once('#').unwrap_or((rest, ""));
        match Topic::of_slug(slug) {
            Some(topic) => !id.is_empty() && topic.headings().iter().all(|(known, _)| *known != id),
            None => !matches!(slug, "user-id" | "password"),
        }
    }

    #[test]
    fn every_page_is_whole_and_leads_somewhere() {
        let settings = SubscriptionSettings::default();
        for topic in Topic::ALL {
            let words = topic.words(&settings);
            assert!(!words.contains('{') && !words.contains(" style=") && !words.contains("<script"), "{topic:?}");
            assert!(topic.headings().len() >= 3, "{topic:?}");
            assert!(topic.picture().contains("role=\"img\" aria-label=\""), "{topic:?}");
            for link in words.split("href=\"").skip(1).filter_map(|rest| rest.split('"').next()) {
                let own =
                    link.strip_prefix('#').is_some_and(|id| topic.headings().iter().any(|(known, _)| *known == id));
                assert!(own || link.starts_with('/') && !leads_nowhere(link), "{topic:?}: {link}");
            }
        }
        assert!(Topic::Renewals.words(&settings).contains("From 60 days before the end until 12 months after it"));
        assert_eq!(Topic::GetStarted.neighbours(), (None, Some(Topic::Overview)));
        assert_eq!(Topic::ApplicationAccess.neighbours(), (Some(Topic::Renewals), None));
    }
}
