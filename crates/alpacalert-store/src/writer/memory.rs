//! What the writer knows of the file, so that writing asks it nothing.

use std::collections::HashMap;
use std::hash::{DefaultHasher, Hash as _, Hasher as _};

use alpacalert_model::{NodeId, State, Timestamp};
use rusqlite::{Connection, OptionalExtension as _, params};

use crate::form::{self, MemberForm, ScaleForm};
use crate::read::{Numbers, epochs, newest, newest_recent};
use crate::schema::flag;
use crate::store::Remembered;
use crate::time::{millis, stamp};

/// The most sentences whose rows are kept in mind. Most are said once; a flapping sensor says the same ones.
const SENTENCES: usize = 8192;

/// What the writer knows of the file.
pub(crate) struct Memory {
    pub(super) began: i64,
    pub(super) nodes: HashMap<NodeId, Known>,
    pub(super) words: HashMap<String, i64>,
    pub(super) said: HashMap<u64, i64>,
    /// The day on which they were said: a sentence is let go with the day that it was first said on.
    pub(super) said_on: i64,
    pub(super) series: HashMap<u32, Vec<Quantity>>,
    /// The members of systems that were described in this run.
    pub(super) members: HashMap<u32, Listed>,
    /// The number of the newest change, and of the newest description.
    pub(super) seq: i64,
    pub(super) order: i64,
}

/// What is known of a node.
#[derive(Clone, Copy, Debug)]
pub(super) struct Known {
    pub(super) id: u32,
    /// Of its newest description; 0 when it is gone.
    pub(super) hash: i64,
    pub(super) last: Option<Last>,
}

/// The newest state that is written.
#[derive(Clone, Copy, Debug)]
pub(super) struct Last {
    pub(super) shown: State,
    pub(super) confirmed: State,
    pub(super) maintenance: bool,
    pub(super) since: i64,
    /// Whether it was seen since the program was started.
    pub(super) fresh: bool,
}

/// Something that is measured of a node.
pub(super) struct Quantity {
    pub(super) id: u32,
    pub(super) name: String,
    pub(super) scale: ScaleForm,
    /// When its newest value was measured.
    pub(super) at: i64,
}

/// The members of a system.
pub(super) struct Listed {
    /// Of everything but the members.
    pub(super) head: i64,
    pub(super) members: Vec<MemberForm>,
    /// How many differences were written since all of it was.
    pub(super) differences: usize,
}

/// Notes that the program runs, from a moment on.
pub(super) fn begin_run(
    connection: &Connection,
    began: Timestamp,
    now: Timestamp,
) -> Result<i64, rusqlite::Error> {
    connection.execute(
        "INSERT INTO run (began, alive, seq) VALUES (?1, ?2, coalesce((SELECT value FROM meta WHERE key = 'seq'), 0))",
        params![millis(began), millis(now)],
    )?;
    Ok(connection.last_insert_rowid())
}

impl Memory {
    pub(super) fn load(connection: &Connection, run: i64) -> Result<Self, rusqlite::Error> {
        let (began, before) =
            connection.query_row("SELECT began, seq FROM run WHERE id = ?1", [run], |row| {
                Ok((row.get(0)?, row.get(1)?))
            })?;
        let counter = |name: &str| {
            let found = connection
                .query_row("SELECT value FROM meta WHERE key = ?1", [name], |row| {
                    row.get(0)
                })
                .optional()?;
            Ok::<i64, rusqlite::Error>(found.unwrap_or(0))
        };
        Ok(Memory {
            began,
            nodes: nodes(connection, before)?,
            words: words(connection)?,
            said: HashMap::new(),
            said_on: 0,
            series: series(connection)?,
            members: HashMap::new(),
            seq: counter("seq")?,
            order: counter("order")?,
        })
    }

    /// The states in which nodes were when the program last looked, and since when.
    pub(crate) fn remembered(&self) -> Remembered {
        let known = self.nodes.iter().filter(|(_, known)| known.hash != 0);
        known
            .filter_map(|(id, known)| {
                let last = known.last?;
                Some((id.clone(), (last.shown, stamp(last.since))))
            })
            .collect()
    }

    pub(super) fn sentence(
        &mut self,
        connection: &Connection,
        text: &str,
    ) -> Result<Option<i64>, rusqlite::Error> {
        if text.is_empty() {
            return Ok(None);
        }
        let hash = hash(text.as_bytes()) as u64;
        if let Some(id) = self.said.get(&hash) {
            return Ok(Some(*id));
        }
        connection
            .prepare_cached("INSERT INTO said (text) VALUES (?1)")?
            .execute([text])?;
        let id = connection.last_insert_rowid();
        if self.said.len() >= SENTENCES {
            self.said.clear();
        }
        self.said.insert(hash, id);
        Ok(Some(id))
    }

    pub(super) fn word(
        &mut self,
        connection: &Connection,
        text: &str,
    ) -> Result<i64, rusqlite::Error> {
        if let Some(id) = self.words.get(text) {
            return Ok(*id);
        }
        connection
            .prepare_cached("INSERT INTO word (text) VALUES (?1)")?
            .execute([text])?;
        let id = connection.last_insert_rowid();
        self.words.insert(text.to_owned(), id);
        Ok(id)
    }

