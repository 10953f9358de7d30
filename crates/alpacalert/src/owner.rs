//! The one loop that owns the graph: it starts measurements, takes results and snapshots, and answers questions.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use alpacalert_instrument::{Class, Context, SensorError};
use alpacalert_model::{
    Graph, Mark, NodeId, Observation, Reason, State, Timestamp, Transition, Update,
};
use tokio::sync::{broadcast, mpsc, oneshot, watch};
use tokio::task::{AbortHandle, Id, JoinError, JoinSet};
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use crate::build::{Slot, SourceEntry};
use crate::measure::{self, Batch, Done};
use crate::schedule::{Run, Schedule, Start, Tick, Verdict};
use crate::sources::{Delivery, Watch};
use crate::stats::Lateness;
use crate::world::{Step, World};
use crate::{Change, Monitor, Running, Settings, SourceStatus, Stats};

/// What the handle asks of the owner.
pub(crate) enum Command {
    Query(Box<dyn FnOnce(&Graph) + Send>),
    Stats(oneshot::Sender<Stats>),
    Sources(oneshot::Sender<Vec<SourceStatus>>),
    Measure(Vec<NodeId>),
    Reload(Box<Monitor>, oneshot::Sender<()>),
}

/// How many measurements of the local class share a task: enough that tasks cost little, and few enough that they spread
/// over the processors.
const LOCAL_BATCH: usize = 64;

/// How many ended tasks are taken before the graph is brought up to date, so that questions are answered in a storm, too.
const BATCH_MAX: usize = 4096;

/// Snapshots that the graph has not taken yet. Each source has one more under way; they wait for a place.
const DELIVERIES_MAX: usize = 16;

/// How often the configuration is assembled again: a disk that is mounted while everything runs is measured a minute later.
const REDISCOVER_EVERY: Duration = Duration::from_secs(60);

/// How long at most until it is looked whether something has its time.
const LOOK_EVERY: Duration = Duration::from_secs(1);

/// No more than one part of so many of the time goes into that: everything else waits meanwhile.
const REDISCOVER_SHARE: u32 = 1000;

pub(crate) struct Owner {
    world: World,
    schedule: Schedule,
    settings: Settings,
    /// What measurements are given.
    context: Context,
    /// Ends the measuring, before anything that is under way is ended.
    stop: CancellationToken,
    tasks: JoinSet<Batch>,
    /// What each task measures, so that a task that dies makes its nodes Unknown.
    runs: HashMap<Id, Vec<Run>>,
    changes: broadcast::Sender<Arc<Vec<Change>>>,
    roots: watch::Sender<Vec<NodeId>>,
    lateness: Lateness,
    stats: Stats,
    first: Step,
    watches: JoinSet<()>,
    /// Ends the watch of a source.
    watching: HashMap<Slot, AbortHandle>,
    sender: mpsc::Sender<Delivery>,
    deliveries: Option<mpsc::Receiver<Delivery>>,
    /// When the configuration is assembled again.
    rediscovery: Instant,
}

impl Owner {
    pub(crate) fn new(
        monitor: Monitor,
        stop: CancellationToken,
        changes: broadcast::Sender<Arc<Vec<Change>>>,
        roots: watch::Sender<Vec<NodeId>>,
    ) -> Self {
        let Monitor {
            assembler,
            settings,
        } = monitor;
        let capacity = assembler.plan.concurrency.into();
        let context = settings.context(CancellationToken::new());
        let begun = std::time::Instant::now();
        let (mut world, first) = World::new(assembler, context.clone());
        world.remember();
        let rediscovery = rediscovery_after(begun);
        let _ = roots.send(world.roots());
        let (sender, deliveries) = mpsc::channel(DELIVERIES_MAX);
        Owner {
            world,
            schedule: Schedule::new(capacity, settings.seed),
            context,
            settings,
            stop,
            tasks: JoinSet::new(),
            runs: HashMap::new(),
            changes,
            roots,
            lateness: Lateness::new(Instant::now()),
            stats: Stats::default(),
            first,
            watches: JoinSet::new(),
            watching: HashMap::new(),
            sender,
            deliveries: Some(deliveries),
            rediscovery,
        }
    }

