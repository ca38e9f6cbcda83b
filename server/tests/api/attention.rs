//! The attention list: every kind says what resolves it, and each resolution does the thing in one call.

use crate::stripe::{
    customer, hear, invoice, member, one, open, path, pay, price, resolve, state, subscription,
};
use crate::support::Api;
use crate::twin::Twin;
use axum::http::Method;
use serde_json::{Value, json};
use server::attention::Kind;
use server::store::attention::{Item, raise, settle};
use server::store::trip::Statement;
use shared::ids::MemberId;
use shared::time::Span;
use std::sync::Arc;
use std::time::Duration;

/// An item as any part of the server opens one.
fn item(kind: Kind, subject: &str, member: Option<i64>) -> Item<'_> {
    Item {
        kind,
        subject,
        sentence: "It happened.",
        remedy: "Look.",
        member: member.map(MemberId),
    }
}

#[tokio::test]
async fn every_kind_says_what_resolves_it_and_so_does_the_description() {
    let api = Api::new().await;
    let table = api.get("/api/v1/attention/kinds").await;
    let rows = table.as_array().expect("a list");
    let document = api.get("/api/v1/openapi.json").await;
    let schemas = &document["components"]["schemas"];
    let words: Vec<&Value> = rows.iter().map(|row| &row["kind"]).collect();
    assert_eq!(
        json!(words),
        schemas["Attention"]["properties"]["kind"]["enum"]
    );
    let described = schemas["Resolution"]["oneOf"]
        .as_array()
        .expect("each with a sentence");
    for row in rows {
        let word = row["kind"].as_str().expect("a word");
        let kind = Kind::read(word).expect("a kind");
        assert!(
            api.app
                .raise(item(kind, "1", None), api.now())
                .await
                .expect("raised")
        );
        let shown = one(&api, word).await;
        assert_eq!(shown["actions"], row["actions"]);
        assert!(shown["opened_at"].is_string(), "since when");
        let actions = row["actions"].as_array().expect("a list");
        assert!(!actions.is_empty(), "{word} has no resolution");
        for action in actions {
            let same =
                |schema: &&Value| schema["enum"][0] == *action && schema["description"].is_string();
            assert!(
                described.iter().any(|schema| same(&schema)),
                "{action} is not described"
            );
        }
        // Only what may be left as it is can be looked at and laid aside.
        let body = if actions.contains(&json!("seen")) {
            json!({})
        } else {
            json!({"action": actions[0]})
        };
        let settled = api.post(&path(&shown), body).await;
        assert!(settled["resolved_at"].is_string(), "{word}");
    }
    assert_eq!(api.get("/api/v1/attention").await["items"], json!([]));
}

#[tokio::test]
async fn what_is_settled_by_hand_stays_settled_while_its_cause_lasts() {
    let api = Api::new().await;
    let again = async |kind: Kind| {
        api.app
            .raise(item(kind, "pi", None), api.now())
            .await
            .expect("raised")
    };
    assert!(again(Kind::OutOfContact).await && !again(Kind::OutOfContact).await);
    resolve(&api, "out_of_contact", json!({"action": "seen"})).await;
    assert!(!again(Kind::OutOfContact).await, "it was accepted");
    let mut tx = api.tx().await;
    let organisation = &api.app.organisation;
    settle(&mut tx, organisation, Kind::OutOfContact, "pi", api.now())
        .await
        .expect("settled");
    assert!(
        raise(
            &mut tx,
            organisation,
            item(Kind::OutOfContact, "pi", None),
            api.now()
        )
        .await
        .expect("raised")
    );
    tx.commit().await.expect("committed");
    // What happens is told as often as it happens.
    assert!(again(Kind::MessagesRefused).await);
    resolve(&api, "messages_refused", json!({})).await;
    assert!(again(Kind::MessagesRefused).await);
}

