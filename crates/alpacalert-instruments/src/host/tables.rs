//! Tables of the kernel that can run full or wait: open files, and disks that keep work waiting.

use alpacalert_instrument::model::{Limits, Measurement, Unit};
use alpacalert_instrument::{
    BoxFuture, Class, Context, Field, Observation, Params, Sensor, SensorError, Shape,
};

use super::pressure::{self, Waiting};
use super::root::{Root, malformed};

/// Measures the kernel's table of open files.
pub(crate) struct Files {
    root: Root,
    open: Limits,
}

/// Measures how long work waits for disks.
pub(crate) struct Waits {
    root: Root,
    pressure: Limits,
}

/// The keys for open files.
pub(crate) fn file_fields() -> Vec<Field> {
    vec![
        Field::optional(
            "open",
            Shape::limits_above(Unit::Percent),
            "Open files of the whole machine, as a share of the most that the kernel allows (`fs.file-max`).",
        )
        .default("degraded 70%, failing 90%"),
    ]
}

/// The keys for waits.
pub(crate) fn wait_fields() -> Vec<Field> {
    vec![
        Field::optional(
            "pressure",
            Shape::limits_above(Unit::Percent),
            "The share of the last five minutes in which all work waited for disks (PSI `full` `avg300`).",
        )
        .default("degraded 90%"),
    ]
}

impl Files {
    pub(crate) fn new(root: Root, params: &Params) -> Self {
        Files {
            root,
            // The shares of NodeFileDescriptorLimit in Prometheus' node mixin.
            open: params.limits("open", Limits::above(70.0, 90.0)),
        }
    }

    fn look(&self, cx: &Context) -> Result<Observation, SensorError> {
        let text = self.root.read("proc/sys/fs/file-nr")?;
        let numbers: Vec<f64> = text
            .split_whitespace()
            .filter_map(|n| n.parse().ok())
            .collect();
        let [open, free, most] = numbers[..] else {
            return Err(malformed("/proc/sys/fs/file-nr"));
        };
        let open = open - free;
        let share = Measurement::new(
            "open files share",
            100.0 * open / most.max(1.0),
            Unit::Percent,
        );
        Ok(Observation::passing(cx.now())
            .measured(share.against(self.open))
            .measured(Measurement::new("open files", open, Unit::Count)))
    }
}

impl Sensor for Files {
    fn measure<'a>(&'a self, cx: &'a Context) -> BoxFuture<'a, Result<Observation, SensorError>> {
        Box::pin(async { self.look(cx) })
    }

    fn class(&self) -> Class {
        Class::Local
    }
}

impl Waits {
    pub(crate) fn new(root: Root, params: &Params) -> Self {
        Waits {
            root,
            pressure: params.limits("pressure", Limits::above(90.0, None)),
        }
    }

    /// Whether the kernel accounts for waits.
    pub(crate) fn exist(root: &Root) -> bool {
        matches!(pressure::read(root, "io", Waiting::Full), Ok(Some(_)))
    }

    fn look(&self, cx: &Context) -> Result<Observation, SensorError> {
        let stall = pressure::read(&self.root, "io", Waiting::Full)?
            .ok_or_else(|| malformed("/proc/pressure/io"))?;
        let percent = |name, value| Measurement::new(name, value, Unit::Percent);
        Ok(Observation::passing(cx.now())
            .measured(
                percent("all tasks waiting for disks (5 min)", stall.five_minutes)
                    .against(self.pressure),
            )
            .measured(percent("all tasks waiting for disks (1 min)", stall.minute)))
    }
}

impl Sensor for Waits {
    fn measure<'a>(&'a self, cx: &'a Context) -> BoxFuture<'a, Result<Observation, SensorError>> {
        Box::pin(async { self.look(cx) })
    }

    fn class(&self) -> Class {
        Class::Local
    }
}
