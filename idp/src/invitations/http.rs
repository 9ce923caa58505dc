//! `/join`: where the link of an invitation leads.

use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::extract::Query;
use axum::http::StatusCode;
use axum::response::Response;
use axum::routing::{get, post};
use serde::Deserialize;
use stepgate_core::authorize::interaction::PortalPage;
use stepgate_core::contact::Username;
use stepgate_core::credentials::password;
use stepgate_core::secret::SecretString;
use stepgate_core::subscriptions::invitation::{Invitation, Invitee};
use stepgate_store::{license_keys, people};

use super::LANDING;
use super::invite::product_name;
use super::join::{self, Choice, Joined};
use crate::account::{self, visit};
use crate::app::App;
use crate::cx::Cx;
use crate::device::address;
use crate::http::extract::{Browser, Form};
use crate::http::page::{PageFailure, see_other, with_browser, with_cookie};
use crate::logout::end;
use crate::pages::form::{Control, Field, Form as PageForm};
use crate::pages::self_help::{GuideItem, GuidePage, SelfHelpPage};
use crate::pages::{self, Action, Layout, Section, Tone};
use crate::subscriptions::key_letters;
use crate::{help, session};

/// Links that are opened from one address in ten minutes.
const TRIES: u64 = 60;
const WINDOW: Duration = Duration::from_secs(600);

/// The routes.
pub fn routes() -> Router<Arc<App>> {
    Router::new()
        .route("/join", get(get_join).post(post_join))
        .route("/join/sign-in", post(post_sign_in))
        .route("/join/accept", post(post_accept))
        .route("/join/done", get(get_done))
}

/// What a mailed address carries.
#[derive(Deserialize)]
struct Carried {
    #[serde(default)]
    token: String,
}

