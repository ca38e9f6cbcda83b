//! Members at the treasurer's desk: found, remembered, drawn.

use super::doing::owner;
use crate::support::{Api, organisation};
use axum::body::Body;
use axum::http::{Method, Request, StatusCode, header};
use serde_json::{Value, json};
use server::store::search;
use server::store::trip::Statement;
use shared::time::Span;

async fn names(api: &Api, query: &str) -> Vec<String> {
    let found = api.get(&format!("/api/v1/members?{query}")).await;
    let items = found["items"].as_array().expect("a list").clone();
    let name = |item: &Value| item["name"].as_str().expect("a name").to_owned();
    items.iter().map(name).collect()
}

async fn pay(api: &Api, member: i64, amount: i64) -> i64 {
    let body = json!({"member": member, "source": "cash", "amount": amount, "currency": "eur", "membership": "full",
        "periods": {"months": 1}});
    let made = api.post("/api/v1/payments", body).await;
    made["id"].as_i64().expect("a number")
}

#[tokio::test]
async fn members_are_found_by_how_words_begin_in_any_order() {
    let api = Api::new().await;
    api.furnish().await;
    for name in [
        "Grace Hopper",
        "Jürgen Müller-Lüdenscheidt",
        "Gracia Müller",
    ] {
        api.member(name).await;
    }
    assert_eq!(names(&api, "q=hop").await, ["Grace Hopper"]);
    assert_eq!(names(&api, "q=hopper%20gra").await, ["Grace Hopper"]);
    assert_eq!(
        names(&api, "q=GRAC").await,
        ["Grace Hopper", "Gracia Müller"]
    );
    assert_eq!(names(&api, "q=M%C3%9CLLER%20gra").await, ["Gracia Müller"]);
    assert_eq!(
        names(&api, "q=l%C3%BCden").await,
        ["Jürgen Müller-Lüdenscheidt"]
    );
    assert_eq!(names(&api, "q=opper").await, Vec::<String>::new());
    // By number, too; and by the new name, not by the old.
    assert_eq!(names(&api, "q=2").await, ["Grace Hopper"]);
    let renamed = json!({"name": "Grace Murray", "mail": "amazing@example.org"});
    api.patch("/api/v1/members/2", renamed).await;
    assert_eq!(names(&api, "q=hopper").await, Vec::<String>::new());
    assert_eq!(names(&api, "q=amaz%20murr").await, ["Grace Murray"]);
}

#[tokio::test]
async fn members_of_an_older_version_are_found_once_they_were_looked_at() {
    let api = Api::new().await;
    api.furnish().await;
    let mut tx = api.tx().await;
    tx.later(Statement::new("DELETE FROM member_words"));
    tx.commit().await.expect("forgotten");
    assert_eq!(names(&api, "q=ada").await, Vec::<String>::new());
    let mut tx = api.tx().await;
    let some = search::index_some(&mut tx, &organisation()).await;
    assert_eq!(some.expect("indexed"), 1);
    let rest = search::index_some(&mut tx, &organisation()).await;
    assert_eq!(rest.expect("nothing is left"), 0);
    tx.commit().await.expect("kept");
    assert_eq!(names(&api, "q=ada").await, ["Ada"]);
}

#[tokio::test]
async fn members_are_filtered_by_standing_type_and_what_is_odd() {
    let api = Api::new().await;
    let ada = api.furnish().await;
    let (ben, cleo) = (api.member("Ben").await, api.member("Cleo").await);
    pay(&api, ada, 4000).await;
    let grant = json!({"membership": "full", "reason": "helps"});
    api.post(&format!("/api/v1/members/{ben}/grants"), grant)
        .await;
    let card = json!({"member": ben, "uid": "04A1B2C3"});
    api.post("/api/v1/cards", card).await;
    assert_eq!(names(&api, "state=good").await, ["Ada", "Ben"]);
    assert_eq!(names(&api, "membership=full").await, ["Ada", "Ben"]);
    assert_eq!(names(&api, "only=paying_nothing").await, ["Ben"]);
    assert_eq!(names(&api, "only=no_card").await, ["Ada", "Cleo"]);
    assert_eq!(names(&api, "only=no_card&state=good&q=a").await, ["Ada"]);
    // A payment that was declared void is none; a hold takes no type away.
    api.post("/api/v1/payments/1/void", json!({"reason": "a mistake"}))
        .await;
    pay(&api, cleo, 0).await;
    assert_eq!(names(&api, "only=paying_nothing").await, ["Ben", "Cleo"]);
    let hold = json!({"reason": "a fight"});
    api.post(&format!("/api/v1/members/{ben}/holds"), hold)
        .await;
    assert_eq!(names(&api, "membership=full").await, ["Ben", "Cleo"]);
    assert_eq!(names(&api, "only=paying_nothing").await, ["Cleo"]);
    let browser = owner(&api).await;
    let page = browser.get("/admin/members?only=paying_nothing").await;
    assert!(page.says(">Cleo<") && !page.says(">Ada<"), "{}", page.text);
    assert!(page.says("on hold (1)") && page.says("1 member."));
}

