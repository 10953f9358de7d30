//! Asking a server to continue with TLS.

use alpacalert_instrument::Reason;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};

use crate::net::{self, Trouble, excerpt};

const STARTTLS: Reason = Reason::fixed("starttls");

/// The longest line and the most lines of a server that are read: RFC 5321, section 4.5.3.1 allows 512 bytes and sets no number.
const LINE_BYTES: usize = 4096;
const LINES: usize = 100;

/// A protocol that begins in the clear and continues with TLS when asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Starttls {
    Smtp,
    Imap,
    Postgres,
}

impl Starttls {
    pub(super) const WORDS: [&'static str; 3] = ["smtp", "imap", "postgres"];

    pub(super) fn parse(word: &str) -> Option<Starttls> {
        match word {
            "smtp" => Some(Starttls::Smtp),
            "imap" => Some(Starttls::Imap),
            "postgres" => Some(Starttls::Postgres),
            _ => None,
        }
    }

    /// Asks; afterwards the next byte from the server belongs to the handshake.
    pub(super) async fn ask<S>(self, stream: &mut S) -> Result<(), Trouble>
    where
        S: AsyncRead + AsyncWrite + Unpin,
    {
        match self {
            Starttls::Smtp => smtp(stream).await,
            Starttls::Imap => imap(stream).await,
            Starttls::Postgres => postgres(stream).await,
        }
    }
}

/// RFC 3207.
async fn smtp<S: AsyncRead + AsyncWrite + Unpin>(stream: &mut S) -> Result<(), Trouble> {
    smtp_reply(stream, "220").await?;
    send(stream, b"EHLO alpacalert.invalid\r\n").await?;
    smtp_reply(stream, "250").await?;
    send(stream, b"STARTTLS\r\n").await?;
    smtp_reply(stream, "220").await
}

/// A reply of one or more lines, of which all but the last have a hyphen after the code.
async fn smtp_reply<S: AsyncRead + Unpin>(stream: &mut S, code: &str) -> Result<(), Trouble> {
    for _ in 0..LINES {
        let line = line(stream).await?;
        if !line.starts_with(code.as_bytes()) {
            return Err(refused(&line));
        }
        if line.get(3) != Some(&b'-') {
            return Ok(());
        }
    }
    Err(endless())
}

/// RFC 9051, section 6.2.1.
async fn imap<S: AsyncRead + AsyncWrite + Unpin>(stream: &mut S) -> Result<(), Trouble> {
    let greeting = line(stream).await?;
    if !greeting.starts_with(b"* OK") {
        return Err(refused(&greeting));
    }
    send(stream, b"a STARTTLS\r\n").await?;
    for _ in 0..LINES {
        let line = line(stream).await?;
        if line.starts_with(b"a OK") {
            return Ok(());
        }
        if !line.starts_with(b"* ") {
            return Err(refused(&line));
        }
    }
    Err(endless())
}

/// PostgreSQL's SSLRequest: the length, 8, and the code 80877103; the answer is one byte, `S` or `N`.
/// Source: PostgreSQL documentation, "Message Formats".
async fn postgres<S: AsyncRead + AsyncWrite + Unpin>(stream: &mut S) -> Result<(), Trouble> {
    let mut request = [0; 8];
    request[..4].copy_from_slice(&8_u32.to_be_bytes());
    request[4..].copy_from_slice(&80_877_103_u32.to_be_bytes());
    send(stream, &request).await?;
    match byte(stream).await? {
        b'S' => Ok(()),
        other => Err(refused(&[other])),
    }
}

async fn send<S: AsyncWrite + Unpin>(stream: &mut S, bytes: &[u8]) -> Result<(), Trouble> {
    let sent = stream.write_all(bytes).await;
    sent.map_err(|error| net::broken(error, "asking for STARTTLS"))
}

/// One line, read byte by byte: what follows the last one belongs to the handshake and must stay unread.
async fn line<S: AsyncRead + Unpin>(stream: &mut S) -> Result<Vec<u8>, Trouble> {
    let mut line = Vec::new();
    while line.len() < LINE_BYTES {
        match byte(stream).await? {
            b'\n' => return Ok(line),
            byte => line.push(byte),
        }
    }
    Err(endless())
}

async fn byte<S: AsyncRead + Unpin>(stream: &mut S) -> Result<u8, Trouble> {
    let read = stream.read_u8().await;
    read.map_err(|error| net::broken(error, "waiting for the answer to STARTTLS"))
}

fn refused(line: &[u8]) -> Trouble {
    Trouble::target(
        STARTTLS,
        format!(
            "the server does not start TLS: it answered `{}`",
            excerpt(line)
        ),
    )
}

fn endless() -> Trouble {
    Trouble::target(
        STARTTLS,
        "the server does not start TLS: its answer has no end",
    )
}
