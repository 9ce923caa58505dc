//! What became of codes that went to providers: forward-only states, the day's spending, conversion, the kill switch.
//!
//! Every limit is held by one conditional statement in the primary database, right over all nodes.

use stepgate_core::id::{ChallengeId, DeliveryId, MessageId, PersonId, PhoneId};
use stepgate_core::time::Timestamp;

use crate::row::{Row, all, at, one, run};
use crate::{Connection, Db, StoreError};

/// One message at one provider.
#[derive(Clone, Debug)]
pub struct NewDelivery {
    /// Its id: what callbacks name.
    pub id: DeliveryId,
    /// The message in the outbox.
    pub message: MessageId,
    /// The code that it brings.
    pub challenge: ChallengeId,
    /// Where to.
    pub phone: PhoneId,
    /// The block of numbers that it goes into.
    pub prefix: String,
    /// The provider's name in the settings.
    pub provider: String,
    /// What it costs, in minor units.
    pub cost: u64,
    /// Whether the provider tells what became of it.
    pub expects_receipt: bool,
    /// When the provider is asked.
    pub sent_at: Timestamp,
    /// When the row can go.
    pub expires_at: Timestamp,
}

/// What became of a message at a provider. It only moves forward: `sending → sent → delivered | failed`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum DeliveryState {
    /// The provider or the carrier refused it.
    Failed,
    /// The provider is being asked.
    Sending,
    /// The provider took it on.
    Sent,
    /// It reached the phone.
    Delivered,
}

impl DeliveryState {
    const fn as_str(self) -> &'static str {
        match self {
            Self::Failed => "failed",
            Self::Sending => "sending",
            Self::Sent => "sent",
            Self::Delivered => "delivered",
        }
    }

    fn named(text: &str) -> Option<Self> {
        [Self::Failed, Self::Sending, Self::Sent, Self::Delivered].into_iter().find(|state| state.as_str() == text)
    }
}

/// A provider is asked: the next attempt at this message.
pub async fn insert_delivery(connection: &impl Connection, new: &NewDelivery) -> Result<(), StoreError> {
    let sql = "INSERT INTO phone_deliveries (id, message_id, challenge_id, phone_id, prefix, provider, attempt, state,
                 cost, expects_receipt, sent_at, updated_at, expires_at)
               VALUES (?, ?, ?, ?, ?, ?, (SELECT COUNT(*) FROM phone_deliveries WHERE message_id = ?), 'sending', ?, ?,
                 ?, ?, ?)";
    let values = vec![
        new.id.uuid().into(),
        new.message.uuid().into(),
        new.challenge.uuid().into(),
        new.phone.uuid().into(),
        new.prefix.as_str().into(),
        new.provider.as_str().into(),
        new.message.uuid().into(),
        signed(new.cost).into(),
        new.expects_receipt.into(),
        at(new.sent_at),
        at(new.sent_at),
        at(new.expires_at),
    ];
    run(connection, sql, values).await.map(drop)
}

/// The provider took it on, under this id. A receipt may have been faster; then its state stays. A message centre that
/// counts anew after a restart uses ids again: they are the newer message's then.
pub async fn accept_delivery(
    db: &Db,
    id: DeliveryId,
    provider_id: &str,
    state: DeliveryState,
    now: Timestamp,
) -> Result<(), StoreError> {
    let sql = "UPDATE phone_deliveries SET provider_id = ?, updated_at = ?,
                 state = CASE WHEN state = 'sending' THEN ? ELSE state END WHERE id = ?";
    let values = vec![provider_id.into(), at(now), state.as_str().into(), id.uuid().into()];
    match run(&db.write, sql, values.clone()).await {
        Err(StoreError::Conflict { .. }) => {
            let older = "UPDATE phone_deliveries SET provider_id = NULL WHERE provider_id = ? AND id <> ?
                         AND provider = (SELECT d.provider FROM phone_deliveries d WHERE d.id = ?)";
            run(&db.write, older, vec![provider_id.into(), id.uuid().into(), id.uuid().into()]).await?;
            run(&db.write, sql, values).await.map(drop)
        }
        other => other.map(drop),
    }
}

/// The provider did not take it on, and the next one is asked at once.
pub async fn refuse_delivery(db: &Db, id: DeliveryId, reason: u32, now: Timestamp) -> Result<(), StoreError> {
    let sql = "UPDATE phone_deliveries SET state = 'failed', reason = ?, updated_at = ?, followed_at = ?
               WHERE id = ? AND state = 'sending'";
    let values = vec![i64::from(reason).into(), at(now), at(now), id.uuid().into()];
    run(&db.write, sql, values).await.map(drop)
}

