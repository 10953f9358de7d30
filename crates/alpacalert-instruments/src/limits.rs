//! Limits that may be written as a share of a whole or as an amount: `free: { degraded: 15%, failing: 5GiB }`.

use alpacalert_instrument::model::{Bound, Limits, Measurement, Unit};
use alpacalert_instrument::{Direction, Observation, Params, Shape, Value};

/// One severity's bound for what is left of a whole.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Floor {
    /// None.
    Off,
    /// Less than this share, in percent.
    Share(f64),
    /// Less than this amount.
    Amount(f64),
    /// Less than the share, but never more than the amount: 5 % of a large disk is room enough.
    ShareUpTo(f64, f64),
}

/// The bounds for what is left of a whole.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Floors {
    pub(crate) degraded: Floor,
    pub(crate) failing: Floor,
}

/// A whole, and what is left of it.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Left {
    pub(crate) name: &'static str,
    pub(crate) share_name: &'static str,
    pub(crate) unit: Unit,
    pub(crate) left: f64,
    pub(crate) whole: f64,
}

impl Floors {
    /// How these are written: a share, or an amount of `unit`.
    pub(crate) fn shape(unit: Unit) -> Shape {
        Shape::Limits {
            direction: Direction::Below,
            units: vec![Unit::Percent, unit],
        }
    }

    /// What is written in `params`, over these where nothing is.
    pub(crate) fn given(mut self, params: &Params, key: &str) -> Floors {
        let Some(value) = params.get(key) else {
            return self;
        };
        for (word, slot) in [
            ("degraded", &mut self.degraded),
            ("failing", &mut self.failing),
        ] {
            match value.get(word) {
                Some(Value::Quantity(quantity)) if quantity.unit == Unit::Percent => {
                    *slot = Floor::Share(quantity.value);
                }
                Some(Value::Quantity(quantity)) => *slot = Floor::Amount(quantity.value),
                Some(Value::Null) => *slot = Floor::Off,
                _ => {}
            }
        }
        self
    }

    /// Adds the amount that is left and its share, each held against the bounds in its unit.
    pub(crate) fn judge(&self, observation: Observation, left: Left) -> Observation {
        let mut amounts = Limits::NONE;
        let mut shares = Limits::NONE;
        for (floor, amount, share) in [
            (self.degraded, &mut amounts.degraded, &mut shares.degraded),
            (self.failing, &mut amounts.failing, &mut shares.failing),
        ] {
            match floor {
                Floor::Off => {}
                Floor::Share(bound) => *share = Some(Bound::Below(bound)),
                Floor::Amount(bound) => *amount = Some(Bound::Below(bound)),
                Floor::ShareUpTo(part, most) => {
                    *amount = Some(Bound::Below((left.whole * part / 100.0).min(most)));
                }
            }
        }
        let observation = observation
            .measured(Measurement::new(left.name, left.left, left.unit).against(amounts));
        // What is left of nothing has no share.
        if left.whole <= 0.0 {
            return observation;
        }
        let share = 100.0 * left.left / left.whole;
        observation
            .measured(Measurement::new(left.share_name, share, Unit::Percent).against(shares))
    }
}
