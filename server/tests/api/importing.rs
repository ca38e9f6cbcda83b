//! Import over the interface: told first, then done; the same checks as from the command line.

use crate::stripe::{invoice, open, price, state, subscription};
use crate::support::Api;
use crate::twin::Twin;
use axum::http::Method;
use serde_json::{Value, json};
use server::store::trip::Statement;
use shared::time::Span;
use std::sync::Arc;

const IMPORT: &str = "/api/v1/import";

/// A club with Stripe, where customers with these numbers pay for a month each.
async fn club(customers: &[u32]) -> (Api, Twin) {
    let twin = Twin::default();
    let api = Api::with_stripe(Arc::new(twin.clone())).await;
    api.put("/api/v1/membership-types/full", json!({"name": "Full"}))
        .await;
    api.put(
        "/api/v1/zones/hall",
        json!({"name": "Hall", "location": "main"}),
    )
    .await;
    api.put("/api/v1/zones/hall/access/full", json!({})).await;
    twin.price("price_1", json!({"nickname": "membertype_full-monthly"}));
    let full = price("price_1", "membertype_full-monthly");
    for number in customers {
        let (id, whose) = (number.to_string(), format!("cus_{number}"));
        let mut rows = twin.rows();
        let row = json!({"id": whose, "object": "customer", "email": format!("m{number}@example.org"), "name": "M", "metadata": {}});
        rows.customers.insert(whose.clone(), row.clone());
        let mut running = subscription(&api, &id, &whose, &full, "active", 1);
        running["customer"] = row;
        let paid = invoice(&api, &id, &whose, &full, true);
        running["latest_invoice"] = paid.clone();
        rows.subscriptions.insert(format!("sub_{id}"), running);
        rows.invoices.push(paid);
    }
    (api, twin)
}

fn count(report: &Value, field: &str) -> usize {
    report[field].as_array().expect("a list").len()
}

#[tokio::test]
async fn an_import_is_told_first_and_changes_nothing_before_it_is_written() {
    let (api, _) = club(&[1, 2, 3]).await;
    let roll = "name,mail,customer,cards,membership,paid_until,amount,currency\n\
                Ada,ada@example.org,cus_1,04A1B2C3,,,,\n\
                Ben,m2@example.org,,04B1B2C3,,,,\n\
                Cleo,cleo@example.org,,04C1B2C3,full,2026-12-31,40.00,EUR\n\
                Dora,dora@example.org,,04D1B2C3,full,2026-06-30,,\n";
    let before = api.get("/api/v1/members").await;
    let told = api.post(IMPORT, json!({"roll": roll})).await;
    assert_eq!(told["written"], false);
    assert_eq!((count(&told, "made"), count(&told, "gained")), (4, 3));
    assert_eq!(api.get("/api/v1/members").await, before);
    assert_eq!(api.get("/api/v1/payments").await["items"], json!([]));
    assert_eq!(open(&api, "proposed_link").await.len(), 0);
    assert!(!api.deeds().await.contains(&"import".to_owned()));

    let done = api.post(IMPORT, json!({"roll": roll, "write": true})).await;
    assert_eq!(
        (&done["written"], &done["made"]),
        (&json!(true), &told["made"])
    );
    assert_eq!(
        done["linked"],
        json!([{"customer": "cus_1", "member": 1, "by": "the roll"}])
    );
    assert_eq!(
        done["proposed"],
        json!([{"customer": "cus_2", "member": 2, "by": null}])
    );
    assert_eq!(done["without_member"], json!(["cus_3"]));
    // A mail address alone is no yes.
    let states = [
        state(&api, 1).await,
        state(&api, 2).await,
        state(&api, 3).await,
    ];
    assert_eq!(states, ["good", "stranger", "good"]);
    assert!(api.deeds().await.contains(&"import".to_owned()));

    let payments = api.get("/api/v1/payments?member=3").await["items"].clone();
    assert_eq!(
        (&payments[0]["amount"], &payments[0]["currency"]),
        (&json!(4000), &json!("eur"))
    );
    let unknown = api.get("/api/v1/payments?member=4").await["items"].clone();
    assert_eq!(
        (&unknown[0]["amount"], &unknown[0]["currency"]),
        (&Value::Null, &Value::Null)
    );
    let sentence = async |member: i64| {
        let view = api.get(&format!("/api/v1/members/{member}")).await;
        (
            view["story"][0]["sentence"].clone(),
            view["story"][0]["charge"]["amount"].clone(),
        )
    };
    let told = "Member as Full. 40.00 EUR were charged (payment 1).";
    assert_eq!(sentence(3).await, (json!(told), json!(4000)));
    let told = "Member as Full. How much is not on record (payment 2).";
    assert_eq!(sentence(4).await, (json!(told), Value::Null));
    let explained = api.get("/api/v1/members/4/explain").await;
    let reason = explained["reasons"][0]
        .as_str()
        .expect("a reason")
        .to_owned();
    assert!(reason.contains("cash of an unknown amount"), "{reason}");

    // A yes to what was proposed links it; what was done is not done again.
    let body = json!({"roll": roll, "link": ["cus_2"], "write": true});
    let again = api.post(IMPORT, body).await;
    assert_eq!((count(&again, "made"), count(&again, "found")), (0, 4));
    assert_eq!(
        again["linked"],
        json!([{"customer": "cus_2", "member": 2, "by": "your yes"}])
    );
    assert_eq!(state(&api, 2).await, "good");
    assert_eq!(
        count(&api.get("/api/v1/payments?member=3").await, "items"),
        1
    );
}

