//! A parked request: kept in the store, bound to the browser that began it.

use std::time::Duration;

use data_encoding::BASE64URL_NOPAD;
use serde::{Deserialize, Serialize};
use stepgate_core::authorize::interaction::{Interaction, Stage};
use stepgate_core::id::{InteractionId, PersonId};
use stepgate_core::secret::TokenHash;
use stepgate_core::time::Timestamp;
use stepgate_store::{interactions, pushed, wanted};

use crate::cx::Cx;
use crate::fault::Fault;

/// A parked request as it was read.
#[derive(Clone, Debug)]
pub struct Parked {
    /// Its id, in the page's address.
    pub id: InteractionId,
    /// How far the person got.
    pub interaction: Interaction,
    browser: String,
    taken_at: Option<Timestamp>,
    row: interactions::Interaction,
}

/// How long after a step was taken the same button may still have been pressed: a double click on a slow line.
const SAME_PRESS: Duration = Duration::from_secs(3);

/// How long a request waits for a person who gets what they lack: until the post has come.
pub const KEPT_FOR: Duration = Duration::from_secs(30 * 24 * 3600);

#[derive(Serialize, Deserialize)]
struct Data {
    /// Hash of the browser's cookie.
    browser: String,
    interaction: Interaction,
    /// When the step that this stage asks for was claimed, in milliseconds since 1970.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    taken_at: Option<i64>,
}

/// What is kept of a parked request that ended on a page of ours.
#[derive(Serialize, Deserialize)]
struct Closed {
    browser: String,
    led_to: String,
}

fn fingerprint(browser: &str) -> String {
    BASE64URL_NOPAD.encode(TokenHash::of(browser).as_bytes())
}

impl Parked {
    /// Parks a request for a browser.
    pub async fn begin(cx: &Cx, browser: &str, interaction: Interaction) -> Result<Self, Fault> {
        let browser = fingerprint(browser);
        let row = interactions::Interaction {
            id: InteractionId::random(cx.entropy()),
            stage: name(&interaction.stage).to_owned(),
            data: data(&browser, &interaction, None)?,
            version: 0,
            session: None,
            created_at: cx.now,
            expires_at: cx.now + Duration::from_secs(cx.app.settings.sessions.interaction_seconds),
        };
        interactions::insert_interaction(&cx.app.db.write, &row).await?;
        Ok(Self { id: row.id, interaction, browser, taken_at: None, row })
    }

    /// A parked request of this browser. Another browser's is as good as none.
    pub async fn find(cx: &Cx, id: InteractionId, browser: &str) -> Result<Option<Self>, Fault> {
        let row = interactions::find_interaction(&cx.app.db, id, cx.now).await?;
        let Some(row) = row.filter(|row| row.stage != interactions::CLOSED) else { return Ok(None) };
        let data = serde_json::from_value(row.data.clone()).map_err(Fault::internal)?;
        let Data { browser: bound, interaction, taken_at } = data;
        let taken_at = taken_at.map(Timestamp::from_unix_millis);
        Ok((bound == fingerprint(browser)).then_some(Self { id, interaction, browser: bound, taken_at, row }))
    }

    /// Keeps the interaction as it is now; `None` when another request of the browser was faster.
    pub async fn advance(mut self, cx: &Cx, interaction: Interaction) -> Result<Option<Self>, Fault> {
        self.interaction = interaction;
        Ok(self.write(cx, None).await?.then_some(self))
    }

    /// Writes what is new, from the version that was read.
    async fn write(&mut self, cx: &Cx, taken_at: Option<Timestamp>) -> Result<bool, Fault> {
        let data = data(&self.browser, &self.interaction, taken_at)?;
        let stage = name(&self.interaction.stage);
        if !interactions::advance_interaction(&cx.app.db.write, &self.row, stage, &data, None).await? {
            return Ok(false);
        }
        self.taken_at = taken_at;
        self.row.stage = stage.to_owned();
        self.row.data = data;
        self.row.version += 1;
        Ok(true)
    }

    /// Keeps the request while its person gets what they lack: for [`KEPT_FOR`] from when it began. What it was pushed as is
    /// kept as long, to be used up once; a browser can come with its reference no longer than before.
    pub async fn keep(&self, cx: &Cx, person: PersonId) -> Result<(), Fault> {
        let until = self.row.created_at + KEPT_FOR;
        let (Some(request), true) = (self.interaction.request(), cx.now < until) else { return Ok(()) };
        if !interactions::keep_interaction(&cx.app.db.write, self.id, until).await? {
            return Ok(());
        }
        if let Some(pushed) = request.pushed {
            pushed::keep_pushed(&cx.app.db.write, pushed, until).await?;
        }
        wanted::want(&cx.app.db.write, (person, &request.client_id), (cx.now, until)).await?;
        Ok(())
    }

