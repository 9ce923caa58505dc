//! Adding security keys. Giving one up is [`super::change`]'s, as for every credential.

use std::sync::Arc;

use axum::Router;
use axum::http::StatusCode;
use axum::response::Response;
use axum::routing::{get, post};
use stepgate_core::assurance::CredentialKind;
use stepgate_core::authorize::interaction::{Landing, PortalPage};
use stepgate_core::contact::is_unseen;

use super::fresh::{step_up, step_up_at, step_up_to};
use super::manage::own;
use super::{Visitor, key_offer, resume, visit};
use crate::app::App;
use crate::credentials::security_key::{self, Begun, Bound, MOST, Wish};
use crate::cx::Cx;
use crate::http::extract::{Browser, Form};
use crate::http::page::{PageFailure, see_other, with_browser};
use crate::pages::form::Form as PageForm;
use crate::pages::otp::FormPage;
use crate::pages::security_key::AddKeyPage;
use crate::pages::{self, Action, Section};
use crate::subscriptions;

pub(super) fn routes() -> Router<Arc<App>> {
    Router::new()
        .route("/account/otp/key/new", get(get_new).post(post_new))
        .route("/account/otp/key/add", post(post_add))
        .route("/account/otp/key/adopt", post(post_adopt))
}

/// A key that is set up takes over what was bought.
async fn post_adopt(form: Form) -> Response {
    let cx = form.cx.clone();
    let adopted = async {
        let visitor = visit(&cx, &form.browser, PortalPage::ManageOtp).await?;
        let waiting = own(&visitor, form.get("credential"), Some(CredentialKind::SecurityKey))?;
        let held = own(&visitor, form.get("key"), Some(CredentialKind::SecurityKey))?;
        step_up(&cx, &form, &visitor).await?;
        let done = subscriptions::adopt(&cx, &visitor.person, (waiting, held)).await?;
        let otherwise = if done { "/account/otp?done=key-adopted" } else { "/account/otp" };
        Ok(see_other(&resume::way_on(&cx, &form.browser, otherwise).await?))
    };
    adopted.await.unwrap_or_else(|failure: PageFailure| failure.respond(&cx))
}

/// *Activate* of a key that was bought leads here, and so does the way back from the factor that it takes.
async fn get_new(cx: Cx, browser: Browser) -> Response {
    let begun = async {
        let visitor = visit(&cx, &browser, PortalPage::ManageOtp).await?;
        if let Some(refused) = key_offer::check(&cx, &visitor).await? {
            return Ok(with_browser(&cx, &browser, refused));
        }
        step_up_to(&cx, &browser, &visitor, Landing::NewKey).await?;
        let shown = page(&cx, &visitor, Wish::Key, name(Wish::Key), None).await?;
        Ok(with_browser(&cx, &browser, shown))
    };
    begun.await.unwrap_or_else(|failure: PageFailure| failure.respond(&cx))
}

async fn post_new(form: Form) -> Response {
    let cx = form.cx.clone();
    let begun = async {
        let visitor = visit(&cx, &form.browser, PortalPage::ManageOtp).await?;
        if let Some(refused) = key_offer::check(&cx, &visitor).await? {
            return Ok(refused);
        }
        step_up_at(&cx, &form, &visitor, Landing::NewKey).await?;
        let wish = wish(&form);
        page(&cx, &visitor, wish, name(wish), None).await
    };
    begun.await.unwrap_or_else(|failure: PageFailure| failure.respond(&cx))
}

fn wish(form: &Form) -> Wish {
    if form.get("passkey").is_empty() { Wish::Key } else { Wish::Passkey }
}

const fn name(wish: Wish) -> &'static str {
    match wish {
        Wish::Key => "Security Key",
        Wish::Passkey => "Passkey",
    }
}

/// The page with something new to sign.
async fn page(
    cx: &Cx,
    visitor: &Visitor,
    wish: Wish,
    label: &str,
    error: Option<&str>,
) -> Result<Response, PageFailure> {
    let session = visitor.live.session.id;
    let (challenge, options) = match security_key::begin(cx, &visitor.person, session, wish).await? {
        Begun::Asked(challenge, options) => (challenge, options),
        Begun::TooMany => return Ok(too_many(cx, visitor)),
        Begun::Unavailable => return Ok(see_other("/account/otp")),
    };
    let page = AddKeyPage {
        layout: visitor.layout(cx, "Add a security key", Section::ManageOtp),
        passkey: wish == Wish::Passkey,
        options,
        challenge: challenge.to_string(),
        label: label.to_owned(),
        error: error.map(str::to_owned),
    };
    Ok(pages::respond(StatusCode::OK, &page))
}

/// There is no room for another one, and what to do about it.
fn too_many(cx: &Cx, visitor: &Visitor) -> Response {
    let page = FormPage {
        layout: visitor.layout(cx, "Add a security key", Section::ManageOtp),
        page: "too-many-keys",
        heading: format!("You have {MOST} security keys"),
        lead:
            "That is as many as one person can have here. Give up one that you do not use any more; then you can add \
               another."
                .to_owned(),
        form: PageForm::main("/account/otp/key/new", "Try again", Vec::new()),
        back: Action::link("cancel", "Back to Manage OTP", "/account/otp"),
    };
    pages::respond(StatusCode::CONFLICT, &page)
}

async fn post_add(form: Form) -> Response {
    let cx = form.cx.clone();
    let added = async {
        let visitor = visit(&cx, &form.browser, PortalPage::ManageOtp).await?;
        step_up(&cx, &form, &visitor).await?;
        let (wish, label) = (wish(&form), form.get("label"));
        let fits = (1..=40).contains(&label.chars().count()) && !label.chars().any(is_unseen);
        if !fits {
            return page(&cx, &visitor, wish, label, Some("A name has 1 to 40 characters.")).await;
        }
        let Ok(challenge) = form.get("challenge").parse() else { return Err(PageFailure::NotFound) };
        let (session, answer) = (visitor.live.session.id, (label, form.get("response")));
        let error = match security_key::finish(&cx, &visitor.person, session, challenge, answer).await? {
            Bound::Added(shown) => {
                return resume::bound(&cx, &form.browser, visitor.live, shown, "/account/otp?done=key-added").await;
            }
            Bound::Refused => "The key did not answer as it should. Try again.",
            Bound::Unverified => {
                "This key was touched, but it did not ask who you are. Set a PIN on it (in the settings of your browser, \
                 under security keys) and add it then."
            }
            Bound::Troubled(trouble) => {
                let text = format!(
                    "This model of key is not accepted any more: {}. Your administrator knows which are; use one of those.",
                    trouble.text()
                );
                return page(&cx, &visitor, wish, label, Some(&text)).await;
            }
            Bound::Untrusted => {
                "This make of key is not accepted here. Your administrator knows which are; use one of those."
            }
            Bound::Taken => {
                "This key is set up already. Use another one; what you bought can become the one that you have, on its card \
                 under Manage OTP."
            }
            Bound::NotPaid => return Ok(key_offer::refused(&cx, &visitor).await?),
            Bound::Over => "That took too long. Press the button again.",
        };
        page(&cx, &visitor, wish, label, Some(error)).await
    };
    added.await.unwrap_or_else(|failure: PageFailure| failure.respond(&cx))
}