/// Which message a receipt is about.
#[derive(Clone, Copy, Debug)]
pub enum Receipted<'a> {
    /// By our id, which the callback's address carried, and by the provider's.
    Both(DeliveryId, &'a str),
    /// By the provider's id.
    Provider(&'a str),
}

/// What a receipt did.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ReceiptOutcome {
    /// The state moved.
    Moved,
    /// Nothing new: repeated, or older than what is known. Nothing was changed.
    Stale,
    /// No message of this provider has this id.
    Unknown,
}

/// Notes what a receipt of `provider` says: one conditional write, and only forward.
pub async fn move_delivery(
    db: &Db,
    provider: &str,
    which: Receipted<'_>,
    (state, reason): (DeliveryState, Option<u32>),
    now: Timestamp,
) -> Result<ReceiptOutcome, StoreError> {
    let (condition, key) = match which {
        Receipted::Both(id, provider_id) => {
            ("id = ? AND (provider_id IS NULL OR provider_id = ?)", vec![id.uuid().into(), provider_id.into()])
        }
        Receipted::Provider(provider_id) => ("provider_id = ?", vec![provider_id.into()]),
    };
    // What is under way can end; what has ended stays.
    let sql = format!(
        "UPDATE phone_deliveries SET state = ?, reason = ?, updated_at = ?
         WHERE provider = ? AND {condition} AND state IN ('sending', 'sent') AND state <> ?"
    );
    let mut values = vec![state.as_str().into(), reason.map(i64::from).into(), at(now), provider.into()];
    values.extend(key.iter().cloned());
    values.push(state.as_str().into());
    if run(&db.write, &sql, values).await? == 1 {
        return Ok(ReceiptOutcome::Moved);
    }
    let sql = format!("SELECT id FROM phone_deliveries WHERE provider = ? AND {condition}");
    let mut values = vec![provider.into()];
    values.extend(key);
    let known = one(&db.write, &sql, values).await?.is_some();
    Ok(if known { ReceiptOutcome::Stale } else { ReceiptOutcome::Unknown })
}

/// The block that a message of a provider went into.
pub async fn prefix_of(db: &Db, challenge: ChallengeId) -> Result<Option<String>, StoreError> {
    let sql = "SELECT prefix FROM phone_deliveries WHERE challenge_id = ? ORDER BY attempt LIMIT 1";
    one(&db.read, sql, vec![challenge.uuid().into()]).await?.map(|row| row.get("prefix")).transpose()
}

/// A message that the next provider is to bring.
#[derive(Clone, Debug)]
pub struct Overdue {
    /// The message in the outbox.
    pub message: MessageId,
    /// The code that it brings.
    pub challenge: ChallengeId,
    /// Where to.
    pub phone: PhoneId,
}

/// Claims messages whose provider gave no receipt since `before`, or a bad one, as long as their code can be used. Each
/// is claimed once, by one node.
pub async fn claim_overdue(db: &Db, before: Timestamp, now: Timestamp) -> Result<Vec<Overdue>, StoreError> {
    let sql =
        "UPDATE phone_deliveries SET followed_at = ? WHERE followed_at IS NULL AND state <> 'delivered' AND id IN (
                 SELECT d.id FROM phone_deliveries d JOIN phone_challenges c ON c.id = d.challenge_id
                 WHERE d.followed_at IS NULL AND c.used_at IS NULL AND c.expires_at > ?
                   AND (d.state = 'failed' OR d.state = 'sent' AND d.expects_receipt AND d.sent_at <= ?)
                 ORDER BY d.sent_at LIMIT 20)
               RETURNING message_id, challenge_id, phone_id";
    let overdue = |row: &Row| {
        Ok(Overdue {
            message: MessageId::from_uuid(row.get("message_id")?),
            challenge: ChallengeId::from_uuid(row.get("challenge_id")?),
            phone: PhoneId::from_uuid(row.get("phone_id")?),
        })
    };
    all(&db.write, sql, vec![at(now), at(now), at(before)]).await?.iter().map(overdue).collect()
}

/// The providers that were asked for a message and gave an answer.
pub async fn list_asked(db: &Db, message: MessageId) -> Result<Vec<String>, StoreError> {
    let sql = "SELECT provider FROM phone_deliveries WHERE message_id = ? AND state <> 'sending'";
    all(&db.write, sql, vec![message.uuid().into()]).await?.iter().map(|row| row.get("provider")).collect()
}

