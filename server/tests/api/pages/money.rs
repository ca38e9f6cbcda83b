//! Money and Stripe on pages: payments, seats, plans, prices, events, differences.

use super::Browser;
use crate::catalogue::payer;
use crate::stripe::{customer, hear, member, pay, price};
use crate::support::Api;
use crate::twin::Twin;
use axum::http::{StatusCode, header};
use serde_json::{Value, json};
use server::rights::Role;
use shared::time::Span;
use std::sync::Arc;

async fn owner(api: &Api) -> Browser<'_> {
    let browser = Browser::new(api);
    browser.found().await;
    browser
}

async fn cash(api: &Api, member: i64, amount: i64, paid_at: &str) -> i64 {
    let body = json!({"member": member, "source": "cash", "amount": amount, "currency": "eur", "membership": "full",
        "periods": {"months": 1}, "paid_at": paid_at});
    let made = api.post("/api/v1/payments", body).await;
    made["id"].as_i64().expect("a number")
}

/// A payer of three seats.
async fn family(api: &Api) -> i64 {
    api.furnish().await;
    let full = price("price_1", "membertype_full-monthly");
    hear(api, "price.created", full.clone()).await;
    hear(
        api,
        "customer.created",
        customer("cus_1", "pia@example.org"),
    )
    .await;
    let pia = member(api, "Pia", "pia@example.org").await;
    pay(api, "1", "cus_1", &full).await;
    api.wait(Span::seconds(1));
    let mut changed = crate::stripe::subscription(api, "1", "cus_1", &full, "active", 3);
    changed["items"]["data"][0]["current_period_end"] =
        json!((api.now() + Span::days(29)).as_seconds());
    hear(api, "customer.subscription.updated", changed).await;
    pia
}

#[tokio::test]
async fn payments_are_chosen_by_month_and_way_summed_and_handed_over_as_a_file() {
    let api = Api::new().await;
    let pia = family(&api).await;
    cash(&api, pia, 4050, "2026-01-05T09:00:00Z").await;
    cash(&api, pia, 1000, "2025-12-31T23:30:00Z").await;
    let location = json!({"name": "Main", "time_zone": "Europe/Berlin"});
    api.put("/api/v1/locations/main", location).await;
    let browser = owner(&api).await;
    let page = browser
        .get("/admin/payments?month=2026-01&source=cash")
        .await;
    assert_eq!(page.status, StatusCode::OK, "{}", page.text);
    // By the club's clock the other one came in the new year, too.
    assert!(page.says("50.50 EUR") && page.says("10.00 EUR") && !page.says("40.00 EUR"));
    assert!(page.says("Pia"));
    let page = browser.get("/admin/payments?month=2025-12&source=").await;
    assert!(page.says("No payment yet."), "{}", page.text);
    let page = browser
        .get("/admin/payments?month=2026-01&source=stripe")
        .await;
    assert!(page.says("40.00 EUR") && !page.says("50.50 EUR"));
    let wrong = browser.get("/admin/payments?month=January").await;
    assert_eq!(wrong.status, StatusCode::UNPROCESSABLE_ENTITY);
    let file = browser
        .get("/admin/payments.csv?month=2026-01&source=cash")
        .await;
    let kind = file.headers.get(header::CONTENT_TYPE).expect("a type");
    assert_eq!(kind, "text/csv; charset=utf-8");
    let lines: Vec<&str> = file.text.trim_end().split("\r\n").collect();
    assert_eq!(lines.len(), 3, "{}", file.text);
    assert!(lines[0].starts_with("id,paid_at,source,member,name"));
    assert!(lines[1].contains("2026-01-05T09:00:00Z,cash") && lines[1].contains(",40.50,EUR,"));
    let totals = api.get("/api/v1/payments/totals?month=2026-01").await;
    assert_eq!(
        totals,
        json!([{"currency": "eur", "source": "cash", "count": 2, "amount": 5050},
            {"currency": "eur", "source": "stripe", "count": 1, "amount": 4000}])
    );
}

