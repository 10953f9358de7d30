//! Being told of changes, over one connection that stays open.

use std::sync::Arc;
use std::time::Duration;

use alpacalert_api::StillAlive;
use alpacalert_instrument::{Context, Reason, SensorError, Snapshot, Source as _, fetch_guarded};
use http::{HeaderValue, StatusCode, header};
use tokio::sync::mpsc;
use tokio::time::Instant;

use super::read::{self, Published};
use super::{ANSWER_MAX, Publisher, Told, refused, unreachable};
use crate::http::{Events, Opened, ServerEvent};
use crate::net::reason::CONNECTION_CLOSED;

/// A publisher says every two seconds that it is there: without a word for so long, the line is cut.
const SILENCE: Duration = Duration::from_secs(7);

/// From one attempt to reach a publisher to the next.
const AGAIN: Duration = Duration::from_secs(1);

/// A stream that lived this long had worked: when it is closed, it is taken up again before anybody is told.
const SETTLED: Duration = Duration::from_secs(5);

/// A publisher without a stream is asked for one again after this long: it may be a newer one by then.
const ASK_AGAIN: Duration = Duration::from_secs(300);

/// What nothing is different in is delivered again this often, so that it does not look forgotten.
const REFRESH: Duration = Duration::from_secs(4);

/// Changes are delivered no faster than this: each makes the configuration be assembled anew. Publishers tell no faster, either.
const PAUSE: Duration = Duration::from_millis(100);

type Deliver = mpsc::Sender<Result<Snapshot, SensorError>>;

/// How a stream ended.
enum End {
    /// Nobody wants to know any more.
    Unwanted,
    /// There is none: an older version, or something in between that lets none through.
    NotOffered,
    /// It broke.
    Lost(SensorError),
}

/// Delivers what is published until nobody wants it.
pub(super) async fn watch(publisher: &Publisher, cx: &Context, deliver: &Deliver) {
    loop {
        let begun = Instant::now();
        match follow(publisher, cx, deliver).await {
            End::Unwanted => return,
            End::NotOffered => {
                if poll(publisher, cx, deliver).await.is_none() {
                    return;
                }
            }
            // A proxy that lets nothing live for long, or a publisher that was started again.
            End::Lost(error)
                if begun.elapsed() > SETTLED && *error.reason() == CONNECTION_CLOSED => {}
            End::Lost(error) => {
                if deliver.send(Err(error)).await.is_err() {
                    return;
                }
                tokio::time::sleep(AGAIN).await;
            }
        }
    }
}

/// Asks again and again, for a while. `None` when nobody wants to know any more.
async fn poll(publisher: &Publisher, cx: &Context, deliver: &Deliver) -> Option<()> {
    let end = Instant::now() + ASK_AGAIN;
    while Instant::now() < end {
        let next = Instant::now() + publisher.interval();
        let snapshot = fetch_guarded(publisher, cx).await;
        deliver.send(snapshot).await.ok()?;
        tokio::time::sleep_until(next).await;
    }
    Some(())
}

/// Follows one stream to its end.
async fn follow(publisher: &Publisher, cx: &Context, deliver: &Deliver) -> End {
    let begun = Instant::now();
    let accept = (
        header::ACCEPT,
        HeaderValue::from_static("text/event-stream"),
    );
    let mut opened = match publisher.stream.open(Some(accept), cx).await {
        Ok(opened) => opened,
        Err(trouble) => return End::Lost(unreachable(trouble)),
    };
    if !is_stream(&opened) {
        return match opened.status {
            StatusCode::UNAUTHORIZED
            | StatusCode::FORBIDDEN
            | StatusCode::TOO_MANY_REQUESTS
            | StatusCode::SERVICE_UNAVAILABLE => End::Lost(refused(&publisher.name, opened.status)),
            // Asking tells what is there instead.
            _ => End::NotOffered,
        };
    }
    let mut following = Following {
        publisher,
        cx,
        deliver,
        published: None,
        // The first word is delivered at once.
        delivered_at: begun - PAUSE,
    };
    let mut events = Events::new(ANSWER_MAX);
    loop {
        let part = match tokio::time::timeout(SILENCE, opened.part()).await {
            Err(_) => return End::Lost(silent()),
            Ok(Err(trouble)) => return End::Lost(unreachable(trouble)),
            Ok(Ok(None)) => return End::Lost(ended()),
            Ok(Ok(Some(part))) => part,
        };
        let Ok(read) = events.take(&part) else {
            return End::Lost(too_large());
        };
        for event in read {
            if let Err(end) = following.take(event).await {
                return end;
            }
        }
    }
}

