use super::*;
use crate::assurance::{Evidence, FactorEvent, Method};
use crate::authorize::Hint;
use crate::authorize::interaction::{LocalAddress, PortalPage, Want};
use crate::authorize::tests::{GOOD, client, judge, judge_with};
use crate::id::{ChallengeId, CredentialId, SessionId};
use crate::time::Timestamp;

const BEFORE: Timestamp = Timestamp::from_unix_seconds(100);
const START: Timestamp = Timestamp::from_unix_seconds(200);
const AFTER: Timestamp = Timestamp::from_unix_seconds(300);

fn id<T: std::str::FromStr<Err: std::fmt::Debug>>(last: char) -> T {
    format!("6f9619ff-8b86-4d01-b42d-00cf4fc964f{last}").parse().unwrap()
}

fn alice() -> PersonId {
    id('a')
}

fn bob() -> PersonId {
    id('b')
}

fn choice(kind: CredentialKind, last: char) -> Choice {
    Choice { credential: id(last), kind }
}

fn phone() -> Choice {
    choice(CredentialKind::PhoneOtp, '1')
}

fn token() -> Choice {
    choice(CredentialKind::HardwareToken, '2')
}

fn password() -> Choice {
    choice(CredentialKind::Password, '3')
}

fn session(person: PersonId, events: &[(Method, Timestamp)]) -> Session {
    let event = |(method, at): &(Method, Timestamp)| FactorEvent {
        method: *method,
        at: *at,
        credential: id('0'),
        evidence: Evidence::default(),
        proofed: false,
    };
    Session {
        id: id('5'),
        person,
        events: events.iter().map(event).collect(),
        created_at: BEFORE,
        last_seen_at: BEFORE,
        expires_at: AFTER,
        ended_at: None,
        user_agent: String::new(),
        ip: None,
    }
}

fn asked(extra: &str) -> Interaction {
    let request = judge(&format!("{GOOD}{extra}")).unwrap();
    Interaction::begin(Purpose::Authorize { request: Box::new(request) }, START)
}

fn asked_about(person: PersonId, extra: &str) -> Interaction {
    asked(&format!("{extra}&claims={{\"id_token\":{{\"sub\":{{\"value\":\"{person}\"}}}}}}"))
}

fn elevation_of(person: PersonId, session: SessionId) -> Interaction {
    Interaction::begin(Purpose::Elevate { person, session, want: Want::AnyOtp }, START)
}

/// The step for a person with these events, a verdict, something to offer, and a consent on record.
fn step(interaction: &Interaction, session: &Session, verdict: Verdict) -> NextStep {
    step_with(interaction, session, verdict, ConsentOnRecord::Covers)
}

fn step_with(interaction: &Interaction, session: &Session, verdict: Verdict, consent: ConsentOnRecord) -> NextStep {
    let held = [password(), phone(), token()];
    next(interaction, Some(LoggedIn { session, verdict: &verdict, held: &held, consent }))
}

#[test]
fn prompt_none_never_shows_a_page() {
    use ErrorCode::*;
    let silent = asked("&prompt=none");
    let session = session(alice(), &[(Method::Password, BEFORE)]);
    assert_eq!(next(&silent, None), NextStep::Refuse(LoginRequired));
    let cases = [
        (Verdict::Satisfied, ConsentOnRecord::Covers, NextStep::Finish),
        (Verdict::Satisfied, ConsentOnRecord::Lacks, NextStep::Refuse(ConsentRequired)),
        (Verdict::Challenge(vec![phone()]), ConsentOnRecord::Covers, NextStep::Refuse(LoginRequired)),
        (Verdict::Reauthenticate(password()), ConsentOnRecord::Covers, NextStep::Refuse(LoginRequired)),
        (Verdict::Missing, ConsentOnRecord::Covers, NextStep::Refuse(InteractionRequired)),
        (Verdict::Unmet, ConsentOnRecord::Lacks, NextStep::Refuse(UnmetAuthenticationRequirements)),
    ];
    for (verdict, consent, expected) in cases {
        assert_eq!(step_with(&silent, &session, verdict.clone(), consent), expected, "{verdict:?}");
    }
    let about_bob = asked_about(bob(), "&prompt=none");
    assert_eq!(step(&about_bob, &session, Verdict::Satisfied), NextStep::Refuse(LoginRequired));
    let about_alice = asked_about(alice(), "&prompt=none");
    assert_eq!(step(&about_alice, &session, Verdict::Satisfied), NextStep::Finish);
}

