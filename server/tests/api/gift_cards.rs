//! Gift cards are issued, become credit once, and survive what breaks in between; discount codes.

use crate::support::Api;
use crate::twin::{Trouble, Twin, param};
use async_trait::async_trait;
use axum::http::{Method, StatusCode};
use serde_json::{Value, json};
use server::billing::client::{Request, Stripe, StripeError};
use server::store::mirror;
use server::store::trip::Statement;
use shared::ids::MemberId;
use shared::time::Span;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use tokio::sync::Semaphore;

const REDEEM: &str = "/api/v1/gift-cards/redeem";

/// A club with Stripe, and a member who is the customer `cus_1`.
async fn club() -> (Api, Twin, i64) {
    let twin = Twin::default();
    let api = Api::with_stripe(Arc::new(twin.clone())).await;
    let ada = api.furnish().await;
    customer(&api, &twin, "cus_1", ada).await;
    (api, twin, ada)
}

async fn customer(api: &Api, twin: &Twin, id: &str, member: i64) {
    let row = json!({"id": id, "object": "customer", "balance": 0, "currency": "eur"});
    twin.rows().customers.insert(id.to_owned(), row);
    let mut tx = api.tx().await;
    mirror::meet(&mut tx, api.app.account, id, api.now());
    mirror::link(
        &mut tx,
        api.app.account,
        id,
        MemberId(member),
        "admin",
        true,
    );
    tx.commit().await.expect("committed");
}

async fn issue(api: &Api, currency: &str) -> String {
    let body =
        json!({"amount": 10_000, "currency": currency, "buyer": "Uncle Bob", "note": "birthday"});
    let issued = api.post("/api/v1/gift-cards", body).await;
    issued["code"].as_str().expect("a code").to_owned()
}

async fn card(api: &Api) -> Value {
    api.get("/api/v1/gift-cards").await["items"][0].clone()
}

async fn redeem(api: &Api, code: &str, member: i64) -> (StatusCode, Value) {
    let body = json!({"code": code, "member": member});
    api.ask(Method::POST, REDEEM, Some(body)).await
}

#[tokio::test]
async fn a_gift_card_becomes_credit_once() {
    let (api, twin, ada) = club().await;
    let code = issue(&api, "EUR").await;
    let issued = card(&api).await;
    assert_eq!(
        (&issued["state"], &issued["amount"], &issued["buyer"]),
        (&json!("issued"), &json!(10_000), &json!("Uncle Bob"))
    );
    let last = issued["last_letters"].as_str().expect("letters");
    assert!(
        code.ends_with(last) && !issued.to_string().contains(&code),
        "shown once only"
    );
    let (status, redeemed) = redeem(&api, &code.to_lowercase().replace('-', " "), ada).await;
    assert_eq!(status, StatusCode::OK, "{redeemed}");
    assert_eq!(
        (
            &redeemed["state"],
            &redeemed["member"],
            &redeemed["customer"]
        ),
        (&json!("redeemed"), &json!(ada), &json!("cus_1"))
    );
    let credit = api.get(&format!("/api/v1/members/{ada}/credit")).await;
    let told = json!([{"customer": "cus_1", "credit": 10_000, "owed": 0, "currency": "eur"}]);
    assert_eq!(credit, told);
    let body = json!({"code": code, "member": ada});
    let again = api.refused(Method::POST, REDEEM, Some(body)).await;
    assert_eq!((again.0, again.1.as_deref()), (409, Some("code")));
    let again = api
        .refused(Method::POST, "/api/v1/gift-cards/1/void", None)
        .await;
    assert_eq!(again.0, 409);
    let deeds = api.deeds().await;
    let done = ["gift_card.issue", "gift_card.redeem"].map(str::to_owned);
    assert!(deeds.ends_with(&done), "{deeds:?}");
    assert_eq!(twin.rows().movements.len(), 1);
    let change = twin.rows().changes[0].clone();
    assert_eq!(param(&change, "amount"), Some("-10000"));
    assert!(
        !format!("{change:?}").contains(&code),
        "the code stays here"
    );
}

