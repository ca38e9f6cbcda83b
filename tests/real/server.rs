//! The built server: started, killed, started again, and asked.

use crate::http::{Answer, Ask};
use crate::program::{Program, built, free_port};
use crate::wait;
use reqwest::Method;
use serde_json::Value;
use std::path::{Path, PathBuf};

/// The token of the first organisation.
pub const TOKEN: &str = "the token of these tests";
/// The webhook endpoint's signing secret.
pub const SECRET: &str = "whsec_of_these_tests";

/// A server with its folder and its ports.
pub struct Server {
    /// Where HTTP is answered.
    pub port: u16,
    folder: PathBuf,
    settings: Vec<(&'static str, String)>,
    program: Option<Program>,
}

impl Server {
    /// A server that does not run yet, with the embedded broker and SQLite unless settings say otherwise.
    pub fn new(folder: &Path, settings: &[(&'static str, String)]) -> Self {
        let port = free_port();
        let mut all = vec![
            ("LISTEN", format!("127.0.0.1:{port}")),
            ("DATA_DIR", folder.join("data").display().to_string()),
            ("ADMIN_TOKEN", TOKEN.to_owned()),
            ("STRIPE_WEBHOOK_SECRET", SECRET.to_owned()),
            ("STRIPE_MODE", "test".to_owned()),
        ];
        if !settings.iter().any(|(name, _)| *name == "MQTT_URL") {
            all.push(("MQTT_LOOPBACK", format!("127.0.0.1:{}", free_port())));
        }
        all.extend_from_slice(settings);
        Self {
            port,
            folder: folder.to_owned(),
            settings: all,
            program: None,
        }
    }

    /// A server that knows no webhook secret.
    pub fn without_secret(folder: &Path) -> Self {
        let mut server = Self::new(folder, &[]);
        let secret = |(name, _): &(&str, String)| *name != "STRIPE_WEBHOOK_SECRET";
        server.settings.retain(secret);
        server
    }

    /// Gives it a setting that counts from its next start on.
    pub fn set(&mut self, name: &'static str, value: &str) {
        self.settings.push((name, value.to_owned()));
    }

    /// Starts it and waits until it is ready.
    pub fn start(&mut self) {
        self.launch();
        wait::until("the server is ready", || {
            self.program.as_mut().expect("just launched").must_run();
            let asked = self.request(Method::GET, "/readyz", None).send();
            asked.is_ok_and(|answer| answer.status == 200).then_some(())
        });
    }

    /// Starts it and waits for nothing.
    pub fn launch(&mut self) {
        let mut command = built("goodstanding");
        command
            .arg("serve")
            .envs(self.settings.iter().map(|(name, value)| (name, value)));
        self.program = Some(Program::start("goodstanding", &self.folder, &mut command));
    }

    /// Whether it was started and not killed since.
    pub fn is_running(&self) -> bool {
        self.program.is_some()
    }

    /// Its database.
    pub fn database(&self) -> PathBuf {
        self.folder.join("data/goodstanding.db")
    }

    /// Kills it.
    pub fn kill(&mut self) {
        self.program.take().expect("it runs").kill();
    }

    /// Kills it and starts it again.
    pub fn restart(&mut self) {
        self.kill();
        self.start();
    }

    /// Its address.
    pub fn url(&self) -> String {
        format!("http://127.0.0.1:{}", self.port)
    }

    /// What the program has said since it was started.
    pub fn said(&self) -> String {
        self.program.as_ref().expect("it runs").said()
    }

    /// The first organisation's place.
    pub fn site(&self) -> Site {
        Site {
            url: self.url(),
            token: TOKEN.to_owned(),
        }
    }

    /// The place of an organisation that is connected, with the token that was shown at the first start.
    pub fn connected(&self, organisation: &str) -> Site {
        let shown =
            format!("Admin token of {organisation}, under /o/{organisation}, shown only now: ");
        // What a program says is read beside what it answers.
        let token = wait::until("the token is shown", || {
            let said = self.said();
            let token = said.lines().find_map(|line| line.strip_prefix(&shown));
            token.map(str::to_owned)
        });
        Site {
            url: format!("{}/o/{organisation}", self.url()),
            token,
        }
    }

    /// A request with the admin's token.
    pub fn request(&self, method: Method, path: &str, body: Option<&Value>) -> Ask {
        self.site().request(method, path, body)
    }

    /// GET below `/api/v1`.
    pub fn get(&self, path: &str) -> Value {
        self.site().get(path)
    }

    /// PUT below `/api/v1`.
    pub fn put(&self, path: &str, body: &Value) -> Value {
        self.site().put(path, body)
    }

    /// POST below `/api/v1`.
    pub fn post(&self, path: &str, body: &Value) -> Value {
        self.site().post(path, body)
    }

    /// A delivery to the webhook endpoint.
    pub fn delivery(&self, header: Option<&str>, body: &[u8]) -> Ask {
        let mut headers = vec![("content-type", "application/json; charset=utf-8".to_owned())];
        headers.extend(header.map(|header| ("stripe-signature", header.to_owned())));
        Ask {
            method: Method::POST,
            url: format!("{}/webhooks/stripe", self.url()),
            headers,
            body: body.to_vec(),
        }
    }

    /// Delivers to the webhook endpoint and returns the answer.
    pub fn deliver(&self, header: Option<&str>, body: &[u8]) -> Answer {
        let answer = self.delivery(header, body).send();
        answer.unwrap_or_else(|error| panic!("no answer to a delivery: {error}"))
    }
}

/// One organisation on a server, as its admin.
pub struct Site {
    /// Its address.
    pub url: String,
    token: String,
}

impl Site {
    /// A request with the admin's token.
    pub fn request(&self, method: Method, path: &str, body: Option<&Value>) -> Ask {
        let mut headers = vec![("authorization", format!("Bearer {}", self.token))];
        if body.is_some() {
            headers.push(("content-type", "application/json".to_owned()));
        }
        Ask {
            method,
            url: format!("{}{path}", self.url),
            headers,
            body: body.map_or_else(Vec::new, |body| body.to_string().into_bytes()),
        }
    }

    fn ask(&self, method: Method, path: &str, body: Option<&Value>) -> Value {
        let request = self.request(method.clone(), &format!("/api/v1{path}"), body);
        let answer = request.send();
        let answer = answer.unwrap_or_else(|error| panic!("{method} {path}: {error}"));
        assert!(
            (200..300).contains(&answer.status),
            "{method} {path}: {} {}",
            answer.status,
            answer.text()
        );
        answer.json()
    }

    /// GET below `/api/v1`.
    pub fn get(&self, path: &str) -> Value {
        self.ask(Method::GET, path, None)
    }

    /// PUT below `/api/v1`.
    pub fn put(&self, path: &str, body: &Value) -> Value {
        self.ask(Method::PUT, path, Some(body))
    }

    /// POST below `/api/v1`.
    pub fn post(&self, path: &str, body: &Value) -> Value {
        self.ask(Method::POST, path, Some(body))
    }
}
