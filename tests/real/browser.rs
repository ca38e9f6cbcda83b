//! People at the pages: Chromium, the built server, Stripe's simulation and a simulated door.
//!
//! `tests/run browser` says where everything is and keeps the pictures under `target/browser`.

pub mod chrome;
mod desk;
mod guide;
mod own;
mod places;
mod provider;

use crate::agent::Seen;
use crate::club::{Club, Way};
use crate::wait;
use chrome::Chrome;
use serde_json::json;
use server::staff::CodeSecret;

const PASSWORD: &str = "seven lathes under cobalt rain";
const CARD: &str = "0415AB01CD";

/// A club with a door at which cards are enrolled.
pub fn club() -> Club {
    let mut club = Club::furnished(Way::Webhook, &[]);
    club.bring_agent();
    let door =
        json!({"name": "Front", "zone": "wood", "agent": crate::agent::AGENT, "enrols": true});
    club.server.put("/doors/front", &door);
    club
}

/// Comes in as the first owner, by the server's token.
pub fn come_in(chrome: &Chrome) {
    chrome.go("/admin");
    assert_eq!(chrome.path(), "/admin/welcome");
    let secret = CodeSecret::read(&chrome.hidden("secret")).expect("a secret");
    chrome.fill("The server's token", crate::server::TOKEN);
    chrome.fill("Name", "Olga Owner");
    chrome.fill("Mail address", "olga@club.example");
    chrome.fill("New password", PASSWORD);
    chrome.fill("Code of your phone", &secret.code(wait::now()));
    chrome.press("Begin");
    chrome.sees("Today");
    assert_eq!(chrome.path(), "/admin");
}

/// Makes a member, whose page is shown then.
pub fn make_member(chrome: &Chrome, name: &str) {
    chrome.follow("Members");
    chrome.unfold("New member");
    chrome.fill("Name", name);
    chrome.press("New member");
    chrome.sees("No card yet.");
}

#[test]
fn from_the_servers_token_to_the_first_badge_and_to_a_lost_card() {
    let mut club = club();
    let chrome = Chrome::open(club.folder.path(), &club.server.url(), "first-badge");
    chrome.go("/admin");
    chrome.looks_right("welcome");
    come_in(&chrome);

    make_member(&chrome, "Ada");
    chrome.unfold("Record a payment");
    chrome.fill("Amount", "40,00");
    chrome.choose("Membership type", "Wood");
    chrome.press("Record a payment");
    chrome.sees("in good standing");
    chrome.sees("40.00 EUR");

    chrome.press_and_meanwhile("Enrol a card at Front", || {
        wait::until("the card is enrolled", || {
            club.agent.show("front", CARD);
            let cards = club.server.get("/cards");
            (cards["items"].as_array()?.len() == 1).then_some(())
        });
    });
    chrome.sees("…01CD");
    chrome.looks_right("member");
    club.settled();

    // What happens at the door is on the open page, which was not loaded again.
    chrome.go("/admin");
    chrome.sees("Front");
    chrome.run("window.kept = true");
    assert_eq!(club.agent.tap("front", CARD), Seen::Opens);
    chrome.sees("Ada");
    assert_eq!(chrome.run("return window.kept"), true);
    chrome.looks_right("today");

    chrome.follow("Ada");
    chrome.press("Lost");
    chrome.sees("Found again");
    club.settled();
    assert_eq!(club.agent.tap("front", CARD), Seen::Refuses);
    for (page, words) in [
        ("members", "Ada"),
        ("badges", "reported lost"),
        ("doors", "Has the newest list."),
        ("attention", "Attention"),
        ("people", "olga@club.example"),
        ("me", "(here)"),
    ] {
        chrome.go(&format!("/admin/{page}"));
        chrome.sees(words);
        chrome.looks_right(page);
    }
}

