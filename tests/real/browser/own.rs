//! A member at their own page, on a telephone before the door.

use super::chrome::Chrome;
use crate::agent::Seen;
use crate::club::{Club, Kill, Way};
use crate::stripe::WOOD;
use crate::wait;
use serde_json::json;
use tests::stripe_sim::Subscribe;

const CARD: &str = "0415AB01CD";

/// Where the link of the newest letter leads.
fn link(club: &Club) -> String {
    let data = club.server.database();
    let mail = data.parent().expect("a folder").join("mail");
    wait::until("the letter is there", || {
        let folders = std::fs::read_dir(&mail).ok()?.flatten();
        let files = folders.flat_map(|folder| std::fs::read_dir(folder.path()));
        let newest = files.flatten().flatten().map(|file| file.path()).max()?;
        let letter = std::fs::read_to_string(newest).ok()?;
        // RFC 2045, 6.7
        let letter = letter.replace("=\r\n", "").replace("=3D", "=");
        let (_, rest) = letter.split_once("/me/enter?link=")?;
        let token = rest.split_whitespace().next()?;
        Some(format!("/me/enter?link={token}"))
    })
}

#[test]
fn a_member_finds_out_why_the_card_did_not_open_and_pays() {
    let mut club = Club::open(Way::WebhookAndKey);
    let ada = club.member("Ada", CARD);
    let grant = json!({"membership": "5", "reason": "an evening to look around"});
    let grant = club.server.post(&format!("/members/{ada}/grants"), &grant);
    club.settled();
    assert_eq!(club.tap("front", CARD), Seen::Opens);
    club.server
        .post(&format!("/grants/{}/end", grant["id"]), &json!({}));
    let customer = {
        let mut sim = club.stripe.sim();
        let customer = sim.create_customer(Some("ada@example.org"), Some("Ada"), &[]);
        sim.set_card(&customer, false);
        sim.subscribe(&customer, &[(WOOD, 1)], Subscribe::default());
        customer
    };
    club.deliver(Kill::Never);
    let link_to = json!({"member": ada});
    club.server
        .post(&format!("/customers/{customer}/link"), &link_to);
    club.settled();
    assert_eq!(club.tap("front", CARD), Seen::Refuses);

    let chrome = Chrome::open(club.folder.path(), &club.server.url(), "own");
    chrome.go("/me");
    assert_eq!(chrome.path(), "/me/sign-in");
    chrome.looks_right("own-sign-in");
    chrome.fill("Mail address", "ada@example.org");
    chrome.press("Send me a link");
    chrome.sees("a link is on its way");
    chrome.go(&link(&club));
    chrome.press("My membership: come in");
    chrome.sees("Why did my card not open?");
    chrome.sees("Your membership has ended");
    chrome.sees("Pay 5.00 USD");
    chrome.looks_right("own");

    // Another window pays at Stripe; this page learns of it.
    chrome.run("window.kept = true");
    club.stripe.sim().pay_open_invoice(&customer);
    club.deliver(Kill::Never);
    chrome.sees("tap your card");
    chrome.sees("You are in good standing.");
    assert_eq!(chrome.run("return window.kept"), true);
    assert_eq!(club.tap("front", CARD), Seen::Opens);

    chrome.unfold("I have lost it");
    chrome.press("Yes, it is lost");
    chrome.sees("Doors refuse it.");
    club.settled();
    assert_eq!(club.tap("front", CARD), Seen::Refuses);
    chrome.follow("Erase all that is kept about me");
    chrome.sees("end my subscriptions");
    chrome.looks_right("own-forget");
}
