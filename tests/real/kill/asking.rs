//! What is asked of the server, and waiting for the moment at which it is killed over it.

use super::blow::Blow;
use super::day::Errand;
use super::life::Life;
use crate::http::{Ask, RUNTIME};
use crate::server::SECRET;
use crate::wait;
use shared::time::{Span, Timestamp};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;
use tests::stripe_sim::deliver;
use tokio::sync::Semaphore;
use tokio::task::JoinHandle;

/// Stripe tries again after so long, and each time after twice as long, up to an hour.
pub const AGAIN: Span = Span::minutes(5);
const LONGEST: Span = Span::hours(1);
/// Whoever hears nothing for so long never will.
const HANG: Duration = Duration::from_secs(60);
/// If a server that has answered everything asks Stripe nothing for so long, it has no more questions.
const NO_QUESTION: Duration = Duration::from_millis(25);

/// An event on its way.
pub struct Letter {
    pub event: String,
    pub body: Vec<u8>,
    pub due: Timestamp,
    pub tries: i64,
}

/// What is asked of the server.
pub enum Task {
    /// To keep an event.
    Letter(Letter),
    /// To do an errand.
    Errand(Errand),
}

/// What comes while the server works.
pub enum Progress {
    Answer,
    Question,
}

/// What came since requests were begun.
#[derive(Default)]
struct Seen {
    answers: usize,
    questions: u64,
}

impl Life<'_> {
    fn request(&self, task: &Task) -> Ask {
        match task {
            Task::Letter(letter) => {
                let now = self.clock.now().as_seconds();
                let header = deliver::sign(SECRET, now, &letter.body);
                self.server.delivery(Some(&header), &letter.body)
            }
            Task::Errand(errand) => {
                let path = format!("/api/v1{}", errand.path);
                let body = Some(&errand.body);
                self.server.request(errand.method.clone(), &path, body)
            }
        }
    }

    /// Begins to ask, so many at a time; none are begun once it is to stop.
    pub fn ask(
        &self,
        tasks: Vec<Task>,
        crowd: usize,
        stop: &Arc<AtomicBool>,
    ) -> Vec<JoinHandle<(Task, Option<u16>)>> {
        while self.progress.try_recv().is_ok() {}
        let places = Arc::new(Semaphore::new(crowd));
        let begin = |task: Task| {
            let (request, places) = (self.request(&task), places.clone());
            let (told, stop) = (self.told.clone(), stop.clone());
            RUNTIME.spawn(async move {
                let _place = places.acquire().await.expect("it is never closed");
                if stop.load(Ordering::Relaxed) {
                    return (task, None);
                }
                let answer = request.answer().await.ok();
                drop(told.send(Progress::Answer));
                (task, answer.map(|answer| answer.status))
            })
        };
        tasks.into_iter().map(begin).collect()
    }

    /// Waits for the moment of the blow, or until all is answered; how many are.
    pub fn watch(&self, blow: Option<Blow>, count: usize) -> usize {
        let mut seen = Seen::default();
        match blow {
            None => while seen.answers < count && self.hear(&mut seen, HANG) {},
            Some(Blow::Answered(wanted, after)) => {
                while seen.answers < wanted && self.hear(&mut seen, HANG) {}
                wait::spin(after);
            }
            Some(Blow::Asking(wanted)) => loop {
                let most = if seen.answers < count {
                    HANG
                } else {
                    NO_QUESTION
                };
                if seen.questions == wanted || !self.hear(&mut seen, most) {
                    break;
                }
            },
            Some(Blow::Linked(after)) => {
                while !self.doors["front"].shown().connected {
                    self.hear(&mut seen, Duration::from_millis(1));
                }
                wait::spin(after);
            }
            Some(Blow::Starting(_)) => {}
        }
        while self.hear(&mut seen, Duration::ZERO) {}
        seen.answers
    }

    /// Hears of one more answer or question; false if none came for so long.
    fn hear(&self, seen: &mut Seen, most: Duration) -> bool {
        match self.progress.recv_timeout(most) {
            Ok(Progress::Answer) => seen.answers += 1,
            Ok(Progress::Question) => seen.questions += 1,
            Err(_) => {
                assert!(most < HANG, "the server does not answer");
                return false;
            }
        }
        true
    }
}

impl Letter {
    /// The same, to come again as Stripe does.
    pub fn again(self, now: Timestamp) -> Self {
        let pause = (AGAIN.0 << self.tries.min(8)).min(LONGEST.0);
        Self {
            due: now + Span(pause),
            tries: self.tries + 1,
            ..self
        }
    }
}
