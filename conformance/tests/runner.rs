//! The runner against a suite and a provider made of cardboard: what it opens, types, hands in, rotates and judges.

#![expect(clippy::unwrap_used, clippy::indexing_slicing, reason = "tests: whatever does not hold ends the test")]

use std::collections::HashMap;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use axum::extract::{Form, Path, Query, State};
use axum::http::StatusCode;
use axum::response::{Html, IntoResponse as _, Redirect, Response};
use axum::routing::{get, post};
use axum::{Json, Router};
use serde_json::{Value, json};
use stepgate_conformance::api::Suite;
use stepgate_conformance::browser::{Driver, Person};
use stepgate_conformance::plan::{Expected, Plan, Verdict};
use stepgate_conformance::run::Runner;

/// What happened, in order.
#[derive(Default)]
struct Stage {
    address: String,
    /// The stage of each test: its status and result.
    tests: HashMap<String, (&'static str, Option<&'static str>)>,
    visited: Vec<String>,
    pictures: Vec<(String, String)>,
    rotated: usize,
    config: Value,
}

type Shared = State<Arc<Mutex<Stage>>>;
type Parameters = Query<HashMap<String, String>>;

/// The modules: `login` passes after a login by GET, `posted` by POST, `picture` wants one, `page` ends at an error page and
/// wants one, the rotation is started by hand, `skipped` and `warned` end at once.
const MODULES: [&str; 7] = ["login", "posted", "picture", "page", "oidcc-server-rotate-keys", "skipped", "warned"];

