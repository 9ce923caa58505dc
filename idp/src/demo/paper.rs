//! The sheet of recovery codes that a person of the demo has printed: worked out from the user ID, so that `/demo` can
//! show which of them comes next. Nowhere else is a code known after it was shown.

use std::sync::atomic::{AtomicU32, Ordering};

use aws_lc_rs::digest::{SHA256, digest};
use stepgate_core::credentials::recovery::{CODES, CodePurpose, TypedCode};
use stepgate_core::entropy::Entropy;
use stepgate_core::id::PersonId;
use stepgate_store::recovery;

use crate::cx::Cx;
use crate::fault::Fault;

/// What the demo takes in place of chance.
struct Printed {
    words: String,
    drawn: AtomicU32,
}

impl Entropy for Printed {
    fn fill(&self, bytes: &mut [u8]) {
        for chunk in bytes.chunks_mut(32) {
            let number = self.drawn.fetch_add(1, Ordering::Relaxed);
            let drawn = digest(&SHA256, format!("{} {number}", self.words).as_bytes());
            chunk.iter_mut().zip(drawn.as_ref()).for_each(|(to, from)| *to = *from);
        }
    }
}

/// The codes of a person's sheet, in order.
pub(super) fn codes(username: &str) -> impl Iterator<Item = TypedCode> {
    (0..CODES).map(move |number| {
        let words = format!("the demo's sheet of {username}, {number}");
        TypedCode::random(&Printed { words, drawn: AtomicU32::new(0) })
    })
}

pub(super) fn hash(cx: &Cx, code: &TypedCode) -> Vec<u8> {
    code.hash(&cx.app.secrets.recovery, CodePurpose::Recovery)
}

/// The first code of the sheet that has not been used; `None` where there is none, or the sheet is out of date.
pub(super) async fn next(cx: &Cx, person: PersonId, username: &str) -> Result<Option<String>, Fault> {
    let Some(set) = recovery::find_set(&cx.app.db.read, person).await? else { return Ok(None) };
    for code in codes(username) {
        if recovery::is_left(&cx.app.db, set.credential, &hash(cx, &code)).await? {
            return Ok(Some(code.grouped().expose().clone()));
        }
    }
    Ok(None)
}
