//! What a person is told about their account, apart from any page they look at.
//!
//! Owns: the text of a notice and its way through the outbox, written in the transaction of the act that it tells of.
//! Never: a code or anything that authenticates; mail is no factor (NIST SP 800-63B-4 §3.1.3.1).

use std::sync::Arc;
use std::time::Duration;

use serde::{Deserialize, Serialize};
use stepgate_core::contact::EmailAddress;
use stepgate_core::id::PersonId;
use stepgate_core::secret::SecretString;
use stepgate_store::{Connection, outbox as store, people};

use crate::app::App;
use crate::cx::Cx;
use crate::fault::Fault;
use crate::outbound::Mail;
use crate::outbox::{self, OWN_TIME};

/// The kind of these messages in the outbox.
const KIND: &str = "mail";
/// How many mails a node hands over at a time.
const AT_ONCE: u32 = 20;
/// A notice that nobody took for so long is given up.
const LIFETIME: Duration = Duration::from_secs(3 * 24 * 3600);

/// Something that happened to an account, for the people whose account it is.
#[derive(Clone, Debug)]
pub struct Notice {
    /// The subject line: `A security key was added`.
    pub subject: String,
    /// What happened and what to do about it, in sentences.
    pub text: String,
}

impl Notice {
    /// A notice with these words.
    pub fn new(subject: impl Into<String>, text: impl Into<String>) -> Self {
        Self { subject: subject.into(), text: text.into() }
    }
}

/// A mail in the outbox.
#[derive(Serialize, Deserialize)]
struct Kept {
    to: String,
    subject: String,
    text: String,
}

/// Tells a person, at every address on file. Call it in the transaction of the act.
///
/// # Errors
/// The store.
pub async fn tell(cx: &Cx, transaction: &impl Connection, person: PersonId, notice: &Notice) -> Result<(), Fault> {
    let Some(found) = people::find_person(&cx.app.db, person).await? else { return Ok(()) };
    let Some(to) = found.claims.email.clone() else { return Ok(()) };
    let text = format!("Hello {},\n\n{}\n\n{}", found.display_name(), notice.text, cx.app.settings.server.name);
    let kept = Kept { to, subject: notice.subject.clone(), text };
    let mut message = outbox::sealed(cx, KIND, &kept, None)?;
    // Nobody waits for a mail: any node takes it at its next round.
    message.due_at = cx.now;
    store::insert_message(transaction, &message).await?;
    Ok(())
}

/// Hands over the mails that are due. Called every second by the background task.
pub async fn deliver(app: &Arc<App>) -> Result<(), Fault> {
    let cx = Cx::background(app);
    for leased in store::lease_messages(&app.db, KIND, AT_ONCE, cx.now, cx.now + OWN_TIME).await? {
        if cx.now.since(leased.created_at) > LIFETIME {
            store::abandon_message(&app.db, leased.id, cx.now, "too old to be of use").await?;
            continue;
        }
        let kept: Kept = outbox::open_as(app, &leased)?;
        let Ok(to) = kept.to.parse::<EmailAddress>() else {
            store::abandon_message(&app.db, leased.id, cx.now, "no e-mail address").await?;
            continue;
        };
        let text = SecretString::new(kept.text);
        let mail = Mail { subject: kept.subject, text, code: None, at: leased.created_at };
        match app.outbound.mail(&to, &mail).await {
            Ok(()) => store::finish_message(&app.db, leased.id, cx.now).await?,
            Err(error) => store::fail_message(&app.db, leased.id, cx.now + OWN_TIME, &error.to_string()).await?,
        }
    }
    Ok(())
}