#[test]
fn a_login_from_nothing_to_the_end() {
    let start = asked("");
    assert_eq!(next(&start, None), NextStep::Stay);
    let named = start.named(Named::Person(alice())).unwrap();
    assert_eq!(next(&named, None), NextStep::Stay);

    let fresh = session(alice(), &[(Method::Password, AFTER)]);
    let offer = step(&named, &fresh, Verdict::Satisfied);
    assert_eq!(offer, NextStep::Factor { choices: vec![phone(), token()], skip: SkipOtp::Offered });
    let offered = named.moved(&offer);
    assert_eq!(step(&offered, &fresh, Verdict::Satisfied), NextStep::Stay);
    assert_eq!(refusal_when_cancelled(&offered.stage), ErrorCode::AccessDenied);

    let skipped = offered.clone().skip_otp().unwrap();
    let consent = step_with(&skipped, &fresh, Verdict::Satisfied, ConsentOnRecord::Lacks);
    assert_eq!(consent, NextStep::Consent);
    let allowed = skipped.moved(&consent).consent().unwrap();
    assert_eq!(step_with(&allowed, &fresh, Verdict::Satisfied, ConsentOnRecord::Lacks), NextStep::Finish);
    // A yes on record is enough, but not where the client wishes the question or wants to act in absence.
    let covered = |scope, more| {
        let mut refreshing = client();
        refreshing.metadata.grant_types.push("refresh_token".to_owned());
        let query = format!("{}{more}", GOOD.replace("openid+email", scope));
        let request = judge_with(&query, &refreshing, Hint::Absent).unwrap();
        let asked = Interaction::begin(Purpose::Authorize { request: Box::new(request) }, START);
        step(&asked, &session(alice(), &[(Method::Password, BEFORE)]), Verdict::Satisfied)
    };
    assert_eq!(covered("openid", ""), NextStep::Finish);
    assert_eq!(covered("openid", "&prompt=consent"), NextStep::Consent);
    assert_eq!(covered("openid+offline_access", ""), NextStep::Consent);
    let silent = covered("openid+offline_access", "&prompt=none");
    assert_eq!(silent, NextStep::Refuse(ErrorCode::ConsentRequired));

    let with_token = offered.token_chosen(token().credential).unwrap();
    assert_eq!(step(&with_token, &fresh, Verdict::Satisfied), NextStep::Stay);
    let shown = session(alice(), &[(Method::Password, AFTER), (Method::HardwareToken, AFTER)]);
    assert_eq!(step(&with_token, &shown, Verdict::Satisfied), NextStep::Finish);
}

#[test]
fn an_unknown_name_walks_the_same_way_as_a_known_one() {
    for login in [Named::Unknown("nobody".to_owned()), Named::Person(alice())] {
        let named = asked("").named(login).unwrap();
        assert_eq!(next(&named, None), NextStep::Stay);
        assert!(matches!(named.stage, Stage::Password { .. }));
    }
}

#[test]
fn a_live_session_is_not_bothered() {
    let old = session(alice(), &[(Method::Password, BEFORE)]);
    assert_eq!(step(&asked(""), &old, Verdict::Satisfied), NextStep::Finish);
    assert_eq!(step(&asked("&prompt=consent"), &old, Verdict::Satisfied), NextStep::Consent);
    let portal = Interaction::begin(Purpose::Portal { return_to: PortalPage::Account }, START);
    assert_eq!(step_with(&portal, &old, Verdict::Satisfied, ConsentOnRecord::Lacks), NextStep::Finish);
}

#[test]
fn what_is_demanded_cannot_be_skipped() {
    let old = session(alice(), &[(Method::Password, BEFORE)]);
    let demand = Verdict::Challenge(vec![phone()]);
    let asked_for = step(&asked(""), &old, demand.clone());
    assert_eq!(asked_for, NextStep::Factor { choices: vec![phone()], skip: SkipOtp::NotOffered });
    let at_factor = asked("").moved(&asked_for);
    assert!(at_factor.clone().skip_otp().is_err());
    assert!(at_factor.clone().token_chosen(token().credential).is_err());
    assert!(at_factor.offered(CredentialKind::HardwareToken).is_err());
    assert_eq!(refusal_when_cancelled(&at_factor.stage), ErrorCode::UnmetAuthenticationRequirements);

    let sent = at_factor.code_sent(phone().credential, id('7'), id('8')).unwrap();
    assert_eq!(step(&sent, &old, demand.clone()), NextStep::Stay);
    // The credential was revoked, or the browser now belongs to somebody who does not hold it.
    assert!(matches!(step(&sent, &old, Verdict::Challenge(vec![token()])), NextStep::Factor { .. }));
    assert_eq!(step(&sent, &old, Verdict::Unmet), NextStep::RequirementsNotMet);
    let again = sent.choose_again().unwrap();
    assert!(matches!(step(&again, &old, demand), NextStep::Factor { .. }));
}

