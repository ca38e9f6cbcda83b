//! Letters go out: which is due, what it says, what came of it. Steps; sending itself is [`post`]'s.

mod facts;
pub mod post;
mod remind;
pub mod text;

use crate::app::{App, Step, Work};
use crate::attention;
use crate::said::{Part, Said};
use crate::store::Tx;
use crate::store::attention::{Item, raise, settle};
use crate::store::letters::Reader;
use crate::store::post::{self as store, Due};
use facts::Facts;
pub use remind::REMIND_EVERY;
use shared::time::{Span, Timestamp};
use text::Text;

/// Whoever takes a letter has so long to send it; if the server ends meanwhile, it is sent again after.
const LEASE: Span = Span::minutes(5);
/// The first pause between two tries; it doubles.
const PAUSE: Span = Span::seconds(30);
/// The longest pause between two tries.
const LONGEST_PAUSE: Span = Span::hours(2);
/// So long a letter is tried (RFC 5321, 4.5.4.1: at least 4 to 5 days).
const GIVE_UP: Span = Span::days(5);
/// After so many tries without an answer staff are told.
const PATIENCE: i64 = 3;

/// A letter that is to be sent now.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Ready {
    /// Our number.
    pub id: i64,
    /// When there was reason for it: with the number, the same at every try.
    pub made_at: Timestamp,
    /// Whom it reaches.
    pub name: String,
    /// Where.
    pub mail: String,
    /// Who writes: the organisation's name.
    pub club: String,
    /// What it says.
    pub text: Text,
    due: Due,
}

/// What came of a try.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Outcome {
    /// The mail server has taken it.
    Sent,
    /// The mail server will never take this letter; the code, if it said one (5xx).
    Refused(Option<u16>),
    /// The mail server wants to be asked later (4xx).
    Later(u16),
    /// The mail server takes no letters from us (5xx).
    Unwelcome(u16),
    /// There was no answer.
    Unreachable,
}

impl Outcome {
    /// Whether other letters would fare the same now.
    #[must_use]
    pub fn concerns_all(self) -> bool {
        match self {
            Self::Unwelcome(_) | Self::Unreachable => true,
            Self::Sent | Self::Refused(_) | Self::Later(_) => false,
        }
    }

    /// The words in the database.
    fn words(self) -> String {
        match self {
            Self::Sent => "sent".to_owned(),
            Self::Refused(Some(code)) => format!("refused {code}"),
            Self::Refused(None) => "refused".to_owned(),
            Self::Later(code) => format!("later {code}"),
            Self::Unwelcome(code) => format!("unwelcome {code}"),
            Self::Unreachable => "unreachable".to_owned(),
        }
    }
}

/// When a letter is tried again after so many tries.
fn pause_after(tries: i64) -> Span {
    let doublings = tries.clamp(1, 16) - 1;
    Span(PAUSE.0 << doublings).min(LONGEST_PAUSE)
}

impl App {
    /// The next letter that is due; what needs not be told any more is left out.
    pub async fn next_letter(&self, now: Timestamp) -> Step<Option<Ready>> {
        let organisation = &self.organisation;
        let mut tx = self.store.begin_read().await?;
        if !store::is_due(&mut tx, organisation, now).await? {
            return Ok(None);
        }
        drop(tx);
        loop {
            let mut work = self.work(now).await?;
            let Some(due) = store::take(&mut work.tx, organisation, LEASE, now).await? else {
                work.tx.commit().await?;
                return Ok(None);
            };
            match self.facts_of(&mut work, &due, now).await? {
                Ok(facts) => {
                    let ready = self.written(&mut work, due, facts).await?;
                    work.tx.commit().await?;
                    return Ok(Some(ready));
                }
                Err(why) => {
                    store::end(&mut work.tx, due.id, why.word(), None);
                    work.tx.commit().await?;
                }
            }
        }
    }

    /// A letter's text: the organisation's own, if it has one.
    async fn written(&self, work: &mut Work, due: Due, facts: Facts) -> Step<Ready> {
        let Facts {
            to,
            words,
            mut values,
        } = facts;
        let kind = due.content.kind();
        let which = (kind.word(), words.language);
        let own = store::text(&mut work.tx, &self.organisation, which).await?;
        let text = match own {
            Some((subject, body)) => Text { subject, body },
            None => text::own(&words, kind),
        };
        if let Some(link) = values.get_mut("link") {
            link.insert_str(0, &self.address);
        }
        Ok(Ready {
            id: due.id,
            made_at: due.made_at,
            name: to.name,
            mail: to.mail.unwrap_or_default(),
            club: values.get("club").cloned().unwrap_or_default(),
            text: text.fill(&values),
            due,
        })
    }

