//! What was measured.

use std::collections::HashMap;

use alpacalert_model::{NodeId, Timestamp};
use rusqlite::{Connection, params};

use super::find;
use crate::form::{self, SampleForm, ScaleForm};
use crate::time::{millis, stamp};
use crate::{Point, Series};

/// One value.
#[derive(Clone, Copy, Debug, PartialEq)]
struct Sample {
    at: i64,
    value: f64,
}

/// How long after it was measured a value may be written, in milliseconds.
const LATE: i64 = 10 * 60 * 1000;

pub(crate) fn measurements(
    connection: &Connection,
    node: &NodeId,
    (from, to, points): (Timestamp, Timestamp, usize),
) -> Result<Vec<Series>, rusqlite::Error> {
    let Some(node) = find(connection, node)? else {
        return Ok(Vec::new());
    };
    let (from, to) = (millis(from), millis(to));
    let mut known = connection
        .prepare_cached("SELECT id, name, scale FROM series WHERE node = ?1 ORDER BY id")?;
    let mut rows = known.query([node])?;
    let mut series = Vec::new();
    while let Some(row) = rows.next()? {
        let scale: ScaleForm = form::read(row.get_ref(2)?.as_blob()?)?;
        series.push((row.get::<_, u32>(0)?, row.get::<_, String>(1)?, scale));
    }
    let ids: Vec<u32> = series.iter().map(|(id, ..)| *id).collect();
    let mut samples = samples(connection, &ids, from, to)?;
    let series = series.into_iter().map(|(id, name, scale)| Series {
        name,
        unit: scale.unit(),
        limits: scale.limits(),
        points: gathered(samples.remove(&id).unwrap_or_default(), from, to, points),
    });
    Ok(series.collect())
}

/// The values of some series over a time, in order.
fn samples(
    connection: &Connection,
    ids: &[u32],
    from: i64,
    to: i64,
) -> Result<HashMap<u32, Vec<Sample>>, rusqlite::Error> {
    let mut samples: HashMap<u32, Vec<Sample>> = HashMap::new();
    let (Some(first), Some(last)) = (ids.iter().min(), ids.iter().max()) else {
        return Ok(samples);
    };
    let mut found = connection.prepare_cached(
        "SELECT at, body FROM sweep WHERE at >= ?1 AND at < ?2 AND first <= ?4 AND last >= ?3 ORDER BY at",
    )?;
    let mut rows = found.query(params![from, to.saturating_add(LATE), first, last])?;
    while let Some(row) = rows.next()? {
        let at: i64 = row.get(0)?;
        let body: Vec<SampleForm> = form::read(row.get_ref(1)?.as_blob()?)?;
        let wanted = body.iter().filter(|sample| ids.contains(&sample.series));
        for sample in wanted {
            let at = at.saturating_sub(i64::from(sample.age));
            if (from..to).contains(&at) {
                let value = sample.value;
                samples
                    .entry(sample.series)
                    .or_default()
                    .push(Sample { at, value });
            }
        }
    }
    for samples in samples.values_mut() {
        samples.sort_by_key(|sample| sample.at);
    }
    Ok(samples)
}

/// Values as points: one for each part of the time that has any.
fn gathered(samples: Vec<Sample>, from: i64, to: i64, points: usize) -> Vec<Point> {
    let length = ((to - from) as f64 / points as f64).max(1.0);
    let part = |at: i64| ((at - from) as f64 / length) as usize;
    samples
        .chunk_by(|one, other| part(one.at) == part(other.at))
        .map(|part| {
            let values = || part.iter().map(|sample| sample.value);
            Point {
                at: stamp(part[0].at),
                min: values().fold(f64::INFINITY, f64::min),
                mean: values().sum::<f64>() / part.len() as f64,
                max: values().fold(f64::NEG_INFINITY, f64::max),
            }
        })
        .collect()
}

/// The newest values of every series at a moment, at most `age` milliseconds old then.
pub(super) fn values_at(
    connection: &Connection,
    at: i64,
    age: i64,
) -> Result<HashMap<u32, f64>, rusqlite::Error> {
    let mut found = connection
        .prepare_cached("SELECT at, body FROM sweep WHERE at >= ?1 AND at <= ?2 ORDER BY at")?;
    let mut rows = found.query(params![at.saturating_sub(age), at.saturating_add(LATE)])?;
    let mut values = HashMap::new();
    while let Some(row) = rows.next()? {
        let swept: i64 = row.get(0)?;
        let body: Vec<SampleForm> = form::read(row.get_ref(1)?.as_blob()?)?;
        for sample in body {
            if swept.saturating_sub(i64::from(sample.age)) <= at {
                values.insert(sample.series, sample.value);
            }
        }
    }
    Ok(values)
}
