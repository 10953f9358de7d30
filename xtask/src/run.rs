//! Running other programs, and saying so.

use std::ffi::OsString;
use std::io::Write;
use std::path::PathBuf;
use std::process::Command;

use anyhow::{Context, Result};

/// Writes a line for whoever watches.
pub(crate) fn say(text: &str) {
    // Nobody is left to be told when this fails.
    let _ = writeln!(std::io::stdout(), "{text}");
}

/// The folder of the workspace.
pub(crate) fn root() -> PathBuf {
    let here = PathBuf::from(env!("CARGO_MANIFEST_DIR"));
    here.parent().map_or(here.clone(), PathBuf::from)
}

/// The cargo that runs us.
pub(crate) fn cargo_command() -> Command {
    let cargo = std::env::var_os("CARGO").unwrap_or_else(|| OsString::from("cargo"));
    let mut command = Command::new(cargo);
    command.current_dir(root());
    command
}

/// Runs cargo; tells whether it succeeded.
pub(crate) fn cargo(args: &[&str], env: &[(&str, &str)]) -> Result<bool> {
    let mut command = cargo_command();
    command.args(args).envs(env.iter().copied());
    status(&mut command)
}

/// Runs a program in sight of whoever watches; tells whether it succeeded.
pub(crate) fn status(command: &mut Command) -> Result<bool> {
    let line = std::iter::once(command.get_program())
        .chain(command.get_args())
        .map(|word| word.to_string_lossy())
        .collect::<Vec<_>>()
        .join(" ");
    say(&format!("$ {line}"));
    let status = command
        .status()
        .with_context(|| format!("cannot run `{line}`"))?;
    Ok(status.success())
}
