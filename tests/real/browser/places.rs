//! The front desk at the pages: cards, fobs that are lent, hours and lockdowns, in Chromium with a simulated door.

use super::chrome::Chrome;
use super::{club, come_in, make_member};
use crate::agent::Seen;
use crate::wait;
use serde_json::json;

const CARD: &str = "0415AB01CD";
const FOB: &str = "0415AB77FF";
const ENTER: &str = "\u{e007}";
const ALT_E: &str = "\u{e00a}e\u{e000}";

#[test]
fn from_any_page_a_card_is_enrolled_by_four_keys_and_two_taps() {
    let mut club = club();
    let chrome = Chrome::open(club.folder.path(), &club.server.url(), "enrol");
    come_in(&chrome);
    make_member(&chrome, "Ada");
    chrome.unfold("Record a payment");
    chrome.fill("Amount", "40,00");
    chrome.choose("Membership type", "Wood");
    chrome.press("Record a payment");
    chrome.sees("in good standing");
    chrome.go("/admin/badges");
    // Alt and E: the field that is on every page. Nothing typed: whoever has no card yet is asked for.
    chrome.keys(ALT_E);
    chrome.keys(ENTER);
    chrome.sees("Whose card will it be?");
    chrome.looks_right("whose");
    chrome.keys_and_meanwhile(ENTER, || {
        wait::until("the card is enrolled", || {
            club.agent.show("front", CARD);
            let cards = club.server.get("/cards");
            (cards["items"].as_array()?.len() == 1).then_some(())
        });
    });
    chrome.sees("…01CD");
    chrome.sees("Ada");
    chrome.looks_right("card");
    chrome.press("Lost");
    chrome.sees("Every door has said that it knows.");
    chrome.looks_right("lost");
}

#[test]
fn a_fob_is_lent_and_comes_back() {
    let mut club = club();
    let ada = club.member("Ada", CARD);
    let grant = json!({"membership": "5", "reason": "the test"});
    club.server.post(&format!("/members/{ada}/grants"), &grant);
    let chrome = Chrome::open(club.folder.path(), &club.server.url(), "lend");
    come_in(&chrome);
    chrome.follow("Cards");
    chrome.unfold("Add a fob to the pool");
    chrome.fill("What is written on it", "Fob 7");
    chrome.fill("Number of the fob", FOB);
    chrome.press("Add a fob to the pool");
    chrome.sees("Fob 7");
    chrome.go(&format!("/admin/members/{ada}"));
    chrome.press("Lend");
    chrome.sees("lent until");
    club.settled();
    assert_eq!(club.agent.tap("front", FOB), Seen::Opens);
    chrome.follow("Cards");
    chrome.sees("with Ada, lent until");
    chrome.looks_right("cards");
    chrome.press("Returned Fob 7");
    chrome.sees("here");
    club.settled();
    assert_eq!(club.agent.tap("front", FOB), Seen::Refuses);
    assert_eq!(club.agent.tap("front", CARD), Seen::Opens);
}

#[test]
fn hours_are_drawn_by_the_keyboard() {
    let club = club();
    let chrome = Chrome::open(club.folder.path(), &club.server.url(), "hours");
    come_in(&chrome);
    chrome.go("/admin/schedules");
    chrome.fill("Name", "Mornings");
    chrome.fill("Short name (letters, digits, - and _)", "mornings");
    chrome.press("New schedule");
    chrome.sees("Drag over the hours");
    chrome.run("document.querySelector('[role=gridcell][tabindex=\"0\"]').focus()");
    let (shift, right, down, up) = ("\u{e008}", "\u{e014}", "\u{e015}", "\u{e000}");
    // Monday from eight: open, and three cells more with Shift; then Tuesday's last of them.
    chrome.keys(" ");
    chrome.keys(&format!("{shift}{right}{right}{right}{up}"));
    chrome.keys(&format!("{shift}{down}{up}"));
    chrome.looks_right("schedule");
    chrome.press("Save");
    wait::until("the hours are saved", || {
        let schedule = club.server.get("/schedules/mornings");
        let windows = json!([
            {"days": ["mon"], "from": "08:00", "to": "10:00"},
            {"days": ["tue"], "from": "09:30", "to": "10:00"},
        ]);
        (schedule["windows"] == windows).then_some(())
    });
}

#[test]
fn a_zone_is_locked_down_on_its_page_and_every_page_looks_right() {
    let club = club();
    let chrome = Chrome::open(club.folder.path(), &club.server.url(), "places");
    come_in(&chrome);
    chrome.go("/admin/zones/wood");
    chrome.fill("Why", "a fight");
    chrome.press("Lock this zone down");
    chrome.sees("locked down");
    assert_eq!(club.server.get("/zones/wood")["settings"]["lockdown"], true);
    for (page, words) in [
        ("zones/wood", "Who may enter when"),
        ("zones", "Locations"),
        ("schedules", "Schedules"),
        ("locations/main", "Holidays"),
        ("doors/front", "Refused in the last 14 days"),
        ("agents", "Agents"),
        ("agents/pi", "Last report"),
        ("types", "Membership types"),
        ("types/5", "Membership type"),
        ("mail", "Letters"),
        ("audit", "Audit log"),
    ] {
        chrome.go(&format!("/admin/{page}"));
        chrome.sees(words);
        chrome.looks_right(&page.replace('/', "-"));
    }
}
