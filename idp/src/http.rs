//! HTTP: the router by audience, cookies, form proofs, and the only writers of OAuth errors and error pages.

pub mod cookies;
pub mod cors;
pub mod csrf;
pub mod extract;
pub mod oauth_error;
pub mod page;
pub mod upload;
pub mod router;
