//! A relying party as the suite plays it: registers itself, asks, reads the answer where it must be, checks everything.

use std::collections::BTreeMap;
use std::sync::{Arc, LazyLock, Mutex};

use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::rsa::KeySize;
use aws_lc_rs::signature::{KeyPair as _, RSA_PKCS1_SHA256, RsaKeyPair};
use data_encoding::BASE64URL_NOPAD;
use serde_json::{Value, json};
use stepgate_tests::{Browser, Page};

use super::plans::{Mode, Variant};
use super::suite::{Suite, fresh};
use super::verify;

/// A client's key. It has no `kid`, as the suite's keys have none.
pub(super) struct Key(RsaKeyPair);

/// The keys of all clients here: the first is the one that they register.
pub(super) static KEYS: LazyLock<[Key; 2]> =
    LazyLock::new(|| [(); 2].map(|()| Key(RsaKeyPair::generate(KeySize::Rsa2048).unwrap())));

impl Key {
    /// The public half.
    pub(super) fn jwk(&self) -> Value {
        let public = self.0.public_key();
        let part = |bytes: &[u8]| BASE64URL_NOPAD.encode(bytes);
        json!({
            "kty": "RSA", "alg": "RS256", "use": "sig",
            "n": part(public.modulus().big_endian_without_leading_zero()),
            "e": part(public.exponent().big_endian_without_leading_zero()),
        })
    }

    /// What keys at a `jwks_uri` are told apart by.
    pub(super) fn kid(&self) -> String {
        verify::half_hash(self.jwk()["n"].as_str().unwrap())
    }

    /// The public half with its `kid`, as a key set.
    pub(super) fn jwks(&self) -> String {
        let mut jwk = self.jwk();
        jwk["kid"] = json!(self.kid());
        json!({ "keys": [jwk] }).to_string()
    }

    /// A compact JWS.
    pub(super) fn sign(&self, header: &Value, claims: &Value) -> String {
        let signed = unsigned_parts(header, claims);
        let mut signature = vec![0; self.0.public_modulus_len()];
        self.0.sign(&RSA_PKCS1_SHA256, &SystemRandom::new(), signed.as_bytes(), &mut signature).unwrap();
        format!("{signed}.{}", BASE64URL_NOPAD.encode(&signature))
    }
}

fn unsigned_parts(header: &Value, claims: &Value) -> String {
    let part = |value: &Value| BASE64URL_NOPAD.encode(value.to_string().as_bytes());
    format!("{}.{}", part(header), part(claims))
}

/// A JWT with algorithm `none`.
pub(super) fn unsigned(claims: &Value) -> String {
    format!("{}.", unsigned_parts(&json!({ "alg": "none" }), claims))
}

/// One run of a module: for a deployment, and a response type and mode.
pub(super) struct Case {
    pub(super) suite: Arc<Suite>,
    pub(super) variant: Variant,
    registered: Mutex<Vec<Value>>,
}

impl Case {
    pub(super) fn new(suite: Arc<Suite>, variant: Variant) -> Self {
        Self { suite, variant, registered: Mutex::default() }
    }

    /// What a client of this variant registers.
    pub(super) fn metadata(&self) -> Value {
        let mut grants = Vec::new();
        if self.variant.has("code") {
            grants.extend(["authorization_code", "refresh_token"]);
        }
        if self.variant.has("token") || self.variant.has("id_token") {
            grants.push("implicit");
        }
        json!({
            "client_name": format!("Conformance client {}", fresh()),
            "redirect_uris": [format!("https://suite.example/test/{}/callback", fresh())],
            "response_types": [self.variant.response_type],
            "grant_types": grants,
            "token_endpoint_auth_method": self.variant.auth,
            "jwks": { "keys": [KEYS[0].jwk()] },
            "contacts": ["certification@oidf.example"],
        })
    }

    /// What the registration endpoint says to metadata with these changes.
    pub(super) async fn registration(&self, changes: &Value) -> (u16, Value) {
        let mut metadata = self.metadata();
        for (name, value) in changes.as_object().unwrap() {
            metadata[name] = value.clone();
        }
        metadata.as_object_mut().unwrap().retain(|_, value| !value.is_null());
        let response = self.suite.http.post(self.suite.endpoint("registration_endpoint")).json(&metadata).send();
        let response = response.await.unwrap();
        assert!(response.headers()["content-type"].to_str().unwrap().starts_with("application/json"));
        let status = response.status().as_u16();
        let answer: Value = response.json().await.unwrap();
        if status == 201 {
            self.registered.lock().unwrap().push(answer.clone());
        }
        (status, answer)
    }

