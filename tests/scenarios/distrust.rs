//! The broker is not trusted: what is old, forged, moved or withheld changes nothing and is noticed.

use door_agent::identity;
use shared::allow_list::Digest;
use shared::badge::BadgeEvent;
use shared::door_clock::Quality;
use shared::ids::{BootId, ZoneId};
use shared::keys::Signer;
use shared::reasons::Reason;
use shared::time::Span;
use shared::wire::{
    Events, Head, HeldList, Kept, Kind, RefusedWhy, Report, ZoneReport, open, seal,
};
use tests::building::Building;
use tests::building::broker::Message;
use tests::building::story::{METAL, WOOD};

const WOOD_HEAD: &str = "gs/1/club/zones/wood/head";
const WOOD_DELTA: &str = "gs/1/club/zones/wood/delta";
const METAL_DELTA: &str = "gs/1/club/zones/metal/delta";

fn published(b: &Building, topic: &str) -> Vec<Message> {
    b.broker
        .log
        .iter()
        .filter(|message| message.topic == topic)
        .cloned()
        .collect()
}

fn held(
    b: &mut Building,
    agent: &str,
    zone: &str,
) -> Option<(shared::allow_list::Revision, Digest)> {
    let zone = ZoneId::new(zone).expect("a name");
    let agent = b.machine(agent).agent().expect("it runs");
    agent
        .zones()
        .find(|held| *held.id() == zone)?
        .list()
        .map(|list| (list.revision(), list.digest()))
}

fn refused(b: &mut Building, agent: &str, why: RefusedWhy) -> bool {
    b.machine(agent)
        .agent()
        .expect("it runs")
        .refused()
        .contains_key(&why)
}

