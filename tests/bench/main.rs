//! Load on the hot paths, each beside the machine's own limit taken in the same run.
//!
//! `cargo run --release -p stepgate-tests --bin bench` (build the provider first: `cargo build --release -p stepgate`).
//! Server and generator share the machine; the limits are measured under the same conditions. Bounded in time.

#![expect(clippy::panic, reason = "a benchmark that cannot run ends")]

mod clients;
mod http;
mod limits;

use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, AtomicU64, Ordering};
use std::time::{Duration, Instant};

use data_encoding::BASE64;
use http::{Connection, form};
use stepgate_core::jose::{PrivateKey, SigningAlgorithm};

const SECONDS: u64 = 4;
const CONNECTIONS: usize = 32;
const PORT: u16 = 28_080;

/// The process that is measured.
static SERVER: AtomicU32 = AtomicU32::new(0);

struct Server {
    child: Child,
    data: PathBuf,
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn binary() -> PathBuf {
    let mut path = std::env::current_exe().unwrap_or_default();
    path.set_file_name("stepgate");
    path
}

async fn start(data: PathBuf) -> (Server, Duration) {
    let started = Instant::now();
    let child = Command::new(binary())
        .args(["demo", "--port", &PORT.to_string(), "--partner-port", &(PORT + 1).to_string(), "--data"])
        .arg(&data)
        .env("STEPGATE__REGISTRATION__OPEN_PER_HOUR", "10000000")
        .stdout(Stdio::null())
        .spawn()
        .unwrap_or_else(|error| panic!("{}: {error}; build it first", binary().display()));
    let server = Server { child, data };
    loop {
        if let Ok(mut connection) = Connection::open(PORT).await
            && connection.get("/health/ready", &[]).await.is_ok_and(|answer| answer.status == 200)
        {
            return (server, started.elapsed());
        }
        tokio::time::sleep(Duration::from_millis(2)).await;
    }
}

fn resident_kib(pid: u32) -> u64 {
    let status = std::fs::read_to_string(format!("/proc/{pid}/status")).unwrap_or_default();
    let line = status.lines().find(|line| line.starts_with("VmRSS:")).unwrap_or_default();
    line.split_whitespace().nth(1).and_then(|text| text.parse().ok()).unwrap_or(0)
}

/// The processor time that a process has used, in µs. It hardly depends on what else the machine does.
fn processor_micros(pid: u32) -> u64 {
    // Fields 14 and 15 of `/proc/PID/stat`, in ticks of 10 ms; the name in field 2 may hold blanks.
    let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
    let fields = stat.rsplit_once(") ").map_or("", |(_, rest)| rest);
    let ticks = fields.split(' ').skip(11).take(2).filter_map(|field| field.parse::<u64>().ok());
    ticks.sum::<u64>() * 10_000
}

/// What one path did.
struct Figure {
    name: &'static str,
    rate: f64,
    p50: Duration,
    p99: Duration,
    /// Processor time of the server for one of them, in µs.
    cost: f64,
    limit: Option<(&'static str, f64)>,
}

impl Figure {
    fn print(&self) {
        let share = self.limit.map_or_else(String::new, |(name, limit)| {
            format!("{:>5.0} % of {name} ({limit:.0}/s)", 100.0 * self.rate / limit)
        });
        println!(
            "{:<34}{:>10.0}/s {:>9.2?} {:>9.2?} {:>6.0} µs  {share}",
            self.name, self.rate, self.p50, self.p99, self.cost
        );
    }
}

/// Runs `act` over and over on every connection; the rate and the latencies.
async fn load<F, Fut>(name: &'static str, connections: usize, act: F) -> Figure
where
    F: Fn(usize) -> Fut + Send + Sync + 'static,
    Fut: Future<Output = Box<dyn Repeat>> + Send,
{
    let (act, failed) = (Arc::new(act), Arc::new(AtomicU64::new(0)));
    let mut tasks = Vec::new();
    let mut repeats = Vec::new();
    for number in 0..connections {
        repeats.push(act(number).await);
    }
    let server = SERVER.load(Ordering::Relaxed);
    let used = processor_micros(server);
    let end = Instant::now() + Duration::from_secs(SECONDS);
    for mut repeat in repeats {
        let failed = Arc::clone(&failed);
        tasks.push(tokio::spawn(async move {
            let mut times = Vec::with_capacity(100_000);
            while Instant::now() < end {
                let started = Instant::now();
                if repeat.once().await {
                    times.push(started.elapsed());
                } else {
                    failed.fetch_add(1, Ordering::Relaxed);
                }
            }
            times
        }));
    }
    let mut times = Vec::new();
    for task in tasks {
        times.extend(task.await.unwrap_or_default());
    }
    let cost = (processor_micros(server) - used) as f64 / times.len().max(1) as f64;
    times.sort_unstable();
    let failures = failed.load(Ordering::Relaxed);
    if failures > 0 {
        println!("  ({name}: {failures} answers were not what was expected)");
    }
    let at = |share: usize| times.get(times.len() * share / 100).copied().unwrap_or_default();
    let rate = times.len() as f64 / SECONDS as f64;
    Figure { name, rate, p50: at(50), p99: at(99), cost, limit: None }
}

/// Something that is done again and again on one connection.
trait Repeat: Send {
    fn once(&mut self) -> std::pin::Pin<Box<dyn Future<Output = bool> + Send + '_>>;
}

/// The same request each time.
struct Same {
    connection: Connection,
    request: Vec<u8>,
}

impl Repeat for Same {
    fn once(&mut self) -> std::pin::Pin<Box<dyn Future<Output = bool> + Send + '_>> {
        Box::pin(async move { self.connection.send(&self.request).await.is_ok_and(|answer| answer.status == 200) })
    }
}

async fn same(request: Vec<u8>) -> Box<dyn Repeat> {
    let connection = Connection::open(PORT).await.unwrap_or_else(|error| panic!("{error}"));
    Box::new(Same { connection, request })
}

fn basic(client: &str) -> String {
    format!("Basic {}", BASE64.encode(format!("{client}:{client}-secret").as_bytes()))
}

/// Rotates its refresh token each time.
struct Refresh {
    connection: Connection,
    token: String,
}

impl Repeat for Refresh {
    fn once(&mut self) -> std::pin::Pin<Box<dyn Future<Output = bool> + Send + '_>> {
        Box::pin(async move {
            let body = form(&[("grant_type", "refresh_token"), ("refresh_token", &self.token)]);
            let answer = self.connection.post("/token", &[("authorization", &basic("demo-local"))], &body).await;
            let Ok(answer) = answer else { return false };
            match answer.json().get("refresh_token").and_then(|token| token.as_str()) {
                Some(token) => {
                    self.token = token.to_owned();
                    true
                }
                None => false,
            }
        })
    }
}

/// Authorizes silently and exchanges the code each time.
struct RoundTrip {
    connection: Connection,
    cookies: String,
}

const REDIRECT: &str = "http://127.0.0.1/callback";

impl RoundTrip {
    async fn run(&mut self) -> Option<serde_json::Value> {
        let query = form(&[
            ("client_id", "demo-local"),
            ("response_type", "code"),
            ("scope", "openid"),
            ("prompt", "none"),
            ("redirect_uri", REDIRECT),
        ]);
        let answer = self.connection.get(&format!("/authorize?{query}"), &[("cookie", &self.cookies)]).await.ok()?;
        let location = answer.header("location")?;
        let code = location.split(['?', '&']).find_map(|pair| pair.strip_prefix("code="))?.to_owned();
        let body = form(&[("grant_type", "authorization_code"), ("code", &code), ("redirect_uri", REDIRECT)]);
        let answer = self.connection.post("/token", &[("authorization", &basic("demo-local"))], &body).await.ok()?;
        (answer.status == 200).then(|| answer.json())
    }
}

impl Repeat for RoundTrip {
    fn once(&mut self) -> std::pin::Pin<Box<dyn Future<Output = bool> + Send + '_>> {
        Box::pin(async move { self.run().await.is_some() })
    }
}

