//! A busy door through a long time on the hand-moved clock: real agent, real server, and nothing that grows.
//!
//! `tests/run soak` shows a million badges against a hundred thousand cards; otherwise it is a fiftieth and a tenth of them,
//! which says less of memory. Either are too many cards for one message: the door asks for the whole list. The server's database is a file, for it keeps every badge; the agent's disk is in memory.

use door_agent::agent::{Drive, Input};
use server::billing::import::Import;
use server::billing::roll;
use server::store::{Connection, Store};
use shared::card::CardUid;
use shared::ids::DoorId;
use shared::time::Span;
use shared::wire::Report;
use std::fmt::Write as _;
use std::sync::Arc;
use tempfile::TempDir;
use tests::building::{Building, WayIn, runtime};
use tests::settings;

/// Unless GS_BADGES says otherwise.
const BADGES: u32 = 20_000;
/// Unless GS_CARDS says otherwise.
const CARDS: u32 = 10_000;
/// So many people come one after the other, at most.
const CROWD: u32 = 200;
/// After so many the network has time for what the door says.
const GROUP: u32 = 20;
/// So far apart.
const APART: Span = Span(400);
/// Acknowledged events are kept for seven days; a tenth of the time is longer.
const DAYS: i64 = 100;
/// What the server's database keeps of its pages in memory, on five connections, and what comes and goes; in KiB.
const CACHES: u64 = 26_000;
/// In which a door has asked for a list that no delta brought.
const ASKING: Span = Span::minutes(2);
/// Bytes of two segments of the badge log: one is not removed before all in it may go, nor is the newest.
const SEGMENTS: usize = 2 * (256 << 10);

struct Door {
    building: Building,
    _folder: TempDir,
    id: DoorId,
    cards: u32,
    shown: u32,
    /// How often its lock was released for a card.
    released: u32,
}

/// What is in use at one moment.
#[derive(Debug, Clone, Copy)]
struct Use {
    /// Memory of the whole process, in KiB.
    memory: u64,
    /// Bytes on the agent's disk.
    disk: usize,
}

fn uid(place: u32) -> CardUid {
    let [_, a, b, c] = place.to_be_bytes();
    CardUid::from_bytes(&[4, 0xa0 ^ a, b, c]).expect("four bytes that are not alike")
}

fn memory() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").expect("this is Linux");
    let resident = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
    let kilobytes = resident.and_then(|line| line.trim().strip_suffix(" kB"));
    kilobytes
        .and_then(|text| text.parse().ok())
        .expect("a number")
}

impl Door {
    fn with(cards: u32) -> Self {
        let folder = tempfile::tempdir_in("/dev/shm").or_else(|_| tempfile::tempdir());
        let folder = folder.expect("a folder");
        let address = format!("sqlite:{}", folder.path().join("server.db").display());
        let runtime = Arc::new(runtime());
        let store = runtime.block_on(Store::open(&address)).expect("a database");
        let mut building = Building::on_store(WayIn::WebhookAndKey, 1, runtime, store);
        building.furnish();
        let mut roll = "name,cards,membership,paid_until\n".to_owned();
        for place in 0..cards {
            let card = uid(place).reveal();
            writeln!(roll, "Member {place},{card},5,2090-01-01").expect("memory");
        }
        let wish = Import {
            rows: roll::read(roll.as_bytes()).expect("a good roll"),
            write: true,
            ..Import::default()
        };
        let done = building.import(&wish).expect("a good roll");
        assert_eq!(done.gained.len(), done.made.len());
        let mut door = Self {
            building,
            _folder: folder,
            id: DoorId::new("front").expect("a name"),
            cards,
            shown: 0,
            released: 0,
        };
        door.building.advance(ASKING);
        assert!(door.building.doors_agree());
        let agent = door.building.machine("pi-front").agent();
        let lists = agent
            .expect("it runs")
            .zones()
            .filter_map(|zone| zone.list());
        let listed: usize = lists.map(|list| list.len()).sum();
        assert_eq!(listed, usize::try_from(cards).expect("small"));
        door
    }