#[test]
fn what_was_offered_is_not_skippable_once_it_is_demanded() {
    let fresh = session(alice(), &[(Method::Password, AFTER)]);
    let offered = asked("").moved(&step(&asked(""), &fresh, Verdict::Satisfied));
    let waiting = offered.token_chosen(token().credential).unwrap();
    let demanded = step(&waiting, &fresh, Verdict::Challenge(vec![token()]));
    assert_eq!(demanded, NextStep::Factor { choices: vec![token()], skip: SkipOtp::NotOffered });
}

#[test]
fn a_stale_password_is_asked_again_of_the_same_person() {
    let old = session(alice(), &[(Method::Password, BEFORE)]);
    let stale = step(&asked("&max_age=1"), &old, Verdict::Reauthenticate(password()));
    assert_eq!(stale, NextStep::Password { person: alice() });
    let again = asked("&max_age=1").moved(&stale);
    assert_eq!(step(&again, &old, Verdict::Reauthenticate(password())), NextStep::Stay);

    let other = again.somebody_else().unwrap();
    assert_eq!(step(&other, &old, Verdict::Reauthenticate(password())), NextStep::Stay);
    let named = other.named(Named::Person(bob())).unwrap();
    assert_eq!(step(&named, &old, Verdict::Reauthenticate(password())), NextStep::Stay);
    let fresh = session(bob(), &[(Method::Password, AFTER)]);
    assert!(matches!(step(&named, &fresh, Verdict::Satisfied), NextStep::Factor { .. }));
}

#[test]
fn a_request_about_somebody_is_finished_by_nobody_else() {
    let about = asked_about(alice(), "");
    let bobs = session(bob(), &[(Method::Password, AFTER)]);
    assert_eq!(next(&about, None), NextStep::Password { person: alice() });
    assert_eq!(step(&about, &bobs, Verdict::Satisfied), NextStep::Password { person: alice() });
    let named = about.named(Named::Person(bob())).unwrap();
    assert_eq!(step(&named, &bobs, Verdict::Satisfied), NextStep::Password { person: alice() });
    assert!(named.somebody_else().is_err());
}

#[test]
fn an_account_is_selected_once() {
    let select = asked("&prompt=select_account");
    let old = session(alice(), &[(Method::Password, BEFORE)]);
    assert_eq!(step(&select, &old, Verdict::Satisfied), NextStep::Stay);
    let named = select.named(Named::Person(bob())).unwrap();
    assert_eq!(step(&named, &old, Verdict::Satisfied), NextStep::Stay);
    let fresh = session(bob(), &[(Method::Password, AFTER), (Method::PhoneText, AFTER)]);
    assert_eq!(step(&named, &fresh, Verdict::Satisfied), NextStep::Finish);
}

#[test]
fn an_elevation_is_bound_to_its_person_and_session() {
    let old = session(alice(), &[(Method::Password, BEFORE)]);
    let elevate = elevation_of(alice(), old.id);
    assert!(matches!(step(&elevate, &old, Verdict::Challenge(vec![phone()])), NextStep::Factor { .. }));
    assert_eq!(step(&elevate, &old, Verdict::Missing), NextStep::RequirementsNotMet);
    assert_eq!(step(&elevate, &old, Verdict::Satisfied), NextStep::Finish);
    assert_eq!(next(&elevate, None), NextStep::SessionGone);
    assert_eq!(step(&elevation_of(bob(), old.id), &old, Verdict::Satisfied), NextStep::SessionGone);
    assert_eq!(step(&elevation_of(alice(), id('6')), &old, Verdict::Satisfied), NextStep::SessionGone);
}

