//! Which redirect URIs may be registered, and which requested one is a registered one (RFC 6749 §3.1.2, RFC 8252 §7,
//! RFC 9700 §2.1). The same rules hold for post-logout redirect URIs.

use url::{Host, Url};

/// Why a redirect URI cannot be registered.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum RedirectUriError {
    /// Longer than 2,000 characters.
    #[error("is longer than 2000 characters")]
    TooLong,
    /// Not an absolute URI in printable ASCII, or a control character in percent-encoding.
    #[error("is not an absolute URI in printable ASCII")]
    NotAbsolute,
    /// RFC 6749 §3.1.2.
    #[error("must not have a fragment")]
    Fragment,
    /// A user name or password before the host.
    #[error("must not have a user name or password")]
    UserInfo,
    /// Plain http is for loopback only (RFC 8252 §7.3).
    #[error("must use https; http is for loopback addresses only")]
    PlainHttp,
    /// A scheme of its own needs a native application, and the name of a domain turned round (RFC 8252 §7.1).
    #[error("must use https, or for a public client a scheme that is a reversed domain name")]
    Scheme,
    /// `*` in the host.
    #[error("must not have a wildcard")]
    Wildcard,
    /// Some browsers read it differently than it is written.
    #[error("is not in its normal form; write it as {0}")]
    NotNormal(String),
}

/// Who registers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Registrant {
    /// A client that keeps a secret: a server.
    Confidential,
    /// A public client: may be a native application.
    Public,
}

/// A redirect URI fit to be registered.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RedirectUri(String);

impl RedirectUri {
    /// Checks a URI at registration. It must be in its normal form, so that comparing it as a string, character by
    /// character, is also what a browser would compare.
    ///
    /// # Errors
    /// The first rule that it breaks.
    pub fn register(text: &str, registrant: Registrant) -> Result<Self, RedirectUriError> {
        if text.len() > 2000 {
            return Err(RedirectUriError::TooLong);
        }
        let printable = text.bytes().all(|byte| byte.is_ascii_graphic() && byte != b'\\');
        let url = Url::parse(text).ok().filter(|_| printable && !has_encoded_control(text));
        let Some(url) = url else {
            return Err(RedirectUriError::NotAbsolute);
        };
        if url.fragment().is_some() {
            return Err(RedirectUriError::Fragment);
        }
        if !url.username().is_empty() || url.password().is_some() || authority(text).contains('@') {
            return Err(RedirectUriError::UserInfo);
        }
        check_scheme(&url, registrant)?;
        if url.host_str().is_some_and(|host| host.contains('*')) {
            return Err(RedirectUriError::Wildcard);
        }
        // An empty path and `/` are one place; both spellings can be registered.
        let normal = url.as_str() == text || url.as_str().strip_suffix('/') == Some(text);
        if normal { Ok(Self(text.to_owned())) } else { Err(RedirectUriError::NotNormal(url.into())) }
    }

