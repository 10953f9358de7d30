//! The Debian packages that the tests need: real servers to measure, and tools to measure against.

use std::process::{Command, Stdio};

use anyhow::{Context, Result, bail};

use crate::run;

/// One package a line, with `# why` behind it.
const LIST: &str = include_str!("../debian-packages.txt");

/// Installs what is missing, and says what it does.
pub(crate) fn install() -> Result<()> {
    let missing: Vec<&str> = wanted().filter(|name| !is_installed(name)).collect();
    if missing.is_empty() {
        return Ok(());
    }
    run::say(&format!(
        "The tests need these Debian packages, which are missing: {}",
        missing.join(" ")
    ));
    if !apt(&["update", "-q"])? {
        run::say("`apt-get update` failed; trying to install from the lists that are here");
    }
    let mut args = vec!["install", "-y", "-q", "--no-install-recommends"];
    args.extend(&missing);
    if !apt(&args)? {
        bail!(
            "cannot install the packages; install them by hand (apt-get install {}), or run `cargo xtask test --no-install`, which skips the tests that need them",
            missing.join(" ")
        );
    }
    Ok(())
}

fn wanted() -> impl Iterator<Item = &'static str> {
    LIST.lines()
        .map(|line| line.split('#').next().unwrap_or_default().trim())
        .filter(|name| !name.is_empty())
}

fn is_installed(name: &str) -> bool {
    Command::new("dpkg-query")
        .args(["--show", "--showformat=${db:Status-Status}", name])
        .stderr(Stdio::null())
        .output()
        .is_ok_and(|output| output.stdout == b"installed")
}

/// Runs apt-get, through sudo for everybody but root.
fn apt(args: &[&str]) -> Result<bool> {
    let id = Command::new("id").arg("-u").output();
    let id = id.context("cannot run `id -u`")?;
    let mut command = if id.stdout.trim_ascii() == b"0" {
        Command::new("apt-get")
    } else {
        let mut command = Command::new("sudo");
        command.arg("apt-get");
        command
    };
    command.args(args).env("DEBIAN_FRONTEND", "noninteractive");
    run::status(&mut command)
}
