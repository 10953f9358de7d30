//! Entries become rows.

use std::collections::HashSet;

use alpacalert_model::{NodeId, State, Timestamp};
use rusqlite::{Connection, params};

use super::memory::{Last, Listed, Memory, hash};
use crate::entry::{Change, Description, Entry, Sampled};
use crate::form::{self, Described, Difference, Head, MemberForm, SampleForm, ScaleForm, Whole};
use crate::keep::DAY;
use crate::schema::flag;
use crate::time::millis;
use crate::{HISTORY_LOST, MONITOR_DOWN};

/// After so many differences, all of a system is written again, so that reading it back stays short.
const DIFFERENCES: usize = 32;

type Written = Result<(), rusqlite::Error>;

impl Memory {
    /// Writes entries, and that the program runs; tells how many rows that took. After an error, this memory is of no use.
    pub(super) fn write(
        &mut self,
        connection: &Connection,
        entries: &[Entry],
        gap: Option<(Timestamp, Timestamp)>,
        run: i64,
        now: Timestamp,
    ) -> Result<u64, rusqlite::Error> {
        let today = millis(now).div_euclid(DAY);
        if self.said_on != today {
            self.said.clear();
            self.said_on = today;
        }
        let mut group = Group {
            memory: self,
            connection,
            rows: 1,
            samples: Vec::new(),
            sampled_at: i64::MIN,
        };
        if let Some((from, to)) = gap {
            group.gap(from, to, MONITOR_DOWN.as_str())?;
        }
        for entry in entries {
            group.entry(entry)?;
        }
        group.sweep()?;
        let rows = group.rows;
        connection
            .prepare_cached("UPDATE run SET alive = max(alive, ?2) WHERE id = ?1")?
            .execute(params![run, millis(now)])?;
        if !entries.is_empty() {
            let mut count = connection.prepare_cached(
                "INSERT INTO meta (key, value) VALUES (?1, ?2) ON CONFLICT (key) DO UPDATE SET value = excluded.value",
            )?;
            count.execute(params!["seq", self.seq])?;
            count.execute(params!["order", self.order])?;
        }
        Ok(rows)
    }
}

/// Rows that reach the disk together.
struct Group<'a> {
    memory: &'a mut Memory,
    connection: &'a Connection,
    rows: u64,
    samples: Vec<(u32, i64, f64)>,
    sampled_at: i64,
}

