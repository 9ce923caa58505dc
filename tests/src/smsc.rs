//! A message centre that others wrote (`tests/smsc`), started for a test.

use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};

use serde_json::{Value, json};

/// A running message centre.
pub struct Smsc {
    /// Where it speaks SMPP.
    pub port: u16,
    control: String,
    child: Child,
    /// Where it speaks TLS: its name or address, and the authority behind its certificate.
    tls: Option<(String, String)>,
}

impl Smsc {
    /// Starts one; `None`, said, where `tests/run` has not installed it.
    pub fn start() -> Option<Self> {
        Self::start_with(&[])
    }

    /// Starts one that speaks TLS, with a certificate for `localhost` from an authority that nobody knows, and is called
    /// `host` (a name or an address of the loopback network).
    pub fn start_tls(host: &str) -> Option<Self> {
        static NUMBER: AtomicU32 = AtomicU32::new(0);
        let number = NUMBER.fetch_add(1, Ordering::Relaxed);
        let folder = std::env::temp_dir().join(format!("stepgate-smsc-{}-{number}", std::process::id()));
        let made = stepgate::tls::self_signed(&folder).unwrap();
        let address = if host == "localhost" { "127.0.0.1" } else { host };
        let files = [made.key_file.to_str().unwrap(), made.certificate_file.to_str().unwrap(), address];
        let mut started = Self::start_with(&files)?;
        started.tls = Some((host.to_owned(), made.authority_file.display().to_string()));
        Some(started)
    }

    fn start_with(arguments: &[&str]) -> Option<Self> {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("smsc");
        if !folder.join("node_modules/smpp").exists() {
            println!("tests/smsc is not installed: no message centre");
            return None;
        }
        let mut child = Command::new("node")
            .arg("smsc.cjs")
            .args(arguments)
            .current_dir(folder)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut line = String::new();
        BufReader::new(child.stdout.take().unwrap()).read_line(&mut line).unwrap();
        let ports: Value = serde_json::from_str(&line).unwrap();
        Some(Self {
            port: u16::try_from(ports["smpp"].as_u64().unwrap()).unwrap(),
            control: format!("http://127.0.0.1:{}", ports["control"]),
            child,
            tls: None,
        })
    }

    /// The file with the authority behind its certificate.
    pub fn authority(&self) -> &str {
        self.tls.as_ref().map_or("", |(_, authority)| authority)
    }

    /// As a provider in the settings.
    pub fn provider(&self) -> String {
        let host = self.tls.as_ref().map_or("127.0.0.1", |(host, _)| host.as_str());
        format!(
            "{{ kind = 'smpp', host = '{host}', port = {}, tls = {}, system_id = 'stepgate', password = 'secret', \
             text_from = 'Stepgate', enquire_link_seconds = 1 }}",
            self.port,
            self.tls.is_some(),
        )
    }

    async fn ask(&self, path: &str, body: &Value) -> Value {
        let answer = reqwest::Client::new().post(format!("{}{path}", self.control)).json(body).send().await.unwrap();
        answer.json().await.unwrap()
    }

    /// What it took on, oldest first.
    pub async fn messages(&self) -> Vec<Value> {
        self.ask("/", &json!({})).await["messages"].as_array().unwrap().clone()
    }

    /// How often somebody bound, and asked whether it lives.
    pub async fn signs(&self) -> (u64, u64) {
        let told = self.ask("/", &json!({})).await;
        (told["binds"].as_u64().unwrap(), told["enquiries"].as_u64().unwrap())
    }

    /// How it answers (`status`: `ok`, or a command status) and which receipts it gives by itself.
    pub async fn mode(&self, mode: Value) {
        self.ask("/mode", &mode).await;
    }

    /// Gives a receipt: 2 is delivered, 5 undeliverable.
    pub async fn receipt(&self, id: &str, state: u8) {
        self.ask("/receipt", &json!({ "id": id, "state": state })).await;
    }

    /// Breaks the connection.
    pub async fn drop_connection(&self) {
        self.ask("/drop", &json!({})).await;
    }
}

impl Drop for Smsc {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
