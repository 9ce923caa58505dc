//! Renewal without being asked: on the account of the person's organization, where there is one, at the first notice of an
//! end; else by the card that the person keeps for it, announced at one notice and charged at the next
//! (`core::subscriptions::card`).

use stepgate_core::account::Person;
use stepgate_core::credentials::Credential;
use stepgate_core::id::{OrderId, OrganizationId, PersonId};
use stepgate_core::secret::TokenHash;
use stepgate_core::subscriptions::card::{self, CardOnFile, Step, TRIES};
use stepgate_core::subscriptions::checkout::{order_number, priced};
use stepgate_core::subscriptions::order::{
    CartLine, LineFor, Order, OrderLine, OrderStage, Party, PaymentMethod, Sponsor, Totals, totals,
};
use stepgate_core::subscriptions::product::Product;
use stepgate_core::subscriptions::term::{days_after, notice_due};
use stepgate_core::time::Timestamp;
use stepgate_store::orders::{self, Placing};
use stepgate_store::term_notices::DueNotice;
use stepgate_store::{StoreError, Transaction, cards, charges, desk, people, sponsors};

use super::renewal::renewal_product;
use super::settle::{Letter, Settled, settle_telling};
use super::wording;
use crate::audit::{self, Event};
use crate::cx::Cx;
use crate::fault::Fault;
use crate::pages::When;
use crate::shop::{self, Catalogue, catalogue};
use crate::words::Language;

/// Days after the end until which an order that its card did not pay can be paid by hand.
const PAYABLE_DAYS: u16 = 30;

/// Who pays for a person's renewals.
#[derive(Clone, Debug)]
pub enum Payer {
    /// Their organization's account.
    Account(OrganizationId),
    /// The card that they keep for it.
    Card(Box<CardOnFile>),
    /// Nobody: they are reminded.
    Nobody,
}

/// Who pays for a person's renewals: the account of their organization, where its administrator or finance lets it (nobody
/// spends it by belonging there alone), else their card.
///
/// # Errors
/// The store.
pub async fn payer(cx: &Cx, person: PersonId) -> Result<Payer, Fault> {
    let Ok(currency) = cx.app.settings.subscriptions.currency() else { return Ok(Payer::Nobody) };
    for organization in people::organizations_of(&cx.app.db, person).await? {
        let sponsor = Sponsor::Organization(organization.id);
        if sponsors::find_account(&cx.app.db, sponsor, currency).await?.is_some_and(|account| account.renews) {
            return Ok(Payer::Account(organization.id));
        }
    }
    let card = cards::find_card(&cx.app.db.write, person).await?.filter(|card| shop::takes(cx, &card.provider));
    Ok(card.map_or(Payer::Nobody, |card| Payer::Card(Box::new(card))))
}

/// What another year of a credential costs now.
pub struct Quote {
    /// As a line of an order.
    pub line: OrderLine,
    /// With its tax.
    pub totals: Totals,
}

/// What another year costs as this product; `None` where it has no price.
///
/// # Errors
/// The store.
pub async fn quote(cx: &Cx, credential: &Credential, product: &Product) -> Result<Option<Quote>, Fault> {
    let Catalogue { products, currency, tax_basis_points, .. } = catalogue(cx).await?;
    let product = products.iter().find(|known| known.id == product.id);
    let wanted = |it: &Product| CartLine { product: it.id.clone(), quantity: 1, whom: LineFor::Renewal(credential.id) };
    let Some(line) = product.and_then(|it| priced(&wanted(it), it, currency)) else { return Ok(None) };
    let totals = totals(std::slice::from_ref(&line), currency, tax_basis_points).map_err(Fault::internal)?;
    Ok(Some(Quote { line, totals }))
}

/// What became of a credential that is to be renewed by itself, at a notice.
pub(super) enum AtNotice {
    /// It is renewed.
    Renewed,
    /// It was to be renewed and was not: the reminder says so.
    Failed,
    /// The person is told that their card will be charged so much then.
    Announce(Box<CardOnFile>, Box<Quote>, Timestamp),
    /// The card is to be charged.
    Charge,
}

