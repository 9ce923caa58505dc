//! PSKC files that we write (RFC 6030): AES-256-CBC under a key from a password, each seed with a MAC.

use std::fmt::Write as _;
use std::num::NonZeroU32;

use aws_lc_rs::cipher::{AES_256, EncryptionContext, PaddedBlockEncryptingKey, UnboundCipherKey};
use aws_lc_rs::{hmac, pbkdf2};
use data_encoding::BASE64;

use super::{Mode, OathParameters};
use crate::entropy::Entropy;
use crate::secret::{SecretBytes, SecretString};
use crate::time::Timestamp;

/// Rounds of PBKDF2-HMAC-SHA256: what OWASP asks for.
const ITERATIONS: NonZeroU32 = match NonZeroU32::new(600_000) {
    Some(count) => count,
    None => NonZeroU32::MIN,
};

/// The encryption failed; with keys of the right length it cannot.
#[derive(Debug, Clone, Copy, thiserror::Error)]
#[error("a seed could not be encrypted")]
pub struct ExportError;

/// A token that goes out.
pub struct ExportedToken<'a> {
    /// The number on its back.
    pub serial: &'a str,
    /// Who made it.
    pub manufacturer: &'a str,
    /// What it computes with.
    pub parameters: OathParameters,
    /// Its seed.
    pub seed: &'a SecretBytes,
    /// The next counter.
    pub counter: i64,
    /// Its drift.
    pub drift: i32,
    /// When its life ends.
    pub expires_at: Option<Timestamp>,
}

/// A file that is being written.
pub struct Writer {
    key: SecretBytes,
    mac: hmac::Key,
    packages: u64,
}

impl Writer {
    /// What comes last.
    pub const END: &'static str = "</KeyContainer>\n";

    /// Begins: the key is derived from the password and a salt of its own. The writer, and how the file begins.
    ///
    /// # Errors
    /// See [`ExportError`].
    pub fn new(password: &SecretString, entropy: &dyn Entropy) -> Result<(Self, String), ExportError> {
        let (mut salt, mut mac_key) = ([0; 16], zeroize::Zeroizing::new([0; 32]));
        entropy.fill(&mut salt);
        entropy.fill(mac_key.as_mut_slice());
        let mut key = vec![0; 32];
        pbkdf2::derive(pbkdf2::PBKDF2_HMAC_SHA256, ITERATIONS, &salt, password.expose().as_bytes(), &mut key);
        let key = SecretBytes::new(key);
        let wrapped = encrypt(&key, mac_key.as_slice(), entropy)?;
        let begin = format!(
            r#"<?xml version="1.0" encoding="UTF-8"?>
<KeyContainer Version="1.0" xmlns="urn:ietf:params:xml:ns:keyprov:pskc" xmlns:ds="http://www.w3.org/2000/09/xmldsig#" xmlns:xenc="http://www.w3.org/2001/04/xmlenc#" xmlns:xenc11="http://www.w3.org/2009/xmlenc11#" xmlns:pkcs5="http://www.rsasecurity.com/rsalabs/pkcs/schemas/pkcs-5v2-0#">
<EncryptionKey><xenc11:DerivedKey><xenc11:KeyDerivationMethod Algorithm="http://www.rsasecurity.com/rsalabs/pkcs/schemas/pkcs-5v2-0#pbkdf2"><pkcs5:PBKDF2-params><Salt xmlns=""><Specified>{}</Specified></Salt><IterationCount xmlns="">{ITERATIONS}</IterationCount><KeyLength xmlns="">32</KeyLength><PRF xmlns="" Algorithm="http://www.w3.org/2001/04/xmldsig-more#hmac-sha256"/></pkcs5:PBKDF2-params></xenc11:KeyDerivationMethod></xenc11:DerivedKey></EncryptionKey>
<MACMethod Algorithm="http://www.w3.org/2001/04/xmldsig-more#hmac-sha256"><MACKey>{}</MACKey></MACMethod>
"#,
            BASE64.encode(&salt),
            value(&wrapped)
        );
        let mac = hmac::Key::new(hmac::HMAC_SHA256, mac_key.as_slice());
        Ok((Self { key, mac, packages: 0 }, begin))
    }

