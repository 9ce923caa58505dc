//! The playground's demo half: a run as a made-up person, at the strength that was chosen.

use std::sync::Arc;

use axum::Extension;
use axum::response::Response;

use super::actor::Actor;
use super::phones::Phones;
use crate::developer::{enter, playground};
use crate::http::extract::Form;
use crate::http::page::{PageFailure, see_other};

/// Runs the request of the form as its person, and leads to what happened.
pub(super) async fn post_run(Extension(phones): Extension<Arc<Phones>>, form: Form) -> Response {
    let cx = form.cx.clone();
    let ran = async {
        let integrator = enter(&cx, &form.browser).await?;
        let acting =
            playground::Acting { username: form.get("as").to_owned(), strength: form.get("strength").to_owned() };
        let (username, strength) = (acting.username.clone(), acting.strength.clone());
        let begun = match playground::begin(&cx, &integrator, &form, Some(acting)).await? {
            Ok(begun) => begun,
            Err(faults) => return playground::again(&cx, &integrator, &form, &faults).await,
        };
        let mut actor = Actor::new(&cx.app, &username, &strength);
        let answer = actor.follow(&cx, &phones, &begun.url, &playground::callback(&cx)).await?;
        let path = format!("/developer/playground/runs/{}", begun.id);
        if playground::take(&cx, &begun, &integrator).await? {
            playground::complete(&cx, begun.id, begun.run, answer, integrator.person()).await?;
        }
        actor.leave().await?;
        Ok(see_other(&path))
    };
    ran.await.unwrap_or_else(|failure: PageFailure| failure.respond(&cx))
}
