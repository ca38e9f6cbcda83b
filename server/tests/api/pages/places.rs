//! Zones, schedules, locations, doors and agents on the pages.

use super::Browser;
use crate::support::Api;
use axum::http::StatusCode;
use serde_json::{Value, json};

async fn owner(api: &Api) -> Browser<'_> {
    api.furnish().await;
    let browser = Browser::new(api);
    browser.found().await;
    browser
}

/// Seven members who may pass.
async fn seven(api: &Api) {
    for number in 0..7 {
        let member = api.member(&format!("Member {number}")).await;
        let grant = json!({"membership": "full", "reason": "founder"});
        api.post(&format!("/api/v1/members/{member}/grants"), grant)
            .await;
    }
}

#[tokio::test]
async fn who_may_enter_is_changed_after_it_was_looked_at() {
    let api = Api::new().await;
    let browser = owner(&api).await;
    seven(&api).await;
    let page = browser.get("/admin/zones/hall").await;
    assert!(page.says("name=\"type-full\""), "{}", page.text);
    let none = [("type-full", "")];
    let page = browser.post("/admin/zones/hall/access", &none).await;
    assert_eq!(page.status, StatusCode::OK);
    assert!(
        page.says("7 members may no longer enter") && page.says(">Member 3<"),
        "{}",
        page.text
    );
    assert!(page.says("waits for your yes"));
    let zone = async || api.get("/api/v1/zones/hall").await["access"].clone();
    assert_eq!(
        zone().await.as_array().map(Vec::len),
        Some(1),
        "nothing is changed yet"
    );
    let yes = [("sure", "true")];
    let page = browser.post("/admin/zones/hall/access", &yes).await;
    assert_eq!(page.location(), "/admin/zones/hall");
    assert_eq!(zone().await, json!([]));
    let all = [("type-full", "always"), ("sure", "true")];
    browser.post("/admin/zones/hall/access", &all).await;
    assert_eq!(
        zone().await,
        json!([{"membership": "full", "schedule": null}])
    );
    let same = [("type-full", "always")];
    let page = browser.post("/admin/zones/hall/access", &same).await;
    assert_eq!(
        page.status,
        StatusCode::SEE_OTHER,
        "what concerns nobody is not asked"
    );
    for fields in [
        [("type-full", "never ever")],
        [("type-half", "always")],
        [("full", "always")],
    ] {
        let page = browser.post("/admin/zones/hall/access", &fields).await;
        assert_eq!(page.status, StatusCode::UNPROCESSABLE_ENTITY);
    }
}

#[tokio::test]
async fn every_knob_of_a_zone_is_turned_and_stays_as_it_is_shown() {
    let api = Api::new().await;
    let browser = owner(&api).await;
    let evenings = json!({"name": "Evenings", "windows": []});
    api.put("/api/v1/schedules/evenings", evenings).await;
    api.patch(
        "/api/v1/zones/hall/settings",
        json!({"staleness_seconds": 5000}),
    )
    .await;
    assert!(
        browser
            .get("/admin/zones/hall")
            .await
            .says("name=\"staleness_hours\" type=\"number\" min=\"0\" max=\"8784\" value=\"2\"")
    );
    let fields = [
        ("offline_grace_hours", "48"),
        ("staleness_hours", "2"),
        ("schedules_need_clock", "true"),
        ("pin_schedule", "evenings"),
        ("hall_schedule", "always"),
        ("first_in", "true"),
        ("reader_bytes", "3, 4"),
        ("reason", "the club decided"),
    ];
    let page = browser.post("/admin/zones/hall/settings", &fields).await;
    assert_eq!(page.location(), "/admin/zones/hall", "{}", page.text);
    let settings = api.get("/api/v1/zones/hall").await["settings"].clone();
    assert_eq!(settings["offline_grace_seconds"], 48 * 3600);
    assert_eq!(
        settings["staleness_seconds"], 5000,
        "as shown, it changes nothing"
    );
    assert_eq!(settings["schedules_need_clock"], true);
    assert_eq!(settings["pin_schedule"], "evenings");
    assert_eq!(
        settings["hall_hours"],
        json!({"schedule": "always", "first_in": true})
    );
    assert_eq!(settings["reader_bytes"], json!([3, 4]));
    // Everything empty: the defaults.
    browser.post("/admin/zones/hall/settings", &[]).await;
    let settings = api.get("/api/v1/zones/hall").await["settings"].clone();
    assert_eq!(settings["offline_grace_seconds"], Value::Null);
    assert_eq!(settings["reader_bytes"], json!([]));
    let wrong = [("reader_bytes", "three")];
    let page = browser.post("/admin/zones/hall/settings", &wrong).await;
    assert_eq!(page.status, StatusCode::UNPROCESSABLE_ENTITY);
}

