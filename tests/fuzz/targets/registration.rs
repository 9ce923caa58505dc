//! Registration metadata. What was read can be written and read again.
#![no_main]

use libfuzzer_sys::fuzz_target;
use stepgate_core::clients::{self, ClientMetadata};

fuzz_target!(|data: &[u8]| {
    let Ok(metadata) = serde_json::from_slice::<ClientMetadata>(data) else { return };
    let _ = clients::sector(&metadata);
    let again = serde_json::to_vec(&metadata).unwrap();
    assert_eq!(serde_json::from_slice::<ClientMetadata>(&again).unwrap(), metadata);
});
