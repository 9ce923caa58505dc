//! Signing keys, sealed.

use stepgate_core::jose::KeyTimes;
use stepgate_core::time::Timestamp;

use crate::row::{all, at, at_if, run};
use crate::{Db, StoreError};

/// A signing key as it is kept.
#[derive(Clone, Debug)]
pub struct StoredKey {
    /// Its life.
    pub times: KeyTimes,
    /// PKCS #8, sealed.
    pub sealed_private: Vec<u8>,
    /// The public half, as JSON.
    pub public_jwk: String,
    /// When it was made.
    pub created_at: Timestamp,
}

/// All keys, oldest first.
pub async fn list_keys(db: &Db) -> Result<Vec<StoredKey>, StoreError> {
    let sql = "SELECT kid, algorithm, sealed_private, public_jwk, created_at, signs_from, signs_until, published_until
               FROM signing_keys ORDER BY signs_from, kid";
    let rows = all(&db.read, sql, vec![]).await?;
    let key = |row: &crate::row::Row| {
        Ok(StoredKey {
            times: KeyTimes {
                kid: row.get("kid")?,
                algorithm: row.parsed("signing_keys", "algorithm", |text| text.parse().ok())?,
                signs_from: row.time("signs_from")?,
                signs_until: row.time_if("signs_until")?,
                published_until: row.time_if("published_until")?,
            },
            sealed_private: row.get("sealed_private")?,
            public_jwk: row.get("public_jwk")?,
            created_at: row.time("created_at")?,
        })
    };
    rows.iter().map(key).collect()
}

/// A new key. When another node made one for the same algorithm and moment, that one stands and `false` comes back.
pub async fn insert_key(db: &Db, new: &StoredKey) -> Result<bool, StoreError> {
    let sql = "INSERT INTO signing_keys (kid, algorithm, sealed_private, public_jwk, created_at, signs_from)
               VALUES (?, ?, ?, ?, ?, ?) ON CONFLICT DO NOTHING";
    let values = vec![
        new.times.kid.as_str().into(),
        new.times.algorithm.as_str().into(),
        new.sealed_private.clone().into(),
        new.public_jwk.as_str().into(),
        at(new.created_at),
        at(new.times.signs_from),
    ];
    Ok(run(&db.write, sql, values).await? == 1)
}

/// Writes when a key stops to sign and to be published; only once.
pub async fn update_key_times(db: &Db, times: &KeyTimes) -> Result<bool, StoreError> {
    let sql = "UPDATE signing_keys SET signs_until = ?, published_until = ? WHERE kid = ? AND signs_until IS NULL";
    let values = vec![at_if(times.signs_until), at_if(times.published_until), times.kid.as_str().into()];
    Ok(run(&db.write, sql, values).await? == 1)
}
