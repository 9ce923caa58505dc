//! TLS of the provider's own, and clients that are known by a certificate (RFC 8705).

use std::path::PathBuf;

use rcgen::{
    BasicConstraints, CertificateParams, DistinguishedName, DnType, ExtendedKeyUsagePurpose, IsCa, Issuer, KeyPair,
    SanType, date_time_ymd,
};
use reqwest::{Identity, Version, tls};
use serde_json::{Value, json};
use stepgate_tests::{Page, Publisher, RelyingParty, World};

const REDIRECT: &str = "http://127.0.0.1/callback";

/// An authority of clients' certificates.
struct Authority {
    issuer: Issuer<'static, KeyPair>,
    pem: String,
}

impl Authority {
    fn new() -> Self {
        let (key, mut params) = (KeyPair::generate().unwrap(), CertificateParams::new(Vec::new()).unwrap());
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        params.distinguished_name.push(DnType::CommonName, "Clients' authority");
        let pem = params.self_signed(&key).unwrap().pem();
        Self { issuer: Issuer::new(params, key), pem }
    }
}

/// A client's certificate and key.
struct Certificate {
    der: Vec<u8>,
    pem: String,
}

impl Certificate {
    fn named(change: impl FnOnce(&mut CertificateParams)) -> CertificateParams {
        let mut params = CertificateParams::new(Vec::new()).unwrap();
        let mut name = DistinguishedName::new();
        name.push(DnType::CountryName, "US");
        name.push(DnType::OrganizationName, "Iron, Works");
        name.push(DnType::CommonName, "client");
        params.distinguished_name = name;
        params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ClientAuth];
        change(&mut params);
        params
    }

    fn by(authority: &Authority, change: impl FnOnce(&mut CertificateParams)) -> Self {
        let key = KeyPair::generate().unwrap();
        let made = Self::named(change).signed_by(&key, &authority.issuer).unwrap();
        Self { der: made.der().to_vec(), pem: format!("{}{}", made.pem(), key.serialize_pem()) }
    }

    fn of_its_own() -> Self {
        let key = KeyPair::generate().unwrap();
        let made = Self::named(|_| {}).self_signed(&key).unwrap();
        Self { der: made.der().to_vec(), pem: format!("{}{}", made.pem(), key.serialize_pem()) }
    }

    fn client(&self, world: &World) -> reqwest::Client {
        world.client().identity(Identity::from_pem(self.pem.as_bytes()).unwrap()).build().unwrap()
    }

    fn thumbprint(&self) -> String {
        data_encoding::BASE64URL_NOPAD.encode(&stepgate_core::secret::sha256(&self.der))
    }

    /// As a key set names it (RFC 8705 §2.2.2).
    fn jwks(&self) -> Value {
        json!({ "keys": [{ "kty": "EC", "crv": "P-256", "use": "sig", "kid": "c",
            "x": "f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU", "y": "x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0",
            "x5c": [data_encoding::BASE64.encode(&self.der)] }] })
    }
}

async fn world_with(authority: &Authority) -> (World, PathBuf) {
    let name = stepgate_core::entropy::random_token(&stepgate::cx::OsEntropy);
    let file = std::env::temp_dir().join(format!("stepgate-test-authority-{name}.pem"));
    std::fs::write(&file, &authority.pem).unwrap();
    // Settings of a world live as long as the test run.
    let path: &'static str = Box::leak(file.to_str().unwrap().to_owned().into_boxed_str());
    let settings = [("STEPGATE__MTLS__TRUST_ANCHORS", path), ("STEPGATE__OUTBOUND__ALLOW", "['127.0.0.1']")];
    (World::start_tls(&settings).await, file)
}

async fn service(world: &World, client: &reqwest::Client, id: &str) -> (u16, Value) {
    let fields = [("grant_type", "client_credentials"), ("client_id", id)];
    let answer = client.post(format!("{}/token", world.issuer)).form(&fields).send().await.unwrap();
    (answer.status().as_u16(), answer.json().await.unwrap())
}

