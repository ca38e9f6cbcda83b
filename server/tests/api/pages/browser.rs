//! A browser as far as the pages can tell: it keeps cookies, and says where a form was sent from.

use crate::support::{Api, TOKEN};
use axum::body::{Body, to_bytes};
use axum::http::{HeaderMap, Method, Request, StatusCode, header};
use server::rights::Role;
use server::staff::CodeSecret;
use shared::time::Span;
use std::cell::RefCell;
use std::collections::BTreeMap;

pub const PASSWORD: &str = "seven lathes under cobalt rain";

pub struct Browser<'a> {
    pub api: &'a Api,
    pub cookies: RefCell<BTreeMap<String, String>>,
    /// Of whoever came in as the first of all.
    pub codes: RefCell<Option<CodeSecret>>,
}

/// What came back.
pub struct Shown {
    pub status: StatusCode,
    pub headers: HeaderMap,
    pub text: String,
}

impl Shown {
    pub fn location(&self) -> &str {
        let location = self.headers.get(header::LOCATION);
        location.map_or("", |location| location.to_str().expect("text"))
    }

    pub fn says(&self, text: &str) -> bool {
        self.text.contains(text)
    }

    /// The value of a field.
    pub fn field(&self, name: &str) -> String {
        let start = format!("name=\"{name}\" value=\"");
        let found = self
            .text
            .split(&start)
            .nth(1)
            .and_then(|rest| rest.split('"').next());
        found
            .unwrap_or_else(|| panic!("no field {name} in {}", self.text))
            .to_owned()
    }
}

impl<'a> Browser<'a> {
    pub fn new(api: &'a Api) -> Self {
        Self {
            api,
            cookies: RefCell::default(),
            codes: RefCell::default(),
        }
    }

    pub async fn get(&self, path: &str) -> Shown {
        self.send(Request::get(path), String::new()).await
    }

    pub async fn post(&self, path: &str, fields: &[(&str, &str)]) -> Shown {
        self.post_from(path, fields, "same-origin").await
    }

    /// Posts a form that stood on a page of this site (www.w3.org/TR/fetch-metadata).
    pub async fn post_from(&self, path: &str, fields: &[(&str, &str)], site: &str) -> Shown {
        let body = serde_html_form::to_string(fields).expect("a form");
        let request = Request::post(path)
            .header("sec-fetch-site", site)
            .header(header::CONTENT_TYPE, "application/x-www-form-urlencoded");
        self.send(request, body).await
    }

    /// Posts a form with a file (RFC 7578).
    pub async fn upload(&self, path: &str, fields: &[(&str, &str)], file: &[u8]) -> Shown {
        let mut body = Vec::new();
        for (name, value) in fields {
            let head = format!("--part\r\nContent-Disposition: form-data; name=\"{name}\"\r\n\r\n");
            body.extend([head.as_bytes(), value.as_bytes(), b"\r\n"].concat());
        }
        let head = "--part\r\nContent-Disposition: form-data; name=\"file\"; filename=\"members.csv\"\r\n\r\n";
        body.extend([head.as_bytes(), file, b"\r\n--part--\r\n"].concat());
        let request = Request::post(path)
            .header("sec-fetch-site", "same-origin")
            .header(header::CONTENT_TYPE, "multipart/form-data; boundary=part");
        self.send(request, body).await
    }

    async fn send(&self, request: axum::http::request::Builder, body: impl Into<Body>) -> Shown {
        let cookies = self.cookies.borrow().clone();
        let pairs: Vec<String> = cookies
            .iter()
            .map(|(name, value)| format!("{name}={value}"))
            .collect();
        let request = request
            .header(header::HOST, "club.example")
            .header(header::ORIGIN, "https://club.example")
            .header(header::COOKIE, pairs.join("; "))
            .header(header::ACCEPT_LANGUAGE, "en");
        let request = request.body(body.into()).expect("a request");
        // Who comes back from the provider follows a redirect.
        let comes_back = request.uri().path() == "/admin/sign-in/provider";
        let changes = request.method() != Method::GET || comes_back;
        let response = self.api.send(request).await;
        for cookie in response.headers().get_all(header::SET_COOKIE) {
            let cookie = cookie.to_str().expect("text");
            let (pair, rest) = cookie.split_once(';').expect("attributes");
            let (name, value) = pair.split_once('=').expect("a pair");
            assert!(
                changes && rest.contains("HttpOnly") && rest.contains("SameSite=Lax"),
                "{cookie}"
            );
            if rest.contains("Max-Age=0") {
                self.cookies.borrow_mut().remove(name);
            } else {
                self.cookies
                    .borrow_mut()
                    .insert(name.to_owned(), value.to_owned());
            }
        }
        let (status, headers) = (response.status(), response.headers().clone());
        let body = to_bytes(response.into_body(), usize::MAX)
            .await
            .expect("a body");
        let text = String::from_utf8(body.to_vec()).expect("text");
        Shown {
            status,
            headers,
            text,
        }
    }

    /// Comes in by the server's token, as the first of all.
    pub async fn found(&self) -> CodeSecret {
        let page = self.get("/admin/welcome").await;
        assert_eq!(page.status, StatusCode::OK);
        let secret = page.field("secret");
        let codes = CodeSecret::read(&secret).expect("a secret");
        let fields = [
            ("token", TOKEN),
            ("name", "Olga Owner"),
            ("mail", "olga@club.example"),
            ("password", PASSWORD),
            ("secret", &secret),
            ("code", &codes.code(self.api.now())),
        ];
        let page = self.post("/admin/welcome", &fields).await;
        assert_eq!(
            (page.status, page.location()),
            (StatusCode::SEE_OTHER, "/admin"),
            "{}",
            page.text
        );
        *self.codes.borrow_mut() = CodeSecret::read(&secret);
        codes
    }

    /// Comes in by an invitation that this one makes.
    pub async fn invites(&self, role: Role) -> (Browser<'a>, CodeSecret) {
        let mail = format!("{}@club.example", role.word());
        let fields = [
            ("name", role.word()),
            ("mail", &*mail),
            ("role", role.word()),
        ];
        let page = self.post("/admin/people", &fields).await;
        assert_eq!(page.status, StatusCode::OK, "{}", page.text);
        let link = page
            .text
            .split("/admin/welcome?invitation=")
            .nth(1)
            .expect("a link");
        let link = link.split(['"', '<']).next().expect("it ends").to_owned();
        let other = Browser::new(self.api);
        let page = other
            .get(&format!("/admin/welcome?invitation={link}"))
            .await;
        let secret = page.field("secret");
        let codes = CodeSecret::read(&secret).expect("a secret");
        let fields = [
            ("invitation", &*link),
            ("password", PASSWORD),
            ("secret", &secret),
            ("code", &codes.code(self.api.now())),
        ];
        let page = other.post("/admin/welcome", &fields).await;
        assert_eq!(page.status, StatusCode::SEE_OTHER, "{}", page.text);
        (other, codes)
    }

    /// Signs in with the next code.
    pub async fn signs_in(&self, mail: &str, password: &str, codes: &CodeSecret) -> Shown {
        self.api.wait(Span::seconds(30));
        let code = codes.code(self.api.now());
        let fields = [("mail", mail), ("password", password), ("code", &code)];
        self.post("/admin/sign-in", &fields).await
    }
}
