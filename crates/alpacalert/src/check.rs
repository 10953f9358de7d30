//! Measures everything once.

use std::collections::{BTreeMap, HashMap};
use std::time::Duration;

use alpacalert_instrument::{Context, Schedule};
use alpacalert_model::{
    Confirmation, Graph, NodeId, NodeKey, Observation, Patience, Reason, State, Timestamp, Update,
};
use futures_util::StreamExt;
use futures_util::stream;
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

use crate::build::Slot;
use crate::measure::measure;
use crate::schedule::{Capacity, Queue};
use crate::world::{Listed, Roster, Step, World};
use crate::{Monitor, Settings, sources};

/// How far a check has come.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Progress {
    /// How many sensors are done.
    pub done: usize,
    /// How many there are; 0 while sources are still being asked.
    pub total: usize,
    /// What has been under way for the longest time, by its title.
    pub waiting_for: Option<String>,
}

/// What a check found.
#[derive(Debug)]
pub struct Checked {
    /// The graph. Sensors that were not measured are Unknown, "not-measured".
    pub graph: Graph,
    /// How many sensors were measured.
    pub measured: usize,
    /// How many sensors there are.
    pub total: usize,
    /// Whether it was ended before everything was measured.
    pub cancelled: bool,
    /// When it ended.
    pub finished_at: Timestamp,
    /// The nodes to show first: every service, then the systems that are members of nothing, in the order of the plan; without
    /// either, the nodes without parents.
    pub roots: Vec<NodeId>,
}

/// The longest wait between two looks of one check, whatever the retry interval: somebody is waiting for the answer.
const RETRY_MAX: Duration = Duration::from_secs(1);

/// How often progress is told while nothing ends.
const PROGRESS_EVERY: Duration = Duration::from_millis(200);

/// Sources that are asked at the same time.
const FETCHES_MAX: usize = 64;

impl Monitor {
    /// Measures everything once, concurrently within the plan's bounds; stops early, with what it has, when the settings'
    /// token is cancelled.
    ///
    /// A sensor with retries is looked at again, at its retry interval but at most one second apart, until its state is
    /// confirmed, so that what is told is what parents would see.
    pub async fn check(self, progress: impl Fn(Progress) + Send + Sync) -> Checked {
        let Monitor {
            assembler,
            settings,
        } = self;
        let capacity = assembler.plan.concurrency.into();
        let clock = settings.clock.clone();
        let cancel = CancellationToken::new();
        let context = settings.context(cancel.clone());
        let (mut world, step) = World::new(assembler, context.clone());
        let mut rosters = HashMap::new();
        collect(&mut rosters, step);
        let (step, fetched) = fetch(&mut world, &settings, &context, &progress).await;
        collect(&mut rosters, step);
        let mut rosters: Vec<Roster> = rosters.into_values().collect();
        rosters.sort_by_key(|roster| roster.blueprint);
        let sensors: Vec<Listed> = rosters.into_iter().flat_map(|r| r.sensors).collect();
        let total = sensors.len();
        let mut round = Round::new(sensors, capacity, context);
        round.run(&mut world.graph, &settings, &progress).await;
        // Whoever is still under way is told, and then dropped.
        cancel.cancel();
        round.tasks.shutdown().await;
        world.maintain(clock.now());
        Checked {
            measured: round.measured,
            total,
            cancelled: !fetched || round.measured < total,
            finished_at: clock.now(),
            roots: world.roots(),
            graph: world.graph,
        }
    }
}

/// Later rosters of a blueprint take the place of earlier ones, apart from what they keep of them.
fn collect(rosters: &mut HashMap<Slot, Roster>, step: Step) {
    for mut roster in step.rosters {
        if let Some(before) = rosters.remove(&roster.blueprint) {
            let sensors = before.sensors.into_iter();
            let kept = sensors.filter(|listed| roster.kept.contains(&listed.key));
            roster.sensors.extend(kept);
        }
        rosters.insert(roster.blueprint, roster);
    }
}

/// Asks every source once; tells what followed, and whether all of them have answered.
async fn fetch(
    world: &mut World,
    settings: &Settings,
    context: &Context,
    progress: &(impl Fn(Progress) + Send + Sync),
) -> (Step, bool) {
    let entries = &world.assembler.sources;
    if entries.is_empty() {
        return (Step::default(), true);
    }
    let asked = entries.len();
    progress(Progress {
        done: 0,
        total: 0,
        waiting_for: Some(format!("source {}", entries[0].name)),
    });
    let fetches = entries
        .iter()
        .map(|entry| sources::fetch(entry, context.clone()));
    // Collected first: a lazy iterator of borrowing futures is more than the compiler can prove to be `Send`.
    let fetches: Vec<_> = fetches.collect();
    let mut fetches = stream::iter(fetches).buffer_unordered(FETCHES_MAX);
    let mut deliveries = Vec::new();
    loop {
        tokio::select! {
            () = settings.cancel.cancelled() => break,
            delivery = fetches.next() => match delivery {
                Some(delivery) => deliveries.push(delivery),
                None => break,
            },
        }
    }
    drop(fetches);
    deliveries.sort_by_key(|(index, _)| *index);
    let answered = deliveries.len() == asked;
    let step = world.delivered(deliveries, settings.clock.now());
    (step, answered)
}

