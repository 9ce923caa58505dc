//! Running nodes of the real binary.

use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, OnceLock};
use std::time::{Duration, Instant};

use sea_orm::{ConnectionTrait, Database, Statement};
use serde_json::{Value, json};

use crate::{Browser, Login, RelyingParty, front};

/// Where a world keeps its data, and how many nodes it has.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Backend {
    /// One node on SQLite.
    Sqlite,
    /// Two nodes on PostgreSQL and Redis, behind one front door.
    PostgresRedis,
}

struct Node {
    port: u16,
    partner_port: u16,
    child: Mutex<Option<Child>>,
}

/// A running deployment of the demo.
pub struct World {
    /// Where it keeps its data.
    pub backend: Backend,
    /// The address of the provider.
    pub issuer: String,
    /// The address of the demo's partner application (of the first node).
    pub partner: String,
    /// The PostgreSQL database, where there is one.
    pub database_url: Option<String>,
    nodes: Vec<Node>,
    folder: PathBuf,
    settings: Vec<(&'static str, &'static str)>,
    /// The authority behind its certificate, where it speaks TLS.
    trust: Option<reqwest::Certificate>,
    http: reqwest::Client,
}

/// The binary, built once.
fn binary() -> &'static PathBuf {
    static BINARY: OnceLock<PathBuf> = OnceLock::new();
    BINARY.get_or_init(|| {
        let built = Command::new(env!("CARGO")).args(["build", "--quiet", "-p", "stepgate"]).status().unwrap();
        assert!(built.success(), "the provider does not build");
        let mut path = std::env::current_exe().unwrap();
        path.pop();
        if path.ends_with("deps") {
            path.pop();
        }
        path.join("stepgate")
    })
}

/// A port of its own for each node, below those that connections get by themselves: a connection of another test must
/// not sit on a port before its node does.
fn free_port() -> u16 {
    static HANDED_OUT: AtomicU64 = AtomicU64::new(0);
    loop {
        let number = u64::from(std::process::id()) * 101 + HANDED_OUT.fetch_add(1, Ordering::Relaxed);
        let port = 10_000 + u16::try_from(number % 20_000).unwrap();
        if std::net::TcpListener::bind(("127.0.0.1", port)).is_ok() {
            return port;
        }
    }
}

static NEXT: AtomicU64 = AtomicU64::new(1);

fn unique() -> String {
    format!("{}_{}", std::process::id(), NEXT.fetch_add(1, Ordering::Relaxed))
}

/// Runs a test on SQLite, and on PostgreSQL and Redis where `STEPGATE_TEST_POSTGRES` and `STEPGATE_TEST_REDIS` say
/// where they are. Says on which.
pub async fn on_each_backend<Fut: Future<Output = ()>>(test: impl Fn(World) -> Fut) {
    on_each_backend_with(&[], test).await;
}

/// The same with settings of one's own: variables like `STEPGATE__PASSWORDS__QUEUE`, and their values.
pub async fn on_each_backend_with<Fut: Future<Output = ()>>(
    settings: &[(&'static str, &'static str)],
    test: impl Fn(World) -> Fut,
) {
    test(World::start_with(Backend::Sqlite, settings).await).await;
    if std::env::var("STEPGATE_TEST_POSTGRES").is_ok() {
        test(World::start_with(Backend::PostgresRedis, settings).await).await;
    } else {
        println!("STEPGATE_TEST_POSTGRES is not set: SQLite only");
    }
}

impl World {
    /// Starts one.
    pub async fn start(backend: Backend) -> Self {
        Self::start_with(backend, &[]).await
    }

