//! A certificate for this machine, by an authority that exists for it alone: for the demo and for trying out.

use std::fs;
use std::io::Write as _;
use std::path::{Path, PathBuf};

use rcgen::{
    BasicConstraints, CertificateParams, DistinguishedName, DnType, ExtendedKeyUsagePurpose, IsCa, Issuer, KeyPair,
    KeyUsagePurpose, date_time_ymd,
};

use super::TlsError;

/// The files of a self-signed certificate.
#[derive(Clone, Debug)]
pub struct SelfSigned {
    /// The authority: what clients must trust.
    pub authority_file: PathBuf,
    /// The certificate for `localhost`, 127.0.0.1 and ::1, and the authority.
    pub certificate_file: PathBuf,
    /// Its key.
    pub key_file: PathBuf,
}

/// Makes them in a folder; those that are there stay.
///
/// # Errors
/// The folder cannot be written.
pub fn self_signed(folder: &Path) -> Result<SelfSigned, TlsError> {
    let files = SelfSigned {
        authority_file: folder.join("ca.pem"),
        certificate_file: folder.join("certificate.pem"),
        key_file: folder.join("key.pem"),
    };
    if files.authority_file.exists() && files.certificate_file.exists() && files.key_file.exists() {
        return Ok(files);
    }
    let (authority, certificate, key) = make().map_err(|error| TlsError::SelfSigned(error.to_string()))?;
    let written = fs::create_dir_all(folder)
        .and_then(|()| write_secret(&files.key_file, &key))
        .and_then(|()| fs::write(&files.certificate_file, format!("{certificate}{authority}")))
        .and_then(|()| fs::write(&files.authority_file, &authority));
    written.map_err(|error| TlsError::SelfSigned(format!("{}: {error}", folder.display())))?;
    Ok(files)
}

fn make() -> Result<(String, String, String), rcgen::Error> {
    let named = |params: &mut CertificateParams, name: &str| {
        let mut subject = DistinguishedName::new();
        subject.push(DnType::CommonName, name);
        params.distinguished_name = subject;
        params.not_before = date_time_ymd(2026, 1, 1);
        params.not_after = date_time_ymd(2036, 1, 1);
    };
    let (authority_key, key) = (KeyPair::generate()?, KeyPair::generate()?);
    let mut authority = CertificateParams::new(Vec::new())?;
    named(&mut authority, "Stepgate on this machine only");
    authority.is_ca = IsCa::Ca(BasicConstraints::Constrained(0));
    authority.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::DigitalSignature];
    let mut params = CertificateParams::new(["localhost", "127.0.0.1", "::1"].map(str::to_owned).to_vec())?;
    named(&mut params, "localhost");
    params.key_usages = vec![KeyUsagePurpose::DigitalSignature];
    params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
    params.use_authority_key_identifier_extension = true;
    let authority_pem = authority.self_signed(&authority_key)?.pem();
    // The authority's key is thrown away: nothing else will ever be signed by it.
    let certificate = params.signed_by(&key, &Issuer::new(authority, authority_key))?;
    Ok((authority_pem, certificate.pem(), key.serialize_pem()))
}

/// For the owner's eyes only.
fn write_secret(path: &Path, text: &str) -> std::io::Result<()> {
    let mut options = fs::OpenOptions::new();
    options.write(true).create(true).truncate(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options.open(path)?.write_all(text.as_bytes())
}
