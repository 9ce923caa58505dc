//! The sponsor's side: who may pay, what it costs, inviting, sending again, withdrawing.

use std::collections::BTreeMap;
use std::time::Duration;

use serde_json::json;
use stepgate_core::entropy::random_token;
use stepgate_core::id::{InvitationId, LicenseKeyId, OrderId, OrganizationId, PersonId};
use stepgate_core::secret::TokenHash;
use stepgate_core::subscriptions::checkout::order_number;
use stepgate_core::subscriptions::invitation::{Flaw, Invitation, InvitationState, Invitee, LINK_DAYS, Sheet, share};
use stepgate_core::subscriptions::money::Money;
use stepgate_core::subscriptions::order::{
    LineFor, MAX_QUANTITY, Order, OrderLine, OrderStage, Party, PaymentMethod, Sponsor, Totals, totals,
};
use stepgate_core::subscriptions::product::Product;
use stepgate_core::subscriptions::term::days_after;
use stepgate_store::orders::Placing;
use stepgate_store::{Connection, StoreError, invitations as store, orders, reports, sponsors as accounts};

use crate::audit::{self, Event};
use crate::cx::Cx;
use crate::fault::Fault;
use crate::notices::{self, Notice};
use crate::shop::attention::raise_for;
use crate::shop::{Catalogue, catalogue, note_placed};
use crate::subscriptions::{Holder, settle_in};

/// How often one invitation is mailed in an hour.
const MAILS_AN_HOUR: u64 = 3;
const HOUR: Duration = Duration::from_secs(3600);

/// What can be given away: what is sold to everybody, or to the partner's people, and is not sent by post, because an
/// invitation knows no address to send it to. An organization is no partner, whatever it is called.
pub fn offered<'a>(
    catalogue: &'a Catalogue,
    (sponsor, name): (Sponsor, &str),
) -> impl Iterator<Item = &'a Product> + use<'a> {
    let named = match sponsor {
        Sponsor::Partner(_) => vec![name.to_owned()],
        Sponsor::Organization(_) => Vec::new(),
    };
    let fits = move |it: &&Product| !it.ships && it.price(catalogue.currency).is_some() && it.is_sold_to(&named);
    catalogue.products.iter().filter(fits)
}

/// What a batch is.
pub struct Batch {
    /// Who pays.
    pub sponsor: Sponsor,
    /// The sponsor's name.
    pub name: String,
    /// What everybody of it gets.
    pub product: Product,
    /// What the form carried: one press of the button, one batch.
    pub request: String,
    /// Who invites.
    pub by: PersonId,
}

/// What a batch would cost.
#[derive(Clone, Copy, Debug)]
pub struct Estimate {
    /// The sum.
    pub totals: Totals,
    /// What is left on the sponsor's account; `None` where the operator has opened none.
    pub left: Option<Money>,
}

impl Estimate {
    /// Whether the account covers all of it.
    pub fn is_covered(&self) -> bool {
        self.left.is_some_and(|left| left.minor >= self.totals.gross.minor)
    }
}

async fn lines(cx: &Cx, product: &Product, count: usize) -> Result<(Vec<OrderLine>, Totals), Fault> {
    let Catalogue { currency, tax_basis_points, .. } = catalogue(cx).await?;
    let unit = product.price(currency).ok_or_else(|| Fault::internal("a product without a price"))?;
    let line = |quantity| OrderLine {
        product: product.id.clone(),
        name: product.name.clone(),
        gives: product.gives(),
        quantity,
        unit,
        whom: LineFor::Later,
    };
    let mut left = u32::try_from(count).map_err(Fault::internal)?;
    let mut lines = Vec::new();
    while left > 0 {
        let quantity = left.min(MAX_QUANTITY);
        lines.push(line(quantity));
        left -= quantity;
    }
    let totals = totals(&lines, currency, tax_basis_points).map_err(Fault::internal)?;
    Ok((lines, totals))
}

/// Looks at a batch without doing anything: whom it may name, what it costs. An address that this sponsor has invited
/// already becomes an error of its row.
pub async fn estimate(cx: &Cx, batch: &Batch, sheet: &mut Sheet) -> Result<Estimate, Fault> {
    let addresses: Vec<String> = sheet.people.iter().map(|(_, it)| it.email.clone()).collect();
    let about = (batch.sponsor, &batch.product.id);
    let invited: BTreeMap<String, bool> =
        store::list_invited_addresses(&cx.app.db, about, &addresses, cx.now).await?.into_iter().collect();
    let (known, new): (Vec<_>, Vec<_>) =
        std::mem::take(&mut sheet.people).into_iter().partition(|(_, it)| invited.contains_key(&it.email));
    sheet.people = new;
    for (line, it) in known {
        let (wrong, remedy) = if invited.get(&it.email) == Some(&true) {
            ("you have invited this address for the same product, and its person has it", "Leave it out.")
        } else {
            (
                "you have invited this address for the same product, and it was not taken up yet",
                "Send that invitation again, or leave it out.",
            )
        };
        sheet.refuse(line, Flaw { field: "email", wrong: wrong.to_owned(), remedy });
    }
    sheet.errors.sort_by_key(|error| error.line);
    let (_, totals) = lines(cx, &batch.product, sheet.people.len()).await?;
    let account = accounts::find_account(&cx.app.db, batch.sponsor, totals.gross.currency).await?;
    let left = account.map(|it| Money::new(it.most.minor - it.used.minor, it.most.currency));
    Ok(Estimate { totals, left })
}