#[tokio::test]
async fn one_wrong_line_and_nothing_is_brought_in() {
    let (api, _) = club(&[1]).await;
    let before = api.picture().await;
    let roll = "name,mail,customer\nAda,ada@example.org,cus_1\nBen,secret@example.org,cus_none\n";
    let good = "name,mail,membership,paid_until\nAda,ada@example.org,none,2026-12-31\n";
    for (body, field, part) in [
        (
            json!({"roll": "name,mail\nAda,secret\n", "write": true}),
            "roll",
            "line 2",
        ),
        (json!({"roll": roll, "write": true}), "roll", "line 3"),
        (json!({"roll": good, "write": true}), "roll", "line 2"),
        (json!({"roll": 5}), "roll", ""),
        (json!({"rows": []}), "rows", ""),
    ] {
        let refused = api.refused(Method::POST, IMPORT, Some(body)).await;
        assert_eq!((refused.0, refused.1.as_deref()), (422, Some(field)));
        assert!(
            refused.2.contains(part) && !refused.2.contains("secret"),
            "{}",
            refused.2
        );
    }
    assert_eq!(api.picture().await, before);
    let alone = Api::new().await;
    let body = json!({"roll": "name,mail\nAda,ada@example.org\n"});
    let refused = alone.refused(Method::POST, IMPORT, Some(body)).await;
    assert_eq!(
        (refused.0, refused.1.as_deref()),
        (409, Some("STRIPE_SECRET_KEY"))
    );
}

#[tokio::test]
async fn an_import_that_would_lock_out_many_waits_for_a_yes() {
    let numbers: Vec<u32> = (1..=8).collect();
    let (api, twin) = club(&numbers).await;
    let mut roll = "name,mail,customer\n".to_owned();
    for number in &numbers {
        roll.push_str(&format!("M{number},m{number}@example.org,cus_{number}\n"));
    }
    let done = api.post(IMPORT, json!({"roll": roll, "write": true})).await;
    assert_eq!(count(&done, "gained"), 8);
    for row in twin.rows().subscriptions.values_mut().take(6) {
        row["status"] = json!("canceled");
        row["ended_at"] = json!(api.now().as_seconds());
        row["cancellation_details"] = json!({"reason": "payment_failed"});
    }
    let body = json!({"write": true});
    let (status, problem) = api.ask(Method::POST, IMPORT, Some(body.clone())).await;
    assert_eq!(
        (status.as_u16(), &problem["field"]),
        (409, &json!("approved"))
    );
    assert_eq!(count(&problem, "members"), 6);
    assert_eq!(state(&api, 1).await, "good");
    api.post(&format!("{IMPORT}?approved=true"), body).await;
    assert_eq!(
        (state(&api, 1).await, state(&api, 8).await),
        ("lapsed".to_owned(), "good".to_owned())
    );
}

#[tokio::test]
async fn metadata_names_the_member_and_what_is_unusual_is_told() {
    let (api, twin) = club(&[1, 2]).await;
    let ada = api.member("Ada").await;
    {
        let mut rows = twin.rows();
        rows.subscriptions.get_mut("sub_1").expect("a row")["customer"]["metadata"] =
            json!({"goodstanding_member": ada.to_string()});
        let mut second = rows.subscriptions["sub_2"].clone();
        second["id"] = json!("sub_2b");
        rows.subscriptions.insert("sub_2b".to_owned(), second);
    }
    let done = api.post(IMPORT, json!({"write": true})).await;
    assert_eq!(
        done["linked"],
        json!([{"customer": "cus_1", "member": ada, "by": "its metadata"}])
    );
    assert_eq!(state(&api, ada).await, "good");
    assert!(
        done["notes"]
            .to_string()
            .contains("cus_2 has 2 subscriptions that run"),
        "{done}"
    );
}

