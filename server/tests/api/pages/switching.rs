//! Switching over from another system: seen first, taken over, undone.

use super::doing::owner;
use crate::support::Api;
use axum::body::Body;
use axum::http::{Method, Request, StatusCode, header};
use serde_json::{Value, json};
use shared::time::Span;
use std::fmt::Write as _;

/// 400 rows as a German Excel writes them, two of them wrong.
fn table() -> Vec<u8> {
    let mut text = "Vorname;Nachname;E-Mail;Kartennummer;Tarif;Bezahlt bis;Betrag\r\n".to_owned();
    for number in 1..=400 {
        let card = 77_700_000 + number;
        let until = match number {
            17 => "irgendwann",
            _ => "31.12.2026",
        };
        let plan = match number {
            301 => "Ehrenmitglied",
            _ => "Voll",
        };
        let row = format!(
            "J\u{fc}rgen;M\u{fc}ller {number};m{number}@example.org;{card:010};{plan};{until};40,00 EUR\r\n"
        );
        text.write_str(&row).expect("text");
    }
    let latin = |letter: char| u8::try_from(u32::from(letter)).expect("of western Europe");
    text.chars().map(latin).collect()
}

async fn club(api: &Api) {
    api.furnish().await;
    let full = json!({"name": "Voll", "rank": 2});
    api.put("/api/v1/membership-types/full", full).await;
}

async fn count(api: &Api, table: &str) -> i64 {
    let sql = format!("SELECT COUNT(*) FROM {table}");
    let statement = server::store::trip::Statement::new(sql);
    let rows: Vec<(i64,)> = api.tx().await.ask(statement).await.expect("read");
    rows[0].0
}

#[tokio::test]
async fn four_hundred_rows_with_two_bad_ones() {
    let api = Api::new().await;
    club(&api).await;
    let browser = owner(&api).await;
    let page = browser
        .upload("/admin/import", &[("currency", "eur")], &table())
        .await;
    assert_eq!(page.status, StatusCode::OK, "{}", page.text);
    assert!(page.says("398 new members") && page.says("2 things are wrong"));
    assert!(
        page.says("<td>18</td><td>Bezahlt bis</td>") && page.says("<td>302</td><td>Tarif</td>")
    );
    assert!(page.says("Take the 398 good rows over") && page.says("Jürgen Müller 400"));
    assert!(page.says("<option value=\"decimal\" selected>"));
    assert_eq!(
        count(&api, "members").await,
        1,
        "so far it was only looked at"
    );

    // None, for all of them were wanted.
    let text = page.text.split("hidden>\n").nth(1).expect("the table");
    let text = text
        .split("</textarea>")
        .next()
        .expect("it ends")
        .to_owned();
    let all = [("text", &*text), ("currency", "eur"), ("act", "all")];
    let refused = browser.upload("/admin/import", &all, b"").await;
    assert_eq!(refused.status, StatusCode::UNPROCESSABLE_ENTITY);
    assert_eq!(count(&api, "members").await, 1);

    let good = [("text", &*text), ("currency", "eur"), ("act", "good")];
    let page = browser.upload("/admin/import", &good, b"").await;
    assert!(page.says("This was taken over"), "{}", page.text);
    let counts = [
        count(&api, "members").await,
        count(&api, "cards").await,
        count(&api, "payments").await,
    ];
    assert_eq!(counts, [399, 398, 398]);
    let member = api.get("/api/v1/members/2").await;
    assert_eq!(
        (&member["name"], &member["standing"]["state"]),
        (&json!("Jürgen Müller 1"), &json!("good"))
    );
    assert_eq!(member["payments"][0]["amount"], 4000);
    assert_eq!(member["cards"][0]["last_digits"], "9BA1");

    // The same again adds nothing.
    let page = browser.upload("/admin/import", &good, b"").await;
    assert!(page.says("398 rows have nothing new"));
    assert_eq!(count(&api, "imports").await, 1);
    assert_eq!(count(&api, "members").await, 399);

    // So many lose access only after a second yes.
    let page = browser.post("/admin/import/1/undo", &[]).await;
    assert!(page.says("398 members lose access."), "{}", page.text);
    assert_eq!(count(&api, "members").await, 399);
    let yes = [("approved", "true")];
    let page = browser.post("/admin/import/1/undo", &yes).await;
    assert!(page.says("Undone for 398 members."), "{}", page.text);
    assert_eq!(count(&api, "members").await, 1);
}

