//! Finding and reading the configuration.

use std::io::IsTerminal as _;
use std::path::{Path, PathBuf};

use alpacalert_config::{Diagnostics, Loaded, Plan};
use alpacalert_instrument::{Redactor, Registry};
use clap::Args;

use crate::exit::Failure;
use crate::terminal::Terminal;

/// Where the configuration is.
#[derive(Args, Debug)]
pub(crate) struct Place {
    /// The configuration: a file, or a folder whose files are read as one [default: ./alpacalert.yaml or ./alpacalert/]
    #[arg(
        short,
        long,
        value_name = "FILE|DIR",
        env = "ALPACALERT_CONFIG",
        hide_env_values = true
    )]
    pub(crate) config: Option<PathBuf>,
}

/// Looked for in the current folder, in this order.
const USUAL: [&str; 3] = ["alpacalert.yaml", "alpacalert.yml", "alpacalert"];

const HOW_TO_BEGIN: &str = "\
no configuration found: there is no alpacalert.yaml and no folder alpacalert here
  to judge this machine without one, run:   alpacalert host
  to name one, use:                         -c FILE, or the variable ALPACALERT_CONFIG
  to begin one, write to alpacalert.yaml:

    services:
      website:
        requires:
          - http: https://example.com

  and see what else can be checked with:    alpacalert kinds";

impl Place {
    /// The path of the configuration, if one is named or there is one where it is usually.
    pub(crate) fn found(&self) -> Option<PathBuf> {
        let usual = || USUAL.iter().map(PathBuf::from).find(|path| path.exists());
        self.config.clone().or_else(usual)
    }

    /// The path of the configuration.
    fn path(&self) -> Result<PathBuf, Failure> {
        self.found()
            .ok_or_else(|| Failure::configuration(HOW_TO_BEGIN))
    }

    /// Reads the configuration, and warns of what may not be meant. Touches nothing else.
    pub(crate) fn load(&self, registry: &Registry, terminal: &Terminal) -> Result<Loaded, Failure> {
        let path = self.path()?;
        exists(&path)?;
        let loaded =
            alpacalert_config::load(&path, registry).map_err(|wrong| told(&wrong, terminal))?;
        for warning in &loaded.warnings {
            let color = terminal.colors_errors();
            terminal.complain(&match is_own_terminal() {
                true => warning.render(color),
                false => warning.render_for_others(color),
            });
        }
        Ok(loaded)
    }

    /// Reads the configuration and its secrets.
    pub(crate) fn resolve(
        &self,
        registry: &Registry,
        terminal: &Terminal,
    ) -> Result<(Plan, Redactor), Failure> {
        let loaded = self.load(registry, terminal)?;
        let variable = |name: &str| std::env::var(name).ok();
        loaded
            .resolve(&variable)
            .map_err(|wrong| told(&wrong, terminal))
    }
}

fn exists(path: &Path) -> Result<(), Failure> {
    match std::fs::metadata(path) {
        Ok(_) => Ok(()),
        Err(error) => Err(Failure::configuration(format!(
            "failed to read the configuration {}: {error}",
            path.display()
        ))),
    }
}

/// Whether what is said is read by whoever runs the program, and not by a journal, a mail or the log of a pipeline.
fn is_own_terminal() -> bool {
    std::io::stderr().is_terminal()
}

fn told(wrong: &Diagnostics, terminal: &Terminal) -> Failure {
    let color = terminal.colors_errors();
    Failure::diagnostics(match is_own_terminal() {
        true => wrong.render(color),
        false => wrong.render_for_others(color),
    })
}
