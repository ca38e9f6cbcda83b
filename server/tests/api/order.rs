//! News that comes late, twice told, or from a clock that was wrong.

use crate::happened::{deliver, signed};
use crate::people::subscribe;
use crate::support::Api;
use futures_util::FutureExt;
use serde_json::{Value, json};
use server::store::mirror::{self, Kept};
use shared::facts::SubscriptionStatus;
use shared::time::Span;

/// An event at so many seconds from now, `data.object` as given.
fn event(api: &Api, id: &str, kind: &str, seconds: i64, object: &Value) -> String {
    json!({"id": id, "object": "event", "type": kind, "created": api.now().as_seconds() + seconds, "livemode": false,
        "api_version": "2025-03-31.basil", "data": {"object": object}})
    .to_string()
}

async fn hear(api: &Api, body: String) {
    let signature = signed(api, &body);
    assert_eq!(deliver(api, Some(&signature), body).await, 200);
    while api.app.apply(api.now()).await.expect("applied").events > 0 {}
}

#[tokio::test]
async fn of_what_is_said_about_a_customer_the_newest_counts_in_whichever_order_it_comes() {
    for order in [[0, 1, 2], [2, 1, 0], [1, 2, 0], [0, 2, 1]] {
        let api = Api::new().await;
        for place in order {
            let mail = format!("ada-{place}@example.org");
            let ada = json!({"id": "cus_1", "object": "customer", "email": mail, "name": "Ada"});
            let id = format!("evt_{place}");
            let body = event(&api, &id, "customer.updated", place - 10, &ada);
            hear(&api, body).await;
        }
        let mut tx = api.tx().await;
        let row = mirror::customer(&mut tx, api.app.account, "cus_1").await;
        let row = row.expect("read").expect("met");
        assert_eq!(row.mail.as_deref(), Some("ada-2@example.org"), "{order:?}");
    }
}

#[tokio::test]
async fn what_a_clock_that_was_ahead_fetched_hides_no_news() {
    let api = Api::new().await;
    api.furnish().await;
    let account = subscribe(&api, "cus_1").await;
    let mut tx = api.tx().await;
    let known = mirror::find(&mut tx, account, "sub_1").await;
    let kept = Kept {
        as_of: api.now() + Span::days(300),
        ..known.expect("read").expect("kept")
    };
    mirror::put(&mut tx, account, "cus_1", &kept, api.now());
    tx.commit().await.expect("committed");
    let now = api.now().as_seconds();
    let item = json!({"id": "si_1", "object": "subscription_item", "quantity": 1,
        "current_period_start": now - 86_400, "current_period_end": now + 86_400,
        "price": {"id": "price_1", "object": "price"}});
    let over = json!({"id": "sub_1", "object": "subscription", "customer": "cus_1", "status": "canceled",
        "created": now - 86_400, "ended_at": now - 60, "collection_method": "charge_automatically",
        "items": {"object": "list", "data": [item]}});
    let body = event(&api, "evt_1", "customer.subscription.deleted", -60, &over);
    hear(&api, body).await;
    let mut tx = api.tx().await;
    let known = mirror::find(&mut tx, account, "sub_1").await;
    let known = known.expect("read").expect("kept");
    let mirror::Object::Subscription(known) = known.object else {
        panic!("it is a subscription");
    };
    assert_eq!(known.status, SubscriptionStatus::Canceled);
}

#[tokio::test]
async fn a_payment_is_booked_at_its_earliest_moment_with_its_newest_amount_in_every_order() {
    let mut booked = Vec::new();
    for order in [[0, 1], [1, 0]] {
        let api = Api::new().await;
        api.furnish().await;
        subscribe(&api, "cus_1").await;
        for place in order {
            let invoice = json!({"id": "in_1", "object": "invoice", "customer": "cus_1", "status": "paid",
                "amount_paid": 3000 - 500 * place, "total": 3000, "amount_due": 3000, "currency": "eur",
                "billing_reason": "subscription_cycle", "created": api.now().as_seconds() - 100,
                "collection_method": "charge_automatically", "attempt_count": 1, "starting_balance": 0,
                "lines": {"object": "list", "data": []}});
            let kind = ["invoice.paid", "invoice.updated"][usize::from(place == 1)];
            let id = format!("evt_{place}");
            let body = event(&api, &id, kind, 10 * place - 50, &invoice);
            hear(&api, body).await;
        }
        booked.push(api.get("/api/v1/payments").await["items"].clone());
    }
    assert_eq!(booked[0], booked[1]);
    assert_eq!(booked[0].as_array().expect("a list").len(), 1, "{booked:?}");
    assert_eq!(booked[0][0]["amount"], 2500, "{booked:?}");
}

