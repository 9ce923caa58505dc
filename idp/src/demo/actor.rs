//! A made-up person at a browser of their own, on this server: types their user ID, password and codes, approves on
//! their phone, agrees or gives up. It walks the same pages as everybody, in a session that no browser ever sees.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use axum::http::{HeaderMap, Method, Request, StatusCode, header};
use stepgate_core::assurance::CredentialKind;
use stepgate_core::credentials::hardware_token::{Mode, OathParameters, code_at};
use stepgate_store::{credentials, people as people_store};
use tower::ServiceExt as _;

use super::http::messages;
use super::people::{Holding, PASSWORD, PEOPLE, SEED};
use super::phones::Phones;
use crate::app::App;
use crate::cx::Cx;
use crate::fault::Fault;
use crate::http::router;

/// Pages that one login may take.
const STEPS: usize = 24;
/// Wrong codes before the person gives up.
const TRIES: u64 = 3;

/// A person at a browser.
pub(super) struct Actor {
    router: Router,
    issuer: String,
    cookies: BTreeMap<String, String>,
    username: String,
    strength: String,
    codes_typed: u64,
}

/// A page, or the answer for the client.
enum Seen {
    Page(String),
    Answer(Vec<(String, String)>),
}

fn between<'a>(text: &'a str, start: &str, end: &str) -> Option<&'a str> {
    text.split_once(start)?.1.split_once(end).map(|(found, _)| found)
}

fn unescape(text: &str) -> String {
    let named = text.replace("&#34;", "\"").replace("&#39;", "'").replace("&#60;", "<").replace("&#62;", ">");
    named.replace("&quot;", "\"").replace("&lt;", "<").replace("&gt;", ">").replace("&#38;", "&").replace("&amp;", "&")
}

fn hidden(form: &str) -> Vec<(String, String)> {
    let inputs = form.split("<input").filter(|input| input.contains("type=\"hidden\""));
    let field = |input: &str| {
        Some((
            unescape(between(input, "name=\"", "\"")?),
            unescape(between(input, "value=\"", "\"").unwrap_or_default()),
        ))
    };
    inputs.filter_map(field).collect()
}

impl Actor {
    /// Somebody with a fresh browser.
    pub(super) fn new(app: &Arc<App>, username: &str, strength: &str) -> Self {
        Self {
            router: router::routes(app),
            issuer: app.issuer().to_owned(),
            cookies: BTreeMap::new(),
            username: username.to_owned(),
            strength: strength.to_owned(),
            codes_typed: 0,
        }
    }

    /// Follows an authorization request to its answer.
    pub(super) async fn follow(
        &mut self,
        cx: &Cx,
        phones: &Phones,
        url: &str,
        callback: &str,
    ) -> Result<Vec<(String, String)>, Fault> {
        let mut seen = self.go(Method::GET, url, None, callback).await?;
        for _ in 0..STEPS {
            let page = match seen {
                Seen::Answer(answer) => return Ok(answer),
                Seen::Page(page) => page,
            };
            let Some((action, form)) = self.act(cx, phones, &page).await? else {
                let heading = between(&page, "<title>", "</title>").unwrap_or("a page without a way on").to_owned();
                return Ok(vec![("error".to_owned(), "(a page)".to_owned()), ("page".to_owned(), unescape(&heading))]);
            };
            seen = self.go(Method::POST, &action, Some(form), callback).await?;
        }
        Err(Fault::internal("the login went round in circles"))
    }

    /// Ends the session.
    pub(super) async fn leave(&mut self) -> Result<(), Fault> {
        let Seen::Page(page) = self.go(Method::GET, "/account", None, "\n").await? else { return Ok(()) };
        if let Some(form) = page.split("<form").find(|form| form.contains("\"/account/sign-out\"")) {
            self.go(Method::POST, "/account/sign-out", Some(hidden(form)), "\n").await?;
        }
        Ok(())
    }

    async fn go(
        &mut self,
        method: Method,
        url: &str,
        form: Option<Vec<(String, String)>>,
        callback: &str,
    ) -> Result<Seen, Fault> {
        let (mut method, mut url, mut form) = (method, url.to_owned(), form);
        for _ in 0..STEPS {
            if let Some(rest) = url.strip_prefix(callback) {
                let encoded = rest.trim_start_matches(['?', '#', '&']).replace('#', "&");
                return Ok(Seen::Answer(form_urlencoded::parse(encoded.as_bytes()).into_owned().collect()));
            }
            let (status, headers, body) = self.send(&method, &url, form.take()).await?;
            match headers.get(header::LOCATION).and_then(|value| value.to_str().ok()) {
                Some(location) if status.is_redirection() => {
                    url = location.to_owned();
                    method = Method::GET;
                }
                _ => {
                    let post = format!("action=\"{callback}\"");
                    return Ok(match body.split("<form").find(|form| form.contains(&post)) {
                        Some(form) => Seen::Answer(hidden(form)),
                        None => Seen::Page(body),
                    });
                }
            }
        }
        Err(Fault::internal("redirects without an end"))
    }

