//! Chromium, driven as a person drives it: by the words on buttons and beside fields, which is what a screen reader says, too.

use crate::http::{Ask, RUNTIME};
use crate::program::{Program, command};
use crate::wait;
use fantoccini::elements::Element;
use fantoccini::{Client, ClientBuilder, Locator};
use hyper_util::client::legacy::connect::HttpConnector;
use reqwest::Method;
use serde_json::{Value, json};
use std::path::{Path, PathBuf};

/// Of a desk and of a telephone, in CSS pixels.
const WIDTHS: [u32; 2] = [1440, 390];
/// What axe-core calls no small matter.
const SERIOUS: [&str; 2] = ["serious", "critical"];

/// A browser with its driver.
pub struct Chrome {
    client: Client,
    /// Where the driver listens to what fantoccini has no words for.
    session: String,
    base: String,
    pictures: PathBuf,
    _driver: Program,
}

impl Chrome {
    /// A browser that shows pages below an address; pictures are named after the story.
    pub fn open(folder: &Path, base: &str, story: &str) -> Self {
        Self::with(folder, base, story, json!({}))
    }

    /// One that runs no scripts.
    pub fn without_scripts(folder: &Path, base: &str, story: &str) -> Self {
        let off = json!({"profile.managed_default_content_settings.javascript": 2});
        Self::with(folder, base, story, off)
    }

    fn with(folder: &Path, base: &str, story: &str, preferences: Value) -> Self {
        let name = format!("chromedriver-{story}");
        let mut program = command("chromedriver");
        program.arg("--port=0").env("HOME", folder);
        let mut driver = Program::start(&name, folder, &mut program);
        let port: u16 = wait::until("the browser's driver listens", || {
            driver.must_run();
            let said = driver.said();
            let port = said.split("started successfully on port ").nth(1)?;
            port.split('.').next()?.parse().ok()
        });
        let profile = folder.join(format!("profile-{story}"));
        // Nothing is fetched but what a page asks for, and nothing is kept.
        let arguments = [
            "--headless",
            "--no-sandbox",
            "--disable-gpu",
            "--disable-dev-shm-usage",
            "--no-first-run",
            "--disable-background-networking",
            "--disable-component-update",
            "--disable-sync",
            // What moves cannot be clicked.
            "--force-prefers-reduced-motion",
            "--lang=en",
            &format!("--user-data-dir={}", profile.display()),
        ];
        let options = json!({"args": arguments, "prefs": preferences});
        let wanted = json!({"goog:chromeOptions": options});
        let wanted = wanted.as_object().expect("an object").clone();
        let address = format!("http://127.0.0.1:{port}");
        let (client, session) = RUNTIME.block_on(async {
            let mut builder = ClientBuilder::new(HttpConnector::new());
            let client = builder.capabilities(wanted).connect(&address).await;
            let client = client.expect("the browser starts");
            let session = client.session_id().await.expect("it answers");
            (client, session.expect("it has begun"))
        });
        let pictures = wait::folder("GS_PICTURES").join(story);
        std::fs::create_dir_all(&pictures).expect("a folder under target");
        Self {
            client,
            session: format!("{address}/session/{session}"),
            base: base.to_owned(),
            pictures,
            _driver: driver,
        }
    }

    /// Opens a page.
    pub fn go(&self, path: &str) {
        let url = format!("{}{path}", self.base);
        RUNTIME
            .block_on(self.client.goto(&url))
            .expect("the page opens");
    }

    /// The address of the page, below the server's own.
    pub fn path(&self) -> String {
        let url = RUNTIME.block_on(self.client.current_url());
        let url = url.expect("a page is open");
        url.path().to_owned()
    }

    /// Presses the button of these words.
    pub fn press(&self, words: &str) {
        self.click(&button(words));
    }

    /// The same where the answer waits for something that is done meanwhile: the driver may wait for the answer.
    pub fn press_and_meanwhile(&self, words: &str, meanwhile: impl FnOnce()) {
        let button = self.shown(&button(words));
        let pressed = RUNTIME.spawn(async move { button.click().await });
        meanwhile();
        let pressed = RUNTIME.block_on(pressed).expect("it does not panic");
        pressed.expect("it can be clicked");
    }

