//! What protects the values of a PSKC file (RFC 6030 §6): AES-CBC with a MAC, or AES key wrap.

use std::num::NonZeroU32;

use aws_lc_rs::cipher::{
    AES_128, AES_192, AES_256, DecryptingKey, DecryptionContext, PaddedBlockDecryptingKey, UnboundCipherKey,
};
use aws_lc_rs::{hmac, pbkdf2};
use data_encoding::BASE64;

use super::Unlock;
use super::xml::{Element, Space};
use crate::secret::SecretBytes;

/// More rounds of PBKDF2 than this would only keep us busy.
pub(in super::super::super) const MOST_ITERATIONS: u32 = 2_000_000;

/// The key, and how values are authenticated.
#[derive(Default)]
pub(super) struct Protection {
    key: Option<SecretBytes>,
    mac: Option<hmac::Key>,
}

impl Protection {
    /// From `EncryptionKey` and what was typed.
    pub(super) fn set_key(&mut self, element: &Element, unlock: &Unlock) -> Result<(), String> {
        if self.key.is_some() {
            return Err("there is more than one EncryptionKey".to_owned());
        }
        let derived = element.child(Space::Encryption11, "DerivedKey")?;
        self.key = Some(match (unlock, derived) {
            (Unlock::Key(key), _) => key.clone(),
            (Unlock::Password(password), Some(derived)) => derive(derived, password.expose())?,
            (Unlock::Password(_), None) => {
                return Err("the file is encrypted with a key, not with a password: give the key".to_owned());
            }
            (Unlock::Nothing, Some(_)) => {
                return Err("the file is encrypted with a password, and none was given".to_owned());
            }
            (Unlock::Nothing, None) => return Err("the file is encrypted with a key, and none was given".to_owned()),
        });
        Ok(())
    }

    /// From `MACMethod`. Without a `MACKey` it is the key of the values (RFC 6030 §6.1.1).
    pub(super) fn set_mac(&mut self, element: &Element) -> Result<(), String> {
        let algorithm = match element.attribute("Algorithm") {
            Some("http://www.w3.org/2000/09/xmldsig#hmac-sha1") => hmac::HMAC_SHA1_FOR_LEGACY_USE_ONLY,
            Some("http://www.w3.org/2001/04/xmldsig-more#hmac-sha256") => hmac::HMAC_SHA256,
            other => {
                return Err(format!(
                    "the MAC method {:?} is not accepted: HMAC-SHA1 or HMAC-SHA256",
                    other.unwrap_or("")
                ));
            }
        };
        let Some(key) = &self.key else {
            return Err("the MACMethod stands before the EncryptionKey, or there is none".to_owned());
        };
        let mac_key = match element.child(Space::Pskc, "MACKey")? {
            Some(wrapped) => {
                let (method, value) = encrypted(wrapped)?;
                decrypt(method, key, &value).map_err(|reason| format!("the MAC key cannot be opened: {reason}"))?
            }
            None => key.clone(),
        };
        self.mac = Some(hmac::Key::new(algorithm, mac_key.expose()));
        Ok(())
    }

    /// The value of `Secret`: plain, or encrypted with a MAC over what was encrypted, which is checked first.
    pub(super) fn open(&self, secret: &Element) -> Result<SecretBytes, String> {
        if let Some(plain) = secret.child(Space::Pskc, "PlainValue")? {
            if secret.child(Space::Pskc, "EncryptedValue")?.is_some() {
                return Err("its Secret is both plain and encrypted".to_owned());
            }
            return base64(&plain.text).map(SecretBytes::new);
        }
        let (method, value) = encrypted(secret.wanted(Space::Pskc, "EncryptedValue")?)?;
        let Some(key) = &self.key else {
            return Err("its seed is encrypted, but the file has no EncryptionKey before it".to_owned());
        };
        let tag = secret.child(Space::Pskc, "ValueMAC")?;
        match (tag, &self.mac) {
            (Some(tag), Some(mac)) => hmac::verify(mac, &value, &base64(&tag.text)?)
                .map_err(|_| "its MAC is wrong: the seed was changed, or the key is another".to_owned())?,
            // RFC 3394 §2.2.3: a wrapped key carries its own check.
            (None, _) if method.wraps => {}
            (None, _) => return Err("its seed is encrypted without a ValueMAC, which must be there".to_owned()),
            (Some(_), None) => return Err("it has a ValueMAC, but the file names no MACMethod before it".to_owned()),
        }
        decrypt(method, key, &value)
    }
}

