//! A parked request: kept in the store, bound to the browser that began it.

use std::time::Duration;

use data_encoding::BASE64URL_NOPAD;
use serde::{Deserialize, Serialize};
use stepgate_core::authorize::interaction::{Interaction, Stage};
use stepgate_core::id::InteractionId;
use stepgate_core::secret::TokenHash;
use stepgate_store::interactions;

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
    row: interactions::Interaction,
}

#[derive(Serialize, Deserialize)]
struct Data {
    /// Hash of the browser's cookie.
    browser: String,
    interaction: Interaction,
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
            data: data(&browser, &interaction)?,
            version: 0,
            session: None,
            created_at: cx.now,
            expires_at: cx.now + Duration::from_secs(cx.app.settings.sessions.interaction_seconds),
        };
        interactions::insert_interaction(&cx.app.db.write, &row).await?;
        Ok(Self { id: row.id, interaction, browser, row })
    }

    /// A parked request of this browser. Another browser's is as good as none.
    pub async fn find(cx: &Cx, id: InteractionId, browser: &str) -> Result<Option<Self>, Fault> {
        let Some(row) = interactions::find_interaction(&cx.app.db, id, cx.now).await? else { return Ok(None) };
        let Data { browser: bound, interaction } = serde_json::from_value(row.data.clone()).map_err(Fault::internal)?;
        Ok((bound == fingerprint(browser)).then_some(Self { id, interaction, browser: bound, row }))
    }

    /// Keeps the interaction as it is now; `None` when another request of the browser was faster.
    pub async fn advance(mut self, cx: &Cx, interaction: Interaction) -> Result<Option<Self>, Fault> {
        let data = data(&self.browser, &interaction)?;
        let stage = name(&interaction.stage);
        if !interactions::advance_interaction(&cx.app.db.write, &self.row, stage, &data, None).await? {
            return Ok(None);
        }
        self.interaction = interaction;
        self.row.stage = stage.to_owned();
        self.row.data = data;
        self.row.version += 1;
        Ok(Some(self))
    }

    /// Uses the request up, in the transaction that gives what was asked for. `false` when that was done already.
    pub async fn take(&self, connection: &impl stepgate_store::Connection) -> Result<bool, Fault> {
        Ok(interactions::finish_interaction(connection, &self.row).await?)
    }

    /// What challenges for this request are bound to: a code that was sent for one request is worthless for another.
    pub fn binding(&self) -> String {
        self.id.to_string()
    }

    /// Whether another request of the browser has moved it on since it was read.
    pub async fn was_overtaken(cx: &Cx, id: InteractionId, version: i64) -> Result<bool, Fault> {
        Ok(interactions::find_interaction(&cx.app.db, id, cx.now).await?.is_some_and(|row| row.version != version))
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

fn data(browser: &str, interaction: &Interaction) -> Result<serde_json::Value, Fault> {
    serde_json::to_value(Data { browser: browser.to_owned(), interaction: interaction.clone() })
        .map_err(Fault::internal)
}

/// The name of a stage in the store, for operators who look.
const fn name(stage: &Stage) -> &'static str {
    match stage {
        Stage::Identify => "identify",
        Stage::Password { .. } => "password",
        Stage::Factor { .. } => "factor",
        Stage::PhoneCode { .. } => "phone_code",
        Stage::MobileWait { .. } => "mobile_wait",
        Stage::HardwareCode { .. } => "hardware_code",
        Stage::Consent => "consent",
        Stage::RequirementsNotMet => "requirements_not_met",
    }
}