/// What became of a batch.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Invited {
    /// So many were invited.
    Now(usize),
    /// The same form invited them before.
    Before,
    /// The sponsor's account does not cover it. Nobody was invited.
    Poor,
    /// Somebody else invited one of them for the same product at the same moment. Nobody was invited.
    Raced,
}

/// Invites everybody of a batch, or nobody: charge, order, keys, invitations and mails in one transaction.
pub async fn invite(cx: &Cx, batch: &Batch, invitees: &[Invitee]) -> Result<Invited, Fault> {
    let (lines, totals) = lines(cx, &batch.product, invitees.len()).await?;
    let organization = match batch.sponsor {
        Sponsor::Organization(id) => Some(id),
        Sponsor::Partner(_) => None,
    };
    // Whom the administrator sees anyway has the key at once; for everybody else it waits for the address.
    let addresses: Vec<String> = invitees.iter().map(|it| it.email.clone()).collect();
    let members = match organization {
        Some(id) => store::list_members_at(&cx.app.db, id, &addresses).await?,
        None => Vec::new(),
    };
    let holder = |it: &Invitee| Holder {
        person: members.iter().find(|(email, _)| *email == it.email).map(|(_, person)| *person),
        mail: Some(it.email.clone()),
    };
    let (order, placing) = placed(cx, batch, organization, (lines, totals));
    if orders::find_order_of_request(&cx.app.db, &placing.request_hash).await?.is_some() {
        return Ok(Invited::Before);
    }
    let transaction = cx.app.db.begin().await?;
    // The sponsor's row is written first: of two batches at the same moment the second waits, and sees what is left.
    if !accounts::charge(&transaction, batch.sponsor, totals.gross).await? {
        return Ok(Invited::Poor);
    }
    match orders::insert_order(&transaction, &order, &placing).await {
        Err(StoreError::Conflict { .. }) => return Ok(Invited::Before),
        placed => placed?,
    }
    note_placed(cx, &transaction, &order, &placing).await?;
    let keys = settle_in(cx, &transaction, &order, invitees.iter().map(holder).collect()).await?;
    for (place, (invitee, key)) in invitees.iter().zip(keys).enumerate() {
        let charged = share(totals.gross, place, invitees.len());
        let invitation = new_invitation(cx, batch, &order, (invitee, key, charged));
        let token = random_token(cx.entropy());
        match store::insert_invitation(&transaction, &invitation, &TokenHash::of(&token)).await {
            Err(StoreError::Conflict { .. }) => return Ok(Invited::Raced),
            kept => kept?,
        }
        mail(cx, &transaction, (&invitation, &token), (&batch.name, &batch.product.name)).await?;
    }
    let data = json!({
        "order": order.number, "product": batch.product.id, "people": invitees.len(), "sponsor": batch.sponsor,
        "charged": totals.gross,
    });
    let event = Event { actor: Some(batch.by), ..Event::new("invitation.sent") };
    audit::record(cx, &transaction, event.data(data)).await?;
    transaction.commit().await?;
    Ok(Invited::Now(invitees.len()))
}

/// The order of a batch, which its sponsor pays.
fn placed(
    cx: &Cx,
    batch: &Batch,
    organization: Option<OrganizationId>,
    (lines, totals): (Vec<OrderLine>, Totals),
) -> (Order, Placing) {
    let order = Order {
        id: OrderId::random(cx.entropy()),
        number: order_number(cx.entropy()),
        purchaser: batch.by,
        organization,
        sponsor: Some(batch.sponsor),
        stage: OrderStage::AwaitingPayment,
        method: PaymentMethod::Sponsored,
        lines,
        totals,
        billing: Party { name: batch.name.clone(), ..Party::default() },
        shipping: None,
        purchase_order: None,
        placed_at: cx.now,
        paid_at: None,
        version: 0,
    };
    let placing = Placing {
        request_hash: TokenHash::of(&format!("invitations {} {}", batch.by, batch.request)).as_bytes().to_vec(),
        interaction: None,
        voucher: None,
        due_at: None,
        invoice_number: None,
    };
    (order, placing)
}

