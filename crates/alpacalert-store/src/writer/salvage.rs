//! Rows of a damaged file become rows of this one.

use std::collections::HashMap;

use rusqlite::{Connection, OptionalExtension as _, params};

use super::memory::Memory;
use crate::form::{self, Described, MemberForm, SampleForm, Whole};
use crate::salvage::Saved;

/// What the numbers of the damaged file are here.
#[derive(Default)]
pub(super) struct Numbers {
    nodes: HashMap<u32, u32>,
    words: HashMap<i64, i64>,
    series: HashMap<u32, u32>,
    /// Nodes whose newest description says that they were there, with when it was told.
    there: HashMap<u32, (i64, i64)>,
    /// How many changes of state, and rows in all, were taken.
    pub(super) changes: u64,
    pub(super) rows: u64,
    /// Rows that name what could not be read.
    pub(super) left: u64,
}

type Written<T = ()> = Result<T, rusqlite::Error>;

impl Memory {
    /// Writes what was saved. After an error neither this memory nor the numbers are of any use.
    pub(super) fn take_back(
        &mut self,
        connection: &Connection,
        saved: &[Saved],
        numbers: &mut Numbers,
    ) -> Written {
        for saved in saved {
            match self.take_one(connection, saved, numbers)? {
                true => numbers.rows += 1,
                false => numbers.left += 1,
            }
        }
        Ok(())
    }

    /// Nodes that were there when the file was put aside are not there from then on, unless this run has seen them.
    pub(super) fn close_salvage(
        &mut self,
        connection: &Connection,
        numbers: &Numbers,
        at: i64,
    ) -> Written {
        let gone = form::write(&Described::Gone);
        for (node, (told, seq)) in &numbers.there {
            let at = at.max(*told);
            connection
                .prepare_cached(
                    "INSERT OR IGNORE INTO described (node, at, seq, body) VALUES (?1, ?2, ?3, ?4)",
                )?
                .execute(params![node, at, seq + 1, gone])?;
        }
        for node in numbers.nodes.values() {
            connection
                .prepare_cached(
                    "UPDATE node SET gone = ?2 WHERE id = ?1 AND hash = 0 AND gone IS NULL",
                )?
                .execute(params![node, at])?;
        }
        Ok(())
    }

    /// Whether there is a place for it.
    fn take_one(
        &mut self,
        connection: &Connection,
        saved: &Saved,
        numbers: &mut Numbers,
    ) -> Written<bool> {
        match saved {
            Saved::Expired(at) => {
                connection
                    .prepare_cached(
                        "INSERT OR IGNORE INTO meta (key, value) VALUES ('expired', ?1)",
                    )?
                    .execute([at])?;
            }
            Saved::Run { began, alive } => {
                // Taken twice, if the first time was cut short.
                connection
                    .prepare_cached("INSERT INTO run (began, alive) SELECT ?1, ?2 WHERE NOT EXISTS (SELECT 1 FROM run WHERE began = ?1)")?
                    .execute([began, alive])?;
            }
            Saved::Gap {
                began,
                ended,
                reason,
            } => {
                connection
                    .prepare_cached("INSERT INTO gap (began, ended, reason) SELECT ?1, ?2, ?3 WHERE NOT EXISTS (SELECT 1 FROM gap WHERE began = ?1)")?
                    .execute(params![began, ended, reason])?;
            }
            Saved::Node(id, node) => {
                let known = self.node(connection, node)?.id;
                numbers.nodes.insert(*id, known);
            }
            Saved::Word(id, text) => {
                let known = self.word(connection, text)?;
                numbers.words.insert(*id, known);
            }
            Saved::Described {
                node,
                at,
                seq,
                body,
            } => return self.take_description(connection, (*node, *at, *seq), body, numbers),
            Saved::Change { .. } => return self.take_change(connection, saved, numbers),
            Saved::Lived { node, at, body } => {
                let Some(node) = numbers.nodes.get(node) else {
                    return Ok(false);
                };
                connection
                    .prepare_cached(
                        "INSERT OR IGNORE INTO lived (node, at, body) VALUES (?1, ?2, ?3)",
                    )?
                    .execute(params![node, at, form::write(body)])?;
            }
            Saved::Series {
                id,
                node,
                name,
                scale,
            } => {
                let Some(node) = numbers.nodes.get(node) else {
                    return Ok(false);
                };
                // What is measured now may be held against other limits than before.
                let known = self.known_series(connection, *node, name)?;
                let known = match known {
                    Some(known) => known,
                    None => self.quantity(connection, *node, name, *scale)?.id,
                };
                numbers.series.insert(*id, known);
            }
            Saved::Sweep { at, samples } => {
                let known = samples.iter().filter_map(|sample| {
                    let series = *numbers.series.get(&sample.series)?;
                    Some(SampleForm { series, ..*sample })
                });
                let mut known: Vec<SampleForm> = known.collect();
                known.sort_unstable_by_key(|sample| sample.series);
                let (Some(first), Some(last)) = (known.first(), known.last()) else {
                    return Ok(false);
                };
                connection
                    .prepare_cached(
                        "INSERT INTO sweep (at, first, last, body) VALUES (?1, ?2, ?3, ?4)",
                    )?
                    .execute(params![at, first.series, last.series, form::write(&known)])?;
            }
            Saved::Packed { at, series, body } => {
                let Some(series) = numbers.series.get(series) else {
                    return Ok(false);
                };
                connection
                    .prepare_cached(
                        "INSERT OR IGNORE INTO packed (at, series, body) VALUES (?1, ?2, ?3)",
                    )?
                    .execute(params![at, series, form::write(body)])?;
            }
            Saved::Rolled {
                level,
                at,
                series,
                body,
            } => {
                let Some(series) = numbers.series.get(series) else {
                    return Ok(false);
                };
                connection
                    .prepare_cached("INSERT OR IGNORE INTO rolled (level, at, series, body) VALUES (?1, ?2, ?3, ?4)")?
                    .execute(params![level, at, series, form::write(body)])?;
            }
        }
        Ok(true)
    }

