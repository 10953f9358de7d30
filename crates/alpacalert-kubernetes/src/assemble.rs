//! What of a cluster should be in the graph, and the graph of a cluster by itself.

use std::collections::HashMap;

use alpacalert_instrument::{
    Builder, InstrumentError, Kind, NodeId, Registry, ScheduleOverrides, Snapshot,
};
use alpacalert_model::{Graph, Timestamp, Update};

use crate::cluster::Cluster;
use crate::instrument::{instrument_root, request};
use crate::kinds::CLUSTER;
use crate::select::SelectError;

/// Builds the nodes of a cluster's objects, and gives the identities of the topmost ones: the cluster as a whole, or the
/// objects that its selection names.
///
/// The builder must hold the cluster as the snapshot of the source of its name.
pub fn assemble(
    cluster: &Cluster,
    builder: &mut Builder<'_>,
) -> Result<Vec<NodeId>, InstrumentError> {
    let found = cluster
        .selection
        .find(cluster)
        .map_err(|error| InstrumentError::new(error.to_string()))?;
    if cluster.selection.targets.is_empty() {
        return Ok(vec![builder.instrument(request(
            cluster,
            Kind::of(CLUSTER),
            "cluster",
        ))?]);
    }
    found
        .into_iter()
        .map(|object| instrument_root(builder, cluster, object))
        .collect()
}

/// A cluster as it is at one moment, judged.
#[derive(Debug)]
pub struct Judged {
    /// The cluster.
    pub cluster: Snapshot,
    /// Its objects with their states.
    pub graph: Graph,
    /// The topmost nodes.
    pub roots: Vec<NodeId>,
    /// As of when it was judged.
    pub at: Timestamp,
}

impl Judged {
    /// Judges a cluster as of a time, with everything that the registry has for its kinds. Sensors that would have to
    /// measure something are there, and Unknown.
    pub fn new(
        cluster: Cluster,
        registry: &Registry,
        at: Timestamp,
    ) -> Result<Judged, SelectError> {
        let name = cluster.name().clone();
        let snapshot = Snapshot::new(cluster);
        let snapshots = HashMap::from([(name.clone(), snapshot.clone())]);
        let mut builder = Builder::new(registry, &snapshots, ScheduleOverrides::default(), at);
        let roots = match snapshot.get::<Cluster>() {
            Some(cluster) => assemble(cluster, &mut builder)
                .map_err(|error| SelectError::new(error.to_string()))?,
            None => Vec::new(),
        };
        let assembly = builder.finish();
        let mut graph = Graph::new();
        graph.apply(&name, assembly.blueprint, at);
        let observations = assembly.observations.into_iter();
        let updates: Vec<Update> = observations
            .filter_map(|(id, observation)| {
                let node = graph.key(&id)?;
                Some(Update {
                    node,
                    confirmed: observation.state,
                    observation,
                })
            })
            .collect();
        graph.observe(updates, at);
        Ok(Judged {
            cluster: snapshot,
            graph,
            roots,
            at,
        })
    }

    /// The cluster.
    pub fn cluster(&self) -> Option<&Cluster> {
        self.cluster.get()
    }
}
