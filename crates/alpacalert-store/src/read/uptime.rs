//! How a node was over a time.

use alpacalert_model::{NodeId, Reason, Timestamp};
use rusqlite::{Connection, OptionalExtension as _, params};

use super::{Numbers, epochs, find, graph, spans, state};
use crate::Uptime;
use crate::form::{self, LivedForm};
use crate::keep::{DAY, meta};
use crate::schema::flag;
use crate::time::{millis, stamp};
use crate::timeline::{self, Entered, Facts, Presence};

pub(crate) fn uptime(
    connection: &Connection,
    node: &NodeId,
    (from, to, parts): (Timestamp, Timestamp, usize),
    alive: Timestamp,
) -> Result<Vec<Uptime>, rusqlite::Error> {
    let (from, to) = (millis(from), millis(to));
    let Some(id) = find(connection, node)? else {
        return Ok(timeline::uptime(&Facts::default(), (from, to), from, parts));
    };
    // What came before that is only known by days.
    let kept = meta(connection, "expired")?.unwrap_or(i64::MIN);
    let mut told = match kept < to {
        true => {
            let facts = facts(connection, id, (from.max(kept), to), alive)?;
            timeline::uptime(&facts, (from, to), kept, parts)
        }
        false => vec![Uptime::default(); parts],
    };
    if from < kept {
        add_days(connection, id, (from, kept.min(to)), (from, to), &mut told)?;
    }
    Ok(told)
}

/// Adds what is left of days whose changes are not kept any more. Within a day nothing is known: a part of it has its share.
fn add_days(
    connection: &Connection,
    node: u32,
    (first, last): (i64, i64),
    (from, to): (i64, i64),
    told: &mut [Uptime],
) -> Result<(), rusqlite::Error> {
    let mut found = connection.prepare_cached(
        "SELECT at, body FROM lived WHERE node = ?1 AND at > ?2 AND at < ?3 ORDER BY at",
    )?;
    let mut rows = found.query(params![node, first.saturating_sub(DAY), last])?;
    let mut days: Vec<(i64, LivedForm)> = Vec::new();
    while let Some(row) = rows.next()? {
        days.push((row.get(0)?, form::read(row.get_ref(1)?.as_blob()?)?));
    }
    let parts = told.len();
    for (n, uptime) in told.iter_mut().enumerate() {
        let begin = timeline::edge((from, to), parts, n).max(first);
        let end = timeline::edge((from, to), parts, n + 1).min(last);
        let mut rest = (end - begin).max(0);
        for (day, lived) in &days {
            let shared = (end.min(day + DAY) - begin.max(*day)).max(0);
            rest -= shared;
            uptime.add(&lived.share(shared as f64 / DAY as f64));
        }
        uptime.absent += rest as f64 / 1000.0;
    }
    Ok(())
}

impl LivedForm {
    fn share(&self, share: f64) -> Uptime {
        let part = |seconds: f32| f64::from(seconds) * share;
        let unsure = self.unsure.iter().filter(|_| share > 0.0);
        Uptime {
            seconds: self.seconds.map(part),
            unobserved: part(self.unobserved),
            absent: part(self.absent),
            unsure: unsure
                .map(|(why, seconds)| (Reason::new(why.clone()), part(*seconds)))
                .collect(),
        }
    }
}

/// How a service was on a day, for when its changes are not kept any more; `None` for what was no service.
pub(crate) fn uptime_of_day(
    connection: &Connection,
    node: u32,
    from: i64,
    to: i64,
) -> Result<Option<LivedForm>, rusqlite::Error> {
    let flags: Option<i64> = connection
        .prepare_cached(
            "SELECT flags FROM transition WHERE node = ?1 AND at < ?2 ORDER BY at DESC, seq DESC LIMIT 1",
        )?
        .query_row(params![node, to], |row| row.get(0))
        .optional()?;
    if flags.is_none_or(|flags| flags & flag::SERVICE == 0) {
        return Ok(None);
    }
    // All of it is over: no run that lasts reaches further than what is written.
    let facts = facts(connection, node, (from, to), stamp(to))?;
    let day = timeline::uptime(&facts, (from, to), from, 1).remove(0);
    Ok(Some(LivedForm {
        seconds: day.seconds.map(|seconds| seconds as f32),
        unobserved: day.unobserved as f32,
        absent: day.absent as f32,
        unsure: day
            .unsure
            .iter()
            .map(|(why, seconds)| (why.as_str().to_owned(), *seconds as f32))
            .collect(),
    }))
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
    numbers: Numbers,
) -> Result<i64, rusqlite::Error> {
    let sql = format!(
        "SELECT at FROM {table} WHERE node = ?1 AND at <= ?2 AND seq > ?3 AND seq <= ?4 ORDER BY at DESC LIMIT 1"
    );
    let found = connection
        .prepare_cached(&sql)?
        .query_row(params![node, from, numbers.after, numbers.last], |row| {
            row.get(0)
        })
        .optional()?;
    Ok(found.unwrap_or(from))
}

/// The newest change of an epoch before a time, or the time itself.
fn first(
    connection: &Connection,
    node: u32,
    from: i64,
    numbers: Numbers,
) -> Result<i64, rusqlite::Error> {
    let first = before(connection, "transition", node, from, numbers)?;
    // Without order by node, but there are never many.
    let recent: Option<i64> = connection
        .prepare_cached(
            "SELECT max(at) FROM recent WHERE node = ?1 AND at <= ?2 AND seq > ?3 AND seq <= ?4",
        )?
        .query_row(params![node, from, numbers.after, numbers.last], |row| {
            row.get(0)
        })?;
    Ok(match recent {
        Some(recent) if first == from => recent,
        _ => first,
    })
}

fn entered(
    connection: &Connection,
    node: u32,
    from: i64,
    to: i64,
) -> Result<Vec<Entered>, rusqlite::Error> {
    let mut earliest = from;
    for numbers in epochs(connection)? {
        earliest = earliest.min(first(connection, node, from, numbers)?);
    }
    let from = earliest;
    let mut found = connection.prepare_cached(
        "SELECT t.at, t.seq, t.flags, CASE WHEN t.flags >> 2 & 3 = 2 THEN w.text END
         FROM (SELECT at, seq, flags, reason, because FROM transition WHERE node = ?1 AND at >= ?2 AND at < ?3
               UNION ALL
               SELECT at, seq, flags, reason, because FROM recent WHERE node = ?1 AND at >= ?2 AND at < ?3) t
         LEFT JOIN word w ON w.id = coalesce(t.because, t.reason) ORDER BY t.at, t.seq",
    )?;
    let rows = found.query_map(params![node, from, to], |row| {
        let (flags, why): (i64, Option<String>) = (row.get(2)?, row.get(3)?);
        Ok(Entered {
            at: row.get(0)?,
            number: row.get(1)?,
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
    let from = before(connection, "described", node, from, Numbers::ALL)?;
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
