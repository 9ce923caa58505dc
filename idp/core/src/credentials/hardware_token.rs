//! OATH tokens: HOTP (RFC 4226) and TOTP (RFC 6238), what a server remembers of each, and whether a code is accepted.
//!
//! Codes are text: a leading zero is a digit. Nothing here stores anything: the caller writes the new [`Memory`] with
//! one conditional update, so that a code is accepted once over all nodes.

mod code;
pub mod export;
pub mod import;
pub mod inventory;
mod parameters;
mod verify;
pub mod wear;
#[cfg(test)]
mod tests;

pub use code::{code_at, normalise_code, otpauth_uri};
pub use parameters::{Algorithm, Mode, OathParameters, ParametersError};
pub use verify::{
    AUTO_RESYNC_LIFETIME, HOTP_LOOK_AHEAD, HOTP_RESYNC_WINDOW, MAX_LEARNED_DRIFT, Memory, TOTP_RESYNC_WINDOW, Verdict,
    find_far, is_far_away, resync, verify,
};