/// What a notice means for it. Renews at once where an account pays.
///
/// # Errors
/// The store. It can be called again.
pub(super) async fn at_notice(cx: &Cx, due: &DueNotice) -> Result<AtNotice, Fault> {
    let credential = &due.credential;
    let Some(product) = renewal_product(cx, credential).await? else { return Ok(AtNotice::Failed) };
    let Some(quote) = quote(cx, credential, &product).await? else { return Ok(AtNotice::Failed) };
    match payer(cx, credential.person).await? {
        Payer::Account(organization) => {
            let renewed = on_account(cx, due, (organization, quote)).await?;
            Ok(if renewed { AtNotice::Renewed } else { AtNotice::Failed })
        }
        Payer::Card(card) => by_card(cx, due, card, quote).await,
        Payer::Nobody => Ok(AtNotice::Failed),
    }
}

/// Whoever cannot be told is not charged.
async fn by_card(cx: &Cx, due: &DueNotice, card: Box<CardOnFile>, quote: Quote) -> Result<AtNotice, Fault> {
    let which = (due.credential.id, due.ends);
    let Some(notice) = notice_due(due.ends, cx.now) else { return Ok(AtNotice::Failed) };
    if due.person.claims.email.is_none() {
        return Ok(AtNotice::Failed);
    }
    let tries = if is_over(cx, &due.credential, due.ends).await? { TRIES } else { 0 };
    let promised = charges::find_promise(&cx.app.db, which).await?;
    Ok(match card::step(notice.days, promised, quote.totals.gross, tries) {
        Step::Charge => AtNotice::Charge,
        Step::Announce => match card::next_try(due.ends, cx.now) {
            Some(on) => AtNotice::Announce(card, Box::new(quote), on),
            None => AtNotice::Failed,
        },
        Step::Remind => AtNotice::Failed,
    })
}

/// Whether the card is not tried any more for this end: it was often enough, or the person took the order into their own
/// hands.
///
/// # Errors
/// The store.
pub async fn is_over(cx: &Cx, credential: &Credential, ends: Timestamp) -> Result<bool, Fault> {
    let request = request_by_card(credential, ends);
    let Some(order) = orders::find_order_of_request(&cx.app.db, request.as_bytes()).await? else { return Ok(false) };
    let by_page = desk::find_extras(&cx.app.db, order.id).await?.by_page;
    let tried = charges::list_charges(&cx.app.db, order.id).await?.len();
    Ok(by_page || order.stage != OrderStage::AwaitingPayment || tried >= TRIES)
}

/// Renews a credential on the account of its person's organization; `false` where too little is left. However often and
/// wherever it is called for one end of a term: one order.
async fn on_account(cx: &Cx, due: &DueNotice, (organization, quote): (OrganizationId, Quote)) -> Result<bool, Fault> {
    let credential = &due.credential;
    let form = TokenHash::of(&format!("renewed by itself {} {}", credential.id, due.ends.unix_millis()));
    let order = match orders::find_order_of_request(&cx.app.db, form.as_bytes()).await? {
        Some(order) => order,
        None => match place_on_account(cx, due, (organization, quote), form.as_bytes()).await? {
            Some(order) => order,
            None => return Ok(false),
        },
    };
    match settle_telling(cx, &order, None, letter(cx, due, &order).as_ref()).await? {
        Settled::Now | Settled::Before => Ok(true),
        Settled::Impossible(_) => Ok(false),
    }
}

/// What its holder is told of it. Nobody acted, so it carries no *this was not me*.
fn letter(cx: &Cx, due: &DueNotice, order: &Order) -> Option<Letter> {
    let person = &due.person;
    let to = person.claims.email.clone()?;
    let language = Language::of(person).unwrap_or_default();
    let zone = person.claims.zoneinfo.as_deref().and_then(|name| jiff::tz::TimeZone::get(name).ok());
    let renewed = cx.app.settings.subscriptions.rules().renewed(due.ends);
    let until = When::date_in(language, renewed, &zone.unwrap_or(jiff::tz::TimeZone::UTC));
    let (link, preferences) =
        (cx.app.url(&format!("/account/otp/{}", due.credential.id)), cx.app.url("/account/otp/reminders"));
    let what = (due.credential.label.as_str(), order.number.as_str(), &until);
    let from = (person, cx.app.settings.server.name.as_str());
    let (subject, text) = wording::renewed_by_itself(language, from, what, [&link, &preferences]);
    Some(Letter { to, subject, text })
}

