//! What the readers say: one task for each, which opens its device again whenever it goes away.

use crate::agent::Input;
use crate::config::{Door, Format, Reader};
use crate::hardware::simulated;
use crate::readers::{Read, Rejection, parser};
use shared::ids::DoorId;
use std::io;
use std::os::unix::fs::FileTypeExt;
use std::path::{Path, PathBuf};
use std::time::Duration;
use tokio::io::{AsyncBufReadExt, AsyncRead, AsyncReadExt, AsyncSeekExt, BufReader};
use tokio::net::{UnixListener, unix::pipe};
use tokio::sync::mpsc;
use tokio::time::timeout;
use tokio_serial::SerialPortBuilderExt;

/// A device that went away is looked for again after this time.
const AGAIN: Duration = Duration::from_secs(1);
/// A regular file is looked at for new lines so often.
const FILE_STEP: Duration = Duration::from_millis(5);
/// What was heard and not yet taken; more than that many cards a moment do not exist.
const QUEUE: usize = 64;
/// The longest line of a simulated reader, in bytes.
const LONGEST_LINE: u64 = 4096;

/// What a listener heard.
#[derive(Debug)]
pub enum Heard {
    /// Something for the agent.
    Input(Input),
    /// Bytes that were no card.
    Rejected(DoorId, Rejection),
    /// A device is there, or is gone for this reason.
    Device(DoorId, Result<(), io::Error>),
}

/// Starts listening at every door on the current runtime; it ends when the receiver is dropped.
#[must_use]
pub fn start(doors: &[Door]) -> mpsc::Receiver<Heard> {
    let (heard, received) = mpsc::channel(QUEUE);
    for door in doors {
        tokio::spawn(listen(door.id.clone(), door.reader.clone(), heard.clone()));
    }
    received
}

/// Says in a log what is worth knowing and passes on what the agent must hear.
#[must_use]
pub fn logged(heard: Heard) -> Option<Input> {
    match heard {
        Heard::Input(input) => return Some(input),
        Heard::Rejected(door, why) => {
            tracing::debug!(door.id = %door, reason = %why, "the reader sent no card")
        }
        Heard::Device(door, Ok(())) => tracing::info!(door.id = %door, "the reader is there"),
        Heard::Device(door, Err(error)) => {
            tracing::warn!(door.id = %door, reason = %error, "no reader: check its cable and device name");
        }
    }
    None
}

async fn listen(door: DoorId, reader: Reader, heard: mpsc::Sender<Heard>) {
    let mut gone = false;
    while !heard.is_closed() {
        let Err(error) = listen_once(&door, &reader, &heard, &mut gone).await;
        if !gone {
            gone = true;
            tell(&heard, Heard::Device(door.clone(), Err(error))).await;
        }
        if timeout(AGAIN, heard.closed()).await.is_ok() {
            return;
        }
    }
}

async fn listen_once(
    door: &DoorId,
    reader: &Reader,
    heard: &mpsc::Sender<Heard>,
    gone: &mut bool,
) -> io::Result<std::convert::Infallible> {
    match reader {
        Reader::Serial {
            device,
            format,
            baud,
        } => {
            let path = device
                .to_str()
                .ok_or_else(|| io::Error::other("the device's name is not text"))?;
            let port = tokio_serial::new(path, *baud).open_native_async()?;
            there(door, heard, gone).await;
            read_cards(door, *format, port, heard).await
        }
        Reader::Simulated { input } => read_lines(door, input, heard, gone).await,
    }
}

async fn there(door: &DoorId, heard: &mpsc::Sender<Heard>, gone: &mut bool) {
    *gone = false;
    tell(heard, Heard::Device(door.clone(), Ok(()))).await;
}

async fn tell(heard: &mpsc::Sender<Heard>, item: Heard) {
    // Nobody listens any more: the loop above ends by itself.
    drop(heard.send(item).await);
}