    pub(crate) async fn run(mut self, mut commands: mpsc::Receiver<Command>) {
        let Some(mut deliveries) = self.deliveries.take() else {
            return;
        };
        for entry in self.world.assembler.sources.clone() {
            self.watch(&entry);
        }
        let first = std::mem::take(&mut self.first);
        self.take_step(first);
        while !self.stop.is_cancelled() {
            let due = self.schedule.next_due();
            let next = due.map_or(self.rediscovery, |due| due.min(self.rediscovery));
            // Looked at every second, since the clock on the wall may be set.
            let refresh = self.world.next_due(self.now());
            let next = refresh.map_or(next, |in_| next.min(Instant::now() + in_.min(LOOK_EVERY)));
            let next = self.next_edge().map_or(next, |edge| edge.min(next));
            tokio::select! {
                () = self.stop.cancelled() => break,
                Some(ended) = self.tasks.join_next_with_id(), if !self.tasks.is_empty() => {
                    self.take_results(ended);
                }
                Some(delivery) = deliveries.recv() => self.take_deliveries(delivery, &mut deliveries),
                Some(command) = commands.recv() => self.answer(command),
                Some(ended) = self.watches.join_next_with_id(), if !self.watches.is_empty() => {
                    self.take_ended_watch(ended);
                }
                () = tokio::time::sleep_until(next) => {}
            }
            if Instant::now() >= self.rediscovery {
                self.rediscover();
            }
            if refresh.is_some() {
                self.refresh();
            }
            let tick = self.schedule.tick(Instant::now());
            self.carry_out(tick);
            self.tell(Vec::new(), &[]);
        }
        drop(deliveries);
        self.drain().await;
    }

    fn watch(&mut self, entry: &SourceEntry) {
        let watch = Watch::new(entry, self.context.clone());
        let task = self.watches.spawn(watch.run(self.sender.clone()));
        self.watching.insert(entry.slot, task);
    }

    /// A watch ends when it is told to. One that breaks in our own hands loses its source, and is begun again.
    fn take_ended_watch(&mut self, ended: Result<(Id, ()), JoinError>) {
        let Err(error) = ended else { return };
        if error.is_cancelled() {
            return;
        }
        let mut watching = self.watching.iter();
        let slot = watching.find_map(|(slot, task)| (task.id() == error.id()).then_some(*slot));
        let Some(slot) = slot else { return };
        tracing::error!("the watch of a source died: {error}");
        let sources = &self.world.assembler.sources;
        let Some(entry) = sources.iter().find(|entry| entry.slot == slot).cloned() else {
            return;
        };
        let text = format!("the watch of the source `{}` died", entry.name);
        let lost = Err(SensorError::new(Reason::SENSOR_BROKEN, text));
        let step = self.world.delivered(vec![(slot, lost)], self.now());
        self.take_step(step);
        self.watch(&entry);
    }

    /// Takes another plan. What it leaves alone goes on as it was.
    fn reload(&mut self, monitor: Monitor) {
        let Monitor {
            mut assembler,
            settings,
        } = monitor;
        // What was reported stays known.
        assembler.inbox = self.settings.inbox.clone();
        if assembler.plan.concurrency != self.world.assembler.plan.concurrency {
            tracing::warn!("another concurrency takes effect when the program is started again");
        }
        self.settings.redactor = settings.redactor;
        self.context = self.settings.context(self.context.cancel().clone());
        let now = self.now();
        let reloaded = self.world.reload(assembler, self.context.clone(), now);
        for slot in reloaded.ended {
            if let Some(task) = self.watching.remove(&slot) {
                task.abort();
            }
        }
        self.take_step(reloaded.step);
        for entry in &reloaded.begun {
            self.watch(entry);
        }
        let before = reloaded.before;
        self.watches.spawn_blocking(move || drop(before));
        self.tell_roots();
    }

    /// Judges again what is otherwise by the passing of time alone.
    fn refresh(&mut self) {
        let Some(step) = self.world.refresh(self.now()) else {
            return;
        };
        let told = !step.touched.is_empty();
        self.take_step(step);
        if told {
            self.tell_roots();
        }
    }

    fn rediscover(&mut self) {
        let begun = std::time::Instant::now();
        let step = self.world.rediscover(self.now());
        self.take_step(step);
        self.tell_roots();
        self.rediscovery = rediscovery_after(begun);
    }

    /// When a window of maintenance opens or closes next.
    fn next_edge(&self) -> Option<Instant> {
        let left = self.world.next_maintenance()?.duration_since(self.now());
        // A millisecond more: timers are that coarse, and early is of no use.
        let left = Duration::try_from(left).unwrap_or_default() + Duration::from_millis(1);
        Instant::now().checked_add(left)
    }

    fn tell_roots(&self) {
        let roots = self.world.roots();
        self.roots.send_if_modified(|current| {
            let changed = *current != roots;
            *current = roots;
            changed
        });
    }

    /// Lets what is under way end, for a while, and ends the rest.
    async fn drain(mut self) {
        let ended = async { while self.tasks.join_next().await.is_some() {} };
        let _ = tokio::time::timeout(Running::GRACE, ended).await;
        self.context.cancel().cancel();
        self.tasks.shutdown().await;
        self.watches.shutdown().await;
    }

