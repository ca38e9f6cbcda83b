//! A club to measure: members who paid for a period that has just ended, each with a card, one zone, one paired agent.

use super::timing;
use crate::stripe_sim::{Interval, StripeSim, Subscribe};
use anyhow::Context as _;
use door_agent::clock::randomness;
use door_agent::identity::{Identity, Paired};
use serde_json::Value;
use server::app::{App, Billing, Mode};
use server::billing::read::Head;
use server::billing::receive;
use server::billing::signature::SigningSecret;
use server::doors::{pairing, publish};
use server::keys::Keys;
use server::membership::link::new_holder;
use server::random::{self, Handed};
use server::serve::{BrokerSettings, Settings};
use server::store::members::{self, NewMember};
use server::store::places::Door;
use server::store::{Store, agents};
use server::{membership, setup};
use sha2::{Digest as _, Sha256};
use shared::allow_list::Epoch;
use shared::card::CardUid;
use shared::ids::{
    AgentId, DoorId, LocationId, MemberId, MembershipTypeId, OrganisationId, ZoneId,
};
use shared::time::{Span, Timestamp};
use shared::wire::pairing::Pairing;
use std::net::{Ipv4Addr, SocketAddr};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use tempfile::TempDir;

/// The endpoint's signing secret.
pub const SECRET: &str = "whsec_bench";
/// The broker password of the agent.
pub const PASSWORD: &str = "bench";
/// The weekly plan of type 5.
const PLAN: &str = "membertype_5-every-1-week-5000-usd";
/// Stands for a member's number in the story.
const MEMBER: &str = "4242424242";
const CHUNK: usize = 500;
const WEEK: i64 = 7 * 86_400;

pub fn organisation() -> OrganisationId {
    OrganisationId::new("club").expect("a name")
}

pub fn zone() -> ZoneId {
    ZoneId::new("hall").expect("a name")
}

pub fn door() -> DoorId {
    DoorId::new("front").expect("a name")
}

pub fn agent() -> AgentId {
    AgentId::new("pi").expect("a name")
}

/// The card of a member, by the member's place from 0.
pub fn card(place: usize) -> CardUid {
    let number = u32::try_from(place).expect("few members") + 0x0415_0000;
    CardUid::from_bytes(&number.to_be_bytes()).expect("a card")
}

/// An address on loopback with a port that is free.
pub fn loopback() -> SocketAddr {
    (Ipv4Addr::LOCALHOST, 0).into()
}

/// What Stripe says of one member: first payment, then of every week that it begins and that it is paid.
#[derive(Debug, Clone)]
pub struct Story {
    /// Two events for each week.
    weeks: Vec<[String; 2]>,
    ids: Vec<String>,
}

/// The two events of a renewal.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Renewal {
    /// The subscription is in its next period.
    MovedOn,
    /// That period's invoice is paid.
    Paid,
}

