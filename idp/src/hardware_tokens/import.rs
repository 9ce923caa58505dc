//! A file of tokens: read once, a row at a time, its seeds sealed as they come. It counts when a second person agrees.
//!
//! All or nothing: one refused row refuses the file, and what was kept of it until then is erased.

use std::collections::HashSet;
use std::io::{BufReader, Read};
use std::time::Duration;

use stepgate_core::credentials::hardware_token::import::{FileError, Format, Found, ImportedToken, RowError, Rows};
use stepgate_core::entropy::Entropy;
use stepgate_core::id::{BatchId, PersonId, TokenId};
use stepgate_core::secret::SealingKeys;
use stepgate_core::time::Timestamp;
use stepgate_store::audit::{self, NewEvent};
use stepgate_store::tokens::batches::{self, NewBatch, NewToken};
use stepgate_store::{Db, StoreError};
use tokio::sync::mpsc;

use super::SEAL;
use crate::fault::Fault;

/// How long a file waits for a second person.
pub const WAITS: Duration = Duration::from_secs(7 * 86_400);
/// How long reading may take; then what was kept of a file that nobody reads any more is swept away.
const READING: Duration = Duration::from_secs(3600);
/// Tokens that are kept in one transaction: a login waits for no more than that.
const AT_ONCE: usize = 500;
/// Refused rows that are told; all are counted.
pub const TOLD: usize = 100;

/// What the import works with; the command line has no request.
pub struct Desk<'a> {
    /// The store.
    pub db: &'a Db,
    /// The keys that seal seeds.
    pub sealing: &'a SealingKeys,
    /// Randomness.
    pub entropy: &'a dyn Entropy,
    /// Now.
    pub now: Timestamp,
}

/// What the file is read for.
pub enum Intent<'a> {
    /// To see whether it could be imported; nothing is kept.
    Check,
    /// To be imported, if a second person agrees.
    Propose {
        /// Who proposes it.
        by: PersonId,
        /// What they call it.
        name: &'a str,
        /// What the audit log will say.
        event: Box<NewEvent>,
    },
}

/// What was found.
#[derive(Debug, Default)]
pub struct Report {
    /// Rows that were read.
    pub rows: u64,
    /// Tokens that can be imported.
    pub good: u64,
    /// How many rows were refused.
    pub refused: u64,
    /// The first of them.
    pub told: Vec<RowError>,
    /// Why the whole file was refused, if it was.
    pub whole: Option<FileError>,
    /// The file that waits for a second person.
    pub batch: Option<BatchId>,
}

impl Report {
    /// Whether nothing is wrong with the file.
    pub const fn is_clean(&self) -> bool {
        self.refused == 0 && self.whole.is_none() && self.good > 0
    }

    fn refuse(&mut self, row: u64, serial: Option<String>, reason: String) {
        self.refused += 1;
        if self.told.len() < TOLD {
            self.told.push(RowError { row, serial, reason });
        }
    }
}

/// Reads a file. `progress` hears after each portion how many rows were read.
///
/// # Errors
/// The store, or randomness; what is wrong with the file is in the report.
pub async fn read(
    desk: &Desk<'_>,
    format: Format,
    source: impl Read + Send + 'static,
    intent: Intent<'_>,
    progress: &(dyn Fn(u64) + Sync),
) -> Result<Report, Fault> {
    let batch = match &intent {
        Intent::Check => None,
        Intent::Propose { by, name, .. } => {
            let id = BatchId::random(desk.entropy);
            let expires_at = desk.now + READING;
            let new = NewBatch { id, name, format: format.name(), by: *by, now: desk.now, expires_at };
            batches::insert_batch(&desk.db.write, &new).await?;
            Some(id)
        }
    };
    let read = read_rows(desk, format, source, batch, progress).await;
    let clean = read.as_ref().is_ok_and(Report::is_clean);
    if let Some(id) = batch
        && !clean
    {
        batches::delete_batch(desk.db, id).await?;
    }
    let mut report = read?;
    report.told.sort_by_key(|error| error.row);
    if report.rows == 0 && report.whole.is_none() {
        report.whole = Some(FileError { row: 0, reason: "the file holds no token".to_owned() });
    }
    if let (Some(id), Intent::Propose { event, .. }, true) = (batch, intent, clean) {
        let transaction = desk.db.begin().await?;
        if batches::propose_batch(&transaction, id, desk.now + WAITS).await? {
            audit::insert_event(&transaction, &event).await?;
            transaction.commit().await?;
            report.batch = Some(id);
        } else {
            report.whole = Some(FileError { row: report.rows, reason: "reading took longer than an hour".to_owned() });
        }
    }
    Ok(report)
}

