//! The program's own log: on standard error, so that it never mixes with what was asked for.

use std::fmt;
use std::io::IsTerminal as _;
use std::os::linux::fs::MetadataExt as _;

use clap::ValueEnum;
use tracing::level_filters::LevelFilter;
use tracing::{Event, Level, Subscriber};
use tracing_subscriber::EnvFilter;
use tracing_subscriber::fmt::format::{Format, Full, Writer};
use tracing_subscriber::fmt::{FmtContext, FormatEvent, FormatFields};
use tracing_subscriber::registry::LookupSpan;

/// The variable that says how much is logged: `debug`, `alpacalert=trace`. Without it a command that ends logs warnings, and
/// one that goes on for ever what it does.
pub(crate) const VARIABLE: &str = "ALPACALERT_LOG";

/// The form of the log.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub(crate) enum LogFormat {
    /// A line for people; for the journal of systemd without the time, which it notes itself, and with the priority
    #[default]
    Text,
    /// A JSON object on each line
    Json,
}

/// Starts logging. A directive that cannot be understood is left out, and said.
pub(crate) fn start(usual: LevelFilter, format: LogFormat) {
    let filter = EnvFilter::builder()
        .with_default_directive(usual.into())
        .with_env_var(VARIABLE)
        .from_env_lossy();
    // It logs each connection that fails; we say the same, once, where it matters.
    let filter = match "kube_client::client::builder=off".parse() {
        Ok(directive) => filter.add_directive(directive),
        Err(_) => filter,
    };
    let ansi = std::io::stderr().is_terminal()
        && std::env::var_os("NO_COLOR").is_none_or(|v| v.is_empty());
    let log = tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(std::io::stderr)
        .with_ansi(ansi);
    match format {
        LogFormat::Json => log.json().flatten_event(true).init(),
        LogFormat::Text if is_journal() => log
            .event_format(Journal(Format::default().without_time().with_level(false)))
            .init(),
        LogFormat::Text => log.init(),
    }
}

/// Whether standard error goes to the journal of systemd: `JOURNAL_STREAM` names its device and inode (systemd.exec(5)).
fn is_journal() -> bool {
    let Some(named) = std::env::var("JOURNAL_STREAM").ok() else {
        return false;
    };
    // A file like any other, under this name; where it is not, nothing is known of it.
    std::fs::metadata("/dev/stderr")
        .is_ok_and(|seen| named == format!("{}:{}", seen.st_dev(), seen.st_ino()))
}

/// Lines with their priority as the journal reads it (sd-daemon(3)).
struct Journal(Format<Full, ()>);

impl<S, N> FormatEvent<S, N> for Journal
where
    S: Subscriber + for<'a> LookupSpan<'a>,
    N: for<'a> FormatFields<'a> + 'static,
{
    fn format_event(
        &self,
        cx: &FmtContext<'_, S, N>,
        mut writer: Writer<'_>,
        event: &Event<'_>,
    ) -> fmt::Result {
        write!(writer, "<{}>", priority(*event.metadata().level()))?;
        self.0.format_event(cx, writer, event)
    }
}

fn priority(level: Level) -> u8 {
    match level {
        Level::ERROR => 3,
        Level::WARN => 4,
        Level::INFO => 6,
        Level::DEBUG | Level::TRACE => 7,
    }
}
