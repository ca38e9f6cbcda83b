//! Letters, step by step on a clock that the test moves: who is written to, when, of what, and what comes of it.

use crate::happened::{deliver, signed};
use crate::pages::browser::Browser;
use crate::stripe::open;
use crate::support::Api;
use axum::http::Method;
use serde_json::{Value, json};
use server::attention::Kind;
use server::mail::{Outcome, Ready};
use server::store::attention::{Item, settle};
use server::store::letters::{Content, Letter, Reader, put};
use server::store::trip::Statement;
use shared::ids::MemberId;
use shared::time::Span;

/// So long a letter is kept back, so that doors know first.
const REST: Span = Span::seconds(5);

/// The next letter that is due.
async fn next(api: &Api) -> Option<Ready> {
    api.app.next_letter(api.now()).await.expect("read")
}

/// The next letter that is due, sent.
async fn sent(api: &Api) -> Ready {
    let letter = next(api).await.expect("a letter is due");
    done(api, &letter, Outcome::Sent).await;
    letter
}

async fn done(api: &Api, letter: &Ready, outcome: Outcome) {
    let noted = api.app.letter_done(letter, outcome, api.now()).await;
    noted.expect("noted");
}

/// Ada, with a mail address, whose card is lost.
async fn lose_a_card(api: &Api) -> i64 {
    let ada = api.furnish().await;
    let path = format!("/api/v1/members/{ada}");
    api.patch(&path, json!({"mail": "ada@example.org"})).await;
    let card = json!({"member": ada, "uid": "0415AB3C", "label": "blue fob"});
    api.post("/api/v1/cards", card).await;
    let lost = json!({"mark": "lost"});
    api.post("/api/v1/cards/1/mark", lost.clone()).await;
    // Said twice, it is one loss.
    api.post("/api/v1/cards/1/mark", lost).await;
    ada
}

#[tokio::test]
async fn a_lost_card_is_confirmed_once_and_not_before_the_doors_know() {
    let mut api = Api::new().await;
    lose_a_card(&api).await;
    let heads = api.published();
    assert!(heads.iter().any(|message| message.topic.ends_with("/head")));
    assert_eq!(next(&api).await, None);
    api.wait(REST);
    let letter = sent(&api).await;
    assert_eq!(letter.mail, "ada@example.org");
    assert_eq!(letter.text.subject, "Your card is blocked");
    for part in ["Hello Ada", "blue fob", "http://localhost/me"] {
        assert!(letter.text.body.contains(part), "{}", letter.text.body);
    }
    assert!(!letter.text.body.contains('{'), "{}", letter.text.body);
    api.wait(Span::days(1));
    assert_eq!(next(&api).await, None);

    // Found, and lost again, is another loss.
    for mark in ["found", "lost"] {
        api.post("/api/v1/cards/1/mark", json!({"mark": mark}))
            .await;
    }
    api.wait(REST);
    let again = sent(&api).await;
    assert_ne!(again.id, letter.id);
}

#[tokio::test]
async fn whoever_has_no_address_is_not_written_to() {
    let api = Api::new().await;
    let ada = lose_a_card(&api).await;
    api.patch(&format!("/api/v1/members/{ada}"), json!({"mail": null}))
        .await;
    api.wait(REST);
    assert_eq!(next(&api).await, None);
    let told = api.get("/api/v1/letters").await["items"].clone();
    assert_eq!(told[0]["outcome"], "no_address", "{told}");
    assert_eq!(told[0]["due_at"], Value::Null, "{told}");
}