fn new_invitation(
    cx: &Cx,
    batch: &Batch,
    order: &Order,
    (invitee, key, charged): (&Invitee, LicenseKeyId, Money),
) -> Invitation {
    Invitation {
        id: InvitationId::random(cx.entropy()),
        sponsor: batch.sponsor,
        organization: order.organization,
        order: order.id,
        key,
        product: batch.product.id.clone(),
        email: invitee.email.clone(),
        name: invitee.name.clone(),
        username: invitee.username.as_ref().map(|name| name.as_str().to_owned()),
        charged,
        invited_by: batch.by,
        person: None,
        created_at: cx.now,
        sent_at: cx.now,
        expires_at: days_after(cx.now, LINK_DAYS),
        opened_at: None,
        joined_at: None,
        activated_at: None,
        withdrawn_at: None,
    }
}

async fn mail(
    cx: &Cx,
    transaction: &impl Connection,
    (invitation, token): (&Invitation, &str),
    (sponsor, product): (&str, &str),
) -> Result<(), Fault> {
    let (site, url) = (&cx.app.settings.server.name, cx.app.url(&format!("/join?token={token}")));
    let text = format!(
        "Hello {},\n\n{sponsor} invites you to {site} and pays for your {product}. There is nothing for you to pay.\n\nOpen \
         this address within {LINK_DAYS} days; it works once:\n\n{url}\n\nIf you have an account with this address, you \
         sign in with it. If not, you choose a user ID and a password there. Then activate what you got.\n\nYou know \
         nothing of this? Then there is nothing to do: nothing happens until the address is opened.\n\n{site}\n",
        invitation.name,
    );
    notices::mail(cx, transaction, (&invitation.email, &format!("{sponsor} invites you")), &text).await
}

/// What became of sending again.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Again {
    /// Another mail is on its way; the link in the one before is worthless.
    Sent,
    /// It was taken up or withdrawn.
    Over,
    /// Enough mails for an hour.
    TooMany,
}

/// Sends an invitation again, with another link.
pub async fn send_again(cx: &Cx, by: PersonId, invitation: &Invitation) -> Result<Again, Fault> {
    if !matches!(invitation.state(cx.now), InvitationState::Sent | InvitationState::Opened | InvitationState::Expired) {
        return Ok(Again::Over);
    }
    let id = invitation.id.to_string();
    if cx.app.ephemeral.incr("invitation again", &id, HOUR, cx.now).await? > MAILS_AN_HOUR {
        return Ok(Again::TooMany);
    }
    let sponsor = reports::find_sponsor_name(&cx.app.db, invitation.sponsor).await?.unwrap_or_default();
    let product = product_name(cx, invitation);
    let token = random_token(cx.entropy());
    let transaction = cx.app.db.begin().await?;
    let times = (cx.now, days_after(cx.now, LINK_DAYS));
    if !store::rotate_link(&transaction, invitation.id, &TokenHash::of(&token), times).await? {
        return Ok(Again::Over);
    }
    mail(cx, &transaction, (invitation, &token), (&sponsor, &product)).await?;
    let event = Event { actor: Some(by), ..Event::new("invitation.sent_again") };
    audit::record(cx, &transaction, event.data(json!({ "invitation": invitation.id }))).await?;
    transaction.commit().await?;
    Ok(Again::Sent)
}

/// The product's name, also where it is not sold any more.
pub fn product_name(cx: &Cx, invitation: &Invitation) -> String {
    let products = cx.app.settings.subscriptions.products();
    let known = products.into_iter().find(|it| it.id == invitation.product);
    known.map_or_else(|| invitation.product.to_string(), |it| it.name)
}

/// What became of a withdrawal.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Withdrawn {
    /// The key is void, and the sponsor has the money back.
    Now,
    /// The key was redeemed: what is in use is not taken back.
    Activated,
    /// It was withdrawn before.
    Before,
}

/// Withdraws an invitation that was not activated: its key is void, and what it cost is released, in one transaction.
pub async fn withdraw(cx: &Cx, by: PersonId, invitation: &Invitation) -> Result<Withdrawn, Fault> {
    let sponsor = reports::find_sponsor_name(&cx.app.db, invitation.sponsor).await?.unwrap_or_default();
    let transaction = cx.app.db.begin().await?;
    if !store::withdraw(&transaction, invitation.id, cx.now).await? {
        return Ok(Withdrawn::Before);
    }
    if !store::void_key(&transaction, invitation.key, cx.now).await? {
        return Ok(Withdrawn::Activated);
    }
    if !accounts::release(&transaction, invitation.sponsor, invitation.charged).await? {
        let why = crate::shop::refund::not_released(invitation.charged);
        raise_for(cx, &transaction, invitation.order, &why).await?;
    }
    let data = json!({ "invitation": invitation.id, "released": invitation.charged });
    let event = Event { actor: Some(by), person: invitation.person, ..Event::new("invitation.withdrawn") };
    audit::record(cx, &transaction, event.data(data)).await?;
    if let Some(person) = invitation.person {
        let text = format!("{sponsor} has withdrawn the {} that it paid for.", product_name(cx, invitation));
        let notice = Notice::new("What you were invited to was withdrawn", text).by_mail_only();
        notices::tell(cx, &transaction, person, &notice).await?;
    }
    transaction.commit().await?;
    Ok(Withdrawn::Now)
}
