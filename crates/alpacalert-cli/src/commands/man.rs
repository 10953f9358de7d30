//! `alpacalert man`: manual pages.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::Context as _;
use clap::{Args, CommandFactory as _};
use clap_mangen::Man as Page;

use crate::cli::Cli;
use crate::exit::{self, Outcome};
use crate::terminal::Terminal;

const EXAMPLES: &str = "\
Examples:
  alpacalert man | man -l -
  alpacalert man ~/.local/share/man/man1";

/// Print the manual page, or write the pages of all commands to a folder
#[derive(Args, Debug)]
#[command(after_help = EXAMPLES)]
pub(crate) struct Man {
    /// The folder to write to; made if it is not there
    #[arg(value_name = "DIR")]
    folder: Option<PathBuf>,
}

pub(crate) fn run(command: &Man, terminal: &Terminal) -> Outcome {
    let mut cli = Cli::command();
    cli.build();
    match &command.folder {
        Some(folder) => write(folder, &cli)?,
        None => terminal.print(&page(&cli)?)?,
    }
    Ok(exit::PASSING)
}

fn page(command: &clap::Command) -> anyhow::Result<String> {
    let mut text = Vec::new();
    Page::new(command.clone())
        .render(&mut text)
        .context("failed to make the manual page")?;
    Ok(String::from_utf8_lossy(&text).into_owned())
}

fn write(folder: &Path, cli: &clap::Command) -> anyhow::Result<()> {
    fs::create_dir_all(folder)
        .with_context(|| format!("failed to make the folder {}", folder.display()))?;
    for command in std::iter::once(cli).chain(cli.get_subcommands()) {
        let name = command.get_display_name().unwrap_or(command.get_name());
        let file = folder.join(format!("{name}.1"));
        fs::write(&file, page(command)?)
            .with_context(|| format!("failed to write {}", file.display()))?;
    }
    Ok(())
}
