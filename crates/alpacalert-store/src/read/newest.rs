//! The newest change of a node. Those written of late have no order by node: they are looked through once.

use std::collections::HashMap;

use rusqlite::{Connection, OptionalExtension as _, Row, params};

use super::Numbers;

/// A change, with the rows of its words.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Newest {
    pub(crate) at: i64,
    pub(crate) seq: i64,
    pub(crate) flags: i64,
    pub(crate) since: Option<i64>,
    pub(crate) reason: i64,
    pub(crate) said: Option<i64>,
}

impl Newest {
    fn read(row: &Row<'_>) -> Result<Self, rusqlite::Error> {
        Ok(Newest {
            at: row.get(0)?,
            seq: row.get(1)?,
            flags: row.get(2)?,
            since: row.get(3)?,
            reason: row.get(4)?,
            said: row.get(5)?,
        })
    }
}

/// Of each node the newest of the changes that were written of late, from a time to another, both included, of an epoch or a run.
pub(crate) fn newest_recent(
    connection: &Connection,
    (from, to): (i64, i64),
    numbers: Numbers,
) -> Result<HashMap<u32, Newest>, rusqlite::Error> {
    let mut found = connection.prepare_cached(
        "SELECT at, seq, flags, since, reason, said, node FROM recent
         WHERE at >= ?1 AND at <= ?2 AND seq > ?3 AND seq <= ?4",
    )?;
    let mut rows = found.query(params![from, to, numbers.after, numbers.last])?;
    let mut newest: HashMap<u32, Newest> = HashMap::new();
    while let Some(row) = rows.next()? {
        let change = Newest::read(row)?;
        let kept = newest.entry(row.get(6)?).or_insert(change);
        if kept.seq < change.seq {
            *kept = change;
        }
    }
    Ok(newest)
}

/// The newest change of a node, in either place; `recent` is what [`newest_recent`] gave for the same time.
pub(crate) fn newest(
    connection: &Connection,
    recent: &HashMap<u32, Newest>,
    node: u32,
    (from, to): (i64, i64),
    numbers: Numbers,
) -> Result<Option<Newest>, rusqlite::Error> {
    if let Some(newest) = recent.get(&node) {
        return Ok(Some(*newest));
    }
    connection
        .prepare_cached(
            "SELECT at, seq, flags, since, reason, said FROM transition
             WHERE node = ?1 AND at >= ?2 AND at <= ?3 AND seq > ?4 AND seq <= ?5 ORDER BY at DESC, seq DESC LIMIT 1",
        )?
        .query_row(
            params![node, from, to, numbers.after, numbers.last],
            Newest::read,
        )
        .optional()
}