#[tokio::test]
async fn a_row_of_two_members_and_a_key_of_another_account_bring_nobody_in() {
    let (api, _) = club(&[1]).await;
    for (name, card) in [("Ada", "04A1B2C3"), ("Ben", "04B1B2C3")] {
        let roll = format!("name,mail,cards\n{name},{name}@example.org,{card}\n");
        api.post(IMPORT, json!({"roll": roll, "write": true})).await;
    }
    let body = json!({"roll": "name,mail,cards\nAda,ada@example.org,04B1B2C3\n", "write": true});
    let refused = api.refused(Method::POST, IMPORT, Some(body)).await;
    assert!(
        refused.2.contains("belong to different members"),
        "{}",
        refused.2
    );
    let mut tx = api.tx().await;
    tx.later(Statement::new(
        "UPDATE accounts SET stripe_id = 'acct_other'",
    ));
    tx.commit().await.expect("committed");
    let body = json!({"roll": "name,mail\nCleo,cleo@example.org\n", "write": true});
    let refused = api.refused(Method::POST, IMPORT, Some(body)).await;
    assert_eq!(
        (refused.0, refused.1.as_deref()),
        (409, Some("STRIPE_SECRET_KEY"))
    );
    assert_eq!(count(&api.get("/api/v1/members").await, "items"), 2);
}

#[tokio::test]
async fn who_paid_for_life_is_in_for_life() {
    let (api, _) = club(&[]).await;
    let roll = "name,mail,membership,paid_until,amount,currency\n\
                Ada,ada@example.org,full,9999-12-31,900.00,eur\n\
                Ben,ben@example.org,full,9999-12-30,,\n\
                Cleo,cleo@example.org,full,-009999-01-01,,\n";
    let body = json!({"roll": roll, "write": true});
    let done = api.post(IMPORT, body.clone()).await;
    assert_eq!((count(&done, "made"), count(&done, "gained")), (3, 2));
    let paid = api.get("/api/v1/payments?member=1").await["items"][0].clone();
    assert_eq!(
        (&paid["amount"], &paid["membership"]),
        (&json!(90_000), &json!("full"))
    );
    let until = paid["until"].as_str().expect("an end");
    assert!(until.starts_with("9999-12-30T22:00:00"), "{until}");
    for member in [1, 2] {
        assert_eq!(state(&api, member).await, "good");
    }
    assert_eq!(state(&api, 3).await, "stranger");
    // What was done is not done again; nothing changes in fifty years.
    api.post(IMPORT, body).await;
    assert_eq!(count(&api.get("/api/v1/payments").await, "items"), 2);
    api.wait(Span::days(18_262));
    api.app.tick(api.now()).await.expect("the clock moved");
    assert_eq!(state(&api, 1).await, "good");
    assert_eq!(api.get("/api/v1/notices").await["items"], json!([]));
}

#[tokio::test]
async fn what_was_declared_void_is_told_and_not_booked_again() {
    let (api, _) = club(&[]).await;
    let roll = "name,mail,membership,paid_until\nCleo,cleo@example.org,full,2026-12-31\nDora,dora@example.org,,\n";
    let body = json!({"roll": roll, "write": true});
    let done = api.post(IMPORT, body.clone()).await;
    assert_eq!(done["notes"], json!([]));
    assert_eq!(state(&api, 1).await, "good");
    api.post("/api/v1/payments/1/void", json!({"reason": "never paid"}))
        .await;
    let again = api.post(IMPORT, body).await;
    let note = again["notes"][0].as_str().expect("a note");
    assert!(
        note.starts_with("line 2: ") && note.contains("void on 2026-01-05T10:00:00Z (payment 1)"),
        "{note}"
    );
    assert_eq!(count(&again, "notes"), 1);
    assert_eq!(state(&api, 1).await, "stranger");
    assert_eq!(count(&api.get("/api/v1/payments").await, "items"), 1);
    // A roll that says otherwise is other news.
    let roll = "name,mail,membership,paid_until\nCleo,cleo@example.org,full,2026-11-30\n";
    let corrected = api.post(IMPORT, json!({"roll": roll, "write": true})).await;
    assert_eq!(corrected["notes"], json!([]));
    assert_eq!(state(&api, 1).await, "good");
}