    async fn send(
        &mut self,
        method: &Method,
        url: &str,
        form: Option<Vec<(String, String)>>,
    ) -> Result<(StatusCode, HeaderMap, String), Fault> {
        let path = url.strip_prefix(&self.issuer).unwrap_or(url);
        let cookies: Vec<String> = self.cookies.iter().map(|(name, value)| format!("{name}={value}")).collect();
        let mut request = Request::builder().method(method).uri(path).header(header::COOKIE, cookies.join("; "));
        let mut body = String::new();
        if let Some(form) = form {
            request = request.header(header::CONTENT_TYPE, "application/x-www-form-urlencoded");
            body = form_urlencoded::Serializer::new(body).extend_pairs(form).finish();
        }
        let request = request.body(Body::from(body)).map_err(Fault::internal)?;
        let response = self.router.clone().oneshot(request).await.map_err(Fault::internal)?;
        for cookie in response.headers().get_all(header::SET_COOKIE) {
            let pair = cookie.to_str().ok().and_then(|text| text.split(';').next()?.split_once('='));
            if let Some((name, value)) = pair {
                self.cookies.insert(name.to_owned(), value.to_owned());
            }
        }
        let (parts, body) = response.into_parts();
        let body = axum::body::to_bytes(body, 1024 * 1024).await.map_err(Fault::internal)?;
        Ok((parts.status, parts.headers, String::from_utf8_lossy(&body).into_owned()))
    }

    /// What the person does on a page: where the form posts to, and what is in it. `None` where there is nothing to do.
    async fn act(
        &mut self,
        cx: &Cx,
        phones: &Phones,
        page: &str,
    ) -> Result<Option<(String, Vec<(String, String)>)>, Fault> {
        let fields: Vec<(&str, String)> = match between(page, "data-page=\"", "\"").unwrap_or_default() {
            "login" => vec![("username", self.username.clone())],
            "password" => vec![("password", PASSWORD.to_owned())],
            "factor" => self.choose(page),
            "code" if self.codes_typed < TRIES => {
                let code = self.code(cx).await?;
                self.codes_typed += 1;
                match code {
                    Some(code) => vec![("code", code)],
                    None => vec![("cancel", "1".to_owned())],
                }
            }
            "mobile-id-wait" => {
                let shown = between(page, "id=\"match-number\"", "</output>").unwrap_or_default();
                let number: String = shown
                    .split('<')
                    .filter_map(|part| part.rsplit_once('>'))
                    .flat_map(|(_, text)| text.chars().filter(char::is_ascii_digit))
                    .collect();
                phones.answer(cx, &self.username, Some(&number)).await.map_err(Fault::internal)?;
                vec![("approved", "1".to_owned())]
            }
            "consent" => vec![("decision", "allow".to_owned())],
            _ => vec![("cancel", "1".to_owned())],
        };
        let Some((name, _)) = fields.first() else { return Ok(None) };
        let marker = format!("name=\"{name}\"");
        let Some(form) = page.split("<form").find(|form| form.contains(&marker)) else { return Ok(None) };
        let action = unescape(between(form, "action=\"", "\"").unwrap_or_default());
        let mut values = hidden(form);
        for (name, value) in fields {
            values.retain(|(known, _)| known != name);
            values.push((name.to_owned(), value));
        }
        Ok(Some((action, values)))
    }

    /// The factor that was asked for, where it is on the page; else none at all, where that is offered; else the person
    /// gives up.
    fn choose(&self, page: &str) -> Vec<(&'static str, String)> {
        if page.contains(&format!("id=\"factor-{}\"", self.strength)) {
            vec![("factor", self.strength.clone()), ("channel", "text".to_owned())]
        } else if page.contains("id=\"skip-otp\"") {
            vec![("skip", "1".to_owned())]
        } else {
            vec![("cancel", "1".to_owned())]
        }
    }

    /// The code of the moment. After a wrong one the next: a token's code counts once.
    async fn code(&self, cx: &Cx) -> Result<Option<String>, Fault> {
        if self.strength == "phone_otp" {
            return Ok(self.text(cx).await);
        }
        let Some(person) = people_store::find_person_by_login(&cx.app.db, &self.username).await? else {
            return Ok(None);
        };
        let held = credentials::list_credentials(&cx.app.db, person.id).await?;
        let Some(held) = held.iter().find(|held| held.kind == CredentialKind::HardwareToken) else { return Ok(None) };
        let Some(secret) = credentials::find_secret(&cx.app.db, held.id).await? else { return Ok(None) };
        let parameters: OathParameters = serde_json::from_value(secret.parameters).map_err(Fault::internal)?;
        let now = cx.app.clock.now().unix_seconds().unsigned_abs();
        let factor = match parameters.mode() {
            Mode::Hotp => secret.counter.saturating_add(1).unsigned_abs(),
            Mode::Totp { period_seconds } => now / u64::from(period_seconds) + self.codes_typed,
        };
        Ok(Some(code_at(SEED, &parameters, factor).expose().clone()))
    }

    /// The text that has just come, waited for a moment.
    async fn text(&self, cx: &Cx) -> Option<String> {
        let person = PEOPLE.iter().find(|person| person.username == self.username)?;
        let theirs = |to: &str| {
            person.holds.iter().any(|holding| match holding {
                Holding::Phones(numbers) => numbers.iter().any(|(number, _)| *number == to),
                _ => false,
            })
        };
        for _ in 0..50 {
            let message = messages(&cx.app).into_iter().find(|message| theirs(&message.to) && message.at >= cx.now);
            if let Some(code) = message.and_then(|message| message.code) {
                return Some(code);
            }
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
        None
    }
}
