//! My Applications: what each needs, and the one button for the next step.

use std::sync::Arc;

use axum::Router;
use axum::http::StatusCode;
use axum::response::Response;
use axum::routing::get;
use stepgate_core::assurance::{self, ApplicationPolicy, Ask, Decision, Requirement};
use stepgate_core::authorize::interaction::PortalPage;
use stepgate_core::clients::Application;
use stepgate_store::{applications, people};

use super::{Visit, Visitor, visit};
use crate::app::App;
use crate::cx::Cx;
use crate::fault::Fault;
use crate::http::extract::Browser;
use crate::http::page::{PageFailure, with_browser};
use crate::pages::account::{ApplicationRow, ApplicationsPage};
use crate::pages::{self, Action, Section, Tone};

pub(super) fn routes() -> Router<Arc<App>> {
    Router::new().route("/applications", get(get_applications))
}

async fn get_applications(cx: Cx, browser: Browser) -> Response {
    show(&cx, &browser).await.unwrap_or_else(|failure| failure.respond(&cx))
}

async fn show(cx: &Cx, browser: &Browser) -> Result<Response, PageFailure> {
    let visitor = match visit(cx, browser, PortalPage::Applications).await? {
        Visit::Visitor(visitor) => visitor,
        Visit::Login(response) => return Ok(response),
    };
    let partners = people::list_partners(&cx.app.db).await?;
    let mut rows = Vec::new();
    for application in applications::list_open_applications(&cx.app.db).await? {
        let partner = partners.iter().find(|partner| partner.id == application.partner);
        rows.push(row(cx, &visitor, &application, partner.map_or("", |partner| &partner.name))?);
    }
    let page =
        ApplicationsPage { layout: visitor.layout(cx, "My Applications", Section::Applications), applications: rows };
    Ok(with_browser(cx, browser, pages::respond(StatusCode::OK, &page)))
}

fn row(cx: &Cx, visitor: &Visitor, application: &Application, partner: &str) -> Result<ApplicationRow, Fault> {
    let policy: ApplicationPolicy = serde_json::from_value(application.policy.clone()).map_err(Fault::internal)?;
    let ask = Ask {
        floors: std::slice::from_ref(&policy),
        essential_acr: None,
        acr_values: &[],
        acr_values_voluntary: false,
        max_age: None,
        login_prompted: false,
        started_at: cx.now,
    };
    let requirement = Requirement::from_ask(&cx.app.catalogue, &ask).map_err(Fault::internal)?;
    let events = &visitor.live.session.events;
    let decision = assurance::decide(&cx.app.catalogue, &requirement, events, &visitor.holdings(cx), cx.now);
    let url = application.url.clone().unwrap_or_default();
    let open = |label: &str| Action::link(format!("open-{}", application.id), label, url.clone());
    let manage = |label: &str| Action::link(format!("mend-{}", application.id), label, "/account/otp");
    let (status, note, action) = match decision {
        Decision::Satisfied(_) => ((Tone::Ok, "Ready".to_owned()), None, open("Open")),
        Decision::Challenge { .. } | Decision::Reauthenticate { .. } => {
            let note = "It asks for one more factor when you open it.".to_owned();
            ((Tone::Notice, "Needs more than this login".to_owned()), Some(note), open("Elevate and open"))
        }
        Decision::Repair { kind, .. } => {
            let note = format!("Your {} needs attention first.", assurance::label(kind));
            ((Tone::Warning, "Requirements not met".to_owned()), Some(note), manage("Open Manage OTP"))
        }
        Decision::Acquire { .. } => {
            let note = "You do not hold a credential that it accepts.".to_owned();
            ((Tone::Warning, "Requirements not met".to_owned()), Some(note), manage("Open Manage OTP"))
        }
        Decision::Unmet { .. } => {
            let note = "It accepts no credential at the moment.".to_owned();
            ((Tone::Danger, "Closed".to_owned()), Some(note), manage("Open Manage OTP"))
        }
    };
    Ok(ApplicationRow {
        name: application.name.clone(),
        partner: partner.to_owned(),
        logo: None,
        status,
        needs: requirement.names().join(" or "),
        note,
        action: Some(action),
    })
}