#[tokio::test]
async fn of_several_members_one_is_linked_or_a_new_one_made() {
    let api = Api::new().await;
    let ada = api.furnish().await;
    let twins = [
        member(&api, "Eve", "eve@example.org").await,
        member(&api, "Eva", "eve@example.org").await,
    ];
    let full = price("price_1", "membertype_full-monthly");
    for (id, of) in [("1", "cus_1"), ("2", "cus_2")] {
        hear(&api, "customer.created", customer(of, "eve@example.org")).await;
        pay(&api, id, of, &full).await;
    }
    let asked = open(&api, "unmatched_customer").await;
    assert_eq!(asked.len(), 2);
    assert_eq!(asked[1]["actions"], json!(["link", "new_member", "seen"]));
    api.post(
        &path(&asked[1]),
        json!({"action": "link", "member": twins[1]}),
    )
    .await;
    assert_eq!(
        (
            state(&api, twins[1]).await.as_str(),
            state(&api, twins[0]).await.as_str()
        ),
        ("good", "stranger")
    );
    resolve(&api, "unmatched_customer", json!({"action": "new_member"})).await;
    let made = one(&api, "needs_card").await["member"]
        .as_i64()
        .expect("a member");
    assert!(made > twins[1] && ada < twins[0]);
    assert_eq!(state(&api, made).await, "good");
    assert_eq!(
        api.get(&format!("/api/v1/members/{made}")).await["name"],
        "A. Payer"
    );
    // Nothing of it is asked again when more is heard.
    api.wait(Span::seconds(1));
    hear(
        &api,
        "customer.updated",
        customer("cus_2", "eve@example.org"),
    )
    .await;
    assert_eq!(open(&api, "unmatched_customer").await, [Value::Null; 0]);
}

#[tokio::test]
async fn a_payment_of_nobodys_customer_is_asked_about_and_counted_when_it_is_linked() {
    let api = Api::new().await;
    api.furnish().await;
    let eve = member(&api, "Eve", "eve@example.org").await;
    let shirt = price("price_shirt", "T-shirt");
    hear(
        &api,
        "customer.created",
        customer("cus_1", "EVE@example.org"),
    )
    .await;
    hear(
        &api,
        "invoice.paid",
        invoice(&api, "1", "cus_1", &shirt, false),
    )
    .await;
    // Of this one nothing says that it is a member's.
    hear(
        &api,
        "customer.created",
        customer("cus_9", "stranger@example.org"),
    )
    .await;
    hear(
        &api,
        "invoice.paid",
        invoice(&api, "9", "cus_9", &shirt, false),
    )
    .await;
    let asked = one(&api, "unmatched_payment").await;
    assert_eq!(
        (&asked["subject"], &asked["member"]),
        (&json!("in_1"), &json!(eve))
    );
    let owner = async |invoice: &str| {
        let paid = api.get("/api/v1/payments").await["items"].clone();
        let rows = paid.as_array().cloned().unwrap_or_default();
        rows.into_iter()
            .find(|row| row["invoice"] == invoice)
            .expect("in the ledger")["member"]
            .clone()
    };
    assert_eq!(owner("in_1").await, Value::Null);
    api.post(&path(&asked), json!({"action": "link"})).await;
    assert_eq!(
        (owner("in_1").await, owner("in_9").await),
        (json!(eve), Value::Null)
    );
    hear(
        &api,
        "invoice.paid",
        invoice(&api, "2", "cus_1", &shirt, false),
    )
    .await;
    assert_eq!(owner("in_2").await, json!(eve));
    assert_eq!(open(&api, "unmatched_payment").await, [Value::Null; 0]);
    // What names a membership type is asked about whoever pays it, and not again once it was accepted.
    let full = price("price_1", "membertype_full-for a year");
    hear(&api, "price.created", full.clone()).await;
    hear(
        &api,
        "invoice.paid",
        invoice(&api, "10", "cus_9", &full, false),
    )
    .await;
    resolve(&api, "unmatched_payment", json!({"action": "seen"})).await;
    api.wait(Span::seconds(1));
    hear(
        &api,
        "customer.updated",
        customer("cus_9", "stranger@example.org"),
    )
    .await;
    assert_eq!(open(&api, "unmatched_payment").await, [Value::Null; 0]);
}

