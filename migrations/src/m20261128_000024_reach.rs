//! Ratings of help pages; invitations that somebody else pays for; what was sold, line by line, for reports.
//!
//! An invitation's state is read off its times. `open` ones are unique for an address, a sponsor and a product.

crate::portable::migration!(
    "
CREATE TABLE help_ratings (
    page TEXT NOT NULL, person_id UUID NOT NULL, stars BIGINT NOT NULL, rated_at BIGINT NOT NULL,
    PRIMARY KEY (page, person_id)
);
CREATE INDEX help_ratings_by_page ON help_ratings (page, stars);
CREATE TABLE invitations (
    id UUID PRIMARY KEY NOT NULL, token_hash BYTES NOT NULL, browser_hash BYTES, sponsor_kind TEXT NOT NULL,
    sponsor_id UUID NOT NULL, organization_id UUID, order_id UUID NOT NULL, license_key_id UUID NOT NULL,
    product TEXT NOT NULL, email TEXT NOT NULL, name TEXT NOT NULL, username TEXT, currency TEXT NOT NULL,
    charged BIGINT NOT NULL, invited_by UUID NOT NULL, person_id UUID, created_at BIGINT NOT NULL,
    sent_at BIGINT NOT NULL, expires_at BIGINT NOT NULL, opened_at BIGINT, joined_at BIGINT, withdrawn_at BIGINT
);
CREATE UNIQUE INDEX invitations_token_unique ON invitations (token_hash);
CREATE UNIQUE INDEX invitations_key_unique ON invitations (license_key_id);
CREATE UNIQUE INDEX invitations_open_unique ON invitations (sponsor_id, product, email)
    WHERE joined_at IS NULL AND withdrawn_at IS NULL;
CREATE INDEX invitations_by_sponsor ON invitations (sponsor_id, created_at);
CREATE INDEX invitations_by_time ON invitations (created_at);
CREATE INDEX invitations_by_browser ON invitations (browser_hash) WHERE browser_hash IS NOT NULL;
CREATE TABLE sales (
    order_id UUID NOT NULL, line BIGINT NOT NULL, product TEXT NOT NULL, renewal BOOLEAN NOT NULL,
    quantity BIGINT NOT NULL, currency TEXT NOT NULL, net BIGINT NOT NULL, organization_id UUID, sponsor_id UUID,
    sold_at BIGINT NOT NULL, PRIMARY KEY (order_id, line)
);
CREATE INDEX sales_by_time ON sales (sold_at);
CREATE INDEX orders_by_time_of_payment ON orders (paid_at) WHERE paid_at IS NOT NULL;
CREATE INDEX orders_by_refund ON orders (refunded_at) WHERE refunded_at IS NOT NULL;
CREATE INDEX license_keys_by_time ON license_keys (purchased_at);
CREATE INDEX license_keys_by_redemption ON license_keys (redeemed_at) WHERE redeemed_at IS NOT NULL
"
);
