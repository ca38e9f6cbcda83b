//! Where letters are handed over: to a mail server (RFC 5321), or to a folder while none is set.

use super::{Outcome, Ready};
use lettre::message::header::{ContentType, HeaderName, HeaderValue};
use lettre::message::{Mailbox, Message};
use lettre::transport::smtp::authentication::Credentials;
use lettre::transport::smtp::client::{Tls, TlsParameters};
use lettre::transport::smtp::extension::ClientId;
use lettre::{Address, AsyncSmtpTransport, AsyncTransport as _, Tokio1Executor};
use shared::ids::OrganisationId;
use shared::time::{Span, Timestamp};
use std::io::Write as _;
use std::os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};
use std::time::{Duration, UNIX_EPOCH};
use tokio::time::timeout;

/// A mail server that has not taken a letter after so long hangs.
const SEND_TIME: Duration = Duration::from_secs(60);
/// So long letters lie in the folder.
const KEPT: Span = Span::days(30);
/// Who writes from the folder where nothing is set: nobody answers there.
const NOWHERE: &str = "goodstanding@localhost";

/// How letters are sent.
#[derive(Clone, Default)]
pub struct Settings {
    /// The mail server; none: letters go to a folder.
    pub server: Option<Server>,
    /// Who writes.
    pub from: Option<Mailbox>,
}

/// A mail server.
#[derive(Clone)]
pub struct Server {
    /// Its name or number.
    pub host: String,
    /// Its port.
    pub port: u16,
    /// How what is sent is kept from whoever listens.
    pub guard: Guard,
    /// User name and password; none: it asks for none.
    pub credentials: Option<Credentials>,
}

/// How a mail server is spoken to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Guard {
    /// TLS from the first byte (RFC 8314).
    Tls,
    /// TLS before anything is said (RFC 3207); never without.
    StartTls,
    /// Without: it runs on this machine.
    Loopback,
}

/// Where letters of one organisation are handed over.
pub struct Post {
    organisation: OrganisationId,
    from: Mailbox,
    to: Way,
}

enum Way {
    Server(Box<AsyncSmtpTransport<Tokio1Executor>>),
    Folder(PathBuf),
}

impl Post {
    /// The mail server, or a folder of the organisation in `data_dir`.
    pub fn new(
        settings: &Settings,
        data_dir: &Path,
        organisation: &OrganisationId,
    ) -> anyhow::Result<Self> {
        let from = match &settings.from {
            Some(from) => from.clone(),
            None => NOWHERE.parse()?,
        };
        let to = match &settings.server {
            Some(server) => Way::Server(Box::new(transport(server, from.email.domain())?)),
            None => Way::Folder(data_dir.join("mail").join(organisation.as_str())),
        };
        Ok(Self {
            organisation: organisation.clone(),
            from,
            to,
        })
    }

    /// Hands a letter over.
    pub async fn send(&self, letter: &Ready) -> Outcome {
        let message = match self.message(letter) {
            Ok(message) => message,
            Err(error) => {
                // The error's own text may show the address.
                tracing::warn!(letter = letter.id, "a letter has no valid address");
                drop(error);
                return Outcome::Refused(None);
            }
        };
        match &self.to {
            Way::Server(server) => through(server, letter.id, message).await,
            Way::Folder(folder) => match put(folder, letter, &message.formatted()) {
                Ok(()) => Outcome::Sent,
                Err(error) => {
                    tracing::warn!(letter = letter.id, %error, "a letter could not be put into DATA_DIR/mail");
                    Outcome::Unreachable
                }
            },
        }
    }

