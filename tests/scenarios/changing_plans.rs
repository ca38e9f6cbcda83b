//! Plans change in Stripe's dashboard; the doors follow and the history stays.

use shared::reasons::Reason;
use shared::time::Span;
use tests::building::Building;
use tests::building::story::{METAL, UNTAGGED, WOOD};
use tests::stripe_sim::{Interval, Proration};

stories! {
    fn a_plan_changed_in_the_dashboard_opens_the_other_zone_and_keeps_the_history(way: WayIn) {
        let mut b = Building::club(way);
        let ada = b.member("Ada", "04A1B2C3");
        let subscription = b.subscribe(ada, WOOD);
        b.advance(Span::days(10));
        assert!(!b.tap(ada, "back").opens());
        let before = b.terms(ada);
        let changed_at = b.now;
        b.change_plan(&subscription, METAL);
        b.advance(Span::seconds(2));
        assert!(b.tap(ada, "back").opens());
        assert!(b.tap(ada, "front").opens());

        let after = b.terms(ada);
        assert_eq!(before.len(), 1);
        assert_eq!(after.len(), 2);
        assert_eq!(after[0].opened, before[0].opened, "what was is not rewritten");
        assert_eq!(b.types_in(ada), ["5", "7"]);
        assert!(after[0].closed.as_ref().is_some_and(|closed| closed.mark.at >= changed_at));
        assert_eq!(after[1].closed, None);
        assert_eq!(b.ledger().len(), 1, "nothing was charged yet");

        let end = b.paid_until(&subscription);
        b.advance_to(end + Span::hours(2));
        let charged = b.sim().invoices_of(&subscription).pop().expect("the renewal")["amount_paid"].as_i64();
        assert_eq!(b.ledger().last().map(|payment| payment.amount), charged, "what Stripe really charged");
        b.settle();
    }

    fn a_plan_is_told_by_its_nickname_too(way: WayIn) {
        let mut b = Building::club(way);
        let ada = b.member("Ada", "04A1B2C3");
        let subscription = b.subscribe(ada, WOOD);
        let named = b.sim().create_price(Some("membertype_7-Metal shop"), None, &[], 8000, Interval::Month);
        b.advance(Span::days(3));
        b.change_plan(&subscription, &named);
        assert!(b.tap(ada, "back").opens());
        assert_eq!(b.terms(ada).len(), 2);
        b.settle();
    }

    fn a_plan_changed_back_and_forth_tells_the_whole_story(way: WayIn) {
        let mut b = Building::club(way);
        let ada = b.member("Ada", "04A1B2C3");
        let subscription = b.subscribe(ada, WOOD);
        for plan in [METAL, WOOD, METAL] {
            b.advance(Span::days(2));
            b.change_plan_with(&subscription, plan, Proration::None);
        }
        assert_eq!(b.types_in(ada), ["5", "7", "5", "7"]);
        assert!(b.tap(ada, "back").opens());
        b.settle();
    }

    fn an_upgrade_whose_own_invoice_fails_keeps_the_last_paid_type(way: WayIn) {
        let mut b = Building::club(way);
        let ada = b.member("Ada", "04A1B2C3");
        let subscription = b.subscribe(ada, WOOD);
        b.advance(Span::days(5));
        let customer = b.customer(ada);
        b.sim().set_card(&customer, false);
        b.change_plan_with(&subscription, METAL, Proration::AlwaysInvoice);
        assert!(b.tap(ada, "front").opens());
        assert!(!b.tap(ada, "back").opens(), "not paid yet");
        b.settle();
        b.sim().pay_open_invoice(&customer);
        b.settle();
        b.advance(Span::seconds(2));
        assert!(b.tap(ada, "back").opens(), "paid now");
        b.settle();
    }

    fn an_untagged_plan_grants_nothing_and_is_shown(way: WayIn) {
        let mut b = Building::club(way);
        let ada = b.member("Ada", "04A1B2C3");
        b.subscribe(ada, UNTAGGED);
        assert_eq!(b.tap(ada, "front").reason, Reason::Unknown);
        assert!(b.known_prices().contains(&(UNTAGGED.to_owned(), None)), "{:?}", b.known_prices());
        assert_eq!(b.attention(), []);
        b.settle();
    }

    fn an_unknown_customer_of_an_untagged_plan_becomes_no_member(way: WayIn) {
        let mut b = Building::club(way);
        let reader = b.stranger("Reader", "04D4D4D4");
        b.subscribe(reader, UNTAGGED);
        b.advance(Span::hours(3));
        assert_eq!(b.member_count(), 0);
        assert_eq!(b.attention(), []);
    }

    fn a_plan_that_loses_its_tag_keeps_the_last_type_to_the_paid_end(way: WayIn) {
        let mut b = Building::club(way);
        let ada = b.member("Ada", "04A1B2C3");
        let subscription = b.subscribe(ada, WOOD);
        let end = b.paid_until(&subscription);
        b.advance(Span::days(5));
        b.change_plan_with(&subscription, UNTAGGED, Proration::None);
        assert!(b.tap(ada, "front").opens());
        assert!(b.attends("type_lost"), "{:?}", b.attention());
        b.advance_to(end - Span::seconds(2));
        assert!(b.tap(ada, "front").opens());
        b.advance_to(end);
        let tap = b.tap(ada, "front");
        assert!(!tap.opens(), "{tap:?} {b:#?}");
        b.advance(Span::hours(3));
        assert!(!b.tap(ada, "front").opens());
        b.settle();
    }

    fn a_price_that_is_named_later_lets_in_those_who_pay_it_already(way: WayIn) {
        let mut b = Building::club(way);
        let ada = b.member("Ada", "04A1B2C3");
        let named = b.sim().create_price(Some("Wood"), None, &[], 5000, Interval::Month);
        b.subscribe(ada, &named);
        b.advance(Span::days(1));
        assert!(!b.tap(ada, "front").opens());
        b.sim().edit_nickname(&named, Some("membertype_5-Wood"));
        b.advance(Span::seconds(10));
        assert!(b.tap(ada, "front").opens());
        b.settle();
    }

    fn a_product_that_names_the_type_is_learned_in_the_second_of_the_payment_too(way: WayIn) {
        if !way.has_key() {
            // Events show a product by its id only.
            return;
        }
        let mut b = Building::club(way);
        let ada = b.member("Ada", "04A1B2C3");
        let product = b.sim().create_product("Wood", None, &[("membertype", "5")]);
        let price = b.sim().create_price_of(&product, None, None, &[], 5000, Interval::Month);
        b.subscribe(ada, &price);
        b.advance(Span::seconds(10));
        assert!(b.tap(ada, "front").opens(), "{:?}", b.known_prices());
        b.settle();
    }

    fn a_name_that_is_set_back_asks_nothing_of_an_admin_any_more(way: WayIn) {
        let mut b = Building::club(way);
        let ada = b.member("Ada", "04A1B2C3");
        let named = b.sim().create_price(Some("membertype_5-Wood"), None, &[], 5000, Interval::Month);
        b.subscribe(ada, &named);
        b.advance(Span::seconds(10));
        b.sim().edit_nickname(&named, Some("membertype_7-Metal"));
        b.advance(Span::seconds(10));
        assert!(b.attends("catalogue_change"));
        b.sim().edit_nickname(&named, Some("membertype_5-Wood"));
        b.advance(Span::seconds(10));
        assert!(!b.attends("catalogue_change"));
        assert!(b.tap(ada, "front").opens());
        b.settle();
    }

    fn a_nickname_edited_under_its_members_waits_for_an_admin(way: WayIn) {
        let mut b = Building::club(way);
        let ada = b.member("Ada", "04A1B2C3");
        let named = b.sim().create_price(Some("membertype_5-Wood"), None, &[], 5000, Interval::Month);
        b.subscribe(ada, &named);
        assert!(b.tap(ada, "front").opens());
        b.sim().edit_nickname(&named, Some("membertype_7-Metal"));
        b.settle();
        assert!(b.attends("catalogue_change"));
        assert!(b.tap(ada, "front").opens());
        assert!(!b.tap(ada, "back").opens());
        b.settle();
    }
}
