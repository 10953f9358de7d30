//! A server that says one thing, for what a real one cannot be made to say.

use std::sync::{Arc, Mutex};

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;
use tokio::task::JoinHandle;

/// Answers every request with the same bytes, and keeps what it was asked.
pub(crate) struct Says {
    /// Where it listens.
    pub(crate) url: String,
    asked: Arc<Mutex<Vec<String>>>,
    task: JoinHandle<()>,
}

impl Says {
    pub(crate) async fn start(status: &str, body: impl Into<Vec<u8>>) -> Says {
        let body = body.into();
        let head = format!(
            "HTTP/1.1 {status}\r\ncontent-length: {}\r\n\r\n",
            body.len()
        );
        let answer = [head.into_bytes(), body].concat();
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
        let address = listener.local_addr().expect("an address");
        let asked = Arc::new(Mutex::new(Vec::new()));
        let log = asked.clone();
        let task = tokio::spawn(async move {
            while let Ok((mut stream, _)) = listener.accept().await {
                let mut request = vec![0; 4096];
                let length = stream.read(&mut request).await.unwrap_or(0);
                let text = String::from_utf8_lossy(&request[..length]).into_owned();
                log.lock().expect("nobody panicked").push(text);
                // Who asked may have gone.
                let _ = stream.write_all(&answer).await;
            }
        });
        Says {
            url: format!("http://{address}/api/prometheus/grafana/api/v1/rules"),
            asked,
            task,
        }
    }

    /// The requests so far.
    pub(crate) fn asked(&self) -> Vec<String> {
        self.asked.lock().expect("nobody panicked").clone()
    }
}

impl Drop for Says {
    fn drop(&mut self) {
        self.task.abort();
    }
}
