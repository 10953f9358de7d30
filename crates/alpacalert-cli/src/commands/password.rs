//! `alpacalert password`: the hash of a password, for people who sign in to `alpacalert serve`.

use std::io::{IsTerminal as _, Read as _};
use std::os::fd::AsFd as _;

use alpacalert_web::access::password;
use anyhow::{Context as _, anyhow};
use clap::Args;
use rustix::termios::{LocalModes, OptionalActions, tcgetattr, tcsetattr};

use crate::exit::{self, Failure, Outcome};
use crate::terminal::Terminal;

const EXAMPLES: &str = "\
Examples:
  alpacalert password anna                     asks for it, without showing it
  pass show alpacalert | alpacalert password anna";

/// Print the hash of a password, and the lines for the configuration, which keeps nothing else of it
///
/// The password is read from the terminal, or from standard input. It is never an argument: other users of a machine see those.
#[derive(Args, Debug)]
#[command(after_help = EXAMPLES)]
pub(crate) struct Password {
    /// The name of the user
    name: String,
}

/// The fewest characters. Attempts are limited to ten a minute, so that this many are enough if they are not a word.
const LENGTH_MIN: usize = 8;

/// The longest password.
const LENGTH_MAX: u64 = 1024;

pub(crate) fn run(command: &Password, terminal: &Terminal) -> Outcome {
    let password = read(terminal).context("failed to read the password")?;
    if password.chars().count() < LENGTH_MIN {
        let text = format!("the password is too short: use at least {LENGTH_MIN} characters");
        return Err(Failure::usage(text));
    }
    let hash = password::hash(&password).map_err(|why| anyhow!("failed to hash: {why}"))?;
    let name = serde_json::Value::from(command.name.as_str());
    terminal.print(&format!(
        "access:\n  users:\n    {name}:\n      password: {hash}\n      read: everything\n"
    ))?;
    Ok(exit::PASSING)
}

fn read(terminal: &Terminal) -> std::io::Result<String> {
    let stdin = std::io::stdin();
    if !stdin.is_terminal() {
        let mut text = String::new();
        stdin.lock().take(LENGTH_MAX).read_to_string(&mut text)?;
        return Ok(text.trim_end_matches(['\r', '\n']).to_owned());
    }
    terminal.complain("password (it is not shown):");
    let shown = tcgetattr(stdin.as_fd())?;
    let mut hidden = shown.clone();
    hidden.local_modes.remove(LocalModes::ECHO);
    tcsetattr(stdin.as_fd(), OptionalActions::Flush, &hidden)?;
    let mut text = String::new();
    let read = stdin.read_line(&mut text);
    // Whatever came of it, the terminal is as it was.
    tcsetattr(stdin.as_fd(), OptionalActions::Flush, &shown)?;
    read?;
    Ok(text.trim_end_matches(['\r', '\n']).to_owned())
}
