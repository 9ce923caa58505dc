//! The supervised reset, from the help desk's side: one asks, another approves, and after the cool-down either gives out
//! the binding code.
//!
//! For roles that reach everybody; an organization's own administrators look after their people in other ways. What may
//! be done when, and by whom, is `stepgate_core::credentials::reset`.

use std::sync::Arc;

use axum::Router;
use axum::extract::Path;
use axum::http::StatusCode;
use axum::response::Response;
use axum::routing::get;
use stepgate_core::account::Person;
use stepgate_core::authorize::interaction::Landing;
use stepgate_core::credentials::reset::ResetStage;
use stepgate_core::id::PersonId;
use stepgate_store::people;
use stepgate_store::resets::{self as store, Case};

use super::access::{Act, Place, Scope};
use super::{Administrator, enter};
use crate::account::fresh::step_up_at;
use crate::app::App;
use crate::cx::Cx;
use crate::http::extract::{Browser, Form};
use crate::http::page::{PageFailure, see_other};
use crate::pages::admin::{DetailPage, DetailSection, ListPage};
use crate::pages::form::{Control, Field, Form as PageForm};
use crate::pages::table::{Cell, Table};
use crate::pages::{self, Action, Tone, When};
use crate::recovery::resets::{self, ResetFailure};

pub(super) fn routes() -> Router<Arc<App>> {
    Router::new()
        .route("/admin/resets", get(get_resets))
        .route("/admin/people/{username}/reset", get(get_reset).post(post_reset))
}

/// Whoever may edit everybody; a narrower reach does not do.
async fn agent(cx: &Cx, browser: &Browser) -> Result<Administrator, PageFailure> {
    let administrator = enter(cx, browser, Place::People, Act::Edit).await?;
    if administrator.scope == Scope::All { Ok(administrator) } else { Err(PageFailure::Forbidden) }
}

async fn find(cx: &Cx, username: &str) -> Result<Person, PageFailure> {
    people::find_person_by_login(&cx.app.db, username).await?.ok_or(PageFailure::NotFound)
}

async fn name_of(cx: &Cx, id: PersonId) -> Result<String, PageFailure> {
    let found = people::find_person(&cx.app.db, id).await?;
    Ok(found.map_or_else(|| id.to_string(), |person| person.username.to_string()))
}

const fn state(stage: ResetStage) -> (Tone, &'static str) {
    match stage {
        ResetStage::Asked => (Tone::Notice, "Waits for approval"),
        ResetStage::Waiting { .. } => (Tone::Warning, "Approved"),
        ResetStage::Coded { .. } => (Tone::Warning, "Code given out"),
        ResetStage::Bound => (Tone::Ok, "Done"),
        ResetStage::Refused { .. } => (Tone::Danger, "Refused"),
        ResetStage::Undone => (Tone::Danger, "Stopped, or lapsed"),
    }
}

async fn get_resets(cx: Cx, browser: Browser) -> Response {
    let shown = async {
        let administrator = agent(&cx, &browser).await?;
        let zone = administrator.visitor.zone();
        let mut rows = Vec::new();
        for case in store::list_open_resets(&cx.app.db, cx.now).await? {
            let person = name_of(&cx, case.reset.person).await?;
            let (tone, word) = state(case.reset.stage);
            rows.push(vec![
                Cell::link(format!("/admin/people/{person}/reset"), person),
                Cell::State(tone, word.to_owned()),
                Cell::text(name_of(&cx, case.reset.asked_by).await?),
                Cell::Time(When::new(case.reset.asked_at, cx.now, &zone)),
            ]);
        }
        let page = ListPage {
            layout: administrator.layout(&cx, "Resets", Place::People),
            page: "admin-resets",
            heading: "Resets of devices".to_owned(),
            filter: Vec::new(),
            table: Table::new(&["Person", "State", "Asked by", "Asked"], rows, "No open case."),
            actions: vec![Action::link("people", "People", "/admin/people")],
            done: None,
        };
        Ok(pages::respond(StatusCode::OK, &page))
    };
    shown.await.unwrap_or_else(|failure: PageFailure| failure.respond(&cx))
}

/// What a page about a case says beside the case.
#[derive(Default)]
struct Say {
    error: Option<String>,
    code: Option<String>,
    typed: (String, String),
}

async fn get_reset(cx: Cx, browser: Browser, Path(username): Path<String>) -> Response {
    let shown = async {
        let administrator = agent(&cx, &browser).await?;
        let person = find(&cx, &username).await?;
        show(&cx, &administrator, &person, Say::default()).await
    };
    shown.await.unwrap_or_else(|failure: PageFailure| failure.respond(&cx))
}

async fn show(cx: &Cx, administrator: &Administrator, person: &Person, say: Say) -> Result<Response, PageFailure> {
    let case = store::find_reset_of(&cx.app.db, person.id).await?;
    let is_open = |case: &&Case| !case.reset.stage.is_over() && cx.now < case.reset.expires_at();
    let open = case.as_ref().filter(is_open);
    let mut facts = vec![
        ("User ID".to_owned(), Cell::Code(person.username.to_string())),
        ("Email".to_owned(), Cell::text(person.claims.email.clone().unwrap_or_default())),
    ];
    if let Some(case) = &case {
        facts.extend(told(cx, administrator, case).await?);
    }
    let mut forms = forms(person, open, &say);
    if let (Some(error), Some(first)) = (say.error, forms.first_mut()) {
        first.error = Some(error);
    }
    let section = DetailSection { heading: "What to do".to_owned(), table: None, forms };
    let page = DetailPage {
        layout: administrator.layout(cx, "Reset of devices", Place::People),
        page: "admin-reset",
        heading: format!("Reset for {}", person.display_name()),
        state: case.as_ref().map(|case| state(case.reset.stage)).map(|(tone, word)| (tone, word.to_owned())),
        facts,
        sections: vec![section],
        back: Action::link("cancel", "Resets of devices", "/admin/resets"),
        done: None,
        secret: say.code.map(|code| ("Read this to the person, or show it. It works for ten minutes".to_owned(), code)),
    };
    Ok(pages::respond(StatusCode::OK, &page))
}

