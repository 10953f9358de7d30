//! Where things for tests are kept that are not part of the repository.

use std::path::PathBuf;

use anyhow::{Context, Result};

/// The folder `name` of the user's cache, unless a variable of the environment names another one. The test kit knows both.
pub(crate) fn folder(variable: &str, name: &str) -> Result<PathBuf> {
    if let Some(folder) = std::env::var_os(variable) {
        return Ok(folder.into());
    }
    let cache = std::env::var_os("XDG_CACHE_HOME").map(PathBuf::from);
    let home = || Some(PathBuf::from(std::env::var_os("HOME")?).join(".cache"));
    let cache = cache
        .or_else(home)
        .with_context(|| format!("there is no HOME to keep {name} in; set {variable}"))?;
    Ok(cache.join("alpacalert").join(name))
}
