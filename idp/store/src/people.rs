//! People, organizations, partners, memberships and roles.

use stepgate_core::account::{Organization, Partner, Person, Role, StandardClaims};
use stepgate_core::id::{OrganizationId, PartnerId, PersonId};
use stepgate_core::time::Timestamp;
use uuid::Uuid;

use crate::row::{Row, all, at, at_if, json, one, run};
use crate::{Connection, Db, StoreError};

const PERSON: &str = "id, username, claims, suspended_at, proofed_at, proofing_expires_at, created_at, updated_at";

pub(crate) fn person(row: &Row) -> Result<Person, StoreError> {
    Ok(Person {
        id: PersonId::from_uuid(row.get("id")?),
        username: row.parsed("persons", "username", |text| text.parse().ok())?,
        claims: row.json("persons", "claims")?,
        suspended_at: row.time_if("suspended_at")?,
        proofed_at: row.time_if("proofed_at")?,
        proofing_expires_at: row.time_if("proofing_expires_at")?,
        created_at: row.time("created_at")?,
        updated_at: row.time("updated_at")?,
    })
}

/// A person by id.
pub async fn find_person(db: &Db, id: PersonId) -> Result<Option<Person>, StoreError> {
    let row = one(&db.read, &format!("SELECT {PERSON} FROM persons WHERE id = ?"), vec![id.uuid().into()]).await?;
    row.as_ref().map(person).transpose()
}

/// A person by what they type: user ID or e-mail address, in any case.
pub async fn find_person_by_login(db: &Db, login: &str) -> Result<Option<Person>, StoreError> {
    let login = login.trim().to_lowercase();
    let sql = format!("SELECT {PERSON} FROM persons WHERE username = ? OR email = ? LIMIT 1");
    one(&db.read, &sql, vec![login.clone().into(), login.into()]).await?.as_ref().map(person).transpose()
}

/// A new person. A taken user ID or e-mail address is a [`StoreError::Conflict`].
pub async fn insert_person(connection: &impl Connection, person: &Person) -> Result<(), StoreError> {
    let sql = "INSERT INTO persons (id, username, email, claims, suspended_at, proofed_at, proofing_expires_at,
               created_at, updated_at) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)";
    let values = vec![
        person.id.uuid().into(),
        person.username.as_str().into(),
        person.claims.email.as_deref().map(str::to_lowercase).into(),
        json(&person.claims)?,
        at_if(person.suspended_at),
        at_if(person.proofed_at),
        at_if(person.proofing_expires_at),
        at(person.created_at),
        at(person.updated_at),
    ];
    run(connection, sql, values).await.map(drop)
}

/// Writes what can change about a person.
pub async fn update_person(connection: &impl Connection, person: &Person) -> Result<bool, StoreError> {
    let sql = "UPDATE persons SET email = ?, claims = ?, suspended_at = ?, proofed_at = ?, proofing_expires_at = ?,
               updated_at = ? WHERE id = ?";
    let values = vec![
        person.claims.email.as_deref().map(str::to_lowercase).into(),
        json(&person.claims)?,
        at_if(person.suspended_at),
        at_if(person.proofed_at),
        at_if(person.proofing_expires_at),
        at(person.updated_at),
        person.id.uuid().into(),
    ];
    Ok(run(connection, sql, values).await? == 1)
}

/// Writes what a person says about themselves, and nothing else; `false` when the person was changed since they were read.
pub async fn update_claims(
    connection: &impl Connection,
    read: &Person,
    claims: &StandardClaims,
    now: Timestamp,
) -> Result<bool, StoreError> {
    let sql = "UPDATE persons SET claims = ?, updated_at = ? WHERE id = ? AND updated_at = ?";
    let values = vec![json(claims)?, at(now), read.id.uuid().into(), at(read.updated_at)];
    Ok(run(connection, sql, values).await? == 1)
}

/// Notes that an address was shown to be a person's, if they have it still; nothing else of the person is touched, whatever
/// others change about them at the same moment.
pub async fn verify_email(
    connection: &impl Connection,
    (id, email): (PersonId, &str),
    now: Timestamp,
) -> Result<bool, StoreError> {
    for _ in 0..8 {
        let sql = "SELECT id, claims FROM persons WHERE id = ? AND email = ?";
        let read = one(connection, sql, vec![id.uuid().into(), email.to_lowercase().into()]).await?;
        let Some(row) = read else { return Ok(false) };
        let (before, mut claims) = (row.get::<String>("claims")?, row.json::<StandardClaims>("persons", "claims")?);
        claims.email_verified = Some(true);
        let sql = "UPDATE persons SET claims = ?, updated_at = ? WHERE id = ? AND claims = ?";
        if run(connection, sql, vec![json(&claims)?, at(now), id.uuid().into(), before.into()]).await? == 1 {
            return Ok(true);
        }
    }
    Err(StoreError::Other(format!("person {id} is changed by others all the time")))
}

