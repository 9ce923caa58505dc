//! Telling partners from server to server (OpenID Connect Back-Channel Logout §2.5 to §2.8).
//!
//! Owns: the logout token, which is made anew for each try, and the tries. What is to be told lies in the outbox; any
//! node may tell it. Never: an address that the guarded client refuses.

use std::sync::Arc;
use std::time::Duration;

use futures_util::future::join_all;
use http::{HeaderMap, HeaderValue, header};
use serde::{Deserialize, Serialize};
use serde_json::json;
use stepgate_core::id::{MessageId, PersonId, SessionId};
use stepgate_core::logout::{LOGOUT_TOKEN_TYPE, LogoutToken, wait_after};
use stepgate_store::outbox as store;
use url::Url;

use super::end::Ended;
use crate::app::App;
use crate::audit::{self, Event};
use crate::clients::{self, Registered};
use crate::cx::Cx;
use crate::fault::Fault;
use crate::outbound::fetch::FetchRequest;
use crate::outbox::{self, OWN_TIME};

/// The kind of these messages in the outbox.
pub const KIND: &str = "logout";

/// How long the browser waits for partners before it goes on; the tries go on without it.
const PATIENCE: Duration = Duration::from_secs(2);

/// How many messages a node tells at a time.
const AT_ONCE: u32 = 20;

/// A partner is to learn that a session has ended.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Notice {
    /// The client.
    pub client: String,
    /// The session.
    pub session: SessionId,
    /// Whose it was.
    pub person: PersonId,
}

impl Ended {
    /// Tells the partners at once and waits a little for them; the names of applications that have not heard yet.
    pub async fn tell(&self, cx: &Cx) -> Result<Vec<String>, Fault> {
        let tries = self.notices.iter().map(|(id, notice)| {
            let (cx, id, notice) = (cx.clone(), *id, notice.clone());
            tokio::time::timeout(PATIENCE, tokio::spawn(async move { attempt(&cx, id, 1, &notice).await }))
        });
        let mut unreached = Vec::new();
        for (heard, (_, notice)) in join_all(tries).await.into_iter().zip(&self.notices) {
            if !matches!(heard, Ok(Ok(Ok(true)))) {
                let client = clients::find(cx, &notice.client).await?;
                unreached.extend(client.map(|client| client.application.name.clone()));
            }
        }
        Ok(unreached)
    }

    /// Tells the partners at once, and nobody waits for it.
    pub fn tell_soon(self, cx: &Cx) {
        for (id, notice) in self.notices {
            let cx = cx.clone();
            tokio::spawn(async move {
                if let Err(fault) = attempt(&cx, id, 1, &notice).await {
                    tracing::warn!(error = %fault, "a partner will be told of a logout later");
                }
            });
        }
    }
}

/// Tells what other nodes left behind, or what did not work out at once. Called every few seconds.
pub async fn deliver_left_behind(app: &Arc<App>) -> Result<(), Fault> {
    let cx = Cx::background(app);
    let leased = store::lease_messages(&app.db, KIND, AT_ONCE, cx.now, cx.now + OWN_TIME).await?;
    // Together, not one after the other: a partner that does not answer must not use up the leases of the rest.
    let tries = leased.iter().map(|kept| async {
        let notice: Notice = outbox::open_as(app, kept)?;
        attempt(&cx, kept.id, kept.attempts.saturating_add(1), &notice).await
    });
    join_all(tries).await.into_iter().try_for_each(|tried| tried.map(drop))
}

/// One try, the `number`th; whether the partner has heard.
async fn attempt(cx: &Cx, id: MessageId, number: u32, notice: &Notice) -> Result<bool, Fault> {
    let Some(client) = clients::find(cx, &notice.client).await? else {
        store::abandon_message(&cx.app.db, id, cx.now, "the client is gone").await?;
        return Ok(false);
    };
    let Err(reason) = post(cx, id, &client, notice).await? else {
        store::finish_message(&cx.app.db, id, cx.now).await?;
        record(cx, "logout.told", notice, json!({ "tries": number })).await?;
        return Ok(true);
    };
    tracing::info!(client.id = notice.client, number, %reason, "a partner could not be told of a logout");
    match wait_after(number) {
        Some(wait) => store::fail_message(&cx.app.db, id, cx.now + wait, &reason).await?,
        None => {
            store::abandon_message(&cx.app.db, id, cx.now, &reason).await?;
            record(cx, "logout.not_told", notice, json!({ "tries": number, "reason": reason })).await?;
        }
    }
    Ok(false)
}

async fn record(cx: &Cx, kind: &'static str, notice: &Notice, data: serde_json::Value) -> Result<(), Fault> {
    let event = Event::new(kind).to(notice.person).session(notice.session).client(&notice.client).data(data);
    audit::record(cx, &cx.app.db.write, event).await
}

/// Posts the logout token (§2.5); any answer but 2xx is a failure, and may pass (§2.8).
async fn post(cx: &Cx, id: MessageId, client: &Registered, notice: &Notice) -> Result<Result<(), String>, Fault> {
    let address = client.client.metadata.backchannel_logout_uri.as_deref().and_then(|uri| Url::parse(uri).ok());
    let Some(address) = address else { return Ok(Err("backchannel_logout_uri is gone".to_owned())) };
    let subject = client.subject(cx, notice.person);
    let claims = LogoutToken::new(cx.app.issuer(), &notice.client, (&subject, notice.session), id, cx.now);
    let keys = cx.app.keys();
    let key = keys.signer(client.id_token_algorithm).ok_or_else(|| Fault::internal("there is no signing key"))?;
    let token = key.sign(LOGOUT_TOKEN_TYPE, &claims).map_err(Fault::internal)?;
    let body = form_urlencoded::Serializer::new(String::new()).append_pair("logout_token", &token).finish();
    let form = HeaderValue::from_static("application/x-www-form-urlencoded");
    let headers = HeaderMap::from_iter([(header::CONTENT_TYPE, form)]);
    let answer = cx.app.outbound.fetcher.send(FetchRequest::post(address, headers, body.into_bytes())).await;
    Ok(match answer {
        Ok(answer) if answer.status.is_success() => Ok(()),
        Ok(answer) => Err(format!("answered {}", answer.status.as_u16())),
        Err(error) => Err(error.to_string()),
    })
}
