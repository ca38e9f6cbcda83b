//! What stands in a letter's places, as things are when it is sent; and whether there is still reason for it.

use super::text::{Values, carries_secret};
use crate::app::{App, LETTER, Step, Work};
use crate::money::in_words;
use crate::store::letters::{Content, Digest, Reader};
use crate::store::mirror::{self, Object};
use crate::store::notices::NoticeKind;
use crate::store::post::{self, Addressee, Due};
use crate::store::reading::AttentionRow;
use crate::store::{ledger, places};
use crate::words::{self, Words};
use jiff::tz::TimeZone;
use shared::facts::{Invoice, InvoiceStatus, Subscription, SubscriptionStatus};
use shared::ids::{AccountId, MemberId};
use shared::standing::State;
use shared::time::{Span, Timestamp};

/// Why a letter is not written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Unneeded {
    /// Its reader is gone, or has nothing to do with any membership.
    Nobody,
    /// Nobody knows the reader's mail address.
    NoAddress,
    /// What it tells is not so any more.
    Over,
}

impl Unneeded {
    /// The word in the database.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Nobody => "nobody",
            Self::NoAddress => "no_address",
            Self::Over => "over",
        }
    }
}

/// What a letter says is told no later than so long after it happened.
const NEWS: Span = Span::days(7);

/// Everything that a letter's text is made of.
pub struct Facts {
    /// Whom it reaches.
    pub to: Addressee,
    /// In which words.
    pub words: Words,
    /// What stands in the places; the link as an address below the organisation's own.
    pub values: Values,
}

impl App {
    /// What a letter is made of, or why it needs not be written at that moment.
    pub(super) async fn facts_of(
        &self,
        work: &mut Work,
        due: &Due,
        at: Timestamp,
    ) -> Step<Result<Facts, Unneeded>> {
        let Some(to) = self.addressee(work, &due.reader).await? else {
            return Ok(Err(Unneeded::Nobody));
        };
        if to.mail.is_none() {
            return Ok(Err(Unneeded::NoAddress));
        }
        let (club, _) = places::organisation(&mut work.tx, &self.organisation).await?;
        let language = match &to.language {
            Some(language) => language.clone(),
            None => post::language(&mut work.tx, &self.organisation).await?,
        };
        let zone = places::time_zone(&mut work.tx, &self.organisation).await?;
        let hand = Hand {
            words: Words::of(&language),
            zone: TimeZone::get(&zone).unwrap_or(TimeZone::UTC),
            now: at,
        };
        let own = if let Content::Notice { notice, subject } = &due.content {
            let about = (*notice, subject.as_str());
            self.of_notice(work, &hand, &due.reader, &to, about).await?
        } else {
            self.of_own(work, &hand, &to, &due.content).await?
        };
        let Some(mut values) = own.filter(|_| due.made_at + NEWS > at) else {
            return Ok(Err(Unneeded::Over));
        };
        if carries_secret(due.content.kind()) {
            let secret = due.secret.as_ref();
            let open = |sealed: &Vec<u8>| self.keys.open_secret(sealed, LETTER);
            let path = secret.and_then(open);
            let path = path.and_then(|path| String::from_utf8(path.to_vec()).ok());
            // Whoever may not follow it sees a letter without.
            values.insert("link", path.unwrap_or_default());
        }
        values.entry("link").or_insert_with(|| "/me".to_owned());
        values.insert("name", to.name.clone());
        values.insert("club", club);
        Ok(Ok(Facts {
            to,
            words: hand.words,
            values,
        }))
    }

    /// Whom a letter reaches; a payer only who pays for a membership.
    async fn addressee(&self, work: &mut Work, reader: &Reader) -> Step<Option<Addressee>> {
        let organisation = &self.organisation;
        match reader {
            Reader::Member(member) => post::member(&mut work.tx, organisation, *member).await,
            Reader::Staff(staff) => post::staff(&mut work.tx, organisation, *staff).await,
            Reader::Payer(account, customer) => {
                let payer = post::payer(&mut work.tx, organisation, (*account, customer)).await?;
                let linked = payer.as_ref().is_some_and(|payer| payer.member.is_some());
                let pays = linked || self.buys_membership(work, *account, customer).await?;
                Ok(payer.filter(|_| pays))
            }
        }
    }

