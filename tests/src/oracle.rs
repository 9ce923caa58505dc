//! Judges that others wrote (`tests/oracles`): the libraries of the providers themselves.

use std::io::{BufRead, BufReader, Write};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};

use serde_json::Value;

/// Where they are, and the Python that has what they need; `None`, said, where `tests/run` has not installed it.
fn place() -> Option<(PathBuf, PathBuf)> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("oracles");
    let python = folder.join(".venv/bin/python");
    // The mark of the newest of its packages: what is half installed judges nothing.
    let installed = python.exists() && folder.join(".venv/bin/localstripe").exists();
    if !installed {
        println!("tests/oracles is not installed: no judge");
    }
    installed.then_some((folder, python))
}

/// Asks one, with something as JSON on its standard input; what it says.
pub fn ask_oracle(script: &str, arguments: &[&str], given: &Value) -> Option<String> {
    let (folder, python) = place()?;
    let mut judge = Command::new(python)
        .args(["-W", "ignore"])
        .arg(folder.join(script))
        .args(arguments)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    judge.stdin.take().unwrap().write_all(given.to_string().as_bytes()).unwrap();
    let output = judge.wait_with_output().unwrap();
    assert!(output.status.success(), "{script}");
    Some(String::from_utf8(output.stdout).unwrap().trim().to_owned())
}

/// AWS SNS as PyPI's `moto` plays it, which checks each signature.
pub struct Sns {
    /// Where it is.
    pub endpoint: String,
    /// A key that may publish and nothing else.
    pub access_key_id: String,
    /// Its secret.
    pub secret_access_key: String,
    child: Child,
    asks: ChildStdin,
    says: BufReader<ChildStdout>,
}

impl Sns {
    /// Starts one; `None`, said, where `tests/run` has not installed it.
    pub fn start() -> Option<Self> {
        let (folder, python) = place()?;
        let mut command = Command::new(python);
        command.args(["-W", "ignore"]).arg(folder.join("sns.py")).stdin(Stdio::piped()).stdout(Stdio::piped());
        let mut child = command.spawn().unwrap();
        let (asks, mut says) = (child.stdin.take().unwrap(), BufReader::new(child.stdout.take().unwrap()));
        let told = line(&mut says);
        let text = |name: &str| told[name].as_str().unwrap().to_owned();
        Some(Self {
            endpoint: format!("http://127.0.0.1:{}/", told["port"]),
            access_key_id: text("id"),
            secret_access_key: text("secret"),
            child,
            asks,
            says,
        })
    }

    /// The texts that went out: to whom, and what.
    pub fn texts(&mut self) -> Vec<(String, String)> {
        writeln!(self.asks).unwrap();
        let texts = line(&mut self.says);
        let text = |it: &Value, name: &str| it[name].as_str().unwrap().to_owned();
        texts.as_array().unwrap().iter().map(|it| (text(it, "to"), text(it, "text"))).collect()
    }
}

/// Stripe as PyPI's `localstripe` plays it: customers, payment methods, payment intents, refunds. It has no Checkout, and
/// knows no idempotency keys.
pub struct LocalStripe {
    /// Where it is.
    pub port: u16,
    child: Child,
    asks: ChildStdin,
    says: BufReader<ChildStdout>,
}

impl LocalStripe {
    /// Starts one; `None`, said, where `tests/run` has not installed it.
    pub fn start() -> Option<Self> {
        let (folder, python) = place()?;
        let mut command = Command::new(python);
        command.args(["-W", "ignore"]).arg(folder.join("local_stripe.py")).stdin(Stdio::piped()).stdout(Stdio::piped());
        let mut child = command.spawn().unwrap();
        let (asks, mut says) = (child.stdin.take().unwrap(), BufReader::new(child.stdout.take().unwrap()));
        let port = u16::try_from(line(&mut says)["port"].as_u64().unwrap()).unwrap();
        Some(Self { port, child, asks, says })
    }

    /// A customer with a card of this number: both names.
    pub fn card(&mut self, number: &str) -> (String, String) {
        writeln!(self.asks, "{number}").unwrap();
        let made = line(&mut self.says);
        let text = |name: &str| made[name].as_str().unwrap().to_owned();
        (text("customer"), text("method"))
    }
}

impl Drop for LocalStripe {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn line(says: &mut BufReader<ChildStdout>) -> Value {
    let mut line = String::new();
    says.read_line(&mut line).unwrap();
    serde_json::from_str(&line).unwrap_or_else(|error| panic!("{error}: {line}"))
}

impl Drop for Sns {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
