//! Readers that type, through the kernel's input devices.

use super::Post;
use crate::config::Number;
use crate::readers::Keyboard;
use evdev::{Device, EventSummary};
use std::convert::Infallible;
use std::io;
use std::path::Path;
use std::time::Duration;
use tokio::time::timeout;

/// A reader pauses some milliseconds between two keys; what was typed longer ago belongs to no number.
pub const PAUSE: Duration = Duration::from_millis(500);

pub(super) async fn listen(
    device: &Path,
    number: Number,
    post: &mut Post,
) -> io::Result<Infallible> {
    let mut device = Device::open(device)?;
    // Nobody else gets its keys: a card number must not be typed at a login.
    device.grab()?;
    let mut events = device.into_event_stream()?;
    post.there().await;
    let (mut keyboard, mut reads) = (Keyboard::new(number), Vec::new());
    loop {
        let event = if keyboard.is_idle() {
            Some(events.next_event().await)
        } else {
            timeout(PAUSE, events.next_event()).await.ok()
        };
        match event {
            Some(event) => {
                if let EventSummary::Key(_, code, value) = event?.destructure() {
                    keyboard.push(code.code(), value, &mut reads);
                }
            }
            None => keyboard.silence(&mut reads),
        }
        post.tell(&mut reads).await;
    }
}
