//! The audit log as a chain: each line's hash is made of the hash before and of what the line says (as in RFC 9162, a
//! log that is only added to). Of a line's body, which may tell of a person, a salted digest is in the chain: without
//! body and salt the chain is still whole, and nothing can be guessed from the digest.
//!
//! Lines are written by [`super::attention::audit`] and chained soon after, so that nothing waits for the line before it.
//! Whoever can write to the database can make a chain anew, so its end is shown to doors, which remember it.

use super::attention::{Item, raise, raise_newest, settle};
use super::{Result, StoreError, Tx, on};
use crate::attention::Kind;
use crate::said::{Part, Said};
use crate::store::trip::Statement;
use minicbor::bytes::ByteSlice;
use rand_core::CryptoRng;
use sha2::{Digest as _, Sha256};
use shared::ids::{MemberId, OrganisationId};
use shared::time::Timestamp;

/// A hash in the chain.
pub type Hash = [u8; 32];

/// The end of the chain, or a place in it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Link {
    /// Its number, from 1 without a gap.
    pub place: i64,
    /// Its hash.
    pub hash: Hash,
}

impl Link {
    /// Before the first line.
    const START: Self = Self {
        place: 0,
        hash: [0; 32],
    };

    /// As doors keep it: 8 bytes of the place, and the hash.
    #[must_use]
    pub fn written(self) -> Vec<u8> {
        [&self.place.to_be_bytes()[..], &self.hash].concat()
    }

    /// What a door kept; none: nothing that was written so.
    #[must_use]
    pub fn read(bytes: &[u8]) -> Option<Self> {
        let (place, hash) = bytes.split_first_chunk()?;
        Some(Self {
            place: i64::from_be_bytes(*place),
            hash: hash.try_into().ok()?,
        })
    }
}

/// What a line says.
#[derive(Debug, Clone, PartialEq, Eq, sqlx::FromRow)]
pub struct Line {
    /// Its number.
    pub id: i64,
    /// When, in milliseconds since 1970.
    pub at: i64,
    /// Who: `server`, `admin` for the server's token, or `staff` and a number.
    pub actor: String,
    /// What was done.
    pub action: String,
    /// To whom.
    pub member: Option<i64>,
    /// Why.
    pub cause: String,
    /// What was before and after, as JSON; none: nothing, or erased.
    pub body: Option<String>,
    /// What the body's digest was made with.
    pub salt: Option<Vec<u8>>,
    /// SHA-256 of salt and body; with it and without a body: erased.
    pub digest: Option<Vec<u8>>,
    /// Where in the chain; none: not yet.
    pub place: Option<i64>,
    /// Its hash.
    pub hash: Option<Vec<u8>>,
}

/// The columns of a [`Line`].
macro_rules! lines_where {
    ($rest:literal) => {
        concat!(
            "SELECT id, at, actor, action, member, cause, body, salt, digest, place, hash FROM audit ",
            "WHERE organisation = $1 ",
            $rest
        )
    };
}

impl Line {
    /// The hash of the line behind this one.
    fn hash(&self, organisation: &OrganisationId, before: Link) -> Hash {
        let digest = self.digest.as_deref().map(<&ByteSlice>::from);
        let said = (
            (before.place + 1, self.id, organisation.as_str(), self.at),
            (&self.actor, &self.action, self.member, &self.cause),
            digest,
        );
        let said = minicbor::to_vec(said).expect("writing to memory cannot fail");
        let hash = Sha256::new_with_prefix(before.hash).chain_update(said);
        hash.finalize().into()
    }

    /// As one line of JSON for whoever keeps a copy: without the body, which may tell of a person. Place and hash are those of
    /// the chain, so that a copy tells what is missing or was changed.
    #[must_use]
    pub fn told(&self, organisation: &OrganisationId) -> String {
        let hash = self.hash.as_deref().unwrap_or_default();
        let hash: String = hash.iter().map(|byte| format!("{byte:02x}")).collect();
        serde_json::json!({
            "audit": organisation.as_str(), "place": self.place, "line": self.id, "at": self.at, "actor": self.actor,
            "action": self.action, "member": self.member, "cause": self.cause, "hash": hash,
        })
        .to_string()
    }

