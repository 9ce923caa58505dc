//! AWS Signature Version 4 in the `Authorization` header.

use aws_lc_rs::{digest, hmac};
use data_encoding::HEXLOWER;
use stepgate_core::time::Timestamp;
use url::Url;

/// Whose signature, and for what.
pub(super) struct Signer<'a> {
    pub(super) access_key_id: &'a str,
    pub(super) secret_access_key: &'a str,
    pub(super) region: &'a str,
    pub(super) service: &'a str,
}

/// A time as AWS writes it.
pub(super) fn amz_date(at: Timestamp) -> Option<String> {
    let at = jiff::Timestamp::from_second(at.unix_seconds()).ok()?;
    Some(at.strftime("%Y%m%dT%H%M%SZ").to_string())
}

impl Signer<'_> {
    /// The value of `Authorization`. `headers` are in the order of their names, in lower case.
    pub(super) fn authorize(
        &self,
        method: &str,
        url: &Url,
        headers: &[(&str, &str)],
        body: &[u8],
        date: &str,
    ) -> Option<String> {
        let names = headers.iter().map(|(name, _)| *name).collect::<Vec<_>>().join(";");
        let lines: String = headers.iter().map(|(name, value)| format!("{name}:{value}\n")).collect();
        let (path, query) = (url.path(), url.query().unwrap_or(""));
        let canonical = format!("{method}\n{path}\n{query}\n{lines}\n{names}\n{}", hash(body));
        let day = date.get(..8)?;
        let scope = format!("{day}/{}/{}/aws4_request", self.region, self.service);
        let to_sign = format!("AWS4-HMAC-SHA256\n{date}\n{scope}\n{}", hash(canonical.as_bytes()));
        let mut key = mac(format!("AWS4{}", self.secret_access_key).as_bytes(), day);
        for part in [self.region, self.service, "aws4_request"] {
            key = mac(&key, part);
        }
        let signature = HEXLOWER.encode(&mac(&key, &to_sign));
        let credential = format!("{}/{scope}", self.access_key_id);
        Some(format!("AWS4-HMAC-SHA256 Credential={credential}, SignedHeaders={names}, Signature={signature}"))
    }
}

fn hash(bytes: &[u8]) -> String {
    HEXLOWER.encode(digest::digest(&digest::SHA256, bytes).as_ref())
}

fn mac(key: &[u8], text: &str) -> Vec<u8> {
    hmac::sign(&hmac::Key::new(hmac::HMAC_SHA256, key), text.as_bytes()).as_ref().to_vec()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The example of *Signing AWS requests with Signature Version 4*.
    #[test]
    fn the_signature_is_the_one_that_aws_publishes() {
        let signer = Signer {
            access_key_id: "AKIDEXAMPLE",
            secret_access_key: "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY",
            region: "us-east-1",
            service: "iam",
        };
        let date = amz_date(Timestamp::from_unix_seconds(1_440_938_160)).unwrap();
        assert_eq!(date, "20150830T123600Z");
        let headers = [
            ("content-type", "application/x-www-form-urlencoded; charset=utf-8"),
            ("host", "iam.amazonaws.com"),
            ("x-amz-date", date.as_str()),
        ];
        let url = "https://iam.amazonaws.com/?Action=ListUsers&Version=2010-05-08".parse().unwrap();
        let signed = signer.authorize("GET", &url, &headers, b"", &date).unwrap();
        assert_eq!(
            signed,
            "AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/20150830/us-east-1/iam/aws4_request, \
             SignedHeaders=content-type;host;x-amz-date, \
             Signature=5d672d79c15b13162d9279b0855cfba6789a8edb4c82c400e06b5924a6f2b5d7"
        );
    }
}
