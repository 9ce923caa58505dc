//! The values that labels can have.

use http::StatusCode;

/// A closed list of values of one label.
pub trait Label: Copy + 'static {
    /// All of them.
    const ALL: &'static [Self];

    /// Its place among them.
    fn index(self) -> usize;

    /// Its name in the series.
    fn name(self) -> &'static str;

    /// The value of that name.
    fn named(name: &str) -> Option<Self> {
        Self::ALL.iter().copied().find(|value| value.name() == name)
    }
}

macro_rules! labels {
    ($($(#[$doc:meta])+ $label:ident { $($variant:ident = $name:literal,)+ })+) => {$(
        $(#[$doc])+
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        #[expect(missing_docs, reason = "each value is what its name says")]
        pub enum $label { $($variant,)+ }

        impl Label for $label {
            const ALL: &'static [Self] = &[$(Self::$variant,)+];

            fn index(self) -> usize {
                self as usize
            }

            fn name(self) -> &'static str {
                match self { $(Self::$variant => $name,)+ }
            }
        }
    )+};
}

labels! {
    /// Classes of routes.
    Route {
        Discovery = "discovery",
        Authorize = "authorize",
        Token = "token",
        Userinfo = "userinfo",
        Introspection = "introspection",
        Revocation = "revocation",
        Device = "device",
        Registration = "registration",
        Login = "login",
        Logout = "logout",
        Portal = "portal",
        Developer = "developer",
        Admin = "admin",
        Mobile = "mobile",
        Static = "static",
        Operations = "operations",
        Demo = "demo",
        Other = "other",
    }

    /// Statuses of answers.
    Status {
        Ok = "200",
        Created = "201",
        NoContent = "204",
        Found = "302",
        SeeOther = "303",
        NotModified = "304",
        BadRequest = "400",
        Unauthorized = "401",
        Forbidden = "403",
        NotFound = "404",
        MethodNotAllowed = "405",
        Conflict = "409",
        Gone = "410",
        TooLarge = "413",
        TooMany = "429",
        Internal = "500",
        BadGateway = "502",
        Unavailable = "503",
        Other = "other",
    }

    /// How a login went.
    Login {
        Succeeded = "succeeded",
        Failed = "failed",
        GivenUp = "given_up",
    }

    /// Ways to show a factor, as the audit log names them.
    Factor {
        Password = "password",
        PhoneOtp = "phone_otp",
        MobileId = "mobile_id",
        MobileIdOffline = "mobile_id_offline",
        HardwareToken = "hardware_token",
        SecurityKey = "security_key",
        Recovery = "recovery",
    }

    /// Well or not.
    Outcome {
        Succeeded = "succeeded",
        Failed = "failed",
    }

    /// How an elevation goes.
    Elevation {
        Asked = "asked",
        Satisfied = "satisfied",
        GivenUp = "given_up",
        NotHeld = "not_held",
        NotProofed = "not_proofed",
        NotActivated = "not_activated",
        Suspended = "suspended",
        Locked = "locked",
        Expired = "expired",
        NothingAccepted = "nothing_accepted",
    }

    /// For what the token endpoint gives tokens.
    TokenGrant {
        AuthorizationCode = "authorization_code",
        RefreshToken = "refresh_token",
        ClientCredentials = "client_credentials",
        DeviceCode = "device_code",
        TokenExchange = "token_exchange",
    }

    /// How a message travels.
    Delivery {
        Text = "text",
        Voice = "voice",
    }
}

impl Elevation {
    /// `unmet` for every reason why it could not be had.
    pub(super) fn outcome(self) -> &'static str {
        match self {
            Self::Asked | Self::Satisfied | Self::GivenUp => self.name(),
            _ => "unmet",
        }
    }

    /// Why it could not be had.
    pub(super) fn reason(self) -> &'static str {
        if self.outcome() == "unmet" { self.name() } else { "" }
    }
}

impl Route {
    /// The class of a path, by its first segment.
    pub fn of(path: &str) -> Self {
        let first = path.trim_start_matches('/').split('/').next().unwrap_or_default();
        match first {
            ".well-known" | "jwks.json" => Self::Discovery,
            "authorize" | "par" => Self::Authorize,
            "token" => Self::Token,
            "userinfo" => Self::Userinfo,
            "introspect" => Self::Introspection,
            "revoke" => Self::Revocation,
            "device" | "device_authorization" => Self::Device,
            "register" => Self::Registration,
            "interaction" => Self::Login,
            "logout" => Self::Logout,
            "account" | "applications" | "help" | "join" | "cart" | "checkout" | "orders" => Self::Portal,
            "developer" => Self::Developer,
            "admin" => Self::Admin,
            "mobile" => Self::Mobile,
            "static" => Self::Static,
            "health" | "metrics" => Self::Operations,
            "demo" => Self::Demo,
            _ => Self::Other,
        }
    }
}

impl Status {
    pub(super) fn of(status: StatusCode) -> Self {
        // Nearly all answers are this one.
        if status == StatusCode::OK { Self::Ok } else { Self::named(status.as_str()).unwrap_or(Self::Other) }
    }
}
