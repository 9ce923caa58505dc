//! `/help/user-id`, `/help/password`, `/help/password/new`, `/help/undo`: pages for people who are not logged in.

use std::sync::Arc;

use axum::Router;
use axum::extract::Query;
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::Response;
use axum::routing::{get, post};
use serde::Deserialize;
use stepgate_core::authorize::interaction::{Interaction, Purpose, Want};
use stepgate_core::credentials::password;
use stepgate_core::secret::SecretString;

use super::links::{self, Forgotten, Opened};
use super::resets;
use crate::app::App;
use crate::cx::Cx;
use crate::http::extract::{Browser, Form};
use crate::http::page::{PageFailure, see_other, with_browser, with_cookie};
use crate::login::Parked;
use crate::pages::form::{Control, Field, Form as PageForm};
use crate::pages::self_help::SelfHelpPage;
use crate::pages::{self, Action, Layout};
use crate::session;

/// The routes.
pub fn routes() -> Router<Arc<App>> {
    Router::new()
        .route("/help/user-id", get(get_user_id).post(post_user_id))
        .route("/help/password", get(get_password).post(post_password))
        .route("/help/password/new", get(get_new).post(post_new))
        .route("/help/password/factor", post(post_factor))
        .route("/help/undo", get(get_undo).post(post_undo))
}

/// What a mailed address carries.
#[derive(Deserialize)]
struct Carried {
    #[serde(default)]
    link: String,
}

/// The words of one page.
struct Words<'a> {
    page: &'static str,
    title: &'a str,
    lead: &'a str,
}

