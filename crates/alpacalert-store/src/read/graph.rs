//! The graph as it was.

use std::borrow::Cow;
use std::collections::{BTreeMap, HashMap};

use alpacalert_model::{
    Blueprint, Graph, Mark, Measurement, Member, Message, Node, NodeId, NodeRef, Observation,
    Reason, Role, Severity, State, Timestamp, Update,
};
use rusqlite::{Connection, OptionalExtension as _, params};

use super::{measurements, newest, newest_recent, node_id, spans, state};
use crate::form::{self, Described, Difference, MemberForm, ScaleForm, Whole};
use crate::schema::flag;
use crate::time::{millis, stamp};
use crate::timeline::Run;
use crate::{MONITOR_DOWN, Past};

/// A measurement older than this does not tell how a thing was, in milliseconds.
const AGE: i64 = 10 * 60 * 1000;

/// Whether a description says that the node is not there.
pub(super) fn is_gone(body: &[u8]) -> bool {
    // The first byte is the number of the variant.
    body.first() == Some(&0)
}

/// What people called a node at a moment. What came and changed in one step was described a moment later than it changed: then
/// the next description tells.
pub(super) fn title_at(
    connection: &Connection,
    node: u32,
    at: i64,
) -> Result<Option<String>, rusqlite::Error> {
    if let Some(whole) = described_at(connection, node, at)? {
        return Ok(Some(whole.head.title));
    }
    let body: Option<Vec<u8>> = connection
        .prepare_cached(
            "SELECT body FROM described WHERE node = ?1 AND at > ?2 ORDER BY at, seq LIMIT 1",
        )?
        .query_row(params![node, at], |row| row.get(0))
        .optional()?;
    Ok(match body.map(|body| form::read(&body)).transpose()? {
        Some(Described::Whole(whole)) => Some(whole.head.title),
        _ => None,
    })
}

/// A node's place in the graph at a moment: all of it as it was last written, and the differences since.
fn described_at(
    connection: &Connection,
    node: u32,
    at: i64,
) -> Result<Option<Whole>, rusqlite::Error> {
    let mut found = connection.prepare_cached(
        "SELECT body FROM described WHERE node = ?1 AND at <= ?2 ORDER BY at DESC, seq DESC",
    )?;
    let mut rows = found.query(params![node, at])?;
    let mut differences: Vec<Difference> = Vec::new();
    while let Some(row) = rows.next()? {
        match form::read(row.get_ref(0)?.as_blob()?)? {
            Described::Gone => return Ok(None),
            Described::Members { left, came } => differences.push((left, came)),
            Described::Whole(mut whole) => {
                for (left, came) in differences.iter().rev() {
                    whole.members = form::changed(&whole.members, left, came);
                }
                return Ok(Some(whole));
            }
        }
    }
    Ok(None)
}

/// Everything as it was at a moment.
pub(crate) fn graph_at(
    connection: &Connection,
    at: Timestamp,
    alive: Timestamp,
) -> Result<Option<Past>, rusqlite::Error> {
    let wanted = millis(at);
    let runs = spans::runs(connection, i64::MIN, i64::MAX, alive)?;
    let (Some(first), Some(last)) = (runs.first(), runs.iter().map(|run| run.until).max()) else {
        return Ok(None);
    };
    let first: i64 = connection.query_row(
        "SELECT coalesce(min(at), ?1) FROM described",
        [first.began],
        |row| row.get(0),
    )?;
    // Of several that were at that time by their clocks, the last one; else the one that was over last.
    let begun = runs.iter().rev().filter(|run| run.began <= wanted);
    let running = begun.clone().find(|run| run.until >= wanted);
    let Some(run) = running.or(begun.max_by_key(|run| run.until)).copied() else {
        return Ok(None);
    };
    if wanted < first {
        return Ok(None);
    }
    let gaps = spans::gaps(connection, wanted, wanted.saturating_add(1))?;
    let unseen = match gaps.first() {
        Some(gap) => Some(gap.reason.clone()),
        None => (run.until < wanted).then_some(MONITOR_DOWN),
    };
    let mut past = Rebuilt::default();
    past.describe(connection, wanted)?;
    past.observe(connection, wanted, run, unseen.as_ref())?;
    let graph = past.graph;
    let roots = roots(&graph);
    Ok(Some(Past {
        graph,
        roots,
        at,
        observed: unseen.is_none(),
        known: (stamp(first), stamp(last)),
    }))
}

#[derive(Default)]
struct Rebuilt {
    graph: Graph,
    nodes: HashMap<u32, NodeId>,
    sensors: Vec<u32>,
}

impl Rebuilt {
    /// Puts nodes and edges where they were.
    fn describe(&mut self, connection: &Connection, at: i64) -> Result<(), rusqlite::Error> {
        let mut all = connection.prepare_cached("SELECT id, source, kind, reference FROM node")?;
        let mut rows = all.query([])?;
        while let Some(row) = rows.next()? {
            if let Some(node) = node_id(row.get_ref(1)?, row.get_ref(2)?, row.get_ref(3)?)? {
                self.nodes.insert(row.get(0)?, node);
            }
        }
        let mut ids: Vec<u32> = self.nodes.keys().copied().collect();
        ids.sort_unstable();
        let mut blueprints: BTreeMap<String, Blueprint> = BTreeMap::new();
        for id in ids {
            let Some(Whole { head, members }) = described_at(connection, id, at)? else {
                continue;
            };
            let role = Role::from(head.role);
            if role == Role::Sensor {
                self.sensors.push(id);
            }
            let known = |form: MemberForm| {
                let id = self.nodes.get(&form.node)?.clone();
                Some(Member {
                    id,
                    edge: form.edge(),
                })
            };
            let service = head.service();
            let blueprint = blueprints.entry(head.provider).or_default();
            blueprint.nodes.push(Node {
                id: self.nodes[&id].clone(),
                title: head.title.into(),
                owner: head.owner.map(Into::into),
                role,
                service,
                members: members.into_iter().filter_map(known).collect(),
            });
        }
        for (provider, blueprint) in blueprints {
            self.graph.apply(&provider, blueprint, stamp(at));
        }
        Ok(())
    }

