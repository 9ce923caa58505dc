//! The suite's REST API, as far as a run needs it.

use std::time::Duration;

use reqwest::{Client, RequestBuilder};
use serde::Deserialize;
use serde_json::Value;

use crate::Failure;
use crate::plan::Plan;

/// A suite server.
pub struct Suite {
    base: String,
    token: Option<String>,
    http: Client,
}

/// A plan that was created.
#[derive(Clone, Debug, Deserialize)]
pub struct Created {
    /// Its id.
    pub id: String,
    /// Its modules, in order.
    pub modules: Vec<Module>,
}

/// A module of a plan.
#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Module {
    /// Its name.
    pub test_module: String,
    /// The variant that it is run for.
    #[serde(default)]
    pub variant: Value,
}

/// Where a module stands.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
pub struct Info {
    /// `CREATED`, `CONFIGURED`, `RUNNING`, `WAITING`, `FINISHED`, `INTERRUPTED`.
    #[serde(default)]
    pub status: String,
    /// `PASSED`, `WARNING`, `REVIEW`, `SKIPPED`, `FAILED`, or nothing yet.
    #[serde(default)]
    pub result: Option<String>,
}

/// An address that a browser is to open.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub struct Visit {
    /// Where.
    pub url: String,
    /// By `GET`, or its query posted as a form.
    #[serde(default)]
    pub method: Option<String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Waiting {
    #[serde(default)]
    urls: Vec<String>,
    #[serde(default)]
    urls_with_method: Vec<Visit>,
}

impl Suite {
    /// At an address; its certificate may be anyone's, for suites are run on the machine at hand.
    ///
    /// # Errors
    /// The HTTP client cannot be made.
    pub fn new(base: &str, token: Option<String>) -> Result<Self, Failure> {
        let http = Client::builder().tls_danger_accept_invalid_certs(true).timeout(Duration::from_secs(60)).build()?;
        Ok(Self { base: base.trim_end_matches('/').to_owned(), token, http })
    }

    /// The client that trusts every certificate.
    pub const fn http(&self) -> &Client {
        &self.http
    }

    /// Whether an address is the suite's.
    pub fn owns(&self, url: &str) -> bool {
        url.starts_with(&format!("{}/", self.base))
    }

    fn url(&self, path: &str) -> String {
        format!("{}/api/{path}", self.base)
    }

    async fn send(&self, what: &str, request: RequestBuilder) -> Result<String, Failure> {
        let request = match &self.token {
            Some(token) => request.bearer_auth(token),
            None => request,
        };
        let response = request.send().await?;
        let status = response.status();
        let body = response.text().await?;
        if status.is_success() {
            return Ok(body);
        }
        Err(Failure::Suite { what: what.to_owned(), status: status.as_u16(), body: body.chars().take(400).collect() })
    }

    async fn ask<T: for<'d> Deserialize<'d>>(&self, what: &str, request: RequestBuilder) -> Result<T, Failure> {
        let body = self.send(what, request).await?;
        serde_json::from_str(&body).map_err(|error| Failure::Format(what.to_owned(), format!("{error}: {body}")))
    }

    /// Creates a plan.
    ///
    /// # Errors
    /// The suite refuses it.
    pub async fn create(&self, plan: &Plan) -> Result<Created, Failure> {
        let query = [("planName", plan.plan.clone()), ("variant", plan.variant.to_string())];
        self.ask("create the plan", self.http.post(self.url("plan")).query(&query).json(&plan.config)).await
    }

    /// Creates a module's test; its id.
    ///
    /// # Errors
    /// The suite refuses it.
    pub async fn create_test(&self, plan: &str, module: &Module) -> Result<String, Failure> {
        let mut query = vec![("test", module.test_module.clone()), ("plan", plan.to_owned())];
        if module.variant.is_object() {
            query.push(("variant", module.variant.to_string()));
        }
        let created: Value = self.ask("create the test", self.http.post(self.url("runner")).query(&query)).await?;
        let id = created.get("id").and_then(Value::as_str);
        id.map(str::to_owned).ok_or_else(|| Failure::Format("create the test".to_owned(), created.to_string()))
    }