    fn now(&self) -> Timestamp {
        self.settings.clock.now()
    }

    /// Starts measurements, and makes Unknown what has no result in time.
    fn carry_out(&mut self, tick: Tick) {
        if !tick.stale.is_empty() {
            let now = self.now();
            self.stats.stale += tick.stale.len() as u64;
            let mut updates = Vec::with_capacity(tick.stale.len());
            for (verdict, time_to_live) in tick.stale {
                let observation = Schedule::stale(time_to_live, now);
                updates.push(self.update(verdict, observation));
            }
            let transitions = self.world.graph.observe(updates, now);
            self.tell(transitions, &[]);
        }
        self.start(tick.start);
    }

    fn start(&mut self, starts: Vec<Start>) {
        let (local, others): (Vec<_>, Vec<_>) = starts
            .into_iter()
            .partition(|start| start.run.class == Class::Local);
        for start in others {
            let run = start.run;
            let measuring = measure::one(start, self.context.clone());
            let task = self.tasks.spawn(async move {
                Batch {
                    done: vec![measuring.await],
                    pending: Vec::new(),
                }
            });
            self.runs.insert(task.id(), vec![run]);
        }
        let mut local = local.into_iter();
        loop {
            let batch: Vec<Start> = local.by_ref().take(LOCAL_BATCH).collect();
            if batch.is_empty() {
                break;
            }
            let runs = batch.iter().map(|start| start.run).collect();
            let context = self.context.clone();
            let task = self
                .tasks
                .spawn(async move { measure::many(batch, &context) });
            self.runs.insert(task.id(), runs);
        }
    }

    /// Takes this ended task and all others that have ended, and brings the graph up to date once.
    fn take_results(&mut self, first: Result<(Id, Batch), JoinError>) {
        let mut updates = Vec::new();
        let mut tick = Tick::default();
        let mut ended = Some(first);
        let mut taken = 0;
        while let Some(result) = ended {
            match result {
                Ok((id, batch)) => {
                    self.runs.remove(&id);
                    self.take_batch(batch, &mut updates, &mut tick);
                }
                Err(error) => self.take_death(&error, &mut updates, &mut tick),
            }
            taken += 1;
            ended = match taken < BATCH_MAX {
                true => self.tasks.try_join_next_with_id(),
                false => None,
            };
        }
        let transitions = self.world.graph.observe(updates, self.now());
        self.stats.batches += 1;
        self.tell(transitions, &[]);
        self.carry_out(tick);
    }

    fn take_batch(&mut self, batch: Batch, updates: &mut Vec<Update>, tick: &mut Tick) {
        let now = Instant::now();
        for done in batch.done {
            self.take_result(done, now, updates, tick);
        }
        for (run, measuring) in batch.pending {
            let task = self.tasks.spawn(async move {
                Batch {
                    done: vec![measuring.await],
                    pending: Vec::new(),
                }
            });
            self.runs.insert(task.id(), vec![run]);
        }
    }

    fn take_result(
        &mut self,
        done: Done,
        now: Instant,
        updates: &mut Vec<Update>,
        tick: &mut Tick,
    ) {
        self.lateness.add(done.lateness, now);
        self.stats.measured += 1;
        let Some(verdict) = self
            .schedule
            .complete(done.run, &done.observation, now, tick)
        else {
            return;
        };
        updates.push(self.update(verdict, done.observation));
    }

    fn update(&mut self, verdict: Verdict, observation: Observation) -> Update {
        if let Some(flapping) = verdict.flapping {
            self.world.graph.mark(verdict.key, Mark::Flapping, flapping);
        }
        Update {
            node: verdict.key,
            observation,
            confirmed: verdict.confirmed,
        }
    }

    fn take_death(&mut self, error: &JoinError, updates: &mut Vec<Update>, tick: &mut Tick) {
        tracing::error!("a measuring task died: {error}");
        let now = Instant::now();
        for run in self.runs.remove(&error.id()).unwrap_or_default() {
            let observation = Observation::unknown(
                Reason::SENSOR_BROKEN,
                "the task that measured it died",
                self.now(),
            );
            let done = Done {
                run,
                observation,
                lateness: Default::default(),
            };
            self.take_result(done, now, updates, tick);
        }
    }

    fn take_deliveries(&mut self, first: Delivery, more: &mut mpsc::Receiver<Delivery>) {
        let mut deliveries = vec![first];
        while let Ok(delivery) = more.try_recv() {
            deliveries.push(delivery);
        }
        let step = self.world.delivered(deliveries, self.now());
        let told = !step.touched.is_empty();
        self.take_step(step);
        if told {
            self.tell_roots();
        }
    }

