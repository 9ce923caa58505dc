//! The end of a session, however it comes: with it, in one transaction, the messages to every partner in it.

use stepgate_core::id::{MessageId, PersonId, SessionId};
use stepgate_core::logout::front_channel_address;
use stepgate_store::{Connection, grants, outbox as store, sessions};
use url::Url;

use super::back_channel::{KIND, Notice};
use crate::audit::{self, Event};
use crate::clients;
use crate::cx::Cx;
use crate::fault::Fault;
use crate::outbox;

/// Sessions that have just ended, and whom that concerns.
#[derive(Default)]
pub struct Ended {
    /// What goes to partners from server to server: kept in the outbox already.
    pub(super) notices: Vec<(MessageId, Notice)>,
    /// What the browser is to open in hidden frames.
    pub(super) frames: Vec<Url>,
}

/// Ends one session, with its audit event, in a transaction of its own; `None` when it had ended already.
pub async fn end(cx: &Cx, session: SessionId, person: PersonId) -> Result<Option<Ended>, Fault> {
    know_partners(cx, session).await?;
    let transaction = cx.app.db.begin().await?;
    let Some(ended) = end_in(cx, &transaction, session, person).await? else { return Ok(None) };
    audit::record(cx, &transaction, Event::new("session.ended").by(person).session(session)).await?;
    transaction.commit().await?;
    Ok(Some(ended))
}

/// Ends one session in the transaction of the act that ends it; `None` when it had ended already. Once that is
/// committed, the caller tells the partners.
pub async fn end_in(
    cx: &Cx,
    transaction: &impl Connection,
    session: SessionId,
    person: PersonId,
) -> Result<Option<Ended>, Fault> {
    if !sessions::end_session(transaction, session, cx.now).await? {
        return Ok(None);
    }
    let mut ended = Ended::default();
    ended.gather(cx, transaction, session, person).await?;
    Ok(Some(ended))
}

/// Ends all sessions of a person, but one where the person keeps one; how many, and whom that concerns.
pub async fn end_all_in(
    cx: &Cx,
    transaction: &impl Connection,
    person: PersonId,
    except: Option<SessionId>,
) -> Result<(usize, Ended), Fault> {
    let sessions = sessions::end_sessions_of(transaction, person, except, cx.now).await?;
    let mut ended = Ended::default();
    for session in &sessions {
        ended.gather(cx, transaction, *session, person).await?;
    }
    Ok((sessions.len(), ended))
}

/// Reads the partners of a session into the cache, so that a transaction need not wait for a second connection.
pub async fn know_partners(cx: &Cx, session: SessionId) -> Result<(), Fault> {
    for client in grants::list_clients_of_session(&cx.app.db.read, session).await? {
        clients::find(cx, &client).await?;
    }
    Ok(())
}

impl Ended {
    /// Two ends as one.
    pub fn join(&mut self, other: Self) {
        self.notices.extend(other.notices);
        self.frames.extend(other.frames);
    }

    /// Adds the partners of a session that has just ended, and keeps what is to be told to them.
    async fn gather(
        &mut self,
        cx: &Cx,
        transaction: &impl Connection,
        session: SessionId,
        person: PersonId,
    ) -> Result<(), Fault> {
        for client in grants::list_clients_of_session(transaction, session).await? {
            let Some(registered) = clients::find(cx, &client).await? else { continue };
            let metadata = &registered.client.metadata;
            self.frames.extend(front_channel_address(metadata, cx.app.issuer(), session));
            if metadata.backchannel_logout_uri.is_some() {
                let once = format!("logout {session} {client}");
                let notice = Notice { client, session, person };
                let message = outbox::sealed(cx, KIND, &notice, Some(once))?;
                if store::insert_message(transaction, &message).await? {
                    self.notices.push((message.id, notice));
                }
            }
        }
        Ok(())
    }
}
