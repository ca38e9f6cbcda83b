//! Wiegand over GPIO: both lines in one request, so that the kernel keeps their pulses in order with its own times.

use super::Post;
use crate::config::Chip;
use crate::readers::{Edge, Line, Wiegand};
use gpiocdev::line::{Bias, EdgeDetection};
use gpiocdev::tokio::AsyncRequest;
use std::convert::Infallible;
use std::io;
use std::path::PathBuf;
use std::time::Duration;
use tokio::time::timeout;

/// What the drivers of the header's chip call it: up to the Pi 3, on the Pi 4, on the Pi 5. Its number differs from
/// kernel to kernel.
const HEADERS: [&str; 3] = ["pinctrl-bcm2835", "pinctrl-bcm2711", "pinctrl-rp1"];
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

/// The device of a GPIO chip.
///
/// # Errors
/// If there is none that this user may open.
pub fn find(chip: &Chip) -> io::Result<PathBuf> {
    let wanted = |label: &str| match chip {
        Chip::Header => HEADERS.contains(&label),
        Chip::Label(wanted) => label == wanted,
        Chip::Path(_) => false,
    };
    if let Chip::Path(path) = chip {
        return Ok(path.clone());
    }
    for path in gpiocdev::chip::chips().map_err(error)? {
        let info = gpiocdev::Chip::from_path(&path).and_then(|chip| chip.info());
        if info.is_ok_and(|info| wanted(&info.label)) {
            return Ok(path);
        }
    }
    Err(io::Error::new(
        io::ErrorKind::NotFound,
        match chip {
            Chip::Label(label) => format!("no GPIO chip `{label}` that this user may open: see `gpiodetect`"),
            Chip::Header | Chip::Path(_) => "no header of a Raspberry Pi that this user may open: the user of the agent must be in the group gpio; on another board name its `chip`".to_owned(),
        },
    ))
}

fn error(error: gpiocdev::Error) -> io::Error {
    io::Error::other(error)
}
