//! Authentication method references (RFC 8176).

use std::collections::BTreeSet;

use super::facts::{FactorEvent, Method};

/// What a factor rests on. Two *different* kinds make `mfa`; a text code and a fob are one kind.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum FactorKind {
    Knowledge,
    Possession,
    /// Inherence or knowledge, verified on the device itself.
    Verification,
}

fn kinds(method: Method) -> &'static [FactorKind] {
    use FactorKind::{Knowledge, Possession, Verification};
    match method {
        Method::Password => &[Knowledge],
        Method::PhoneText
        | Method::PhoneVoice
        | Method::MobileIdUnverified
        | Method::MobileIdOffline
        | Method::HardwareToken
        | Method::SecurityKey => &[Possession],
        Method::MobileIdVerified | Method::SecurityKeyVerified => &[Possession, Verification],
        Method::RecoveryCode => &[],
    }
}

fn references(event: &FactorEvent) -> &'static [&'static str] {
    let bound = event.evidence.device_bound;
    match event.method {
        Method::Password => &["pwd"],
        Method::PhoneText => &["otp", "sms", "mca"],
        Method::PhoneVoice => &["otp", "tel", "mca"],
        Method::MobileIdVerified if bound => &["hwk", "pop", "user", "mca"],
        Method::MobileIdVerified => &["swk", "pop", "user", "mca"],
        Method::MobileIdUnverified => &["swk", "pop", "mca"],
        Method::MobileIdOffline => &["otp", "swk"],
        Method::HardwareToken => &["otp", "hwk"],
        Method::SecurityKey | Method::SecurityKeyVerified if event.evidence.synced => &["swk", "pop", "user"],
        Method::SecurityKey | Method::SecurityKeyVerified => &["hwk", "pop", "user"],
        Method::RecoveryCode => &[],
    }
}

/// The union of the evidence of `events`, each reference once, in the order shown; `mfa` when two different kinds of
/// factor are among them.
pub(super) fn of<'a>(events: impl Iterator<Item = &'a FactorEvent>) -> Vec<String> {
    let mut shown: Vec<&'static str> = Vec::new();
    let mut seen = BTreeSet::new();
    for event in events {
        seen.extend(kinds(event.method).iter().copied());
        for reference in references(event) {
            if !shown.contains(reference) {
                shown.push(reference);
            }
        }
    }
    if seen.len() >= 2 {
        shown.push("mfa");
    }
    shown.into_iter().map(str::to_owned).collect()
}
