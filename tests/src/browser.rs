//! A browser without scripts: cookies, redirects, forms.

use std::collections::BTreeMap;
use std::sync::Arc;

use reqwest::cookie::Jar;
use reqwest::redirect::Policy;
use reqwest::{Client, ClientBuilder, Response, StatusCode};
use url::Url;

use crate::World;

/// Everybody's password in the demo.
pub const PASSWORD: &str = "stepgate-demo-2026";

/// A page, or the place that a redirect led to outside of the provider.
#[derive(Clone, Debug)]
pub struct Page {
    /// Where.
    pub url: Url,
    /// How the provider answered; 302 for a place outside.
    pub status: StatusCode,
    /// The markup; empty for a place outside.
    pub text: String,
}

impl Page {
    /// `data-page`; `outside` for a place that is not the provider's.
    pub fn name(&self) -> &str {
        if self.status == StatusCode::FOUND {
            "outside"
        } else {
            between(&self.text, "data-page=\"", "\"").unwrap_or("?")
        }
    }

    /// Whether there is an element of that id.
    pub fn has(&self, id: &str) -> bool {
        self.text.contains(&format!("id=\"{id}\""))
    }

    /// A parameter of the address, in its query or its fragment.
    pub fn parameter(&self, name: &str) -> Option<String> {
        let fragment = url::form_urlencoded::parse(self.url.fragment().unwrap_or_default().as_bytes());
        self.url.query_pairs().chain(fragment).find(|(known, _)| known == name).map(|(_, value)| value.into_owned())
    }

    /// Where the form of the page goes, and what it carries: an answer by `form_post` (Form Post Response Mode §2).
    pub fn posted_fields(&self) -> (String, Vec<(String, String)>) {
        let form = between(&self.text, "<form", "</form>").unwrap_or_else(|| panic!("no form: {}", self.words()));
        let fields = form.split("<input").filter(|input| input.contains("type=\"hidden\"")).map(|input| {
            let part = |start| unescape(between(input, start, "\"").unwrap_or_default());
            (part("name=\""), part("value=\""))
        });
        (unescape(between(form, "action=\"", "\"").unwrap_or_default()), fields.collect())
    }

    /// The answer that a page hands to the application in a form, as if it had come in the fragment.
    pub fn posted(&self) -> Self {
        let form = between(&self.text, "<form", "</form>").unwrap_or_else(|| panic!("no form: {}", self.words()));
        let mut url = Url::parse(&unescape(between(form, "action=\"", "\"").unwrap())).unwrap();
        let mut fields = url::form_urlencoded::Serializer::new(String::new());
        for input in form.split("<input").filter(|input| input.contains("type=\"hidden\"")) {
            let attribute = |name: &str| unescape(between(input, &format!("{name}=\""), "\"").unwrap_or_default());
            fields.append_pair(&attribute("name"), &attribute("value"));
        }
        url.set_fragment(Some(&fields.finish()));
        Self { url, status: StatusCode::FOUND, text: String::new() }
    }

    /// What the page says, without markup.
    pub fn words(&self) -> String {
        let mut words = String::new();
        let mut inside = false;
        for character in self.text.chars() {
            match character {
                '<' => inside = true,
                '>' => {
                    inside = false;
                    words.push(' ');
                }
                other if !inside => words.push(other),
                _ => {}
            }
        }
        words.split_whitespace().collect::<Vec<_>>().join(" ")
    }

    /// The first attribute of that name; empty where there is none.
    pub fn attribute(&self, name: &str) -> String {
        between(&self.text, &format!("{name}=\""), "\"").map(unescape).unwrap_or_default()
    }

    /// The number that is to be typed on the phone.
    pub fn match_number(&self) -> String {
        let output = between(&self.text, "id=\"match-number\"", "</output>").expect("no number on the page");
        let mut inside = true;
        let digits = output.chars().filter(|character| {
            match character {
                '<' => inside = true,
                '>' => inside = false,
                _ => {}
            }
            !inside && character.is_ascii_digit()
        });
        digits.collect()
    }

    /// `Credential Strength`, as the header shows it.
    pub fn strength(&self) -> String {
        let span = between(&self.text, "id=\"credential-strength\"", "</span>").expect("no strength on the page");
        span.split_once('>').map_or("", |(_, text)| text).trim().to_owned()
    }
}

fn between<'a>(text: &'a str, start: &str, end: &str) -> Option<&'a str> {
    let (_, rest) = text.split_once(start)?;
    rest.split_once(end).map(|(found, _)| found)
}

