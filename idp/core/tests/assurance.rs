//! The properties of the assurance module, each under its number, and the partial order in cases.

#![expect(clippy::unwrap_used, reason = "tests: whatever does not hold ends the test")]

use std::collections::BTreeSet;
use std::time::Duration;

use proptest::prelude::*;
use stepgate_core::assurance::{
    Acr, ApplicationPolicy, Ask, AskError, Catalogue, CatalogueSettings, CredentialKind, CredentialState, Decision,
    Evidence, FactorEvent, Granted, HeldCredential, Holdings, Method, Requirement, Why, acceptable, decide, explain,
    offers, standing, strength,
};
use stepgate_core::id::CredentialId;
use stepgate_core::time::Timestamp;
use uuid::Uuid;

const NOW: i64 = 1_800_000_000;

fn now() -> Timestamp {
    Timestamp::from_unix_seconds(NOW)
}

fn catalogue() -> Catalogue {
    Catalogue::new(&CatalogueSettings::default()).unwrap()
}

/// Every kind has one credential; its id says which.
fn credential(kind: CredentialKind) -> CredentialId {
    CredentialId::from_uuid(Uuid::from_u128(kind as u128 + 1))
}

fn event(method: Method, seconds_ago: i64, proofed: bool) -> FactorEvent {
    let at = Timestamp::from_unix_seconds(NOW - seconds_ago);
    let credential = credential(method.credential_kind());
    FactorEvent { method, at, credential, evidence: Evidence::default(), proofed }
}

fn holding(kinds: &[(CredentialKind, CredentialState)], proofed: bool) -> Holdings {
    let held = kinds.iter().map(|(kind, state)| HeldCredential {
        id: credential(*kind),
        kind: *kind,
        state: *state,
        last_used: None,
    });
    Holdings { credentials: held.collect(), proofed }
}

fn everything(proofed: bool) -> Holdings {
    let kinds: Vec<_> = CredentialKind::ALL.iter().map(|kind| (*kind, CredentialState::Active)).collect();
    holding(&kinds, proofed)
}

#[derive(Clone, Debug, Default)]
struct Request {
    floors: Vec<ApplicationPolicy>,
    acr_values: Vec<String>,
    essential: Option<Vec<String>>,
    max_age: Option<u64>,
    login_prompted: bool,
}

impl Request {
    fn requirement(&self) -> Result<Requirement, AskError> {
        Requirement::from_ask(
            &catalogue(),
            &Ask {
                floors: &self.floors,
                essential_acr: self.essential.as_deref(),
                acr_values: &self.acr_values,
                acr_values_voluntary: false,
                max_age: self.max_age.map(Duration::from_secs),
                login_prompted: self.login_prompted,
                started_at: now(),
            },
        )
    }
}

fn asking(acr: &str) -> Requirement {
    Request { acr_values: vec![acr.to_owned()], ..Request::default() }.requirement().unwrap()
}

fn granted(requirement: &Requirement, events: &[FactorEvent], holdings: &Holdings) -> Option<Granted> {
    match decide(&catalogue(), requirement, events, holdings, now()) {
        Decision::Satisfied(granted) => Some(granted),
        _ => None,
    }
}

fn methods() -> impl Strategy<Value = Method> {
    prop::sample::select(Method::ALL)
}

fn events() -> impl Strategy<Value = Vec<FactorEvent>> {
    let one = (methods(), 0_i64..4000, any::<bool>()).prop_map(|(method, ago, proofed)| event(method, ago, proofed));
    prop::collection::vec(one, 0..7).prop_map(|mut events| {
        events.sort_by_key(|event| event.at);
        events
    })
}

fn states() -> impl Strategy<Value = CredentialState> {
    prop::sample::select(CredentialState::ALL)
}

fn holdings() -> impl Strategy<Value = Holdings> {
    let each = prop::collection::vec(prop::option::of(states()), CredentialKind::ALL.len());
    (each, any::<bool>()).prop_map(|(states, proofed)| {
        let kinds: Vec<_> =
            CredentialKind::ALL.iter().zip(states).filter_map(|(kind, state)| Some((*kind, state?))).collect();
        holding(&kinds, proofed)
    })
}

fn uris() -> impl Strategy<Value = String> {
    let all: Vec<String> = catalogue().uris().map(ToString::to_string).collect();
    prop::sample::select(all)
}

