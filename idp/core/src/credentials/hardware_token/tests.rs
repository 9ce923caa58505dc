use proptest::prelude::*;

use super::*;
use crate::time::Timestamp;

const SEED: &[u8] = b"12345678901234567890";
const SEED_256: &[u8] = b"12345678901234567890123456789012";
const SEED_512: &[u8] = b"1234567890123456789012345678901234567890123456789012345678901234";
const HOTP: OathParameters = match OathParameters::new(Mode::Hotp, Algorithm::Sha1, 6) {
    Ok(params) => params,
    Err(_) => panic!("valid"),
};
const TOTP: OathParameters = OathParameters::COMMON_TOTP;

fn at(seconds: i64) -> Timestamp {
    Timestamp::from_unix_seconds(seconds)
}

fn code(params: &OathParameters, factor: i64) -> String {
    code_at(SEED, params, factor.try_into().unwrap()).expose().clone()
}

#[test]
fn rfc_4226_appendix_d() {
    let codes: Vec<String> = (0..10).map(|counter| code(&HOTP, counter)).collect();
    let expected = "755224 287082 359152 969429 338314 254676 287922 162583 399871 520489";
    assert_eq!(codes.join(" "), expected);
}

#[test]
fn rfc_6238_appendix_b() {
    let times = [59, 1_111_111_109, 1_111_111_111, 1_234_567_890, 2_000_000_000, 20_000_000_000];
    for (algorithm, seed, expected) in [
        (Algorithm::Sha1, SEED, "94287082 07081804 14050471 89005924 69279037 65353130"),
        (Algorithm::Sha256, SEED_256, "46119246 68084774 67062674 91819424 90698825 77737706"),
        (Algorithm::Sha512, SEED_512, "90693936 25091201 99943326 93441116 38618901 47863826"),
    ] {
        let params = OathParameters::new(Mode::Totp { period_seconds: 30 }, algorithm, 8).unwrap();
        for (seconds, expected) in times.into_iter().zip(expected.split(' ')) {
            let step = seconds / 30;
            assert_eq!(code_at(seed, &params, step.try_into().unwrap()).expose(), expected);
            assert_eq!(
                verify(seed, &params, Memory::NEW, expected, at(seconds)),
                Verdict::Accepted { last: step, drift: 0 }
            );
        }
    }
}

#[test]
fn a_leading_zero_is_a_digit() {
    let params = OathParameters::new(Mode::Totp { period_seconds: 30 }, Algorithm::Sha1, 8).unwrap();
    assert_eq!(verify(SEED, &params, Memory::NEW, "7081804", at(1_111_111_109)), Verdict::Wrong);
}

#[test]
fn parameters_are_checked_when_they_are_read() {
    let json = r#"{"mode":{"totp":{"period_seconds":30}},"algorithm":"sha1","digits":6}"#;
    assert_eq!(serde_json::from_str::<OathParameters>(json).unwrap(), TOTP);
    assert_eq!(serde_json::to_string(&TOTP).unwrap(), json);
    let hotp = r#"{"mode":"hotp","algorithm":"sha1","digits":6}"#;
    assert_eq!(serde_json::from_str::<OathParameters>(hotp).unwrap(), HOTP);
    for bad in [
        r#"{"mode":"hotp","algorithm":"sha1","digits":5}"#,
        r#"{"mode":"hotp","algorithm":"sha1","digits":9}"#,
        r#"{"mode":"hotp","algorithm":"md5","digits":6}"#,
        r#"{"mode":"hotp","algorithm":"sha1","digits":6,"extra":1}"#,
        r#"{"mode":{"totp":{"period_seconds":0}},"algorithm":"sha1","digits":6}"#,
        r#"{"mode":{"totp":{"period_seconds":30,"extra":1}},"algorithm":"sha1","digits":6}"#,
    ] {
        assert!(serde_json::from_str::<OathParameters>(bad).is_err(), "{bad}");
    }
}

