//! What was measured.

use std::collections::HashMap;

use alpacalert_model::{NodeId, Timestamp};
use rusqlite::{Connection, params};

use super::find;
use crate::form::{self, PackedForm, RolledForm, SampleForm, ScaleForm};
use crate::keep::{DAY, HOUR, LATE, WINDOW};
use crate::time::{millis, stamp};
use crate::{Point, Series};

/// One value, or what is left of several.
#[derive(Clone, Copy, Debug, PartialEq)]
struct Sample {
    at: i64,
    count: u32,
    min: f64,
    mean: f64,
    max: f64,
}

impl Sample {
    fn one(at: i64, value: f64) -> Self {
        Sample {
            at,
            count: 1,
            min: value,
            mean: value,
            max: value,
        }
    }
}

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
    let mut swept = samples(connection, &ids, from, to)?;
    let mut told = Vec::with_capacity(series.len());
    for (id, name, scale) in series {
        let mut values = swept.remove(&id).unwrap_or_default();
        values.extend(packed(connection, id, from, to)?);
        // What is older, or too much to look at one by one, is known by the hour, and before that by the day.
        for (level, length) in [(1, HOUR), (2, DAY)] {
            let first = values.iter().map(|value| value.at).min().unwrap_or(to);
            values.extend(rolled(connection, (level, length), id, from, first)?);
        }
        values.sort_by_key(|value| value.at);
        // An hour that is being packed is in both.
        values.dedup_by_key(|value| value.at);
        told.push(Series {
            name,
            unit: scale.unit(),
            limits: scale.limits(),
            points: gathered(&values, from, to, points),
        });
    }
    Ok(told)
}

/// The most hours of single values that are looked at for a chart; longer ones are drawn by the hour.
const HOURS: i64 = 72;

/// Single values that were packed by the hour.
fn packed(
    connection: &Connection,
    series: u32,
    from: i64,
    to: i64,
) -> Result<Vec<Sample>, rusqlite::Error> {
    let mut samples = Vec::new();
    if to.saturating_sub(from) > HOURS * HOUR {
        return Ok(samples);
    }
    let mut found =
        connection.prepare_cached("SELECT at, body FROM packed WHERE at = ?1 AND series = ?2")?;
    let mut hour = from.div_euclid(HOUR) * HOUR;
    while hour < to {
        let mut rows = found.query(params![hour, series])?;
        if let Some(row) = rows.next()? {
            let body: PackedForm = form::read(row.get_ref(1)?.as_blob()?)?;
            let values = body
                .into_iter()
                .map(|(offset, value)| Sample::one(hour + i64::from(offset), value));
            samples.extend(values.filter(|sample| (from..to).contains(&sample.at)));
        }
        hour += HOUR;
    }
    Ok(samples)
}

/// What was rolled up before a moment.
fn rolled(
    connection: &Connection,
    (level, length): (u8, i64),
    series: u32,
    from: i64,
    to: i64,
) -> Result<Vec<Sample>, rusqlite::Error> {
    let row = if level == 1 { DAY } else { WINDOW };
    let mut found = connection
        .prepare_cached("SELECT body FROM rolled WHERE level = ?1 AND at = ?2 AND series = ?3")?;
    // Nothing is older than that, whatever was asked for.
    let oldest: Option<i64> = connection
        .prepare_cached("SELECT min(at) FROM rolled WHERE level = ?1")?
        .query_row([level], |row| row.get(0))?;
    let Some(oldest) = oldest else {
        return Ok(Vec::new());
    };
    let mut samples = Vec::new();
    let mut at = (from.div_euclid(row) * row).max(oldest);
    while at < to {
        let mut rows = found.query(params![level, at, series])?;
        if let Some(row) = rows.next()? {
            let body: Vec<RolledForm> = form::read(row.get_ref(0)?.as_blob()?)?;
            let parts = body.into_iter().map(|part| Sample {
                at: at + i64::from(part.part) * length,
                count: part.count,
                min: part.min.into(),
                mean: part.mean.into(),
                max: part.max.into(),
            });
            samples.extend(parts.filter(|part| part.at + length > from && part.at + length <= to));
        }
        at += row;
    }
    Ok(samples)
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
                let values = samples.entry(sample.series).or_default();
                values.push(Sample::one(at, sample.value));
            }
        }
    }
    Ok(samples)
}

/// Values as points: one for each part of the time that has any.
fn gathered(samples: &[Sample], from: i64, to: i64, points: usize) -> Vec<Point> {
    let length = ((to - from) as f64 / points as f64).max(1.0);
    // What was rolled up may have begun before.
    let part = |at: i64| ((at.max(from) - from) as f64 / length) as usize;
    samples
        .chunk_by(|one, other| part(one.at) == part(other.at))
        .map(|part| {
            let count: f64 = part.iter().map(|sample| f64::from(sample.count)).sum();
            let total: f64 = part
                .iter()
                .map(|sample| sample.mean * f64::from(sample.count))
                .sum();
            Point {
                at: stamp(part[0].at),
                min: part.iter().map(|one| one.min).fold(f64::INFINITY, f64::min),
                mean: total / count.max(1.0),
                max: part
                    .iter()
                    .map(|one| one.max)
                    .fold(f64::NEG_INFINITY, f64::max),
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
    let mut packed = connection.prepare_cached(
        "SELECT at, series, body FROM packed WHERE at >= ?1 AND at <= ?2 ORDER BY at",
    )?;
    let first = at.saturating_sub(age).div_euclid(HOUR) * HOUR;
    let mut rows = packed.query(params![first, at])?;
    while let Some(row) = rows.next()? {
        let hour: i64 = row.get(0)?;
        let body: PackedForm = form::read(row.get_ref(2)?.as_blob()?)?;
        let within = |offset: u32| (at - age..=at).contains(&(hour + i64::from(offset)));
        let newest = body.iter().rev().find(|(offset, _)| within(*offset));
        if let Some((_, value)) = newest {
            values.insert(row.get(1)?, *value);
        }
    }
    Ok(values)
}
