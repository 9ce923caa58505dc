//! The parameters of an authorization request.
#![no_main]

use libfuzzer_sys::fuzz_target;
use stepgate_core::authorize::ParsedAuthorization;
use stepgate_core::oidc::params::{Params, RawAuthorization, RawToken};

fuzz_target!(|data: &[u8]| {
    let Ok(params) = Params::parse(data) else { return };
    let _ = ParsedAuthorization::parse(&RawAuthorization::from(&params));
    let _ = RawToken::from(&params);
});
