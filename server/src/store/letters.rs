//! Letters: what goes out by mail, of each kind each cause once to each reader. They are put into the transaction that gives
//! reason to them, as data; address and text are looked up when they are sent.

use super::notices::NoticeKind;
use super::trip::Statement;
use super::{Tx, to_json};
use serde::{Deserialize, Serialize};
use shared::ids::{AccountId, CardId, DoorId, MemberId, OrganisationId};
use shared::time::{Span, Timestamp};
use std::fmt;

/// Whom a letter is for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Reader {
    /// A member.
    Member(MemberId),
    /// Whoever a customer of this account is, member or not.
    Payer(AccountId, String),
    /// Somebody with rights.
    Staff(i64),
}

impl fmt::Display for Reader {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Member(member) => write!(out, "member {member}"),
            Self::Payer(account, customer) => write!(out, "payer {account} {customer}"),
            Self::Staff(staff) => write!(out, "staff {staff}"),
        }
    }
}

impl Reader {
    /// Reads what was written; none: this version did not write it.
    #[must_use]
    pub fn read(text: &str) -> Option<Self> {
        let (what, rest) = text.split_once(' ')?;
        match what {
            "member" => Some(Self::Member(rest.parse().ok()?)),
            "payer" => {
                let (account, customer) = rest.split_once(' ')?;
                Some(Self::Payer(account.parse().ok()?, customer.to_owned()))
            }
            "staff" => Some(Self::Staff(rest.parse().ok()?)),
            _ => None,
        }
    }
}

/// What a letter is about: numbers, ids and moments, nothing of a person.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Content {
    /// Something that payers and members are told.
    Notice {
        /// What.
        notice: NoticeKind,
        /// The invoice, subscription, session or payment.
        subject: String,
    },
    /// A renewal failed, and the patience with it ends.
    GraceEnds {
        /// When.
        until: Timestamp,
    },
    /// A door refused a card because the membership is over.
    Lapsed {
        /// Since when.
        since: Timestamp,
        /// Where.
        door: DoorId,
    },
    /// A card was reported lost and opens nothing any more.
    CardLost {
        /// Which.
        card: CardId,
    },
    /// A link by which a member signs in.
    SignIn {
        /// Until when it works.
        until: Timestamp,
    },
    /// A member's data will be erased, unless the link is followed before.
    EraseAsked {
        /// When.
        at: Timestamp,
    },
    /// A link by which somebody with rights comes in for the first time, or anew.
    Invited {
        /// Until when it works.
        until: Timestamp,
    },
    /// An item of the attention list that cannot wait.
    Attention {
        /// Its kind's word.
        what: String,
        /// What it is about.
        subject: String,
    },
    /// What happened in a week.
    Digest(Digest),
}

/// A week in numbers.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Digest {
    /// Its first moment.
    pub from: Timestamp,
    /// The first moment after it.
    pub until: Timestamp,
    /// Members who came in for the first time.
    pub joined: i64,
    /// Members whose membership ended and was not taken up again.
    pub lapsed: i64,
    /// Members whose renewal failed and who still come in.
    pub grace: i64,
    /// Payments and payers who are nobody's.
    pub unmatched: i64,
}

/// A kind of letter; each has its own text.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Kind {
    /// [`Content::Notice`].
    Notice(NoticeKind),
    /// [`Content::GraceEnds`].
    GraceEnds,
    /// [`Content::Lapsed`].
    Lapsed,
    /// [`Content::CardLost`].
    CardLost,
    /// [`Content::SignIn`].
    SignIn,
    /// [`Content::EraseAsked`].
    EraseAsked,
    /// [`Content::Invited`].
    Invited,
    /// [`Content::Attention`].
    Attention,
    /// [`Content::Digest`].
    Digest,
}

impl Kind {
    const OWN: [Self; 8] = [
        Self::GraceEnds,
        Self::Lapsed,
        Self::CardLost,
        Self::SignIn,
        Self::EraseAsked,
        Self::Invited,
        Self::Attention,
        Self::Digest,
    ];