/// Charges the account and places the order, in one transaction. `None`: too little is left.
async fn place_on_account(
    cx: &Cx,
    due: &DueNotice,
    (organization, quote): (OrganizationId, Quote),
    form: &[u8],
) -> Result<Option<Order>, Fault> {
    let sponsor = Sponsor::Organization(organization);
    let order = Order {
        organization: Some(organization),
        sponsor: Some(sponsor),
        method: PaymentMethod::Sponsored,
        ..order_of(cx, &due.person, quote)
    };
    let transaction = cx.app.db.begin().await?;
    if !insert(&transaction, &order, (form, None)).await? {
        drop(transaction);
        return Ok(orders::find_order_of_request(&cx.app.db, form).await?);
    }
    if !sponsors::charge(&transaction, sponsor, order.totals.gross).await? {
        return Ok(None);
    }
    note_placed(cx, &transaction, &order, &due.credential).await?;
    transaction.commit().await?;
    Ok(Some(order))
}

/// By which the order that a card is to pay for this end of a credential's term is found again.
pub(crate) fn request_by_card(credential: &Credential, ends: Timestamp) -> TokenHash {
    TokenHash::of(&format!("renewed by card {} {}", credential.id, ends.unix_millis()))
}

/// The order that a card is to pay for this end: placed once, however often and wherever this is called.
///
/// # Errors
/// The store.
pub(crate) async fn place_by_card(
    cx: &Cx,
    person: &Person,
    (credential, ends): (&Credential, Timestamp),
    quote: Quote,
) -> Result<Option<Order>, Fault> {
    let request = request_by_card(credential, ends);
    // Their own card pays: it is no order of an organization.
    let order = order_of(cx, person, quote);
    let transaction = cx.app.db.begin().await?;
    let until = days_after(ends.max(cx.now), PAYABLE_DAYS);
    if !insert(&transaction, &order, (request.as_bytes(), Some(until))).await? {
        drop(transaction);
        return Ok(orders::find_order_of_request(&cx.app.db, request.as_bytes()).await?);
    }
    note_placed(cx, &transaction, &order, credential).await?;
    transaction.commit().await?;
    Ok(Some(order))
}

fn order_of(cx: &Cx, person: &Person, quote: Quote) -> Order {
    Order {
        id: OrderId::random(cx.entropy()),
        number: order_number(cx.entropy()),
        purchaser: person.id,
        organization: None,
        sponsor: None,
        stage: OrderStage::AwaitingPayment,
        method: PaymentMethod::Card,
        totals: quote.totals,
        lines: vec![quote.line],
        billing: Party {
            name: person.display_name().to_owned(),
            company: None,
            address: person.claims.address.clone().unwrap_or_default(),
        },
        shipping: None,
        purchase_order: None,
        placed_at: cx.now,
        paid_at: None,
        version: 0,
    }
}

/// `false`: another node placed it. It goes on with it, too.
async fn insert(
    transaction: &Transaction,
    order: &Order,
    (request, due_at): (&[u8], Option<Timestamp>),
) -> Result<bool, Fault> {
    let placing =
        Placing { request_hash: request.to_vec(), interaction: None, voucher: None, due_at, invoice_number: None };
    match orders::insert_order(transaction, order, &placing).await {
        Err(StoreError::Conflict { .. }) => Ok(false),
        other => Ok(other.map(|()| true)?),
    }
}

async fn note_placed(cx: &Cx, transaction: &Transaction, order: &Order, credential: &Credential) -> Result<(), Fault> {
    let data = serde_json::json!({ "order": order.number, "method": order.method, "credential": credential.id });
    audit::record(cx, transaction, Event::new("order.placed_by_itself").to(order.purchaser).data(data)).await
}
