//! From a scene to its page.

mod device;
mod requirements;

use axum::response::Response;
use jiff::tz::TimeZone;
use stepgate_core::assurance::CredentialKind;
use stepgate_core::authorize::interaction::{Choice, Named, Purpose, SkipOtp, Stage};
use stepgate_core::credentials::{Credential, MobileDevice, Phone};
use stepgate_core::id::ChallengeId;
use stepgate_store::{challenges, credentials, deliveries, mobile, people, phones};

use super::consent;
use super::dispatch::Scene;
use super::http::Say;
use super::parked::KEPT_FOR;
use super::phone;
use super::receipt;
use crate::credentials::{mobile_id, security_key};
use crate::cx::Cx;
use crate::http::cookies::Cookie;
use crate::http::extract::Browser;
use crate::http::page::{PageFailure, with_cookie};
use crate::pages::factor::{
    CodePage, CodeSource, FactorChoice, FactorPage, MobileIdWaitPage, PhoneChoice, Resend, Skip,
};
use crate::pages::login::{Asking, Flow, LoginPage, PasswordPage, web_address};
use crate::pages::security_key::SecurityKeyPage;
use crate::pages::{self, Layout, When};
use crate::words::Language;

/// Shows the page of the stage that the interaction is at.
pub(super) async fn page(cx: &Cx, browser: &Browser, scene: &Scene, say: Option<Say>) -> Result<Response, PageFailure> {
    let flow = flow(cx, browser, scene);
    let language = scene.language(cx);
    let (error, offline) = match say {
        None => (None, false),
        Some(Say::Error(key)) => (Some(language.text(key)), false),
        Some(Say::Told(text)) => (Some(text), false),
        Some(Say::OfflineCode(key)) => (key.map(|key| language.text(key)), true),
    };
    let code_only = match &scene.parked.interaction.stage {
        Stage::MobileWait { challenge, credential, .. } => {
            mobile_id::why_code_only(cx, *challenge, *credential).await?
        }
        _ => None,
    };
    let (error, offline) = (error.or_else(|| code_only.map(|key| language.text(key))), offline || code_only.is_some());
    let ok = axum::http::StatusCode::OK;
    Ok(match &scene.parked.interaction.stage {
        Stage::Identify => pages::respond(ok, &identify(cx, scene, flow, error)),
        Stage::Password { login } => pages::respond(ok, &password(cx, scene, flow, login, error).await?),
        Stage::Factor { choices, skip } => pages::respond(ok, &factor(cx, scene, flow, (choices, *skip), error).await?),
        Stage::PhoneCode { .. } => pages::respond(ok, &phone_code(cx, scene, flow, error).await?),
        Stage::HardwareCode { credential, skip } => {
            let serial = credentials::find_credential(&cx.app.db, *credential).await?.and_then(|found| found.serial);
            let source = CodeSource::HardwareToken(serial.unwrap_or_default());
            pages::respond(ok, &code(cx, scene, flow, (source, *skip), error))
        }
        Stage::SecurityKey { challenge, skip, .. } => {
            pages::respond(ok, &security_key_page(cx, scene, flow, (*challenge, *skip), error).await?)
        }
        Stage::MobileWait { skip, .. } if offline => {
            pages::respond(ok, &code(cx, scene, flow, (CodeSource::OfflineCode, *skip), error))
        }
        Stage::MobileWait { .. } => pages::respond(ok, &mobile_wait(cx, scene, flow, error).await?),
        Stage::Consent => match &scene.parked.interaction.purpose {
            Purpose::Device { device, request } => {
                pages::respond(ok, &device::confirm(cx, scene, flow, (*device, &request.scope)).await?)
            }
            _ => pages::respond(ok, &consent::page(scene, flow, Layout::plain("Allow access", cx.app.demo))),
        },
        Stage::RequirementsNotMet => {
            let page = pages::respond(ok, &requirements::page(cx, scene, flow).await?);
            // Whoever goes and mends a credential is led back to this request afterwards, in minutes or in days.
            if let Some(person) = scene.person() {
                scene.parked.keep(cx, person.id).await?;
            }
            let (cookies, kept) = (cx.app.cookies, KEPT_FOR.as_secs());
            let page = with_cookie(page, cookies.set_for(Cookie::Browser, browser.token(), kept));
            with_cookie(page, cookies.set_for(Cookie::Resume, &scene.parked.id.to_string(), kept))
        }
    })
}