    /// Every kind.
    pub fn all() -> impl Iterator<Item = Self> {
        let notices = NoticeKind::ALL.into_iter().map(Self::Notice);
        notices.chain(Self::OWN)
    }

    /// The word in the database and in addresses.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Notice(notice) => notice.word(),
            Self::GraceEnds => "grace_ends",
            Self::Lapsed => "lapsed",
            Self::CardLost => "card_lost",
            Self::SignIn => "sign_in",
            Self::EraseAsked => "erase_asked",
            Self::Invited => "invited",
            Self::Attention => "attention",
            Self::Digest => "digest",
        }
    }

    /// The kind of a word; none: there is none of this word.
    #[must_use]
    pub fn read(word: &str) -> Option<Self> {
        Self::all().find(|kind| kind.word() == word)
    }
}

impl Content {
    /// Of which kind.
    #[must_use]
    pub fn kind(&self) -> Kind {
        match self {
            Self::Notice { notice, .. } => Kind::Notice(*notice),
            Self::GraceEnds { .. } => Kind::GraceEnds,
            Self::Lapsed { .. } => Kind::Lapsed,
            Self::CardLost { .. } => Kind::CardLost,
            Self::SignIn { .. } => Kind::SignIn,
            Self::EraseAsked { .. } => Kind::EraseAsked,
            Self::Invited { .. } => Kind::Invited,
            Self::Attention { .. } => Kind::Attention,
            Self::Digest(_) => Kind::Digest,
        }
    }

    /// How long the letter is kept back: doors hear of what it tells before the reader does.
    fn rest(&self) -> Span {
        match self {
            Self::SignIn { .. } | Self::Invited { .. } | Self::Digest(_) => Span(0),
            Self::Notice { .. }
            | Self::GraceEnds { .. }
            | Self::Lapsed { .. }
            | Self::CardLost { .. }
            | Self::EraseAsked { .. }
            | Self::Attention { .. } => REST,
        }
    }
}

/// A list change is published as soon as it is committed; a letter waits so long.
const REST: Span = Span::seconds(5);

/// A letter to be put.
#[derive(Debug)]
pub struct Letter<'a> {
    /// For whom.
    pub reader: Reader,
    /// What it is about.
    pub content: Content,
    /// Why: of a kind, each cause is mailed once to each reader.
    pub cause: &'a str,
    /// What its link carries, as [`crate::app::App::seal_link`] seals it, where that is secret.
    pub secret: Option<Vec<u8>>,
}

/// Puts a letter that goes out once the transaction is committed, unless its cause was mailed already.
pub fn put(tx: &mut Tx, organisation: &OrganisationId, letter: Letter<'_>, now: Timestamp) {
    let sql = "INSERT INTO letters (organisation, reader, kind, cause, content, secret, made_at, due_at) \
               VALUES ($1, $2, $3, $4, $5, $6, $7, $8) ON CONFLICT (organisation, reader, kind, cause) DO NOTHING";
    let write = Statement::new(sql)
        .bind(organisation.as_str())
        .bind(letter.reader.to_string())
        .bind(letter.content.kind().word())
        .bind(letter.cause)
        .bind(to_json(&letter.content))
        .bind(letter.secret)
        .bind(now.0)
        .bind((now + letter.content.rest()).0);
    tx.later(write);
}

/// Forgets every letter to a member.
pub fn forget(tx: &mut Tx, organisation: &OrganisationId, member: MemberId) {
    let sql = "DELETE FROM letters WHERE organisation = $1 AND reader = $2";
    let write = Statement::new(sql)
        .bind(organisation.as_str())
        .bind(Reader::Member(member).to_string());
    tx.later(write);
}

