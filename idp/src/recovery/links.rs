//! Forgotten user ID, forgotten password: mailed answers to a question that everybody may ask.
//!
//! The request does the same for everybody: it puts the question into the outbox. Who is meant is looked up afterwards,
//! by the background task, so that neither the page nor its time tells who exists (OWASP ASVS 6.3.8).

use std::sync::Arc;
use std::time::Duration;

use serde::{Deserialize, Serialize};
use serde_json::json;
use stepgate_core::account::Person;
use stepgate_core::assurance::{CredentialKind, CredentialState};
use stepgate_core::contact::EmailAddress;
use stepgate_core::credentials::Credential;
use stepgate_core::entropy::random_token;
use stepgate_core::secret::{SecretString, TokenHash};
use stepgate_store::outbox::{self as kept, Leased};
use stepgate_store::recovery::{self as store, Link};
use stepgate_store::{credentials, people, sessions};

use crate::app::App;
use crate::audit::{self, Event};
use crate::cx::Cx;
use crate::device::address;
use crate::fault::Fault;
use crate::logout::end;
use crate::outbound::Mail;
use crate::outbox::{self, OWN_TIME};
use crate::session::{self, Live};

/// The kind of these questions in the outbox.
const KIND: &str = "forgotten";
/// How many a node answers at a time.
const AT_ONCE: u32 = 20;
/// A question that could not be answered for so long is given up.
const LIFETIME: Duration = Duration::from_secs(600);
const HOUR: Duration = Duration::from_secs(3600);
/// The window of tries from one address.
pub const WINDOW: Duration = Duration::from_secs(600);

/// What somebody forgot.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Forgotten {
    /// The user ID of an e-mail address.
    UserId,
    /// The password of a user ID or an e-mail address.
    Password,
}

#[derive(Serialize, Deserialize)]
struct Question {
    forgotten: Forgotten,
    typed: String,
}

/// Takes a question; `false` when too many came from one address. Whoever is meant, the same is done.
pub async fn ask(cx: &Cx, forgotten: Forgotten, typed: &str) -> Result<bool, Fault> {
    let limit = cx.app.settings.recovery.tries_per_address;
    if cx.app.ephemeral.incr("forgotten address", &address(cx.ip), WINDOW, cx.now).await? > limit {
        return Ok(false);
    }
    let question = Question { forgotten, typed: typed.chars().take(320).collect() };
    let mut message = outbox::sealed(cx, KIND, &question, None)?;
    message.due_at = cx.now;
    let transaction = cx.app.db.begin().await?;
    kept::insert_message(&transaction, &message).await?;
    audit::record(cx, &transaction, Event::new("recovery.asked").data(json!({ "forgotten": forgotten }))).await?;
    transaction.commit().await?;
    Ok(true)
}

/// Answers the questions that are due. Called every second by the background task.
pub async fn deliver(app: &Arc<App>) -> Result<(), Fault> {
    let cx = Cx::background(app);
    for leased in kept::lease_messages(&app.db, KIND, AT_ONCE, cx.now, cx.now + OWN_TIME).await? {
        if cx.now.since(leased.created_at) > LIFETIME {
            kept::abandon_message(&app.db, leased.id, cx.now, "too old to be of use").await?;
            continue;
        }
        match answer(&cx, &leased).await {
            Ok(()) => kept::finish_message(&app.db, leased.id, cx.now).await?,
            Err(error) => kept::fail_message(&app.db, leased.id, cx.now + OWN_TIME, &error).await?,
        }
    }
    Ok(())
}

/// Answers one question; the error is for the operator.
async fn answer(cx: &Cx, leased: &Leased) -> Result<(), String> {
    let text = |fault: Fault| fault.to_string();
    let question: Question = outbox::open_as(&cx.app, leased).map_err(text)?;
    let person = people::find_person_by_login(&cx.app.db, &question.typed).await.map_err(|error| error.to_string())?;
    let Some(person) = person.filter(|person| person.suspended_at.is_none()) else { return Ok(()) };
    let Some(to) = person.claims.email.as_deref().and_then(|email| email.parse::<EmailAddress>().ok()) else {
        return Ok(());
    };
    let mail = match question.forgotten {
        Forgotten::UserId if !is_address_of(&question.typed, &person) => return Ok(()),
        // Counted at the first try only: a mail server that is away uses nothing up.
        _ if leased.attempts <= 1 && over_cap(cx, &person).await.map_err(text)? => return Ok(()),
        Forgotten::UserId => user_id_mail(cx, &person, leased),
        Forgotten::Password => match password_mail(cx, &person, leased).await.map_err(text)? {
            Some(mail) => mail,
            None => return Ok(()),
        },
    };
    cx.app.outbound.mail(&to, &mail).await.map_err(|error| error.to_string())
}

/// A user ID is told to the address that was asked about, and not because somebody typed a user ID.
fn is_address_of(typed: &str, person: &Person) -> bool {
    person.claims.email.as_deref().is_some_and(|email| email.eq_ignore_ascii_case(typed.trim()))
}

async fn over_cap(cx: &Cx, person: &Person) -> Result<bool, Fault> {
    let count = cx.app.ephemeral.incr("forgotten person", &person.id.to_string(), HOUR, cx.now).await?;
    Ok(count > cx.app.settings.recovery.mails_per_hour)
}

fn user_id_mail(cx: &Cx, person: &Person, leased: &Leased) -> Mail {
    let (name, site) = (&cx.app.settings.server.name, cx.app.url("/account"));
    let text = format!(
        "Hello {},\n\nsomebody, probably you, asked which user ID belongs to this address. It is:\n\n    {}\n\nSign in at \
         {site} with it, or with this address. If you did not ask, there is nothing to do.\n\n{name}",
        person.display_name(),
        person.username,
    );
    Mail {
        subject: "Your user ID".to_owned(),
        text: SecretString::new(text),
        code: None,
        at: leased.created_at,
        id: leased.id,
    }
}

