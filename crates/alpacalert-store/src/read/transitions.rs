//! Changes of state.

use rusqlite::{Connection, Row, named_params};

use super::{epochs, find, graph, node_id, state};
use crate::schema::flag;
use crate::time::{millis, stamp};
use crate::{PastTransition, Wanted};

/// What a transition is read with, from whichever place it is in.
const COLUMNS: &str = "SELECT t.node, t.at, t.seq, t.flags, r.text, o.text, s.text, n.source, n.kind, n.reference FROM";

const WORDS: &str = "JOIN node n ON n.id = t.node
    LEFT JOIN word r ON r.id = t.reason
    LEFT JOIN word o ON o.id = t.owner
    LEFT JOIN said s ON s.id = t.said";

/// Only real changes of what is shown.
const REAL: &str = "flags & 128 = 0 AND (flags & 3) <> (flags >> 4 & 7)";

/// The newest first, in the order in which they were, whatever the clock said.
pub(crate) fn transitions(
    connection: &Connection,
    wanted: &Wanted,
) -> Result<Vec<PastTransition>, rusqlite::Error> {
    let node = match &wanted.node {
        None => None,
        Some(node) => match find(connection, node)? {
            None => return Ok(Vec::new()),
            found => found,
        },
    };
    // Each question names its index by what it asks for.
    let which = match (node, wanted.services) {
        (Some(_), true) => "node = :node AND flags & 256 AND",
        (Some(_), false) => "node = :node AND",
        (None, true) => ":node IS NULL AND flags & 256 AND",
        (None, false) => ":node IS NULL AND",
    };
    let part = |table: &str| {
        format!(
            "SELECT * FROM (SELECT node, at, seq, flags, reason, owner, said FROM {table}
             WHERE {which} at >= :from AND at < :to AND seq > :after AND seq <= :last AND {REAL}
             ORDER BY at DESC, seq DESC LIMIT :limit)"
        )
    };
    let (old, new) = (part("transition"), part("recent"));
    let sql = format!(
        "{COLUMNS} ({old} UNION ALL {new}) t {WORDS} ORDER BY t.at DESC, t.seq DESC LIMIT :limit"
    );
    let mut found = connection.prepare_cached(&sql)?;
    let mut transitions = Vec::new();
    for numbers in epochs(connection)? {
        let left = wanted.limit.saturating_sub(transitions.len());
        let mut rows = found.query(named_params! {
            ":node": node,
            ":from": millis(wanted.from),
            ":to": millis(wanted.to),
            ":after": numbers.after,
            ":last": numbers.last,
            ":limit": i64::try_from(left).unwrap_or(i64::MAX),
        })?;
        while let Some(row) = rows.next()? {
            transitions.extend(transition(connection, row)?);
        }
        if transitions.len() >= wanted.limit {
            break;
        }
    }
    Ok(transitions)
}

fn transition(
    connection: &Connection,
    row: &Row<'_>,
) -> Result<Option<PastTransition>, rusqlite::Error> {
    let Some(node) = node_id(row.get_ref(7)?, row.get_ref(8)?, row.get_ref(9)?)? else {
        return Ok(None);
    };
    let (id, at, seq, flags): (u32, i64, i64, i64) =
        (row.get(0)?, row.get(1)?, row.get(2)?, row.get(3)?);
    let title = graph::title_at(connection, id, at)?;
    let before = flags >> flag::BEFORE & 7;
    let text = |column| {
        let text: Option<String> = row.get(column)?;
        Ok::<String, rusqlite::Error>(text.unwrap_or_default())
    };
    Ok(Some(PastTransition {
        seq: u64::try_from(seq).unwrap_or(0),
        title: title.unwrap_or_else(|| node.reference().to_string()),
        node,
        owner: row.get(5)?,
        service: flags & flag::SERVICE != 0,
        from: (before < 4).then(|| state(before)),
        to: state(flags >> flag::SHOWN),
        reason: text(4)?,
        message: text(6)?,
        at: stamp(at),
    }))
}