/// Every sensor measured once.
struct Round {
    sensors: Vec<Listed>,
    queue: Queue,
    context: Context,
    tasks: JoinSet<(usize, Observation, State)>,
    ids: HashMap<tokio::task::Id, usize>,
    /// What is under way, the oldest first.
    running: BTreeMap<u64, usize>,
    started: HashMap<usize, u64>,
    measured: usize,
}

impl Round {
    fn new(sensors: Vec<Listed>, capacity: Capacity, context: Context) -> Self {
        Round {
            sensors,
            queue: Queue::new(capacity),
            context,
            tasks: JoinSet::new(),
            ids: HashMap::new(),
            running: BTreeMap::new(),
            started: HashMap::new(),
            measured: 0,
        }
    }

    /// Starts as many as may run at the same time.
    fn begin(&mut self) {
        let sensors = self.sensors.iter().enumerate();
        let first: Vec<usize> = sensors
            .filter(|(index, listed)| self.queue.take(*index, listed))
            .map(|(index, _)| index)
            .collect();
        for index in first {
            self.start(index);
        }
    }

    fn start(&mut self, index: usize) {
        let measured = &self.sensors[index].measured;
        let (sensor, schedule) = (measured.sensor.clone(), measured.schedule.clone());
        let context = self.context.clone();
        let task = self.tasks.spawn(async move {
            let look = || measure(sensor.clone(), context.clone(), schedule.timeout);
            let (observation, confirmed) = confirmed(look, &schedule).await;
            (index, observation, confirmed)
        });
        let number = self.ids.len() as u64;
        self.ids.insert(task.id(), index);
        self.running.insert(number, index);
        self.started.insert(index, number);
    }

    async fn run(
        &mut self,
        graph: &mut Graph,
        settings: &Settings,
        progress: &(impl Fn(Progress) + Send + Sync),
    ) {
        // Whoever only wants the structure cancels before it begins, and then nothing may be touched.
        if settings.cancel.is_cancelled() {
            return;
        }
        self.begin();
        let mut every = tokio::time::interval(PROGRESS_EVERY);
        while !self.tasks.is_empty() {
            let mut updates = Vec::new();
            tokio::select! {
                biased;
                () = settings.cancel.cancelled() => return,
                Some(ended) = self.tasks.join_next() => {
                    let mut ended = Some(ended);
                    while let Some(result) = ended {
                        let now = settings.clock.now();
                        updates.extend(self.take(result, now));
                        ended = self.tasks.try_join_next();
                    }
                }
                _ = every.tick() => {}
            }
            if !updates.is_empty() {
                graph.observe(updates, settings.clock.now());
            }
            progress(self.progress(graph));
        }
    }

    fn take(
        &mut self,
        result: Result<(usize, Observation, State), tokio::task::JoinError>,
        now: Timestamp,
    ) -> Option<Update> {
        let (index, observation, confirmed) = match result {
            Ok(done) => done,
            Err(error) => {
                let text = "the task that measured it died";
                let observation = Observation::unknown(Reason::SENSOR_BROKEN, text, now);
                let index = *self.ids.get(&error.id())?;
                (index, observation, State::Unknown)
            }
        };
        self.measured += 1;
        if let Some(number) = self.started.remove(&index) {
            self.running.remove(&number);
        }
        for next in self.queue.release(index, &self.sensors[index]) {
            self.start(next);
        }
        let node: NodeKey = self.sensors[index].key;
        Some(Update {
            node,
            observation,
            confirmed,
        })
    }

    fn progress(&self, graph: &Graph) -> Progress {
        let oldest = self.running.values().next();
        let title = oldest.and_then(|index| graph.get(self.sensors[*index].key));
        Progress {
            done: self.measured,
            total: self.sensors.len(),
            waiting_for: title.map(|node| node.title().to_owned()),
        }
    }
}

/// Looks until the state is confirmed.
async fn confirmed<F: Future<Output = Observation>>(
    look: impl Fn() -> F,
    schedule: &Schedule,
) -> (Observation, State) {
    let patience = Patience {
        retries: schedule.retries,
        recoveries: schedule.recoveries,
    };
    // As if it had passed before: a first result is believed at once otherwise, since there is nothing to doubt it against.
    let mut confirmation = Confirmation::default();
    confirmation.next(State::Passing, &patience);
    loop {
        let observation = look().await;
        let confirmed = confirmation.next(observation.state, &patience);
        if !confirmation.is_pending() {
            return (observation, confirmed);
        }
        tokio::time::sleep(schedule.retry_interval.min(RETRY_MAX)).await;
    }
}