#[tokio::test]
async fn a_new_payer_gets_a_card_or_turns_out_to_be_a_member() {
    let api = Api::new().await;
    let ada = api.furnish().await;
    let full = price("price_1", "membertype_full-monthly");
    for (id, of) in [("1", "cus_1"), ("2", "cus_2")] {
        hear(
            &api,
            "customer.created",
            customer(of, &format!("{of}@example.org")),
        )
        .await;
        pay(&api, id, of, &full).await;
    }
    let made = open(&api, "needs_card").await;
    assert_eq!(made.len(), 2);
    let refused = api
        .refused(
            Method::POST,
            &path(&made[1]),
            Some(json!({"action": "give_card"})),
        )
        .await;
    assert_eq!((refused.0, refused.1.as_deref()), (422, Some("uid")));
    api.post(
        &path(&made[1]),
        json!({"action": "give_card", "uid": "0415AB3C"}),
    )
    .await;
    assert_eq!(
        api.get("/api/v1/cards").await["items"][0]["member"],
        made[1]["member"]
    );
    resolve(&api, "needs_card", json!({"action": "link", "member": ada})).await;
    assert_eq!(state(&api, ada).await, "good");
    let gone = format!("/api/v1/members/{}", made[0]["member"]);
    assert_eq!(
        api.refused(Method::GET, &gone, None).await.0,
        404,
        "nobody is left over"
    );
}

#[tokio::test]
async fn an_unknown_type_is_told_once_and_made_or_stood_in_for() {
    let api = Api::new().await;
    api.furnish().await;
    for number in ["1", "2"] {
        hear(
            &api,
            "price.created",
            price(&format!("price_{number}"), "membertype_wood-monthly"),
        )
        .await;
    }
    hear(
        &api,
        "price.created",
        price("price_3", "membertype_9-monthly"),
    )
    .await;
    let asked = open(&api, "unknown_type").await;
    let subjects: Vec<&Value> = asked.iter().map(|item| &item["subject"]).collect();
    assert_eq!(json!(subjects), json!(["9", "wood"]));
    for (id, of) in [("1", "price_1"), ("3", "price_3")] {
        let buyer = format!("cus_{id}");
        hear(
            &api,
            "customer.created",
            customer(&buyer, &format!("{buyer}@example.org")),
        )
        .await;
        pay(&api, id, &buyer, &json!(of)).await;
    }
    assert_eq!(
        api.get("/api/v1/members").await["items"]
            .as_array()
            .map(Vec::len),
        Some(1)
    );
    api.post(
        &path(&asked[1]),
        json!({"action": "make_type", "name": "Wood shop"}),
    )
    .await;
    assert_eq!(
        api.get("/api/v1/membership-types/wood").await["name"],
        "Wood shop"
    );
    let people = api.get("/api/v1/members").await["items"].clone();
    assert_eq!(people[1]["state"], "good", "{people}");
    let body = json!({"action": "default_type", "membership": "no"});
    let at = path(&asked[0]);
    let refused = api.refused(Method::POST, &at, Some(body)).await;
    assert_eq!(refused.1.as_deref(), Some("membership"));
    api.post(
        &path(&asked[0]),
        json!({"action": "default_type", "membership": "full"}),
    )
    .await;
    assert_eq!(
        api.get("/api/v1/members").await["items"][2]["state"],
        "good"
    );
    // Another price of the same unknown type is no news.
    hear(
        &api,
        "price.created",
        price("price_4", "membertype_9-yearly"),
    )
    .await;
    assert_eq!(open(&api, "unknown_type").await, [Value::Null; 0]);
}

#[tokio::test]
async fn a_price_that_names_no_type_is_given_one() {
    let api = Api::new().await;
    api.furnish().await;
    let slip = price("price_1", "Membertype_full monthly");
    hear(
        &api,
        "customer.created",
        customer("cus_1", "eve@example.org"),
    )
    .await;
    pay(&api, "1", "cus_1", &slip).await;
    assert_eq!(
        api.get("/api/v1/members").await["items"]
            .as_array()
            .map(Vec::len),
        Some(1)
    );
    resolve(
        &api,
        "near_miss",
        json!({"action": "map", "membership": "full"}),
    )
    .await;
    assert_eq!(
        api.get("/api/v1/members").await["items"][1]["state"],
        "good"
    );
    // Now the plan of this payer loses its type, and gets another.
    let plain = price("price_2", "Newsletter");
    api.wait(Span::seconds(1));
    let moved = subscription(&api, "1", "cus_1", &plain, "active", 1);
    hear(&api, "customer.subscription.updated", moved).await;
    api.put("/api/v1/membership-types/less", json!({"name": "Less"}))
        .await;
    resolve(
        &api,
        "type_lost",
        json!({"action": "map", "membership": "less"}),
    )
    .await;
    assert_eq!(open(&api, "type_lost").await, [Value::Null; 0]);
    let view = api.get("/api/v1/members/2").await;
    assert_eq!(
        view["standing"]["access"][0]["membership"], "less",
        "{view}"
    );
}

