//! `alpacalert serve`: measures continuously, and tells it over HTTP.

mod heard;
mod plan;
mod reload;
mod state;
mod stop;
mod supervisor;

use std::io::Write as _;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;

use alpacalert::model::Timestamp;
use alpacalert::{Monitor, Settings, Tasks};
use alpacalert_web::{Access, ConfigStatus, Itself, Live, Parts, Remember, Serving, WebSettings};
use anyhow::Context as _;
use clap::Args;
use tokio::net::TcpListener;
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;

use crate::builtin;
use crate::configuration::Place;
use crate::exit::{self, Failure, Outcome};
use crate::logging::LogFormat;
use crate::measuring::{build, runtime};
use crate::terminal::Terminal;
use heard::Heard;
use plan::Planned;
use reload::Reloading;

const EXAMPLES: &str = "\
Examples:
  alpacalert serve                             this machine, or what ./alpacalert.yaml describes
  alpacalert serve -c /etc/alpacalert          a folder of files
  alpacalert serve --listen 127.0.0.1:9000     another port
  alpacalert serve --state /var/lib/alpacalert where to remember
  curl http://127.0.0.1:8420/api/v1/services   what it knows";

const SIGNALS: &str = "\
A configuration that changes is read again by itself, and at SIGHUP; a wrong one is told, and the former one stays in force.
SIGTERM and Ctrl-C end it within a few seconds, a second one at once.";

/// Measure continuously, and serve the page and the API, until Ctrl-C
#[derive(Args, Debug)]
#[command(after_help = EXAMPLES, after_long_help = format!("{EXAMPLES}\n\n{SIGNALS}\n\n{}", exit::HELP))]
pub(crate) struct Serve {
    #[command(flatten)]
    place: Place,
    /// Where to listen; port 0 takes a free one
    #[arg(long, value_name = "ADDR:PORT", default_value = "127.0.0.1:8420")]
    listen: SocketAddr,
    /// The form of the log on standard error; how much is logged says the variable ALPACALERT_LOG, such as debug or
    /// alpacalert=trace
    #[arg(
        long,
        value_name = "FORMAT",
        default_value = "text",
        env = "ALPACALERT_LOG_FORMAT",
        hide_env_values = true
    )]
    pub(crate) log_format: LogFormat,
    /// The folder to remember in [default: $STATE_DIRECTORY, $XDG_STATE_HOME/alpacalert, or ~/.local/state/alpacalert]
    #[arg(long, value_name = "DIR")]
    state: Option<PathBuf>,
}

pub(crate) fn run(command: &Serve, terminal: &Terminal) -> Outcome {
    let registry = builtin::registry();
    let planned = match command.place.found() {
        Some(path) => {
            let (plan, redactor) = command.place.resolve(&registry, terminal)?;
            Planned::of_file(path, plan, redactor)
        }
        None => Planned::of_this_machine(&registry)?,
    };
    planned
        .may_listen_on(command.listen)
        .map_err(Failure::usage)?;
    planned.may_be_served().map_err(Failure::configuration)?;
    alpacalert_web::raise_handles();
    let runtime = runtime()?;
    let outcome = runtime.block_on(serve(planned, command.listen, command.state.clone()));
    // A look at a file system that hangs blocks its thread for ever: nobody waits for that.
    runtime.shutdown_background();
    outcome
}

async fn serve(planned: Planned, listen: SocketAddr, state: Option<PathBuf>) -> Outcome {
    let (stop, tasks) = (CancellationToken::new(), Tasks::default());
    stop::watch(&tasks, &stop);
    let itself = Itself::default();
    // What can be refused is refused before anything is measured.
    let listener = TcpListener::bind(listen)
        .await
        .with_context(|| format!("failed to listen on {listen}"))?;
    let listen = listener
        .local_addr()
        .context("failed to read the address that we listen on")?;
    let folder = state::folder(state)?;
    let store = state::open(&folder)?;
    store.keep(state::retention(&planned.plan.history));
    let heard = Heard::restore(&folder);
    let settings = Settings {
        inbox: heard.inbox(),
        observer: Some(Arc::new(Remember(store.clone()))),
        remembered: store.take_remembered(),
        tasks: tasks.clone(),
        ..Settings::default()
    };
    let running = monitor(&planned, &itself, settings)?.start();
    let (config, watched) = watch::channel(ConfigStatus {
        instance: planned.plan.instance.clone(),
        owner: planned.plan.owner.clone(),
        path: planned.path.clone(),
        loaded_at: Timestamp::now(),
        reloads: 0,
        rejected: None,
    });
    let live = Live::new(Parts {
        engine: running.handle(),
        config: watched,
        history: Some(store.clone()),
    });
    let serve_plan = planned.serve();
    let access = Access::new(planned.access().as_ref(), &serve_plan);
    let serving = Serving::new(&serve_plan).map_err(Failure::configuration)?;
    itself.begin(live.clone(), serving.clone());
    let reloading = Reloading {
        planned,
        itself,
        engine: running.handle(),
        config,
        access: access.clone(),
        store: store.clone(),
        serving: serving.clone(),
        listen,
    };
    reloading.begin(&tasks, &stop);
    if let Some(period) = supervisor::watchdog_period() {
        let (engine, stop) = (running.handle(), stop.clone());
        tasks.restarted("watchdog", stop.clone(), move || {
            supervisor::watchdog(period, engine.clone(), stop.clone())
        });
    }
    {
        let (remember, live, stop) = (Remember(store.clone()), live.clone(), stop.clone());
        tasks.restarted("history", stop.clone(), move || {
            remember.clone().run(live.clone(), stop.clone())
        });
    }
    {
        let (heard, stop) = (heard.clone(), stop.clone());
        tasks.restarted("reports", stop.clone(), move || {
            heard.clone().run(stop.clone())
        });
    }
    let settings = WebSettings {
        listen,
        access,
        serving,
    };
    let router = alpacalert_web::router(live, settings.clone());
    let is_encrypted = settings.serving.is_encrypted();
    let web = alpacalert_web::serve(listener, router, settings, stop.clone());
    let web = tasks.essential("web", stop.clone(), web);
    announce(listen, is_encrypted);
    let broken = tokio::select! {
        () = stop.cancelled() => None,
        problem = tasks.fatal() => Some(problem),
    };
    tracing::info!("shutting down");
    supervisor::stopping();
    stop.cancel();
    // At the same time, so that both together take no longer than one of them.
    let (_, ()) = tokio::join!(web, running.shutdown());
    // After this nothing changes any more.
    heard.keep();
    store.close();
    match broken {
        None => Ok(exit::PASSING),
        Some(problem) => Err(Failure::from(anyhow::anyhow!(problem))),
    }
}

/// What a plan asks for, and the instance's own health.
fn monitor(planned: &Planned, itself: &Itself, settings: Settings) -> Result<Monitor, Failure> {
    let settings = Settings {
        redactor: planned.redactor.clone(),
        ..settings
    };
    let monitor = build(&planned.plan, builtin::registry(), settings)?;
    Ok(monitor.with_source(Itself::NAME, Arc::new(itself.clone())))
}

/// Says on standard output where it is, for people and for programs that started it on a free port.
fn announce(listen: SocketAddr, is_encrypted: bool) {
    tracing::info!(%listen, "serving");
    let scheme = if is_encrypted { "https" } else { "http" };
    supervisor::ready(&format!("serving on {scheme}://{listen}"));
    // Nobody may be reading, and it serves all the same.
    let _ = writeln!(anstream::stdout(), "serving on {scheme}://{listen}");
    let _ = std::io::stdout().flush();
}