/// The mail with a new link; `None` for somebody whose password cannot be set this way.
async fn password_mail(cx: &Cx, person: &Person, leased: &Leased) -> Result<Option<Mail>, Fault> {
    let held = credentials::list_credentials(&cx.app.db, person.id).await?;
    let usable = held.iter().any(|it| it.kind == CredentialKind::Password && it.stage == CredentialState::Active);
    if !usable {
        return Ok(None);
    }
    let token = random_token(cx.entropy());
    let life = cx.app.settings.recovery.link();
    let link = Link {
        hash: TokenHash::of(&token),
        person: person.id,
        session: None,
        created_at: cx.now,
        expires_at: cx.now + life,
    };
    let transaction = cx.app.db.begin().await?;
    store::insert_link(&transaction, &link).await?;
    audit::record(cx, &transaction, Event::new("recovery.link.sent").to(person.id)).await?;
    transaction.commit().await?;
    let (name, url) = (&cx.app.settings.server.name, cx.app.url(&format!("/help/password/new?link={token}")));
    let text = format!(
        "Hello {},\n\nsomebody, probably you, asked for a new password. Open this page within {} minutes to choose one; \
         it works once:\n\n{url}\n\nIf you have a second factor, you will be asked for it. If you did not ask, there is \
         nothing to do: your password stays.\n\n{name}",
        person.display_name(),
        life.as_secs() / 60,
    );
    let (subject, text) = ("Choose a new password".to_owned(), SecretString::new(text));
    Ok(Some(Mail { subject, text, code: None, at: leased.created_at, id: leased.id }))
}

/// A link that works, and how far its holder is.
pub struct Opened {
    /// The link.
    pub link: Link,
    /// Whose.
    pub person: Person,
    /// Whether the person holds a second factor and has not shown it for this link.
    pub needs_factor: bool,
}

/// Opens what a mail, or the session that was begun for it, leads to. `None` for a link that is wrong, used or too old.
pub async fn open(cx: &Cx, token: &str, live: Option<&Live>) -> Result<Option<Opened>, Fault> {
    let link = if token.is_empty() {
        match live {
            Some(live) => store::find_link_of_session(&cx.app.db, live.session.id, cx.now).await?,
            None => None,
        }
    } else {
        store::find_link(&cx.app.db, &TokenHash::of(token), cx.now).await?
    };
    let Some(link) = link else { return Ok(None) };
    let person = people::find_person(&cx.app.db, link.person).await?;
    let Some(person) = person.filter(|person| person.suspended_at.is_none()) else { return Ok(None) };
    let held = credentials::list_credentials(&cx.app.db, person.id).await?;
    let second = |it: &&Credential| !matches!(it.kind, CredentialKind::Password | CredentialKind::Recovery);
    // What is suspended or locked does not make the mail enough: it is a second factor that cannot be shown just now.
    let counts = |it: &Credential| {
        matches!(it.state(cx.now), CredentialState::Active | CredentialState::Suspended | CredentialState::Locked)
    };
    let shown_with = |live: &Live| {
        let events = live.session.events.iter().filter(|event| event.at >= link.created_at);
        let usable =
            |id| held.iter().filter(second).any(|it| it.id == id && it.state(cx.now) == CredentialState::Active);
        link.session == Some(live.session.id)
            && live.session.person == person.id
            && events.into_iter().any(|event| usable(event.credential))
    };
    let needs_factor = held.iter().filter(second).any(counts) && !live.is_some_and(shown_with);
    Ok(Some(Opened { link, person, needs_factor }))
}

/// Begins the session in which the second factor is shown: it is no login, and ends with the link.
pub async fn begin_factor(cx: &Cx, opened: &Opened, live: Option<Live>) -> Result<session::Renewed, Fault> {
    let mut replaced = None;
    if let Some(live) = live {
        // Whoever was logged in here makes room.
        replaced = end::end(cx, live.session.id, live.session.person).await?;
    }
    let transaction = cx.app.db.begin().await?;
    let renewed = session::begin_bare(cx, &transaction, opened.person.id, opened.link.expires_at).await?;
    store::update_link_session(&transaction, &opened.link.hash, renewed.live.session.id).await?;
    transaction.commit().await?;
    if let Some(ended) = replaced {
        ended.tell_soon(cx);
    }
    Ok(renewed)
}

/// Sets the password that the link's holder chose; `false` when the link was used up meanwhile. All sessions end, unless
/// the person wishes otherwise; the one for the second factor always does.
pub async fn redeem(cx: &Cx, opened: &Opened, password: SecretString, end_all: bool) -> Result<bool, Fault> {
    let hash = crate::login::password::hash(cx, password).await?;
    for session in sessions::list_sessions(&cx.app.db, opened.person.id, cx.now).await? {
        end::know_partners(cx, session.id).await?;
    }
    let transaction = cx.app.db.begin().await?;
    if !store::take_link(&transaction, &opened.link.hash, cx.now).await? {
        return Ok(false);
    }
    let ended = if end_all {
        end::end_all_in(cx, &transaction, opened.person.id, None).await?.1
    } else if let Some(session) = opened.link.session {
        end::end_in(cx, &transaction, session, opened.person.id).await?.unwrap_or_default()
    } else {
        end::Ended::default()
    };
    super::passwords::replace(cx, &transaction, &opened.person, &hash, "by a mailed link").await?;
    transaction.commit().await?;
    ended.tell_soon(cx);
    Ok(true)
}
