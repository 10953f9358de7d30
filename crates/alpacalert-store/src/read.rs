//! Reading, beside the one who writes.

mod epochs;
mod graph;
mod incidents;
mod measurements;
mod newest;
mod spans;
mod transitions;
mod uptime;

use std::str::FromStr as _;
use std::sync::atomic::Ordering;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use alpacalert_model::{Kind, NodeId, State};
use rusqlite::types::ValueRef;
use rusqlite::{Connection, OptionalExtension as _, params};
use tokio::sync::Semaphore;

use crate::error::Doing as _;
use crate::store::Shared;
use crate::{StoreError, schema};
pub(crate) use epochs::{Numbers, epochs};
pub(crate) use graph::graph_at;
pub(crate) use incidents::incidents;
pub(crate) use measurements::measurements;
pub(crate) use newest::{newest, newest_recent};
pub(crate) use transitions::transitions;
pub(crate) use uptime::{uptime, uptime_of_day};

/// Questions at a time: more than the processors only wait for each other, and each may hold some MiB.
const READERS: usize = 4;

/// A question that takes longer is given up: meanwhile the log beside the file grows.
const PATIENCE: Duration = Duration::from_secs(20);

/// How many steps of the database's machine pass between two looks at the time.
const STEPS: i32 = 100_000;

pub(crate) struct Readers {
    shared: Arc<Shared>,
    permits: Semaphore,
    idle: Arc<Mutex<Vec<(u64, Connection)>>>,
}

impl Readers {
    pub(crate) fn new(shared: Arc<Shared>) -> Self {
        Readers {
            shared,
            permits: Semaphore::new(READERS),
            idle: Arc::default(),
        }
    }

    /// Answers nothing more, and lets go of the file.
    pub(crate) fn close(&self) {
        self.permits.close();
        self.idle.lock().unwrap_or_else(|e| e.into_inner()).clear();
    }

    /// Asks the database, away from the tasks of the runtime.
    pub(crate) async fn read<R: Send + 'static>(
        &self,
        act: &'static str,
        ask: impl FnOnce(&Connection) -> Result<R, rusqlite::Error> + Send + 'static,
    ) -> Result<R, StoreError> {
        let closed = |why: &str| StoreError::Closed(why.to_owned());
        let permit = self.permits.acquire().await;
        let _permit = permit.map_err(|_| closed("it was closed"))?;
        let generation = self.shared.generation.load(Ordering::Relaxed);
        if generation == 0 {
            return Err(closed("it could not be opened yet"));
        }
        let path = self.shared.path.clone();
        let idle = self.idle.clone();
        let asking = tokio::task::spawn_blocking(move || {
            let lock = || idle.lock().unwrap_or_else(|e| e.into_inner());
            let kept = {
                let mut idle = lock();
                idle.retain(|(of, _)| *of == generation);
                idle.pop()
            };
            let mut connection = match kept {
                Some((_, connection)) => connection,
                None => schema::open_for_reading(&path)?,
            };
            let end = Instant::now() + PATIENCE;
            let connected = &mut connection;
            connected
                .progress_handler(STEPS, Some(move || Instant::now() > end))
                .doing(act)?;
            // One question sees one moment, however many rows it asks for.
            let answer = connection
                .unchecked_transaction()
                .and_then(|moment| ask(&moment))
                .doing(act)?;
            lock().push((generation, connection));
            Ok(answer)
        });
        let answer = asking
            .await
            .map_err(|_| closed("reading it panicked"))
            .flatten();
        if answer.as_ref().is_err_and(StoreError::is_damage) {
            self.shared.suspect();
        }
        answer
    }
}

/// The state in the lowest two bits.
pub(crate) fn state(bits: i64) -> State {
    State::ALL[(bits & 3) as usize]
}

/// The identity in three columns; `None` where a damaged file holds something else.
pub(crate) fn node_id(
    source: ValueRef<'_>,
    kind: ValueRef<'_>,
    reference: ValueRef<'_>,
) -> Result<Option<NodeId>, rusqlite::Error> {
    let kind = Kind::from_str(kind.as_str()?).ok();
    let (source, reference) = (source.as_str()?, reference.as_str()?);
    Ok(kind.map(|kind| NodeId::new(source, kind, reference)))
}

/// The row of a node.
pub(crate) fn find(connection: &Connection, node: &NodeId) -> Result<Option<u32>, rusqlite::Error> {
    connection
        .prepare_cached("SELECT id FROM node WHERE source = ?1 AND kind = ?2 AND reference = ?3")?
        .query_row(
            params![&**node.source(), node.kind().as_str(), &**node.reference()],
            |row| row.get(0),
        )
        .optional()
}