    /// Starts a test that is configured.
    ///
    /// # Errors
    /// The suite refuses it.
    pub async fn start(&self, test: &str) -> Result<(), Failure> {
        self.send("start the test", self.http.post(self.url(&format!("runner/{test}")))).await.map(|_| ())
    }

    /// Where a test stands.
    ///
    /// # Errors
    /// The suite does not know it.
    pub async fn info(&self, test: &str) -> Result<Info, Failure> {
        self.ask("look at the test", self.http.get(self.url(&format!("info/{test}")))).await
    }

    /// The addresses that wait for a browser.
    ///
    /// # Errors
    /// The suite does not know the test.
    pub async fn visits(&self, test: &str) -> Result<Vec<Visit>, Failure> {
        let request = self.http.get(self.url(&format!("runner/browser/{test}")));
        let waiting: Waiting = self.ask("look for addresses", request).await?;
        let mut visits = waiting.urls_with_method;
        for url in waiting.urls {
            if visits.iter().all(|visit| visit.url != url) {
                visits.push(Visit { url, method: None });
            }
        }
        Ok(visits)
    }

    /// Says that an address was opened.
    ///
    /// # Errors
    /// The suite does not know the test.
    pub async fn visited(&self, test: &str, visit: &Visit) -> Result<(), Failure> {
        let request = self.http.post(self.url(&format!("runner/browser/{test}/visit"))).query(&[("url", &visit.url)]);
        self.send("say that the address was opened", request).await.map(|_| ())
    }

    /// The pictures that a test wants: the ids of its log entries that have none yet.
    ///
    /// # Errors
    /// The suite does not know the test.
    pub async fn placeholders(&self, test: &str) -> Result<Vec<String>, Failure> {
        let log: Vec<Value> = self.ask("read the log", self.http.get(self.url(&format!("log/{test}")))).await?;
        let empty = log.iter().filter(|entry| entry.get("img").is_none());
        Ok(empty.filter_map(|entry| entry.get("upload")?.as_str().map(str::to_owned)).collect())
    }

    /// Hands a picture in.
    ///
    /// # Errors
    /// The suite does not want it.
    pub async fn upload(&self, test: &str, placeholder: &str, png: &[u8]) -> Result<(), Failure> {
        let picture = format!("data:image/png;base64,{}", data_encoding::BASE64.encode(png));
        let request = self.http.post(self.url(&format!("log/{test}/images/{placeholder}")));
        let request = request.header("content-type", "text/plain;charset=utf-8").body(picture);
        self.send("hand in the picture", request).await.map(|_| ())
    }

    /// What went wrong in a test, in the suite's words.
    ///
    /// # Errors
    /// The suite does not know the test.
    pub async fn complaints(&self, test: &str) -> Result<Vec<String>, Failure> {
        let log: Vec<Value> = self.ask("read the log", self.http.get(self.url(&format!("log/{test}")))).await?;
        let text = |entry: &Value, name: &str| entry.get(name).and_then(Value::as_str).unwrap_or_default().to_owned();
        let bad = log.iter().filter(|entry| ["FAILURE", "WARNING"].contains(&text(entry, "result").as_str()));
        Ok(bad
            .map(|entry| format!("{} {}: {}", text(entry, "result"), text(entry, "src"), text(entry, "msg")))
            .collect())
    }

    /// Stops a test that does not end.
    ///
    /// # Errors
    /// The suite does not know the test.
    pub async fn cancel(&self, test: &str) -> Result<(), Failure> {
        self.send("stop the test", self.http.delete(self.url(&format!("runner/{test}")))).await.map(|_| ())
    }
}
