//! `cargo run -p stepgate-conformance -- plans/basic.json --suite https://localhost:8443`

use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::Duration;

use clap::Parser;
use stepgate_conformance::Failure;
use stepgate_conformance::api::Suite;
use stepgate_conformance::browser::{Driver, Person};
use stepgate_conformance::plan::{Expected, Plan, Verdict};
use stepgate_conformance::run::{Outcome, Runner};

/// Drives an OpenID conformance suite server against a running provider; fails on anything unexpected.
#[derive(Parser)]
#[command(version, about)]
struct Arguments {
    /// Plan files; a name without a folder is looked for beside this program's sources too.
    #[arg(required = true, value_name = "PLAN")]
    plans: Vec<PathBuf>,
    /// The suite's address.
    #[arg(long, default_value = "https://localhost.emobix.co.uk:8443")]
    suite: String,
    /// The provider's address, as the suite reaches it.
    #[arg(long, default_value = "https://localhost:9443")]
    provider: String,
    /// Only modules whose name contains this.
    #[arg(long)]
    module: Option<String>,
    /// A suite that asks for a token gets this one.
    #[arg(long, env = "CONFORMANCE_TOKEN", hide_env_values = true)]
    token: Option<String>,
    /// A running ChromeDriver; without it one is started.
    #[arg(long, env = "STEPGATE_TEST_CHROMEDRIVER")]
    chromedriver: Option<String>,
    /// Modules that are known to end otherwise than in success.
    #[arg(long, default_value = concat!(env!("CARGO_MANIFEST_DIR"), "/expected.toml"))]
    expected: PathBuf,
    /// Who logs in.
    #[arg(long, default_value = "alice")]
    username: String,
    /// The password of that person.
    #[arg(long, default_value = "stepgate-demo-2026")]
    password: String,
    /// How many seconds a module may take.
    #[arg(long, default_value_t = 180)]
    patience: u64,
    /// Appends a table of the outcomes to this file, in Markdown.
    #[arg(long)]
    results: Option<PathBuf>,
}

#[tokio::main]
async fn main() -> ExitCode {
    match run(Arguments::parse()).await {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(failure) => {
            eprintln!("stepgate-conformance: {failure}");
            ExitCode::from(2)
        }
    }
}

/// The file as named, or below this crate's folder.
fn locate(path: &Path) -> PathBuf {
    let beside = Path::new(env!("CARGO_MANIFEST_DIR")).join(path);
    if !path.exists() && beside.exists() { beside } else { path.to_owned() }
}

async fn run(arguments: Arguments) -> Result<bool, Failure> {
    let provider = arguments.provider.trim_end_matches('/').to_owned();
    let expected = Expected::read(&locate(&arguments.expected))?;
    let plans = arguments.plans.iter().map(|path| Plan::read(&locate(path), &provider));
    let plans: Vec<Plan> = plans.collect::<Result<_, _>>()?;
    let runner = Runner {
        suite: Suite::new(&arguments.suite, arguments.token)?,
        driver: Driver::find(arguments.chromedriver).await?,
        person: Person { username: arguments.username, password: arguments.password },
        rotate: format!("{provider}/demo/rotate-keys"),
        patience: Duration::from_secs(arguments.patience),
    };
    let (mut passed, mut failed) = (0, 0);
    for plan in &plans {
        println!("== {} {}", plan.plan, plan.variant);
        let outcomes = runner.run(plan, &expected, arguments.module.as_deref()).await?;
        let unexpected = outcomes.iter().filter(|outcome| matches!(outcome.verdict, Verdict::Unexpected(_))).count();
        passed += outcomes.len() - unexpected;
        failed += unexpected;
        if let Some(file) = &arguments.results {
            append(file, &table(plan, &outcomes))?;
        }
    }
    println!("{passed} passed, {failed} failed");
    Ok(failed == 0)
}

/// The counts of a plan, and each outcome that is not plain success.
fn table(plan: &Plan, outcomes: &[Outcome]) -> String {
    let count = |result: &str| outcomes.iter().filter(|outcome| outcome.result == result).count();
    let ended = ["PASSED", "REVIEW", "WARNING", "SKIPPED", "FAILED"];
    let other = outcomes.iter().filter(|outcome| !ended.contains(&outcome.result.as_str())).count();
    let counts: Vec<String> = ended.iter().map(|result| count(result).to_string()).collect();
    let mut text = format!("\n## {}\n\n`{}`\n\n", plan.plan, plan.variant);
    text.push_str(
        "| modules | passed | review | warning | skipped | failed | other |\n|---|---|---|---|---|---|---|\n",
    );
    text.push_str(&format!("| {} | {} | {other} |\n", outcomes.len(), counts.join(" | ")));
    for outcome in outcomes {
        let why = match &outcome.verdict {
            Verdict::Passed => continue,
            Verdict::Excepted(reason) => reason.clone(),
            Verdict::Unexpected(_) => outcome.complaints.join("; "),
        };
        text.push_str(&format!("\n- `{}` {} **{}**: {why}", outcome.module, outcome.variant, outcome.result));
    }
    text.push('\n');
    text
}

fn append(file: &Path, text: &str) -> Result<(), Failure> {
    use std::io::Write as _;
    let opened = std::fs::OpenOptions::new().create(true).append(true).open(file);
    let written = opened.and_then(|mut file| file.write_all(text.as_bytes()));
    written.map_err(|error| Failure::File(file.display().to_string(), error))
}
