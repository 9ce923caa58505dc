//! A relying party that believes nothing: every token is judged by the `openidconnect` crate.

use std::str::FromStr as _;

use openidconnect::core::{
    CoreIdToken, CoreIdTokenClaims, CoreIdTokenVerifier, CoreJwsSigningAlgorithm, CoreProviderMetadata,
};
use openidconnect::{
    AccessToken, AccessTokenHash, AsyncHttpClient, ClientId, ClientSecret, CsrfToken, HttpRequest, HttpResponse,
    IssuerUrl, JsonWebKey, Nonce, PkceCodeChallenge,
};
use reqwest::StatusCode;
use serde_json::{Map, Value};
use url::Url;

use crate::{ClientKey, Page, World};

struct Http(reqwest::Client);

impl<'c> AsyncHttpClient<'c> for Http {
    type Error = reqwest::Error;
    type Future = std::pin::Pin<Box<dyn Future<Output = Result<HttpResponse, reqwest::Error>> + Send + 'c>>;

    fn call(&'c self, request: HttpRequest) -> Self::Future {
        Box::pin(async move {
            let response = self.0.execute(request.try_into()?).await?;
            let (status, headers) = (response.status(), response.headers().clone());
            let mut answer = HttpResponse::new(response.bytes().await?.to_vec());
            *answer.status_mut() = status;
            *answer.headers_mut() = headers;
            Ok(answer)
        })
    }
}

/// `client_assertion_type` (RFC 7523 §2.2).
pub const ASSERTION_TYPE: &str = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer";

/// A relying party.
#[derive(Clone)]
pub struct RelyingParty {
    /// Its client id.
    pub client_id: String,
    secret: Option<String>,
    /// How it authenticates.
    method: String,
    /// The key that it authenticates with, where it does.
    pub key: Option<ClientKey>,
    /// Seconds by which its clock is ahead, as that of the demo may be.
    pub ahead: u64,
    /// What the provider answered when it registered; `null` for a client of the demo.
    pub registration: Value,
    /// Its redirect URI.
    pub redirect: String,
    issuer: String,
    metadata: CoreProviderMetadata,
    /// Its connection.
    pub http: reqwest::Client,
}

/// A request that has begun: what must be compared when the answer comes.
pub struct Started {
    /// Where to send the browser.
    pub url: String,
    /// PKCE.
    pub verifier: String,
    state: String,
    nonce: Nonce,
}

/// Tokens that were verified.
#[derive(Clone, Debug)]
pub struct Login {
    /// The ID token's claims.
    pub claims: Value,
    /// The ID token.
    pub id_token: String,
    /// The access token.
    pub access_token: String,
    /// The refresh token.
    pub refresh_token: Option<String>,
}

/// What the authorization endpoint gave at once, verified.
#[derive(Clone, Debug)]
pub struct Front {
    /// The code.
    pub code: Option<String>,
    /// The access token.
    pub access_token: Option<String>,
    /// The ID token's claims.
    pub claims: Option<Value>,
}

impl Started {
    /// The parameters of the request, as a request object or a push takes them.
    pub fn parameters(&self) -> Vec<(String, String)> {
        Url::parse(&self.url).unwrap().query_pairs().into_owned().collect()
    }

    /// The same as claims.
    pub fn claims(&self) -> Value {
        self.parameters().into_iter().map(|(name, value)| (name, Value::String(value))).collect::<Map<_, _>>().into()
    }
}

impl Login {
    /// The `acr`.
    pub fn acr(&self) -> &str {
        self.claims["acr"].as_str().unwrap_or("none")
    }

    /// The `amr`, joined by spaces.
    pub fn amr(&self) -> String {
        let amr = self.claims["amr"].as_array().cloned().unwrap_or_default();
        amr.iter().filter_map(Value::as_str).collect::<Vec<_>>().join(" ")
    }

    /// The `auth_time`.
    pub fn auth_time(&self) -> i64 {
        self.claims["auth_time"].as_i64().unwrap()
    }
}

impl RelyingParty {
    /// Discovers the provider.
    pub async fn discover(issuer: &str, client_id: &str, secret: Option<&str>, redirect: &str) -> Self {
        let http = reqwest::Client::builder().pool_max_idle_per_host(0).build().unwrap();
        Self::discover_over(http, issuer, client_id, secret, redirect).await
    }

    /// Discovers the provider through this client, and speaks through it afterwards.
    pub async fn discover_over(
        http: reqwest::Client,
        issuer: &str,
        client_id: &str,
        secret: Option<&str>,
        redirect: &str,
    ) -> Self {
        let url = IssuerUrl::new(issuer.to_owned()).unwrap();
        let metadata = CoreProviderMetadata::discover_async(url, &Http(http.clone())).await.unwrap();
        Self {
            client_id: client_id.to_owned(),
            secret: secret.map(str::to_owned),
            method: if secret.is_some() { "client_secret_basic" } else { "none" }.to_owned(),
            key: None,
            ahead: 0,
            registration: Value::Null,
            redirect: redirect.to_owned(),
            issuer: issuer.to_owned(),
            metadata,
            http,
        }
    }

