//! The `claims` parameter. What was kept of it can be read again.
#![no_main]

use libfuzzer_sys::fuzz_target;
use stepgate_core::oidc::ClaimsRequest;

fuzz_target!(|text: &str| {
    let Ok(claims) = ClaimsRequest::parse(text) else { return };
    let _ = (claims.acr(), claims.subject(), claims.in_id_token("acr"), claims.in_userinfo("email"));
    let terms = claims.to_terms();
    assert_eq!(ClaimsRequest::from_terms(terms.as_ref()).to_terms(), terms);
});
