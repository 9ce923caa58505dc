//! Cards on file: what may be shown of them and by which names the provider knows them, never a number; what was promised
//! about a renewal that pays itself, and each charge that was begun without the person.
//!
//! `orders.taken_by` keeps two ways of paying the same order apart: `page` once a page of the provider was opened, `charge`
//! while a charge is under way.

crate::portable::migration!(
    "
ALTER TABLE orders ADD COLUMN keep_card BOOLEAN NOT NULL DEFAULT FALSE;
ALTER TABLE orders ADD COLUMN card_kept_at BIGINT;
ALTER TABLE orders ADD COLUMN taken_by TEXT;
ALTER TABLE orders ADD COLUMN paid_card TEXT;
CREATE TABLE cards_on_file (
    person_id UUID PRIMARY KEY NOT NULL, provider TEXT NOT NULL, customer TEXT NOT NULL, method TEXT NOT NULL,
    brand TEXT NOT NULL, last4 TEXT NOT NULL, month BIGINT NOT NULL, year BIGINT NOT NULL, kept_at BIGINT NOT NULL
);
CREATE TABLE card_setups (
    id UUID PRIMARY KEY NOT NULL, person_id UUID NOT NULL, checkout_id TEXT, begun_at BIGINT NOT NULL,
    done_at BIGINT, expires_at BIGINT NOT NULL
);
CREATE INDEX card_setups_by_person ON card_setups (person_id);
CREATE INDEX card_setups_by_checkout ON card_setups (checkout_id) WHERE checkout_id IS NOT NULL;
CREATE INDEX card_setups_by_end ON card_setups (expires_at);
CREATE TABLE renewal_promises (
    credential_id UUID NOT NULL, ends_at BIGINT NOT NULL, currency TEXT NOT NULL, gross BIGINT NOT NULL,
    told_at BIGINT NOT NULL, PRIMARY KEY (credential_id, ends_at)
);
CREATE TABLE card_charges (
    order_id UUID NOT NULL, attempt BIGINT NOT NULL, days BIGINT NOT NULL, customer TEXT NOT NULL, method TEXT NOT NULL,
    card TEXT NOT NULL, begun_at BIGINT NOT NULL, ended_at BIGINT, outcome TEXT,
    payment_id TEXT, PRIMARY KEY (order_id, attempt)
);
CREATE UNIQUE INDEX card_charges_open_unique ON card_charges (order_id) WHERE ended_at IS NULL
"
);
