//! Numbers for the operator's graphs, in the form that Prometheus reads.
//!
//! Owns: every series and its labels. A label is a closed list, so that their number is known beforehand and no
//! identifier can become one. Never: logs or the audit trail; what happened to whom is told there.

mod http;
mod labels;

use std::net::SocketAddr;
use std::sync::OnceLock;
use std::time::Duration;

use ::http::StatusCode;
use metrics::{Counter, Gauge, Histogram, counter, gauge, histogram, with_local_recorder};
use metrics_exporter_prometheus::{Matcher, PrometheusBuilder, PrometheusRecorder};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

pub use http::{routes, serve};
pub use labels::{Delivery, Elevation, Factor, Label, Login, Outcome, Route, Status, TokenGrant};

/// Where the numbers can be read.
#[derive(Clone, Default, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct MetricsSettings {
    /// The address at which `GET /metrics` answers, for Prometheus; keep it away from the public. Nothing is counted
    /// when absent.
    pub listen: Option<SocketAddr>,
}

const REQUESTS: &str = "stepgate_http_requests_total";
const SECONDS: &str = "stepgate_http_request_seconds";
/// Upper bounds of the histogram: from what a cached answer takes to what an Argon2id queue takes.
const BOUNDS: &[f64] = &[0.000_25, 0.000_5, 0.001, 0.002_5, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 1.0, 5.0];

/// What is counted, or nothing where nobody reads it.
pub struct Telemetry(Option<Box<Series>>);

/// Every series, registered once: to count is to add to one atomic number.
struct Series {
    recorder: PrometheusRecorder,
    /// By route and status; registered when first met, so that only what happens is listed.
    requests: Vec<OnceLock<Counter>>,
    seconds: Vec<OnceLock<Histogram>>,
    logins: Vec<Counter>,
    factors: Vec<Counter>,
    elevations: Vec<Counter>,
    tokens: Vec<Counter>,
    deliveries: Vec<Counter>,
    passwords_refused: Counter,
    passwords_waiting: Gauge,
    outbox_waiting: Gauge,
}

