//! Members pay, see receipts and change their plan, each for themselves and at Stripe's pages.

use super::Browser;
use super::own_in::{ADA, BOB};
use crate::catalogue::payer;
use crate::support::Api;
use crate::twin::{Trouble, Twin, param};
use axum::http::StatusCode;
use serde_json::json;
use server::billing::client::Request;
use server::store::mirror::{self, Kept, Object};
use shared::ids::MemberId;
use shared::time::{Span, Timestamp};
use std::sync::Arc;

const PAGE: &str = "https://invoice.stripe.com/i/in_open";

/// Ada pays `price_1` of the type `full`; who is in type `more` pays `price_2`, and in `less` `price_3`.
async fn club() -> (Api, Twin, i64) {
    let twin = Twin::default();
    for (price, x) in [
        ("price_1", "full"),
        ("price_2", "more"),
        ("price_3", "less"),
    ] {
        twin.price(price, json!({"nickname": format!("membertype_{x}-{x}")}));
    }
    let api = Api::with_stripe(Arc::new(twin.clone())).await;
    api.furnish().await;
    for (x, rank) in [("more", 3), ("less", 1)] {
        let body = json!({"name": x, "rank": rank});
        api.put(&format!("/api/v1/membership-types/{x}"), body)
            .await;
    }
    api.get("/api/v1/catalogue").await;
    let ada = payer(&api, "Ada", "price_1").await;
    api.patch(&format!("/api/v1/members/{ada}"), json!({"mail": ADA}))
        .await;
    (api, twin, ada)
}

/// An invoice of Ada's subscription in the mirror and at Stripe.
async fn invoice(api: &Api, twin: &Twin, member: i64, id: &str, status: &str) {
    let (customer, subscription) = (format!("cus_{member}"), format!("sub_{member}"));
    let kept = json!({"id": id, "subscription": subscription, "customer": customer, "status": status,
        "reason": "subscription_cycle", "total": 4000, "amount_paid": if status == "paid" { 4000 } else { 0 },
        "currency": "eur", "created": api.now().0, "paid_at": api.now().0, "lines": []});
    let kept = Kept {
        object: Object::Invoice(serde_json::from_value(kept).expect("an invoice")),
        stamp: None,
        as_of: Timestamp::MIN,
    };
    let Object::Invoice(read) = &kept.object else {
        panic!("an invoice");
    };
    let (mut tx, account) = (api.tx().await, api.app.account);
    mirror::put(&mut tx, account, &customer, &kept, api.now());
    if status == "paid" {
        let club = &api.app.organisation;
        server::store::members::book(&mut tx, club, account, &customer, read, api.now());
    }
    tx.commit().await.expect("committed");
    let row = json!({"id": id, "object": "invoice", "customer": customer, "status": status, "lines": {"data": []},
        "hosted_invoice_url": format!("https://invoice.stripe.com/i/{id}")});
    twin.rows().invoices.insert(0, row);
    derive(api, member).await;
}

async fn derive(api: &Api, member: i64) {
    let mut work = api.app.work(api.now()).await.expect("begun");
    let derived = api.app.derive(&mut work, MemberId(member), "the test");
    derived.await.expect("derived");
    api.app.finish(work).await.expect("committed");
}

fn asked(twin: &Twin, path: &str) -> Vec<Request> {
    let rows = twin.rows();
    let those = rows.changes.iter().filter(|change| change.path == path);
    those.cloned().collect()
}

#[tokio::test]
async fn what_is_open_is_paid_at_stripes_page_for_it() {
    let (api, twin, ada) = club().await;
    let browser = Browser::new(&api);
    browser.comes_in(ADA).await;
    assert!(!browser.get("/me").await.says("/me/pay"));
    assert_eq!(browser.get("/me/pay").await.location(), "/me");
    invoice(&api, &twin, ada, "in_open", "open").await;
    invoice(&api, &twin, ada, "in_void", "void").await;
    let page = browser.get("/me").await;
    assert!(page.says("Pay 40.00 EUR"), "{}", page.text);
    for path in ["/me/pay", "/me/pay?amount=1"] {
        let page = browser.get(path).await;
        assert_eq!(
            (page.status, page.location()),
            (StatusCode::SEE_OTHER, PAGE)
        );
    }
    // Stripe knows better than the record.
    twin.rows().invoices[1]["status"] = json!("paid");
    assert_eq!(browser.get("/me/pay").await.location(), "/me");
    twin.rows().invoices[1]["status"] = json!("open");
    twin.rows().invoices[1]["hosted_invoice_url"] = json!("javascript:alert(1)");
    assert_eq!(browser.get("/me/pay").await.location(), "/me");
    twin.rows().invoices.clear();
    let page = browser.get("/me/pay").await;
    assert_eq!(page.status, StatusCode::SERVICE_UNAVAILABLE);
    assert!(page.says("Nothing was changed.") && !page.says("in_open"));
}