#[tokio::test]
async fn a_knob_that_shuts_many_out_waits_for_a_yes() {
    let api = Api::new().await;
    let browser = owner(&api).await;
    seven(&api).await;
    for member in 2..9 {
        let card = json!({"member": member, "uid": format!("0415AB0{member}")});
        api.post("/api/v1/cards", card).await;
    }
    let demand = [("needs_induction", "true"), ("reason", "a saw")];
    let page = browser.post("/admin/zones/hall/settings", &demand).await;
    assert!(
        page.says(">Member 6<") && page.says("name=\"needs_induction\" value=\"true\""),
        "{}",
        page.text
    );
    let induction =
        async || api.get("/api/v1/zones/hall").await["settings"]["needs_induction"].clone();
    assert_eq!(induction().await, false);
    let sure = [("needs_induction", "true"), ("sure", "true")];
    browser.post("/admin/zones/hall/settings", &sure).await;
    assert_eq!(induction().await, true);
}

#[tokio::test]
async fn a_schedule_is_written_line_by_line() {
    let api = Api::new().await;
    let browser = owner(&api).await;
    let new = [("id", "mornings"), ("name", "Mornings")];
    let page = browser.post("/admin/schedules", &new).await;
    assert_eq!(page.location(), "/admin/schedules/mornings");
    let again = browser.post("/admin/schedules", &new).await;
    assert_eq!(again.status, StatusCode::CONFLICT);
    let fields = [
        ("name", "Mornings"),
        ("mon", "8-12"),
        ("tue", "8:00-12"),
        ("holiday", "10-11"),
    ];
    let page = browser.post("/admin/schedules/mornings", &fields).await;
    assert_eq!(
        page.location(),
        "/admin/schedules/mornings",
        "{}",
        page.text
    );
    let windows = api.get("/api/v1/schedules/mornings").await["windows"].clone();
    assert_eq!(
        windows,
        json!([
            {"days": ["mon", "tue"], "from": "08:00", "to": "12:00"},
            {"days": ["holiday"], "from": "10:00", "to": "11:00"},
        ])
    );
    let page = browser.get("/admin/schedules/mornings").await;
    assert!(page.says("name=\"tue\" value=\"08:00-12:00\""));
    // Where members come in by it, they are named first.
    seven(&api).await;
    let access = json!({"schedule": "mornings"});
    api.put("/api/v1/zones/hall/access/full", access).await;
    let page = browser
        .post("/admin/schedules/mornings", &fields[..2])
        .await;
    assert!(
        page.says("7 members may enter at other hours"),
        "{}",
        page.text
    );
    let closed = [("name", "Mornings")];
    let page = browser.post("/admin/schedules/mornings", &closed).await;
    assert!(page.says("7 members may no longer enter"));
    assert_eq!(
        api.get("/api/v1/schedules/mornings").await["windows"],
        windows
    );
    let yes = [("name", "Mornings"), ("sure", "true")];
    browser.post("/admin/schedules/mornings", &yes).await;
    assert_eq!(
        api.get("/api/v1/schedules/mornings").await["windows"],
        json!([])
    );
    let wrong = [("name", "Mornings"), ("wed", "22-6")];
    let page = browser.post("/admin/schedules/mornings", &wrong).await;
    assert!(page.says("<strong>wed:</strong>"), "{}", page.text);
}

