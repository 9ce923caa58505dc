//! From a license key to credentials that wait for a device, in one transaction.

use std::time::Duration;

use serde_json::json;
use stepgate_core::account::Person;
use stepgate_core::assurance::{CredentialKind, CredentialState, label};
use stepgate_core::credentials::Credential;
use stepgate_core::credentials::hardware_token::OathParameters;
use stepgate_core::id::CredentialId;
use stepgate_core::subscriptions::license_key::{KeyStage, LicenseKey, TypedKey};
use stepgate_core::time::Timestamp;
use stepgate_store::credentials::NewCredential;
use stepgate_store::subscriptions::{self as store, Term};
use stepgate_store::{Connection, Transaction, credentials, license_keys};

use super::renew::{Renewed, renew};
use super::terms::write_term;
use crate::audit::{self, Event};
use crate::cx::Cx;
use crate::fault::Fault;
use crate::hardware_tokens;
use crate::notices::{self, Notice};
use crate::proofing::{self, InVain};
use crate::words::Language;

/// Keys that one person may type in an hour.
const TRIES: u64 = 20;

/// Why a key is not redeemed. Each says what to do.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NotRedeemed {
    /// Too short or too long for any key, or a slip of the pen.
    #[error("{0}")]
    Mistyped(String),
    /// No such key.
    #[error("We do not know this key. Look again at what you got, or ask whoever gave it to you.")]
    Unknown,
    /// The person redeemed it themselves.
    #[error("You have used this key already. What it became is under Manage OTP.")]
    UsedByYou,
    /// Somebody else did.
    #[error("This key has been used by somebody else. Ask whoever gave it to you for another one.")]
    Used,
    /// It went back for money, or was withdrawn.
    #[error("This key is void: it was given back or withdrawn. Ask whoever gave it to you for another one.")]
    Void,
    /// It was handed to another person.
    #[error("This key was handed to another person. Whoever bought it can hand it to you instead.")]
    NotYours,
    /// Its year has gone by.
    #[error("The year that this key pays for is over. A key counts from the day on which it was bought.")]
    Over,
    /// Nothing would come of it.
    #[error("{0} The key stays good: hand it to somebody else, or give it back.")]
    InVain(String),
    /// Too many tries.
    #[error("You have tried many keys. Wait an hour, or ask whoever gave it to you to look it up.")]
    TooOften,
}

/// What a key became.
#[derive(Clone, Debug)]
pub struct Redeemed {
    /// Credentials that wait for a device.
    pub credentials: Vec<CredentialId>,
    /// Whether an agent has to look at the person first.
    pub proofing: bool,
}

/// The key that somebody typed. Each try is counted.
///
/// # Errors
/// The store.
pub async fn find_typed(cx: &Cx, person: &Person, typed: &str) -> Result<Result<LicenseKey, NotRedeemed>, Fault> {
    let hour = Duration::from_secs(3600);
    if cx.app.ephemeral.incr("license key try", &person.id.to_string(), hour, cx.now).await? > TRIES {
        return Ok(Err(NotRedeemed::TooOften));
    }
    let typed = match TypedKey::parse(typed) {
        Ok(typed) => typed,
        Err(error) => return Ok(Err(NotRedeemed::Mistyped(sentence(&error.to_string())))),
    };
    let found = license_keys::find_key_by_hash(&cx.app.db, &typed.hash(&cx.app.secrets.licenses)).await?;
    let Some(key) = found else {
        audit::record(cx, &cx.app.db.write, Event::new("license_key.refused").by(person.id)).await?;
        let slip = typed.slip.map(|slip| NotRedeemed::Mistyped(sentence(&slip.to_string())));
        return Ok(Err(slip.unwrap_or(NotRedeemed::Unknown)));
    };
    Ok(judge(cx, person, &key).map_or(Ok(key), Err))
}

fn sentence(text: &str) -> String {
    let mut letters = text.chars();
    let first = letters.next().map(|letter| letter.to_uppercase().to_string()).unwrap_or_default();
    format!("{first}{}.", letters.as_str().trim_end_matches('.'))
}

/// The address that the person has shown to be theirs.
pub fn verified_mail(person: &Person) -> Option<String> {
    let verified = person.claims.email_verified == Some(true);
    person.claims.email.as_deref().filter(|_| verified).map(str::to_lowercase)
}

