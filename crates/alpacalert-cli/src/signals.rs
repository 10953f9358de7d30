//! Ctrl-C, and being asked to end.

use tokio::signal::unix::{SignalKind, signal};
use tokio_util::sync::CancellationToken;

use crate::exit;

/// Waits for Ctrl-C, or for being asked to end.
pub(crate) async fn stop() {
    let mut signals = Vec::new();
    for kind in [
        SignalKind::interrupt(),
        SignalKind::terminate(),
        SignalKind::hangup(),
    ] {
        match signal(kind) {
            Ok(stream) => signals.push(stream),
            Err(error) => tracing::warn!("cannot wait for a signal: {error}"),
        }
    }
    std::future::poll_fn(|cx| {
        for stream in &mut signals {
            if stream.poll_recv(cx).is_ready() {
                return std::task::Poll::Ready(());
            }
        }
        std::task::Poll::Pending
    })
    .await;
}

/// Cancels at the first Ctrl-C, after `stopping` said so, and ends the program at the second.
pub(crate) fn cancel_first_end_second(
    cancel: CancellationToken,
    stopping: impl FnOnce() + Send + 'static,
) {
    tokio::spawn(async move {
        stop().await;
        stopping();
        cancel.cancel();
        stop().await;
        std::process::exit(i32::from(exit::INTERRUPTED));
    });
}
