//! The page after a session has ended: it tells partners through the browser (OpenID Connect Front-Channel Logout §3),
//! says so, and leads on.

use axum::http::StatusCode;
use axum::response::Response;
use url::Url;

use super::end::Ended;
use crate::cx::Cx;
use crate::fault::Fault;
use crate::http::cookies::Cookie;
use crate::http::page::{Framing, see_other, with_cookie};
use crate::pages::message::LoggedOutPage;
use crate::pages::{self, Action, Layout};

/// Where a farewell leads.
pub enum Onward<'a> {
    /// Back to the application that asked, by itself.
    Application {
        /// Its post-logout redirect URI with the request's `state`.
        location: &'a str,
        /// Its name.
        name: &'a str,
    },
    /// Nowhere: the page stays.
    Stay,
}

/// Tells the partners of a session that has ended, and answers the browser that ended it. Its cookies go.
pub async fn signed_out(cx: &Cx, ended: Option<Ended>, onward: Onward<'_>) -> Result<Response, Fault> {
    let ended = ended.unwrap_or_default();
    let unreached = ended.tell(cx).await?;
    let response = match onward {
        Onward::Application { location, .. } if ended.frames.is_empty() => see_other(location),
        Onward::Application { location, name } => {
            let mut page = page(cx, &ended);
            page.onward = true;
            page.action = Some(Action::link("continue", format!("Back to {name}"), location));
            show(&ended, &page)
        }
        Onward::Stay => {
            let mut page = page(cx, &ended);
            page.unreached = unreached;
            page.action = Some(Action::link("continue", "Sign in again", "/account"));
            show(&ended, &page)
        }
    };
    let response = with_cookie(response, cx.app.cookies.clear(Cookie::Session));
    Ok(with_cookie(response, cx.app.cookies.clear(Cookie::State)))
}

/// Tells the partners of the session of somebody who made room for somebody else, and leads that person on to `path`.
pub fn replaced(cx: &Cx, ended: Ended, path: &str) -> Response {
    let response = if ended.frames.is_empty() {
        see_other(path)
    } else {
        let mut page = page(cx, &ended);
        page.layout = Layout::plain("One moment", cx.app.demo);
        page.heading = "One moment".to_owned();
        page.lead = "We sign out whoever was signed in here before you, then you go on.".to_owned();
        page.onward = true;
        page.action = Some(Action::link("continue", "Continue", path));
        show(&ended, &page)
    };
    ended.tell_soon(cx);
    response
}

fn page(cx: &Cx, ended: &Ended) -> LoggedOutPage {
    LoggedOutPage {
        layout: Layout::plain("Signed out", cx.app.demo),
        heading: "You are signed out".to_owned(),
        lead: "Your session has ended, here and at the applications that you opened.".to_owned(),
        frames: ended.frames.iter().map(ToString::to_string).collect(),
        unreached: Vec::new(),
        onward: false,
        action: None,
    }
}

/// The page may frame exactly the partners that it tells.
fn show(ended: &Ended, page: &LoggedOutPage) -> Response {
    let mut response = pages::respond(StatusCode::OK, page);
    let mut origins: Vec<String> =
        ended.frames.iter().map(|frame: &Url| frame.origin().ascii_serialization()).collect();
    origins.sort();
    origins.dedup();
    if !origins.is_empty() {
        response.extensions_mut().insert(Framing::Frames(origins.join(" ")));
    }
    response
}