#[tokio::test]
async fn what_was_taken_over_is_undone_but_for_those_to_whom_something_happened() {
    let api = Api::new().await;
    club(&api).await;
    let browser = owner(&api).await;
    let table = "name,mail,uid,membership,paid until\n\
                 Ada,,04A1B2C3,full,2026-12-31\n\
                 Ben,ben@example.org,04A1B2C4,full,2026-12-31\n\
                 Cleo,cleo@example.org,,full,2026-12-31\n\
                 Dora,dora@example.org,,,\n";
    // Ada was there, and is found by her card.
    api.post("/api/v1/cards", json!({"member": 1, "uid": "04A1B2C3"}))
        .await;
    api.wait(Span::minutes(1));
    let page = browser
        .upload("/admin/import", &[("act", "all")], table.as_bytes())
        .await;
    assert!(page.says("3 new members"), "{}", page.text);
    api.wait(Span::minutes(1));
    api.patch("/api/v1/members/4", json!({"name": "Cleo C."}))
        .await;
    let page = browser.post("/admin/import/1/undo", &[]).await;
    assert!(
        page.says("Undone for 3 members.") && page.says("changed by staff since"),
        "{}",
        page.text
    );
    let members = api.get("/api/v1/members").await;
    let names: Vec<&Value> = members["items"]
        .as_array()
        .expect("a list")
        .iter()
        .map(|item| &item["name"])
        .collect();
    assert_eq!(names, ["Ada", "Cleo C."]);
    let ada = api.get("/api/v1/members/1").await;
    assert_eq!(
        (&ada["payments"], &ada["standing"]["state"]),
        (&json!([]), &json!("stranger"))
    );
    assert_eq!(
        ada["cards"].as_array().map(Vec::len),
        Some(1),
        "it was hers before"
    );
    assert_eq!(count(&api, "entries").await, 0, "no door knows the cards");
    let again = browser.post("/admin/import/1/undo", &[]).await;
    assert_eq!(again.status, StatusCode::CONFLICT);
    // And what was undone can be taken over anew.
    let page = browser
        .upload("/admin/import", &[("act", "all")], table.as_bytes())
        .await;
    assert!(page.says("2 new members"), "{}", page.text);
    assert_eq!(count(&api, "payments").await, 3);
    // By then it is not known any more who came to a door since.
    api.wait(Span::days(90));
    let path = "/api/v1/imports/2/undo";
    let (status, _) = api.ask(Method::POST, path, None).await;
    assert_eq!(status, StatusCode::CONFLICT);
    assert_eq!(count(&api, "payments").await, 3);
}

#[tokio::test]
async fn columns_are_chosen_where_they_are_not_recognised() {
    let api = Api::new().await;
    club(&api).await;
    let browser = owner(&api).await;
    let table = "a;b\nBea;118,02135\n";
    let page = browser.upload("/admin/import", &[], table.as_bytes()).await;
    assert!(
        page.says("1 thing is wrong") && !page.says("value=\"good\""),
        "{}",
        page.text
    );
    let chosen = [
        ("column", "name"),
        ("column", "cards"),
        ("text", table),
        ("cards", "wiegand"),
        ("act", "all"),
    ];
    let page = browser.upload("/admin/import", &chosen, b"").await;
    assert!(page.says("This was taken over"), "{}", page.text);
    assert_eq!(
        api.get("/api/v1/cards").await["items"][0]["last_digits"],
        "0857"
    );
    let empty = browser.upload("/admin/import", &[], b"").await;
    assert_eq!(empty.status, StatusCode::UNPROCESSABLE_ENTITY);
}

#[tokio::test]
async fn over_the_interface_a_table_is_a_body() {
    let api = Api::new().await;
    club(&api).await;
    let send = async |query: &str, table: &'static str| {
        let request = Request::post(format!("/api/v1/imports{query}"))
            .header(
                header::AUTHORIZATION,
                format!("Bearer {}", crate::support::TOKEN),
            )
            .header(header::CONTENT_TYPE, "text/csv")
            .body(Body::from(table));
        crate::support::read(api.send(request.expect("a request")).await).await
    };
    let table = "name,mail\nBen,ben@example.org\nCleo,secret\n";
    let (status, told) = send("", table).await;
    assert_eq!((status, &told["written"]), (StatusCode::OK, &json!(false)));
    let fault = &told["faults"][0];
    assert_eq!(
        (&fault["line"], &fault["column"]),
        (&json!(3), &json!("mail"))
    );
    assert!(!told["faults"].to_string().contains("secret"));
    let (status, problem) = send("?write=true", table).await;
    assert_eq!(
        (status, &problem["field"]),
        (StatusCode::UNPROCESSABLE_ENTITY, &json!("table"))
    );
    let (_, done) = send("?write=true&good_ones=true", table).await;
    assert_eq!(
        (&done["import"], &done["rows"][0]["member"]),
        (&json!(1), &json!(2))
    );
    for (query, field) in [
        ("?columns=name,secret", "columns"),
        ("?cards=secret", "cards"),
        ("?membership=none", "membership"),
    ] {
        let (status, problem) = send(query, table).await;
        assert_eq!(
            (status, &problem["field"]),
            (StatusCode::UNPROCESSABLE_ENTITY, &json!(field))
        );
    }
}
