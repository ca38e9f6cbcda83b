//! From the server's token to the first badge by the guide, with Stripe pulled; then a plan change, and an empty list.

use super::chrome::Chrome;
use super::{CARD, come_in};
use crate::agent::{Agent, Seen};
use crate::server::Server;
use crate::stripe::{KEY, Stripe, WOOD};
use crate::wait;
use serde_json::json;
use tests::stripe_sim::Subscribe;

#[test]
fn the_guide_leads_from_the_token_to_the_first_badge_and_money_is_seen_to() {
    let folder = wait::scratch();
    let stripe = Stripe::start(folder.path());
    let mut server = Server::without_secret(folder.path());
    server.start();
    let chrome = Chrome::open(folder.path(), &server.url(), "guide");
    come_in(&chrome);
    chrome.sees("0 of 6 done");
    chrome.follow("Go on with the first steps");
    chrome.fill("What the club is called", "Sparks");
    chrome.fill("Time zone", "Europe/Berlin");
    chrome.press("Save");

    chrome.sees("The server has no key yet.");
    chrome.looks_right("stripe-without-key");
    server.set("STRIPE_SECRET_KEY", KEY);
    server.set("STRIPE_API_BASE", &stripe.serve());
    server.restart();
    chrome.go("/admin/start");
    wait::until("the key has read", || {
        (server.get("/stripe")["way"] == "pull").then_some(())
    });
    chrome.run("document.getElementById('stripe').open = true");
    chrome.press("Check what the key may read");
    chrome.sees("The key reads what is needed.");
    chrome.looks_right("key");

    chrome.press("Take all of them over");
    chrome.sees("Opened at all hours by");
    chrome.fill("Name", "Workshop");
    chrome.press("Save");
    chrome.sees("Make the door and its pairing code");
    chrome.fill("What the door is called", "front");
    chrome.fill("What the Raspberry Pi is called", "Pi");
    chrome.press("Make the door and its pairing code");
    chrome.sees("--code");
    chrome.looks_right("door");
    let text = chrome.text().expect("a page is open");
    let code = text.split("--code ").nth(1).expect("a code");
    let code = code.split_whitespace().next().expect("it ends");
    let mut agent = Agent::new(folder.path(), &["front"]);
    let paired = agent.try_pair(&server.url(), code);
    assert!(paired.status.success(), "{paired:?}");
    agent.start();

    let mut sim = stripe.sim();
    let ada = sim.create_customer(Some("ada@example.org"), Some("Ada"), &[]);
    sim.subscribe(&ada, &[(WOOD, 1)], Subscribe::default());
    drop(sim);
    wait::until("who pays at Stripe is a member", || {
        let members = server.get("/members?state=good");
        (members["items"][0]["name"] == "Ada").then_some(())
    });
    chrome.go("/admin/start");
    chrome.sees("Has no card that works.");
    chrome.looks_right("locked-out");

    chrome.follow("Attention");
    chrome.fill("Number of the card", CARD);
    chrome.press("Give a card");
    chrome.sees("Nothing needs you.");
    wait::until("the door knows", || {
        let zones = &server.get("/agents/pi")["report"]["zones"];
        (zones[0]["current"] == true).then_some(())
    });
    assert_eq!(agent.tap("front", CARD), Seen::Opens);
    wait::until("the first badge is here", || {
        let steps = server.get("/start");
        let steps = steps.as_array()?.iter();
        steps.clone().all(|step| step["done"] == true).then_some(())
    });
    chrome.go("/admin/start");
    chrome.sees("All is done: the doors work.");
    chrome.sees("Nobody who pays or may come in.");
    chrome.looks_right("done");

    chrome.follow("Members");
    chrome.follow("Ada");
    chrome.sees("5.00 USD");
    chrome.looks_right("member");
    chrome.follow("Change the plan");
    chrome.press("See what it costs");
    chrome.sees("To be paid");
    chrome.looks_right("preview");
    chrome.press("Change it so");
    wait::until("the plan has changed", || {
        let member = server.get("/members/1");
        let access = member["standing"]["access"].as_array()?.iter();
        access
            .clone()
            .any(|access| access["membership"] == json!("7"))
            .then_some(())
    });
    for (page, words) in [
        ("payments", "5.00 USD"),
        ("paying-nothing", "Everybody who is let in pays."),
        ("stripe", "By a key"),
        ("stripe/inbox", "invoice.paid"),
        ("stripe/catalogue", "Memberships"),
        ("stripe/reconciliation", "Compare, change nothing"),
    ] {
        chrome.go(&format!("/admin/{page}"));
        chrome.sees(words);
        chrome.looks_right(&page.replace('/', "-"));
    }
    chrome.press("Compare, change nothing");
    chrome.sees("Nothing differs.");
}
