//! Processors: how busy, how much the hypervisor takes, how much work waits.

use alpacalert_instrument::model::{Limits, Measurement, Unit};
use alpacalert_instrument::{
    BoxFuture, Class, Context, Field, Observation, Params, Sensor, SensorError, Shape,
};

use super::pressure::{self, Waiting};
use super::root::{Root, malformed};
use super::sampling::Sampler;

/// Measures the processors of a machine.
pub(crate) struct Processors {
    root: Root,
    load: Limits,
    busy: Limits,
    steal: Limits,
    pressure: Limits,
    sampler: Sampler<Times>,
}

/// Time spent since the start, in ticks.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Times {
    total: u64,
    idle: u64,
    steal: u64,
    count: u64,
}

/// The keys.
pub(crate) fn fields() -> Vec<Field> {
    vec![
        Field::optional(
            "load",
            Shape::limits_above(Unit::None),
            "The 5-minute load average per processor. Not limited by default: on Linux it counts tasks that wait for a disk, \
             and a queue of batch work, alike.",
        )
        .default("off"),
        Field::optional(
            "busy",
            Shape::limits_above(Unit::Percent),
            "The share of processor time that is not idle, since the look before. Not limited by default: a machine that \
             computes does what it was bought for.",
        )
        .default("off"),
        Field::optional(
            "steal",
            Shape::limits_above(Unit::Percent),
            "The share of processor time that the hypervisor gave to others while this machine wanted it, since the look before.",
        )
        .default("degraded 10%"),
        Field::optional(
            "pressure",
            Shape::limits_above(Unit::Percent),
            "The share of the last five minutes in which at least one task waited for a processor (PSI `some` `avg300`).",
        )
        .default("degraded 90%"),
    ]
}

impl Processors {
    pub(crate) fn new(root: Root, params: &Params) -> Self {
        Processors {
            root,
            load: params.limits("load", Limits::above(None, None)),
            busy: params.limits("busy", Limits::above(None, None)),
            steal: params.limits("steal", Limits::above(10.0, None)),
            pressure: params.limits("pressure", Limits::above(90.0, None)),
            sampler: Sampler::default(),
        }
    }

    async fn look(&self, cx: &Context) -> Result<Observation, SensorError> {
        let times = self
            .sampler
            .pair(|| {
                let text = self.root.read("proc/stat")?;
                parse(&text).ok_or_else(|| malformed("/proc/stat"))
            })
            .await?;
        let total = times.grown(|t| t.total).max(1) as f64;
        let share = |grown: u64| (100.0 * grown as f64 / total).clamp(0.0, 100.0);
        let busy = 100.0 - share(times.grown(|t| t.idle));
        let steal = share(times.grown(|t| t.steal));
        let percent = |name, value| Measurement::new(name, value, Unit::Percent);
        let mut observation = Observation::passing(cx.now())
            .measured(percent("busy", busy).against(self.busy))
            .measured(percent("stolen by the hypervisor", steal).against(self.steal));
        if let Some(stall) = pressure::read(&self.root, "cpu", Waiting::Some)? {
            observation = observation.measured(
                percent("tasks waiting for a processor (5 min)", stall.five_minutes)
                    .against(self.pressure),
            );
        }
        let load = self.root.read("proc/loadavg")?;
        let load: f64 = load
            .split(' ')
            .nth(1)
            .and_then(|load| load.parse().ok())
            .ok_or_else(|| malformed("/proc/loadavg"))?;
        let count = times.now.count.max(1) as f64;
        let per_core = Measurement::new("load per processor (5 min)", load / count, Unit::None);
        Ok(observation
            .measured(per_core.against(self.load))
            .measured(Measurement::new("processors", count, Unit::Count)))
    }
}

impl Sensor for Processors {
    fn measure<'a>(&'a self, cx: &'a Context) -> BoxFuture<'a, Result<Observation, SensorError>> {
        Box::pin(self.look(cx))
    }

    fn class(&self) -> Class {
        Class::Local
    }
}

/// The first line of `/proc/stat`: user, nice, system, idle, iowait, irq, softirq, steal, and the guests' share of the
/// first two (proc_stat(5)).
fn parse(text: &str) -> Option<Times> {
    let line = text.lines().next()?.strip_prefix("cpu ")?;
    let ticks: Vec<u64> = line
        .split_whitespace()
        .map(str::parse)
        .collect::<Result<_, _>>()
        .ok()?;
    if ticks.len() < 4 {
        return None;
    }
    let at = |index: usize| ticks.get(index).copied().unwrap_or(0);
    let count = text
        .lines()
        .skip(1)
        .take_while(|line| line.starts_with("cpu"))
        .count();
    Some(Times {
        total: ticks.iter().take(8).sum(),
        idle: at(3) + at(4),
        steal: at(7),
        count: count as u64,
    })
}
