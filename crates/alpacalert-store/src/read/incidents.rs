//! The times in which services were not Passing.

use alpacalert_model::{NodeId, State, Timestamp};
use rusqlite::{Connection, OptionalExtension as _, params};

use super::{find, graph, node_id, uptime};
use crate::Incident;
use crate::schema::flag;
use crate::time::{millis, stamp};
use crate::timeline::{Known, Span};

/// How far before the asked time an incident's beginning is looked for, in milliseconds.
const BACK: i64 = 31 * 24 * 60 * 60 * 1000;

pub(crate) fn incidents(
    connection: &Connection,
    (from, to): (Timestamp, Timestamp),
    node: Option<&NodeId>,
    limit: usize,
    alive: Timestamp,
) -> Result<Vec<Incident>, rusqlite::Error> {
    let (from, to) = (millis(from), millis(to).min(millis(alive)));
    let back = from.saturating_sub(BACK);
    let nodes = match node {
        Some(node) => find(connection, node)?.into_iter().collect(),
        None => troubled(connection, back, to)?,
    };
    let mut times: Vec<(u32, Time)> = Vec::new();
    for node in nodes {
        let facts = uptime::facts(connection, node, (back, to), alive)?;
        let found = times_of(&facts.spans(back, to)).into_iter();
        let found = found.filter(|time| time.to.is_none_or(|end| end > from));
        times.extend(found.map(|time| (node, time)));
    }
    times.sort_by_key(|(node, time)| (std::cmp::Reverse(time.from), *node));
    times.truncate(limit);
    let mut incidents = Vec::with_capacity(times.len());
    for (node, time) in times {
        incidents.extend(told(connection, node, &time)?);
    }
    Ok(incidents)
}

/// The services that were not Passing at some moment of a time.
fn troubled(connection: &Connection, from: i64, to: i64) -> Result<Vec<u32>, rusqlite::Error> {
    let mut found = connection.prepare_cached(
        "SELECT node FROM transition
         WHERE flags & 256 AND at >= ?1 AND at < ?2 AND flags >> 2 & 3 <> 0
         UNION SELECT node FROM recent
         WHERE flags & 256 AND at >= ?1 AND at < ?2 AND flags >> 2 & 3 <> 0 ORDER BY node",
    )?;
    let rows = found.query_map(params![from, to], |row| row.get(0))?;
    rows.collect()
}

/// A time in which a node was not Passing.
#[derive(Clone, Copy, Debug, PartialEq)]
struct Time {
    from: i64,
    to: Option<i64>,
    worst: State,
    /// When it became that bad.
    worst_at: i64,
    /// Milliseconds of it in which nobody looked.
    unseen: i64,
}

/// A time in which nobody looked belongs to an incident if it was one before and after.
fn times_of(spans: &[Span]) -> Vec<Time> {
    let mut times: Vec<Time> = Vec::new();
    let mut open: Option<Time> = None;
    let mut unseen = 0;
    for span in spans {
        match (&span.known, &mut open) {
            (Known::Seen(State::Passing, _) | Known::Absent, _) => {
                times.extend(open.take().map(|time| Time {
                    // What was not seen at the end may have been the end.
                    to: Some(span.from - unseen),
                    ..time
                }));
                unseen = 0;
            }
            (Known::Unseen(_), Some(_)) => unseen += span.to - span.from,
            (Known::Unseen(_), None) => {}
            (Known::Seen(state, _), Some(time)) => {
                time.unseen += std::mem::take(&mut unseen);
                if *state > time.worst {
                    (time.worst, time.worst_at) = (*state, span.from);
                }
            }
            (Known::Seen(state, _), None) => {
                open = Some(Time {
                    from: span.from,
                    to: None,
                    worst: *state,
                    worst_at: span.from,
                    unseen: 0,
                });
                unseen = 0;
            }
        }
    }
    times.extend(open);
    times
}

fn told(
    connection: &Connection,
    node: u32,
    time: &Time,
) -> Result<Option<Incident>, rusqlite::Error> {
    let named = connection
        .prepare_cached("SELECT source, kind, reference FROM node WHERE id = ?1")?
        .query_row([node], |row| {
            node_id(row.get_ref(0)?, row.get_ref(1)?, row.get_ref(2)?)
        })
        .optional()?;
    let Some(id) = named.flatten() else {
        return Ok(None);
    };
    let said = connection
        .prepare_cached(
            "SELECT t.flags, o.text, s.text FROM
             (SELECT * FROM (SELECT at, seq, flags, owner, said FROM transition
                             WHERE node = ?1 AND at <= ?2 ORDER BY at DESC, seq DESC LIMIT 1)
              UNION ALL SELECT at, seq, flags, owner, said FROM recent WHERE node = ?1 AND at <= ?2) t
             LEFT JOIN word o ON o.id = t.owner LEFT JOIN said s ON s.id = t.said
             ORDER BY t.at DESC, t.seq DESC LIMIT 1",
        )?
        .query_row(params![node, time.worst_at], |row| {
            Ok((
                row.get::<_, i64>(0)?,
                row.get::<_, Option<String>>(1)?,
                row.get::<_, Option<String>>(2)?,
            ))
        })
        .optional()?;
    let (flags, owner, cause) = said.unwrap_or_default();
    let title = graph::title_at(connection, node, time.worst_at)?;
    Ok(Some(Incident {
        title: title.unwrap_or_else(|| id.reference().to_string()),
        node: id,
        owner: owner.map(Into::into),
        public: flags & flag::PUBLIC != 0,
        worst: time.worst,
        from: stamp(time.from),
        to: time.to.map(stamp),
        cause: cause.unwrap_or_default(),
        unobserved: time.unseen as f64 / 1000.0,
    }))
}
