//! What `cargo xtask python` installs.

use std::path::{Path, PathBuf};

use crate::skip;

/// Where it is, instead of the usual place. `cargo xtask python` knows this name and the usual place, too.
const FOLDER: &str = "ALPACALERT_PYTHON";

/// A program of the Python environment of the tests, such as `python3` itself; the test that cannot run without is skipped when
/// it is not there.
pub fn python_program(name: &str) -> Option<PathBuf> {
    let folder = folder().filter(|folder| folder.join("installed").is_file());
    let program = folder.map(|folder| folder.join("bin").join(name));
    let found = program.filter(|program| program.is_file());
    if found.is_none() {
        skip(&format!(
            "{name} of the tests' own Python is not installed; run `cargo xtask python`"
        ));
    }
    found
}

fn folder() -> Option<PathBuf> {
    if let Some(folder) = std::env::var_os(FOLDER) {
        return Some(folder.into());
    }
    let cache = std::env::var_os("XDG_CACHE_HOME").map(PathBuf::from);
    let home = || Some(Path::new(&std::env::var_os("HOME")?).join(".cache"));
    Some(cache.or_else(home)?.join("alpacalert/python"))
}