fn unescape(text: &str) -> String {
    let named = text.replace("&quot;", "\"").replace("&lt;", "<").replace("&gt;", ">");
    named.replace("&#34;", "\"").replace("&#39;", "'").replace("&#38;", "&").replace("&amp;", "&")
}

/// The browser of somebody who has just logged in, with a password and nothing more.
pub async fn logged_in(world: &World, username: &str) -> Browser {
    let mut browser = world.browser();
    browser.open("/account").await;
    browser.log_in(username).await;
    if browser.page.name() == "factor" {
        browser.submit(&[("skip", "1")]).await;
    }
    browser
}

/// A browser.
#[derive(Clone)]
pub struct Browser {
    issuer: String,
    client: Client,
    jar: Arc<Jar>,
    /// The page that is open.
    pub page: Page,
}

impl Browser {
    /// One without any cookies.
    pub fn new(issuer: &str) -> Self {
        Self::over(issuer, Client::builder())
    }

    /// One that speaks through this client, to which it adds cookies.
    pub fn over(issuer: &str, client: ClientBuilder) -> Self {
        let jar = Arc::new(Jar::default());
        // No connection is kept: a node that dies takes its connections along, and browsers would ask again by themselves.
        let client = client.redirect(Policy::none()).cookie_provider(Arc::clone(&jar)).pool_max_idle_per_host(0);
        let client = client.build().unwrap();
        let page = Page { url: Url::parse(issuer).unwrap(), status: StatusCode::OK, text: String::new() };
        Self { issuer: issuer.to_owned(), client, jar, page }
    }

    /// The cookies that it would send.
    pub fn cookies(&self) -> String {
        use reqwest::cookie::CookieStore as _;
        let url = Url::parse(&self.issuer).unwrap();
        self.jar.cookies(&url).map(|value| value.to_str().unwrap().to_owned()).unwrap_or_default()
    }

    /// Opens an address and follows redirects as far as they stay with the provider.
    pub async fn open(&mut self, url: &str) -> &Page {
        let url = Url::parse(&self.issuer).unwrap().join(url).unwrap();
        let response = self.client.get(url).send().await.unwrap();
        self.follow(response).await
    }

    /// Posts a form to an address, as a page of another site would, and follows.
    pub async fn post(&mut self, url: &str, fields: &[(String, String)]) -> &Page {
        let response = self.client.post(url).form(fields).send().await.unwrap();
        self.follow(response).await
    }

    async fn follow(&mut self, mut response: Response) -> &Page {
        while response.status().is_redirection() {
            let location = response.headers()["location"].to_str().unwrap();
            let url = response.url().join(location).unwrap();
            if !url.as_str().starts_with(&format!("{}/", self.issuer)) {
                self.page = Page { url, status: StatusCode::FOUND, text: String::new() };
                return &self.page;
            }
            response = self.client.get(url).send().await.unwrap();
        }
        let (url, status) = (response.url().clone(), response.status());
        self.page = Page { url, status, text: response.text().await.unwrap() };
        &self.page
    }

    /// The form that has a field or button of that name: its action and its hidden fields.
    fn form(&self, name: &str) -> (Url, BTreeMap<String, String>) {
        let marker = format!("name=\"{name}\"");
        let mut rest = self.page.text.as_str();
        while let Some((_, form)) = rest.split_once("<form") {
            let (form, after) = form.split_once("</form>").unwrap();
            if form.contains(&marker) {
                let action = self.page.url.join(&unescape(between(form, "action=\"", "\"").unwrap())).unwrap();
                let hidden = form.split("<input").filter(|input| input.contains("type=\"hidden\""));
                let field = |input: &str| {
                    let value = between(input, "value=\"", "\"").unwrap_or_default();
                    (unescape(between(input, "name=\"", "\"").unwrap()), unescape(value))
                };
                return (action, hidden.map(field).collect());
            }
            rest = after;
        }
        panic!("{}: no form with {name}: {}", self.page.url, self.page.words());
    }