#[tokio::test]
async fn notes_are_added_and_erased_and_never_changed() {
    let api = Api::new().await;
    api.furnish().await;
    let browser = owner(&api).await;
    let note = [("text", "lent the <big> key\nto Ben")];
    let page = browser.post("/admin/members/1/notes", &note).await;
    assert_eq!(page.location(), "/admin/members/1", "{}", page.text);
    let page = browser.get("/admin/members/1").await;
    assert!(page.says("lent the &#60;big&#62; key") && page.says("Olga Owner"));
    let page = browser.post("/admin/notes/1/erase", &[]).await;
    assert_eq!(page.location(), "/admin/members/1");
    let page = browser.get("/admin/members/1").await;
    assert!(
        !page.says("big") && page.says("erased by Olga Owner"),
        "{}",
        page.text
    );
    let notes = api.get("/api/v1/members/1/notes").await;
    assert_eq!(notes[0]["text"], Value::Null);
    let again = api
        .refused(Method::POST, "/api/v1/notes/1/erase", None)
        .await;
    assert_eq!(again.0, 409);
    let nobody = json!({"text": "x"});
    let nobody = api
        .refused(Method::POST, "/api/v1/members/9/notes", Some(nobody))
        .await;
    assert_eq!(nobody.0, 404);
    let sql = "SELECT action FROM audit WHERE member = 1 AND action LIKE 'note.%' ORDER BY id";
    let deeds: Vec<(String,)> = api.tx().await.ask(Statement::new(sql)).await.expect("read");
    assert_eq!(
        deeds,
        [("note.write".to_owned(),), ("note.erase".to_owned(),)]
    );
}

#[tokio::test]
async fn the_last_year_is_drawn_and_stands_in_a_table() {
    let api = Api::new().await;
    let ada = api.furnish().await;
    pay(&api, ada, 4000).await;
    api.wait(Span::days(5));
    let hold = json!({"reason": "a fight"});
    api.post(&format!("/api/v1/members/{ada}/holds"), hold)
        .await;
    api.wait(Span::days(3));
    api.post("/api/v1/holds/1/end", json!({})).await;
    api.wait(Span::days(90));
    api.app.tick(api.now()).await.expect("the clock moved");
    api.wait(Span::days(1));
    let browser = owner(&api).await;
    let page = browser.get("/admin/members/1").await;
    for part in [
        "<rect class=\"mark-stranger\"",
        "<rect class=\"mark-good\"",
        "<rect class=\"mark-held\"",
        "<rect class=\"mark-lapsed\"",
        "<rect class=\"mark-term\"",
        "<rect class=\"mark-paid\"",
        "<td>Payments</td><td>2026-01-05</td><td></td><td>40.00 EUR cash",
        "<td>Standing</td><td>2026-01-10</td><td>2026-01-13</td><td>on hold</td>",
    ] {
        assert!(page.says(part), "{part} is not in {}", page.text);
    }
    assert_eq!(
        browser.get("/admin/members/1?years=2").await.status,
        StatusCode::OK
    );
    // What was before the last year is on the longer drawing alone.
    api.wait(Span::days(400));
    let payments = "<rect class=\"mark-paid\"";
    let browser = owner_again(&browser).await;
    assert!(!browser.get("/admin/members/1").await.says(payments));
    assert!(browser.get("/admin/members/1?years=2").await.says(payments));
}

/// The session is over by then.
async fn owner_again<'a>(browser: &super::Browser<'a>) -> super::Browser<'a> {
    let again = super::Browser::new(browser.api);
    let codes = browser.codes.take().expect("she came in");
    let page = again
        .signs_in("olga@club.example", super::browser::PASSWORD, &codes)
        .await;
    assert_eq!(page.status, StatusCode::SEE_OTHER, "{}", page.text);
    again
}

#[tokio::test]
async fn pages_are_sent_compressed_to_whoever_reads_that() {
    let api = Api::new().await;
    api.furnish().await;
    let browser = owner(&api).await;
    let address = browser.get("/admin").await;
    let address = address.text.split("/static/").nth(1).expect("a style");
    let address = address.split('"').next().expect("it ends");
    for (accepted, encoding) in [("gzip", Some("gzip")), ("identity", None)] {
        let request = Request::get(format!("/static/{address}"))
            .header(header::ACCEPT_ENCODING, accepted)
            .body(Body::empty());
        let response = api.send(request.expect("a request")).await;
        let sent = response.headers().get(header::CONTENT_ENCODING);
        assert_eq!(sent.map(|value| value.to_str().expect("text")), encoding);
    }
}