/// Pushes a request, authorizes it silently and exchanges the code each time.
struct Pushed(RoundTrip);

impl Pushed {
    async fn run(&mut self) -> Option<serde_json::Value> {
        let RoundTrip { connection, cookies } = &mut self.0;
        let query =
            form(&[("response_type", "code"), ("scope", "openid"), ("prompt", "none"), ("redirect_uri", REDIRECT)]);
        let answer = connection.post("/par", &[("authorization", &basic("demo-local"))], &query).await.ok()?;
        let pushed = answer.json();
        let uri = pushed.get("request_uri").and_then(|uri| uri.as_str())?;
        let query = form(&[("client_id", "demo-local"), ("request_uri", uri)]);
        let answer = connection.get(&format!("/authorize?{query}"), &[("cookie", cookies)]).await.ok()?;
        let code = answer.header("location")?.split(['?', '&']).find_map(|pair| pair.strip_prefix("code="))?.to_owned();
        let body = form(&[("grant_type", "authorization_code"), ("code", &code), ("redirect_uri", REDIRECT)]);
        let answer = connection.post("/token", &[("authorization", &basic("demo-local"))], &body).await.ok()?;
        (answer.status == 200).then(|| answer.json())
    }
}

impl Repeat for Pushed {
    fn once(&mut self) -> std::pin::Pin<Box<dyn Future<Output = bool> + Send + '_>> {
        Box::pin(async move { self.run().await.is_some() })
    }
}