#[tokio::test]
async fn the_type_of_an_item_that_was_taken_out_is_given_to_no_other() {
    let api = Api::new().await;
    api.furnish().await;
    let grace = member(&api, "Grace", "grace@example.org").await;
    let full = price("price_1", "membertype_full-monthly");
    let locker = price("price_2", "Locker");
    for (id, mail) in [("cus_1", "grace@example.org"), ("cus_2", "ben@example.org")] {
        hear(&api, "customer.created", customer(id, mail)).await;
    }
    // Ben rents a locker and nothing else.
    pay(&api, "2", "cus_2", &locker).await;
    let with = |prices: &[&Value]| {
        let mut row = subscription(&api, "1", "cus_1", &full, "active", 1);
        let first = row["items"]["data"][0].clone();
        let item = |price: &&Value| {
            let mut item = first.clone();
            item["id"] = json!(format!("si_{}", price["id"].as_str().expect("an id")));
            item["price"] = (*price).clone();
            item
        };
        row["items"]["data"] = prices.iter().map(item).collect();
        row
    };
    hear(
        &api,
        "customer.subscription.created",
        with(&[&full, &locker]),
    )
    .await;
    let mut paid = invoice(&api, "1", "cus_1", &full, true);
    paid["lines"]["data"][0]["parent"]["subscription_item_details"]["subscription_item"] =
        json!("si_price_1");
    hear(&api, "invoice.paid", paid).await;
    assert_eq!(state(&api, grace).await, "good");
    api.wait(Span::seconds(5));
    hear(&api, "customer.subscription.updated", with(&[&locker])).await;
    let lost = one(&api, "type_lost").await;
    let wish = json!({"action": "map", "membership": "full"});
    let (status, said) = api.ask(Method::POST, &path(&lost), Some(wish)).await;
    assert_eq!(status.as_u16(), 409, "{said}");
    let members = api.get("/api/v1/members").await;
    let ben = members["items"].as_array().expect("members").iter();
    assert!(
        !ben.clone().any(|row| row["mail"] == "ben@example.org"),
        "{members}"
    );
}

#[tokio::test]
async fn an_event_with_absurd_amounts_breaks_nothing() {
    let api = Api::new().await;
    api.furnish().await;
    let grace = member(&api, "Grace", "grace@example.org").await;
    let full = price("price_1", "membertype_full-monthly");
    hear(
        &api,
        "customer.created",
        customer("cus_1", "grace@example.org"),
    )
    .await;
    let row = subscription(&api, "1", "cus_1", &full, "past_due", i64::MAX);
    hear(&api, "customer.subscription.created", row).await;
    let mut odd = invoice(&api, "1", "cus_1", &full, true);
    odd["total"] = json!(i64::MAX);
    odd["starting_balance"] = json!(i64::MIN);
    odd["ending_balance"] = json!(i64::MAX);
    let line = odd["lines"]["data"][0].clone();
    let mut more = line.clone();
    more["amount"] = json!(i64::MAX);
    odd["lines"]["data"] = json!([line, more.clone(), more]);
    for (kind, status, paid) in [("finalized", "open", i64::MIN), ("paid", "paid", 0)] {
        odd["status"] = json!(status);
        odd["amount_paid"] = json!(paid);
        hear(&api, &format!("invoice.{kind}"), odd.clone()).await;
        api.wait(Span::seconds(5));
    }
    for path in [
        format!("/api/v1/members/{grace}"),
        format!("/api/v1/members/{grace}/explain"),
    ] {
        let (status, answer) = api.ask(Method::GET, &path, None).await;
        assert!(status.is_success(), "{path}: {answer}");
    }
    let waiting = api.get("/api/v1/inbox?state=pending").await;
    assert_eq!(waiting["items"], json!([]), "{waiting}");
}

