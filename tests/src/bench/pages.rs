//! What the pages for people cost: how long they take, how much they weigh, and how soon they tell of a badge.

use super::door::Door;
use super::prepare::{self, Club, Copy, card, organisation};
use super::{Effort, Figure, ROUNDS, in_turns, ingest, load, median, percentile, tell, timing};
use anyhow::Context as _;
use server::doors::tls::install_crypto;
use server::serve::{Running, serve};
use server::staff::digest;
use server::store::Store;
use server::store::trip::Statement;
use shared::ids::MemberId;
use shared::reasons::Reason;
use shared::time::{Span, Timestamp};
use std::net::SocketAddr;
use std::path::Path;
use std::time::Duration;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

const CONNECTIONS: usize = 32;
/// So many pages a second are asked for, evenly: more than a club's staff does.
const PER_SECOND: u32 = 50;
const MANY: i64 = 100_000;
const SECRET: &str = "the session of the bench";
/// A page is told of news no oftener than every quarter of a second; so long it has rested before a badge.
const REST: Duration = Duration::from_millis(400);

/// Somebody who is signed in, on a club's database.
pub async fn sign_in(directory: &Path, now: Timestamp) -> anyhow::Result<()> {
    let store = Store::open(&prepare::database(directory)).await?;
    let mut tx = store.begin().await?;
    let staff = "INSERT INTO staff (organisation, name, mail, mail_folded, role, password, created_at) \
                 VALUES ($1, 'Olga', 'olga@example.org', 'olga@example.org', 'owner', '-', $2)";
    tx.later(
        Statement::new(staff)
            .bind(organisation().as_str())
            .bind(now.0),
    );
    let session = "INSERT INTO sessions (organisation, staff, token, browser, created_at, seen_at) \
                   VALUES ($1, (SELECT MAX(id) FROM staff), $2, 'bench', $3, $3)";
    let session = Statement::new(session).bind(organisation().as_str());
    tx.later(session.bind(&digest(SECRET)[..]).bind(now.0));
    tx.commit().await?;
    store.close().await;
    Ok(())
}

/// A request of theirs, whole.
pub fn ask(method: &str, path: &str, more: &str, body: &str) -> Vec<u8> {
    let head = format!(
        "{method} {path} HTTP/1.1\r\nHost: 127.0.0.1\r\nCookie: goodstanding-{}={SECRET}\r\n\
         Sec-Fetch-Site: same-origin\r\n{more}Content-Length: {}\r\n\r\n",
        organisation(),
        body.len()
    );
    [head.as_bytes(), body.as_bytes()].concat()
}

fn get(path: &str) -> Vec<u8> {
    ask("GET", path, "", "")
}

/// A club of 5000 with two years behind it: a payment each month, a change of standing each week, two visits.
fn old_club() -> anyhow::Result<(Club, Copy)> {
    let club = ingest::club()?;
    let copy = club.copy()?;
    ingest::runtime()?.block_on(async {
        let now = timing::now();
        sign_in(copy.path(), now).await?;
        let store = Store::open(&prepare::database(copy.path())).await?;
        let mut tx = store.begin().await?;
        let (month, week) = (Span::days(30).0, Span::days(7).0);
        let granted = Reason::ALL.into_iter().find(|reason| reason.grants());
        let granted = granted.context("a reason that grants")?.name();
        tx.later(
            Statement::new(
                "WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 24) \
                 INSERT INTO payments (organisation, source, member, membership, amount, currency, reason, period_from, \
                 period_until, paid_at, note) SELECT organisation, 'cash', id, '5', 4000, 'eur', 'recorded by hand', \
                 $1 - (i + 1) * $2, $1 - i * $2, $1 - (i + 1) * $2, '' FROM members, n",
            )
            .bind(now.0)
            .bind(month),
        );
        tx.later(
            Statement::new(
                "WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 104) \
                 INSERT INTO audit (organisation, at, actor, action, member, cause, body) \
                 SELECT organisation, $1 - (105 - i) * $2, 'server', 'standing', id, 'the bench', standing FROM members, n",
            )
            .bind(now.0)
            .bind(week),
        );
        tx.later(
            Statement::new(
                "WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 208) \
                 INSERT INTO badges (organisation, agent, boot, sequence, sha256, at, trusted, door, kind, reason, holder, \
                 body, received_at) SELECT organisation, 'pi', x'00', id * 1000 + i, x'00', $1 - i * $2, 1, 'front', 'card', \
                 $3, holder, x'00', $1 - i * $2 FROM members, n",
            )
            .bind(now.0)
            .bind(week / 2)
            .bind(granted),
        );
        tx.commit().await?;
        store.close().await;
        anyhow::Ok(())
    })?;
    Ok((club, copy))
}

