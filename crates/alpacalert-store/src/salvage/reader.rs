//! Reads row by row, around what is damaged.

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::SyncSender;
use std::time::{Duration, Instant};

use rusqlite::{Connection, OptionalExtension as _, Row};

use super::pages::WholePages;
use super::{Saved, Told, open};
use crate::form;

/// How many rows the writer takes at a time: well under a tenth of a second.
const BATCH: usize = 2000;

/// Salvaging ends after this long, whatever is left: a disk that hardly reads must not keep us busy for ever.
const PATIENCE: Duration = Duration::from_secs(30 * 60);

/// The most rows that are read: some ten times as many as a year of 10,000 sensors has.
const ROWS_MAX: u64 = 500_000_000;

/// How many steps of the database's machine pass between two looks at the time.
const STEPS: i32 = 10_000;

pub(super) struct Reader {
    pub(super) sender: SyncSender<Told>,
    pub(super) batch: Vec<Saved>,
    pub(super) nudge: Box<dyn Fn() + Send>,
    pub(super) stop: Arc<AtomicBool>,
    pub(super) rows: u64,
    /// Places that could not be read.
    pub(super) unread: u64,
    /// What is later was never written.
    pub(super) now: i64,
}

/// Nobody wants more, or it is too much.
struct Enough;

type Read = Result<(), Enough>;

impl Reader {
    pub(super) fn run(mut self, file: &Path) {
        let opened = WholePages::of(file).and_then(|pages| Ok((open(&pages.file)?, pages)));
        let read = match opened {
            Ok((mut connection, _pages)) => {
                let (stop, end) = (self.stop.clone(), Instant::now() + PATIENCE);
                let over = move || stop.load(Ordering::Relaxed) || Instant::now() > end;
                // Without it only the whole of it takes longer.
                let _ = connection.progress_handler(STEPS, Some(over));
                self.everything(&connection)
            }
            Err(error) => {
                tracing::warn!("{}", error.chain());
                self.unread += 1;
                Ok(())
            }
        };
        if read.is_err() && !self.stop.load(Ordering::Relaxed) {
            self.unread += 1;
        }
        let _ = self.flush();
        let _ = self.sender.send(Told::End {
            unread: self.unread,
        });
        (self.nudge)();
    }

    fn flush(&mut self) -> Read {
        let batch = std::mem::take(&mut self.batch);
        if !batch.is_empty() {
            let sent = self.sender.send(Told::Rows(batch));
            sent.map_err(|_| Enough)?;
            (self.nudge)();
        }
        Ok(())
    }

    fn save(&mut self, saved: Saved) -> Read {
        self.batch.push(saved);
        if self.batch.len() >= BATCH {
            self.flush()?;
        }
        Ok(())
    }

    /// Whether a time can be one of ours.
    fn is_time(&self, at: i64) -> bool {
        (0..=self.now).contains(&at)
    }

    /// What is of most use comes first.
    fn everything(&mut self, connection: &Connection) -> Read {
        let expired = "SELECT value FROM meta WHERE key = 'expired'";
        let expired = connection
            .query_row(expired, [], |row| row.get(0))
            .optional();
        if let Some(at) = expired.ok().flatten().filter(|at| self.is_time(*at)) {
            self.save(Saved::Expired(at))?;
        }
        self.scan(
            connection,
            "SELECT id, began, alive FROM run NOT INDEXED WHERE id > ?1 ORDER BY id",
            &[],
            |reader, row| {
                let (began, alive) = (row.get(1)?, row.get(2)?);
                Ok(
                    (reader.is_time(began) && began <= alive && reader.is_time(alive))
                        .then_some(Saved::Run { began, alive }),
                )
            },
        )?;
        self.scan(connection, "SELECT rowid, began, ended, reason FROM gap NOT INDEXED WHERE rowid > ?1 ORDER BY rowid", &[], |reader, row| {
            let (began, ended) = (row.get(1)?, row.get(2)?);
            let reason = row.get(3)?;
            Ok((reader.is_time(began) && began <= ended && reader.is_time(ended)).then_some(Saved::Gap { began, ended, reason }))
        })?;
        let mut nodes: Vec<u32> = Vec::new();
        self.scan(
            connection,
            "SELECT id, source, kind, reference FROM node NOT INDEXED WHERE id > ?1 ORDER BY id",
            &[],
            |_, row| {
                let id = row.get(0)?;
                let node = crate::read::node_id(row.get_ref(1)?, row.get_ref(2)?, row.get_ref(3)?)?;
                Ok(node.map(|node| {
                    nodes.push(id);
                    Saved::Node(id, node)
                }))
            },
        )?;
        self.scan(
            connection,
            "SELECT id, text FROM word NOT INDEXED WHERE id > ?1 ORDER BY id",
            &[],
            |_, row| Ok(Some(Saved::Word(row.get(0)?, row.get(1)?))),
        )?;
        self.changes(connection, &nodes)?;
        self.measurements(connection)
    }

