//! The load: signed deliveries over connections that stay open, from a thread that does nothing else.

use super::prepare::SECRET;
use super::timing;
use crate::stripe_sim::deliver::sign;
use anyhow::Context as _;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

/// Whole requests, each signed now.
pub fn signed(bodies: &[Vec<u8>]) -> Vec<Vec<u8>> {
    let now = timing::now().as_seconds();
    bodies
        .iter()
        .map(|body| request(body, &sign(SECRET, now, body)))
        .collect()
}

fn request(body: &[u8], signature: &str) -> Vec<u8> {
    let head = format!(
        "POST /webhooks/stripe HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: application/json; charset=utf-8\r\n\
         Stripe-Signature: {signature}\r\nContent-Length: {}\r\n\r\n",
        body.len()
    );
    [head.as_bytes(), body].concat()
}

/// One open connection.
pub struct Sender {
    stream: TcpStream,
    answer: Vec<u8>,
}

impl Sender {
    /// Connects.
    pub async fn connect(address: SocketAddr) -> anyhow::Result<Self> {
        let stream = TcpStream::connect(address).await?;
        stream.set_nodelay(true)?;
        Ok(Self {
            stream,
            answer: Vec::with_capacity(1024),
        })
    }

    /// Sends a request and waits for the answer, which has to be 200.
    pub async fn send(&mut self, request: &[u8]) -> anyhow::Result<()> {
        self.stream.write_all(request).await?;
        self.answer.clear();
        loop {
            let read = self.stream.read_buf(&mut self.answer).await?;
            anyhow::ensure!(read > 0, "the server closed the connection");
            if let Some(whole) = length(&self.answer)
                && self.answer.len() >= whole
            {
                break;
            }
        }
        let status = self.answer.get(9..12).context("no status in the answer")?;
        anyhow::ensure!(
            status == b"200",
            "the answer was {}",
            String::from_utf8_lossy(&self.answer)
        );
        Ok(())
    }
}

impl Sender {
    /// The last answer, head and body.
    pub fn said(&self) -> String {
        String::from_utf8_lossy(&self.answer).into_owned()
    }
}

/// Sends requests one after the other over one connection; the milliseconds of each.
pub fn one_by_one(address: SocketAddr, requests: Vec<Vec<u8>>) -> anyhow::Result<Vec<f64>> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()?;
    runtime.block_on(async {
        let mut sender = Sender::connect(address).await?;
        let mut taken = Vec::with_capacity(requests.len());
        for request in requests {
            let start = timing::instant();
            sender.send(&request).await?;
            taken.push(timing::seconds_since(start) * 1000.0);
        }
        Ok(taken)
    })
}

/// Sends so many requests a second over so many connections, whatever became of those before; the milliseconds of each
/// from when it was its turn.
pub fn steadily(
    address: SocketAddr,
    connections: usize,
    per_second: u32,
    requests: Vec<Vec<u8>>,
) -> anyhow::Result<Vec<f64>> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()?;
    runtime.block_on(async {
        let (free, mut idle) = tokio::sync::mpsc::unbounded_channel();
        for _ in 0..connections {
            free.send(Sender::connect(address).await?)?;
        }
        let mut timer = tokio::time::interval(Duration::from_secs(1) / per_second);
        let mut tasks = tokio::task::JoinSet::new();
        for request in requests {
            timer.tick().await;
            let start = timing::instant();
            let idle = idle.recv().await;
            let mut sender = idle.context("a connection is always given back")?;
            let free = free.clone();
            tasks.spawn(async move {
                sender.send(&request).await?;
                // At the end nobody waits for it.
                drop(free.send(sender));
                anyhow::Ok(timing::seconds_since(start) * 1000.0)
            });
        }
        let mut taken = Vec::new();
        while let Some(ended) = tasks.join_next().await {
            taken.push(ended??);
        }
        Ok(taken)
    })
}

/// How long the answer will be when it is whole, once its head is.
fn length(answer: &[u8]) -> Option<usize> {
    let head = answer.windows(4).position(|bytes| bytes == b"\r\n\r\n")? + 4;
    let text = std::str::from_utf8(&answer[..head]).ok()?;
    let body = text.lines().find_map(|line| {
        let (name, value) = line.split_once(':')?;
        name.eq_ignore_ascii_case("content-length")
            .then(|| value.trim().parse::<usize>().ok())?
    });
    Some(head + body.unwrap_or(0))
}

/// Sends all requests over so many connections, each waiting for its answer before it sends the next; returns when the
/// first was sent, and the seconds until the last answer.
pub fn send_all(
    address: SocketAddr,
    connections: usize,
    requests: Vec<Vec<u8>>,
) -> anyhow::Result<(Instant, f64)> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()?;
    let requests = Arc::new(requests);
    let next = Arc::new(AtomicUsize::new(0));
    runtime.block_on(async {
        let mut senders = Vec::with_capacity(connections);
        for _ in 0..connections {
            senders.push(Sender::connect(address).await?);
        }
        let mut tasks = tokio::task::JoinSet::new();
        let start = timing::instant();
        for mut sender in senders {
            let (requests, next) = (requests.clone(), next.clone());
            tasks.spawn(async move {
                while let Some(request) = requests.get(next.fetch_add(1, Ordering::Relaxed)) {
                    sender.send(request).await?;
                }
                anyhow::Ok(())
            });
        }
        while let Some(ended) = tasks.join_next().await {
            ended??;
        }
        Ok((start, timing::seconds_since(start)))
    })
}