async fn read_cards(
    door: &DoorId,
    format: Format,
    mut port: impl AsyncRead + Unpin,
    heard: &mpsc::Sender<Heard>,
) -> io::Result<std::convert::Infallible> {
    let (mut parser, mut bytes, mut reads) = (parser(format), [0; 256], Vec::new());
    loop {
        let count = port.read(&mut bytes).await?;
        if count == 0 {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        parser.push(&bytes[..count], &mut reads);
        for read in reads.drain(..) {
            let item = match read {
                Read::Card(uid) => Heard::Input(Input::Card {
                    door: door.clone(),
                    uid,
                }),
                Read::Rejected(why) => Heard::Rejected(door.clone(), why),
            };
            tell(heard, item).await;
        }
    }
}

/// Reads JSON lines: from a FIFO or a regular file that is there, otherwise from whoever connects to a socket made there.
async fn read_lines(
    door: &DoorId,
    path: &Path,
    heard: &mpsc::Sender<Heard>,
    gone: &mut bool,
) -> io::Result<std::convert::Infallible> {
    let kind = tokio::fs::metadata(path)
        .await
        .map(|metadata| metadata.file_type());
    match kind {
        Ok(kind) if kind.is_fifo() => {
            // Opened for writing too, so that it does not end with whoever writes.
            let fifo = pipe::OpenOptions::new()
                .read_write(true)
                .open_receiver(path)?;
            there(door, heard, gone).await;
            lines(BufReader::new(fifo), heard).await
        }
        Ok(kind) if kind.is_file() => {
            let mut file = tokio::fs::File::open(path).await?;
            file.seek(io::SeekFrom::End(0)).await?;
            there(door, heard, gone).await;
            follow(file, heard).await
        }
        Ok(_) | Err(_) => {
            let socket = Socket::bind(path)?;
            there(door, heard, gone).await;
            loop {
                let (stream, _) = socket.listener.accept().await?;
                let heard = heard.clone();
                tokio::spawn(async move {
                    let Err(end) = lines(BufReader::new(stream), &heard).await;
                    tracing::debug!(reason = %end, "a connection to a simulated reader ended");
                });
            }
        }
    }
}

/// A socket that is removed when it is no longer listened to.
struct Socket {
    listener: UnixListener,
    path: PathBuf,
}

impl Socket {
    fn bind(path: &Path) -> io::Result<Self> {
        // One left behind by a run that was killed is nobody's.
        match std::fs::symlink_metadata(path) {
            Ok(metadata) if metadata.file_type().is_socket() => {
                if std::os::unix::net::UnixStream::connect(path).is_ok() {
                    return Err(io::Error::new(
                        io::ErrorKind::AddrInUse,
                        "another program listens at it: stop the agent first",
                    ));
                }
                std::fs::remove_file(path)?;
            }
            Ok(_) => {
                return Err(io::Error::new(
                    io::ErrorKind::AlreadyExists,
                    "it is no FIFO, file or socket",
                ));
            }
            Err(error) if error.kind() == io::ErrorKind::NotFound => {}
            Err(error) => return Err(error),
        }
        Ok(Self {
            listener: UnixListener::bind(path)?,
            path: path.to_owned(),
        })
    }
}

impl Drop for Socket {
    fn drop(&mut self) {
        // If it stays, the next run removes it.
        drop(std::fs::remove_file(&self.path));
    }
}

async fn lines(
    mut reader: impl AsyncBufReadExt + Unpin,
    heard: &mpsc::Sender<Heard>,
) -> io::Result<std::convert::Infallible> {
    let mut line = Vec::new();
    loop {
        line.clear();
        if (&mut reader)
            .take(LONGEST_LINE)
            .read_until(b'\n', &mut line)
            .await?
            == 0
        {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        hear_line(&line, heard).await;
    }
}

async fn follow(
    mut file: tokio::fs::File,
    heard: &mpsc::Sender<Heard>,
) -> io::Result<std::convert::Infallible> {
    let (mut waiting, mut bytes) = (Vec::new(), [0; 1024]);
    loop {
        let count = file.read(&mut bytes).await?;
        if count == 0 {
            if timeout(FILE_STEP, heard.closed()).await.is_ok() {
                return Err(io::ErrorKind::UnexpectedEof.into());
            }
            continue;
        }
        waiting.extend_from_slice(&bytes[..count]);
        while let Some(end) = waiting.iter().position(|byte| *byte == b'\n') {
            let line: Vec<u8> = waiting.drain(..=end).collect();
            hear_line(&line, heard).await;
        }
        waiting.truncate(usize::try_from(LONGEST_LINE).expect("it is small"));
    }
}

async fn hear_line(line: &[u8], heard: &mpsc::Sender<Heard>) {
    let text = String::from_utf8_lossy(line);
    match simulated::inputs(text.trim()) {
        Ok(inputs) => {
            for input in inputs {
                tell(heard, Heard::Input(input)).await;
            }
        }
        Err(error) => {
            tracing::warn!(reason = %crate::keeper::chain(&error), "a line of a simulated reader means nothing")
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_socket_that_somebody_listens_at_is_not_taken_away() {
        let directory = tempfile::tempdir().expect("a directory");
        let path = directory.path().join("cards");
        let first = Socket::bind(&path).expect("nobody listens yet");
        let second = Socket::bind(&path).map(drop).map_err(|error| error.kind());
        assert_eq!(second, Err(io::ErrorKind::AddrInUse));
        assert!(std::os::unix::net::UnixStream::connect(&path).is_ok());
        drop(first);
        // What a killed run left behind is nobody's.
        drop(std::os::unix::net::UnixListener::bind(&path).expect("binds"));
        assert!(path.exists());
        Socket::bind(&path).expect("it is replaced");
    }
}