#[tokio::test]
async fn a_letter_is_tried_with_growing_pauses_and_given_up_after_five_days() {
    let api = Api::new().await;
    lose_a_card(&api).await;
    api.wait(REST);
    let first = next(&api).await.expect("due");
    done(&api, &first, Outcome::Later(451)).await;
    api.wait(Span::seconds(29));
    assert_eq!(next(&api).await, None);
    api.wait(Span::seconds(1));
    let second = next(&api).await.expect("due again");
    assert_eq!((second.id, second.made_at), (first.id, first.made_at));
    assert_eq!(second.text, first.text);
    done(&api, &second, Outcome::Unreachable).await;
    api.wait(Span::minutes(1));
    let third = next(&api).await.expect("due again");
    assert_eq!(open(&api, "mail_stuck").await.len(), 0, "it may be asleep");
    done(&api, &third, Outcome::Unreachable).await;
    assert_eq!(open(&api, "mail_stuck").await.len(), 1);

    let mut tries = 3;
    for _ in 0..100 {
        api.wait(Span::hours(2));
        let Some(letter) = next(&api).await else {
            break;
        };
        tries += 1;
        done(&api, &letter, Outcome::Unreachable).await;
    }
    assert_eq!(tries, 62, "every two hours for five days");
    let given_up = open(&api, "mail_refused").await;
    assert_eq!(given_up.len(), 1);
    assert_eq!(given_up[0]["member"], 1, "{given_up:?}");
    let said = given_up[0].to_string();
    assert!(
        !said.contains("example.org") && !said.contains("Ada"),
        "{said}"
    );
}

#[tokio::test]
async fn a_mail_server_that_answers_again_settles_what_was_told_of_it() {
    let api = Api::new().await;
    lose_a_card(&api).await;
    api.wait(REST);
    let letter = next(&api).await.expect("due");
    done(&api, &letter, Outcome::Unwelcome(535)).await;
    assert_eq!(
        open(&api, "mail_stuck").await.len(),
        1,
        "that mends itself never"
    );
    api.wait(Span::seconds(30));
    sent(&api).await;
    assert_eq!(open(&api, "mail_stuck").await.len(), 0);
}

#[tokio::test]
async fn what_is_refused_for_good_is_not_tried_again_and_staff_are_told() {
    let api = Api::new().await;
    lose_a_card(&api).await;
    api.wait(REST);
    let letter = next(&api).await.expect("due");
    done(&api, &letter, Outcome::Refused(Some(550))).await;
    assert_eq!(open(&api, "mail_refused").await.len(), 1);
    api.wait(Span::days(1));
    assert_eq!(next(&api).await, None);
}

#[tokio::test]
async fn a_letter_that_a_server_took_along_is_sent_by_the_next_one() {
    let api = Api::new().await;
    lose_a_card(&api).await;
    api.wait(REST);
    let taken = next(&api).await.expect("due");
    // It is being sent: nobody else takes it.
    assert_eq!(next(&api).await, None);
    api.wait(Span::minutes(5));
    let again = sent(&api).await;
    assert_eq!((again.id, again.made_at), (taken.id, taken.made_at));
    api.wait(Span::days(1));
    assert_eq!(next(&api).await, None);
}

/// Raises an item of a kind about `pi`, or settles it.
async fn item(api: &Api, kind: Kind, is_on: bool) {
    if is_on {
        let item = Item {
            kind,
            subject: "pi",
            sentence: "At 2026-01-05T10:00:00Z something happened.".into(),
            remedy: "Look at it.".into(),
            member: None,
        };
        api.app.raise(item, api.now()).await.expect("raised");
        return;
    }
    let mut tx = api.tx().await;
    let settled = settle(&mut tx, &api.app.organisation, kind, "pi", api.now()).await;
    settled.expect("settled");
    tx.commit().await.expect("committed");
}

#[tokio::test]
async fn staff_are_called_at_once_and_at_most_once_an_hour_for_one_cause() {
    let api = Api::new().await;
    Browser::new(&api).found().await;
    item(&api, Kind::OutOfContact, true).await;
    api.wait(REST);
    let letter = sent(&api).await;
    assert_eq!(letter.mail, "olga@club.example");
    assert!(
        letter
            .text
            .subject
            .ends_with("At 2026-01-05 10:00 something happened."),
        "{}",
        letter.text.subject
    );
    let link = "http://localhost/admin/attention#item-1";
    assert!(letter.text.body.contains(link), "{}", letter.text.body);

    // Back, gone, back: that is looked at an hour later, when it is over.
    for is_on in [false, true, false] {
        api.wait(Span::minutes(5));
        item(&api, Kind::OutOfContact, is_on).await;
    }
    assert_eq!(next(&api).await, None);
    api.wait(Span::hours(1));
    assert_eq!(next(&api).await, None, "it is over");

    item(&api, Kind::OutOfContact, true).await;
    api.wait(REST);
    let again = sent(&api).await;
    assert!(again.made_at > letter.made_at);
    item(&api, Kind::OutOfContact, false).await;
    item(&api, Kind::OutOfContact, true).await;
    api.wait(Span::minutes(59));
    assert_eq!(next(&api).await, None);
    api.wait(Span::minutes(1));
    sent(&api).await;
}

