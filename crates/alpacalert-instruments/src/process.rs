//! The kind `process`: whether a program runs, how often, since when, and how large it is.

mod pids;
mod restarts;
pub(crate) mod table;

use std::sync::{Arc, Mutex, PoisonError};

use alpacalert_instrument::model::{Bound, Limits, Measurement, Unit};
use alpacalert_instrument::{
    BoxFuture, Class, Constraint, Context, Field, InstrumentError, Kind, KindSpec, Observation,
    Params, Reason, Registry, Scope, Sensor, SensorError, Shape, State, Target,
};

use crate::host::root::{Root, malformed};
use pids::{Found, Selection};
use restarts::Restarts;
use table::{Process, Table, Tables};

/// Adds `process`.
pub(crate) fn register(registry: &mut Registry) {
    registry.register_kind(spec(), instrument);
}

const DOC: &str = "\
Counts the processes that one of `name`, `command`, `pid_file` and `unit` selects. Zombies do not count.

| state | reason | when |
|---|---|---|
| Failing | `not-running` | there is none, and `count` asks for at least one |
| Failing | `limit` | there are fewer than `count.min` or more than `count.max` |
| Failing | `missing` | the pid file or the unit does not exist |
| Failing | `stale-pid-file` | the pid file names a process that does not exist, or one that was started after the file was written |
| Failing | `bad-pid-file` | the pid file contains no number |
| Failing | `unit-failed` | systemd says that the unit failed |
| Degraded, Failing | `limit` | `memory`, `age` or `restarts` crosses a limit |
| Unknown | `unreadable` | we may not read the pid file or the table of processes |
| Unknown | `no-systemd` | systemd cannot be asked, and the unit has no control group |

By default at least one process must run, and more than two restarts within an hour are Degraded: one is maintenance, three are a loop. \
A restart is seen when the oldest process is another one than at the look before; for a unit systemd's own count of restarts is used too. \
Memory and age are not limited by default.

A name is compared with the name that the kernel has (cut to 15 bytes), and with the file name of the first argument. A command line is its \
arguments joined by blanks. One reading of the table of processes serves all sensors that look within a second.";

fn spec() -> KindSpec {
    let bound = |name, doc| Field::optional(name, Shape::count(), doc);
    KindSpec {
        alias: Some("process"),
        doc: DOC,
        fields: vec![
            Field::optional("name", Shape::Text, "The name of the program: `nginx`."),
            Field::optional(
                "command",
                Shape::Regex,
                "A regular expression that must match somewhere in the command line: `gunicorn .*reports`.",
            ),
            Field::optional(
                "pid_file",
                Shape::Path,
                "A file with the number of the process in its first line.",
            ),
            Field::optional(
                "unit",
                Shape::Text,
                "A unit of systemd: `postgresql@15-main.service`. All processes of its control group count.",
            ),
            Field::optional(
                "count",
                Shape::record(vec![
                    bound("min", "The least number."),
                    bound("max", "The greatest number."),
                ]),
                "How many processes there should be.",
            )
            .default("min 1"),
            Field::optional(
                "memory",
                Shape::limits_above(Unit::Bytes),
                "The resident memory of all of them together. What they share counts for each.",
            )
            .default("off"),
            Field::optional(
                "age",
                Shape::limits_below(Unit::Seconds),
                "How long the oldest of them has run: worse when shorter.",
            )
            .default("off"),
            Field::optional(
                "restarts",
                Shape::limits_above(Unit::Count),
                "Restarts that were seen in the last hour.",
            )
            .default("degraded 2"),
            crate::host::root_field(),
        ],
        constraints: vec![Constraint::ExactlyOne(&[
            "name", "command", "pid_file", "unit",
        ])],
        reference: &["name", "command", "pid_file", "unit"],
        shorthand: Some("name"),
        example: "name: nginx\ncount: { min: 2 }\nmemory: { degraded: 500MiB }",
        ..KindSpec::new(
            Kind::of("alpacalert.io/Process"),
            "processes by name, command line, pid file or systemd unit: count, memory, age, restarts",
        )
    }
}

