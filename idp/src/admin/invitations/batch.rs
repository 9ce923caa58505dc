//! Inviting: one person by a form, many with a file or a paste. Looked at first, if one likes; whole or not at all.

use std::io::Read;
use std::sync::Arc;

use axum::Router;
use axum::extract::DefaultBodyLimit;
use axum::http::StatusCode;
use axum::response::Response;
use axum::routing::get;
use stepgate_core::entropy::random_token;
use stepgate_core::subscriptions::invitation::{self, Invitee, MAX_BYTES, RowError, Sheet, TOLD};
use stepgate_core::subscriptions::order::Sponsor;

use super::super::access::{Act, Place, Scope};
use super::super::{Administrator, enter, payers};
use crate::account::confirm::{self, ONCE_MORE};
use crate::app::App;
use crate::cx::Cx;
use crate::fault::Fault;
use crate::http::extract::{Browser, Form};
use crate::http::page::{PageFailure, see_other};
use crate::http::upload::{Upload, UploadedFile};
use crate::invitations::{self, Batch, Estimate, Invited, invite};
use crate::pages::admin::{DetailPage, DetailSection};
use crate::pages::form::{Control, Field, Form as PageForm};
use crate::pages::table::{Cell, Table};
use crate::pages::{self, Action, Tone};
use crate::shop::{Catalogue, catalogue};

pub(super) fn routes() -> Router<Arc<App>> {
    let file = Router::new().route("/admin/invitations/file", get(get_file).post(post_file));
    // The reader has limits of its own.
    let file = file.layer(DefaultBodyLimit::disable());
    Router::new().route("/admin/invitations/new", get(get_new).post(post_new)).merge(file)
}

const NEW: &str = "/admin/invitations/new";
const FILE: &str = "/admin/invitations/file";

/// What was typed, and what is wrong with it.
struct Typed<'a> {
    of: &'a dyn Fn(&str) -> String,
    errors: Vec<(String, String)>,
    /// What is wrong with the whole.
    whole: Option<String>,
}

/// What an administrator can give away, and on whose account.
struct Offer {
    sponsors: Vec<(Sponsor, String)>,
    catalogue: Catalogue,
}

impl Offer {
    async fn read(cx: &Cx, scope: &Scope) -> Result<Self, Fault> {
        Ok(Self { sponsors: payers::list(cx, scope).await?, catalogue: catalogue(cx).await? })
    }
}

/// The fields that both forms begin with: who pays, and for what.
fn common(cx: &Cx, offer: &Offer, typed: &dyn Fn(&str) -> String) -> Vec<Field> {
    let mut products: Vec<(String, String)> = Vec::new();
    for (sponsor, name) in &offer.sponsors {
        for product in invitations::offered(&offer.catalogue, (*sponsor, name)) {
            let price = product.price(offer.catalogue.currency);
            let words = price.map_or_else(|| product.name.clone(), |price| format!("{} ({price})", product.name));
            if products.iter().all(|(id, _)| *id != product.id.as_str()) {
                products.push((product.id.to_string(), words));
            }
        }
    }
    let request = Some(typed("request")).filter(|it| !it.is_empty());
    let request = request.unwrap_or_else(|| random_token(cx.entropy()));
    let mut fields = vec![Field::required("request", "", Control::Hidden, request)];
    fields.extend(payers::fields(("Who pays", None), &offer.sponsors, typed));
    if let Some(payer) = fields.iter_mut().find(|field| field.name == "sponsor") {
        payer.help = Some("On the account that the operator has opened for it.".to_owned());
    }
    let product = Field::required("product", "What each person gets", Control::Select(products), typed("product"));
    let help = "Without tax, for a year. What is sent by post is ordered from the catalogue, which asks where to.";
    fields.push(product.help(help));
    fields
}

fn finished(mut form: PageForm, typed: &Typed<'_>) -> PageForm {
    for field in &mut form.fields {
        field.error = typed.errors.iter().find(|(name, _)| *name == field.name).map(|(_, text)| text.clone());
    }
    form.error.clone_from(&typed.whole);
    form
}

