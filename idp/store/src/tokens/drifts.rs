//! How tokens ran away and were brought back, and how whole series of them age.

use stepgate_core::credentials::hardware_token::wear::Clocks;
use stepgate_core::credentials::hardware_token::{Memory, Mode, OathParameters};
use stepgate_core::id::{BatchId, CredentialId};
use stepgate_core::time::Timestamp;

use crate::row::{Row, all, at, run};
use crate::{Connection, Db, StoreError};

/// How a token came back into step.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum How {
    /// Its holder typed two codes for it.
    Resync,
    /// Two codes of a login, of which the first was refused.
    ByItself,
}

impl How {
    const fn as_str(self) -> &'static str {
        match self {
            Self::Resync => "resync",
            Self::ByItself => "by_itself",
        }
    }

    fn from_name(name: &str) -> Option<Self> {
        [Self::Resync, Self::ByItself].into_iter().find(|how| how.as_str() == name)
    }
}

/// One time that a token was brought back.
#[derive(Clone, Copy, Debug)]
pub struct Drift {
    /// When.
    pub at: Timestamp,
    /// How.
    pub how: How,
    /// What was remembered of the token before.
    pub from: Memory,
    /// What was learned.
    pub to: Memory,
}

/// Keeps what was learned, in the transaction that accepts it. Its moving factor is accepted once, so it is a key.
pub async fn insert_drift(
    connection: &impl Connection,
    credential: CredentialId,
    drift: &Drift,
) -> Result<(), StoreError> {
    let sql = "INSERT INTO token_drifts (credential_id, factor, at, how, from_factor, from_drift, to_drift)
               VALUES (?, ?, ?, ?, ?, ?, ?)";
    let values = vec![
        credential.uuid().into(),
        drift.to.last.into(),
        at(drift.at),
        drift.how.as_str().into(),
        drift.from.last.into(),
        i64::from(drift.from.drift).into(),
        i64::from(drift.to.drift).into(),
    ];
    run(connection, sql, values).await.map(drop)
}

/// The latest times that a token was brought back, the latest first.
pub async fn list_drifts(db: &Db, credential: CredentialId, limit: u32) -> Result<Vec<Drift>, StoreError> {
    let sql = "SELECT credential_id AS id, factor, at, how, from_factor, from_drift, to_drift FROM token_drifts
               WHERE credential_id = ? ORDER BY factor DESC LIMIT ?";
    let steps = |row: &Row, column| Ok::<_, StoreError>(i32::try_from(row.get::<i64>(column)?).unwrap_or(0));
    let drift = |row: &Row| {
        Ok(Drift {
            at: row.time("at")?,
            how: row.parsed("token_drifts", "how", How::from_name)?,
            from: Memory { last: row.get("from_factor")?, drift: steps(row, "from_drift")? },
            to: Memory { last: row.get("factor")?, drift: steps(row, "to_drift")? },
        })
    };
    all(&db.read, sql, vec![credential.uuid().into(), i64::from(limit).into()]).await?.iter().map(drift).collect()
}

/// The tokens in use of one model out of one file.
#[derive(Clone, Debug)]
pub struct Series {
    /// The file.
    pub batch: BatchId,
    /// What it is called.
    pub name: String,
    /// Who made the tokens, and which model they are.
    pub model: String,
    /// How many are in use.
    pub tokens: u64,
    /// Since when the oldest is in use.
    pub oldest: Option<Timestamp>,
    /// When the first life ends.
    pub ends_first: Option<Timestamp>,
    /// How their clocks run; tokens that count presses have none.
    pub clocks: Clocks,
}

/// All series with a token in use. The database counts; what comes out grows with files and models, not with tokens.
pub async fn list_series(db: &Db) -> Result<Vec<Series>, StoreError> {
    let sql = "SELECT t.batch_id AS id, b.name, t.manufacturer, t.model, t.parameters, c.drift, COUNT(*) AS tokens,
                 MIN(t.activated_at) AS oldest, MIN(t.life_ends_at) AS ends_first
               FROM hardware_tokens t JOIN token_batches b ON b.id = t.batch_id
               JOIN credentials c ON c.id = t.credential_id
               WHERE t.stage = 'active' AND c.stage IN ('active', 'suspended')
               GROUP BY t.batch_id, b.name, t.manufacturer, t.model, t.parameters, c.drift
               ORDER BY b.name, t.batch_id, t.manufacturer, t.model";
    let mut found: Vec<Series> = Vec::new();
    for row in all(&db.read, sql, vec![]).await? {
        let tokens = row.get::<i64>("tokens")?.unsigned_abs();
        let (oldest, ends_first) = (row.time_if("oldest")?, row.time_if("ends_first")?);
        let (maker, model): (String, String) = (row.get("manufacturer")?, row.get("model")?);
        let (batch, model) = (BatchId::from_uuid(row.get("id")?), format!("{maker} {model}").trim().to_owned());
        let parameters: OathParameters = row.json("hardware_tokens", "parameters")?;
        if !found.last().is_some_and(|last| last.batch == batch && last.model == model) {
            let name = row.get("name")?;
            let clocks = Clocks::default();
            found.push(Series { batch, name, model, tokens: 0, oldest: None, ends_first: None, clocks });
        }
        let Some(series) = found.last_mut() else { continue };
        series.tokens += tokens;
        let earlier = |one: Option<Timestamp>, other: Option<Timestamp>| one.into_iter().chain(other).min();
        series.oldest = earlier(series.oldest, oldest);
        series.ends_first = earlier(series.ends_first, ends_first);
        if let Mode::Totp { period_seconds } = parameters.mode() {
            series.clocks.add(row.get::<i64>("drift")?.saturating_mul(i64::from(period_seconds)), tokens);
        }
    }
    Ok(found)
}