async fn told(cx: &Cx, administrator: &Administrator, case: &Case) -> Result<Vec<(String, Cell)>, PageFailure> {
    let zone = administrator.visitor.zone();
    let mut facts = vec![
        ("Asked by".to_owned(), Cell::text(name_of(cx, case.reset.asked_by).await?)),
        ("Asked".to_owned(), Cell::Time(When::new(case.reset.asked_at, cx.now, &zone))),
        ("Reason".to_owned(), Cell::text(case.reason.clone())),
        ("Identity checked by".to_owned(), Cell::text(case.checked.clone())),
    ];
    if let ResetStage::Waiting { by, ready_at } | ResetStage::Coded { by, ready_at, .. } = case.reset.stage {
        facts.push(("Approved by".to_owned(), Cell::text(name_of(cx, by).await?)));
        facts.push(("Code possible from".to_owned(), Cell::Time(When::new(ready_at, cx.now, &zone))));
    }
    Ok(facts)
}

fn forms(person: &Person, open: Option<&Case>, say: &Say) -> Vec<PageForm> {
    let path = format!("/admin/people/{}/reset", person.username);
    let hidden = |act: &str| Field::required("act", "", Control::Hidden, act);
    match open.map(|case| case.reset.stage) {
        None => {
            let fields = vec![
                hidden("ask"),
                Field::required("reason", "What happened", Control::Text, say.typed.0.clone())
                    .help("All devices lost in a fire; phone stolen and no recovery codes."),
                Field::required("checked", "How you checked who it is", Control::Text, say.typed.1.clone()).help(
                    "Called back at the number on file; passport shown at the desk. Never what anybody could know.",
                ),
            ];
            vec![PageForm::main(path, "Ask for a reset", fields)]
        }
        Some(ResetStage::Asked) => vec![
            PageForm::main(path.clone(), "Approve", vec![hidden("approve")]),
            PageForm::side("refuse", path, "Refuse", vec![hidden("refuse")]).dangerous("The case ends here."),
        ],
        Some(ResetStage::Waiting { .. }) => vec![PageForm::main(path, "Make the code", vec![hidden("issue")])],
        Some(_) => vec![PageForm::main(path, "Make another code", vec![hidden("issue")])],
    }
}

async fn post_reset(Path(username): Path<String>, form: Form) -> Response {
    let cx = form.cx.clone();
    let done = async {
        let administrator = agent(&cx, &form.browser).await?;
        let person = find(&cx, &username).await?;
        // Whoever lets devices be replaced shows that it is still they who sit there; to refuse takes nothing.
        if matches!(form.get("act"), "ask" | "approve" | "issue") {
            step_up_at(&cx, &form, &administrator.visitor, Landing::Reset(person.username.clone())).await?;
        }
        let typed = (form.get("reason").to_owned(), form.get("checked").to_owned());
        let say = match act(&cx, administrator.visitor.person.id, &person, &form).await {
            Ok(None) => return Ok(see_other(&format!("/admin/people/{}/reset", person.username))),
            Ok(code) => Say { code, ..Say::default() },
            Err(ActFailure::Reset(ResetFailure::Fault(fault))) => return Err(PageFailure::Fault(fault)),
            Err(ActFailure::Reset(error)) => Say { error: Some(error.to_string()), typed, ..Say::default() },
            Err(ActFailure::Page(failure)) => return Err(failure),
        };
        show(&cx, &administrator, &person, say).await
    };
    done.await.unwrap_or_else(|failure: PageFailure| failure.respond(&cx))
}

enum ActFailure {
    Reset(ResetFailure),
    Page(PageFailure),
}

impl<E: Into<ResetFailure>> From<E> for ActFailure {
    fn from(error: E) -> Self {
        Self::Reset(error.into())
    }
}

/// One act; the code, when one was made.
async fn act(cx: &Cx, by: PersonId, person: &Person, form: &Form) -> Result<Option<String>, ActFailure> {
    if form.get("act") == "ask" {
        let words = (form.get("reason"), form.get("checked"));
        let fits = |text: &str| (10..=500).contains(&text.chars().count());
        if !fits(words.0) || !fits(words.1) {
            let detail = "reason, checked: each has 10 to 500 characters".to_owned();
            return Err(ActFailure::Page(PageFailure::BadRequest { detail }));
        }
        resets::ask(cx, by, person, words).await?;
        return Ok(None);
    }
    let case = store::find_reset_of(&cx.app.db, person.id).await?;
    let case = case.ok_or(ActFailure::Page(PageFailure::NotFound))?;
    match form.get("act") {
        "approve" => resets::approve(cx, by, &case).await?,
        "refuse" => resets::refuse(cx, by, &case).await?,
        "issue" => return Ok(Some(resets::issue(cx, by, &case).await?.grouped().expose().clone())),
        _ => return Err(ActFailure::Page(PageFailure::NotFound)),
    }
    Ok(None)
}