    /// The URI as it was registered.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

fn check_scheme(url: &Url, registrant: Registrant) -> Result<(), RedirectUriError> {
    match (url.scheme(), registrant) {
        ("https", _) if url.host().is_some() => Ok(()),
        ("http", _) if url.host().is_some_and(is_loopback) => Ok(()),
        ("http", _) => Err(RedirectUriError::PlainHttp),
        // The dot keeps out javascript:, data:, file: and every other scheme that a browser acts upon.
        (scheme, Registrant::Public) if scheme.contains('.') => Ok(()),
        _ => Err(RedirectUriError::Scheme),
    }
}

fn is_loopback(host: Host<&str>) -> bool {
    match host {
        Host::Domain(name) => name == "localhost",
        Host::Ipv4(address) => address.is_loopback(),
        Host::Ipv6(address) => address.is_loopback(),
    }
}

/// What stands between `//` and the path.
fn authority(text: &str) -> &str {
    let rest = text.split_once("://").map_or("", |(_, rest)| rest);
    rest.split(['/', '?', '#']).next().unwrap_or_default()
}

/// `%00` to `%1f`, or `%7f`.
fn has_encoded_control(text: &str) -> bool {
    text.split('%').skip(1).any(|escape| match escape.as_bytes() {
        [b'0' | b'1', digit, ..] => digit.is_ascii_hexdigit(),
        [b'7', b'f' | b'F', ..] => true,
        _ => false,
    })
}

/// Whether a requested URI is a registered one: the same string, but for the port where the registered one names a
/// loopback address (RFC 8252 §7.3). Works on the strings: nothing is parsed or normalised, so nothing can be read in
/// two ways.
pub(crate) fn is_registered(registered: &str, requested: &str) -> bool {
    if registered == requested {
        return true;
    }
    match (without_loopback_port(registered), without_loopback_port(requested)) {
        (Some(registered), Some(requested)) => registered == requested,
        _ => false,
    }
}

/// The loopback address and what follows its port; `None` for every other URI.
fn without_loopback_port(uri: &str) -> Option<(&'static str, &str)> {
    let (address, rest) = ["http://127.0.0.1", "http://[::1]"]
        .into_iter()
        .find_map(|address| uri.strip_prefix(address).map(|rest| (address, rest)))?;
    let Some(rest) = rest.strip_prefix(':') else {
        return Some((address, rest));
    };
    let end = rest.find(|character: char| !character.is_ascii_digit()).unwrap_or(rest.len());
    let (port, rest) = rest.split_at(end);
    let is_port = !port.starts_with('0') && port.parse::<u16>().is_ok();
    is_port.then_some((address, rest))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn what_may_be_registered() {
        let normal = |text: &str| Err(RedirectUriError::NotNormal(text.to_owned()));
        let cases: &[(&str, Result<(), RedirectUriError>)] = &[
            ("https://rp.example/callback", Ok(())),
            ("https://rp.example", Ok(())),
            ("https://rp.example/cb?tenant=a&x=%20y", Ok(())),
            ("https://rp.example:8443/cb", Ok(())),
            ("http://localhost:8081/callback", Ok(())),
            ("http://127.0.0.1/cb", Ok(())),
            ("http://[::1]:3000/cb", Ok(())),
            ("com.example.app:/callback", Ok(())),
            ("https://rp.example/cb#x", Err(RedirectUriError::Fragment)),
            ("https://rp.example/cb#", Err(RedirectUriError::Fragment)),
            ("https://user@rp.example/cb", Err(RedirectUriError::UserInfo)),
            ("https://@rp.example/cb", Err(RedirectUriError::UserInfo)),
            ("https://rp.example:pw@evil.example/", Err(RedirectUriError::UserInfo)),
            ("http://rp.example/cb", Err(RedirectUriError::PlainHttp)),
            ("http://localhost.evil.example/cb", Err(RedirectUriError::PlainHttp)),
            ("http://127.0.0.1.evil.example/cb", Err(RedirectUriError::PlainHttp)),
            ("javascript:alert(1)", Err(RedirectUriError::Scheme)),
            ("data:text/html,x", Err(RedirectUriError::Scheme)),
            ("myapp:/callback", Err(RedirectUriError::Scheme)),
            ("https://*.rp.example/cb", Err(RedirectUriError::Wildcard)),
            ("//rp.example/cb", Err(RedirectUriError::NotAbsolute)),
            ("/cb", Err(RedirectUriError::NotAbsolute)),
            ("", Err(RedirectUriError::NotAbsolute)),
            ("https://rp.example\\@evil.example/", Err(RedirectUriError::NotAbsolute)),
            (" https://rp.example/cb", Err(RedirectUriError::NotAbsolute)),
            ("https://rp.example/c\tb", Err(RedirectUriError::NotAbsolute)),
            ("https://rp.example/%0d%0aSet-Cookie:x", Err(RedirectUriError::NotAbsolute)),
            ("https://rp.example/%00", Err(RedirectUriError::NotAbsolute)),
            ("https://rp\u{3002}example/cb", Err(RedirectUriError::NotAbsolute)),
            ("https://RP.example/cb", normal("https://rp.example/cb")),
            ("HTTPS://rp.example/cb", normal("https://rp.example/cb")),
            ("https://rp.example:443/cb", normal("https://rp.example/cb")),
            ("https://rp.example/a/../cb", normal("https://rp.example/cb")),
            ("https://rp.example/a/%2e%2e/cb", normal("https://rp.example/cb")),
            ("https:rp.example/cb", normal("https://rp.example/cb")),
            ("https:///rp.example/cb", normal("https://rp.example/cb")),
            ("http://0x7f.1/cb", normal("http://127.0.0.1/cb")),
        ];
        for (text, expected) in cases {
            assert_eq!(&RedirectUri::register(text, Registrant::Public).map(drop), expected, "{text}");
        }
        assert_eq!(
            RedirectUri::register("com.example.app:/callback", Registrant::Confidential),
            Err(RedirectUriError::Scheme)
        );
    }

    #[test]
    fn what_is_the_registered_one() {
        let registered = "https://rp.example/cb";
        for requested in [
            "https://rp.example/cb/",
            "https://rp.example/CB",
            "https://RP.example/cb",
            "https://rp.example:443/cb",
            "https://rp.example/cb?x=1",
            "https://rp.example/cb?",
            "https://rp.example/cb#f",
            "https://rp.example/cb%0d%0a",
            "https://rp.example/x/../cb",
            "https://rp.example//cb",
            "https://rp.example@evil.example/cb",
            "https://rp.example\\@evil.example/cb",
            "https://rp.example.evil.example/cb",
            "https://rp\u{ff0e}example/cb",
            "http://rp.example/cb",
            "//rp.example/cb",
            "//evil",
            "\\\\evil",
            " https://rp.example/cb",
            "https://rp.example/cb\n",
            "",
        ] {
            assert!(!is_registered(registered, requested), "{requested:?}");
        }
        assert!(is_registered(registered, registered));
    }

    #[test]
    fn the_port_of_a_loopback_address_is_free() {
        let cases: &[(&str, &str, bool)] = &[
            ("http://127.0.0.1/cb", "http://127.0.0.1:51004/cb", true),
            ("http://127.0.0.1:3000/cb?x=1", "http://127.0.0.1:51004/cb?x=1", true),
            ("http://127.0.0.1:3000/cb", "http://127.0.0.1/cb", true),
            ("http://[::1]:3000/cb", "http://[::1]:51004/cb", true),
            ("http://127.0.0.1/cb", "http://[::1]/cb", false),
            ("http://127.0.0.1/cb", "https://127.0.0.1:51004/cb", false),
            ("http://127.0.0.1/cb", "http://127.0.0.1:51004/other", false),
            ("http://127.0.0.1/cb", "http://127.0.0.1:0/cb", false),
            ("http://127.0.0.1/cb", "http://127.0.0.1:080/cb", false),
            ("http://127.0.0.1/cb", "http://127.0.0.1:65536/cb", false),
            ("http://127.0.0.1/cb", "http://127.0.0.1:/cb", false),
            ("http://127.0.0.1/cb", "http://127.0.0.1:80@evil.example/cb", false),
            ("http://127.0.0.1/cb", "http://127.0.0.1.evil.example/cb", false),
            ("http://127.0.0.1", "http://127.0.0.1:80.evil.example", false),
            ("http://localhost:8081/cb", "http://localhost:8082/cb", false),
            ("https://rp.example/cb", "https://rp.example:444/cb", false),
        ];
        for (registered, requested, expected) in cases {
            assert_eq!(is_registered(registered, requested), *expected, "{registered} {requested}");
        }
    }

    proptest! {
        #[test]
        fn only_the_same_string_is_the_same_uri(requested in any::<String>()) {
            prop_assume!(requested != "https://rp.example/cb");
            prop_assert!(!is_registered("https://rp.example/cb", &requested));
        }

        #[test]
        fn what_passes_for_loopback_is_loopback(tail in "[:@/.?#\\\\a-z0-9%]{0,24}") {
            let requested = format!("http://127.0.0.1{tail}");
            if is_registered("http://127.0.0.1/cb", &requested) {
                let url = Url::parse(&requested).unwrap();
                prop_assert_eq!((url.host_str(), url.path(), url.query()), (Some("127.0.0.1"), "/cb", None));
            }
        }

        #[test]
        fn what_is_registered_reads_the_same_in_a_browser(text in "https?://[a-zA-Z0-9.:@/?#%*\\\\\\[\\]-]{0,40}") {
            if let Ok(uri) = RedirectUri::register(&text, Registrant::Public) {
                let url = Url::parse(uri.as_str()).unwrap();
                prop_assert_eq!(url.as_str().trim_end_matches('/'), text.trim_end_matches('/'));
            }
        }
    }
}
