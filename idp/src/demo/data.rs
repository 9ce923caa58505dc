//! Fills an empty database with the demo's people, clients and credentials. A database that has them is left alone.

use std::sync::Arc;
use std::time::Duration;

use aws_lc_rs::hmac;
use serde_json::json;
use stepgate_core::account::{Address, Organization, Partner, Person, Role, StandardClaims};
use stepgate_core::assurance::{CredentialKind, CredentialState};
use stepgate_core::clients::{Application, Client, ClientAuthMethod, ClientMetadata, ClientSecret};
use stepgate_core::contact::PhoneNumber;
use stepgate_core::credentials::hardware_token::{Algorithm, Mode, OathParameters};
use stepgate_core::credentials::{Credential, Phone};
use stepgate_core::id::{ApplicationId, CredentialId, OrganizationId, PartnerId, PersonId, PhoneId};
use stepgate_core::oidc::ResponseType;
use stepgate_core::secret::SecretString;
use stepgate_core::subscriptions::money::Money;
use stepgate_core::subscriptions::order::Sponsor;
use stepgate_store::credentials::NewCredential;
use stepgate_store::{applications, credentials, leases, people, recovery, sponsors};

use super::people::{DemoPerson, DemoRole, Holding, PASSWORD, PEOPLE, SEED};
use super::{Phones, paper};
use crate::app::App;
use crate::cx::Cx;
use crate::fault::Fault;
use crate::login::{hardware, password, phone};

const YEAR: Duration = Duration::from_secs(365 * 24 * 3600);
const DAY: Duration = Duration::from_secs(24 * 3600);

struct Places {
    organization: OrganizationId,
    partner: PartnerId,
}