    /// Notes what came of sending a letter.
    pub async fn letter_done(&self, ready: &Ready, outcome: Outcome, now: Timestamp) -> Step<()> {
        let mut tx = self.store.begin().await?;
        let due = &ready.due;
        let words = outcome.words();
        match fate(outcome, due, now) {
            Fate::Gone => {
                store::end(&mut tx, due.id, &words, Some(now));
                let kind = attention::Kind::MailStuck;
                settle(&mut tx, &self.organisation, kind, SERVER, now).await?;
            }
            Fate::Again(then) => store::put_off(&mut tx, due.id, &words, then),
            Fate::GivenUp => {
                store::end(&mut tx, due.id, &words, None);
                self.tell_given_up(&mut tx, &due.reader, &words, now)
                    .await?;
            }
        }
        if let Some(sentence) = stuck(outcome, due.tries) {
            let item = Item {
                kind: attention::Kind::MailStuck,
                subject: SERVER,
                sentence,
                remedy: Said::of("remedy-mail-stuck"),
                member: None,
            };
            raise(&mut tx, &self.organisation, item, now).await?;
        }
        tx.commit().await
    }

    async fn tell_given_up(
        &self,
        tx: &mut Tx,
        reader: &Reader,
        words: &str,
        now: Timestamp,
    ) -> Step<()> {
        let (whom, member) = match reader {
            Reader::Member(member) => (
                Said::of("reader-member").put("number", Part::word(member)),
                Some(*member),
            ),
            Reader::Payer(_, customer) => (
                Said::of("reader-customer").put("id", customer.as_str()),
                None,
            ),
            Reader::Staff(staff) => (
                Said::of("reader-staff").put("number", Part::word(staff)),
                None,
            ),
        };
        let item = Item {
            kind: attention::Kind::MailRefused,
            subject: &reader.to_string(),
            sentence: Said::of("attention-mail-refused")
                .put("whom", whom)
                .put("what", words),
            remedy: Said::of("remedy-mail-refused"),
            member,
        };
        raise(tx, &self.organisation, item, now).await?;
        Ok(())
    }

    /// A letter as it read when there was reason for it, as far as that can still be told; its secret is left out, for
    /// nobody may act as its reader.
    pub async fn shown_letter(&self, id: i64, now: Timestamp) -> Step<Option<Shown>> {
        let mut work = self.work(now).await?;
        let Some(mut due) = store::find(&mut work.tx, &self.organisation, id).await? else {
            return Ok(None);
        };
        due.secret = None;
        let made_at = due.made_at;
        Ok(Some(
            match self.facts_of(&mut work, &due, made_at).await? {
                Ok(facts) => Shown::Text(self.written(&mut work, due, facts).await?.text),
                Err(_) => Shown::Unneeded,
            },
        ))
    }
}

/// What becomes of a letter after a try.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Fate {
    Gone,
    Again(Timestamp),
    GivenUp,
}

fn fate(outcome: Outcome, due: &Due, now: Timestamp) -> Fate {
    match outcome {
        Outcome::Sent => Fate::Gone,
        Outcome::Refused(_) => Fate::GivenUp,
        Outcome::Later(_) | Outcome::Unwelcome(_) | Outcome::Unreachable => {
            let then = now + pause_after(due.tries);
            if then < due.made_at + GIVE_UP {
                Fate::Again(then)
            } else {
                Fate::GivenUp
            }
        }
    }
}

/// What staff are told of the mail server.
fn stuck(outcome: Outcome, tries: i64) -> Option<Said> {
    match outcome {
        Outcome::Unwelcome(code) => {
            Some(Said::of("attention-mail-stuck-unwelcome").put("code", Part::word(code)))
        }
        Outcome::Unreachable if tries >= PATIENCE => Some(Said::of("attention-mail-stuck")),
        Outcome::Unreachable | Outcome::Sent | Outcome::Refused(_) | Outcome::Later(_) => None,
    }
}

/// A letter as staff see it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Shown {
    /// It said this, or will.
    Text(Text),
    /// There is no reason for it any more.
    Unneeded,
}

const SERVER: &str = "server";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pauses_double_and_end() {
        assert_eq!(pause_after(0), PAUSE);
        assert_eq!(pause_after(1), PAUSE);
        assert_eq!(pause_after(2), Span::minutes(1));
        assert_eq!(pause_after(4), Span::minutes(4));
        assert_eq!(pause_after(9), LONGEST_PAUSE);
        assert_eq!(pause_after(i64::MAX), LONGEST_PAUSE);
    }
}
