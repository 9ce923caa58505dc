//! Devices without a browser of their own (RFC 8628): a device shows a code, a person types it here, logs in as
//! strongly as the client's policy asks, and says yes or no.
//!
//! Owns: both codes, the cap on guesses, the page `/device`. Never: the login, which is the same engine as for
//! `/authorize` (`crate::login`), nor the exchange of the device's code (`crate::token`).

mod http;

use std::net::IpAddr;
use std::time::Duration;

use aws_lc_rs::hmac;
use data_encoding::BASE64URL_NOPAD;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use stepgate_core::authorize::interaction::{Interaction, Purpose};
use stepgate_core::authorize::{DeviceRequest, UserCode};
use stepgate_core::entropy::random_token;
use stepgate_core::id::DeviceAuthorizationId;
use stepgate_core::secret::TokenHash;
use stepgate_store::StoreError;
use stepgate_store::devices::{self, DeviceAuthorization, DeviceState, NewDeviceAuthorization};

use crate::cx::Cx;
use crate::fault::Fault;

pub use http::routes;

/// Devices without a browser of their own (RFC 8628).
#[derive(Clone, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct DeviceSettings {
    /// Seconds that a device's code can be typed and redeemed.
    pub code_seconds: u64,
    /// Seconds that a device waits between two polls, to begin with.
    pub interval_seconds: u32,
    /// Codes that one browser may type within ten minutes, right or wrong.
    pub tries_per_browser: u64,
    /// Codes that may be typed from one address (of IPv6, one /64) within ten minutes, right or wrong. Each guesses at
    /// 34 bits.
    pub tries_per_address: u64,
    /// Devices that may ask from one address within ten minutes, where their client has no secret.
    pub devices_per_address: u64,
}

impl Default for DeviceSettings {
    fn default() -> Self {
        Self {
            code_seconds: 900,
            interval_seconds: 5,
            tries_per_browser: 10,
            tries_per_address: 50,
            devices_per_address: 100,
        }
    }
}

const WINDOW: Duration = Duration::from_secs(600);

/// What a device is given.
pub struct Begun {
    /// What it polls with.
    pub device_code: String,
    /// What it shows.
    pub user_code: UserCode,
}

/// Keeps a device's wish and makes its codes.
pub async fn begin(cx: &Cx, request: &DeviceRequest) -> Result<Begun, Fault> {
    let settings = &cx.app.settings.device;
    let mut conflict = None;
    // Of 34 bits, two live codes are hardly ever the same.
    for _ in 0..5 {
        let begun = Begun { device_code: random_token(cx.entropy()), user_code: UserCode::random(cx.entropy()) };
        let new = NewDeviceAuthorization {
            authorization: DeviceAuthorization {
                id: DeviceAuthorizationId::random(cx.entropy()),
                client: request.client_id.clone(),
                request: serde_json::to_value(request).map_err(Fault::internal)?,
                ip: cx.ip,
                created_at: cx.now,
                expires_at: cx.now + Duration::from_secs(settings.code_seconds),
                state: DeviceState::Pending,
            },
            device_hash: TokenHash::of(&begun.device_code),
            user_hash: hash(cx, &begun.user_code),
            interval_seconds: settings.interval_seconds,
        };
        match devices::insert_device(&cx.app.db.write, &new).await {
            Ok(()) => return Ok(begun),
            Err(error @ StoreError::Conflict { .. }) => conflict = Some(error),
            Err(error) => return Err(error.into()),
        }
    }
    Err(conflict.map_or(Fault::Busy, Fault::from))
}

fn hash(cx: &Cx, code: &UserCode) -> Vec<u8> {
    hmac::sign(&cx.app.secrets.devices, code.letters().as_bytes()).as_ref().to_vec()
}

/// What became of a code that a person typed.
pub enum Typed {
    /// It is a device's: this login is about it.
    Begun(Box<Interaction>),
    /// No device shows it now.
    Unknown,
    /// Too many were typed: it was not looked at.
    Capped,
}

/// Looks a typed code up. The try is counted before anything is compared, over all nodes.
pub async fn look_up(cx: &Cx, browser: &str, typed: &str) -> Result<Typed, Fault> {
    let Some(code) = UserCode::parse(typed) else { return Ok(Typed::Unknown) };
    let settings = &cx.app.settings.device;
    let browser = BASE64URL_NOPAD.encode(TokenHash::of(browser).as_bytes());
    if count(cx, "device browser", &browser).await? > settings.tries_per_browser
        || count(cx, "device address", &address(cx.ip)).await? > settings.tries_per_address
    {
        return Ok(Typed::Capped);
    }
    let Some(found) = devices::find_device_by_user_code(&cx.app.db, &hash(cx, &code), cx.now).await? else {
        return Ok(Typed::Unknown);
    };
    let request: DeviceRequest = serde_json::from_value(found.request).map_err(Fault::internal)?;
    let purpose = Purpose::Device { device: found.id, request: Box::new(request) };
    Ok(Typed::Begun(Box::new(Interaction::begin(purpose, cx.now))))
}

/// Whether a client without a secret has asked for too many devices from one address.
pub async fn asked_too_often(cx: &Cx) -> Result<bool, Fault> {
    Ok(count(cx, "device asked", &address(cx.ip)).await? > cx.app.settings.device.devices_per_address)
}

async fn count(cx: &Cx, purpose: &str, key: &str) -> Result<u64, Fault> {
    Ok(cx.app.ephemeral.incr(purpose, key, WINDOW, cx.now).await?)
}

/// What one subscriber has at the least: an address of IPv4, 64 bits of IPv6.
pub(crate) fn address(ip: Option<IpAddr>) -> String {
    match ip {
        Some(IpAddr::V4(ip)) => ip.to_string(),
        Some(IpAddr::V6(ip)) => match ip.to_ipv4_mapped() {
            Some(ip) => ip.to_string(),
            None => std::net::Ipv6Addr::from_bits(ip.to_bits() >> 64 << 64).to_string(),
        },
        None => "unknown".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_subscriber_is_one_address() {
        let of = |text: &str| address(text.parse().ok());
        assert_eq!(of("2001:db8:1:2:3:4:5:6"), of("2001:db8:1:2:ffff::1"));
        assert_ne!(of("2001:db8:1:2::1"), of("2001:db8:1:3::1"));
        assert_eq!(of("::ffff:192.0.2.7"), of("192.0.2.7"));
    }
}
