//! The FIDO Metadata Service's file, as it comes: an answer, never a panic.
#![no_main]

use libfuzzer_sys::fuzz_target;
use stepgate_core::credentials::fido_metadata::SignedMetadata;
use stepgate_core::time::Timestamp;

fuzz_target!(|data: &[u8]| {
    let Ok(text) = std::str::from_utf8(data) else { return };
    let Ok(signed) = SignedMetadata::read(text) else { return };
    // Nobody guesses a signature: what is behind it is read without.
    assert!(signed.verified(&signed.chain[0]).is_err());
    if let Ok(metadata) = signed.unverified() {
        for model in &metadata.models {
            assert!(!model.name.is_empty());
            model.trouble(Timestamp::from_unix_seconds(1_800_000_000));
        }
    }
});