async fn plan(State(stage): Shared, Query(query): Parameters, Json(config): Json<Value>) -> Response {
    assert_eq!((query["planName"].as_str(), query["variant"].as_str()), ("a-plan", r#"{"response_type":"code"}"#));
    stage.lock().unwrap().config = config;
    let modules = MODULES.map(|name| json!({ "testModule": name, "variant": { "x": "y" } }));
    (StatusCode::CREATED, Json(json!({ "id": "plan", "modules": modules }))).into_response()
}

async fn create(State(stage): Shared, Query(query): Parameters) -> Response {
    assert_eq!((query["plan"].as_str(), query["variant"].as_str()), ("plan", r#"{"x":"y"}"#));
    let name = query["test"].clone();
    let begin = match name.as_str() {
        "oidcc-server-rotate-keys" => ("CONFIGURED", None),
        "skipped" => ("FINISHED", Some("SKIPPED")),
        "warned" => ("FINISHED", Some("WARNING")),
        _ => ("WAITING", None),
    };
    stage.lock().unwrap().tests.insert(name.clone(), begin);
    (StatusCode::CREATED, Json(json!({ "name": name, "id": name }))).into_response()
}

async fn start(State(stage): Shared, Path(test): Path<String>) -> StatusCode {
    let mut stage = stage.lock().unwrap();
    let result = if stage.rotated == 1 { "PASSED" } else { "FAILED" };
    stage.tests.insert(test, ("FINISHED", Some(result)));
    StatusCode::OK
}

async fn info(State(stage): Shared, Path(test): Path<String>) -> Json<Value> {
    let (status, result) = stage.lock().unwrap().tests[&test];
    Json(json!({ "status": status, "result": result, "testId": test }))
}

async fn visits(State(stage): Shared, Path(test): Path<String>) -> Json<Value> {
    let stage = stage.lock().unwrap();
    let url = format!("{}/authorize?test={test}", stage.address.replace("127.0.0.1", "localhost"));
    let waiting = if stage.visited.contains(&url) { vec![] } else { vec![url] };
    let method = if test == "posted" { "POST" } else { "GET" };
    let with: Vec<Value> = waiting.iter().map(|url| json!({ "url": url, "method": method })).collect();
    Json(json!({ "id": test, "urls": waiting, "urlsWithMethod": with, "visited": [] }))
}

async fn visited(State(stage): Shared, Query(query): Parameters) -> StatusCode {
    stage.lock().unwrap().visited.push(query["url"].clone());
    StatusCode::NO_CONTENT
}

async fn log(State(stage): Shared, Path(test): Path<String>) -> Json<Value> {
    let empty = ["picture", "page"].contains(&test.as_str())
        && stage.lock().unwrap().pictures.iter().all(|(of, _)| *of != test);
    let mut entries = vec![json!({ "src": "a", "msg": "fine", "result": "SUCCESS" })];
    entries.extend(empty.then(|| json!({ "upload": "place", "result": "REVIEW" })));
    entries.extend((test == "warned").then(|| json!({ "src": "Check", "msg": "not nice", "result": "WARNING" })));
    Json(Value::Array(entries))
}

async fn picture(State(stage): Shared, Path((test, place)): Path<(String, String)>, body: String) -> StatusCode {
    assert_eq!(place, "place");
    let mut stage = stage.lock().unwrap();
    stage.tests.insert(test.clone(), ("FINISHED", Some("REVIEW")));
    stage.pictures.push((test, body));
    StatusCode::OK
}

async fn callback(State(stage): Shared, Query(query): Parameters) -> Html<&'static str> {
    if query["test"] != "picture" {
        stage.lock().unwrap().tests.insert(query["test"].clone(), ("FINISHED", Some("PASSED")));
    }
    Html("<!doctype html><p id=submission_complete>Thank you</p>")
}

/// The provider's first page; by POST only for the module that asks so.
async fn authorize(posted: bool, test: &str) -> Html<String> {
    assert_eq!(posted, test == "posted");
    if test == "page" {
        return Html("<!doctype html><main data-page=error id=op-error>No.</main>".to_owned());
    }
    page("login", &format!("<input name=test type=hidden value={test}><input name=username id=username>"))
}

fn page(name: &str, fields: &str) -> Html<String> {
    let button = "<button id=continue>Continue</button>";
    Html(format!(
        "<!doctype html><main data-page={name}><form method=post action=/{name}>{fields}{button}</form></main>"
    ))
}

fn field<'f>(form: &'f HashMap<String, String>, name: &str) -> &'f str {
    form.get(name).map_or("", String::as_str)
}

async fn login(Form(form): Form<HashMap<String, String>>) -> Html<String> {
    assert_eq!(field(&form, "username"), "alice");
    let test = field(&form, "test");
    page("password", &format!("<input name=test type=hidden value={test}><input name=password id=password>"))
}

async fn password(State(stage): Shared, Form(form): Form<HashMap<String, String>>) -> Redirect {
    assert_eq!(field(&form, "password"), "secret");
    let address = stage.lock().unwrap().address.clone();
    Redirect::to(&format!("{address}/test/callback?test={}", field(&form, "test")))
}

async fn rotate(State(stage): Shared) -> StatusCode {
    stage.lock().unwrap().rotated += 1;
    StatusCode::NO_CONTENT
}

async fn serve() -> Arc<Mutex<Stage>> {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = format!("http://{}", listener.local_addr().unwrap());
    let stage = Arc::new(Mutex::new(Stage { address, ..Stage::default() }));
    let by_get = async |Query(query): Parameters| authorize(false, &query["test"]).await;
    let by_post = async |Form(form): Form<HashMap<String, String>>| authorize(true, field(&form, "test")).await;
    let app = Router::new()
        .route("/api/plan", post(plan))
        .route("/api/runner", post(create))
        .route("/api/runner/{test}", post(start))
        .route("/api/info/{test}", get(info))
        .route("/api/runner/browser/{test}", get(visits))
        .route("/api/runner/browser/{test}/visit", post(visited))
        .route("/api/log/{test}", get(log))
        .route("/api/log/{test}/images/{place}", post(picture))
        .route("/test/callback", get(callback))
        .route("/authorize", get(by_get).post(by_post))
        .route("/login", post(login))
        .route("/password", post(password))
        .route("/rotate", post(rotate))
        .with_state(Arc::clone(&stage));
    tokio::spawn(async move { axum::serve(listener, app).await.unwrap() });
    stage
}

#[tokio::test]
async fn a_plan_is_brought_to_its_end() {
    let Ok(chromedriver) = std::env::var("STEPGATE_TEST_CHROMEDRIVER") else {
        println!("STEPGATE_TEST_CHROMEDRIVER is not set: no browser");
        return;
    };
    let stage = serve().await;
    let address = stage.lock().unwrap().address.clone();
    let runner = Runner {
        suite: Suite::new(&address, None).unwrap(),
        driver: Driver::find(Some(chromedriver)).await.unwrap(),
        person: Person { username: "alice".to_owned(), password: "secret".to_owned() },
        rotate: format!("{address}/rotate"),
        patience: Duration::from_secs(60),
    };
    let plan =
        Plan { plan: "a-plan".to_owned(), variant: json!({ "response_type": "code" }), config: json!({ "a": "b" }) };
    let text = "[[exception]]\nplan = \"a-plan\"\nmodule = \"skipped\"\nresult = \"SKIPPED\"\nreason = \"not offered\"\ndate = \"2026-11-28\"";
    let expected: Expected = toml::from_str(text).unwrap();
    let outcomes = runner.run(&plan, &expected, None).await.unwrap();
    let ended: Vec<(&str, &str)> =
        outcomes.iter().map(|outcome| (outcome.module.as_str(), outcome.result.as_str())).collect();
    let wanted = [
        ("login", "PASSED"),
        ("posted", "PASSED"),
        ("picture", "REVIEW"),
        ("page", "REVIEW"),
        ("oidcc-server-rotate-keys", "PASSED"),
        ("skipped", "SKIPPED"),
        ("warned", "WARNING"),
    ];
    assert_eq!(ended, wanted);
    let bad: Vec<&str> = outcomes
        .iter()
        .filter(|outcome| matches!(outcome.verdict, Verdict::Unexpected(_)))
        .map(|outcome| outcome.module.as_str())
        .collect();
    assert_eq!(bad, ["warned"]);
    assert!(outcomes.iter().any(|outcome| outcome.complaints == ["WARNING Check: not nice"]));
    let stage = stage.lock().unwrap();
    assert_eq!(stage.config, json!({ "a": "b" }));
    assert_eq!(stage.pictures.len(), 2);
    // Each is a PNG.
    assert!(stage.pictures.iter().all(|(_, picture)| picture.starts_with("data:image/png;base64,iVBORw0KGgo")));
}
