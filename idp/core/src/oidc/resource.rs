//! Resource indicators (RFC 8707).

use crate::oidc::errors::{ErrorCode, OAuthError};

/// What access tokens shall be for: all of `within` when nothing is asked for, else the part of it that is, each once.
///
/// # Errors
/// `invalid_target` for a resource that is not in `within` (§2).
pub fn narrow_resource(within: &[String], asked: &[String]) -> Result<Vec<String>, OAuthError> {
    if asked.is_empty() {
        return Ok(within.to_vec());
    }
    if asked.iter().any(|resource| !within.contains(resource)) {
        let text = "names a resource that this client may not have tokens for; it must be a registered audience";
        return Err(OAuthError::parameter(ErrorCode::InvalidTarget, "resource", text));
    }
    Ok(within.iter().filter(|resource| asked.contains(resource)).cloned().collect())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn narrowing_never_widens(
            within in proptest::collection::btree_set("[a-d]", 0..4),
            asked in proptest::collection::vec("[a-f]", 0..4),
        ) {
            let within: Vec<String> = within.into_iter().collect();
            let narrowed = narrow_resource(&within, &asked);
            prop_assert_eq!(narrowed.is_err(), asked.iter().any(|resource| !within.contains(resource)));
            if let Ok(narrowed) = narrowed {
                prop_assert!(narrowed.iter().all(|resource| within.contains(resource)));
                prop_assert!(asked.is_empty() || narrowed.iter().all(|resource| asked.contains(resource)));
                prop_assert_eq!(narrowed.is_empty(), within.is_empty());
                prop_assert_eq!(narrow_resource(&narrowed, &asked), Ok(narrowed));
            }
        }
    }
}