#[derive(Clone, Copy)]
struct Method {
    key_length: usize,
    wraps: bool,
}

/// How something is encrypted, and its bytes.
fn encrypted(element: &Element) -> Result<(Method, Vec<u8>), String> {
    let method = element.wanted(Space::Encryption, "EncryptionMethod")?;
    let name = method.attribute("Algorithm").ok_or("its EncryptionMethod names no Algorithm")?;
    let (key_length, wraps) = match name.strip_prefix("http://www.w3.org/2001/04/xmlenc#") {
        Some("aes128-cbc") => (16, false),
        Some("aes192-cbc") => (24, false),
        Some("aes256-cbc") => (32, false),
        Some("kw-aes128") => (16, true),
        Some("kw-aes192") => (24, true),
        Some("kw-aes256") => (32, true),
        _ => return Err(format!("the encryption {name:?} is not accepted: AES in CBC, or AES key wrap")),
    };
    let data = element.wanted(Space::Encryption, "CipherData")?;
    let value = base64(&data.wanted(Space::Encryption, "CipherValue")?.text)?;
    Ok((Method { key_length, wraps }, value))
}

fn decrypt(method: Method, key: &SecretBytes, value: &[u8]) -> Result<SecretBytes, String> {
    let key = key.expose();
    if key.len() != method.key_length {
        return Err(format!("it wants a key of {} bytes, and the key has {}", method.key_length, key.len()));
    }
    let failed = || "it does not decrypt: the key is another, or the value was changed".to_owned();
    if method.wraps { unwrap(key, value).ok_or_else(failed) } else { cbc(key, value).ok_or_else(failed) }
}

fn cipher(key: &[u8]) -> Option<UnboundCipherKey> {
    let algorithm = match key.len() {
        16 => &AES_128,
        24 => &AES_192,
        32 => &AES_256,
        _ => return None,
    };
    UnboundCipherKey::new(algorithm, key).ok()
}

/// The initialisation vector comes first, and the last byte of the padding is its length (XML Encryption §5.2).
fn cbc(key: &[u8], value: &[u8]) -> Option<SecretBytes> {
    let (iv, body) = value.split_first_chunk::<16>()?;
    let mut body = zeroize::Zeroizing::new(body.to_vec());
    let key = PaddedBlockDecryptingKey::cbc_iso10126(cipher(key)?).ok()?;
    let plain = key.decrypt(&mut body, DecryptionContext::Iv128(iv.into())).ok()?;
    Some(SecretBytes::new(plain.to_vec()))
}

/// RFC 3394 §2.2.2, by single blocks: the library's own key wrap has no keys of 192 bits.
fn unwrap(key: &[u8], value: &[u8]) -> Option<SecretBytes> {
    let (check, rest) = value.split_first_chunk::<8>()?;
    let (blocks, odd) = rest.as_chunks::<8>();
    if !odd.is_empty() || !(2..=32).contains(&blocks.len()) {
        return None;
    }
    let key = DecryptingKey::ecb(cipher(key)?).ok()?;
    let mut check = u64::from_be_bytes(*check);
    let mut blocks = blocks.to_vec();
    let count = u64::try_from(blocks.len()).ok()?;
    for round in (0..6).rev() {
        for (index, block) in blocks.iter_mut().enumerate().rev() {
            let step = count * round + u64::try_from(index).ok()? + 1;
            let mut pair = [0; 16];
            let (first, second) = pair.split_at_mut(8);
            first.copy_from_slice(&(check ^ step).to_be_bytes());
            second.copy_from_slice(block);
            key.decrypt(&mut pair, DecryptionContext::None).ok()?;
            let (first, second) = pair.split_first_chunk::<8>()?;
            check = u64::from_be_bytes(*first);
            block.copy_from_slice(second);
        }
    }
    let right = crate::secret::constant_time_eq(&check.to_be_bytes(), &[0xa6; 8]);
    right.then(|| SecretBytes::new(blocks.concat()))
}

