use super::*;
use axum::Router;
use axum::body::Bytes;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode, Uri};
use axum::response::{IntoResponse, Response};
use serde_json::json;
use shared::time::Span;
use std::sync::{Arc, Mutex};
use stripe_client_core::{IdempotencyKey, RequestBuilder, RequestStrategy, StripeMethod};

/// Answers by path and query, and remembers what was asked.
struct Twin {
    answers: Vec<(&'static str, Value)>,
    asked: Mutex<Vec<String>>,
}

impl Twin {
    fn new(answers: Vec<(&'static str, Value)>) -> Self {
        Self {
            answers,
            asked: Mutex::default(),
        }
    }

    fn asked(&self) -> Vec<String> {
        self.asked.lock().expect("not poisoned").clone()
    }
}

#[async_trait]
impl Stripe for Twin {
    fn livemode(&self) -> Option<bool> {
        Some(false)
    }

    async fn call(&self, request: Request) -> Result<Value, StripeError> {
        let params: Vec<String> = request
            .params
            .iter()
            .map(|(name, value)| format!("{name}={value}"))
            .collect();
        let asked = format!("{}?{}", request.path, params.join("&"));
        self.asked.lock().expect("not poisoned").push(asked.clone());
        let answer = self.answers.iter().find(|(wanted, _)| asked == *wanted);
        let (status, body) = answer.map_or((404, json!({})), |(_, body)| (200, body.clone()));
        judged(
            &request.path,
            status,
            Hints::default(),
            body.to_string().as_bytes(),
        )
    }
}

fn list(ids: &[&str], more: bool) -> Value {
    let data: Vec<Value> = ids.iter().map(|id| json!({"id": id})).collect();
    json!({"object": "list", "has_more": more, "data": data})
}

fn ids(values: &[Value]) -> Vec<&str> {
    values
        .iter()
        .filter_map(|value| value["id"].as_str())
        .collect()
}

#[tokio::test]
async fn every_page_is_read() {
    let twin = Twin::new(vec![
        ("/v1/customers?limit=100", list(&["a", "b"], true)),
        (
            "/v1/customers?limit=100&starting_after=b",
            list(&["c"], true),
        ),
        ("/v1/customers?limit=100&starting_after=c", list(&[], false)),
    ]);
    assert_eq!(ids(&twin.customers().await.expect("read")), ["a", "b", "c"]);
}

#[tokio::test]
async fn pages_that_lead_nowhere_are_an_error_and_not_a_loop() {
    let twin = Twin::new(vec![
        ("/v1/customers?limit=100", list(&["a"], true)),
        (
            "/v1/customers?limit=100&starting_after=a",
            list(&["a"], true),
        ),
    ]);
    assert_eq!(
        twin.customers().await,
        Err(StripeError::garbled("/v1/customers"))
    );
    let twin = Twin::new(vec![(
        "/v1/customers?limit=100",
        json!({"data": [{}], "has_more": true}),
    )]);
    assert!(twin.customers().await.is_err());
    let twin = Twin::new(vec![("/v1/customers?limit=100", json!({"proxy": "hello"}))]);
    assert!(
        twin.customers().await.is_err(),
        "an answer without a list is no empty list"
    );
}

#[tokio::test]
async fn subscriptions_come_with_everything_that_their_standing_needs() {
    let item = |id: &str, price: &str, product: &str| json!({"id": id, "price": {"id": price, "object": "price", "product": product}});
    let subscription = json!({
        "id": "sub_1",
        "items": {"has_more": true, "url": "/v1/subscription_items?subscription=sub_1", "data": [item("si_1", "membertype_5", "prod_1")]},
        "latest_invoice": {"id": "in_1", "lines": {"has_more": true, "url": "/v1/invoices/in_1/lines", "data": []}},
    });
    let items = json!({"has_more": false, "data": [
        item("si_1", "membertype_5", "prod_1"), item("si_2", "price_2", "prod_2"), item("si_3", "price_3", "prod_2"),
        item("si_4", "price_4", "prod_secret"),
    ]});
    let bare = json!({"id": "sub_2", "items": {"data": []}, "latest_invoice": "in_2"});
    let twin = Twin::new(vec![
        (
            "/v1/subscriptions?customer=cus_1&status=all&expand[]=data.latest_invoice&limit=100",
            json!({"data": [subscription, bare], "has_more": false}),
        ),
        ("/v1/subscription_items?subscription=sub_1&limit=100", items),
        (
            "/v1/invoices/in_1/lines?limit=100",
            list(&["il_1", "il_2"], false),
        ),
        (
            "/v1/products/prod_2?",
            json!({"id": "prod_2", "name": "membertype_7"}),
        ),
    ]);
    let read = twin.subscriptions_of("cus_1").await.expect("read");
    assert_eq!(ids(&read), ["sub_1", "sub_2"]);
    let products: Vec<&Value> = read[0]["items"]["data"]
        .as_array()
        .expect("a list")
        .iter()
        .map(|item| &item["price"]["product"])
        .collect();
    let whole = json!({"id": "prod_2", "name": "membertype_7"});
    assert_eq!(
        products,
        [&json!("prod_1"), &whole, &whole, &json!("prod_secret")]
    );
    assert_eq!(
        read[0]["latest_invoice"]["lines"]["data"]
            .as_array()
            .map(Vec::len),
        Some(2)
    );
    assert_eq!(
        twin.asked()
            .iter()
            .filter(|asked| asked.contains("prod_2"))
            .count(),
        1,
        "each product is asked for once"
    );
}

#[tokio::test]
async fn a_customer_the_key_cannot_see_is_no_empty_list() {
    let twin = Twin::new(vec![]);
    assert!(matches!(
        twin.subscriptions_of("cus_1").await,
        Err(StripeError::NotReadable { .. })
    ));
    assert!(matches!(
        twin.customer("cus_1").await,
        Err(StripeError::NotReadable { .. })
    ));
}

#[tokio::test]
async fn invoices_come_with_all_their_lines() {
    let invoice = json!({"id": "in_1", "lines": {"has_more": true, "url": "/v1/invoices/in_1/lines", "data": []}});
    let twin = Twin::new(vec![
        (
            "/v1/invoices?customer=cus_1&limit=100",
            json!({"data": [invoice], "has_more": false}),
        ),
        ("/v1/invoices/in_1?", invoice.clone()),
        ("/v1/invoices/in_1/lines?limit=100", list(&["il_1"], false)),
    ]);
    let read = twin.invoices_of("cus_1").await.expect("read");
    assert_eq!(
        ids(read[0]["lines"]["data"].as_array().expect("a list")),
        ["il_1"]
    );
    assert_eq!(twin.invoice("in_1").await.as_ref(), Ok(&read[0]));
}

fn events_question(kinds: &[&str]) -> String {
    let kinds: String = kinds
        .iter()
        .map(|kind| format!("&types[]={kind}"))
        .collect();
    format!("/v1/events?created[gte]=1000{kinds}&limit=100")
}

fn events_answer(events: &[(&str, i64)], more: bool) -> Value {
    let data: Vec<Value> = events
        .iter()
        .map(|(id, created)| json!({"id": id, "created": created}))
        .collect();
    json!({"data": data, "has_more": more})
}

#[tokio::test]
async fn events_of_all_questions_come_oldest_first() {
    let [often, seldom] = WATCHED.map(events_question);
    let second = format!("{often}&starting_after=evt_3");
    let answers = vec![
        (
            &*often.leak(),
            events_answer(&[("evt_5", 1004), ("evt_3", 1002)], true),
        ),
        (&*second.leak(), events_answer(&[("evt_1", 1000)], false)),
        (
            &*seldom.leak(),
            events_answer(&[("evt_4", 1003), ("evt_2", 1001)], false),
        ),
    ];
    let twin = Twin::new(answers);
    let read = twin.events_since(Timestamp(1_000_999)).await.expect("read");
    assert_eq!(ids(&read), ["evt_1", "evt_2", "evt_3", "evt_4", "evt_5"]);
}

#[test]
fn the_watched_kinds_fit_their_questions_and_are_named_once() {
    let all = WATCHED.into_iter().flatten();
    let once: std::collections::BTreeSet<&&str> = all.clone().collect();
    assert_eq!(once.len(), all.count());
    assert!(WATCHED.iter().all(|kinds| kinds.len() <= 20));
}

#[tokio::test]
async fn odd_ids_stay_in_their_segment() {
    let twin = Twin::new(vec![(
        "/v1/prices/membertype_5%2F..%2F%3Fa%20%C3%A9?expand[]=product",
        json!({"id": "x"}),
    )]);
    assert!(twin.price("membertype_5/../?a é").await.is_ok());
    for id in ["", ".", ".."] {
        assert_eq!(twin.price(id).await, Err(StripeError::BadId(id.to_owned())));
    }
}

#[test]
fn the_pinned_version_is_the_one_that_requests_are_built_for() {
    assert_eq!(stripe_client_core::VERSION.as_str(), STRIPE_VERSION);
}

#[test]
fn a_key_tells_its_mode_and_never_prints() {
    for (text, mode) in [
        ("sk_live_1", Some(true)),
        ("rk_live_1", Some(true)),
        (" sk_test_1\n", Some(false)),
        ("rk_test_1", Some(false)),
        ("sk_1", None),
    ] {
        let key = ApiKey::new(text).expect("a key");
        assert_eq!(key.livemode(), mode);
        assert_eq!(format!("{key:?}"), "ApiKey");
        let client = HttpStripe::new(DEFAULT_BASE, &key, None).expect("a client");
        assert!(!format!("{client:?}").contains(text.trim()));
    }
    assert_eq!(ApiKey::new(" ").err(), Some(KeyError::Empty));
    for text in [
        "pk_live_1",
        "whsec_1",
        "live",
        "sk_live_\u{e9}",
        "sk_live_1\r\nX: y",
    ] {
        assert_eq!(ApiKey::new(text).err(), Some(KeyError::NotSecret), "{text}");
    }
}

#[test]
fn a_base_that_is_no_address_is_refused() {
    let key = ApiKey::new("sk_test_1").expect("a key");
    for base in ["", "stripe", "ftp://a", "https://", "https://a/?b=c"] {
        assert!(
            matches!(HttpStripe::new(base, &key, None), Err(SetupError::Base(_))),
            "{base}"
        );
    }
}

/// Status, headers and body of an answer.
type Canned = (u16, Vec<(&'static str, &'static str)>, &'static str);

#[derive(Default)]
struct Seen {
    requests: Vec<(String, HeaderMap, String)>,
    answers: Vec<Canned>,
}

type Shared = Arc<Mutex<Seen>>;

async fn answer(
    State(seen): State<Shared>,
    method: axum::http::Method,
    uri: Uri,
    headers: HeaderMap,
    body: Bytes,
) -> Response {
    let mut seen = seen.lock().expect("not poisoned");
    let body = String::from_utf8_lossy(&body).into_owned();
    seen.requests
        .push((format!("{method} {uri}"), headers, body));
    let (status, headers, text) = seen.answers.remove(0);
    let mut response = (StatusCode::from_u16(status).expect("a status"), text).into_response();
    for (name, value) in headers {
        response
            .headers_mut()
            .insert(name, value.parse().expect("a header"));
    }
    response
}

async fn serve(answers: Vec<Canned>) -> (HttpStripe, Shared) {
    let seen: Shared = Arc::new(Mutex::new(Seen {
        answers,
        ..Seen::default()
    }));
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0")
        .await
        .expect("a port");
    let base = format!("http://{}/", listener.local_addr().expect("an address"));
    let router = Router::new().fallback(answer).with_state(Arc::clone(&seen));
    tokio::spawn(async move { axum::serve(listener, router).await });
    let key = ApiKey::new("rk_test_secret").expect("a key");
    (HttpStripe::new(&base, &key, None).expect("a client"), seen)
}

#[tokio::test]
async fn a_reading_request_carries_key_and_version_and_an_encoded_query() {
    let (stripe, seen) = serve(vec![
        (200, vec![], r#"{"data":[],"has_more":false}"#),
        (200, vec![], r#"{"id":"acct_1"}"#),
    ])
    .await;
    assert_eq!(stripe.subscriptions_of("cus 1&").await, Ok(vec![]));
    let owner = KeyOwner {
        id: "acct_1".to_owned(),
        livemode: Some(false),
    };
    assert_eq!(stripe.account().await, Ok(owner));
    let seen = seen.lock().expect("not poisoned");
    let (line, headers, _) = &seen.requests[0];
    let wanted = "GET /v1/subscriptions?customer=cus+1%26&status=all&expand%5B%5D=data.latest_invoice&expand%5B%5D=data.customer&limit=100";
    assert_eq!(line, wanted);
    assert_eq!(headers["authorization"], "Bearer rk_test_secret");
    assert_eq!(headers["stripe-version"], STRIPE_VERSION);
    assert!(!headers.contains_key("idempotency-key"));
    assert_eq!(seen.requests[1].0, "GET /v1/account");
}

#[tokio::test]
async fn a_change_is_sent_only_with_its_key_and_keeps_it() {
    let (stripe, seen) = serve(vec![
        (500, vec![], "{}"),
        (200, vec![], r#"{"id":"price_1"}"#),
    ])
    .await;
    let request =
        Request::post("/v1/prices/price_1", "retag price_1 a").with("nickname", "membertype_5-x");
    let failed = stripe.call(request.clone()).await.expect_err("trouble");
    assert!(failed.may_retry());
    assert!(stripe.call(request.clone()).await.is_ok());
    let unkeyed = stripe
        .call(Request {
            key: None,
            ..request
        })
        .await;
    assert_eq!(
        unkeyed,
        Err(StripeError::Unkeyed {
            path: "/v1/prices/price_1".to_owned()
        })
    );
    let seen = seen.lock().expect("not poisoned");
    assert_eq!(seen.requests.len(), 2);
    for (line, headers, body) in &seen.requests {
        assert_eq!(line, "POST /v1/prices/price_1");
        assert_eq!(headers["idempotency-key"], "retag price_1 a");
        assert_eq!(headers["content-type"], "application/x-www-form-urlencoded");
        assert_eq!(body, "nickname=membertype_5-x");
    }
}

#[tokio::test]
async fn a_change_is_tried_again_under_its_key_while_that_may_help() {
    let (stripe, seen) = serve(vec![
        (429, vec![("retry-after", "0")], "{}"),
        (500, vec![("retry-after", "0")], "{}"),
        (200, vec![], r#"{"id":"price_1"}"#),
        (429, vec![("retry-after", "60")], "{}"),
        (
            400,
            vec![],
            r#"{"error":{"type":"invalid_request_error","param":"items[0][price]","message":"No such price: 'price_9'"}}"#,
        ),
    ])
    .await;
    let request = |key: &str| Request::post("/v1/prices/price_1", key);
    assert_eq!(
        stripe.change(request("a")).await,
        Ok(json!({"id": "price_1"}))
    );
    let long = stripe.change(request("b")).await.expect_err("a long pause");
    assert_eq!(
        long.retry_after(),
        Some(Span::seconds(60)),
        "the caller's to wait"
    );
    let refused = stripe.change(request("c")).await.expect_err("refused");
    assert!(!refused.leaves_open());
    let text = "Stripe refuses /v1/prices/price_1 (status 400, invalid_request_error, items[0][price]): \
                No such price: 'price_9'";
    assert_eq!(refused.to_string(), text);
    let keys: Vec<String> = seen
        .lock()
        .expect("not poisoned")
        .requests
        .iter()
        .map(|(_, headers, _)| {
            headers["idempotency-key"]
                .to_str()
                .expect("text")
                .to_owned()
        })
        .collect();
    assert_eq!(keys, ["a", "a", "a", "b", "c"]);
}

#[tokio::test]
async fn a_change_without_an_answer_is_tried_a_few_times() {
    let twin = Failing::default();
    let failed = twin
        .change(Request::post("/v1/prices", "a"))
        .await
        .expect_err("nobody there");
    assert!(failed.leaves_open());
    let (asked, pauses) = twin.seen.lock().expect("not poisoned").clone();
    assert_eq!((asked, pauses), (TRIES, vec![Span(500), Span(1000)]));
}

/// Never answers; remembers how often it was asked, and the pauses.
#[derive(Default)]
struct Failing {
    seen: Mutex<(u32, Vec<Span>)>,
}

#[async_trait]
impl Stripe for Failing {
    fn livemode(&self) -> Option<bool> {
        None
    }

    async fn pause(&self, span: Span) {
        self.seen.lock().expect("not poisoned").1.push(span);
    }

    async fn call(&self, request: Request) -> Result<Value, StripeError> {
        self.seen.lock().expect("not poisoned").0 += 1;
        Err(StripeError::Unreachable {
            path: request.path,
            why: "it did not answer in time",
        })
    }
}

#[tokio::test]
async fn the_whole_catalogue_is_listed_and_each_price_once() {
    let price = |id: &str| json!({"id": id});
    let page = |ids: &[Value], more: bool| json!({"data": ids, "has_more": more});
    let twin = Twin::new(vec![
        (
            "/v1/prices?active=true&expand[]=data.product&limit=100",
            page(&[price("a"), price("b")], true),
        ),
        (
            "/v1/prices?active=true&expand[]=data.product&limit=100&starting_after=b",
            page(&[price("c")], false),
        ),
        (
            "/v1/prices?active=false&expand[]=data.product&limit=100",
            page(&[price("c"), price("d")], false),
        ),
    ]);
    assert_eq!(
        ids(&twin.prices().await.expect("read")),
        ["a", "b", "c", "d"]
    );
}

#[tokio::test]
async fn a_request_of_the_builders_goes_out_the_same_way() {
    let (stripe, seen) = serve(vec![(200, vec![], "42"), (404, vec![], "{}")]).await;
    let key = IdempotencyKey::new("order 7").expect("a key");
    let request = RequestBuilder::new(StripeMethod::Post, "/checkout/sessions")
        .form(&[("mode", "subscription")]);
    let made: i64 = request
        .customize()
        .request_strategy(RequestStrategy::Idempotent(key))
        .send(&stripe)
        .await
        .expect("an answer");
    assert_eq!(made, 42);
    let read = RequestBuilder::new(StripeMethod::Get, "/prices/a")
        .customize::<i64>()
        .send(&stripe)
        .await;
    assert!(matches!(
        read,
        Err(StripeError::NotReadable { status: 404, .. })
    ));
    let unkeyed = RequestBuilder::new(StripeMethod::Post, "/prices")
        .customize::<i64>()
        .send(&stripe)
        .await;
    assert!(matches!(unkeyed, Err(StripeError::Unkeyed { .. })));
    let seen = seen.lock().expect("not poisoned");
    assert_eq!(seen.requests[0].0, "POST /v1/checkout/sessions");
    assert_eq!(seen.requests[0].1["idempotency-key"], "order 7");
    assert_eq!(seen.requests[0].1["stripe-version"], STRIPE_VERSION);
}

#[tokio::test]
async fn pauses_are_handed_to_the_caller() {
    let (stripe, _) = serve(vec![
        (429, vec![("retry-after", "7")], "{}"),
        (503, vec![("retry-after", "999999")], "<html>down</html>"),
        (
            503,
            vec![("retry-after", "Wed, 21 Oct 2026 07:28:00 GMT")],
            "",
        ),
        (500, vec![("stripe-should-retry", "false")], "{}"),
        (301, vec![("location", "http://127.0.0.1:1/")], ""),
    ])
    .await;
    let errors = [
        stripe.customer("cus_1").await.expect_err("429"),
        stripe.customer("cus_1").await.expect_err("503"),
        stripe.customer("cus_1").await.expect_err("503"),
        stripe.customer("cus_1").await.expect_err("500"),
        stripe.customer("cus_1").await.expect_err("301"),
    ];
    let told: Vec<_> = errors
        .iter()
        .map(|error| (error.may_retry(), error.retry_after()))
        .collect();
    assert_eq!(
        told,
        [
            (true, Some(Span::seconds(7))),
            (true, Some(Span::hours(1))),
            (true, None),
            (false, None),
            (false, None)
        ]
    );
    assert!(matches!(errors[0], StripeError::RateLimited { .. }));
}

#[tokio::test]
async fn an_unreachable_stripe_is_told_without_address_or_key() {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").expect("a port");
    let base = format!("http://{}", listener.local_addr().expect("an address"));
    drop(listener);
    let key = ApiKey::new("sk_test_secret").expect("a key");
    let stripe = HttpStripe::new(&base, &key, None).expect("a client");
    let error = stripe
        .subscriptions_of("cus_1")
        .await
        .expect_err("nobody there");
    let text = "Stripe cannot be reached for /v1/subscriptions: no connection could be made";
    assert_eq!(error.to_string(), text);
    assert!(error.may_retry());
}

#[tokio::test]
async fn a_kept_connection_that_was_closed_is_tried_once_more() {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0")
        .await
        .expect("a port");
    let base = format!("http://{}", listener.local_addr().expect("an address"));
    let server = tokio::spawn(async move {
        use tokio::io::{AsyncReadExt, AsyncWriteExt};
        let mut heads = Vec::new();
        for answer in ["", "HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\n{}"] {
            let (mut socket, _) = listener.accept().await.expect("a connection");
            let mut head = vec![0; 4096];
            let count = socket.read(&mut head).await.expect("a request");
            head.truncate(count);
            heads.push(String::from_utf8_lossy(&head).into_owned());
            socket.write_all(answer.as_bytes()).await.expect("sent");
        }
        heads
    });
    let stripe =
        HttpStripe::new(&base, &ApiKey::new("sk_test_1").expect("a key"), None).expect("a client");
    assert_eq!(
        stripe.call(Request::post("/v1/prices", "once")).await,
        Ok(json!({}))
    );
    let heads = server.await.expect("served");
    assert!(
        heads
            .iter()
            .all(|head| head.contains("idempotency-key: once")),
        "{heads:?}"
    );
}