#[tokio::test]
async fn what_may_mend_itself_is_told_after_a_quarter_of_an_hour() {
    let api = Api::new().await;
    Browser::new(&api).found().await;
    item(&api, Kind::WebhooksUnverified, true).await;
    api.wait(Span::minutes(14));
    assert_eq!(next(&api).await, None);
    item(&api, Kind::WebhooksUnverified, false).await;
    api.wait(Span::minutes(1));
    assert_eq!(next(&api).await, None);
    item(&api, Kind::WebhooksUnverified, true).await;
    api.wait(Span::minutes(15));
    sent(&api).await;
}

#[tokio::test]
async fn who_is_called_hangs_on_the_role_and_on_the_wish() {
    use server::rights::Role;
    let api = Api::new().await;
    let owner = Browser::new(&api);
    owner.found().await;
    let (admin, _) = owner.invites(Role::Admin).await;
    for role in [Role::Treasurer, Role::FrontDesk, Role::ReadOnly] {
        owner.invites(role).await;
    }
    let called = async |kind: Kind| {
        item(&api, kind, true).await;
        api.wait(REST);
        let mut names = Vec::new();
        while let Some(letter) = next(&api).await {
            done(&api, &letter, Outcome::Sent).await;
            names.push(letter.mail.split('@').next().unwrap_or_default().to_owned());
        }
        names.sort();
        names
    };
    assert_eq!(
        called(Kind::MassBrake).await,
        ["admin", "olga", "treasurer"]
    );
    assert_eq!(called(Kind::OutOfContact).await, ["admin", "olga"]);
    assert_eq!(called(Kind::NeedsCard).await, [""; 0]);
    let page = admin.get("/admin/me").await;
    assert!(
        page.says("name=\"mailed\" value=\"true\" checked"),
        "{}",
        page.text
    );
    admin.post("/admin/me/mail", &[]).await;
    let page = admin.get("/admin/me").await;
    assert!(!page.says("value=\"true\" checked"), "{}", page.text);
    assert_eq!(called(Kind::DoorAhead).await, ["olga"]);
    admin.post("/admin/me/mail", &[("mailed", "true")]).await;
    assert_eq!(called(Kind::TwoAgents).await, ["admin", "olga"]);
}

#[tokio::test]
async fn on_monday_staff_read_of_the_week_once() {
    let api = Api::new().await;
    Browser::new(&api).found().await;
    let ada = api.furnish().await;
    let grant = json!({"membership": "full", "reason": "founder"});
    api.post(&format!("/api/v1/members/{ada}/grants"), grant)
        .await;
    item(&api, Kind::UnmatchedPayment, true).await;
    api.wait(REST);
    sent(&api).await;
    // Next Monday, half past nine.
    api.wait(Span::minutes(7 * 24 * 60 - 30));
    for _ in 0..2 {
        api.app.remind(api.now()).await.expect("reminded");
    }
    let letter = sent(&api).await;
    for part in [
        "from 2026-01-05 to 2026-01-12",
        "Joined: 1\n",
        "Lapsed: 0\n",
        "nobody's: 1\n",
    ] {
        assert!(letter.text.body.contains(part), "{}", letter.text.body);
    }
    assert_eq!(next(&api).await, None);
    api.wait(Span::days(3));
    api.app.remind(api.now()).await.expect("reminded");
    assert_eq!(next(&api).await, None);
}