    /// Starts one with settings of its own.
    pub async fn start_with(backend: Backend, settings: &[(&'static str, &'static str)]) -> Self {
        let name = unique();
        let folder = std::env::temp_dir().join(format!("stepgate-test-{name}"));
        let count = if backend == Backend::Sqlite { 1 } else { 2 };
        let nodes: Vec<Node> = (0..count)
            .map(|_| Node { port: free_port(), partner_port: free_port(), child: Mutex::new(None) })
            .collect();
        let (database_url, door) = match backend {
            Backend::Sqlite => (None, nodes[0].port),
            Backend::PostgresRedis => {
                let server = std::env::var("STEPGATE_TEST_POSTGRES").unwrap();
                let admin = Database::connect(&server).await.unwrap();
                admin.execute_unprepared(&format!("CREATE DATABASE world_{name}")).await.unwrap();
                let url = format!("{}/world_{name}", server.rsplit_once('/').unwrap().0);
                (Some(url), front::open(nodes.iter().map(|node| node.port).collect()).await)
            }
        };
        let world = Self {
            backend,
            issuer: format!("http://localhost:{door}"),
            partner: format!("http://localhost:{}", nodes[0].partner_port),
            database_url,
            nodes,
            folder,
            settings: settings.to_vec(),
            trust: None,
            http: reqwest::Client::builder().pool_max_idle_per_host(0).build().unwrap(),
        };
        for number in 0..world.nodes.len() {
            world.start_node(number).await;
        }
        world
    }

    /// Starts one node on SQLite that speaks TLS with a certificate of its own.
    pub async fn start_tls(settings: &[(&'static str, &'static str)]) -> Self {
        let folder = std::env::temp_dir().join(format!("stepgate-test-{}", unique()));
        let made = stepgate::tls::self_signed(&folder.join("0").join("tls")).unwrap();
        let trust = reqwest::Certificate::from_pem(&std::fs::read(made.authority_file).unwrap()).unwrap();
        let node = Node { port: free_port(), partner_port: free_port(), child: Mutex::new(None) };
        let mut world = Self {
            backend: Backend::Sqlite,
            issuer: format!("https://localhost:{}", node.port),
            partner: format!("http://localhost:{}", node.partner_port),
            database_url: None,
            nodes: vec![node],
            folder,
            settings: settings.to_vec(),
            trust: Some(trust),
            http: reqwest::Client::new(),
        };
        world.http = world.client().build().unwrap();
        world.start_node(0).await;
        world
    }

    /// Sets a setting for the nodes that are started from now on.
    pub fn set(&mut self, name: &'static str, value: &'static str) {
        self.settings.push((name, value));
    }

    /// A client that trusts the provider's certificate and keeps no connection.
    pub fn client(&self) -> reqwest::ClientBuilder {
        let builder = reqwest::Client::builder().pool_max_idle_per_host(0);
        match &self.trust {
            Some(trust) => builder.tls_certs_only([trust.clone()]),
            None => builder,
        }
    }

    /// How many nodes there are.
    pub fn nodes(&self) -> usize {
        self.nodes.len()
    }

    /// The address of one node, past the front door.
    pub fn node(&self, number: usize) -> String {
        match &self.trust {
            Some(_) => self.issuer.clone(),
            None => format!("http://127.0.0.1:{}", self.nodes[number].port),
        }
    }

    /// Starts a node, again or for the first time, and waits until it is ready.
    pub async fn start_node(&self, number: usize) {
        let node = &self.nodes[number];
        let mut command = Command::new(binary());
        command
            .args(["demo", "--port", &node.port.to_string(), "--partner-port", &node.partner_port.to_string()])
            .args(["--issuer", &self.issuer, "--data"])
            .arg(self.folder.join(number.to_string()))
            .stdout(Stdio::null())
            .env("RUST_LOG", "error")
            .envs(self.settings.iter().copied());
        if self.settings.iter().any(|(name, _)| *name == "RUST_LOG") {
            std::fs::create_dir_all(&self.folder).unwrap();
            let log = std::fs::OpenOptions::new().create(true).append(true).open(self.log_file(number)).unwrap();
            command.stderr(log);
        }
        if self.trust.is_some() {
            command.arg("--tls-self-signed");
        }
        if let Some(url) = &self.database_url {
            command.args(["--database-url", url, "--redis-url", &std::env::var("STEPGATE_TEST_REDIS").unwrap()]);
        }
        *node.child.lock().unwrap() = Some(command.spawn().unwrap());
        self.until("a node is ready", async || self.answers(number).await).await;
    }

