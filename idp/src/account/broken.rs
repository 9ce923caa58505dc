//! *It is broken*, on the page of a token: its holder asks for another one under warranty.

use std::sync::Arc;

use axum::Router;
use axum::response::Response;
use axum::routing::post;
use stepgate_core::assurance::{CredentialKind, CredentialState};
use stepgate_core::authorize::interaction::PortalPage;
use stepgate_core::credentials::Credential;
use stepgate_store::subscriptions::{self as terms, SoldAs};

use super::manage::own;
use super::{Visitor, visit};
use crate::app::App;
use crate::cx::Cx;
use crate::fault::Fault;
use crate::http::extract::Form;
use crate::http::page::{PageFailure, see_other};
use crate::pages::form::{Control, Field, Form as PageForm};
use crate::pages::table::Cell;
use crate::shop::broken::{self, Warranty};

pub(super) fn routes() -> Router<Arc<App>> {
    Router::new().route("/account/otp/broken", post(post_broken))
}

/// How the token stands with its warranty, and the form while it can be asked for. Nothing of a token that was not bought
/// here, or was not sent.
pub(super) async fn of(
    cx: &Cx,
    visitor: &Visitor,
    credential: &Credential,
    sold: &SoldAs,
) -> Result<(Option<(String, Cell)>, Option<PageForm>), Fault> {
    let is_token = credential.kind == CredentialKind::HardwareToken && credential.serial.is_some();
    let (Some(key), true) = (sold.key, is_token && credential.stage != CredentialState::Revoked) else {
        return Ok((None, None));
    };
    let Some((_, sent)) = broken::of_key(cx, key).await? else { return Ok((None, None)) };
    let language = visitor.language;
    let told = broken::told(visitor, &sent.warranty, language);
    let form = matches!(sent.warranty, Warranty::Until(_)).then(|| {
        let hidden = Field::required("credential", "", Control::Hidden, credential.id.to_string());
        let fields = vec![hidden, broken::reason_field(language)];
        let mut form = PageForm::side("broken", "/account/otp/broken", language.text("warranty-broken"), fields);
        form.effect = Some(language.text("warranty-broken-effect"));
        form
    });
    Ok((Some((language.text("warranty"), told)), form))
}

async fn post_broken(form: Form) -> Response {
    let cx = form.cx.clone();
    let asked = async {
        let visitor = visit(&cx, &form.browser, PortalPage::ManageOtp).await?;
        let credential = own(&visitor, form.get("credential"), Some(CredentialKind::HardwareToken))?;
        let key = terms::find_sold_as(&cx.app.db, credential.id).await?.key.ok_or(PageFailure::NotFound)?;
        let said = match broken::reason(form.get("reason")) {
            None => "refused=no-reason",
            Some(reason) if broken::ask(&cx, key, (visitor.person.id, &reason)).await? => "done=asked",
            Some(_) => "refused=asked",
        };
        Ok(see_other(&format!("/account/otp/{}?{said}", credential.id)))
    };
    asked.await.unwrap_or_else(|failure: PageFailure| failure.respond(&cx))
}
