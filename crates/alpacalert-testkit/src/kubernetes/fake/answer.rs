//! The answers of the API server that fails on purpose: enough of HTTP/1.1 for them.

use std::io;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use serde_json::json;
use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader};
use tokio::net::TcpStream;
use tokio::sync::broadcast;

use super::{Signal, State};

/// Answers the requests of one connection.
pub(super) async fn serve(
    stream: TcpStream,
    state: Arc<Mutex<State>>,
    signals: broadcast::Sender<Signal>,
) {
    let mut stream = BufReader::new(stream);
    loop {
        let mut first = String::new();
        if stream.read_line(&mut first).await.unwrap_or(0) == 0 {
            return;
        }
        loop {
            let mut header = String::new();
            if stream.read_line(&mut header).await.unwrap_or(0) == 0 || header == "\r\n" {
                break;
            }
        }
        let target = first.split_whitespace().nth(1).unwrap_or("/").to_owned();
        let asked = Asked::new(target);
        if asked
            .answer(stream.get_mut(), &state, &signals)
            .await
            .is_err()
        {
            return;
        }
    }
}

/// What somebody wants to know.
struct Asked {
    target: String,
    plural: String,
    watch: bool,
    /// Whether the watch begins with the objects there are.
    from_start: bool,
    version: u64,
    /// Of a list that comes in pieces: how many objects were told already.
    skip: usize,
}

/// What there is to say.
struct Answer {
    refusal: Option<u16>,
    date: String,
    body: String,
    truncated: bool,
    pause: Duration,
}

impl Asked {
    fn new(target: String) -> Asked {
        let (path, query) = target.split_once('?').unwrap_or((&target, ""));
        let version = query
            .split('&')
            .find_map(|part| part.strip_prefix("resourceVersion="));
        // What the token of a piece says, as it is written in a request.
        let skip = query
            .split('&')
            .find_map(|part| part.strip_prefix("continue=from%3D"))
            .and_then(|rest| rest.strip_suffix("%26%3D"));
        Asked {
            skip: skip.and_then(|skip| skip.parse().ok()).unwrap_or(0),
            plural: path.rsplit('/').next().unwrap_or_default().to_owned(),
            watch: query.contains("watch=true"),
            from_start: query.contains("sendInitialEvents=true"),
            version: version.and_then(|v| v.parse().ok()).unwrap_or(0),
            target,
        }
    }

    fn look(&self, state: &Mutex<State>) -> Answer {
        let mut state = state.lock().unwrap_or_else(PoisonError::into_inner);
        state.requests.push(self.target.clone());
        let oldest = state.oldest.get(&self.plural).copied().unwrap_or(0);
        let refusal = match state.refused.get(&self.plural) {
            Some(status) => Some(*status),
            None if self.watch && self.from_start && !state.streams => Some(422),
            None if self.watch && !self.from_start && self.version < oldest => Some(410),
            None => None,
        };
        let date = state.date.as_ref();
        let date = date.map(|date| format!("date: {date}\r\n"));
        let truncated = match state.truncated.iter().position(|of| *of == self.plural) {
            Some(at) if !self.watch || self.from_start => {
                state.truncated.remove(at);
                true
            }
            _ => false,
        };
        let body = match refusal {
            Some(status) => json!({"kind": "Status", "code": status, "message": format!("{} is refused with {status}", self.plural)}).to_string(),
            None if self.watch => self.events(&state),
            None => self.list(&state),
        };
        Answer {
            refusal,
            date: date.unwrap_or_default(),
            body,
            truncated,
            pause: state.slow.get(&self.plural).copied().unwrap_or_default(),
        }
    }