    /// Registers a client (RFC 7591), with `https://rp.example/callback` where the metadata has no redirect URI.
    pub async fn register(world: &World, metadata: Value) -> Self {
        let (status, answer) = world.register(&metadata).await;
        assert_eq!(status, StatusCode::CREATED, "{answer}");
        Self::of_registration(&world.issuer, answer).await
    }

    /// The client that an answer of the registration endpoint describes. Give it its `key` where it needs one.
    pub async fn of_registration(issuer: &str, answer: Value) -> Self {
        let redirect = answer["redirect_uris"][0].as_str().unwrap_or_default();
        let id = answer["client_id"].as_str().unwrap();
        let mut rp = Self::discover(issuer, id, answer["client_secret"].as_str(), redirect).await;
        rp.method = answer["token_endpoint_auth_method"].as_str().unwrap().to_owned();
        rp.registration = answer;
        rp
    }

    /// A request to its own registration (RFC 7592), with its token.
    pub fn manage(&self, method: reqwest::Method) -> reqwest::RequestBuilder {
        let text = |name: &str| self.registration[name].as_str().unwrap().to_owned();
        self.http.request(method, text("registration_client_uri")).bearer_auth(text("registration_access_token"))
    }

    /// An authorization request with PKCE, state and nonce, and these parameters besides.
    pub fn start(&self, more: &[(&str, &str)]) -> Started {
        let (challenge, verifier) = PkceCodeChallenge::new_random_sha256();
        let (state, nonce) = (CsrfToken::new_random().secret().clone(), Nonce::new_random());
        let mut url = self.metadata.authorization_endpoint().url().clone();
        let mut fields = vec![
            ("response_type", "code".to_owned()),
            ("client_id", self.client_id.clone()),
            ("redirect_uri", self.redirect.clone()),
            ("scope", "openid profile email".to_owned()),
            ("state", state.clone()),
            ("nonce", nonce.secret().clone()),
            ("code_challenge", challenge.as_str().to_owned()),
            ("code_challenge_method", "S256".to_owned()),
        ];
        for (name, value) in more {
            fields.retain(|(known, _)| known != name);
            fields.push((name, (*value).to_owned()));
        }
        fields.retain(|(_, value)| !value.is_empty());
        url.query_pairs_mut().extend_pairs(fields);
        Started { url: url.to_string(), verifier: verifier.secret().clone(), state, nonce }
    }

    /// The code of an answer, after state and issuer were compared.
    pub fn code(&self, started: &Started, page: &Page) -> String {
        assert_eq!(page.name(), "outside", "{}", page.words());
        assert!(page.url.as_str().starts_with(&self.redirect), "{}", page.url);
        assert_eq!(page.parameter("state").as_deref(), Some(started.state.as_str()));
        assert_eq!(page.parameter("iss").as_deref(), Some(self.issuer.as_str()));
        page.parameter("code").unwrap_or_else(|| panic!("no code: {}", page.url))
    }

    /// The address of the authorization endpoint with these parameters.
    pub fn authorize(&self, fields: &[(&str, &str)]) -> String {
        let mut url = self.metadata.authorization_endpoint().url().clone();
        url.query_pairs_mut().extend_pairs(fields);
        url.to_string()
    }

    /// Pushes a request, with changes.
    pub async fn push(&self, started: &Started, changes: &[(&str, &str)]) -> (StatusCode, Value) {
        let parameters = started.parameters();
        // A public client's id is sent in any case.
        let sent = |name: &str| self.secret.is_none() && name == "client_id";
        let unchanged =
            |(name, _): &&(String, String)| !sent(name) && changes.iter().all(|(changed, _)| changed != name);
        let mut fields: Vec<(&str, &str)> =
            parameters.iter().filter(unchanged).map(|(name, value)| (name.as_str(), value.as_str())).collect();
        fields.extend(changes.iter().filter(|(_, value)| !value.is_empty()));
        let response = self.post("/par", &fields).send().await.unwrap();
        assert_eq!(response.headers()["cache-control"], "no-store");
        (response.status(), response.json().await.unwrap())
    }

