//! HTTP as other programs speak it.

use reqwest::{Client, Method};
use serde_json::Value;
use std::sync::LazyLock;
use tokio::runtime::Runtime;
use tokio::task::JoinHandle;

/// Where requests and the tests' own servers run.
pub static RUNTIME: LazyLock<Runtime> = LazyLock::new(|| Runtime::new().expect("a runtime"));

static CLIENT: LazyLock<Client> = LazyLock::new(|| {
    server::doors::tls::install_crypto();
    // A kept connection to a server that was killed since would fail what is asked next.
    Client::builder()
        .pool_max_idle_per_host(0)
        .build()
        .expect("a client")
});

/// What came back.
#[derive(Debug, Clone)]
pub struct Answer {
    /// The HTTP status.
    pub status: u16,
    /// The body.
    pub body: Vec<u8>,
}

impl Answer {
    /// The body as text.
    pub fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }

    /// The body as JSON; null if there is none.
    pub fn json(&self) -> Value {
        if self.body.is_empty() {
            return Value::Null;
        }
        serde_json::from_slice(&self.body)
            .unwrap_or_else(|_| panic!("{} {}", self.status, self.text()))
    }
}

/// A request.
#[derive(Debug, Clone)]
pub struct Ask {
    /// Which.
    pub method: Method,
    /// Where.
    pub url: String,
    /// With these headers.
    pub headers: Vec<(&'static str, String)>,
    /// With this body.
    pub body: Vec<u8>,
}

impl Ask {
    /// Asks within the runtime; an error if nobody answers.
    pub async fn answer(self) -> Result<Answer, reqwest::Error> {
        let mut request = CLIENT.request(self.method, self.url).body(self.body);
        for (name, value) in self.headers {
            request = request.header(name, value);
        }
        let answer = request.send().await?;
        let status = answer.status().as_u16();
        let body = answer.bytes().await?.to_vec();
        Ok(Answer { status, body })
    }

    /// Begins the request; the answer can be waited for later.
    pub fn begin(self) -> JoinHandle<Result<Answer, reqwest::Error>> {
        RUNTIME.spawn(self.answer())
    }

    /// Asks; an error if nobody answers.
    pub fn send(self) -> Result<Answer, reqwest::Error> {
        RUNTIME.block_on(self.begin()).expect("it does not panic")
    }
}
