//! Tells open pages that something changed, and not what: they ask for themselves again
//! (server-sent events, html.spec.whatwg.org/multipage/server-sent-events.html).

use crate::web::own::Own;
use crate::web::{Here, State};
use axum::response::sse::{Event, KeepAlive, Sse};
use futures_util::stream::{Stream, unfold};
use std::convert::Infallible;
use std::time::Duration;
use tokio::time::{MissedTickBehavior, interval};

/// However much changes, a page is told no oftener.
const GAP: Duration = Duration::from_millis(250);

/// The stream for people with rights.
pub async fn tell(state: Here) -> Sse<impl Stream<Item = Result<Event, Infallible>>> {
    std::future::ready(stream(&state)).await
}

/// The stream for members at their own pages.
pub async fn tell_own(own: Own) -> Sse<impl Stream<Item = Result<Event, Infallible>>> {
    std::future::ready(stream(&own)).await
}

fn stream(state: &State) -> Sse<impl Stream<Item = Result<Event, Infallible>> + use<>> {
    let mut news = state.app.news.subscribe();
    // What came between the page and this.
    news.mark_changed();
    let mut pace = interval(GAP);
    pace.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let stream = unfold((news, pace), |(mut news, mut pace)| async move {
        pace.tick().await;
        news.changed().await.ok()?;
        let event = Event::default().data("changed");
        Some((Ok(event), (news, pace)))
    });
    Sse::new(stream).keep_alive(KeepAlive::default())
}
