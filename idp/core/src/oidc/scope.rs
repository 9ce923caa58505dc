//! Scopes (RFC 6749 §3.3).

use std::fmt;

use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::oidc::errors::{ErrorCode, OAuthError};

/// The scopes of OpenID Connect Core §5.4 and §11.
pub const STANDARD_SCOPES: &[&str] = &["openid", "profile", "email", "address", "phone", "offline_access"];

/// A set of scopes in the order in which they were named. Written as one string, separated by spaces.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Scopes(Vec<String>);

impl Scopes {
    /// Reads the `scope` parameter. A repeated scope counts once.
    ///
    /// # Errors
    /// `invalid_scope` when a character is outside of RFC 6749's set.
    pub fn parse(text: &str) -> Result<Self, OAuthError> {
        let allowed = |byte: u8| matches!(byte, 0x21 | 0x23..=0x5b | 0x5d..=0x7e);
        if !text.split(' ').flat_map(str::bytes).all(allowed) {
            return Err(OAuthError::parameter(
                ErrorCode::InvalidScope,
                "scope",
                "holds a character that is not allowed",
            ));
        }
        Ok(text.split(' ').filter(|scope| !scope.is_empty()).collect())
    }

    /// Whether the scope is in the set.
    pub fn contains(&self, scope: &str) -> bool {
        self.0.iter().any(|held| held == scope)
    }

    /// Whether every scope of `other` is in this set.
    pub fn covers(&self, other: &Self) -> bool {
        other.iter().all(|scope| self.contains(scope))
    }

    /// The scopes, one by one.
    pub fn iter(&self) -> impl Iterator<Item = &str> {
        self.0.iter().map(String::as_str)
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

impl<'a> FromIterator<&'a str> for Scopes {
    fn from_iter<I: IntoIterator<Item = &'a str>>(scopes: I) -> Self {
        let mut set = Self::default();
        for scope in scopes {
            if !set.contains(scope) {
                set.0.push(scope.to_owned());
            }
        }
        set
    }
}

impl fmt::Display for Scopes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (position, scope) in self.iter().enumerate() {
            if position > 0 {
                f.write_str(" ")?;
            }
            f.write_str(scope)?;
        }
        Ok(())
    }
}

impl Serialize for Scopes {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Scopes {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        Self::parse(&text).map_err(serde::de::Error::custom)
    }
}

/// The scope that brings a claim about a person (OpenID Connect Core §5.4); `None` for every other claim.
pub fn scope_of_claim(claim: &str) -> Option<&'static str> {
    match claim {
        "name" | "given_name" | "family_name" | "middle_name" | "nickname" | "preferred_username" | "profile"
        | "picture" | "website" | "gender" | "birthdate" | "zoneinfo" | "locale" | "updated_at" => Some("profile"),
        "email" | "email_verified" => Some("email"),
        "phone_number" | "phone_number_verified" => Some("phone"),
        "address" => Some("address"),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn scopes_keep_their_order_and_count_once() {
        let scopes = Scopes::parse("openid  email openid urn:x:pay").unwrap();
        assert_eq!(scopes.to_string(), "openid email urn:x:pay");
        assert!(scopes.covers(&Scopes::parse("email").unwrap()));
        assert!(!scopes.covers(&Scopes::parse("email phone").unwrap()));
        assert_eq!(serde_json::from_str::<Scopes>(&serde_json::to_string(&scopes).unwrap()).unwrap(), scopes);
    }

    #[test]
    fn characters_outside_of_the_set_are_refused() {
        for text in ["a\tb", "a\"b", "a\\b", "\u{e9}", "a\u{7f}"] {
            assert_eq!(Scopes::parse(text).unwrap_err().code(), ErrorCode::InvalidScope, "{text:?}");
        }
    }
}
