//! Configuration to copy, for libraries that integrators use, filled with a client's own values. Each shows how to
//! demand a strength and how to check it. Secrets are named, never shown.

use askama::Template;

/// The values of a client.
#[derive(Clone, Debug)]
pub struct Values {
    /// The issuer.
    pub issuer: String,
    /// `client_id`.
    pub client_id: String,
    /// Whether it has no secret.
    pub public: bool,
    /// How it authenticates.
    pub auth_method: &'static str,
    /// Its first redirect URI.
    pub redirect_uri: String,
    /// Where people come after signing out.
    pub post_logout: String,
    /// Its scopes.
    pub scope: String,
    /// The strength to demand.
    pub acr: String,
    /// How its ID tokens are signed.
    pub id_token_alg: String,
}

/// A text to copy.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Snippet {
    /// Its id: `openid-client`.
    pub id: &'static str,
    /// The library.
    pub name: &'static str,
    /// The text.
    pub text: String,
}

/// Stands where the secret goes.
pub const SECRET: &str = "the secret that the console showed once";

macro_rules! snippets {
    ($($view:ident = $id:literal, $name:literal, $path:literal;)+) => {
        $(
            #[derive(Template)]
            #[template(path = $path, escape = "none")]
            #[expect(dead_code, reason = "no library needs every value")]
            struct $view<'a> {
                issuer: &'a str,
                client_id: &'a str,
                secret: &'a str,
                public: bool,
                http: bool,
                auth_method: &'a str,
                redirect_uri: &'a str,
                redirect_path: String,
                post_logout: &'a str,
                scope: &'a str,
                scope_without_openid: String,
                scope_commas: String,
                acr: &'a str,
                acr_encoded: String,
                id_token_alg: &'a str,
            }

            impl<'a> From<&'a Values> for $view<'a> {
                fn from(values: &'a Values) -> Self {
                    let encode = |text: &str| form_urlencoded::byte_serialize(text.as_bytes()).collect::<String>();
                    let scopes = || values.scope.split(' ');
                    Self {
                        issuer: &values.issuer,
                        client_id: &values.client_id,
                        secret: SECRET,
                        public: values.public,
                        http: values.issuer.starts_with("http:"),
                        auth_method: values.auth_method,
                        redirect_uri: &values.redirect_uri,
                        redirect_path: url::Url::parse(&values.redirect_uri)
                            .map_or_else(|_| "/callback".to_owned(), |url| url.path().to_owned()),
                        post_logout: &values.post_logout,
                        scope: &values.scope,
                        scope_without_openid: scopes().filter(|scope| *scope != "openid").collect::<Vec<_>>().join(" "),
                        scope_commas: scopes().collect::<Vec<_>>().join(", "),
                        acr: &values.acr,
                        acr_encoded: encode(&values.acr),
                        id_token_alg: &values.id_token_alg,
                    }
                }
            }
        )+

        /// Every snippet, filled.
        ///
        /// # Errors
        /// When a template cannot be rendered.
        pub fn all(values: &Values) -> Result<Vec<Snippet>, askama::Error> {
            Ok(vec![$(Snippet { id: $id, name: $name, text: $view::from(values).render()? }),+])
        }
    };
}

snippets! {
    OpenidClient = "openid-client", "openid-client (Node)", "developer/snippets/openid-client.txt";
    OidcClientTs = "oidc-client-ts", "oidc-client-ts (browser)", "developer/snippets/oidc-client-ts.txt";
    Passport = "passport-openidconnect", "passport-openidconnect (Node)", "developer/snippets/passport-openidconnect.txt";
    Authlib = "authlib", "Authlib (Flask)", "developer/snippets/authlib.txt";
    Django = "mozilla-django-oidc", "mozilla-django-oidc", "developer/snippets/mozilla-django-oidc.txt";
    Spring = "spring-security", "Spring Security", "developer/snippets/spring-security.txt";
    AspNet = "aspnet-core", "ASP.NET Core", "developer/snippets/aspnet-core.txt";
    ModAuth = "mod-auth-openidc", "mod_auth_openidc (Apache)", "developer/snippets/mod-auth-openidc.txt";
    OpenidConnectRs = "openidconnect-rs", "openidconnect (Rust)", "developer/snippets/openidconnect-rs.txt";
    Curl = "curl", "curl", "developer/snippets/curl.txt";
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_library_demands_a_strength_and_checks_it() {
        let mut values = Values {
            issuer: "https://id.example".into(),
            client_id: "iron-works".into(),
            public: false,
            auth_method: "client_secret_basic",
            redirect_uri: "https://app.example/signed-in".into(),
            post_logout: "https://app.example/".into(),
            scope: "openid profile".into(),
            acr: "urn:example:strong".into(),
            id_token_alg: "RS256".into(),
        };
        for public in [false, true] {
            values.public = public;
            let found = all(&values).unwrap();
            assert_eq!(found.len(), 10);
            for Snippet { id, text, .. } in found {
                for value in ["https://id.example", "iron-works", "urn:example:strong"] {
                    assert!(text.contains(value), "{id}: no {value}");
                }
                let asks = text.contains("acr_values") || text.contains("acrValues");
                assert!(asks && text.to_lowercase().contains("check acr"), "{id}");
                let redirect = text.contains("https://app.example/signed-in") || id == "mozilla-django-oidc";
                assert!(redirect && !text.contains("{{") && !text.contains("{%"), "{id}");
            }
        }
    }
}
