//! Drives an OpenID conformance suite server against a running provider.
//!
//! `plan` is what is asked and what is expected, `api` speaks with the suite, `browser` plays the person in Chromium,
//! `run` brings a plan's modules to their end. Knows of the provider what its contract says: page ids, the demo's
//! people, and the address that rotates its keys.

pub mod api;
pub mod browser;
pub mod plan;
pub mod run;

/// Why a run cannot go on.
#[derive(Debug, thiserror::Error)]
pub enum Failure {
    /// A file cannot be read.
    #[error("{0}: {1}")]
    File(String, std::io::Error),
    /// A file does not say what it must.
    #[error("{0}: {1}")]
    Format(String, String),
    /// The suite or the provider does not answer.
    #[error("{0}")]
    Http(#[from] reqwest::Error),
    /// The suite answers something else than its API promises.
    #[error("{what}: {status}: {body}")]
    Suite {
        /// What was asked.
        what: String,
        /// The status.
        status: u16,
        /// The beginning of the answer.
        body: String,
    },
    /// The browser does not work.
    #[error("the browser: {0}")]
    Browser(#[from] thirtyfour::error::WebDriverError),
    /// ChromeDriver does not start.
    #[error("chromedriver does not start: {0}; install it, or name a running one with --chromedriver")]
    Driver(std::io::Error),
    /// A page that the person does not know.
    #[error("{0}")]
    Stuck(String),
}