fn flow(cx: &Cx, browser: &Browser, scene: &Scene) -> Flow {
    let application = scene.client.as_ref().map(|client| Asking {
        name: client.application.name.clone(),
        logo: web_address(client.client.metadata.logo_uri.as_deref()),
        policy: web_address(client.client.metadata.policy_uri.as_deref()),
        terms: web_address(client.client.metadata.tos_uri.as_deref()),
    });
    Flow { action: scene.parked.path(), csrf: browser.csrf(&cx.app), application }
}

/// The frame of a step; its title is the words of a key.
fn layout(cx: &Cx, scene: &Scene, title: &str) -> Layout {
    Layout::plain_in(scene.language(cx), title, cx.app.demo)
}

fn identify(cx: &Cx, scene: &Scene, flow: Flow, error: Option<String>) -> LoginPage {
    let hint = scene.parked.interaction.request().and_then(|request| request.login_hint.clone());
    LoginPage {
        layout: layout(cx, scene, "login-title"),
        flow,
        username: hint.unwrap_or_default(),
        passkey: security_key::available(cx),
        error,
    }
}

async fn password(
    cx: &Cx,
    scene: &Scene,
    flow: Flow,
    login: &Named,
    error: Option<String>,
) -> Result<PasswordPage, PageFailure> {
    let username = match login {
        Named::Unknown(typed) => typed.clone(),
        Named::Person(id) => {
            people::find_person(&cx.app.db, *id).await?.map(|person| person.username.to_string()).unwrap_or_default()
        }
    };
    let changeable = scene.parked.interaction.pinned.is_none();
    let passkey = security_key::available(cx);
    Ok(PasswordPage { layout: layout(cx, scene, "kind-password"), flow, username, changeable, passkey, error })
}

/// Whether the factor may be left out, and if not, who asks for what.
fn skip(cx: &Cx, scene: &Scene, offered: SkipOtp) -> Skip {
    match (offered, &scene.client) {
        (SkipOtp::Offered, _) => Skip::Offered,
        (SkipOtp::NotOffered, Some(client)) => {
            let language = scene.language(cx);
            let names: Vec<String> =
                scene.requirement.names().into_iter().map(|name| class_name(language, name)).collect();
            let what = match names.is_empty() {
                true => language.text("step-another-factor"),
                false => names.join(&format!(" {} ", language.text("or"))),
            };
            Skip::AskedFor { who: client.application.name.clone(), what }
        }
        (SkipOtp::NotOffered, None) if scene.parked.interaction.back.is_some() => Skip::Detour,
        (SkipOtp::NotOffered, None) => Skip::OwnWish,
    }
}

/// The name of a class that an application asks for: a name, but for what our own names of classes say in words.
fn class_name(language: Language, name: &str) -> String {
    match name.strip_suffix(", proofed") {
        Some(kind) => language.say("strength-proofed", [("kind", class_name(language, kind).into())]),
        None if name == "any OTP" => language.text("step-any-otp"),
        None => name.to_owned(),
    }
}

async fn factor(
    cx: &Cx,
    scene: &Scene,
    flow: Flow,
    (offered, may_skip): (&[Choice], SkipOtp),
    error: Option<String>,
) -> Result<FactorPage, PageFailure> {
    let mut choices: Vec<FactorChoice> = Vec::new();
    for choice in offered {
        // One way for each kind; the credential used last stands for its kind.
        if choices.iter().any(|shown| shown.kind == choice.kind) {
            continue;
        }
        if let Some(credential) = credentials::find_credential(&cx.app.db, choice.credential).await? {
            choices.push(way(cx, scene.language(cx), &credential).await?);
        }
    }
    let username = scene.person().map(|person| person.username.to_string()).unwrap_or_default();
    Ok(FactorPage {
        layout: layout(cx, scene, "factor-title"),
        flow,
        username,
        choices,
        skip: skip(cx, scene, may_skip),
        error,
    })
}

async fn way(cx: &Cx, language: Language, credential: &Credential) -> Result<FactorChoice, PageFailure> {
    let phones: Vec<PhoneChoice> = match credential.kind {
        CredentialKind::PhoneOtp => usable_phones(cx, credential)
            .await?
            .into_iter()
            .map(|phone| PhoneChoice {
                id: phone.id.to_string(),
                masked: phone.masked,
                text: phone.text,
                voice: phone.voice && cx.app.outbound.calls(),
            })
            .collect(),
        _ => Vec::new(),
    };
    let detail = match (phones.as_slice(), &credential.serial) {
        ([], Some(serial)) => serial.clone(),
        ([], None) => credential.label.clone(),
        ([one], _) => one.masked.clone(),
        (several, _) => language.say("factor-numbers", [("count", several.len().into())]),
    };
    let last_used = credential.last_used_at.map(|at| When::new_in(language, at, cx.now, &TimeZone::UTC));
    Ok(FactorChoice { kind: credential.kind, detail, last_used, phones })
}

