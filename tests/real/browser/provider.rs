//! Signing in at a real OpenID provider, from Chromium and back.

use super::chrome::Chrome;
use super::come_in;
use crate::program::{Program, command, free_port};
use crate::server::Server;
use crate::wait;
use std::net::TcpStream;
use std::path::Path;

/// The provider asks for no password: an account is what somebody types.
struct Provider {
    port: u16,
    _program: Program,
}

impl Provider {
    fn start(folder: &Path) -> Self {
        let port = free_port();
        let mut command = command(wait::folder("GS_VENV").join("bin/python"));
        command.args([
            "-m",
            "oidc_provider_mock",
            "--require-nonce",
            "true",
            "--port",
        ]);
        command.arg(port.to_string());
        let mut program = Program::start("provider", folder, &mut command);
        wait::until("the provider listens", || {
            program.must_run();
            TcpStream::connect(("127.0.0.1", port)).ok()
        });
        Self {
            port,
            _program: program,
        }
    }
}

/// Lets the provider send the browser back as one of its accounts.
fn as_account(chrome: &Chrome, account: &str) {
    chrome.sees("Authorize Client");
    chrome.run(&format!(
        "document.querySelector('input[name=sub]').value = '{account}'"
    ));
    chrome.press("Authorize");
}

#[test]
fn an_account_at_a_provider_is_linked_and_lets_in_from_then_on() {
    let folder = wait::scratch();
    let provider = Provider::start(folder.path());
    let mut server = Server::new(folder.path(), &[]);
    let issuer = format!("http://127.0.0.1:{}", provider.port);
    let url = server.url();
    for (name, value) in [
        ("PUBLIC_URL", url.as_str()),
        ("OIDC_ISSUER", &issuer),
        ("OIDC_CLIENT_ID", "door"),
        ("OIDC_CLIENT_SECRET", "secret of the door"),
        ("OIDC_NAME", "Club account"),
        ("AUDIT_COPY", "stdout"),
    ] {
        server.set(name, value);
    }
    server.start();
    let chrome = Chrome::open(folder.path(), &server.url(), "provider");
    come_in(&chrome);
    chrome.go("/admin/me");
    chrome.press("Link an account at Club account");
    as_account(&chrome, "olga");
    chrome.sees("never used");
    assert_eq!(chrome.path(), "/admin/me");
    chrome.looks_right("me-linked");

    chrome.press("Sign out");
    chrome.sees("Sign in with Club account");
    chrome.looks_right("sign-in-provider");
    chrome.press("Sign in with Club account");
    as_account(&chrome, "evil");
    chrome.sees("is not linked to anybody here");
    chrome.go("/admin");
    assert_eq!(chrome.path(), "/admin/sign-in");
    chrome.press("Sign in with Club account");
    as_account(&chrome, "olga");
    chrome.sees("Today");
    assert_eq!(chrome.path(), "/admin");
    chrome.go("/admin/me");
    chrome.sees("last used");
    chrome.press("Unlink");
    chrome.sees("Sign out and in again first");

    chrome.go("/admin/me");
    chrome.press("Sign out");
    chrome.sees("Sign in with Club account");
    drop(provider);
    server.restart();
    chrome.go("/admin/sign-in");
    chrome.press("Sign in with Club account");
    chrome.sees("Club account does not answer as it should");
    let said = wait::until("the audit log is copied", || {
        let said = server.said();
        said.contains("staff.identity_add").then_some(said)
    });
    assert!(
        !said.contains("olga") && !said.contains("secret of"),
        "{said}"
    );
}
