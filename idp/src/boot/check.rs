//! What `serve` refuses to start with, all of it named at once.

use crate::settings::{Problem, Settings};

/// The master secret of the demo. Everybody knows it.
pub const DEMO_MASTER: &str = "c3RlcGdhdGUtZGVtby1tYXN0ZXItc2VjcmV0LW9ubHktZm9yLWxvb3BiYWNr";

/// Everything that makes the settings unfit for production.
pub fn problems(settings: &Settings) -> Vec<Problem> {
    let mut found = Vec::new();
    let mut say = |text: &str| found.push(Problem(text.to_owned()));
    match url::Url::parse(&settings.server.issuer) {
        Err(_) => say("server.issuer is not a URL"),
        Ok(url) => {
            if url.scheme() != "https" && !settings.server.is_loopback_http() {
                say("server.issuer must be https; plain http is for loopback only");
            }
            if url.query().is_some() || url.fragment().is_some() {
                say("server.issuer must have neither a query nor a fragment (OpenID Connect Discovery §3)");
            }
            if settings.server.issuer.ends_with('/') {
                say("server.issuer must not end with a slash");
            }
        }
    }
    if settings.secrets.master.is_empty() {
        say("secrets.master is missing; make one with `openssl rand -base64 48` and keep it safe");
    } else if settings.secrets.master == DEMO_MASTER {
        say("secrets.master is the demo's, which everybody knows; make one with `openssl rand -base64 48`");
    }
    if settings.tokens.code_seconds == 0 || settings.tokens.code_seconds > 60 {
        say("tokens.code_seconds must be 1 to 60");
    }
    if settings.sessions.idle_seconds == 0 || settings.sessions.absolute_seconds < settings.sessions.idle_seconds {
        say("sessions.idle_seconds must be at least 1, and sessions.absolute_seconds not below it");
    }
    let authorization = &settings.authorization;
    if authorization.response_types().len() != authorization.response_types.len()
        || authorization.response_types.is_empty()
    {
        say("authorization.response_types must name at least one, and only those that config/default.toml lists");
    }
    if !(5..=600).contains(&authorization.pushed_request_seconds) {
        say("authorization.pushed_request_seconds must be 5 to 600");
    }
    if settings.sessions.interaction_seconds > 7200 {
        say("sessions.interaction_seconds must be at most 7200: pushed requests are kept no longer");
    }
    if settings.database.max_connections == 0 {
        say("database.max_connections must be at least 1");
    }
    if settings.keys.access_token_algorithm.parse::<stepgate_core::jose::SigningAlgorithm>().is_err() {
        say("keys.access_token_algorithm must be RS256, PS256, ES256 or EdDSA");
    }
    if settings.tls.certificate_file.is_some() != settings.tls.key_file.is_some() {
        say("tls.certificate_file and tls.key_file belong together; one of them is missing");
    }
    found.extend(settings.mail.problems().into_iter().map(Problem));
    found.extend(settings.registration.problems().into_iter().map(Problem));
    found.extend(settings.phone.problems().into_iter().map(Problem));
    found.extend(settings.subscriptions.problems().into_iter().map(Problem));
    found.extend(settings.shop.problems().into_iter().map(Problem));
    found.extend(settings.proofing.problems().into_iter().map(Problem));
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_problem_is_named_at_once() {
        let mut settings = Settings::default();
        settings.server.issuer = "http://id.example/".to_owned();
        settings.secrets.master = DEMO_MASTER.to_owned();
        settings.tokens.code_seconds = 600;
        settings.authorization.response_types.push("token".to_owned());
        let text = problems(&settings).iter().map(ToString::to_string).collect::<Vec<_>>().join("\n");
        for key in [
            "must be https",
            "end with a slash",
            "secrets.master",
            "tokens.code_seconds",
            "authorization.response_types",
        ] {
            assert!(text.contains(key), "{key} is not named in: {text}");
        }
    }
}