#[tokio::test]
async fn the_provider_speaks_tls() {
    let authority = Authority::new();
    let (world, file) = world_with(&authority).await;
    let discovery = format!("{}/.well-known/openid-configuration", world.issuer);
    assert!(reqwest::get(&discovery).await.is_err(), "nobody trusts it by accident");
    let client = world.client().build().unwrap();
    let answer = client.get(&discovery).send().await.unwrap();
    assert_eq!(answer.version(), Version::HTTP_2);
    assert_eq!(answer.headers()["strict-transport-security"], "max-age=31536000");
    let document: Value = answer.json().await.unwrap();
    assert_eq!(document["issuer"], world.issuer);
    assert_eq!(document["tls_client_certificate_bound_access_tokens"], true);
    let methods = document["token_endpoint_auth_methods_supported"].as_array().unwrap();
    for method in ["tls_client_auth", "self_signed_tls_client_auth", "private_key_jwt", "none"] {
        assert!(methods.contains(&json!(method)), "{method}: {methods:?}");
    }
    let older = world.client().tls_version_max(tls::Version::TLS_1_2).http1_only().build().unwrap();
    let answer = older.get(&discovery).send().await.unwrap();
    assert_eq!((answer.status().as_u16(), answer.version()), (200, Version::HTTP_11));

    // Somebody who connects and says nothing holds up nobody.
    let address = world.issuer.strip_prefix("https://").unwrap().replace("localhost", "127.0.0.1");
    let silent: Vec<_> = (0..20).map(|_| std::net::TcpStream::connect(&address).unwrap()).collect();
    assert_eq!(client.get(&discovery).send().await.unwrap().status(), 200);
    drop(silent);

    // A whole login; cookies only go over TLS and to this host.
    let http = world.client().build().unwrap();
    let rp = RelyingParty::discover_over(http, &world.issuer, "demo-local", Some("demo-local-secret"), REDIRECT).await;
    let raw = world.client().redirect(reqwest::redirect::Policy::none()).build().unwrap();
    let cookies = raw.get(rp.start(&[]).url).send().await.unwrap();
    let cookies: Vec<_> = cookies.headers().get_all("set-cookie").iter().map(|value| value.to_str().unwrap()).collect();
    assert!(
        !cookies.is_empty() && cookies.iter().all(|c| c.starts_with("__Host-") && c.contains("; Secure")),
        "{cookies:?}"
    );
    let (mut browser, started) = (world.browser(), rp.start(&[]));
    browser.open(&started.url).await;
    browser.log_in("carol").await;
    if browser.page.name() == "factor" {
        // The demo's phones trust it, too.
        browser.show_mobile(&world, "carol").await;
    }
    let login = rp.finish(&started, &browser.page).await;
    assert_eq!(rp.userinfo(&login.access_token).await.0, 200);
    // And so does the demo's partner application, which speaks to the provider by itself.
    let start = reqwest::Client::builder().redirect(reqwest::redirect::Policy::none()).build().unwrap();
    let start = start.get(format!("{}/start?want=plain", world.partner)).send().await.unwrap();
    let location = start.headers()["location"].to_str().unwrap();
    assert!(location.starts_with(&format!("{}/authorize?", world.issuer)), "{location}");
    std::fs::remove_file(file).unwrap();
}

#[tokio::test]
async fn a_client_is_known_by_the_certificate_of_an_authority() {
    let (authority, stranger) = (Authority::new(), Authority::new());
    let (world, file) = world_with(&authority).await;
    let names = [
        ("tls_client_auth_subject_dn", r"CN=client, O=Iron\, Works, C=US"),
        ("tls_client_auth_san_dns", "client.example"),
        ("tls_client_auth_san_uri", "https://client.example/id"),
        ("tls_client_auth_san_ip", "10.1.2.3"),
        ("tls_client_auth_san_email", "ops@client.example"),
    ];
    let alternatives = |params: &mut CertificateParams| {
        params.subject_alt_names = vec![
            SanType::DnsName("client.example".try_into().unwrap()),
            SanType::URI("https://client.example/id".try_into().unwrap()),
            SanType::IpAddress("10.1.2.3".parse().unwrap()),
            SanType::Rfc822Name("ops@client.example".try_into().unwrap()),
        ];
    };
    let good = Certificate::by(&authority, alternatives).client(&world);
    let other = |params: &mut CertificateParams| {
        params.distinguished_name.push(DnType::CommonName, "another");
        params.subject_alt_names = vec![SanType::DnsName("another.example".try_into().unwrap())];
    };
    let expired = |params: &mut CertificateParams| {
        alternatives(params);
        params.not_before = date_time_ymd(2020, 1, 1);
        params.not_after = date_time_ymd(2021, 1, 1);
    };
    let for_servers = |params: &mut CertificateParams| {
        alternatives(params);
        params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
    };
    let refused = [
        ("names somebody else", Certificate::by(&authority, other)),
        ("trusted authority", Certificate::by(&stranger, alternatives)),
        ("trusted authority", Certificate::by(&authority, expired)),
        ("trusted authority", Certificate::by(&authority, for_servers)),
        ("trusted authority", Certificate::of_its_own()),
    ];
    for (number, (name, value)) in names.into_iter().enumerate() {
        let id = format!("by-{number}");
        let metadata = json!({ "token_endpoint_auth_method": "tls_client_auth", name: value,
            "grant_types": ["client_credentials"], "scope": "orders" });
        world.register_as(&id, metadata).await;
        let (status, answer) = service(&world, &good, &id).await;
        assert_eq!(status, 200, "{name}: {answer}");
        for (why, certificate) in &refused {
            let (status, answer) = service(&world, &certificate.client(&world), &id).await;
            assert_eq!((status, &answer["error"]), (401, &json!("invalid_client")), "{name}: {answer}");
            assert!(answer["error_description"].as_str().unwrap().contains(why), "{name}: {why}: {answer}");
        }
        let (status, answer) = service(&world, &world.client().build().unwrap(), &id).await;
        assert_eq!((status, &answer["error"]), (401, &json!("invalid_client")));
        assert!(answer["error_description"].as_str().unwrap().contains("no client certificate"), "{answer}");
    }
    // A certificate opens no client that registered a secret, and a header that a client writes itself is nothing.
    assert_eq!(service(&world, &good, "demo-service").await.0, 401);
    let plain = world.client().build().unwrap();
    let forged = plain.post(format!("{}/token", world.issuer)).header("client-cert", ":MIIB:");
    let forged = forged.form(&[("grant_type", "client_credentials"), ("client_id", "by-0")]).send().await.unwrap();
    assert_eq!(forged.status(), 401);
    std::fs::remove_file(file).unwrap();
}