fn page(
    cx: &Cx,
    browser: &Browser,
    (status, words): (StatusCode, Words<'_>),
    form: Option<PageForm>,
    actions: Vec<Action>,
) -> Response {
    let page = SelfHelpPage {
        layout: Layout::plain(words.title, cx.app.demo),
        page: words.page,
        csrf: browser.csrf(&cx.app),
        heading: words.title.to_owned(),
        lead: words.lead.to_owned(),
        form,
        actions,
    };
    with_browser(cx, browser, pages::respond(status, &page))
}

fn sign_in() -> Action {
    Action::link("cancel", "Back to sign in", "/account")
}

/// The form for something forgotten, with what is wrong with what was typed.
fn question(cx: &Cx, browser: &Browser, forgotten: Forgotten, error: Option<&str>) -> Response {
    let (words, field, path) = match forgotten {
        Forgotten::UserId => (
            Words {
                page: "forgot-user-id",
                title: "Forgot your user ID?",
                lead: "Type your email address. If it belongs to an account, we mail the user ID there.",
            },
            Field::required("login", "Email address", Control::Text, ""),
            "/help/user-id",
        ),
        Forgotten::Password => (
            Words {
                page: "forgot-password",
                title: "Forgot your password?",
                lead: "Type your user ID or email address. If there is such an account, we mail a link to its address.",
            },
            Field::required("login", "User ID or email address", Control::Text, ""),
            "/help/password",
        ),
    };
    let field = if let Some(error) = error { field.error(error) } else { field };
    let form = PageForm::main(path, "Send the mail", vec![field]);
    page(cx, browser, (StatusCode::OK, words), Some(form), vec![sign_in()])
}

async fn get_user_id(cx: Cx, browser: Browser) -> Response {
    question(&cx, &browser, Forgotten::UserId, None)
}

async fn get_password(cx: Cx, browser: Browser) -> Response {
    question(&cx, &browser, Forgotten::Password, None)
}

async fn post_user_id(form: Form) -> Response {
    asked(&form, Forgotten::UserId).await.unwrap_or_else(|failure| failure.respond(&form.cx))
}

async fn post_password(form: Form) -> Response {
    asked(&form, Forgotten::Password).await.unwrap_or_else(|failure| failure.respond(&form.cx))
}

/// The same for everybody, whoever exists (OWASP ASVS 6.3.8).
async fn asked(form: &Form, forgotten: Forgotten) -> Result<Response, PageFailure> {
    let (cx, typed) = (&form.cx, form.get("login"));
    if typed.is_empty() || typed.len() > 320 {
        return Ok(question(cx, &form.browser, forgotten, Some("Type it in full.")));
    }
    if !links::ask(cx, forgotten, typed).await? {
        let words = Words {
            page: "mail-refused",
            title: "Wait a little",
            lead: "Too many mails were asked for from here. Nothing was sent. Try again in ten minutes.",
        };
        let mut response = page(cx, &form.browser, (StatusCode::TOO_MANY_REQUESTS, words), None, vec![sign_in()]);
        response.headers_mut().insert(header::RETRY_AFTER, HeaderValue::from(links::WINDOW.as_secs()));
        return Ok(response);
    }
    let words = Words {
        page: "mail-sent",
        title: "Look into your mail",
        lead: "If what you typed belongs to an account, a mail is on its way to its address. It takes a minute or two; \
               look into the spam folder as well. Nothing comes? Then we do not know the address, or sent several mails \
               within the hour.",
    };
    Ok(page(cx, &form.browser, (StatusCode::OK, words), None, vec![sign_in()]))
}

async fn get_new(cx: Cx, browser: Browser, Query(carried): Query<Carried>) -> Response {
    let shown = async {
        let live = session::find(&cx, browser.session.as_deref()).await?;
        Ok(match links::open(&cx, &carried.link, live.as_ref()).await? {
            Some(opened) => choose(&cx, &browser, &opened, (&carried.link, None)),
            None => over(&cx, &browser),
        })
    };
    shown.await.unwrap_or_else(|failure: PageFailure| failure.respond(&cx))
}

fn over(cx: &Cx, browser: &Browser) -> Response {
    let words = Words {
        page: "link-over",
        title: "This link does not work any more",
        lead: "It was used already, a newer password took its place, or it is too old. Nothing was changed. Ask for \
               another one if you still need it.",
    };
    let again = Action::link("continue", "Ask for another link", "/help/password");
    page(cx, browser, (StatusCode::GONE, words), None, vec![again, sign_in()])
}

/// The page for the new password; or, before it, the one that leads to the second factor.
fn choose(cx: &Cx, browser: &Browser, opened: &Opened, (link, error): (&str, Option<&str>)) -> Response {
    let hidden = Field::required("link", "", Control::Hidden, link);
    if opened.needs_factor {
        let words = Words {
            page: "new-password-factor",
            title: "One more thing first",
            lead: "This account has a second factor. Show it, then choose the new password. A mail alone is not enough.",
        };
        let form = PageForm::main("/help/password/factor", "Go on", vec![hidden]);
        let stuck = Action::link("none-works", "I cannot show it any more", "/help#device");
        return page(cx, browser, (StatusCode::OK, words), Some(form), vec![stuck]);
    }
    let mut first = Field::required("password", "New password", Control::Password, "")
        .help("At least 8 characters. A few words in a row are easy to remember.");
    first.error = error.map(str::to_owned);
    let fields = vec![
        hidden,
        first,
        Field::required("again", "The same again", Control::Password, ""),
        Field::optional("end_others", "Sign out everywhere else", Control::Tick, "1"),
    ];
    let words =
        Words { page: "new-password", title: "Choose a new password", lead: "It replaces the old one at once." };
    let form = PageForm::main("/help/password/new", "Set the password", fields);
    page(cx, browser, (StatusCode::OK, words), Some(form), vec![sign_in()])
}

/// Leads to the second factor: the engine of every login, in a session that is none yet.
async fn post_factor(form: Form) -> Response {
    let cx = form.cx.clone();
    let begun = async {
        let live = session::find(&cx, form.browser.session.as_deref()).await?;
        let Some(opened) = links::open(&cx, form.get("link"), live.as_ref()).await? else {
            return Ok(over(&cx, &form.browser));
        };
        let renewed = links::begin_factor(&cx, &opened, live).await?;
        let purpose =
            Purpose::Elevate { person: opened.person.id, session: renewed.live.session.id, want: Want::NewPassword };
        let parked = Parked::begin(&cx, form.browser.token(), Interaction::begin(purpose, cx.now)).await?;
        Ok(renewed.cookies.into_iter().fold(see_other(&parked.path()), with_cookie))
    };
    begun.await.unwrap_or_else(|failure: PageFailure| failure.respond(&cx))
}

async fn post_new(form: Form) -> Response {
    let cx = form.cx.clone();
    set(&cx, &form).await.unwrap_or_else(|failure| failure.respond(&cx))
}

async fn set(cx: &Cx, form: &Form) -> Result<Response, PageFailure> {
    let (browser, link) = (&form.browser, form.get("link"));
    let live = session::find(cx, browser.session.as_deref()).await?;
    let Some(opened) = links::open(cx, link, live.as_ref()).await? else { return Ok(over(cx, browser)) };
    if opened.needs_factor {
        return Ok(choose(cx, browser, &opened, (link, None)));
    }
    let typed = SecretString::new(form.raw("password").to_owned());
    if form.raw("password") != form.raw("again") {
        return Ok(choose(cx, browser, &opened, (link, Some("The two are not the same. Type both again."))));
    }
    if let Err(error) = password::check(&typed, &opened.person.username) {
        return Ok(choose(cx, browser, &opened, (link, Some(&error.to_string()))));
    }
    if !links::redeem(cx, &opened, typed, !form.get("end_others").is_empty()).await? {
        return Ok(over(cx, browser));
    }
    let words = Words {
        page: "password-changed",
        title: "Your password is changed",
        lead: "The old one does not work any more. We told every address of yours about it.",
    };
    let go = Action::link("continue", "Sign in", "/account");
    Ok(page(cx, browser, (StatusCode::OK, words), None, vec![go]))
}

async fn get_undo(cx: Cx, browser: Browser, Query(carried): Query<Carried>) -> Response {
    let shown = async {
        if resets::find_by_link(&cx, &carried.link).await?.is_none() {
            return Ok(nothing_to_stop(&cx, &browser));
        }
        let words = Words {
            page: "undo-reset",
            title: "Stop the reset?",
            lead: "Our help desk was asked to let you set up a new device because all of yours were said to be lost. If \
                   that was not you, stop it. Nothing is lost by it: whoever needs a reset can ask again.",
        };
        let fields = vec![Field::required("link", "", Control::Hidden, carried.link.clone())];
        let form = PageForm::main("/help/undo", "That was not me: stop it", fields);
        Ok(page(&cx, &browser, (StatusCode::OK, words), Some(form), Vec::new()))
    };
    shown.await.unwrap_or_else(|failure: PageFailure| failure.respond(&cx))
}

async fn post_undo(form: Form) -> Response {
    let cx = form.cx.clone();
    let done = async {
        if !resets::undo(&cx, form.get("link")).await? {
            return Ok(nothing_to_stop(&cx, &form.browser));
        }
        let words = Words {
            page: "reset-undone",
            title: "The reset is stopped",
            lead: "Nothing was changed. Somebody asked for it in your name: change your password if you use it anywhere \
                   else, and tell support.",
        };
        let change = Action::link("continue", "Change my password", "/account/password");
        Ok(page(&cx, &form.browser, (StatusCode::OK, words), None, vec![change]))
    };
    done.await.unwrap_or_else(|failure: PageFailure| failure.respond(&cx))
}

fn nothing_to_stop(cx: &Cx, browser: &Browser) -> Response {
    let words = Words {
        page: "link-over",
        title: "There is nothing to stop",
        lead: "This reset was stopped before, was finished, or has lapsed. If you did not ask for one, change your \
               password, look at your devices under Manage OTP, and tell support.",
    };
    page(cx, browser, (StatusCode::GONE, words), None, vec![Action::link("continue", "Manage OTP", "/account/otp")])
}
