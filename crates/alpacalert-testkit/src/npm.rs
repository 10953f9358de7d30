//! What `cargo xtask npm` installs.

use std::path::{Path, PathBuf};

use crate::skip;

/// Where they are kept, instead of the usual place. `cargo xtask npm` knows this name and the usual place, too.
const FOLDER: &str = "ALPACALERT_NPM";

/// The folder of a package of `xtask/npm`; the test that cannot run without is skipped when it is not there.
pub fn npm_package(name: &str) -> Option<PathBuf> {
    let folder = folder().map(|folder| folder.join(name));
    let found = folder.filter(|folder| folder.join("installed").is_file());
    if found.is_none() {
        skip(&format!("{name} is not installed; run `cargo xtask npm`"));
    }
    found
}

fn folder() -> Option<PathBuf> {
    if let Some(folder) = std::env::var_os(FOLDER) {
        return Some(folder.into());
    }
    let cache = std::env::var_os("XDG_CACHE_HOME").map(PathBuf::from);
    let home = || Some(Path::new(&std::env::var_os("HOME")?).join(".cache"));
    Some(cache.or_else(home)?.join("alpacalert/npm"))
}