fn is_stream(opened: &Opened) -> bool {
    let kind = opened.headers.get(header::CONTENT_TYPE);
    let kind = kind.and_then(|value| value.to_str().ok()).unwrap_or("");
    opened.status == StatusCode::OK && kind.starts_with("text/event-stream")
}

struct Following<'a> {
    publisher: &'a Publisher,
    cx: &'a Context,
    deliver: &'a Deliver,
    /// What is published now, after everything that was told.
    published: Option<Arc<Published>>,
    delivered_at: Instant,
}

impl Following<'_> {
    async fn take(&mut self, event: ServerEvent) -> Result<(), End> {
        if event.name == "ending" {
            return Err(End::Lost(ending()));
        }
        let (published, is_news) = self.read(&event).map_err(End::Lost)?;
        let Some(published) = published else {
            return Ok(());
        };
        self.published = Some(published.clone());
        let believed = self.publisher.told(published);
        if !is_news && self.delivered_at.elapsed() < REFRESH {
            // Said soon enough; and what has become too old shows within the same time.
            return Ok(());
        }
        // However fast it tells: what it sends meanwhile waits on its side.
        tokio::time::sleep_until(self.delivered_at + PAUSE).await;
        let snapshot = believed.map(|published| {
            Snapshot::new(Told {
                published,
                at: self.cx.now(),
            })
        });
        self.delivered_at = Instant::now();
        let delivered = self.deliver.send(snapshot).await;
        delivered.map_err(|_| End::Unwanted)
    }

    /// What is published after an event, and whether it is different from before. `None` for an event that says nothing.
    fn read(&self, event: &ServerEvent) -> Result<(Option<Arc<Published>>, bool), SensorError> {
        let first = || {
            let text = format!("the stream begins with `{}`", event.name);
            SensorError::new(Reason::fixed("malformed"), text)
        };
        match event.name.as_str() {
            "services" => {
                let published = read::read(event.data.as_bytes())?;
                Ok((Some(Arc::new(published)), true))
            }
            "changed" => {
                let before = self.published.as_ref().ok_or_else(first)?;
                let published = read::changed(before, &event.data)?;
                Ok((Some(Arc::new(published)), true))
            }
            "alive" => {
                let before = self.published.as_ref().ok_or_else(first)?;
                let alive: StillAlive = serde_json::from_str(&event.data).map_err(|error| {
                    let text = format!("what says that nothing changed cannot be read: {error}");
                    SensorError::new(Reason::fixed("malformed"), text)
                })?;
                let mut same = Published::clone(before);
                same.generated_at = alive.generated_at;
                Ok((Some(Arc::new(same)), false))
            }
            // Later versions may have more to tell.
            _ => Ok((None, false)),
        }
    }
}

fn silent() -> SensorError {
    let text = format!("it has not said a word for {} s", SILENCE.as_secs());
    SensorError::new(Reason::TIMEOUT, text)
}

fn ended() -> SensorError {
    SensorError::new(CONNECTION_CLOSED, "it ended the stream of its services")
}

fn ending() -> SensorError {
    SensorError::new(CONNECTION_CLOSED, "it is shutting down")
}

fn too_large() -> SensorError {
    let text = format!(
        "it tells more than {} MiB at a time",
        ANSWER_MAX / 1024 / 1024
    );
    SensorError::new(Reason::fixed("too-much-output"), text)
}
