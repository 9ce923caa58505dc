//! Tokens that are handed over to somebody else: one person proposes, another approves, and the first fetches an
//! encrypted PSKC file. A download that broke off is fetched again, with the same tokens, until its proposer says that it
//! arrived, or its time ends. What went out so can become nobody's here.

use std::time::Duration;

use serde_json::json;
use stepgate_core::credentials::hardware_token::export::{ExportedToken, Writer};
use stepgate_core::id::{BatchId, ExportId, PersonId};
use stepgate_core::secret::SecretString;
use stepgate_store::tokens::exports;

use super::SEAL;
use crate::audit::{self, Event};
use crate::cx::Cx;
use crate::fault::Fault;

/// How long a wish waits for its approval, and then to be fetched.
const WAITS: Duration = Duration::from_secs(2 * 86_400);

/// The shortest password of a file.
pub const SHORTEST_PASSWORD: usize = 12;

/// Proposes to hand over what is in stock of a file. `false`: nothing is.
///
/// # Errors
/// The store.
pub async fn propose(cx: &Cx, by: PersonId, batch: BatchId, note: &str) -> Result<bool, Fault> {
    if !exports::has_stock(&cx.app.db, batch).await? {
        return Ok(false);
    }
    let transaction = cx.app.db.begin().await?;
    let id = ExportId::random(cx.entropy());
    exports::insert_export(&transaction, (id, batch), by, note, (cx.now, cx.now + WAITS)).await?;
    record(cx, &transaction, "token.export.proposed", by, (id, batch), json!({ "note": note })).await?;
    transaction.commit().await?;
    Ok(true)
}

/// A second person approves.
///
/// # Errors
/// The store.
pub async fn approve(cx: &Cx, by: PersonId, batch: BatchId, id: ExportId) -> Result<bool, Fault> {
    let transaction = cx.app.db.begin().await?;
    if !exports::approve_export(&transaction, (id, batch), by, cx.now).await? {
        return Ok(false);
    }
    record(cx, &transaction, "token.export.approved", by, (id, batch), json!({})).await?;
    transaction.commit().await?;
    Ok(true)
}

/// The file, for the one who proposed it. `None`: not theirs, not approved, arrived before, or too old.
///
/// # Errors
/// The store, or a damaged row; the wish is then as it was.
pub async fn fetch(
    cx: &Cx,
    by: PersonId,
    batch: BatchId,
    id: ExportId,
    password: &SecretString,
) -> Result<Option<String>, Fault> {
    // The key takes a while to derive; nobody waits for this transaction meanwhile.
    let password = password.clone();
    let made = tokio::task::spawn_blocking(move || Writer::new(&password, &crate::cx::OsEntropy)).await;
    let (mut writer, mut file) = made.map_err(Fault::internal)?.map_err(Fault::internal)?;
    let transaction = cx.app.db.begin().await?;
    let Some(time) = exports::count_fetch(&transaction, (id, batch), by, cx.now).await? else { return Ok(None) };
    if time == 1 {
        exports::mark_exported(&transaction, (id, batch), by, "its seed went out in a file", cx.now).await?;
    }
    let found = exports::list_exported(&transaction, id).await?;
    for token in &found {
        let seed = cx.app.secrets.sealing.open(SEAL, &token.id.to_string(), &token.sealed_seed)?;
        let token = ExportedToken {
            serial: &token.serial,
            manufacturer: &token.manufacturer,
            parameters: token.parameters,
            seed: &seed,
            counter: token.counter,
            drift: token.drift,
            expires_at: token.life_ends_at,
        };
        file.push_str(&writer.package(&token, cx.entropy()).map_err(Fault::internal)?);
    }
    file.push_str(Writer::END);
    record(cx, &transaction, "token.export.fetched", by, (id, batch), json!({ "tokens": found.len(), "time": time }))
        .await?;
    transaction.commit().await?;
    Ok(Some(file))
}

/// Its proposer has the file: it cannot be fetched any more.
///
/// # Errors
/// The store.
pub async fn close(cx: &Cx, by: PersonId, batch: BatchId, id: ExportId) -> Result<bool, Fault> {
    let transaction = cx.app.db.begin().await?;
    if !exports::close_export(&transaction, (id, batch), by, cx.now).await? {
        return Ok(false);
    }
    record(cx, &transaction, "token.export.arrived", by, (id, batch), json!({})).await?;
    transaction.commit().await?;
    Ok(true)
}

async fn record(
    cx: &Cx,
    connection: &impl stepgate_store::Connection,
    kind: &'static str,
    by: PersonId,
    (id, batch): (ExportId, BatchId),
    mut data: serde_json::Value,
) -> Result<(), Fault> {
    if let Some(data) = data.as_object_mut() {
        data.insert("export".to_owned(), json!(id));
        data.insert("batch".to_owned(), json!(batch));
    }
    audit::record(cx, connection, Event { actor: Some(by), ..Event::new(kind) }.data(data)).await
}
