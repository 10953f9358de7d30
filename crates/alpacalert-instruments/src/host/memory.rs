//! Memory: what is available, how much is swapped, how much work waits for it, and what was killed for want of it.

use std::collections::VecDeque;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use alpacalert_instrument::model::{Limits, Measurement, Unit};
use alpacalert_instrument::{
    BoxFuture, Class, Context, Field, Observation, Params, Sensor, SensorError, Shape,
};
use tokio::time::Instant;

use super::pressure::{self, Waiting};
use super::root::{Root, malformed};
use super::sampling::Sampler;
use crate::limits::{Floor, Floors, Left};

const MIB: f64 = 1024.0 * 1024.0;

/// What must be available. The kernel's own reserve grows with the square root of the memory and ends at 256 MiB
/// (`min_free_kbytes`), so that a fixed share of a large machine means nothing: a database that was given 95 % of
/// 256 GiB has 13 GiB left and is well.
const AVAILABLE: Floors = Floors {
    degraded: Floor::ShareUpTo(5.0, 1024.0 * MIB),
    failing: Floor::ShareUpTo(1.0, 256.0 * MIB),
};

/// How long a kill for want of memory is remembered: long enough that somebody who looks after an alert sees it.
const KILLS_REMEMBERED: Duration = Duration::from_secs(15 * 60);

/// Measures the memory of a machine.
pub(crate) struct Memory {
    root: Root,
    available: Floors,
    swap: Limits,
    pressure: Limits,
    oom_kills: Limits,
    sampler: Sampler<Paging>,
    kills: Mutex<VecDeque<(Instant, u64)>>,
}

/// Counters of `/proc/vmstat`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Paging {
    swapped: u64,
    oom_kills: u64,
}

/// The keys.
pub(crate) fn fields() -> Vec<Field> {
    vec![
        Field::optional(
            "available",
            Floors::shape(Unit::Bytes),
            "What the kernel estimates can be had without swapping (`MemAvailable`), as a share or an amount.",
        )
        .default("degraded 5%, but at most 1GiB; failing 1%, but at most 256MiB"),
        Field::optional(
            "swap",
            Shape::limits_above(Unit::PerSecond),
            "Pages swapped in and out per second, since the look before. Not limited by default: compressed swap in memory \
             moves many pages without harm, and harm shows as pressure.",
        )
        .default("off"),
        Field::optional(
            "pressure",
            Shape::limits_above(Unit::Percent),
            "The share of the last minute in which all work waited for memory (PSI `full` `avg60`).",
        )
        .default("degraded 20%, failing 60%"),
        Field::optional(
            "oom_kills",
            Shape::limits_above(Unit::Count),
            "Processes that the kernel killed for want of memory in the last 15 minutes, those of containers included.",
        )
        .default("degraded 0"),
    ]
}

impl Memory {
    pub(crate) fn new(root: Root, params: &Params) -> Self {
        Memory {
            root,
            available: AVAILABLE.given(params, "available"),
            swap: params.limits("swap", Limits::above(None, None)),
            pressure: params.limits("pressure", Limits::above(20.0, 60.0)),
            oom_kills: params.limits("oom_kills", Limits::above(0.0, None)),
            sampler: Sampler::default(),
            kills: Mutex::default(),
        }
    }

    async fn look(&self, cx: &Context) -> Result<Observation, SensorError> {
        let paging = self
            .sampler
            .pair(|| Ok(parse_vmstat(&self.root.read("proc/vmstat")?)))
            .await?;
        let kills = self.kills_remembered(paging.grown(|p| p.oom_kills));
        let info = self.root.read("proc/meminfo")?;
        let field = |name: &str| {
            meminfo(&info, name).ok_or_else(|| malformed(&format!("{name} of /proc/meminfo")))
        };
        let available = Left {
            name: "available memory",
            share_name: "available memory share",
            unit: Unit::Bytes,
            left: field("MemAvailable")?,
            whole: field("MemTotal")?,
        };
        let mut observation = self
            .available
            .judge(Observation::passing(cx.now()), available);
        if let Some(stall) = pressure::read(&self.root, "memory", Waiting::Full)? {
            let stall = Measurement::new(
                "all tasks waiting for memory (1 min)",
                stall.minute,
                Unit::Percent,
            );
            observation = observation.measured(stall.against(self.pressure));
        }
        let swap = Measurement::new("pages swapped", paging.rate(|p| p.swapped), Unit::PerSecond);
        let kills = Measurement::new("out-of-memory kills (15 min)", kills as f64, Unit::Count);
        Ok(observation
            .measured(kills.against(self.oom_kills))
            .measured(swap.against(self.swap)))
    }

    /// Notes new kills, and counts those that are remembered.
    fn kills_remembered(&self, new: u64) -> u64 {
        let now = Instant::now();
        let mut kills = self.kills.lock().unwrap_or_else(PoisonError::into_inner);
        kills.retain(|(at, _)| now.duration_since(*at) < KILLS_REMEMBERED);
        if new > 0 {
            kills.push_back((now, new));
        }
        kills.iter().map(|(_, count)| count).sum()
    }
}

impl Sensor for Memory {
    fn measure<'a>(&'a self, cx: &'a Context) -> BoxFuture<'a, Result<Observation, SensorError>> {
        Box::pin(self.look(cx))
    }

    fn class(&self) -> Class {
        Class::Local
    }
}

/// A line of `/proc/meminfo`, in bytes.
fn meminfo(text: &str, name: &str) -> Option<f64> {
    let line = text
        .lines()
        .find_map(|line| line.strip_prefix(name)?.strip_prefix(':'))?;
    let kib: f64 = line.trim().strip_suffix("kB")?.trim().parse().ok()?;
    Some(kib * 1024.0)
}

/// Counters that a kernel does not have count nothing: `oom_kill` came with 4.13.
fn parse_vmstat(text: &str) -> Paging {
    let counter = |name: &str| -> u64 {
        text.lines()
            .find_map(|line| line.strip_prefix(name)?.strip_prefix(' ')?.parse().ok())
            .unwrap_or(0)
    };
    Paging {
        swapped: counter("pswpin") + counter("pswpout"),
        oom_kills: counter("oom_kill"),
    }
}
