//! How the instance itself is doing, as a service like any other.

use std::sync::{Arc, OnceLock};
use std::time::Duration;

use alpacalert::SourceStatus;
use alpacalert::Stats;
use alpacalert::instrument::{
    BoxFuture, Builder, Context, InstrumentError, Request, Scope, SensorError, Snapshot, Source,
};
use alpacalert_model::{
    Effect, Limits, Measurement, Observation, Reason, ServiceInfo, State, Timestamp, Unit,
};
use alpacalert_store::{Store, StoreStatus};

use crate::Live;
use crate::live::Rejected;

/// The source of what an instance says about itself. It is made before the instance, and told of it afterwards.
#[derive(Clone, Default)]
pub struct Itself(Arc<OnceLock<Live>>);

impl Itself {
    /// The name of this source.
    pub const NAME: &'static str = alpacalert::ITSELF;

    /// What it is about, from now on.
    pub fn begin(&self, live: Live) {
        // Only the first counts: there is one instance in a process.
        let _ = self.0.set(live);
    }
}

impl std::fmt::Debug for Itself {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Itself")
    }
}

/// What was seen of the instance at one moment.
struct Seen {
    instance: Arc<str>,
    stats: Stats,
    sources: Vec<SourceStatus>,
    rejected: Option<Rejected>,
    /// How the remembering goes, where there is any.
    history: Option<StoreStatus>,
    /// When the configuration in force came into force.
    loaded_at: Timestamp,
    at: Timestamp,
}

/// Later than this, intervals are not kept any more as people wrote them; and later than that, results are of no use.
const LATE: (f64, f64) = (1.0, 30.0);

/// More measurements than this wait for a slot: the machine, or the configured concurrency, is too small for the plan.
const WAITING: f64 = 1000.0;

impl Source for Itself {
    fn fetch<'a>(&'a self, cx: &'a Context) -> BoxFuture<'a, Result<Snapshot, SensorError>> {
        Box::pin(async move {
            let live = self.0.get().ok_or_else(|| {
                SensorError::new(Reason::NOT_MEASURED, "the instance is being started")
            })?;
            let config = live.config();
            let mut sources = live.sources().await;
            sources.retain(|source| *source.name != *Itself::NAME);
            Ok(Snapshot::new(Seen {
                instance: config.instance,
                stats: live.stats().await,
                sources,
                rejected: config.rejected,
                history: live.history().map(Store::status),
                loaded_at: config.loaded_at,
                at: cx.now(),
            }))
        })
    }

    fn assemble(
        &self,
        snapshot: &Snapshot,
        builder: &mut Builder<'_>,
    ) -> Result<(), InstrumentError> {
        let seen = snapshot.get::<Seen>().ok_or_else(|| {
            InstrumentError::new("cannot assemble the snapshot of another source")
        })?;
        let id = alpacalert::itself(&seen.instance);
        let request = Request::from_source(
            id.source().clone(),
            id.kind().clone(),
            id.reference().clone(),
        );
        builder.object(request, |_, scope| {
            seen.describe(scope);
            Ok(())
        })?;
        Ok(())
    }

    /// A wrong file should show at once; asking costs a few microseconds.
    fn interval(&self) -> Duration {
        Duration::from_secs(1)
    }
}

impl Seen {
    fn describe(&self, scope: &mut Scope<'_, '_>) {
        scope.title(format!("alpacalert {}", self.instance));
        scope.service(ServiceInfo { public: false });
        scope.observed_part(
            "scheduler",
            None,
            "scheduler",
            Effect::Required,
            self.scheduler(),
        );
        scope.observed_part(
            "configuration",
            None,
            "configuration",
            Effect::Required,
            self.configuration(),
        );
        if let Some(history) = &self.history {
            // What cannot be remembered is measured and shown all the same.
            let edge = Effect::Degrades;
            scope.observed_part("history", None, "history", edge, self.history(history));
        }
        for source in &self.sources {
            let title = format!("source {}", source.name);
            // What cannot be reached is Unknown where it is used; the instance itself works on with less.
            let edge = Effect::Degrades;
            scope.observed_part(
                "source",
                Some(&source.name),
                title,
                edge,
                self.source(source),
            );
        }
    }

    fn scheduler(&self) -> Observation {
        let stats = &self.stats;
        let late = stats.lateness_p99.as_secs_f64();
        let (degraded, failing) = LATE;
        let count = |name, value: usize| Measurement::new(name, value as f64, Unit::Count);
        Observation::passing(self.at)
            .measured(
                Measurement::new("lateness (99 of 100)", late, Unit::Seconds)
                    .against(Limits::above(Some(degraded), Some(failing))),
            )
            .measured(count("waiting", stats.waiting).against(Limits::above(Some(WAITING), None)))
            .measured(count("running", stats.running))
            .measured(count("sensors", stats.sensors))
            .measured(count("nodes", stats.nodes))
    }

    fn configuration(&self) -> Observation {
        match &self.rejected {
            None => Observation::passing(self.at).message(
                alpacalert_model::Severity::Info,
                format!(
                    "in force since {}",
                    self.loaded_at.strftime("%Y-%m-%d %H:%M:%S UTC")
                ),
            ),
            Some(rejected) => Observation::passing(self.at).worsened(
                State::Degraded,
                Reason::fixed("configuration-rejected"),
                format!(
                    "the newest configuration is wrong, and the former one is still in force: {}",
                    rejected.problem
                ),
            ),
        }
    }

    fn history(&self, history: &StoreStatus) -> Observation {
        let measured = |name, value: f64, unit| Measurement::new(name, value, unit);
        let mut seen = Observation::passing(self.at);
        if history.state != State::Passing {
            let said = history.message.clone();
            seen = seen.worsened(State::Degraded, history.reason.clone(), said);
        }
        seen.measured(measured("waiting", history.queued as f64, Unit::Count))
            .measured(measured("lost", history.lost as f64, Unit::Count))
            .measured(measured("size", history.file_bytes as f64, Unit::Bytes))
    }

    fn source(&self, source: &SourceStatus) -> Observation {
        match source.state {
            State::Passing => Observation::passing(self.at),
            _ => Observation::unknown(Reason::SOURCE_LOST, source.message.clone(), self.at),
        }
    }
}
