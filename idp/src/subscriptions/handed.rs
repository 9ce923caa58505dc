//! Handing a key that was bought to somebody: a person of the purchaser's organizations, or whoever has an address.

use std::time::Duration;

use serde_json::json;
use stepgate_core::account::Person;
use stepgate_core::contact::EmailAddress;
use stepgate_core::id::PersonId;
use stepgate_core::subscriptions::license_key::LicenseKey;
use stepgate_store::{Connection, Transaction, license_keys, people};

use super::redeem::{name_of, verified_mail};
use crate::audit::{self, Event};
use crate::cx::Cx;
use crate::fault::Fault;
use crate::notices::{self, Notice};

/// Where the keys of a person are used.
const LICENSE: &str = "/account/otp/license";

/// What became of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Handed {
    /// It is theirs, and they were told.
    Done,
    /// Neither a user ID of the organization nor an address.
    NoSuchPerson,
    /// It was redeemed or given back since, or is not the purchaser's.
    NotAnyMore,
    /// Enough mails for an hour.
    TooOften,
}

/// How often one key is handed over in an hour.
const MAILS_AN_HOUR: u64 = 3;
/// How many keys one person hands to the same address in an hour.
const KEYS_TO_ONE: u64 = 10;
/// How many keys one person hands over in an hour.
const KEYS_AN_HOUR: u64 = 100;
const HOUR: Duration = Duration::from_secs(3600);

/// Whether another mail may go out for this key: whoever hands keys over and takes them back floods nobody.
async fn may_write(cx: &Cx, purchaser: PersonId, key: &LicenseKey, whom: &Whom) -> Result<bool, Fault> {
    let address = match whom {
        Whom::Person(person) if person.id == purchaser => return Ok(true),
        Whom::Person(person) => person.id.to_string(),
        Whom::Mail(mail) => mail.clone(),
    };
    let address = format!("{purchaser} {address}");
    let counts = [
        ("license key handed", key.id.to_string(), MAILS_AN_HOUR),
        ("license key handed by", purchaser.to_string(), KEYS_AN_HOUR),
        ("license key handed to", address, KEYS_TO_ONE),
    ];
    let mut may = true;
    for (purpose, name, most) in counts {
        may &= cx.app.ephemeral.incr(purpose, &name, HOUR, cx.now).await? <= most;
    }
    Ok(may)
}

enum Whom {
    Person(Box<Person>),
    Mail(String),
}

/// Whom `typed` names. People outside of the purchaser's organizations are known by address alone: nobody learns here who
/// has an account.
async fn whom(cx: &Cx, purchaser: PersonId, typed: &str) -> Result<Option<Whom>, Fault> {
    let typed = typed.trim().to_lowercase();
    if let Some(person) = people::find_person_by_login(&cx.app.db, &typed).await? {
        let mine = people::organizations_of(&cx.app.db, purchaser).await?;
        let theirs = people::organizations_of(&cx.app.db, person.id).await?;
        let colleague = person.id == purchaser || theirs.iter().any(|one| mine.iter().any(|own| own.id == one.id));
        let known = person.username.as_str() == typed || verified_mail(&person).as_ref() == Some(&typed);
        if colleague && known && person.suspended_at.is_none() {
            return Ok(Some(Whom::Person(Box::new(person))));
        }
    }
    // Mail goes to plain addresses only: what cannot be delivered should not look as if it were.
    let address = typed.is_ascii() && typed.rsplit_once('@').is_some_and(|(_, host)| host.contains('.'));
    Ok((address && typed.parse::<EmailAddress>().is_ok()).then_some(Whom::Mail(typed)))
}