fn by<L: Label>(make: impl Fn(&'static str) -> Counter) -> Vec<Counter> {
    L::ALL.iter().map(|label| make(label.name())).collect()
}

fn by_two<L: Label, M: Label>(make: impl Fn(&'static str, &'static str) -> Counter) -> Vec<Counter> {
    let pairs = L::ALL.iter().flat_map(|first| M::ALL.iter().map(move |second| (first.name(), second.name())));
    pairs.map(|(first, second)| make(first, second)).collect()
}

/// The place of a pair in what [`by_two`] made.
fn place<L: Label, M: Label>(first: L, second: M) -> usize {
    first.index() * M::ALL.len() + second.index()
}

impl Series {
    fn register(recorder: PrometheusRecorder) -> Self {
        let made = with_local_recorder(&recorder, || {
            describe();
            (
                by::<Login>(|outcome| counter!("stepgate_logins_total", "outcome" => outcome)),
                by_two::<Factor, Outcome>(
                    |method, outcome| counter!("stepgate_factors_total", "method" => method, "outcome" => outcome),
                ),
                Elevation::ALL
                    .iter()
                    .map(|it| counter!("stepgate_elevations_total", "outcome" => it.outcome(), "reason" => it.reason()))
                    .collect(),
                by::<TokenGrant>(|grant| counter!("stepgate_tokens_issued_total", "grant_type" => grant)),
                by_two::<Delivery, Outcome>(
                    |channel, outcome| counter!("stepgate_deliveries_total", "channel" => channel, "outcome" => outcome),
                ),
                counter!("stepgate_passwords_refused_total"),
                (gauge!("stepgate_passwords_waiting"), gauge!("stepgate_outbox_waiting")),
            )
        });
        let (logins, factors, elevations, tokens, deliveries, passwords_refused, waiting) = made;
        Self {
            requests: (0..Route::ALL.len() * Status::ALL.len()).map(|_| OnceLock::new()).collect(),
            seconds: Route::ALL.iter().map(|_| OnceLock::new()).collect(),
            logins,
            factors,
            elevations,
            tokens,
            deliveries,
            passwords_refused,
            passwords_waiting: waiting.0,
            outbox_waiting: waiting.1,
            recorder,
        }
    }
}

/// What each series is, for whoever reads the numbers.
fn describe() {
    metrics::describe_counter!(REQUESTS, "Requests answered, by class of route and by status");
    metrics::describe_histogram!(SECONDS, metrics::Unit::Seconds, "Time to answer, by class of route");
    metrics::describe_counter!("stepgate_logins_total", "Sessions begun, passwords that were wrong, logins given up");
    metrics::describe_counter!("stepgate_factors_total", "Factors that people showed, by method and outcome");
    metrics::describe_counter!("stepgate_elevations_total", "Factors that were demanded, and what became of it");
    metrics::describe_counter!("stepgate_tokens_issued_total", "Answers of the token endpoint that carry tokens");
    metrics::describe_counter!("stepgate_deliveries_total", "Messages handed to providers, by channel and outcome");
    metrics::describe_counter!(
        "stepgate_passwords_refused_total",
        "Passwords that were not looked at: the queue was full"
    );
    metrics::describe_gauge!("stepgate_passwords_waiting", "Passwords that wait to be hashed on this node");
    metrics::describe_gauge!("stepgate_outbox_waiting", "Messages in the outbox that no provider has taken yet");
}

impl Telemetry {
    /// Counts from now on.
    pub fn counting() -> Self {
        let builder = PrometheusBuilder::new().set_buckets_for_metric(Matcher::Full(SECONDS.to_owned()), BOUNDS);
        // The bounds are ours and not empty: the builder takes them.
        Self(builder.ok().map(|builder| Box::new(Series::register(builder.build_recorder()))))
    }

    /// Counts nothing: nobody reads it.
    pub const fn silent() -> Self {
        Self(None)
    }

    fn add(&self, pick: impl FnOnce(&Series) -> Option<&Counter>) {
        if let Some(counter) = self.0.as_deref().and_then(pick) {
            counter.increment(1);
        }
    }

    /// A request was answered.
    pub fn request(&self, route: Route, status: StatusCode, took: Duration) {
        let Some(series) = self.0.as_deref() else { return };
        let status = Status::of(status);
        if let Some(cell) = series.requests.get(place(route, status)) {
            let make = || counter!(REQUESTS, "route" => route.name(), "status" => status.name());
            cell.get_or_init(|| with_local_recorder(&series.recorder, make)).increment(1);
        }
        if let Some(cell) = series.seconds.get(route.index()) {
            let make = || histogram!(SECONDS, "route" => route.name());
            cell.get_or_init(|| with_local_recorder(&series.recorder, make)).record(took.as_secs_f64());
        }
    }

    /// An audit event was recorded: some are factors that people showed, some end a login.
    pub fn event(&self, kind: &str) {
        if kind == "login.password.failed" {
            self.login(Login::Failed);
        } else if matches!(kind, "authorization.refused" | "device.refused") {
            self.login(Login::GivenUp);
        }
        let Some((method, outcome)) = kind.strip_prefix("login.").and_then(|rest| rest.rsplit_once('.')) else {
            return;
        };
        if let (Some(method), Some(outcome)) = (Factor::named(method), Outcome::named(outcome)) {
            self.add(|series| series.factors.get(place(method, outcome)));
        }
    }

    /// How a login went.
    pub fn login(&self, outcome: Login) {
        self.add(|series| series.logins.get(outcome.index()));
    }

    /// How an elevation goes.
    pub fn elevation(&self, step: Elevation) {
        self.add(|series| series.elevations.get(step.index()));
    }

    /// The token endpoint answered with tokens.
    pub fn token(&self, grant: TokenGrant) {
        self.add(|series| series.tokens.get(grant.index()));
    }

    /// A provider took a message, or did not.
    pub fn delivery(&self, channel: Delivery, outcome: Outcome) {
        self.add(|series| series.deliveries.get(place(channel, outcome)));
    }

    /// A password was not looked at: the queue was full.
    pub fn password_refused(&self) {
        self.add(|series| Some(&series.passwords_refused));
    }

    /// Puts recorded times into their buckets; called every few seconds, so that they do not pile up between readings.
    pub fn upkeep(&self) {
        if let Some(series) = &self.0 {
            series.recorder.handle().run_upkeep();
        }
    }

    /// The numbers as Prometheus reads them; `None` when nothing is counted.
    fn text(&self, passwords_waiting: usize, outbox_waiting: u64) -> Option<String> {
        let series = self.0.as_deref()?;
        series.passwords_waiting.set(f64::from(u32::try_from(passwords_waiting).unwrap_or(u32::MAX)));
        series.outbox_waiting.set(f64::from(u32::try_from(outbox_waiting).unwrap_or(u32::MAX)));
        Some(series.recorder.handle().render())
    }
}

#[cfg(test)]
mod tests {
    use std::time::Instant;

    use super::*;

    #[test]
    fn counting_a_request_takes_less_than_a_microsecond() {
        let telemetry = Telemetry::counting();
        let mut best = Duration::MAX;
        // The least of many: other programs share the processor.
        for _ in 0..200 {
            let begun = Instant::now();
            for _ in 0..100 {
                telemetry.request(Route::Introspection, StatusCode::OK, Duration::from_micros(70));
            }
            best = best.min(begun.elapsed() / 100);
            telemetry.upkeep();
        }
        println!("{best:?} for each request");
        // This build is not optimised; what is shipped takes a fraction of it.
        assert!(best < Duration::from_micros(5), "{best:?}");
        assert!(
            telemetry
                .text(0, 0)
                .unwrap()
                .contains("stepgate_http_requests_total{route=\"introspection\",status=\"200\"} 20000")
        );
    }

    #[test]
    fn labels_are_a_closed_list_and_silence_costs_nothing() {
        let telemetry = Telemetry::counting();
        for number in 0..2_000 {
            telemetry.request(
                Route::of(&format!("/x{number}/alice")),
                StatusCode::from_u16(300 + number % 200).unwrap(),
                Duration::ZERO,
            );
            telemetry.event(&format!("login.alice{number}.succeeded"));
        }
        let text = telemetry.text(3, 4).unwrap();
        assert!(text.lines().count() < 150, "{text}");
        assert!(!text.contains("alice") && text.contains("stepgate_passwords_waiting 3"));
        assert!(Telemetry::silent().text(0, 0).is_none());
    }
}
