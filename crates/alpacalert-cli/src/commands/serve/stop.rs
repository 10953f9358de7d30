//! Being asked to end.

use tokio::signal::unix::{SignalKind, signal};
use tokio_util::sync::CancellationToken;

use crate::exit;

/// Cancels at the first SIGTERM or Ctrl-C, and ends the program at the second. SIGHUP is left to others.
pub(super) fn watch(stop: CancellationToken) {
    let signals = (
        signal(SignalKind::terminate()),
        signal(SignalKind::interrupt()),
    );
    let (Ok(mut terminate), Ok(mut interrupt)) = signals else {
        return tracing::error!("cannot wait for signals; the program ends at once when asked to");
    };
    tokio::spawn(async move {
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