/// Authorizes silently with the same request object each time; the code is left alone.
struct WithObject {
    connection: Connection,
    cookies: String,
    object: String,
}

impl WithObject {
    async fn run(&mut self) -> Option<String> {
        let query = form(&[("client_id", OBJECTS), ("request", &self.object)]);
        let answer = self.connection.get(&format!("/authorize?{query}"), &[("cookie", &self.cookies)]).await.ok()?;
        answer.header("location").map(str::to_owned)
    }
}

impl Repeat for WithObject {
    fn once(&mut self) -> std::pin::Pin<Box<dyn Future<Output = bool> + Send + '_>> {
        Box::pin(async move { self.run().await.is_some_and(|location| location.contains("code=")) })
    }
}

/// The client that signs its requests.
const OBJECTS: &str = "bench-objects";

/// Adds that client as an operator would, and lets the person allow it once; a signed request of it.
async fn signed_request(data: &Path, cookies: &str) -> String {
    let fail = |what: &str| -> ! { panic!("the client that signs its requests: {what}") };
    let Ok(pkcs8) = PrivateKey::generate_pkcs8(SigningAlgorithm::Es256) else { fail("no key") };
    let Ok(key) = PrivateKey::from_pkcs8(SigningAlgorithm::Es256, &pkcs8) else { fail("no key") };
    let file = data.join("bench.jwks");
    let _ = std::fs::write(&file, serde_json::json!({ "keys": [key.public_jwk()] }).to_string());
    let added = Command::new(binary())
        .args(["client", "add", "--id", OBJECTS, "--name", OBJECTS, "--partner", "Acme", "--redirect-uri", REDIRECT])
        .arg("--jwks")
        .arg(&file)
        .env("STEPGATE__DATABASE__URL", format!("sqlite://{}", data.join("stepgate.db").display()))
        .env("STEPGATE__SECRETS__MASTER", stepgate::boot::DEMO_MASTER)
        .stdout(Stdio::null())
        .status();
    if !added.is_ok_and(|status| status.success()) {
        fail("it cannot be added");
    }
    let request = serde_json::json!({
        "client_id": OBJECTS, "response_type": "code", "scope": "openid", "redirect_uri": REDIRECT, "state": "s",
    });
    let Ok(object) = key.sign("oauth-authz-req+jwt", &request) else { fail("not signed") };
    let Ok(connection) = Connection::open(PORT).await else { fail("no connection") };
    let mut first = WithObject { connection, cookies: cookies.to_owned(), object: object.clone() };
    let Some(path) = first.run().await else { fail("no answer") };
    let Ok(page) = first.connection.get(&path, &[("cookie", cookies)]).await else { fail("no page") };
    let body = form(&[("csrf", &page.field("csrf").unwrap_or_default()), ("decision", "allow")]);
    let allowed = first.connection.post(&path, &[("cookie", cookies)], &body).await.is_ok();
    if !allowed || first.connection.get(&path, &[("cookie", cookies)]).await.is_err() {
        fail("not allowed");
    }
    object
}

