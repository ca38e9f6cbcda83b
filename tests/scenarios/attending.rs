//! What staff are told when a door turns away who may enter, and of types that nobody knows.

use server::store::members::CardRow;
use shared::time::Span;
use tests::building::Building;
use tests::building::story::{METAL, WOOD};
use tests::stripe_sim::{Headers, Interval, Subscribe};

/// What is open of a kind.
fn open(b: &Building, kind: &str) -> Vec<String> {
    let all = b.attention().into_iter();
    all.filter(|(open, _)| open == kind)
        .map(|(_, subject)| subject)
        .collect()
}

/// Staff send an invoice of so many cents, and it is paid; answers its id.
fn invoice_by_hand(b: &Building, customer: &str, amount: &str) -> String {
    let change = |path: &str, params: &[(&str, &str)]| {
        let params: Vec<(String, String)> = params
            .iter()
            .map(|(key, value)| ((*key).to_owned(), (*value).to_owned()))
            .collect();
        let key = Headers::with_key("sk_test_sim");
        let (status, answer) = b.sim().request("POST", path, &params, key);
        assert_eq!(status, 200, "{answer}");
        answer["id"].as_str().expect("an id").to_owned()
    };
    let item = [
        ("customer", customer),
        ("amount", amount),
        ("currency", "usd"),
    ];
    change("/v1/invoiceitems", &item);
    let invoice = change("/v1/invoices", &[("customer", customer)]);
    change(&format!("/v1/invoices/{invoice}/finalize"), &[]);
    change(&format!("/v1/invoices/{invoice}/pay"), &[]);
    invoice
}

stories! {
    fn a_member_who_paid_and_was_refused_by_a_door_that_is_behind_is_told_of_once(way: WayIn) {
        let mut b = Building::club(way);
        let ada = b.member("Ada", "04A1B2C3");
        let ben = b.member("Ben", "04B0B0B0");
        b.subscribe(ben, WOOD);
        b.cut_agent("pi-front", true);
        b.subscribe(ada, WOOD);
        b.hold(ben, None);
        b.advance(Span::hours(1));
        for _ in 0..2 {
            assert!(!b.tap(ada, "front").opens());
            assert!(b.tap(ben, "front").opens(), "the door has not heard of the hold");
            b.advance(Span::minutes(1));
        }
        assert!(!b.attends("paid_but_refused"), "nobody has heard of it yet");
        b.cut_agent("pi-front", false);
        b.settle();
        assert_eq!(open(&b, "paid_but_refused"), [format!("member {} unknown", b.id(ada))]);
        assert!(b.tap(ada, "front").opens());
        assert!(!b.tap(ben, "front").opens(), "on hold");
        b.settle();
        b.lift_holds(ben);
        b.cut_agent("pi-front", true);
        b.hold(ben, None);
        b.settle();
        b.cut_agent("pi-front", false);
        b.settle();
        b.cut_agent("pi-front", true);
        b.lift_holds(ben);
        b.advance(Span::hours(1));
        assert!(!b.tap(ben, "front").opens(), "the door has not heard that the hold was lifted");
        b.cut_agent("pi-front", false);
        b.settle();
        let told = [format!("member {} unknown", b.id(ada)), format!("member {} held", b.id(ben))];
        assert_eq!(open(&b, "paid_but_refused"), told, "another member, another cause");
        b.badges_arrived_once_each();
    }

    fn who_may_not_enter_is_refused_without_a_word_to_staff(way: WayIn) {
        let mut b = Building::club(way);
        let [ada, ben, cleo, dora] = [("Ada", "04A1"), ("Ben", "04B1"), ("Cleo", "04C1"), ("Dora", "04D1")]
            .map(|(name, card)| b.member(name, &format!("{card}B2C3")));
        let stranger = b.stranger("Eve", "04E5E5E5");
        for who in [ada, cleo, dora] {
            b.subscribe(who, WOOD);
        }
        b.hold(cleo, None);
        b.mark_card(dora, CardRow::Lost);
        b.advance(Span::hours(1));
        // Wood does not open metal; nothing was paid; held; lost; nobody's card.
        for (who, door) in [(ada, "back"), (ben, "front"), (cleo, "front"), (dora, "front"), (stranger, "front")] {
            assert!(!b.tap(who, door).opens());
            b.settle();
        }
        // News needs a moment to reach a door.
        b.cut_agent("pi-back", true);
        b.subscribe(ben, METAL);
        assert!(!b.tap(ben, "back").opens());
        b.cut_agent("pi-back", false);
        b.settle();
        assert!(b.tap(ben, "back").opens());
        // Enrolled only after it was turned away.
        b.cut_agent("pi-front", true);
        let fay = b.stranger("Fay", "04F5F5F5");
        let member = b.enter_member("Fay", Some("fay@example.org"));
        b.is(fay, member);
        b.subscribe(fay, WOOD);
        b.advance(Span::hours(1));
        assert!(!b.tap(fay, "front").opens());
        b.enrol(fay);
        b.cut_agent("pi-front", false);
        b.settle();
        assert!(b.tap(fay, "front").opens());
        b.settle();
        assert!(open(&b, "paid_but_refused").is_empty());
        b.badges_arrived_once_each();
    }

    fn a_type_that_nobody_knows_is_told_of_at_once(way: WayIn) {
        let mut b = Building::club(way);
        b.sim().create_plan("membertype_9-monthly", Some("Glass"), 5000, Interval::Month);
        b.sim().create_plan("membertype_9-yearly", Some("Glass"), 50_000, Interval::Year);
        for (name, card, plan) in [("Ada", "04A1B2C3", "membertype_9-monthly"), ("Ben", "04B0B0B0", "membertype_9-yearly")] {
            let who = b.member(name, card);
            b.subscribe(who, plan);
            assert!(!b.tap(who, "front").opens());
        }
        assert_eq!(open(&b, "unknown_type"), ["9"]);
        b.settle();
    }

    fn one_payment_of_a_stranger_with_a_members_mail_is_asked_about_whatever_is_heard_first(way: WayIn) {
        let mut b = Building::club(way);
        let ada = b.member("Ada", "04A1B2C3");
        let mail = b.person(ada).mail();
        b.hold_events();
        let shop = b.sim().create_customer(Some(&mail), Some("A. Lovelace"), &[]);
        let invoice = invoice_by_hand(&b, &shop, "2500");
        b.work();
        let mut letters = b.held_events();
        letters.reverse();
        b.release_events(letters);
        b.settle();
        assert_eq!(open(&b, "unmatched_payment"), std::slice::from_ref(&invoice));
        assert_eq!(b.ledger()[0].member, None, "the payment is kept");
        assert!(!b.tap(ada, "front").opens());
        // The same customer subscribes: then it is linked by the rule for memberships, and nothing is left to ask.
        b.subscribe_as(&shop, &[(WOOD, 1)], Subscribe::default());
        assert!(open(&b, "unmatched_payment").is_empty());
        let paid = b.ledger().into_iter().find(|row| row.invoice.as_ref() == Some(&invoice)).expect("in the ledger");
        assert_eq!(paid.member, Some(b.id(ada).0));
        assert!(b.tap(ada, "front").opens());
        b.settle();
    }
}