fn page(
    cx: &Cx,
    browser: &Browser,
    (status, name, heading, lead): (StatusCode, &'static str, &str, String),
    form: Option<PageForm>,
    actions: Vec<Action>,
) -> Response {
    let page = SelfHelpPage {
        layout: Layout::plain(heading, cx.app.demo),
        page: name,
        csrf: browser.csrf(&cx.app),
        heading: heading.to_owned(),
        lead,
        form,
        actions,
    };
    with_browser(cx, browser, pages::respond(status, &page))
}

/// The same for a link that is wrong, used, withdrawn, replaced or too old: nobody learns which.
fn over(cx: &Cx, browser: &Browser) -> Response {
    let lead = "It was used already, it was replaced by a newer mail, it was withdrawn, or it is older than fourteen days. \
                If it was you who used it, sign in. If not, ask whoever invited you to send it again.";
    let words = (StatusCode::GONE, "link-over", "This link does not work any more", lead.to_owned());
    page(cx, browser, words, None, vec![Action::link("continue", "Sign in", "/account/otp")])
}

async fn get_join(cx: Cx, browser: Browser, Query(carried): Query<Carried>) -> Response {
    let shown = async {
        if cx.app.ephemeral.incr("join address", &address(cx.ip), WINDOW, cx.now).await? > TRIES {
            let lead = "Too many links were opened from here. Wait ten minutes, then open yours again.".to_owned();
            let words = (StatusCode::TOO_MANY_REQUESTS, "link-refused", "Wait a little", lead);
            return Ok(page(&cx, &browser, words, None, Vec::new()));
        }
        let Some(invitation) = join::open(&cx, &carried.token, &browser).await? else {
            return Ok(over(&cx, &browser));
        };
        offer(&cx, &browser, (&invitation, &carried.token)).await
    };
    shown.await.unwrap_or_else(|failure: PageFailure| failure.respond(&cx))
}

/// What the holder of a link can do with it: it depends on who is logged in here, and whether the address has an account.
/// Whoever reads the mail of an address may know that.
async fn offer(cx: &Cx, browser: &Browser, (invitation, token): (&Invitation, &str)) -> Result<Response, PageFailure> {
    let product = product_name(cx, invitation);
    let hidden = Field::required("token", "", Control::Hidden, token);
    if let Some(visitor) = account::known(cx, browser).await? {
        if !join::is_for(invitation, &visitor.person) {
            let lead = format!(
                "You are signed in as {}, and this invitation was mailed to another address. Sign out, then open the link \
                 again.",
                visitor.person.display_name()
            );
            let words = (StatusCode::OK, "join-other", "This is for somebody else", lead);
            let out = Action::post("continue", "Sign out", "/account/sign-out");
            return Ok(page(cx, browser, words, None, vec![out]));
        }
        let lead = format!("{product} is paid for and becomes yours, {}.", visitor.person.display_name());
        let form = PageForm::main("/join/accept", "Take it", vec![hidden]);
        let words = (StatusCode::OK, "join-accept", "You are invited", lead);
        return Ok(page(cx, browser, words, Some(form), Vec::new()));
    }
    if people::find_person_by_login(&cx.app.db, &invitation.email).await?.is_some() {
        return Ok(sign_in_first(cx, browser, (invitation, token)));
    }
    let typed = |name: &str| match name {
        "username" => invitation.username.clone().unwrap_or_default(),
        "name" => invitation.name.clone(),
        _ => String::new(),
    };
    Ok(choose(cx, browser, (invitation, token), &typed, None))
}

fn sign_in_first(cx: &Cx, browser: &Browser, (invitation, token): (&Invitation, &str)) -> Response {
    let lead = format!(
        "{} is paid for. There is an account with your address: sign in, and it is yours.",
        product_name(cx, invitation)
    );
    let form = PageForm::main("/join/sign-in", "Sign in", vec![Field::required("token", "", Control::Hidden, token)]);
    let forgot = Action::link("forgot", "Forgot your password?", "/help/password");
    page(cx, browser, (StatusCode::OK, "join-sign-in", "You are invited", lead), Some(form), vec![forgot])
}

/// The form for a new account.
fn choose(
    cx: &Cx,
    browser: &Browser,
    (invitation, token): (&Invitation, &str),
    typed: &dyn Fn(&str) -> String,
    error: Option<(&str, &str)>,
) -> Response {
    let mut fields = vec![
        Field::required("token", "", Control::Hidden, token),
        Field::required("username", "User ID", Control::Text, typed("username"))
            .help("Small letters, digits, dot, underscore and hyphen. You sign in with it, or with your address."),
        Field::required("name", "Full name", Control::Text, typed("name"))
            .help("As on your passport or identity card."),
        Field::required("password", "Password", Control::Password, "")
            .help("At least 8 characters. A few words in a row are easy to remember."),
        Field::required("again", "The same again", Control::Password, ""),
    ];
    if let Some((name, text)) = error
        && let Some(field) = fields.iter_mut().find(|field| field.name == name)
    {
        field.error = Some(text.to_owned());
    }
    let lead = format!("{} is paid for. Choose how you sign in; then activate it.", product_name(cx, invitation));
    let status = if error.is_some() { StatusCode::UNPROCESSABLE_ENTITY } else { StatusCode::OK };
    let form = PageForm::main("/join", "Make my account", fields);
    page(cx, browser, (status, "join", "You are invited", lead), Some(form), vec![help_link()])
}

fn help_link() -> Action {
    Action::link("help", "What is this?", help::link(help::Topic::GetStarted))
}

async fn post_join(form: Form) -> Response {
    let cx = form.cx.clone();
    let done = async {
        let token = form.get("token");
        let Some(invitation) = join::open(&cx, token, &form.browser).await?.filter(|_| !token.is_empty()) else {
            return Ok(over(&cx, &form.browser));
        };
        join_as(&cx, &form, (&invitation, token)).await
    };
    done.await.unwrap_or_else(|failure: PageFailure| failure.respond(&cx))
}

async fn join_as(cx: &Cx, form: &Form, (invitation, token): (&Invitation, &str)) -> Result<Response, PageFailure> {
    let (browser, typed) = (&form.browser, |name: &str| form.get(name).to_owned());
    let refused = |error: (&str, &str)| Ok(choose(cx, browser, (invitation, token), &typed, Some(error)));
    let Ok(username) = form.get("username").parse::<Username>() else {
        return refused(("username", "Use 1 to 64 characters out of a-z, 0-9, dot, underscore and hyphen."));
    };
    let name = match Invitee::parse(&invitation.email, form.get("name"), "") {
        Ok(invitee) => invitee.name,
        Err(flaws) => return refused(("name", flaws.first().map_or("Write your name.", |flaw| flaw.remedy))),
    };
    let password = SecretString::new(form.raw("password").to_owned());
    if form.raw("password") != form.raw("again") {
        return refused(("again", "The two are not the same. Type both again."));
    }
    if let Err(error) = password::check(&password, &username) {
        return refused(("password", &error.to_string()));
    }
    match join::join(cx, invitation, Choice { username, name, password }).await? {
        Joined::As(renewed) => {
            // Whoever was logged in here made room.
            if let Some(live) = session::find(cx, browser.session.as_deref()).await?
                && let Some(ended) = end::end(cx, live.session.id, live.session.person).await?
            {
                ended.tell_soon(cx);
            }
            Ok(renewed.cookies.into_iter().fold(see_other(LANDING), with_cookie))
        }
        Joined::NameTaken => refused(("username", "Somebody has this user ID. Choose another one.")),
        Joined::AddressTaken => Ok(sign_in_first(cx, browser, (invitation, token))),
        Joined::Over => Ok(over(cx, browser)),
    }
}

/// Keeps the invitation for this browser, and leads to the login and back.
async fn post_sign_in(form: Form) -> Response {
    let cx = form.cx.clone();
    let done = async {
        let Some(invitation) = join::open(&cx, form.get("token"), &form.browser).await? else {
            return Ok(over(&cx, &form.browser));
        };
        join::remember(&cx, &invitation, &form.browser).await?;
        visit(&cx, &form.browser, PortalPage::Join).await?;
        Ok(see_other("/join"))
    };
    done.await.unwrap_or_else(|failure: PageFailure| failure.respond(&cx))
}

async fn post_accept(form: Form) -> Response {
    let cx = form.cx.clone();
    let done = async {
        let visitor = visit(&cx, &form.browser, PortalPage::Join).await?;
        let Some(invitation) = join::open(&cx, form.get("token"), &form.browser).await? else {
            return Ok(over(&cx, &form.browser));
        };
        if join::accept(&cx, &invitation, &visitor.person).await? {
            return Ok(see_other(LANDING));
        }
        Ok(over(&cx, &form.browser))
    };
    done.await.unwrap_or_else(|failure: PageFailure| failure.respond(&cx))
}

/// What is theirs now, and the way on.
async fn get_done(cx: Cx, browser: Browser) -> Response {
    let shown = async {
        let visitor = visit(&cx, &browser, PortalPage::ManageOtp).await?;
        let keys = license_keys::list_keys_for(&cx.app.db, visitor.person.id).await?;
        let products = cx.app.settings.subscriptions.products();
        let item = |key: &stepgate_core::subscriptions::license_key::LicenseKey| {
            let known = products.iter().find(|it| it.id == key.product);
            GuideItem {
                kind: key.gives.kinds.first().copied(),
                heading: known.map_or_else(|| key.product.to_string(), |it| it.name.clone()),
                text: format!("License key {}", key_letters(&cx.app, key.id).expose()),
                actions: vec![
                    Action::post(format!("activate-{}", key.id), "Activate", "/account/otp/license/activate")
                        .with("id", key.id.to_string()),
                ],
            }
        };
        let page = GuidePage {
            layout: visitor.layout(&cx, "You are in", Section::ManageOtp),
            page: "joined",
            heading: "You are in".to_owned(),
            lead: "This is yours and paid for. Activate it, and applications that ask for more than a password let you in."
                .to_owned(),
            note: keys.is_empty().then(|| (Tone::Notice, "There is nothing left to activate.".to_owned())),
            items: keys.iter().map(item).collect(),
            back: Action::link("cancel", "Manage OTP", "/account/otp"),
        };
        Ok(with_browser(&cx, &browser, pages::respond(StatusCode::OK, &page)))
    };
    shown.await.unwrap_or_else(|failure: PageFailure| failure.respond(&cx))
}
