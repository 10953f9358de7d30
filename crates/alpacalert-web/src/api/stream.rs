//! Services as they change, for instances that consume them: everything once, then what is different.

use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;

use alpacalert::Change;
use alpacalert_api::{ServiceChanges, ServiceSummary, StillAlive};
use alpacalert_model::Timestamp;
use axum::extract::State;
use axum::response::sse::{Event, Sse};
use futures_util::{Stream, StreamExt as _, stream};
use tokio::sync::broadcast;
use tokio::sync::broadcast::error::RecvError;
use tokio::time::Instant;

use super::events::ending;
use super::summaries::Published;
use super::{Api, Problem};
use crate::Caller;

/// How often a reader hears that nothing is different. Readers take three times as long without a word for a cut line.
const ALIVE: Duration = Duration::from_secs(2);

/// Changes are told this long after the first of them, together: a storm costs no more than ten answers a second. Summaries
/// that were made before the change are too old by then.
const TOGETHER: Duration = Duration::from_millis(110);

/// Changes that no transition tells of, such as another owner, are found by looking this often.
const LOOK: Duration = Duration::from_secs(1);

pub(super) async fn stream(
    State(api): State<Api>,
    caller: Caller,
) -> Result<Sse<impl Stream<Item = Result<Event, Infallible>>>, Problem> {
    let mut reader = Reader {
        changes: api.live.changes(),
        told: None,
        told_at: Instant::now(),
        api,
        caller,
    };
    let first = reader.look().await.ok_or_else(Problem::ended)?;
    let rest = stream::unfold(reader, |mut reader| async {
        let event = reader.next().await?;
        Some((Ok(event), reader))
    });
    let first = stream::once(async { Ok(first.unwrap_or_default()) });
    let last = stream::once(async { Ok(ending()) });
    Ok(Sse::new(first.chain(rest).chain(last)))
}

/// One consumer, and what it was told.
struct Reader {
    api: Api,
    caller: Caller,
    changes: broadcast::Receiver<Arc<Vec<Change>>>,
    told: Option<Arc<Published>>,
    told_at: Instant,
}

impl Reader {
    /// Waits for the next event; `None` when the instance ends.
    async fn next(&mut self) -> Option<Event> {
        loop {
            self.wait().await?;
            let event = self.look().await?;
            if let Some(event) = event.or_else(|| self.alive()) {
                self.told_at = Instant::now();
                return Some(event);
            }
        }
    }

    /// Waits until something may be different.
    async fn wait(&mut self) -> Option<()> {
        let stopping = self.api.live.stopping().clone();
        let waiting = async {
            tokio::select! {
                change = self.changes.recv() => {
                    if matches!(change, Err(RecvError::Closed)) {
                        return None;
                    }
                    tokio::time::sleep(TOGETHER).await;
                    // What came meanwhile is seen in the same look.
                    while !self.changes.is_empty() {
                        let _ = self.changes.try_recv();
                    }
                }
                () = tokio::time::sleep(LOOK) => {}
            }
            Some(())
        };
        stopping.run_until_cancelled(waiting).await?
    }

    /// What is different from what was told. The outer `None` when the instance ends.
    async fn look(&mut self) -> Option<Option<Event>> {
        let newest = self
            .api
            .summaries
            .newest(&self.api.live, &self.caller)
            .await?;
        let event = match &self.told {
            None => Some(Event::default().event("services").data(text(&newest)?)),
            Some(told) if told.etag == newest.etag => return Some(None),
            // Readers know us by our name.
            Some(told) if told.list.instance != newest.list.instance => {
                Some(Event::default().event("services").data(text(&newest)?))
            }
            Some(told) => event("changed", &changes(told, &newest)),
        };
        self.told = Some(newest);
        Some(event)
    }

    fn alive(&self) -> Option<Event> {
        if self.told_at.elapsed() < ALIVE {
            return None;
        }
        let generated_at = Timestamp::now();
        event("alive", &StillAlive { generated_at })
    }
}

fn event(name: &str, data: &impl serde::Serialize) -> Option<Event> {
    let data = serde_json::to_string(data).ok()?;
    Some(Event::default().event(name).data(data))
}

fn text(published: &Published) -> Option<&str> {
    std::str::from_utf8(&published.body).ok()
}

/// Both lists are sorted by name.
fn changes(before: &Published, after: &Published) -> ServiceChanges {
    let same = |one: &ServiceSummary, other: &ServiceSummary| {
        let other = ServiceSummary {
            generated_at: one.generated_at,
            ..other.clone()
        };
        *one == other
    };
    let is_new = |summary: &&ServiceSummary| {
        let before = before.one(&summary.service);
        !before.is_some_and(|before| same(summary, before))
    };
    let gone = |summary: &&ServiceSummary| after.one(&summary.service).is_none();
    let names = before.list.services.iter().filter(gone);
    ServiceChanges {
        generated_at: after.list.generated_at,
        services: after.list.services.iter().filter(is_new).cloned().collect(),
        removed: names.map(|summary| summary.service.clone()).collect(),
    }
}