impl Story {
    /// Plays so many weeks of one member's life at the simulated Stripe, up to now; the last has just begun.
    fn play(now: Timestamp, weeks: usize) -> anyhow::Result<Self> {
        let before = i64::try_from(weeks - 1)?;
        let begun = now.as_seconds() - before * WEEK - 7_200;
        let mut sim = StripeSim::new("acct_bench", false, begun);
        sim.create_plan(PLAN, Some("Wood shop"), 5000, Interval::Week);
        let customer = sim.create_customer(Some("member@example.org"), Some("A Member"), &[]);
        sim.take_events();
        let how = Subscribe {
            metadata: vec![("goodstanding_member".to_owned(), MEMBER.to_owned())],
            ..Subscribe::default()
        };
        let subscription = sim.subscribe(&customer, &[(PLAN, 1)], how);
        let mut told = Vec::new();
        for week in 0..=before {
            // Within two hours the invoice is no draft any more, and paid.
            sim.advance_to(begun + week * WEEK + 7_200);
            told.push(sim.take_events());
        }
        let find = |events: &[Value], kind: &str| {
            let event = events.iter().find(|event| event["type"] == kind);
            event
                .cloned()
                .with_context(|| format!("the simulated Stripe sent no {kind}"))
        };
        let begins = |week: usize| match week {
            0 => "customer.subscription.created",
            _ => "customer.subscription.updated",
        };
        let weeks: Vec<[Value; 2]> = told
            .iter()
            .enumerate()
            .map(|(week, events)| Ok([find(events, begins(week))?, find(events, "invoice.paid")?]))
            .collect::<anyhow::Result<_>>()?;
        let mut ids = vec![customer, subscription];
        for event in weeks.iter().flatten() {
            ids.push(text(event, &["id"]));
            ids.push(text(event, &["data", "object", "id"]));
            for list in ["items", "lines"] {
                if let Some(rows) = event["data"]["object"][list]["data"].as_array() {
                    ids.extend(rows.iter().map(|row| text(row, &["id"])));
                }
            }
        }
        ids.sort();
        ids.dedup();
        ids.retain(|id| !id.is_empty());
        let weeks = weeks
            .iter()
            .map(|two| two.clone().map(|event| event.to_string()));
        Ok(Self {
            weeks: weeks.collect(),
            ids,
        })
    }

    /// The same for another member: every id is that member's own.
    fn tell(&self, body: &str, place: usize) -> Vec<u8> {
        let mut body = body.replace(MEMBER, &(place + 1).to_string());
        for id in &self.ids {
            let head = id.len().saturating_sub(6);
            body = body.replace(id.as_str(), &format!("{}{place:06}", &id[..head]));
        }
        body.replace("member@example.org", &format!("member{place}@example.org"))
            .into_bytes()
    }

    /// One event of a member's last renewal.
    pub fn renewal(&self, renewal: Renewal, place: usize) -> Vec<u8> {
        let [moved_on, paid] = self.weeks.last().expect("a story has weeks");
        match renewal {
            Renewal::MovedOn => self.tell(moved_on, place),
            Renewal::Paid => self.tell(paid, place),
        }
    }

    /// What has been said before the last renewal, in order, of one member.
    fn before(&self) -> impl Iterator<Item = &String> {
        self.weeks[..self.weeks.len() - 1].iter().flatten()
    }

    /// All events of the renewal of many members: all move on, an hour later all have paid.
    pub fn renewals(&self, members: usize) -> Vec<Vec<u8>> {
        let waves = [Renewal::MovedOn, Renewal::Paid];
        waves
            .into_iter()
            .flat_map(|wave| (0..members).map(move |place| self.renewal(wave, place)))
            .collect()
    }
}

fn text(value: &Value, path: &[&str]) -> String {
    path.iter()
        .fold(value, |value, key| &value[*key])
        .as_str()
        .unwrap_or_default()
        .to_owned()
}

/// A club on disk, of which every measurement takes a fresh copy.
pub struct Club {
    directory: TempDir,
    /// What Stripe says next.
    pub story: Story,
    /// How many members.
    pub members: usize,
    /// The agent's keys.
    pub identity: Identity,
    /// What its pairing handed over.
    pub paired: Paired,
}

/// A copy of a club, gone when dropped.
pub struct Copy {
    directory: TempDir,
}

/// A fresh directory under `target/bench`.
pub fn directory() -> anyhow::Result<TempDir> {
    let parent = Path::new(env!("CARGO_MANIFEST_DIR")).join("../target/bench");
    std::fs::create_dir_all(&parent)
        .with_context(|| format!("cannot make {}", parent.display()))?;
    Ok(tempfile::Builder::new().prefix("run").tempdir_in(parent)?)
}

