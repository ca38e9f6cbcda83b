//! Whom somebody means who typed a number, a part of a name, or nothing.

use crate::said::Said;
use crate::web::Here;
use crate::web::extract::Asked;
use crate::web::members::{self, MemberFilter, MemberLine, Only};
use crate::web::problem::{Answer, Problem};
use axum::Json;
use shared::ids::MemberId;

/// So many are shown to choose from.
const MANY: usize = 12;

/// Who may be meant.
pub enum Meant {
    /// This member.
    One(MemberId),
    /// One of these, the likeliest first; perhaps nobody.
    Several(Vec<MemberLine>),
}

/// Whom a text means: a member's number, or part of a name or address; nothing: whoever has no card yet.
pub async fn meant(state: &Here, text: &str) -> Answer<Meant> {
    let text = text.trim();
    if text.is_empty() {
        return without_card(state).await;
    }
    let filter = |q: Option<&str>, after| MemberFilter {
        q: q.map(str::to_owned),
        after,
        limit: Some(i64::try_from(MANY).unwrap_or(1)),
        ..MemberFilter::default()
    };
    if let Ok(number @ 1..) = text.parse::<i64>() {
        let one = filter(None, Some(number - 1));
        let Json(found) = members::list(state.clone(), Asked(one)).await?;
        if let Some(found) = found.items.first().filter(|found| found.id == number) {
            return Ok(Meant::One(MemberId(found.id)));
        }
    }
    let Json(found) = members::list(state.clone(), Asked(filter(Some(text), None))).await?;
    Ok(match &found.items[..] {
        [one] => Meant::One(MemberId(one.id)),
        _ => Meant::Several(found.items),
    })
}

/// Members without a card, the newest first.
async fn without_card(state: &Here) -> Answer<Meant> {
    let (mut all, mut after) = (Vec::new(), None);
    loop {
        let filter = MemberFilter {
            only: Some(Only::NoCard),
            after,
            limit: Some(500),
            ..MemberFilter::default()
        };
        let Json(part) = members::list(state.clone(), Asked(filter)).await?;
        all.extend(part.items);
        match part.next.and_then(|next| next.parse().ok()) {
            Some(next) => after = Some(next),
            None => break,
        }
    }
    all.reverse();
    all.truncate(MANY);
    Ok(Meant::Several(all))
}

/// This member, as one of a list.
pub async fn one(state: &Here, member: MemberId) -> Answer<Vec<MemberLine>> {
    let filter = MemberFilter {
        after: Some(member.0 - 1),
        limit: Some(1),
        ..MemberFilter::default()
    };
    let Json(found) = members::list(state.clone(), Asked(filter)).await?;
    Ok(found.items)
}

/// The one member that a text means.
pub async fn exactly(state: &Here, text: &str) -> Answer<MemberId> {
    match meant(state, text).await? {
        Meant::One(member) => Ok(member),
        Meant::Several(_) => Err(Problem::field("who", Said::of("refused-whom"))),
    }
}
