//! What is old enough is let go.

use std::time::Duration;

use rusqlite::{Connection, OptionalExtension as _, params};

use super::pack::{DAY, WINDOW};
use crate::Retention;
use crate::form;
use crate::read::uptime_of_day;

/// The most rows that go at a time.
const ROWS: i64 = 2000;

/// The most nodes and services that are looked at at a time.
const NODES: i64 = 200;

/// Lets some rows go; tells whether there are more.
pub(super) fn expire(
    connection: &Connection,
    retention: &Retention,
    now: i64,
    forgot: &mut bool,
) -> Result<bool, rusqlite::Error> {
    let before = |kept: Duration| {
        let kept = i64::try_from(kept.as_millis()).unwrap_or(i64::MAX);
        now.saturating_sub(kept)
    };
    let bounded = |sql: &str, cut: i64| {
        let gone = connection
            .prepare_cached(sql)?
            .execute(params![cut, ROWS])?;
        Ok::<bool, rusqlite::Error>(gone as i64 == ROWS)
    };
    let packed = bounded(
        "DELETE FROM packed WHERE (at, series) IN (SELECT at, series FROM packed WHERE at < ?1 ORDER BY at LIMIT ?2)",
        before(retention.measurements),
    )?;
    let hours = bounded(
        "DELETE FROM rolled WHERE (level, at, series) IN
         (SELECT level, at, series FROM rolled WHERE level = 1 AND at < ?1 ORDER BY at LIMIT ?2)",
        before(retention.hours),
    )?;
    let days = bounded(
        "DELETE FROM rolled WHERE (level, at, series) IN
         (SELECT level, at, series FROM rolled WHERE level = 2 AND at < ?1 ORDER BY at LIMIT ?2)",
        before(retention.days).saturating_sub(WINDOW),
    )?;
    let lived = bounded(
        "DELETE FROM lived WHERE (node, at) IN (SELECT node, at FROM lived WHERE at < ?1 LIMIT ?2)",
        before(retention.days),
    )?;
    let transitions = transitions(connection, before(retention.transitions), forgot)?;
    Ok(packed || hours || days || lived || transitions)
}

/// Days of changes go whole, so that what is left of them is a whole day too. Of each node its newest state stays, and its newest
/// description: they tell how it was on the day after.
fn transitions(
    connection: &Connection,
    before: i64,
    forgot: &mut bool,
) -> Result<bool, rusqlite::Error> {
    let cut = before.div_euclid(DAY) * DAY;
    let done = meta(connection, "expired")?;
    if done.is_some_and(|done| done >= cut) {
        return Ok(false);
    }
    let oldest: Option<i64> =
        connection.query_row("SELECT min(at) FROM transition", [], |row| row.get(0))?;
    let first = match (done, oldest) {
        (Some(done), _) => done,
        (None, Some(oldest)) => oldest.div_euclid(DAY) * DAY,
        (None, None) => cut,
    };
    if first >= cut {
        set_meta(connection, "expired", cut)?;
        return Ok(false);
    }
    let end = first + DAY;
    let from = meta(connection, "expiring")?.unwrap_or(0);
    let mut nodes = connection
        .prepare_cached("SELECT id, hash, gone FROM node WHERE id > ?1 ORDER BY id LIMIT ?2")?;
    let found = nodes.query_map(params![from, NODES], |row| {
        Ok((row.get(0)?, row.get(1)?, row.get(2)?))
    })?;
    let found: Vec<(u32, i64, Option<i64>)> = found.collect::<Result<_, _>>()?;
    for (node, hash, gone) in &found {
        let lived = uptime_of_day(connection, *node, first, end)?;
        if let Some(lived) = lived {
            connection
                .prepare_cached(
                    "INSERT OR REPLACE INTO lived (node, at, body) VALUES (?1, ?2, ?3)",
                )?
                .execute(params![node, first, form::write(&lived)])?;
        }
        for table in ["transition", "described"] {
            // The newest row before the end stays, and in a list of differences what it builds on.
            let sql = match table {
                "transition" => {
                    "DELETE FROM transition WHERE node = ?1 AND at < ?2 AND (at, seq) <
                     (SELECT at, seq FROM transition WHERE node = ?1 AND at < ?2 ORDER BY at DESC, seq DESC LIMIT 1)"
                }
                _ => {
                    "DELETE FROM described WHERE node = ?1 AND at < ?2 AND (at, seq) <
                     (SELECT at, seq FROM described WHERE node = ?1 AND at < ?2 AND substr(body, 1, 1) <> x'02'
                      ORDER BY at DESC, seq DESC LIMIT 1)"
                }
            };
            connection
                .prepare_cached(sql)?
                .execute(params![node, end])?;
        }
        if *hash == 0 && gone.is_some_and(|gone| gone < end) {
            forget(connection, *node)?;
            *forgot = true;
        }
    }
    match found.last() {
        Some((last, ..)) if found.len() as i64 == NODES => {
            set_meta(connection, "expiring", i64::from(*last))?;
        }
        _ => {
            set_meta(connection, "expiring", 0)?;
            set_meta(connection, "expired", end)?;
            sentences(connection, end)?;
        }
    }
    Ok(true)
}

/// A node that went before everything that is kept.
fn forget(connection: &Connection, node: u32) -> Result<(), rusqlite::Error> {
    for sql in [
        "DELETE FROM transition WHERE node = ?1",
        "DELETE FROM described WHERE node = ?1",
        "DELETE FROM lived WHERE node = ?1",
        "DELETE FROM series WHERE node = ?1",
        "DELETE FROM node WHERE id = ?1",
    ] {
        connection.prepare_cached(sql)?.execute([node])?;
    }
    Ok(())
}

/// Sentences are numbered as they are said, and none is used on a later day again.
fn sentences(connection: &Connection, end: i64) -> Result<(), rusqlite::Error> {
    let first: Option<i64> = connection.query_row(
        "SELECT min(t.said) FROM (SELECT said FROM transition WHERE at >= ?1 AND at < ?2 AND said IS NOT NULL ORDER BY at LIMIT 1000) t",
        params![end, end + DAY],
        |row| row.get(0),
    )?;
    if let Some(first) = first {
        connection.execute("DELETE FROM said WHERE id < ?1", [first])?;
    }
    connection
        .execute("DELETE FROM gap WHERE ended < ?1", [end])
        .map(drop)
}

/// A number that is kept beside the rows.
pub(crate) fn meta(connection: &Connection, key: &str) -> Result<Option<i64>, rusqlite::Error> {
    connection
        .prepare_cached("SELECT value FROM meta WHERE key = ?1")?
        .query_row([key], |row| row.get(0))
        .optional()
}

fn set_meta(connection: &Connection, key: &str, value: i64) -> Result<(), rusqlite::Error> {
    connection
        .prepare_cached(
            "INSERT INTO meta (key, value) VALUES (?1, ?2) ON CONFLICT (key) DO UPDATE SET value = excluded.value",
        )?
        .execute(params![key, value])
        .map(drop)
}
