//! A file of invitations, as it comes; and what is read goes out again as cells that no spreadsheet runs.
#![no_main]

use libfuzzer_sys::fuzz_target;
use stepgate_core::subscriptions::export::csv;
use stepgate_core::subscriptions::invitation::{MAX_ROWS, TOLD, read, records};

fuzz_target!(|data: &[u8]| {
    let sheet = read(data);
    assert!(sheet.people.len() <= MAX_ROWS && sheet.errors.len() <= TOLD && sheet.wrong >= sheet.errors.len());
    for (line, invitee) in &sheet.people {
        assert!(*line > 1 && invitee.email.contains('@') && !invitee.name.is_empty());
        let written = csv(&["email", "name"], &[vec![invitee.email.as_str().into(), invitee.name.as_str().into()]]);
        let again = records(&written).expect("what was written is read");
        assert!(again.len() == 2 && again[1].fields.len() == 2);
        assert!(again[1].fields.iter().all(|cell| !cell.starts_with(['=', '+', '-', '@', '\t', '\r'])));
    }
});