fn policies() -> impl Strategy<Value = ApplicationPolicy> {
    let accepts = prop::collection::vec(uris(), 0..3);
    (accepts, any::<bool>(), any::<bool>(), prop::option::of(1_u64..5000)).prop_map(
        |(accepts, proofed, refuse, age)| ApplicationPolicy {
            accepts: accepts.iter().map(|uri| uri.parse().unwrap()).collect(),
            proofed,
            refuse_restricted: refuse,
            max_age_seconds: age,
            ..ApplicationPolicy::default()
        },
    )
}

fn requests() -> impl Strategy<Value = Request> {
    let values = prop::collection::vec(uris(), 0..4);
    let essential = prop::option::of(prop::collection::vec(uris(), 0..3));
    let floors = prop::collection::vec(policies(), 0..2);
    (floors, values, essential, prop::option::of(0_u64..5000), any::<bool>()).prop_map(
        |(floors, acr_values, essential, max_age, login_prompted)| Request {
            floors,
            acr_values,
            essential,
            max_age,
            login_prompted,
        },
    )
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 600, ..ProptestConfig::default() })]

    /// 1. Adding a factor event never removes a satisfied class, other than by time.
    #[test]
    fn property_1_more_factors_never_take_away(request in requests(), events in events(), held in holdings(), more in methods(), proofed: bool) {
        let Ok(requirement) = request.requirement() else { return Ok(()) };
        if granted(&requirement, &events, &held).is_some() {
            let mut more_events = events.clone();
            more_events.push(event(more, 0, proofed));
            prop_assert!(granted(&requirement, &more_events, &held).is_some());
        }
    }

    /// 2. `Satisfied` is returned only if re-evaluating the returned events alone satisfies the requirement.
    #[test]
    fn property_2_what_is_granted_stands_on_its_own(request in requests(), events in events(), held in holdings()) {
        let Ok(requirement) = request.requirement() else { return Ok(()) };
        if let Some(first) = granted(&requirement, &events, &held) {
            let again = granted(&requirement, &first.events, &held);
            prop_assert_eq!(again.as_ref().map(|again| &again.amr), Some(&first.amr));
            prop_assert_eq!(again.map(|again| again.acr), Some(first.acr));
        }
    }

    /// 3. Following the challenges ends in `Satisfied`, or in something that cannot be challenged, within the number of
    /// kinds of factor.
    #[test]
    fn property_3_challenges_come_to_an_end(request in requests(), events in events(), held in holdings()) {
        let Ok(requirement) = request.requirement() else { return Ok(()) };
        let mut shown = events;
        for _ in 0..=CredentialKind::ALL.len() {
            let kind = match decide(&catalogue(), &requirement, &shown, &held, now()) {
                Decision::Challenge { factors, .. } => factors[0],
                Decision::Reauthenticate { factor, .. } => factor,
                _ => return Ok(()),
            };
            let active = held.credentials.iter().any(|one| one.kind == kind && one.state == CredentialState::Active);
            if !active {
                // Nobody is known yet, and has no password after all: the login fails, it does not loop.
                prop_assert_eq!(kind, CredentialKind::Password);
                return Ok(());
            }
            shown.push(FactorEvent { evidence: Evidence { device_bound: true, synced: false }, ..event(best(kind), 0, held.proofed) });
        }
        prop_assert!(false, "still challenged after every kind of factor");
    }

    /// 4. No sequence of refreshes changes `auth_time`; `acr` never rises by a refresh. A refresh only asks whether the
    /// class that was granted still stands, so it can lose it and never gain one.
    #[test]
    fn property_4_refreshing_never_raises(acr in uris(), events in events(), held in holdings(), later in 0_u64..100_000) {
        if let Some(first) = standing(&catalogue(), Some(&acr), &events, &held, now()) {
            let again = standing(&catalogue(), Some(&acr), &events, &held, now() + Duration::from_secs(later));
            if let Some(again) = again {
                prop_assert_eq!(again.auth_time, first.auth_time);
                prop_assert_eq!(again.acr, first.acr);
            }
        }
    }

    /// 5. The amr is the union of the evidence of the events that the acr rests on, plus `mfa` by the rule, no more.
    #[test]
    fn property_5_amr_is_what_was_shown(request in requests(), events in events(), held in holdings()) {
        let Ok(requirement) = request.requirement() else { return Ok(()) };
        if let Some(found) = granted(&requirement, &events, &held) {
            let expected: BTreeSet<&str> = found.events.iter().flat_map(|event| table(event)).copied().collect();
            let kinds: BTreeSet<&str> = found.events.iter().flat_map(|event| kinds(event.method)).copied().collect();
            let given: BTreeSet<&str> = found.amr.iter().map(String::as_str).collect();
            let mut with_mfa = expected;
            if kinds.len() >= 2 { with_mfa.insert("mfa"); }
            prop_assert_eq!(given.len(), found.amr.len());
            prop_assert_eq!(given, with_mfa);
            prop_assert_eq!(Some(found.auth_time), found.events.iter().map(|event| event.at).max());
            prop_assert!(found.events.iter().all(|event| events.contains(event)));
        }
    }

    /// 6. A lapsed subscription, a revoked or suspended credential, or expired proofing removes the classes that rest on
    /// it at the very next evaluation.
    #[test]
    fn property_6_what_is_gone_counts_no_more(request in requests(), events in events(), held in holdings(), state in states()) {
        let Ok(requirement) = request.requirement() else { return Ok(()) };
        let Some(found) = granted(&requirement, &events, &held) else { return Ok(()) };
        for used in &found.events {
            let mut without = held.clone();
            for one in without.credentials.iter_mut().filter(|one| one.id == used.credential) { one.state = state; }
            let again = granted(&requirement, &events, &without);
            let counts = matches!(state, CredentialState::Active | CredentialState::Locked);
            if !counts {
                prop_assert!(again.is_none_or(|again| again.events.iter().all(|event| event.credential != used.credential)));
            }
        }
        let unproofed = Holdings { proofed: false, ..held };
        if let Some(again) = granted(&requirement, &events, &unproofed) {
            prop_assert!(!again.acr.is_some_and(|acr| acr.as_str().ends_with(":proofed")));
        }
    }

    /// `decide` is total: nothing makes it panic, and nothing is offered that is not held and active.
    #[test]
    fn nothing_is_offered_that_is_not_held(request in requests(), events in events(), held in holdings()) {
        let Ok(requirement) = request.requirement() else { return Ok(()) };
        let decision = decide(&catalogue(), &requirement, &events, &held, now());
        let active = |kind: &CredentialKind| {
            held.credentials.iter().any(|one| one.kind == *kind && one.state == CredentialState::Active)
        };
        if let Decision::Challenge { factors, why } = &decision {
            let known = !(*why == Why::NotLoggedIn && factors == &[CredentialKind::Password]);
            prop_assert!(!known || factors.iter().all(active), "{:?}", factors);
            prop_assert!(!factors.is_empty());
        }
        prop_assert!(offers(&events, &held, now()).iter().all(active));
        let _ = (explain(&requirement, &held), strength(&events, &held, now()).to_string());
    }

    /// Merging policies only tightens: whatever satisfies two floors satisfies each of them.
    #[test]
    fn more_floors_only_tighten(one in policies(), other in policies(), events in events(), held in holdings()) {
        let request = |floors: Vec<ApplicationPolicy>| Request { floors, ..Request::default() }.requirement().unwrap();
        if granted(&request(vec![one.clone(), other.clone()]), &events, &held).is_some() {
            prop_assert!(granted(&request(vec![one]), &events, &held).is_some());
            prop_assert!(granted(&request(vec![other]), &events, &held).is_some());
        }
    }
}

