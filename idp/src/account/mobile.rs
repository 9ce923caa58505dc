//! Setting up a phone for Mobile ID, from the browser's side.

mod phones;

use std::sync::Arc;

use axum::Router;
use axum::http::StatusCode;
use axum::response::Response;
use axum::routing::post;
use stepgate_core::assurance::{CredentialKind, CredentialState};
use stepgate_core::authorize::interaction::PortalPage;
use stepgate_core::credentials::mobile_id::MOST_PHONES;

use super::fresh::step_up;
use super::{Visitor, resume, visit};
use crate::app::App;
use crate::credentials::mobile_id::{self, Confirmation, Started};
use crate::cx::Cx;
use crate::http::extract::Form;
use crate::http::page::{PageFailure, see_other};
use crate::pages::otp::MobileEnrolPage;
use crate::pages::{self, Section};
use crate::subscriptions;

pub(super) fn routes() -> Router<Arc<App>> {
    Router::new()
        .route("/account/otp/mobile/start", post(post_start))
        .route("/account/otp/mobile/confirm", post(post_confirm))
        .merge(phones::routes())
}

/// Shows the code for the phone. A new device is bound only after a fresh factor: another credential where the person
/// holds one, the password otherwise.
async fn post_start(form: Form) -> Response {
    let cx = form.cx.clone();
    let started = async {
        let visitor = visit(&cx, &form.browser, PortalPage::ManageOtp).await?;
        let credential = visitor.credential(form.get("credential")).filter(|held| {
            let usable = matches!(held.state(cx.now), CredentialState::Pending | CredentialState::Active);
            held.kind == CredentialKind::MobileId && usable
        });
        let credential = credential.ok_or(PageFailure::NotFound)?;
        let replaces = match form.get("replaces") {
            "" => None,
            id => Some(phones::phone(&cx, &visitor, id).await?.id),
        };
        if replaces.is_none() && phones::confirmed(&cx, credential).await?.len() >= MOST_PHONES {
            return Ok(see_other("/account/otp/mobile"));
        }
        if !subscriptions::may_bind(&cx, &visitor.person, credential).await? {
            return Ok(see_other("/account/proofing"));
        }
        step_up(&cx, &form, &visitor).await?;
        let begun = mobile_id::start(&cx, &visitor.person, credential.id, visitor.live.session.id, replaces).await?;
        Ok(page(&cx, &visitor, &begun, None))
    };
    started.await.unwrap_or_else(|failure: PageFailure| failure.respond(&cx))
}

fn page(cx: &Cx, visitor: &Visitor, begun: &Started, error: Option<&str>) -> Response {
    let page = MobileEnrolPage {
        layout: visitor.layout(cx, "Set up Mobile ID", Section::ManageOtp),
        qr_svg: begun.svg.clone(),
        code: begun.code.clone(),
        app_url: cx.app.url("/mobile"),
        seconds_left: 600,
        action: "/account/otp/mobile/confirm".to_owned(),
        error: error.map(str::to_owned),
    };
    pages::respond(StatusCode::OK, &page)
}

async fn post_confirm(form: Form) -> Response {
    let cx = form.cx.clone();
    let confirmed = async {
        let visitor = visit(&cx, &form.browser, PortalPage::ManageOtp).await?;
        let session = visitor.live.session.id;
        let text = match mobile_id::confirm(&cx, &visitor.person, session, form.get("digits")).await? {
            Confirmation::Confirmed(shown) => {
                return resume::bound(&cx, &form.browser, visitor.live, shown, "/account/otp?done=phone-added").await;
            }
            Confirmation::NoPhoneYet => "No phone has read the picture yet. Open the app there first.",
            Confirmation::Wrong => "These are not the digits that the phone shows. Check them and try again.",
            Confirmation::Over => {
                let begun = mobile_id::under_way(&cx, session).await?;
                let Some(begun) = begun else { return Ok(see_other("/account/otp")) };
                let again = mobile_id::start(&cx, &visitor.person, begun.credential, session, begun.replaces).await?;
                let text = "That did not work in time. Here is a new picture: read it with the phone and start again.";
                return Ok(page(&cx, &visitor, &again, Some(text)));
            }
        };
        // The code is known to the browser's page only; what is shown again carries it along.
        let shown = Started { code: form.get("code").to_owned(), svg: mobile_id::picture(&cx, form.get("code"))? };
        Ok(page(&cx, &visitor, &shown, Some(text)))
    };
    confirmed.await.unwrap_or_else(|failure: PageFailure| failure.respond(&cx))
}
