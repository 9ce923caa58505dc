//! PSKC (RFC 6030), strictly: version 1.0, its own namespaces, no DTD, no entities of one's own, one package at a time.
//!
//! What protects the seeds stands before them: the key and the MAC method are read first, and a package that comes
//! before them is refused as one whose seed cannot be opened.

mod crypto;
mod package;
mod xml;

use std::io::BufRead;

use data_encoding::HEXLOWER_PERMISSIVE;

use self::crypto::Protection;
use self::xml::{Element, Space, Tree};
use super::{FileError, Found, RowError};
use crate::secret::{SecretBytes, SecretString};

/// What opens a file.
#[derive(Clone)]
pub enum Unlock {
    /// Nothing: its seeds lie open.
    Nothing,
    /// A key that was agreed on.
    Key(SecretBytes),
    /// A password, from which the file says how to derive the key.
    Password(SecretString),
}

impl Unlock {
    /// From a key in hex or a password, as typed; both may be empty, and only one may be given.
    ///
    /// # Errors
    /// Which field is wrong, and how it should be.
    pub fn from_typed(key: &SecretString, password: &SecretString) -> Result<Self, (&'static str, &'static str)> {
        match (key.expose().trim(), password.expose().as_str()) {
            ("", "") => Ok(Self::Nothing),
            ("", _) => Ok(Self::Password(password.clone())),
            (hex, "") => match HEXLOWER_PERMISSIVE.decode(hex.as_bytes()) {
                Ok(key) if matches!(key.len(), 16 | 24 | 32) => Ok(Self::Key(SecretBytes::new(key))),
                _ => Err(("key", "A key is 16, 24 or 32 bytes in hexadecimal.")),
            },
            _ => Err(("key", "Give the key or the password, not both.")),
        }
    }
}

/// Which stage the file is in.
enum At {
    Beginning,
    Inside,
    End,
}

/// A file that is being read.
pub struct Reader<R: BufRead> {
    tree: Tree<R>,
    unlock: Unlock,
    protection: Protection,
    at: At,
    row: u64,
}

impl<R: BufRead> Reader<R> {
    pub(super) fn new(unlock: Unlock, source: R) -> Self {
        Self { tree: Tree::new(source), unlock, protection: Protection::default(), at: At::Beginning, row: 0 }
    }

    pub(super) fn next_row(&mut self) -> Result<Option<Found>, FileError> {
        self.advance().map_err(|reason| FileError { row: self.row, reason })
    }

    fn advance(&mut self) -> Result<Option<Found>, String> {
        if matches!(self.at, At::Beginning) {
            let root = self.tree.root()?;
            if !root.is(Space::Pskc, "KeyContainer") {
                return Err(format!(
                    "the file holds {:?} where RFC 6030 has a KeyContainer in its namespace",
                    root.name
                ));
            }
            match root.attribute("Version") {
                Some("1.0") => {}
                Some(other) => return Err(format!("version {other:?} of PSKC is not known; 1.0 is")),
                None => return Err("the KeyContainer has no Version; it must be 1.0".to_owned()),
            }
            self.at = At::Inside;
        }
        while matches!(self.at, At::Inside) {
            let Some(element) = self.tree.child()? else {
                self.at = At::End;
                break;
            };
            match (element.space, element.name.as_str()) {
                (Space::Pskc, "EncryptionKey") if self.row == 0 => {
                    self.protection.set_key(&element, &self.unlock)?;
                }
                (Space::Pskc, "MACMethod") if self.row == 0 => self.protection.set_mac(&element)?,
                (Space::Pskc, "EncryptionKey" | "MACMethod") => {
                    return Err(format!("{} must stand before the first KeyPackage", element.name));
                }
                (Space::Pskc, "KeyPackage") => return Ok(Some(self.package(&element))),
                // A signature is not needed where each value carries a MAC, and proves nothing without a trusted signer.
                (Space::Signature, "Signature") | (Space::Pskc, "Extensions") => {}
                _ => return Err(format!("RFC 6030 knows no {:?} in a KeyContainer", element.name)),
            }
        }
        Ok(None)
    }

    fn package(&mut self, element: &Element) -> Found {
        self.row += 1;
        match package::read(element, self.row, &self.protection) {
            Ok(token) => Found::Token(token),
            Err((serial, reason)) => Found::Refused(RowError { row: self.row, serial, reason }),
        }
    }
}