    /// A registered client, with a browser that was nowhere yet.
    pub(super) async fn begin(&self) -> Flow<'_> {
        self.begin_with(json!({})).await
    }

    /// The same with other metadata.
    pub(super) async fn begin_with(&self, changes: Value) -> Flow<'_> {
        let (status, registered) = self.registration(&changes).await;
        assert_eq!(status, 201, "{registered}");
        let text = |name: &str| registered[name].as_str().map(str::to_owned);
        assert_eq!(registered.get("client_secret").is_some(), registered.get("client_secret_expires_at").is_some());
        assert!(text("registration_client_uri").is_some() && text("registration_access_token").is_some());
        let redirect = registered["redirect_uris"][0].as_str().unwrap().to_owned();
        let client = Client {
            id: text("client_id").unwrap(),
            secret: text("client_secret"),
            auth: text("token_endpoint_auth_method").unwrap_or_else(|| self.variant.auth.to_owned()),
            redirect,
            key: &KEYS[0],
            metadata: registered,
        };
        Flow { suite: &self.suite, variant: self.variant, client, browser: self.suite.world.browser() }
    }

    /// Deletes what was registered, as the suite does at the end of each module.
    pub(super) async fn end(self) {
        let registered = self.registered.into_inner().unwrap();
        for client in registered {
            let text = |name: &str| client[name].as_str().unwrap();
            let delete = self.suite.http.delete(text("registration_client_uri"));
            let answer = delete.bearer_auth(text("registration_access_token")).send().await.unwrap();
            assert_eq!(answer.status(), 204, "{client}");
        }
    }
}

/// A registered client.
pub(super) struct Client {
    pub(super) id: String,
    pub(super) secret: Option<String>,
    pub(super) auth: String,
    pub(super) redirect: String,
    pub(super) key: &'static Key,
    /// What the registration endpoint answered.
    pub(super) metadata: Value,
}

/// A client and a browser.
pub(super) struct Flow<'s> {
    pub(super) suite: &'s Suite,
    pub(super) variant: Variant,
    pub(super) client: Client,
    pub(super) browser: Browser,
}

/// An authorization request.
#[derive(Clone)]
pub(super) struct Request {
    pub(super) fields: Vec<(String, String)>,
}

impl Request {
    /// With a parameter set.
    pub(super) fn with(mut self, name: &str, value: &str) -> Self {
        self = self.without(name);
        self.fields.push((name.to_owned(), value.to_owned()));
        self
    }

    /// Without a parameter.
    pub(super) fn without(mut self, name: &str) -> Self {
        self.fields.retain(|(known, _)| known != name);
        self
    }

    /// The value of a parameter.
    pub(super) fn get(&self, name: &str) -> Option<&str> {
        self.fields.iter().find(|(known, _)| known == name).map(|(_, value)| value.as_str())
    }

    /// As an address below an endpoint.
    pub(super) fn url(&self, endpoint: &str) -> String {
        url::Url::parse_with_params(endpoint, &self.fields).unwrap().to_string()
    }

    /// As the claims of a request object.
    pub(super) fn claims(&self, flow: &Flow<'_>) -> Value {
        let mut claims: Value = self.fields.iter().map(|(name, value)| (name.clone(), json!(value))).collect();
        claims["iss"] = json!(flow.client.id);
        claims["aud"] = flow.suite.metadata["issuer"].clone();
        claims["exp"] = json!(flow.suite.now() + 300);
        claims
    }
}

/// The parameters of an answer, read from the place where they must be.
#[derive(Debug)]
pub(super) struct Answer(pub(super) BTreeMap<String, String>);

impl Answer {
    pub(super) fn get(&self, name: &str) -> Option<&str> {
        self.0.get(name).map(String::as_str)
    }

    /// The error; there must be one.
    pub(super) fn error(&self) -> &str {
        self.get("error").unwrap_or_else(|| panic!("no error: {:?}", self.0))
    }
}

const SUCCESS: &[&str] =
    &["code", "access_token", "token_type", "expires_in", "id_token", "scope", "state", "session_state", "iss"];
const ERROR: &[&str] = &["error", "error_description", "error_uri", "state", "session_state", "iss"];

