//! What the server itself writes at Stripe: tags into prices, gift cards into balances.

use server::billing::catalogue::Listing;
use server::billing::gift::{GiftCode, GiftError};
use server::billing::retrofit::{Outcome, Retrofit, RetrofitError};
use shared::ids::MembershipTypeId;
use shared::standing::State;
use shared::time::Span;
use tests::building::story::{WOOD, Who};
use tests::building::{Building, WayIn};
use tests::stripe_sim::Interval;

/// Somebody who pays, and a gift card of 100 dollars to redeem.
fn with_a_card(way: WayIn) -> (Building, Who, GiftCode) {
    let mut b = Building::club(way);
    let ada = b.member("Ada", "04A1B2C3");
    b.subscribe(ada, WOOD);
    b.settle();
    assert_eq!(b.confirm_link(ada), Some(true));
    let code = b.issue_gift_card(10_000).expect("issued");
    (b, ada, code)
}

fn retrofit(b: &mut Building, price: &str, yes: bool) -> Result<Outcome, RetrofitError> {
    let wish = Retrofit {
        price: price.to_owned(),
        membership: MembershipTypeId::new("5").expect("a name"),
        metadata: false,
        approved: false,
    };
    let now = b.now;
    let mut done = None;
    b.step(async |app| {
        let (outcome, publications) = if yes {
            match app.retrofit(&wish, "desk", now).await {
                Ok((outcome, publications)) => (Ok(outcome), publications),
                Err(error) => (Err(error), Vec::new()),
            }
        } else {
            (app.preview_retrofit(&wish, now).await, Vec::new())
        };
        done = Some(outcome);
        Ok(publications)
    });
    done.expect("the server runs")
}

