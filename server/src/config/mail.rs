//! How letters are sent, as it was given.

use super::given::{Given, MAIL_FROM, SMTP_URL};
use super::{Result, is_private_on_the_way, percent_decoded};
use crate::mail::post::{Guard, Server, Settings};
use lettre::message::Mailbox;
use lettre::transport::smtp::authentication::Credentials;
use reqwest::Url;

const SHAPE: &str = "it is smtps://user:password@host, or smtp:// where the server begins TLS itself, with %40 for an @ in \
                     the user name";

impl Given {
    pub(super) fn mail(&self) -> Result<Settings> {
        let from = match self.get(&MAIL_FROM) {
            None => None,
            Some(text) => Some(text.trim().parse::<Mailbox>().map_err(|_| {
                let problem = "it is an address such as Woodshop <club@example.org>";
                self.wrong(&MAIL_FROM, problem)
            })?),
        };
        let server = match self.get(&SMTP_URL) {
            None => None,
            Some(text) => Some(server(text.trim()).ok_or_else(|| self.wrong(&SMTP_URL, SHAPE))?),
        };
        if server.is_some() && from.is_none() {
            let problem =
                "SMTP_URL needs to know who writes: an address such as Woodshop <club@example.org>";
            return Err(self.wrong(&MAIL_FROM, problem));
        }
        Ok(Settings { server, from })
    }
}

/// The mail server of an address. Without TLS only one on this machine is spoken to, for letters carry secrets.
fn server(text: &str) -> Option<Server> {
    let url = Url::parse(text).ok()?;
    let host = url.host_str().filter(|host| !host.is_empty())?;
    let (guard, port) = match url.scheme() {
        "smtps" => (Guard::Tls, 465),
        "smtp" if is_loopback(host) => (Guard::Loopback, 25),
        "smtp" => (Guard::StartTls, 587),
        _ => return None,
    };
    let bare = matches!(url.path(), "" | "/") && url.query().is_none() && url.fragment().is_none();
    let user = percent_decoded(url.username())?;
    let credentials = match url.password() {
        Some(password) => Some(Credentials::new(user, percent_decoded(password)?)),
        None if user.is_empty() => None,
        None => return None,
    };
    bare.then(|| Server {
        host: host.trim_matches(['[', ']']).to_owned(),
        port: url.port().unwrap_or(port),
        guard,
        credentials,
    })
}

fn is_loopback(host: &str) -> bool {
    is_private_on_the_way(&format!("http://{host}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Option<(String, u16, Guard, bool)> {
        let server = server(text)?;
        let known = server.credentials.is_some();
        Some((server.host, server.port, server.guard, known))
    }

    #[test]
    fn only_on_this_machine_nobody_listens() {
        for (text, host, port, guard, known) in [
            (
                "smtps://u:p%40%2F@mail.example.org",
                "mail.example.org",
                465,
                Guard::Tls,
                true,
            ),
            (
                "smtp://u%40x:p@mail.example.org",
                "mail.example.org",
                587,
                Guard::StartTls,
                true,
            ),
            (
                "smtp://relay.lan:2525/",
                "relay.lan",
                2525,
                Guard::StartTls,
                false,
            ),
            ("smtp://localhost", "localhost", 25, Guard::Loopback, false),
            (
                "smtp://127.0.0.1:1025",
                "127.0.0.1",
                1025,
                Guard::Loopback,
                false,
            ),
            ("smtp://[::1]", "::1", 25, Guard::Loopback, false),
            (
                "smtp://localhost.example.org",
                "localhost.example.org",
                587,
                Guard::StartTls,
                false,
            ),
        ] {
            let wanted = Some((host.to_owned(), port, guard, known));
            assert_eq!(read(text), wanted, "{text}");
        }
    }

    #[test]
    fn what_is_no_mail_server_is_refused() {
        for text in [
            "",
            "mail.example.org",
            "http://mail.example.org",
            "smtp://",
            "smtp://u@mail.example.org",
            "smtp://u:%zz@mail.example.org",
            "smtp://mail.example.org/?tls=none",
            "smtp://mail.example.org/path",
        ] {
            assert!(server(text).is_none(), "{text}");
        }
    }
}
