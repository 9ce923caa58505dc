//! The user ID, then the password.

use stepgate_core::authorize::interaction::{Interaction, Named};
use stepgate_core::secret::SecretString;
use stepgate_store::people;

use super::{Outcome, earn, keep};
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
        return Ok(Outcome::error(parked, live, "Type your user ID or your email address."));
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
        return Ok(Outcome::error(parked, live, "Type your password."));
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
        Checked::Wrong => {
            let text = "That user ID and password do not belong together, or there were too many tries. Check both and \
                        try again in a moment.";
            Ok(Outcome::error(parked, live, text))
        }
    }
}
