//! The form of a client: its members in groups, from metadata to fields, from fields to members, and each fault at its
//! field. What is right is decided by `core::registration` alone.

use std::collections::BTreeMap;

use serde_json::{Value, json};
use stepgate_core::clients::ClientMetadata;
use stepgate_core::registration::{Members, validate};

use crate::cx::Cx;
use crate::http::extract::Form;
use crate::pages::developer::{Group, GroupedForm, TickSet};
use crate::pages::form::{Control, Field};
use crate::registration::deployment;

/// How a member is typed.
#[derive(Clone, Copy)]
enum Kind {
    /// One line.
    Text,
    /// A list, one in each line.
    List,
    /// A number.
    Number,
    /// Yes or no.
    Flag,
    /// JSON.
    Json,
    /// `scope: class class`, one in each line.
    Floors,
    /// One of these.
    Choice(&'static [&'static str]),
    /// Any of what the deployment offers.
    Offered(Offer),
}

#[derive(Clone, Copy)]
enum Offer {
    GrantTypes,
    ResponseTypes,
    AuthMethods,
    Classes,
}

struct Member {
    name: &'static str,
    kind: Kind,
    help: &'static str,
}

const fn member(name: &'static str, kind: Kind, help: &'static str) -> Member {
    Member { name, kind, help }
}

struct Part {
    heading: &'static str,
    lead: &'static str,
    open: bool,
    members: &'static [Member],
}

const SIGNING: &[&str] = &["", "RS256", "PS256", "ES256", "EdDSA"];

const PARTS: &[Part] = &[
    Part {
        heading: "Basics",
        lead: "What people and we know it by.",
        open: true,
        members: &[
            member("client_name", Kind::Text, "Shown to people beside the application's name."),
            member("application_type", Kind::Choice(&["web", "native"]), "native runs on a person's own device."),
            member("scope", Kind::Text, "Scopes that it may ask for, separated by spaces."),
            member("contacts", Kind::List, "Email addresses we may write to, one in each line."),
            member("client_uri", Kind::Text, "Its home page."),
            member("logo_uri", Kind::Text, "Shown at login; https."),
            member("policy_uri", Kind::Text, "Privacy policy, linked at login and consent."),
            member("tos_uri", Kind::Text, "Terms of service."),
        ],
    },
    Part {
        heading: "Redirect URIs and flows",
        lead: "Compared character by character; one in each line.",
        open: true,
        members: &[
            member("redirect_uris", Kind::List, "https; loopback http for native and development only."),
            member("grant_types", Kind::Offered(Offer::GrantTypes), ""),
            member("response_types", Kind::Offered(Offer::ResponseTypes), ""),
            member("initiate_login_uri", Kind::Text, "Where a login that starts elsewhere begins."),
        ],
    },
    Part {
        heading: "Authentication",
        lead: "How it proves who it is at the token endpoint.",
        open: true,
        members: &[
            member(
                "token_endpoint_auth_method",
                Kind::Offered(Offer::AuthMethods),
                "private_key_jwt keeps the secret on your side; none is for public clients.",
            ),
            member("token_endpoint_auth_signing_alg", Kind::Text, "Of assertions; any allowed one when empty."),
            member("jwks_uri", Kind::Text, "Where your public keys are; fetched again for an unknown kid."),
            member("jwks", Kind::Json, "Or the key set itself: {\"keys\": [...]}. Public keys only."),
        ],
    },
    Part {
        heading: "Strength",
        lead: "What a login must show. The floor holds whatever a request says.",
        open: true,
        members: &[
            member("required_acr", Kind::Offered(Offer::Classes), "The floor: one of these must hold for any token."),
            member("default_acr_values", Kind::List, "Asked for when a request asks for none, best first."),
            member("required_acr_by_scope", Kind::Floors, "Floors of scopes, one in each line: payments: class class"),
            member("default_max_age", Kind::Number, "Seconds after which a login is too old."),
            member("require_auth_time", Kind::Flag, "Always put auth_time into the ID token."),
        ],
    },
    Part {
        heading: "Requests and tokens",
        lead: "Pushed and signed requests, forms and algorithms.",
        open: false,
        members: &[
            member("require_pushed_authorization_requests", Kind::Flag, "Only requests by PAR (RFC 9126)."),
            member("require_signed_request_object", Kind::Flag, "Only signed request objects (RFC 9101)."),
            member("request_uris", Kind::List, "Addresses of request objects."),
            member("access_token_format", Kind::Choice(&["jwt", "opaque"]), ""),
            member("id_token_signed_response_alg", Kind::Choice(SIGNING), "RS256 when empty."),
            member("access_token_signed_response_alg", Kind::Choice(SIGNING), "The deployment's when empty."),
            member("subject_type", Kind::Choice(&["public", "pairwise"]), "pairwise: each sector sees another sub."),
            member("sector_identifier_uri", Kind::Text, "Lists the redirect URIs of a pairwise sector."),
        ],
    },
    Part {
        heading: "Logout",
        lead: "How people come back, and how the application learns of it.",
        open: false,
        members: &[
            member("post_logout_redirect_uris", Kind::List, "Where people come after signing out, one in each line."),
            member("backchannel_logout_uri", Kind::Text, "Gets a logout token from our server."),
            member("backchannel_logout_session_required", Kind::Flag, "The logout token must carry sid."),
            member("frontchannel_logout_uri", Kind::Text, "Loaded in a hidden frame of the browser."),
            member("frontchannel_logout_session_required", Kind::Flag, "The frame's address must carry sid."),
        ],
    },
];