impl Club {
    /// Makes a club with so many members through the server's own steps; each has paid for so many weeks, of which the
    /// last is yet to be told.
    pub async fn make(members: usize, weeks: usize) -> anyhow::Result<Self> {
        let directory = directory()?;
        let now = timing::now();
        let story = Story::play(now, weeks)?;
        let app = open(directory.path(), now).await?;
        furnish(&app, now).await?;
        enter_members(&app, members, now).await?;
        begin_subscriptions(&app, &story, members, now).await?;
        hand_out_cards(&app, members, now).await?;
        let identity = Identity::generate(&mut randomness());
        let paired = pair(&app, &identity, now).await?;
        app.store.close().await;
        Ok(Self {
            directory,
            story,
            members,
            identity,
            paired,
        })
    }

    /// A copy to measure on.
    pub fn copy(&self) -> anyhow::Result<Copy> {
        let directory = directory()?;
        copy_all(self.directory.path(), directory.path())?;
        Ok(Copy { directory })
    }
}

impl Copy {
    /// Where it lies.
    pub fn path(&self) -> &Path {
        self.directory.path()
    }

    /// A server on it, with the embedded broker, webhooks only.
    pub fn settings(&self) -> Settings {
        settings(self.path(), billing())
    }

    /// The server's steps on it, without sockets.
    pub async fn app(&self) -> anyhow::Result<App> {
        open(self.path(), timing::now()).await
    }
}

/// A server on what lies in a directory, with the embedded broker.
pub fn settings(directory: &Path, billing: Billing) -> Settings {
    Settings {
        database: database(directory),
        data_dir: directory.to_owned(),
        listen: loopback(),
        organisation: organisation(),
        billing,
        broker: BrokerSettings::Embedded {
            loopback: loopback(),
            tls: None,
            public: None,
            watcher: None,
        },
        home_assistant: None,
        mail: server::mail::post::Settings::default(),
        provider: None,
        hsts_days: None,
        audit_copy: None,
        public_url: None,
        admin_token: [0; 32],
        connected: Vec::new(),
        clock: Arc::new(timing::now),
    }
}

fn copy_all(from: &Path, to: &Path) -> anyhow::Result<()> {
    for entry in std::fs::read_dir(from)? {
        let entry = entry?;
        let target: PathBuf = to.join(entry.file_name());
        if entry.file_type()?.is_dir() {
            std::fs::create_dir(&target)?;
            std::fs::set_permissions(&target, entry.metadata()?.permissions())?;
            copy_all(&entry.path(), &target)?;
        } else {
            std::fs::copy(entry.path(), &target)?;
            // Else the copying is paid by the first checkpoint of the measured server.
            std::fs::File::open(&target)?.sync_all()?;
        }
    }
    Ok(())
}

/// The address of the database in a directory.
pub fn database(directory: &Path) -> String {
    format!("sqlite:{}", directory.join("goodstanding.db").display())
}

fn billing() -> Billing {
    let secret = SigningSecret::new(SECRET).expect("a secret");
    Billing {
        mode: Mode::Test,
        connected: None,
        secrets: vec![secret],
        stripe: None,
        pull: false,
    }
}

/// A server's steps on a directory, webhooks only.
pub async fn open(directory: &Path, now: Timestamp) -> anyhow::Result<App> {
    let mut random = random::system();
    let keys = Keys::load_or_create(&directory.join("keys"), &organisation(), &mut random)?;
    let store = Store::open(&database(directory)).await?;
    Ok(App::new(store, keys, organisation(), billing(), random, now).await?)
}

/// Type 5, and the hall that it opens.
pub async fn furnish(app: &App, now: Timestamp) -> anyhow::Result<()> {
    let mut work = app.work(now).await?;
    let membership = MembershipTypeId::new("5").expect("a name");
    let main = LocationId::new(setup::FIRST_LOCATION).expect("a name");
    let epoch = Epoch {
        number: 1,
        id: *b"benching",
    };
    setup::membership_type(&mut work.tx, &organisation(), &membership, "Wood", 1, None).await?;
    setup::zone(
        &mut work.tx,
        &organisation(),
        &zone(),
        "Hall",
        &main,
        epoch,
        now,
    )
    .await?;
    setup::zone_access(&mut work.tx, &organisation(), &zone(), &membership, None).await?;
    app.finish(work).await?;
    Ok(())
}