    pub(super) fn node(
        &mut self,
        connection: &Connection,
        node: &NodeId,
    ) -> Result<&mut Known, rusqlite::Error> {
        if !self.nodes.contains_key(node) {
            // It may have been there before.
            let id = match crate::read::find(connection, node)? {
                Some(id) => id,
                None => add(connection, node)?,
            };
            let known = Known {
                id,
                hash: 0,
                last: None,
            };
            self.nodes.insert(node.clone(), known);
        }
        self.nodes.get_mut(node).ok_or_else(full)
    }

    pub(super) fn quantity(
        &mut self,
        connection: &Connection,
        node: u32,
        name: &str,
        scale: ScaleForm,
    ) -> Result<&mut Quantity, rusqlite::Error> {
        let all = self.series.entry(node).or_default();
        let at = match all.iter().position(|quantity| quantity.name == name) {
            Some(at) => at,
            None => {
                connection
                    .prepare_cached("INSERT INTO series (node, name, scale) VALUES (?1, ?2, ?3)")?
                    .execute(params![node, name, form::write(&scale)])?;
                let id = u32::try_from(connection.last_insert_rowid());
                all.push(Quantity {
                    id: id.map_err(|_| full())?,
                    name: name.to_owned(),
                    scale,
                    at: i64::MIN,
                });
                all.len() - 1
            }
        };
        let quantity = &mut all[at];
        if quantity.scale != scale {
            quantity.scale = scale;
            connection
                .prepare_cached("UPDATE series SET scale = ?2 WHERE id = ?1")?
                .execute(params![quantity.id, form::write(&scale)])?;
        }
        Ok(quantity)
    }
}

fn add(connection: &Connection, node: &NodeId) -> Result<u32, rusqlite::Error> {
    connection
        .prepare_cached("INSERT INTO node (source, kind, reference) VALUES (?1, ?2, ?3)")?
        .execute(params![
            &**node.source(),
            node.kind().as_str(),
            &**node.reference()
        ])?;
    u32::try_from(connection.last_insert_rowid()).map_err(|_| full())
}

/// Four billion nodes or series: the file is not one that we wrote.
fn full() -> rusqlite::Error {
    rusqlite::Error::IntegralValueOutOfRange(0, i64::MAX)
}

/// Never 0. The same for the same bytes, in every run of one build; of another build, it costs a row more.
pub(super) fn hash(bytes: &[u8]) -> i64 {
    let mut hasher = DefaultHasher::new();
    bytes.hash(&mut hasher);
    match hasher.finish() as i64 {
        0 => 1,
        hash => hash,
    }
}

/// What is known of each node; `before`: the number of the newest change before this run.
fn nodes(connection: &Connection, before: i64) -> Result<HashMap<NodeId, Known>, rusqlite::Error> {
    let mut nodes = HashMap::new();
    let mut all =
        connection.prepare("SELECT id, source, kind, reference, hash FROM node WHERE hash <> 0")?;
    const ALWAYS: (i64, i64) = (i64::MIN, i64::MAX);
    let epochs = epochs(connection)?;
    let recent = newest_recent(connection, ALWAYS, Numbers::ALL)?;
    let mut rows = all.query([])?;
    while let Some(row) = rows.next()? {
        let Some(node) = crate::read::node_id(row.get_ref(1)?, row.get_ref(2)?, row.get_ref(3)?)?
        else {
            continue;
        };
        let (id, hash): (u32, i64) = (row.get(0)?, row.get(4)?);
        let mut found = None;
        for numbers in &epochs {
            found = newest(connection, &recent, id, ALWAYS, *numbers)?;
            if found.is_some() {
                break;
            }
        }
        let last = found.map(|newest| Last {
            shown: crate::read::state(newest.flags >> flag::SHOWN),
            confirmed: crate::read::state(newest.flags >> flag::CONFIRMED),
            maintenance: newest.flags & flag::MAINTENANCE != 0,
            since: newest.since.unwrap_or(newest.at),
            fresh: newest.seq > before,
        });
        nodes.insert(
            node,
            Known {
                id,
                hash,
                last: last.filter(|_| hash != 0),
            },
        );
    }
    Ok(nodes)
}

fn words(connection: &Connection) -> Result<HashMap<String, i64>, rusqlite::Error> {
    let mut all = connection.prepare("SELECT text, id FROM word")?;
    let rows = all.query_map([], |row| Ok((row.get(0)?, row.get(1)?)))?;
    rows.collect()
}

fn series(connection: &Connection) -> Result<HashMap<u32, Vec<Quantity>>, rusqlite::Error> {
    let mut series: HashMap<u32, Vec<Quantity>> = HashMap::new();
    let mut all = connection.prepare("SELECT id, node, name, scale FROM series")?;
    let mut rows = all.query([])?;
    while let Some(row) = rows.next()? {
        let scale: Vec<u8> = row.get(3)?;
        series.entry(row.get(1)?).or_default().push(Quantity {
            id: row.get(0)?,
            name: row.get(2)?,
            scale: form::read(&scale)?,
            at: i64::MIN,
        });
    }
    Ok(series)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn different_texts_have_different_hashes() {
        let hashes: std::collections::HashSet<i64> =
            (0..1000_u32).map(|n| hash(&n.to_le_bytes())).collect();
        assert_eq!(hashes.len(), 1000);
    }
}