    /// The process of a node.
    pub fn process(&self, number: usize) -> u32 {
        self.nodes[number].child.lock().unwrap().as_ref().unwrap().id()
    }

    fn log_file(&self, number: usize) -> PathBuf {
        self.folder.join(format!("{number}.log"))
    }

    /// What a node wrote to its log, where `RUST_LOG` is one of the world's settings.
    pub fn log(&self, number: usize) -> String {
        std::fs::read_to_string(self.log_file(number)).unwrap()
    }

    async fn answers(&self, number: usize) -> bool {
        let ready = format!("{}/health/ready", self.node(number));
        self.http.get(ready).send().await.is_ok_and(|answer| answer.status().is_success())
    }

    /// Ends a node at once, as a crash would.
    pub fn kill_node(&self, number: usize) {
        if let Some(mut child) = self.nodes[number].child.lock().unwrap().take() {
            child.kill().unwrap();
            child.wait().unwrap();
        }
    }

    /// Waits until something holds; fails after 40 seconds.
    pub async fn until(&self, what: &str, holds: impl AsyncFn() -> bool) {
        let end = Instant::now() + Duration::from_secs(40);
        while !holds().await {
            assert!(Instant::now() < end, "in vain: {what}");
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }

    /// Moves the clock of all nodes.
    pub async fn advance(&self, seconds: u64) {
        for number in 0..self.nodes.len() {
            let clock = format!("{}/demo/clock", self.node(number));
            let answer = self.http.post(clock).json(&json!({ "advance_seconds": seconds })).send().await.unwrap();
            assert!(answer.status().is_success());
        }
    }

    /// The latest code that was sent to a number, by whichever node.
    pub async fn text_code(&self, number: &str) -> String {
        let mut latest: Option<(String, String)> = None;
        for node in 0..self.nodes.len() {
            let url = format!("{}/demo/inbox.json", self.node(node));
            let Ok(answer) = self.http.get(url).send().await else { continue };
            let messages: Vec<Value> = answer.json().await.unwrap();
            if let Some(message) = messages.iter().find(|it| it["to"] == number && it["code"].is_string()) {
                let found = (message["at"].as_str().unwrap().to_owned(), message["code"].as_str().unwrap().to_owned());
                if latest.as_ref().is_none_or(|known| found.0 > known.0) {
                    latest = Some(found);
                }
            }
        }
        latest.unwrap_or_else(|| panic!("no message to {number}")).1
    }

    /// What a person's token, or phone, shows now.
    pub async fn shown_code(&self, username: &str) -> String {
        let url = format!("{}/demo/codes.json", self.issuer);
        let codes: Value = self.http.get(url).send().await.unwrap().json().await.unwrap();
        codes[username].as_str().unwrap_or_else(|| panic!("no code for {username}")).to_owned()
    }

    /// Answers the request on a person's phone with the number that was typed; what the server made of it.
    pub async fn approve(&self, username: &str, number: &str) -> Value {
        let url = format!("{}/demo/mobile-id/{username}/approve", self.issuer);
        self.http.post(url).json(&json!({ "number": number })).send().await.unwrap().json().await.unwrap()
    }

    /// Denies the request on a person's phone.
    pub async fn deny(&self, username: &str) -> Value {
        let url = format!("{}/demo/mobile-id/{username}/deny", self.issuer);
        self.http.post(url).send().await.unwrap().json().await.unwrap()
    }

    /// Sells something at the demo's cash desk, through a node: the keys that came of it.
    pub async fn sell_at(&self, node: usize, sale: Value) -> Vec<Value> {
        let answer = self.http.post(format!("{}/demo/sell", self.node(node))).json(&sale).send().await.unwrap();
        assert!(answer.status().is_success(), "{sale}: {}", answer.status());
        answer.json::<Value>().await.unwrap()["keys"].as_array().unwrap().clone()
    }

    /// The same: the letters of the keys.
    pub async fn sell(&self, to: &str, product: &str, quantity: u32) -> Vec<String> {
        let sold = self.sell_at(0, json!({ "to": to, "product": product, "quantity": quantity })).await;
        sold.iter().map(|key| key["key"].as_str().unwrap().to_owned()).collect()
    }

    /// How many mails to an address have this subject's words in their text, over all nodes.
    pub async fn mails(&self, to: &str, about: &str) -> usize {
        let mut found = 0;
        for node in 0..self.nodes.len() {
            let url = format!("{}/demo/inbox.json", self.node(node));
            let Ok(answer) = self.http.get(url).send().await else { continue };
            let messages: Vec<Value> = answer.json().await.unwrap();
            let fits =
                |it: &&Value| it["channel"] == "mail" && it["to"] == to && it["text"].as_str().unwrap().contains(about);
            found += messages.iter().filter(fits).count();
        }
        found
    }

    /// The address of this world's database.
    pub fn database(&self) -> String {
        let file = self.folder.join("0").join("stepgate.db");
        self.database_url.clone().unwrap_or_else(|| format!("sqlite://{}", file.display()))
    }

    /// Runs an operator's command on this world's database: whether it succeeded, and what it said.
    pub fn operate(&self, arguments: &[&str]) -> (bool, String) {
        let output = Command::new(binary())
            .args(arguments)
            .env("STEPGATE__DATABASE__URL", self.database())
            .env("STEPGATE__SECRETS__MASTER", stepgate::boot::DEMO_MASTER)
            .output()
            .unwrap();
        let said = [output.stdout, output.stderr].concat();
        (output.status.success(), String::from_utf8(said).unwrap())
    }

    /// Registers a client with metadata of its own, past the provider, and discovers as it.
    pub async fn partner(&self, id: &str, metadata: Value) -> RelyingParty {
        let redirect = "http://127.0.0.1/callback";
        let add =
            ["client", "add", "--id", id, "--name", id, "--partner", "Acme", "--redirect-uri", redirect, "--json"];
        let (done, said) = self.operate(&add);
        assert!(done, "{said}");
        let added: Value = serde_json::from_str(&said).unwrap();
        let mut whole = json!({
            "client_name": id, "redirect_uris": [redirect], "skip_consent": true,
            "grant_types": ["authorization_code", "implicit", "refresh_token", "client_credentials"],
            "response_types": ["code", "id_token", "token id_token", "code id_token", "code token", "code id_token token"],
            "scope": "openid profile email offline_access orders",
        });
        for (name, value) in metadata.as_object().unwrap() {
            whole[name] = value.clone();
        }
        let whole = whole.to_string().replace('\'', "''");
        self.tamper(&format!("UPDATE clients SET metadata = '{whole}' WHERE client_id = '{id}'")).await;
        RelyingParty::discover(&self.issuer, id, added["client_secret"].as_str(), redirect).await
    }

    /// The latest mail to an address that says something, once one came: its subject and text.
    pub async fn mail(&self, to: &str, about: &str) -> String {
        let found = std::sync::Mutex::new(None);
        self.until("a mail came", async || {
            for node in 0..self.nodes.len() {
                let url = format!("{}/demo/inbox.json", self.node(node));
                let Ok(answer) = self.http.get(url).send().await else { continue };
                let messages: Vec<Value> = answer.json().await.unwrap();
                let fits = |it: &&Value| {
                    it["channel"] == "mail" && it["to"] == to && it["text"].as_str().unwrap().contains(about)
                };
                if let Some(message) = messages.iter().find(fits) {
                    *found.lock().unwrap() = message["text"].as_str().map(str::to_owned);
                    return true;
                }
            }
            false
        })
        .await;
        found.into_inner().unwrap().unwrap()
    }

    /// Runs a statement on this world's database, past the provider.
    pub async fn tamper(&self, sql: &str) {
        Database::connect(self.database()).await.unwrap().execute_unprepared(sql).await.unwrap();
    }

    /// What a statement counts in this world's database; it names the number `found`.
    pub async fn count(&self, sql: &str) -> i64 {
        let database = Database::connect(self.database()).await.unwrap();
        let row = database.query_one_raw(Statement::from_string(database.get_database_backend(), sql)).await.unwrap();
        row.unwrap().try_get("", "found").unwrap()
    }

    /// One column of text of this world's database, all rows; the statement names it `found`.
    pub async fn texts(&self, sql: &str) -> Vec<String> {
        let database = Database::connect(self.database()).await.unwrap();
        let rows = database.query_all_raw(Statement::from_string(database.get_database_backend(), sql)).await.unwrap();
        rows.iter().map(|row| row.try_get("", "found").unwrap()).collect()
    }

    /// A new browser.
    pub fn browser(&self) -> Browser {
        Browser::over(&self.issuer, self.client())
    }

    /// The demo's client for this machine.
    pub async fn relying_party(&self) -> RelyingParty {
        RelyingParty::discover(&self.issuer, "demo-local", Some("demo-local-secret"), "http://127.0.0.1/callback").await
    }

    /// Registers a client with this metadata; what the provider answered.
    pub async fn register(&self, metadata: &Value) -> (reqwest::StatusCode, Value) {
        let mut metadata = metadata.clone();
        if metadata.get("redirect_uris").is_none() {
            metadata["redirect_uris"] = json!(["https://rp.example/callback"]);
        }
        let answer = self.http.post(format!("{}/register", self.issuer)).json(&metadata).send().await.unwrap();
        (answer.status(), answer.json().await.unwrap())
    }

    /// Begins a login with this client, types user ID and password, and allows what is asked.
    pub async fn log_in_with(&self, rp: &RelyingParty, username: &str, more: &[(&str, &str)]) -> (Browser, Login) {
        let (mut browser, started) = (self.browser(), rp.start(more));
        browser.open(&started.url).await;
        browser.log_in(username).await;
        if browser.page.name() == "factor" {
            browser.submit(&[("skip", "1")]).await;
        }
        if browser.page.name() == "consent" {
            browser.submit(&[("decision", "allow")]).await;
        }
        let login = rp.finish(&started, &browser.page).await;
        (browser, login)
    }

    /// A client of one's own: registered by the operator, then with these changes to its metadata. Its secret, if it has
    /// one.
    pub async fn register_as(&self, id: &str, changes: Value) -> Option<String> {
        let redirect = "http://127.0.0.1/callback";
        let add =
            ["client", "add", "--id", id, "--name", id, "--partner", "Acme", "--redirect-uri", redirect, "--json"];
        let (done, said) = self.operate(&add);
        assert!(done, "{said}");
        let added: Value = serde_json::from_str(&said).unwrap();
        let (_, shown) = self.operate(&["client", "show", id, "--json"]);
        let mut metadata = serde_json::from_str::<Value>(&shown).unwrap()["metadata"].clone();
        metadata.as_object_mut().unwrap().extend(changes.as_object().unwrap().clone());
        let metadata = metadata.to_string().replace('\'', "''");
        self.tamper(&format!("UPDATE clients SET metadata = '{metadata}' WHERE client_id = '{id}'")).await;
        added["client_secret"].as_str().map(str::to_owned)
    }

    /// New signing keys at once.
    pub async fn rotate_keys(&self) {
        let url = format!("{}/demo/rotate-keys", self.issuer);
        assert_eq!(self.http.post(url).send().await.unwrap().status(), 204);
    }

    /// The demo's public client.
    pub async fn public_client(&self) -> RelyingParty {
        let redirect = format!("{}/spa", self.partner);
        RelyingParty::discover(&self.issuer, "demo-spa", None, &redirect).await
    }
}

impl Drop for World {
    fn drop(&mut self) {
        for number in 0..self.nodes.len() {
            self.kill_node(number);
        }
        let _ = std::fs::remove_dir_all(&self.folder);
    }
}
