//! The audit log as people read it.

use super::Browser;
use crate::support::Api;
use axum::http::{Method, StatusCode};
use serde_json::{Value, json};
use server::rights::Role;
use server::store::audit;
use server::store::trip::Statement;
use shared::ids::MemberId;

async fn lines(api: &Api, filter: &str) -> Vec<Value> {
    let page = api.get(&format!("/api/v1/audit?{filter}")).await;
    page["items"].as_array().expect("a list").clone()
}

#[tokio::test]
async fn a_line_tells_who_did_what_and_what_was_before() {
    let api = Api::new().await;
    let ada = api.furnish().await;
    let path = format!("/api/v1/members/{ada}");
    api.patch(&path, json!({"name": "Ada L.", "mail": "ada@example.org"}))
        .await;
    let changed = &lines(&api, "action=member.change").await[0];
    assert_eq!(changed["actor"], "admin");
    assert_eq!(changed["member"], ada);
    assert_eq!(
        changed["before"],
        json!({"name": "Ada", "mail": null, "keyholder": false})
    );
    assert_eq!(changed["after"]["mail"], "ada@example.org");
    assert_eq!(
        lines(&api, &format!("member={ada}&action=member"))
            .await
            .len(),
        2
    );
    assert_eq!(lines(&api, "member=99").await.len(), 0);
    let standing = &lines(&api, &format!("member={ada}&actor=server")).await[0];
    assert_eq!(standing["action"], "standing");
    assert!(standing["after"].is_object(), "{standing}");

    let zone = json!({"lockdown": true, "reason": "a fight"});
    api.patch("/api/v1/zones/hall/settings", zone).await;
    let locked = &lines(&api, "action=zone.settings").await[0];
    assert_eq!(
        [&locked["before"], &locked["after"]].map(|zone| zone["settings"]["lockdown"].clone()),
        [json!(false), json!(true)]
    );
    let part = api.get("/api/v1/audit?limit=1").await;
    let next = part["next"].as_str().expect("there is more");
    assert_ne!(
        lines(&api, &format!("limit=1&before={next}")).await[0],
        part["items"][0]
    );
    let (status, ..) = api
        .refused(Method::GET, "/api/v1/audit?limit=0", None)
        .await;
    assert_eq!(status, 422);
}

#[tokio::test]
async fn staff_read_the_log_and_see_where_it_was_changed() {
    let api = Api::new().await;
    let ada = api.furnish().await;
    let olga = Browser::new(&api);
    olga.found().await;
    olga.post(&format!("/admin/members/{ada}"), &[("name", "Ada L.")])
        .await;
    let page = olga.get("/admin/audit").await;
    assert!(
        page.says("Olga Owner") && page.says("changed a member"),
        "{}",
        page.text
    );
    assert!(page.says("<del>Ada</del>") && page.says("<ins>Ada L.</ins>"));
    let page = olga
        .get("/admin/audit?who=staff+1&about=member&member=")
        .await;
    assert!(page.says("changed a member") && !page.says("changed a zone"));
    let page = olga.get("/admin/audit?who=&about=zone&member=1").await;
    assert!(page.says("Nothing of this kind was done."));

    // The lines are chained when heads are signed.
    api.app.sign_heads(api.now()).await.expect("signed");
    let page = olga.get("/admin/audit?check=true").await;
    assert!(page.says("The log is whole"), "{}", page.text);
    let count = api.get("/api/v1/audit/check").await["lines"].clone();
    assert!(count.as_i64() > Some(5), "{count}");

    let mut tx = api.tx().await;
    tx.later(Statement::new("DROP TRIGGER audit_is_not_rewritten"));
    tx.later(Statement::new(
        "UPDATE audit SET actor = 'staff 2' WHERE action = 'member.change'",
    ));
    tx.commit().await.expect("changed");
    let page = olga.get("/admin/audit?check=true").await;
    assert!(
        page.says("The log is not whole") && page.says("was changed"),
        "{}",
        page.text
    );
    assert_eq!(api.get("/api/v1/audit/check").await["lines"], Value::Null);
    api.app.check_audit(api.now()).await.expect("checked");
    let page = olga.get("/admin/attention").await;
    assert!(
        page.says("The audit log is not whole: line"),
        "{}",
        page.text
    );
    let told = server::tools::check_audit(&api.app)
        .await
        .expect_err("it is broken");
    assert!(told.to_string().contains("was changed"), "{told}");
}

#[tokio::test]
async fn who_keeps_no_rules_does_not_read_the_log() {
    let api = Api::new().await;
    let olga = Browser::new(&api);
    olga.found().await;
    for (role, status) in [
        (Role::Admin, StatusCode::OK),
        (Role::Treasurer, StatusCode::FORBIDDEN),
        (Role::FrontDesk, StatusCode::FORBIDDEN),
        (Role::ReadOnly, StatusCode::FORBIDDEN),
    ] {
        let (browser, _) = olga.invites(role).await;
        assert_eq!(browser.get("/admin/audit").await.status, status, "{role:?}");
        let link = browser.get("/admin/people").await.says("/admin/audit");
        assert_eq!(link, status == StatusCode::OK);
    }
}

#[tokio::test]
async fn what_was_erased_is_said_to_be_and_the_log_is_whole() {
    let api = Api::new().await;
    let ada = api.furnish().await;
    let olga = Browser::new(&api);
    olga.found().await;
    api.app.sign_heads(api.now()).await.expect("signed");
    let mut tx = api.tx().await;
    let erased = audit::forget(&mut tx, &api.app.organisation, MemberId(ada)).await;
    erased.expect("erased");
    tx.commit().await.expect("committed");
    let created = &lines(&api, &format!("member={ada}&action=member.create")).await[0];
    assert_eq!(
        (&created["erased"], &created["after"]),
        (&json!(true), &Value::Null)
    );
    assert!(
        olga.get("/admin/audit")
            .await
            .says("erased with the member")
    );
    assert!(
        olga.get("/admin/audit?check=true")
            .await
            .says("The log is whole")
    );
}

#[tokio::test]
async fn a_log_that_is_changed_under_the_server_is_told() {
    let api = Api::new().await;
    api.furnish().await;
    let told = || async {
        api.get("/api/v1/attention")
            .await
            .to_string()
            .contains("audit_rewritten")
    };
    for _ in 0..2 {
        api.app.sign_heads(api.now()).await.expect("signed");
        assert!(!told().await);
    }
    for change in [
        "DROP TRIGGER audit_is_not_rewritten",
        "UPDATE audit SET place = NULL, salt = NULL, digest = NULL, hash = NULL",
        "UPDATE audit SET actor = 'staff 2' WHERE action = 'member.create'",
    ] {
        let mut tx = api.tx().await;
        tx.later(Statement::new(change));
        tx.commit().await.expect("changed");
    }
    for _ in 0..2 {
        api.app.sign_heads(api.now()).await.expect("signed");
        assert!(told().await);
    }
    let check = api.get("/api/v1/audit/check").await;
    assert_eq!(check["broken"], Value::Null, "by itself it looks whole");
}
