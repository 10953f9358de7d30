//! The tree, drawn anew as things change.

use std::time::Duration;

use alpacalert_visualise::{TreeOptions, ago, clock, tree};
use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::broadcast::error::RecvError;
use tokio::time::Instant;

use super::Watched;
use crate::screen::Screen;
use crate::terminal::Terminal;

/// Ages are shown: the picture is drawn anew at least this often.
const TICK: Duration = Duration::from_secs(1);

/// The shortest time between two pictures: more cannot be read.
const PAUSE: Duration = Duration::from_millis(100);

/// Drawing holds up the engine: it may take at most one part in this many of the time.
const SHARE: u32 = 20;

/// Draws until it is stopped, and leaves the last picture, whole, on the terminal.
pub(super) async fn show(
    watched: &Watched<'_>,
    all: bool,
    terminal: &Terminal,
) -> anyhow::Result<()> {
    let mut changes = watched.running.changes();
    let mut resized = signal(SignalKind::window_change())?;
    let mut screen = Screen::new();
    loop {
        let began = Instant::now();
        let Some(text) = draw(watched, all, terminal).await else {
            break;
        };
        screen.show(&text, terminal)?;
        let earliest = Instant::now() + PAUSE.max(began.elapsed() * SHARE);
        tokio::select! {
            () = watched.stop.cancelled() => break,
            _ = resized.recv() => screen.resized(),
            () = tokio::time::sleep(TICK) => {}
            change = changes.recv() => if matches!(change, Err(RecvError::Closed)) { break },
        }
        tokio::select! {
            () = watched.stop.cancelled() => break,
            () = tokio::time::sleep_until(earliest) => {}
        }
        // What came meanwhile is in the next picture.
        while let Ok(_) | Err(tokio::sync::broadcast::error::TryRecvError::Lagged(_)) =
            changes.try_recv()
        {}
    }
    if let Some(text) = draw(watched, all, terminal).await {
        screen.leave(&text, terminal)?;
    }
    Ok(())
}

async fn draw(watched: &Watched<'_>, all: bool, terminal: &Terminal) -> Option<String> {
    let look = terminal.look();
    let options = TreeOptions {
        all,
        ..TreeOptions::default()
    };
    let began = watched.began;
    watched
        .view(move |view| {
            let mut text = tree(view, &options, look);
            let (since, age) = (clock(view.now, began, &view.zone), ago(view.now, began));
            text.push_str(&format!("watching since {since} ({age}); Ctrl-C ends\n"));
            text
        })
        .await
}
