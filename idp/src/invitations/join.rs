//! The invited person's side: a new account, or the one that they have, and the key in it.

use serde_json::json;
use stepgate_core::account::{Person, StandardClaims};
use stepgate_core::assurance::{CredentialKind, CredentialState, Evidence, FactorEvent, Method, label};
use stepgate_core::contact::Username;
use stepgate_core::credentials::Credential;
use stepgate_core::id::{CredentialId, PersonId};
use stepgate_core::secret::{SecretString, TokenHash};
use stepgate_core::subscriptions::invitation::Invitation;
use stepgate_store::credentials::NewCredential;
use stepgate_store::{StoreError, credentials, invitations as store, people};

use crate::audit::{self, Event};
use crate::cx::Cx;
use crate::fault::Fault;
use crate::http::extract::Browser;
use crate::login::password;
use crate::session::{self, Renewed};

/// Under which name a browser is kept with an invitation: worthless for anything else.
fn fingerprint(browser: &Browser) -> TokenHash {
    TokenHash::of(&format!("invitation {}", browser.token()))
}

/// The invitation that a link, or this browser's way through the login, leads to. `None` for one that is wrong, used,
/// withdrawn, replaced or too old.
pub async fn open(cx: &Cx, token: &str, browser: &Browser) -> Result<Option<Invitation>, Fault> {
    let found = if token.is_empty() {
        store::find_by_browser(&cx.app.db, &fingerprint(browser), cx.now).await?
    } else {
        store::find_by_token(&cx.app.db, &TokenHash::of(token), cx.now).await?
    };
    if let Some(invitation) = found.as_ref().filter(|it| it.opened_at.is_none()) {
        store::mark_opened(&cx.app.db.write, invitation.id, cx.now).await?;
    }
    Ok(found)
}

/// Keeps the invitation for this browser while its person is at the login.
pub async fn remember(cx: &Cx, invitation: &Invitation, browser: &Browser) -> Result<(), Fault> {
    Ok(store::bind_browser(&cx.app.db.write, invitation.id, &fingerprint(browser)).await?)
}

/// Whether this person has the address that was invited.
pub fn is_for(invitation: &Invitation, person: &Person) -> bool {
    person.claims.email.as_deref().is_some_and(|email| email.to_lowercase() == invitation.email)
}

/// What a new person chose.
pub struct Choice {
    /// The user ID.
    pub username: Username,
    /// The full name.
    pub name: String,
    /// The password; checked against the rules before.
    pub password: SecretString,
}

/// What became of it.
pub enum Joined {
    /// The account is there, its person is logged in, and the key is theirs.
    As(Box<Renewed>),
    /// Somebody has that user ID.
    NameTaken,
    /// Somebody has that address: they log in instead.
    AddressTaken,
    /// The invitation was taken up, withdrawn or replaced meanwhile.
    Over,
}

/// Makes an account for the invited address. The link was mailed there, so the address is proved.
pub async fn join(cx: &Cx, invitation: &Invitation, choice: Choice) -> Result<Joined, Fault> {
    let phc = password::hash(cx, choice.password).await?;
    let (id, credential) = (PersonId::random(cx.entropy()), CredentialId::random(cx.entropy()));
    let person = Person {
        id,
        username: choice.username,
        claims: StandardClaims {
            name: Some(choice.name),
            email: Some(invitation.email.clone()),
            email_verified: Some(true),
            ..StandardClaims::default()
        },
        suspended_at: None,
        proofed_at: None,
        proofing_expires_at: None,
        created_at: cx.now,
        updated_at: cx.now,
    };
    let transaction = cx.app.db.begin().await?;
    if !store::take_invitation(&transaction, invitation, id, cx.now).await? {
        return Ok(Joined::Over);
    }
    match people::insert_person(&transaction, &person).await {
        Err(StoreError::Conflict { constraint }) if constraint.contains("email") => return Ok(Joined::AddressTaken),
        Err(StoreError::Conflict { .. }) => return Ok(Joined::NameTaken),
        made => made?,
    }
    let sealed = cx.app.secrets.sealing.seal(cx.entropy(), password::SEAL, &credential.to_string(), phc.as_bytes())?;
    let new = NewCredential {
        credential: Credential {
            id: credential,
            person: id,
            kind: CredentialKind::Password,
            label: label(CredentialKind::Password).to_owned(),
            serial: None,
            stage: CredentialState::Active,
            failures: 0,
            retry_at: None,
            last_used_at: Some(cx.now),
            activated_at: Some(cx.now),
            purchased_at: None,
            expires_at: None,
            created_at: cx.now,
        },
        sealed_secret: Some(sealed),
        parameters: json!({}),
    };
    credentials::insert_credential(&transaction, &new).await?;
    if let Some(organization) = invitation.organization {
        people::insert_membership(&transaction, id, organization, cx.now).await?;
    }
    if !store::hand_key(&transaction, invitation.key, id).await? {
        return Ok(Joined::Over);
    }
    let data = json!({ "invitation": invitation.id, "organization": invitation.organization });
    audit::record(cx, &transaction, Event::new("invitation.joined").by(id).data(data)).await?;
    // Whoever chose the password has shown it.
    let event =
        FactorEvent { method: Method::Password, at: cx.now, credential, evidence: Evidence::default(), proofed: false };
    let renewed = session::begin(cx, &transaction, id, event).await?;
    transaction.commit().await?;
    Ok(Joined::As(Box::new(renewed)))
}

/// Takes an invitation up with the account that its address has; `false` when it is over. The person becomes nobody's
/// member by it: an administrator who knows an address must not get a say over the account behind it.
pub async fn accept(cx: &Cx, invitation: &Invitation, person: &Person) -> Result<bool, Fault> {
    if !is_for(invitation, person) {
        return Ok(false);
    }
    let transaction = cx.app.db.begin().await?;
    if !store::take_invitation(&transaction, invitation, person.id, cx.now).await?
        || !store::hand_key(&transaction, invitation.key, person.id).await?
    {
        return Ok(false);
    }
    // The link was read there, so the address is proved; if it is still theirs.
    people::verify_email(&transaction, (person.id, &invitation.email), cx.now).await?;
    let data = json!({ "invitation": invitation.id });
    audit::record(cx, &transaction, Event::new("invitation.accepted").by(person.id).data(data)).await?;
    transaction.commit().await?;
    Ok(true)
}
