//! What an agent typed about a request, kept while they show a factor or log in again: in the same browser it is there
//! when they come back, for an hour at most.

use std::collections::BTreeMap;
use std::time::Duration;

use stepgate_core::id::ProofingId;
use stepgate_core::secret::TokenHash;
use stepgate_store::{StoreError, ephemeral};

use crate::cx::Cx;
use crate::http::extract::{Browser, Form};

const PURPOSE: &str = "proofing typed";
const KEPT: Duration = Duration::from_secs(3600);
const FIELDS: [&str; 7] = ["act", "method", "document", "issuer", "valid_until", "name", "reason"];
/// More than any field takes; the rest of what is too long is not kept.
const LONGEST: usize = 1000;

/// What was typed, and what is wrong with it.
#[derive(Default)]
pub(super) struct Typed {
    fields: BTreeMap<String, String>,
    /// What is wrong with it.
    pub(super) error: Option<String>,
}

impl Typed {
    /// What a form says, with what is wrong with it.
    pub(super) fn of(form: &Form, error: Option<String>) -> Self {
        let cut = |name: &str| form.get(name).chars().take(LONGEST).collect::<String>();
        Self { fields: FIELDS.map(|name| (name.to_owned(), cut(name))).into(), error }
    }

    /// A field; empty when nothing was typed.
    pub(super) fn get(&self, name: &str) -> &str {
        self.fields.get(name).map_or("", String::as_str)
    }

    /// Keeps it for this browser.
    pub(super) async fn keep(&self, cx: &Cx, browser: &Browser, request: ProofingId) -> Result<(), StoreError> {
        let text = serde_json::to_string(&self.fields).unwrap_or_default();
        ephemeral::put_value(&cx.app.db, (PURPOSE, &key(browser, request)), &text, cx.now + KEPT).await
    }

    /// What was kept.
    pub(super) async fn kept(cx: &Cx, browser: &Browser, request: ProofingId) -> Result<Self, StoreError> {
        let text = ephemeral::find_value(&cx.app.db, PURPOSE, &key(browser, request), cx.now).await?;
        let fields = text.and_then(|text| serde_json::from_str(&text).ok()).unwrap_or_default();
        Ok(Self { fields, error: None })
    }

    /// Forgets what was kept: it was decided.
    pub(super) async fn forget(cx: &Cx, browser: &Browser, request: ProofingId) -> Result<(), StoreError> {
        ephemeral::put_value(&cx.app.db, (PURPOSE, &key(browser, request)), "", cx.now).await
    }
}

/// A session may end meanwhile; the browser stays.
fn key(browser: &Browser, request: ProofingId) -> String {
    let hash = TokenHash::of(browser.token());
    format!("{request} {}", hash.as_bytes().iter().map(|byte| format!("{byte:02x}")).collect::<String>())
}