/// For every stage, purpose and verdict: the page that a step leads to is the right page to be on.
#[test]
fn every_step_is_settled_at_once() {
    let stages = [
        Stage::Identify,
        Stage::Password { login: Named::Person(alice()) },
        Stage::Password { login: Named::Unknown("x".to_owned()) },
        Stage::Factor { choices: vec![token()], skip: SkipOtp::Offered },
        Stage::PhoneCode {
            challenge: id::<ChallengeId>('9'),
            credential: id::<CredentialId>('1'),
            phone: id('7'),
            skip: SkipOtp::NotOffered,
        },
        Stage::MobileWait { challenge: id('9'), credential: id('4'), skip: SkipOtp::Offered },
        Stage::HardwareCode { credential: id('2'), skip: SkipOtp::Offered },
        Stage::Consent,
        Stage::RequirementsNotMet,
    ];
    let verdicts = [
        Verdict::Satisfied,
        Verdict::Challenge(vec![phone(), token()]),
        Verdict::Challenge(Vec::new()),
        Verdict::Reauthenticate(password()),
        Verdict::Reauthenticate(token()),
        Verdict::Missing,
        Verdict::Unmet,
    ];
    let purposes = [
        asked(""),
        asked("&prompt=none"),
        asked("&prompt=login+consent"),
        asked("&prompt=select_account"),
        asked_about(bob(), ""),
        Interaction::begin(Purpose::Portal { return_to: PortalPage::ManageOtp }, START),
        elevation_of(alice(), id('5')),
    ];
    let held = [phone(), token()];
    for at in [BEFORE, AFTER] {
        let session = session(alice(), &[(Method::Password, at)]);
        for (purpose, stage) in purposes.iter().flat_map(|purpose| stages.iter().map(move |stage| (purpose, stage))) {
            let consents = [ConsentOnRecord::Covers, ConsentOnRecord::Lacks];
            let logins = verdicts.iter().flat_map(|verdict| consents.map(|consent| Some((verdict, consent))));
            for login in logins.chain([None]) {
                let logged_in =
                    login.map(|(verdict, consent)| LoggedIn { session: &session, verdict, held: &held, consent });
                let before = Interaction { stage: stage.clone(), ..purpose.clone() };
                let step = next(&before, logged_in);
                let ends = matches!(step, NextStep::Finish | NextStep::Refuse(_) | NextStep::SessionGone);
                let again = next(&before.clone().moved(&step), logged_in);
                assert_eq!(again, if ends { step.clone() } else { NextStep::Stay }, "{before:?} {login:?}");
                let unsatisfied = login.is_none_or(|(verdict, _)| *verdict != Verdict::Satisfied);
                assert!(step != NextStep::Finish || !unsatisfied, "finished without {login:?}");
                let silent = purpose.request().is_some_and(|request| request.prompt.is_none());
                assert!(!silent || ends, "a page at prompt=none");
            }
        }
    }
}

#[test]
fn interactions_survive_the_store() {
    let interaction = asked("&prompt=login").named(Named::Unknown("x".to_owned())).unwrap();
    let stored = serde_json::to_string(&interaction).unwrap();
    assert_eq!(serde_json::from_str::<Interaction>(&stored).unwrap(), interaction);
}

#[test]
fn portal_pages_are_a_closed_list() {
    let cases = [
        ("/account", Some(PortalPage::Account)),
        ("/account/otp", Some(PortalPage::ManageOtp)),
        ("/admin/people/1", Some(PortalPage::Admin)),
        ("/accounting", None),
        ("//evil.example/account", None),
        ("/", None),
    ];
    for (path, page) in cases {
        assert_eq!(PortalPage::of_path(path), page, "{path}");
    }
}

#[test]
fn an_address_that_was_asked_for_is_one_of_ours() {
    for good in ["/admin/orders", "/admin/orders?q=SG-1&next=//evil.example", "/account/otp/get?product=mobile-id"] {
        let read = LocalAddress::parse(good).unwrap_or_else(|| panic!("{good}"));
        let stored = serde_json::to_string(&read).unwrap();
        assert_eq!(serde_json::from_str::<LocalAddress>(&stored).unwrap(), read);
    }
    let long = format!("/account?q={}", "x".repeat(1000));
    for bad in [
        "",
        "/",
        "admin",
        "//evil.example/account",
        "/\\evil.example/account",
        "/account/..//evil.example",
        "/account/%2E%2e/evil",
        "/account//otp",
        "/account\t",
        "/account#x",
        "/accounting",
        "/interaction/1",
        "https://evil.example/account",
        &long,
    ] {
        assert_eq!(LocalAddress::parse(bad), None, "{bad}");
        assert!(serde_json::from_value::<LocalAddress>(bad.into()).is_err(), "{bad}");
    }
}
