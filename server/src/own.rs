//! How members come to their own pages: a link by mail, how often one may be asked for, and how long a session lasts.

use crate::app::{App, Step};
use crate::staff::digest;
use crate::store::letters::{self, Content, Letter, Reader};
use crate::store::member_sessions as table;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use shared::time::{Span, Timestamp};
use std::collections::BTreeMap;

/// A link that was asked for works for so long.
pub const LINK: Span = Span::minutes(15);
/// A session that is not used ends: whoever stands at the door at night should not have to read mail first.
pub const IDLE: Span = Span::days(30);
/// Every session ends.
pub const LIFE: Span = Span::days(90);
/// So many links an hour go to one address, whether it is anybody's or not.
pub const BY_ADDRESS: u32 = 5;
/// So many are asked for from one network in an hour: a club shares one.
pub const BY_SOURCE: u32 = 60;

const WINDOW: Span = Span::hours(1);
/// So many are kept apart; whoever asked least goes first, and of those who began longest ago.
const KEPT: usize = 10_000;

/// Whether a session that began and was last seen then is over.
#[must_use]
pub fn is_over(created_at: Timestamp, seen_at: Timestamp, now: Timestamp) -> bool {
    now >= created_at + LIFE || now >= seen_at + IDLE
}

/// What is asked for by people whom nobody knows yet; no kind washes another out.
#[derive(Default)]
pub struct Asked {
    /// By networks: links, and ways back from the OpenID provider.
    pub sources: Counts,
    /// For addresses: links.
    pub addresses: Counts,
    /// By members: all that is kept about them.
    pub exports: Counts,
}

/// Counts, within an hour, what was asked for by whom.
#[derive(Default)]
pub struct Counts(BTreeMap<[u8; 32], (Timestamp, u32)>);

impl Counts {
    /// Counts once more; false if that is more than `most` within the hour.
    pub fn may(&mut self, key: &str, most: u32, now: Timestamp) -> bool {
        let key = digest(key);
        let fresh = (now, 0);
        let (since, count) = self.0.get(&key).copied().unwrap_or(fresh);
        let runs = now >= since && now < since + WINDOW;
        let (since, count) = if runs { (since, count) } else { fresh };
        self.0.insert(key, (since, count.saturating_add(1)));
        if self.0.len() > KEPT {
            self.0.retain(|_, (since, _)| now < *since + WINDOW);
            // Whoever asked most is not washed out by many who ask once.
            let least = self
                .0
                .iter()
                .min_by_key(|(_, (since, count))| (*count, *since));
            if let Some(least) = least.map(|(key, _)| *key).filter(|_| self.0.len() > KEPT) {
                self.0.remove(&least);
            }
        }
        count < most
    }
}

impl App {
    /// Has the links mailed that were asked for; of an address that is nobody's, nothing is kept.
    pub async fn mail_links(&self, now: Timestamp) -> Step<()> {
        let mut tx = self.store.begin_read().await?;
        let waits = !table::asked(&mut tx, &self.organisation).await?.is_empty();
        drop(tx);
        if !waits {
            return Ok(());
        }
        let mut tx = self.store.begin().await?;
        table::forget(&mut tx, &self.organisation, now).await?;
        for (id, mail) in table::asked(&mut tx, &self.organisation).await? {
            let known = table::members(&mut tx, &self.organisation, &mail).await?;
            let Some((member, _)) = known.first() else {
                table::use_up(&mut tx, id).await?;
                continue;
            };
            let (token, until) = (self.fresh_token(), now + LINK);
            table::arm(&mut tx, id, &digest(&token), until).await?;
            let letter = Letter {
                reader: Reader::Member(*member),
                content: Content::SignIn { until },
                cause: &format!("link {id}"),
                secret: Some(self.seal_link(&enter(&token))),
            };
            letters::put(&mut tx, &self.organisation, letter, now);
        }
        tx.commit().await
    }

    /// Something that nobody guesses, for an address or a cookie: 256 bits.
    pub fn fresh_token(&self) -> String {
        let mut bytes = [0; 32];
        self.with_random(|random| random.fill_bytes(&mut bytes));
        URL_SAFE_NO_PAD.encode(bytes)
    }
}

/// Where a link leads, below the organisation's own address.
#[must_use]
pub fn enter(token: &str) -> String {
    format!("/me/enter?link={token}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn so_many_an_hour_and_the_next_hour_again() {
        let mut counts = Counts::default();
        let now = Timestamp(0);
        let tried: Vec<bool> = (0..4).map(|_| counts.may("a", 3, now)).collect();
        assert_eq!(tried, [true, true, true, false]);
        assert!(counts.may("b", 3, now));
        assert!(!counts.may("a", 3, now + WINDOW - Span(1)));
        assert!(counts.may("a", 3, now + WINDOW));
    }

    #[test]
    fn of_too_many_whoever_asked_least_is_forgotten() {
        let mut counts = Counts::default();
        assert!(counts.may("b", 2, Timestamp(0)) && counts.may("b", 2, Timestamp(0)));
        assert!(counts.may("a", 1, Timestamp(0)));
        for number in 0..KEPT {
            assert!(counts.may(&number.to_string(), 1, Timestamp(1)));
        }
        assert_eq!(counts.0.len(), KEPT);
        assert!(counts.may("a", 1, Timestamp(2)));
        assert!(!counts.may("b", 2, Timestamp(2)));
        assert!(counts.may("c", 1, Timestamp(2) + WINDOW));
        assert_eq!(counts.0.len(), 1);
    }

    #[test]
    fn a_session_ends_by_itself() {
        let begun = Timestamp(0);
        assert!(!is_over(begun, begun, begun + IDLE - Span(1)));
        assert!(is_over(begun, begun, begun + IDLE));
        assert!(is_over(begun, begun + LIFE - Span(1), begun + LIFE));
    }
}
