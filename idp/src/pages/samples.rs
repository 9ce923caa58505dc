//! Every page in every state, for looking at and for checking.

use std::cell::Cell;

use askama::Template;
use jiff::tz::TimeZone;
use stepgate_core::assurance::CredentialKind;
use stepgate_core::time::Timestamp;

use super::layout::{AccountHeader, Layout, Section, StrengthView, all_admin_tabs};
use super::login::{Asking, Flow};
use super::when::When;
use super::*;
use crate::words::Language;

thread_local! {
    /// The language of the samples that are being made.
    static SPOKEN: Cell<Language> = const { Cell::new(Language::English) };
}

/// The samples with everything around them, and all that templates say, in a language. What a sample brings along stays
/// English: it stands for what those who make pages have found out.
///
/// # Errors
/// When a template cannot be rendered.
pub fn all_in(language: Language) -> Result<Vec<(String, String)>, askama::Error> {
    SPOKEN.set(language);
    let pages = all();
    SPOKEN.set(Language::English);
    pages
}

/// The name of each sample (`login--error`) and its HTML.
///
/// # Errors
/// When a template cannot be rendered.
pub fn all() -> Result<Vec<(String, String)>, askama::Error> {
    let mut pages = Vec::new();
    add::<login::LoginPage>("login", &mut pages)?;
    add::<login::PasswordPage>("password", &mut pages)?;
    add::<factor::FactorPage>("factor", &mut pages)?;
    add::<factor::CodePage>("code", &mut pages)?;
    add::<factor::MobileIdWaitPage>("mobile-id-wait", &mut pages)?;
    add::<security_key::SecurityKeyPage>("security-key", &mut pages)?;
    add::<security_key::AddKeyPage>("security-key-add", &mut pages)?;
    add::<mobile_phones::MobilePhonesPage>("mobile-phones", &mut pages)?;
    add::<phones::PhonesPage>("phones", &mut pages)?;
    add::<phones::PhoneCodePage>("phone-code", &mut pages)?;
    add::<consent::ConsentPage>("consent", &mut pages)?;
    add::<device::DevicePage>("device", &mut pages)?;
    add::<device::DeviceConfirmPage>("device-confirm", &mut pages)?;
    add::<requirements::RequirementsNotMetPage>("requirements-not-met", &mut pages)?;
    add::<shop::AcquirePage>("acquire", &mut pages)?;
    add::<shop::ShopPage>("shop", &mut pages)?;
    add::<message::ErrorPage>("error", &mut pages)?;
    add::<message::LogoutConfirmPage>("logout-confirm", &mut pages)?;
    add::<message::LoggedOutPage>("logged-out", &mut pages)?;
    add::<message::FormPostPage>("form-post", &mut pages)?;
    add::<not_me::NotMePage>("not-me", &mut pages)?;
    add::<account::AccountPage>("account", &mut pages)?;
    add::<account::SessionsPage>("sessions", &mut pages)?;
    add::<account::ApplicationsPage>("applications", &mut pages)?;
    add::<account::ConnectionsPage>("account-applications", &mut pages)?;
    add::<otp::ManageOtpPage>("manage-otp", &mut pages)?;
    add::<otp::MobileEnrolPage>("mobile-enrol", &mut pages)?;
    add::<credential::OtpTestPage>("otp-test", &mut pages)?;
    add::<otp::RecoveryCodesPage>("recovery-codes", &mut pages)?;
    add::<otp::FormPage>("form", &mut pages)?;
    add::<self_help::SelfHelpPage>("self-help", &mut pages)?;
    add::<self_help::GuidePage>("guide", &mut pages)?;
    add::<credential::CredentialPage>("credential", &mut pages)?;
    add::<sections::SectionsPage>("sections", &mut pages)?;
    add::<renewals::RenewalsPage>("renewals", &mut pages)?;
    add::<admin::ListPage>("admin-list", &mut pages)?;
    add::<admin::DetailPage>("admin-detail", &mut pages)?;
    add::<developer::ConsolePage>("developer", &mut pages)?;
    add::<demo::DemoPage>("demo", &mut pages)?;
    add::<demo::InboxPage>("demo-inbox", &mut pages)?;
    add::<reports::ReportPage>("admin-reports", &mut pages)?;
    add::<help::HelpIndexPage>("help", &mut pages)?;
    add::<help::HelpTopicPage>("help-topic", &mut pages)?;
    Ok(pages)
}

fn add<P: Page + Template>(name: &str, pages: &mut Vec<(String, String)>) -> Result<(), askama::Error> {
    for (state, page) in P::samples() {
        pages.push((format!("{name}--{}", state.replace([' ', ','], "-").replace("--", "-")), page.render()?));
    }
    Ok(())
}

/// 2 March 2026, 14:05 UTC.
const NOW: Timestamp = Timestamp::from_unix_seconds(1_772_460_300);

fn after(seconds: i64) -> Timestamp {
    Timestamp::from_unix_seconds(NOW.unix_seconds().saturating_add(seconds))
}

pub(super) fn when(seconds: i64) -> When {
    When::new(after(seconds), NOW, &TimeZone::UTC)
}

pub(super) fn date(seconds: i64) -> When {
    When::date(after(seconds), &TimeZone::UTC)
}

pub(super) fn clock(seconds: i64) -> When {
    When::clock(after(seconds), &TimeZone::UTC)
}

pub(super) fn plain(title: &str) -> Layout {
    Layout { language: SPOKEN.get(), ..Layout::plain(title, true) }
}