/// 7. An elevation binds to the person: an event of somebody else's credential never counts.
#[test]
fn property_7_another_persons_factor_never_counts() {
    let held = everything(true);
    let mut theirs = event(Method::HardwareToken, 0, true);
    theirs.credential = CredentialId::from_uuid(Uuid::from_u128(999));
    let events = [event(Method::Password, 5, true), theirs];
    assert_eq!(granted(&asking("urn:stepgate:acr:hardware-token"), &events, &held), None);
    assert_eq!(strength(&events, &held, now()).to_string(), "Password, proofed");
}

/// Nobody logs in anew because of a proofing: the device is shown after it, the password may have been typed before.
#[test]
fn a_proofing_counts_from_the_next_device_on() {
    let held = everything(true);
    let of = |password, device| [event(Method::Password, 60, password), event(Method::PhoneText, 50, device)];
    let proofed = asking("urn:stepgate:acr:phone-otp:proofed");
    for (password, device, counts) in [(false, true, true), (true, true, true), (true, false, false)] {
        assert_eq!(granted(&proofed, &of(password, device), &held).is_some(), counts, "{password} {device}");
    }
    // Where the password is all that is asked for, it must be typed after the proofing.
    let alone = asking("urn:stepgate:acr:password:proofed");
    assert!(granted(&alone, &of(false, true), &held).is_none());
    assert!(granted(&alone, &of(true, false), &held).is_some());
}

