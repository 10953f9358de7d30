//! What the instance remembers: everything that changes, and now and then what is measured.

use std::fmt;
use std::time::Duration;

use alpacalert::Observer;
use alpacalert_model::{Graph, NodeId, NodeKey, NodeRef, Timestamp, Transition};
use alpacalert_store::Store;
use alpacalert_visualise::{Headline, View};
use jiff::tz::TimeZone;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use crate::Live;

/// How often measurements are kept, beside those at which a state changes.
const SAMPLE_EVERY: Duration = Duration::from_secs(60);

/// Nodes that are looked at between two batches of changes: well under a millisecond.
const PART: usize = 1000;

/// How long a batch of changes may be held up to explain the services in it.
const EXPLAINING: Duration = Duration::from_millis(2);

/// A source that has not answered after this long does not keep us from telling which nodes went while the program did not run.
const SETTLED_AFTER: Duration = Duration::from_secs(600);

/// Tells a [`Store`] what happens. Its place is [`alpacalert::Settings::observer`].
#[derive(Clone)]
pub struct Remember(pub Store);

impl fmt::Debug for Remember {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl Observer for Remember {
    fn changed(
        &self,
        graph: &Graph,
        transitions: &[Transition],
        touched: &[NodeId],
        now: Timestamp,
    ) {
        let begun = Instant::now();
        let view = view(graph, now);
        self.0
            .record_saying(graph, transitions, touched, now, |service| {
                // In a storm the first services are explained; the others say how many of their members are how.
                (begun.elapsed() < EXPLAINING).then(|| cause(&view, service))?
            });
    }

    fn maintained(&self, graph: &Graph, nodes: &[NodeKey], now: Timestamp) {
        let begun = Instant::now();
        let view = view(graph, now);
        self.0.record_maintained(graph, nodes, now, |service| {
            (begun.elapsed() < EXPLAINING).then(|| cause(&view, service))?
        });
    }
}

/// Without roots: single nodes are looked at.
fn view(graph: &Graph, now: Timestamp) -> View<'_> {
    View {
        graph,
        roots: Vec::new(),
        instance: String::new(),
        now,
        zone: TimeZone::UTC,
        began: None,
    }
}

/// Why a service is not well, and whose that is, in one sentence.
fn cause(view: &View<'_>, service: NodeRef<'_>) -> Option<String> {
    let headline = Headline::of(view, service);
    if headline.why.is_empty() {
        return None;
    }
    Some(match headline.whose {
        Some(whose) => format!("{}: {}", whose.as_str(), headline.why),
        None => headline.why,
    })
}

impl Remember {
    /// Keeps measurements until told to stop, and tells once how everything is when every source has been asked.
    pub async fn run(self, live: Live, stop: CancellationToken) {
        let begun = Instant::now();
        let mut settled = false;
        let mut sampled = begun;
        while !stop.is_cancelled() {
            tokio::select! {
                () = stop.cancelled() => return,
                () = tokio::time::sleep(Duration::from_secs(1)) => {}
            }
            if !settled && (begun.elapsed() > SETTLED_AFTER || all_asked(&live).await) {
                let store = self.0.clone();
                let told =
                    live.query(move |graph| store.record_everything(graph, Timestamp::now()));
                settled = told.await.is_some();
            }
            if sampled.elapsed() >= SAMPLE_EVERY {
                sampled = Instant::now();
                self.sample(&live).await;
            }
        }
    }

    async fn sample(&self, live: &Live) {
        let now = Timestamp::now();
        for skip in (0..).step_by(PART) {
            let store = self.0.clone();
            let more = live.query(move |graph| store.sample(graph, skip, PART, now));
            if more.await != Some(true) {
                return;
            }
        }
    }
}

async fn all_asked(live: &Live) -> bool {
    live.sources().await.iter().all(|source| source.asked)
}
