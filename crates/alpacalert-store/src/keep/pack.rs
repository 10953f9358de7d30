//! Sweeps over many series become hours of one series each, and hours become days.

use std::collections::BTreeMap;

use rusqlite::{Connection, OptionalExtension as _, params};

use crate::form::{self, PackedForm, RolledForm, SampleForm};

/// In milliseconds.
pub(crate) const HOUR: i64 = 60 * 60 * 1000;
pub(crate) const DAY: i64 = 24 * HOUR;
/// What one row holds of days: a whole number of them, so that every time belongs to one.
pub(crate) const WINDOW: i64 = 32 * DAY;

/// How long after it was measured a value may be swept up.
pub(crate) const LATE: i64 = 10 * 60 * 1000;

/// Packs the oldest hour of sweeps that is over; tells whether there was one.
pub(super) fn pack(connection: &Connection, now: i64) -> Result<bool, rusqlite::Error> {
    let oldest: Option<i64> =
        connection.query_row("SELECT min(at) FROM sweep", [], |row| row.get(0))?;
    let Some(hour) = oldest.map(|at| at.div_euclid(HOUR) * HOUR) else {
        return Ok(false);
    };
    let end = hour.saturating_add(HOUR);
    if end.saturating_add(LATE) > now {
        return Ok(false);
    }
    let mut hours: BTreeMap<(i64, u32), Vec<(u32, f64)>> = BTreeMap::new();
    let mut sweeps = connection.prepare_cached("SELECT at, body FROM sweep WHERE at < ?1")?;
    let mut rows = sweeps.query([end])?;
    while let Some(row) = rows.next()? {
        let swept: i64 = row.get(0)?;
        let body: Vec<SampleForm> = form::read(row.get_ref(1)?.as_blob()?)?;
        for sample in body {
            let at = swept.saturating_sub(i64::from(sample.age));
            let hour = at.div_euclid(HOUR) * HOUR;
            let offset = (at - hour) as u32;
            let values = hours.entry((hour, sample.series)).or_default();
            values.push((offset, sample.value));
        }
    }
    drop(rows);
    for ((hour, series), values) in hours {
        keep(connection, hour, series, values)?;
    }
    connection.execute("DELETE FROM sweep WHERE at < ?1", [end])?;
    Ok(true)
}

/// Adds values to an hour of a series, and brings what is rolled up of it up to date.
fn keep(
    connection: &Connection,
    hour: i64,
    series: u32,
    mut values: PackedForm,
) -> Result<(), rusqlite::Error> {
    let before: Option<PackedForm> = connection
        .prepare_cached("SELECT body FROM packed WHERE at = ?1 AND series = ?2")?
        .query_row(params![hour, series], |row| {
            form::read(row.get_ref(0)?.as_blob()?)
        })
        .optional()?;
    values.extend(before.unwrap_or_default());
    values.sort_by_key(|(offset, _)| *offset);
    values.dedup_by_key(|(offset, _)| *offset);
    connection
        .prepare_cached("INSERT OR REPLACE INTO packed (at, series, body) VALUES (?1, ?2, ?3)")?
        .execute(params![hour, series, form::write(&values)])?;
    let day = hour.div_euclid(DAY) * DAY;
    let part = ((hour - day) / HOUR) as u8;
    let singles = values.iter().map(|(_, value)| (1, *value, *value, *value));
    let hours = roll(connection, (1, day, series), part, sum(part, singles))?;
    let window = day.div_euclid(WINDOW) * WINDOW;
    let part = ((day - window) / DAY) as u8;
    let wide = |hour: &RolledForm| {
        let (min, mean, max) = (hour.min.into(), hour.mean.into(), hour.max.into());
        (hour.count, min, mean, max)
    };
    let all = sum(part, hours.iter().map(wide));
    roll(connection, (2, window, series), part, all).map(drop)
}

/// Puts one part into its row; gives the whole row.
fn roll(
    connection: &Connection,
    (level, at, series): (u8, i64, u32),
    part: u8,
    rolled: RolledForm,
) -> Result<Vec<RolledForm>, rusqlite::Error> {
    let row: Option<Vec<RolledForm>> = connection
        .prepare_cached("SELECT body FROM rolled WHERE level = ?1 AND at = ?2 AND series = ?3")?
        .query_row(params![level, at, series], |row| {
            form::read(row.get_ref(0)?.as_blob()?)
        })
        .optional()?;
    let mut parts = row.unwrap_or_default();
    parts.retain(|other| other.part != part);
    parts.push(rolled);
    parts.sort_by_key(|rolled| rolled.part);
    connection
        .prepare_cached(
            "INSERT OR REPLACE INTO rolled (level, at, series, body) VALUES (?1, ?2, ?3, ?4)",
        )?
        .execute(params![level, at, series, form::write(&parts)])?;
    Ok(parts)
}

/// One of several: their number, least, mean and greatest.
fn sum(part: u8, all: impl Iterator<Item = (u32, f64, f64, f64)>) -> RolledForm {
    let (mut count, mut total) = (0_u32, 0.0);
    let (mut least, mut greatest) = (f64::INFINITY, f64::NEG_INFINITY);
    for (n, min, mean, max) in all {
        count = count.saturating_add(n);
        total += mean * f64::from(n);
        least = least.min(min);
        greatest = greatest.max(max);
    }
    RolledForm {
        part,
        count,
        min: least as f32,
        mean: (total / f64::from(count.max(1))) as f32,
        max: greatest as f32,
    }
}
