//! When anybody looked.

use alpacalert_model::{Reason, Timestamp};
use rusqlite::{Connection, params};

use super::epochs::{self, Numbers};
use crate::MONITOR_DOWN;
use crate::time::millis;
use crate::timeline::{Gap, Run};

/// The program's runs that overlap a time, in the order in which they were. The newest one reaches to `alive`.
pub(super) fn runs(
    connection: &Connection,
    from: i64,
    to: i64,
    alive: Timestamp,
) -> Result<Vec<Run>, rusqlite::Error> {
    let newest: Option<i64> =
        connection.query_row("SELECT max(id) FROM run", [], |row| row.get(0))?;
    let mut found =
        connection.prepare_cached("SELECT id, began, alive, seq FROM run ORDER BY id")?;
    let rows = found.query_map([], |row| {
        let (id, began, until): (i64, i64, i64) = (row.get(0)?, row.get(1)?, row.get(2)?);
        let until = match Some(id) == newest {
            true => until.max(millis(alive)),
            false => until,
        };
        Ok(Run {
            began,
            until,
            numbers: Numbers {
                after: row.get(3)?,
                ..Numbers::ALL
            },
        })
    })?;
    let mut runs = rows.collect::<Result<Vec<Run>, _>>()?;
    epochs::number(&mut runs);
    runs.retain(|run| run.began < to && run.until > from);
    Ok(runs)
}

/// The times in which it ran, and saw or kept nothing.
pub(super) fn gaps(
    connection: &Connection,
    from: i64,
    to: i64,
) -> Result<Vec<Gap>, rusqlite::Error> {
    let mut found = connection.prepare_cached(
        "SELECT began, ended, reason FROM gap WHERE began < ?2 AND ended > ?1 ORDER BY began",
    )?;
    let rows = found.query_map(params![from, to], |row| {
        let reason: String = row.get(2)?;
        Ok(Gap {
            from: row.get(0)?,
            to: row.get(1)?,
            reason: match reason == MONITOR_DOWN.as_str() {
                true => MONITOR_DOWN,
                false => Reason::new(reason),
            },
        })
    })?;
    rows.collect()
}