#[tokio::test]
async fn a_payment_by_hand_is_voided_from_the_members_page_and_counts_no_more() {
    let api = Api::new().await;
    let ada = api.furnish().await;
    let payment = cash(&api, ada, 4000, "2026-01-05T09:00:00Z").await;
    let browser = owner(&api).await;
    let path = format!("/admin/payments/{payment}/void");
    assert!(browser.get("/admin/members/1").await.says(&path));
    let empty = browser.post(&path, &[("reason", "")]).await;
    assert_eq!(empty.status, StatusCode::UNPROCESSABLE_ENTITY);
    let page = browser.post(&path, &[("reason", "typed twice")]).await;
    assert_eq!(page.location(), "/admin/members/1", "{}", page.text);
    let view = api.get("/api/v1/members/1").await;
    assert_ne!(view["standing"]["state"], "good");
    let page = browser.get("/admin/members/1").await;
    assert!(page.says("typed twice") && !page.says(&path));
    assert_eq!(api.get("/api/v1/payments/totals").await, json!([]));
}

#[tokio::test]
async fn the_front_desk_sees_whether_and_never_how_much() {
    let api = Api::new().await;
    let pia = family(&api).await;
    cash(&api, pia, 4050, "2026-01-05T09:00:00Z").await;
    let owner = owner(&api).await;
    let (desk, _) = owner.invites(Role::FrontDesk).await;
    let (reader, _) = owner.invites(Role::ReadOnly).await;
    let path = format!("/admin/members/{pia}");
    for (browser, sees) in [(&owner, true), (&reader, true), (&desk, false)] {
        let page = browser.get(&path).await;
        assert!(page.says("in good standing"));
        for money in ["40.50 EUR", "40.00 EUR", "cus_1", "Who pays for whom"] {
            assert_eq!(page.says(money), sees, "{money}");
        }
        for path in ["/admin/payments", "/admin/stripe", "/admin/paying-nothing"] {
            assert_eq!(
                browser.get("/admin").await.says("href=\"/admin/payments\""),
                sees
            );
            let status = browser.get(path).await.status;
            assert_eq!(status == StatusCode::OK, sees, "{path}");
        }
    }
}

#[tokio::test]
async fn a_family_is_named_seat_by_seat() {
    let api = Api::new().await;
    let pia = family(&api).await;
    let kim = member(&api, "Kim", "kim@example.org").await;
    api.member("Ben").await;
    api.member("Benno").await;
    let browser = owner(&api).await;
    let home = format!("/admin/members/{pia}");
    let page = browser.get(&home).await;
    assert_eq!(page.text.matches("nobody yet").count(), 2, "{}", page.text);
    let payer = pia.to_string();
    let seat = |seat: &'static str, who: &'static str| {
        [
            ("payer", payer.clone()),
            ("customer", "cus_1".to_owned()),
            ("item", "si_1".to_owned()),
            ("seat", seat.to_owned()),
            ("who", who.to_owned()),
        ]
    };
    let send = async |fields: [(&str, String); 5]| {
        let fields = fields
            .each_ref()
            .map(|(name, value)| (*name, value.as_str()));
        browser.post("/admin/coverage", &fields).await
    };
    let several = send(seat("2", "Ben")).await;
    assert!(several.says("Several members fit"), "{}", several.text);
    let nobody = send(seat("2", "Zoe")).await;
    assert_eq!(nobody.status, StatusCode::UNPROCESSABLE_ENTITY);
    let named = send(seat("2", "kim@example.org")).await;
    assert_eq!(named.location(), format!("{home}#paying"), "{}", named.text);
    assert_eq!(crate::stripe::state(&api, kim).await, "good");
    let page = browser.get(&format!("/admin/members/{kim}")).await;
    assert!(
        page.says("paid by") && page.says(">Pia</a>"),
        "{}",
        page.text
    );
    let page = browser.get(&home).await;
    assert!(page.says(">Kim</a>") && page.text.matches("nobody yet").count() == 1);
    let free = [("payer", &*payer), ("item", "si_1"), ("seat", "2")];
    let freed = browser.post("/admin/coverage/free", &free).await;
    assert_eq!(freed.status, StatusCode::SEE_OTHER, "{}", freed.text);
    assert_ne!(crate::stripe::state(&api, kim).await, "good");
}

#[tokio::test]
async fn a_customer_who_is_nobodys_is_linked_from_the_members_page() {
    let api = Api::new().await;
    api.furnish().await;
    hear(
        &api,
        "customer.created",
        customer("cus_9", "other@example.org"),
    )
    .await;
    let browser = owner(&api).await;
    let page = browser.get("/admin/members/1").await;
    assert!(page.says("value=\"cus_9\""), "{}", page.text);
    let wrong = browser
        .post("/admin/members/1/customers", &[("customer", "cus_0")])
        .await;
    assert_eq!(wrong.status, StatusCode::NOT_FOUND);
    let page = browser
        .post("/admin/members/1/customers", &[("customer", " cus_9 ")])
        .await;
    assert_eq!(page.status, StatusCode::SEE_OTHER, "{}", page.text);
    let customers = api.get("/api/v1/customers?member=1").await;
    assert_eq!(customers["items"][0]["id"], "cus_9");
}