fn single(cx: &Cx, offer: &Offer, typed: &Typed<'_>) -> PageForm {
    let mut fields = common(cx, offer, typed.of);
    fields.extend([
        Field::required("email", "Email address", Control::Text, (typed.of)("email")),
        Field::required("name", "Name", Control::Text, (typed.of)("name")),
        Field::optional("user_id", "User ID", Control::Text, (typed.of)("user_id"))
            .help("A proposal; a new person may choose another one."),
    ]);
    finished(PageForm::main("/admin/invitations/new", "Invite", fields), typed)
}

fn many(cx: &Cx, offer: &Offer, typed: &Typed<'_>) -> PageForm {
    let mut fields = common(cx, offer, typed.of);
    fields.extend([
        Field::optional("check", "Only look whether it is right", Control::Tick, (typed.of)("check")),
        Field::optional("rows", "Paste it here", Control::Json, (typed.of)("rows")).help(
            "First line: email,name,user_id. Then one line for each person, 1000 at most. user_id may be left out.",
        ),
        // The last one: what stands before it must be known when it comes.
        Field::optional("file", "Or choose a file", Control::File, "")
            .help("CSV in UTF-8, with commas, semicolons or tabs."),
    ]);
    finished(PageForm::main("/admin/invitations/file", "Go on", fields), typed)
}

/// What was found out about a file.
type Found<'a> = Option<(&'a Sheet, Option<&'a Estimate>)>;

fn page(cx: &Cx, administrator: &Administrator, form: PageForm, found: Found<'_>) -> Response {
    let wrong = form.error.is_some() || !form.errors().is_empty() || found.is_some_and(|(sheet, _)| sheet.wrong > 0);
    let status = if wrong { StatusCode::UNPROCESSABLE_ENTITY } else { StatusCode::OK };
    pages::respond(status, &view(cx, administrator, form, found))
}

fn view(cx: &Cx, administrator: &Administrator, form: PageForm, found: Found<'_>) -> DetailPage {
    let (mut facts, mut sections, mut state) = (Vec::new(), Vec::new(), None);
    let fact = |label: &str, text: String| (label.to_owned(), Cell::text(text));
    if let Some((sheet, estimate)) = found {
        facts.push(fact("People", sheet.people.len().to_string()));
        facts.push(fact("Errors", sheet.wrong.to_string()));
        // What nobody gets costs nothing.
        if let Some(estimate) = estimate.filter(|_| !sheet.people.is_empty()) {
            facts.push(fact("It costs", estimate.totals.gross.to_string()));
            facts.push(fact(
                "Left on the account",
                estimate.left.map_or_else(|| "No account".into(), |it| it.to_string()),
            ));
        }
        facts.push(fact("Invited", "Nobody yet. A file counts whole, or not at all.".to_owned()));
        let good = sheet.is_clean() && estimate.is_some_and(Estimate::is_covered);
        state = Some(if good { (Tone::Ok, "It can go".to_owned()) } else { (Tone::Danger, "Refused".to_owned()) });
        if sheet.wrong > 0 {
            let row = |error: &RowError| {
                vec![
                    Cell::text(error.line.to_string()),
                    Cell::Code(error.flaw.field.to_owned()),
                    Cell::text(error.flaw.wrong.clone()),
                    Cell::text(error.flaw.remedy),
                ]
            };
            let rows = sheet.errors.iter().map(row).collect();
            let table = Table::new(&["Line", "Field", "What is wrong", "What to do"], rows, "None.");
            let heading = if sheet.wrong > TOLD { format!("The first {TOLD} errors") } else { "Errors".to_owned() };
            sections.push(DetailSection { heading, table: Some(table), forms: Vec::new() });
        }
    } else {
        let text = "Each person gets a mail with a link. They pay nothing. What is not taken up can be withdrawn, and the \
                    account has its money back.";
        facts.push(fact("How it goes", text.to_owned()));
    }
    sections.push(DetailSection { heading: "Whom, and with what".to_owned(), table: None, forms: vec![form] });
    DetailPage {
        layout: administrator.layout(cx, "Invite", Place::Invitations),
        page: "admin-invite",
        heading: "Invite".to_owned(),
        state,
        facts,
        sections,
        back: Action::link("cancel", "Invitations", "/admin/invitations"),
        done: None,
        secret: None,
    }
}

async fn get_new(cx: Cx, browser: Browser) -> Response {
    shown(&cx, &browser, (NEW, single)).await.unwrap_or_else(|failure| failure.respond(&cx))
}