/// People in the order of their user IDs, from `after` on; `query` narrows to user IDs and addresses that begin so.
pub async fn list_persons(db: &Db, after: &str, query: &str, limit: u32) -> Result<Vec<Person>, StoreError> {
    let sql = format!(
        "SELECT {PERSON} FROM persons WHERE username > ? AND (username LIKE ? OR email LIKE ?) ORDER BY username LIMIT ?"
    );
    let prefix = format!("{}%", query.trim().to_lowercase().replace(['%', '_'], ""));
    let values = vec![after.into(), prefix.clone().into(), prefix.into(), i64::from(limit).into()];
    all(&db.read, &sql, values).await?.iter().map(person).collect()
}

/// A new organization.
pub async fn insert_organization(connection: &impl Connection, new: &Organization) -> Result<(), StoreError> {
    let sql = "INSERT INTO organizations (id, name, created_at) VALUES (?, ?, ?)";
    run(connection, sql, vec![new.id.uuid().into(), new.name.as_str().into(), at(new.created_at)]).await.map(drop)
}

fn organization(row: &Row) -> Result<Organization, StoreError> {
    Ok(Organization {
        id: OrganizationId::from_uuid(row.get("id")?),
        name: row.get("name")?,
        created_at: row.time("created_at")?,
    })
}

/// All organizations, by name.
pub async fn list_organizations(db: &Db) -> Result<Vec<Organization>, StoreError> {
    let sql = "SELECT id, name, created_at FROM organizations ORDER BY name LIMIT 500";
    all(&db.read, sql, vec![]).await?.iter().map(organization).collect()
}

/// These organizations, by name.
pub async fn list_organizations_in(db: &Db, ids: &[OrganizationId]) -> Result<Vec<Organization>, StoreError> {
    let mut found = Vec::new();
    for some in ids.chunks(200) {
        let marks = vec!["?"; some.len()].join(", ");
        let sql = format!("SELECT id, name, created_at FROM organizations WHERE id IN ({marks}) ORDER BY name");
        let ids = some.iter().map(|id| id.uuid().into()).collect();
        found.extend(all(&db.read, &sql, ids).await?.iter().map(organization).collect::<Result<Vec<_>, _>>()?);
    }
    Ok(found)
}

/// The organizations that a person belongs to, the first one joined first.
pub async fn organizations_of(db: &Db, person: PersonId) -> Result<Vec<Organization>, StoreError> {
    let sql = "SELECT o.id, o.name, o.created_at FROM organizations o JOIN memberships m ON m.organization_id = o.id
               WHERE m.person_id = ? ORDER BY m.created_at";
    all(&db.read, sql, vec![person.uuid().into()]).await?.iter().map(organization).collect()
}

/// Makes a person a member; being one already is fine.
pub async fn insert_membership(
    connection: &impl Connection,
    person: PersonId,
    organization: OrganizationId,
    now: Timestamp,
) -> Result<(), StoreError> {
    let sql = "INSERT INTO memberships (person_id, organization_id, created_at) VALUES (?, ?, ?)
               ON CONFLICT (person_id, organization_id) DO NOTHING";
    run(connection, sql, vec![person.uuid().into(), organization.uuid().into(), at(now)]).await.map(drop)
}

/// The members of these organizations in the order of their user IDs, each once, from `after` on; `query` narrows to user
/// IDs and addresses that begin so.
pub async fn list_members(
    db: &Db,
    organizations: &[OrganizationId],
    (after, query): (&str, &str),
    limit: u32,
) -> Result<Vec<Person>, StoreError> {
    if organizations.is_empty() {
        return Ok(Vec::new());
    }
    let marks = vec!["?"; organizations.len()].join(", ");
    let sql = format!(
        "SELECT {PERSON} FROM persons WHERE username > ? AND (username LIKE ? OR email LIKE ?)
           AND id IN (SELECT person_id FROM memberships WHERE organization_id IN ({marks})) ORDER BY username LIMIT {limit}"
    );
    let prefix = format!("{}%", query.trim().to_lowercase().replace(['%', '_'], ""));
    let mut values: Vec<sea_orm::Value> = vec![after.into(), prefix.clone().into(), prefix.into()];
    values.extend(organizations.iter().map(|id| sea_orm::Value::from(id.uuid())));
    all(&db.read, &sql, values).await?.iter().map(person).collect()
}

