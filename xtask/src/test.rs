//! `cargo xtask test`: everything that must hold before a change lands.

use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::Stdio;
use std::time::Instant;

use anyhow::{Context, Result, bail};

use crate::{control_plane, gatus, npm, packages, python, run};

/// Where the tests write, a line each, which of them they skip and why. The test kit knows this name.
const SKIPPED: &str = "ALPACALERT_TESTS_SKIPPED";

/// The reason of ignored tests that something else runs: a test whose other half they are, as a process of its own, or a command.
const RUN_BY_ANOTHER: &str = "run by ";

/// The reason of ignored tests that are no tests but measurements, for whoever wants a figure.
const MEASUREMENT: &str = "measures ";

/// The tests that keep generated documents current rewrite them when this is set.
const UPDATE: &str = "UPDATE_REFERENCE";

/// What the command line asks for.
pub(crate) struct Options {
    install: bool,
    checks: bool,
}

impl Options {
    /// Reads the flags.
    pub(crate) fn parse(flags: &[&str]) -> Result<Self> {
        let mut options = Options {
            install: true,
            checks: true,
        };
        for flag in flags {
            match *flag {
                "--no-install" => options.install = false,
                "--quick" => options.checks = false,
                other => bail!("there is no flag `{other}`; `cargo xtask help` lists them"),
            }
        }
        Ok(options)
    }
}

/// Runs everything, and prints the count as the last line. Goes on after a failure, so that one run shows all of them.
pub(crate) fn test(options: &Options) -> Result<bool> {
    if options.install {
        packages::install()?;
        npm::install()?;
        python::install()?;
        // Half an hour of two processors the first time; without Go the tests that need it are skipped.
        control_plane::build()?;
        gatus::build()?;
    }
    let mut count = Count::default();
    if options.checks {
        check(&mut count, "formatting", &["fmt", "--all", "--check"], &[])?;
        let clippy = [
            "clippy",
            "--workspace",
            "--all-targets",
            "--",
            "-D",
            "warnings",
        ];
        check(&mut count, "lints", &clippy, &[])?;
        let docs = ["doc", "--workspace", "--no-deps"];
        check(
            &mut count,
            "docs",
            &docs,
            &[("RUSTDOCFLAGS", "-D warnings")],
        )?;
        supply(&mut count)?;
    }
    tests(&mut count)?;
    for failure in &count.failures {
        run::say(&format!("FAILED: {failure}"));
    }
    let in_ci = std::env::var_os("CI").is_some();
    for skipped in &count.skipped {
        run::say(&format!("skipped: {skipped}"));
    }
    run::say(&format!(
        "{} passed, {} failed, {} skipped",
        count.passed,
        count.failures.len(),
        count.skipped.len()
    ));
    if in_ci
        && options.install
        && count
            .skipped
            .iter()
            .any(|line| line.contains("not installed"))
    {
        bail!("in CI nothing that can be installed may be skipped");
    }
    Ok(count.failures.is_empty())
}

/// Writes the generated documents anew.
pub(crate) fn reference() -> Result<bool> {
    run::cargo(&["test", "--workspace", "reference"], &[(UPDATE, "1")])
}

#[derive(Default)]
struct Count {
    passed: u64,
    failures: Vec<String>,
    skipped: Vec<String>,
}

/// A check that passes or fails as a whole.
fn check(count: &mut Count, name: &str, args: &[&str], env: &[(&str, &str)]) -> Result<()> {
    let start = Instant::now();
    if run::cargo(args, env)? {
        count.passed += 1;
    } else {
        count.failures.push(name.to_owned());
    }
    run::say(&format!("{name}: {:.0} s", start.elapsed().as_secs_f64()));
    Ok(())
}

/// Licences, banned crates, and where crates come from. Building cargo-deny takes as long as building Alpacalert, so that
/// nobody is made to: it is run where it is.
fn supply(count: &mut Count) -> Result<()> {
    let there = run::cargo_command()
        .args(["deny", "--version"])
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .status();
    if !there.is_ok_and(|status| status.success()) {
        run::say(
            "not checked: licences, bans and sources, for want of cargo-deny; `cargo install cargo-deny --locked` builds it",
        );
        return Ok(());
    }
    let args = ["deny", "check", "bans", "licenses", "sources"];
    check(count, "licences, bans and sources", &args, &[])
}

/// Unit, integration and doc tests; reads the counts off what cargo prints.
fn tests(count: &mut Count) -> Result<()> {
    let skipped = tempfile_path();
    let start = Instant::now();
    let mut command = run::cargo_command();
    command
        .args(["test", "--workspace", "--no-fail-fast"])
        .env(SKIPPED, &skipped)
        .stdout(Stdio::piped());
    run::say("$ cargo test --workspace --no-fail-fast");
    let mut child = command.spawn().context("cannot run cargo test")?;
    if let Some(stdout) = child.stdout.take() {
        for line in BufReader::new(stdout).lines() {
            let line = line.unwrap_or_else(|error| format!("(unreadable output: {error})"));
            count_line(count, &line);
            run::say(&line);
        }
    }
    let status = child.wait().context("cannot wait for cargo test")?;
    if !status.success() && count.failures.is_empty() {
        count
            .failures
            .push("the tests do not build, or one of them was killed".to_owned());
    }
    if let Ok(text) = std::fs::read_to_string(&skipped) {
        count.skipped.extend(text.lines().map(str::to_owned));
        // A leftover in the system's folder for temporary files harms nobody.
        let _ = std::fs::remove_file(&skipped);
    }
    run::say(&format!("tests: {:.0} s", start.elapsed().as_secs_f64()));
    Ok(())
}

/// Takes in one line of libtest's output: `test name ... FAILED`, `test result: ok. 3 passed; …`.
fn count_line(count: &mut Count, line: &str) {
    if let Some(rest) = line.strip_prefix("test result: ") {
        let passed = rest
            .split(['.', ';'])
            .find_map(|part| part.trim().strip_suffix(" passed"));
        count.passed += passed.and_then(|n| n.parse::<u64>().ok()).unwrap_or(0);
    } else if let Some(test) = line.strip_prefix("test ")
        && let Some((name, result)) = test.rsplit_once(" ... ")
    {
        if result.starts_with("FAILED") {
            count.failures.push(name.to_owned());
        } else if result.starts_with("ignored")
            && !result.contains(RUN_BY_ANOTHER)
            && !result.contains(MEASUREMENT)
        {
            count.skipped.push(format!("{name}: {result}"));
        }
    }
}

fn tempfile_path() -> std::path::PathBuf {
    Path::new(&std::env::temp_dir()).join(format!("alpacalert-skipped-{}", std::process::id()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn counts_what_libtest_prints() {
        let mut count = Count::default();
        for line in [
            "running 3 tests",
            "test a::b ... ok",
            "test a::c ... FAILED",
            "test a::d ... ignored, needs a printer",
            "test a::e ... ignored, run by the test above",
            "test a::f ... ignored, measures memory, in a process of its own",
            "test result: FAILED. 1 passed; 1 failed; 1 ignored; 0 measured; 0 filtered out",
            "test result: ok. 41 passed; 0 failed; 0 ignored; 0 measured; 0 filtered out",
        ] {
            count_line(&mut count, line);
        }
        assert_eq!(count.passed, 42);
        assert_eq!(count.failures, ["a::c"]);
        assert_eq!(count.skipped, ["a::d: ignored, needs a printer"]);
    }
}