/// The reading is work for a thread of its own; the rows come from there in portions.
async fn read_rows(
    desk: &Desk<'_>,
    format: Format,
    source: impl Read + Send + 'static,
    batch: Option<BatchId>,
    progress: &(dyn Fn(u64) + Sync),
) -> Result<Report, Fault> {
    let (sender, mut portions) = mpsc::channel(2);
    let reading = tokio::task::spawn_blocking(move || portion_out(format, source, &sender));
    let mut report = Report::default();
    let mut seen = HashSet::new();
    while let Some(portion) = portions.recv().await {
        match portion {
            Err(whole) => report.whole = Some(whole),
            Ok(found) => {
                let tokens = sift(desk, &mut report, &mut seen, found).await?;
                report.good += u64::try_from(tokens.len()).unwrap_or(0);
                // Once a row was refused the rest is read for the report alone.
                if let Some(batch) = batch.filter(|_| report.refused == 0) {
                    keep(desk, &mut report, batch, tokens).await?;
                }
                progress(report.rows);
            }
        }
    }
    reading.await.map_err(Fault::internal)?;
    Ok(report)
}

type Portion = Result<Vec<Found>, FileError>;

fn portion_out(format: Format, source: impl Read, sender: &mpsc::Sender<Portion>) {
    let mut rows = Rows::new(format, BufReader::with_capacity(64 * 1024, source));
    loop {
        let mut portion = Vec::with_capacity(AT_ONCE);
        let end = loop {
            match rows.next_row() {
                Ok(Some(found)) => portion.push(found),
                Ok(None) => break Some(None),
                Err(whole) => break Some(Some(whole)),
            }
            if portion.len() == AT_ONCE {
                break None;
            }
        };
        // Nobody listens any more when the store failed.
        if sender.blocking_send(Ok(portion)).is_err() {
            return;
        }
        match end {
            None => {}
            Some(None) => return,
            Some(Some(whole)) => {
                let _ = sender.blocking_send(Err(whole));
                return;
            }
        }
    }
}

/// The tokens of a portion that could be imported; the others go into the report.
async fn sift(
    desk: &Desk<'_>,
    report: &mut Report,
    seen: &mut HashSet<String>,
    found: Vec<Found>,
) -> Result<Vec<ImportedToken>, Fault> {
    let mut tokens = Vec::with_capacity(found.len());
    for found in found {
        report.rows += 1;
        match found {
            Found::Refused(error) => report.refuse(error.row, error.serial, error.reason),
            Found::Token(token) if !seen.insert(token.serial.clone()) => {
                report.refuse(token.row, Some(token.serial), "its serial number is in this file twice".to_owned());
            }
            Found::Token(token) if token.expires_at.is_some_and(|end| end <= desk.now) => {
                report.refuse(token.row, Some(token.serial), "its life has ended, says its maker".to_owned());
            }
            Found::Token(token) => tokens.push(token),
        }
    }
    let serials: Vec<&str> = tokens.iter().map(|token| token.serial.as_str()).collect();
    let taken: HashSet<String> = batches::find_taken_serials(desk.db, &serials).await?.into_iter().collect();
    if taken.is_empty() {
        return Ok(tokens);
    }
    let (taken, free): (Vec<_>, Vec<_>) = tokens.into_iter().partition(|token| taken.contains(&token.serial));
    for token in taken {
        let reason = "its serial number is taken: nothing is overwritten".to_owned();
        report.refuse(token.row, Some(token.serial), reason);
    }
    Ok(free)
}

async fn keep(desk: &Desk<'_>, report: &mut Report, batch: BatchId, tokens: Vec<ImportedToken>) -> Result<(), Fault> {
    let mut rows = Vec::with_capacity(tokens.len());
    for token in tokens {
        let id = TokenId::random(desk.entropy);
        rows.push(NewToken {
            sealed_seed: desk.sealing.seal(desk.entropy, SEAL, &id.to_string(), token.seed.expose())?,
            id,
            serial: token.serial,
            manufacturer: token.manufacturer,
            model: token.model,
            parameters: token.parameters,
            counter: i64::try_from(token.counter).unwrap_or(i64::MAX),
            drift: token.drift,
            life_ends_at: token.expires_at,
        });
    }
    let transaction = desk.db.begin().await?;
    match batches::insert_tokens(&transaction, batch, &rows, desk.now).await {
        // Somebody else imports the same tokens at this moment.
        Err(StoreError::Conflict { .. }) => {
            let serial = rows.first().map(|row| row.serial.clone());
            report.refuse(report.rows, serial, "a serial number from here on was taken just now".to_owned());
            Ok(())
        }
        Err(other) => Err(other.into()),
        Ok(()) => Ok(transaction.commit().await?),
    }
}
