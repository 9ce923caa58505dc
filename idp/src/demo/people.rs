//! Who lives in the demo, and what they hold.

use stepgate_core::assurance::CredentialKind;

/// Everybody's password.
pub const PASSWORD: &str = "stepgate-demo-2026";
/// The seed of every demo token.
pub const SEED: &[u8] = b"12345678901234567890";

/// One person of the demo.
pub struct DemoPerson {
    /// User ID.
    pub username: &'static str,
    /// Full name.
    pub name: &'static str,
    /// What to say about them.
    pub note: &'static str,
    /// What they hold.
    pub holds: &'static [Holding],
    /// Whether they are identity-proofed.
    pub proofed: bool,
    /// What they may do.
    pub role: Option<DemoRole>,
}

/// A role, before it has a place.
#[derive(Clone, Copy)]
pub enum DemoRole {
    /// Of the demo's organization.
    Organization,
    /// Of the demo's partner.
    Partner,
    /// Integrator of the demo's partner.
    Integrator,
    /// Support.
    Support,
    /// Proofing agent.
    Agent,
    /// Finance.
    Finance,
    /// Operator.
    Operator,
}

/// A credential of a demo person.
#[derive(Clone, Copy)]
pub enum Holding {
    /// Phone OTP with these numbers; the flag says whether the number takes calls.
    Phones(&'static [(&'static str, bool)]),
    /// Phone OTP whose subscription ended so many days ago.
    LapsedPhone(&'static str, u64),
    /// Mobile ID, with a phone.
    Mobile,
    /// Mobile ID that was bought and not activated.
    UnboundMobile,
    /// Phone OTP that was bought, for numbers in the United States, and has no number yet.
    UnboundPhone,
    /// A TOTP token.
    Totp(&'static str),
    /// A HOTP token.
    Hotp(&'static str),
    /// Printed recovery codes.
    RecoveryCodes,
}

impl Holding {
    /// Its kind.
    pub const fn kind(self) -> CredentialKind {
        match self {
            Self::Phones(_) | Self::LapsedPhone(..) | Self::UnboundPhone => CredentialKind::PhoneOtp,
            Self::Mobile | Self::UnboundMobile => CredentialKind::MobileId,
            Self::Totp(_) | Self::Hotp(_) => CredentialKind::HardwareToken,
            Self::RecoveryCodes => CredentialKind::Recovery,
        }
    }

    /// What the list of people says about it.
    pub fn text(self) -> String {
        match self {
            Self::Phones(numbers) => numbers.iter().map(|(number, _)| *number).collect::<Vec<_>>().join(", "),
            Self::LapsedPhone(number, days) => format!("{number}, ended {days} days ago"),
            Self::Mobile => "with a phone".to_owned(),
            Self::UnboundMobile => "bought, not activated".to_owned(),
            Self::UnboundPhone => "bought, no number yet".to_owned(),
            Self::Totp(serial) => format!("{serial}, TOTP"),
            Self::Hotp(serial) => format!("{serial}, HOTP"),
            Self::RecoveryCodes => "ten recovery codes".to_owned(),
        }
    }
}

const fn person(
    username: &'static str,
    name: &'static str,
    note: &'static str,
    holds: &'static [Holding],
) -> DemoPerson {
    DemoPerson { username, name, note, holds, proofed: false, role: None }
}

/// Everybody.
pub const PEOPLE: &[DemoPerson] = &[
    person("alice", "Alice Archer", "Holds nothing but a password.", &[]),
    person(
        "bob",
        "Bob Baker",
        "Gets codes on two numbers.",
        &[Holding::Phones(&[("+12025550101", true), ("+12025550102", false)])],
    ),
    person("carol", "Carol Carter", "Approves on her phone.", &[Holding::Mobile]),
    person("dave", "Dave Dyer", "Reads codes from a token.", &[Holding::Totp("HT-0001")]),
    DemoPerson {
        proofed: true,
        ..person(
            "erin",
            "Erin Ellis",
            "Holds everything, and is identity-proofed.",
            &[Holding::Phones(&[("+12025550105", true)]), Holding::Mobile, Holding::Hotp("HT-0002")],
        )
    },
    person("frank", "Frank Fisher", "His Phone OTP has lapsed.", &[Holding::LapsedPhone("+12025550106", 20)]),
    person("grace", "Grace Gardner", "Bought Mobile ID and has not activated it.", &[Holding::UnboundMobile]),
    person("heidi", "Heidi Hale", "Bought Phone OTP and has not added her number.", &[Holding::UnboundPhone]),
    person(
        "rosa",
        "Rosa Reed",
        "Lost her token, and has printed recovery codes.",
        &[Holding::Totp("HT-0003"), Holding::RecoveryCodes],
    ),
    DemoPerson {
        role: Some(DemoRole::Organization),
        ..person("oscar", "Oscar Owen", "Organization administrator.", &[])
    },
    DemoPerson { role: Some(DemoRole::Partner), ..person("petra", "Petra Porter", "Partner administrator.", &[]) },
    DemoPerson {
        role: Some(DemoRole::Integrator),
        ..person("ingrid", "Ingrid Ivory", "Integrator: registers and tests clients.", &[])
    },
    DemoPerson { role: Some(DemoRole::Support), ..person("sally", "Sally Sutton", "Help desk: asks for resets.", &[]) },
    DemoPerson { role: Some(DemoRole::Support), ..person("simon", "Simon Shaw", "Help desk: approves them.", &[]) },
    DemoPerson {
        role: Some(DemoRole::Agent),
        ..person("agnes", "Agnes Abbot", "Proofing agent.", &[Holding::Phones(&[("+12025550107", true)])])
    },
    DemoPerson {
        role: Some(DemoRole::Finance),
        ..person("fiona", "Fiona Frost", "Finance: invoices, refunds, vouchers.", &[])
    },
    DemoPerson { role: Some(DemoRole::Operator), ..person("admin", "Ada Adminson", "Operator.", &[]) },
];
