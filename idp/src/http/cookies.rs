//! Our cookies: what names the browser, the session, and what partners' scripts can learn of it.

use axum::http::{HeaderMap, HeaderValue, header};

use crate::settings::Server;

/// Names of our cookies and the attributes they carry.
#[derive(Clone, Copy)]
pub struct CookieNames {
    secure: bool,
}

/// A cookie of ours.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Cookie {
    /// Names the browser: parked requests and form proofs are bound to it.
    Browser,
    /// Names the session.
    Session,
    /// Names the parked request that a person left to mend a credential. Not secret: the request is bound to the
    /// browser all the same.
    Resume,
    /// Changes when the session does. Read by the script of `check_session_iframe`, inside partners' pages.
    State,
}

impl CookieNames {
    /// `__Host-` and `Secure`, but for a plain-http issuer on loopback (the demo), so that simple clients can walk it.
    pub fn for_server(server: &Server) -> Self {
        Self { secure: !server.is_loopback_http() }
    }

    /// The cookie's name.
    pub const fn name(self, cookie: Cookie) -> &'static str {
        match (self.secure, cookie) {
            (true, Cookie::Browser) => "__Host-stepgate-browser",
            (true, Cookie::Session) => "__Host-stepgate-session",
            (true, Cookie::Resume) => "__Host-stepgate-resume",
            (true, Cookie::State) => "__Host-stepgate-state",
            (false, Cookie::State) => "stepgate-state",
            (false, Cookie::Resume) => "stepgate-resume",
            (false, Cookie::Browser) => "stepgate-browser",
            (false, Cookie::Session) => "stepgate-session",
        }
    }

    /// The cookie's value, if the browser sent one of plausible form.
    pub fn read(self, headers: &HeaderMap, cookie: Cookie) -> Option<&str> {
        let name = self.name(cookie);
        headers
            .get_all(header::COOKIE)
            .iter()
            .filter_map(|line| line.to_str().ok())
            .flat_map(|line| line.split(';'))
            .filter_map(|pair| pair.trim().split_once('='))
            .find(|(found, value)| *found == name && (36..=43).contains(&value.len()))
            .map(|(_, value)| value)
    }

    /// A `Set-Cookie` header that lives as long as the browser is open.
    pub fn set(self, cookie: Cookie, value: &str) -> HeaderValue {
        self.header(cookie, value, "")
    }

    /// A `Set-Cookie` header that lives for so many seconds, whether or not the browser is closed.
    pub fn set_for(self, cookie: Cookie, value: &str, seconds: u64) -> HeaderValue {
        self.header(cookie, value, &format!("; Max-Age={seconds}"))
    }

    /// A `Set-Cookie` header that removes the cookie.
    pub fn clear(self, cookie: Cookie) -> HeaderValue {
        self.header(cookie, "", "; Max-Age=0")
    }

    fn header(self, cookie: Cookie, value: &str, extra: &str) -> HeaderValue {
        let secure = if self.secure { "; Secure" } else { "" };
        let reach = match cookie {
            // Partners on other sites frame the page that reads it; browsers want `Secure` for that.
            Cookie::State if self.secure => "SameSite=None",
            Cookie::State => "SameSite=Lax",
            Cookie::Browser | Cookie::Session | Cookie::Resume => "HttpOnly; SameSite=Lax",
        };
        let text = format!("{}={value}; Path=/; {reach}{secure}{extra}", self.name(cookie));
        // Values are base64url and names are constants: always a valid header.
        HeaderValue::try_from(text).unwrap_or_else(|_| HeaderValue::from_static(""))
    }
}
