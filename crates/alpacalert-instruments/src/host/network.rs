//! Network interfaces: errors and drops.

use std::fs;

use alpacalert_instrument::model::{Limits, Measurement, Unit};
use alpacalert_instrument::{
    BoxFuture, Class, Context, Field, Observation, Params, Reason, Sensor, SensorError, Shape,
};

use super::root::Root;
use super::sampling::Sampler;

/// Measures one network interface.
pub(crate) struct Interface {
    root: Root,
    name: String,
    errors: Limits,
    drops: Limits,
    sampler: Sampler<Option<Counters>>,
}

/// Counters of `/proc/net/dev`, both directions together.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Counters {
    packets: u64,
    errors: u64,
    drops: u64,
}

/// With fewer packets than this between two looks, a share of them says nothing.
const ENOUGH_PACKETS: u64 = 100;

/// The keys.
pub(crate) fn fields() -> Vec<Field> {
    vec![
        Field::optional(
            "errors",
            Shape::limits_above(Unit::Percent),
            "The share of packets with errors, sent or received, since the look before. Not measured with fewer than 100 packets.",
        )
        .default("degraded 1%"),
        Field::optional(
            "drops",
            Shape::limits_above(Unit::Percent),
            "The share of packets that were dropped, likewise. Not limited by default: the kernel also counts packets of protocols \
             that nobody here speaks.",
        )
        .default("off"),
        Field::optional(
            "ignore",
            Shape::OneOrMany(Box::new(Shape::Text)),
            "Interfaces to leave out, by name.",
        ),
    ]
}

/// The interfaces that are hardware, or are to a virtual machine: not the loopback, bridges, tunnels and ends of
/// containers.
pub(crate) fn interfaces(root: &Root) -> Vec<String> {
    let Ok(entries) = fs::read_dir(root.at("sys/class/net")) else {
        return Vec::new();
    };
    let mut names: Vec<String> = entries
        .flatten()
        .filter(|entry| entry.path().join("device").exists())
        .filter_map(|entry| entry.file_name().into_string().ok())
        .collect();
    names.sort();
    names
}

impl Interface {
    pub(crate) fn new(root: Root, name: &str, params: &Params) -> Self {
        Interface {
            root,
            name: name.to_owned(),
            // The share of NodeNetworkReceiveErrs and NodeNetworkTransmitErrs in Prometheus' node mixin.
            errors: params.limits("errors", Limits::above(1.0, None)),
            drops: params.limits("drops", Limits::above(None, None)),
            sampler: Sampler::default(),
        }
    }

    fn counters(&self) -> Result<Option<Counters>, SensorError> {
        let text = super::root::read(&self.root.own_table("net/dev"))?;
        Ok(parse(&text, &self.name))
    }

    async fn look(&self, cx: &Context) -> Result<Observation, SensorError> {
        let looks = self.sampler.pair(|| self.counters()).await?;
        let Some(_) = looks.now else {
            let text = format!("there is no interface {} any more", self.name);
            return Ok(Observation::unknown(Reason::MISSING, text, cx.now()));
        };
        let grown = |counter: fn(&Counters) -> u64| looks.grown(|c| c.as_ref().map_or(0, counter));
        let rate = |counter: fn(&Counters) -> u64| looks.rate(|c| c.as_ref().map_or(0, counter));
        let per_second = |name, value| Measurement::new(name, value, Unit::PerSecond);
        let mut observation = Observation::passing(cx.now());
        let packets = grown(|c| c.packets);
        for (name, limits, count) in [
            ("packets with errors", self.errors, grown(|c| c.errors)),
            ("packets dropped", self.drops, grown(|c| c.drops)),
        ] {
            let whole = packets + count;
            if whole >= ENOUGH_PACKETS {
                let share = 100.0 * count as f64 / whole as f64;
                observation = observation
                    .measured(Measurement::new(name, share, Unit::Percent).against(limits));
            }
        }
        Ok(observation
            .measured(per_second("packets", rate(|c| c.packets)))
            .measured(per_second("errors", rate(|c| c.errors)))
            .measured(per_second("drops", rate(|c| c.drops))))
    }
}

impl Sensor for Interface {
    fn measure<'a>(&'a self, cx: &'a Context) -> BoxFuture<'a, Result<Observation, SensorError>> {
        Box::pin(self.look(cx))
    }

    fn class(&self) -> Class {
        Class::Local
    }
}

/// One line: bytes, packets, errors, drops and four more of what was received, then the same of what was sent.
fn parse(text: &str, name: &str) -> Option<Counters> {
    let line = text
        .lines()
        .find_map(|line| line.trim_start().strip_prefix(name)?.strip_prefix(':'))?;
    let numbers: Vec<u64> = line
        .split_whitespace()
        .map(str::parse)
        .collect::<Result<_, _>>()
        .ok()?;
    let both = |index: usize| Some(numbers.get(index)? + numbers.get(index + 8)?);
    Some(Counters {
        packets: both(1)?,
        errors: both(2)?,
        drops: both(3)?,
    })
}
