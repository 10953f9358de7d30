//! `alpacalert watch`: measures continuously.

mod lines;
mod live;
mod remote;

use std::sync::Arc;

use alpacalert::{Running, Settings};
use alpacalert_model::{Graph, NodeId};
use alpacalert_visualise::View;
use clap::Args;
use jiff::Timestamp;
use jiff::tz::TimeZone;
use tokio_util::sync::CancellationToken;

use crate::builtin;
use crate::configuration::Place;
use crate::exit::{self, Outcome};
use crate::measuring::{build, runtime};
use crate::remote::Remote;
use crate::signals;
use crate::terminal::Terminal;

const EXAMPLES: &str = "\
Examples:
  alpacalert watch                    the tree, drawn anew as things change
  alpacalert watch --changes          a line for each change
  alpacalert watch --url http://127.0.0.1:8420   what a running instance sees change, without measuring
  alpacalert watch | tee changes.log  not on a terminal it is lines too";

/// Measure continuously, and show the tree as it changes, until Ctrl-C
#[derive(Args, Debug)]
#[command(after_help = EXAMPLES, after_long_help = format!("{EXAMPLES}\n\nThe exit code is that of the last state.\n\n{}", exit::HELP))]
pub(crate) struct Watch {
    #[command(flatten)]
    place: Place,
    /// Print a line for each change instead of drawing the tree
    #[arg(long)]
    changes: bool,
    /// Unfold everything, what is passing too; with --url, tell of every node and not only of services
    #[arg(short, long)]
    all: bool,
    #[command(flatten)]
    remote: Remote,
}

pub(crate) fn run(command: &Watch, terminal: &Terminal) -> Outcome {
    if let Some(url) = &command.remote.url {
        let client = command.remote.token.client(url)?;
        return remote::watch(&client, !command.all, terminal);
    }
    let registry = builtin::registry();
    let (plan, redactor) = command.place.resolve(&registry, terminal)?;
    let settings = Settings {
        redactor: Arc::new(redactor),
        ..Settings::default()
    };
    runtime()?.block_on(async {
        let began = Timestamp::now();
        let monitor = build(&plan, registry, settings)?;
        let stop = CancellationToken::new();
        signals::cancel_first_end_second(stop.clone(), || {});
        let running = monitor.start();
        let watched = Watched {
            running: &running,
            instance: plan.instance.to_string(),
            began,
            stop,
        };
        let shown = if command.changes || !terminal.is_watched() {
            lines::show(&watched, terminal).await
        } else {
            live::show(&watched, command.all, terminal).await
        };
        let state = watched.view(|view| view.state()).await.unwrap_or_default();
        running.shutdown().await;
        shown?;
        Ok(exit::of(state))
    })
}

/// The engine being watched.
struct Watched<'a> {
    running: &'a Running,
    instance: String,
    began: Timestamp,
    /// Fires when somebody wants it to end.
    stop: CancellationToken,
}

impl Watched<'_> {
    /// Looks at everything there is. `None` when the engine has ended.
    async fn view<R: Send + 'static>(
        &self,
        look: impl FnOnce(&View<'_>) -> R + Send + 'static,
    ) -> Option<R> {
        let (roots, instance) = (self.running.roots(), self.instance.clone());
        self.running
            .query(move |graph| look(&whole(graph, &roots, instance)))
            .await
    }
}

fn whole<'a>(graph: &'a Graph, roots: &[NodeId], instance: String) -> View<'a> {
    View {
        graph,
        roots: roots.iter().filter_map(|id| graph.key(id)).collect(),
        instance,
        now: Timestamp::now(),
        zone: TimeZone::system(),
        // What was so from the start has been so for at least as long; the picture says when that was.
        began: None,
    }
}