    /// Follows the link of these words.
    pub fn follow(&self, words: &str) {
        self.click(&format!("//a[contains(normalize-space(.), {words:?})]"));
    }

    /// Unfolds what is under these words.
    pub fn unfold(&self, words: &str) {
        self.click(&format!("//summary[normalize-space(.)={words:?}]"));
    }

    /// Types into the field beside these words, in place of what is there.
    pub fn fill(&self, words: &str, text: &str) {
        let field = self.shown(&field(words));
        RUNTIME.block_on(async {
            field.clear().await.expect("a field");
            field.send_keys(text).await.expect("a field");
        });
    }

    /// Types into the field beside these words, letter by letter, and presses nothing.
    pub fn type_into(&self, words: &str, text: &str) {
        let field = self.shown(&field(words));
        RUNTIME.block_on(field.send_keys(text)).expect("a field");
    }

    /// Chooses a file for the field beside these words.
    pub fn upload(&self, words: &str, file: &Path) {
        let file = file.to_str().expect("a plain path");
        self.type_into(words, file);
    }

    /// Ticks the box that is called so.
    pub fn tick(&self, name: &str) {
        self.click(&format!("//input[@aria-label={name:?}]"));
    }

    /// Chooses from the list beside these words.
    pub fn choose(&self, words: &str, choice: &str) {
        let list = self.shown(&field(words));
        RUNTIME
            .block_on(list.select_by_label(choice))
            .expect("a choice");
    }

    /// What stands in a field that nobody sees.
    pub fn hidden(&self, name: &str) -> String {
        let path = format!("//input[@name={name:?}]");
        let value = RUNTIME.block_on(async {
            let field = self.client.find(Locator::XPath(&path)).await?;
            field.prop("value").await
        });
        value.expect("a field").expect("a value")
    }

    /// Presses keys, one after the other, where the keyboard's focus is.
    pub fn keys(&self, keys: &str) {
        let pressed = RUNTIME.block_on(self.focus().send_keys(keys));
        pressed.expect("it takes keys");
    }

    /// The same where the answer waits for something that is done meanwhile.
    pub fn keys_and_meanwhile(&self, keys: &str, meanwhile: impl FnOnce()) {
        let (focus, keys) = (self.focus(), keys.to_owned());
        let pressed = RUNTIME.spawn(async move { focus.send_keys(&keys).await });
        meanwhile();
        let pressed = RUNTIME.block_on(pressed).expect("it does not panic");
        pressed.expect("it takes keys");
    }

    /// What the element with the keyboard's focus says.
    pub fn focused(&self) -> String {
        RUNTIME.block_on(self.focus().text()).expect("text")
    }

    fn focus(&self) -> Element {
        let focused = RUNTIME.block_on(self.client.active_element());
        focused.expect("something has it")
    }

    /// Waits until the page says this.
    pub fn sees(&self, text: &str) {
        wait::until(&format!("the page says {text:?}"), || {
            self.text()?.contains(text).then_some(())
        });
    }

    /// What can be read; none while another page comes.
    pub fn text(&self) -> Option<String> {
        RUNTIME.block_on(async {
            let body = self.client.find(Locator::Css("body")).await.ok()?;
            body.text().await.ok()
        })
    }

    /// Runs a script on the page.
    pub fn run(&self, script: &str) -> Value {
        let ran = RUNTIME.block_on(self.client.execute(script, Vec::new()));
        ran.expect("a script that runs")
    }