impl Group<'_> {
    fn entry(&mut self, entry: &Entry) -> Written {
        match entry {
            Entry::Change(change) => {
                self.memory.seq += 1;
                self.change(change)
            }
            Entry::Described(description) => self.describe(description),
            Entry::Gone(node, at) => self.gone(node, millis(*at)),
            Entry::Everything(at, all) => self.everything(millis(*at), all),
            Entry::Samples(at, samples) => {
                for sampled in samples {
                    self.sampled(sampled)?;
                }
                self.sampled_at = self.sampled_at.max(millis(*at));
                self.sweep()
            }
            Entry::Lost(count, from, to) => {
                self.memory.seq += i64::try_from(*count).unwrap_or(i64::MAX);
                self.gap(*from, *to, HISTORY_LOST.as_str())
            }
        }
    }

    fn gap(&mut self, from: Timestamp, to: Timestamp, reason: &str) -> Written {
        self.rows += 1;
        self.connection
            .prepare_cached("INSERT INTO gap (began, ended, reason) VALUES (?1, ?2, ?3)")?
            .execute(params![millis(from), millis(to), reason])?;
        Ok(())
    }

    fn change(&mut self, change: &Change) -> Written {
        let (memory, connection) = (&mut *self.memory, self.connection);
        let seq = memory.seq;
        let known = memory.node(connection, &change.node)?;
        let (node, last) = (known.id, known.last);
        let at = millis(change.at);
        let (shown, confirmed) = (change.shown.1, change.confirmed.1);
        let same = last.is_some_and(|last| last.shown == shown && last.confirmed == confirmed);
        if change.same && !(same && last.is_some_and(|last| last.fresh)) {
            return Ok(());
        }
        let planned = last.is_some_and(|last| last.maintenance) != change.maintenance;
        if same && !planned && last.is_some_and(|last| last.fresh) {
            return Ok(());
        }
        let before = last.map(|last| last.shown);
        let mut since = change.since.map(millis).filter(|since| *since < at);
        if let Some(last) = last.filter(|_| same) {
            // It was so before: before the program was started, and nothing else was seen meanwhile, or before work on it was planned.
            since = Some(last.since.min(since.unwrap_or(at)));
        }
        known.last = Some(Last {
            shown,
            confirmed,
            maintenance: change.maintenance,
            since: since.unwrap_or(at),
            fresh: true,
        });
        let mut flags = (shown.index() as i64) << flag::SHOWN;
        flags |= (confirmed.index() as i64) << flag::CONFIRMED;
        flags |= before.map_or(4, |state: State| state.index() as i64) << flag::BEFORE;
        let mut set = |bit: i64, on: bool| flags |= if on { bit } else { 0 };
        set(flag::RESUMED, same);
        set(flag::SERVICE, change.service.is_some());
        set(flag::PUBLIC, change.service == Some(true));
        set(flag::MAINTENANCE, change.maintenance);
        let reason = memory.word(connection, change.reason.as_str())?;
        let because = match &change.because {
            Some(because) => Some(memory.word(connection, because.as_str())?),
            None => None,
        };
        let owner = match &change.owner {
            Some(owner) => Some(memory.word(connection, owner)?),
            None => None,
        };
        let said = memory.sentence(connection, &change.message)?;
        connection
            .prepare_cached(
                "INSERT INTO recent (node, at, seq, flags, reason, because, owner, since, said)
                 VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9)",
            )?
            .execute(params![
                node, at, seq, flags, reason, because, owner, since, said
            ])?;
        self.rows += 1;
        for measurement in &change.measurements {
            let scale = ScaleForm::from(measurement);
            let memory = &mut *self.memory;
            let quantity = memory.quantity(connection, node, &measurement.name, scale)?;
            quantity.at = at;
            self.samples.push((quantity.id, at, measurement.value));
        }
        self.sampled_at = self.sampled_at.max(at);
        Ok(())
    }

    fn sampled(&mut self, sampled: &Sampled) -> Written {
        let node = self.memory.node(self.connection, &sampled.node)?.id;
        let at = millis(sampled.at);
        for measurement in &sampled.measurements {
            let scale = ScaleForm::from(measurement);
            let memory = &mut *self.memory;
            let quantity = memory.quantity(self.connection, node, &measurement.name, scale)?;
            // Measured once an hour, it has a point an hour.
            if quantity.at < at {
                quantity.at = at;
                self.samples.push((quantity.id, at, measurement.value));
            }
        }
        Ok(())
    }

    /// Writes the values that came together.
    fn sweep(&mut self) -> Written {
        let mut samples = std::mem::take(&mut self.samples);
        samples.sort_unstable_by_key(|(series, at, _)| (*series, *at));
        let (Some(first), Some(last)) = (samples.first(), samples.last()) else {
            return Ok(());
        };
        let (first, last) = (first.0, last.0);
        let at = samples
            .iter()
            .map(|(_, at, _)| *at)
            .fold(self.sampled_at, i64::max);
        let form = |(series, measured, value): &(u32, i64, f64)| SampleForm {
            series: *series,
            age: u32::try_from(at.saturating_sub(*measured)).unwrap_or(u32::MAX),
            value: *value,
        };
        let body: Vec<SampleForm> = samples.iter().map(form).collect();
        self.connection
            .prepare_cached("INSERT INTO sweep (at, first, last, body) VALUES (?1, ?2, ?3, ?4)")?
            .execute(params![at, first, last, form::write(&body)])?;
        self.rows += 1;
        self.sampled_at = i64::MIN;
        Ok(())
    }

    fn describe(&mut self, description: &Description) -> Written {
        let (memory, connection) = (&mut *self.memory, self.connection);
        let mut members = Vec::with_capacity(description.members.len());
        for (member, edge) in &description.members {
            members.push(MemberForm::new(memory.node(connection, member)?.id, *edge));
        }
        let whole = Whole {
            head: Head {
                title: description.title.clone(),
                owner: description.owner.as_ref().map(ToString::to_string),
                provider: description.provider.to_string(),
                role: description.role.into(),
                service: description.service,
            },
            members,
        };
        let head = hash(&form::write(&whole.head));
        let bytes = form::write(&whole);
        let digest = hash(&bytes);
        let known = memory.node(connection, &description.node)?;
        let node = known.id;
        if known.hash == digest {
            return Ok(());
        }
        known.hash = digest;
        let listed = memory.members.get(&node);
        let difference = listed
            .filter(|listed| listed.head == head && listed.differences < DIFFERENCES)
            .and_then(|listed| difference(&listed.members, &whole.members));
        let differences = match &difference {
            Some(_) => listed.map_or(0, |listed| listed.differences) + 1,
            None => 0,
        };
        let body = match difference {
            Some((left, came)) => form::write(&Described::Members { left, came }),
            None => form::write(&Described::Whole(whole.clone())),
        };
        if whole.members.is_empty() {
            memory.members.remove(&node);
        } else {
            memory.members.insert(
                node,
                Listed {
                    head,
                    members: whole.members,
                    differences,
                },
            );
        }
        self.described(node, millis(description.at), &body, digest)
    }

    fn described(&mut self, node: u32, at: i64, body: &[u8], hash: i64) -> Written {
        self.memory.order += 1;
        self.rows += 2;
        self.connection
            .prepare_cached("INSERT INTO described (node, at, seq, body) VALUES (?1, ?2, ?3, ?4)")?
            .execute(params![node, at, self.memory.order, body])?;
        self.connection
            .prepare_cached("UPDATE node SET hash = ?2, gone = NULL WHERE id = ?1")?
            .execute(params![node, hash])?;
        Ok(())
    }

    fn gone(&mut self, node: &NodeId, at: i64) -> Written {
        let known = self.memory.node(self.connection, node)?;
        if known.hash == 0 {
            return Ok(());
        }
        let id = known.id;
        self.memory.members.remove(&id);
        self.described(id, at, &form::write(&Described::Gone), 0)?;
        self.memory.nodes.remove(node);
        self.connection
            .prepare_cached("UPDATE node SET gone = ?2 WHERE id = ?1")?
            .execute(params![id, at])?;
        Ok(())
    }

    /// Brings what is written to how everything is.
    fn everything(&mut self, at: i64, all: &[(Description, Option<Change>)]) -> Written {
        let there: HashSet<&NodeId> = all
            .iter()
            .map(|(description, _)| &description.node)
            .collect();
        let gone: Vec<(NodeId, bool)> = self
            .memory
            .nodes
            .iter()
            .filter(|(node, known)| known.hash != 0 && !there.contains(node))
            .map(|(node, known)| (node.clone(), known.last.is_some_and(|last| last.fresh)))
            .collect();
        for (node, fresh) in gone {
            // What this run never saw went while the program did not run.
            let at = if fresh { at } else { self.memory.began.min(at) };
            self.gone(&node, at)?;
        }
        for (description, change) in all {
            self.describe(description)?;
            if let Some(change) = change {
                self.change(change)?;
            }
        }
        Ok(())
    }
}

/// Which members left, and which came to which places; `None` where writing all of them takes no more room.
fn difference(before: &[MemberForm], after: &[MemberForm]) -> Option<Difference> {
    let kept: HashSet<&MemberForm> = after.iter().collect();
    let had: HashSet<&MemberForm> = before.iter().collect();
    let left = before.iter().filter(|member| !kept.contains(member));
    let left: Vec<u32> = left.map(|member| member.node).collect();
    let came = (0..).zip(after).filter(|(_, member)| !had.contains(member));
    let came: Vec<(u32, MemberForm)> = came.map(|(place, member)| (place, *member)).collect();
    let short = (left.len() + came.len()) * 2 < after.len();
    // The rest may be in another order.
    let right = short && form::changed(before, &left, &came) == after;
    right.then_some((left, came))
}
