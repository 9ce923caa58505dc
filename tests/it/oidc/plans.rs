//! Which module belongs to which plan, for which response types and modes.

use std::sync::Arc;

use stepgate_tests::Backend;

use super::client::Case;
use super::suite;

/// How the answer travels: as the response type has it, or in a form.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Mode {
    Default,
    FormPost,
}

/// What a module is run for.
#[derive(Clone, Copy, Debug)]
pub(super) struct Variant {
    /// `C`onfig, `B`asic, `I`mplicit, `H`ybrid, `D`ynamic, `R`P-initiated logout, `S`ession management, `F`ront-channel
    /// logout, bac`K`-channel logout, `3`rd party initiated login.
    pub(super) plan: char,
    pub(super) response_type: &'static str,
    pub(super) mode: Mode,
    /// How clients of the plan authenticate.
    pub(super) auth: &'static str,
    /// The first response type of its plan: some modules are run for that one only.
    first: bool,
}

impl Variant {
    /// Whether the response type has a word.
    pub(super) fn has(self, word: &str) -> bool {
        self.response_type.split(' ').any(|own| own == word)
    }

    /// Whether anything gives an access token.
    pub(super) fn gives_access_token(self) -> bool {
        self.has("code") || self.has("token")
    }
}

const ALL: [&str; 6] = ["code", "code token", "code id_token", "code id_token token", "id_token", "id_token token"];

/// Each plan with the way its clients authenticate and its response types; where a person may pick one, a choice.
const PLANS: &[(char, &str, &[&str])] = &[
    ('C', "client_secret_basic", &["code"]),
    ('B', "client_secret_basic", &["code"]),
    ('I', "client_secret_basic", &["id_token", "id_token token"]),
    ('H', "client_secret_basic", &["code id_token", "code token", "code id_token token"]),
    ('D', "private_key_jwt", &ALL),
    ('R', "client_secret_basic", &["code", "code id_token token"]),
    ('S', "client_secret_basic", &["code", "id_token token"]),
    ('F', "client_secret_basic", &["code"]),
    ('K', "client_secret_basic", &["code", "code id_token"]),
    ('3', "client_secret_basic", &["code"]),
];

/// Every variant of a plan; Basic, Implicit and Hybrid have a form post plan beside them.
fn variants(plan: char) -> Vec<Variant> {
    let (plan, auth, types) = PLANS.iter().find(|(name, _, _)| *name == plan).unwrap();
    let modes: &[Mode] = if "BIH".contains(*plan) { &[Mode::Default, Mode::FormPost] } else { &[Mode::Default] };
    let each = |mode: Mode| {
        types.iter().enumerate().map(move |(index, response_type)| Variant {
            plan: *plan,
            response_type,
            mode,
            auth,
            first: index == 0,
        })
    };
    modes.iter().flat_map(|mode| each(*mode)).collect()
}

/// Of the variants of a plan, those that a module is run for.
pub(super) type When = fn(Variant) -> bool;

pub(super) fn always(_: Variant) -> bool {
    true
}
pub(super) fn first(variant: Variant) -> bool {
    variant.first
}
pub(super) fn code_only(variant: Variant) -> bool {
    !variant.has("id_token")
}
pub(super) fn with_code(variant: Variant) -> bool {
    variant.has("code")
}
pub(super) fn with_token(variant: Variant) -> bool {
    variant.gives_access_token()
}
pub(super) fn with_id_token(variant: Variant) -> bool {
    variant.has("id_token")
}
pub(super) fn without_id_token(variant: Variant) -> bool {
    !variant.has("id_token")
}
pub(super) fn last_implicit_or_first(variant: Variant) -> bool {
    if variant.plan == 'I' { variant.has("token") } else { variant.first }
}

/// A module: its name, the plans that list it, and for which of their variants.
pub(super) type Module = (&'static str, &'static str, When);

/// The runs of a module.
fn runs((_, plans, when): Module) -> Vec<Variant> {
    plans.split(' ').flat_map(|plan| variants(plan.chars().next().unwrap())).filter(|variant| when(*variant)).collect()
}

/// Runs a module for each of its variants on each backend.
pub(super) async fn run(module: Module, check: impl AsyncFn(&Case)) {
    let mut backends = vec![Backend::Sqlite];
    if std::env::var("STEPGATE_TEST_POSTGRES").is_ok() {
        backends.push(Backend::PostgresRedis);
    } else {
        println!("STEPGATE_TEST_POSTGRES is not set: SQLite only");
    }
    for backend in backends {
        let suite = suite::shared(backend).await;
        for variant in runs(module) {
            println!("{} on {backend:?}: {variant:?}", module.0);
            let case = Case::new(Arc::clone(&suite), variant);
            check(&case).await;
            case.end().await;
        }
    }
}

/// One test per module, and the list of them.
macro_rules! modules {
    ($($name:ident $plans:literal $when:path => $check:path;)+) => {
        $(
            #[tokio::test]
            async fn $name() {
                plans::run((stringify!($name), $plans, $when), async |case| $check(case).await).await;
            }
        )+

        /// Every module, in the order above.
        const MODULES: &[plans::Module] = &[$((stringify!($name), $plans, $when)),+];

        #[test]
        fn the_plans_have_as_many_modules_as_those_of_the_foundation() {
            plans::count(MODULES);
        }
    };
}
pub(super) use modules;

/// Compares with the numbers that the suite lists for dynamically registered clients.
pub(super) fn count(modules: &[Module]) {
    let expected = [
        ('C', "code", 1),
        ('B', "code", 38),
        ('H', "code id_token", 36),
        ('H', "code token", 33),
        ('H', "code id_token token", 33),
        ('D', "code", 23),
        ('D', "code token", 23),
        ('D', "code id_token", 22),
        ('D', "code id_token token", 22),
        ('D', "id_token", 18),
        ('D', "id_token token", 19),
        ('R', "code", 11),
        ('S', "code", 2),
        ('F', "code", 2),
        ('K', "code", 2),
        ('3', "code", 2),
    ];
    let counted = |plan: char, response_type: &str, mode: Mode| {
        let all = modules.iter().flat_map(|module| runs(*module));
        all.filter(|run| run.plan == plan && run.mode == mode && run.response_type == response_type).count()
    };
    for (plan, response_type, number) in expected {
        assert_eq!(counted(plan, response_type, Mode::Default), number, "{plan} {response_type}");
        if "BH".contains(plan) {
            assert_eq!(counted(plan, response_type, Mode::FormPost), number, "form post, {plan} {response_type}");
        }
    }
    for mode in [Mode::Default, Mode::FormPost] {
        assert_eq!(counted('I', "id_token", mode) + counted('I', "id_token token", mode), 58);
    }
}
