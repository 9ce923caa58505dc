//! News between nodes: which cached thing has changed.
//!
//! Through PostgreSQL's `NOTIFY`, through Redis where it is configured, inside the process on SQLite. News may be
//! lost; whoever caches also bounds how long it believes. After a lost connection everything counts as changed.

use std::time::Duration;

use sqlx::postgres::PgListener;
use tokio::sync::broadcast;

use crate::row::run;
use crate::{Db, StoreError};

const CHANNEL: &str = "stepgate_news";
/// The topic that stands for everything.
pub const EVERYTHING: &str = "*";

/// How news reaches the other nodes.
enum Way {
    Process,
    Postgres(Db),
    Redis(Box<redis::aio::ConnectionManager>),
}

/// Publishes and receives news.
pub struct Invalidations {
    way: Way,
    sender: broadcast::Sender<String>,
}

/// Receives news.
pub struct News(broadcast::Receiver<String>);

impl News {
    /// The next topic; `None` when the node stops.
    pub async fn recv(&mut self) -> Option<String> {
        match self.0.recv().await {
            Ok(topic) => Some(topic),
            Err(broadcast::error::RecvError::Lagged(_)) => Some(EVERYTHING.to_owned()),
            Err(broadcast::error::RecvError::Closed) => None,
        }
    }
}

impl Invalidations {
    /// Through the primary database, or inside the process.
    ///
    /// # Errors
    /// [`StoreError::Unavailable`].
    pub async fn for_database(db: &Db) -> Result<Self, StoreError> {
        let (sender, _) = broadcast::channel(1024);
        if !db.is_shared() {
            return Ok(Self { way: Way::Process, sender });
        }
        let mut listener = listen(db.url()).await.map_err(|error| StoreError::Unavailable(error.to_string()))?;
        let (url, news) = (db.url().to_owned(), sender.clone());
        tokio::spawn(async move {
            loop {
                match listener.recv().await {
                    Ok(message) => {
                        let _ = news.send(message.payload().to_owned());
                    }
                    Err(_) => {
                        let _ = news.send(EVERYTHING.to_owned());
                        tokio::time::sleep(Duration::from_secs(1)).await;
                        if let Ok(again) = listen(&url).await {
                            listener = again;
                        }
                    }
                }
            }
        });
        Ok(Self { way: Way::Postgres(db.clone()), sender })
    }

    /// Through Redis.
    ///
    /// # Errors
    /// [`StoreError::Unavailable`].
    pub async fn redis(url: &str) -> Result<Self, StoreError> {
        let (sender, _) = broadcast::channel(1024);
        let client = redis::Client::open(url)?;
        let manager = redis::aio::ConnectionManager::new(client.clone()).await?;
        let news = sender.clone();
        tokio::spawn(async move {
            loop {
                if let Ok(mut listener) = client.get_async_pubsub().await
                    && listener.subscribe(CHANNEL).await.is_ok()
                {
                    use futures_util::StreamExt as _;
                    let mut messages = listener.on_message();
                    while let Some(message) = messages.next().await {
                        let _ = news.send(message.get_payload::<String>().unwrap_or_else(|_| EVERYTHING.to_owned()));
                    }
                }
                let _ = news.send(EVERYTHING.to_owned());
                tokio::time::sleep(Duration::from_secs(1)).await;
            }
        });
        Ok(Self { way: Way::Redis(Box::new(manager)), sender })
    }

    /// Tells every node, this one too, that a topic has changed. A failure is not the caller's: what is cached is
    /// believed for a short time only.
    pub async fn publish(&self, topic: &str) {
        let _ = self.sender.send(topic.to_owned());
        let told = match &self.way {
            Way::Process => Ok(()),
            Way::Postgres(db) => {
                run(&db.write, "SELECT pg_notify(?, ?)", vec![CHANNEL.into(), topic.into()]).await.map(drop)
            }
            Way::Redis(manager) => {
                let mut manager = manager.as_ref().clone();
                let sent = redis::cmd("PUBLISH").arg(CHANNEL).arg(topic).query_async::<()>(&mut manager).await;
                sent.map_err(StoreError::from)
            }
        };
        if let Err(error) = told {
            tracing::warn!(%error, topic, "the other nodes were not told of a change");
        }
    }

    /// Receives what is published from now on.
    pub fn subscribe(&self) -> News {
        News(self.sender.subscribe())
    }
}

async fn listen(url: &str) -> Result<PgListener, sqlx::Error> {
    let mut listener = PgListener::connect(url).await?;
    listener.listen(CHANNEL).await?;
    Ok(listener)
}
