//! Why an acr was granted or refused, and what each claim means.

use std::time::Duration;

use stepgate_core::account::Person;
use stepgate_core::assurance::{self, Ask, Requirement, Verdict};
use stepgate_core::oidc::ClaimsRequest;
use stepgate_core::time::Timestamp;
use stepgate_store::people;

use super::run::Run;
use crate::clients;
use crate::cx::Cx;
use crate::fault::Fault;
use crate::session;

/// The assurance module's explanation of a run: name, value, meaning.
pub(super) async fn strength(cx: &Cx, run: &Run, oneself: &Person) -> Result<Vec<(String, String, String)>, Fault> {
    let acted = match &run.acting {
        Some(acting) => people::find_person_by_login(&cx.app.db, &acting.username).await?,
        None => None,
    };
    let person = acted.as_ref().unwrap_or(oneself);
    let holdings = session::holdings(cx, person.id).await?;
    let mut rows = Vec::new();
    let mut row = |name: &str, value: &str, meaning: &str| {
        rows.push((name.to_owned(), value.to_owned(), meaning.to_owned()));
    };
    row("person", person.username.as_str(), if run.acting.is_some() { "Sent by the playground." } else { "Yourself." });
    match requirement(cx, run).await? {
        Err(problem) => row("demanded", "nothing that can be met", &problem),
        Ok(requirement) => {
            let explained = assurance::explain(&requirement, &holdings);
            let meaning = if requirement.demands_more_than_password() {
                "Demanded: one of these must hold. From acr_values or the acr claim, and from the floors of client, scopes and application."
            } else {
                "Any login does; what is shown beyond that is named in acr all the same."
            };
            row("accepted", &explained.accepts.join(", "), meaning);
            if explained.proofing {
                row("proofing", "needed", "The person must be identity-proofed.");
            }
            for line in &explained.has {
                let (word, meaning) = verdict(line.verdict);
                row(assurance::label(line.kind), word, meaning);
            }
        }
    }
    let claims = run.id_token.as_deref().and_then(claims_of).unwrap_or_default();
    let claim = |name: &str| claims.get(name).map(plain).unwrap_or_default();
    if let Some(error) = run.answered("error") {
        row("refused", error, run.answered("error_description").unwrap_or_default());
    } else if claims.is_empty() {
        row("result", "no ID token", "Without openid there is no statement about the login.");
    } else {
        let meaning =
            format!("Granted, resting on {}. The latest of these factors was shown at auth_time.", claim("amr"));
        row("acr", &claim("acr"), &meaning);
    }
    Ok(rows)
}

/// What the request demanded, from all its sources.
async fn requirement(cx: &Cx, run: &Run) -> Result<Result<Requirement, String>, Fault> {
    let Some(client) = clients::find(cx, &run.client_id).await? else {
        return Ok(Err("The client is switched off.".to_owned()));
    };
    let words = |name: &str| -> Vec<String> {
        run.parameter(name).unwrap_or_default().split_whitespace().map(str::to_owned).collect()
    };
    let claims = match run.parameter("claims").map(ClaimsRequest::parse).transpose() {
        Ok(claims) => claims.unwrap_or_default(),
        Err(error) => return Ok(Err(error.description().to_owned())),
    };
    let claim = claims.acr();
    let mut acr_values = words("acr_values");
    let wished = acr_values.is_empty() && claim.is_some();
    if let Some(claim) = claim.as_ref().filter(|_| acr_values.is_empty()) {
        acr_values.clone_from(&claim.values);
    } else if acr_values.is_empty() {
        acr_values.clone_from(&client.client.metadata.default_acr_values);
    }
    let max_age = run.parameter("max_age").and_then(|text| text.parse().ok());
    let ask = Ask {
        floors: &client.floors_for(&words("scope")),
        essential_acr: claim.as_ref().filter(|acr| acr.essential).map(|acr| acr.values.as_slice()),
        acr_values: &acr_values,
        acr_values_voluntary: wished || client.client.metadata.acr_values_voluntary,
        max_age: max_age.or(client.client.metadata.default_max_age).map(Duration::from_secs),
        login_prompted: words("prompt").iter().any(|prompt| prompt == "login"),
        started_at: cx.now,
    };
    Ok(Requirement::from_ask(&cx.app.catalogue, &ask).map_err(|error| error.to_string()))
}

const fn verdict(verdict: Verdict) -> (&'static str, &'static str) {
    match verdict {
        Verdict::Usable => ("usable", "Would do, and can be shown now."),
        Verdict::RefusedByPartner => ("refused", "Held, but the request or a floor does not accept this kind."),
        Verdict::NotActivated => ("not activated", "Bought, and not bound to a device yet."),
        Verdict::Suspended => ("suspended", "Cannot be used."),
        Verdict::Locked => ("locked", "Too many wrong tries."),
        Verdict::Expired => ("expired", "The subscription has ended; it can be renewed."),
        Verdict::NotProofed => ("not proofed", "Held, but the person is not identity-proofed."),
    }
}

/// The parts of a JWT, decoded: header and claims.
pub(super) fn decode(
    token: &str,
) -> Option<(serde_json::Map<String, serde_json::Value>, serde_json::Map<String, serde_json::Value>)> {
    let mut parts = token.split('.').map(|part| {
        let bytes = data_encoding::BASE64URL_NOPAD.decode(part.as_bytes()).ok()?;
        serde_json::from_slice(&bytes).ok()
    });
    Some((parts.next()??, parts.next()??))
}

fn claims_of(token: &str) -> Option<serde_json::Map<String, serde_json::Value>> {
    decode(token).map(|(_, claims)| claims)
}

/// A claim as a line of text.
pub(super) fn plain(value: &serde_json::Value) -> String {
    match value {
        serde_json::Value::String(text) => text.clone(),
        serde_json::Value::Array(items) => items.iter().map(plain).collect::<Vec<_>>().join(" "),
        other => other.to_string(),
    }
}

/// What a claim of an ID token means, and when its time is.
pub(super) fn meaning(name: &str, value: &serde_json::Value) -> String {
    let text = match name {
        "iss" => "Who says so. Compare it with the issuer that you configured.",
        "sub" => {
            "The person, for ever the same for this client. Use it as the key of your account, not the email address."
        }
        "aud" => "For whom. Must be your client_id.",
        "azp" => "The client that it was issued to.",
        "exp" => "Not to be accepted after this",
        "iat" => "Issued",
        "nbf" => "Not to be accepted before this",
        "auth_time" => "The latest factor that acr rests on was shown. A refresh never renews it",
        "nonce" => "What the request carried. Compare it.",
        "acr" => "The strength that was granted. This is the claim to check.",
        "amr" => "The evidence it rests on (RFC 8176). Do not decide by it: decide by acr.",
        "sid" => "The session, for logout.",
        "at_hash" => "Binds the access token that came with it.",
        "c_hash" => "Binds the code that came with it.",
        "s_hash" => "Binds the state.",
        "jti" => "Its own id.",
        "alg" => "How it is signed. Accept only the one that you expect.",
        "kid" => "Which of our published keys signed it.",
        "typ" => "What kind of token it is.",
        _ => "",
    };
    match (name, value.as_i64()) {
        ("exp" | "iat" | "nbf" | "auth_time", Some(seconds)) => {
            let when = crate::pages::When::date(Timestamp::from_unix_seconds(seconds), &jiff::tz::TimeZone::UTC);
            format!("{text}: {}", when.exact)
        }
        _ => text.to_owned(),
    }
}
