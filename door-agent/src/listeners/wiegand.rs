//! Wiegand over GPIO: both lines in one request, so that the kernel keeps their pulses in order with its own times.

use super::Post;
use crate::config::Chip;
use crate::hardware::gpio::cdev::{error, find};
use crate::readers::{Edge, Line, Wiegand};
use gpiocdev::line::{Bias, EdgeDetection};
use gpiocdev::tokio::AsyncRequest;
use std::convert::Infallible;
use std::io;
use std::time::Duration;
use tokio::time::timeout;

/// Pulses that the kernel keeps for us while we do not run: several frames.
const KEPT_PULSES: u32 = 256;

pub(super) async fn listen(
    chip: &Chip,
    [d0, d1]: [u32; 2],
    gap: Duration,
    post: &mut Post,
) -> io::Result<Infallible> {
    let request = gpiocdev::Request::builder()
        .on_chip(find(chip)?)
        .with_lines(&[d0, d1])
        .as_input()
        // A reader's lines are open collectors: they pull low and nothing else.
        .with_bias(Bias::PullUp)
        // Only where a pulse begins: the kernel that comes too late to see its end would otherwise lose its begin.
        .with_edge_detection(EdgeDetection::FallingEdge)
        .with_consumer("door-agent wiegand")
        .with_kernel_event_buffer_size(KEPT_PULSES)
        .request()
        .map_err(error)?;
    let lines = AsyncRequest::new(request);
    post.there().await;
    let (mut decoder, mut reads) = (Wiegand::new(gap), Vec::new());
    loop {
        let event = if decoder.is_idle() {
            Some(lines.read_edge_event().await)
        } else {
            timeout(gap, lines.read_edge_event()).await.ok()
        };
        match event {
            Some(event) => {
                let event = event.map_err(error)?;
                let line = if event.offset == d0 {
                    Line::D0
                } else {
                    Line::D1
                };
                let at = event.timestamp_ns;
                decoder.push(Edge { line, at }, &mut reads);
            }
            None => decoder.silence(&mut reads),
        }
        post.tell(&mut reads).await;
    }
}