#[test]
fn hotp_looks_ahead_ten_and_knows_a_replay() {
    let memory = Memory { last: 4, drift: 0 };
    for (counter, verdict) in [
        (3, Verdict::Wrong),
        (4, Verdict::Replayed),
        (5, Verdict::Accepted { last: 5, drift: 0 }),
        (14, Verdict::Accepted { last: 14, drift: 0 }),
        (15, Verdict::Wrong),
    ] {
        assert_eq!(verify(SEED, &HOTP, memory, &code(&HOTP, counter), at(0)), verdict, "{counter}");
    }
    assert_eq!(verify(SEED, &HOTP, Memory::NEW, &code(&HOTP, 0), at(0)), Verdict::Accepted { last: 0, drift: 0 });
    let end = Memory { last: i64::MAX, drift: 0 };
    assert_eq!(verify(SEED, &HOTP, end, "000000", at(0)), Verdict::Wrong);
}

#[test]
fn totp_follows_a_slow_clock_up_to_the_limit_and_no_further() {
    let mut memory = Memory::NEW;
    for hour in 0..30_i64 {
        let step = 1_000_000 + 120 * hour;
        // Each hour the token's clock has lost one more step.
        let verdict = verify(SEED, &TOTP, memory, &code(&TOTP, step - hour), at(step * 30));
        match verdict {
            Verdict::Accepted { last, drift } => {
                assert!(hour <= MAX_LEARNED_DRIFT && i64::from(drift) == -hour);
                memory = Memory { last, drift };
            }
            Verdict::Wrong => assert!(hour > MAX_LEARNED_DRIFT),
            Verdict::Replayed => panic!("nothing was replayed"),
        }
    }
    assert_eq!(i64::from(memory.drift), -MAX_LEARNED_DRIFT);
}

#[test]
fn a_clock_that_is_set_back_accepts_no_used_step_again() {
    let used = code(&TOTP, 1000);
    let Verdict::Accepted { last, drift } = verify(SEED, &TOTP, Memory::NEW, &used, at(30_000)) else { panic!() };
    let memory = Memory { last, drift };
    assert_eq!(verify(SEED, &TOTP, memory, &used, at(30_000 - 30)), Verdict::Replayed);
    assert_eq!(verify(SEED, &TOTP, memory, &code(&TOTP, 990), at(30_000 - 300)), Verdict::Replayed);
}

#[test]
fn resync_finds_two_consecutive_codes() {
    let pair = |params: &OathParameters, first: i64, second: i64| (code(params, first), code(params, second));
    let memory = Memory { last: 4, drift: 0 };
    for (first, second, found) in [
        (5, 6, Some(6)),
        (203, 204, Some(204)),
        (204, 205, None),
        (100, 102, None),
        (101, 100, None),
        (4, 5, None),
        (100, 100, None),
    ] {
        let (a, b) = pair(&HOTP, first, second);
        let memory = resync(SEED, &HOTP, memory, (&a, &b), at(0));
        assert_eq!(memory, found.map(|last| Memory { last, drift: 0 }), "{first} {second}");
    }
    let memory = Memory { last: 999, drift: 0 };
    for (first, second, found) in [
        (1035, 1036, Some(Memory { last: 1036, drift: 36 })),
        (1039, 1040, Some(Memory { last: 1040, drift: 40 })),
        (1040, 1041, None),
        (990, 991, None),
        (999, 1000, None),
        (1000, 1001, Some(Memory { last: 1001, drift: 1 })),
    ] {
        let (a, b) = pair(&TOTP, first, second);
        assert_eq!(resync(SEED, &TOTP, memory, (&a, &b), at(30_000)), found, "{first} {second}");
    }
    // What a resync set, the next codes can use; it learns back towards zero only.
    let memory = Memory { last: 1036, drift: 36 };
    let later = at(30 * 1100);
    assert_eq!(verify(SEED, &TOTP, memory, &code(&TOTP, 1135), later), Verdict::Accepted { last: 1135, drift: 35 });
    assert_eq!(verify(SEED, &TOTP, memory, &code(&TOTP, 1137), later), Verdict::Wrong);
}

#[test]
fn typed_codes() {
    for (typed, code) in [
        ("123456", Some("123456")),
        (" 012 345 ", Some("012345")),
        ("123-456-78", Some("12345678")),
        ("\u{200e}12\u{2013}34\u{a0}56", Some("123456")),
        ("１２３４５６", Some("123456")),
        ("٠١٢٣٤٥٦", Some("0123456")),
        ("१२३४५६", Some("123456")),
        ("\u{1d7ce}\u{1d7d9}\u{1d7e4}\u{1d7ef}\u{1d7fa}5", Some("012345")),
        ("12345", None),
        ("123456789", None),
        ("12345a", None),
        ("12345²", None),
        ("12345Ⅷ", None),
        ("/12345", None),
        (":12345", None),
        ("", None),
    ] {
        assert_eq!(normalise_code(typed).as_deref(), code, "{typed}");
    }
}