#[tokio::test]
async fn whom_a_gift_card_is_for_must_be_clear() {
    let (api, twin, ada) = club().await;
    let code = issue(&api, "eur").await;
    let grace = api.member("Grace").await;
    customer(&api, &twin, "cus_2", ada).await;
    for (body, field) in [
        (
            json!({"code": "AAAA-AAAA-AAAA-AAAA", "member": grace}),
            "customer",
        ),
        (json!({"code": code, "member": 99}), "member"),
        (json!({"code": "nonsense", "member": ada}), "code"),
        (
            json!({"code": "AAAA-AAAA-AAAA-AAAA", "member": ada, "customer": "cus_1"}),
            "code",
        ),
        (json!({"code": code, "member": ada}), "customer"),
        (
            json!({"code": code, "member": ada, "customer": "cus_9"}),
            "customer",
        ),
        (json!({"code": code, "member": grace}), "customer"),
    ] {
        let refused = api.refused(Method::POST, REDEEM, Some(body.clone())).await;
        assert_eq!(
            (refused.0, refused.1.as_deref()),
            (422, Some(field)),
            "{body}"
        );
        assert!(!refused.2.contains(&code));
    }
    let mut tx = api.tx().await;
    mirror::link(
        &mut tx,
        api.app.account,
        "cus_2",
        MemberId(grace),
        "mail",
        false,
    );
    tx.commit().await.expect("committed");
    let body = json!({"code": code, "member": grace});
    let refused = api.refused(Method::POST, REDEEM, Some(body)).await;
    assert_eq!(
        (refused.0, refused.1.as_deref()),
        (409, Some("customer")),
        "linked by mail only"
    );
    assert_eq!(twin.rows().changes, []);
    assert_eq!(card(&api).await["state"], "issued");
    let void = api.post("/api/v1/gift-cards/1/void", json!({})).await;
    assert_eq!(void["state"], "void");
    let body = json!({"code": code, "member": ada, "customer": "cus_1"});
    let refused = api.refused(Method::POST, REDEEM, Some(body)).await;
    assert_eq!((refused.0, refused.1.as_deref()), (409, Some("code")));
}

#[tokio::test]
async fn an_answer_that_is_lost_redeems_neither_twice_nor_never() {
    for trouble in [Trouble::LostAfter, Trouble::LostBefore] {
        let (api, twin, ada) = club().await;
        let code = issue(&api, "eur").await;
        twin.always(trouble);
        let (status, open) = redeem(&api, &code, ada).await;
        assert_eq!(
            (status, &open["state"]),
            (StatusCode::ACCEPTED, &json!("redeeming"))
        );
        assert_eq!(
            api.get("/api/v1/attention").await["items"][0]["kind"],
            "gift_card"
        );
        // Stripe forgets keys after a day; what it did it does not forget.
        twin.rows().troubles.clear();
        twin.rows().answered.clear();
        api.wait(Span::days(3));
        assert_eq!(
            api.app
                .finish_gift_cards(api.now())
                .await
                .expect("finished"),
            0
        );
        assert_eq!(
            api.app
                .finish_gift_cards(api.now())
                .await
                .expect("finished"),
            0
        );
        assert_eq!(card(&api).await["state"], "redeemed");
        assert_eq!(twin.rows().movements.len(), 1, "{trouble:?}");
        assert_eq!(twin.rows().customers["cus_1"]["balance"], -10_000);
        assert_eq!(api.get("/api/v1/attention").await["items"], json!([]));
    }
}

#[tokio::test]
async fn a_card_redeemed_before_a_restore_is_not_credited_again() {
    let (api, twin, ada) = club().await;
    let code = issue(&api, "eur").await;
    assert_eq!(redeem(&api, &code, ada).await.1["state"], "redeemed");
    // Much else has changed the balance since: the credit is on the second page.
    for number in 0..150 {
        let row = json!({"id": format!("cbtxn_of_{number}"), "amount": 1, "metadata": {}});
        twin.rows().movements.insert(0, ("cus_1".to_owned(), row));
    }
    let mut tx = api.tx().await;
    tx.later(Statement::new(
        "UPDATE gift_cards SET state = 'issued', account = NULL, customer = NULL, member = NULL, begun_at = NULL, \
         movement = NULL, settled_at = NULL",
    ));
    tx.commit().await.expect("committed");
    twin.rows().answered.clear();
    api.wait(Span::days(400));
    let (status, again) = redeem(&api, &code, ada).await;
    assert_eq!(
        (status, &again["state"]),
        (StatusCode::OK, &json!("redeemed"))
    );
    assert_eq!(twin.rows().customers["cus_1"]["balance"], -10_000);
}

/// The first change of a balance is made and heard only after somebody else's try to finish it came to no end.
#[derive(Clone)]
struct Crossing {
    twin: Twin,
    changes: Arc<AtomicU32>,
    /// The first change was sent.
    sent: Arc<Semaphore>,
    /// The other has looked and found nothing.
    looked: Arc<Semaphore>,
    /// The first was settled.
    settled: Arc<Semaphore>,
}