    fn take_step(&mut self, step: Step) {
        for roster in step.rosters {
            self.schedule.enlist(roster, Instant::now());
        }
        self.tell(step.transitions, &step.touched);
    }

    fn tell(&mut self, transitions: Vec<Transition>, touched: &[NodeId]) {
        self.recall(&transitions);
        // Before anybody is told: what changes while work on it is planned is remembered as such.
        let maintained = match self.world.asks_for_maintenance() {
            true => self.world.maintain(self.now()),
            false => Vec::new(),
        };
        if let Some(observer) = &self.settings.observer {
            if !(transitions.is_empty() && touched.is_empty()) {
                observer.changed(&self.world.graph, &transitions, touched, self.now());
            }
            if !maintained.is_empty() {
                observer.maintained(&self.world.graph, &maintained, self.now());
            }
        }
        if transitions.is_empty() && maintained.is_empty() {
            return;
        }
        self.stats.transitions += transitions.len() as u64;
        if self.changes.receiver_count() == 0 {
            return;
        }
        let graph = &self.world.graph;
        let change = |transition: Transition| {
            let node = graph.get(transition.node)?;
            Some(Change {
                id: node.id().clone(),
                title: node.title().into(),
                owner: node.owner().cloned(),
                service: node.service().is_some(),
                transition,
            })
        };
        let changes: Vec<Change> = transitions.into_iter().filter_map(change).collect();
        // Without changes of state it tells that there is something else to see. Readers may have gone since they were counted.
        let _ = self.changes.send(Arc::new(changes));
    }

    /// Nodes that are seen again as they were before the start have been so since then. What was seen otherwise meanwhile has
    /// changed; a system is Unknown until its members are measured, which is no change.
    fn recall(&mut self, transitions: &[Transition]) {
        if self.settings.remembered.is_empty() {
            return;
        }
        let graph = &mut self.world.graph;
        for transition in transitions {
            let Some(id) = graph.get(transition.node).map(|node| node.id().clone()) else {
                continue;
            };
            let (_, now) = transition.shown;
            let remembered = self.settings.remembered.get(&id).copied();
            if let Some((state, since)) = remembered
                && (now == state || now != State::Unknown)
            {
                self.settings.remembered.remove(&id);
                if now == state {
                    graph.set_since(transition.node, since);
                }
            }
        }
    }

    fn answer(&mut self, command: Command) {
        match command {
            Command::Query(ask) => {
                let graph = &self.world.graph;
                let asked = std::panic::AssertUnwindSafe(|| ask(graph));
                if std::panic::catch_unwind(asked).is_err() {
                    tracing::error!("a question to the graph panicked");
                }
            }
            Command::Reload(monitor, done) => {
                self.reload(*monitor);
                let _ = done.send(());
            }
            Command::Measure(nodes) => {
                let now = Instant::now();
                for key in nodes.iter().filter_map(|id| self.world.graph.key(id)) {
                    self.schedule.hasten(key, now);
                }
            }
            Command::Sources(reply) => {
                let _ = reply.send(self.world.source_states());
            }
            Command::Stats(reply) => {
                let (running, waiting) = self.schedule.load();
                // Who asked may have gone meanwhile.
                let _ = reply.send(Stats {
                    nodes: self.world.graph.len(),
                    evaluations: self.world.graph.evaluations(),
                    sensors: self.schedule.len(),
                    running,
                    waiting,
                    snapshots: DELIVERIES_MAX - self.sender.capacity(),
                    unread: self.changes.len(),
                    lateness_p50: self.lateness.quantile(0.5),
                    lateness_p99: self.lateness.quantile(0.99),
                    ..self.stats
                });
            }
        }
    }
}

/// When to look again, after a look that began at a moment and ends now. Measured by the machine's own clock: a clock that tests
/// move does not tell what it cost.
fn rediscovery_after(begun: std::time::Instant) -> Instant {
    Instant::now() + pause_after(begun.elapsed())
}

fn pause_after(took: Duration) -> Duration {
    REDISCOVER_EVERY.max(took.saturating_mul(REDISCOVER_SHARE))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn looking_again_takes_no_more_than_a_thousandth_of_the_time() {
        for (took_ms, pause_s) in [(0, 60), (59, 60), (61, 61), (2_000, 2_000)] {
            let pause = pause_after(Duration::from_millis(took_ms));
            assert_eq!(pause, Duration::from_secs(pause_s), "after {took_ms} ms");
        }
    }
}
