//! How useful people found the help pages: one rating for each person and page, which they can change.

use stepgate_core::id::PersonId;
use stepgate_core::time::Timestamp;

use crate::row::{at, one, run};
use crate::{Connection, Db, StoreError};

/// The ratings of a page together.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Total {
    /// How many.
    pub count: i64,
    /// The sum of their stars.
    pub stars: i64,
}

/// Rates a page, for the first time or anew: one statement, so that two presses leave one rating.
pub async fn put_rating(
    connection: &impl Connection,
    page: &str,
    (person, stars): (PersonId, i64),
    now: Timestamp,
) -> Result<(), StoreError> {
    let sql = "INSERT INTO help_ratings (page, person_id, stars, rated_at) VALUES (?, ?, ?, ?)
               ON CONFLICT (page, person_id) DO UPDATE SET stars = excluded.stars, rated_at = excluded.rated_at";
    run(connection, sql, vec![page.into(), person.uuid().into(), stars.into(), at(now)]).await.map(drop)
}

/// A person's own rating.
pub async fn find_rating(db: &Db, page: &str, person: PersonId) -> Result<Option<i64>, StoreError> {
    let sql = "SELECT stars FROM help_ratings WHERE page = ? AND person_id = ?";
    one(&db.write, sql, vec![page.into(), person.uuid().into()]).await?.map(|row| row.get("stars")).transpose()
}

/// All of a page's; an index holds what is added up.
pub async fn find_total(db: &Db, page: &str) -> Result<Total, StoreError> {
    let sql =
        "SELECT COUNT(*) AS found, CAST(COALESCE(SUM(stars), 0) AS BIGINT) AS stars FROM help_ratings WHERE page = ?";
    let row = one(&db.write, sql, vec![page.into()]).await?;
    row.map_or(Ok(Total::default()), |row| Ok(Total { count: row.get("found")?, stars: row.get("stars")? }))
}