    /// Uses the request up, in the transaction that gives what was asked for. `false` when that was done already.
    pub async fn take(&self, connection: &impl stepgate_store::Connection) -> Result<bool, Fault> {
        Ok(interactions::finish_interaction(connection, &self.row).await?)
    }

    /// Uses the request up and remembers the page of ours that it led to. `false` when that was done already.
    pub async fn close(&self, cx: &Cx, led_to: &str) -> Result<bool, Fault> {
        self.close_in(&cx.app.db.write, led_to).await
    }

    /// The same, in the transaction that gives what was asked for.
    pub async fn close_in(&self, connection: &impl stepgate_store::Connection, led_to: &str) -> Result<bool, Fault> {
        let closed = Closed { browser: self.browser.clone(), led_to: led_to.to_owned() };
        let data = serde_json::to_value(closed).map_err(Fault::internal)?;
        Ok(interactions::close_interaction(connection, &self.row, &data).await?)
    }

    /// Where a parked request of this browser led, if it ended on a page of ours: a slower press follows there.
    pub async fn led_to(cx: &Cx, id: InteractionId, browser: &str) -> Result<Option<String>, Fault> {
        let row = interactions::find_interaction(&cx.app.db, id, cx.now).await?;
        let Some(row) = row.filter(|row| row.stage == interactions::CLOSED) else { return Ok(None) };
        let closed: Closed = serde_json::from_value(row.data).map_err(Fault::internal)?;
        Ok((closed.browser == fingerprint(browser)).then_some(closed.led_to))
    }

    /// Claims the step for this request, once what was typed has proven right and before it is used up. `false`: the
    /// same button was pressed twice, and the other press was faster.
    ///
    /// So whoever finds a code used up finds the step claimed as well, and knows that it came second.
    pub async fn claim(&mut self, cx: &Cx) -> Result<bool, Fault> {
        Ok(!self.was_taken(cx) && self.write(cx, Some(cx.now)).await?)
    }

    /// Gives the claimed step back: it came to nothing.
    pub async fn disclaim(&mut self, cx: &Cx) -> Result<(), Fault> {
        self.write(cx, None).await.map(drop)
    }

    /// Whether another press of the same button took this step, just before this one was read or since.
    pub async fn came_second(&self, cx: &Cx) -> Result<bool, Fault> {
        Ok(self.was_taken(cx) || Self::was_overtaken(cx, self.version()).await?)
    }

    fn was_taken(&self, cx: &Cx) -> bool {
        self.taken_at.is_some_and(|at| cx.now.since(at) < SAME_PRESS)
    }

    /// What challenges for this request are bound to: a code that was sent for one request is worthless for another.
    pub fn binding(&self) -> String {
        self.id.to_string()
    }

    /// Whether another request of the browser has moved it on, or ended it, since it was read.
    pub async fn was_overtaken(cx: &Cx, (id, version): (InteractionId, i64)) -> Result<bool, Fault> {
        Ok(interactions::find_interaction(&cx.app.db, id, cx.now).await?.is_none_or(|row| row.version != version))
    }

    /// Which state of it this is.
    pub fn version(&self) -> (InteractionId, i64) {
        (self.id, self.row.version)
    }

    /// The address of its page.
    pub fn path(&self) -> String {
        format!("/interaction/{}", self.id)
    }
}

fn data(browser: &str, interaction: &Interaction, taken_at: Option<Timestamp>) -> Result<serde_json::Value, Fault> {
    let (browser, interaction) = (browser.to_owned(), interaction.clone());
    let taken_at = taken_at.map(Timestamp::unix_millis);
    serde_json::to_value(Data { browser, interaction, taken_at }).map_err(Fault::internal)
}

/// The name of a stage in the store, for operators who look.
const fn name(stage: &Stage) -> &'static str {
    match stage {
        Stage::Identify => "identify",
        Stage::Password { .. } => "password",
        Stage::Factor { .. } => "factor",
        Stage::PhoneCode { .. } => "phone_code",
        Stage::MobileWait { .. } => "mobile_wait",
        Stage::SecurityKey { .. } => "security_key",
        Stage::HardwareCode { .. } => "hardware_code",
        Stage::Consent => "consent",
        Stage::RequirementsNotMet => "requirements_not_met",
    }
}
