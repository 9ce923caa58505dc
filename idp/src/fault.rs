//! What can go wrong underneath any use case: never the person's or the client's doing.

use std::time::Duration;

use stepgate_core::secret::SealError;
use stepgate_store::StoreError;

/// An infrastructure failure. The HTTP layer answers 503 with `Retry-After`, or 500 with a reference.
#[derive(Debug, thiserror::Error)]
pub enum Fault {
    /// The database or Redis cannot be reached now; it is tried again with the next request.
    #[error("the store is unavailable: {0}")]
    Unavailable(StoreError),
    /// Too much of expensive work is queued.
    #[error("too busy")]
    Busy,
    /// A row, a key or a piece of our own code is not as it must be.
    #[error("{0}")]
    Internal(String),
}

impl Fault {
    /// When a client may try again; `None` when trying again does not help.
    pub const fn retry_after(&self) -> Option<Duration> {
        match self {
            Self::Unavailable(_) => Some(Duration::from_secs(2)),
            Self::Busy => Some(Duration::from_secs(1)),
            Self::Internal(_) => None,
        }
    }

    /// Wraps an error that only a defect of ours or a damaged row can cause.
    pub fn internal(error: impl std::fmt::Display) -> Self {
        Self::Internal(error.to_string())
    }
}

impl From<StoreError> for Fault {
    fn from(error: StoreError) -> Self {
        match error {
            StoreError::Unavailable(_) => Self::Unavailable(error),
            other => Self::Internal(other.to_string()),
        }
    }
}

impl From<SealError> for Fault {
    fn from(error: SealError) -> Self {
        Self::internal(error)
    }
}