/// People who log in. Each connection has its own: tries of one person that are under way at the same time count as
/// guesses until they turn out right, and from the fifth on they are refused.
const PEOPLE: [&str; 8] = ["alice", "bob", "carol", "dave", "erin", "frank", "grace", "oscar"];

/// Logs in with a password each time, as a new browser.
struct Login {
    connection: Connection,
    username: &'static str,
}

impl Login {
    /// The cookies of the new session.
    async fn run(&mut self) -> Option<String> {
        let page = self.connection.get("/account", &[]).await.ok()?;
        let (browser, path) = (page.cookies()?, page.header("location")?.to_owned());
        let page = self.connection.get(&path, &[("cookie", &browser)]).await.ok()?;
        let csrf = page.field("csrf")?;
        let body = form(&[("csrf", &csrf), ("username", self.username)]);
        self.connection.post(&path, &[("cookie", &browser)], &body).await.ok()?;
        let body = form(&[("csrf", &csrf), ("password", "stepgate-demo-2026")]);
        let answer = self.connection.post(&path, &[("cookie", &browser)], &body).await.ok()?;
        Some(format!("{browser}; {}", answer.cookies()?))
    }
}

impl Repeat for Login {
    fn once(&mut self) -> std::pin::Pin<Box<dyn Future<Output = bool> + Send + '_>> {
        Box::pin(async move { self.run().await.is_some() })
    }
}

async fn login() -> String {
    let connection = Connection::open(PORT).await.unwrap_or_else(|error| panic!("{error}"));
    Login { connection, username: "alice" }.run().await.unwrap_or_else(|| panic!("the login did not work"))
}

async fn round_trip(cookies: String) -> RoundTrip {
    let connection = Connection::open(PORT).await.unwrap_or_else(|error| panic!("{error}"));
    RoundTrip { connection, cookies }
}