    /// Whether a customer has a subscription whose price names a membership type, begun or not: the shop of a club may
    /// sell other things, too.
    async fn buys_membership(
        &self,
        work: &mut Work,
        account: AccountId,
        customer: &str,
    ) -> Step<bool> {
        let objects = mirror::of_customer(&mut work.tx, account, customer).await?;
        let tagged = |price: &String| work.rulebook.prices.contains_key(&(account, price.clone()));
        Ok(objects.iter().any(|kept| match &kept.object {
            Object::Subscription(found) => found.items.iter().any(|item| tagged(&item.price)),
            Object::Invoice(_) => false,
        }))
    }

    /// Of what payers are told: Stripe's objects say whether it is still so.
    async fn of_notice(
        &self,
        work: &mut Work,
        hand: &Hand,
        reader: &Reader,
        to: &Addressee,
        (notice, subject): (NoticeKind, &str),
    ) -> Step<Option<Values>> {
        let account = match reader {
            Reader::Payer(account, _) => *account,
            Reader::Member(_) | Reader::Staff(_) => self.account,
        };
        let (id, rest) = subject.split_once(' ').unwrap_or((subject, ""));
        Ok(match notice {
            NoticeKind::PaymentPending | NoticeKind::FirstPaymentFailed => {
                (!is_in(to)).then(Values::new)
            }
            NoticeKind::PaymentFailed | NoticeKind::ActionRequired => {
                let invoice = invoice(work, account, id).await?;
                let open = invoice.filter(|invoice| invoice.status == InvoiceStatus::Open);
                open.map(|invoice| hand.of_invoice(&invoice, to))
            }
            NoticeKind::TrialEnds => {
                let known = subscription(work, account, id).await?;
                let tried = known.is_some_and(|known| known.status == SubscriptionStatus::Trialing);
                let end = written_moment(rest).filter(|_| tried);
                hand.before(end, "format-day")
            }
            NoticeKind::EndsOn => {
                let known = subscription(work, account, id).await?;
                let set = known
                    .filter(|known| !known.status.is_terminal())
                    .and_then(|known| known.set_end());
                let end = written_moment(rest).filter(|end| Some(*end) == set);
                hand.before(end, "format-day")
            }
            NoticeKind::UpgradeWaiting => {
                let expires = rest.parse().ok().map(Timestamp::from_seconds);
                hand.before(expires, "format-moment")
            }
            NoticeKind::UpgradeLapsed => {
                let news = written_moment(rest).is_some_and(|at| at + NEWS > hand.now);
                news.then(Values::new)
            }
            NoticeKind::PaymentEnds => {
                let payment = match rest.parse() {
                    Ok(id) => ledger::payment(&mut work.tx, &self.organisation, id).await?,
                    Err(_) => None,
                };
                let valid = payment.filter(|payment| payment.voided_at.is_none());
                let until = valid.and_then(|payment| payment.period_until);
                hand.before(until.map(Timestamp), "format-day")
            }
        })
    }

    async fn of_own(
        &self,
        work: &mut Work,
        hand: &Hand,
        to: &Addressee,
        content: &Content,
    ) -> Step<Option<Values>> {
        let state = to.standing.as_ref().map(|standing| &standing.state);
        Ok(match content {
            Content::GraceEnds { until } => {
                let so = matches!(state, Some(State::Grace { until: end }) if end == until);
                hand.before(Some(*until).filter(|_| so), "format-moment")
            }
            Content::Lapsed { since, door } => {
                let so = matches!(state, Some(State::Lapsed { .. }));
                so.then(|| {
                    let date = hand.said(*since, "format-day");
                    Values::from([("date", date), ("door", door.to_string())])
                })
            }
            Content::CardLost { card } => {
                let name = post::card_name(&mut work.tx, *card).await?;
                name.map(|name| Values::from([("card", name)]))
            }
            Content::SignIn { until } | Content::Invited { until } => {
                hand.before(Some(*until), "format-moment")
            }
            Content::EraseAsked { at } => hand.before(Some(*at), "format-moment"),
            Content::Attention { what, subject } => {
                let about = (what.as_str(), subject.as_str());
                let item = post::open_item(&mut work.tx, &self.organisation, about).await?;
                item.map(|item| hand.of_item(item))
            }
            Content::Digest(digest) => Some(hand.of_digest(digest)),
            // Told with what Stripe says.
            Content::Notice { .. } => None,
        })
    }
}