/// The numbers that can get a code now: verified, and long enough on file.
async fn usable_phones(cx: &Cx, credential: &Credential) -> Result<Vec<Phone>, PageFailure> {
    let times = phones::list_times(&cx.app.db, credential.id).await?;
    let rests =
        |phone: &Phone| times.iter().any(|it| it.phone == phone.id && it.usable_from.is_some_and(|from| cx.now < from));
    let mut found = credentials::list_phones(&cx.app.db, credential.id).await?;
    found.retain(|phone| phone.verified_at.is_some() && !rests(phone));
    Ok(found)
}

fn code(
    cx: &Cx,
    scene: &Scene,
    flow: Flow,
    (source, may_skip): (CodeSource, SkipOtp),
    error: Option<String>,
) -> CodePage {
    CodePage {
        layout: layout(cx, scene, "code"),
        flow,
        source,
        seconds_left: None,
        resend: None,
        other_ways: true,
        skip: skip(cx, scene, may_skip),
        delivery: None,
        status_url: None,
        error,
    }
}

async fn phone_code(cx: &Cx, scene: &Scene, flow: Flow, error: Option<String>) -> Result<CodePage, PageFailure> {
    let Stage::PhoneCode { credential, phone, skip: may_skip, .. } = &scene.parked.interaction.stage else {
        return Err(PageFailure::InteractionGone);
    };
    let phones = credentials::list_phones(&cx.app.db, *credential).await?;
    let masked = phones.iter().find(|known| known.id == *phone).map(|known| known.masked.clone()).unwrap_or_default();
    let latest = challenges::latest_phone_challenge(&cx.app.db, &scene.parked.binding()).await?;
    let by_voice = latest.as_ref().is_some_and(|latest| latest.channel == "voice");
    let source = if by_voice { CodeSource::Voice(masked) } else { CodeSource::Text(masked) };
    let mut page = code(cx, scene, flow, (source, *may_skip), error);
    if let Some(latest) = latest {
        let again = phone::resend_at(cx, latest.sent_at);
        let state = deliveries::find_state(&cx.app.db, latest.id).await?;
        page.delivery = receipt::line(scene.language(cx), state, by_voice, receipt::Place::Login);
        page.status_url = Some(format!("{}/status", page.flow.action));
        page.seconds_left = Some(latest.expires_at.since(cx.now).as_secs());
        page.resend = Some(if again <= cx.now {
            Resend::Ready
        } else {
            Resend::NotBefore(When::clock_in(scene.language(cx), again, &TimeZone::UTC))
        });
    }
    Ok(page)
}

async fn mobile_wait(
    cx: &Cx,
    scene: &Scene,
    flow: Flow,
    error: Option<String>,
) -> Result<MobileIdWaitPage, PageFailure> {
    let Stage::MobileWait { challenge, credential, skip: may_skip } = &scene.parked.interaction.stage else {
        return Err(PageFailure::InteractionGone);
    };
    let found = mobile::find_challenge(&cx.app.db, *challenge).await?;
    let devices = mobile::list_devices(&cx.app.db, *credential).await?;
    let device = devices.into_iter().find(MobileDevice::usable);
    let device = device.map_or_else(|| scene.language(cx).text("wait-your-phone"), |it| it.label);
    Ok(MobileIdWaitPage {
        layout: layout(cx, scene, "wait-title"),
        number: mobile_id::number(cx, *challenge),
        device,
        seconds_left: found.map_or(0, |found| found.expires_at.since(cx.now).as_secs()),
        status_url: format!("{}/status", flow.action),
        flow,
        other_ways: true,
        skip: skip(cx, scene, *may_skip),
        error,
    })
}

async fn security_key_page(
    cx: &Cx,
    scene: &Scene,
    flow: Flow,
    (challenge, may_skip): (ChallengeId, SkipOtp),
    error: Option<String>,
) -> Result<SecurityKeyPage, PageFailure> {
    let options = security_key::options(cx, challenge, &scene.parked.binding()).await?;
    Ok(SecurityKeyPage {
        layout: layout(cx, scene, "key-title"),
        flow,
        // Signed already, or too late: the button asks for something new to sign.
        options: options.unwrap_or_default(),
        challenge: challenge.to_string(),
        skip: skip(cx, scene, may_skip),
        error,
    })
}