/// The best that is known of a code; of a failure, the reason.
pub async fn find_state(db: &Db, challenge: ChallengeId) -> Result<Option<DeliveryState>, StoreError> {
    let sql = "SELECT id, state FROM phone_deliveries WHERE challenge_id = ?";
    states(&all(&db.read, sql, vec![challenge.uuid().into()]).await?)
}

/// What became of the last message to a phone, and when.
pub async fn find_last(db: &Db, phone: PhoneId) -> Result<Option<(DeliveryState, Timestamp)>, StoreError> {
    let sql = "SELECT id, state, updated_at, message_id FROM phone_deliveries WHERE phone_id = ? AND message_id =
                 (SELECT message_id FROM phone_deliveries WHERE phone_id = ? ORDER BY sent_at DESC LIMIT 1)";
    let rows = all(&db.read, sql, vec![phone.uuid().into(), phone.uuid().into()]).await?;
    let Some(row) = rows.last() else { return Ok(None) };
    let updated = row.time("updated_at")?;
    Ok(states(&rows)?.map(|state| (state, updated)))
}

/// What became of the last message to each number of a person.
pub async fn list_last(db: &Db, person: PersonId) -> Result<Vec<(PhoneId, DeliveryState, Timestamp)>, StoreError> {
    let sql = "SELECT d.id, d.phone_id, d.state, d.updated_at FROM phones p
               JOIN credentials c ON c.id = p.credential_id JOIN phone_deliveries d ON d.phone_id = p.id
               WHERE c.person_id = ? AND d.message_id = (SELECT message_id FROM phone_deliveries
                 WHERE phone_id = p.id ORDER BY sent_at DESC LIMIT 1) ORDER BY d.phone_id, d.sent_at";
    let rows = all(&db.read, sql, vec![person.uuid().into()]).await?;
    let mut last: Vec<(PhoneId, DeliveryState, Timestamp)> = Vec::new();
    for row in &rows {
        let phone = PhoneId::from_uuid(row.get("phone_id")?);
        let state = row.parsed("phone_deliveries", "state", DeliveryState::named)?;
        let updated = row.time("updated_at")?;
        match last.last_mut().filter(|known| known.0 == phone) {
            Some(known) => *known = (phone, known.1.max(state), updated),
            None => last.push((phone, state, updated)),
        }
    }
    Ok(last)
}

fn states(rows: &[Row]) -> Result<Option<DeliveryState>, StoreError> {
    let mut best = None;
    for row in rows {
        best = best.max(Some(row.parsed("phone_deliveries", "state", DeliveryState::named)?));
    }
    Ok(best)
}

/// Reserves money for a message, unless the day's cap is reached: one conditional write. `false`: nothing was reserved.
pub async fn reserve_spend(db: &Db, day: i64, cost: u64, cap: u64) -> Result<bool, StoreError> {
    let sql = "INSERT INTO phone_spend (day, spent, granted) VALUES (?, 0, 0) ON CONFLICT (day) DO NOTHING";
    run(&db.write, sql, vec![day.into()]).await?;
    let sql = "UPDATE phone_spend SET spent = spent + ? WHERE day = ? AND spent + ? <= CAST(? AS BIGINT) + granted";
    let cost = signed(cost);
    Ok(run(&db.write, sql, vec![cost.into(), day.into(), cost.into(), signed(cap).into()]).await? == 1)
}

/// Gives back what was reserved for a message that no provider took on.
pub async fn return_spend(db: &Db, day: i64, cost: u64) -> Result<(), StoreError> {
    let sql = "UPDATE phone_spend SET spent = spent - ? WHERE day = ?";
    run(&db.write, sql, vec![signed(cost).into(), day.into()]).await.map(drop)
}

/// What was spent on a day, and what was granted beyond the cap.
pub async fn find_spend(db: &Db, day: i64) -> Result<(u64, u64), StoreError> {
    let row = one(&db.read, "SELECT spent, granted FROM phone_spend WHERE day = ?", vec![day.into()]).await?;
    let Some(row) = row else { return Ok((0, 0)) };
    Ok((row.get::<i64>("spent")?.unsigned_abs(), row.get::<i64>("granted")?.unsigned_abs()))
}

/// Allows so much more on a day: what an operator does who starts sending again.
pub async fn grant_spend(connection: &impl Connection, day: i64, more: u64) -> Result<(), StoreError> {
    let sql = "INSERT INTO phone_spend (day, spent, granted) VALUES (?, 0, ?)
               ON CONFLICT (day) DO UPDATE SET granted = phone_spend.granted + excluded.granted";
    run(connection, sql, vec![day.into(), signed(more).into()]).await.map(drop)
}