    /// Changes of state, the graph, and how services were on days that are gone.
    fn changes(&mut self, connection: &Connection, nodes: &[u32]) -> Read {
        for node in nodes {
            self.scan(connection, "SELECT at, node, seq, body FROM described NOT INDEXED WHERE node = ?2 AND at > ?1 ORDER BY at, seq", &[*node], |reader, row| {
                let at = row.get(0)?;
                let body = form::read(row.get_ref(3)?.as_blob()?)?;
                Ok(reader.is_time(at).then_some(Saved::Described { node: row.get(1)?, at, seq: row.get(2)?, body }))
            })?;
        }
        const CHANGE: &str = "at, node, seq, flags, reason, because, owner, since, said";
        for node in nodes {
            let sql = format!(
                "SELECT {CHANGE} FROM transition NOT INDEXED WHERE node = ?2 AND at > ?1 ORDER BY at, seq"
            );
            self.scan(connection, &sql, &[*node], |reader, row| {
                reader.change(connection, row, 0)
            })?;
        }
        let sql = format!(
            "SELECT rowid, {CHANGE} FROM recent NOT INDEXED WHERE rowid > ?1 ORDER BY rowid"
        );
        self.scan(connection, &sql, &[], |reader, row| {
            reader.change(connection, row, 1)
        })?;
        for node in nodes {
            self.scan(connection, "SELECT at, node, body FROM lived NOT INDEXED WHERE node = ?2 AND at > ?1 ORDER BY at", &[*node], |reader, row| {
                let at = row.get(0)?;
                let body = form::read(row.get_ref(2)?.as_blob()?)?;
                Ok(reader.is_time(at).then_some(Saved::Lived { node: row.get(1)?, at, body }))
            })?;
        }
        Ok(())
    }

    /// A change of state, whose columns begin at a place.
    fn change(
        &self,
        connection: &Connection,
        row: &Row<'_>,
        first: usize,
    ) -> Result<Option<Saved>, rusqlite::Error> {
        let at: i64 = row.get(first)?;
        let said: Option<i64> = row.get(first + 8)?;
        // Without its sentence it is a change still.
        let said = said.and_then(|id| {
            let sql = "SELECT text FROM said WHERE id = ?1";
            let mut found = connection.prepare_cached(sql).ok()?;
            Some((id, found.query_row([id], |row| row.get(0)).ok()?))
        });
        Ok(self.is_time(at).then_some(Saved::Change {
            at,
            node: row.get(first + 1)?,
            seq: row.get(first + 2)?,
            flags: row.get(first + 3)?,
            reason: row.get(first + 4)?,
            because: row.get(first + 5)?,
            owner: row.get(first + 6)?,
            since: row.get(first + 7)?,
            said,
        }))
    }

    fn measurements(&mut self, connection: &Connection) -> Read {
        self.scan(
            connection,
            "SELECT id, node, name, scale FROM series NOT INDEXED WHERE id > ?1 ORDER BY id",
            &[],
            |_, row| {
                let scale = form::read(row.get_ref(3)?.as_blob()?)?;
                Ok(Some(Saved::Series {
                    id: row.get(0)?,
                    node: row.get(1)?,
                    name: row.get(2)?,
                    scale,
                }))
            },
        )?;
        self.scan(
            connection,
            "SELECT id, at, body FROM sweep NOT INDEXED WHERE id > ?1 ORDER BY id",
            &[],
            |reader, row| {
                let at = row.get(1)?;
                let samples = form::read(row.get_ref(2)?.as_blob()?)?;
                Ok(reader.is_time(at).then_some(Saved::Sweep { at, samples }))
            },
        )?;
        self.scan(
            connection,
            "SELECT at, series, body FROM packed NOT INDEXED WHERE at > ?1 ORDER BY at, series",
            &[],
            |reader, row| {
                let at = row.get(0)?;
                let body = form::read(row.get_ref(2)?.as_blob()?)?;
                Ok(reader.is_time(at).then_some(Saved::Packed {
                    at,
                    series: row.get(1)?,
                    body,
                }))
            },
        )?;
        for level in [1, 2] {
            self.scan(connection, "SELECT at, series, body FROM rolled NOT INDEXED WHERE level = ?2 AND at > ?1 ORDER BY at, series", &[level], |reader, row| {
                let at = row.get(0)?;
                let body = form::read(row.get_ref(2)?.as_blob()?)?;
                Ok(reader.is_time(at).then_some(Saved::Rolled { level: i64::from(level), at, series: row.get(1)?, body }))
            })?;
        }
        Ok(())
    }

