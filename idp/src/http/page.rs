//! Pages: how a view becomes a response, and the only writer of error pages.

use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Redirect, Response};

use super::extract::Browser;
use super::oauth_error::{Refused, refused};
use crate::cx::Cx;
use crate::fault::Fault;
use crate::pages::message::ErrorPage;
use crate::pages::{self, Layout};

/// Adds the browser cookie to a response where the browser has none yet.
pub fn with_browser(cx: &Cx, browser: &Browser, mut response: Response) -> Response {
    if let Some(cookie) = browser.introduce(&cx.app) {
        response.headers_mut().append(header::SET_COOKIE, cookie);
    }
    response
}

/// How a page deviates from the rule that nothing is framed. An extension of its response, for the guard.
#[derive(Clone, Debug)]
pub enum Framing {
    /// It frames pages of these origins, at least one, separated by spaces.
    Frames(String),
    /// Everybody may frame it.
    Framable,
}

/// `303 See Other`: after a POST the browser gets the next page by GET, and credentials are never posted on
/// (RFC 9700 §4.12).
pub fn see_other(location: &str) -> Response {
    ([(header::CACHE_CONTROL, "no-store")], Redirect::to(location)).into_response()
}

/// A table to keep, for a spreadsheet. What is in it is made safe where it is written (`core::subscriptions::export`).
pub fn download_csv(name: &'static str, text: String) -> Response {
    let disposition = format!("attachment; filename=\"{name}\"");
    let headers = [
        (header::CONTENT_TYPE, HeaderValue::from_static("text/csv; charset=utf-8; header=present")),
        (header::CACHE_CONTROL, HeaderValue::from_static("no-store")),
    ];
    let mut response = (headers, text).into_response();
    if let Ok(value) = HeaderValue::try_from(disposition) {
        response.headers_mut().insert(header::CONTENT_DISPOSITION, value);
    }
    response
}

/// Adds a cookie to a response.
pub fn with_cookie(mut response: Response, cookie: HeaderValue) -> Response {
    response.headers_mut().append(header::SET_COOKIE, cookie);
    response
}

/// Why a person sees an error page. The text says what happened, what it means, and what to do next.
#[derive(Debug)]
pub enum PageFailure {
    /// The form was posted from another site.
    ForeignForm,
    /// The form's proof is missing or belongs to another browser.
    StaleForm,
    /// The form is too large.
    FormTooLarge,
    /// There is no such page.
    NotFound,
    /// The parked request is unknown, finished, too old, or belongs to another browser.
    InteractionGone,
    /// The person may not see this.
    Forbidden,
    /// The application sent a request that cannot be answered with a redirect (RFC 6749 §4.1.2.1).
    BadRequest {
        /// For the application's developers: which parameter, and what is wrong with it.
        detail: String,
    },
    /// No failure: something else comes first (the login, a fresh factor), and leads back.
    Elsewhere(Box<Response>),
    /// Ours.
    Fault(Fault),
}

impl<E: Into<Fault>> From<E> for PageFailure {
    fn from(error: E) -> Self {
        Self::Fault(error.into())
    }
}

struct Text {
    status: StatusCode,
    title: &'static str,
    happened: String,
    remedy: &'static str,
}

impl PageFailure {
    /// The way to what comes first.
    pub fn elsewhere(response: Response) -> Self {
        Self::Elsewhere(Box::new(response))
    }

    /// The error page, or the way to what comes first.
    pub fn respond(self, cx: &Cx) -> Response {
        let failure = match self {
            Self::Elsewhere(response) => return *response,
            failure => failure,
        };
        let reference = stepgate_core::entropy::random_digits(cx.entropy(), 8);
        let retry = if let Self::Fault(fault) = &failure { fault.retry_after() } else { None };
        match &failure {
            Self::Fault(fault) if retry.is_none() => {
                tracing::error!(error = %fault, %reference, "a page met a fault");
            }
            Self::Fault(fault) => tracing::warn!(error = %fault, %reference, "a page met a fault that will pass"),
            other => tracing::info!(reason = ?other, %reference, "a request was refused with a page"),
        }
        let watched =
            if let Self::BadRequest { detail } = &failure { Some(Refused::Page(detail.clone())) } else { None };
        let text = failure.text();
        let page = ErrorPage {
            layout: Layout::plain(text.title, cx.app.demo),
            heading: text.title.to_owned(),
            happened: text.happened,
            next_step: text.remedy.to_owned(),
            action: None,
            reference: Some(reference),
        };
        let mut response = pages::respond(text.status, &page);
        if let Some(wait) = retry {
            response.headers_mut().insert(header::RETRY_AFTER, HeaderValue::from(wait.as_secs()));
        }
        match watched {
            Some(watched) => refused(response, watched),
            None => response,
        }
    }

    fn text(self) -> Text {
        let text =
            |status, title, happened: &str, remedy| Text { status, title, happened: happened.to_owned(), remedy };
        match self {
            Self::ForeignForm => text(
                StatusCode::FORBIDDEN,
                "That form came from another site",
                "A page that is not ours tried to act in your name. Nothing was done.",
                "Go back to the application you came from and start again there.",
            ),
            Self::StaleForm => text(
                StatusCode::FORBIDDEN,
                "This page is no longer fresh",
                "The form you sent was made for another browser session, or your browser does not keep cookies. Nothing was done.",
                "Allow cookies for this site, go back to the application you came from, and start again there.",
            ),
            Self::FormTooLarge => text(
                StatusCode::PAYLOAD_TOO_LARGE,
                "That was too long",
                "The form held more than 64 kB. Nothing was saved.",
                "Shorten what you entered and send it again.",
            ),
            Self::NotFound => text(
                StatusCode::NOT_FOUND,
                "There is no such page",
                "The address may have been mistyped, or the page has moved.",
                "Go to My Account, or back to the application you came from.",
            ),
            Self::InteractionGone => text(
                StatusCode::GONE,
                "This sign-in has ended",
                "It was already completed, it took too long, or it was started in another browser.",
                "Go back to the application you came from and start again there.",
            ),
            Self::Forbidden => text(
                StatusCode::FORBIDDEN,
                "You may not see this",
                "Your account does not have the role that this page needs.",
                "Ask an administrator of your organization for the role, or go back to My Account.",
            ),
            Self::BadRequest { detail } => Text {
                status: StatusCode::BAD_REQUEST,
                title: "The application sent a request we cannot answer",
                happened: format!("For its developers: {detail}"),
                remedy: "You did nothing wrong. Go back to the application; if it happens again, tell its support the reference below.",
            },
            // Answered before it comes to words.
            Self::Elsewhere(_) => text(StatusCode::SEE_OTHER, "Something else comes first", "", ""),
            Self::Fault(Fault::Busy) => text(
                StatusCode::SERVICE_UNAVAILABLE,
                "Many people are signing in just now",
                "We could not look at what you sent. It does not count as a try, and nothing is lost.",
                "Wait a few seconds, then go back and send it again.",
            ),
            Self::Fault(fault) => match fault.retry_after() {
                Some(_) => text(
                    StatusCode::SERVICE_UNAVAILABLE,
                    "We cannot answer right now",
                    "A part of our service is not reachable at the moment. Nothing you did is lost.",
                    "Wait a few seconds and load this page again.",
                ),
                None => text(
                    StatusCode::INTERNAL_SERVER_ERROR,
                    "Something went wrong on our side",
                    "We could not finish what you asked for. It has been noted.",
                    "Try again; if it happens again, tell support the reference below.",
                ),
            },
        }
    }
}
