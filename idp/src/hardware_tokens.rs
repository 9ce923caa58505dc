//! Hardware tokens from the box to the person and back: files that come in and go out, and every step between.
//!
//! Owns: the two-person rule for seeds (ADR 18), what each act on a token does to the credential behind it, activation by
//! its holder. Never: a seed in the clear outside of this process, or on a page.

pub mod activate;
pub mod acts;
pub mod custody;
pub mod export;
pub mod import;
pub mod parcel;

use aws_lc_rs::hmac;
use stepgate_core::credentials::hardware_token::inventory::normalise_registration_code;
use stepgate_core::id::TokenId;

use crate::cx::Cx;

/// Purpose of a seed that lies in stock; the row is the token's.
pub const SEAL: &str = "oath seed in stock";

/// What is kept of a registration code: bound to its token, so that it is good for no other.
fn registration_hash(cx: &Cx, token: TokenId, typed: &str) -> Vec<u8> {
    let key = hmac::Key::new(hmac::HMAC_SHA256, cx.app.secrets.codes.expose());
    let mut context = hmac::Context::with_key(&key);
    context.update(b"registration code ");
    context.update(token.uuid().as_bytes());
    context.update(normalise_registration_code(typed).expose().as_bytes());
    context.sign().as_ref().to_vec()
}