/// A member on `price_1`, which Stripe lists with `price_2`.
async fn on_a_plan() -> (Api, Twin, i64) {
    let twin = Twin::default();
    twin.price("price_1", json!({"nickname": "membertype_full-Full"}));
    twin.price("price_2", json!({"nickname": "membertype_less-Less"}));
    twin.price("price_shop", json!({}));
    twin.price("price_slip", json!({"nickname": "Membertype_full"}));
    let api = Api::with_stripe(Arc::new(twin.clone())).await;
    api.furnish().await;
    let less = json!({"name": "Less"});
    api.put("/api/v1/membership-types/less", less).await;
    api.get("/api/v1/catalogue").await;
    let ada = payer(&api, "Grace", "price_1").await;
    let id = format!("sub_{ada}");
    let item = json!({"id": format!("si_of_{id}"), "object": "subscription_item", "quantity": 1,
        "price": {"id": "price_1", "object": "price"}});
    let row = json!({"id": id, "object": "subscription", "status": "active", "schedule": null, "cancel_at": null,
        "cancel_at_period_end": false, "items": {"data": [item]}});
    twin.rows().subscriptions.insert(id, row);
    (api, twin, ada)
}

#[tokio::test]
async fn a_plan_is_changed_only_after_its_price_was_seen() {
    let (api, twin, grace) = on_a_plan().await;
    let browser = owner(&api).await;
    let path = format!("/admin/members/{grace}/plan");
    assert!(
        browser
            .get(&format!("/admin/members/{grace}"))
            .await
            .says(&path)
    );
    let page = browser.get(&path).await;
    assert!(
        page.says("price_2") && !page.says("price_shop"),
        "{}",
        page.text
    );
    let wish = [("price", "price_2"), ("when", "now")];
    let page = browser.post(&path, &wish).await;
    assert_eq!(page.status, StatusCode::OK, "{}", page.text);
    for line in ["Full → Less", "Unused time", "-15.00 EUR", "25.00 EUR"] {
        assert!(page.says(line), "{line}: {}", page.text);
    }
    let update = format!("/v1/subscriptions/sub_{grace}");
    assert_eq!(twin.keys(&update).len(), 0, "nothing is changed by looking");
    let token = page.field("confirm");
    let confirmed = [("price", "price_2"), ("when", "now"), ("confirm", &token)];
    for _ in 0..2 {
        let page = browser.post(&path, &confirmed).await;
        assert_eq!(page.status, StatusCode::SEE_OTHER, "{}", page.text);
    }
    assert_eq!(twin.keys(&update).len(), 1, "twice sent is once done");
    let shop = [("price", "price_shop"), ("when", "now")];
    let page = browser.post(&path, &shop).await;
    assert!(page.says("role=\"alert\"") && page.status.is_client_error());
}

#[tokio::test]
async fn a_slip_in_a_price_is_shown_mapped_and_written_after_a_preview() {
    let (api, twin, _) = on_a_plan().await;
    let browser = owner(&api).await;
    let page = browser.get("/admin/stripe/catalogue").await;
    let (odd, rest) = page.text.split_once("part-memberships").expect("parts");
    assert!(
        odd.contains("price_slip") && odd.contains("looks like a membertype"),
        "{odd}"
    );
    assert!(rest.contains("price_2") && rest.contains("price_shop"));
    let map = [("price", "price_slip"), ("membership", "less")];
    let page = browser.post("/admin/stripe/catalogue/map", &map).await;
    assert_eq!(page.location(), "/admin/stripe/catalogue", "{}", page.text);
    let mapping = async || {
        let all = api.get("/api/v1/catalogue?known=true").await;
        let prices = all["prices"].as_array().expect("prices").clone();
        let slip = prices.into_iter().find(|price| price["id"] == "price_slip");
        slip.expect("it is there")["mapping"].clone()
    };
    assert_eq!(mapping().await, "less");
    let unmap = [("price", "price_slip")];
    browser.post("/admin/stripe/catalogue/unmap", &unmap).await;
    assert_eq!(mapping().await, Value::Null);
    let wish = [
        ("price", "price_shop"),
        ("membership", "less"),
        ("metadata", "false"),
    ];
    let page = browser
        .post("/admin/stripe/catalogue/retrofit", &wish)
        .await;
    assert!(
        page.says("membertype_less-") && page.says("Nothing is written yet."),
        "{}",
        page.text
    );
    assert_eq!(twin.keys("/v1/prices/price_shop").len(), 0);
    let write = [wish[0], wish[1], wish[2], ("write", "true")];
    let page = browser
        .post("/admin/stripe/catalogue/retrofit", &write)
        .await;
    assert_eq!(page.location(), "/admin/stripe/catalogue", "{}", page.text);
    assert_eq!(twin.keys("/v1/prices/price_shop").len(), 1);
}

