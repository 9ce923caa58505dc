//! Plays the person: opens what the suite wants opened, and answers the provider's pages by the ids of its contract.

use std::process::Stdio;
use std::time::Duration;

use thirtyfour::prelude::*;
use thirtyfour::support::sleep;
use tokio::process::{Child, Command};

use crate::Failure;
use crate::api::Visit;

/// Who logs in: the demo's *alice*, unless told otherwise.
#[derive(Clone, Debug)]
pub struct Person {
    /// The user ID.
    pub username: String,
    /// The password.
    pub password: String,
}

const FLAGS: &[&str] = &[
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--window-size=1100,900",
];

/// More pages than any login has.
const MOST_STEPS: usize = 24;

/// A running ChromeDriver: our own, or one that was named.
pub struct Driver {
    address: String,
    own: Option<Child>,
}

impl Driver {
    /// The one at `address`, or a new one on a free port.
    ///
    /// # Errors
    /// ChromeDriver is not installed.
    pub async fn find(address: Option<String>) -> Result<Self, Failure> {
        if let Some(address) = address {
            return Ok(Self { address, own: None });
        }
        let free = std::net::TcpListener::bind(("127.0.0.1", 0)).and_then(|listener| listener.local_addr());
        let port = free.map_err(Failure::Driver)?.port();
        let mut command = Command::new("chromedriver");
        command.arg(format!("--port={port}")).stdout(Stdio::null()).stderr(Stdio::null()).kill_on_drop(true);
        let own = Some(command.spawn().map_err(Failure::Driver)?);
        for _ in 0..100 {
            if tokio::net::TcpStream::connect(("127.0.0.1", port)).await.is_ok() {
                break;
            }
            sleep(Duration::from_millis(50)).await;
        }
        Ok(Self { address: format!("http://127.0.0.1:{port}"), own })
    }

    /// A browser that was nowhere yet.
    ///
    /// # Errors
    /// Chromium does not start.
    pub async fn browser(&self, person: &Person) -> Result<Browser, Failure> {
        let mut capabilities = DesiredCapabilities::chrome();
        for flag in FLAGS {
            capabilities.add_arg(flag)?;
        }
        capabilities.accept_insecure_certs(true)?;
        // Session management looks at the provider's cookie from within the suite's page.
        capabilities.add_experimental_option("prefs", serde_json::json!({ "profile.cookie_controls_mode": 0 }))?;
        let driver = WebDriver::new(&self.address, capabilities).await?;
        Ok(Browser { driver, person: person.clone() })
    }

    /// Whether this program started it.
    pub const fn is_own(&self) -> bool {
        self.own.is_some()
    }
}

/// A browser and the person before it.
pub struct Browser {
    driver: WebDriver,
    person: Person,
}

/// What a visit looked like.
pub struct Seen {
    /// The first page of the provider's, if any was shown.
    pub first: Option<Vec<u8>>,
    /// The page at which it ended, when it did not end at the suite.
    pub last: Option<Vec<u8>>,
}

/// Where the browser is: address, `data-page`, and whether the suite has taken what it was sent.
struct Place {
    url: String,
    page: String,
    taken: bool,
}

impl Browser {
    /// Opens an address, and goes on until the suite or a page that ends things is reached.
    ///
    /// # Errors
    /// A page that the person cannot answer.
    pub async fn visit(&self, visit: &Visit, at_suite: impl Fn(&str) -> bool) -> Result<Seen, Failure> {
        self.open(visit).await?;
        let mut seen = Seen { first: None, last: None };
        let mut answered = String::new();
        for _ in 0..MOST_STEPS {
            let place = self.settled(&answered, &at_suite).await?;
            if at_suite(&place.url) || place.page.is_empty() {
                return Ok(seen);
            }
            if seen.first.is_none() {
                seen.first = Some(self.driver.screenshot_as_png().await?);
            }
            let before = self.document().await?;
            if !self.answer(&place.page).await? {
                seen.last = Some(self.driver.screenshot_as_png().await?);
                return Ok(seen);
            }
            answered = before;
        }
        Err(Failure::Stuck(format!("the pages after {} do not end", visit.url)))
    }

    async fn open(&self, visit: &Visit) -> Result<(), Failure> {
        if visit.method.as_deref() != Some("POST") {
            self.driver.goto(&visit.url).await?;
            return Ok(());
        }
        // A page that posts the query as a form, as an application would.
        self.driver.goto("about:blank").await?;
        let script = "const target = new URL(arguments[0]); const form = document.createElement('form');
            form.method = 'post'; form.action = target.origin + target.pathname;
            for (const [name, value] of target.searchParams) { const field = document.createElement('input');
            field.type = 'hidden'; field.name = name; field.value = value; form.append(field); }
            document.body.append(form); form.submit();";
        self.driver.execute(script, vec![serde_json::json!(visit.url)]).await?;
        Ok(())
    }

    /// What tells one document from the next, even at the same address.
    async fn document(&self) -> Result<String, Failure> {
        let script = "return String(performance.timeOrigin) + location.href";
        Ok(self.driver.execute(script, vec![]).await?.json().as_str().unwrap_or_default().to_owned())
    }

    /// Waits until another document than the answered one is there, complete, and not about to leave by itself.
    async fn settled(&self, answered: &str, at_suite: &impl Fn(&str) -> bool) -> Result<Place, Failure> {
        let script =
            "return [document.readyState, location.href, document.querySelector('main[data-page]')?.dataset.page ?? '',
            Boolean(document.getElementById('submission_complete'))]";
        let mut place = Place { url: String::new(), page: String::new(), taken: false };
        for _ in 0..150 {
            sleep(Duration::from_millis(100)).await;
            // Between two documents a script may find none.
            let (Ok(document), Ok(state)) = (self.document().await, self.driver.execute(script, vec![]).await) else {
                continue;
            };
            let text = |index: usize| state.json().get(index).and_then(|value| value.as_str()).unwrap_or_default();
            if document == answered || text(0) != "complete" {
                continue;
            }
            let taken = state.json().get(3).and_then(serde_json::Value::as_bool).unwrap_or_default();
            place = Place { url: text(1).to_owned(), page: text(2).to_owned(), taken };
            let leaving = place.page == "form-post";
            if at_suite(&place.url) && !place.taken || leaving {
                continue;
            }
            return Ok(place);
        }
        // A page of the suite that never says that it is done is the suite's own affair.
        if place.url.is_empty() { Err(Failure::Stuck("no page came".to_owned())) } else { Ok(place) }
    }

    /// Answers a page; false when there is nothing to answer.
    async fn answer(&self, page: &str) -> Result<bool, Failure> {
        match page {
            "login" => self.fill("username", &self.person.username).await?,
            "password" => self.fill("password", &self.person.password).await?,
            "factor" => return self.press("skip-otp").await,
            "consent" => return self.press("allow").await,
            "logout-confirm" => {}
            "form-post" => {}
            _ => return Ok(false),
        }
        self.press("continue").await
    }

    async fn fill(&self, id: &str, text: &str) -> Result<(), Failure> {
        let field = self.driver.find(By::Id(id)).await?;
        field.clear().await?;
        field.send_keys(text).await?;
        Ok(())
    }

    async fn press(&self, id: &str) -> Result<bool, Failure> {
        self.driver.find(By::Id(id)).await?.click().await?;
        Ok(true)
    }

    /// Closes it.
    ///
    /// # Errors
    /// It is gone already.
    pub async fn close(self) -> Result<(), Failure> {
        self.driver.quit().await?;
        Ok(())
    }
}
