//! What systemd, or whatever started the program, is told: that it works, what it is doing, and that it still does.
//!
//! Without a `NOTIFY_SOCKET` nobody is told anything.

use std::time::Duration;

use alpacalert::{Handle, TaskState};
use sd_notify::NotifyState;
use tokio::time::MissedTickBehavior;
use tokio_util::sync::CancellationToken;

/// The program serves.
pub(super) fn ready(status: &str) {
    tell(&[NotifyState::Ready, NotifyState::Status(status)]);
}

/// The configuration is being read again; [`ready`] ends that.
pub(super) fn reloading() {
    match NotifyState::monotonic_usec_now() {
        Ok(now) => tell(&[NotifyState::Reloading, now]),
        Err(_) => tell(&[NotifyState::Reloading]),
    }
}

/// The program is about to end.
pub(super) fn stopping() {
    tell(&[NotifyState::Stopping]);
}

fn tell(states: &[NotifyState<'_>]) {
    if let Err(error) = sd_notify::notify(states) {
        tracing::warn!("cannot tell the service manager how it is going: {error}");
    }
}

/// How often the service manager wants to hear that all is well, if it does.
pub(super) fn watchdog_period() -> Option<Duration> {
    sd_notify::watchdog_enabled().filter(|period| !period.is_zero())
}

/// Tells the service manager, twice per period, that the program advances: the graph's owner answers between two batches, and no
/// task lies dead. When either stops, so does this, and the program is started again.
pub(super) async fn watchdog(period: Duration, engine: Handle, stop: CancellationToken) {
    let mut ticks = tokio::time::interval(period / 2);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        tokio::select! {
            () = stop.cancelled() => return,
            _ = ticks.tick() => {}
        }
        match stuck(&engine, period / 2).await {
            None => tell(&[NotifyState::Watchdog]),
            Some(what) => {
                tracing::error!("{what}; the service manager is not told that all is well")
            }
        }
    }
}

/// What does not advance.
async fn stuck(engine: &Handle, patience: Duration) -> Option<String> {
    let dead = engine.tasks().statuses().into_iter();
    if let Some(task) = dead
        .filter(|task| task.state == TaskState::Dead)
        .map(|task| task.name)
        .next()
    {
        return Some(format!("the task `{task}` is dead"));
    }
    let asked = tokio::time::timeout(patience, engine.query(|_| ())).await;
    (asked != Ok(Some(()))).then(|| {
        format!(
            "the owner of the graph has not answered for {} s",
            patience.as_secs_f64()
        )
    })
}