#[async_trait]
impl Stripe for Crossing {
    fn livemode(&self) -> Option<bool> {
        Some(false)
    }

    async fn call(&self, request: Request) -> Result<Value, StripeError> {
        let wait = async |what: &Semaphore| what.acquire().await.expect("open").forget();
        if !request.path.ends_with("/balance_transactions") {
            return self.twin.call(request).await;
        }
        let sent = self.changes.load(Ordering::SeqCst) > 0;
        if request.method == server::billing::client::Method::Get {
            let found = self.twin.call(request).await;
            if sent {
                self.looked.add_permits(1);
            }
            return found;
        }
        if self.changes.fetch_add(1, Ordering::SeqCst) == 0 {
            self.sent.add_permits(1);
            wait(&self.looked).await;
            return self.twin.call(request).await;
        }
        wait(&self.settled).await;
        Err(StripeError::Failing {
            path: request.path,
            status: 409,
            after: None,
        })
    }
}

#[tokio::test]
async fn a_try_that_ends_late_says_nothing_of_a_redeemed_card() {
    let none = || Arc::new(Semaphore::new(0));
    let crossing = Crossing {
        twin: Twin::default(),
        changes: Arc::default(),
        sent: none(),
        looked: none(),
        settled: none(),
    };
    let api = Api::with_stripe(Arc::new(crossing.clone())).await;
    let ada = api.furnish().await;
    customer(&api, &crossing.twin, "cus_1", ada).await;
    let code = issue(&api, "eur").await;
    let first = async {
        let done = redeem(&api, &code, ada).await;
        crossing.settled.add_permits(100);
        done
    };
    let second = async {
        crossing.sent.acquire().await.expect("open").forget();
        api.app.finish_gift_cards(api.now()).await
    };
    let (first, second) = tokio::join!(first, second);
    assert_eq!(first.1["state"], "redeemed");
    assert_eq!(second.expect("looked"), 1, "its own try came to no end");
    assert_eq!(card(&api).await["state"], "redeemed");
    assert_eq!(api.get("/api/v1/attention").await["items"], json!([]));
}

#[tokio::test]
async fn a_card_begun_for_a_customer_that_is_gone_is_as_good_as_before() {
    for deleted in [true, false] {
        let (api, twin, ada) = club().await;
        let grace = api.member("Grace").await;
        customer(&api, &twin, "cus_2", grace).await;
        let code = issue(&api, "eur").await;
        twin.always(Trouble::LostBefore);
        assert_eq!(redeem(&api, &code, ada).await.0, StatusCode::ACCEPTED);
        twin.rows().troubles.clear();
        // Stripe shows what was deleted as a stub; of what was only tried out nothing is left.
        if deleted {
            let stub = json!({"id": "cus_1", "object": "customer", "deleted": true});
            twin.rows().customers.insert("cus_1".to_owned(), stub);
        } else {
            twin.rows().customers.remove("cus_1");
        }
        assert_eq!(
            api.app
                .finish_gift_cards(api.now())
                .await
                .expect("finished"),
            0
        );
        let freed = card(&api).await;
        assert_eq!(
            (&freed["state"], &freed["customer"]),
            (&json!("issued"), &Value::Null)
        );
        assert_eq!(api.get("/api/v1/attention").await["items"], json!([]));
        assert_eq!(redeem(&api, &code, grace).await.1["state"], "redeemed");
        assert_eq!(twin.rows().customers["cus_2"]["balance"], -10_000);
    }
}

#[tokio::test]
async fn who_tries_again_finishes_what_was_cut_off() {
    let (api, twin, ada) = club().await;
    customer(&api, &twin, "cus_2", api.member("Grace").await).await;
    let code = issue(&api, "eur").await;
    twin.always(Trouble::LostAfter);
    assert_eq!(redeem(&api, &code, ada).await.0, StatusCode::ACCEPTED);
    let other = json!({"code": code, "member": ada + 1});
    let refused = api.refused(Method::POST, REDEEM, Some(other)).await;
    assert_eq!(
        (refused.0, refused.1.as_deref()),
        (409, Some("code")),
        "it is Ada's already"
    );
    twin.rows().troubles.clear();
    let (status, redeemed) = redeem(&api, &code, ada).await;
    assert_eq!(
        (status, &redeemed["state"]),
        (StatusCode::OK, &json!("redeemed"))
    );
    assert_eq!(twin.rows().movements.len(), 1);
}