    /// What is wrong with it as the one behind another; none: nothing.
    fn flaw(&self, organisation: &OrganisationId, before: Link) -> Option<Flaw> {
        if self.place != Some(before.place + 1) {
            return Some(Flaw::Missing);
        }
        let body = match (&self.body, &self.salt, &self.digest) {
            (Some(body), Some(salt), Some(told)) => digest(salt, body).as_slice() == told,
            // Erased, or there never was one.
            (None, None, _) => true,
            (None, Some(_), _) | (Some(_), None, _) | (Some(_), Some(_), None) => false,
        };
        let hash = self.hash(organisation, before);
        (!body || self.hash.as_deref() != Some(&hash[..])).then_some(Flaw::Changed)
    }
}

fn digest(salt: &[u8], body: &str) -> Hash {
    let digest = Sha256::new_with_prefix(salt).chain_update(body);
    digest.finalize().into()
}

/// Chains at most so many lines that are not yet, in the order of their numbers; these, and the chain's end.
pub async fn chain(
    tx: &mut Tx,
    organisation: &OrganisationId,
    limit: i64,
    random: &mut impl CryptoRng,
) -> Result<(Vec<Line>, Option<Link>)> {
    let sql = lines_where!("AND place IS NULL ORDER BY id LIMIT $2");
    let ask = Statement::new(sql).bind(organisation.as_str());
    if tx.ask::<Line>(ask.bind(1)).await?.is_empty() {
        return Ok((Vec::new(), end(tx, organisation).await?));
    }
    // One after the other, where several servers share a database.
    tx.count(&format!("audit chain of {organisation}")).await?;
    let mut last = end(tx, organisation).await?.unwrap_or(Link::START);
    let ask = Statement::new(sql).bind(organisation.as_str());
    let mut lines: Vec<Line> = tx.ask(ask.bind(limit)).await?;
    for line in &mut lines {
        if let Some(body) = &line.body {
            let mut salt = vec![0; 16];
            random.fill_bytes(&mut salt);
            line.digest = Some(digest(&salt, body).to_vec());
            line.salt = Some(salt);
        }
        last = Link {
            place: last.place + 1,
            hash: line.hash(organisation, last),
        };
        let sql = "UPDATE audit SET place = $2, salt = $3, digest = $4, hash = $5 WHERE id = $1";
        let write = Statement::new(sql).bind(line.id).bind(last.place);
        let write = write.bind(line.salt.clone()).bind(line.digest.clone());
        tx.later(write.bind(last.hash.as_slice()));
        line.place = Some(last.place);
        line.hash = Some(last.hash.to_vec());
    }
    Ok((lines, Some(last)))
}

/// The end of the chain; none before the first line.
pub async fn end(tx: &mut Tx, organisation: &OrganisationId) -> Result<Option<Link>> {
    let sql = "SELECT place, hash FROM audit WHERE organisation = $1 AND place IS NOT NULL ORDER BY place DESC LIMIT 1";
    let row: Option<(i64, Vec<u8>)> =
        on!(tx, c => sqlx::query_as(sql).bind(organisation.as_str()).fetch_optional(c).await?);
    row.map(|(place, hash)| link(place, hash)).transpose()
}

fn link(place: i64, hash: Vec<u8>) -> Result<Link> {
    let hash = hash.try_into().map_err(|_| StoreError::Row {
        table: "audit",
        row: format!("at place {place}"),
        column: "hash",
    })?;
    Ok(Link { place, hash })
}

/// Whether the chain has this link.
pub async fn holds(tx: &mut Tx, organisation: &OrganisationId, link: Link) -> Result<bool> {
    let sql = "SELECT COUNT(*) FROM audit WHERE organisation = $1 AND place = $2 AND hash = $3";
    let count: i64 = on!(tx, c => sqlx::query_scalar(sql)
        .bind(organisation.as_str()).bind(link.place).bind(link.hash.as_slice()).fetch_one(c).await?);
    Ok(count == 1)
}

/// Whether the chain still has every link that somebody saw; staff are told while it has not.
pub async fn witness(
    tx: &mut Tx,
    organisation: &OrganisationId,
    witness: &str,
    seen: &[Link],
    now: Timestamp,
) -> Result<bool> {
    for link in seen {
        if !holds(tx, organisation, *link).await? {
            let item = Item {
                kind: Kind::AuditRewritten,
                subject: witness,
                sentence: Said::of("attention-audit-rewritten"),
                remedy: Said::of("remedy-audit-rewritten"),
                member: None,
            };
            raise(tx, organisation, item, now).await?;
            return Ok(false);
        }
    }
    settle(tx, organisation, Kind::AuditRewritten, witness, now).await?;
    Ok(true)
}

