//! Changes as they happen: server-sent events.

use std::collections::VecDeque;
use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;

use alpacalert_api::ChangeEvent;
use alpacalert_model::Graph;
use axum::extract::rejection::QueryRejection;
use axum::extract::{Query, State};
use axum::http::{HeaderMap, StatusCode};
use axum::response::sse::{Event, KeepAlive, Sse};
use futures_util::{Stream, StreamExt as _, stream};
use serde::Deserialize;
use tokio::sync::watch;

use super::convert::find;
use super::log::{EventLog, without_reason};
use super::nodes::asked;
use super::{Api, Problem, problem};
use crate::{Live, Viewer};

/// Proxies commonly drop what is silent for 30 to 60 seconds.
const ALIVE: Duration = Duration::from_secs(15);

/// How many changes a reader is given at a time; the rest stays in the log and takes no memory of its own.
const AT_A_TIME: usize = 64;

/// The query of the stream.
#[derive(Debug, Deserialize)]
pub(super) struct Wanted {
    services: Option<bool>,
}

pub(super) async fn stream(
    State(api): State<Api>,
    viewer: Viewer,
    headers: HeaderMap,
    query: Result<Query<Wanted>, QueryRejection>,
) -> Result<Sse<impl Stream<Item = Result<Event, Infallible>>>, Problem> {
    let wanted = asked(query)?;
    let log = match viewer {
        Viewer::Public => api.public_log,
        Viewer::Scoped(_) | Viewer::Operator => api.log,
    };
    let newest = log.newest();
    let last = *newest.borrow();
    let mut reader = Reader {
        last,
        newest,
        log,
        live: api.live,
        viewer,
        services: wanted.services.unwrap_or(false),
        // Said at once, so that a reader knows that it is connected, and where it resumes from if nothing ever happens.
        ready: VecDeque::new(),
    };
    reader.ready.push_back(reader.hello());
    if let Some(id) = headers.get("last-event-id") {
        let text = id.to_str().unwrap_or_default();
        reader.resume(text)?;
    }
    let events = stream::unfold(reader, |mut reader| async {
        let event = reader.next().await?;
        Some((Ok(event), reader))
    });
    let events = events.chain(stream::once(async { Ok(ending()) }));
    Ok(Sse::new(events).keep_alive(KeepAlive::new().interval(ALIVE)))
}

type Numbered = Vec<(u64, Arc<ChangeEvent>)>;

/// One reader's place in the log.
struct Reader {
    live: Live,
    viewer: Viewer,
    log: Arc<EventLog>,
    newest: watch::Receiver<u64>,
    /// The number of the newest change that was looked at.
    last: u64,
    services: bool,
    ready: VecDeque<Event>,
}

impl Reader {
    fn hello(&self) -> Event {
        Event::default()
            .event("hello")
            .id(self.id(self.last))
            .data("{}")
    }

    fn id(&self, number: u64) -> String {
        format!("{}-{number}", self.log.run)
    }

    /// Goes back to what a reader saw last. What another run of the program told cannot be caught up with.
    fn resume(&mut self, id: &str) -> Result<(), Problem> {
        let wrong = || {
            problem(
                StatusCode::BAD_REQUEST,
                "Last-Event-ID is none of this instance's",
            )
        };
        let (run, number) = id.split_once('-').ok_or_else(wrong)?;
        let number: u64 = number.parse().map_err(|_| wrong())?;
        if run == self.log.run && number <= self.last {
            self.last = number;
            self.ready.clear();
        } else {
            self.ready.push_back(missed(None));
        }
        Ok(())
    }

    /// Waits for the next event; `None` when the instance is about to end.
    async fn next(&mut self) -> Option<Event> {
        loop {
            if let Some(event) = self.ready.pop_front() {
                return Some(event);
            }
            let unseen = self.log.after(self.last, AT_A_TIME);
            if unseen.missed > 0 {
                self.last += unseen.missed;
                return Some(missed(Some(unseen.missed)).id(self.id(self.last)));
            }
            if unseen.changes.is_empty() {
                let stopping = self.live.stopping();
                let changed = stopping.run_until_cancelled(self.newest.changed());
                changed.await?.ok()?;
                continue;
            }
            for (number, change) in self.visible(unseen.changes).await? {
                self.last = number;
                if let Some(change) = change
                    && (change.service || !self.services)
                {
                    self.ready.push_back(self.event(number, &change));
                }
            }
        }
    }

    /// The same changes, each as the viewer may see it, if at all. `None` when the engine has ended.
    async fn visible(&self, changes: Numbered) -> Option<Vec<(u64, Option<Arc<ChangeEvent>>)>> {
        if !matches!(self.viewer, Viewer::Scoped(_)) {
            let all = changes.into_iter();
            return Some(all.map(|(number, change)| (number, Some(change))).collect());
        }
        let viewer = self.viewer.clone();
        let look = move |graph: &Graph, change: Arc<ChangeEvent>| {
            let node = find(graph, &change.node)?;
            if viewer.sees(node) {
                return Some(change);
            }
            let listed = change.service && viewer.lists(node);
            listed.then(|| Arc::new(without_reason(ChangeEvent::clone(&change))))
        };
        self.live
            .query(move |graph| {
                let changes = changes.into_iter();
                changes
                    .map(|(number, change)| (number, look(graph, change)))
                    .collect()
            })
            .await
    }

    fn event(&self, number: u64, change: &ChangeEvent) -> Event {
        let data = serde_json::to_string(change).unwrap_or_default();
        Event::default()
            .event("change")
            .id(self.id(number))
            .data(data)
    }
}

/// The last word of a stream: the instance is about to end, and whoever wants to know more asks again, there or elsewhere. It
/// has no number: what was seen last stays so.
pub(super) fn ending() -> Event {
    Event::default().event("ending").data("{}")
}

/// A reader was away for too long, or the program was started again: it should ask for everything anew.
fn missed(count: Option<u64>) -> Event {
    let data = serde_json::json!({ "missed": count });
    Event::default().event("missed").data(data.to_string())
}
