//! *Activate*: the token that came by post is put into use.

use std::sync::Arc;

use axum::Router;
use axum::http::StatusCode;
use axum::response::Response;
use axum::routing::get;
use stepgate_core::authorize::interaction::{Landing, PortalPage};

use super::fresh::step_up_at;
use super::{Visitor, resume, visit};
use crate::app::App;
use crate::cx::Cx;
use crate::hardware_tokens::activate::{Activation, Typed, activate};
use crate::http::extract::{Browser, Form};
use crate::http::page::{PageFailure, see_other};
use crate::pages::form::{Control, Field, Form as PageForm};
use crate::pages::otp::FormPage;
use crate::pages::{self, Action, Section};

pub(super) fn routes() -> Router<Arc<App>> {
    Router::new().route("/account/otp/token", get(get_activate).post(post_activate))
}

async fn get_activate(cx: Cx, browser: Browser) -> Response {
    let shown = async {
        let visitor = visit(&cx, &browser, PortalPage::ManageOtp).await?;
        Ok(page(&cx, &visitor, ("", ""), None))
    };
    shown.await.unwrap_or_else(|failure: PageFailure| failure.respond(&cx))
}

fn page(cx: &Cx, visitor: &Visitor, (serial, code): (&str, &str), error: Option<&str>) -> Response {
    let fields = vec![
        Field::required("serial", "Serial number", Control::Text, serial)
            .help("It is printed on the back of the token."),
        Field::required("registration", "Registration code", Control::Text, code)
            .help("It came by mail when the token was made yours, not with the token."),
        Field::required("first", "A code from the display", Control::Digits, ""),
        Field::required("second", "The code after it", Control::Digits, "")
            .help("Wait until the display shows another one, or press its button again."),
    ];
    let mut form = PageForm::main("/account/otp/token", "Activate", fields);
    form.error = error.map(str::to_owned);
    let page = FormPage {
        layout: visitor.layout(cx, "Activate your token", Section::ManageOtp),
        page: "token-activate",
        heading: "Activate your token".to_owned(),
        lead: "Have the token in your hand, and the mail with its registration code open.".to_owned(),
        form,
        back: Action::link("cancel", "Back to Manage OTP", "/account/otp"),
    };
    pages::respond(StatusCode::OK, &page)
}

async fn post_activate(form: Form) -> Response {
    let cx = form.cx.clone();
    let done = async {
        let visitor = visit(&cx, &form.browser, PortalPage::ManageOtp).await?;
        step_up_at(&cx, &form, &visitor, Landing::ActivateToken).await?;
        let (serial, registration) = (form.get("serial"), form.get("registration"));
        let typed = Typed { serial, registration, first: form.get("first"), second: form.get("second") };
        let error = match activate(&cx, &visitor.person, &typed).await? {
            Activation::Done(shown) => {
                return resume::bound(&cx, &form.browser, visitor.live, shown, "/account/otp?done=token-activated")
                    .await;
            }
            Activation::NotProofed => return Ok(see_other("/account/proofing")),
            Activation::Malformed => "Type two codes from the display; digits only.",
            Activation::NothingWaits => {
                "The serial number and the registration code do not belong together, or the code has run out. Look at \
                 both again. After ten tries, or 30 days, ask your administrator for a new registration code."
            }
            Activation::WrongCodes => {
                "These are not two codes of this token that follow one another. Type one, wait until the display shows \
                 another, and type that one as the second."
            }
            Activation::FarAway => {
                "The codes do follow one another, but the clock of this token is too far off. Send it back and ask your \
                 administrator for another one."
            }
            Activation::Overtaken => "This token is in use already.",
        };
        Ok(page(&cx, &visitor, (serial, registration), Some(error)))
    };
    done.await.unwrap_or_else(|failure: PageFailure| failure.respond(&cx))
}
