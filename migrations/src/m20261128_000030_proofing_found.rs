//! What an approval rests on besides: the level that it reaches, and until when the document is valid.

crate::portable::migration!(
    "
ALTER TABLE proofing_requests ADD COLUMN level TEXT;
ALTER TABLE proofing_requests ADD COLUMN document_valid_until TEXT
"
);