/// Why a person cannot redeem a key; `None` when they can.
pub fn judge(cx: &Cx, person: &Person, key: &LicenseKey) -> Option<NotRedeemed> {
    match key.stage {
        KeyStage::Redeemed if key.redeemed_by == Some(person.id) => return Some(NotRedeemed::UsedByYou),
        KeyStage::Redeemed => return Some(NotRedeemed::Used),
        KeyStage::Void => return Some(NotRedeemed::Void),
        KeyStage::Unredeemed => {}
    }
    let theirs = match (key.holder, &key.holder_mail) {
        (Some(holder), _) => holder == person.id,
        (None, Some(mail)) => verified_mail(person).as_ref() == Some(mail),
        (None, None) => true,
    };
    if !theirs {
        return Some(NotRedeemed::NotYours);
    }
    let ends = cx.app.settings.subscriptions.rules().first(key.purchased_at, None);
    (!key.gives.kinds.is_empty() && ends.is_some_and(|ends| ends <= cx.now)).then_some(NotRedeemed::Over)
}

/// Redeems a key: credentials that wait for a device, or a wish to be proofed. Of two who do so at the same moment one
/// has it.
///
/// # Errors
/// The store. Nothing is half done then.
pub async fn redeem(cx: &Cx, person: &Person, key: &LicenseKey) -> Result<Result<Redeemed, NotRedeemed>, Fault> {
    if let Some(no) = judge(cx, person, key) {
        return Ok(Err(no));
    }
    // A key for proofing alone would be used up for nothing.
    let alone = key.gives.kinds.is_empty();
    if alone && let Some(why) = proofing::in_vain(cx, person).await? {
        return Ok(Err(NotRedeemed::InVain(why.words("You", false))));
    }
    // A credential that was made for this key before waits for it already.
    let made = store::list_credentials_of_key(&cx.app.db, key.id).await?;
    let transaction = cx.app.db.begin().await?;
    if !take(cx, &transaction, person, key).await? {
        drop(transaction);
        return why_not(cx, person, key).await.map(Err);
    }
    let mut credentials: Vec<CredentialId> = made.iter().map(|held| held.id).collect();
    for kind in &key.gives.kinds {
        if made.iter().all(|held| held.kind != *kind) {
            credentials.push(insert(cx, &transaction, person, (key, *kind)).await?);
        }
    }
    if key.gives.ships {
        hardware_tokens::parcel::take_up(cx, &transaction, person, key.id).await?;
    }
    let proofing = key.gives.proofing && (alone || !person.is_proofed(cx.now));
    if proofing && !proofing::ask_in(cx, &transaction, person.id, Some(key.id)).await? && alone {
        return Ok(Err(NotRedeemed::InVain(InVain::InQueue.words("You", false))));
    }
    let data = json!({ "license_key": key.id, "product": key.product, "credentials": credentials });
    audit::record(cx, &transaction, Event::new("license_key.redeemed").by(person.id).data(data)).await?;
    let next = if proofing {
        "An agent checks your identity first; we write to you then."
    } else {
        "Open Manage OTP to set it up."
    };
    let text = format!("A license key was used for your account: {}. {next}", name_of(cx, key));
    let mut notice = Notice::new("A license key was used", text).by_mail_only();
    if let Some(first) = credentials.first() {
        notice = notice.about(*first);
    }
    notices::tell(cx, &transaction, person.id, &notice).await?;
    transaction.commit().await?;
    Ok(Ok(Redeemed { credentials, proofing }))
}

/// What a key's product is called now; its id where it is sold no more.
pub fn name_of(cx: &Cx, key: &LicenseKey) -> String {
    let products = cx.app.settings.subscriptions.products();
    let name = products.into_iter().find(|product| product.id == key.product).map(|product| product.name);
    name.unwrap_or_else(|| key.product.to_string())
}

/// A key that was handed to an address becomes its reader's in the same transaction.
async fn take(cx: &Cx, transaction: &Transaction, person: &Person, key: &LicenseKey) -> Result<bool, Fault> {
    if let (None, Some(_), Some(mail)) = (key.holder, &key.holder_mail, verified_mail(person))
        && !claim(cx, transaction, (person, &mail), key).await?
    {
        return Ok(false);
    }
    Ok(license_keys::take_key(transaction, key.id, person.id, cx.now).await?.is_some())
}

/// The audit log hears that it is theirs now, and by which address.
async fn claim(
    cx: &Cx,
    transaction: &Transaction,
    (person, mail): (&Person, &str),
    key: &LicenseKey,
) -> Result<bool, Fault> {
    if !license_keys::claim_key(transaction, key.id, (person.id, mail)).await? {
        return Ok(false);
    }
    let data = json!({ "license_key": key.id, "mail": mail });
    audit::record(cx, transaction, Event::new("license_key.claimed").by(person.id).data(data)).await?;
    Ok(true)
}