stories! {
    fn an_older_list_is_refused_said_and_the_newer_kept(way: WayIn) {
        let mut b = Building::club(way);
        let ada = b.member("Ada", "04A1B2C3");
        b.subscribe(ada, METAL);
        let old_head = published(&b, WOOD_HEAD).pop().expect("a head");
        b.hold(ada, None);
        assert_eq!(b.tap(ada, "front").reason, Reason::Held);
        b.settle();
        let before = held(&mut b, "pi-front", "wood");

        b.broker.inject(old_head, true, b.now);
        b.work();
        assert!(refused(&mut b, "pi-front", RefusedWhy::Older));
        for delta in published(&b, WOOD_DELTA) {
            b.broker.inject(delta, false, b.now);
        }
        b.work();
        assert_eq!(held(&mut b, "pi-front", "wood"), before);
        b.advance(Span::seconds(2));
        assert_eq!(b.tap(ada, "front").reason, Reason::Held);
        b.closely = true;
        b.advance(Span::minutes(4));
        assert!(b.attends("messages_refused"), "{:?}", b.attention());
    }

    fn a_list_signed_by_another_key_is_refused_said_and_changes_nothing(way: WayIn) {
        let mut b = Building::club(way);
        let ada = b.member("Ada", "04A1B2C3");
        b.subscribe(ada, WOOD);
        let before = held(&mut b, "pi-front", "wood");
        let (revision, _) = b.heads()[&ZoneId::new("wood").expect("a name")];
        let mut next = revision;
        next.number += 1;
        let forged = Head {
            revision: next,
            entries: 0,
            digest: Digest::default(),
            policy: [0; 32],
            card_key: 1,
            issued_at: b.now,
            audit: None,
        };
        let payload = seal(Kind::Head, WOOD_HEAD, &forged, &Signer::from_seed(&[66; 32]));
        b.broker.inject(Message { topic: WOOD_HEAD.to_owned(), payload }, true, b.now);
        b.work();
        assert!(refused(&mut b, "pi-front", RefusedWhy::Key));
        assert_eq!(held(&mut b, "pi-front", "wood"), before);
        assert!(b.tap(ada, "front").opens());
        b.closely = true;
        b.advance(Span::minutes(4));
        assert!(b.attends("messages_refused"));
    }

    fn an_audit_log_that_is_made_anew_is_told_by_the_doors_that_saw_the_old_one(way: WayIn) {
        let mut b = Building::club(way);
        let ada = b.member("Ada", "04A1B2C3");
        b.subscribe(ada, WOOD);
        b.advance(Span::minutes(10));
        assert!(!b.attends("audit_rewritten"), "{:?}", b.attention());
        b.tamper(&[
            "DROP TRIGGER audit_is_not_rewritten",
            "UPDATE audit SET place = NULL, salt = NULL, digest = NULL, hash = NULL",
            "UPDATE audit SET cause = 'nobody did this' WHERE id = 1",
        ]);
        b.restart_server();
        b.advance(Span::minutes(10));
        assert!(b.attends("audit_rewritten"), "{:?}", b.attention());
    }

    fn an_agent_has_no_say_about_a_zone_that_it_does_not_serve(way: WayIn) {
        let mut b = Building::club(way);
        let ada = b.member("Ada", "04A1B2C3");
        b.subscribe(ada, WOOD);
        let wood = ZoneId::new("wood").expect("a name");
        let (mut revision, digest) = b.heads()[&wood];
        revision.number += 1_000_000_000;
        let ahead = ZoneReport {
            zone: wood,
            list: Some(HeldList { revision, digest, kept: Kept::Stored }),
            policy: None,
            newest_head: Some(b.now),
        };
        let report = Report {
            boot: BootId([9; 16]),
            counter: 1,
            at: b.now,
            quality: Quality::Trusted,
            zones: vec![ahead],
            spooled: 0,
            config: None,
            version: "0.1.0".to_owned(),
            refused: Vec::new(),
            command_counter: 0,
            audit: None,
            shadow: None,
        };
        let topic = "gs/1/club/agents/pi-back/report";
        let (identity, _) = identity::load(&b.machine("pi-back").disk).expect("it is paired");
        let payload = seal(Kind::Report, topic, &report, &identity.signer);
        b.broker.inject(Message { topic: topic.to_owned(), payload }, false, b.now);
        b.work();
        assert!(!b.attends("door_ahead"));
        b.hold(ada, None);
        assert_eq!(b.tap(ada, "front").reason, Reason::Held);
        b.settle();
    }

    fn another_zones_delta_is_refused_said_and_changes_nothing(way: WayIn) {
        let mut b = Building::club(way);
        let ada = b.member("Ada", "04A1B2C3");
        let ben = b.member("Ben", "04B0B0B0");
        b.subscribe(ada, WOOD);
        let metal = held(&mut b, "pi-back", "metal");
        let moved = published(&b, WOOD_DELTA).pop().expect("a delta");
        b.broker.inject(Message { topic: METAL_DELTA.to_owned(), payload: moved.payload.clone() }, false, b.now);
        b.work();
        assert!(refused(&mut b, "pi-back", RefusedWhy::Signature));
        assert_eq!(held(&mut b, "pi-back", "metal"), metal);
        assert!(!b.tap(ada, "back").opens());
        // Even under its own topic it is not for an agent of another zone.
        b.broker.inject(moved, false, b.now);
        b.work();
        assert!(!b.tap(ben, "back").opens());
        b.closely = true;
        b.advance(Span::minutes(4));
        assert!(b.attends("messages_refused"));
    }

    fn a_truncated_or_unknown_message_changes_nothing(way: WayIn) {
        let mut b = Building::club(way);
        let ada = b.member("Ada", "04A1B2C3");
        b.subscribe(ada, WOOD);
        let before = held(&mut b, "pi-front", "wood");
        let head = published(&b, WOOD_HEAD).pop().expect("a head");
        for length in 0..head.payload.len() {
            let payload = head.payload[..length].to_vec();
            b.broker.inject(Message { topic: WOOD_HEAD.to_owned(), payload }, false, b.now);
        }
        for bit in 0..head.payload.len() {
            let mut payload = head.payload.clone();
            payload[bit] ^= 1;
            b.broker.inject(Message { topic: WOOD_HEAD.to_owned(), payload }, false, b.now);
        }
        b.work();
        assert_eq!(held(&mut b, "pi-front", "wood"), before);
        assert!(b.tap(ada, "front").opens());
        b.settle();
    }

    fn a_withheld_stream_is_noticed_by_the_server_and_the_door_goes_on(way: WayIn) {
        let mut b = Building::club(way);
        let ada = b.member("Ada", "04A1B2C3");
        b.subscribe(ada, WOOD);
        b.closely = true;
        b.withhold_from("pi-front", true);
        b.advance(Span::minutes(9));
        assert!(!b.attends("stream_withheld"));
        b.advance(Span::minutes(6));
        assert!(b.attends("stream_withheld"), "{:?}", b.attention());
        assert!(b.tap(ada, "front").opens());
        b.withhold_from("pi-front", false);
        b.advance(Span::minutes(6));
        assert!(!b.attends("stream_withheld"));
        b.badges_arrived_once_each();
    }

    fn a_server_that_was_away_withholds_nothing(way: WayIn) {
        let mut b = Building::club(way);
        let ada = b.member("Ada", "04A1B2C3");
        b.subscribe(ada, WOOD);
        b.closely = true;
        b.cut_server(true);
        b.advance(Span::minutes(20));
        b.cut_server(false);
        b.advance(Span::minutes(1));
        assert!(!b.attends("stream_withheld"), "{:?}", b.attention());
        b.settle();
    }

    fn forged_reports_and_events_change_nothing(way: WayIn) {
        let mut b = Building::club(way);
        let ada = b.member("Ada", "04A1B2C3");
        b.subscribe(ada, WOOD);
        assert!(b.tap(ada, "front").opens());
        b.settle();
        for leaf in ["events", "report", "request"] {
            let theirs = format!("gs/1/club/agents/pi-front/{leaf}");
            let other = format!("gs/1/club/agents/pi-back/{leaf}");
            let message = published(&b, &theirs).pop().expect("it said something");
            b.broker.inject(Message { topic: other, payload: message.payload }, false, b.now);
        }
        b.work();
        assert_eq!(b.server_refused.len(), 3, "{:?}", b.server_refused);
        b.settle();
        b.badges_arrived_once_each();
    }

    fn two_agents_that_claim_one_identity_are_told_of_and_both_are_kept(way: WayIn) {
        let mut b = Building::club(way);
        let ada = b.member("Ada", "04A1B2C3");
        b.subscribe(ada, WOOD);
        assert!(b.tap(ada, "front").opens());
        b.settle();
        assert!(!b.attends("two_agents"));
        // A copy of the card in the machine has its key and its run, and saw something else.
        let topic = "gs/1/club/agents/pi-front/events";
        let (identity, _) = identity::load(&b.machine("pi-front").disk).expect("it is paired");
        let signer = &identity.signer;
        let sent = published(&b, topic).pop().expect("it said something");
        let sent = open(&sent.payload, topic, |_| Some(signer.public())).expect("its own");
        let mut events: Events = sent.read(Kind::Events).expect("badge events");
        let mut seen: BadgeEvent = minicbor::decode(&events.events[0]).expect("a badge event");
        seen.at = seen.at + Span::seconds(1);
        events.events = vec![minicbor::to_vec(&seen).expect("it can be written").into()];
        let payload = seal(Kind::Events, topic, &events, signer);
        let all = b.badges().len();
        for _ in 0..2 {
            b.broker.inject(Message { topic: topic.to_owned(), payload: payload.clone() }, false, b.now);
            b.work();
            assert!(b.attends("two_agents"), "{:?}", b.attention());
            assert_eq!(b.badges().len(), all + 1, "both, each once");
        }
        assert!(b.server_refused.is_empty());
        b.settle();
    }

    fn an_older_report_proves_nothing(way: WayIn) {
        let mut b = Building::club(way);
        let ada = b.member("Ada", "04A1B2C3");
        b.subscribe(ada, WOOD);
        b.advance(Span::seconds(10));
        let topic = "gs/1/club/agents/pi-front/report";
        let reports = published(&b, topic);
        assert!(reports.len() > 1);
        b.broker.inject(reports[0].clone(), false, b.now);
        b.work();
        assert_eq!(b.server_refused.len(), 1, "{:?}", b.server_refused);
        b.settle();
    }

    fn a_delta_delayed_doubled_and_out_of_order_is_in_force_in_the_end(way: WayIn) {
        let mut b = Building::club(way);
        let party = tests::building::broker::Party::Agent(b.machine("pi-front").id.clone());
        let weather = tests::building::broker::Weather {
            delay: Span::seconds(3),
            doubles: true,
            reorders: true,
            withholds: false,
        };
        b.broker.set_weather(party, weather);
        let ada = b.member("Ada", "04A1B2C3");
        let subscription = b.subscribe(ada, WOOD);
        b.change_plan(&subscription, METAL);
        b.hold(ada, None);
        b.lift_holds(ada);
        b.advance(Span::minutes(2));
        assert!(b.doors_agree());
        assert!(b.tap(ada, "front").opens());
        b.settle();
        b.badges_arrived_once_each();
    }
}