/// Calls staff to an item of the attention list, each once in a while: who was called to it lately is called again only
/// when that time is over, if the item is open still. With `money`, whoever looks after that is called, too.
pub fn call(
    tx: &mut Tx,
    organisation: &OrganisationId,
    (kind, subject, call): (crate::attention::Kind, &str, crate::attention::Call),
    now: Timestamp,
) {
    let sql = "INSERT INTO letters (organisation, reader, kind, cause, content, made_at, due_at) \
               SELECT s.organisation, 'staff ' || s.id, $2, $3, $4, $5, $6 FROM staff s \
               WHERE s.organisation = $1 AND s.removed_at IS NULL AND s.password IS NOT NULL AND s.mailed = 1 \
               AND (s.role IN ('owner', 'admin') OR (s.role = 'treasurer' AND $7 = 1)) \
               ON CONFLICT (organisation, reader, kind, cause) DO UPDATE SET made_at = excluded.made_at, tries = 0, \
               due_at = CASE WHEN letters.sent_at > excluded.due_at - $8 THEN letters.sent_at + $8 \
               ELSE excluded.due_at END WHERE letters.due_at IS NULL";
    let content = Content::Attention {
        what: kind.word().to_owned(),
        subject: subject.to_owned(),
    };
    let write = Statement::new(sql)
        .bind(organisation.as_str())
        .bind(content.kind().word())
        .bind(format!("{} {subject}", kind.word()))
        .bind(to_json(&content))
        .bind(now.0)
        .bind((now + call.after.max(content.rest())).0)
        .bind(i64::from(call.money))
        .bind(CALL_EVERY.0);
    tx.later(write);
}

/// Nobody is called to the same more often.
const CALL_EVERY: Span = Span::hours(1);

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::Store;
    use crate::store::post::take;
    use std::collections::BTreeSet;

    #[test]
    fn readers_and_kinds_are_read_as_they_are_written() {
        for reader in [
            Reader::Member(MemberId(5)),
            Reader::Payer(AccountId(1), "cus_1".to_owned()),
            Reader::Staff(2),
        ] {
            assert_eq!(Reader::read(&reader.to_string()), Some(reader));
        }
        for text in ["", "member", "member x", "payer 1", "door 1"] {
            assert_eq!(Reader::read(text), None, "{text}");
        }
        let words: BTreeSet<&str> = Kind::all().map(Kind::word).collect();
        assert_eq!(words.len(), Kind::all().count());
        for kind in Kind::all() {
            assert_eq!(Kind::read(kind.word()), Some(kind));
        }
    }

    #[tokio::test]
    async fn a_cause_is_mailed_once_and_not_before_the_doors_know() {
        let store = Store::open("sqlite::memory:").await.expect("opens");
        let club = OrganisationId::new("club").expect("a name");
        let now = Timestamp::from_seconds(1_767_607_200);
        let mut tx = store.begin().await.expect("begins");
        crate::setup::organisation(&mut tx, &club, now)
            .await
            .expect("made");
        let letter = |member, card| Letter {
            reader: Reader::Member(MemberId(member)),
            content: Content::CardLost { card: CardId(card) },
            cause: "card 1",
            secret: None,
        };
        put(&mut tx, &club, letter(1, 1), now);
        put(&mut tx, &club, letter(1, 2), now);
        put(&mut tx, &club, letter(2, 1), now);
        let lease = Span::minutes(5);
        let soon = now + REST;
        let early = take(&mut tx, &club, lease, soon - Span(1)).await;
        assert_eq!(early.expect("read"), None);
        for (member, tries) in [(1, 1), (2, 1)] {
            let due = take(&mut tx, &club, lease, soon).await.expect("read");
            let due = due.expect("it is due");
            assert_eq!(due.reader, Reader::Member(MemberId(member)));
            assert_eq!(due.content, Content::CardLost { card: CardId(1) });
            assert_eq!((due.made_at, due.tries), (now, tries));
        }
        let taken = take(&mut tx, &club, lease, soon).await;
        assert_eq!(taken.expect("read"), None, "both are being sent");
        let lost = take(&mut tx, &club, lease, soon + lease).await;
        let lost = lost
            .expect("read")
            .expect("whoever sent it is gone: once more");
        assert_eq!((lost.reader, lost.tries), (Reader::Member(MemberId(1)), 2));
        forget(&mut tx, &club, MemberId(2));
        let gone = take(&mut tx, &club, lease, soon + lease).await;
        assert_eq!(gone.expect("read"), None);
    }
}
