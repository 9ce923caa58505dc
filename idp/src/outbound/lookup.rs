//! What a telephone network knows of a number: whether its SIM card was changed, whether it forwards, whether it is alive.

mod twilio;

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use futures_util::future::{BoxFuture, ready};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use stepgate_core::contact::PhoneNumber;
use stepgate_core::time::Timestamp;

use super::fetch::Fetcher;

/// What is known of a number at a moment. What is not known is `None`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Signals {
    /// When its SIM card was last changed.
    pub swapped_at: Option<Timestamp>,
    /// Whether calls to it ring elsewhere.
    pub forwarded: Option<bool>,
    /// Whether the line is in use.
    pub active: Option<bool>,
}

/// Nobody answered, or not in words that we know.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the look-up of a number gave no answer")]
pub struct LookupError;

/// Asks a network about numbers.
pub trait NumberLookup: Send + Sync {
    /// What is known of a number now.
    fn look_up<'a>(&'a self, number: &'a PhoneNumber, now: Timestamp) -> BoxFuture<'a, Result<Signals, LookupError>>;
}

/// Who is asked about a number before a code goes there.
#[derive(Clone, Default, Serialize, Deserialize, JsonSchema)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum LookupSettings {
    /// Nobody.
    #[default]
    None,
    /// Twilio Lookup, version 2.
    Twilio(twilio::LookupAccount),
    /// A table in these settings: for tests and demonstrations.
    Table {
        /// Numbers, and how many hours ago their SIM card was changed.
        #[serde(default)]
        swapped_hours: BTreeMap<String, u32>,
        /// Numbers that forward calls.
        #[serde(default)]
        forwarded: Vec<String>,
        /// Numbers whose line is not in use.
        #[serde(default)]
        inactive: Vec<String>,
    },
}

impl LookupSettings {
    pub(super) fn build(&self, fetcher: &Arc<Fetcher>) -> Result<Option<Box<dyn NumberLookup>>, String> {
        Ok(match self {
            Self::None => None,
            Self::Twilio(account) => Some(Box::new(twilio::TwilioLookup::new(account, Arc::clone(fetcher))?)),
            Self::Table { swapped_hours, forwarded, inactive } => Some(Box::new(Told {
                swapped_hours: swapped_hours.clone(),
                forwarded: forwarded.clone(),
                inactive: inactive.clone(),
            })),
        })
    }
}

struct Told {
    swapped_hours: BTreeMap<String, u32>,
    forwarded: Vec<String>,
    inactive: Vec<String>,
}

impl NumberLookup for Told {
    fn look_up<'a>(&'a self, number: &'a PhoneNumber, now: Timestamp) -> BoxFuture<'a, Result<Signals, LookupError>> {
        let named = |numbers: &[String]| numbers.iter().any(|known| known == number.as_e164());
        let hours = self.swapped_hours.get(number.as_e164());
        Box::pin(ready(Ok(Signals {
            swapped_at: hours.map(|hours| now - Duration::from_secs(3600) * *hours),
            forwarded: Some(named(&self.forwarded)),
            active: Some(!named(&self.inactive)),
        })))
    }
}