/// PBKDF2 (RFC 8018 §5.2) with what the file says.
fn derive(element: &Element, password: &str) -> Result<SecretBytes, String> {
    let method = element.wanted(Space::Encryption11, "KeyDerivationMethod")?;
    match method.attribute("Algorithm") {
        Some(
            "http://www.rsasecurity.com/rsalabs/pkcs/schemas/pkcs-5v2-0#pbkdf2"
            | "http://www.w3.org/2009/xmlenc11#pbkdf2",
        ) => {}
        other => return Err(format!("the key derivation {:?} is not accepted: PBKDF2", other.unwrap_or(""))),
    }
    // Both names are in use: that of PKCS #5, and that of XML Encryption 1.1.
    let params = method.children.iter().find(|child| child.name.eq_ignore_ascii_case("pbkdf2-params"));
    let params = params.ok_or("the key derivation has no PBKDF2-params")?;
    let any = |parent: &Element, name: &str| parent.children.iter().position(|child| child.name == name);
    let text = |name: &str| any(params, name).and_then(|at| params.children.get(at)).map(|child| child.text.trim());
    let salt = any(params, "Salt").and_then(|at| params.children.get(at));
    let salt = salt.and_then(|salt| any(salt, "Specified").and_then(|at| salt.children.get(at)));
    let salt = base64(&salt.ok_or("the key derivation has no Salt")?.text)?;
    let iterations: u32 = text("IterationCount").and_then(|text| text.parse().ok()).unwrap_or(0);
    let iterations = NonZeroU32::new(iterations).filter(|count| count.get() <= MOST_ITERATIONS);
    let iterations = iterations.ok_or_else(|| format!("the IterationCount must be from 1 to {MOST_ITERATIONS}"))?;
    let length = text("KeyLength").and_then(|text| text.parse::<usize>().ok());
    let length = length.filter(|length| matches!(length, 16 | 24 | 32)).ok_or("the KeyLength must be 16, 24 or 32")?;
    let function = any(params, "PRF").and_then(|at| params.children.get(at)).and_then(|prf| prf.attribute("Algorithm"));
    let function = match function.and_then(|name| name.rsplit_once('#')).map(|(_, name)| name) {
        None if function.is_none() => pbkdf2::PBKDF2_HMAC_SHA1,
        Some("hmac-sha1" | "id-hmacWithSHA1") => pbkdf2::PBKDF2_HMAC_SHA1,
        Some("hmac-sha256" | "id-hmacWithSHA256") => pbkdf2::PBKDF2_HMAC_SHA256,
        _ => return Err("the PRF of the key derivation is not accepted: HMAC-SHA1 or HMAC-SHA256".to_owned()),
    };
    let mut key = vec![0; length];
    pbkdf2::derive(function, iterations, &salt, password.as_bytes(), &mut key);
    Ok(SecretBytes::new(key))
}

fn base64(text: &str) -> Result<Vec<u8>, String> {
    let compact: zeroize::Zeroizing<Vec<u8>> =
        zeroize::Zeroizing::new(text.bytes().filter(|byte| !byte.is_ascii_whitespace()).collect());
    BASE64.decode(&compact).map_err(|_| "a value is not in base64".to_owned())
}
