//! What systemd knows: units that failed, and whether the clock is synchronised.

use alpacalert_instrument::model::{Limits, Measurement, Severity, Unit};
use alpacalert_instrument::{
    BoxFuture, Class, Context, Field, Observation, Params, Reason, Sensor, SensorError, Shape,
    State,
};

use super::root::Root;
use super::systemd::Bus;

/// Counts the units of systemd that failed.
pub(crate) struct Units {
    root: Root,
    failed: Limits,
    ignore: Vec<String>,
}

/// Asks whether the clock is synchronised.
pub(crate) struct Clock {
    root: Root,
}

/// How many names are told.
const MOST_NAMES: usize = 10;

/// The keys for units.
pub(crate) fn fields() -> Vec<Field> {
    vec![
        Field::optional(
            "failed",
            Shape::limits_above(Unit::Count),
            "Units in the state `failed`.",
        )
        .default("degraded 0"),
        Field::optional(
            "ignore",
            Shape::OneOrMany(Box::new(Shape::Text)),
            "Units not to count, by name.",
        ),
    ]
}

impl Units {
    pub(crate) fn new(root: Root, params: &Params) -> Self {
        Units {
            root,
            failed: params.limits("failed", Limits::above(0.0, None)),
            ignore: params
                .texts("ignore")
                .into_iter()
                .map(str::to_owned)
                .collect(),
        }
    }

    async fn look(&self, cx: &Context) -> Result<Observation, SensorError> {
        let mut units = Bus::connect(&self.root).await?.failed_units().await?;
        units.retain(|unit| !self.ignore.contains(unit));
        units.sort();
        let count = Measurement::new("failed units", units.len() as f64, Unit::Count);
        let mut observation = Observation::passing(cx.now()).measured(count.against(self.failed));
        for unit in units.iter().take(MOST_NAMES) {
            let text = format!("{unit} failed; `systemctl status {unit}` says why");
            observation = observation.message(Severity::Warn, text);
        }
        Ok(observation)
    }
}

impl Clock {
    pub(crate) fn new(root: Root) -> Self {
        Clock { root }
    }

    async fn look(&self, cx: &Context) -> Result<Observation, SensorError> {
        let bus = Bus::connect(&self.root).await?;
        let ask = async |name| {
            let service = "org.freedesktop.timedate1";
            bus.property::<bool>(service, "/org/freedesktop/timedate1", service, name)
                .await
        };
        if ask("NTPSynchronized").await? {
            return Ok(Observation::passing(cx.now()));
        }
        let text = "the clock is not synchronised with a time server";
        // The clock of a virtual machine follows that of its host, which we cannot see, as long as nobody here was told to
        // synchronise it.
        if !ask("NTP").await? && self.is_virtual() {
            let text = format!("{text}; as a virtual machine it follows its host");
            return Ok(Observation::passing(cx.now()).message(Severity::Info, text));
        }
        let reason = Reason::fixed("not-synchronised");
        Ok(Observation::passing(cx.now()).worsened(State::Degraded, reason, text))
    }

    /// Processors say whether a hypervisor is below them.
    fn is_virtual(&self) -> bool {
        self.root.read("proc/cpuinfo").is_ok_and(|text| {
            let flags = text.lines().find(|line| line.starts_with("flags"));
            flags.is_some_and(|line| line.split(' ').any(|flag| flag == "hypervisor"))
        })
    }
}

impl Sensor for Units {
    fn measure<'a>(&'a self, cx: &'a Context) -> BoxFuture<'a, Result<Observation, SensorError>> {
        Box::pin(self.look(cx))
    }

    fn class(&self) -> Class {
        Class::Local
    }
}

impl Sensor for Clock {
    fn measure<'a>(&'a self, cx: &'a Context) -> BoxFuture<'a, Result<Observation, SensorError>> {
        Box::pin(self.look(cx))
    }

    fn class(&self) -> Class {
        Class::Local
    }
}