/// Whether doors open for whom is written to.
fn is_in(to: &Addressee) -> bool {
    let standing = to.standing.as_ref();
    standing.is_some_and(|standing| standing.state.is_in())
}

/// A moment as [`Timestamp`] writes it.
fn written_moment(text: &str) -> Option<Timestamp> {
    let at: jiff::Timestamp = text.parse().ok()?;
    Some(Timestamp(at.as_millisecond()))
}

async fn invoice(work: &mut Work, account: AccountId, id: &str) -> Step<Option<Invoice>> {
    let kept = mirror::find(&mut work.tx, account, id).await?;
    Ok(kept.and_then(|kept| match kept.object {
        Object::Invoice(invoice) => Some(invoice),
        Object::Subscription(_) => None,
    }))
}

async fn subscription(work: &mut Work, account: AccountId, id: &str) -> Step<Option<Subscription>> {
    let kept = mirror::find(&mut work.tx, account, id).await?;
    Ok(kept.and_then(|kept| match kept.object {
        Object::Subscription(subscription) => Some(subscription),
        Object::Invoice(_) => None,
    }))
}

/// How moments and standing are written to somebody.
struct Hand {
    words: Words,
    zone: TimeZone,
    now: Timestamp,
}

impl Hand {
    fn said(&self, moment: Timestamp, format: &str) -> String {
        words::shown(&self.zone, moment, &self.words.say(format))
    }

    /// A date that has yet to come; afterwards there is nothing to tell.
    fn before(&self, date: Option<Timestamp>, format: &str) -> Option<Values> {
        let date = date.filter(|date| *date > self.now)?;
        Some(Values::from([("date", self.said(date, format))]))
    }

    fn of_invoice(&self, invoice: &Invoice, to: &Addressee) -> Values {
        let state = to.standing.as_ref().map(|standing| &standing.state);
        let standing = match state {
            Some(State::Grace { until }) => {
                let until = self.said(*until, "format-moment");
                self.words.with("letter-standing-grace", "date", &until)
            }
            Some(State::Good { .. }) => self.words.say("letter-standing-in"),
            Some(
                State::Held { .. } | State::Pending { .. } | State::Lapsed { .. } | State::Stranger,
            )
            | None => self.words.say("letter-standing-out"),
        };
        Values::from([
            ("amount", in_words(invoice.total, &invoice.currency)),
            ("standing", standing),
        ])
    }

    fn of_item(&self, item: AttentionRow) -> Values {
        let at = |at| self.said(at, "format-moment");
        let [sentence, remedy] = item.said();
        let link = match item.member.map(MemberId) {
            Some(member) => format!("/admin/members/{member}"),
            None => format!("/admin/attention#item-{}", item.id),
        };
        Values::from([
            ("what", sentence.begun(self.words, &at)),
            ("remedy", remedy.begun(self.words, &at)),
            ("link", link),
        ])
    }

    fn of_digest(&self, digest: &Digest) -> Values {
        let numbers = [
            ("joined", digest.joined),
            ("lapsed", digest.lapsed),
            ("grace", digest.grace),
            ("unmatched", digest.unmatched),
        ];
        let numbers = numbers.map(|(place, number)| (place, number.to_string()));
        let dates = [("from", digest.from), ("until", digest.until)];
        let dates = dates.map(|(place, at)| (place, self.said(at, "format-day")));
        let link = [("link", "/admin".to_owned())];
        dates.into_iter().chain(numbers).chain(link).collect()
    }
}
