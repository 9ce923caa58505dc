//! Leases: which node does a task that only one may do.

use stepgate_core::time::Timestamp;

use crate::row::{at, run};
use crate::{Db, StoreError};

/// Takes or prolongs a lease; `false` while another node holds it.
pub async fn take_lease(
    db: &Db,
    name: &str,
    holder: &str,
    now: Timestamp,
    until: Timestamp,
) -> Result<bool, StoreError> {
    let sql = "INSERT INTO leases (name, holder, until_at) VALUES (?, ?, ?)
               ON CONFLICT (name) DO UPDATE SET holder = excluded.holder, until_at = excluded.until_at
               WHERE leases.holder = excluded.holder OR leases.until_at <= ?";
    Ok(run(&db.write, sql, vec![name.into(), holder.into(), at(until), at(now)]).await? == 1)
}
