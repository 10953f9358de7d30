//! The program's own log: on standard error, so that it never mixes with what was asked for.

use std::io::IsTerminal as _;

use tracing::level_filters::LevelFilter;
use tracing_subscriber::EnvFilter;

/// The variable that says how much is logged: `debug`, `alpacalert=trace`. Without it a command that ends logs warnings, and
/// one that goes on for ever what it does.
pub(crate) const VARIABLE: &str = "ALPACALERT_LOG";

/// Starts logging. A directive that cannot be understood is left out, and said.
pub(crate) fn start(usual: LevelFilter) {
    let filter = EnvFilter::builder()
        .with_default_directive(usual.into())
        .with_env_var(VARIABLE)
        .from_env_lossy();
    // It logs each connection that fails; we say the same, once, where it matters.
    let filter = match "kube_client::client::builder=off".parse() {
        Ok(directive) => filter.add_directive(directive),
        Err(_) => filter,
    };
    tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(std::io::stderr)
        .with_ansi(
            std::io::stderr().is_terminal()
                && std::env::var_os("NO_COLOR").is_none_or(|v| v.is_empty()),
        )
        .init();
}
