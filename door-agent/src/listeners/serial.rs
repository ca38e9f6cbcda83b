//! Readers on a serial line that write by themselves.

use super::Post;
use crate::config::Format;
use crate::readers::parser;
use std::convert::Infallible;
use std::io;
use std::path::Path;
use tokio::io::{AsyncRead, AsyncReadExt};
use tokio_serial::{SerialPortBuilderExt, SerialStream};

pub(super) async fn listen(
    device: &Path,
    format: Format,
    baud: u32,
    post: &mut Post,
) -> io::Result<Infallible> {
    let port = open(device, baud)?;
    post.there().await;
    read(port, format, post).await
}

pub(super) fn open(device: &Path, baud: u32) -> io::Result<SerialStream> {
    let path = device
        .to_str()
        .ok_or_else(|| io::Error::other("the device's name is not text"))?;
    Ok(tokio_serial::new(path, baud).open_native_async()?)
}

async fn read(
    mut port: impl AsyncRead + Unpin,
    format: Format,
    post: &Post,
) -> io::Result<Infallible> {
    let (mut parser, mut bytes, mut reads) = (parser(format), [0; 256], Vec::new());
    loop {
        let count = port.read(&mut bytes).await?;
        if count == 0 {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        parser.push(&bytes[..count], &mut reads);
        post.tell(&mut reads).await;
    }
}
