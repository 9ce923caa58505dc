//! Brings the modules of a plan to their end, one after the other.

use std::collections::BTreeSet;
use std::time::{Duration, Instant};

use crate::Failure;
use crate::api::{Created, Module, Suite};
use crate::browser::{Browser, Driver, Person, Seen};
use crate::plan::{Expected, Plan, Verdict};

/// What a run needs.
pub struct Runner {
    /// The suite.
    pub suite: Suite,
    /// ChromeDriver.
    pub driver: Driver,
    /// Who logs in.
    pub person: Person,
    /// The address whose `POST` rotates the provider's keys.
    pub rotate: String,
    /// How long a module may take.
    pub patience: Duration,
}

/// What became of a module.
#[derive(Clone, Debug)]
pub struct Outcome {
    /// The plan.
    pub plan: String,
    /// The module.
    pub module: String,
    /// The variant that it was run for, as JSON.
    pub variant: String,
    /// How it ended: the suite's result, or why it did not end.
    pub result: String,
    /// Against what was expected.
    pub verdict: Verdict,
    /// The suite's warnings and failures.
    pub complaints: Vec<String>,
}

/// A picture of a visit was handed in for each placeholder once.
#[derive(Default)]
struct Progress {
    visited: BTreeSet<String>,
    filled: BTreeSet<String>,
    seen: Option<Seen>,
    started: bool,
}

impl Runner {
    /// Runs a plan, or those of its modules whose name contains `only`.
    ///
    /// # Errors
    /// The suite does not take the plan, or does not answer.
    pub async fn run(&self, plan: &Plan, expected: &Expected, only: Option<&str>) -> Result<Vec<Outcome>, Failure> {
        let created: Created = self.suite.create(plan).await?;
        let wanted = |module: &&Module| only.is_none_or(|only| module.test_module.contains(only));
        let mut outcomes = Vec::new();
        for module in created.modules.iter().filter(wanted) {
            let (result, complaints) = match self.module(&created.id, module).await {
                Ok(ended) => ended,
                Err(failure) => (format!("NOT RUN: {failure}"), Vec::new()),
            };
            let verdict = expected.judge(&plan.plan, &module.test_module, &result);
            let outcome = Outcome {
                plan: plan.plan.clone(),
                module: module.test_module.clone(),
                variant: if module.variant.is_null() { String::new() } else { module.variant.to_string() },
                result,
                verdict,
                complaints,
            };
            tell(&outcome);
            outcomes.push(outcome);
        }
        Ok(outcomes)
    }

    async fn module(&self, plan: &str, module: &Module) -> Result<(String, Vec<String>), Failure> {
        let test = self.suite.create_test(plan, module).await?;
        let browser = self.driver.browser(&self.person).await?;
        let ended = self.drive(&test, &module.test_module, &browser).await;
        browser.close().await?;
        let result = match ended? {
            Some(result) => result,
            None => {
                self.suite.cancel(&test).await?;
                format!("NOT ENDED after {} s", self.patience.as_secs())
            }
        };
        Ok((result, self.suite.complaints(&test).await?))
    }

    /// Does what a test waits for until it ends; its result, or nothing when patience does.
    async fn drive(&self, test: &str, name: &str, browser: &Browser) -> Result<Option<String>, Failure> {
        let end = Instant::now() + self.patience;
        let mut progress = Progress::default();
        while Instant::now() < end {
            let info = self.suite.info(test).await?;
            match info.status.as_str() {
                "FINISHED" => return Ok(Some(info.result.unwrap_or_else(|| "UNKNOWN".to_owned()))),
                "INTERRUPTED" => return Ok(Some(info.result.unwrap_or_else(|| "INTERRUPTED".to_owned()))),
                "CONFIGURED" if !progress.started => {
                    if name == "oidcc-server-rotate-keys" {
                        self.suite.http().post(&self.rotate).send().await?.error_for_status()?;
                    }
                    self.suite.start(test).await?;
                    progress.started = true;
                }
                "WAITING" => self.attend(test, browser, &mut progress).await?,
                _ => {}
            }
            tokio::time::sleep(Duration::from_millis(200)).await;
        }
        Ok(None)
    }

    /// Opens what is to be opened, and hands in what is to be shown.
    async fn attend(&self, test: &str, browser: &Browser, progress: &mut Progress) -> Result<(), Failure> {
        for visit in self.suite.visits(test).await? {
            if progress.visited.insert(visit.url.clone()) {
                // First said, then done: a visit may end the test, and the suite then knows of no addresses any more.
                self.suite.visited(test, &visit).await?;
                progress.seen = Some(browser.visit(&visit, |url| self.suite.owns(url)).await?);
            }
        }
        let Some(seen) = &progress.seen else { return Ok(()) };
        // Where the person was not sent back, the page at which it ended is the one to look at.
        let Some(picture) = seen.last.as_ref().or(seen.first.as_ref()) else { return Ok(()) };
        for placeholder in self.suite.placeholders(test).await? {
            if progress.filled.insert(placeholder.clone()) {
                self.suite.upload(test, &placeholder, picture).await?;
            }
        }
        Ok(())
    }
}

fn tell(outcome: &Outcome) {
    let Outcome { module, variant, result, verdict, complaints, .. } = outcome;
    let mark = match verdict {
        Verdict::Passed => "ok",
        Verdict::Excepted(_) => "as expected",
        Verdict::Unexpected(_) => "FAILED",
    };
    println!("{module} {variant} {result} ... {mark}");
    match verdict {
        Verdict::Passed => {}
        Verdict::Excepted(reason) => println!("    {reason}"),
        Verdict::Unexpected(why) => {
            println!("    {why}");
            for complaint in complaints {
                println!("    {complaint}");
            }
        }
    }
}