    /// Fills in the form that has the first of these fields, and sends it.
    pub async fn submit(&mut self, fields: &[(&str, &str)]) -> &Page {
        let (action, mut values) = self.form(fields[0].0);
        values.extend(fields.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())));
        let response = self.client.post(action).form(&values).send().await.unwrap();
        self.follow(response).await
    }

    /// Sends the form that posts to a path, as it stands.
    pub async fn submit_to(&mut self, path: &str) -> &Page {
        let response = self.prepared_to(path).send().await.unwrap();
        self.follow(response).await
    }

    /// The same, prepared.
    pub fn prepared_to(&self, path: &str) -> reqwest::RequestBuilder {
        let marker = format!("action=\"{path}\"");
        let form = self.page.text.split("<form").find(|form| form.contains(&marker)).expect("no such form").to_owned();
        let csrf = between(&form, "name=\"csrf\" value=\"", "\"").unwrap().to_owned();
        let url = self.page.url.join(path).unwrap();
        self.client.post(url).form(&[("csrf", csrf)])
    }

    /// Posts fields to a path and follows.
    pub async fn post_form(&mut self, path: &str, fields: &BTreeMap<String, String>) -> &Page {
        let url = self.page.url.join(path).unwrap();
        let response = self.client.post(url).form(fields).send().await.unwrap();
        self.follow(response).await
    }

    /// Posts nothing but the proof of the open page to a path, as a forged form of the same site would; the status.
    pub async fn post_with_proof(&self, path: &str) -> u16 {
        let csrf = between(&self.page.text, "name=\"csrf\" value=\"", "\"").unwrap().to_owned();
        let url = self.page.url.join(path).unwrap();
        self.client.post(url).form(&[("csrf", csrf)]).send().await.unwrap().status().as_u16()
    }

    /// What a script of the open page gets when it posts nothing but the page's proof.
    pub async fn ask(&self, path: &str) -> serde_json::Value {
        let csrf = between(&self.page.text, "name=\"csrf\" value=\"", "\"").unwrap();
        let url = self.page.url.join(path).unwrap();
        self.client.post(url).form(&[("csrf", csrf)]).send().await.unwrap().json().await.unwrap()
    }

    /// Posts these fields, with the proof of the open page, to a path, and follows.
    pub async fn submit_with(&mut self, path: &str, fields: &[(&str, &str)]) -> &Page {
        let csrf = between(&self.page.text, "name=\"csrf\" value=\"", "\"").unwrap();
        let fields: Vec<_> = fields.iter().copied().chain([("csrf", csrf)]).collect();
        let response = self.client.post(self.page.url.join(path).unwrap()).form(&fields).send().await.unwrap();
        self.follow(response).await
    }

    /// The same as [`Browser::submit`], prepared, so that many can be sent at once.
    pub fn prepared(&self, fields: &[(&str, &str)]) -> reqwest::RequestBuilder {
        let (action, mut values) = self.form(fields[0].0);
        values.extend(fields.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())));
        self.client.post(action).form(&values)
    }

    /// Uploads a file with the form that has a field of that name, and follows.
    pub async fn upload(&mut self, fields: &[(&str, &str)], file: &[u8]) -> &Page {
        let (action, mut values) = self.form("file");
        values.extend(fields.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())));
        let mut body = Vec::new();
        for (name, value) in &values {
            let part = format!("--edge\r\nContent-Disposition: form-data; name=\"{name}\"\r\n\r\n{value}\r\n");
            body.extend_from_slice(part.as_bytes());
        }
        body.extend_from_slice(b"--edge\r\nContent-Disposition: form-data; name=\"file\"; filename=\"tokens\"\r\n\r\n");
        body.extend_from_slice(file);
        body.extend_from_slice(b"\r\n--edge--\r\n");
        let request = self.client.post(action).header("content-type", "multipart/form-data; boundary=edge");
        let response = request.body(body).send().await.unwrap();
        self.follow(response).await
    }

    /// Types user ID and password.
    pub async fn log_in(&mut self, username: &str) -> &Page {
        if self.page.name() == "login" {
            self.submit(&[("username", username)]).await;
        }
        assert_eq!(self.page.name(), "password", "{}", self.page.words());
        self.submit(&[("password", PASSWORD)]).await
    }

    /// Gets a code by text and types it.
    pub async fn show_phone(&mut self, world: &World, number: &str) -> &Page {
        self.submit(&[("factor", "phone_otp"), ("channel", "text")]).await;
        assert_eq!(self.page.name(), "code", "{}", self.page.words());
        let code = world.text_code(number).await;
        self.submit(&[("code", &code)]).await
    }

    /// Types the code of a token.
    pub async fn show_token(&mut self, world: &World, username: &str) -> &Page {
        self.submit(&[("factor", "hardware_token")]).await;
        assert_eq!(self.page.name(), "code", "{}", self.page.words());
        let code = world.shown_code(username).await;
        self.submit(&[("code", &code)]).await
    }

    /// Approves on the phone.
    pub async fn show_mobile(&mut self, world: &World, username: &str) -> &Page {
        self.submit(&[("factor", "mobile_id")]).await;
        assert_eq!(self.page.name(), "mobile-id-wait", "{}", self.page.words());
        assert_eq!(world.approve(username, &self.page.match_number()).await["result"], "approved");
        self.submit(&[("approved", "1")]).await
    }
}