fn offered(cx: &Cx, offer: Offer) -> Vec<String> {
    let deployment = deployment(&cx.app);
    match offer {
        Offer::GrantTypes => deployment.grant_types.to_vec(),
        Offer::ResponseTypes => deployment.response_types.to_vec(),
        Offer::AuthMethods => deployment.auth_methods.to_vec(),
        Offer::Classes => cx.app.catalogue.uris().map(ToString::to_string).collect(),
    }
}

/// What was typed, or what is set: text by field name.
pub(super) type Typed = BTreeMap<String, String>;

/// The fields of metadata as it is.
pub(super) fn of_metadata(cx: &Cx, metadata: &ClientMetadata) -> Typed {
    let written = serde_json::to_value(metadata).unwrap_or_default();
    let mut typed = Typed::new();
    for member in PARTS.iter().flat_map(|part| part.members) {
        let value = written.get(member.name).unwrap_or(&Value::Null);
        let items = || value.as_array().into_iter().flatten().filter_map(Value::as_str);
        let text = match member.kind {
            Kind::List => items().collect::<Vec<_>>().join("\n"),
            Kind::Json if value.is_null() => String::new(),
            Kind::Json => serde_json::to_string_pretty(value).unwrap_or_default(),
            Kind::Flag => if value == &json!(true) { "1" } else { "" }.to_owned(),
            Kind::Number => value.as_u64().map(|number| number.to_string()).unwrap_or_default(),
            Kind::Floors => floors_text(value),
            Kind::Offered(offer) if !matches!(offer, Offer::AuthMethods) => {
                for option in offered(cx, offer) {
                    let ticked = if items().any(|item| item == option) { "1" } else { "" };
                    typed.insert(format!("{}.{option}", member.name), ticked.to_owned());
                }
                continue;
            }
            Kind::Text | Kind::Choice(_) | Kind::Offered(_) => value.as_str().unwrap_or_default().to_owned(),
        };
        typed.insert(member.name.to_owned(), text);
    }
    typed
}

fn floors_text(value: &Value) -> String {
    let lines = value.as_object().into_iter().flatten().map(|(scope, classes)| {
        let classes = classes.as_array().into_iter().flatten().filter_map(Value::as_str);
        format!("{scope}: {}", classes.collect::<Vec<_>>().join(" "))
    });
    lines.collect::<Vec<_>>().join("\n")
}

/// What a posted form holds.
pub(super) fn of_form(cx: &Cx, form: &Form) -> Typed {
    let mut typed = Typed::new();
    for member in PARTS.iter().flat_map(|part| part.members) {
        match member.kind {
            Kind::Offered(offer) if !matches!(offer, Offer::AuthMethods) => {
                for option in offered(cx, offer) {
                    let name = format!("{}.{option}", member.name);
                    typed.insert(name.clone(), form.get(&name).to_owned());
                }
            }
            _ => {
                typed.insert(member.name.to_owned(), form.get(member.name).to_owned());
            }
        }
    }
    typed
}

/// The members of a registration: what was typed over what the form does not show.
fn members(cx: &Cx, typed: &Typed, before: &ClientMetadata) -> Result<Members, (String, String)> {
    let Ok(Value::Object(mut members)) = serde_json::to_value(before) else { return Ok(Members::new()) };
    for member in PARTS.iter().flat_map(|part| part.members) {
        members.remove(member.name);
        let text = typed.get(member.name).map_or("", String::as_str).trim();
        let value = match member.kind {
            Kind::Offered(offer) if !matches!(offer, Offer::AuthMethods) => {
                let ticked =
                    |option: &String| typed.get(&format!("{}.{option}", member.name)).is_some_and(|it| it == "1");
                let options: Vec<String> = offered(cx, offer).into_iter().filter(ticked).collect();
                if options.is_empty() { continue } else { json!(options) }
            }
            Kind::Flag => json!(text == "1"),
            _ if text.is_empty() => continue,
            Kind::List => json!(text.split_whitespace().collect::<Vec<_>>()),
            Kind::Number => text.parse::<u64>().map_or_else(|_| json!(text), |number| json!(number)),
            Kind::Json => {
                serde_json::from_str(text).map_err(|error| (member.name.to_owned(), format!("not JSON: {error}")))?
            }
            Kind::Floors => floors_value(text).map_err(|fault| (member.name.to_owned(), fault))?,
            Kind::Text | Kind::Choice(_) | Kind::Offered(_) => json!(text),
        };
        members.insert(member.name.to_owned(), value);
    }
    Ok(members)
}