    /// One token.
    ///
    /// # Errors
    /// See [`ExportError`].
    pub fn package(&mut self, token: &ExportedToken<'_>, entropy: &dyn Entropy) -> Result<String, ExportError> {
        self.packages += 1;
        let sealed = encrypt(&self.key, token.seed.expose(), entropy)?;
        let tag = hmac::sign(&self.mac, &sealed);
        let (profile, moving) = match token.parameters.mode() {
            Mode::Hotp => ("hotp", format!("<Counter><PlainValue>{}</PlainValue></Counter>", token.counter)),
            Mode::Totp { period_seconds } => (
                "totp",
                format!(
                    "<Time><PlainValue>0</PlainValue></Time><TimeInterval><PlainValue>{period_seconds}</PlainValue>\
                     </TimeInterval><TimeDrift><PlainValue>{}</PlainValue></TimeDrift>",
                    token.drift
                ),
            ),
        };
        let maker = if token.manufacturer.is_empty() { "unknown" } else { token.manufacturer };
        let mut package = format!(
            r#"<KeyPackage><DeviceInfo><Manufacturer>{}</Manufacturer><SerialNo>{}</SerialNo></DeviceInfo><Key Id="{}" Algorithm="urn:ietf:params:xml:ns:keyprov:pskc:{profile}"><AlgorithmParameters><Suite>HMAC-{}</Suite><ResponseFormat Encoding="DECIMAL" Length="{}"/></AlgorithmParameters><Data><Secret><EncryptedValue>{}</EncryptedValue><ValueMAC>{}</ValueMAC></Secret>{moving}</Data>"#,
            escaped(maker),
            escaped(token.serial),
            self.packages,
            token.parameters.algorithm().name(),
            token.parameters.digits(),
            value(&sealed),
            BASE64.encode(tag.as_ref())
        );
        if let Some(end) = token.expires_at {
            // Writing to a String cannot fail.
            let _ = write!(package, "<Policy><ExpiryDate>{}</ExpiryDate></Policy>", date(end));
        }
        package.push_str("</Key></KeyPackage>\n");
        Ok(package)
    }
}

fn value(sealed: &[u8]) -> String {
    format!(
        r#"<xenc:EncryptionMethod Algorithm="http://www.w3.org/2001/04/xmlenc#aes256-cbc"/><xenc:CipherData><xenc:CipherValue>{}</xenc:CipherValue></xenc:CipherData>"#,
        BASE64.encode(sealed)
    )
}

/// The initialisation vector, then the blocks (XML Encryption §5.2).
fn encrypt(key: &SecretBytes, plain: &[u8], entropy: &dyn Entropy) -> Result<Vec<u8>, ExportError> {
    let mut iv = [0; 16];
    entropy.fill(&mut iv);
    let key = UnboundCipherKey::new(&AES_256, key.expose()).map_err(|_| ExportError)?;
    let key = PaddedBlockEncryptingKey::cbc_pkcs7(key).map_err(|_| ExportError)?;
    let mut body = plain.to_vec();
    key.less_safe_encrypt(&mut body, EncryptionContext::Iv128((&iv).into())).map_err(|_| ExportError)?;
    Ok([iv.as_slice(), &body].concat())
}

fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;")
}

/// `2026-05-31T00:00:00Z`: the day.
fn date(at: Timestamp) -> String {
    // Days to the civil calendar: Howard Hinnant's algorithm.
    let days = at.unix_seconds().div_euclid(86_400) + 719_468;
    let (era, of_era) = (days.div_euclid(146_097), days.rem_euclid(146_097));
    let year_of_era = (of_era - of_era / 1460 + of_era / 36_524 - of_era / 146_096) / 365;
    let day_of_year = of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let shifted = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * shifted + 2) / 5 + 1;
    let month = if shifted < 10 { shifted + 3 } else { shifted - 9 };
    let year = year_of_era + era * 400 + i64::from(month <= 2);
    format!("{year:04}-{month:02}-{day:02}T00:00:00Z")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::credentials::hardware_token::Algorithm;
    use crate::credentials::hardware_token::import::pskc::Unlock;
    use crate::credentials::hardware_token::import::{Format, Found, Rows};

    struct Fixed;
    impl Entropy for Fixed {
        fn fill(&self, bytes: &mut [u8]) {
            bytes.fill(7);
        }
    }

    #[test]
    fn what_is_written_is_read_back() {
        let password = SecretString::new("correct horse battery".to_owned());
        let seed = SecretBytes::new(b"12345678901234567890".to_vec());
        let (mut writer, mut file) = Writer::new(&password, &Fixed).unwrap();
        let modes = [Mode::Hotp, Mode::Totp { period_seconds: 60 }];
        for (number, mode) in modes.into_iter().enumerate() {
            let token = ExportedToken {
                serial: &format!("A-{number}"),
                manufacturer: "Tick & <Tock>",
                parameters: OathParameters::new(mode, Algorithm::Sha256, 8).unwrap(),
                seed: &seed,
                counter: 5,
                drift: -3,
                expires_at: Some(Timestamp::from_unix_seconds(1_780_185_600)),
            };
            file.push_str(&writer.package(&token, &Fixed).unwrap());
        }
        file.push_str(Writer::END);
        assert!(!file.contains("12345678901234567890") && file.contains("2026-05-31T00:00:00Z"));
        let mut rows = Rows::new(Format::Pskc(Unlock::Password(password)), file.as_bytes());
        for mode in modes {
            let Ok(Some(Found::Token(token))) = rows.next_row() else { panic!("{file}") };
            assert_eq!((token.parameters.mode(), token.parameters.algorithm()), (mode, Algorithm::Sha256));
            assert_eq!(token.seed.expose(), seed.expose());
            assert_eq!(token.manufacturer, "Tick & <Tock>");
            assert_eq!(token.expires_at, Some(Timestamp::from_unix_seconds(1_780_185_600)));
        }
        assert!(matches!(rows.next_row(), Ok(None)));
    }
}