/// Every order of so many things.
fn orders(count: usize) -> Vec<Vec<usize>> {
    let Some(last) = count.checked_sub(1) else {
        return vec![Vec::new()];
    };
    let shorter = orders(last);
    let inserted = shorter.iter().flat_map(|order| {
        (0..=last).map(move |place| {
            let mut longer = order.clone();
            longer.insert(place, last);
            longer
        })
    });
    inserted.collect()
}

#[tokio::test]
async fn a_refund_in_parts_of_which_one_fails_ends_alike_in_every_order() {
    let refund = |id: &str, amount: i64, status: &str| {
        json!({"id": id, "object": "refund", "amount": amount, "currency": "eur", "status": status,
            "payment_intent": "pi_1", "charge": "ch_1", "reason": null, "created": 1_767_607_000})
    };
    let events = [
        (
            "charge.succeeded",
            json!({"id": "ch_1", "object": "charge", "customer": "cus_1", "payment_intent": "pi_1",
                "amount": 5000, "amount_refunded": 0, "currency": "eur", "status": "succeeded"}),
        ),
        (
            "invoice_payment.paid",
            json!({"id": "inpay_1", "object": "invoice_payment", "invoice": "in_1", "status": "paid",
                "payment": {"type": "payment_intent", "payment_intent": "pi_1"}}),
        ),
        ("refund.created", refund("re_1", 2000, "succeeded")),
        ("refund.created", refund("re_2", 3000, "pending")),
        ("refund.failed", refund("re_2", 3000, "failed")),
    ];
    let mut outcomes = Vec::new();
    for order in orders(events.len()) {
        let api = Api::new().await;
        let ada = api.furnish().await;
        subscribe(&api, "cus_1").await;
        let link = json!({"member": ada});
        api.post("/api/v1/customers/cus_1/link", link).await;
        for place in order {
            let (kind, object) = &events[place];
            let seconds = i64::try_from(place).expect("few") / 2 - 10;
            let body = event(&api, &format!("evt_{place}"), kind, seconds, object);
            hear(&api, body).await;
        }
        let told = api.get(&format!("/api/v1/reversals?member={ada}")).await;
        outcomes.push(told["items"].clone());
    }
    assert_eq!(outcomes.len(), 120);
    assert!(outcomes.iter().all(|outcome| *outcome == outcomes[0]));
    let first = &outcomes[0];
    assert_eq!(first.as_array().map(Vec::len), Some(2), "{first}");
    for (place, status) in [(0, "failed"), (1, "succeeded")] {
        assert_eq!(first[place]["status"], status, "{first}");
        assert_eq!(first[place]["invoice"], "in_1");
        assert_eq!(first[place]["customer"], "cus_1");
    }
}

#[tokio::test]
async fn a_failed_renewal_is_told_once_and_listed() {
    let api = Api::new().await;
    let invoice = json!({"id": "in_1", "object": "invoice", "customer": "cus_1", "status": "open",
        "subscription": "sub_1", "amount_paid": 0, "total": 3000, "amount_due": 3000, "currency": "eur",
        "billing_reason": "subscription_cycle", "created": api.now().as_seconds() - 100,
        "lines": {"object": "list", "data": []}});
    for place in 0..2 {
        let id = format!("evt_{place}");
        let body = event(&api, &id, "invoice.payment_failed", place - 10, &invoice);
        hear(&api, body).await;
    }
    let told = api.get("/api/v1/notices").await["items"].clone();
    assert_eq!(told.as_array().map(Vec::len), Some(1), "{told}");
    assert_eq!(told[0]["kind"], "payment_failed");
    assert_eq!(told[0]["subject"], "in_1");
}

#[tokio::test]
async fn a_deed_is_published_although_its_asker_hangs_up_once_it_is_committed() {
    let mut api = Api::new().await;
    api.furnish().await;
    api.published();
    let settings = "/api/v1/zones/hall/settings";
    let mut asking = Box::pin(api.patch(settings, json!({"lockdown": true})));
    assert!((&mut asking).now_or_never().is_none());
    // Whoever stands in line behind the deed has its turn right after the commit.
    let mut next = Box::pin(api.tx());
    let turn = loop {
        if let Some(turn) = (&mut next).now_or_never() {
            break turn;
        }
        assert!((&mut asking).now_or_never().is_none());
        tokio::task::yield_now().await;
    };
    drop((next, asking));
    drop(turn);
    for _ in 0..3 {
        let zone = api.get("/api/v1/zones/hall").await;
        assert_eq!(zone["settings"]["lockdown"], true);
    }
    let topics = api.published().into_iter().map(|message| message.topic);
    assert!(
        topics
            .collect::<Vec<String>>()
            .contains(&"gs/1/club/zones/hall/policy".to_owned())
    );
}