    fn known_series(&self, connection: &Connection, node: u32, name: &str) -> Written<Option<u32>> {
        connection
            .prepare_cached("SELECT id FROM series WHERE node = ?1 AND name = ?2")?
            .query_row(params![node, name], |row| row.get(0))
            .optional()
    }

    fn take_description(
        &mut self,
        connection: &Connection,
        (node, at, seq): (u32, i64, i64),
        body: &Described,
        numbers: &mut Numbers,
    ) -> Written<bool> {
        let Some(node) = numbers.nodes.get(&node).copied() else {
            return Ok(false);
        };
        let known = |node: &u32| numbers.nodes.get(node).copied();
        let member = |member: &MemberForm| {
            let node = known(&member.node)?;
            Some(MemberForm::new(node, member.edge()))
        };
        let body = match body {
            Described::Gone => Described::Gone,
            Described::Whole(whole) => Described::Whole(Whole {
                head: whole.head.clone(),
                members: whole.members.iter().filter_map(member).collect(),
            }),
            Described::Members { left, came } => Described::Members {
                left: left.iter().filter_map(known).collect(),
                came: came
                    .iter()
                    .filter_map(|(place, form)| Some((*place, member(form)?)))
                    .collect(),
            },
        };
        match body {
            Described::Gone => numbers.there.remove(&node),
            _ => numbers.there.insert(node, (at, seq)),
        };
        connection
            .prepare_cached(
                "INSERT OR IGNORE INTO described (node, at, seq, body) VALUES (?1, ?2, ?3, ?4)",
            )?
            .execute(params![node, at, seq, form::write(&body)])?;
        Ok(true)
    }

    fn take_change(
        &mut self,
        connection: &Connection,
        saved: &Saved,
        numbers: &mut Numbers,
    ) -> Written<bool> {
        let Saved::Change {
            node,
            at,
            seq,
            flags,
            reason,
            because,
            owner,
            since,
            said,
        } = saved
        else {
            return Ok(false);
        };
        let Some(node) = numbers.nodes.get(node) else {
            return Ok(false);
        };
        let word = |word: &i64| numbers.words.get(word).copied();
        // A change whose reason cannot be read is a change still.
        let reason = match word(reason) {
            Some(reason) => reason,
            None => self.word(connection, "unknown")?,
        };
        let there: Option<i64> = connection
            .prepare_cached("SELECT 1 FROM transition WHERE node = ?1 AND at = ?2 AND seq = ?3")?
            .query_row(params![node, at, seq], |row| row.get(0))
            .optional()?;
        if there.is_some() {
            return Ok(true);
        }
        let said = match said {
            // It keeps its number: they are let go in that order.
            Some((id, text)) => {
                let sql = "INSERT OR IGNORE INTO said (id, text) VALUES (?1, ?2)";
                connection.prepare_cached(sql)?.execute(params![id, text])?;
                Some(id)
            }
            None => None,
        };
        connection
            .prepare_cached(
                "INSERT INTO transition (node, at, seq, flags, reason, because, owner, since, said)
                 VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9)",
            )?
            .execute(params![
                node,
                at,
                seq,
                flags,
                reason,
                because.as_ref().and_then(word),
                owner.as_ref().and_then(word),
                since,
                said
            ])?;
        numbers.changes += 1;
        Ok(true)
    }
}
