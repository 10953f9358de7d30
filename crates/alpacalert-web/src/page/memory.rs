//! What is remembered, as the pages ask for it; without a memory they show the present alone.

use std::collections::HashMap;
use std::time::Duration;

use alpacalert_model::{NodeId, Timestamp};
use alpacalert_store::{
    Incident, Past, PastTransition, Series, Store, StoreError, StoreStatus, Uptime, Wanted,
};
use futures_util::future::join_all;
use maud::Markup;
use tokio::sync::Mutex;
use tokio::time::Instant;

use super::bars;
use super::trouble::Trouble;
use crate::Live;

/// A length of time to look back.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Span {
    Hour,
    Day,
    Week,
    Quarter,
}

impl Span {
    pub(crate) const ALL: [Span; 4] = [Span::Hour, Span::Day, Span::Week, Span::Quarter];

    /// As it stands in addresses, and on the page.
    pub(crate) const fn as_str(self) -> &'static str {
        match self {
            Span::Hour => "1h",
            Span::Day => "24h",
            Span::Week => "7d",
            Span::Quarter => "90d",
        }
    }

    /// In words.
    pub(crate) const fn words(self) -> &'static str {
        match self {
            Span::Hour => "1 hour",
            Span::Day => "24 hours",
            Span::Week => "7 days",
            Span::Quarter => "90 days",
        }
    }

    pub(crate) fn parse(word: &str) -> Option<Span> {
        Span::ALL.into_iter().find(|span| span.as_str() == word)
    }

    pub(crate) const fn seconds(self) -> i64 {
        match self {
            Span::Hour => 3_600,
            Span::Day => 86_400,
            Span::Week => 7 * 86_400,
            Span::Quarter => 90 * 86_400,
        }
    }

    /// How many bars show it: half hours, or days, where it has them.
    const fn bars(self) -> usize {
        match self {
            Span::Hour => 60,
            Span::Day => 48,
            Span::Week => 84,
            Span::Quarter => 90,
        }
    }

    /// How long an answer about it is good for: what everybody looks at is not asked more often. The longer the time, the less a
    /// minute changes.
    const fn kept(self) -> Duration {
        Duration::from_secs(match self {
            Span::Hour => 5,
            Span::Day => 20,
            Span::Week => 60,
            Span::Quarter => 120,
        })
    }

    /// When it began.
    pub(crate) fn before(self, to: Timestamp) -> Timestamp {
        let from = to.as_second().saturating_sub(self.seconds());
        Timestamp::from_second(from).unwrap_or(Timestamp::MIN)
    }
}

/// How a node was over a time.
pub(crate) struct PastOf {
    pub(crate) from: Timestamp,
    pub(crate) to: Timestamp,
    pub(crate) parts: Vec<Uptime>,
    pub(crate) series: Vec<Series>,
    pub(crate) changes: Vec<PastTransition>,
}

/// Bars by identity.
pub(crate) type Strips = HashMap<String, Markup>;

/// The most answers that are kept: those of a few hundred services.
const KEPT_MAX: usize = 2_000;

type Answers = HashMap<(NodeId, Span), (Instant, Vec<Uptime>)>;

/// What is remembered.
pub(crate) struct Memory {
    live: Live,
    answers: Mutex<Answers>,
    /// Held by who asks about many nodes.
    pub(crate) gate: Mutex<()>,
}

impl Memory {
    pub(crate) fn new(live: Live) -> Self {
        Memory {
            live,
            answers: Mutex::default(),
            gate: Mutex::default(),
        }
    }

    fn store(&self) -> Option<&Store> {
        self.live.history()
    }

    /// How a node spent the time until a moment; `None` without a memory, and while it cannot be asked.
    pub(crate) async fn uptime(
        &self,
        node: &NodeId,
        span: Span,
        at: Option<Timestamp>,
    ) -> Option<Vec<Uptime>> {
        let history = self.store()?;
        let key = (node.clone(), span);
        let present = at.is_none();
        if present
            && let Some((made, parts)) = self.answers.lock().await.get(&key)
            && made.elapsed() < span.kept()
        {
            return Some(parts.clone());
        }
        let to = at.unwrap_or_else(Timestamp::now);
        let asked = history.uptime(node.clone(), span.before(to), to, span.bars());
        let parts = asked.await.ok()?;
        if present {
            let mut answers = self.answers.lock().await;
            if answers.len() >= KEPT_MAX {
                answers.retain(|(_, span), (made, _)| made.elapsed() < span.kept());
            }
            answers.insert(key, (Instant::now(), parts.clone()));
        }
        Some(parts)
    }

    /// The last day of each of these.
    pub(crate) async fn strips<'a>(
        &self,
        at: Option<Timestamp>,
        nodes: impl Iterator<Item = &'a NodeId>,
    ) -> Strips {
        // All at once: the store answers a few at a time, and whoever comes meanwhile waits for the same answers.
        let _gate = self.gate.lock().await;
        let asked = nodes.map(async |node| {
            let parts = self.uptime(node, Span::Day, at).await?;
            let label = bars::label(&parts, Span::Day.words());
            Some((node.to_string(), bars::bars(&parts, &label)))
        });
        let strips = join_all(asked).await;
        strips.into_iter().flatten().collect()
    }

    /// Everything as it was at a moment.
    pub(crate) async fn graph(&self, at: Timestamp) -> Result<Past, Trouble> {
        let store = self.store();
        let store = store.ok_or_else(|| Trouble::forgotten("this instance keeps no history"))?;
        let past = store.graph_at(at).await;
        let past = past.map_err(|error| Trouble::forgotten(cannot(&error)))?;
        past.ok_or_else(|| Trouble::forgotten("that is before all that is remembered"))
    }

    /// How a node was; `None` without a memory.
    pub(crate) async fn past_of(
        &self,
        node: &NodeId,
        span: Span,
        at: Option<Timestamp>,
    ) -> Option<PastOf> {
        /// One for every four pixels of a wide screen.
        const POINTS: usize = 240;
        /// More are on the page of the past.
        const CHANGES: usize = 30;
        let store = self.store()?;
        let parts = self.uptime(node, span, at).await?;
        let to = at.unwrap_or_else(Timestamp::now);
        let from = span.before(to);
        let series = store.measurements(node.clone(), from, to, POINTS).await;
        let wanted = Wanted {
            node: Some(node.clone()),
            services: false,
            from,
            to,
            limit: CHANGES,
        };
        Some(PastOf {
            from,
            to,
            parts,
            series: series.unwrap_or_default(),
            changes: store.transitions(wanted).await.unwrap_or_default(),
        })
    }

    /// Changes of state, the newest first; or why there are none to tell.
    pub(crate) async fn transitions(&self, wanted: Wanted) -> Result<Vec<PastTransition>, String> {
        let store = self.store().ok_or("This instance keeps no history.")?;
        store
            .transitions(wanted)
            .await
            .map_err(|error| cannot(&error))
    }

    /// The times in which services were not Passing; `None` without a memory.
    pub(crate) async fn incidents(&self, from: Timestamp, to: Timestamp) -> Option<Vec<Incident>> {
        const INCIDENTS: usize = 500;
        self.store()?
            .incidents(from, to, None, INCIDENTS)
            .await
            .ok()
    }

    /// How the remembering goes.
    pub(crate) fn status(&self) -> Option<StoreStatus> {
        self.store().map(Store::status)
    }
}

/// What a reader of the page is told; the log has the rest.
fn cannot(error: &StoreError) -> String {
    tracing::warn!("cannot read the history: {}", error.chain());
    "the history cannot be read now; the page of the instance itself says more".to_owned()
}