/// The strongest way to show a kind.
fn best(kind: CredentialKind) -> Method {
    match kind {
        CredentialKind::Password => Method::Password,
        CredentialKind::PhoneOtp => Method::PhoneText,
        CredentialKind::MobileId => Method::MobileIdVerified,
        CredentialKind::HardwareToken => Method::HardwareToken,
        CredentialKind::SecurityKey => Method::SecurityKeyVerified,
        CredentialKind::Recovery => Method::RecoveryCode,
    }
}

/// The table of methods, written down a second time.
fn table(event: &FactorEvent) -> &'static [&'static str] {
    match event.method {
        Method::Password => &["pwd"],
        Method::PhoneText => &["otp", "sms", "mca"],
        Method::PhoneVoice => &["otp", "tel", "mca"],
        Method::MobileIdVerified => &["swk", "pop", "user", "mca"],
        Method::MobileIdUnverified => &["swk", "pop", "mca"],
        Method::MobileIdOffline => &["otp", "swk"],
        Method::HardwareToken => &["otp", "hwk"],
        Method::SecurityKey | Method::SecurityKeyVerified => &["hwk", "pop", "user"],
        Method::RecoveryCode => &[],
    }
}

fn kinds(method: Method) -> &'static [&'static str] {
    match method {
        Method::Password => &["knows"],
        Method::MobileIdVerified | Method::SecurityKeyVerified => &["has", "is"],
        Method::RecoveryCode => &[],
        _ => &["has"],
    }
}

#[test]
fn the_order_is_partial() {
    let phone = [event(Method::Password, 60, false), event(Method::PhoneText, 50, false)];
    let fob = [event(Method::Password, 60, false), event(Method::HardwareToken, 50, false)];
    let proofed_phone = [event(Method::Password, 60, true), event(Method::PhoneText, 50, true)];
    let proofed_mobile = [event(Method::Password, 60, true), event(Method::MobileIdUnverified, 50, true)];
    let accepts = |acr: &[&str], proofed, refuse_restricted| {
        let accepts = acr.iter().map(|acr| acr.parse::<Acr>().unwrap()).collect();
        let policy = ApplicationPolicy { accepts, proofed, refuse_restricted, ..ApplicationPolicy::default() };
        Request { floors: vec![policy], ..Request::default() }.requirement().unwrap()
    };
    // One partner refuses telephones and takes tokens; the next takes Mobile ID and refuses proofed texts.
    let no_phones = accepts(&["urn:stepgate:acr:otp"], false, true);
    let mobile_only = accepts(&["urn:stepgate:acr:mobile-id"], false, false);
    let proofed_any = accepts(&["urn:stepgate:acr:otp"], true, false);
    let cases: [(&Requirement, &[FactorEvent], bool); 9] = [
        (&no_phones, &phone, false),
        (&no_phones, &proofed_phone, false),
        (&no_phones, &fob, true),
        (&mobile_only, &proofed_phone, false),
        (&mobile_only, &fob, false),
        (&mobile_only, &proofed_mobile, true),
        (&proofed_any, &fob, false),
        (&proofed_any, &proofed_phone, true),
        (&proofed_any, &proofed_mobile, true),
    ];
    for (number, (requirement, events, expected)) in cases.into_iter().enumerate() {
        assert_eq!(granted(requirement, events, &everything(true)).is_some(), expected, "case {number}");
    }
    // What a partner refuses is never offered.
    match decide(&catalogue(), &no_phones, &[event(Method::Password, 5, false)], &everything(false), now()) {
        Decision::Challenge { factors, .. } => assert!(!factors.contains(&CredentialKind::PhoneOtp), "{factors:?}"),
        other => panic!("{other:?}"),
    }
    assert!(!no_phones.allows(CredentialKind::PhoneOtp) && no_phones.allows(CredentialKind::HardwareToken));
}

