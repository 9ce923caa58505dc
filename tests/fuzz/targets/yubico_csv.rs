//! Yubico's CSV, as it comes.
#![no_main]

use libfuzzer_sys::fuzz_target;
use stepgate_core::credentials::hardware_token::import::{Format, Found, Rows, SHORTEST_SEED};

fuzz_target!(|data: &[u8]| {
    let mut rows = Rows::new(Format::YubicoCsv { digits: 6 }, data);
    while let Ok(Some(found)) = rows.next_row() {
        if let Found::Token(token) = found {
            assert!(token.seed.expose().len() >= SHORTEST_SEED && !token.serial.is_empty());
        }
    }
});
