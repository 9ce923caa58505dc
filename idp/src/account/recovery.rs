//! Recovery codes under Manage OTP: making them, using one, and typing the help desk's code.

use std::sync::Arc;

use axum::Router;
use axum::http::StatusCode;
use axum::response::Response;
use axum::routing::{get, post};
use stepgate_core::assurance::{CredentialKind, FactorEvent, Method};
use stepgate_core::authorize::interaction::{Landing, PortalPage};
use stepgate_core::credentials::recovery::FEW;
use stepgate_store::{recovery as store, sessions};

use super::fresh::step_up_at;
use super::{Visitor, visit};
use crate::app::App;
use crate::cx::Cx;
use crate::http::extract::{Browser, Form};
use crate::http::page::{PageFailure, see_other, with_browser, with_cookie};
use crate::pages::form::{Control, Field, Form as PageForm};
use crate::pages::otp::{FormPage, RecoveryCodesPage};
use crate::pages::self_help::{GuideItem, GuidePage};
use crate::pages::{self, Action, Section, Tone, When};
use crate::recovery::codes::{self, Used};
use crate::recovery::resets::{self, Redeemed};

pub(super) fn routes() -> Router<Arc<App>> {
    Router::new()
        .route("/account/otp/recovery", get(get_codes))
        .route("/account/otp/recovery/make", post(post_make))
        .route("/account/otp/recovery/use", get(get_use).post(post_use))
        .route("/account/otp/bind", get(get_bind).post(post_bind))
}

/// The page that a code leads to: Manage OTP, with the words that urge.
const RECOVERED: &str = "/account/otp?done=recovered";

async fn get_codes(cx: Cx, browser: Browser) -> Response {
    let shown = async {
        let visitor = visit(&cx, &browser, PortalPage::ManageOtp).await?;
        let set = store::find_set(&cx.app.db.read, visitor.person.id).await?;
        let (heading, text, label, note) = match set {
            None => (
                "You have none yet".to_owned(),
                "Ten codes to print. Each works once and lets you set up a new device when all others are lost."
                    .to_owned(),
                "Make recovery codes",
                None,
            ),
            Some(set) => {
                let made = When::date(set.made_at, &visitor.zone()).text;
                let few = (set.left <= FEW).then(|| (Tone::Warning, few(set.left)));
                let text = format!("Made on {made}. New ones take the place of all of these.");
                (format!("{} left", set.left), text, "Make new ones", few)
            }
        };
        let page = GuidePage {
            layout: visitor.layout(&cx, "Recovery codes", Section::ManageOtp),
            page: "recovery",
            heading: "Recovery codes".to_owned(),
            lead: "For the day on which nothing else works. Keep them on paper, apart from your devices.".to_owned(),
            note,
            items: vec![GuideItem {
                kind: Some(CredentialKind::Recovery),
                heading,
                text,
                // A recovery code makes no codes: the page does not offer it either.
                actions: (!visitor.is_recovering(&cx))
                    .then(|| Action::post("make", label, "/account/otp/recovery/make"))
                    .into_iter()
                    .collect(),
            }],
            back: Action::link("cancel", "Back to Manage OTP", "/account/otp"),
        };
        Ok(with_browser(&cx, &browser, pages::respond(StatusCode::OK, &page)))
    };
    shown.await.unwrap_or_else(|failure: PageFailure| failure.respond(&cx))
}

fn few(left: u32) -> String {
    match left {
        0 => "All of your recovery codes are used. Make new ones now.".to_owned(),
        1 => "One recovery code is left. Make new ones soon.".to_owned(),
        more => format!("{more} recovery codes are left. Make new ones soon."),
    }
}

async fn post_make(form: Form) -> Response {
    let cx = form.cx.clone();
    let made = async {
        let visitor = visit(&cx, &form.browser, PortalPage::ManageOtp).await?;
        // A recovery code cannot make more of its kind: a stolen one would open the account for ever.
        if visitor.is_recovering(&cx) {
            return Ok(see_other("/account/otp"));
        }
        step_up_at(&cx, &form, &visitor, Landing::RecoveryCodes).await?;
        let codes = codes::make(&cx, &visitor.person).await?;
        let page = RecoveryCodesPage {
            layout: visitor.layout(&cx, "Recovery codes", Section::ManageOtp),
            codes: codes.iter().map(|code| code.grouped().expose().clone()).collect(),
            done: Action::link("continue", "I have kept them", "/account/otp"),
        };
        Ok(pages::respond(StatusCode::OK, &page))
    };
    made.await.unwrap_or_else(|failure: PageFailure| failure.respond(&cx))
}

/// What a page for a typed code says.
struct Asked {
    page: &'static str,
    path: &'static str,
    heading: &'static str,
    lead: &'static str,
}

