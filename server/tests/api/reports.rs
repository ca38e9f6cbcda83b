//! What reports of agents tell staff.

use crate::doors::{Pi, paired};
use crate::stripe::{one, open};
use crate::support::Api;
use server::store::lists;
use shared::door_clock::Quality;
use shared::ids::{BootId, ZoneId};
use shared::time::{Span, Timestamp};
use shared::wire::topics::Channel;
use shared::wire::{HeldList, Kept, Kind, Report, Topic, ZoneReport, seal};

/// The paired agent `pi`, which reports of the zone `hall`.
struct Reporting {
    api: Api,
    pi: Pi,
    boot: u8,
    told: u64,
    shadow: Option<bool>,
}

impl Reporting {
    async fn new() -> Self {
        let api = Api::new().await;
        let pi = paired(&api).await;
        let (boot, told) = (1, 0);
        Self {
            api,
            pi,
            boot,
            told,
            shadow: None,
        }
    }

    fn restart(&mut self) {
        self.boot += 1;
        self.told = 0;
    }

    /// The agent reports how safe its list is, and the newest head that it heard.
    async fn report(&mut self, kept: Kept, newest_head: Option<Timestamp>) {
        self.report_with(kept, newest_head, None).await;
    }

    /// The same, with what it saw of the audit log.
    async fn report_with(
        &mut self,
        kept: Kept,
        newest_head: Option<Timestamp>,
        audit: Option<Vec<minicbor::bytes::ByteVec>>,
    ) {
        self.told += 1;
        let hall = ZoneId::new("hall").expect("a name");
        let mut tx = self.api.tx().await;
        let head = lists::lock_zone(&mut tx, &self.api.app.organisation, &hall)
            .await
            .expect("a zone");
        drop(tx);
        let held = HeldList {
            revision: head.revision,
            digest: head.digest,
            kept,
        };
        let report = Report {
            boot: BootId([self.boot; 16]),
            counter: self.told,
            at: self.api.now(),
            quality: Quality::Trusted,
            zones: vec![ZoneReport {
                zone: hall,
                list: Some(held),
                policy: None,
                newest_head,
            }],
            spooled: 0,
            config: None,
            version: "0.1.0".to_owned(),
            refused: Vec::new(),
            command_counter: 0,
            audit,
            shadow: self.shadow,
        };
        let agent = "pi".parse().expect("a name");
        let topic = Topic::new(&self.api.app.organisation, Channel::Report(agent)).to_string();
        let sealed = seal(Kind::Report, &topic, &report, &self.pi.signer);
        let taken = self.api.app.message(&topic, &sealed, self.api.now()).await;
        assert_eq!(taken.expect("taken").refused, None);
    }

    async fn count(&self, kind: &str) -> usize {
        open(&self.api, kind).await.len()
    }
}

#[tokio::test]
async fn an_agent_that_has_just_started_is_given_time_to_hear_a_head() {
    let mut pi = Reporting::new().await;
    let heard = Some(pi.api.now());
    pi.report(Kept::Stored, heard).await;
    for _ in 0..2 {
        pi.api.wait(Span::minutes(3));
        pi.restart();
        pi.report(Kept::Stored, None).await;
        assert_eq!(pi.count("stream_withheld").await, 0);
    }
    pi.api.wait(Span::minutes(3));
    pi.report(Kept::Stored, None).await;
    assert_eq!(one(&pi.api, "stream_withheld").await["subject"], "pi hall");
    let heard = Some(pi.api.now());
    pi.report(Kept::Stored, heard).await;
    assert_eq!(pi.count("stream_withheld").await, 0);
}

#[tokio::test]
async fn a_list_that_is_not_safe_on_disk_is_told_until_it_is() {
    let mut pi = Reporting::new().await;
    let heard = Some(pi.api.now());
    for (kept, words) in [
        (Kept::Degraded, "from an older list:"),
        (Kept::Volatile, "only in memory"),
    ] {
        pi.report(kept, heard).await;
        let item = one(&pi.api, "list_not_kept").await;
        assert_eq!(item["subject"], "pi hall");
        let sentence = item["sentence"].as_str().unwrap_or_default();
        assert!(sentence.contains(words), "{sentence}");
    }
    pi.report(Kept::Stored, heard).await;
    assert_eq!(pi.count("list_not_kept").await, 0);
    pi.report(Kept::Volatile, heard).await;
    assert_eq!(pi.count("list_not_kept").await, 1);
}

#[tokio::test]
async fn a_door_that_saw_another_audit_log_is_heard() {
    let mut pi = Reporting::new().await;
    let heard = Some(pi.api.now());
    let signed = pi.api.app.sign_heads(pi.api.now()).await;
    assert!(!signed.expect("signed").is_empty());
    let mut tx = pi.api.tx().await;
    let end = server::store::audit::end(&mut tx, &pi.api.app.organisation).await;
    drop(tx);
    let seen = end.expect("read").expect("a chain").written();
    pi.report_with(Kept::Stored, heard, Some(vec![seen.clone().into()]))
        .await;
    assert_eq!(pi.count("audit_rewritten").await, 0);
    let mut other = seen.clone();
    other[39] ^= 1;
    pi.report_with(
        Kept::Stored,
        heard,
        Some(vec![seen.clone().into(), other.into()]),
    )
    .await;
    assert_eq!(one(&pi.api, "audit_rewritten").await["subject"], "pi");
    pi.report_with(Kept::Stored, heard, Some(vec![seen.into()]))
        .await;
    assert_eq!(pi.count("audit_rewritten").await, 0);
}

#[tokio::test]
async fn a_door_that_only_watches_is_told_apart_from_one_that_drives_its_lock() {
    let mut pi = Reporting::new().await;
    for shadow in [None, Some(true), Some(false)] {
        pi.shadow = shadow;
        let heard = Some(pi.api.now());
        pi.report(Kept::Stored, heard).await;
        let is_shadow = shadow == Some(true);
        let agents = pi.api.get("/api/v1/agents").await;
        assert_eq!(agents[0]["report"]["shadow"], is_shadow);
    }
    pi.shadow = Some(true);
    let heard = Some(pi.api.now());
    pi.report(Kept::Stored, heard).await;
    let browser = crate::pages::Browser::new(&pi.api);
    browser.found().await;
    let page = browser.get("/admin/doors/front").await;
    assert!(
        page.says("Would have been refused in the last 14 days"),
        "{}",
        page.text
    );
    for path in ["/admin", "/admin/doors", "/admin/doors/front"] {
        assert!(browser.get(path).await.says("its lock is not driven"));
    }
}
