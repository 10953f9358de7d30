//! Programs for tests that are built from their Go modules, into a cache outside of the repository: exactly the versions of a
//! `go.mod` and a `go.sum` below `xtask`.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Instant;

use anyhow::{Context, Result, bail};

use crate::run::{root, say};

/// A program, the module that it is built from, and its package.
pub(crate) struct Program {
    pub(crate) name: &'static str,
    /// A folder below `xtask`.
    pub(crate) module: &'static str,
    pub(crate) package: &'static str,
    /// What the linker is told, from the text of the module's `go.mod`.
    pub(crate) flags: Option<fn(&str) -> Result<String>>,
}

/// Whether there is a compiler.
pub(crate) fn is_there() -> bool {
    Command::new("go").arg("version").output().is_ok()
}

/// Builds what is not up to date into `folder/bin`.
pub(crate) fn build(folder: &Path, programs: &[Program]) -> Result<()> {
    let bin = folder.join("bin");
    fs::create_dir_all(&bin)
        .with_context(|| format!("cannot make the folder {}", bin.display()))?;
    for (number, program) in programs.iter().enumerate() {
        let place = format!("{} of {}: {}", number + 1, programs.len(), program.name);
        if is_current(&bin, program)? {
            say(&format!("{place} is up to date"));
            continue;
        }
        say(&format!(
            "{place} is being built; the first time takes minutes"
        ));
        let start = Instant::now();
        make(&bin, program)?;
        say(&format!("{place} took {} s", start.elapsed().as_secs()));
    }
    Ok(())
}

fn module(program: &Program) -> PathBuf {
    root().join("xtask").join(program.module)
}

/// What a program is made from: the versions of everything, and of the compiler.
fn recipe(program: &Program) -> Result<String> {
    let module = module(program);
    let mut text = String::new();
    for file in ["go.mod", "go.sum"] {
        let path = module.join(file);
        text += &fs::read_to_string(&path)
            .with_context(|| format!("cannot read {}", path.display()))?;
    }
    let go = Command::new("go")
        .arg("version")
        .output()
        .context("cannot run `go version`")?;
    text += &String::from_utf8_lossy(&go.stdout);
    Ok(text)
}

fn is_current(bin: &Path, program: &Program) -> Result<bool> {
    let made = fs::read_to_string(recipe_path(bin, program)).unwrap_or_default();
    Ok(bin.join(program.name).is_file() && made == recipe(program)?)
}

fn recipe_path(bin: &Path, program: &Program) -> PathBuf {
    bin.join(format!("{}.recipe", program.name))
}

fn make(bin: &Path, program: &Program) -> Result<()> {
    let target = bin.join(program.name);
    let mut command = Command::new("go");
    command
        .current_dir(module(program))
        .env("CGO_ENABLED", "0")
        .env("GOFLAGS", "-mod=readonly");
    command.args(["build", "-trimpath", "-o"]).arg(&target);
    if let Some(flags) = program.flags {
        let text = fs::read_to_string(module(program).join("go.mod"));
        let text = text.context("cannot read go.mod")?;
        command.args(["-ldflags", &flags(&text)?]);
    }
    command.arg(program.package);
    let status = command
        .status()
        .with_context(|| format!("cannot run go to build {}", program.name))?;
    if !status.success() {
        bail!(
            "go could not build {} from {}",
            program.package,
            module(program).display()
        );
    }
    fs::write(recipe_path(bin, program), recipe(program)?).context("cannot note what was built")
}
