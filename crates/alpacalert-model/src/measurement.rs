//! Measured values, their units, and the limits they are held against.

use std::borrow::Cow;
use std::fmt;
use std::time::Duration;

use crate::State;

/// The unit of a measured value. Values are kept in the base unit and written for people by [`Unit::write`].
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Unit {
    /// A bare number.
    #[default]
    None,
    /// A number of things.
    Count,
    /// Seconds.
    Seconds,
    /// Bytes.
    Bytes,
    /// A share of a whole, in percent: 0 to 100.
    Percent,
    /// Things per second.
    PerSecond,
    /// Bytes per second.
    BytesPerSecond,
    /// Degrees Celsius.
    Celsius,
}

impl Unit {
    /// The unit's symbol for machines: UCUM-like, empty for bare numbers.
    pub const fn symbol(self) -> &'static str {
        match self {
            Unit::None | Unit::Count => "",
            Unit::Seconds => "s",
            Unit::Bytes => "B",
            Unit::Percent => "%",
            Unit::PerSecond => "/s",
            Unit::BytesPerSecond => "B/s",
            Unit::Celsius => "°C",
        }
    }

    /// The value as people read it: `1.5 GiB`, `230 ms`, `12 d`, `93 %`.
    pub fn write(self, value: f64) -> String {
        match self {
            Unit::Bytes => bytes(value),
            Unit::BytesPerSecond => format!("{}/s", bytes(value)),
            Unit::Seconds => seconds(value),
            Unit::None | Unit::Count => number(value),
            Unit::Percent | Unit::Celsius => format!("{} {}", number(value), self.symbol()),
            Unit::PerSecond => format!("{}/s", number(value)),
        }
    }
}

fn number(value: f64) -> String {
    if !value.is_finite() {
        return value.to_string();
    }
    let digits = match value.abs() {
        v if v == v.trunc() => 0,
        v if v >= 100.0 => 0,
        v if v >= 10.0 => 1,
        v if v >= 0.1 => 2,
        _ => 4,
    };
    let text = format!("{value:.digits$}");
    if text.contains('.') {
        text.trim_end_matches('0').trim_end_matches('.').to_owned()
    } else {
        text
    }
}

fn bytes(value: f64) -> String {
    let mut value = value;
    for prefix in ["B", "KiB", "MiB", "GiB", "TiB"] {
        if value.abs() < 1024.0 {
            return format!("{} {prefix}", number(value));
        }
        value /= 1024.0;
    }
    format!("{} PiB", number(value))
}

fn seconds(value: f64) -> String {
    let size = value.abs();
    let (scale, unit) = match size {
        s if !s.is_finite() || s == 0.0 => (1.0, "s"),
        s if s < 1e-3 => (1e-6, "µs"),
        s if s < 1.0 => (1e-3, "ms"),
        s if s < 120.0 => (1.0, "s"),
        s if s < 7_200.0 => (60.0, "min"),
        s if s < 172_800.0 => (3_600.0, "h"),
        _ => (86_400.0, "d"),
    };
    format!("{} {unit}", number(value / scale))
}

/// A bound that a value crosses when things get worse.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Bound {
    /// Crossed by a value greater than this.
    Above(f64),
    /// Crossed by a value less than this.
    Below(f64),
    /// Crossed by a value less than the first or greater than the second.
    Outside(f64, f64),
    /// Crossed by a value between the two, both included.
    Inside(f64, f64),
}

impl Bound {
    /// Whether the value is on the wrong side. A value that is not a number crosses every bound.
    pub fn crossed(self, value: f64) -> bool {
        if value.is_nan() {
            return true;
        }
        match self {
            Bound::Above(bound) => value > bound,
            Bound::Below(bound) => value < bound,
            Bound::Outside(low, high) => value < low || value > high,
            Bound::Inside(low, high) => value >= low && value <= high,
        }
    }

    /// The bound as people read it: `> 2 s`, `< 5 %`.
    pub fn write(self, unit: Unit) -> String {
        match self {
            Bound::Above(bound) => format!("> {}", unit.write(bound)),
            Bound::Below(bound) => format!("< {}", unit.write(bound)),
            Bound::Outside(low, high) => {
                format!("outside {} to {}", unit.write(low), unit.write(high))
            }
            Bound::Inside(low, high) => {
                format!("inside {} to {}", unit.write(low), unit.write(high))
            }
        }
    }
}

/// The bounds that turn a value into a state.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Limits {
    /// Crossing it makes the value Degraded.
    pub degraded: Option<Bound>,
    /// Crossing it makes the value Failing.
    pub failing: Option<Bound>,
}

impl Limits {
    /// Nothing is ever crossed.
    pub const NONE: Limits = Limits {
        degraded: None,
        failing: None,
    };

    /// Worse when greater.
    pub fn above(degraded: impl Into<Option<f64>>, failing: impl Into<Option<f64>>) -> Self {
        Limits {
            degraded: degraded.into().map(Bound::Above),
            failing: failing.into().map(Bound::Above),
        }
    }

    /// Worse when less.
    pub fn below(degraded: impl Into<Option<f64>>, failing: impl Into<Option<f64>>) -> Self {
        Limits {
            degraded: degraded.into().map(Bound::Below),
            failing: failing.into().map(Bound::Below),
        }
    }

    /// The state of a value: Failing, Degraded or Passing.
    pub fn judge(&self, value: f64) -> State {
        let crossed = |bound: Option<Bound>| bound.is_some_and(|bound| bound.crossed(value));
        if crossed(self.failing) {
            State::Failing
        } else if crossed(self.degraded) {
            State::Degraded
        } else {
            State::Passing
        }
    }
}

/// One measured value with its unit and limits.
#[derive(Clone, Debug, PartialEq)]
pub struct Measurement {
    /// What was measured, in a few words of lower case: `free space`, `time to first byte`.
    pub name: Cow<'static, str>,
    /// The value, in the base unit.
    pub value: f64,
    /// Its unit.
    pub unit: Unit,
    /// What it was held against.
    pub limits: Limits,
}

impl Measurement {
    /// A value without limits.
    pub fn new(name: impl Into<Cow<'static, str>>, value: f64, unit: Unit) -> Self {
        Measurement {
            name: name.into(),
            value,
            unit,
            limits: Limits::NONE,
        }
    }

    /// A length of time, in seconds.
    pub fn duration(name: impl Into<Cow<'static, str>>, value: Duration) -> Self {
        Measurement::new(name, value.as_secs_f64(), Unit::Seconds)
    }

    /// Holds the value against limits.
    #[must_use]
    pub fn against(mut self, limits: Limits) -> Self {
        self.limits = limits;
        self
    }

    /// The state that the limits give it.
    pub fn state(&self) -> State {
        self.limits.judge(self.value)
    }

    /// The value beside the limit that matters: `free space 3.2 GiB (failing < 5 GiB)`.
    ///
    /// The limit shown is the crossed one, or the nearest of severity when none is crossed.
    pub fn sentence(&self) -> String {
        let value = format!("{} {}", self.name, self.unit.write(self.value));
        let (word, bound) = match (self.state(), self.limits.degraded, self.limits.failing) {
            (State::Failing, _, Some(bound)) => ("failing", bound),
            (_, Some(bound), _) => ("degraded", bound),
            (_, None, Some(bound)) => ("failing", bound),
            (_, None, None) => return value,
        };
        format!("{value} ({word} {})", bound.write(self.unit))
    }
}

impl fmt::Display for Measurement {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.sentence())
    }
}