async fn enter_members(app: &App, members: usize, now: Timestamp) -> anyhow::Result<()> {
    let mut work = app.work(now).await?;
    let mut random = Handed::new(|bytes| app.with_random(|random| random.fill_bytes(bytes)));
    for place in 0..members {
        let holder = new_holder(&mut random);
        let (name, mail) = (
            format!("Member {place}"),
            format!("member{place}@example.org"),
        );
        let new = NewMember {
            holder,
            name: &name,
            mail: Some(&mail),
            keyholder: false,
        };
        members::create(&mut work.tx, &organisation(), &new, now).await?;
    }
    app.finish(work).await?;
    Ok(())
}

async fn begin_subscriptions(
    app: &App,
    story: &Story,
    members: usize,
    now: Timestamp,
) -> anyhow::Result<()> {
    for body in story.before() {
        let mut arrivals = Vec::with_capacity(members);
        for place in 0..members {
            let told = story.tell(body, place);
            let arrival = receive::arrival(app, Head::read(&told)?, &told);
            arrivals.push(
                arrival.map_err(|receipt| anyhow::anyhow!("an event was not kept: {receipt:?}"))?,
            );
        }
        for some in arrivals.chunks(CHUNK) {
            // As it came: news that is late would wait for a yes.
            receive::keep(&app.store, some, some[0].created).await?;
        }
        while app.apply(now).await?.events > 0 {}
    }
    Ok(())
}

async fn hand_out_cards(app: &App, members: usize, now: Timestamp) -> anyhow::Result<()> {
    let mut work = app.work(now).await?;
    for place in 0..members {
        let member = MemberId(i64::try_from(place).expect("few members") + 1);
        membership::cards::add(app, &mut work, member, &card(place), "", "bench").await?;
    }
    let published = app.finish(work).await?;
    anyhow::ensure!(
        !published.is_empty(),
        "no member of the prepared club is in good standing"
    );
    Ok(())
}

async fn pair(app: &App, identity: &Identity, now: Timestamp) -> anyhow::Result<Paired> {
    let (key, sealing) = (identity.signer.public(), identity.opening.public());
    let mut work = app.work(now).await?;
    setup::agent(&mut work.tx, &organisation(), &agent(), "Pi").await?;
    let front = Door {
        id: door(),
        name: "Front".to_owned(),
        zone: zone(),
        agent: Some(agent()),
        enrols: false,
        again_within: None,
    };
    setup::door(&mut work.tx, &organisation(), &front).await?;
    let entered = pairing::Paired {
        agent: agent(),
        key,
        sealing,
    };
    pairing::enter(
        &mut work.tx,
        &organisation(),
        &entered,
        Sha256::digest(PASSWORD).into(),
        now,
    )
    .await?;
    let row = agents::find(&mut work.tx, &organisation(), &agent())
        .await?
        .context("the agent was just made")?;
    let mut random = Handed::new(|bytes| app.with_random(|random| random.fill_bytes(bytes)));
    // An agent holds nothing from before it was paired; the moment lies a little back so that no clock runs ahead.
    let (whose, issued_at) = (organisation(), now - Span::seconds(1));
    let config = publish::config(
        &mut work.tx,
        &app.keys,
        &whose,
        &row,
        issued_at,
        &mut random,
    )
    .await?;
    let config = config.context("the agent was just paired")?;
    app.finish(work).await?;
    let pairing = Pairing {
        organisation: organisation(),
        agent: agent(),
        broker: "mqtt://127.0.0.1".to_owned(),
        broker_pin: None,
        password: PASSWORD.to_owned(),
        recovery: app.keys.recovery(),
        config,
    };
    Ok(Paired {
        server: app.keys.signer().public(),
        agent: key,
        pairing,
    })
}