fn floors_value(text: &str) -> Result<Value, String> {
    let mut floors = BTreeMap::new();
    for line in text.lines().map(str::trim).filter(|line| !line.is_empty()) {
        let (scope, classes) = line.split_once(": ").ok_or("write each line as scope: class class")?;
        floors.insert(scope.trim().to_owned(), classes.split_whitespace().map(str::to_owned).collect::<Vec<_>>());
    }
    Ok(json!(floors))
}

/// The metadata that was typed, or every fault that was found, by member. The rules stop at the first fault, so what is
/// at fault is left out and the rest judged again.
pub(super) fn judge(cx: &Cx, typed: &Typed, before: &ClientMetadata) -> Result<ClientMetadata, Vec<(String, String)>> {
    let mut deployment = deployment(&cx.app);
    // A scope that the client has was granted to it; the form must not lose it.
    let scopes: Vec<String> =
        deployment.scopes.iter().cloned().chain(before.scope.split(' ').map(str::to_owned)).collect();
    deployment.scopes = &scopes;
    let mut members = members(cx, typed, before).map_err(|fault| vec![fault])?;
    let mut faults: Vec<(String, String)> = Vec::new();
    loop {
        match validate(&members, before, &deployment) {
            Ok(metadata) if faults.is_empty() => return Ok(metadata),
            Ok(_) => return Err(faults),
            Err(error) => {
                let known = faults.iter().any(|(member, _)| *member == error.member);
                let gone = members.remove(&error.member).is_none();
                if !known && (faults.is_empty() || !gone) {
                    faults.push((error.member, error.fault));
                }
                if known || gone {
                    return Err(faults);
                }
            }
        }
    }
}

/// The form.
pub(super) fn draw(cx: &Cx, action: String, submit: &str, typed: &Typed, faults: &[(String, String)]) -> GroupedForm {
    let fault = |name: &str| faults.iter().find(|(member, _)| member == name).map(|(_, fault)| fault.clone());
    let group = |part: &Part| Group {
        heading: part.heading.to_owned(),
        lead: part.lead.to_owned(),
        fields: part.members.iter().filter_map(|member| field(cx, member, typed, fault(member.name))).collect(),
        sets: part.members.iter().filter_map(|member| set(cx, member, typed, fault(member.name))).collect(),
        open: part.open,
    };
    let shown = |name: &str| PARTS.iter().flat_map(|part| part.members).any(|member| member.name == name);
    let elsewhere: Vec<_> =
        faults.iter().filter(|(name, _)| !shown(name)).map(|(name, fault)| format!("{name}: {fault}")).collect();
    GroupedForm {
        action,
        groups: PARTS.iter().map(group).collect(),
        submit: submit.to_owned(),
        other: None,
        error: (!elsewhere.is_empty()).then(|| elsewhere.join(" ")),
    }
}

fn field(cx: &Cx, member: &Member, typed: &Typed, fault: Option<String>) -> Option<Field> {
    let control = match member.kind {
        Kind::Text | Kind::Number => Control::Text,
        Kind::List | Kind::Floors | Kind::Json => Control::Lines,
        Kind::Flag => Control::Tick,
        Kind::Choice(options) => Control::Select(options.iter().map(|it| option(it)).collect()),
        Kind::Offered(Offer::AuthMethods) => {
            Control::Select(offered(cx, Offer::AuthMethods).iter().map(|it| option(it)).collect())
        }
        Kind::Offered(_) => return None,
    };
    let value = typed.get(member.name).cloned().unwrap_or_default();
    let mut field = Field::optional(member.name, member.name, control, value);
    field.error = fault;
    field.help = Some(member.help.to_owned()).filter(|help| !help.is_empty());
    Some(field)
}

fn set(cx: &Cx, member: &Member, typed: &Typed, fault: Option<String>) -> Option<TickSet> {
    let Kind::Offered(offer) = member.kind else { return None };
    if matches!(offer, Offer::AuthMethods) {
        return None;
    }
    let tick = |option: String| {
        let name = format!("{}.{option}", member.name);
        let value = typed.get(&name).cloned().unwrap_or_default();
        Field::optional(name, option, Control::Tick, value)
    };
    Some(TickSet {
        name: member.name.to_owned(),
        help: member.help.to_owned(),
        error: fault,
        ticks: offered(cx, offer).into_iter().map(tick).collect(),
    })
}

fn option(value: &str) -> (String, String) {
    (value.to_owned(), if value.is_empty() { "default".to_owned() } else { value.to_owned() })
}
