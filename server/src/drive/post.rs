//! The driver of letters: it takes what is due, hands it over, and notes what came of it.

use super::{Bells, duration};
use crate::app::{App, Step};
use crate::mail::post::Post;
use shared::time::Span;
use std::sync::Arc;
use tokio::time::MissedTickBehavior;

/// How often letters are looked for.
const LOOK_EVERY: Span = Span::seconds(2);
/// So long a mail server that takes nothing from us is left alone.
const LEAVE_ALONE: Span = Span::minutes(1);

/// Sends letters, one after the other.
pub async fn send(app: Arc<App>, bells: Bells, post: Post) {
    let mut timer = tokio::time::interval(duration(LOOK_EVERY));
    timer.set_missed_tick_behavior(MissedTickBehavior::Delay);
    // What was committed before the start is published by then.
    timer.reset();
    loop {
        timer.tick().await;
        match send_due(&app, &bells, &post).await {
            Ok(true) => {}
            Ok(false) => timer.reset_after(duration(LEAVE_ALONE)),
            Err(error) => tracing::error!(
                error = &error as &dyn std::error::Error,
                "what came of a letter could not be noted; it is sent again"
            ),
        }
    }
}

/// Sends what is due; false if the mail server takes nothing from us.
async fn send_due(app: &App, bells: &Bells, post: &Post) -> Step<bool> {
    while let Some(letter) = app.next_letter((bells.clock)()).await? {
        let outcome = post.send(&letter).await;
        app.letter_done(&letter, outcome, (bells.clock)()).await?;
        if outcome.concerns_all() {
            return Ok(false);
        }
    }
    Ok(true)
}