impl Flow<'_> {
    /// An authorization request with everything that the variant needs.
    pub(super) fn request(&self) -> Request {
        let word = || {
            BASE64URL_NOPAD
                .encode(&aws_lc_rs::digest::digest(&aws_lc_rs::digest::SHA256, fresh().as_bytes()).as_ref()[..24])
        };
        let request = Request { fields: Vec::new() }
            .with("client_id", &self.client.id)
            .with("redirect_uri", &self.client.redirect)
            .with("scope", "openid")
            .with("state", &word())
            .with("nonce", &word())
            .with("response_type", self.variant.response_type);
        match self.variant.mode {
            Mode::Default => request,
            Mode::FormPost => request.with("response_mode", "form_post"),
        }
    }

    /// Opens a request in the browser; stays on the first page.
    pub(super) async fn open(&mut self, request: &Request) -> &Page {
        let url = request.url(self.suite.endpoint("authorization_endpoint"));
        self.browser.open(&url).await
    }

    /// Does what the pages ask for, as *alice*; the pages that were shown.
    pub(super) async fn walk(&mut self) -> Vec<String> {
        let mut shown = Vec::new();
        for _ in 0..6 {
            let name = self.browser.page.name().to_owned();
            match name.as_str() {
                "login" => self.browser.submit(&[("username", "alice")]).await,
                "password" => self.browser.submit(&[("password", stepgate_tests::PASSWORD)]).await,
                "factor" => self.browser.submit(&[("skip", "1")]).await,
                "consent" => self.browser.submit(&[("decision", "allow")]).await,
                _ => return shown,
            };
            shown.push(name);
        }
        panic!("the login does not end: {shown:?}");
    }

    /// The answer to a request, read from where the response mode puts it.
    pub(super) fn answer(&self, request: &Request) -> Answer {
        let page = &self.browser.page;
        let fields: Vec<(String, String)> = if request.get("response_mode") == Some("form_post") {
            assert_eq!((page.name(), page.status.as_u16()), ("form-post", 200), "{}: {}", page.url, page.words());
            let (action, fields) = page.posted_fields();
            assert_eq!(action, self.client.redirect);
            fields
        } else {
            assert_eq!(page.name(), "outside", "{}: {}", page.url, page.words());
            let types = request.get("response_type").unwrap_or_default();
            let (own, rest) = page.url.as_str().split_at(self.client.redirect.len());
            assert_eq!(own, self.client.redirect);
            // Nothing leaks into the query of a client that reads the fragment, nor the other way around.
            let separator = match types.split(' ').any(|word| word.ends_with("token")) {
                true => "#",
                false if own.contains('?') => "&",
                false => "?",
            };
            let rest = rest.strip_prefix(separator).unwrap_or_else(|| panic!("not after {separator}: {}", page.url));
            assert!(!rest.contains('#') && !rest.contains('?'), "{}", page.url);
            url::form_urlencoded::parse(rest.as_bytes()).into_owned().collect()
        };
        let names: Vec<&str> = fields.iter().map(|(name, _)| name.as_str()).collect();
        let allowed = if names.contains(&"error") { ERROR } else { SUCCESS };
        assert!(names.iter().all(|name| allowed.contains(name)), "{names:?}");
        let answer = Answer(fields.iter().cloned().collect());
        assert_eq!(answer.0.len(), fields.len(), "a parameter is there twice: {names:?}");
        assert_eq!(answer.get("state"), request.get("state"), "state");
        assert_eq!(answer.get("iss"), self.suite.metadata["issuer"].as_str(), "iss");
        let description = answer.get("error_description").unwrap_or_default();
        assert!(description.bytes().all(|b| matches!(b, 0x20..=0x21 | 0x23..=0x5b | 0x5d..=0x7e)), "{description}");
        answer
    }

    /// The whole way to an answer.
    pub(super) async fn authorize(&mut self, request: &Request) -> Answer {
        self.open(request).await;
        self.walk().await;
        self.answer(request)
    }

    /// The same, and tokens, all checked.
    pub(super) async fn log_in(&mut self, request: &Request) -> Grant {
        let answer = self.authorize(request).await;
        self.grant(request, &answer).await
    }

    /// Where the browser ends when nothing may be asked any more: the answer, with no page in between.
    pub(super) async fn silently(&mut self, request: &Request) -> Grant {
        self.open(request).await;
        let answer = self.answer(request);
        self.grant(request, &answer).await
    }
}

/// What an authorization gave.
#[derive(Debug, Default)]
pub(super) struct Grant {
    /// The claims of the ID token of the authorization endpoint.
    pub(super) front: Option<Value>,
    /// The claims of the ID token of the token endpoint.
    pub(super) back: Option<Value>,
    /// The newest ID token.
    pub(super) id_token: Option<String>,
    /// Every access token, the newest last.
    pub(super) access_tokens: Vec<String>,
    pub(super) refresh_token: Option<String>,
    pub(super) code: Option<String>,
}

impl Grant {
    /// The claims of an ID token.
    pub(super) fn claims(&self) -> &Value {
        self.back.as_ref().or(self.front.as_ref()).expect("an ID token")
    }