/// An event of Stripe's about an object, just now.
async fn hear(api: &Api, id: &str, kind: &str, object: &Value) {
    let body = json!({"id": id, "object": "event", "type": kind, "created": api.now().as_seconds(), "livemode": false,
        "api_version": "2025-03-31.basil", "data": {"object": object}})
    .to_string();
    assert_eq!(deliver(api, Some(&signed(api, &body)), body).await, 200);
    while api.app.apply(api.now()).await.expect("applied").events > 0 {}
}

/// What Stripe says of a renewal that failed: customer, subscription, invoice.
fn failed_renewal(api: &Api, nickname: &str) -> [Value; 3] {
    let now = api.now().as_seconds();
    let (start, end) = (now - 60, now + 30 * 86_400);
    let price = json!({"id": "price_1", "object": "price", "nickname": nickname, "product": "prod_1", "active": true,
        "metadata": {}, "currency": "eur", "unit_amount": 3000, "recurring": {"interval": "month", "interval_count": 1}});
    let customer =
        json!({"id": "cus_1", "object": "customer", "email": "ada@example.org", "name": "Ada"});
    let item = json!({"id": "si_1", "object": "subscription_item", "quantity": 1, "current_period_start": start,
        "current_period_end": end, "price": price});
    let subscription = json!({"id": "sub_1", "object": "subscription", "customer": "cus_1", "status": "past_due",
        "created": now - 40 * 86_400, "collection_method": "charge_automatically",
        "items": {"object": "list", "data": [item]}});
    let line = json!({"id": "il_1", "object": "line_item", "amount": 3000, "currency": "eur",
        "period": {"start": start, "end": end}, "price": price, "subscription": "sub_1", "subscription_item": "si_1",
        "proration": false, "type": "subscription"});
    let invoice = json!({"id": "in_1", "object": "invoice", "customer": "cus_1", "status": "open",
        "subscription": "sub_1", "amount_paid": 0, "total": 3000, "amount_due": 3000, "currency": "eur",
        "billing_reason": "subscription_cycle", "created": start, "period_end": start, "attempt_count": 1,
        "collection_method": "charge_automatically", "lines": {"object": "list", "data": [line]}});
    [customer, subscription, invoice]
}

#[tokio::test]
async fn a_failed_payment_is_told_once_and_again_before_patience_ends() {
    let api = Api::new().await;
    api.furnish().await;
    let [customer, subscription, invoice] = failed_renewal(&api, "membertype_full-monthly");
    hear(&api, "evt_1", "customer.created", &customer).await;
    hear(
        &api,
        "evt_2",
        "customer.subscription.updated",
        &subscription,
    )
    .await;
    hear(&api, "evt_3", "invoice.payment_failed", &invoice).await;
    hear(&api, "evt_4", "invoice.payment_failed", &invoice).await;
    api.wait(REST);
    let letter = sent(&api).await;
    assert_eq!(letter.mail, "ada@example.org");
    assert_eq!(letter.text.subject, "Your payment failed");
    for part in [
        "30.00 EUR",
        "Your card opens the doors until 2026-01-19 12:00.",
    ] {
        assert!(letter.text.body.contains(part), "{}", letter.text.body);
    }
    assert_eq!(next(&api).await, None);

    api.app.remind(api.now()).await.expect("reminded");
    api.wait(Span::days(12));
    for _ in 0..2 {
        api.app.remind(api.now()).await.expect("reminded");
    }
    api.wait(REST);
    let letter = sent(&api).await;
    assert_eq!(
        letter.text.subject,
        "Your card stops opening the doors on 2026-01-19 12:00"
    );
    assert_eq!(next(&api).await, None);
}

#[tokio::test]
async fn what_was_paid_meanwhile_is_not_asked_for() {
    let api = Api::new().await;
    api.furnish().await;
    let [customer, subscription, mut invoice] = failed_renewal(&api, "membertype_full-monthly");
    hear(&api, "evt_1", "customer.created", &customer).await;
    hear(
        &api,
        "evt_2",
        "customer.subscription.updated",
        &subscription,
    )
    .await;
    hear(&api, "evt_3", "invoice.payment_failed", &invoice).await;
    api.wait(Span::seconds(2));
    invoice["status"] = json!("paid");
    invoice["amount_paid"] = json!(3000);
    hear(&api, "evt_4", "invoice.paid", &invoice).await;
    api.wait(REST);
    assert_eq!(next(&api).await, None);
    let told = api.get("/api/v1/letters").await["items"].clone();
    assert_eq!(told[0]["outcome"], "over", "{told}");
}

