//! Programs for tests that come from PyPI, installed into an environment of their own, outside of the repository and of the
//! system's Python: exactly the versions of `xtask/python/requirements.txt`.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, bail};

use crate::run::{root, say, status};

/// Overrides where the environment is. The test kit knows this name, and the usual place.
const FOLDER: &str = "ALPACALERT_PYTHON";

/// Installs what is not up to date. `false` when there is no Python.
pub(crate) fn install() -> Result<bool> {
    if Command::new("python3").arg("--version").output().is_err() {
        say(
            "skipped: there is no `python3` on the PATH to install schemathesis and the reader of OpenMetrics with",
        );
        return Ok(false);
    }
    let folder = folder()?;
    let list = root().join("xtask/python/requirements.txt");
    let wanted = fs::read(&list).with_context(|| format!("cannot read {}", list.display()))?;
    let done = folder.join("installed");
    if fs::read(&done).is_ok_and(|installed| installed == wanted) {
        return Ok(true);
    }
    say(&format!(
        "pip installs what {} names into {}",
        list.display(),
        folder.display()
    ));
    // What an older list left there goes.
    run(Command::new("python3")
        .args(["-m", "venv", "--clear"])
        .arg(&folder))
    .context("cannot make an environment; Debian has it in the package python3-venv")?;
    // Whatever it needs is in the list, and nothing else is taken.
    run(Command::new(folder.join("bin/python3"))
        .args([
            "-m",
            "pip",
            "install",
            "--quiet",
            "--no-deps",
            "--disable-pip-version-check",
        ])
        .arg("--requirement")
        .arg(&list))?;
    fs::write(done, wanted).context("cannot note what was installed")?;
    Ok(true)
}

fn folder() -> Result<PathBuf> {
    if let Some(folder) = std::env::var_os(FOLDER) {
        return Ok(folder.into());
    }
    let cache = std::env::var_os("XDG_CACHE_HOME").map(PathBuf::from);
    let cache =
        cache.or_else(|| std::env::var_os("HOME").map(|home| Path::new(&home).join(".cache")));
    let cache = cache
        .with_context(|| format!("there is no HOME to keep Python's packages in; set {FOLDER}"))?;
    Ok(cache.join("alpacalert/python"))
}

fn run(command: &mut Command) -> Result<()> {
    match status(command)? {
        true => Ok(()),
        false => bail!("{} failed", command.get_program().display()),
    }
}
