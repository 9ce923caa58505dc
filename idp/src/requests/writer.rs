//! The task that writes the log, in batches, and the one that forgets what is old.

use std::sync::Arc;
use std::time::Duration;

use stepgate_core::clients::requests::LoggedRequest;
use stepgate_core::id::{ApplicationId, RequestId};
use stepgate_store::{applications, requests};

use super::Observed;
use crate::app::App;
use crate::clients;
use crate::cx::Cx;
use crate::fault::Fault;

/// Requests that are written at once.
const BATCH: usize = 200;
/// How long the writer gathers.
const GATHER: Duration = Duration::from_millis(200);

/// Starts the writer of this node.
pub fn spawn(app: &Arc<App>) {
    let Some(mut receiver) = app.requests.take_receiver() else { return };
    let app = Arc::downgrade(app);
    tokio::spawn(async move {
        let mut batch = Vec::new();
        while let Some(first) = receiver.recv().await {
            batch.push(first);
            tokio::time::sleep(GATHER).await;
            while batch.len() < BATCH {
                let Ok(next) = receiver.try_recv() else { break };
                batch.push(next);
            }
            let Some(app) = app.upgrade() else { return };
            if let Err(fault) = write(&app, std::mem::take(&mut batch)).await {
                tracing::warn!(error = %fault, "a part of the request log was lost");
            }
        }
    });
}

/// Writes what belongs to a client; what names none is nobody's.
async fn write(app: &Arc<App>, batch: Vec<Observed>) -> Result<(), Fault> {
    let cx = Cx::background(app);
    let mut logged = Vec::with_capacity(batch.len());
    for observed in batch {
        let Some(application) = application_of(&cx, &observed.client).await? else { continue };
        logged.push(LoggedRequest {
            id: RequestId::random(cx.entropy()),
            at: observed.at,
            client: observed.client,
            application,
            endpoint: observed.endpoint,
            outcome: observed.outcome,
            parameters: observed.parameters,
            shown: observed.shown,
        });
    }
    requests::insert_requests(&app.db, &logged).await?;
    for request in &logged {
        for milestone in request.milestones() {
            requests::upsert_milestone(&app.db.write, &request.client, milestone.as_str(), request.at).await?;
        }
    }
    Ok(())
}

/// Also of a client that is switched off: its integrator wants to know why nothing works.
async fn application_of(cx: &Cx, client: &str) -> Result<Option<ApplicationId>, Fault> {
    if let Some(found) = clients::find(cx, client).await? {
        return Ok(Some(found.application.id));
    }
    Ok(applications::find_client(&cx.app.db, client).await?.map(|client| client.application))
}

/// Forgets what is older, or more, than the settings keep.
pub async fn forget_old(app: &Arc<App>) -> Result<(), Fault> {
    let settings = &app.settings.developer;
    let oldest = app.clock.now() - settings.kept();
    requests::delete_old_requests(&app.db, oldest, settings.request_log_rows).await?;
    Ok(())
}