#[tokio::test]
async fn who_is_linked_by_mail_alone_opens_no_payment_page() {
    let (api, twin, ada) = club().await;
    invoice(&api, &twin, ada, "in_open", "open").await;
    invoice(&api, &twin, ada, "in_paid", "paid").await;
    let receipt = {
        let paid = api.get(&format!("/api/v1/payments?member={ada}")).await;
        format!("/me/payments/{}/receipt", paid["items"][0]["id"])
    };
    let link = async |how: &str, confirmed: bool| {
        let (mut tx, customer) = (api.tx().await, format!("cus_{ada}"));
        mirror::link(
            &mut tx,
            api.app.account,
            &customer,
            MemberId(ada),
            how,
            confirmed,
        );
        tx.commit().await.expect("linked");
    };
    let browser = Browser::new(&api);
    browser.comes_in(ADA).await;
    link("mail", false).await;
    let page = browser.get("/me").await;
    assert!(!page.says("/me/pay") && !page.says("/me/portal") && !page.says("/receipt"));
    assert_eq!(browser.get("/me/pay").await.location(), "/me");
    for path in ["/me/portal", "/me/portal?errand=card", &receipt] {
        assert_eq!(
            browser.get(path).await.status,
            StatusCode::NOT_FOUND,
            "{path}"
        );
    }
    let plan = [("price", "price_2")];
    let page = browser.post("/me/plan", &plan).await;
    assert_eq!(page.status, StatusCode::UNPROCESSABLE_ENTITY);
    assert_eq!(twin.rows().changes.len(), 0);

    link("mail", true).await;
    assert_eq!(browser.get("/me/pay").await.location(), PAGE);
    let page = browser.get(&receipt).await;
    assert_eq!(page.location(), "https://invoice.stripe.com/i/in_paid");
    // And nobody else's receipt.
    super::own_in::member(&api, "Bob", BOB).await;
    let other = Browser::new(&api);
    other.comes_in(BOB).await;
    assert_eq!(other.get(&receipt).await.status, StatusCode::NOT_FOUND);
    assert_eq!(other.get("/me/pay").await.location(), "/me");
}

#[tokio::test]
async fn card_and_subscription_are_seen_to_in_stripes_portal() {
    let (api, twin, ada) = club().await;
    let browser = Browser::new(&api);
    browser.comes_in(ADA).await;
    for errand in ["", "card", "cancel"] {
        let page = browser.get(&format!("/me/portal?errand={errand}")).await;
        let portal = format!("https://billing.stripe.com/p/session/cus_{ada}");
        assert_eq!(page.location(), portal);
    }
    let sessions = asked(&twin, "/v1/billing_portal/sessions");
    let flow = |at: usize, name: &str| param(&sessions[at], name).map(str::to_owned);
    assert_eq!(flow(0, "flow_data[type]"), None);
    assert_eq!(
        flow(1, "flow_data[type]").as_deref(),
        Some("payment_method_update")
    );
    let cancelled = flow(2, "flow_data[subscription_cancel][subscription]");
    assert_eq!(cancelled, Some(format!("sub_{ada}")));
    twin.always(Trouble::LostBefore);
    let page = browser.get("/me/portal").await;
    assert_eq!(page.status, StatusCode::SERVICE_UNAVAILABLE);
}

#[tokio::test]
async fn a_plan_is_changed_within_what_the_admin_allows_after_its_price_was_seen() {
    let (api, twin, ada) = club().await;
    let (id, price) = (
        format!("sub_{ada}"),
        json!({"id": "price_1", "object": "price"}),
    );
    let item = json!({"id": format!("si_of_{id}"), "object": "subscription_item", "quantity": 1, "price": price});
    let row = json!({"id": id, "object": "subscription", "status": "active", "schedule": null, "cancel_at": null,
        "cancel_at_period_end": false, "items": {"data": [item]}});
    twin.rows().subscriptions.insert(id.clone(), row);
    let browser = Browser::new(&api);
    browser.comes_in(ADA).await;
    assert!(browser.get("/me/plan").await.says("no other plan"));
    let upgrade = [("price", "price_2")];
    let page = browser.post("/me/plan", &upgrade).await;
    assert_eq!(page.status, StatusCode::UNPROCESSABLE_ENTITY);
    assert_eq!(twin.rows().changes.len(), 0);

    for (x, rank) in [("full", 2), ("more", 3), ("less", 1)] {
        let body = json!({"name": x, "rank": rank, "members_choose": true});
        let set = api
            .put(&format!("/api/v1/membership-types/{x}"), body)
            .await;
        assert_eq!(set["members_choose"], true);
    }
    let page = browser.get("/me/plan").await;
    assert!(page.says("price_2") && page.says("price_3") && !page.says("price_1"));
    let page = browser.post("/me/plan", &upgrade).await;
    assert!(
        page.says("It begins at once, and 25.00 EUR is charged"),
        "{}",
        page.text
    );
    let token = page.field("confirm");
    let path = format!("/v1/subscriptions/{id}");
    assert_eq!(asked(&twin, &path).len(), 0);
    for wrong in ["", "x"] {
        let fields = [("price", "price_2"), ("confirm", wrong)];
        let page = browser.post("/me/plan", &fields).await;
        assert_eq!(page.status == StatusCode::OK, wrong.is_empty());
    }
    let fields = [("price", "price_2"), ("confirm", &*token)];
    for _ in 0..2 {
        assert_eq!(browser.post("/me/plan", &fields).await.location(), "/me");
    }
    let changes = asked(&twin, &path);
    assert_eq!(changes.len(), 1);
    assert_eq!(param(&changes[0], "items[0][price]"), Some("price_2"));
    // Less than before begins with the next period, whatever the browser says.
    let page = browser.post("/me/plan", &[("price", "price_3")]).await;
    assert!(
        page.says("It begins with your next period"),
        "{}",
        page.text
    );
    let when = [("price", "price_3"), ("when", "now")];
    assert!(
        browser
            .post("/me/plan", &when)
            .await
            .status
            .is_client_error()
    );
    api.wait(Span::minutes(1));
}
