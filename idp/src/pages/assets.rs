//! The files beside the pages: embedded, named by their content, kept by browsers for a year.

use std::sync::LazyLock;

use axum::extract::Path;
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Response};

/// A file under `/static/`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Asset {
    /// The style sheet of every page.
    Stylesheet,
    /// The mark.
    Logo,
    /// The mark for tabs and bookmarks.
    Favicon,
    /// Goes on by itself when the phone has answered; says what became of a code while its page is open.
    WaitScript,
    /// Sends a form that needs no look.
    SubmitScript,
    /// Goes on once partners were told of a logout.
    SignedOutScript,
    /// Answers partners' pages whether the session has changed.
    CheckSessionScript,
    /// The style sheet of the integrators' console, beside the first.
    ConsoleStylesheet,
    /// The style sheet of the help pages, beside the first.
    HelpStylesheet,
    /// The style sheet of the shop, beside the first.
    ShopStylesheet,
    /// Copy buttons.
    ConsoleScript,
    /// Has a security key sign.
    KeyScript,
}

impl Asset {
    /// All of them.
    pub const ALL: &'static [Self] = &[
        Self::Stylesheet,
        Self::Logo,
        Self::Favicon,
        Self::WaitScript,
        Self::SubmitScript,
        Self::SignedOutScript,
        Self::CheckSessionScript,
        Self::ConsoleStylesheet,
        Self::HelpStylesheet,
        Self::ShopStylesheet,
        Self::ConsoleScript,
        Self::KeyScript,
    ];

    /// The name under `/static/`.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Stylesheet => "stepgate.css",
            Self::Logo => "logo.svg",
            Self::Favicon => "favicon.svg",
            Self::WaitScript => "wait.js",
            Self::SubmitScript => "submit.js",
            Self::SignedOutScript => "signed-out.js",
            Self::CheckSessionScript => "check-session.js",
            Self::ConsoleStylesheet => "console.css",
            Self::HelpStylesheet => "help.css",
            Self::ShopStylesheet => "shop.css",
            Self::ConsoleScript => "console.js",
            Self::KeyScript => "webauthn.js",
        }
    }

    /// Its media type.
    pub const fn media_type(self) -> &'static str {
        match self {
            Self::Stylesheet | Self::ConsoleStylesheet | Self::HelpStylesheet | Self::ShopStylesheet => {
                "text/css; charset=utf-8"
            }
            Self::Logo | Self::Favicon => "image/svg+xml",
            Self::WaitScript
            | Self::SubmitScript
            | Self::SignedOutScript
            | Self::CheckSessionScript
            | Self::ConsoleScript
            | Self::KeyScript => "text/javascript; charset=utf-8",
        }
    }

    /// Its bytes.
    pub const fn bytes(self) -> &'static [u8] {
        match self {
            Self::Stylesheet => include_bytes!("../../static/stepgate.css"),
            Self::Logo => include_bytes!("../../static/logo.svg"),
            Self::Favicon => include_bytes!("../../static/favicon.svg"),
            Self::WaitScript => include_bytes!("../../static/wait.js"),
            Self::SubmitScript => include_bytes!("../../static/submit.js"),
            Self::SignedOutScript => include_bytes!("../../static/signed-out.js"),
            Self::CheckSessionScript => include_bytes!("../../static/check-session.js"),
            Self::ConsoleStylesheet => include_bytes!("../../static/console.css"),
            Self::HelpStylesheet => include_bytes!("../../static/help.css"),
            Self::ShopStylesheet => include_bytes!("../../static/shop.css"),
            Self::ConsoleScript => include_bytes!("../../static/console.js"),
            Self::KeyScript => include_bytes!("../../static/webauthn.js"),
        }
    }

    /// Its path with the hash of its content, so that a new version has a new address.
    pub fn url(self) -> String {
        format!("/static/{}?v={}", self.name(), self.version())
    }

    fn version(self) -> &'static str {
        VERSIONS.iter().find(|(asset, _)| *asset == self).map_or("", |(_, version)| version)
    }
}

static VERSIONS: LazyLock<Vec<(Asset, String)>> =
    LazyLock::new(|| Asset::ALL.iter().map(|&asset| (asset, content_hash(asset.bytes()))).collect());

/// The first 72 bits of the SHA-256, in base64url.
fn content_hash(bytes: &[u8]) -> String {
    let digest = aws_lc_rs::digest::digest(&aws_lc_rs::digest::SHA256, bytes);
    data_encoding::BASE64URL_NOPAD.encode(digest.as_ref().get(..9).unwrap_or_default())
}

/// `GET /static/{name}`. Kept for a year: the pages ask by content hash.
pub async fn serve(Path(name): Path<String>, headers: HeaderMap) -> Response {
    let Some(&asset) = Asset::ALL.iter().find(|asset| asset.name() == name) else {
        return StatusCode::NOT_FOUND.into_response();
    };
    let tag = format!("\"{}\"", asset.version());
    let caching = [(header::ETAG, tag.clone()), (header::CACHE_CONTROL, "public, max-age=31536000, immutable".into())];
    let known = headers.get(header::IF_NONE_MATCH).and_then(|value| value.to_str().ok());
    if known.is_some_and(|tags| tags.split(',').any(|candidate| candidate.trim().trim_start_matches("W/") == tag)) {
        return (StatusCode::NOT_MODIFIED, caching).into_response();
    }
    (caching, [(header::CONTENT_TYPE, asset.media_type())], asset.bytes()).into_response()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_style_sheet_and_the_scripts_stay_small() {
        for asset in Asset::ALL {
            let limit = if *asset == Asset::Stylesheet { 24_000 } else { 12_000 };
            assert!(asset.bytes().len() < limit, "{} has {} bytes", asset.name(), asset.bytes().len());
        }
    }

    #[tokio::test]
    async fn a_browser_that_has_the_file_is_told_so() {
        let first = serve(Path("stepgate.css".into()), HeaderMap::new()).await;
        assert_eq!(first.status(), StatusCode::OK);
        let mut again = HeaderMap::new();
        again.insert(header::IF_NONE_MATCH, first.headers()[header::ETAG].clone());
        assert_eq!(serve(Path("stepgate.css".into()), again).await.status(), StatusCode::NOT_MODIFIED);
        assert_eq!(serve(Path("../lib.rs".into()), HeaderMap::new()).await.status(), StatusCode::NOT_FOUND);
    }
}
