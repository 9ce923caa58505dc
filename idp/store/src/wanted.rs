//! The application that a person was about when they found what they lack: how they get back to it from another browser,
//! where the parked request is not theirs to take up.

use stepgate_core::id::PersonId;
use stepgate_core::time::Timestamp;

use crate::row::{at, one, run};
use crate::{Connection, Db, StoreError};

/// Remembers the application, in place of an earlier one.
pub async fn want(
    connection: &impl Connection,
    (person, client): (PersonId, &str),
    (now, until): (Timestamp, Timestamp),
) -> Result<(), StoreError> {
    let sql = "INSERT INTO wanted_applications (person_id, client_id, asked_at, expires_at) VALUES (?, ?, ?, ?)
               ON CONFLICT (person_id) DO UPDATE SET client_id = excluded.client_id, asked_at = excluded.asked_at,
                 expires_at = excluded.expires_at";
    run(connection, sql, vec![person.uuid().into(), client.into(), at(now), at(until)]).await.map(drop)
}

/// The client that the person has not got to since.
pub async fn find_wanted(db: &Db, person: PersonId, now: Timestamp) -> Result<Option<String>, StoreError> {
    let sql = "SELECT w.client_id FROM wanted_applications w WHERE w.person_id = ? AND w.expires_at > ?
                 AND NOT EXISTS (SELECT 1 FROM grants g WHERE g.person_id = w.person_id AND g.client_id = w.client_id
                   AND g.created_at > w.asked_at)";
    one(&db.read, sql, vec![person.uuid().into(), at(now)]).await?.map(|row| row.get("client_id")).transpose()
}
