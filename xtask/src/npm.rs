//! Programs for tests that come from npm, installed into a cache outside of the repository: exactly the versions of the lock
//! files below `xtask/npm`, without running any of their scripts.

use std::fs;
use std::path::Path;
use std::process::Command;

use anyhow::{Context, Result, bail};

use crate::cache;
use crate::run::{root, say};

/// Overrides where they are kept. The test kit knows this name, and the usual place.
const FOLDER: &str = "ALPACALERT_NPM";

/// Installs what is not up to date. `false` when npm is missing.
pub(crate) fn install() -> Result<bool> {
    if Command::new("npm").arg("--version").output().is_err() {
        say(
            "skipped: there is no `npm` on the PATH to install axe-core and the OpenID provider of the tests with",
        );
        return Ok(false);
    }
    let cache = cache::folder(FOLDER, "npm")?;
    let recipes = root().join("xtask/npm");
    let entries =
        fs::read_dir(&recipes).with_context(|| format!("cannot list {}", recipes.display()))?;
    for entry in entries {
        let recipe = entry.context("cannot list xtask/npm")?.path();
        let Some(name) = recipe.file_name() else {
            continue;
        };
        package(&recipe, &cache.join(name))
            .with_context(|| format!("cannot install {}", recipe.display()))?;
    }
    Ok(true)
}

/// Copies a recipe and installs what it names, unless that was done with the same recipe before.
fn package(recipe: &Path, target: &Path) -> Result<()> {
    let lock = "package-lock.json";
    let done = target.join("installed");
    let wanted = fs::read(recipe.join(lock)).context("it has no lock file")?;
    let is_current = fs::read(&done).is_ok_and(|installed| installed == wanted);
    fs::create_dir_all(target).with_context(|| format!("cannot make {}", target.display()))?;
    for entry in fs::read_dir(recipe).context("cannot list it")? {
        let file = entry.context("cannot list it")?;
        fs::copy(file.path(), target.join(file.file_name())).context("cannot copy it")?;
    }
    if is_current {
        return Ok(());
    }
    say(&format!(
        "npm installs what {} names into {}",
        recipe.display(),
        target.display()
    ));
    let status = Command::new("npm")
        .current_dir(target)
        .args(["ci", "--ignore-scripts", "--no-audit", "--no-fund"])
        .status()
        .context("cannot run npm")?;
    if !status.success() {
        bail!("npm ended with {status}");
    }
    fs::write(done, wanted).context("cannot note what was installed")
}
