//! Alpacalert on the command line.

mod builtin;
mod cli;
mod commands;
mod configuration;
mod exit;
mod logging;
mod measuring;
mod output;
mod progress;
#[cfg(test)]
mod reference;
mod remote;
mod screen;
mod select;
mod signals;
mod terminal;

use std::process::ExitCode;

use clap::Parser as _;

use crate::cli::{Cli, Command};
use crate::terminal::Terminal;

/// Plans of many thousands of nodes are made and let go of at every reload, by several threads: the usual allocator has holes after
/// that, and takes longer each time.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    // The panic has been told on standard error by then.
    std::panic::catch_unwind(run).unwrap_or(ExitCode::from(exit::SOFTWARE))
}

fn run() -> ExitCode {
    let cli = match Cli::try_parse() {
        Ok(cli) => cli,
        Err(error) => return exit::wrong_usage(&error),
    };
    logging::start(cli.command.usual_log_level(), cli.command.log_format());
    let terminal = Terminal::new(&cli.appearance);
    let result = match &cli.command {
        Command::Host(command) => commands::host::run(command, &terminal),
        Command::K8s(command) => commands::k8s::run(command, &terminal),
        Command::Check(command) => commands::check::run(command, &terminal),
        Command::Watch(command) => commands::watch::run(command, &terminal),
        Command::Status(command) => commands::status::run(command, &terminal),
        Command::Serve(command) => commands::serve::run(command, &terminal),
        Command::Explain(command) => commands::explain::run(command, &terminal),
        Command::Impact(command) => commands::impact::run(command, &terminal),
        Command::Graph(command) => commands::graph::run(command, &terminal),
        Command::Token(command) => commands::token::run(command, &terminal),
        Command::Validate(command) => commands::validate::run(command, &terminal),
        Command::Password(command) => commands::password::run(command, &terminal),
        Command::Schema(command) => commands::schema::run(command, &terminal),
        Command::Kinds(command) => commands::kinds::run(command, &terminal),
        Command::Completions(command) => commands::completions::run(command, &terminal),
        Command::Man(command) => commands::man::run(command, &terminal),
    };
    exit::code(result, &terminal)
}
