//! The processes of a machine as a whole: zombies, those stuck in the kernel, and room for more.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use alpacalert_instrument::model::{Limits, Measurement, Severity, Unit};
use alpacalert_instrument::{
    BoxFuture, Class, Context, Field, Observation, Params, Sensor, SensorError, Shape,
};
use tokio::time::Instant;

use super::root::{Root, read_bounded};
use crate::process::table::{Process, Table, Tables};

/// Measures the table of processes.
pub(crate) struct Processes {
    root: Root,
    tables: Arc<Tables>,
    zombies: Limits,
    stuck: Limits,
    tasks: Limits,
    waiting: Mutex<HashMap<(i32, u64), Waiting>>,
}

/// A process in state `D`: how often it had been given a processor when it was first seen so, and when that was.
#[derive(Clone, Copy, Debug)]
struct Waiting {
    switches: u64,
    since: Instant,
}

/// The keys.
pub(crate) fn fields() -> Vec<Field> {
    vec![
        Field::optional(
            "zombies",
            Shape::limits_above(Unit::Count),
            "Processes that ended and that their parent has not asked about (state Z). Each only holds a place in the table, so \
             that a few do no harm; many mean that a parent is broken.",
        )
        .default("degraded 50"),
        Field::optional(
            "stuck",
            Shape::limits_above(Unit::Seconds),
            "How long a process has waited in the kernel without interruption and without a moment on a processor (state D): for a \
             disk, a network file system or a driver that does not answer.",
        )
        .default("degraded 2m"),
        Field::optional(
            "tasks",
            Shape::limits_above(Unit::Percent),
            "Processes and threads, as a share of the most that the kernel allows (the lesser of `kernel.pid_max` and \
             `kernel.threads-max`).",
        )
        .default("degraded 75%, failing 90%"),
    ]
}

impl Processes {
    pub(crate) fn new(root: Root, params: &Params) -> Self {
        Processes {
            tables: Tables::of(&root),
            root,
            zombies: params.limits("zombies", Limits::above(50.0, None)),
            // The kernel's own detector of hung tasks waits as long (kernel.hung_task_timeout_secs) and looks at the same
            // counters.
            stuck: params.limits("stuck", Limits::above(120.0, None)),
            tasks: params.limits("tasks", Limits::above(75.0, 90.0)),
            waiting: Mutex::default(),
        }
    }

    async fn look(&self, cx: &Context) -> Result<Observation, SensorError> {
        let table = self.tables.get().await?;
        let zombies = table.processes.iter().filter(|p| p.state == 'Z').count();
        let count = |name, value: usize| Measurement::new(name, value as f64, Unit::Count);
        let mut observation = Observation::passing(cx.now())
            .measured(count("zombies", zombies).against(self.zombies));
        let waiting: Vec<&Process> = table.processes.iter().filter(|p| p.state == 'D').collect();
        let longest = self.longest_wait(&waiting);
        let seconds = longest.map_or(0.0, |(_, seconds)| seconds);
        let stuck = Measurement::new("longest wait in the kernel", seconds, Unit::Seconds);
        observation = observation.measured(stuck.against(self.stuck));
        if let Some((process, _)) = longest
            && self.stuck.judge(seconds) != alpacalert_instrument::State::Passing
        {
            let text = format!(
                "process {} ({}) waits in the kernel",
                process.pid, process.comm
            );
            observation = observation.message(Severity::Info, text);
        }
        let tasks = tasks(&table);
        if let Some(most) = self.most_tasks() {
            let share = Measurement::new("tasks share", 100.0 * tasks / most, Unit::Percent);
            observation = observation.measured(share.against(self.tasks));
        }
        Ok(observation
            .measured(count("processes", table.processes.len()))
            .measured(count("processes waiting in the kernel", waiting.len()))
            .measured(Measurement::new("tasks", tasks, Unit::Count)))
    }

    /// The process that has waited longest without having run in between.
    fn longest_wait<'t>(&self, waiting: &[&'t Process]) -> Option<(&'t Process, f64)> {
        let now = Instant::now();
        let mut known = self.waiting.lock().unwrap_or_else(PoisonError::into_inner);
        let mut next = HashMap::with_capacity(waiting.len());
        let mut longest: Option<(&Process, f64)> = None;
        for process in waiting {
            let which = (process.pid, process.started);
            let switches = self.switches(process.pid).unwrap_or(0);
            let wait = match known.get(&which) {
                Some(wait) if wait.switches == switches => *wait,
                _ => Waiting {
                    switches,
                    since: now,
                },
            };
            next.insert(which, wait);
            let seconds = now.duration_since(wait.since).as_secs_f64();
            if longest.is_none_or(|(_, most)| seconds > most) {
                longest = Some((process, seconds));
            }
        }
        *known = next;
        longest
    }

    /// How often a process was given a processor.
    fn switches(&self, pid: i32) -> Option<u64> {
        let text = read_bounded(&self.root.at(&format!("proc/{pid}/status"))).ok()?;
        let number = |name: &str| -> Option<u64> {
            let line = text.lines().find_map(|line| line.strip_prefix(name))?;
            line.trim().parse().ok()
        };
        Some(number("voluntary_ctxt_switches:")? + number("nonvoluntary_ctxt_switches:")?)
    }

    fn most_tasks(&self) -> Option<f64> {
        let number = |name: &str| -> Option<f64> {
            let text = self.root.read(&format!("proc/sys/kernel/{name}")).ok()?;
            text.trim().parse().ok()
        };
        [number("pid_max"), number("threads-max")]
            .into_iter()
            .flatten()
            .min_by(f64::total_cmp)
            .filter(|most| *most > 0.0)
    }
}

fn tasks(table: &Table) -> f64 {
    table.processes.iter().map(|p| p.threads).sum::<u64>() as f64
}

impl Sensor for Processes {
    fn measure<'a>(&'a self, cx: &'a Context) -> BoxFuture<'a, Result<Observation, SensorError>> {
        Box::pin(self.look(cx))
    }

    fn class(&self) -> Class {
        Class::Local
    }
}
