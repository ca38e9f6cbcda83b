//! A PN532 on a serial port or on SPI.

use super::Post;
use super::serial;
use super::spi::{Bus, open};
use super::thread::{self, Speaker};
use crate::clock::SystemClock;
use crate::config::SpiDevice;
use crate::readers::pn532::{Pn532, Wire, spi};
use std::convert::Infallible;
use std::io;
use std::path::Path;
use std::time::Duration;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::time::timeout_at;

/// Half of what the chip stands on SPI (PN532/C1 data sheet, table 4: 5 MHz).
const CLOCK_HZ: u32 = 1_000_000;
/// On SPI the chip is asked so often whether it has something to say.
const ASK_AGAIN: Duration = Duration::from_millis(2);

pub(super) async fn listen_serial(
    device: &Path,
    baud: u32,
    post: &mut Post,
) -> io::Result<Infallible> {
    talk(serial::open(device, baud)?, &SystemClock::start(), post).await
}

async fn talk(
    mut port: impl AsyncRead + AsyncWrite + Unpin,
    clock: &SystemClock,
    post: &mut Post,
) -> io::Result<Infallible> {
    let mut chip = Pn532::new(Wire::Uart, clock.uptime());
    let (mut bytes, mut reads, mut told) = ([0; 256], Vec::new(), false);
    loop {
        if let Some(frame) = chip.take_write() {
            port.write_all(&frame).await?;
        }
        let due = clock.instant(chip.deadline()).into();
        if let Ok(count) = timeout_at(due, port.read(&mut bytes)).await {
            match count? {
                0 => return Err(io::ErrorKind::UnexpectedEof.into()),
                count => chip.hear(&bytes[..count], clock.uptime(), &mut reads),
            }
        }
        chip.tick(clock.uptime()).map_err(io::Error::other)?;
        if chip.is_ready() && !told {
            told = true;
            post.there().await;
        }
        post.tell(&mut reads).await;
    }
}

pub(super) async fn listen_spi(device: SpiDevice, post: &mut Post) -> io::Result<Infallible> {
    thread::run(post, move |speaker| {
        let mut bus = open(device, CLOCK_HZ)?;
        talk_spi(&mut bus, &SystemClock::start(), &speaker)
    })
    .await
}

fn talk_spi(bus: &mut impl Bus, clock: &SystemClock, speaker: &Speaker) -> io::Result<Infallible> {
    let mut chip = Pn532::new(Wire::Spi, clock.uptime());
    let (mut reads, mut told) = (Vec::new(), false);
    loop {
        if let Some(frame) = chip.take_write() {
            bus.transfer(&mut spi::write(&frame))?;
        }
        if chip.is_waiting() {
            let mut status = spi::status();
            bus.transfer(&mut status)?;
            if spi::is_ready(&status) {
                let mut frame = spi::read();
                bus.transfer(&mut frame)?;
                chip.hear(&spi::came(frame), clock.uptime(), &mut reads);
            }
        }
        chip.tick(clock.uptime()).map_err(io::Error::other)?;
        if chip.is_ready() && !told {
            told = true;
            speaker.there()?;
        }
        speaker.tell(&mut reads)?;
        if chip.is_waiting() {
            speaker.wait(ASK_AGAIN)?;
        } else {
            let left = chip.deadline().0 - clock.uptime().0;
            speaker.wait(Duration::from_millis(u64::try_from(left).unwrap_or(0)))?;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::tests::{next, post};
    use super::*;
    use tokio::sync::mpsc::Receiver;

    const ACK: &[u8] = &[0x00, 0x00, 0xff, 0x00, 0xff, 0x00];

    /// A chip with a card before it: what it answers to what was written.
    fn answers(written: &[u8]) -> Vec<u8> {
        let start = written
            .windows(3)
            .rposition(|three| three == [0x00, 0x00, 0xff])
            .expect("a frame");
        let command = written[start + 6];
        let body = match command {
            0x4a => &[0xd5, 0x4b, 1, 1, 0, 4, 8, 4, 0x04, 0xa1, 0xb2, 0xc3][..],
            other => &[0xd5, other + 1],
        };
        let sum = body.iter().fold(0_u8, |sum, byte| sum.wrapping_add(*byte));
        let len = u8::try_from(body.len()).expect("short");
        let head = [0x00, 0x00, 0xff, len, len.wrapping_neg()];
        [&head, body, &[sum.wrapping_neg(), 0x00]].concat()
    }

    #[tokio::test]
    async fn on_a_serial_line_a_card_is_told_again_and_again() {
        let (mut chip, port) = tokio::io::duplex(1_024);
        let (mut post, mut heard) = post(false);
        let talking =
            tokio::spawn(async move { talk(port, &SystemClock::start(), &mut post).await });
        let chip = tokio::spawn(async move {
            let mut bytes = [0; 64];
            loop {
                let count = chip.read(&mut bytes).await.expect("it reads");
                let answer = [ACK, &answers(&bytes[..count])].concat();
                chip.write_all(&answer).await.expect("it writes");
            }
        });
        assert_eq!(next(&mut heard).await, "there");
        for _ in 0..3 {
            assert_eq!(next(&mut heard).await, "04A1B2C3");
        }
        chip.abort();
        // Aborted, it drops its end: the line is at its end, as an unplugged adapter is.
        drop(chip.await);
        let Err(error) = talking.await.expect("it does not panic");
        assert!(matches!(
            error.kind(),
            io::ErrorKind::UnexpectedEof | io::ErrorKind::BrokenPipe
        ));
    }

    /// A chip on SPI: its bytes wait until they are asked for.
    #[derive(Default)]
    struct FakeBus {
        waiting: std::collections::VecDeque<Vec<u8>>,
    }

    impl Bus for FakeBus {
        fn transfer(&mut self, bytes: &mut [u8]) -> io::Result<()> {
            for byte in bytes.iter_mut() {
                *byte = byte.reverse_bits();
            }
            match bytes[0] {
                0x01 => {
                    self.waiting = [ACK.to_vec(), answers(bytes)].into();
                }
                0x02 => bytes[1] = u8::from(!self.waiting.is_empty()),
                0x03 => {
                    let frame = self.waiting.pop_front().expect("it was ready");
                    bytes[1..=frame.len()].copy_from_slice(&frame);
                }
                other => panic!("{other:#x} begins no transfer"),
            }
            for byte in bytes.iter_mut() {
                *byte = byte.reverse_bits();
            }
            Ok(())
        }
    }

    async fn first_three(heard: &mut Receiver<super::super::Heard>) {
        assert_eq!(next(heard).await, "there");
        for _ in 0..3 {
            assert_eq!(next(heard).await, "04A1B2C3");
        }
    }

    #[tokio::test]
    async fn on_spi_a_card_is_told_and_the_thread_ends_with_its_listener() {
        let (mut post, mut heard) = post(false);
        let (ended, end) = tokio::sync::oneshot::channel();
        let listening = tokio::spawn(async move {
            thread::run(&mut post, move |speaker| {
                let mut bus = FakeBus::default();
                let result = talk_spi(&mut bus, &SystemClock::start(), &speaker);
                ended.send(()).expect("the test waits");
                result
            })
            .await
        });
        first_three(&mut heard).await;
        listening.abort();
        end.await.expect("the thread ended by itself");
    }
}
