//! Who may spend whose money, and who sees what: an organization lets its account renew for its people or not; keys of
//! invitations are nobody's purchase; what somebody bought for themselves is no order of their organization.

crate::portable::migration!(
    "
ALTER TABLE sponsor_accounts ADD COLUMN renews BOOLEAN NOT NULL DEFAULT FALSE;
UPDATE license_keys SET purchaser_id = NULL WHERE id IN (SELECT license_key_id FROM invitations);
UPDATE orders SET organization_id = NULL WHERE sponsor_kind IS NULL OR sponsor_kind <> 'organization'
"
);