/// Where the chain broke.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Broken {
    /// At which place.
    pub place: i64,
    /// The number of the line there, or of the first behind it; none: the chain ends too early.
    pub line: Option<i64>,
    /// What is wrong.
    pub flaw: Flaw,
}

/// What can be wrong with a place.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Flaw {
    /// What the line says is not what was chained.
    Changed,
    /// A line is gone.
    Missing,
}

impl Broken {
    /// What is wrong, in words.
    #[must_use]
    pub fn said(&self) -> Said {
        let said = match (self.flaw, self.line) {
            (Flaw::Changed, Some(line)) => Said::of("broken-changed").put("line", Part::word(line)),
            (Flaw::Missing, Some(line)) => Said::of("broken-missing").put("line", Part::word(line)),
            (Flaw::Changed | Flaw::Missing, None) => Said::of("broken-end"),
        };
        said.put("place", Part::word(self.place))
    }
}

/// Reads the whole chain, part by part: how many lines it has, or where it broke first.
pub async fn verify(
    tx: &mut Tx,
    organisation: &OrganisationId,
) -> Result<std::result::Result<i64, Broken>> {
    const PART: i64 = 500;
    let sql = lines_where!("AND place > $2 ORDER BY place LIMIT $3");
    let mut last = Link::START;
    loop {
        let ask = Statement::new(sql).bind(organisation.as_str());
        let lines: Vec<Line> = tx.ask(ask.bind(last.place).bind(PART)).await?;
        if lines.is_empty() {
            return Ok(Ok(last.place));
        }
        for line in lines {
            if let Some(flaw) = line.flaw(organisation, last) {
                return Ok(Err(Broken {
                    place: last.place + 1,
                    line: Some(line.id),
                    flaw,
                }));
            }
            last = link(last.place + 1, line.hash.unwrap_or_default())?;
        }
    }
}

/// Tells staff where the chain broke, or that it is whole again.
pub async fn tell(
    tx: &mut Tx,
    organisation: &OrganisationId,
    broken: Option<&Broken>,
    now: Timestamp,
) -> Result<()> {
    let (kind, subject) = (Kind::AuditRewritten, "lines");
    let Some(broken) = broken else {
        return settle(tx, organisation, kind, subject, now).await;
    };
    let item = Item {
        kind,
        subject,
        sentence: Said::of("attention-audit-rewritten-broken").put("what", broken.said()),
        remedy: Said::of("remedy-audit-rewritten-broken"),
        member: None,
    };
    raise_newest(tx, organisation, item, now).await
}

/// Erases what the log tells of a member as a person. That something was done, when and by whom, stays, and so does the chain.
pub async fn forget(tx: &mut Tx, organisation: &OrganisationId, member: MemberId) -> Result<()> {
    let sql = "UPDATE audit SET body = NULL, salt = NULL WHERE organisation = $1 AND member = $2 AND body IS NOT NULL";
    on!(tx, c => sqlx::query(sql).bind(organisation.as_str()).bind(member.0).execute(c).await?.rows_affected());
    Ok(())
}

/// Which lines are wanted; all that are given.
#[derive(Debug, Default)]
pub struct Wanted<'a> {
    /// By whom.
    pub actor: Option<&'a str>,
    /// What was done: an action, or all that begin with it and a dot.
    pub action: Option<&'a str>,
    /// To whom.
    pub member: Option<MemberId>,
    /// Only lines with lower numbers.
    pub before: i64,
    /// At most so many.
    pub limit: i64,
}

/// Lines, newest first.
pub async fn lines(
    tx: &mut Tx,
    organisation: &OrganisationId,
    wanted: &Wanted<'_>,
) -> Result<Vec<Line>> {
    let sql = lines_where!(
        "AND id < $2 AND ($3 = '' OR actor = $3) AND ($4 = '' OR action = $4 OR action LIKE $4 || '.%') \
         AND ($5 = 0 OR member = $5) ORDER BY id DESC LIMIT $6"
    );
    let ask = Statement::new(sql)
        .bind(organisation.as_str())
        .bind(wanted.before)
        .bind(wanted.actor.unwrap_or_default())
        .bind(wanted.action.unwrap_or_default())
        .bind(wanted.member.map_or(0, |member| member.0))
        .bind(wanted.limit);
    tx.ask(ask).await
}

#[cfg(test)]
mod tests;
