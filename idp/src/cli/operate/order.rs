//! Commands about orders. Money that came is noted through the same use case as on the pages of the finance role.

use std::net::SocketAddr;

use stepgate_core::account::Role;
use stepgate_core::subscriptions::order::{Order, OrderStage, PaymentMethod};
use stepgate_store::warranty::{self, Answer};
use stepgate_store::{attentions, license_keys, orders};

use super::*;
use crate::boot::{self, Delivery, Node};
use crate::cx::Cx;
use crate::shop::refund::{give_back, give_back_because};
use crate::subscriptions::{Settled, settle};

/// Commands about orders.
#[derive(Subcommand)]
pub(in crate::cli) enum OrderCommand {
    /// Lists orders, newest first.
    List {
        /// Only orders in this stage: awaiting_payment, paid, refunding, refunded, cancelled.
        #[arg(long, value_parser = stage)]
        stage: Option<OrderStage>,
        /// At most so many.
        #[arg(long, default_value_t = 100, value_parser = clap::value_parser!(u32).range(1..=1000))]
        limit: u32,
    },
    /// Shows one, with the state of its keys; never their letters.
    Show {
        /// Its number: SG-7K2M-9QXA.
        number: String,
    },
    /// Notes that the money of an invoice came: the order gets its keys, once. What cards pay is read at their provider.
    Pay {
        /// Its number.
        number: String,
        /// Who says so: the user ID of an operator or of somebody of finance.
        #[arg(long)]
        by: String,
    },
    /// Gives it back: its keys become void, and the money follows. Within 15 days, or for a reason later; only if nothing of
    /// it is in use.
    Refund {
        /// Its number.
        number: String,
        /// Who gives it back: the user ID of an operator or of somebody of finance.
        #[arg(long)]
        by: String,
        /// Why, when its 15 days are over. The purchaser reads it.
        #[arg(long)]
        reason: Option<String>,
    },
}

fn stage(text: &str) -> Result<OrderStage, String> {
    let known: Vec<_> = OrderStage::ALL.iter().map(|stage| stage.as_str()).collect();
    OrderStage::parse(text).ok_or_else(|| format!("one of {}", known.join(", ")))
}

pub(super) async fn command(operator: Operator, command: OrderCommand) -> Result<Value, OperateError> {
    let db = &operator.db;
    match command {
        OrderCommand::List { stage, limit } => {
            Ok(orders::list_orders(db, stage, limit).await?.iter().map(line).collect())
        }
        OrderCommand::Show { number } => {
            let order = find(db, &number).await?;
            let keys = license_keys::list_keys_of_order(db, order.id).await?;
            let key = |key: &stepgate_core::subscriptions::license_key::LicenseKey| json!({ "id": key.id, "line": key.line, "product": key.product, "stage": key.stage.as_str() });
            let keys: Vec<Value> = keys.iter().map(key).collect();
            let open = attentions::list_open(db, order.id).await?;
            let mut open: Vec<String> = open.into_iter().map(|attention| attention.reason).collect();
            let asked = warranty::list_requests(db, order.id).await?.into_iter().filter(|it| it.answer == Answer::None);
            open.extend(asked.map(|it| format!("A token is said to be broken: {}", it.reason)));
            let more = json!({ "lines": order.lines, "billing": order.billing, "keys": keys, "needs_attention": open });
            let (mut shown, more) = (line(&order), more.as_object().cloned().unwrap_or_default());
            if let Some(shown) = shown.as_object_mut() {
                shown.extend(more);
            }
            Ok(shown)
        }
        OrderCommand::Pay { number, by } => pay(operator.settings, (&number, &by)).await,
        OrderCommand::Refund { number, by, reason } => {
            refund(operator.settings, (&number, &by), reason.as_deref()).await
        }
    }
}

async fn find(db: &Db, number: &str) -> Result<Order, OperateError> {
    let found = orders::find_order_by_number(db, &number.trim().to_uppercase()).await?;
    found.ok_or_else(|| OperateError::Argument(format!("there is no order {number}; see `stepgate order list`")))
}

fn line(order: &Order) -> Value {
    json!({
        "number": order.number,
        "stage": order.stage.as_str(),
        "method": order.method,
        "keys": order.keys(),
        "currency": order.totals.gross.currency,
        "net_minor": order.totals.net.minor,
        "tax_minor": order.totals.tax.minor,
        "gross_minor": order.totals.gross.minor,
        "placed_at": order.placed_at.unix_seconds(),
        "paid_at": order.paid_at.map(Timestamp::unix_seconds),
    })
}

/// A node that only this command uses, and who acts: an operator, or somebody of finance.
pub(super) async fn acting(mut settings: Settings, by: &str) -> Result<(Node, Cx, PersonId), OperateError> {
    settings.server.listen = SocketAddr::from(([127, 0, 0, 1], 0));
    let node = boot::build(settings, Delivery::Providers, Clock::default()).await.map_err(other)?;
    let cx = Cx::background(&node.app);
    let person = people::find_person_by_login(&cx.app.db, by).await?;
    let person = person.ok_or_else(|| OperateError::Argument(format!("--by: there is no person {by}")))?;
    let roles = people::roles_of(&cx.app.db, person.id).await?;
    if person.suspended_at.is_some() || !roles.iter().any(|role| matches!(role, Role::Operator | Role::Finance)) {
        return Err(OperateError::Argument(format!("--by: {by} is neither an operator nor of finance")));
    }
    Ok((node, cx, person.id))
}

async fn pay(settings: Settings, (number, by): (&str, &str)) -> Result<Value, OperateError> {
    let (_node, cx, by) = acting(settings, by).await?;
    let order = find(&cx.app.db, number).await?;
    let open = matches!(order.stage, OrderStage::AwaitingPayment | OrderStage::Cancelled);
    if open && order.method != PaymentMethod::Invoice {
        let method = order.method.as_str();
        let why = format!("the order {number} is paid by {method}: only the money of an invoice is noted by hand");
        return Err(OperateError::Argument(why));
    }
    match settle(&cx, &order, Some(by)).await.map_err(other)? {
        Settled::Now => Ok(json!({ "number": order.number, "paid": true, "keys": order.keys() })),
        Settled::Before => Ok(json!({ "number": order.number, "paid": true, "note": "it was paid before" })),
        Settled::Impossible(stage) => {
            let stage = stage.as_str();
            Err(OperateError::Argument(format!("the order {number} is {stage}: no money is expected for it")))
        }
    }
}

async fn refund(settings: Settings, (number, by): (&str, &str), reason: Option<&str>) -> Result<Value, OperateError> {
    let (_node, cx, by) = acting(settings, by).await?;
    let order = find(&cx.app.db, number).await?;
    let refusal = |why| OperateError::Argument(format!("the order {number} is not given back: {why}"));
    let given = match reason.map(str::trim).filter(|reason| !reason.is_empty()) {
        Some(reason) => give_back_because(&cx, order.id, (by, reason)).await,
        None => give_back(&cx, order.id, by).await,
    };
    given.map_err(other)?.map_err(refusal)?;
    Ok(line(&find(&cx.app.db, number).await?))
}