    /// The letter as it travels (RFC 5322); number and date are the same at every try, so that whoever gets it twice can
    /// tell.
    fn message(&self, letter: &Ready) -> anyhow::Result<Message> {
        let domain = self.from.email.domain();
        let (organisation, made_at) = (&self.organisation, letter.made_at.0);
        let id = format!("<{}.{made_at}.{organisation}@{domain}>", letter.id);
        let named = Some(letter.name.clone()).filter(|name| !name.is_empty());
        let to = Mailbox::new(named, letter.mail.parse::<Address>()?);
        let mut from = self.from.clone();
        from.name.get_or_insert_with(|| letter.club.clone());
        // Nobody's holiday notice answers it (RFC 3834, 5).
        let automatic = HeaderName::new_from_ascii_str("Auto-Submitted");
        Ok(Message::builder()
            .from(from)
            .to(to)
            .subject(&letter.text.subject)
            .message_id(Some(id))
            .date(UNIX_EPOCH + Duration::from_millis(made_at.unsigned_abs()))
            .raw_header(HeaderValue::new(automatic, "auto-generated".to_owned()))
            .header(ContentType::TEXT_PLAIN)
            .body(letter.text.body.clone())?)
    }
}

fn transport(server: &Server, domain: &str) -> anyhow::Result<AsyncSmtpTransport<Tokio1Executor>> {
    let host = server.host.as_str();
    let tls = match server.guard {
        Guard::Tls => Tls::Wrapper(TlsParameters::new(host.to_owned())?),
        Guard::StartTls => Tls::Required(TlsParameters::new(host.to_owned())?),
        Guard::Loopback => Tls::None,
    };
    let builder = AsyncSmtpTransport::<Tokio1Executor>::builder_dangerous(host)
        .port(server.port)
        .tls(tls)
        .hello_name(ClientId::Domain(domain.to_owned()));
    Ok(match &server.credentials {
        Some(credentials) => builder.credentials(credentials.clone()).build(),
        None => builder.build(),
    })
}

async fn through(
    server: &AsyncSmtpTransport<Tokio1Executor>,
    letter: i64,
    message: Message,
) -> Outcome {
    let Ok(sent) = timeout(SEND_TIME, server.send(message)).await else {
        tracing::warn!(letter, "the mail server hangs");
        return Outcome::Unreachable;
    };
    let Err(error) = sent else {
        return Outcome::Sent;
    };
    // What a mail server says may repeat the address.
    let code = error.status().map(u16::from);
    tracing::warn!(letter, code, "the mail server did not take a letter");
    match code {
        Some(code @ 400..=499) => Outcome::Later(code),
        // RFC 4954, 6: about who we are, not about the letter.
        Some(code @ 530..=539) => Outcome::Unwelcome(code),
        Some(code) if greets(server).await => Outcome::Refused(Some(code)),
        Some(code) => Outcome::Unwelcome(code),
        None => Outcome::Unreachable,
    }
}

/// Whether a mail server takes us in, so that what it refused was the letter.
async fn greets(server: &AsyncSmtpTransport<Tokio1Executor>) -> bool {
    let greeted = timeout(SEND_TIME, server.test_connection()).await;
    greeted.is_ok_and(|greeted| greeted.unwrap_or(false))
}

/// Puts a letter into the folder, where only the server's own user reads it; older ones go.
fn put(folder: &Path, letter: &Ready, bytes: &[u8]) -> std::io::Result<()> {
    let mut directory = std::fs::DirBuilder::new();
    directory.recursive(true).mode(0o700).create(folder)?;
    let name = format!("{}-{}.eml", letter.made_at.0, letter.id);
    let mut file = std::fs::OpenOptions::new()
        .write(true)
        .create(true)
        .truncate(true)
        .mode(0o600)
        .open(folder.join(name))?;
    file.write_all(bytes)?;
    for entry in std::fs::read_dir(folder)? {
        let entry = entry?;
        let name = entry.file_name();
        let made_at = name
            .to_str()
            .and_then(|name| name.split_once('-'))
            .and_then(|(made_at, _)| made_at.parse().ok());
        if made_at.is_some_and(|made_at| Timestamp(made_at) + KEPT < letter.made_at) {
            std::fs::remove_file(entry.path())?;
        }
    }
    Ok(())
}