/// Sending was stopped.
#[derive(Clone, Debug)]
pub struct Stopped {
    /// When.
    pub at: Timestamp,
    /// Why.
    pub reason: String,
}

/// Stops sending; `false` when it was stopped before.
pub async fn stop_sending(
    connection: &impl Connection,
    reason: &str,
    by: Option<PersonId>,
    now: Timestamp,
) -> Result<bool, StoreError> {
    let sql = "INSERT INTO phone_switch (id, stopped_at, reason, person_id) VALUES (1, ?, ?, ?) ON CONFLICT DO NOTHING";
    let values = vec![at(now), reason.into(), by.map(|person| person.uuid()).into()];
    Ok(run(connection, sql, values).await? == 1)
}

/// Starts sending again; `false` when it was not stopped.
pub async fn start_sending(connection: &impl Connection) -> Result<bool, StoreError> {
    Ok(run(connection, "DELETE FROM phone_switch WHERE id = 1", Vec::new()).await? == 1)
}

/// Whether sending is stopped.
pub async fn find_stopped(db: &Db) -> Result<Option<Stopped>, StoreError> {
    let row = one(&db.write, "SELECT stopped_at, reason FROM phone_switch WHERE id = 1", Vec::new()).await?;
    row.map(|row| Ok(Stopped { at: row.time("stopped_at")?, reason: row.get("reason")? })).transpose()
}

/// What was sent into a block and what came back.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Conversion {
    /// The block.
    pub prefix: String,
    /// Codes that were sent.
    pub sent: u64,
    /// Codes that were used.
    pub used: u64,
    /// What it cost, in minor units.
    pub spent: u64,
}

/// Counts a code that was sent, or used, into its block.
pub async fn count_code(
    connection: &impl Connection,
    prefix: &str,
    day: i64,
    (sent, used, spent): (u64, u64, u64),
) -> Result<(), StoreError> {
    let sql = "INSERT INTO phone_prefixes (prefix, day, sent, used, spent) VALUES (?, ?, ?, ?, ?)
               ON CONFLICT (prefix, day) DO UPDATE SET sent = phone_prefixes.sent + excluded.sent,
                 used = phone_prefixes.used + excluded.used, spent = phone_prefixes.spent + excluded.spent";
    let values = vec![prefix.into(), day.into(), signed(sent).into(), signed(used).into(), signed(spent).into()];
    run(connection, sql, values).await.map(drop)
}

/// The conversion of one block since a day.
pub async fn find_conversion(db: &Db, prefix: &str, since: i64) -> Result<Conversion, StoreError> {
    let sql = "SELECT CAST(COALESCE(SUM(sent), 0) AS BIGINT) AS sent, CAST(COALESCE(SUM(used), 0) AS BIGINT) AS used,
                 CAST(COALESCE(SUM(spent), 0) AS BIGINT) AS spent FROM phone_prefixes WHERE prefix = ? AND day >= ?";
    let row = one(&db.read, sql, vec![prefix.into(), since.into()]).await?;
    let none = Conversion { prefix: prefix.to_owned(), sent: 0, used: 0, spent: 0 };
    row.map_or(Ok(none), |row| conversion(&row, prefix.to_owned()))
}

/// The blocks that most was sent into since a day.
pub async fn list_conversions(db: &Db, since: i64, limit: u32) -> Result<Vec<Conversion>, StoreError> {
    let sql = "SELECT prefix, CAST(SUM(sent) AS BIGINT) AS sent, CAST(SUM(used) AS BIGINT) AS used,
                 CAST(SUM(spent) AS BIGINT) AS spent FROM phone_prefixes WHERE day >= ?
               GROUP BY prefix ORDER BY sent DESC, prefix LIMIT ?";
    let rows = all(&db.read, sql, vec![since.into(), i64::from(limit).into()]).await?;
    rows.iter().map(|row| conversion(row, row.get("prefix")?)).collect()
}

fn conversion(row: &Row, prefix: String) -> Result<Conversion, StoreError> {
    let number = |column| row.get::<i64>(column).map(i64::unsigned_abs);
    Ok(Conversion { prefix, sent: number("sent")?, used: number("used")?, spent: number("spent")? })
}

fn signed(number: u64) -> i64 {
    i64::try_from(number).unwrap_or(i64::MAX)
}