#[tokio::test]
async fn what_takes_access_from_many_is_asked_about_with_whom_it_concerns() {
    let (api, _, _) = on_a_plan().await;
    let map = json!({"membership": "full"});
    api.put("/api/v1/catalogue/price_shop/mapping", map).await;
    for number in 0..6 {
        payer(&api, &format!("Member {number}"), "price_shop").await;
    }
    let browser = owner(&api).await;
    let unmap = [("price", "price_shop")];
    let page = browser.post("/admin/stripe/catalogue/unmap", &unmap).await;
    assert_eq!(page.status, StatusCode::OK);
    assert!(
        page.says("6 members at once") && page.says("/admin/members/8"),
        "{}",
        page.text
    );
    let good = async || {
        let good = api.get("/api/v1/members?state=good").await;
        good["items"].as_array().map_or(0, Vec::len)
    };
    assert_eq!(good().await, 7);
    let sure = [("price", "price_shop"), ("approved", "true")];
    let page = browser.post("/admin/stripe/catalogue/unmap", &sure).await;
    assert_eq!(page.location(), "/admin/stripe/catalogue", "{}", page.text);
    assert_eq!(good().await, 1);
}

#[tokio::test]
async fn every_event_tells_whom_it_is_about_what_it_did_and_is_applied_again() {
    let api = Api::new().await;
    let pia = family(&api).await;
    let browser = owner(&api).await;
    let list = browser.get("/admin/stripe/inbox").await;
    assert!(list.says("invoice.paid") && list.says("in_1") && !list.says("pia@example.org"));
    let events = api.get("/api/v1/inbox").await;
    let paid = events["items"].as_array().expect("events").iter();
    let paid = paid
        .clone()
        .find(|event| event["kind"] == "invoice.paid")
        .expect("it came");
    assert_eq!(
        (&paid["object"], &paid["customer"], &paid["members"]),
        (&json!("in_1"), &json!("cus_1"), &json!([pia]))
    );
    let path = format!("/admin/stripe/inbox/{}", paid["id"]);
    let page = browser.get(&path).await;
    let link = format!("/admin/members/{pia}");
    assert!(
        page.says("What it did") && page.says("in good standing") && page.says(&link),
        "{}",
        page.text
    );
    assert!(!page.says("pia@example.org") && !page.says("A. Payer"));
    let before = api.get("/api/v1/payments").await;
    let replayed = browser.post(&format!("{path}/replay"), &[]).await;
    assert_eq!(replayed.location(), path, "{}", replayed.text);
    while api.app.apply(api.now()).await.expect("applied").events > 0 {}
    assert_eq!(api.get("/api/v1/payments").await, before, "it counts once");
    let shown = api.get(&format!("/api/v1/inbox/{}", paid["id"])).await;
    assert_eq!(
        (&shown["state"], &shown["effects"][0]["state"]),
        (&json!("applied"), &json!("good"))
    );
    let held = browser.get("/admin/stripe/inbox?state=held").await;
    assert!(held.says("No event."));
    let none = browser.post("/admin/stripe/inbox/99/replay", &[]).await;
    assert_eq!(none.status, StatusCode::NOT_FOUND);
}

