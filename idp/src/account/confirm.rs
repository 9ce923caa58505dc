//! Acts that move money, prices or invitations take a recent factor. Whoever has none is led to one and back to the page,
//! where what was typed waits for them, for the same browser and person; the button is pressed once more.

use std::time::Duration;

use serde::{Deserialize, Serialize};
use stepgate_core::authorize::interaction::{Landing, LocalAddress};
use stepgate_core::secret::TokenHash;
use stepgate_store::ephemeral;

use super::Visitor;
use super::fresh::{FRESH, is_fresh, lead};
use crate::cx::Cx;
use crate::fault::Fault;
use crate::http::extract::Browser;
use crate::http::page::PageFailure;

/// How recent: as long as it takes to fill in a form with a file beside it.
const RECENT: Duration = Duration::from_secs(900);
const PURPOSE: &str = "typed";

/// What to say on the page that the way leads back to.
pub(crate) const ONCE_MORE: &str =
    "Thank you, it is you. Nothing is done yet: look at what is typed here, and press the button once more.";

/// The fields of a form, as they were typed.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub(crate) struct Typed(Vec<(String, String)>);

impl Typed {
    /// These fields, but for the proof that belongs to one page.
    pub fn of<'a>(fields: impl IntoIterator<Item = (&'a str, &'a str)>) -> Self {
        let fields = fields.into_iter().filter(|(name, _)| *name != "csrf");
        Self(fields.map(|(name, value)| (name.to_owned(), value.to_owned())).collect())
    }

    /// A field; empty when absent.
    pub fn get(&self, name: &str) -> &str {
        self.0.iter().find(|(known, _)| known == name).map_or("", |(_, value)| value)
    }
}

fn key(browser: &Browser, visitor: &Visitor, path: &str) -> String {
    let text = format!("{} {} {path}", browser.token(), visitor.person.id);
    TokenHash::of(&text).as_bytes().iter().map(|byte| format!("{byte:02x}")).collect()
}

fn here(path: &str) -> Option<Landing> {
    LocalAddress::parse(path).map(Landing::Asked)
}

/// Goes on where the session has a recent factor; else what was typed is kept, and the way leads to a factor and back to
/// `path`, a page of ours.
///
/// # Errors
/// [`PageFailure::Elsewhere`] with the way to one; the store.
pub(crate) async fn confirm(
    cx: &Cx,
    browser: &Browser,
    (visitor, path): (&Visitor, &str),
    typed: &Typed,
) -> Result<(), PageFailure> {
    let key = key(browser, visitor, path);
    if is_fresh(cx, visitor, RECENT) {
        // It goes out of the form with the act.
        ephemeral::take_value(&cx.app.db, PURPOSE, &key, cx.now).await?;
        return Ok(());
    }
    let text = serde_json::to_string(typed).map_err(Fault::internal)?;
    ephemeral::put_value(&cx.app.db, (PURPOSE, &key), &text, cx.now + RECENT).await?;
    Err(lead(cx, browser, visitor, here(path)).await?)
}

/// The same before a form is shown that cannot be kept: one with a file.
///
/// # Errors
/// As [`confirm`].
pub(crate) async fn confirm_first(
    cx: &Cx,
    browser: &Browser,
    (visitor, path): (&Visitor, &str),
) -> Result<(), PageFailure> {
    if is_fresh(cx, visitor, FRESH) {
        return Ok(());
    }
    Err(lead(cx, browser, visitor, here(path)).await?)
}

/// What was typed on the page before the way to a factor.
///
/// # Errors
/// The store.
pub(crate) async fn kept(
    cx: &Cx,
    browser: &Browser,
    (visitor, path): (&Visitor, &str),
) -> Result<Option<Typed>, Fault> {
    let found = ephemeral::find_value(&cx.app.db, PURPOSE, &key(browser, visitor, path), cx.now).await?;
    Ok(found.and_then(|text| serde_json::from_str(&text).ok()))
}
