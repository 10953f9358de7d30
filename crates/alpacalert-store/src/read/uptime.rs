//! How a node was over a time.

use alpacalert_model::{NodeId, Reason, Timestamp};
use rusqlite::{Connection, OptionalExtension as _, params};

use super::{find, graph, spans, state};
use crate::Uptime;
use crate::schema::flag;
use crate::time::millis;
use crate::timeline::{self, Entered, Facts, Presence};

pub(crate) fn uptime(
    connection: &Connection,
    node: &NodeId,
    (from, to, parts): (Timestamp, Timestamp, usize),
    alive: Timestamp,
) -> Result<Vec<Uptime>, rusqlite::Error> {
    let (from, to) = (millis(from), millis(to));
    let Some(id) = find(connection, node)? else {
        return Ok(timeline::uptime(&Facts::default(), from, to, parts));
    };
    let facts = facts(connection, id, (from, to), alive)?;
    Ok(timeline::uptime(&facts, from, to, parts))
}

/// Everything that is remembered of a node over a time.
pub(super) fn facts(
    connection: &Connection,
    node: u32,
    (from, to): (i64, i64),
    alive: Timestamp,
) -> Result<Facts, rusqlite::Error> {
    Ok(Facts {
        runs: spans::runs(connection, from, to, alive)?,
        gaps: spans::gaps(connection, from, to)?,
        entered: entered(connection, node, from, to)?,
        presence: presence(connection, node, from, to)?,
    })
}

/// The last moment before a time at which something is known of a node, or the time itself.
fn before(
    connection: &Connection,
    table: &'static str,
    node: u32,
    from: i64,
) -> Result<i64, rusqlite::Error> {
    let sql =
        format!("SELECT at FROM {table} WHERE node = ?1 AND at <= ?2 ORDER BY at DESC LIMIT 1");
    let found = connection
        .prepare_cached(&sql)?
        .query_row(params![node, from], |row| row.get(0))
        .optional()?;
    Ok(found.unwrap_or(from))
}

fn entered(
    connection: &Connection,
    node: u32,
    from: i64,
    to: i64,
) -> Result<Vec<Entered>, rusqlite::Error> {
    let from = before(connection, "transition", node, from)?;
    let mut found = connection.prepare_cached(
        "SELECT t.at, t.flags, CASE WHEN t.flags >> 2 & 3 = 2 THEN w.text END
         FROM transition t LEFT JOIN word w ON w.id = coalesce(t.because, t.reason)
         WHERE t.node = ?1 AND t.at >= ?2 AND t.at < ?3 ORDER BY t.at, t.seq",
    )?;
    let rows = found.query_map(params![node, from, to], |row| {
        let (at, flags, why): (i64, i64, Option<String>) = (row.get(0)?, row.get(1)?, row.get(2)?);
        Ok(Entered {
            at,
            state: state(flags >> flag::CONFIRMED),
            why: why.map_or(Reason::OK, Reason::new),
            maintenance: flags & flag::MAINTENANCE != 0,
        })
    })?;
    rows.collect()
}

fn presence(
    connection: &Connection,
    node: u32,
    from: i64,
    to: i64,
) -> Result<Vec<Presence>, rusqlite::Error> {
    let from = before(connection, "described", node, from)?;
    let mut found = connection.prepare_cached(
        "SELECT at, body FROM described WHERE node = ?1 AND at >= ?2 AND at < ?3 ORDER BY at, seq",
    )?;
    let rows = found.query_map(params![node, from, to], |row| {
        let body = row.get_ref(1)?.as_blob()?;
        Ok(Presence {
            at: row.get(0)?,
            there: !graph::is_gone(body),
        })
    })?;
    rows.collect()
}