#[tokio::test]
async fn a_card_that_stripe_refuses_is_as_good_as_before() {
    let (api, twin, ada) = club().await;
    let code = issue(&api, "usd").await;
    let (status, problem) = redeem(&api, &code, ada).await;
    assert_eq!(
        (status.as_u16(), &problem["field"]),
        (409, &json!("currency"))
    );
    assert!(
        problem["detail"]
            .as_str()
            .is_some_and(|said| said.contains("does not match"))
    );
    assert_eq!(card(&api).await["state"], "issued");
    twin.rows().forbidden.push("/v1/customers".to_owned());
    let (status, problem) = redeem(&api, &code, ada).await;
    assert_eq!(
        (status.as_u16(), &problem["field"]),
        (409, &json!("STRIPE_SECRET_KEY"))
    );
    twin.rows().forbidden.clear();
    twin.rows().customers.get_mut("cus_1").expect("a customer")["currency"] = json!("usd");
    let (status, redeemed) = redeem(&api, &code, ada).await;
    assert_eq!(
        (status, &redeemed["state"]),
        (StatusCode::OK, &json!("redeemed"))
    );
    let keys = twin.keys("/v1/customers/cus_1/balance_transactions");
    let all: std::collections::BTreeSet<_> = keys.iter().collect();
    assert_eq!(
        (keys.len(), all.len()),
        (3, 3),
        "a refused try does not speak for the next"
    );
}

#[tokio::test]
async fn without_a_key_a_gift_card_is_issued_and_not_redeemed() {
    let api = Api::new().await;
    let ada = api.furnish().await;
    let code = issue(&api, "eur").await;
    crate::people::subscribe(&api, "cus_1").await;
    api.post("/api/v1/customers/cus_1/link", json!({"member": ada}))
        .await;
    for (method, path, body) in [
        (
            Method::POST,
            REDEEM.to_owned(),
            Some(json!({"code": code, "member": ada})),
        ),
        (Method::GET, format!("/api/v1/members/{ada}/credit"), None),
        (Method::GET, "/api/v1/discount-codes".to_owned(), None),
    ] {
        let refused = api.refused(method, &path, body).await;
        assert_eq!(
            (refused.0, refused.1.as_deref()),
            (409, Some("STRIPE_SECRET_KEY"))
        );
    }
    assert_eq!(card(&api).await["state"], "issued");
}

#[tokio::test]
async fn a_discount_is_for_the_first_term_unless_it_is_made_permanent() {
    let (api, twin, _) = club().await;
    let first = json!({"code": "WELCOME", "name": "Welcome", "percent_off": 50});
    let first = api.post("/api/v1/discount-codes", first).await;
    assert_eq!(
        (&first["kind"], &first["percent_off"], &first["code"]),
        (&json!("introductory"), &json!("50"), &json!("WELCOME"))
    );
    let body = json!({"code": "ALWAYS", "name": "Reduced", "kind": "permanent", "amount_off": 500, "currency": "EUR",
        "max_uses": 3});
    let second = api.post("/api/v1/discount-codes", body).await;
    assert_eq!(
        (
            &second["kind"],
            &second["amount_off"],
            &second["currency"],
            &second["max_uses"]
        ),
        (&json!("permanent"), &json!(500), &json!("eur"), &json!(3))
    );
    assert_eq!(
        api.get("/api/v1/discount-codes").await,
        json!([second, first])
    );
    let durations: Vec<Value> = twin
        .rows()
        .coupons
        .values()
        .map(|coupon| coupon["duration"].clone())
        .collect();
    assert_eq!(durations, ["once", "forever"]);
    for (change, field, status) in [
        (json!({"code": "WELCOME"}), "code", 409),
        (json!({"code": "a b"}), "code", 422),
        (json!({"percent_off": 0}), "percent_off", 422),
        (json!({"percent_off": 101}), "percent_off", 422),
        (json!({"percent_off": null}), "percent_off", 422),
        (json!({"amount_off": 5}), "percent_off", 422),
        (
            json!({"percent_off": null, "amount_off": 5}),
            "currency",
            422,
        ),
        (
            json!({"percent_off": null, "amount_off": 0}),
            "amount_off",
            422,
        ),
        (json!({"max_uses": 0}), "max_uses", 422),
        (json!({"kind": "often"}), "kind", 422),
    ] {
        let mut body = json!({"name": "Welcome", "percent_off": 50});
        for (name, value) in change.as_object().expect("fields") {
            body[name] = value.clone();
        }
        let refused = api
            .refused(Method::POST, "/api/v1/discount-codes", Some(body))
            .await;
        assert_eq!(
            (refused.0, refused.1.as_deref()),
            (status, Some(field)),
            "{change}"
        );
    }
    assert_eq!(
        twin.rows().coupons.len(),
        2,
        "what was refused left nothing behind"
    );
}