async fn code(world: &World, rp: &RelyingParty) -> (stepgate_tests::Started, Page) {
    let (mut browser, started) = (world.browser(), rp.start(&[("scope", "openid email offline_access")]));
    browser.open(&started.url).await;
    browser.log_in("alice").await;
    browser.submit(&[("decision", "allow")]).await;
    (started, browser.page.clone())
}

#[tokio::test]
async fn a_token_is_good_only_with_the_certificate_that_it_is_bound_to() {
    let (world, file) = world_with(&Authority::new()).await;
    let (own, other) = (Certificate::of_its_own(), Certificate::of_its_own());
    let metadata = json!({ "token_endpoint_auth_method": "self_signed_tls_client_auth", "jwks": own.jwks(),
        "tls_client_certificate_bound_access_tokens": true });
    world.register_as("bound", metadata).await;
    let mut rp = RelyingParty::discover_over(own.client(&world), &world.issuer, "bound", None, REDIRECT).await;
    let (started, page) = code(&world, &rp).await;
    // Another certificate, or none: refused before the code is looked at.
    for http in [other.client(&world), world.client().build().unwrap()] {
        let mut stranger = rp.clone();
        stranger.http = http;
        let code = rp.code(&started, &page);
        let (status, answer) = stranger.token(&rp.exchange_fields(&started, &code)).await;
        assert_eq!((status.as_u16(), &answer["error"]), (401, &json!("invalid_client")), "{answer}");
    }
    let login = rp.finish(&started, &page).await;
    let claims = login.access_token.split('.').nth(1).unwrap();
    let claims = data_encoding::BASE64URL_NOPAD.decode(claims.as_bytes()).unwrap();
    let claims: Value = serde_json::from_slice(&claims).unwrap();
    assert_eq!(claims["cnf"], json!({ "x5t#S256": own.thumbprint() }));
    assert_eq!(rp.introspect(&login.access_token).await["cnf"], claims["cnf"]);
    assert_eq!(rp.userinfo(&login.access_token).await.0, 200);
    for http in [other.client(&world), world.client().build().unwrap()] {
        let mut stranger = rp.clone();
        stranger.http = http;
        let (status, answer) = stranger.userinfo(&login.access_token).await;
        assert_eq!((status.as_u16(), &answer["error"]), (401, &json!("invalid_token")), "{answer}");
    }
    // A refresh with the certificate is bound to it again.
    let renewed = rp.refresh(&login).await;
    assert_eq!(rp.introspect(&renewed.access_token).await["cnf"], claims["cnf"]);

    // A client with a secret may have bound tokens as well, and gets none without a certificate.
    let secret = world.register_as("secret-bound", json!({ "tls_client_certificate_bound_access_tokens": true })).await;
    let http = world.client().build().unwrap();
    rp = RelyingParty::discover_over(http, &world.issuer, "secret-bound", secret.as_deref(), REDIRECT).await;
    let (started, page) = code(&world, &rp).await;
    let fields = rp.code(&started, &page);
    let (status, answer) = rp.token(&rp.exchange_fields(&started, &fields)).await;
    assert_eq!((status.as_u16(), &answer["error"]), (400, &json!("invalid_request")), "{answer}");
    rp.http = other.client(&world);
    let login = rp.finish(&started, &page).await;
    assert_eq!(rp.introspect(&login.access_token).await["cnf"], json!({ "x5t#S256": other.thumbprint() }));
    std::fs::remove_file(file).unwrap();
}

#[tokio::test]
async fn a_client_may_serve_its_certificates_and_renew_them() {
    let (world, file) = world_with(&Authority::new()).await;
    let publisher = Publisher::start().await;
    let (first, second) = (Certificate::of_its_own(), Certificate::of_its_own());
    let metadata = json!({ "token_endpoint_auth_method": "self_signed_tls_client_auth",
        "jwks_uri": publisher.serve("keys", first.jwks()),
        "grant_types": ["client_credentials"], "scope": "orders" });
    world.register_as("serving", metadata).await;
    assert_eq!(service(&world, &first.client(&world), "serving").await.0, 200);
    publisher.serve("keys", second.jwks());
    world.advance(6).await;
    let (status, answer) = service(&world, &second.client(&world), "serving").await;
    assert_eq!(status, 200, "{answer}");
    assert_eq!(service(&world, &first.client(&world), "serving").await.0, 401, "replaced");
    std::fs::remove_file(file).unwrap();
}