#[tokio::test]
async fn a_poisoned_event_is_applied_once_more() {
    let api = Api::new().await;
    hear(
        &api,
        "customer.created",
        customer("cus_1", "eve@example.org"),
    )
    .await;
    let mut tx = api.tx().await;
    tx.later(Statement::new(
        "UPDATE inbox SET state = 'poisoned', tries = 5",
    ));
    tx.later(Statement::new("DELETE FROM customers"));
    let put_aside = item(Kind::PoisonedEvent, "1", None);
    raise(&mut tx, &api.app.organisation, put_aside, api.now())
        .await
        .expect("raised");
    tx.commit().await.expect("committed");
    resolve(&api, "poisoned_event", json!({"action": "replay"})).await;
    assert_eq!(api.get("/api/v1/inbox/1").await["state"], "pending");
    api.app.apply(api.now()).await.expect("applied");
    assert_eq!(api.get("/api/v1/inbox/1").await["state"], "applied");
    assert_eq!(
        api.get("/api/v1/customers").await["items"][0]["id"],
        "cus_1"
    );
}

/// Someone with a month that is paid; answers the member.
async fn payer(api: &Api) -> i64 {
    api.furnish().await;
    let eve = member(api, "Eve", "eve@example.org").await;
    hear(
        api,
        "customer.created",
        customer("cus_1", "eve@example.org"),
    )
    .await;
    pay(
        api,
        "1",
        "cus_1",
        &price("price_1", "membertype_full-monthly"),
    )
    .await;
    assert_eq!(state(api, eve).await, "good");
    eve
}

/// The subscription of [`payer`] is cancelled at once.
async fn cancel(api: &Api) {
    let full = price("price_1", "membertype_full-monthly");
    api.wait(Span::seconds(1));
    let mut cancelled = subscription(api, "1", "cus_1", &full, "canceled", 1);
    cancelled["ended_at"] = json!(api.now().as_seconds());
    hear(api, "customer.subscription.deleted", cancelled).await;
}

#[tokio::test]
async fn what_was_cancelled_early_ends_now_or_stays_to_the_paid_end() {
    let api = Api::new().await;
    let eve = payer(&api).await;
    cancel(&api).await;
    assert_eq!(
        one(&api, "cancelled_early").await["actions"],
        json!(["end_now", "seen"])
    );
    assert_eq!(state(&api, eve).await, "good");
    resolve(
        &api,
        "cancelled_early",
        json!({"action": "end_now", "reason": "as agreed"}),
    )
    .await;
    assert_eq!(state(&api, eve).await, "lapsed");
    assert_eq!(open(&api, "cancelled_early").await, [Value::Null; 0]);
    let hold = api.get(&format!("/api/v1/members/{eve}/holds")).await[0].clone();
    assert_eq!(
        (&hold["subscription"], &hold["reason"]),
        (&json!("sub_1"), &json!("as agreed"))
    );
    // Whoever comes back and pays again is in.
    pay(
        &api,
        "2",
        "cus_1",
        &price("price_1", "membertype_full-monthly"),
    )
    .await;
    assert_eq!(state(&api, eve).await, "good");

    let api = Api::new().await;
    let eve = payer(&api).await;
    cancel(&api).await;
    resolve(&api, "cancelled_early", json!({"action": "seen"})).await;
    hear(
        &api,
        "customer.updated",
        customer("cus_1", "eve@example.org"),
    )
    .await;
    assert_eq!(state(&api, eve).await, "good");
    assert_eq!(open(&api, "cancelled_early").await, [Value::Null; 0]);
    api.wait(Span::days(30));
    api.app.tick(api.now()).await.expect("a step");
    assert_eq!(state(&api, eve).await, "lapsed");
}