    /// What came in the fragment, after state and issuer were compared and the library has judged the ID token and the
    /// hashes in it. Nothing may have come in the query.
    pub fn front(&self, started: &Started, page: &Page) -> Front {
        assert_eq!(page.name(), "outside", "{}", page.words());
        assert_eq!(page.url.query(), None, "{}", page.url);
        assert_eq!(page.parameter("error"), None, "{}", page.url);
        assert_eq!(page.parameter("state").as_deref(), Some(started.state.as_str()));
        assert_eq!(page.parameter("iss").as_deref(), Some(self.issuer.as_str()));
        let (code, access_token) = (page.parameter("code"), page.parameter("access_token"));
        assert_eq!(page.parameter("token_type").as_deref(), access_token.as_ref().map(|_| "Bearer"));
        let claims = page.parameter("id_token").map(|id_token| {
            let claims = self.judge(&id_token, access_token.as_deref(), Some(&started.nonce));
            let hash = |value: &str| {
                let digest = aws_lc_rs::digest::digest(&aws_lc_rs::digest::SHA256, value.as_bytes());
                Value::String(data_encoding::BASE64URL_NOPAD.encode(&digest.as_ref()[..16]))
            };
            assert_eq!(claims.get("c_hash"), code.as_deref().map(hash).as_ref(), "c_hash");
            assert_eq!(claims.get("at_hash"), access_token.as_deref().map(hash).as_ref(), "at_hash");
            assert_eq!(claims["s_hash"], hash(&started.state), "s_hash");
            claims
        });
        Front { code, access_token, claims }
    }

    /// The error of an answer, after state and issuer were compared.
    pub fn error(&self, started: &Started, page: &Page) -> String {
        assert_eq!(page.name(), "outside", "{}", page.words());
        assert_eq!(page.parameter("state").as_deref(), Some(started.state.as_str()));
        assert_eq!(page.parameter("iss").as_deref(), Some(self.issuer.as_str()));
        let description = page.parameter("error_description").unwrap_or_default();
        assert!(description.bytes().all(|b| matches!(b, 0x20..=0x21 | 0x23..=0x5b | 0x5d..=0x7e)), "{description}");
        page.parameter("error").unwrap_or_else(|| panic!("no error: {}", page.url))
    }

    /// A request to an endpoint, with the client's authentication.
    pub fn post(&self, path: &str, fields: &[(&str, &str)]) -> reqwest::RequestBuilder {
        let request = self.http.post(format!("{}{path}", self.issuer));
        if self.method == "client_secret_basic" {
            return request.basic_auth(&self.client_id, self.secret.as_ref()).form(fields);
        }
        let mut fields: Vec<(&str, String)> = fields.iter().map(|(name, value)| (*name, (*value).to_owned())).collect();
        fields.push(("client_id", self.client_id.clone()));
        match self.method.as_str() {
            "client_secret_post" => fields.push(("client_secret", self.secret.clone().unwrap())),
            "client_secret_jwt" | "private_key_jwt" => {
                fields.push(("client_assertion_type", ASSERTION_TYPE.to_owned()));
                fields.push(("client_assertion", self.assertion(&serde_json::json!({}))));
            }
            _ => {}
        }
        request.form(&fields)
    }

    /// A client assertion (RFC 7523 §3), fresh, by its key or under its secret; these claims replace the right ones.
    pub fn assertion(&self, changes: &Value) -> String {
        let now = std::time::UNIX_EPOCH.elapsed().unwrap().as_secs() + self.ahead;
        let mut claims = serde_json::json!({
            "iss": self.client_id, "sub": self.client_id, "aud": self.issuer,
            "exp": now + 300, "jti": CsrfToken::new_random().secret(),
        });
        let (claims_object, changes) = (claims.as_object_mut().unwrap(), changes.as_object().unwrap());
        claims_object.extend(changes.clone());
        claims_object.retain(|_, value| !value.is_null());
        match (&self.key, &self.secret) {
            (Some(key), _) => key.sign(&claims),
            (None, Some(secret)) => crate::keys::mac("HS256", secret, &claims),
            (None, None) => panic!("neither a key nor a secret"),
        }
    }

    /// The answer of the token endpoint.
    pub async fn token(&self, fields: &[(&str, &str)]) -> (StatusCode, Value) {
        let response = self.post("/token", fields).send().await.unwrap();
        assert_eq!(response.headers()["cache-control"], "no-store");
        (response.status(), response.json().await.unwrap())
    }