    /// Tells what sensors saw, and since when everything was as it was.
    fn observe(
        &mut self,
        connection: &Connection,
        at: i64,
        run: Run,
        unseen: Option<&Reason>,
    ) -> Result<(), rusqlite::Error> {
        if let Some(reason) = unseen {
            let text = match *reason == MONITOR_DOWN {
                true => "nobody was looking: the program did not run",
                false => "what was seen was not kept",
            };
            let told = self.sensors.iter().filter_map(|id| {
                let observation = Observation::unknown(reason.clone(), text, stamp(at));
                let node = self.graph.key(self.nodes.get(id)?)?;
                Some(Update {
                    node,
                    observation,
                    confirmed: State::Unknown,
                })
            });
            let told: Vec<Update> = told.collect();
            self.graph.observe(told, stamp(at));
            return Ok(());
        }
        let mut updates = Vec::with_capacity(self.sensors.len());
        let mut since = Vec::new();
        let mut values = self.values(connection, at)?;
        let recent = newest_recent(connection, (run.began, at), run.numbers)?;
        let text = |table: &str, id: Option<i64>| {
            let sql = format!("SELECT text FROM {table} WHERE id = ?1");
            let mut found = connection.prepare_cached(&sql)?;
            let text = found.query_row([id], |row| row.get::<_, String>(0));
            text.optional()
        };
        let mut came = connection.prepare_cached(
            "SELECT coalesce(min(at), ?3) FROM described WHERE node = ?1 AND at <= ?2 AND at >= ?3",
        )?;
        for (id, node) in &self.nodes {
            let Some(key) = self.graph.key(node) else {
                continue;
            };
            let Some(change) = newest(connection, &recent, *id, (run.began, at), run.numbers)?
            else {
                // As it was when it came: a system whose members nobody has measured yet.
                let came = came.query_row(params![id, at, run.began], |row| row.get(0));
                since.push((key, stamp(came?)));
                continue;
            };
            let (entered, flags) = (change.at, change.flags);
            since.push((key, stamp(change.since.unwrap_or(entered))));
            let maintenance = flags & flag::MAINTENANCE != 0;
            self.graph.mark(key, Mark::Maintenance, maintenance);
            if !self.graph.get(key).is_some_and(NodeRef::is_sensor) {
                continue;
            }
            let shown = state(flags >> flag::SHOWN);
            let reason = text("word", Some(change.reason))?;
            let said = text("said", change.said)?;
            let reason = Reason::new(reason.unwrap_or_default());
            let mut observation = Observation::new(shown, reason, stamp(entered));
            observation.measurements = values.remove(id).unwrap_or_default();
            observation.messages = said
                .map(|text| Message::new(Severity::from(shown), text))
                .into_iter()
                .collect();
            updates.push(Update {
                node: key,
                observation,
                confirmed: state(flags >> flag::CONFIRMED),
            });
        }
        self.graph.observe(updates, stamp(at));
        for (key, since) in since {
            self.graph.set_since(key, since);
        }
        Ok(())
    }

    /// What was measured of each node.
    fn values(
        &self,
        connection: &Connection,
        at: i64,
    ) -> Result<HashMap<u32, Vec<Measurement>>, rusqlite::Error> {
        let values = measurements::values_at(connection, at, AGE)?;
        let mut measured: HashMap<u32, Vec<Measurement>> = HashMap::new();
        if values.is_empty() {
            return Ok(measured);
        }
        let mut all =
            connection.prepare_cached("SELECT id, node, name, scale FROM series ORDER BY id")?;
        let mut rows = all.query([])?;
        while let Some(row) = rows.next()? {
            let Some(value) = values.get(&row.get::<_, u32>(0)?) else {
                continue;
            };
            let scale: ScaleForm = form::read(row.get_ref(3)?.as_blob()?)?;
            let name: Cow<'static, str> = row.get::<_, String>(2)?.into();
            let measurement = Measurement::new(name, *value, scale.unit()).against(scale.limits());
            measured.entry(row.get(1)?).or_default().push(measurement);
        }
        Ok(measured)
    }
}

/// Every service, then the systems that are members of nothing; without either, the nodes without parents.
fn roots(graph: &Graph) -> Vec<NodeId> {
    let sorted = |mut nodes: Vec<NodeRef<'_>>| -> Vec<NodeId> {
        nodes.sort_by(|a, b| a.title().cmp(b.title()).then_with(|| a.id().cmp(b.id())));
        nodes.into_iter().map(|node| node.id().clone()).collect()
    };
    let mut roots = sorted(graph.services().collect());
    let systems = |node: &NodeRef<'_>| !node.is_sensor() && node.service().is_none();
    roots.extend(sorted(graph.roots().filter(systems).collect()));
    if roots.is_empty() {
        roots = sorted(graph.roots().collect());
    }
    roots
}