stories! {
    fn a_gift_card_redeemed_here_renews_term_by_term_until_it_is_spent(way: WayIn) {
        if !way.has_key() {
            return;
        }
        let mut b = Building::club(way);
        let ada = b.member("Ada", "04A1B2C3");
        let subscription = b.subscribe(ada, WOOD);
        let code = b.issue_gift_card(10_000).expect("issued");
        let early = b.redeem(&code, ada).expect("the server runs");
        assert!(matches!(early, Err(GiftError::Unconfirmed)));
        assert_eq!(b.confirm_link(ada), Some(true));
        let card = b.redeem(&code, ada).expect("the server runs").expect("redeemed");
        assert_eq!(card.state, "redeemed");
        let customer = b.customer(ada);
        assert_eq!(b.sim().balance(&customer), -10_000);
        let again = b.redeem(&code, ada).expect("the server runs");
        assert!(matches!(again, Err(GiftError::Redeemed)));
        let before = b.paid_until(&subscription);
        b.advance(Span::days(5));
        assert_eq!(b.paid_until(&subscription), before, "credit is no term");
        for paid in [0, 0, 5000] {
            let end = b.paid_until(&subscription);
            b.advance_to(end + Span::hours(2));
            assert!(b.tap(ada, "front").opens());
            assert_eq!(b.ledger().last().map(|payment| payment.amount), Some(paid));
        }
        assert_eq!(b.sim().balance(&customer), 0);
        b.settle();
    }

    fn a_server_killed_at_any_request_of_a_gift_card_redeems_it_once(way: WayIn) {
        if !way.has_key() {
            return;
        }
        // After two days Stripe has forgotten the idempotency key.
        for (late, days) in [(false, 0), (true, 0), (false, 2), (true, 2)] {
            for request in 0..4 {
                let (mut b, ada, code) = with_a_card(way);
                b.stripe.wire().hang_in = Some(request);
                b.stripe.wire().hangs_late = late;
                let cut = b.redeem(&code, ada).is_none();
                assert_eq!(cut, request < 3, "it takes three requests");
                b.stripe.wire().hang_in = None;
                b.stripe.wire().hangs_late = false;
                if days > 0 {
                    b.set_stripe_out(true);
                    b.advance(Span::days(days));
                    b.set_stripe_out(false);
                }
                let now = b.now;
                let open = b.ask(async |app| app.finish_gift_cards(now).await);
                assert_eq!(open, Some(0));
                if request == 0 {
                    // It was not begun: the card is as good as before.
                    b.redeem(&code, ada).expect("the server runs").expect("redeemed");
                }
                let customer = b.customer(ada);
                assert_eq!(b.sim().balance(&customer), -10_000, "request {request}, late {late}");
                let again = b.redeem(&code, ada).expect("the server runs");
                assert!(matches!(again, Err(GiftError::Redeemed)));
                assert_eq!(b.sim().balance(&customer), -10_000);
                b.settle();
            }
        }
    }

    fn a_gift_card_redeemed_before_a_restore_is_no_second_credit(way: WayIn) {
        if !way.has_key() {
            return;
        }
        let (mut b, ada, code) = with_a_card(way);
        let backup = b.gift_card();
        let first = b.redeem(&code, ada).expect("the server runs").expect("redeemed");
        // Stripe has forgotten the idempotency key, and the backup knows of nothing.
        b.advance(Span::days(3));
        b.restore_gift_card(&backup);
        let again = b.redeem(&code, ada).expect("the server runs").expect("redeemed");
        assert_eq!((again.state.as_str(), &again.movement), ("redeemed", &first.movement));
        let customer = b.customer(ada);
        assert_eq!(b.sim().balance(&customer), -10_000);
        b.settle();
    }

    fn a_gift_card_of_a_customer_deleted_meanwhile_is_as_good_as_before(way: WayIn) {
        if !way.has_key() {
            return;
        }
        let (mut b, ada, code) = with_a_card(way);
        let ben = b.member("Ben", "04B0B0B0");
        b.subscribe(ben, WOOD);
        b.settle();
        assert_eq!(b.confirm_link(ben), Some(true));
        // The card is begun, and nobody hears whether it was sent.
        b.stripe.wire().hang_in = Some(1);
        assert!(b.redeem(&code, ada).is_none(), "the server went down over it");
        assert_eq!(b.gift_card().state, "redeeming");
        let customer = b.customer(ada);
        b.sim().delete_customer(&customer);
        b.advance(Span::hours(1));
        let card = b.gift_card();
        assert_eq!((card.state.as_str(), card.customer.as_ref()), ("issued", None));
        assert!(!b.attends("gift_card"));
        b.redeem(&code, ben).expect("the server runs").expect("redeemed");
        let customer = b.customer(ben);
        assert_eq!(b.sim().balance(&customer), -10_000);
        b.settle();
    }

    fn a_tag_written_from_here_lets_in_whoever_pays_by_the_price(way: WayIn) {
        if !way.has_key() {
            return;
        }
        let mut b = Building::club(way);
        let (ada, ben) = (b.member("Ada", "04A1B2C3"), b.member("Ben", "04B0B0B0"));
        let price = b.sim().create_price(Some("Wood, monthly"), None, &[], 5000, Interval::Month);
        for who in [ada, ben] {
            b.subscribe(who, &price);
        }
        b.advance(Span::days(1));
        assert!(!b.tap(ada, "front").opens());
        let shown = retrofit(&mut b, &price, false).expect("a preview");
        assert_eq!((shown.gained.len(), shown.lost.len()), (2, 0));
        assert_eq!(shown.after, "membertype_5-Wood, monthly");
        b.advance(Span::seconds(10));
        assert!(!b.tap(ada, "front").opens(), "nothing was written");
        assert!(matches!(b.state(ada), State::Stranger));
        let done = retrofit(&mut b, &price, true).expect("written");
        assert_eq!(done, shown);
        assert!(matches!(b.state(ada), State::Good { .. }), "{:?}", b.state(ada));
        b.advance(Span::seconds(2));
        assert!(b.tap(ada, "front").opens() && b.tap(ben, "front").opens());
        let again = retrofit(&mut b, &price, true);
        assert!(matches!(again, Err(RetrofitError::Named { x, .. }) if x == "5"));
        assert!(!b.attends("catalogue_change"));
        b.settle();
    }

    fn a_key_that_may_not_write_writes_no_tag_and_says_so(way: WayIn) {
        if !way.has_key() {
            return;
        }
        let mut b = Building::club(way);
        let price = b.sim().create_price(Some("Wood"), None, &[], 5000, Interval::Month);
        b.sim().forbid(tests::building::stripe::KEY, "/v1/prices");
        let refused = retrofit(&mut b, &price, true).expect_err("forbidden");
        assert!(refused.to_string().contains("Prices: write"), "{refused}");
        b.settle();
    }

    fn a_product_that_is_tagged_later_lets_in_whoever_pays_for_it(way: WayIn) {
        if !way.has_key() {
            // Events show no product's prices.
            return;
        }
        let mut b = Building::club(way);
        let ada = b.member("Ada", "04A1B2C3");
        let product = b.sim().create_product("Wood", None, &[]);
        let price = b.sim().create_price_of(&product, None, None, &[], 5000, Interval::Month);
        b.subscribe(ada, &price);
        b.advance(Span::hours(1));
        assert!(!b.tap(ada, "front").opens());
        b.sim().edit_product_name(&product, "membertype_5-Wood");
        b.advance(Span::minutes(11));
        assert!(b.tap(ada, "front").opens(), "{:?}", b.known_prices());
        b.sim().edit_product_name(&product, "Wood");
        b.advance(Span::minutes(11));
        assert!(b.attends("catalogue_change"));
        assert!(b.tap(ada, "front").opens(), "that waits for a yes");
        b.settle();
    }

    fn a_plan_deleted_at_stripe_keeps_its_type_and_is_shown_as_gone(way: WayIn) {
        let mut b = Building::club(way);
        let ada = b.member("Ada", "04A1B2C3");
        b.subscribe(ada, WOOD);
        b.advance(Span::hours(1));
        b.sim().delete_plan(WOOD);
        b.advance(Span::minutes(11));
        let now = b.now;
        let listed = b.ask(async |app| {
            let (listing, _) = app.list_catalogue(now).await?;
            let mut work = app.work(now).await?;
            Ok((listing, app.offers(&mut work).await?))
        });
        let (listing, offers) = listed.expect("the server runs");
        assert_eq!(listing, if way.has_key() { Listing::Whole } else { Listing::Seen });
        let wood = offers.iter().find(|offer| offer.sold.id == WOOD).expect("the plan");
        assert!(wood.sold.gone_at.is_some(), "{wood:?}");
        assert_eq!((wood.payers, wood.membership.as_ref().map(MembershipTypeId::as_str)), (1, Some("5")));
        assert!(b.tap(ada, "front").opens());
        b.settle();
    }
}
