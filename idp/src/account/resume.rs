//! Back to the application that asked for what the person did not have.
//!
//! In the browser that began it, the parked request goes on. In another one it does not: whoever parked it could be
//! somebody else, and its answer belongs to the application's page in that browser. There the application is asked to
//! start anew.

use std::sync::Arc;

use axum::response::Response;
use stepgate_core::account::Person;
use stepgate_core::assurance::{FactorEvent, Method};
use stepgate_core::authorize::interaction::{Purpose, Stage};
use stepgate_store::wanted;

use super::{Visitor, applications};
use crate::audit::{self, Event};
use crate::clients::{self, Registered};
use crate::cx::Cx;
use crate::fault::Fault;
use crate::http::extract::Browser;
use crate::http::page::{PageFailure, see_other, with_cookie};
use crate::login::{self, Parked};
use crate::pages::Action;
use crate::session::{self, Live};

async fn parked(cx: &Cx, browser: &Browser) -> Result<Option<Parked>, Fault> {
    let Some(id) = browser.resume else { return Ok(None) };
    let found = Parked::find(cx, id, browser.token()).await?;
    Ok(found.filter(|parked| parked.interaction.client_id().is_some()))
}

/// Where the person goes once something is set up or renewed: straight back to the request that waited for just that, else
/// there.
pub(super) async fn way_on(cx: &Cx, browser: &Browser, otherwise: &str) -> Result<String, Fault> {
    match session::find(cx, browser.session.as_deref()).await? {
        Some(live) => on(cx, browser, live, otherwise).await,
        None => Ok(otherwise.to_owned()),
    }
}

async fn on(cx: &Cx, browser: &Browser, live: Live, otherwise: &str) -> Result<String, Fault> {
    let waits = parked(cx, browser).await?.filter(|parked| {
        let interaction = &parked.interaction;
        interaction.stage == Stage::RequirementsNotMet && matches!(interaction.purpose, Purpose::Authorize { .. })
    });
    if let Some(parked) = waits
        && login::can_go_on(cx, &parked.interaction, live).await?
    {
        return Ok(parked.path());
    }
    Ok(otherwise.to_owned())
}

/// Goes on after a device was bound. To bind it was to show it, here and now: that is a factor event as at a login, so
/// that nobody shows the same device twice in a minute. A session that recovers an account does not rise.
///
/// # Errors
/// The store.
pub(super) async fn bound(
    cx: &Cx,
    browser: &Browser,
    live: Live,
    shown: FactorEvent,
    otherwise: &str,
) -> Result<Response, PageFailure> {
    // A session in which nothing was shown yet is no login either.
    let shown_before = &live.session.events;
    let rises = !shown_before.is_empty() && shown_before.iter().all(|event| event.method != Method::RecoveryCode);
    let transaction = cx.app.db.begin().await?;
    let renewed = match rises {
        true => session::raise(cx, &transaction, live.clone(), shown.clone()).await?,
        false => None,
    };
    let Some(renewed) = renewed else {
        drop(transaction);
        return Ok(see_other(&on(cx, browser, live, otherwise).await?));
    };
    let data = serde_json::json!({ "credential": shown.credential, "by": shown.method.as_str() });
    let event = Event::new("session.raised_by_binding").by(live.session.person).session(live.session.id);
    audit::record(cx, &transaction, event.data(data)).await?;
    transaction.commit().await.map_err(Fault::from)?;
    let way = on(cx, browser, renewed.live, otherwise).await?;
    Ok(renewed.cookies.into_iter().fold(see_other(&way), with_cookie))
}

/// The way back as a button.
pub(super) async fn action(cx: &Cx, visitor: &Visitor, browser: &Browser) -> Result<Option<Action>, Fault> {
    if let Some(parked) = parked(cx, browser).await? {
        let Some(client_id) = parked.interaction.client_id() else { return Ok(None) };
        let client = clients::find(cx, client_id).await?;
        let label =
            client.map_or_else(|| visitor.language.text("go-on"), |client| go_on(visitor, &client.application.name));
        return Ok(Some(Action::link("resume", label, parked.path())));
    }
    let Some(way) = way_to_wanted(cx, &visitor.person).await? else { return Ok(None) };
    let label = go_on(visitor, &way.client.application.name);
    Ok(way.address.map(|address| Action::link("resume", label, address)))
}

fn go_on(visitor: &Visitor, application: &str) -> String {
    visitor.language.say("go-on-to", [("application", application.into())])
}

/// The application that a person did not get to yet.
pub(crate) struct WayOn {
    /// The client that asked.
    pub client: Arc<Registered>,
    /// Where it begins anew.
    pub address: Option<String>,
}

/// The application that a person did not get to yet, and how it begins anew from anywhere.
///
/// # Errors
/// The store.
pub(crate) async fn way_to_wanted(cx: &Cx, person: &Person) -> Result<Option<WayOn>, Fault> {
    let Some(client) = wanted::find_wanted(&cx.app.db, person.id, cx.now).await? else { return Ok(None) };
    let Some(client) = clients::find(cx, &client).await? else { return Ok(None) };
    let address = applications::initiation(cx, person, &client).or_else(|| client.application.url.clone());
    Ok(Some(WayOn { client, address }))
}
