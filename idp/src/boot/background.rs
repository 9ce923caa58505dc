//! Work that no request waits for. Each task takes a lease where only one node may do it.

use std::sync::Arc;
use std::time::Duration;

use stepgate_store::{audit, leases, sweep, tokens};

use crate::app::App;
use crate::credentials::mobile_id;
use crate::cx::OsEntropy;
use crate::fault::Fault;
use crate::{janitor, keys, logout, notices, outbox, phones, recovery, requests, shop, subscriptions};

/// Starts the background tasks; they end with the runtime.
pub fn spawn(app: &Arc<App>, node: &str) {
    every(app, node, Duration::from_secs(2), |app, _| async move { outbox::deliver_left_behind(&app).await });
    every(app, node, Duration::from_secs(1), |app, _| async move { phones::deliver::follow(&app).await });
    phones::receipts::listen(app);
    every(app, node, Duration::from_secs(1), |app, _| async move { notices::deliver(&app).await });
    every(app, node, Duration::from_secs(1), |app, _| async move { mobile_id::deliver_pushes(&app).await });
    every(app, node, Duration::from_secs(1), |app, _| async move { recovery::links::deliver(&app).await });
    every(app, node, Duration::from_secs(1), |app, _| async move { logout::deliver_left_behind(&app).await });
    every(app, node, Duration::from_secs(1), |app, _| async move { Ok(app.db.checkpoint().await?) });
    // Of several nodes each notice is taken by one: no lease is needed.
    every(app, node, Duration::from_secs(1), |app, _| async move {
        subscriptions::send_due(&app).await?;
        Ok(())
    });
    every(app, node, Duration::from_secs(1), |app, _| async move { shop::refund::deliver(&app).await });
    every(app, node, Duration::from_secs(1), |app, _| async move { shop::charge::deliver(&app).await });
    every(app, node, Duration::from_secs(2), |app, _| async move { shop::cards::deliver(&app).await });
    every(app, node, Duration::from_secs(5), |app, node| async move {
        if lead(&app, &node, "shop", Duration::from_secs(30)).await? { shop::sweep(&app).await } else { Ok(()) }
    });
    every(app, node, Duration::from_secs(5), |app, _| async move {
        app.telemetry.upkeep();
        Ok(())
    });
    every(app, node, Duration::from_secs(1), |app, node| async move {
        if lead(&app, &node, "audit", Duration::from_secs(10)).await? {
            while audit::seal_events(&app.db, 128).await? == 128 {}
        }
        Ok(())
    });
    every(app, node, Duration::from_secs(60), |app, node| async move {
        if lead(&app, &node, "sweep", Duration::from_secs(300)).await? {
            sweep::delete_expired(&app.db, app.clock.now()).await?;
            tokens::batches::sweep_batches(&app.db, app.clock.now()).await?;
        }
        Ok(())
    });
    every(app, node, Duration::from_secs(60), |app, node| async move {
        if lead(&app, &node, "keys", Duration::from_secs(300)).await? {
            keys::rotate_by_age(&app.db, &app.secrets.sealing, &OsEntropy, app.clock.now()).await?;
        }
        Ok(())
    });
    every(app, node, Duration::from_secs(10), |app, node| async move { janitor::look(&app, &node).await });
    // Keys that the command line or another node has made.
    every(app, node, Duration::from_secs(3), |app, _| async move {
        let changed = keys::load_if_changed(&app.db, &app.secrets.sealing, &app.keys(), app.clock.now()).await?;
        if let Some(keys) = changed {
            app.replace_keys(keys);
        }
        Ok(())
    });
    every(app, node, Duration::from_secs(60), |app, node| async move {
        if lead(&app, &node, "request log", Duration::from_secs(300)).await? {
            requests::writer::forget_old(&app).await?;
        }
        Ok(())
    });
    requests::writer::spawn(app);
    listen_for_news(app);
}

async fn lead(app: &App, node: &str, task: &str, length: Duration) -> Result<bool, Fault> {
    let now = app.clock.now();
    Ok(leases::take_lease(&app.db, task, node, now, now + length).await?)
}

fn every<Task, Run>(app: &Arc<App>, node: &str, period: Duration, task: Task)
where
    Task: Fn(Arc<App>, String) -> Run + Send + 'static,
    Run: Future<Output = Result<(), Fault>> + Send,
{
    let (app, node) = (Arc::downgrade(app), node.to_owned());
    tokio::spawn(async move {
        let mut ticks = tokio::time::interval(period);
        ticks.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
        loop {
            ticks.tick().await;
            let Some(app) = app.upgrade() else { return };
            if let Err(fault) = task(app, node.clone()).await {
                tracing::warn!(error = %fault, "a background task will be tried again");
            }
        }
    });
}

/// Other nodes tell which cached client changed; when news may have been missed, all are forgotten.
fn listen_for_news(app: &Arc<App>) {
    let mut news = app.invalidations.subscribe();
    let app = Arc::downgrade(app);
    tokio::spawn(async move {
        loop {
            let message = news.recv().await;
            let Some(app) = app.upgrade() else { return };
            let Some(topic) = message else { return };
            match topic.strip_prefix("client:") {
                Some(client) => app.clients.forget(client),
                None => {
                    app.clients.forget_all();
                    // New keys, or news that were missed: either way what the store has is right.
                    match keys::load(&app.db, &app.secrets.sealing, app.clock.now()).await {
                        Ok(keys) => app.replace_keys(keys),
                        Err(fault) => tracing::warn!(error = %fault, "the keys will be loaded later"),
                    }
                }
            }
        }
    });
}