async fn get_file(cx: Cx, browser: Browser) -> Response {
    let shown = async {
        let administrator = enter(&cx, &browser, Place::Invitations, Act::Edit).await?;
        // A file that was chosen cannot be kept for later: the factor comes first.
        confirm::confirm_first(&cx, &browser, (&administrator.visitor, FILE)).await?;
        shown(&cx, &browser, (FILE, many)).await
    };
    shown.await.unwrap_or_else(|failure: PageFailure| failure.respond(&cx))
}

type Drawn = fn(&Cx, &Offer, &Typed<'_>) -> PageForm;

async fn shown(cx: &Cx, browser: &Browser, (path, drawn): (&str, Drawn)) -> Result<Response, PageFailure> {
    let administrator = enter(cx, browser, Place::Invitations, Act::Edit).await?;
    let offer = Offer::read(cx, &administrator.scope).await?;
    let kept = confirm::kept(cx, browser, (&administrator.visitor, path)).await?;
    let once_more = kept.is_some();
    let kept = kept.unwrap_or_default();
    let of = |name: &str| kept.get(name).to_owned();
    let typed = Typed { of: &of, errors: Vec::new(), whole: None };
    let form = drawn(cx, &offer, &typed);
    let page = DetailPage { done: once_more.then(|| ONCE_MORE.to_owned()), ..view(cx, &administrator, form, None) };
    Ok(pages::respond(StatusCode::OK, &page))
}

/// Who pays for what; an error names the field.
async fn batch(
    cx: &Cx,
    administrator: &Administrator,
    offer: &Offer,
    typed: &(dyn Fn(&str) -> String + Sync),
) -> Result<Result<Batch, (String, String)>, Fault> {
    let wrong = |(field, text): (&str, &str)| Ok(Err((field.to_owned(), text.to_owned())));
    let (sponsor, name) = match payers::chosen(cx, &administrator.scope, typed).await? {
        Ok(Some(chosen)) => chosen,
        Ok(None) => return wrong(("sponsor", "Choose who pays.")),
        Err(error) => return wrong(error),
    };
    let product = invitations::offered(&offer.catalogue, (sponsor, &name));
    let product = product.into_iter().find(|it| it.id.as_str() == typed("product")).cloned();
    let Some(product) = product else { return wrong(("product", "Choose one of these products.")) };
    let request = typed("request");
    if !(16..=100).contains(&request.len()) {
        return wrong(("product", "Open this form again."));
    }
    Ok(Ok(Batch { sponsor, name, product, request, by: administrator.visitor.person.id }))
}

/// Invites, or says why not.
async fn go(cx: &Cx, batch: &Batch, sheet: &Sheet, estimate: &Estimate) -> Result<Result<Response, String>, Fault> {
    let people: Vec<Invitee> = sheet.people.iter().map(|(_, it)| it.clone()).collect();
    Ok(match invite(cx, batch, &people).await? {
        Invited::Now(count) => Ok(see_other(&format!("/admin/invitations?done=invited&count={count}"))),
        Invited::Before => Ok(see_other("/admin/invitations?done=before")),
        Invited::Poor => Err(poor(batch, estimate)),
        Invited::Raced => {
            Err("Nobody was invited: somebody else invited one of them at this moment. Look again.".to_owned())
        }
    })
}

fn poor(batch: &Batch, estimate: &Estimate) -> String {
    let needed = estimate.totals.gross;
    match estimate.left {
        None => format!("Nobody was invited: {} has no account for this. Ask the operator to open one.", batch.name),
        Some(left) => format!(
            "Nobody was invited: it costs {needed}, and {} has {left} left. Invite fewer, or ask the operator for more.",
            batch.name
        ),
    }
}

async fn post_new(form: Form) -> Response {
    let cx = form.cx.clone();
    let done = async {
        let administrator = enter(&cx, &form.browser, Place::Invitations, Act::Edit).await?;
        let offer = Offer::read(&cx, &administrator.scope).await?;
        let of = |name: &str| form.get(name).to_owned();
        let refused = |errors: Vec<(String, String)>, whole: Option<String>| {
            let typed = Typed { of: &of, errors, whole };
            Ok(page(&cx, &administrator, single(&cx, &offer, &typed), None))
        };
        let batch = match batch(&cx, &administrator, &offer, &of).await? {
            Ok(batch) => batch,
            Err(error) => return refused(vec![error], None),
        };
        let invitee = match Invitee::parse(form.get("email"), form.get("name"), form.get("user_id")) {
            Ok(invitee) => invitee,
            Err(flaws) => {
                let told = flaws.into_iter().map(|flaw| (flaw.field.to_owned(), flaw.remedy.to_owned()));
                return refused(told.collect(), None);
            }
        };
        let typed = confirm::Typed::of(form.every());
        confirm::confirm(&cx, &form.browser, (&administrator.visitor, NEW), &typed).await?;
        let mut sheet = Sheet { people: vec![(1, invitee)], ..Sheet::default() };
        let estimate = invitations::estimate(&cx, &batch, &mut sheet).await?;
        if let Some(error) = sheet.errors.first() {
            let text = format!("Nobody was invited: {}. {}", error.flaw.wrong, error.flaw.remedy);
            return refused(vec![(error.flaw.field.to_owned(), text)], None);
        }
        match go(&cx, &batch, &sheet, &estimate).await? {
            Ok(response) => Ok(response),
            Err(why) => refused(Vec::new(), Some(why)),
        }
    };
    done.await.unwrap_or_else(|failure: PageFailure| failure.respond(&cx))
}

/// Reads a file to its end, or as far as one is too long.
async fn bytes(file: UploadedFile) -> Result<Vec<u8>, Fault> {
    let reading = tokio::task::spawn_blocking(move || {
        let mut bytes = Vec::new();
        let most = u64::try_from(MAX_BYTES).unwrap_or(u64::MAX).saturating_add(1);
        file.take(most).read_to_end(&mut bytes).map(|_| bytes)
    });
    reading.await.map_err(Fault::internal)?.map_err(Fault::internal)
}

async fn post_file(upload: Upload) -> Response {
    let cx = upload.cx.clone();
    let done = async {
        let administrator = enter(&cx, &upload.browser, Place::Invitations, Act::Edit).await?;
        let offer = Offer::read(&cx, &administrator.scope).await?;
        let mut kept: Vec<(&str, String)> = ["request", "sponsor", "sponsor_name", "product", "check"]
            .map(|name| (name, upload.get(name).to_owned()))
            .into();
        let (pasted, wants_check) = (upload.raw("rows").to_owned(), upload.get("check") == "1");
        let uploaded = bytes(upload.file).await?;
        let source = if uploaded.is_empty() { pasted.into_bytes() } else { uploaded };
        let mut sheet = invitation::read(&source);
        // What was looked at stands in the form, ready to go; what is too long for a form is chosen once more.
        let text = String::from_utf8(source).unwrap_or_default();
        if text.len() < 48 * 1024 {
            kept.push(("rows", text));
            kept.retain(|(name, _)| *name != "check");
        }
        if !wants_check {
            let typed = confirm::Typed::of(kept.iter().map(|(name, value)| (*name, value.as_str())));
            confirm::confirm(&cx, &upload.browser, (&administrator.visitor, FILE), &typed).await?;
        }
        let of =
            |name: &str| kept.iter().find(|(known, _)| *known == name).map_or_else(String::new, |(_, it)| it.clone());
        let answer = |errors: Vec<(String, String)>, whole: Option<String>, found: Found<'_>| {
            let typed = Typed { of: &of, errors, whole };
            Ok(page(&cx, &administrator, many(&cx, &offer, &typed), found))
        };
        let batch = match batch(&cx, &administrator, &offer, &of).await? {
            Ok(batch) => batch,
            Err(error) => return answer(vec![error], None, None),
        };
        let estimate = invitations::estimate(&cx, &batch, &mut sheet).await?;
        let whole = (sheet.is_clean() && !estimate.is_covered()).then(|| poor(&batch, &estimate));
        if wants_check || !sheet.is_clean() || whole.is_some() {
            return answer(Vec::new(), whole, Some((&sheet, Some(&estimate))));
        }
        match go(&cx, &batch, &sheet, &estimate).await? {
            Ok(response) => Ok(response),
            Err(why) => answer(Vec::new(), Some(why), Some((&sheet, Some(&estimate)))),
        }
    };
    done.await.unwrap_or_else(|failure: PageFailure| failure.respond(&cx))
}
