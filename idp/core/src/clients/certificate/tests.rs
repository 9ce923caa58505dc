//! A certificate that OpenSSL made, names in their many spellings, and bytes that are no certificate.

use super::*;

/// `openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -subj '/C=US/O=Iron, Works/OU=A+UID=7/CN=Zoë #1'`
/// with the alternative names below.
const CERTIFICATE: &[u8] = include_bytes!("certificate.der");

fn registered(name: &str, value: &str) -> Result<RegisteredName, RegisteredNameError> {
    let metadata = serde_json::json!({ name: value });
    RegisteredName::of(&serde_json::from_value::<ClientMetadata>(metadata).unwrap())
}

#[test]
fn a_certificate_names_what_it_names() {
    let certificate = Certificate::parse(CERTIFICATE).unwrap();
    let cases = [
        ("tls_client_auth_subject_dn", r"CN=Zo\C3\AB \#1,OU=A+UID=7,O=Iron\, Works,C=US", true),
        ("tls_client_auth_subject_dn", r"cn=Zoë #1, UID=7 + OU=A, 2.5.4.10=Iron\2C Works , C=US", true),
        ("tls_client_auth_subject_dn", r"CN=Zoë #1,OU=A+UID=7,O=Iron\, Works", false),
        ("tls_client_auth_subject_dn", r"C=US,O=Iron\, Works,OU=A+UID=7,CN=Zoë #1", false),
        ("tls_client_auth_subject_dn", r"CN=zoë #1,OU=A+UID=7,O=Iron\, Works,C=US", false),
        ("tls_client_auth_subject_dn", r"CN=Zoë #1,OU=A,UID=7,O=Iron\, Works,C=US", false),
        ("tls_client_auth_san_dns", "Client.Example", true),
        ("tls_client_auth_san_dns", "other.example", false),
        ("tls_client_auth_san_dns", "lient.example", false),
        ("tls_client_auth_san_dns", "10.1.2.3", false),
        ("tls_client_auth_san_uri", "https://client.example/a", true),
        ("tls_client_auth_san_uri", "https://client.example/A", false),
        ("tls_client_auth_san_ip", "10.1.2.3", true),
        ("tls_client_auth_san_ip", "2001:DB8:0::1", true),
        ("tls_client_auth_san_ip", "10.1.2.4", false),
        ("tls_client_auth_san_ip", "::ffff:10.1.2.3", false),
        ("tls_client_auth_san_email", "Ops@CLIENT.example", true),
        ("tls_client_auth_san_email", "ops@client.example", false),
    ];
    for (name, value, expected) in cases {
        assert_eq!(registered(name, value).unwrap().is_named_by(&certificate), expected, "{name} {value}");
    }
    let fingerprint = openssl_fingerprint();
    assert_eq!(certificate.thumbprint(), fingerprint);
}

/// As `openssl x509 -fingerprint -sha256` says it.
fn openssl_fingerprint() -> String {
    let text = include_str!("certificate.sha256").trim().replace(':', "");
    BASE64URL_NOPAD.encode(&data_encoding::HEXUPPER.decode(text.as_bytes()).unwrap())
}

#[test]
fn exactly_one_name_is_registered() {
    let none = ClientMetadata::default();
    assert_eq!(RegisteredName::of(&none), Err(RegisteredNameError));
    let two = serde_json::json!({ "tls_client_auth_san_dns": "a.example", "tls_client_auth_san_uri": "a:b" });
    assert_eq!(RegisteredName::of(&serde_json::from_value(two).unwrap()), Err(RegisteredNameError));
    for (name, value) in [
        ("tls_client_auth_san_ip", "10.0.0"),
        ("tls_client_auth_subject_dn", ""),
        ("tls_client_auth_subject_dn", "client"),
        ("tls_client_auth_subject_dn", "CN="),
        ("tls_client_auth_subject_dn", "CN=a,"),
        ("tls_client_auth_subject_dn", "CN=a;O=b"),
        ("tls_client_auth_subject_dn", "XX=a"),
        ("tls_client_auth_subject_dn", r"CN=a\"),
        ("tls_client_auth_subject_dn", r"CN=a\q"),
        ("tls_client_auth_subject_dn", "CN=#0c0161"),
        ("tls_client_auth_subject_dn", "/C=US/CN=a"),
    ] {
        // A name of slashes is one odd attribute: it has no known type.
        assert_eq!(registered(name, value), Err(RegisteredNameError), "{name} {value}");
    }
}

#[test]
fn what_is_cut_or_touched_is_no_certificate_or_another_one() {
    for length in 0..CERTIFICATE.len() {
        assert_eq!(Certificate::parse(&CERTIFICATE[..length]), Err(CertificateError), "{length}");
    }
    assert_eq!(Certificate::parse(&[CERTIFICATE, &[0]].concat()), Err(CertificateError));
    for at in 0..CERTIFICATE.len() {
        let mut touched = CERTIFICATE.to_vec();
        touched[at] ^= 0x55;
        if let Ok(read) = Certificate::parse(&touched) {
            assert_ne!(read.thumbprint(), thumbprint(CERTIFICATE));
        }
    }
}
