//! The server on PostgreSQL: a cluster of the test's own, whole-building stories on it, and the built server.

use crate::agent::Seen;
use crate::club::{Club, Kill, Way};
use crate::program::{Program, command, free_port};
use crate::stripe::{METAL, WOOD};
use crate::wait;
use server::store::Store;
use shared::reasons::Reason;
use shared::standing::State;
use shared::time::Span;
use sqlx::Connection as _;
use std::os::unix::fs::MetadataExt as _;
use std::process::Command;
use std::sync::Arc;
use tempfile::TempDir;
use tests::building::server::Strike;
use tests::building::{Building, WayIn, runtime, story};
use tests::stripe_sim::Proration;

const CARD: &str = "62E3086CED";

/// A private cluster without anybody else's data.
struct Cluster {
    folder: TempDir,
    port: u16,
    /// PostgreSQL does not run as root.
    as_root: bool,
    program: Option<Program>,
}

impl Cluster {
    fn start() -> Self {
        let folder = wait::scratch();
        let as_root = std::fs::metadata(folder.path()).expect("just made").uid() == 0;
        if as_root {
            let given = command("chown")
                .arg("postgres:postgres")
                .arg(folder.path())
                .status();
            assert!(given.expect("chown runs").success());
        }
        let mut cluster = Self {
            folder,
            port: free_port(),
            as_root,
            program: None,
        };
        let made = cluster
            .command("initdb")
            .args(["--no-sync", "--auth=trust", "--username=club"])
            .args(["--encoding=UTF8", "--locale=C"])
            .output()
            .expect("initdb runs");
        assert!(made.status.success(), "{made:?}");
        cluster.run();
        cluster
    }

    fn command(&self, name: &str) -> Command {
        let path = wait::folder("GS_PG_BIN").join(name);
        let mut program = if self.as_root {
            let mut as_postgres = command("setpriv");
            as_postgres
                .args(["--reuid=postgres", "--regid=postgres", "--clear-groups"])
                .arg(path);
            as_postgres
        } else {
            command(path)
        };
        program.arg("-D").arg(self.folder.path().join("data"));
        program.current_dir(self.folder.path());
        program
    }

    fn run(&mut self) {
        let mut postgres = self.command("postgres");
        postgres
            .args(["-c", "listen_addresses=127.0.0.1"])
            .args(["-c", "unix_socket_directories="])
            .args(["-c", &format!("port={}", self.port)]);
        let mut program = Program::start("postgres", self.folder.path(), &mut postgres);
        let runtime = runtime();
        wait::until("PostgreSQL answers", || {
            program.must_run();
            let url = self.url("postgres");
            runtime.block_on(sqlx::PgConnection::connect(&url)).ok()
        });
        self.program = Some(program);
    }

    /// Ends it at once: nothing is written any more, and the next start has to recover.
    ///
    /// Killed, it would leave processes and shared memory behind.
    fn end(&mut self) {
        let Some(mut program) = self.program.take() else {
            return;
        };
        program.signal("QUIT");
        wait::until("PostgreSQL has ended", || program.ended());
    }

    fn url(&self, database: &str) -> String {
        format!("postgres://club@127.0.0.1:{}/{database}", self.port)
    }

    /// The address of a new, empty database.
    fn database(&self, name: &str) -> String {
        runtime().block_on(async {
            let connection = sqlx::PgConnection::connect(&self.url("postgres")).await;
            let mut connection = connection.expect("it answers");
            let sql = sqlx::AssertSqlSafe(format!("CREATE DATABASE {name}"));
            let made = sqlx::query(sql).execute(&mut connection).await;
            made.expect("a database is made");
        });
        self.url(name)
    }

    /// A furnished building whose server has a new database of this cluster.
    fn building(&self, name: &str, way: WayIn) -> Building {
        let runtime = Arc::new(runtime());
        let store = runtime
            .block_on(Store::open(&self.database(name)))
            .expect("the database opens");
        let mut building = Building::on_store(way, 1, runtime, store);
        building.furnish();
        building
    }
}

impl Drop for Cluster {
    fn drop(&mut self) {
        self.end();
    }
}

const WAYS: [WayIn; 3] = [WayIn::WebhookAndKey, WayIn::WebhookOnly, WayIn::Pull];

