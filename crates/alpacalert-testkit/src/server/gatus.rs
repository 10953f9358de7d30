//! Gatus, which publishes the statuses of endpoints.

use std::path::{Path, PathBuf};
use std::process::Command;

use tempfile::TempDir;

use super::write;
use crate::{Process, free_port, skip, temp_dir};

/// Where it is, instead of the usual place. `cargo xtask gatus` knows this name and the usual place, too.
const FOLDER: &str = "ALPACALERT_GATUS";

/// A running Gatus; it ends when this is dropped.
#[derive(Debug)]
pub struct Gatus {
    process: Process,
    program: PathBuf,
    folder: TempDir,
    port: u16,
}

impl Gatus {
    /// Starts one; `endpoints` is the list of that name of its configuration, in YAML.
    ///
    /// # Panics
    ///
    /// When it does not start.
    pub fn start(endpoints: &str) -> Option<Gatus> {
        let program = program()?;
        let folder = temp_dir();
        let port = free_port();
        let text =
            format!("web: {{ address: 127.0.0.1, port: {port} }}\nendpoints:\n{endpoints}\n");
        write(&folder.path().join("config.yaml"), &text);
        let process = start(&program, folder.path(), port);
        Some(Gatus {
            process,
            program,
            folder,
            port,
        })
    }

    /// Where it listens: `http://…`, without a slash at its end.
    pub fn url(&self) -> String {
        format!("http://127.0.0.1:{}", self.port)
    }

    /// Ends it.
    pub fn stop(&mut self) {
        self.process.stop();
    }

    /// Starts it again where it was, as after a restart: it has forgotten everything.
    pub fn resume(&mut self) {
        self.process = start(&self.program, self.folder.path(), self.port);
    }
}

fn start(program: &Path, folder: &Path, port: u16) -> Process {
    let mut command = Command::new(program);
    command.env("GATUS_CONFIG_PATH", folder.join("config.yaml"));
    let mut process = Process::start(&mut command, &folder.join("log"));
    process.wait_for_port(port);
    process
}

fn program() -> Option<PathBuf> {
    let program = folder().map(|folder| folder.join("bin/gatus"));
    let found = program.filter(|program| program.is_file());
    if found.is_none() {
        skip("Gatus is not installed; run `cargo xtask gatus`");
    }
    found
}

fn folder() -> Option<PathBuf> {
    if let Some(folder) = std::env::var_os(FOLDER) {
        return Some(folder.into());
    }
    let cache = std::env::var_os("XDG_CACHE_HOME").map(PathBuf::from);
    let home = || Some(Path::new(&std::env::var_os("HOME")?).join(".cache"));
    Some(cache.or_else(home)?.join("alpacalert/gatus"))
}
