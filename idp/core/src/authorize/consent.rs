//! What a person is asked to consent to, and what an earlier yes covers.
//!
//! Scopes go by their names. A claim that the `claims` parameter asks for without its scope goes as `claim:NAME`, so
//! that a yes to one claim is never taken for a yes to its whole scope.

use crate::authorize::AuthorizationRequest;
use crate::oidc::scope_of_claim;

const CLAIM: &str = "claim:";

/// The claim that an item stands for; `None` for a scope.
pub fn claim_of(item: &str) -> Option<&str> {
    item.strip_prefix(CLAIM)
}

/// Whether an item is among those that were allowed, by itself or with its scope.
pub fn is_covered(item: &str, allowed: &[String]) -> bool {
    let has = |name: &str| allowed.iter().any(|known| known == name);
    has(item) || claim_of(item).and_then(scope_of_claim).is_some_and(has)
}

impl AuthorizationRequest {
    /// What the person is asked to consent to: the scopes, and claims that are asked for one by one.
    pub fn consent_items(&self) -> Vec<String> {
        let mut items: Vec<String> = self.scope.iter().map(str::to_owned).collect();
        for claim in self.claims.names() {
            let item = format!("{CLAIM}{claim}");
            // Claims without a scope are about the login, not about the person.
            if scope_of_claim(claim).is_some() && !is_covered(&item, &items) {
                items.push(item);
            }
        }
        items
    }
}
