//! Mail by SMTP, to the one server that the settings name.
//!
//! Owns: TLS (always: STARTTLS or from the first byte), who we are there, and which refusals are for good. Never: another
//! host, a connection in the clear, or a word of the server in the log: those quote addresses. The guarded client for
//! HTTP is not involved; an operator's mail server often stands inside, where that one would not go.

use std::path::PathBuf;
use std::time::{Duration, SystemTime};

use futures_util::future::BoxFuture;
use lettre::message::header::{ContentType, HeaderName, HeaderValue};
use lettre::message::{Mailbox, Message};
use lettre::transport::smtp::authentication::Credentials;
use lettre::transport::smtp::client::{Certificate, Tls, TlsParameters};
use lettre::transport::smtp::extension::ClientId;
use lettre::{AsyncSmtpTransport, AsyncTransport, Tokio1Executor};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use stepgate_core::contact::EmailAddress;

use super::fetch::OutboundSettings;
use super::{DeliveryError, Mail, Mailer, ProviderId};

const NAME: &str = "smtp";
/// How long one step of the conversation may take.
const STEP: Duration = Duration::from_secs(10);
/// How long the whole may take. Shorter than the lease of a mail in the outbox: no other node begins meanwhile.
pub const WHOLE: Duration = Duration::from_secs(40);

/// How the connection is protected. There is no third way.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum MailTls {
    /// In the clear at first, then STARTTLS, which the server must offer (port 587).
    #[default]
    Starttls,
    /// From the first byte (port 465).
    Implicit,
}

/// The mail server. Without `host` no mail goes out.
#[derive(Clone, Default, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct MailSettings {
    /// The server's name; its certificate must be for it. `outbound.ca_file` adds authorities.
    pub host: Option<String>,
    /// Its port; 587 for `starttls`, 465 for `implicit` when absent.
    pub port: Option<u16>,
    /// `starttls` or `implicit`.
    pub tls: MailTls,
    /// The user name there; no authentication when absent.
    pub user: Option<String>,
    /// The password there.
    pub password: Option<String>,
    /// A file with the password, in place of `password`.
    pub password_file: Option<PathBuf>,
    /// The sender: `Stepgate <no-reply@id.example>`.
    pub from: Option<String>,
}

impl MailSettings {
    /// What is wrong with them.
    pub fn problems(&self) -> Vec<String> {
        let mut found = Vec::new();
        if self.host.is_some() && self.from.as_deref().is_none_or(|from| from.parse::<Mailbox>().is_err()) {
            found.push("mail.from must be a sender like `Stepgate <no-reply@id.example>`".to_owned());
        }
        if self.user.is_some() && self.password.is_none() && self.password_file.is_none() {
            found.push("mail.user needs mail.password or mail.password_file".to_owned());
        }
        found
    }

    /// Every key with a value, for the check of unknown keys.
    pub(crate) fn documented() -> Self {
        let text = Some(String::new());
        Self {
            host: text.clone(),
            port: Some(587),
            tls: MailTls::Starttls,
            user: text.clone(),
            password: text.clone(),
            password_file: Some(PathBuf::new()),
            from: text,
        }
    }

    fn secret(&self) -> Result<String, String> {
        match (&self.password, &self.password_file) {
            (Some(password), _) => Ok(password.clone()),
            (None, Some(path)) => std::fs::read_to_string(path)
                .map(|text| text.trim_end().to_owned())
                .map_err(|error| format!("mail.password_file {}: {error}", path.display())),
            (None, None) => Err("mail.user needs mail.password or mail.password_file".to_owned()),
        }
    }
}

/// The mail server.
pub struct Smtp {
    transport: AsyncSmtpTransport<Tokio1Executor>,
    from: Mailbox,
    host: String,
}

