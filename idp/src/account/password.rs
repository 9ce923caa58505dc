//! Changing the password.

use std::sync::Arc;

use axum::Router;
use axum::http::StatusCode;
use axum::response::Response;
use axum::routing::get;
use stepgate_core::authorize::interaction::{Landing, PortalPage};
use stepgate_core::secret::SecretString;

use super::fresh::step_up_at;
use super::{Visitor, visit};
use crate::app::App;
use crate::cx::Cx;
use crate::http::extract::{Browser, Form};
use crate::http::page::{PageFailure, see_other, with_browser};
use crate::pages::form::{Control, Field, Form as PageForm};
use crate::pages::otp::FormPage;
use crate::pages::{self, Action, Section};
use crate::recovery::passwords::{self, Unchanged};

pub(super) fn routes() -> Router<Arc<App>> {
    Router::new().route("/account/password", get(get_password).post(post_password))
}

async fn get_password(cx: Cx, browser: Browser) -> Response {
    let shown = async {
        let visitor = visit(&cx, &browser, PortalPage::Account).await?;
        Ok(with_browser(&cx, &browser, page(&cx, &visitor, ("", ""))))
    };
    shown.await.unwrap_or_else(|failure: PageFailure| failure.respond(&cx))
}

/// The page, with what is wrong with one of its fields.
fn page(cx: &Cx, visitor: &Visitor, (wrong, error): (&str, &str)) -> Response {
    let mut fields = vec![
        Field::required("current", "Password of today", Control::Password, ""),
        Field::required("password", "New password", Control::Password, "")
            .help("At least 8 characters. A few words in a row are easy to remember."),
        Field::required("again", "The same again", Control::Password, ""),
        Field::optional("end_others", "Sign out everywhere else", Control::Tick, "1"),
    ];
    for field in fields.iter_mut().filter(|field| field.name == wrong) {
        field.error = Some(error.to_owned());
    }
    let page = FormPage {
        layout: visitor.layout(cx, "Change password", Section::Account),
        page: "change-password",
        heading: "Change your password".to_owned(),
        lead: "We tell every address of yours about it.".to_owned(),
        form: PageForm::main("/account/password", "Change it", fields),
        back: Action::link("cancel", "Back to My Account", "/account"),
    };
    pages::respond(StatusCode::OK, &page)
}

async fn post_password(form: Form) -> Response {
    let cx = form.cx.clone();
    let changed = async {
        let visitor = visit(&cx, &form.browser, PortalPage::Account).await?;
        if form.raw("password") != form.raw("again") {
            return Ok(page(&cx, &visitor, ("again", "The two are not the same. Type both again.")));
        }
        step_up_at(&cx, &form, &visitor, Landing::Password).await?;
        let typed = |name| SecretString::new(form.raw(name).to_owned());
        let rest = (visitor.live.session.id, !form.get("end_others").is_empty());
        let changed = passwords::change(&cx, &visitor.person, (typed("current"), typed("password")), rest).await?;
        Ok(match changed {
            Ok(()) => see_other("/account/otp?done=password"),
            Err(Unchanged::Wrong) => {
                let text =
                    "That is not your password of today, or there were too many tries. Wait a moment, then try again.";
                page(&cx, &visitor, ("current", text))
            }
            Err(Unchanged::Rule(error)) => page(&cx, &visitor, ("password", &error.to_string())),
        })
    };
    changed.await.unwrap_or_else(|failure: PageFailure| failure.respond(&cx))
}