    fn list(&self, state: &State) -> String {
        let objects = state.objects.get(&self.plural);
        let all = objects.map_or(0, |objects| objects.len());
        let piece = state.piece.unwrap_or(usize::MAX);
        let rest = match self.skip.saturating_add(piece) {
            end if end < all => format!(",\"continue\":\"from={end}&=\""),
            _ => String::new(),
        };
        let mut body = format!(
            "{{\"kind\":\"List\",\"apiVersion\":\"v1\",\"metadata\":{{\"resourceVersion\":\"{}\"{rest}}},\"items\":[",
            state.version
        );
        let objects = objects.into_iter().flat_map(|t| t.values());
        for (index, text) in objects.skip(self.skip).take(piece).enumerate() {
            if index > 0 {
                body.push(',');
            }
            body.push_str(text);
        }
        body.push_str("]}");
        body
    }

    /// What has happened since, or everything there is.
    fn events(&self, state: &State) -> String {
        let mut body = String::new();
        if self.from_start {
            let objects = state.objects.get(&self.plural);
            for text in objects.into_iter().flat_map(|table| table.values()) {
                body.push_str("{\"type\":\"ADDED\",\"object\":");
                body.push_str(text);
                body.push_str("}\n");
            }
            let bookmark = json!({"type": "BOOKMARK", "object": {"metadata": {"resourceVersion": state.version.to_string(), "annotations": {"k8s.io/initial-events-end": "true"}}}});
            body.push_str(&format!("{bookmark}\n"));
            return body;
        }
        for (then, of, line) in &state.log {
            if *then > self.version && **of == *self.plural {
                body.push_str(line);
            }
        }
        body
    }

    async fn answer(
        &self,
        stream: &mut TcpStream,
        state: &Mutex<State>,
        signals: &broadcast::Sender<Signal>,
    ) -> io::Result<()> {
        // Subscribed before the state is read, so that nothing falls between the two.
        let mut told = signals.subscribe();
        while_it_hangs(state).await;
        let answer = self.look(state);
        tokio::time::sleep(answer.pause).await;
        let body = answer.body.as_bytes();
        let sent = if answer.truncated {
            &body[..body.len() / 2]
        } else {
            body
        };
        let head = format!("{}content-type: application/json\r\n", answer.date);
        if answer.refusal.is_some() || !self.watch {
            let status = answer.refusal.unwrap_or(200);
            let head = format!(
                "HTTP/1.1 {status} Answered\r\n{head}content-length: {}\r\n\r\n",
                body.len()
            );
            stream.write_all(head.as_bytes()).await?;
            stream.write_all(sent).await?;
        } else {
            let head = format!("HTTP/1.1 200 OK\r\n{head}transfer-encoding: chunked\r\n\r\n");
            stream.write_all(head.as_bytes()).await?;
            chunk(stream, sent).await?;
        }
        if answer.truncated {
            return Err(io::ErrorKind::ConnectionAborted.into());
        }
        if answer.refusal.is_some() || !self.watch {
            return Ok(());
        }
        loop {
            let heard = told.recv().await;
            while_it_hangs(state).await;
            match heard {
                Ok(Signal::Text(of, text)) if *of == *self.plural => {
                    chunk(stream, text.as_bytes()).await?
                }
                Ok(Signal::Text(..)) => {}
                Ok(Signal::Cut(Some(of))) if *of != *self.plural => {}
                // The connection is dropped in the middle of the answer; so is that of somebody who reads too slowly.
                Ok(Signal::Cut(_)) | Err(_) => return Err(io::ErrorKind::ConnectionAborted.into()),
            }
        }
    }
}

/// Waits while the server stands still.
async fn while_it_hangs(state: &Mutex<State>) {
    while state.lock().unwrap_or_else(PoisonError::into_inner).hangs {
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

async fn chunk(stream: &mut TcpStream, text: &[u8]) -> io::Result<()> {
    if text.is_empty() {
        return Ok(());
    }
    let head = format!("{:x}\r\n", text.len());
    stream.write_all(head.as_bytes()).await?;
    stream.write_all(text).await?;
    stream.write_all(b"\r\n").await
}
