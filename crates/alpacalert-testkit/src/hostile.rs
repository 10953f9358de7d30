//! Servers that do what no server should.

use std::net::SocketAddr;
use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::{JoinHandle, JoinSet};

/// What a hostile server does to everybody who connects.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Trick {
    /// Accepts and says nothing.
    Silent,
    /// Closes at once.
    Close,
    /// Resets the connection after the request.
    Reset,
    /// Sends this after the request, and then nothing more, without closing.
    Hang(Vec<u8>),
    /// Sends this after the request, and closes.
    Answer(Vec<u8>),
    /// Sends this first, then the second again and again, as fast as it is taken.
    Endless(Vec<u8>, Vec<u8>),
    /// Sends this at one byte a second.
    Drip(Vec<u8>),
}

impl Trick {
    /// A response with a body of 10 GB.
    pub fn huge_body() -> Trick {
        Trick::Endless(
            b"HTTP/1.1 200 OK\r\ncontent-length: 10000000000\r\n\r\n".to_vec(),
            vec![b'x'; 64 * 1024],
        )
    }

    /// A response in chunks that never end.
    pub fn endless_chunks() -> Trick {
        Trick::Endless(
            b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n".to_vec(),
            b"5\r\nhello\r\n".repeat(1_000),
        )
    }

    /// A response with headers that never end.
    pub fn endless_headers() -> Trick {
        let line = format!("x-filler: {}\r\n", "y".repeat(1_000));
        Trick::Endless(b"HTTP/1.1 200 OK\r\n".to_vec(), line.into_bytes())
    }

    /// A response that redirects to itself.
    pub fn redirect_loop() -> Trick {
        Trick::Answer(
            b"HTTP/1.1 302 Found\r\nlocation: /again\r\ncontent-length: 0\r\nconnection: close\r\n\r\n".to_vec(),
        )
    }

    /// A response with a line in place of a status.
    pub fn not_http() -> Trick {
        Trick::Answer(b"220 mail.test ESMTP\r\n".to_vec())
    }

    /// A whole response at one byte a second.
    pub fn drip() -> Trick {
        Trick::Drip(b"HTTP/1.1 200 OK\r\ncontent-length: 5\r\n\r\nhello".to_vec())
    }

    /// A record that begins a TLS handshake and never continues.
    pub fn tls_stall() -> Trick {
        // A handshake record (22) of TLS 1.2 with 80 bytes to come.
        Trick::Hang(vec![22, 3, 3, 0, 80, 2])
    }

    /// A response compressed with gzip that says it holds far more than it does.
    pub fn gzip(compressed: Vec<u8>) -> Trick {
        let mut answer = format!(
            "HTTP/1.1 200 OK\r\ncontent-encoding: gzip\r\ncontent-length: {}\r\nconnection: close\r\n\r\n",
            compressed.len()
        )
        .into_bytes();
        answer.extend(compressed);
        Trick::Answer(answer)
    }
}

/// A hostile server on a free port of 127.0.0.1, on the runtime of the test; it ends when this is dropped.
#[derive(Debug)]
pub struct Hostile {
    address: SocketAddr,
    task: JoinHandle<()>,
}

impl Hostile {
    /// Starts one.
    ///
    /// # Panics
    ///
    /// When no port is free.
    pub async fn start(trick: Trick) -> Hostile {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
        let address = listener.local_addr().expect("the address of a listener");
        let task = tokio::spawn(serve(listener, trick));
        Hostile { address, task }
    }

    /// Where it listens.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// The URL of its root.
    pub fn url(&self) -> String {
        format!("http://{}/", self.address)
    }
}

impl Drop for Hostile {
    fn drop(&mut self) {
        self.task.abort();
    }
}

async fn serve(listener: TcpListener, trick: Trick) {
    let trick = std::sync::Arc::new(trick);
    // Aborted with this task.
    let mut served = JoinSet::new();
    while let Ok((stream, _)) = listener.accept().await {
        let trick = trick.clone();
        served.spawn(async move {
            // That the client goes away is its right.
            let _ = play(stream, &trick).await;
        });
        while served.try_join_next().is_some() {}
    }
}

async fn play(mut stream: TcpStream, trick: &Trick) -> std::io::Result<()> {
    match trick {
        Trick::Silent => quiet(&mut stream).await,
        Trick::Close => Ok(()),
        Trick::Reset => {
            request(&mut stream).await?;
            stream.set_zero_linger()
        }
        Trick::Hang(bytes) => {
            request(&mut stream).await?;
            stream.write_all(bytes).await?;
            quiet(&mut stream).await
        }
        Trick::Answer(bytes) => {
            request(&mut stream).await?;
            stream.write_all(bytes).await?;
            stream.shutdown().await
        }
        Trick::Endless(first, again) => {
            request(&mut stream).await?;
            stream.write_all(first).await?;
            loop {
                stream.write_all(again).await?;
            }
        }
        Trick::Drip(bytes) => {
            request(&mut stream).await?;
            for byte in bytes {
                stream.write_all(&[*byte]).await?;
                tokio::time::sleep(Duration::from_secs(1)).await;
            }
            quiet(&mut stream).await
        }
    }
}

/// Takes what the client sends first.
async fn request(stream: &mut TcpStream) -> std::io::Result<()> {
    let mut buffer = [0; 4096];
    stream.read(&mut buffer).await.map(drop)
}

/// Stays until the client goes.
async fn quiet(stream: &mut TcpStream) -> std::io::Result<()> {
    let mut buffer = [0; 4096];
    while stream.read(&mut buffer).await? > 0 {}
    Ok(())
}
