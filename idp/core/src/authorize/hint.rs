//! Whom a request is about, when it says so.

use serde::{Deserialize, Serialize};

use crate::id::PersonId;

/// The person that a verified `id_token_hint`, or a `sub` in `claims`, is about: nobody else may finish the request.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct HintedSubject {
    /// Who.
    pub person: PersonId,
}

/// What became of the `id_token_hint`; verifying a token needs keys, so it happens outside.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Hint {
    /// The request had none.
    Absent,
    /// Its signature is ours; it may have expired.
    Verified(HintedSubject),
    /// Not an ID token of ours.
    Refused,
}
