//! A reader made of JSON lines.

use super::{Heard, Post, tell};
use crate::hardware::simulated;
use std::convert::Infallible;
use std::io;
use std::os::unix::fs::FileTypeExt;
use std::path::{Path, PathBuf};
use std::time::Duration;
use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncSeekExt, BufReader};
use tokio::net::{UnixListener, unix::pipe};
use tokio::sync::mpsc;
use tokio::time::timeout;

/// A regular file is looked at for new lines so often.
const FILE_STEP: Duration = Duration::from_millis(5);
/// The longest line, in bytes.
const LONGEST_LINE: u64 = 4096;

/// Reads JSON lines: from a FIFO or a regular file that is there, otherwise from whoever connects to a socket made there.
pub(super) async fn listen(path: &Path, post: &mut Post) -> io::Result<Infallible> {
    let kind = tokio::fs::metadata(path)
        .await
        .map(|metadata| metadata.file_type());
    match kind {
        Ok(kind) if kind.is_fifo() => {
            // Opened for writing too, so that it does not end with whoever writes.
            let fifo = pipe::OpenOptions::new()
                .read_write(true)
                .open_receiver(path)?;
            post.there().await;
            lines(BufReader::new(fifo), &post.heard).await
        }
        Ok(kind) if kind.is_file() => {
            let mut file = tokio::fs::File::open(path).await?;
            file.seek(io::SeekFrom::End(0)).await?;
            post.there().await;
            follow(file, &post.heard).await
        }
        Ok(_) | Err(_) => {
            let socket = Socket::bind(path)?;
            post.there().await;
            loop {
                let (stream, _) = socket.listener.accept().await?;
                let heard = post.heard.clone();
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
) -> io::Result<Infallible> {
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

async fn follow(mut file: tokio::fs::File, heard: &mpsc::Sender<Heard>) -> io::Result<Infallible> {
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