    /// People come, and then nobody for a while.
    fn crowd(&mut self, count: u32, pause: Span) {
        for tap in 1..=count {
            self.tap();
            if tap % GROUP == 0 {
                self.building.work();
            }
        }
        self.building.advance(pause);
        self.building.broker.log.clear();
    }

    fn tap(&mut self) {
        self.building.now = self.building.now + APART;
        let now = self.building.now;
        let place = u64::from(self.shown) * 7919 % u64::from(self.cards);
        let uid = uid(u32::try_from(place).expect("a place"));
        let door = self.id.clone();
        let machine = self.building.machine("pi-front");
        machine.hear(Input::Card { door, uid }, now);
        let drives = machine.driven.drain(..).map(|(_, drive)| drive);
        let released = drives.filter(|drive| matches!(drive, Drive::Energise { .. }));
        self.released += u32::try_from(released.count()).expect("one");
        self.shown += 1;
    }

    fn uses(&mut self) -> Use {
        Use {
            memory: memory(),
            disk: self.building.machine("pi-front").disk.used(),
        }
    }

    /// What the server was told, and how often.
    fn told(&self) -> Vec<(String, u32)> {
        const SQL: &str = "SELECT kind || COALESCE(' ' || reason, ''), COUNT(*) FROM badges WHERE agent = 'pi-front' GROUP BY 1 \
                           ORDER BY 1";
        self.building.read(async |tx| match &mut tx.connection {
            Connection::Sqlite(file) => sqlx::query_as(SQL).fetch_all(&mut **file).await,
            Connection::Postgres(_) => unreachable!("it was opened as a file"),
        })
    }

    /// How many badges the agent last said to have that the server may not.
    fn waiting(&self) -> u64 {
        const SQL: &str = "SELECT report FROM agents WHERE id = 'pi-front'";
        let body: Vec<u8> = self.building.read(async |tx| match &mut tx.connection {
            Connection::Sqlite(file) => sqlx::query_scalar(SQL).fetch_one(&mut **file).await,
            Connection::Postgres(_) => unreachable!("it was opened as a file"),
        });
        let report: Report = minicbor::decode(&body).expect("a report");
        report.spooled
    }
}

#[test]
fn after_very_many_badges_nothing_has_grown_and_both_sides_have_counted_the_same() {
    let number = |name, usual| {
        let set = settings::number(name);
        set.map_or(usual, |set| {
            u32::try_from(set).expect("at most four billion")
        })
    };
    let (badges, cards) = (number("GS_BADGES", BADGES), number("GS_CARDS", CARDS));
    let mut door = Door::with(cards);
    let crowds = badges.div_ceil(CROWD);
    let pause = Span(Span::days(DAYS).0 / i64::from(crowds));
    let (begin, mut early) = (door.uses(), None);
    for crowd in 1..=crowds {
        // The agent reports every three minutes.
        door.crowd(CROWD.min(badges - door.shown), pause);
        if crowd == crowds / 10 {
            early = Some(door.uses());
        }
    }
    let (early, late) = (early.expect("ten crowds at least"), door.uses());
    println!("badges {badges} cards {cards}: a tenth {early:?}, all {late:?}");
    assert_eq!(door.released, badges);
    let told = door.told();
    let all = [
        ("card granted".to_owned(), badges),
        ("started".to_owned(), 1),
    ];
    assert_eq!(told, all);
    assert_eq!(door.waiting(), 0);
    // What the server has stays on the agent's disk for seven days more.
    door.building.advance(Span::days(8));
    door.crowd(1, Span::minutes(5));
    let end = door.uses();
    println!("a week later {end:?}");
    assert!(end.disk <= begin.disk + SEGMENTS, "{begin:?} {end:?}");
    assert!(late.memory <= early.memory + CACHES, "{early:?} {late:?}");
    assert!(late.disk <= early.disk + SEGMENTS, "{early:?} {late:?}");
}
