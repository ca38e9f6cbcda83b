//! A socket in the state directory by which people at the machine speak with the running agent.
//!
//! One line of JSON in, one line of text back. Who may: whoever may write to the socket, which is the agent's user, its
//! group and root. The group may pass through the state directory to it, and read nothing there.

use serde::{Deserialize, Serialize};
use shared::ids::DoorId;
use std::io;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::time::Duration;
use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader};
use tokio::net::{UnixListener, UnixStream};
use tokio::sync::{mpsc, oneshot};
use tokio::time::timeout;

const FILE: &str = "control.sock";
const LONGEST_LINE: u64 = 1024;
const PATIENCE: Duration = Duration::from_secs(5);

/// What people ask of the running agent.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum Ask {
    /// Release a door's lock once.
    Open(DoorId),
    /// Let a door's lock rest again.
    Release(DoorId),
    /// Tell how things are.
    Status,
}

/// A question and where its answer goes.
#[derive(Debug)]
pub struct Question {
    /// What is asked.
    pub ask: Ask,
    /// The answer, as one line of text or several.
    pub answer: oneshot::Sender<String>,
}

/// The socket of a running agent; removed when dropped.
#[derive(Debug)]
pub struct Control {
    path: PathBuf,
    /// What is asked.
    pub questions: mpsc::Receiver<Question>,
}

impl Control {
    /// Listens in this state directory, which is locked against a second agent.
    ///
    /// # Errors
    /// If the socket cannot be made.
    pub fn listen(state_dir: &Path) -> io::Result<Self> {
        let path = state_dir.join(FILE);
        match std::fs::remove_file(&path) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
            Ok(()) | Err(_) => {}
        }
        let listener = UnixListener::bind(&path)?;
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o660))?;
        let (asked, questions) = mpsc::channel(8);
        tokio::spawn(accept(listener, asked));
        Ok(Self { path, questions })
    }
}

impl Control {
    /// One that nobody can speak to: the state directory cannot be written.
    #[must_use]
    pub fn deaf(state_dir: &Path) -> Self {
        let (_, questions) = mpsc::channel(1);
        Self {
            path: state_dir.join(FILE),
            questions,
        }
    }
}

impl Drop for Control {
    fn drop(&mut self) {
        // The next run replaces it.
        drop(std::fs::remove_file(&self.path));
    }
}

/// Asks the running agent; none if none is running.
///
/// # Errors
/// If it is there and does not answer.
pub async fn ask(state_dir: &Path, ask: &Ask) -> io::Result<Option<String>> {
    let mut stream = match UnixStream::connect(state_dir.join(FILE)).await {
        Ok(stream) => stream,
        Err(error)
            if matches!(
                error.kind(),
                io::ErrorKind::NotFound | io::ErrorKind::ConnectionRefused
            ) =>
        {
            return Ok(None);
        }
        Err(error) => return Err(error),
    };
    let line = serde_json::to_string(ask).expect("plain data is JSON");
    let exchange = async {
        stream.write_all(format!("{line}\n").as_bytes()).await?;
        let mut answer = String::new();
        stream.read_to_string(&mut answer).await?;
        Ok(answer)
    };
    timeout(PATIENCE, exchange)
        .await
        .map_err(|_| io::Error::from(io::ErrorKind::TimedOut))?
        .map(Some)
}

async fn accept(listener: UnixListener, asked: mpsc::Sender<Question>) {
    loop {
        tokio::select! {
            () = asked.closed() => return,
            connection = listener.accept() => match connection {
                Ok((stream, _)) => {
                    tokio::spawn(timeout(PATIENCE, serve(stream, asked.clone())));
                }
                Err(error) => tracing::warn!(reason = %error, "somebody could not be let in to the control socket"),
            },
        }
    }
}

async fn serve(stream: UnixStream, asked: mpsc::Sender<Question>) -> io::Result<()> {
    let (read, mut write) = stream.into_split();
    let mut line = String::new();
    BufReader::new(read.take(LONGEST_LINE))
        .read_line(&mut line)
        .await?;
    let text = match serde_json::from_str(&line) {
        Ok(ask) => {
            let (answer, answered) = oneshot::channel();
            let taken = asked.send(Question { ask, answer }).await.is_ok();
            if taken {
                answered.await.unwrap_or_default()
            } else {
                String::new()
            }
        }
        Err(error) => format!("not a question: {error}"),
    };
    write.write_all(text.as_bytes()).await
}

#[cfg(test)]
mod tests {
    #[test]
    fn the_group_comes_to_the_socket_through_the_folder_that_the_package_makes() {
        let unit = include_str!("../packaging/door-agent.service");
        let folder = include_str!("../packaging/tmpfiles.conf");
        let line = |text: &'static str, start: &str| {
            let line = text.lines().find(|line| line.starts_with(start));
            line.expect("it is said")
        };
        assert_eq!(line(unit, "StateDirectoryMode="), "StateDirectoryMode=0710");
        let folder = line(folder, "d /var/lib/door-agent ");
        assert_eq!(folder, "d /var/lib/door-agent 0710 door-agent door-agent");
    }
}
