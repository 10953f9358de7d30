//! Being asked to end.

use tokio::signal::unix::{SignalKind, signal};
use tokio_util::sync::CancellationToken;

use alpacalert::Tasks;

use crate::exit;

/// Cancels at the first SIGTERM or Ctrl-C, and ends the program at the second. SIGHUP is left to others.
pub(super) fn watch(tasks: &Tasks, stop: &CancellationToken) {
    let signals = (
        signal(SignalKind::terminate()),
        signal(SignalKind::interrupt()),
    );
    let (Ok(mut terminate), Ok(mut interrupt)) = signals else {
        return tracing::error!("cannot wait for signals; the program ends at once when asked to");
    };
    let stop = stop.clone();
    // It never ends by itself: the second signal ends the program.
    tasks.essential("signals", stop.clone(), async move {
        for first in [true, false] {
            tokio::select! {
                _ = terminate.recv() => {}
                _ = interrupt.recv() => {}
            }
            if first {
                stop.cancel();
            }
        }
        std::process::exit(i32::from(exit::INTERRUPTED));
    });
}
