//! What of a cluster should be in the graph.

use alpacalert_instrument::{Builder, InstrumentError, Kind, NodeId};

use crate::cluster::Cluster;
use crate::instrument::{instrument_root, request};
use crate::kinds::CLUSTER;

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
