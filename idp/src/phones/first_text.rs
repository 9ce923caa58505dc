//! Before the first code goes to a number that is being added: whether a person filled in the form.
//!
//! Owns: the proof of when a form was opened, the field that only programs fill in, and how many new numbers a person
//! may try in a day. Asks nobody outside, shows nobody a puzzle, and needs no script. Never asked at a login: whoever
//! logs in types a password first, and the number was proved before.

use std::time::Duration;

use aws_lc_rs::hmac;
use data_encoding::BASE64URL_NOPAD;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::json;
use stepgate_core::entropy::random_token;
use stepgate_core::id::PersonId;
use stepgate_core::time::Timestamp;
use stepgate_store::ephemeral::put_new;

use crate::audit::{self, Event};
use crate::cx::Cx;
use crate::fault::Fault;

/// How long a form can be sent.
const LIFE: Duration = Duration::from_secs(3600);
const DAY: Duration = Duration::from_secs(24 * 3600);

/// What is looked at before the first code goes to a number that is being added.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct FirstText {
    /// Seconds that the form must have been open: programs are faster. 0 looks at no time.
    pub form_seconds: u32,
    /// New numbers that one person may have a first code sent to in a day; 0 is no cap.
    pub numbers_day: u32,
}

impl Default for FirstText {
    fn default() -> Self {
        Self { form_seconds: 3, numbers_day: 10 }
    }
}

impl FirstText {
    /// For the demo, which programs play as well.
    pub const fn of_the_demo() -> Self {
        Self { form_seconds: 0, numbers_day: 0 }
    }
}

/// What a form says of itself.
pub struct Opened<'a> {
    /// When it was opened, under our key.
    pub proof: &'a str,
    /// A field that people do not see.
    pub trap: &'a str,
}

/// Why no code is sent yet.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Doubt {
    /// Nobody reads and types as fast.
    Fast,
    /// The form is of another session, too old, or nobody's.
    Stale,
    /// A code went out for this very form.
    Used,
    /// The field that people do not see is filled in.
    Trapped,
    /// Too many new numbers today.
    Capped,
}

impl Doubt {
    /// What to do.
    pub const fn words(self) -> &'static str {
        match self {
            Self::Fast => "That was very fast. Look at the number once more, then press the button again.",
            Self::Stale => {
                "This page was open for too long. Look at the number once more, then press the button again."
            }
            Self::Used => "A code was sent from this page already. Look at the number, then press the button again.",
            Self::Trapped => {
                "Something filled in a field that people do not see. It is empty again: press the button once more."
            }
            Self::Capped => {
                "You have tried many new numbers today. Try again tomorrow, or use another kind of credential."
            }
        }
    }

    /// Whether the same form stays good for nothing.
    pub const fn takes_a_new_form(self) -> bool {
        matches!(self, Self::Stale | Self::Used)
    }

    const fn as_str(self) -> &'static str {
        match self {
            Self::Fast => "fast",
            Self::Stale => "stale",
            Self::Used => "used",
            Self::Trapped => "trapped",
            Self::Capped => "capped",
        }
    }
}

/// The proof for a form that is opened now: when, a name for it, and our seal. `binding` says whose form it is.
pub fn proof(cx: &Cx, binding: &str) -> String {
    let named = format!("{}.{}", cx.now.unix_millis(), random_token(cx.entropy()));
    let seal = hmac::sign(&cx.app.secrets.forms, sealed(binding, &named).as_bytes());
    format!("{named}.{}", BASE64URL_NOPAD.encode(seal.as_ref()))
}

fn sealed(binding: &str, named: &str) -> String {
    format!("new number\0{binding}\0{named}")
}

/// When a form was opened, and its name; `None` where the proof is not ours, or for another binding.
fn opened(key: &hmac::Key, binding: &str, proof: &str) -> Option<(Timestamp, String)> {
    let (named, seal) = proof.rsplit_once('.')?;
    let seal = BASE64URL_NOPAD.decode(seal.as_bytes()).ok()?;
    hmac::verify(key, sealed(binding, named).as_bytes(), &seal).ok()?;
    let (at, name) = named.split_once('.')?;
    Some((Timestamp::from_unix_millis(at.parse().ok()?), name.to_owned()))
}

/// Why no first code is sent for a form; `None`: it is, and the form is used up. Asked once everything else is right.
pub async fn doubt(cx: &Cx, binding: &str, person: PersonId, form: &Opened<'_>) -> Result<Option<Doubt>, Fault> {
    let doubt = judge(cx, binding, person, form).await?;
    if let Some(doubt) = doubt {
        let event = Event::new("phone_otp.form.doubted").by(person).data(json!({ "why": doubt.as_str() }));
        audit::record(cx, &cx.app.db.write, event).await?;
    }
    Ok(doubt)
}

async fn judge(cx: &Cx, binding: &str, person: PersonId, form: &Opened<'_>) -> Result<Option<Doubt>, Fault> {
    let rule = &cx.app.settings.phone.first_text;
    if !form.trap.is_empty() {
        return Ok(Some(Doubt::Trapped));
    }
    let Some((at, name)) = opened(&cx.app.secrets.forms, binding, form.proof) else { return Ok(Some(Doubt::Stale)) };
    if cx.now.since(at) > LIFE {
        return Ok(Some(Doubt::Stale));
    }
    if cx.now.since(at) < Duration::from_secs(1) * rule.form_seconds {
        return Ok(Some(Doubt::Fast));
    }
    // One conditional write in the primary database: of a form sent twice at once, one sends a code.
    if !put_new(&cx.app.db, "new number form", &name, at + LIFE * 2, cx.now).await? {
        return Ok(Some(Doubt::Used));
    }
    let tried = cx.app.ephemeral.incr("phone new numbers", &person.to_string(), DAY, cx.now).await?;
    let capped = rule.numbers_day > 0 && tried > u64::from(rule.numbers_day);
    Ok(capped.then_some(Doubt::Capped))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_proof_is_good_under_its_own_key_and_for_its_own_binding() {
        let key = |seed: u8| hmac::Key::new(hmac::HMAC_SHA256, &[seed; 32]);
        let seal = |named: &str| {
            let tag = hmac::sign(&key(1), sealed("c:s", named).as_bytes());
            format!("{named}.{}", BASE64URL_NOPAD.encode(tag.as_ref()))
        };
        let good = seal("1000.name");
        let expected = Some((Timestamp::from_unix_millis(1000), "name".to_owned()));
        assert_eq!(opened(&key(1), "c:s", &good), expected);
        assert_eq!(opened(&key(2), "c:s", &good), None);
        assert_eq!(opened(&key(1), "c:other", &good), None);
        for forged in [good.replacen("1000", "1", 1), seal("soon.name"), String::new(), "..".to_owned(), good + "A"] {
            assert_eq!(opened(&key(1), "c:s", &forged), None, "{forged}");
        }
    }
}