#[test]
fn each_situation_takes_the_shortest_way() {
    let active = CredentialState::Active;
    let password = (CredentialKind::Password, active);
    let otp = asking("urn:stepgate:acr:otp");
    let just_password = [event(Method::Password, 5, false)];
    let said = |requirement: &Requirement, events: &[FactorEvent], held: &Holdings| {
        format!("{:?}", decide(&catalogue(), requirement, events, held, now()))
    };
    // Nobody is logged in.
    assert!(said(&otp, &[], &Holdings::default()).contains("factors: [Password], why: NotLoggedIn"));
    // One more factor, and only that.
    let bob = holding(&[password, (CredentialKind::PhoneOtp, active)], false);
    assert!(said(&otp, &just_password, &bob).contains("factors: [PhoneOtp], why: Demanded"));
    // Owned but expired, or not bound: the repair.
    let frank = holding(&[password, (CredentialKind::PhoneOtp, CredentialState::Expired)], false);
    assert!(said(&otp, &just_password, &frank).contains("reason: Expired"));
    let grace = holding(&[password, (CredentialKind::MobileId, CredentialState::Pending)], false);
    assert!(said(&otp, &just_password, &grace).contains("reason: NotActivated"));
    // Nothing suitable owned.
    let alice = holding(&[password], false);
    assert!(said(&otp, &just_password, &alice).starts_with("Acquire"));
    assert!(said(&asking("urn:stepgate:acr:hardware-token"), &just_password, &bob).contains("HardwareToken"));
    // Everything owned, but not proofed.
    let proofed = asking("urn:stepgate:acr:otp:proofed");
    assert!(said(&proofed, &just_password, &everything(false)).contains("proofing: true"));
    // Stale: that one again.
    let fresh = Request { max_age: Some(60), ..Request::default() }.requirement().unwrap();
    assert!(said(&fresh, &[event(Method::Password, 100, false)], &alice).contains("Reauthenticate { factor: Password"));
    assert!(granted(&fresh, &[event(Method::Password, 50, false)], &alice).is_some());
    // The first of several that already holds.
    let both = Request {
        acr_values: vec!["urn:stepgate:acr:hardware-token".into(), "urn:stepgate:acr:phone-otp".into()],
        ..Request::default()
    };
    let events = [event(Method::Password, 60, false), event(Method::PhoneText, 50, false)];
    let found = granted(&both.requirement().unwrap(), &events, &everything(false)).unwrap();
    assert_eq!(found.acr.unwrap().as_str(), "urn:stepgate:acr:phone-otp");
    // Unknown values are ignored; an essential one that is unknown is not.
    let unknown = Request { acr_values: vec!["1".into(), "2".into()], ..Request::default() };
    assert!(granted(&unknown.requirement().unwrap(), &just_password, &alice).is_some());
    let essential = Request { essential: Some(vec!["gold".into()]), ..Request::default() };
    assert_eq!(essential.requirement().err(), Some(AskError::UnknownEssentialAcr));
}

#[test]
fn the_label_names_what_the_session_has_shown() {
    let cases: [(&[Method], bool, &str); 6] = [
        (&[], false, "None"),
        (&[Method::Password], false, "Password"),
        (&[Method::Password, Method::PhoneVoice], false, "Phone OTP"),
        (&[Method::Password, Method::PhoneText, Method::HardwareToken], false, "OTP Hardware Token"),
        (&[Method::Password, Method::MobileIdOffline], true, "Mobile ID, proofed"),
        (&[Method::SecurityKeyVerified], true, "Security Key, proofed"),
    ];
    for (methods, proofed, label) in cases {
        let length = i64::try_from(methods.len()).unwrap();
        let events: Vec<_> = (0_i64..).zip(methods).map(|(at, method)| event(*method, length - at, proofed)).collect();
        assert_eq!(strength(&events, &everything(proofed), now()).to_string(), label);
    }
    // Never for what the account merely owns.
    assert_eq!(strength(&[event(Method::Password, 1, false)], &everything(false), now()).to_string(), "Password");
}

