//! Tells open pages that something changed, and not what: they ask for themselves again
//! (server-sent events, html.spec.whatwg.org/multipage/server-sent-events.html).

use crate::store::{member_sessions, staff};
use crate::web::own::Own;
use crate::web::problem::{Answer, Problem};
use crate::web::{Here, State};
use axum::response::IntoResponse;
use axum::response::sse::{Event, KeepAlive, Sse};
use futures_util::stream::{Stream, unfold};
use shared::ids::MemberId;
use std::convert::Infallible;
use std::sync::{Arc, Weak};
use std::time::Duration;
use tokio::time::{MissedTickBehavior, interval};

/// However much changes, a page is told no oftener.
const GAP: Duration = Duration::from_millis(250);

/// The stream for people with rights.
pub async fn tell(state: Here) -> Answer<impl IntoResponse> {
    let session = state.who.session.ok_or_else(Problem::signed_out)?;
    Ok(std::future::ready(stream(&state, Session::Staff(session))).await)
}

/// The stream for members at their own pages.
pub async fn tell_own(own: Own) -> impl IntoResponse {
    let session = Session::Member((own.member, own.session));
    std::future::ready(stream(&own, session)).await
}

/// Who listens, and by which session.
enum Session {
    Staff((i64, i64)),
    Member((MemberId, i64)),
}

impl Session {
    /// Whether it was not ended meanwhile.
    async fn runs(&self, state: &State) -> Answer<bool> {
        let mut tx = state.app.store.begin_read().await?;
        Ok(match self {
            Self::Staff((person, session)) => {
                let sessions = staff::sessions(&mut tx, *person).await?;
                sessions.iter().any(|one| one.id == *session)
            }
            Self::Member((member, session)) => {
                let sessions = member_sessions::sessions(&mut tx, *member).await?;
                sessions.iter().any(|one| one.id == *session)
            }
        })
    }
}

fn stream(
    state: &Arc<State>,
    session: Session,
) -> Sse<impl Stream<Item = Result<Event, Infallible>> + use<>> {
    let mut news = state.app.news.subscribe();
    // What came between the page and this.
    news.mark_changed();
    let mut pace = interval(GAP);
    pace.set_missed_tick_behavior(MissedTickBehavior::Delay);
    // A server that goes down waits for no listener.
    let state: Weak<State> = Arc::downgrade(state);
    let listening = (state, session, news, pace);
    let stream = unfold(
        listening,
        |(state, session, mut news, mut pace)| async move {
            pace.tick().await;
            news.changed().await.ok()?;
            let runs = session.runs(&*state.upgrade()?).await;
            // An end by mistake is begun anew by the browser.
            runs.ok().filter(|runs| *runs)?;
            let event = Event::default().data("changed");
            Some((Ok(event), (state, session, news, pace)))
        },
    );
    Sse::new(stream).keep_alive(KeepAlive::default())
}