#[tokio::test]
async fn a_location_has_an_address_a_clock_and_holidays() {
    let api = Api::new().await;
    let browser = owner(&api).await;
    let fields = [
        ("name", "Mill"),
        ("address", "Mill Lane 1\r\n12345 Town"),
        ("time_zone", "Europe/Berlin"),
        ("holidays", "2026-12-25\r\n\r\n2026-12-24"),
    ];
    let page = browser.post("/admin/locations/main", &fields).await;
    assert_eq!(page.location(), "/admin/locations/main", "{}", page.text);
    let main = api.get("/api/v1/locations/main").await;
    assert_eq!(main["address"], "Mill Lane 1\n12345 Town");
    assert_eq!(main["holidays"], json!(["2026-12-24", "2026-12-25"]));
    // Who changes something else leaves the address as it is.
    let body = json!({"name": "Mill", "time_zone": "Europe/Berlin"});
    assert_eq!(
        api.put("/api/v1/locations/main", body).await["address"],
        main["address"]
    );
    let wrong = [
        ("name", "Mill"),
        ("time_zone", "Europe/Berlin"),
        ("holidays", "Christmas"),
    ];
    let page = browser.post("/admin/locations/main", &wrong).await;
    assert_eq!(page.status, StatusCode::UNPROCESSABLE_ENTITY);
    let new = [
        ("id", "barn"),
        ("name", "Barn"),
        ("time_zone", "Europe/Paris"),
    ];
    let page = browser.post("/admin/locations", &new).await;
    assert_eq!(page.location(), "/admin/locations/barn");
}

#[tokio::test]
async fn a_door_is_made_marked_held_open_and_removed() {
    let api = Api::new().await;
    let browser = owner(&api).await;
    let zone = [("id", "yard"), ("name", "Yard"), ("location", "main")];
    assert_eq!(
        browser.post("/admin/zones", &zone).await.location(),
        "/admin/zones/yard"
    );
    let agent = [("id", "pi"), ("name", "Pi")];
    let page = browser.post("/admin/agents", &agent).await;
    assert!(
        page.says("door-agent pair --server") && page.says("--code"),
        "{}",
        page.text
    );
    assert!(
        !browser.get("/admin/agents/pi").await.says("--code"),
        "shown once"
    );
    let door = [
        ("id", "gate"),
        ("name", "Gate"),
        ("zone", "yard"),
        ("agent", "pi"),
    ];
    let page = browser.post("/admin/doors", &door).await;
    assert_eq!(page.location(), "/admin/doors/gate");
    let page = browser.get("/admin/doors/gate").await;
    assert!(
        page.says("goodstanding_club_gate") && page.says("No member was refused."),
        "{}",
        page.text
    );
    let fields = [
        ("name", "Gate"),
        ("zone", "yard"),
        ("agent", "pi"),
        ("enrols", "true"),
        ("again_within_seconds", "60"),
    ];
    browser.post("/admin/doors/gate", &fields).await;
    let gate = api.get("/api/v1/doors/gate").await;
    assert_eq!(
        (&gate["enrols"], &gate["again_within_seconds"]),
        (&json!(true), &json!(60))
    );
    assert_eq!(
        browser.post("/admin/doors/gaet", &fields).await.status,
        StatusCode::NOT_FOUND
    );
    let open = [
        ("what", "doors"),
        ("until", "2026-01-05T20:00"),
        ("reason", "a delivery"),
    ];
    let page = browser.post("/admin/zones/yard/open", &open).await;
    assert_eq!(page.location(), "/admin/zones/yard", "{}", page.text);
    let until = async || api.get("/api/v1/zones/yard").await["settings"]["hold_open_until"].clone();
    assert_eq!(until().await, "2026-01-05T20:00:00Z");
    let shut = [("what", "doors"), ("reason", "it came")];
    browser.post("/admin/zones/yard/open", &shut).await;
    assert_eq!(until().await, Value::Null);
    assert_eq!(
        browser
            .post("/admin/doors/gate/remove", &[])
            .await
            .location(),
        "/admin/doors"
    );
    assert_eq!(api.get("/api/v1/doors").await, json!([]));
    let page = browser.post("/admin/agents/pi/code", &[]).await;
    assert!(page.says("--code"));
    browser.post("/admin/agents/pi/revoke", &[]).await;
    assert_eq!(api.get("/api/v1/agents/pi").await["state"], "revoked");
}