    /// Keeps pictures of the page, by day and by night, at a desk and on a telephone, and fails if axe-core finds a serious
    /// flaw or if anything is cut off at the side.
    pub fn looks_right(&self, name: &str) {
        let axe = wait::folder("GS_AXE").join("axe.min.js");
        let axe = std::fs::read_to_string(axe).expect("axe-core is installed");
        for width in WIDTHS {
            for scheme in ["light", "dark"] {
                let media =
                    json!({"features": [{"name": "prefers-color-scheme", "value": scheme}]});
                self.tell("Emulation.setEmulatedMedia", &media);
                // As tall as the page, so that all of it is seen.
                self.size(width, 900);
                let height = self
                    .run("return document.documentElement.scrollHeight")
                    .as_u64();
                let height = u32::try_from(height.expect("a number")).expect("no such page");
                self.size(width, height.max(900));
                let picture = RUNTIME
                    .block_on(self.client.screenshot())
                    .expect("a picture");
                let file = format!("{name}-{width}-{scheme}.png");
                std::fs::write(self.pictures.join(file), picture).expect("it is kept");
                let over = self
                    .run("return document.documentElement.scrollWidth - innerWidth")
                    .as_i64();
                assert!(over <= Some(0), "{name} is {over:?} too wide for {width}");
                let found = self.flaws(&axe);
                assert!(found.is_empty(), "{name} at {width}, {scheme}: {found:#?}");
            }
        }
        self.tell("Emulation.setEmulatedMedia", &json!({"features": []}));
        self.tell("Emulation.clearDeviceMetricsOverride", &json!({}));
    }

    fn flaws(&self, axe: &str) -> Vec<Value> {
        let script = format!(
            "const done = arguments[arguments.length - 1]; {axe}; \
             axe.run().then(found => done(found.violations), error => done([{{impact: 'critical', id: String(error)}}]));"
        );
        let found = RUNTIME.block_on(self.client.execute_async(&script, Vec::new()));
        let found = found.expect("a script that runs");
        let found = found.as_array().expect("a list").iter();
        let serious = found.filter(|flaw| {
            let impact = flaw["impact"].as_str().unwrap_or_default();
            SERIOUS.contains(&impact)
        });
        serious
            .map(|flaw| json!([flaw["id"], flaw["nodes"][0]["html"]]))
            .collect()
    }

    fn size(&self, width: u32, height: u32) {
        let metrics =
            json!({"width": width, "height": height, "deviceScaleFactor": 1, "mobile": false});
        self.tell("Emulation.setDeviceMetricsOverride", &metrics);
    }

    /// Gives the browser a device that keeps passkeys, and whose owner shows a finger or does not
    /// (www.w3.org/TR/webauthn-3, section 11).
    pub fn plug_in(&self, is_verified: bool) {
        let device = json!({
            "protocol": "ctap2",
            "transport": "internal",
            "hasResidentKey": true,
            "hasUserVerification": true,
            "isUserVerified": is_verified,
        });
        self.post("webauthn/authenticator", &device);
    }

    /// Tells the browser something that drivers have no words for (chromedevtools.github.io/devtools-protocol).
    fn tell(&self, word: &str, what: &Value) {
        self.post("goog/cdp/execute", &json!({"cmd": word, "params": what}));
    }

    fn post(&self, path: &str, what: &Value) {
        let asked = Ask {
            method: Method::POST,
            url: format!("{}/{path}", self.session),
            headers: vec![("content-type", "application/json".to_owned())],
            body: what.to_string().into_bytes(),
        };
        let answer = asked.send().expect("the driver answers");
        assert_eq!(answer.status, 200, "{path} {what}: {}", answer.text());
    }

    fn click(&self, path: &str) {
        let element = self.shown(path);
        RUNTIME
            .block_on(element.click())
            .expect("it can be clicked");
    }

    /// The first element of a path that can be seen.
    fn shown(&self, path: &str) -> Element {
        wait::until(&format!("the page shows {path}"), || {
            RUNTIME.block_on(async {
                let found = self.client.find_all(Locator::XPath(path)).await.ok()?;
                for element in found {
                    if element.is_displayed().await.is_ok_and(|shown| shown) {
                        return Some(element);
                    }
                }
                None
            })
        })
    }
}

impl Drop for Chrome {
    fn drop(&mut self) {
        if std::thread::panicking()
            && let Ok(picture) = RUNTIME.block_on(self.client.screenshot())
        {
            let file = self.pictures.join("failed.png");
            eprintln!("--- what was shown last: {}", file.display());
            drop(std::fs::write(file, picture));
        }
        // The browser ends with its session; the driver is ended after it.
        drop(RUNTIME.block_on(self.client.clone().close()));
    }
}

fn button(words: &str) -> String {
    format!("//button[normalize-space(.)={words:?}]")
}

/// The field that is labelled so.
fn field(words: &str) -> String {
    let label = format!("//label[normalize-space(text())={words:?}]");
    format!("{label}//input | {label}//select | {label}//textarea")
}