impl Smtp {
    /// The server that the settings name, if they name one.
    ///
    /// # Errors
    /// What is wrong with the settings, in words.
    pub fn new(settings: &MailSettings, outbound: &OutboundSettings, issuer: &str) -> Result<Option<Self>, String> {
        let Some(server) = settings.host.clone() else { return Ok(None) };
        if let Some(problem) = settings.problems().into_iter().next() {
            return Err(problem);
        }
        let from =
            settings.from.as_deref().unwrap_or_default().parse().map_err(|error| format!("mail.from: {error}"))?;
        let host = url::Url::parse(issuer).ok().and_then(|url| url.host_str().map(str::to_owned));
        let host = host.unwrap_or_else(|| "localhost".to_owned());
        let mut parameters = TlsParameters::builder(server.clone());
        for certificate in authorities(outbound)? {
            parameters = parameters.add_root_certificate(certificate);
        }
        let parameters = parameters.build().map_err(|error| format!("mail.host: {error}"))?;
        let (tls, port) = match settings.tls {
            MailTls::Starttls => (Tls::Required(parameters), 587),
            MailTls::Implicit => (Tls::Wrapper(parameters), 465),
        };
        // Dangerous without TLS only, and TLS is set in the next line.
        let mut transport = AsyncSmtpTransport::<Tokio1Executor>::builder_dangerous(server)
            .tls(tls)
            .port(settings.port.unwrap_or(port))
            .hello_name(ClientId::Domain(host.clone()))
            .timeout(Some(STEP));
        if let Some(user) = &settings.user {
            transport = transport.credentials(Credentials::new(user.clone(), settings.secret()?));
        }
        Ok(Some(Self { transport: transport.build(), from, host }))
    }

    fn message(&self, to: &EmailAddress, mail: &Mail) -> Option<Message> {
        let millis = u64::try_from(mail.at.unix_millis()).ok()?;
        let mut message = Message::builder()
            .from(self.from.clone())
            .to(to.as_str().parse().ok()?)
            .subject(mail.subject.clone())
            .date(SystemTime::UNIX_EPOCH + Duration::from_millis(millis))
            .message_id(Some(format!("<{}@{}>", mail.id, self.host)))
            .header(ContentType::TEXT_PLAIN)
            .body(mail.text.expose().clone())
            .ok()?;
        // RFC 3834: nobody's holiday answers it.
        let name = HeaderName::new_from_ascii_str("Auto-Submitted");
        message.headers_mut().insert_raw(HeaderValue::new(name, "auto-generated".to_owned()));
        Some(message)
    }

    async fn send(&self, to: &EmailAddress, mail: &Mail) -> Result<ProviderId, DeliveryError> {
        let message = self.message(to, mail).ok_or(DeliveryError::Refused { code: 0 })?;
        match tokio::time::timeout(WHOLE, self.transport.send(message)).await {
            Ok(Ok(_)) => Ok(ProviderId { provider: NAME.to_owned(), id: mail.id.to_string() }),
            Ok(Err(error)) => Err(judge(&error)),
            Err(_) => Err(DeliveryError::Unavailable),
        }
    }
}

/// Certificates that are trusted besides the system's.
fn authorities(outbound: &OutboundSettings) -> Result<Vec<Certificate>, String> {
    let Some(path) = &outbound.ca_file else { return Ok(Vec::new()) };
    let wrong = |error: &dyn std::fmt::Display| format!("outbound.ca_file {}: {error}", path.display());
    let pem = std::fs::read(path).map_err(|error| wrong(&error))?;
    Certificate::from_pem(&pem).map(|one| vec![one]).map_err(|error| wrong(&error))
}

/// 5xx is for good and 4xx passes (RFC 5321 §4.2.1). What is wrong between the server and us (530 to 538: TLS and
/// authentication, RFC 4954 §6) is for the operator to mend, and no reason to lose a mail.
fn judge(error: &lettre::transport::smtp::Error) -> DeliveryError {
    if error.is_tls() || error.is_client() {
        tracing::warn!(%error, "the mail server cannot be talked to");
        return DeliveryError::Unavailable;
    }
    let code = error.status().and_then(|status| status.to_string().parse::<u32>().ok());
    match code {
        Some(code @ 530..=538) => {
            tracing::warn!(code, "the mail server does not let us in: check mail.user and mail.password");
            DeliveryError::Unavailable
        }
        Some(code @ 500..=599) => DeliveryError::Refused { code },
        Some(_) => DeliveryError::Throttled,
        None => DeliveryError::Unavailable,
    }
}

impl Mailer for Smtp {
    fn name(&self) -> &'static str {
        NAME
    }

    fn send_mail<'a>(
        &'a self,
        to: &'a EmailAddress,
        mail: &'a Mail,
    ) -> BoxFuture<'a, Result<ProviderId, DeliveryError>> {
        Box::pin(self.send(to, mail))
    }
}