#[tokio::test]
async fn customers_of_a_clubs_shop_are_not_written_to() {
    let api = Api::new().await;
    api.furnish().await;
    let [customer, subscription, invoice] = failed_renewal(&api, "Coffee every month");
    hear(&api, "evt_1", "customer.created", &customer).await;
    hear(
        &api,
        "evt_2",
        "customer.subscription.updated",
        &subscription,
    )
    .await;
    hear(&api, "evt_3", "invoice.payment_failed", &invoice).await;
    api.wait(REST);
    assert_eq!(next(&api).await, None);
    let told = api.get("/api/v1/letters").await["items"].clone();
    assert_eq!(told[0]["outcome"], "nobody", "{told}");
}

#[tokio::test]
async fn letters_are_in_the_clubs_language_and_in_its_own_words() {
    let api = Api::new().await;
    api.patch("/api/v1/organisation", json!({"language": "de"}))
        .await;
    let refused = api
        .refused(
            Method::PATCH,
            "/api/v1/organisation",
            Some(json!({"language": "xx"})),
        )
        .await;
    assert_eq!((refused.0, refused.1.as_deref()), (422, Some("language")));
    let text = "/api/v1/letter-texts/card_lost/de";
    let bad = json!({"subject": "Karte {amount}", "body": "x"});
    let refused = api.refused(Method::PUT, text, Some(bad)).await;
    assert_eq!((refused.0, refused.1.as_deref()), (422, Some("subject")));
    assert_eq!(api.get(text).await["own"], false);
    lose_a_card(&api).await;
    api.wait(REST);
    let letter = next(&api).await.expect("due");
    assert_eq!(letter.text.subject, "Deine Karte ist gesperrt");
    done(&api, &letter, Outcome::Later(451)).await;

    let own = json!({"subject": "Weg: {card}", "body": "Moin {name}!\r\n{link}"});
    api.put(text, own).await;
    api.wait(Span::seconds(30));
    let letter = sent(&api).await;
    assert_eq!(letter.text.subject, "Weg: blue fob");
    assert_eq!(letter.text.body, "Moin Ada!\nhttp://localhost/me");
    api.delete(text).await;
    assert_eq!(api.get(text).await["own"], false);

    let ada = api
        .patch("/api/v1/members/1", json!({"language": "en"}))
        .await;
    assert_eq!(ada["language"], "en");
    for mark in ["found", "lost"] {
        api.post("/api/v1/cards/1/mark", json!({"mark": mark}))
            .await;
    }
    api.wait(REST);
    assert_eq!(sent(&api).await.text.subject, "Your card is blocked");
}

#[tokio::test]
async fn a_secret_link_is_in_the_letter_and_nowhere_else() {
    let api = Api::new().await;
    let ada = api.furnish().await;
    api.patch(
        &format!("/api/v1/members/{ada}"),
        json!({"mail": "ada@example.org"}),
    )
    .await;
    let until = api.now() + Span::minutes(15);
    for cause in ["first", "second"] {
        let letter = Letter {
            reader: Reader::Member(MemberId(ada)),
            content: Content::SignIn { until },
            cause,
            secret: Some(api.app.seal_link("/me/enter?key=geheim")),
        };
        let mut tx = api.tx().await;
        put(&mut tx, &api.app.organisation, letter, api.now());
        tx.commit().await.expect("committed");
    }
    let kept = async || {
        let sql = "SELECT secret FROM letters ORDER BY id";
        let rows = api.tx().await.ask(Statement::new(sql)).await;
        let rows: Vec<(Option<Vec<u8>>,)> = rows.expect("read");
        rows.into_iter().map(|(secret,)| secret).collect::<Vec<_>>()
    };
    for secret in kept().await {
        let secret = secret.expect("sealed");
        assert!(!secret.windows(6).any(|part| part == b"geheim"));
    }
    // It goes at once: somebody waits for it.
    let letter = sent(&api).await;
    let link = "http://localhost/me/enter?key=geheim";
    assert!(letter.text.body.contains(link), "{}", letter.text.body);
    let shown = api.get("/api/v1/letters/1").await.to_string();
    assert!(
        shown.contains("Hello Ada") && !shown.contains("geheim"),
        "{shown}"
    );
    assert_eq!(kept().await[0], None, "it is forgotten once it is sent");

    // What came too late is of no use.
    api.wait(Span::minutes(15));
    assert_eq!(next(&api).await, None);
    assert_eq!(kept().await, [None, None]);
}