/// Runs something against a server on a copy.
fn served<T>(
    copy: &Copy,
    run: impl FnOnce(&Running, SocketAddr) -> anyhow::Result<T>,
) -> anyhow::Result<T> {
    install_crypto();
    let runtime = ingest::runtime()?;
    let running = runtime.block_on(serve(copy.settings()))?;
    let done = run(&running, running.http);
    runtime.block_on(running.stop());
    done
}

/// Milliseconds from asking for a member's page to its last byte, for 99 of 100: 5000 members with two years of history,
/// 50 pages a second over 32 connections. Floor: the page for signing in, of the same server, asked for the same.
pub fn member(effort: Effort) -> anyhow::Result<Figure> {
    let (club, copy) = old_club()?;
    let pages = if effort.quick { 250 } else { 1000 };
    served(&copy, |_, http| {
        let late = |requests: Vec<Vec<u8>>| -> anyhow::Result<f64> {
            let mut taken = load::steadily(http, CONNECTIONS, PER_SECOND, requests)?;
            Ok(percentile(&mut taken, 0.99))
        };
        let members = (0..pages).map(|number| number * 37 % club.members + 1);
        let members: Vec<Vec<u8>> = members
            .map(|member| get(&format!("/admin/members/{member}")))
            .collect();
        let empty = vec![get("/admin/sign-in"); pages];
        in_turns(
            "page_member_p99",
            || late(members.clone()),
            || late(empty.clone()),
        )
    })
}

/// Kilobytes of the heaviest page with its style and its script, as they are sent to a browser that reads gzip. It has no
/// floor.
pub fn weight() -> anyhow::Result<Figure> {
    let (_, copy) = old_club()?;
    let value = served(&copy, |_, http| {
        let client = ingest::runtime()?;
        client.block_on(async {
            let client = reqwest::Client::new();
            let fetch = async |path: &str| {
                let page = client
                    .get(format!("http://{http}{path}"))
                    .header(
                        "Cookie",
                        format!("goodstanding-{}={SECRET}", organisation()),
                    )
                    .header("Accept-Encoding", "gzip");
                let page = page.send().await?.error_for_status()?;
                let zipped = page.headers().get("content-encoding").is_some();
                anyhow::ensure!(zipped, "{path} is not compressed");
                anyhow::Ok(page.bytes().await?.len())
            };
            let mut heaviest = 0;
            for path in [
                "/admin",
                "/admin/members",
                "/admin/members/1",
                "/admin/members/1?years=2",
                "/admin/badges",
                "/admin/attention",
                "/admin/doors",
                "/admin/people",
                "/admin/import",
            ] {
                let weight = fetch(path).await?;
                tell(&format!("{path}: {weight} bytes"));
                heaviest = heaviest.max(weight);
            }
            let more = fetch("/static/style.css").await? + fetch("/static/live.js").await?;
            anyhow::Ok(heaviest + more)
        })
    })?;
    #[expect(clippy::cast_precision_loss, reason = "pages are small")]
    let value = value as f64 / 1000.0;
    Ok(Figure { value, floor: None })
}