/// Seeds the demo, once, whichever node comes first.
pub async fn seed(app: &Arc<App>, phones: &Arc<Phones>, partner_url: &str) -> Result<(), Fault> {
    let cx = Cx::background(app);
    while !leases::take_lease(
        &app.db,
        "demo data",
        &partner_url_id(&cx),
        cx.app.clock.now(),
        app.clock.now() + Duration::from_secs(60),
    )
    .await?
    {
        if people::find_person_by_login(&app.db, "admin").await?.is_some() {
            return Ok(());
        }
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    if people::find_person_by_login(&app.db, "admin").await?.is_some() {
        return Ok(());
    }
    let places = places(&cx, partner_url).await?;
    // One hash for all: the demo is to be there at once.
    let hash =
        app.passwords.hash(&SecretString::new(PASSWORD.to_owned()), cx.entropy()).await.map_err(Fault::internal)?;
    for person in PEOPLE {
        insert(&cx, person, &places, &hash, phones).await?;
    }
    super::shop::open(&cx, (places.organization, places.partner)).await?;
    super::tokens::stock(&cx).await
}

fn partner_url_id(cx: &Cx) -> String {
    stepgate_core::entropy::random_token(cx.entropy())
}

async fn places(cx: &Cx, partner_url: &str) -> Result<Places, Fault> {
    let transaction = cx.app.db.begin().await?;
    let organization = OrganizationId::random(cx.entropy());
    let new = Organization { id: organization, name: "Iron Builders LLC".to_owned(), created_at: cx.now };
    people::insert_organization(&transaction, &new).await?;
    let partner = PartnerId::random(cx.entropy());
    people::insert_partner(
        &transaction,
        &Partner { id: partner, name: "Iron Works Inc.".to_owned(), created_at: cx.now },
    )
    .await?;
    // Both pay for people whom they invite.
    if let Ok(currency) = cx.app.settings.subscriptions.currency() {
        for sponsor in [Sponsor::Organization(organization), Sponsor::Partner(partner)] {
            sponsors::set_most(&transaction, sponsor, Money::new(100_000, currency)).await?;
        }
    }
    for (name, client) in clients(partner_url) {
        let application = Application {
            id: ApplicationId::random(cx.entropy()),
            partner,
            name: name.to_owned(),
            url: (client.0 == "demo-partner").then(|| partner_url.to_owned()),
            policy: json!({}),
            disabled_at: None,
            created_at: cx.now,
        };
        applications::insert_application(&transaction, &application).await?;
        let (id, secret, metadata) = client;
        let client = Client {
            id: id.to_owned(),
            application: application.id,
            secrets: secret.map(|secret| ClientSecret::of(secret, cx.now)).into_iter().collect(),
            metadata,
            disabled_at: None,
            created_at: cx.now,
        };
        applications::insert_client(&transaction, &client).await?;
    }
    transaction.commit().await?;
    Ok(Places { organization, partner })
}

type DemoClient = (&'static str, Option<&'static str>, ClientMetadata);

fn clients(partner_url: &str) -> [(&'static str, DemoClient); 7] {
    let all = "openid profile email address phone offline_access";
    let partner = ClientMetadata {
        client_name: "Iron Works Portal".to_owned(),
        redirect_uris: vec![format!("{partner_url}/callback")],
        post_logout_redirect_uris: vec![partner_url.to_owned(), format!("{partner_url}/")],
        grant_types: [
            "authorization_code",
            "implicit",
            "refresh_token",
            "client_credentials",
            "urn:ietf:params:oauth:grant-type:device_code",
            "urn:ietf:params:oauth:grant-type:token-exchange",
        ]
        .map(str::to_owned)
        .to_vec(),
        response_types: ResponseType::ALL.iter().map(|known| known.as_str().to_owned()).collect(),
        scope: format!("{all} orders"),
        skip_consent: true,
        logo_uri: Some(format!("{partner_url}/iron-works.svg")),
        policy_uri: Some(format!("{partner_url}/privacy")),
        tos_uri: Some(format!("{partner_url}/terms")),
        ..ClientMetadata::default()
    };
    // The one that is a program of its own: it hears of logouts, and starts its login when it is told to.
    let portal = ClientMetadata {
        frontchannel_logout_uri: Some(format!("{partner_url}/frontchannel-logout")),
        frontchannel_logout_session_required: true,
        backchannel_logout_uri: Some(format!("{partner_url}/backchannel-logout")),
        backchannel_logout_session_required: true,
        initiate_login_uri: Some(format!("{partner_url}/initiate")),
        ..partner.clone()
    };
    let service = ClientMetadata {
        client_name: "Iron Works Service".to_owned(),
        grant_types: vec!["client_credentials".to_owned()],
        scope: "orders reports".to_owned(),
        ..ClientMetadata::default()
    };
    let spa = ClientMetadata {
        client_name: "Iron Works in the browser".to_owned(),
        redirect_uris: vec![format!("{partner_url}/spa")],
        post_logout_redirect_uris: vec![format!("{partner_url}/spa")],
        grant_types: ["authorization_code", "refresh_token"].map(str::to_owned).to_vec(),
        response_types: vec!["code".to_owned()],
        token_endpoint_auth_method: ClientAuthMethod::None,
        ..partner.clone()
    };
    // Any port of the loopback address: for clients that are tried out (RFC 8252 §7.3).
    let local = ClientMetadata {
        client_name: "A client on this machine".to_owned(),
        redirect_uris: vec!["http://127.0.0.1/callback".to_owned()],
        post_logout_redirect_uris: vec!["http://127.0.0.1/".to_owned()],
        ..partner.clone()
    };
    let asking = ClientMetadata {
        client_name: "Girder Planner".to_owned(),
        redirect_uris: vec!["http://127.0.0.1/callback".to_owned()],
        post_logout_redirect_uris: vec!["http://127.0.0.1/".to_owned()],
        skip_consent: false,
        ..partner.clone()
    };
    let fast = ClientMetadata {
        client_name: "A service with short signatures".to_owned(),
        access_token_signed_response_alg: Some("ES256".to_owned()),
        ..service.clone()
    };
    // A program on a screen without a keyboard.
    let device = ClientMetadata {
        client_name: "Iron Works Site Display".to_owned(),
        redirect_uris: Vec::new(),
        post_logout_redirect_uris: Vec::new(),
        response_types: Vec::new(),
        grant_types: ["urn:ietf:params:oauth:grant-type:device_code", "refresh_token"].map(str::to_owned).to_vec(),
        token_endpoint_auth_method: ClientAuthMethod::None,
        ..partner.clone()
    };
    [
        ("Iron Works Site Display", ("demo-device", None, device)),
        ("A client on this machine", ("demo-local", Some("demo-local-secret"), local)),
        ("A service with short signatures", ("demo-service-es256", Some("demo-service-es256-secret"), fast)),
        ("Iron Works Portal", ("demo-partner", Some("demo-partner-secret"), portal)),
        ("Girder Planner", ("demo-consent", Some("demo-consent-secret"), asking)),
        ("Iron Works Service", ("demo-service", Some("demo-service-secret"), service)),
        ("Iron Works in the browser", ("demo-spa", None, spa)),
    ]
}

fn claims(person: &DemoPerson) -> StandardClaims {
    let (given, family) = person.name.split_once(' ').unwrap_or((person.name, ""));
    let text = |text: &str| Some(text.to_owned());
    StandardClaims {
        name: text(person.name),
        given_name: text(given),
        family_name: text(family),
        middle_name: text("Demo"),
        nickname: text(given),
        preferred_username: text(person.username),
        profile: Some(format!("https://people.example/{}", person.username)),
        picture: Some(format!("https://people.example/{}/picture.png", person.username)),
        website: Some(format!("https://{}.example", person.username)),
        gender: text("unspecified"),
        birthdate: text("1990-01-31"),
        zoneinfo: text("America/New_York"),
        locale: text("en-US"),
        email: Some(format!("{}@iron-builders.example", person.username)),
        email_verified: Some(true),
        phone_number: text("+12025550100"),
        phone_number_verified: Some(true),
        address: Some(Address {
            formatted: text("1 Girder Street\nPittsburgh, PA 15222\nUSA"),
            street_address: text("1 Girder Street"),
            locality: text("Pittsburgh"),
            region: text("PA"),
            postal_code: text("15222"),
            country: text("US"),
        }),
    }
}

async fn insert(
    cx: &Cx,
    demo: &DemoPerson,
    places: &Places,
    password_hash: &str,
    phones: &Arc<Phones>,
) -> Result<(), Fault> {
    let id = PersonId::random(cx.entropy());
    let person = Person {
        id,
        username: demo.username.parse().map_err(Fault::internal)?,
        claims: claims(demo),
        suspended_at: None,
        proofed_at: demo.proofed.then(|| cx.now - DAY * 30),
        proofing_expires_at: None,
        created_at: cx.now,
        updated_at: cx.now,
    };
    let transaction = cx.app.db.begin().await?;
    people::insert_person(&transaction, &person).await?;
    people::insert_membership(&transaction, id, places.organization, cx.now).await?;
    if let Some(role) = demo.role {
        let role = match role {
            DemoRole::Organization => Role::OrganizationAdministrator(places.organization),
            DemoRole::Partner => Role::PartnerAdministrator(places.partner),
            DemoRole::Integrator => Role::Integrator(places.partner),
            DemoRole::Support => Role::Support,
            DemoRole::Agent => Role::ProofingAgent,
            DemoRole::Finance => Role::Finance,
            DemoRole::Operator => Role::Operator,
        };
        people::grant_role(&transaction, id, role).await?;
    }
    let credential = CredentialId::random(cx.entropy());
    let sealed =
        cx.app.secrets.sealing.seal(cx.entropy(), password::SEAL, &credential.to_string(), password_hash.as_bytes())?;
    let new = NewCredential {
        credential: base(cx, credential, id, CredentialKind::Password),
        sealed_secret: Some(sealed),
        parameters: json!({}),
    };
    credentials::insert_credential(&transaction, &new).await?;
    for holding in demo.holds {
        hold(cx, &transaction, &person, *holding, phones).await?;
    }
    transaction.commit().await?;
    Ok(())
}

fn base(cx: &Cx, id: CredentialId, person: PersonId, kind: CredentialKind) -> Credential {
    Credential {
        id,
        person,
        kind,
        label: stepgate_core::assurance::label(kind).to_owned(),
        serial: None,
        stage: CredentialState::Active,
        failures: 0,
        retry_at: None,
        last_used_at: None,
        activated_at: Some(cx.now),
        purchased_at: None,
        expires_at: None,
        created_at: cx.now,
    }
}

async fn hold(
    cx: &Cx,
    connection: &impl stepgate_store::Connection,
    person: &Person,
    holding: Holding,
    phones: &Arc<Phones>,
) -> Result<(), Fault> {
    let id = CredentialId::random(cx.entropy());
    let mut new = NewCredential {
        credential: Credential {
            purchased_at: Some(cx.now - DAY * 60),
            expires_at: Some(cx.now - DAY * 60 + YEAR),
            ..base(cx, id, person.id, holding.kind())
        },
        sealed_secret: None,
        parameters: json!({}),
    };
    match holding {
        Holding::Phones(_) | Holding::Mobile => {}
        Holding::RecoveryCodes => {
            new.credential.purchased_at = None;
            new.credential.expires_at = None;
        }
        Holding::LapsedPhone(_, days) => {
            let ended = cx.now - DAY * u32::try_from(days).unwrap_or(0);
            new.credential.purchased_at = Some(ended - YEAR);
            new.credential.expires_at = Some(ended);
        }
        Holding::UnboundPhone => {
            new.parameters = json!({ "reach": "domestic" });
            new.credential.stage = CredentialState::Pending;
            new.credential.activated_at = None;
        }
        Holding::UnboundMobile => {
            new.credential.stage = CredentialState::Pending;
            new.credential.activated_at = None;
        }
        Holding::Totp(serial) | Holding::Hotp(serial) => {
            let mode = match holding {
                Holding::Hotp(_) => Mode::Hotp,
                _ => Mode::Totp { period_seconds: 30 },
            };
            let parameters = OathParameters::new(mode, Algorithm::Sha1, 6).map_err(Fault::internal)?;
            new.parameters = serde_json::to_value(parameters).map_err(Fault::internal)?;
            new.sealed_secret =
                Some(cx.app.secrets.sealing.seal(cx.entropy(), hardware::SEAL, &id.to_string(), SEED)?);
            new.credential.serial = Some(serial.to_owned());
        }
    }
    credentials::insert_credential(connection, &new).await?;
    if matches!(holding, Holding::UnboundMobile) {
        super::sale::give_key(cx, connection, person.id, &new.credential).await?;
    }
    match holding {
        Holding::Phones(numbers) => {
            for (position, (number, voice)) in numbers.iter().enumerate() {
                insert_number(cx, connection, id, (number, *voice, position == 0)).await?;
            }
        }
        Holding::LapsedPhone(number, _) => insert_number(cx, connection, id, (number, true, true)).await?,
        Holding::Mobile => phones.give(cx, connection, person, id).await?,
        Holding::RecoveryCodes => {
            for code in paper::codes(person.username.as_str()) {
                recovery::insert_code(connection, id, &paper::hash(cx, &code)).await?;
            }
        }
        Holding::UnboundMobile | Holding::UnboundPhone | Holding::Totp(_) | Holding::Hotp(_) => {}
    }
    Ok(())
}

async fn insert_number(
    cx: &Cx,
    connection: &impl stepgate_store::Connection,
    credential: CredentialId,
    (number, voice, preferred): (&str, bool, bool),
) -> Result<(), Fault> {
    let number: PhoneNumber = number.parse().map_err(Fault::internal)?;
    let id = PhoneId::random(cx.entropy());
    let row =
        Phone { id, credential, masked: number.masked(), text: true, voice, preferred, verified_at: Some(cx.now) };
    let sealed =
        cx.app.secrets.sealing.seal(cx.entropy(), phone::SEAL, &id.to_string(), number.as_e164().as_bytes())?;
    let hash = hmac::sign(&cx.app.secrets.numbers, number.as_e164().as_bytes());
    credentials::insert_phone(connection, &row, &sealed, hash.as_ref()).await?;
    Ok(())
}