#[tokio::test]
async fn an_invitation_is_mailed_where_there_is_a_mail_server() {
    let api = Api::mailing().await;
    let owner = Browser::new(&api);
    owner.found().await;
    let fields = [
        ("name", "Tom"),
        ("mail", "tom@example.org"),
        ("role", "treasurer"),
    ];
    let page = owner.post("/admin/people", &fields).await;
    assert!(page.says("on its way by mail"), "{}", page.text);
    let letter = sent(&api).await;
    assert_eq!(letter.mail, "tom@example.org");
    let link = letter.text.body.split("http://localhost").nth(1);
    let link = link.and_then(|rest| rest.split_whitespace().next());
    let link = link.expect("a link");
    assert!(page.says(link), "{link}");
    let welcome = Browser::new(&api).get(link).await;
    assert!(
        welcome.says("Tom, choose how you sign in"),
        "{}",
        welcome.text
    );

    // Who has rights without it, is not shown it.
    let list = owner.get("/admin/mail").await;
    assert!(
        list.says("Invitation") && !list.says("No mail server"),
        "{}",
        list.text
    );
    let shown = owner.get("/admin/mail/1").await;
    assert!(
        shown.says("Hello Tom") && !shown.says("invitation="),
        "{}",
        shown.text
    );
}

#[tokio::test]
async fn a_text_is_tried_kept_and_taken_back_on_its_page() {
    let api = Api::new().await;
    let owner = Browser::new(&api);
    owner.found().await;
    let list = owner.get("/admin/mail").await;
    assert!(
        list.says("No mail server is set") && list.says("Card lost"),
        "{}",
        list.text
    );
    let path = "/admin/mail/texts/card_lost/en";
    let page = owner.get(path).await;
    assert!(
        page.says("<code>{card}</code>") && page.says("your card …3C was"),
        "{}",
        page.text
    );
    let mut fields = [
        ("subject", "Gone: {card}"),
        ("body", "Hi {name}\r\n<b>{link}</b>"),
        ("deed", "preview"),
    ];
    let page = owner.post(path, &fields).await;
    assert!(
        page.says("Gone: …3C") && page.says("Hi Ada\n&#60;b&#62;"),
        "{}",
        page.text
    );
    assert!(owner.get(path).await.says("This is our text."));
    fields[2].1 = "save";
    let page = owner.post(path, &fields).await;
    assert_eq!((page.status.as_u16(), page.location()), (303, path));
    let page = owner.get(path).await;
    assert!(page.says("This is your own text.") && page.says("Gone: {card}"));
    let bad = [("subject", "x"), ("body", "{nobody}"), ("deed", "save")];
    let page = owner.post(path, &bad).await;
    assert_eq!(page.status.as_u16(), 422, "{}", page.text);
    assert!(
        owner.get(path).await.says("Gone: {card}"),
        "nothing was changed"
    );
    owner.post(path, &[("deed", "reset")]).await;
    assert!(owner.get(path).await.says("This is our text."));
    assert_eq!(owner.get("/admin/mail/texts/nothing/en").await.status, 404);

    owner
        .post("/admin/mail/language", &[("language", "de")])
        .await;
    let said = api.get("/api/v1/organisation").await;
    assert_eq!(said["language"], "de");
}
