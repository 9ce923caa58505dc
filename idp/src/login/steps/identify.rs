//! The user ID, then the password; or a passkey, which is both.

use stepgate_core::authorize::interaction::{Interaction, Named};
use stepgate_core::secret::SecretString;
use stepgate_store::people;

use super::{Outcome, earn, keep};
use crate::credentials::passkey::{self, Login};
use crate::cx::Cx;
use crate::http::extract::Form;
use crate::http::page::PageFailure;
use crate::login::parked::Parked;
use crate::login::password::{self, Checked};
use crate::session::Live;

/// Somebody typed a user ID. Whether there is such an account is not told.
pub(super) async fn name(cx: &Cx, parked: Parked, live: Option<Live>, form: &Form) -> Result<Outcome, PageFailure> {
    let typed = form.get("username");
    if typed.is_empty() || typed.len() > 254 {
        return Ok(Outcome::error(parked, live, "login-empty"));
    }
    let named = match people::find_person_by_login(&cx.app.db, typed).await? {
        Some(person) => Named::Person(person.id),
        None => Named::Unknown(typed.to_owned()),
    };
    keep(cx, parked, |interaction| interaction.named(named)).await
}

/// Somebody typed a password.
pub(super) async fn password(
    cx: &Cx,
    mut parked: Parked,
    live: Option<Live>,
    form: &Form,
    login: Named,
) -> Result<Outcome, PageFailure> {
    if !form.get("restart").is_empty() {
        return keep(cx, parked, Interaction::somebody_else).await;
    }
    let typed = form.raw("password");
    if typed.is_empty() {
        return Ok(Outcome::error(parked, live, "password-empty"));
    }
    let person = match login {
        Named::Person(id) => people::find_person(&cx.app.db, id).await?,
        Named::Unknown(_) => None,
    };
    match password::check(cx, person.as_ref(), &mut parked, SecretString::new(typed.to_owned())).await? {
        Checked::Right(event) => match person {
            Some(person) => earn(cx, live, person.id, event).await,
            None => Ok(Outcome::Next { cookie: None }),
        },
        Checked::Overtaken => Ok(Outcome::Next { cookie: None }),
        Checked::Wrong => Ok(Outcome::error(parked, live, "password-wrong")),
    }
}

/// Somebody let a passkey sign instead.
pub(super) async fn passkey(cx: &Cx, parked: Parked, live: Option<Live>, form: &Form) -> Result<Outcome, PageFailure> {
    let Ok(challenge) = form.get("passkey").parse() else { return Ok(Outcome::Next { cookie: None }) };
    let only = parked.interaction.pinned.map(|pinned| pinned.person);
    let key = match passkey::verify(cx, challenge, &parked.binding(), only, form.get("response")).await? {
        Login::Accepted(person, event) => return earn(cx, live, person, event).await,
        Login::Refused(_) => "passkey-refused",
        Login::Over => "passkey-late",
    };
    Ok(Outcome::error(parked, live, key))
}
