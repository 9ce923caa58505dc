//! Commands about vouchers. The letters of one are printed when it is made, and never again.

use stepgate_core::id::VoucherId;
use stepgate_core::subscriptions::order::MAX_QUANTITY;
use stepgate_core::subscriptions::product::ProductId;
use stepgate_core::subscriptions::term::days_after;
use stepgate_store::vouchers;

use super::order::acting;
use super::*;
use crate::shop;
use crate::shop::vouchers::{NewVoucher, create, withdraw};

/// Commands about vouchers.
#[derive(Subcommand)]
pub(in crate::cli) enum VoucherCommand {
    /// Lists vouchers, newest first; never their letters.
    List,
    /// Makes one and prints its letters.
    Add {
        /// Keys that it pays.
        #[arg(long, value_parser = clap::value_parser!(u32).range(1..=i64::from(MAX_QUANTITY)))]
        uses: u32,
        /// The only product that it pays; any when left out.
        #[arg(long)]
        product: Option<String>,
        /// Days that it pays for.
        #[arg(long, default_value_t = 365, value_parser = clap::value_parser!(u16).range(1..=1825))]
        days: u16,
        /// What it is for; at most 200 characters.
        #[arg(long, default_value = "", value_parser = short)]
        note: String,
        /// Who makes it: the user ID of an operator or of somebody of finance.
        #[arg(long)]
        by: String,
    },
    /// Withdraws one: it pays nothing any more.
    Withdraw {
        /// Its id, from `voucher list`.
        id: VoucherId,
        /// Who withdraws it.
        #[arg(long)]
        by: String,
    },
}

fn short(text: &str) -> Result<String, &'static str> {
    if text.chars().count() <= 200 { Ok(text.to_owned()) } else { Err("at most 200 characters") }
}

pub(super) async fn command(operator: Operator, command: VoucherCommand) -> Result<Value, OperateError> {
    match command {
        VoucherCommand::List => {
            let all = vouchers::list_vouchers(&operator.db).await?;
            let line = |it: &vouchers::Voucher| {
                json!({
                    "id": it.id, "product": it.product, "uses": it.uses, "remaining": it.remaining, "note": it.note,
                    "expires_at": it.expires_at.unix_seconds(),
                    "withdrawn_at": it.withdrawn_at.map(Timestamp::unix_seconds),
                })
            };
            Ok(all.iter().map(line).collect())
        }
        VoucherCommand::Add { uses, product, days, note, by } => {
            let (_node, cx, by) = acting(operator.settings, &by).await?;
            let product = product.map(ProductId::try_from).transpose();
            let product = product.map_err(|error| OperateError::Argument(format!("--product: {error}")))?;
            let catalogue = shop::catalogue(&cx).await.map_err(other)?;
            if let Some(unknown) = product.as_ref().filter(|id| catalogue.product(id).is_none()) {
                return Err(OperateError::Argument(format!("--product: {unknown} is not in the catalogue")));
            }
            let new = NewVoucher { uses, product, sponsor: None, note, expires_at: days_after(cx.now, days) };
            let letters = create(&cx, new, by).await.map_err(other)?;
            Ok(json!({ "voucher": letters.expose(), "uses": uses, "days": days }))
        }
        VoucherCommand::Withdraw { id, by } => {
            let (_node, cx, by) = acting(operator.settings, &by).await?;
            let done = withdraw(&cx, id, by).await.map_err(other)?;
            if !done && !vouchers::list_vouchers(&cx.app.db).await?.iter().any(|known| known.id == id) {
                let text = format!("there is no voucher {id}; see `stepgate voucher list`");
                return Err(OperateError::Argument(text));
            }
            Ok(json!({ "id": id, "withdrawn": done }))
        }
    }
}
