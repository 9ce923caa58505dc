//! What this machine can do at most, in the same run: the yardstick beside each figure.

use std::time::{Duration, Instant};

use argon2::{Algorithm, Argon2, Params, Version};
use stepgate_core::jose::{PrivateKey, SigningAlgorithm};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};

const LENGTH: Duration = Duration::from_secs(2);

/// How often all cores together do something in a second.
fn on_all_cores(act: impl Fn() + Sync) -> f64 {
    let cores = std::thread::available_parallelism().map_or(1, usize::from);
    let end = Instant::now() + LENGTH;
    let done: u64 = std::thread::scope(|scope| {
        let count = || {
            let mut done = 0;
            while Instant::now() < end {
                act();
                done += 1;
            }
            done
        };
        let threads: Vec<_> = (0..cores).map(|_| scope.spawn(count)).collect();
        threads.into_iter().map(|thread| thread.join().unwrap_or(0)).sum()
    });
    done as f64 / LENGTH.as_secs_f64()
}

fn signatures(algorithm: SigningAlgorithm) -> f64 {
    let key = PrivateKey::generate_pkcs8(algorithm).and_then(|pkcs8| PrivateKey::from_pkcs8(algorithm, &pkcs8));
    let key = key.unwrap_or_else(|error| panic!("{error}"));
    on_all_cores(|| {
        let _ = std::hint::black_box(key.sign("JWT", &serde_json::json!({ "sub": "x" })));
    })
}

pub(crate) fn rsa() -> f64 {
    signatures(SigningAlgorithm::Rs256)
}

pub(crate) fn ecdsa() -> f64 {
    signatures(SigningAlgorithm::Es256)
}

/// 19 MiB, two passes, one lane.
pub(crate) fn argon2id() -> f64 {
    let params = Params::new(19 * 1024, 2, 1, Some(32)).unwrap_or_else(|error| panic!("{error}"));
    on_all_cores(|| {
        let mut out = [0; 32];
        let hasher = Argon2::new(Algorithm::Argon2id, Version::V0x13, params.clone());
        let _ = hasher.hash_password_into(b"password", b"0123456789abcdef", &mut out);
        std::hint::black_box(out);
    })
}

/// A server that answers one fixed line, under the same generator.
pub(crate) async fn hello() -> f64 {
    const PORT: u16 = super::PORT + 2;
    let listener = TcpListener::bind(("127.0.0.1", PORT)).await.unwrap_or_else(|error| panic!("{error}"));
    let router = axum::Router::new().route("/", axum::routing::get(async || "hello"));
    let server = tokio::spawn(async move { axum::serve(listener, router).await });
    let end = Instant::now() + LENGTH;
    let tasks: Vec<_> = (0..super::CONNECTIONS)
        .map(|_| {
            tokio::spawn(async move {
                let mut done = 0_u64;
                let Ok(mut stream) = TcpStream::connect(("127.0.0.1", PORT)).await else { return 0 };
                let mut buffer = [0; 1024];
                while Instant::now() < end {
                    let sent = stream.write_all(b"GET / HTTP/1.1\r\nhost: localhost\r\n\r\n").await;
                    if sent.is_err() || stream.read(&mut buffer).await.unwrap_or(0) == 0 {
                        break;
                    }
                    done += 1;
                }
                done
            })
        })
        .collect();
    let mut done = 0;
    for task in tasks {
        done += task.await.unwrap_or(0);
    }
    server.abort();
    done as f64 / LENGTH.as_secs_f64()
}
