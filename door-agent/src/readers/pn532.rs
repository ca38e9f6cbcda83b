//! PN532 at 13.56 MHz, on its high-speed UART or on SPI.
//!
//! NXP UM0701-02, "PN532 User Manual": wake-up (7.2.11), SAMConfiguration (7.2.10), RFConfiguration (7.3.1),
//! InListPassiveTarget (7.3.5), InRelease (7.3.11). The machine asks for a card again and again: a card that rests is seen
//! about eight times a second, as other readers write theirs again and again.

use super::{Read, Rejection, type_a};
use frame::{Decoder, Frame, encode};
use shared::time::Span;
use zeroize::Zeroize;

pub mod frame;
pub mod spi;

/// The PN532 acknowledges within 15 ms (UM0701-02, 6.2.1.1), an adapter for USB adds some.
const ACK_TIME: Span = Span(100);
/// With few tries each, any command here is answered much sooner.
const ANSWER_TIME: Span = Span(500);
/// From one look for a card to the next.
const REST: Span = Span(100);
/// A chip that did not answer so often in a row is not there.
const TRIES: u32 = 3;

const SAM_CONFIGURATION: u8 = 0x14;
const RF_CONFIGURATION: u8 = 0x32;
const IN_LIST_PASSIVE_TARGET: u8 = 0x4a;
const IN_RELEASE: u8 = 0x52;

/// What is said to the chip.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Command {
    /// Normal mode, no security module.
    Configure,
    /// Look for a card twice and then say that there is none, instead of looking for ever.
    FewTries,
    /// Look for one card of ISO/IEC 14443 type A.
    List,
    /// Be done with that card, so that it can be found again.
    Release,
}

impl Command {
    fn bytes(self) -> &'static [u8] {
        match self {
            Self::Configure => &[SAM_CONFIGURATION, 0x01],
            Self::FewTries => &[RF_CONFIGURATION, 0x05, 0xff, 0x01, 0x02],
            Self::List => &[IN_LIST_PASSIVE_TARGET, 0x01, 0x00],
            Self::Release => &[IN_RELEASE, 0x00],
        }
    }
}

/// What the chip is connected by.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Wire {
    /// It must be woken by bytes before the first command.
    Uart,
    /// Its select line wakes it.
    Spi,
}

impl Wire {
    fn wake(self) -> &'static [u8] {
        match self {
            Self::Uart => &[0x55, 0x55, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0],
            Self::Spi => &[],
        }
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Step {
    /// A command was said.
    Asked {
        command: Command,
        acknowledged: bool,
    },
    /// Until it is time for the next look.
    Resting,
}

/// The chip did not answer several times in a row.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error(
    "the PN532 does not answer: check its wires (TX to RX), its supply, and its switches for the wire in use"
)]
pub struct Silent;

/// Talks to one PN532: bytes go in with the time, bytes to write and the next deadline come out.
pub struct Pn532 {
    wire: Wire,
    decoder: Decoder,
    step: Step,
    write: Option<Vec<u8>>,
    due: Span,
    unanswered: u32,
    ready: bool,
}

impl Pn532 {
    /// A chip that sleeps; the first thing to write wakes it.
    #[must_use]
    pub fn new(wire: Wire, now: Span) -> Self {
        let mut chip = Self {
            wire,
            decoder: Decoder::default(),
            step: Step::Resting,
            write: None,
            due: now,
            unanswered: 0,
            ready: false,
        };
        chip.wake(now);
        chip
    }

    /// What has to be written now, once.
    pub fn take_write(&mut self) -> Option<Vec<u8>> {
        self.write.take()
    }

    /// The uptime by which [`Pn532::tick`] is due.
    #[must_use]
    pub fn deadline(&self) -> Span {
        self.due
    }

    /// Whether the chip has answered and looks for cards.
    #[must_use]
    pub fn is_ready(&self) -> bool {
        self.ready
    }

    /// Whether something is expected from the chip.
    #[must_use]
    pub fn is_waiting(&self) -> bool {
        self.step != Step::Resting
    }

    /// Takes what the chip wrote.
    pub fn hear(&mut self, bytes: &[u8], now: Span, out: &mut Vec<Read>) {
        self.decoder.push(bytes);
        while let Some(frame) = self.decoder.next_frame() {
            match (frame, self.step) {
                // Only the first one: a line that says nothing else must not be waited for.
                (
                    Ok(Frame::Ack),
                    Step::Asked {
                        command,
                        acknowledged: false,
                    },
                ) => {
                    self.step = Step::Asked {
                        command,
                        acknowledged: true,
                    };
                    self.due = now + ANSWER_TIME;
                }
                (Ok(Frame::Answer(mut answer)), Step::Asked { command, .. })
                    if answer[0] == command.bytes()[0] + 1 =>
                {
                    self.answered(command, &answer[1..], now, out);
                    answer.zeroize();
                }
                // The command is said again without waiting longer.
                (Ok(Frame::Nack | Frame::SyntaxError), Step::Asked { .. }) => self.due = now,
                (Ok(_), _) => {}
                (Err(why), _) => out.push(Read::Rejected(why)),
            }
        }
    }

    /// How many bytes wait for the rest of their frame.
    #[must_use]
    pub fn kept(&self) -> usize {
        self.decoder.kept()
    }

    /// Does what the time asks for.
    ///
    /// # Errors
    /// If the chip is not there; it has to be started anew.
    pub fn tick(&mut self, now: Span) -> Result<(), Silent> {
        if now < self.due {
            return Ok(());
        }
        match self.step {
            Step::Resting => self.ask(Command::List, now),
            Step::Asked { .. } => {
                self.unanswered += 1;
                if self.unanswered == TRIES {
                    return Err(Silent);
                }
                self.wake(now);
            }
        }
        Ok(())
    }

    fn wake(&mut self, now: Span) {
        self.ask(Command::Configure, now);
        let command = self.write.take().unwrap_or_default();
        self.write = Some([self.wire.wake(), &command].concat());
    }

    fn ask(&mut self, command: Command, now: Span) {
        // What still comes belongs to nothing that is asked now.
        self.decoder.clear();
        self.write = Some(encode(command.bytes()));
        self.step = Step::Asked {
            command,
            acknowledged: false,
        };
        self.due = now + ACK_TIME;
    }

    fn answered(&mut self, command: Command, answer: &[u8], now: Span, out: &mut Vec<Read>) {
        match command {
            Command::Configure => self.ask(Command::FewTries, now),
            Command::FewTries => self.ask(Command::List, now),
            Command::List => {
                self.ready = true;
                self.unanswered = 0;
                match target(answer) {
                    None => self.rest(now),
                    Some(read) => {
                        out.push(read);
                        self.ask(Command::Release, now);
                    }
                }
            }
            Command::Release => self.rest(now),
        }
    }

    fn rest(&mut self, now: Span) {
        self.step = Step::Resting;
        self.due = now + REST;
    }
}

/// The card in an answer to InListPassiveTarget: how many (0 or 1), its number here, SENS_RES, SEL_RES, the length of the
/// UID, the UID, and for some cards an ATS.
fn target(answer: &[u8]) -> Option<Read> {
    let uid = match answer {
        [0, ..] => return None,
        [_, _, _, _, _, len @ (4 | 7 | 10), rest @ ..] => rest.get(..usize::from(*len)),
        _ => None,
    };
    Some(uid.map_or(Read::Rejected(Rejection::Nonsense), type_a))
}

#[cfg(test)]
pub(super) mod tests;