#[tokio::test]
async fn what_is_paid_twice_covers_somebody_else() {
    let api = Api::new().await;
    let eve = payer(&api).await;
    let (mia, zoe) = (
        member(&api, "Mia", "mia@example.org").await,
        member(&api, "Zoe", "zoe@example.org").await,
    );
    let full = price("price_1", "membertype_full-monthly");
    api.wait(Span::seconds(1));
    pay(&api, "2", "cus_1", &full).await;
    resolve(
        &api,
        "duplicate_subscription",
        json!({"action": "cover", "member": mia}),
    )
    .await;
    assert_eq!(
        (
            state(&api, eve).await.as_str(),
            state(&api, mia).await.as_str()
        ),
        ("good", "good")
    );
    assert_eq!(open(&api, "duplicate_subscription").await, [Value::Null; 0]);
    // Two more seats are bought: each names its member, and the item stays until none is left.
    api.wait(Span::seconds(1));
    hear(
        &api,
        "customer.subscription.updated",
        subscription(&api, "1", "cus_1", &full, "active", 3),
    )
    .await;
    resolve(
        &api,
        "seat_unnamed",
        json!({"action": "cover", "member": zoe}),
    )
    .await;
    assert_eq!(state(&api, zoe).await, "good");
    assert_eq!(open(&api, "seat_unnamed").await.len(), 1);
    let ada = 1;
    resolve(
        &api,
        "seat_unnamed",
        json!({"action": "cover", "member": ada}),
    )
    .await;
    assert_eq!(open(&api, "seat_unnamed").await, [Value::Null; 0]);
    assert_eq!(state(&api, ada).await, "good");
}

#[tokio::test]
async fn the_second_customer_of_a_member_turns_out_to_be_somebody_elses() {
    let api = Api::new().await;
    let eve = payer(&api).await;
    let mia = member(&api, "Mia", "mia@example.org").await;
    api.put("/api/v1/membership-types/less", json!({"name": "Less"}))
        .await;
    hear(
        &api,
        "customer.created",
        customer("cus_2", "eve@example.org"),
    )
    .await;
    pay(
        &api,
        "2",
        "cus_2",
        &price("price_2", "membertype_less-monthly"),
    )
    .await;
    assert_eq!(one(&api, "two_customers").await["subject"], "cus_2");
    resolve(
        &api,
        "two_customers",
        json!({"action": "link", "member": mia}),
    )
    .await;
    assert_eq!(open(&api, "two_customers").await, [Value::Null; 0]);
    assert_eq!(
        (
            state(&api, eve).await.as_str(),
            state(&api, mia).await.as_str()
        ),
        ("good", "good")
    );
}

#[tokio::test]
async fn money_that_went_back_leads_to_a_hold_if_an_admin_says_so() {
    let api = Api::new().await;
    let eve = payer(&api).await;
    let refund = json!({"id": "re_1", "object": "refund", "amount": 4000, "currency": "eur", "status": "succeeded",
        "payment_intent": "pi_1", "created": api.now().as_seconds()});
    let collected = json!({"id": "inpay_1", "object": "invoice_payment", "invoice": "in_1", "customer": "cus_1",
        "payment": {"type": "payment_intent", "payment_intent": "pi_1"}});
    hear(&api, "invoice_payment.paid", collected).await;
    hear(&api, "refund.created", refund).await;
    resolve(&api, "refund", json!({"action": "hold"})).await;
    assert_eq!(state(&api, eve).await, "held");
    assert_eq!(open(&api, "refund").await, [Value::Null; 0]);
    let hold = api.get(&format!("/api/v1/members/{eve}/holds")).await[0].clone();
    assert_eq!(
        (&hold["subscription"], &hold["reason"]),
        (&Value::Null, &json!("refund in_1"))
    );
}

#[tokio::test]
async fn a_grant_that_outlived_its_subscription_is_ended() {
    let api = Api::new().await;
    let eve = payer(&api).await;
    let body = json!({"membership": "full", "reason": "until the card works"});
    api.post(&format!("/api/v1/members/{eve}/grants"), body)
        .await;
    cancel(&api).await;
    resolve(&api, "cancelled_early", json!({"action": "end_now"})).await;
    resolve(&api, "granted_not_active", json!({"action": "end_grant"})).await;
    assert_eq!(state(&api, eve).await, "lapsed");
    assert_eq!(open(&api, "granted_not_active").await, [Value::Null; 0]);
}

