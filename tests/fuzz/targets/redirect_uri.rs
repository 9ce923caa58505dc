//! Redirect URIs at registration. What is taken has no fragment, and no scheme that a browser runs.
#![no_main]

use libfuzzer_sys::fuzz_target;
use stepgate_core::oidc::{RedirectUri, Registrant};

fuzz_target!(|text: &str| {
    for registrant in [Registrant::Public, Registrant::Confidential] {
        if let Ok(uri) = RedirectUri::register(text, registrant) {
            assert_eq!(uri.as_str(), text);
            assert!(!text.contains('#') && !text.bytes().any(|byte| byte.is_ascii_control()));
            let scheme = text.split(':').next().unwrap_or_default().to_ascii_lowercase();
            assert!(!["javascript", "data", "file", "blob", "vbscript"].contains(&scheme.as_str()), "{text}");
        }
    }
});