#[tokio::test]
async fn the_state_of_stripe_says_which_way_news_comes_in() {
    let api = Api::new().await;
    let browser = owner(&api).await;
    let page = browser.get("/admin/stripe").await;
    assert!(page.says("No news of Stripe comes in") && page.says("By a webhook: Stripe calls"));
    hear(
        &api,
        "customer.created",
        customer("cus_1", "pia@example.org"),
    )
    .await;
    let page = browser.get("/admin/stripe").await;
    assert!(page.says("News of Stripe comes in") && page.says("test: play money"));
    let silent = Api::with_secrets(Vec::new()).await;
    assert_eq!(silent.get("/api/v1/stripe").await["way"], "none");
    let (both, twin, _) = on_a_plan().await;
    let shown = both.get("/api/v1/stripe").await;
    assert_eq!(
        (&shown["way"], &shown["account"]),
        (&json!("webhook_and_key"), &json!("acct_1"))
    );
    let check = both.post("/api/v1/stripe/check", Value::Null).await;
    assert_eq!(check["account"], true);
    let permissions = check["permissions"].as_array().expect("a list");
    let readable = |name: &str| {
        let found = permissions
            .iter()
            .find(|permission| permission["name"] == name);
        found.expect("it is asked for")["readable"].clone()
    };
    assert_eq!(
        (readable("Prices"), readable("Events")),
        (json!(true), json!(false))
    );
    drop(twin);
}

#[tokio::test]
async fn differences_are_told_before_they_are_mended() {
    let (api, twin, grace) = on_a_plan().await;
    let now = api.now().as_seconds();
    let row = json!({"id": format!("sub_{grace}"), "object": "subscription", "customer": format!("cus_{grace}"),
        "status": "active", "created": now, "cancel_at_period_end": false, "cancel_at": null, "ended_at": null, "metadata": {},
        "collection_method": "charge_automatically", "latest_invoice": null,
        "items": {"object": "list", "has_more": false, "data": [{"id": format!("si_of_sub_{grace}"),
            "object": "subscription_item", "quantity": 1, "current_period_start": now, "current_period_end": now + 86_400,
            "price": {"id": "price_1", "object": "price", "nickname": "membertype_full-Full", "metadata": {}, "product": "prod_1",
                "active": true, "currency": "eur", "unit_amount": 4000, "recurring": {"interval": "month", "interval_count": 1}}}]}});
    twin.rows()
        .subscriptions
        .insert(format!("sub_{grace}"), row);
    let browser = owner(&api).await;
    let path = "/admin/stripe/reconciliation";
    assert!(browser.get(path).await.says("Compare, change nothing"));
    let page = browser.post(path, &[("mend", "none")]).await;
    assert_eq!(page.status, StatusCode::OK, "{}", page.text);
    assert!(
        page.says("The status is active at Stripe and trialing here"),
        "{}",
        page.text
    );
    assert!(page.says("nothing was changed"));
    let status = async || {
        let view = api.get(&format!("/api/v1/members/{grace}")).await;
        view["covered"][0]["status"].clone()
    };
    assert_eq!(status().await, "trialing");
    let page = browser.post(path, &[("mend", "careful")]).await;
    assert!(page.says("was mended"), "{}", page.text);
    assert_eq!(status().await, "active");
    let page = browser.post(path, &[("mend", "none")]).await;
    assert!(page.says("Nothing differs."), "{}", page.text);
}

#[tokio::test]
async fn who_is_let_in_for_nothing_is_listed_and_who_is_paid_for_is_not() {
    let api = Api::new().await;
    let pia = family(&api).await;
    let kim = api.member("Kim").await;
    let seat = json!({"customer": "cus_1", "member": kim});
    api.put("/api/v1/coverage/si_1/2", seat).await;
    let ben = api.member("Ben").await;
    let grant = json!({"membership": "full", "reason": "he built the shelves"});
    api.post(&format!("/api/v1/members/{ben}/grants"), grant)
        .await;
    let zoe = api.member("Zoe").await;
    cash(&api, zoe, 0, "2026-01-05T09:00:00Z").await;
    cash(&api, 1, 4000, "2026-01-05T09:00:00Z").await;
    let found = api.get("/api/v1/members/paying-nothing").await;
    let found = found["items"].as_array().expect("a list").iter();
    let found: Vec<&Value> = found.map(|line| &line["member"]).collect();
    assert_eq!(
        found,
        [&json!(ben), &json!(zoe)],
        "and neither {pia} nor {kim}"
    );
    let browser = owner(&api).await;
    let page = browser.get("/admin/paying-nothing").await;
    assert!(page.says(">Ben</a>") && page.says("Given by an admin.") && !page.says(">Kim</a>"));
}
