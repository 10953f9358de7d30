//! Changes that were written of late join those of their nodes.

use rusqlite::Connection;

/// How many may wait. Reading the past of a node looks through all of them, which takes some milliseconds; the more there are, the
/// fewer pages each costs.
pub(crate) const MANY: u64 = 50_000;

/// How many wait.
pub(crate) fn unmerged(connection: &Connection) -> Result<u64, rusqlite::Error> {
    let count: i64 = connection.query_row("SELECT count(*) FROM recent", [], |row| row.get(0))?;
    Ok(count.unsigned_abs())
}

/// Moves all of them, node by node, so that a page is written once for all that comes into it.
pub(super) fn merge(connection: &Connection) -> Result<(), rusqlite::Error> {
    connection.execute_batch(
        "INSERT INTO transition (node, at, seq, flags, reason, because, owner, since, said)
         SELECT node, at, seq, flags, reason, because, owner, since, said FROM recent ORDER BY node, at, seq;
         DELETE FROM recent;",
    )
}
