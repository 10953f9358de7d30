//! axe-core, which finds what keeps people from using a page: fetched from npm at one version into a cache outside of the
//! repository. It runs in tests only.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, bail};

use crate::run::say;

/// The version, and the SHA-512 of its archive, as hexadecimal digits.
const VERSION: &str = "4.14.1";
const SHA512: &str = "1477dafa598d8d065f273d6af302aa203c02e83131707b7fa648cd41bd3d6b734f8c22a0dab86ee6a6f64b8afbe804b214d36db85a2826965edfb3a0b9d546b5";

/// Fetches it if it is not there. `false` when npm is missing.
pub(crate) fn fetch() -> Result<bool> {
    let folder = folder()?;
    let script = folder.join("axe.min.js");
    if script.is_file() {
        return Ok(true);
    }
    if Command::new("npm").arg("--version").output().is_err() {
        say("skipped: axe-core is fetched with npm, and there is no `npm` on the PATH");
        return Ok(false);
    }
    say(&format!(
        "fetching axe-core {VERSION} from npm into {}",
        folder.display()
    ));
    fs::create_dir_all(&folder)
        .with_context(|| format!("cannot make the folder {}", folder.display()))?;
    let archive = folder.join(format!("axe-core-{VERSION}.tgz"));
    let mut pack = Command::new("npm");
    pack.args(["pack", "--silent", "--pack-destination"])
        .arg(&folder);
    run(pack.arg(format!("axe-core@{VERSION}")))?;
    check(&archive)?;
    let mut unpack = Command::new("tar");
    unpack.arg("-xzf").arg(&archive).arg("-C").arg(&folder);
    run(unpack.args([
        "--strip-components=1",
        "package/axe.min.js",
        "package/LICENSE",
    ]))?;
    fs::remove_file(&archive).context("cannot remove the archive of axe-core")?;
    Ok(script.is_file())
}

/// Where the tests of the pages look for it too.
fn folder() -> Result<PathBuf> {
    let cache = std::env::var_os("XDG_CACHE_HOME").map(PathBuf::from);
    let home = || std::env::var_os("HOME").map(|home| Path::new(&home).join(".cache"));
    let cache = cache
        .or_else(home)
        .context("there is no HOME to keep axe-core in")?;
    Ok(cache.join("alpacalert").join(format!("axe-core-{VERSION}")))
}

fn check(archive: &Path) -> Result<()> {
    let output = Command::new("sha512sum").arg(archive).output();
    let output = output.context("cannot run sha512sum")?;
    let sum = String::from_utf8_lossy(&output.stdout);
    let sum = sum.split_whitespace().next().unwrap_or_default();
    if sum != SHA512 {
        // What is not what it should be must not be found by the next run.
        let _ = fs::remove_file(archive);
        bail!("the archive of axe-core {VERSION} has the SHA-512 {sum}, and should have {SHA512}");
    }
    Ok(())
}

fn run(command: &mut Command) -> Result<()> {
    let output = command.output();
    let output = output.with_context(|| format!("cannot run {command:?}"))?;
    if !output.status.success() {
        bail!(
            "{command:?} failed: {}",
            String::from_utf8_lossy(&output.stderr).trim()
        );
    }
    Ok(())
}
