//! `alpacalert completions`: what a shell needs to complete the command line.

use clap::{Args, CommandFactory as _};
use clap_complete::Shell;

use crate::cli::Cli;
use crate::exit::{self, Outcome};
use crate::terminal::Terminal;

const EXAMPLES: &str = "\
Examples:
  bash:  alpacalert completions bash > ~/.local/share/bash-completion/completions/alpacalert
  zsh:   alpacalert completions zsh > ~/.zfunc/_alpacalert
  fish:  alpacalert completions fish > ~/.config/fish/completions/alpacalert.fish";

/// Print what a shell needs to complete the command line
#[derive(Args, Debug)]
#[command(after_help = EXAMPLES)]
pub(crate) struct Completions {
    /// The shell
    #[arg(value_name = "SHELL")]
    shell: Shell,
}

pub(crate) fn run(command: &Completions, terminal: &Terminal) -> Outcome {
    let mut script = Vec::new();
    clap_complete::generate(
        command.shell,
        &mut Cli::command(),
        "alpacalert",
        &mut script,
    );
    terminal.print(&String::from_utf8_lossy(&script))?;
    Ok(exit::PASSING)
}