const USE: Asked = Asked {
    page: "recovery-use",
    path: "/account/otp/recovery/use",
    heading: "Use a recovery code",
    lead: "Type one of your printed codes. It works once, and lets you set up a new device; applications stay closed until \
           you have signed in with that.",
};
const BIND: Asked = Asked {
    page: "bind",
    path: "/account/otp/bind",
    heading: "Type the help desk's code",
    lead: "The help desk reads a code to you, or shows it. It works once, for ten minutes, and lets you set up a new \
           device. Never type a code that came by mail or text.",
};

fn code_page(cx: &Cx, visitor: &Visitor, asked: &Asked, error: Option<&str>) -> Response {
    let mut field = Field::required("code", "Code", Control::Text, "")
        .help("Six groups of four. Capitals, spaces and hyphens do not matter.");
    field.error = error.map(str::to_owned);
    let page = FormPage {
        layout: visitor.layout(cx, asked.heading, Section::ManageOtp),
        page: asked.page,
        heading: asked.heading.to_owned(),
        lead: asked.lead.to_owned(),
        form: PageForm::main(asked.path, "Go on", vec![field]),
        back: Action::link("cancel", "Back", "/account/otp/help"),
    };
    pages::respond(StatusCode::OK, &page)
}

async fn get_use(cx: Cx, browser: Browser) -> Response {
    ask(&cx, &browser, PortalPage::OtpHelp, &USE).await.unwrap_or_else(|failure| failure.respond(&cx))
}

async fn get_bind(cx: Cx, browser: Browser) -> Response {
    ask(&cx, &browser, PortalPage::Bind, &BIND).await.unwrap_or_else(|failure| failure.respond(&cx))
}

async fn ask(cx: &Cx, browser: &Browser, page: PortalPage, asked: &Asked) -> Result<Response, PageFailure> {
    let visitor = visit(cx, browser, page).await?;
    Ok(with_browser(cx, browser, code_page(cx, &visitor, asked, None)))
}

async fn post_use(form: Form) -> Response {
    let cx = form.cx.clone();
    let used = async {
        let visitor = visit(&cx, &form.browser, PortalPage::OtpHelp).await?;
        let text = match codes::use_code(&cx, visitor.live.clone(), &visitor.person, form.raw("code")).await? {
            Used::Accepted(renewed, _) => {
                return Ok(renewed.cookies.into_iter().fold(see_other(RECOVERED), with_cookie));
            }
            // The same button pressed twice: the slower press follows the faster one.
            Used::Again | Used::Locked if was_just_raised(&cx, &visitor).await? => return Ok(see_other(RECOVERED)),
            Used::Malformed(error) => sentence(&error.to_string()),
            Used::Wrong => "That is none of your codes. Compare it with the paper, group by group.".to_owned(),
            Used::Again => "That code was used before. Cross it out, and type another one.".to_owned(),
            Used::Locked => "There were too many tries. Wait a while, or ask the help desk.".to_owned(),
            Used::NoCodes => "No recovery codes were made for this account. Ask the help desk.".to_owned(),
        };
        Ok(code_page(&cx, &visitor, &USE, Some(&text)))
    };
    used.await.unwrap_or_else(|failure: PageFailure| failure.respond(&cx))
}

/// Whether another request of this session has shown a recovery code in the last seconds.
async fn was_just_raised(cx: &Cx, visitor: &Visitor) -> Result<bool, PageFailure> {
    let session = sessions::find_session(&cx.app.db, visitor.live.session.id).await?;
    let fresh = |event: &FactorEvent| {
        event.method == Method::RecoveryCode && cx.now.since(event.at) <= sessions::ROTATION_OVERLAP
    };
    Ok(session.is_some_and(|session| session.ended_at.is_none() && session.events.iter().any(fresh)))
}

async fn post_bind(form: Form) -> Response {
    let cx = form.cx.clone();
    let bound = async {
        let visitor = visit(&cx, &form.browser, PortalPage::Bind).await?;
        let text = match resets::redeem(&cx, visitor.live.clone(), &visitor.person, form.raw("code")).await? {
            Redeemed::Accepted(renewed) => return Ok(renewed.cookies.into_iter().fold(see_other(RECOVERED), with_cookie)),
            Redeemed::NoCode if was_just_raised(&cx, &visitor).await? => return Ok(see_other(RECOVERED)),
            Redeemed::Malformed(error) => sentence(&error.to_string()),
            Redeemed::Wrong => "That is not the code. Have it read to you again, group by group.".to_owned(),
            Redeemed::NoCode => {
                "There is no code for you now: it was used, it is too old, or there were too many tries. Ask the help desk \
                 for another one."
                    .to_owned()
            }
        };
        Ok(code_page(&cx, &visitor, &BIND, Some(&text)))
    };
    bound.await.unwrap_or_else(|failure: PageFailure| failure.respond(&cx))
}

/// An error of the core as a sentence.
fn sentence(text: &str) -> String {
    let mut letters = text.chars();
    letters.next().map(|first| format!("{}{}.", first.to_uppercase(), letters.as_str())).unwrap_or_default()
}
