//! A treasurer at the desk: members come from another system, are found while their name is typed, and treated alike.

use super::chrome::Chrome;
use super::{CARD, club, come_in};
use crate::agent::Seen;

/// As a German Excel saves it: the number of the second card lost its zeros.
const TABLE: &[u8] = b"Vorname;Nachname;E-Mail;Kartennummer;Tarif;Bezahlt bis\r\n\
    J\xfcrgen;M\xfcller;j@example.org;0415AB01CD;Wood;31.12.2099\r\n\
    Grace;Hopper;g@example.org;415AB01CE;Wood;31.12.2099\r\n\
    Ada;Lovelace;;0415AB01CF;Wood;irgendwann\r\n";

#[test]
fn members_come_from_another_system_and_are_treated_alike() {
    let mut club = club();
    let chrome = Chrome::open(club.folder.path(), &club.server.url(), "desk");
    come_in(&chrome);
    let table = club.folder.path().join("members.csv");
    std::fs::write(&table, TABLE).expect("it is written");
    chrome.follow("Members");
    chrome.follow("Switch over from another system");
    chrome.upload("Table (CSV)", &table);
    chrome.press("Look at it");
    chrome.sees("2 new members");
    chrome.sees("This is no day");
    chrome.looks_right("import");
    chrome.press("Take the 2 good rows over");
    chrome.sees("This was taken over");
    club.settled();
    assert_eq!(club.agent.tap("front", CARD), Seen::Opens);

    // Found while the name is typed, in any order of its words.
    chrome.follow("Members");
    chrome.type_into("Name or address", "hop gra");
    chrome.sees("1 member.");
    chrome.sees("Grace Hopper");
    chrome.go("/admin/members");
    chrome.looks_right("members");
    chrome.tick("Jürgen Müller");
    chrome.choose("With those chosen", "Withhold access");
    chrome.press("Go on");
    chrome.sees("1 member is chosen.");
    chrome.fill("Why", "a fight");
    chrome.press("See what it does");
    chrome.sees("1 member loses access.");
    chrome.looks_right("bulk");
    chrome.press("Do it, to 1 member");
    chrome.sees("Done, to 1 member.");
    club.settled();
    assert_eq!(club.agent.tap("front", CARD), Seen::Refuses);

    chrome.follow("Jürgen Müller");
    chrome.unfold("Write a note");
    chrome.fill("Note", "lent the drill");
    chrome.press("Write a note");
    chrome.sees("lent the drill");
    chrome.sees("Olga Owner");
    chrome.looks_right("member");
    chrome.go("/admin");
    chrome.sees("1 visit");
    chrome.looks_right("today");

    // The whole of it was a mistake: but one was at a door since.
    chrome.go("/admin/import");
    chrome.press("Undo all of it");
    chrome.sees("Undone for 1 member.");
    chrome.sees("changed by staff since");
}
