use super::*;
use crate::config::{Format, SpiDevice};
use crate::readers::Rejection;
use shared::card::CardUid;
use std::os::unix::fs::symlink;
use std::path::Path;
use tokio::io::AsyncWriteExt;
use tokio_serial::{SerialPort, SerialStream};

pub(super) fn post(reversed: bool) -> (Post, mpsc::Receiver<Heard>) {
    let (heard, received) = mpsc::channel(QUEUE);
    let post = Post {
        door: "front".parse().expect("a name"),
        reversed,
        heard,
        gone: false,
    };
    (post, received)
}

/// What is heard next, in short.
pub(super) async fn next(heard: &mut mpsc::Receiver<Heard>) -> String {
    match heard.recv().await.expect("somebody tells") {
        Heard::Input(Input::Card { uid, .. }) => uid.reveal(),
        Heard::Device(_, Ok(())) => "there".to_owned(),
        Heard::Device(_, Err(_)) => "gone".to_owned(),
        Heard::Rejected(_, why) => why.to_string(),
        Heard::Input(other) => format!("{other:?}"),
    }
}

/// A serial line whose other end is a file, reached by this name from now on.
fn plug_in(name: &Path) -> SerialStream {
    let (reader, agent) = SerialStream::pair().expect("a pty");
    let end = agent.name().expect("it has one");
    drop(agent);
    let new = name.with_extension("new");
    symlink(end, &new).expect("a link");
    std::fs::rename(&new, name).expect("the name is replaced");
    reader
}

const FRAME: &[u8] = b"\x0262E3086CED08\x03";

#[tokio::test]
async fn a_reader_that_is_unplugged_and_plugged_in_again_goes_on() {
    let folder = tempfile::tempdir().expect("a folder");
    let device = folder.path().join("reader");
    let reader = Reader {
        source: Source::Serial {
            device: device.clone(),
            format: Format::Rdm6300,
            baud: 9_600,
        },
        reversed: false,
    };
    let (post, mut heard) = post(false);
    let listener = tokio::spawn(listen(reader, post));
    assert_eq!(next(&mut heard).await, "gone");
    for _ in 0..2 {
        let mut line = plug_in(&device);
        assert_eq!(next(&mut heard).await, "there");
        // Half a frame before the cable goes must not spoil the first one after it.
        line.write_all(FRAME).await.expect("it writes");
        assert_eq!(next(&mut heard).await, "62E3086CED");
        line.write_all(&FRAME[..7]).await.expect("it writes");
        drop(line);
        assert_eq!(next(&mut heard).await, "gone");
    }
    drop(heard);
    listener.await.expect("it ends when nobody hears it");
}

#[test]
fn the_agent_hears_of_readers_that_go_and_come_and_of_no_noise() {
    let door = DoorId::new("front").expect("a name");
    let gone = Err(io::ErrorKind::NotFound.into());
    for (answer, on) in [(gone, true), (Ok(()), false)] {
        let door = door.clone();
        let heard = Input::ReaderGone {
            door: door.clone(),
            on,
        };
        assert_eq!(logged(Heard::Device(door, answer)), Some(heard));
    }
    let noise = Heard::Rejected(door, Rejection::Checksum);
    assert_eq!(logged(noise), None);
}

#[tokio::test]
async fn a_reader_that_turns_its_bytes_is_turned_back() {
    let (post, mut heard) = post(true);
    let uid = CardUid::parse("04A1B2C3").expect("a good number");
    let mut reads = vec![Read::Card(uid), Read::Rejected(Rejection::Checksum)];
    post.tell(&mut reads).await;
    assert_eq!(next(&mut heard).await, "C3B2A104");
    assert_eq!(next(&mut heard).await, Rejection::Checksum.to_string());
}

#[tokio::test]
async fn devices_that_are_not_there_are_told() {
    let spi = SpiDevice { bus: 6, select: 15 };
    let sources = [
        Source::Keyboard {
            device: "/nowhere/keyboard".into(),
            number: crate::config::Number::Hex,
        },
        Source::Pn532Serial {
            device: "/nowhere/serial".into(),
            baud: 115_200,
        },
        Source::Pn532Spi { device: spi },
        Source::Mfrc522 { device: spi },
        Source::Wiegand {
            d0: 0,
            d1: 1,
            chip: crate::config::Chip::Label("no such chip".to_owned()),
            frame_gap: Duration::from_millis(25),
        },
    ];
    for source in sources {
        let (mut post, _heard) = post(false);
        let Err(error) = listen_once(&source, &mut post).await;
        assert!(!error.to_string().is_empty(), "{source:?}");
    }
}