#[test]
fn stories_of_the_whole_building_go_the_same_way_on_postgresql() {
    let cluster = Cluster::start();
    for (at, way) in WAYS.into_iter().enumerate() {
        let mut b = cluster.building(&format!("story_{at}"), way);
        let ada = b.member("Ada", "04A1B2C3");
        let ben = b.member("Ben", "04B0B0B0");
        assert_eq!(b.tap(ada, "front").reason, Reason::Unknown);
        b.settle();

        // A first payment.
        let subscription = b.subscribe(ada, story::WOOD);
        let ended = b.subscribe(ben, story::WOOD);
        assert!(matches!(b.state(ada), State::Good { .. }), "{way:?}");
        assert!(b.doors_agree());
        assert!(b.tap(ada, "front").opens());
        assert_eq!(b.ledger().len(), 2);
        b.settle();

        // An end set beforehand, with server and broker down.
        let end = (b.now + Span::days(2)).as_seconds();
        b.sim().cancel_at(&ended, Some(end));
        b.settle();
        b.crash_server();
        b.broker.set_up(false);
        b.advance(Span::days(3));
        assert!(b.tap(ada, "front").opens());
        assert_eq!(b.tap(ben, "front").reason, Reason::Expired);
        b.broker.set_up(true);
        b.start_server();
        b.settle();
        b.advance(Span::minutes(11));
        b.badges_arrived_once_each();

        // Another plan, a hold, and a renewal.
        b.change_plan(&subscription, story::METAL);
        assert!(b.tap(ada, "back").opens());
        b.hold(ada, None);
        assert_eq!(b.tap(ada, "back").reason, Reason::Held);
        b.settle();
        assert!(b.attends("revoked_card"), "{:?}", b.attention());
        b.lift_holds(ada);
        b.advance(Span::days(35));
        assert!(b.tap(ada, "back").opens());
        b.settle();
        assert_eq!(b.terms(ada).len(), 2);

        // PINs, and a card that is at two doors at once.
        b.give_pin(ada, "4711");
        for door in ["front", "back"] {
            assert!(b.tap(ada, door).opens());
        }
        b.settle();
        assert!(b.attends("two_doors"), "{:?}", b.attention());
        b.ask_for_pins("wood");
        assert!(b.doors_agree());
        assert_eq!(b.tap(ada, "front").reason, Reason::PinNeeded);
        b.settle();
        b.badges_arrived_once_each();
    }
}

#[test]
fn a_server_on_postgresql_killed_at_any_step_comes_to_the_same_result() {
    let cluster = Cluster::start();
    for strike in [Strike::Before, Strike::After] {
        for step in 0..7 {
            let name = format!("crash_{strike:?}_{step}").to_lowercase();
            let mut b = cluster.building(&name, WayIn::WebhookAndKey);
            let ada = b.member("Ada", "04A1B2C3");
            b.server.crash_in = Some((step, strike));
            let subscription = b.subscribe(ada, story::WOOD);
            b.server.crash_in = Some((step, strike));
            b.change_plan(&subscription, story::METAL);
            b.server.crash_in = None;
            // Stripe delivers again what was not answered.
            b.advance(Span::minutes(6));
            b.settle();
            assert!(b.doors_agree(), "step {step} {strike:?}");
            assert!(b.tap(ada, "back").opens(), "step {step} {strike:?}");
            b.settle();
            assert_eq!(b.ledger().len(), 1, "step {step} {strike:?}");
            b.badges_arrived_once_each();
        }
    }
}

#[test]
fn the_built_server_serves_from_postgresql_and_waits_for_it_when_it_is_gone() {
    let mut cluster = Cluster::start();
    let settings = [("DATABASE_URL", cluster.database("club"))];
    let mut club = Club::open_with(Way::WebhookAndKey, &settings);
    let ada = club.member("Ada", CARD);
    let subscription = club.subscribe("Ada", WOOD);
    club.deliver(Kill::After);
    assert_eq!(club.state(ada), "good");
    assert_eq!(club.tap("front", CARD), Seen::Opens);

    let plan_change = |club: &Club| {
        let mut sim = club.stripe.sim();
        sim.change_price(&subscription, 0, METAL, Proration::CreateProrations);
    };
    cluster.end();
    plan_change(&club);
    let letters = club.stripe.letters();
    for letter in &letters {
        let answer = club
            .server
            .deliver(Some(&letter.header), letter.body.as_bytes());
        assert_eq!(answer.status, 503, "{}", answer.text());
    }
    assert_eq!(club.tap("front", CARD), Seen::Opens, "doors go on");
    cluster.run();
    wait::until("the server has found its database again", || {
        let letter = &letters[0];
        let answer = club
            .server
            .deliver(Some(&letter.header), letter.body.as_bytes());
        (answer.status == 200).then_some(())
    });
    club.post(&letters);
    club.has_type(ada, "7");
    assert_eq!(club.tap("back", CARD), Seen::Opens);
    club.badges_are(&[
        ("front", "granted"),
        ("front", "granted"),
        ("back", "granted"),
    ]);
}