#[test]
fn a_phone_code_beside_a_key_alone_takes_nothing_from_the_key() {
    let request = Request { floors: vec![], acr_values: vec![], essential: None, max_age: None, login_prompted: false };
    let events = [event(Method::SecurityKeyVerified, 408, false), event(Method::PhoneText, 0, false)];
    let granted = granted(&request.requirement().unwrap(), &events, &everything(false)).unwrap();
    assert_eq!(granted.acr.unwrap().to_string(), "urn:stepgate:acr:security-key");
    assert_eq!(granted.events, events[..1]);
}

#[test]
fn a_key_whose_hardware_nobody_vouches_for_is_not_asked_for_again_and_again() {
    let (requirement, holds) = (asking("phrh"), everything(false));
    let decided = |seconds_ago| {
        let events =
            [event(Method::Password, seconds_ago, false), event(Method::SecurityKeyVerified, seconds_ago, false)];
        decide(&catalogue(), &requirement, &events, &holds, now())
    };
    assert!(
        matches!(decided(60), Decision::Challenge { .. } | Decision::Reauthenticate { .. }),
        "not shown for this yet"
    );
    let Decision::Acquire { acceptable, .. } = decided(0) else { panic!("{:?}", decided(0)) };
    assert!(acceptable.iter().all(|product| product.kind == CredentialKind::SecurityKey));
}

#[test]
fn everything_that_would_do_is_named_and_nothing_else() {
    let named = |request: &Request| {
        let found = acceptable(&request.requirement().unwrap(), now());
        let words = found.into_iter().map(|option| {
            let kinds: Vec<&str> = option.kinds.iter().map(|kind| kind.as_str()).collect();
            format!("{}{}", kinds.join("+"), if option.proofed { ":proofed" } else { "" })
        });
        words.collect::<Vec<_>>().join(" ")
    };
    let asks = |values: &[&str]| Request {
        acr_values: values.iter().map(|value| (*value).to_owned()).collect(),
        ..Request::default()
    };
    let floor = |accepts: &[&str], proofed, refuse_restricted| ApplicationPolicy {
        accepts: accepts.iter().map(|acr| acr.parse().unwrap()).collect(),
        proofed,
        refuse_restricted,
        ..ApplicationPolicy::default()
    };
    let otp = "urn:stepgate:acr:otp";
    assert_eq!(named(&asks(&[])), "", "a password is enough, and that is nothing to get");
    assert_eq!(named(&asks(&[otp])), "phone_otp mobile_id hardware_token security_key");
    let proofed = "phone_otp:proofed mobile_id:proofed hardware_token:proofed security_key:proofed";
    assert_eq!(named(&asks(&["urn:stepgate:acr:otp:proofed"])), proofed);
    assert_eq!(named(&asks(&["phrh"])), "security_key");
    // What is asked and what the application accepts, weighed together.
    let policies = [
        (vec![floor(&["urn:stepgate:acr:mobile-id"], false, false)], "mobile_id"),
        (vec![floor(&[otp], false, true)], "mobile_id hardware_token security_key"),
        (vec![floor(&[], true, false)], proofed),
        (vec![floor(&["urn:stepgate:acr:mobile-id", "phr"], true, false)], "mobile_id:proofed security_key:proofed"),
        (
            vec![floor(&["urn:stepgate:acr:mobile-id"], false, false), floor(&["phr"], false, false)],
            "mobile_id+security_key",
        ),
    ];
    for (floors, expected) in policies {
        assert_eq!(named(&Request { floors, ..asks(&[otp]) }), expected);
    }
    assert_eq!(named(&Request { floors: vec![floor(&[], true, false)], ..Request::default() }), ":proofed");
    // Whoever holds nothing is told all of it, whichever way happens to be the shortest.
    let alice = holding(&[(CredentialKind::Password, CredentialState::Active)], false);
    let events = [event(Method::Password, 5, false)];
    let decided = decide(&catalogue(), &asking("urn:stepgate:acr:otp:proofed"), &events, &alice, now());
    let Decision::Acquire { acceptable, proofing } = decided else { panic!("{decided:?}") };
    assert_eq!((acceptable.len(), proofing), (4, false));
    assert!(acceptable.iter().all(|product| product.proofed));
}