fn instrument(target: &Target, scope: &mut Scope<'_, '_>) -> Result<(), InstrumentError> {
    let params = &target.params;
    let root = Root::of(params);
    scope.sensor(Program {
        selection: Selection::of(params)?,
        tables: Tables::of(&root),
        root,
        count: count(params),
        memory: params.limits("memory", Limits::above(None, None)),
        age: params.limits("age", Limits::below(None, None)),
        restart_limits: params.limits("restarts", Limits::above(2.0, None)),
        restarts: Mutex::default(),
    });
    Ok(())
}

/// The bounds for the number of processes.
fn count(params: &Params) -> Limits {
    let given = params.record("count").unwrap_or_default();
    let min = given.int("min").unwrap_or(1) as f64;
    let bound = match given.int("max") {
        Some(max) => Bound::Outside(min, max as f64),
        None => Bound::Below(min),
    };
    Limits {
        degraded: None,
        failing: Some(bound),
    }
}

struct Program {
    root: Root,
    selection: Selection,
    tables: Arc<Tables>,
    count: Limits,
    memory: Limits,
    age: Limits,
    restart_limits: Limits,
    restarts: Mutex<Restarts>,
}

impl Program {
    async fn look(&self, cx: &Context) -> Result<Observation, SensorError> {
        let table = self.tables.get().await?;
        let Found {
            pids,
            problem,
            restarts,
        } = self.selection.find(&self.root, &table).await?;
        let processes: Vec<&Process> = pids
            .into_iter()
            .filter_map(|pid| table.process(pid))
            .filter(|process| is_running(process))
            .collect();
        let mut observation = Observation::passing(cx.now());
        if let Some((reason, text)) = problem {
            observation = observation.worsened(State::Failing, Reason::fixed(reason), text);
        }
        let running = processes.len() as f64;
        let count = Measurement::new("processes", running, Unit::Count).against(self.count);
        if processes.is_empty() && count.state() == State::Failing {
            let text = format!("no process of {} runs", self.selection);
            observation = observation.worsened(State::Failing, Reason::fixed("not-running"), text);
        }
        observation = observation.measured(count);
        observation = self.judge_restarts(observation, &processes, restarts, &table);
        let Some(oldest) = processes.iter().min_by_key(|process| process.started) else {
            return Ok(observation);
        };
        let pages: u64 = processes.iter().map(|process| process.resident).sum();
        let bytes = pages as f64 * rustix::param::page_size() as f64;
        let age = uptime(&self.root)? - started_after_boot(oldest);
        let memory = Measurement::new("resident memory", bytes, Unit::Bytes);
        let age = Measurement::new("age of the oldest", age.max(0.0), Unit::Seconds);
        Ok(observation
            .measured(memory.against(self.memory))
            .measured(age.against(self.age)))
    }

    fn judge_restarts(
        &self,
        observation: Observation,
        processes: &[&Process],
        counted: Option<u32>,
        table: &Table,
    ) -> Observation {
        let mut restarts = self.restarts.lock().unwrap_or_else(PoisonError::into_inner);
        let oldest = processes.iter().min_by_key(|process| process.started);
        let oldest = oldest.map(|process| (process.pid, process.started));
        let lives = |(pid, started)| {
            table
                .process(pid)
                .is_some_and(|process| process.started == started && is_running(process))
        };
        let seen = restarts.note(oldest, lives, counted);
        let seen = Measurement::new("restarts (1 h)", seen as f64, Unit::Count);
        observation.measured(seen.against(self.restart_limits))
    }
}

fn is_running(process: &Process) -> bool {
    !matches!(process.state, 'Z' | 'X')
}

/// The time since the machine's start, in seconds.
fn uptime(root: &Root) -> Result<f64, SensorError> {
    let text = root.read("proc/uptime")?;
    text.split(' ')
        .next()
        .and_then(|seconds| seconds.parse().ok())
        .ok_or_else(|| malformed("/proc/uptime"))
}

/// When a process was started, in seconds after the machine's start.
fn started_after_boot(process: &Process) -> f64 {
    process.started as f64 / rustix::param::clock_ticks_per_second().max(1) as f64
}

impl Sensor for Program {
    fn measure<'a>(&'a self, cx: &'a Context) -> BoxFuture<'a, Result<Observation, SensorError>> {
        Box::pin(self.look(cx))
    }

    fn class(&self) -> Class {
        Class::Local
    }
}
