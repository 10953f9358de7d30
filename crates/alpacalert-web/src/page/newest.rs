//! What many look at, made a few times a second at most.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::Mutex;
use tokio::time::Instant;

use super::trouble::Trouble;
use crate::Live;

/// It is not made anew before this is over, however many look.
const FRESH: Duration = Duration::from_millis(150);

/// It is good for so long while nothing is said otherwise: what is measured changes meanwhile, and is seen then.
const QUIET: Duration = Duration::from_secs(2);

/// The newest one of something that is made of the graph. Cheap to clone; all clones are the same.
pub(super) struct Newest<T>(Arc<Mutex<Option<Made<T>>>>);

/// One of them, and what tells whether it is still right.
struct Made<T> {
    at: Instant,
    /// What it was made of, or something older.
    revision: u64,
    it: Arc<T>,
}

impl<T> Default for Newest<T> {
    fn default() -> Self {
        Newest(Arc::default())
    }
}

impl<T> Clone for Newest<T> {
    fn clone(&self) -> Self {
        Newest(self.0.clone())
    }
}

impl<T> Newest<T> {
    /// The one there is, if nothing has changed since; otherwise a new one.
    ///
    /// Whoever asks too soon after a change waits rather than being shown what was before it: a page that asks since it was
    /// told of a change would otherwise keep what is over until the next one.
    pub(super) async fn get(
        &self,
        live: &Live,
        make: impl AsyncFnOnce() -> Result<T, Trouble>,
    ) -> Result<Arc<T>, Trouble> {
        // Whoever comes while it is made waits for the same.
        let mut newest = self.0.lock().await;
        if let Some(made) = newest.as_ref() {
            if made.revision == revision(live).await? && made.at.elapsed() < QUIET {
                return Ok(made.it.clone());
            }
            tokio::time::sleep_until(made.at + FRESH).await;
        }
        // Before it is looked at: what changes meanwhile counts as not seen.
        let (at, revision) = (Instant::now(), revision(live).await?);
        let it = Arc::new(make().await?);
        *newest = Some(Made {
            at,
            revision,
            it: it.clone(),
        });
        Ok(it)
    }
}

async fn revision(live: &Live) -> Result<u64, Trouble> {
    let revision = live.query(|graph| graph.revision()).await;
    revision.ok_or_else(Trouble::ended)
}