#[test]
fn otpauth() {
    let uri = otpauth_uri("Step gate: demo", "dave+1@id.example", SEED, &TOTP, Memory::NEW);
    assert_eq!(
        uri.expose(),
        "otpauth://totp/Step%20gate%20%20demo:dave%2B1%40id.example?secret=GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ\
         &issuer=Step%20gate%20%20demo&algorithm=SHA1&digits=6&period=30"
    );
    let uri = otpauth_uri("S", "erin", SEED, &HOTP, Memory { last: 6, drift: 0 });
    assert!(uri.expose().starts_with("otpauth://hotp/S:erin?") && uri.expose().ends_with("&counter=7"));
}

/// The whole rule in a few lines: which factors a code may stand for.
fn reference(params: &OathParameters, memory: Memory, typed: &str, now: i64) -> Option<i64> {
    let matching = |factors: Vec<i64>| {
        factors.into_iter().find(|factor| *factor > memory.last && *factor >= 0 && code(params, *factor) == typed)
    };
    match params.mode() {
        Mode::Hotp => matching((memory.last + 1..=memory.last + 10).collect()),
        Mode::Totp { period_seconds } => {
            let step = now / i64::from(period_seconds);
            let centre = step + i64::from(memory.drift);
            matching((centre - 1..=centre + 1).filter(|s| (s - step).abs() <= 20).collect())
        }
    }
}

fn any_params() -> impl Strategy<Value = OathParameters> {
    let mode =
        prop_oneof![Just(Mode::Hotp), Just(Mode::Totp { period_seconds: 30 }), Just(Mode::Totp { period_seconds: 60 })];
    let algorithm = prop_oneof![Just(Algorithm::Sha1), Just(Algorithm::Sha256), Just(Algorithm::Sha512)];
    (mode, algorithm, 6_u32..=8)
        .prop_map(|(mode, algorithm, digits)| OathParameters::new(mode, algorithm, digits).unwrap())
}

proptest! {
    /// Over a life of tries, near and far, in and out of order: accepted if and only if in the window, and no step twice.
    #[test]
    fn accepts_exactly_what_the_reference_accepts(
        params in any_params(),
        start in 0_i64..3_000_000_000,
        tries in proptest::collection::vec((0_i64..200, -14_i64..14), 1..40),
    ) {
        let mut memory = Memory::NEW;
        let mut now = start;
        let mut accepted = Vec::new();
        for (pause, offset) in tries {
            now += pause;
            let near = match params.mode() {
                Mode::Hotp => memory.last,
                Mode::Totp { period_seconds } => now / i64::from(period_seconds) + i64::from(memory.drift),
            };
            let typed = code(&params, (near + offset / 3).max(0));
            let expected = reference(&params, memory, &typed, now);
            match verify(SEED, &params, memory, &typed, at(now)) {
                Verdict::Accepted { last, drift } => {
                    prop_assert_eq!(Some(last), expected);
                    prop_assert!(accepted.iter().all(|earlier| *earlier < last));
                    prop_assert!(i64::from(drift).abs() <= MAX_LEARNED_DRIFT);
                    accepted.push(last);
                    memory = Memory { last, drift };
                    prop_assert_eq!(verify(SEED, &params, memory, &typed, at(now)), Verdict::Replayed);
                }
                Verdict::Replayed | Verdict::Wrong => prop_assert_eq!(None, expected),
            }
        }
    }

    #[test]
    fn resync_never_goes_back(params in any_params(), last in -1_i64..2000, first in 0_i64..2300) {
        let memory = Memory { last, drift: 0 };
        let (a, b) = (code(&params, first), code(&params, first + 1));
        if let Some(found) = resync(SEED, &params, memory, (&a, &b), at(30_000)) {
            prop_assert!(found.last > last + 1 && found.last == first + 1);
        }
    }

    #[test]
    fn normalising_never_panics_and_gives_digits(typed in any::<String>()) {
        if let Some(code) = normalise_code(&typed) {
            prop_assert!((6..=8).contains(&code.len()) && code.bytes().all(|b| b.is_ascii_digit()));
        }
    }
}
