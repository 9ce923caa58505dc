//! PSKC files, as they come, plain and with a key: an answer, never a panic, and never an unsound token.
#![no_main]

use libfuzzer_sys::fuzz_target;
use stepgate_core::credentials::hardware_token::import::{Format, Found, Rows, SHORTEST_SEED, pskc::Unlock};
use stepgate_core::secret::{SecretBytes, SecretString};

fuzz_target!(|data: &[u8]| {
    let key = Unlock::Key(SecretBytes::new(b"\x124Vx\x90\x124Vx\x90\x124Vx\x90\x12".to_vec()));
    // A password is not among them: a file may ask for two million rounds.
    let empty = SecretString::new(String::new());
    for unlock in [Unlock::Nothing, key, Unlock::from_typed(&empty, &empty).unwrap()] {
        let mut rows = Rows::new(Format::Pskc(unlock), data);
        while let Ok(Some(found)) = rows.next_row() {
            if let Found::Token(token) = found {
                assert!(token.seed.expose().len() >= SHORTEST_SEED && !token.serial.is_empty());
            }
        }
    }
});
