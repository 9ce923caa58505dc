//! What people see: one view struct and one template per page, the style sheet and the few scripts beside them.
//!
//! Owns wording, layout and markup. Never decides anything, never reads the store or the clock: whoever renders a page
//! has already decided what is on it. Every page knows samples of itself, so that all of them can be rendered, looked
//! at and checked without a running provider.

pub mod when;
pub mod assets;
pub mod layout;
pub mod parts;
pub mod form;
pub mod table;
pub mod login;
pub mod factor;
pub mod consent;
pub mod device;
pub mod requirements;
pub mod message;
pub mod account;
pub mod otp;
pub mod admin;
pub mod developer;
pub mod snippets;
pub mod demo;
pub mod samples;
pub mod renewals;
pub mod sections;
pub mod mobile_phones;
pub mod security_key;
pub mod self_help;
pub mod not_me;
pub mod credential;
pub mod phones;
pub mod help;
pub mod reports;
pub mod shop;

use askama::Template;
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{Html, IntoResponse, Response};

pub use layout::{AccountHeader, Banner, Layout, Section, StrengthView};
pub use parts::{Action, Target, Tone};
pub use when::When;

/// A page with examples of itself: every state that a person can meet.
pub trait Page: Template + Sized {
    /// A name for each example (`error`, `one phone`, …) and the page in that state.
    fn samples() -> Vec<(&'static str, Self)>;
}

/// The response that carries a page. Pages hold forms and personal facts, so no cache may keep them.
pub fn respond(status: StatusCode, page: &impl Template) -> Response {
    let mut response = match page.render() {
        Ok(html) => (status, Html(html)).into_response(),
        Err(error) => {
            tracing::error!(%error, "a page could not be rendered");
            StatusCode::INTERNAL_SERVER_ERROR.into_response()
        }
    };
    response.headers_mut().insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    response
}
