//! Certificates that clients present, and the names that they registered.
#![no_main]

use libfuzzer_sys::fuzz_target;
use stepgate_core::clients::certificate::{Certificate, DistinguishedName};

fuzz_target!(|data: &[u8]| {
    let _ = Certificate::parse(data);
    let Ok(text) = std::str::from_utf8(data) else { return };
    if let Ok(name) = text.parse::<DistinguishedName>() {
        assert!(name == name.clone());
    }
});