    /// The fields of a code exchange.
    pub fn exchange_fields<'a>(&'a self, started: &'a Started, code: &'a str) -> Vec<(&'a str, &'a str)> {
        let verifier = started.verifier.as_str();
        vec![
            ("grant_type", "authorization_code"),
            ("code", code),
            ("redirect_uri", &self.redirect),
            ("code_verifier", verifier),
        ]
    }

    /// Exchanges the code of an answer and verifies everything.
    pub async fn finish(&self, started: &Started, page: &Page) -> Login {
        let code = self.code(started, page);
        let (status, answer) = self.token(&self.exchange_fields(started, &code)).await;
        assert_eq!(status, StatusCode::OK, "{answer}");
        self.verify(&answer, Some(&started.nonce))
    }

    /// New tokens for a refresh token, verified.
    pub async fn refresh(&self, login: &Login) -> Login {
        let token = login.refresh_token.as_deref().expect("no refresh token");
        let (status, answer) = self.token(&[("grant_type", "refresh_token"), ("refresh_token", token)]).await;
        assert_eq!(status, StatusCode::OK, "{answer}");
        self.verify(&answer, None)
    }

    /// Lets the library judge the ID token: signature, issuer, audience, times, nonce, `at_hash`.
    fn verify(&self, answer: &Value, nonce: Option<&Nonce>) -> Login {
        let text = |name: &str| answer[name].as_str().map(str::to_owned);
        let (id_token, access_token) = (text("id_token").unwrap(), text("access_token").unwrap());
        assert_eq!(answer["token_type"], "Bearer");
        let claims = self.judge(&id_token, Some(&access_token), nonce);
        Login { claims, id_token, access_token, refresh_token: text("refresh_token") }
    }

    fn judge(&self, id_token: &str, access_token: Option<&str>, nonce: Option<&Nonce>) -> Value {
        let (client, keys) = (ClientId::new(self.client_id.clone()), self.metadata.jwks().clone());
        let issuer = self.metadata.issuer().clone();
        let verifier = match &self.secret {
            Some(secret) => {
                CoreIdTokenVerifier::new_confidential_client(client, ClientSecret::new(secret.clone()), issuer, keys)
            }
            None => CoreIdTokenVerifier::new_public_client(client, issuer, keys),
        };
        // The demo's clock can be ahead of ours.
        let verifier = verifier.set_issue_time_verifier_fn(|_| Ok(())).set_time_fn(Default::default);
        let parsed = CoreIdToken::from_str(id_token).unwrap();
        let same_nonce = |given: Option<&Nonce>| match (nonce, given) {
            (Some(sent), Some(given)) if sent.secret() == given.secret() => Ok(()),
            (None, None) => Ok(()),
            (sent, given) => Err(format!("nonce: {:?}", (sent.is_some(), given.is_some()))),
        };
        let claims: &CoreIdTokenClaims = parsed.claims(&verifier, same_nonce).unwrap();
        let (algorithm, key) = (parsed.signing_alg().unwrap(), parsed.signing_key(&verifier).unwrap());
        let hash = access_token
            .map(|token| AccessTokenHash::from_token(&AccessToken::new(token.to_owned()), algorithm, key).unwrap());
        assert_eq!(hash.as_ref(), claims.access_token_hash(), "at_hash");
        let payload = id_token.split('.').nth(1).unwrap();
        let payload = data_encoding::BASE64URL_NOPAD.decode(payload.as_bytes()).unwrap();
        serde_json::from_slice(&payload).unwrap()
    }

    /// What a logout token says, once its signature, its type and its claims are as Back-Channel Logout §2.6 wants them.
    pub fn logout_token(&self, token: &str) -> Value {
        let parts: Vec<&str> = token.split('.').collect();
        let read = |part: &str| data_encoding::BASE64URL_NOPAD.decode(part.as_bytes()).unwrap();
        let header: Value = serde_json::from_slice(&read(parts[0])).unwrap();
        assert_eq!(header["typ"], "logout+jwt");
        let algorithm: CoreJwsSigningAlgorithm = serde_json::from_value(header["alg"].clone()).unwrap();
        let kid = openidconnect::JsonWebKeyId::new(header["kid"].as_str().unwrap().to_owned());
        let key = self.metadata.jwks().keys().iter().find(|key| key.key_id() == Some(&kid)).unwrap();
        let message = format!("{}.{}", parts[0], parts[1]);
        key.verify_signature(&algorithm, message.as_bytes(), &read(parts[2])).unwrap();
        let claims: Value = serde_json::from_slice(&read(parts[1])).unwrap();
        assert_eq!((claims["iss"].as_str(), claims["aud"].as_str()), (Some(&*self.issuer), Some(&*self.client_id)));
        assert_eq!(claims["events"], serde_json::json!({ "http://schemas.openid.net/event/backchannel-logout": {} }));
        assert!(claims["iat"].is_i64() && claims["exp"].is_i64() && claims["jti"].is_string());
        assert!(claims.get("nonce").is_none());
        claims
    }

    /// The answer of the userinfo endpoint.
    pub async fn userinfo(&self, access_token: &str) -> (StatusCode, Value) {
        let response =
            self.http.get(format!("{}/userinfo", self.issuer)).bearer_auth(access_token).send().await.unwrap();
        (response.status(), response.json().await.unwrap_or_default())
    }

    /// What introspection says.
    pub async fn introspect(&self, token: &str) -> Value {
        self.post("/introspect", &[("token", token)]).send().await.unwrap().json().await.unwrap()
    }
}