/// Which of these people are members of one of these organizations.
pub async fn list_members_among(
    db: &Db,
    organizations: &[OrganizationId],
    people: &[PersonId],
) -> Result<Vec<PersonId>, StoreError> {
    let mut found = Vec::new();
    if organizations.is_empty() {
        return Ok(found);
    }
    for some in people.chunks(200) {
        let sql = format!(
            "SELECT DISTINCT person_id FROM memberships WHERE organization_id IN ({}) AND person_id IN ({})",
            vec!["?"; organizations.len()].join(", "),
            vec!["?"; some.len()].join(", ")
        );
        let own = organizations.iter().map(|id| sea_orm::Value::from(id.uuid()));
        let values = own.chain(some.iter().map(|id| sea_orm::Value::from(id.uuid()))).collect();
        for row in all(&db.read, &sql, values).await? {
            found.push(PersonId::from_uuid(row.get("person_id")?));
        }
    }
    Ok(found)
}

/// What a person may do.
pub async fn roles_of(db: &Db, person: PersonId) -> Result<Vec<Role>, StoreError> {
    let sql = "SELECT role, place FROM roles WHERE person_id = ? ORDER BY role, place";
    let rows = all(&db.read, sql, vec![person.uuid().into()]).await?;
    let role = |row: &Row| {
        let (name, place): (String, String) = (row.get("role")?, row.get("place")?);
        let bad = || StoreError::BadRow { table: "roles", column: "role", id: person.to_string() };
        Role::from_parts(&name, Uuid::try_parse(&place).ok()).ok_or_else(bad)
    };
    rows.iter().map(role).collect()
}

fn place(role: Role) -> (&'static str, String) {
    let (name, place) = role.parts();
    (name, place.map_or_else(String::new, |place| place.to_string()))
}

/// Grants a role; having it already is fine.
pub async fn grant_role(connection: &impl Connection, person: PersonId, role: Role) -> Result<(), StoreError> {
    let (name, place) = place(role);
    let sql =
        "INSERT INTO roles (person_id, role, place) VALUES (?, ?, ?) ON CONFLICT (person_id, role, place) DO NOTHING";
    run(connection, sql, vec![person.uuid().into(), name.into(), place.into()]).await.map(drop)
}

/// Takes a role away; `false` when the person did not have it.
pub async fn revoke_role(connection: &impl Connection, person: PersonId, role: Role) -> Result<bool, StoreError> {
    let (name, place) = place(role);
    let sql = "DELETE FROM roles WHERE person_id = ? AND role = ? AND place = ?";
    Ok(run(connection, sql, vec![person.uuid().into(), name.into(), place.into()]).await? == 1)
}

/// A new partner.
pub async fn insert_partner(connection: &impl Connection, new: &Partner) -> Result<(), StoreError> {
    let sql = "INSERT INTO partners (id, name, created_at) VALUES (?, ?, ?)";
    run(connection, sql, vec![new.id.uuid().into(), new.name.as_str().into(), at(new.created_at)]).await.map(drop)
}

/// A partner that is made by whoever needs it first.
pub async fn insert_partner_once(connection: &impl Connection, new: &Partner) -> Result<(), StoreError> {
    let sql = "INSERT INTO partners (id, name, created_at) VALUES (?, ?, ?) ON CONFLICT (id) DO NOTHING";
    run(connection, sql, vec![new.id.uuid().into(), new.name.as_str().into(), at(new.created_at)]).await.map(drop)
}

fn partner(row: &Row) -> Result<Partner, StoreError> {
    Ok(Partner {
        id: PartnerId::from_uuid(row.get("id")?),
        name: row.get("name")?,
        created_at: row.time("created_at")?,
    })
}

/// All partners, by name.
pub async fn list_partners(db: &Db) -> Result<Vec<Partner>, StoreError> {
    let sql = "SELECT id, name, created_at FROM partners ORDER BY name LIMIT 500";
    all(&db.read, sql, vec![]).await?.iter().map(partner).collect()
}

/// These partners, by name.
pub async fn list_partners_in(db: &Db, ids: &[PartnerId]) -> Result<Vec<Partner>, StoreError> {
    let mut found = Vec::new();
    for some in ids.chunks(200) {
        let marks = vec!["?"; some.len()].join(", ");
        let sql = format!("SELECT id, name, created_at FROM partners WHERE id IN ({marks}) ORDER BY name");
        let ids = some.iter().map(|id| id.uuid().into()).collect();
        found.extend(all(&db.read, &sql, ids).await?.iter().map(partner).collect::<Result<Vec<_>, _>>()?);
    }
    Ok(found)
}
