//! The classes that Stepgate ships with.

use super::class::{AcrClass, Combination, Selector};
use super::{Acr, CredentialKind, Method};

const PASSWORD: Selector = Selector::Kind(CredentialKind::Password);
const PHONE: Selector = Selector::Kind(CredentialKind::PhoneOtp);
const MOBILE: Selector = Selector::Kind(CredentialKind::MobileId);
const TOKEN: Selector = Selector::Kind(CredentialKind::HardwareToken);
const KEY: Selector = Selector::Kind(CredentialKind::SecurityKey);
const KEY_VERIFIED: Selector = Selector::Method(Method::SecurityKeyVerified);

fn of(places: &[&[Selector]]) -> Combination {
    Combination { all_of: places.iter().map(|place| place.to_vec()).collect(), ..Combination::default() }
}

fn class(name: &str, uri: &str, any_of: Vec<Combination>) -> AcrClass {
    let uris = uri.parse::<Acr>().into_iter().collect();
    AcrClass { name: name.to_owned(), uris, any_of, names: None, voluntary: false }
}

fn proofed(class: &AcrClass) -> AcrClass {
    let uris = class.uris.iter().filter_map(|uri| format!("{uri}:proofed").parse().ok()).collect();
    let any_of = class.any_of.iter().map(|combination| combination.tightened(true, None, false)).collect();
    AcrClass { name: format!("{}, proofed", class.name), uris, any_of, names: class.names, voluntary: false }
}

/// Any of the strengths above Password.
pub(super) fn any_otp() -> AcrClass {
    let any_of = vec![of(&[&[PASSWORD], &[PHONE, MOBILE, TOKEN, KEY]]), of(&[&[KEY_VERIFIED]])];
    class("any OTP", "urn:stepgate:acr:otp", any_of)
}

/// The shipped classes, weakest first.
pub(super) fn classes() -> Vec<AcrClass> {
    let named = |name, uri, kind, any_of| AcrClass { names: Some(kind), ..class(name, uri, any_of) };
    let password = named("Password", "urn:stepgate:acr:password", CredentialKind::Password, vec![of(&[&[PASSWORD]])]);
    let with_key = vec![of(&[&[KEY_VERIFIED]]), of(&[&[PASSWORD], &[KEY]])];
    let strong = [
        named("Phone OTP", "urn:stepgate:acr:phone-otp", CredentialKind::PhoneOtp, vec![of(&[&[PASSWORD], &[PHONE]])]),
        named("Mobile ID", "urn:stepgate:acr:mobile-id", CredentialKind::MobileId, vec![of(&[&[PASSWORD], &[MOBILE]])]),
        named(
            "OTP Hardware Token",
            "urn:stepgate:acr:hardware-token",
            CredentialKind::HardwareToken,
            vec![of(&[&[PASSWORD], &[TOKEN]])],
        ),
        named("Security Key", "urn:stepgate:acr:security-key", CredentialKind::SecurityKey, with_key),
        any_otp(),
    ];
    let mut classes = vec![
        AcrClass { voluntary: true, ..password.clone() },
        AcrClass {
            voluntary: true,
            ..class("REFEDS single factor", "https://refeds.org/profile/sfa", password.any_of.clone())
        },
        AcrClass { ..proofed(&password) },
    ];
    classes.extend(strong.iter().cloned());
    classes.extend(strong.iter().map(proofed));
    let verified_mobile = of(&[&[Selector::Method(Method::MobileIdVerified)]]);
    let any_two = vec![of(&[&[KEY_VERIFIED]]), verified_mobile, of(&[&[PASSWORD], &[PHONE, MOBILE, TOKEN, KEY]])];
    classes.push(class("REFEDS multi-factor", "https://refeds.org/profile/mfa", any_two));
    classes.push(class("phishing-resistant", "phr", vec![of(&[&[KEY]])]));
    let bound = Combination { device_bound: true, ..of(&[&[KEY]]) };
    classes.push(class("phishing-resistant, hardware-protected", "phrh", vec![bound]));
    let recovery = of(&[&[Selector::Kind(CredentialKind::Recovery)]]);
    classes.push(AcrClass {
        names: Some(CredentialKind::Recovery),
        ..class("recovery", "urn:stepgate:acr:recovery", vec![recovery])
    });
    classes
}
