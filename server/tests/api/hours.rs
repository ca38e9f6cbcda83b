//! Hours that zones name: doors that stand unlocked, and PINs.

use crate::support::Api;
use serde_json::{Value, json};
use server::store::lists;
use shared::decide::{HallHours, Policy};
use shared::ids::ZoneId;

const SETTINGS: &str = "/api/v1/zones/hall/settings";

/// The policy that the doors of the hall get.
async fn policy(api: &Api) -> Policy {
    let zone = ZoneId::new("hall").expect("a name");
    let head = lists::lock_zone(&mut api.tx().await, &api.app.organisation, &zone).await;
    minicbor::decode(&head.expect("a zone").policy).expect("a policy")
}

#[tokio::test]
async fn a_zone_names_its_hours_by_schedules_and_its_doors_get_them_by_number() {
    let mut api = Api::new().await;
    api.furnish().await;
    let before = policy(&api).await;
    assert_eq!((before.hall_hours, before.pin_schedule), (None, None));
    for (id, from) in [("mornings", "08:00"), ("evenings", "18:00")] {
        let windows = json!([{"days": ["mon"], "from": from, "to": "22:00"}]);
        let body = json!({"name": id, "windows": windows});
        api.put(&format!("/api/v1/schedules/{id}"), body).await;
    }
    api.published();
    let hall = json!({"schedule": "evenings", "first_in": true});
    let wish = json!({"hall_hours": hall, "pin_schedule": "mornings"});
    let zone = api.patch(SETTINGS, wish).await;
    assert_eq!(zone["settings"]["hall_hours"], hall);
    assert_eq!(zone["settings"]["pin_schedule"], "mornings");
    assert_eq!(api.get("/api/v1/zones/hall").await, zone);
    let topics: Vec<String> = api.published().into_iter().map(|told| told.topic).collect();
    assert_eq!(
        topics,
        ["gs/1/club/zones/hall/policy", "gs/1/club/zones/hall/head"]
    );
    let (schedule, first_in) = (2, true);
    let told = policy(&api).await;
    assert_eq!(told.hall_hours, Some(HallHours { schedule, first_in }));
    assert_eq!(told.pin_schedule, Some(1));
    assert_eq!(told.schedules[2].windows[0].from, 18 * 60);

    let hall = json!({"schedule": "always"});
    let zone = api.patch(SETTINGS, json!({"hall_hours": hall})).await;
    assert_eq!(
        zone["settings"]["hall_hours"],
        json!({"schedule": "always", "first_in": false})
    );
    assert_eq!(zone["settings"]["pin_schedule"], "mornings", "it stays");
    let (schedule, first_in) = (0, false);
    let told = policy(&api).await.hall_hours;
    assert_eq!(told, Some(HallHours { schedule, first_in }));
    let nothing = json!({"hall_hours": null, "pin_schedule": null});
    let zone = api.patch(SETTINGS, nothing).await;
    assert_eq!(zone["settings"]["hall_hours"], Value::Null);
    let after = policy(&api).await;
    assert_eq!((after.hall_hours, after.pin_schedule), (None, None));
}