#[tokio::test]
async fn every_knob_of_a_membership_type_is_turned_and_stays_as_it_is_shown() {
    let api = Api::new().await;
    let browser = owner(&api).await;
    let page = browser.get("/admin/types").await;
    assert!(page.says("membertype_full"), "{}", page.text);
    let new = [("name", "Night owls"), ("id", "owl")];
    let page = browser.post("/admin/types", &new).await;
    assert_eq!(page.location(), "/admin/types/owl", "{}", page.text);
    let page = browser.post("/admin/types", &new).await;
    assert_eq!(page.status, StatusCode::CONFLICT);

    let owl = async || api.get("/api/v1/membership-types/owl").await;
    let as_shown = [
        ("name", "Owls"),
        ("rank", "7"),
        ("slack_days", "10"),
        ("grace_days", "14"),
        ("trial_access", "true"),
        ("upgrade_needs_payment", "true"),
        ("members_choose", "true"),
    ];
    let page = browser.post("/admin/types/owl", &as_shown).await;
    assert_eq!(page.location(), "/admin/types/owl", "{}", page.text);
    let now = owl().await;
    assert_eq!(
        (
            &now["name"],
            &now["rank"],
            &now["members_choose"],
            &now["standard"]
        ),
        (&json!("Owls"), &json!(7), &json!(true), &json!(true)),
        "knobs that were left as they are shown stay those of every type"
    );
    let turned = [
        ("name", "Owls"),
        ("slack_days", "2"),
        ("grace_days", "30"),
        ("refund_revokes", "true"),
        ("dispute_revokes", "true"),
    ];
    browser.post("/admin/types/owl", &turned).await;
    let now = owl().await;
    let policy = json!({"slack_days": 2, "grace_days": 30, "trial_access": false, "upgrade_needs_payment": false,
        "refund_revokes": true, "dispute_revokes": true});
    assert_eq!(
        (&now["policy"], &now["members_choose"]),
        (&policy, &json!(false))
    );
    let page = browser.get("/admin/types/owl").await;
    assert!(page.says("name=\"grace_days\" type=\"number\" min=\"0\" max=\"366\" value=\"30\""));
    for (wrong, field) in [("slack_days", "367"), ("slack_days", "-1"), ("more", "1")] {
        let page = browser
            .post("/admin/types/owl", &[("name", "Owls"), (wrong, field)])
            .await;
        assert_eq!(page.status, StatusCode::UNPROCESSABLE_ENTITY);
    }
    assert_eq!(owl().await["policy"], policy, "bad input changes nothing");
    let page = browser.post("/admin/types/none", &turned).await;
    assert_eq!(page.status, StatusCode::NOT_FOUND);

    let stand_in = async || api.get("/api/v1/organisation").await["default_type"].clone();
    let page = browser
        .post("/admin/types/stand-in", &[("membership", "owl")])
        .await;
    assert_eq!(page.location(), "/admin/types");
    assert_eq!(stand_in().await, "owl");
    browser
        .post("/admin/types/stand-in", &[("membership", "")])
        .await;
    assert_eq!(stand_in().await, Value::Null);
}
