//! The help pages, and what people think of them.
//!
//! Owns: the words, the pictures, one rating for each person and page. Never: what somebody's account looks like; a page is
//! the same for everybody but for the rating.

mod topic;

use std::sync::Arc;

use axum::Router;
use axum::extract::Path;
use axum::http::StatusCode;
use axum::response::Response;
use axum::routing::get;
use serde_json::json;
use stepgate_core::authorize::interaction::PortalPage;
use stepgate_store::ratings;

pub use topic::{Heading, Topic};

use crate::account::{self, Visitor};
use crate::app::App;
use crate::audit::{self, Event};
use crate::cx::Cx;
use crate::fault::Fault;
use crate::http::extract::{Browser, Form};
use crate::http::page::{PageFailure, see_other, with_browser};
use crate::pages::help::{HelpIndexPage, HelpTopicPage, Rating};
use crate::pages::{self, Layout, Section};

/// The address of a help page, for the places where people get stuck.
pub const fn link(topic: Topic) -> &'static str {
    topic.path()
}

/// The routes.
pub fn routes() -> Router<Arc<App>> {
    Router::new()
        .route("/help", get(get_help))
        .route("/help/{topic}", get(get_topic))
        .route("/help/{topic}/rate", get(get_rate).post(post_rate))
}

fn layout(cx: &Cx, visitor: Option<&Visitor>, title: &str) -> Layout {
    match visitor {
        Some(visitor) => visitor.layout(cx, title, Section::Help),
        None => Layout { section: Section::Help, ..Layout::plain(title, cx.app.demo) },
    }
}

async fn get_help(cx: Cx, browser: Browser) -> Response {
    let shown = async {
        let visitor = account::known(&cx, &browser).await?;
        let page = HelpIndexPage { layout: layout(&cx, visitor.as_deref(), "Help") };
        Ok(with_browser(&cx, &browser, pages::respond(StatusCode::OK, &page)))
    };
    shown.await.unwrap_or_else(|failure: PageFailure| failure.respond(&cx))
}

async fn get_topic(cx: Cx, browser: Browser, Path(slug): Path<String>) -> Response {
    let shown = async {
        let topic = Topic::of_slug(&slug).ok_or(PageFailure::NotFound)?;
        let visitor = account::known(&cx, &browser).await?;
        let page = HelpTopicPage {
            layout: layout(&cx, visitor.as_deref(), topic.title()),
            topic,
            words: topic.words(&cx.app.settings.subscriptions),
            rating: rating(&cx, topic, visitor.as_deref()).await?,
        };
        Ok(with_browser(&cx, &browser, pages::respond(StatusCode::OK, &page)))
    };
    shown.await.unwrap_or_else(|failure: PageFailure| failure.respond(&cx))
}

async fn rating(cx: &Cx, topic: Topic, visitor: Option<&Visitor>) -> Result<Rating, Fault> {
    let found = ratings::find_total(&cx.app.db, topic.slug()).await?;
    let own = match visitor {
        Some(visitor) => ratings::find_rating(&cx.app.db, topic.slug(), visitor.person.id).await?,
        None => None,
    };
    Ok(Rating { count: found.count, stars: found.stars, own, known: visitor.is_some(), unread: false })
}

/// Leads whoever is not logged in to the login, and back to the page.
async fn get_rate(cx: Cx, browser: Browser, Path(slug): Path<String>) -> Response {
    let shown = async {
        let topic = Topic::of_slug(&slug).ok_or(PageFailure::NotFound)?;
        account::visit(&cx, &browser, PortalPage::Help).await?;
        Ok(see_other(&format!("{}#rate", topic.path())))
    };
    shown.await.unwrap_or_else(|failure: PageFailure| failure.respond(&cx))
}

async fn post_rate(Path(slug): Path<String>, form: Form) -> Response {
    let cx = form.cx.clone();
    let done = async {
        let topic = Topic::of_slug(&slug).ok_or(PageFailure::NotFound)?;
        let visitor = account::visit(&cx, &form.browser, PortalPage::Help).await?;
        let back = format!("{}#rate", topic.path());
        let Some(stars) = form.get("stars").parse().ok().filter(|stars| (1..=5).contains(stars)) else {
            let page = HelpTopicPage {
                layout: layout(&cx, Some(&visitor), topic.title()),
                topic,
                words: topic.words(&cx.app.settings.subscriptions),
                rating: Rating { unread: true, ..rating(&cx, topic, Some(&visitor)).await? },
            };
            return Ok(pages::respond(StatusCode::UNPROCESSABLE_ENTITY, &page));
        };
        let transaction = cx.app.db.begin().await?;
        ratings::put_rating(&transaction, topic.slug(), (visitor.person.id, stars), cx.now).await?;
        let event = Event::new("help.rated").by(visitor.person.id);
        audit::record(&cx, &transaction, event.data(json!({ "page": topic.slug(), "stars": stars }))).await?;
        transaction.commit().await.map_err(Fault::from)?;
        Ok(see_other(&back))
    };
    done.await.unwrap_or_else(|failure: PageFailure| failure.respond(&cx))
}
