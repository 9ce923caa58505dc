//! What a client's certificate says about whom it names (RFC 8705 §2.1.2), and the hash that tokens are bound by (§3.1).
//!
//! Owns: reading subject and alternative names, comparing them with what a client registered. Never decides whether the
//! certificate is to be believed: who signed it and whether it is in time is checked before.

mod der;
mod name;

use std::net::IpAddr;

use data_encoding::BASE64URL_NOPAD;
use serde::{Deserialize, Serialize};

use super::ClientMetadata;
use crate::secret::sha256;
use der::{Reader, tag};

pub use name::{DistinguishedName, NameError};

/// The certificate cannot be read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("not an X.509 certificate")]
pub struct CertificateError;

/// The names of a certificate, and its hash.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Certificate {
    subject: DistinguishedName,
    dns: Vec<String>,
    uris: Vec<String>,
    emails: Vec<String>,
    addresses: Vec<IpAddr>,
    thumbprint: String,
}

/// The `cnf` of a token that is bound to a certificate (RFC 8705 §3.1).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Confirmation {
    /// SHA-256 of the certificate, in base64url.
    #[serde(rename = "x5t#S256")]
    pub certificate: String,
}

/// `subjectAltName`, 2.5.29.17.
const ALTERNATIVE_NAMES: &[u8] = &[0x55, 0x1d, 0x11];

impl Certificate {
    /// Reads a certificate in DER.
    ///
    /// # Errors
    /// It is none, or something follows it.
    pub fn parse(der: &[u8]) -> Result<Self, CertificateError> {
        Self::read(der).ok_or(CertificateError)
    }

    fn read(der: &[u8]) -> Option<Self> {
        let mut outer = Reader::of(der);
        let certificate = outer.take(tag::SEQUENCE)?;
        outer.end()?;
        let mut fields = Reader::of(Reader::of(certificate).take(tag::SEQUENCE)?);
        fields.take_if(tag::context(0));
        fields.take(tag::INTEGER)?;
        // Signature algorithm, issuer, validity.
        for _ in 0..3 {
            fields.take(tag::SEQUENCE)?;
        }
        let subject = DistinguishedName::from_der(fields.take(tag::SEQUENCE)?)?;
        fields.take(tag::SEQUENCE)?;
        let mut found = Self {
            subject,
            dns: Vec::new(),
            uris: Vec::new(),
            emails: Vec::new(),
            addresses: Vec::new(),
            thumbprint: thumbprint(der),
        };
        while let Some((tag, content)) = fields.next() {
            if tag == tag::context(3) {
                found.read_extensions(Reader::of(content).take(tag::SEQUENCE)?)?;
            }
        }
        Some(found)
    }

    fn read_extensions(&mut self, extensions: &[u8]) -> Option<()> {
        let mut extensions = Reader::of(extensions);
        while let Some((_, extension)) = extensions.next() {
            let mut extension = Reader::of(extension);
            let kind = extension.take(tag::OBJECT_IDENTIFIER)?;
            extension.take_if(tag::BOOLEAN);
            let value = extension.take(tag::OCTET_STRING)?;
            if kind == ALTERNATIVE_NAMES {
                self.read_alternative_names(Reader::of(value).take(tag::SEQUENCE)?)?;
            }
        }
        extensions.end()
    }

    fn read_alternative_names(&mut self, names: &[u8]) -> Option<()> {
        let mut names = Reader::of(names);
        while let Some((kind, value)) = names.next() {
            let text = || std::str::from_utf8(value).ok().filter(|text| text.is_ascii()).map(str::to_owned);
            match kind {
                0x81 => self.emails.push(text()?),
                0x82 => self.dns.push(text()?),
                0x86 => self.uris.push(text()?),
                0x87 => self.addresses.push(match (<[u8; 4]>::try_from(value), <[u8; 16]>::try_from(value)) {
                    (Ok(four), _) => IpAddr::from(four),
                    (_, Ok(sixteen)) => IpAddr::from(sixteen),
                    _ => return None,
                }),
                _ => {}
            }
        }
        names.end()
    }

    /// The subject.
    pub const fn subject(&self) -> &DistinguishedName {
        &self.subject
    }

    /// SHA-256 of the certificate, in base64url (RFC 8705 §3.1).
    pub fn thumbprint(&self) -> &str {
        &self.thumbprint
    }
}

/// SHA-256 of a certificate in DER, in base64url.
pub fn thumbprint(der: &[u8]) -> String {
    BASE64URL_NOPAD.encode(&sha256(der))
}

/// Whom a `tls_client_auth` client's certificate must name: exactly one thing (RFC 8705 §2.1.2).
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum RegisteredName {
    /// `tls_client_auth_subject_dn`.
    Subject(DistinguishedName),
    /// `tls_client_auth_san_dns`.
    Dns(String),
    /// `tls_client_auth_san_uri`.
    Uri(String),
    /// `tls_client_auth_san_ip`.
    Address(IpAddr),
    /// `tls_client_auth_san_email`.
    Email(String),
}

/// The client registered none of the five names, several of them, or one that cannot be read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error(
    "exactly one of tls_client_auth_subject_dn, tls_client_auth_san_dns, tls_client_auth_san_uri, \
     tls_client_auth_san_ip and tls_client_auth_san_email must be registered, in its proper form"
)]
pub struct RegisteredNameError;

impl RegisteredName {
    /// What a client registered.
    ///
    /// # Errors
    /// Not exactly one name of proper form.
    pub fn of(metadata: &ClientMetadata) -> Result<Self, RegisteredNameError> {
        let text = |value: &Option<String>| value.clone().filter(|value| !value.is_empty());
        let subject = text(&metadata.tls_client_auth_subject_dn).map(|name| name.parse().map(Self::Subject).ok());
        let dns = text(&metadata.tls_client_auth_san_dns).map(|name| Some(Self::Dns(name)));
        let uri = text(&metadata.tls_client_auth_san_uri).map(|uri| Some(Self::Uri(uri)));
        let address = text(&metadata.tls_client_auth_san_ip).map(|ip| ip.parse().map(Self::Address).ok());
        let email = text(&metadata.tls_client_auth_san_email).map(|email| Some(Self::Email(email)));
        let mut registered = [subject, dns, uri, address, email].into_iter().flatten();
        match (registered.next(), registered.next()) {
            (Some(Some(one)), None) => Ok(one),
            _ => Err(RegisteredNameError),
        }
    }

    /// Whether a certificate names it.
    pub fn is_named_by(&self, certificate: &Certificate) -> bool {
        match self {
            Self::Subject(name) => certificate.subject == *name && !name.is_empty(),
            Self::Dns(name) => certificate.dns.iter().any(|dns| dns.eq_ignore_ascii_case(name)),
            Self::Uri(uri) => certificate.uris.contains(uri),
            Self::Address(address) => certificate.addresses.contains(address),
            Self::Email(email) => certificate.emails.iter().any(|known| same_mailbox(known, email)),
        }
    }
}

/// The part before the `@` as it is, the host in any case (RFC 5280 §7.5).
fn same_mailbox(left: &str, right: &str) -> bool {
    match (left.rsplit_once('@'), right.rsplit_once('@')) {
        (Some((one, here)), Some((other, there))) => one == other && here.eq_ignore_ascii_case(there),
        _ => false,
    }
}

#[cfg(test)]
mod tests;
