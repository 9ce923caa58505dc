//! License keys: what a purchase yields, and what starts an activation. Redeemed once, by one person.
//!
//! A key is not kept. It is worked out from the deployment's secret and its own id, so that its purchaser can look at
//! it until it is redeemed; the database has a hash of it, and whoever reads the database has no key (ADR 22).

use std::sync::atomic::{AtomicU64, Ordering};

use aws_lc_rs::hmac;

use crate::credentials::recovery::{CodeError, CodePurpose, TypedCode};
use crate::entropy::Entropy;
use crate::id::{CredentialId, LicenseKeyId, OrderId, PersonId};
use crate::secret::SecretString;
use crate::subscriptions::product::{Gives, ProductId};
use crate::time::Timestamp;

/// Where a key stands.
///
/// ```text
/// unredeemed ─→ redeemed        by its person: a credential, or a longer term
///     └───────→ void            given back for money, or withdrawn
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum KeyStage {
    /// It can be redeemed, and handed on.
    Unredeemed,
    /// It became a credential, or a longer term.
    Redeemed,
    /// It was given back.
    Void,
}

impl KeyStage {
    /// The name as the store keeps it.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Unredeemed => "unredeemed",
            Self::Redeemed => "redeemed",
            Self::Void => "void",
        }
    }

    /// The inverse of [`KeyStage::as_str`].
    pub fn parse(text: &str) -> Option<Self> {
        [Self::Unredeemed, Self::Redeemed, Self::Void].into_iter().find(|stage| stage.as_str() == text)
    }
}

/// A license key, as it is kept.
#[derive(Clone, Debug)]
pub struct LicenseKey {
    /// Its id, from which its letters are worked out.
    pub id: LicenseKeyId,
    /// The order that it came from; none for keys that were handed in from elsewhere.
    pub order: Option<OrderId>,
    /// The line of that order, from 0.
    pub line: u32,
    /// Which product.
    pub product: ProductId,
    /// What it becomes.
    pub gives: Gives,
    /// Where it stands.
    pub stage: KeyStage,
    /// Who bought it.
    pub purchaser: Option<PersonId>,
    /// When it was paid: terms count from here.
    pub purchased_at: Timestamp,
    /// The only person who can redeem it; anybody who has it while this is unset.
    pub holder: Option<PersonId>,
    /// The address it was handed to, before its holder had an account.
    pub holder_mail: Option<String>,
    /// The credential whose term it makes longer.
    pub renews: Option<CredentialId>,
    /// Who redeemed it.
    pub redeemed_by: Option<PersonId>,
    /// When.
    pub redeemed_at: Option<Timestamp>,
}

/// Randomness that is the same each time for the same key.
struct Derived<'a> {
    key: &'a hmac::Key,
    id: LicenseKeyId,
    block: AtomicU64,
}

impl Entropy for Derived<'_> {
    fn fill(&self, bytes: &mut [u8]) {
        for part in bytes.chunks_mut(32) {
            let mut mac = hmac::Context::with_key(self.key);
            mac.update(b"stepgate license key is\0");
            mac.update(self.id.uuid().as_bytes());
            mac.update(&self.block.fetch_add(1, Ordering::Relaxed).to_be_bytes());
            for (to, from) in part.iter_mut().zip(mac.sign().as_ref()) {
                *to = *from;
            }
        }
    }
}

/// The key with this id: 113 bits that nobody guesses, and a letter that finds slips of the pen.
pub fn derive(key: &hmac::Key, id: LicenseKeyId) -> TypedCode {
    TypedCode::random(&Derived { key, id, block: AtomicU64::new(0) })
}

/// What was typed, ready to be looked up.
pub struct TypedKey {
    normal: SecretString,
    /// What is wrong with it, if it was one of ours; keys that came from elsewhere have other letters.
    pub slip: Option<CodeError>,
}

/// What was typed is too short or too long for any key.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a license key has 24 letters and digits in six groups; look again at what you got")]
pub struct NoKey;

impl TypedKey {
    /// Reads what was typed: in any case, with or without hyphens and spaces, full-width letters too.
    ///
    /// # Errors
    /// Fewer than 12 or more than 64 letters and digits.
    pub fn parse(typed: &str) -> Result<Self, NoKey> {
        let plain = |letter: char| match u32::from(letter) {
            wide @ 0xff01..=0xff5e => char::from_u32(wide - 0xfee0).unwrap_or(letter),
            _ => letter,
        };
        let letters = typed.chars().take(512).map(plain).filter(char::is_ascii_alphanumeric);
        let normal: String = letters.map(|letter| letter.to_ascii_uppercase()).collect();
        if !(12..=64).contains(&normal.len()) {
            return Err(NoKey);
        }
        let slip = TypedCode::parse(&normal).err();
        Ok(Self { normal: SecretString::new(normal), slip })
    }

    /// What is stored in place of it.
    pub fn hash(&self, key: &hmac::Key) -> Vec<u8> {
        CodePurpose::License.hash(key, self.normal.expose())
    }

    /// What is stored in place of a voucher with these letters.
    pub fn voucher_hash(&self, key: &hmac::Key) -> Vec<u8> {
        CodePurpose::Voucher.hash(key, self.normal.expose())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn id(number: u128) -> LicenseKeyId {
        LicenseKeyId::from_uuid(uuid::Uuid::from_u128(number))
    }

    #[test]
    fn a_key_is_the_same_each_time_and_another_for_another_id_or_secret() {
        let [one, other] = [b"one", b"two"].map(|secret| hmac::Key::new(hmac::HMAC_SHA256, secret));
        let text = |key: &hmac::Key, number| derive(key, id(number)).grouped().expose().clone();
        assert_eq!(text(&one, 1), text(&one, 1));
        assert_ne!(text(&one, 1), text(&one, 2));
        assert_ne!(text(&one, 1), text(&other, 1));
        assert_eq!(text(&one, 1).len(), 29);
    }

    #[test]
    fn it_is_found_however_it_is_typed_and_a_slip_is_told() {
        let key = hmac::Key::new(hmac::HMAC_SHA256, b"one");
        let issued = derive(&key, id(7));
        let text = issued.grouped().expose().clone();
        let kept = issued.hash(&key, CodePurpose::License);
        for typed in [text.clone(), text.to_lowercase(), text.replace('-', " "), format!("  {text}\n")] {
            let typed = TypedKey::parse(&typed).unwrap();
            assert_eq!((typed.hash(&key), typed.slip), (kept.clone(), None));
        }
        let (first, rest) = text.split_at(1);
        let slipped = format!("{}{rest}", if first == "A" { "B" } else { "A" });
        assert_eq!(TypedKey::parse(&slipped).unwrap().slip, Some(CodeError::Mistyped));
        let foreign = TypedKey::parse("DEMO-GRACE-MOBILE-0001").unwrap();
        assert!(foreign.slip.is_some());
        assert_eq!(foreign.hash(&key), TypedKey::parse("demo grace mobile 0001").unwrap().hash(&key));
        assert_eq!(TypedKey::parse("short").err(), Some(NoKey));
        assert_eq!(TypedKey::parse(&"A".repeat(65)).err(), Some(NoKey));
        assert_ne!(issued.hash(&key, CodePurpose::Recovery), kept, "a code of one purpose is worthless for another");
    }
}