pub(super) fn portal(title: &str, section: Section) -> Layout {
    let strength = StrengthView {
        label: "Phone OTP".into(),
        shown: vec![CredentialKind::Password, CredentialKind::PhoneOtp],
        risen: None,
        proofed: false,
        since: Some(when(-1200)),
        until: Some(when(7 * 3600)),
    };
    let account = AccountHeader {
        user: "Jennifer Blue".into(),
        user_id: "bluej_4804".into(),
        organization: "Iron Builders LLC".into(),
        strength,
        admin_tabs: if matches!(section, Section::Admin(_)) { all_admin_tabs() } else { Vec::new() },
        developer: matches!(section, Section::Developer(_)),
        csrf: "sample".into(),
    };
    Layout { language: SPOKEN.get(), ..Layout::portal(title, true, section, account) }
}

pub(super) fn flow() -> Flow {
    let application = Asking {
        name: "Iron Works Portal".into(),
        logo: None,
        policy: Some("https://iron-works.example/privacy".into()),
        terms: Some("https://iron-works.example/terms".into()),
    };
    Flow { action: "/interaction/sample".into(), csrf: "sample".into(), application: Some(application) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_page_renders_and_keeps_the_contract() {
        for (name, html) in all().unwrap() {
            let page = name.split("--").next().unwrap();
            assert!(!html.contains(" style=") && !html.contains("<style"), "{name}: inline style");
            assert!(!html.contains("onclick="), "{name}: inline script");
            assert!(html.contains("<main id=\"op-"), "{name}: no main");
            for form in html.split("<form ").skip(1).map(|rest| rest.split("</form>").next().unwrap()) {
                let foreign = form.contains("method=\"get\"") || page == "form-post";
                assert!(foreign || form.contains("name=\"csrf\""), "{name}: a form without csrf");
            }
            let mut ids: Vec<_> = html.split(" id=\"").skip(1).map(|rest| rest.split('"').next().unwrap()).collect();
            let count = ids.len();
            ids.sort_unstable();
            ids.dedup();
            assert_eq!(ids.len(), count, "{name}: an id twice");
        }
    }

    /// Long words and the other direction: nothing is said past the files of words, and the markup holds.
    #[test]
    fn every_page_renders_in_every_language_and_in_the_mirrored_one() {
        for language in [Language::German, Language::Mirrored] {
            let pages = all_in(language).unwrap();
            let start = format!("<html lang=\"{}\" dir=\"{}\">", language.tag(), language.direction());
            let (count, mut spoken) = (pages.len(), 0);
            for (name, html) in pages {
                assert!(html.contains("<main id=\"op-"), "{name}: no main");
                spoken += usize::from(html.contains(&start));
            }
            assert!(spoken * 2 > count, "{spoken} of {count} pages in {language:?}");
        }
        let mirrored = all_in(Language::Mirrored).unwrap();
        let (_, login) = mirrored.iter().find(|(name, _)| name == "login--asked-by-an-application").unwrap();
        assert!(login.contains("Coontiinuuee") && login.contains("name=\"username\""), "{login}");
    }

    /// Scripts and foreign clients rely on these; `continue` is the main button.
    #[test]
    fn pages_carry_the_promised_ids_and_fields() {
        let promised = [
            (
                "login--asked-by-an-application",
                "op-login",
                vec!["id=\"continue\"", "name=\"username\"", "id=\"cancel\""],
            ),
            ("password--first", "op-password", vec!["id=\"continue\"", "name=\"password\""]),
            (
                "factor--four-ways",
                "op-factor",
                vec!["id=\"factor-mobile_id\"", "value=\"phone_otp\"", "id=\"skip-otp\""],
            ),
            (
                "code--text",
                "op-code",
                vec!["id=\"continue\"", "name=\"code\"", "inputmode=\"numeric\"", "one-time-code"],
            ),
            ("mobile-id-wait--waiting", "op-mobile-id-wait", vec!["id=\"continue\"", "id=\"match-number\""]),
            ("consent--three-scopes", "op-consent", vec!["id=\"allow\"", "id=\"deny\""]),
            ("requirements-not-met--mendable", "op-requirements-not-met", vec!["id=\"continue\"", "id=\"cancel\""]),
            ("manage-otp--four-cards", "op-manage-otp", vec!["id=\"elevate\"", "<span id=\"credential-strength\""]),
        ];
        let pages = all().unwrap();
        for (name, main, parts) in promised {
            let (_, html) = pages.iter().find(|(page, _)| page == name).unwrap();
            assert!(html.contains(&format!("<main id=\"{main}\" data-page=\"{}\"", &main[3..])), "{name}");
            for part in parts {
                assert!(html.contains(part), "{name}: no {part}");
            }
        }
        let (_, asked) = pages.iter().find(|(name, _)| name == "factor--one-phone-asked-for").unwrap();
        assert!(!asked.contains("skip-otp") && asked.contains("<strong>Iron Works Portal</strong> asks for"));
    }

    #[test]
    fn the_header_reads_as_people_know_it() {
        let (_, html) = all().unwrap().into_iter().find(|(name, _)| name.starts_with("applications")).unwrap();
        let header = html.split("<p id=\"account-header\">").nth(1).unwrap().split("</p>").next().unwrap();
        let text: String = header.split('<').map(|part| part.rsplit('>').next().unwrap()).collect();
        let expected =
            "User : Jennifer Blue(bluej_4804) | Organization : Iron Builders LLC | Credential Strength : Phone OTP";
        assert_eq!(text, expected);
    }

    #[test]
    fn scripts_read_the_six_digits_in_one_piece() {
        let (_, html) = all().unwrap().into_iter().find(|(name, _)| name.starts_with("mobile-id-wait")).unwrap();
        assert!(html.contains("<output id=\"match-number\""));
        assert!(html.contains("<span>482</span><span>915</span></output>"));
    }
}