#[test]
fn a_lockdown_shuts_members_out_until_it_is_ended() {
    let mut club = club();
    let ada = club.member("Ada", CARD);
    let grant = json!({"membership": "5", "reason": "the test"});
    club.server.post(&format!("/members/{ada}/grants"), &grant);
    club.settled();
    let chrome = Chrome::open(club.folder.path(), &club.server.url(), "lockdown");
    come_in(&chrome);
    chrome.follow("Doors");
    chrome.unfold("Lock this zone down");
    chrome.fill("Why", "a fight");
    chrome.press("Lock this zone down");
    chrome.sees("locked down");
    club.settled();
    // Zones in the order of their names: metal was first.
    assert_eq!(club.agent.tap("front", CARD), Seen::Opens);
    chrome.go("/admin/doors");
    chrome.unfold("Lock this zone down");
    chrome.fill("Why", "it goes on");
    chrome.press("Lock this zone down");
    club.settled();
    assert_eq!(club.agent.tap("front", CARD), Seen::Refuses);
    chrome.looks_right("locked");
}

#[test]
fn without_scripts_everything_works_but_what_is_live() {
    let mut club = club();
    let chrome = Chrome::without_scripts(club.folder.path(), &club.server.url(), "no-scripts");
    come_in(&chrome);
    make_member(&chrome, "Grace Hopper");
    chrome.unfold("Type a card's number");
    chrome.fill("Number of the card", CARD);
    chrome.press("Give this card");
    chrome.sees("…01CD");
    chrome.unfold("Give access");
    chrome.choose("Membership type", "Wood");
    chrome.fill("Why", "a guest");
    chrome.press("Give access");
    chrome.sees("in good standing");
    chrome.follow("Members");
    chrome.fill("Name or address", "hopp");
    chrome.press("Search");
    chrome.sees("Grace Hopper");
    club.settled();
    assert_eq!(club.agent.tap("front", CARD), Seen::Opens);
    // What is not live is there when the page is loaded again.
    wait::until("the page shows who came", || {
        chrome.go("/admin/badges");
        chrome.text()?.contains("Grace Hopper").then_some(())
    });
}

#[test]
fn a_passkey_lets_in_without_password_and_code() {
    let club = club();
    // Passkeys are kept for names, not for numbers.
    let address = club.server.url().replace("127.0.0.1", "localhost");
    let chrome = Chrome::open(club.folder.path(), &address, "passkey");
    chrome.plug_in(true);
    come_in(&chrome);
    chrome.go("/admin/me");
    chrome.fill("Name of the passkey", "This laptop");
    chrome.press("Add a passkey");
    chrome.sees("never used");
    chrome.looks_right("me");
    chrome.press("Sign out");
    chrome.sees("Sign in with a passkey");
    chrome.looks_right("sign-in");
    chrome.press("Sign in with a passkey");
    chrome.sees("Today");
    assert_eq!(chrome.path(), "/admin");
    chrome.go("/admin/audit");
    chrome.sees("signed in");
    chrome.press("Check the whole log");
    chrome.sees("The log is");
    chrome.looks_right("audit");
    chrome.go("/admin/me");
    chrome.press("Remove");
    chrome.sees("No passkey yet.");
    chrome.press("Sign out");
    chrome.press("Sign in with a passkey");
    chrome.sees("That was not right");
    assert_eq!(chrome.path(), "/admin/sign-in/passkey");
}

#[test]
fn a_keyboard_is_enough() {
    const TAB: &str = "\u{e004}";
    const ENTER: &str = "\u{e007}";
    let club = club();
    let chrome = Chrome::open(club.folder.path(), &club.server.url(), "keyboard");
    come_in(&chrome);
    let reach = |words: &str| {
        let reached = (0..60).any(|_| {
            chrome.keys(TAB);
            chrome.focused() == words
        });
        assert!(reached, "no way to {words:?} by the keyboard");
    };
    chrome.go("/admin");
    chrome.keys(TAB);
    assert_eq!(chrome.focused(), "To the content");
    reach("Members");
    chrome.keys(ENTER);
    chrome.sees("New member");
    reach("New member");
    chrome.keys(ENTER);
    chrome.keys(TAB);
    chrome.keys("Ada");
    chrome.keys(ENTER);
    chrome.sees("No card yet.");
    assert_eq!(club.server.get("/members")["items"][0]["name"], "Ada");
}