    pub(super) fn auth_time(&self) -> i64 {
        self.claims()["auth_time"].as_i64().expect("auth_time")
    }

    /// The newest access token, where the response type gives one.
    pub(super) fn access_token(&self) -> Option<&str> {
        self.access_tokens.last().map(String::as_str)
    }
}

impl Flow<'_> {
    /// Takes what the answer holds, exchanges the code, and checks all of it.
    pub(super) async fn grant(&self, request: &Request, answer: &Answer) -> Grant {
        assert!(answer.get("error").is_none(), "{answer:?}");
        let has = |word: &str| self.variant.has(word);
        for (word, field) in [("code", "code"), ("token", "access_token"), ("id_token", "id_token")] {
            assert_eq!(has(word), answer.get(field).is_some(), "{field}: {answer:?}");
        }
        let mut grant = Grant { code: answer.get("code").map(str::to_owned), ..Grant::default() };
        if let Some(token) = answer.get("access_token") {
            verify::unguessable("access_token", token);
            assert!(answer.get("token_type").unwrap().eq_ignore_ascii_case("Bearer"));
            assert!((1..=31_536_000).contains(&answer.get("expires_in").unwrap().parse::<u32>().unwrap()));
            grant.access_tokens.push(token.to_owned());
        }
        if let Some(token) = answer.get("id_token") {
            let claims = self.id_token(request, token).await;
            let hash = |name: &str, value: Option<&str>| {
                assert_eq!(claims.get(name).and_then(Value::as_str), value.map(verify::half_hash).as_deref(), "{name}");
            };
            hash("at_hash", answer.get("access_token"));
            hash("c_hash", answer.get("code"));
            grant.id_token = Some(token.to_owned());
            grant.front = Some(claims);
        }
        if let Some(code) = answer.get("code") {
            verify::unguessable("code", code);
            self.exchange(request, code, &mut grant).await;
        }
        grant
    }

    async fn exchange(&self, request: &Request, code: &str, grant: &mut Grant) {
        let (status, tokens) = self.token(&self.code_fields(request, code)).await;
        assert_eq!(status, 200, "{tokens}");
        self.take(request, &tokens, grant).await;
        if let (Some(front), Some(back)) = (&grant.front, &grant.back) {
            for name in ["iss", "sub", "auth_time", "acr", "amr", "nonce"] {
                assert_eq!(front.get(name), back.get(name), "{name} differs between the two ID tokens");
            }
        }
    }

    /// The fields that exchange a code.
    pub(super) fn code_fields<'a>(&'a self, request: &'a Request, code: &'a str) -> Vec<(&'a str, &'a str)> {
        let mut fields = vec![("grant_type", "authorization_code"), ("code", code)];
        fields.extend(request.get("redirect_uri").map(|redirect| ("redirect_uri", redirect)));
        fields
    }

    /// Checks the answer of the token endpoint and keeps what it gave.
    pub(super) async fn take(&self, request: &Request, tokens: &Value, grant: &mut Grant) {
        let text = |name: &str| tokens[name].as_str().map(str::to_owned);
        let access = text("access_token").expect("access_token");
        verify::unguessable("access_token", &access);
        assert!(text("token_type").unwrap().eq_ignore_ascii_case("Bearer"));
        assert!((1..=31_536_000).contains(&tokens["expires_in"].as_u64().unwrap()), "{tokens}");
        if let Some(token) = text("id_token") {
            let claims = self.id_token(request, &token).await;
            let hash = claims.get("at_hash").and_then(Value::as_str).map(str::to_owned);
            assert!(hash.is_none_or(|hash| hash == verify::half_hash(&access)), "at_hash");
            let code = claims.get("c_hash").and_then(Value::as_str);
            assert!(code.is_none_or(|hash| Some(hash) == grant.code.as_deref().map(verify::half_hash).as_deref()));
            grant.id_token = Some(token);
            grant.back = Some(claims);
        }
        if let Some(token) = text("refresh_token") {
            verify::unguessable("refresh_token", &token);
            grant.refresh_token = Some(token);
        }
        grant.access_tokens.push(access);
    }

    /// The claims of an ID token, verified and checked.
    pub(super) async fn id_token(&self, request: &Request, token: &str) -> Value {
        let alg = self.client.metadata["id_token_signed_response_alg"].as_str().unwrap_or("RS256");
        let claims = match alg {
            "none" => verify::read(token).1,
            alg => verify::verified(token, &self.suite.jwks().await, alg),
        };
        let mut asked = Vec::new();
        // Scopes reach the ID token only where no access token could fetch them (OpenID Connect Core §5.4).
        if self.variant.response_type == "id_token" {
            asked = verify::claims_of(request.get("scope").unwrap_or_default());
            asked.push("name");
        }
        let expected = verify::Expected {
            issuer: self.suite.metadata["issuer"].as_str().unwrap(),
            client: &self.client.id,
            nonce: request.get("nonce"),
            now: self.suite.now(),
            asked: &asked,
        };
        verify::id_token(&claims, &expected);
        verify::standard_claims(&claims);
        claims
    }

    /// The answer of the token endpoint.
    pub(super) async fn token(&self, fields: &[(&str, &str)]) -> (u16, Value) {
        let aud = self.suite.endpoint("token_endpoint").to_owned();
        self.token_with(fields, &aud).await
    }

    /// The same, for clients with a key to an audience of their choice.
    pub(super) async fn token_with(&self, fields: &[(&str, &str)], audience: &str) -> (u16, Value) {
        let mut fields: Vec<(&str, String)> = fields.iter().map(|(name, value)| (*name, (*value).to_owned())).collect();
        let mut post = self.suite.http.post(self.suite.endpoint("token_endpoint"));
        match (self.client.auth.as_str(), &self.client.secret) {
            ("client_secret_basic", Some(secret)) => post = post.basic_auth(&self.client.id, Some(secret)),
            ("client_secret_post", Some(secret)) => {
                fields.push(("client_id", self.client.id.clone()));
                fields.push(("client_secret", secret.clone()));
            }
            ("private_key_jwt", _) => {
                let now = self.suite.now();
                let id = &self.client.id;
                let claims =
                    json!({ "iss": id, "sub": id, "aud": audience, "jti": fresh(), "iat": now, "exp": now + 60 });
                let header = match &self.client.metadata["jwks_uri"] {
                    Value::String(_) => json!({ "alg": "RS256", "kid": self.client.key.kid() }),
                    _ => json!({ "alg": "RS256" }),
                };
                fields.push((
                    "client_assertion_type",
                    "urn:ietf:params:oauth:client-assertion-type:jwt-bearer".to_owned(),
                ));
                fields.push(("client_assertion", self.client.key.sign(&header, &claims)));
            }
            (other, _) => panic!("no way to authenticate by {other}"),
        }
        let response = post.form(&fields).send().await.unwrap();
        assert!(response.headers()["content-type"].to_str().unwrap().starts_with("application/json"));
        assert_eq!(response.headers()["cache-control"], "no-store");
        let status = response.status().as_u16();
        let answer: Value = response.json().await.unwrap();
        if status != 200 {
            let known = ["error", "error_description", "error_uri"];
            assert!(answer.as_object().unwrap().keys().all(|name| known.contains(&name.as_str())), "{answer}");
        }
        (status, answer)
    }

    /// A refresh with the scope that was granted; tokens checked.
    pub(super) async fn refresh(&self, request: &Request, grant: &mut Grant) {
        let token = grant.refresh_token.clone().expect("a refresh token");
        let scope = request.get("scope").unwrap_or_default();
        let fields = [("grant_type", "refresh_token"), ("refresh_token", token.as_str()), ("scope", scope)];
        let (status, tokens) = self.token(&fields).await;
        assert_eq!(status, 200, "{tokens}");
        self.take(&request.clone().without("nonce"), &tokens, grant).await;
    }

    /// The answer of the userinfo endpoint to a request that the caller prepares; checked against the ID token.
    pub(super) async fn userinfo(&self, grant: &Grant) -> Value {
        let token = grant.access_token().expect("an access token");
        let get = self.suite.http.get(self.suite.endpoint("userinfo_endpoint")).bearer_auth(token);
        self.userinfo_by(get, grant).await
    }

    /// The same by a request of one's own.
    pub(super) async fn userinfo_by(&self, request: reqwest::RequestBuilder, grant: &Grant) -> Value {
        let response = request.send().await.unwrap();
        assert_eq!(response.status(), 200);
        assert!(response.headers()["content-type"].to_str().unwrap().starts_with("application/json"));
        let claims: Value = response.json().await.unwrap();
        assert_eq!(claims["sub"], grant.claims()["sub"]);
        verify::standard_claims(&claims);
        claims
    }

    /// Whether an access token is still worth something.
    pub(super) async fn token_lives(&self, token: &str) -> bool {
        let get = self.suite.http.get(self.suite.endpoint("userinfo_endpoint")).bearer_auth(token);
        let response = get.send().await.unwrap();
        let status = response.status().as_u16();
        assert!(status == 200 || status == 401 && response.headers().contains_key("www-authenticate"), "{status}");
        status == 200
    }
}
