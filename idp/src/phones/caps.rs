//! How many codes at most, asked before anything is sent, over all nodes.
//!
//! What passes counts; the first that does not pass is an alert in the audit log. Never tells which cap it was to
//! whoever asks for codes.

use std::time::Duration;

use data_encoding::HEXLOWER;
use serde_json::json;
use stepgate_core::id::PersonId;
use stepgate_core::time::Timestamp;
use stepgate_store::ephemeral::put_new;
use stepgate_store::{deliveries, people};

use super::day;
use crate::audit::{self, Event};
use crate::cx::Cx;
use crate::fault::Fault;

const HOUR: Duration = Duration::from_secs(3600);
const DAY: Duration = Duration::from_secs(24 * 3600);

/// A wish for a code.
pub struct Wish<'a> {
    /// The keyed hash of the number.
    pub number: &'a [u8],
    /// The block that it is in.
    pub prefix: &'a str,
    /// Whose wish.
    pub person: PersonId,
    /// Whether it is to be a call.
    pub call: bool,
}

/// Whether a code may be sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Admission {
    /// It may.
    Admitted,
    /// Not before this time: the last code to this number is too young.
    TooSoon(Timestamp),
    /// Not now.
    Capped,
}

/// Counts a wish, and says whether it is within the caps.
pub async fn admit(cx: &Cx, wish: &Wish<'_>) -> Result<Admission, Fault> {
    let caps = &cx.app.settings.phone.caps;
    let number = HEXLOWER.encode(wish.number);
    let until = cx.now + Duration::from_secs(1) * caps.pause_seconds;
    // In the database whatever else counts: exactly one of two that ask at once.
    if caps.pause_seconds > 0 && !put_new(&cx.app.db, "phone pause", &number, until, cx.now).await? {
        return Ok(Admission::TooSoon(until));
    }
    let organizations = people::organizations_of(&cx.app.db, wish.person).await?;
    let organization = organizations.first().map(|first| first.id.to_string()).unwrap_or_default();
    let address = cx.ip.map(network).unwrap_or_default();
    let person = wish.person.to_string();
    let mut limits = vec![
        ("phone address hour", address.as_str(), HOUR, caps.address_hour),
        ("phone person hour", &person, HOUR, caps.person_hour),
        ("phone number hour", &number, HOUR, caps.number_hour),
        ("phone number day", &number, DAY, caps.number_day),
        ("phone prefix hour", wish.prefix, HOUR, caps.prefix_hour),
        ("phone organization hour", &organization, HOUR, caps.organization_hour),
    ];
    if wish.call {
        limits.push(("phone call number hour", &number, HOUR, caps.voice_number_hour));
        limits.push(("phone call prefix hour", wish.prefix, HOUR, caps.voice_prefix_hour));
    }
    for (cap, key, window, limit) in limits {
        if limit == 0 || key.is_empty() {
            continue;
        }
        let count = cx.app.ephemeral.incr(cap, key, window, cx.now).await?;
        if count > u64::from(limit) {
            if count == u64::from(limit) + 1 {
                alert(cx, wish, cap).await?;
            }
            return Ok(Admission::Capped);
        }
    }
    let rule = &cx.app.settings.phone.conversion;
    let block = deliveries::find_conversion(&cx.app.db, wish.prefix, day(cx.now) - 1).await?;
    if rule.cuts(block.sent, block.used) {
        let seen = cx.app.ephemeral.incr("phone conversion cut", wish.prefix, DAY, cx.now).await?;
        if seen == 1 {
            alert(cx, wish, "phone conversion").await?;
        }
        return Ok(Admission::Capped);
    }
    Ok(Admission::Admitted)
}

/// An IPv6 home has more addresses than there are people: its network counts as one.
fn network(address: std::net::IpAddr) -> String {
    match address.to_canonical() {
        std::net::IpAddr::V4(address) => address.to_string(),
        std::net::IpAddr::V6(address) => std::net::Ipv6Addr::from_bits(address.to_bits() >> 64 << 64).to_string(),
    }
}

async fn alert(cx: &Cx, wish: &Wish<'_>, cap: &str) -> Result<(), Fault> {
    tracing::error!(cap, prefix = wish.prefix, "a cap on codes was reached");
    let data = json!({ "cap": cap, "prefix": wish.prefix });
    audit::record(cx, &cx.app.db.write, Event::new("phone_otp.cap.tripped").by(wish.person).data(data)).await
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_home_counts_as_one_address() {
        let of = |text: &str| network(text.parse().unwrap());
        assert_eq!(of("2001:db8:1:2:3::4"), of("2001:db8:1:2:ffff::1"));
        assert_ne!(of("2001:db8:1:2::1"), of("2001:db8:1:3::1"));
        assert_eq!(of("::ffff:192.0.2.1"), "192.0.2.1");
    }
}
