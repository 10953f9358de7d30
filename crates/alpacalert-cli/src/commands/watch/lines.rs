//! One line per change, for logs and pipes.

use std::collections::HashSet;

use alpacalert::Change;
use alpacalert_model::{NodeId, State};
use alpacalert_visualise::change_line;
use tokio::sync::broadcast::error::RecvError;

use super::Watched;
use crate::terminal::Terminal;

/// Prints changes until it is stopped, or the reader is gone.
pub(super) async fn show(watched: &Watched<'_>, terminal: &Terminal) -> anyhow::Result<()> {
    let mut changes = watched.running.changes();
    let mut seen = HashSet::new();
    loop {
        let batch = tokio::select! {
            () = watched.stop.cancelled() => return Ok(()),
            batch = changes.recv() => batch,
        };
        match batch {
            Ok(batch) => {
                let news: Vec<Change> = batch
                    .iter()
                    .filter(|change| is_news(change, &mut seen))
                    .cloned()
                    .collect();
                let look = terminal.look();
                let text = watched
                    .view(move |view| {
                        news.iter()
                            .map(|change| change_line(view, &change.id, &change.transition, look))
                            .collect::<String>()
                    })
                    .await;
                match text {
                    Some(text) if !terminal.print_live(&text)? => return Ok(()),
                    Some(_) => {}
                    None => return Ok(()),
                }
            }
            Err(RecvError::Lagged(missed)) => {
                terminal.warn(&format!(
                    "{missed} batches of changes were missed: output is too slow"
                ));
            }
            Err(RecvError::Closed) => return Ok(()),
        }
    }
}

/// Whether a change is worth a line: that something passes when it is first seen is not.
fn is_news(change: &Change, seen: &mut HashSet<NodeId>) -> bool {
    let first = seen.insert(change.id.clone());
    let (before, after) = change.transition.shown;
    !(first && before == State::Unknown && after == State::Passing)
}
