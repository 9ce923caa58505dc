//! Indexes for reports and lists over many invitations: what was withdrawn in a period, and which order paid for them.

crate::portable::migration!(
    "
CREATE INDEX invitations_by_withdrawal ON invitations (withdrawn_at) WHERE withdrawn_at IS NOT NULL;
CREATE INDEX invitations_by_order ON invitations (order_id)
"
);