/// Somebody was faster: with what the key is now.
async fn why_not(cx: &Cx, person: &Person, key: &LicenseKey) -> Result<NotRedeemed, Fault> {
    let now = license_keys::find_key(&cx.app.db, key.id).await?;
    Ok(now.and_then(|now| judge(cx, person, &now)).unwrap_or(NotRedeemed::Used))
}

async fn insert(
    cx: &Cx,
    transaction: &Transaction,
    person: &Person,
    (key, kind): (&LicenseKey, CredentialKind),
) -> Result<CredentialId, Fault> {
    let id = CredentialId::random(cx.entropy());
    let ends = cx.app.settings.subscriptions.rules().first(key.purchased_at, None);
    let credential = Credential {
        id,
        person: person.id,
        kind,
        label: label(kind).to_owned(),
        serial: None,
        stage: CredentialState::Pending,
        failures: 0,
        retry_at: None,
        last_used_at: None,
        activated_at: None,
        purchased_at: Some(key.purchased_at),
        expires_at: ends,
        created_at: cx.now,
    };
    let parameters = match kind {
        CredentialKind::PhoneOtp => json!({ "reach": key.gives.reach }),
        // Those of the token that it will be replace them.
        CredentialKind::HardwareToken => serde_json::to_value(OathParameters::COMMON_TOTP).map_err(Fault::internal)?,
        _ => json!({}),
    };
    credentials::insert_credential(transaction, &NewCredential { credential, sealed_secret: None, parameters }).await?;
    store::set_sold_as(transaction, id, &key.product, key.id).await?;
    if key.gives.proofing {
        store::set_needs_proofing(transaction, id).await?;
    }
    if let Some(until) = ends {
        let (from, order) = (key.purchased_at, key.order);
        write_term(cx, transaction, &Term { credential: id, person: person.id, key: key.id, order, from, until })
            .await?;
    }
    Ok(id)
}

/// Begins the term of a credential whose device was bound just now, where terms count from the activation. Call it in the
/// transaction that binds.
///
/// # Errors
/// The store.
pub async fn begin_term(cx: &Cx, connection: &impl Connection, credential: &Credential) -> Result<(), Fault> {
    if credential.expires_at.is_some() || credential.activated_at.is_some() {
        return Ok(());
    }
    let Some(purchased_at) = credential.purchased_at else { return Ok(()) };
    let until = cx.app.settings.subscriptions.rules().first(purchased_at, Some(cx.now));
    let Some(key) = store::find_sold_as(&cx.app.db, credential.id).await?.key else { return Ok(()) };
    if let Some(until) = until
        && store::begin_term(connection, credential.id, until, cx.now).await?
    {
        let (credential, person) = (credential.id, credential.person);
        write_term(cx, connection, &Term { credential, person, key, order: None, from: cx.now, until }).await?;
    }
    Ok(())
}

/// Whether a credential may be bound to a device now: one that was sold with proofing waits for an agent.
///
/// # Errors
/// The store.
pub async fn may_bind(cx: &Cx, person: &Person, credential: &Credential) -> Result<bool, Fault> {
    if credential.stage != CredentialState::Pending || person.is_proofed(cx.now) {
        return Ok(true);
    }
    Ok(!store::find_sold_as(&cx.app.db, credential.id).await?.needs_proofing)
}

/// Uses a key that the person has for another year of what they hold, in place of something new. `None`: it does not fit,
/// or something else was faster.
///
/// # Errors
/// The store.
pub async fn renew_by_key(
    cx: &Cx,
    person: &Person,
    (key, credential): (&LicenseKey, &Credential),
) -> Result<Result<Timestamp, NotRedeemed>, Fault> {
    if let Some(no) = judge(cx, person, key) {
        return Ok(Err(no));
    }
    let transaction = cx.app.db.begin().await?;
    if let (None, Some(_), Some(mail)) = (key.holder, &key.holder_mail, verified_mail(person)) {
        claim(cx, &transaction, (person, &mail), key).await?;
    }
    match renew(cx, &transaction, (key, std::slice::from_ref(credential))).await? {
        Renewed::Until(until) => {
            let words = |language: Language| {
                let label = || [("label", credential.label.as_str().into())];
                (language.text("renewed-by-key-subject"), language.say("renewed-by-key", label()))
            };
            let notice = Notice::spoken(words).about(credential.id).by_mail_only();
            notices::tell(cx, &transaction, person.id, &notice).await?;
            transaction.commit().await?;
            Ok(Ok(until))
        }
        Renewed::NotRenewable | Renewed::Raced => {
            drop(transaction);
            why_not(cx, person, key).await.map(Err)
        }
    }
}