#[tokio::test]
async fn doors_are_told_again_and_a_doubled_agent_loses_its_rights() {
    let api = Api::new().await;
    api.post("/api/v1/agents", json!({"id": "pi", "name": "Pi"}))
        .await;
    let told = async || {
        let minute = Duration::from_secs(60);
        tokio::time::timeout(minute, api.bells.agents.notified())
            .await
            .expect("the doors are told");
    };
    for (kind, action) in [
        (Kind::PaidButRefused, "resend"),
        (Kind::TwoAgents, "revoke"),
    ] {
        assert!(
            api.app
                .raise(item(kind, "pi", None), api.now())
                .await
                .expect("raised")
        );
        resolve(&api, kind.word(), json!({"action": action})).await;
        told().await;
    }
    assert_eq!(api.get("/api/v1/agents/pi").await["state"], "revoked");
}

#[tokio::test]
async fn stripe_is_asked_once_more() {
    let twin = Twin::default();
    let api = Api::with_stripe(Arc::new(twin.clone())).await;
    hear(
        &api,
        "customer.created",
        customer("cus_1", "eve@example.org"),
    )
    .await;
    let mut tx = api.tx().await;
    tx.later(Statement::new("UPDATE customers SET wants_fetch = NULL"));
    tx.commit().await.expect("committed");
    for kind in [
        Kind::StripeUnreachable,
        Kind::StripeNotReadable,
        Kind::ReconciliationBrake,
    ] {
        let subject = if kind == Kind::StripeUnreachable {
            "cus_1"
        } else {
            "key"
        };
        assert!(
            api.app
                .raise(item(kind, subject, None), api.now())
                .await
                .expect("raised")
        );
    }
    resolve(&api, "stripe_unreachable", json!({"action": "retry"})).await;
    let sql = "SELECT COUNT(*) FROM customers WHERE wants_fetch IS NOT NULL";
    let waiting: Vec<(i64,)> = api.tx().await.ask(Statement::new(sql)).await.expect("read");
    assert_eq!(waiting, [(1,)]);
    resolve(&api, "stripe_not_readable", json!({"action": "retry"})).await;
    resolve(&api, "reconciliation_brake", json!({"action": "approve"})).await;

    let keyless = Api::new().await;
    for (kind, action) in [
        (Kind::StripeNotReadable, "retry"),
        (Kind::ReconciliationBrake, "approve"),
    ] {
        assert!(
            keyless
                .app
                .raise(item(kind, "key", None), keyless.now())
                .await
                .expect("raised")
        );
        let asked = one(&keyless, kind.word()).await;
        let refused = keyless
            .refused(Method::POST, &path(&asked), Some(json!({"action": action})))
            .await;
        assert_eq!(
            (refused.0, refused.1.as_deref()),
            (409, Some("STRIPE_SECRET_KEY"))
        );
        one(&keyless, kind.word()).await;
    }
}

#[tokio::test]
async fn old_news_goes_on_when_an_admin_says_yes() {
    let api = Api::new().await;
    let eve = customer("cus_1", "eve@example.org");
    hear(&api, "customer.created", eve).await;
    let mut tx = api.tx().await;
    tx.later(Statement::new("UPDATE inbox SET state = 'held'"));
    tx.commit().await.expect("committed");
    let raised = api
        .app
        .raise(item(Kind::LateNews, "backlog", None), api.now());
    assert!(raised.await.expect("raised"));
    let count = async |state: &str| {
        let listed = api.get(&format!("/api/v1/inbox?state={state}")).await;
        listed["items"].as_array().map(Vec::len)
    };
    assert_eq!(
        (count("held").await, count("applied").await),
        (Some(1), Some(0))
    );
    resolve(&api, "late_news", json!({"action": "approve"})).await;
    // Whoever applies it, it was for the writer before this.
    while api.app.apply(api.now()).await.expect("applied").events > 0 {}
    assert_eq!(
        (count("held").await, count("applied").await),
        (Some(0), Some(1))
    );
}
