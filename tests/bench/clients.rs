//! Many registered clients: what it costs to become one, and that a request costs no more for their number.

use std::sync::{Arc, Mutex, PoisonError};

use data_encoding::BASE64;

use super::http::{Connection, form};
use super::{CONNECTIONS, Figure, PORT, Repeat, load};

/// How many there are at the end.
const MANY: usize = 20_000;

/// The `Authorization` headers of clients that registered.
pub(crate) type Headers = Arc<Mutex<Vec<String>>>;

/// Registers a service each time.
struct Register {
    connection: Connection,
    made: Headers,
}

impl Register {
    async fn run(&mut self) -> Option<()> {
        let body = r#"{"grant_types":["client_credentials"],"access_token_signed_response_alg":"ES256"}"#;
        let answer = self.connection.send(&Connection::json("/register", body)).await.ok()?.json();
        let text = |name: &str| answer.get(name)?.as_str().map(str::to_owned);
        let pair = format!("{}:{}", text("client_id")?, text("client_secret")?);
        let header = format!("Basic {}", BASE64.encode(pair.as_bytes()));
        self.made.lock().unwrap_or_else(PoisonError::into_inner).push(header);
        Some(())
    }
}

impl Repeat for Register {
    fn once(&mut self) -> std::pin::Pin<Box<dyn Future<Output = bool> + Send + '_>> {
        Box::pin(async move { self.run().await.is_some() })
    }
}

async fn registering(made: Headers) -> Register {
    let connection = Connection::open(PORT).await.unwrap_or_else(|error| panic!("{error}"));
    Register { connection, made }
}

/// Registration as a path of its own.
pub(crate) async fn registration(made: &Headers) -> Figure {
    let made = Arc::clone(made);
    load("registration", CONNECTIONS, move |_| {
        let made = Arc::clone(&made);
        async move { Box::new(registering(made).await) as Box<dyn Repeat> }
    })
    .await
}

/// Registers the rest of the many.
pub(crate) async fn fill(made: &Headers) {
    let count = || made.lock().unwrap_or_else(PoisonError::into_inner).len();
    let mut tasks = Vec::new();
    for _ in 0..CONNECTIONS {
        let (mut register, share) =
            (registering(Arc::clone(made)).await, MANY.saturating_sub(count()) / CONNECTIONS + 1);
        tasks.push(tokio::spawn(async move {
            for _ in 0..share {
                register.run().await;
            }
        }));
    }
    for task in tasks {
        let _ = task.await;
    }
    println!("  ({} clients are registered now)", count());
}

/// Another client each time.
struct Another {
    connection: Connection,
    headers: Arc<Vec<String>>,
    next: usize,
}

impl Repeat for Another {
    fn once(&mut self) -> std::pin::Pin<Box<dyn Future<Output = bool> + Send + '_>> {
        Box::pin(async move {
            self.next = (self.next + CONNECTIONS) % self.headers.len().max(1);
            let Some(header) = self.headers.get(self.next) else { return false };
            let body = form(&[("grant_type", "client_credentials")]);
            let answer = self.connection.post("/token", &[("authorization", header)], &body).await;
            answer.is_ok_and(|answer| answer.status == 200)
        })
    }
}

/// Tokens for all of them in turn. Each was asked for once before: a node reads a client once in a minute, which four
/// seconds would show fifteen times too large.
pub(crate) async fn tokens(made: &Headers) -> Figure {
    let headers = Arc::new(made.lock().unwrap_or_else(PoisonError::into_inner).clone());
    let warm = (0..CONNECTIONS).map(|number| {
        let headers = Arc::clone(&headers);
        tokio::spawn(async move {
            let connection = Connection::open(PORT).await.unwrap_or_else(|error| panic!("{error}"));
            let mut another = Another { connection, headers, next: number };
            for _ in 0..another.headers.len() / CONNECTIONS + 1 {
                another.once().await;
            }
        })
    });
    for task in warm.collect::<Vec<_>>() {
        let _ = task.await;
    }
    load("client_credentials ES256, many", CONNECTIONS, move |number| {
        let headers = Arc::clone(&headers);
        async move {
            let connection = Connection::open(PORT).await.unwrap_or_else(|error| panic!("{error}"));
            Box::new(Another { connection, headers, next: number }) as Box<dyn Repeat>
        }
    })
    .await
}
