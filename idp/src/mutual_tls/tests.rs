//! Headers of proxies: who is believed, and how they write.

use axum::http::HeaderValue;

use super::*;

const PROXY: &str = "10.0.0.9";

fn presented(from: &str, values: &[&str]) -> Option<Vec<u8>> {
    let settings =
        MutualTlsSettings { client_certificate_header: Some("Client-Cert".to_owned()), ..Default::default() };
    let mutual_tls = MutualTls::new(&settings).unwrap();
    let certificates = Arc::from([CertificateDer::from(b"shown in the handshake".to_vec())]);
    let peer = Peer { address: format!("{from}:1").parse().unwrap(), certificates };
    let mut headers = HeaderMap::new();
    for value in values {
        headers.append("client-cert", HeaderValue::from_str(value).unwrap());
    }
    let found = mutual_tls.presented(&peer, &headers, &[PROXY.parse().unwrap()]);
    found.map(|found| found.own.as_ref().to_vec())
}

#[test]
fn a_trusted_proxy_is_believed_and_nobody_else() {
    let der = b"der of a certificate";
    let base64 = BASE64.encode(der);
    let pem = format!("-----BEGIN CERTIFICATE-----\n{base64}\n-----END CERTIFICATE-----\n");
    let encoded: String = form_urlencoded::byte_serialize(pem.as_bytes()).collect();
    let spellings = [
        format!(":{base64}:"),
        encoded.replace('+', "%20"),
        pem.replace('\n', " "),
        pem.replace('\n', "\t"),
        pem.replace('\n', "%0A"),
    ];
    for text in &spellings {
        assert_eq!(presented(PROXY, &[text]).as_deref(), Some(der.as_slice()), "{text}");
        let direct = presented("192.0.2.1", &[text]);
        assert_eq!(direct.as_deref(), Some(b"shown in the handshake".as_slice()), "a client's own header");
    }
    // From a proxy: the header or nothing, for the handshake was the proxy's own.
    for values in [&[][..], &["", ""], &[&spellings[0], &spellings[0]], &["::"], &["%%%"], &[":not base64:"], &["MIIB"]]
    {
        let found = presented(PROXY, values);
        assert!(found.is_none() || found.as_deref() == Some(b"".as_slice()), "{values:?}");
    }
}
