//! How the instance itself is doing, as a service like any other.

use std::sync::{Arc, OnceLock};
use std::time::Duration;

use alpacalert::instrument::{
    BoxFuture, Builder, Context, InstrumentError, Request, Scope, SensorError, Snapshot, Source,
};
use alpacalert::{SourceStatus, Stats, TaskState, TaskStatus};
use alpacalert_model::{
    Effect, Limits, Measurement, Observation, Reason, ServiceInfo, State, Timestamp, Unit,
};
use alpacalert_store::{Store, StoreStatus};

use crate::live::Rejected;
use crate::serving::CertificateStatus;
use crate::{Live, Serving};

/// The source of what an instance says about itself. It is made before the instance, and told of it afterwards.
#[derive(Clone, Default)]
pub struct Itself(Arc<OnceLock<(Live, Serving)>>);

impl Itself {
    /// The name of this source.
    pub const NAME: &'static str = alpacalert::ITSELF;

    /// What it is about, from now on, and how that is reached.
    pub fn begin(&self, live: Live, serving: Serving) {
        // Only the first counts: there is one instance in a process.
        let _ = self.0.set((live, serving));
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
    tasks: Vec<TaskStatus>,
    rejected: Option<Rejected>,
    /// How the remembering goes, where there is any.
    history: Option<StoreStatus>,
    /// How it stands with the certificate that it is served with, if it is encrypted.
    certificate: Option<CertificateStatus>,
    /// When the configuration in force came into force.
    loaded_at: Timestamp,
    at: Timestamp,
}

/// Later than this, intervals are not kept any more as people wrote them; and later than that, results are of no use.
const LATE: (f64, f64) = (1.0, 30.0);

/// More measurements than this wait for a slot: the machine, or the configured concurrency, is too small for the plan.
const WAITING: f64 = 1000.0;

/// Three of four places of a queue are taken: whoever comes next may have to wait. The queues hold 64 questions, 16 snapshots
/// and 1024 batches of changes.
const QUESTIONS: f64 = 48.0;
const SNAPSHOTS: f64 = 12.0;
const UNREAD: f64 = 768.0;

/// A certificate that expires within this many seconds should have been renewed: 21 days, as the kind `tls` has it.
const CERTIFICATE_LEFT: f64 = 21.0 * 86_400.0;

/// For how many seconds a task that died is worth a word after it was started again.
const REMEMBERED: i64 = 600;

impl Source for Itself {
    fn fetch<'a>(&'a self, cx: &'a Context) -> BoxFuture<'a, Result<Snapshot, SensorError>> {
        Box::pin(async move {
            let (live, serving) = self.0.get().ok_or_else(|| {
                SensorError::new(Reason::NOT_MEASURED, "the instance is being started")
            })?;
            let config = live.config();
            let mut sources = live.sources().await;
            sources.retain(|source| *source.name != *Itself::NAME);
            Ok(Snapshot::new(Seen {
                instance: config.instance,
                stats: live.stats().await,
                sources,
                tasks: live.tasks().statuses(),
                rejected: config.rejected,
                history: live.history().map(Store::status),
                certificate: serving.certificate(),
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
        for (name, observation) in [("queues", self.queues()), ("tasks", self.tasks())] {
            scope.observed_part(name, None, name, Effect::Required, observation);
        }
        if let Some(history) = &self.history {
            // What cannot be remembered is measured and shown all the same.
            let edge = Effect::Degrades;
            scope.observed_part("history", None, "history", edge, self.history(history));
        }
        if let Some(certificate) = &self.certificate {
            let seen = self.certificate(certificate);
            scope.observed_part("certificate", None, "certificate", Effect::Required, seen);
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

    /// Work that waits for somebody within the program.
    fn queues(&self) -> Observation {
        let stats = &self.stats;
        let depth = |name, value: usize, most: f64| {
            Measurement::new(name, value as f64, Unit::Count)
                .against(Limits::above(Some(most), None))
        };
        Observation::passing(self.at)
            .measured(depth("questions", stats.questions, QUESTIONS))
            .measured(depth("snapshots", stats.snapshots, SNAPSHOTS))
            .measured(depth("batches of changes", stats.unread, UNREAD))
    }

    /// Tasks that live as long as the program.
    fn tasks(&self) -> Observation {
        let mut seen = Observation::passing(self.at);
        for task in &self.tasks {
            let died_at = task.died_at.map(|at| self.at.duration_since(at).as_secs());
            let said = format!("the task `{}` {}", task.name, task.problem);
            let (state, text) = match task.state {
                TaskState::Dead => (State::Failing, said),
                TaskState::Waiting => (State::Degraded, format!("{said}; it is started again")),
                TaskState::Running if died_at.is_some_and(|ago| ago < REMEMBERED) => {
                    (State::Degraded, format!("{said}, and was started again"))
                }
                TaskState::Running | TaskState::Ended => continue,
            };
            seen = seen.worsened(state, Reason::fixed("task-died"), text);
        }
        let count = |name, value: u64| Measurement::new(name, value as f64, Unit::Count);
        let deaths = self.tasks.iter().map(|task| task.deaths).sum();
        seen.measured(count("tasks", self.tasks.len() as u64))
            .measured(count("deaths", deaths))
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

    /// Who cannot trust the certificate sees nothing of this instance any more.
    fn certificate(&self, certificate: &CertificateStatus) -> Observation {
        let file = certificate.file.display();
        let mut seen = Observation::passing(self.at);
        if let Some(until) = certificate.until {
            let left = until.duration_since(self.at).as_secs_f64();
            if left <= 0.0 {
                let text = format!("the certificate {file} has expired: renew it");
                seen = seen.worsened(State::Failing, Reason::fixed("certificate-expired"), text);
            }
            seen = seen.measured(
                Measurement::new("time left", left, Unit::Seconds)
                    .against(Limits::below(Some(CERTIFICATE_LEFT), None)),
            );
        }
        match &certificate.trouble {
            None => seen,
            Some(trouble) => seen.worsened(
                State::Degraded,
                Reason::fixed("certificate-rejected"),
                format!("{trouble}; the former certificate stays in use"),
            ),
        }
    }

    fn source(&self, source: &SourceStatus) -> Observation {
        match source.state {
            State::Passing => Observation::passing(self.at),
            _ => Observation::unknown(Reason::SOURCE_LOST, source.message.clone(), self.at),
        }
    }
}