/// Milliseconds from the last letter typed to the list of who fits, for 99 of 100: names typed letter by letter among
/// 100 000 members, each search once the one before is answered. It has no floor.
pub fn search(effort: Effort) -> anyhow::Result<Figure> {
    let club = ingest::runtime()?.block_on(Club::make(10, 2))?;
    let copy = club.copy()?;
    ingest::runtime()?.block_on(async {
        sign_in(copy.path(), timing::now()).await?;
        let store = Store::open(&prepare::database(copy.path())).await?;
        let mut tx = store.begin().await?;
        let values = |words: &str| {
            let words: Vec<String> = words.split(' ').map(|word| format!("('{word}')")).collect();
            words.join(", ")
        };
        let first = values("Ada Ben Cleo Dora Emil Fay Gil Hal Ida Jo Kim Leo Mia Noa Olga Paul Quin Rosa Sven Tara");
        let last = values("Abel Berg Cole Dorn Ernst Falk Gross Hopper Iven Jung Kern Lang Moor Neu Oster Pohl Roth Stein");
        let sql = format!(
            "WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < $1), \
             one (first) AS (VALUES {first}), two (last) AS (VALUES {last}) \
             INSERT INTO members (organisation, holder, name, mail, mail_folded, keyholder, created_at, standing, concerns) \
             SELECT $2, -ROW_NUMBER() OVER (), first || ' ' || last || ' ' || i, 'm' || i || first || last || '@example.org', NULL, 0, \
             0, (SELECT standing FROM members WHERE id = 1), (SELECT concerns FROM members WHERE id = 1) FROM n, one, two"
        );
        // 360 pairs of names.
        tx.later(Statement::new(sql).bind(MANY / 360 + 1).bind(organisation().as_str()));
        tx.commit().await?;
        store.close().await;
        anyhow::Ok(())
    })?;
    let more = "Content-Type: application/x-www-form-urlencoded\r\n";
    let typed = ["ada hopp", "ros", "zzz", "m99999", "stein 500", "cleo m"];
    let typed = typed.into_iter().flat_map(|text| {
        (1..=text.len()).map(move |length| {
            ask(
                "POST",
                "/admin/members/search",
                more,
                &format!("q={}", text[..length].replace(' ', "+")),
            )
        })
    });
    let typed: Vec<Vec<u8>> = typed.collect();
    let rounds = if effort.quick { 3 } else { 10 };
    let mut values = Vec::new();
    served(&copy, |_, http| {
        // SQLite's memory is warm once somebody has searched.
        load::one_by_one(http, typed.clone())?;
        for round in 1..=ROUNDS {
            let mut taken = load::one_by_one(http, [&typed[..]].repeat(rounds).concat())?;
            values.push(percentile(&mut taken, 0.99));
            tell(&format!(
                "search_100k {round}/{ROUNDS}: {:.2} ms",
                values[round - 1]
            ));
        }
        anyhow::Ok(())
    })?;
    Ok(Figure {
        value: median(values),
        floor: None,
    })
}

/// Milliseconds from a card shown at a door to its row on an open page, for 19 of 20: an agent over TCP with its state on
/// disk, the embedded broker, and a browser that is told by the server and asks for the page again. It has no floor.
pub fn badge(effort: Effort) -> anyhow::Result<Figure> {
    let (club, copy) = old_club()?;
    let badges = if effort.quick { 20 } else { 100 };
    let value = served(&copy, |running, http| {
        let state = prepare::directory()?;
        let (url, path) = (running.broker.url.clone(), state.path().to_owned());
        let door = Door::start(&club, url, path, Vec::new())?;
        door.wait()?;
        let page = ingest::runtime()?;
        let taken = page.block_on(watch(http, &door, badges));
        door.stop();
        Ok(percentile(&mut taken?, 0.95))
    })?;
    Ok(Figure { value, floor: None })
}

async fn watch(http: SocketAddr, door: &Door, badges: usize) -> anyhow::Result<Vec<f64>> {
    let mut live = TcpStream::connect(http).await?;
    live.write_all(&get("/admin/live")).await?;
    let mut sender = load::Sender::connect(http).await?;
    let mut taken = Vec::with_capacity(badges);
    for place in 0..badges {
        timing::pause(REST);
        // What was told meanwhile is read already.
        let mut told = vec![0; 64 * 1024];
        while live.try_read(&mut told).is_ok_and(|read| read > 0) {}
        let row = format!("/admin/members/{}\"", MemberId(i64::try_from(place)? + 1));
        let start = timing::instant();
        door.tap(card(place))?;
        loop {
            let read = live.read(&mut told).await?;
            anyhow::ensure!(read > 0, "the server ended the stream");
            sender.send(&get("/admin/badges")).await?;
            if sender.said().contains(&row) {
                break;
            }
        }
        taken.push(timing::seconds_since(start) * 1000.0);
    }
    Ok(taken)
}
