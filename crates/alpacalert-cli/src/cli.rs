//! The command line.

use clap::{Args, Parser, Subcommand, ValueEnum};
use tracing::level_filters::LevelFilter;

use crate::commands;
use crate::logging::LogFormat;

const ABOUT: &str = "Understands infrastructure as services that depend on each other: what is broken, since when, why, and whose it is";

const EXAMPLES: &str = "\
Examples:
  alpacalert host                      judge this machine, without any configuration
  alpacalert k8s                       judge the cluster that kubectl talks to
  alpacalert check                     check what ./alpacalert.yaml describes
  alpacalert check -c infra/ queue     check one system or service of a folder of files
  alpacalert explain queue             why it is not well, and what would mend it
  alpacalert serve                     keep watching; page and API on http://127.0.0.1:8420
  alpacalert kinds                     what can be checked";

#[derive(Debug, Parser)]
#[command(
    name = "alpacalert",
    version,
    about = ABOUT,
    after_help = EXAMPLES,
    after_long_help = format!("{EXAMPLES}\n\n{}", crate::exit::HELP),
    subcommand_required = true,
    arg_required_else_help = true,
    disable_help_subcommand = true
)]
pub(crate) struct Cli {
    #[command(flatten)]
    pub(crate) appearance: Appearance,
    #[command(subcommand)]
    pub(crate) command: Command,
}

/// How what is shown looks.
#[derive(Args, Debug)]
pub(crate) struct Appearance {
    /// When to use colours; NO_COLOR and CLICOLOR_FORCE are respected
    #[arg(
        long,
        value_name = "WHEN",
        default_value = "auto",
        global = true,
        display_order = 900
    )]
    pub(crate) color: Color,
    /// Use only characters of ASCII
    #[arg(long, global = true, display_order = 901)]
    pub(crate) ascii: bool,
}

/// When to use colours.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Color {
    /// On a terminal
    Auto,
    /// Always
    Always,
    /// Never
    Never,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    Host(commands::host::Host),
    K8s(commands::k8s::K8s),
    Check(commands::check::Check),
    Watch(commands::watch::Watch),
    Serve(commands::serve::Serve),
    Explain(commands::explain::Explain),
    Impact(commands::impact::Impact),
    Graph(commands::graph::Graph),
    Token(commands::token::Token),
    Validate(commands::validate::Validate),
    Password(commands::password::Password),
    Schema(commands::schema::Schema),
    Kinds(commands::kinds::Kinds),
    Completions(commands::completions::Completions),
    Man(commands::man::Man),
}

impl Command {
    /// How much is logged unless somebody asks for more or less.
    pub(crate) fn usual_log_level(&self) -> LevelFilter {
        match self {
            Command::Serve(_) => LevelFilter::INFO,
            _ => LevelFilter::WARN,
        }
    }

    /// The form of the log.
    pub(crate) fn log_format(&self) -> LogFormat {
        match self {
            Command::Serve(serve) => serve.log_format,
            _ => LogFormat::Text,
        }
    }
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory as _;

    #[test]
    fn the_command_line_is_consistent() {
        super::Cli::command().debug_assert();
    }
}
