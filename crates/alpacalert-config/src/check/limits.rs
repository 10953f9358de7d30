//! `degraded` and `failing` bounds.

use alpacalert_instrument::{Direction, Quantity, Shape, Value};
use alpacalert_model::{Bound, Limits, Unit};

use super::Cx;
use super::shape::{expected, expected_what};
use super::words::describe;
use crate::diagnostic::Diagnostic;
use crate::quantity;
use crate::tree::{Data, Node};

pub(super) fn limits(
    cx: &mut Cx<'_>,
    node: &Node,
    shape: &Shape,
    direction: Direction,
    units: &[Unit],
    key: &str,
) -> Option<Value> {
    let Data::Map(entries) = &node.data else {
        return expected(cx, node, shape, key);
    };
    if entries.is_empty() {
        let problem = Diagnostic::error(format!("`{key}` is empty"));
        cx.report(problem.at(node.span, "needs `degraded` or `failing`"));
        return None;
    }
    let mut good = true;
    let mut bounds: [Option<Option<Quantity>>; 2] = [None, None];
    for (word, node) in entries {
        let slot = match &*word.text {
            "degraded" => 0,
            "failing" => 1,
            _ => {
                cx.unknown_key(word, &format!("`{key}`"), ["degraded", "failing"]);
                good = false;
                continue;
            }
        };
        bounds[slot] = match &node.data {
            Data::Text(text) if &**text == "off" => Some(None),
            _ => match quantity::quantity(node, units) {
                Some(quantity) => Some(Some(quantity)),
                None => {
                    let what = format!("{}, or `off`", describe(&Shape::Quantity(units.to_vec())));
                    expected_what::<()>(cx, node, &what, &word.text);
                    good = false;
                    None
                }
            },
        };
    }
    if !good {
        return None;
    }
    let [degraded, failing] = bounds;
    if let (Some(Some(degraded)), Some(Some(failing))) = (degraded, failing)
        && degraded.unit == failing.unit
        && match direction {
            Direction::Above => degraded.value > failing.value,
            Direction::Below => degraded.value < failing.value,
        }
    {
        let (word, than) = match direction {
            Direction::Above => ("less", "greater"),
            Direction::Below => ("greater", "less"),
        };
        let span = node.get("degraded").map_or(node.span, |node| node.span);
        let other = node.get("failing").map_or(node.span, |node| node.span);
        let problem = Diagnostic::error(format!("`{key}` is failing before it is degraded"));
        cx.report(
            problem
                .at(
                    span,
                    format!("must be {word} than the other: {than} is worse here"),
                )
                .at(other, "the other"),
        );
        return None;
    }
    if let [_] = units {
        // `off` is a bound that no value crosses; without a bound the sensor's default holds.
        let bound = |limit: Option<Quantity>| match direction {
            Direction::Above => Bound::Above(limit.map_or(f64::INFINITY, |limit| limit.value)),
            Direction::Below => Bound::Below(limit.map_or(f64::NEG_INFINITY, |limit| limit.value)),
        };
        return Some(Value::Limits(Limits {
            degraded: degraded.map(bound),
            failing: failing.map(bound),
        }));
    }
    let bound = |limit: Option<Quantity>| limit.map_or(Value::Null, Value::Quantity);
    let degraded = degraded.map(|limit| ("degraded".to_owned(), bound(limit)));
    let failing = failing.map(|limit| ("failing".to_owned(), bound(limit)));
    Some(Value::Map(degraded.into_iter().chain(failing).collect()))
}