/// Tells whoever had a key until now that it is not theirs any more.
async fn tell_former(
    cx: &Cx,
    transaction: &Transaction,
    (purchaser, key): (&Person, &LicenseKey),
    now: Option<&Whom>,
) -> Result<(), Fault> {
    let subject = "A license key was taken back";
    let text = format!("The license key for {} that was handed to you was taken back.", name_of(cx, key));
    match (key.holder, &key.holder_mail, now) {
        (Some(holder), _, Some(Whom::Person(person))) if person.id == holder => {}
        (Some(holder), ..) if holder != purchaser.id => {
            notices::tell(cx, transaction, holder, &Notice::new(subject, text).by_mail_only()).await?;
        }
        (None, Some(mail), Some(Whom::Mail(same))) if mail == same => {}
        (None, Some(mail), _) => {
            let brand = &cx.app.settings.server.name;
            let text = format!("Hello,\n\n{text}\n\n{brand}\n");
            notices::mail(cx, transaction, (mail, subject), &text).await?;
        }
        _ => {}
    }
    Ok(())
}

/// Hands a key to whom `typed` names, and tells them where to redeem it. The key itself is in no mail.
///
/// # Errors
/// The store.
pub async fn hand_over(cx: &Cx, purchaser: &Person, key: &LicenseKey, typed: &str) -> Result<Handed, Fault> {
    let Some(whom) = whom(cx, purchaser.id, typed).await? else { return Ok(Handed::NoSuchPerson) };
    if !may_write(cx, purchaser.id, key, &whom).await? {
        return Ok(Handed::TooOften);
    }
    let (holder, mail) = match &whom {
        Whom::Person(person) => (Some(person.id), None),
        Whom::Mail(mail) => (None, Some(mail.as_str())),
    };
    let transaction = cx.app.db.begin().await?;
    if !license_keys::assign_key(&transaction, (key.id, purchaser.id), holder, mail).await? {
        return Ok(Handed::NotAnyMore);
    }
    let data = json!({ "license_key": key.id, "holder": holder, "mail": mail });
    let event = Event { actor: Some(purchaser.id), ..Event::new("license_key.handed") };
    let event = Event { person: holder.or(Some(purchaser.id)), ..event };
    audit::record(cx, &transaction, event.data(data)).await?;
    tell_former(cx, &transaction, (purchaser, key), Some(&whom)).await?;
    match whom {
        Whom::Person(person) => tell_holder(cx, &transaction, purchaser, (key, person.id)).await?,
        Whom::Mail(mail) => {
            let (from, product) = (purchaser.display_name(), name_of(cx, key));
            let link = cx.app.url(LICENSE);
            let brand = &cx.app.settings.server.name;
            let text = format!(
                "Hello,\n\n{from} has a license key for you: {product}. Sign in with the account that has this address, and \
                 use it here:\n\n{link}\n\nIf you do not know {from}, do nothing.\n\n{brand}\n"
            );
            notices::mail(cx, &transaction, (&mail, "A license key is waiting for you"), &text).await?;
        }
    }
    transaction.commit().await?;
    Ok(Handed::Done)
}

/// Tells a person of the key that somebody else bought for them, in the transaction that makes it theirs.
pub(super) async fn tell_holder(
    cx: &Cx,
    transaction: &impl Connection,
    purchaser: &Person,
    (key, holder): (&LicenseKey, PersonId),
) -> Result<(), Fault> {
    if holder == purchaser.id {
        return Ok(());
    }
    let (from, product, link) = (purchaser.display_name(), name_of(cx, key), cx.app.url(LICENSE));
    let text = format!(
        "{from} has a license key for you: {product}. Open this page to use it, nothing has to be typed:\n\n{link}"
    );
    let notice = Notice::new("A license key is waiting for you", text).by_mail_only();
    notices::tell(cx, transaction, holder, &notice).await
}

/// Takes a key back that nobody has redeemed; `false` when somebody has.
///
/// # Errors
/// The store.
pub async fn take_back(cx: &Cx, purchaser: &Person, key: &LicenseKey) -> Result<bool, Fault> {
    let transaction = cx.app.db.begin().await?;
    let taken = license_keys::assign_key(&transaction, (key.id, purchaser.id), None, None).await?;
    if taken {
        let event = Event::new("license_key.taken_back").by(purchaser.id);
        audit::record(cx, &transaction, event.data(json!({ "license_key": key.id }))).await?;
        tell_former(cx, &transaction, (purchaser, key), None).await?;
    }
    transaction.commit().await?;
    Ok(taken)
}
