//! The phones of a person's Mobile ID, as the help desk sees them: it can take one away, with a reason, and give none.
//!
//! One person does it: it only ever takes something away, the person is told at every address, and what they need to get
//! a phone again is theirs to show. Giving is for the reset, with two people and a night between ([`super::resets`]).

use std::sync::Arc;

use axum::Router;
use axum::extract::Path;
use axum::response::Response;
use axum::routing::post;
use stepgate_core::account::Person;
use stepgate_core::assurance::CredentialKind;
use stepgate_core::credentials::MobileDevice;
use stepgate_store::{credentials, mobile};

use super::access::{Act, Place};
use super::people::reach;
use super::{Administrator, enter};
use crate::app::App;
use crate::credentials::mobile_id::{self, Revoker};
use crate::cx::Cx;
use crate::fault::Fault;
use crate::http::extract::Form;
use crate::http::page::{PageFailure, see_other};
use crate::pages::admin::DetailSection;
use crate::pages::form::{Control, Field, Form as PageForm};
use crate::pages::table::{Cell, Table};
use crate::pages::{Tone, When};

pub(super) fn routes() -> Router<Arc<App>> {
    Router::new().route("/admin/people/{username}/phones/revoke", post(post_revoke))
}

/// The shortest reason that says something.
const REASON: std::ops::RangeInclusive<usize> = 5..=200;

async fn phones(cx: &Cx, person: &Person) -> Result<Vec<MobileDevice>, Fault> {
    let mut found = Vec::new();
    for credential in credentials::list_credentials(&cx.app.db, person.id).await? {
        if credential.kind == CredentialKind::MobileId {
            found.extend(mobile::list_devices(&cx.app.db, credential.id).await?);
        }
    }
    Ok(found)
}

/// The part of a person's page.
pub(super) async fn section(
    cx: &Cx,
    administrator: &Administrator,
    person: &Person,
    editable: bool,
) -> Result<DetailSection, Fault> {
    let zone = administrator.visitor.zone();
    let phones = phones(cx, person).await?;
    let row = |phone: &MobileDevice| {
        let (tone, word) = match (phone.suspended_at, phone.active) {
            (Some(_), _) => (Tone::Danger, "Suspended: seems to be copied"),
            (None, true) => (Tone::Ok, "In use"),
            (None, false) => (Tone::Notice, "Not confirmed"),
        };
        let strength = if phone.verifier.is_some() { "Asks who holds it" } else { "Possession only" };
        vec![
            Cell::text(phone.label.clone()),
            Cell::State(tone, word.to_owned()),
            Cell::text(strength),
            Cell::Time(When::date(phone.created_at, &zone)),
            Cell::time(phone.seen_at.map(|at| When::new(at, cx.now, &zone))),
        ]
    };
    let rows = phones.iter().map(row).collect();
    let form = (editable && !phones.is_empty()).then(|| {
        let choices = phones.iter().map(|phone| (phone.id.to_string(), phone.label.clone())).collect();
        let path = format!("/admin/people/{}/phones/revoke", person.username);
        let fields = vec![
            Field::required("device", "Phone", Control::Select(choices), ""),
            Field::required("why", "Reason", Control::Text, "").help("It is kept in the audit log: `lost, called back`."),
        ];
        PageForm::side("revoke-phone", path, "Remove the phone", fields).dangerous(
            "It approves nothing any more, and its offline codes are worth nothing. The person is told at every address.",
        )
    });
    Ok(DetailSection {
        heading: "Phones of Mobile ID".to_owned(),
        table: Some(Table::new(&["Phone", "State", "Approvals", "Set up", "Last heard of"], rows, "None.")),
        forms: form.into_iter().collect(),
    })
}

async fn post_revoke(Path(username): Path<String>, form: Form) -> Response {
    let cx = form.cx.clone();
    let done = async {
        let administrator = enter(&cx, &form.browser, Place::People, Act::Edit).await?;
        let person = reach(&cx, &administrator, &username).await?;
        let reason = form.get("why").trim();
        if !REASON.contains(&reason.chars().count()) || reason.chars().any(char::is_control) {
            let detail = "why: say in 5 to 200 characters why the phone is removed".to_owned();
            return Err(PageFailure::BadRequest { detail });
        }
        let known = phones(&cx, &person).await?;
        let phone = known.iter().find(|phone| phone.id.to_string() == form.get("device"));
        let phone = phone.ok_or(PageFailure::NotFound)?;
        let agent = administrator.visitor.person.id;
        mobile_id::revoke(&cx, phone, Revoker::HelpDesk { agent, reason }).await?;
        Ok(see_other(&format!("/admin/people/{}?done=1", person.username)))
    };
    done.await.unwrap_or_else(|failure: PageFailure| failure.respond(&cx))
}