#[tokio::main]
async fn main() {
    let data = std::env::temp_dir().join(format!("stepgate-bench-{}", std::process::id()));
    let (server, first) = start(data.clone()).await;
    drop(server);
    let (server, again) = start(data.clone()).await;
    tokio::time::sleep(Duration::from_secs(1)).await;
    SERVER.store(server.child.id(), Ordering::Relaxed);
    let idle = resident_kib(server.child.id());
    println!("start on an empty database {first:.0?}, on an existing one {again:.0?}; idle memory {} MiB", idle / 1024);
    println!(
        "{:<34}{:>12} {:>9} {:>9} {:>9}  share of the machine's own limit in this run",
        "path", "rate", "p50", "p99", "server"
    );

    let hello = limits::hello().await;
    let token = |client: &'static str| {
        Connection::request(
            "POST",
            "/token",
            &[("authorization", &basic(client))],
            &form(&[("grant_type", "client_credentials")]),
        )
    };
    let (rsa, ec) = (limits::rsa(), limits::ecdsa());
    let mut figure = load("discovery", CONNECTIONS, |_| {
        same(Connection::request("GET", "/.well-known/openid-configuration", &[], ""))
    })
    .await;
    figure.limit = Some(("a minimal server", hello));
    figure.print();
    let mut figure = load("client_credentials RS256", CONNECTIONS, move |_| same(token("demo-service"))).await;
    figure.limit = Some(("RSA-2048 signatures", rsa));
    figure.print();
    let mut figure = load("client_credentials ES256", CONNECTIONS, move |_| same(token("demo-service-es256"))).await;
    figure.limit = Some(("P-256 signatures", ec));
    figure.print();

    let cookies = login().await;
    let tokens = round_trip(cookies.clone()).await.run().await.unwrap_or_default();
    let access = tokens.get("access_token").and_then(|token| token.as_str()).unwrap_or_default().to_owned();
    let question = Connection::request(
        "POST",
        "/introspect",
        &[("authorization", &basic("demo-service"))],
        &form(&[("token", &access)]),
    );
    let mut figure = load("introspection", CONNECTIONS, move |_| same(question.clone())).await;
    figure.limit = Some(("a minimal server", hello));
    figure.print();
    let question = Connection::request("GET", "/userinfo", &[("authorization", &format!("Bearer {access}"))], "");
    let mut figure = load("userinfo", CONNECTIONS, move |_| same(question.clone())).await;
    figure.limit = Some(("a minimal server", hello));
    figure.print();
    let shared = cookies.clone();
    let figure = load("refresh with rotation (RS256 x2)", CONNECTIONS, move |_| {
        let cookies = shared.clone();
        async move {
            let tokens = round_trip(cookies).await.run().await.unwrap_or_default();
            let token = tokens.get("refresh_token").and_then(|token| token.as_str()).unwrap_or_default().to_owned();
            let connection = Connection::open(PORT).await.unwrap_or_else(|error| panic!("{error}"));
            Box::new(Refresh { connection, token }) as Box<dyn Repeat>
        }
    });
    let mut figure = figure.await;
    figure.limit = Some(("RSA-2048 signatures / 2", rsa / 2.0));
    figure.print();
    let shared = cookies.clone();
    let figure = load("silent authorize, code, tokens", CONNECTIONS, move |_| {
        let cookies = shared.clone();
        async move { Box::new(round_trip(cookies).await) as Box<dyn Repeat> }
    });
    let mut figure = figure.await;
    figure.limit = Some(("RSA-2048 signatures / 2", rsa / 2.0));
    figure.print();
    let shared = cookies.clone();
    let figure = load("push, silent authorize, code, tokens", CONNECTIONS, move |_| {
        let cookies = shared.clone();
        async move { Box::new(Pushed(round_trip(cookies).await)) as Box<dyn Repeat> }
    });
    let mut figure = figure.await;
    figure.limit = Some(("RSA-2048 signatures / 2", rsa / 2.0));
    figure.print();
    let object = signed_request(&server.data, &cookies).await;
    let figure = load("request object ES256, code", CONNECTIONS, move |_| {
        let (cookies, object) = (cookies.clone(), object.clone());
        async move {
            let connection = Connection::open(PORT).await.unwrap_or_else(|error| panic!("{error}"));
            Box::new(WithObject { connection, cookies, object }) as Box<dyn Repeat>
        }
    });
    figure.await.print();
    let argon = limits::argon2id();
    let figure = load("password login (4 requests)", PEOPLE.len(), |number| async move {
        let connection = Connection::open(PORT).await.unwrap_or_else(|error| panic!("{error}"));
        let username = PEOPLE.get(number).copied().unwrap_or("alice");
        Box::new(Login { connection, username }) as Box<dyn Repeat>
    });
    let mut figure = figure.await;
    figure.limit = Some(("Argon2id hashes", argon));
    figure.print();
    let made = clients::Headers::default();
    clients::registration(&made).await.print();
    clients::fill(&made).await;
    let mut figure =
        load("client_credentials ES256, again", CONNECTIONS, move |_| same(token("demo-service-es256"))).await;
    figure.limit = Some(("P-256 signatures", ec));
    figure.print();
    let mut figure = clients::tokens(&made).await;
    figure.limit = Some(("P-256 signatures", ec));
    figure.print();
    println!("memory after the load {} MiB", resident_kib(server.child.id()) / 1024);
    let folder = server.data.clone();
    drop(server);
    let _ = std::fs::remove_dir_all(folder);
}