    /// Reads rows in the order of their first column, which `?1` is compared with, around what cannot be read. `told` makes of
    /// a row what is saved of it; one that holds what was never written there is passed over.
    fn scan(
        &mut self,
        connection: &Connection,
        sql: &str,
        only: &[u32],
        mut told: impl FnMut(&Reader, &Row<'_>) -> Result<Option<Saved>, rusqlite::Error>,
    ) -> Read {
        let mut after = i64::MIN;
        loop {
            let read = self.read_on(connection, sql, only, &mut after, &mut told)?;
            if read {
                return Ok(());
            }
            self.unread += 1;
            match self.beyond(connection, sql, only, after)? {
                Some(next) => after = next,
                None => return Ok(()),
            }
        }
    }

    /// Reads until the end, or until something cannot be read: then it is `false`.
    fn read_on(
        &mut self,
        connection: &Connection,
        sql: &str,
        only: &[u32],
        after: &mut i64,
        told: &mut impl FnMut(&Reader, &Row<'_>) -> Result<Option<Saved>, rusqlite::Error>,
    ) -> Result<bool, Enough> {
        let Ok(mut found) = connection.prepare_cached(sql) else {
            return Ok(false);
        };
        let given = std::iter::once(*after).chain(only.iter().map(|only| i64::from(*only)));
        let Ok(mut rows) = found.query(rusqlite::params_from_iter(given)) else {
            return Ok(false);
        };
        loop {
            if self.stop.load(Ordering::Relaxed) || self.rows >= ROWS_MAX {
                return Err(Enough);
            }
            let row = match rows.next() {
                Ok(Some(row)) => row,
                Ok(None) => return Ok(true),
                Err(error) if is_interrupted(&error) => return Err(Enough),
                Err(_) => return Ok(false),
            };
            self.rows += 1;
            // Pages that lead in a circle would never end.
            match row.get::<_, i64>(0) {
                Ok(key) if key >= *after => *after = key,
                _ => return Ok(false),
            }
            match told(self, row) {
                Ok(Some(saved)) => self.save(saved)?,
                Ok(None) | Err(_) => self.unread += 1,
            }
        }
    }

    /// A place beyond what cannot be read after a key, close to it: found in steps that grow, then halved.
    fn beyond(
        &self,
        connection: &Connection,
        sql: &str,
        only: &[u32],
        after: i64,
    ) -> Result<Option<i64>, Enough> {
        let Ok(mut found) = connection.prepare_cached(sql) else {
            return Ok(None);
        };
        // What begins after this place, or that it cannot be read there.
        let mut first = |place: i64| -> Result<Option<i64>, rusqlite::Error> {
            let given = std::iter::once(place).chain(only.iter().map(|only| i64::from(*only)));
            let mut rows = found.query(rusqlite::params_from_iter(given))?;
            rows.next()?.map(|row| row.get(0)).transpose()
        };
        let begun = after.max(0);
        let mut step: i64 = 1;
        let mut bad = begun;
        let mut good = loop {
            if self.stop.load(Ordering::Relaxed) {
                return Err(Enough);
            }
            let place = begun.saturating_add(step);
            match first(place) {
                Ok(Some(_)) => break place,
                Ok(None) => break place,
                Err(error) if is_interrupted(&error) => return Err(Enough),
                Err(_) if place == i64::MAX => return Ok(None),
                Err(_) => bad = place,
            }
            step = step.saturating_mul(2);
        };
        while good - bad > 1 {
            let middle = bad + (good - bad) / 2;
            match first(middle) {
                Ok(_) => good = middle,
                Err(error) if is_interrupted(&error) => return Err(Enough),
                Err(_) => bad = middle,
            }
        }
        Ok(Some(good))
    }
}

fn is_interrupted(error: &rusqlite::Error) -> bool {
    error.sqlite_error_code() == Some(rusqlite::ErrorCode::OperationInterrupted)
}
