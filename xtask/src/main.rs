//! The project's own automation. `cargo xtask` lists what it can do.

mod cache;
mod control_plane;
mod gatus;
mod go;
mod npm;
mod packages;
mod picture;
mod python;
mod run;
mod test;

use std::process::ExitCode;

const HELP: &str = "\
The project's own automation.

Usage: cargo xtask <COMMAND>

Commands:
  test        install what the tests need, then run fmt, clippy, tests, doc tests and docs
                --no-install   install nothing; tests whose tools are missing are skipped
                --quick        tests only
  packages    install the Debian packages that the tests need, and nothing else
  control-plane
              build a Kubernetes control plane for the tests, outside of the repository
  gatus       build Gatus, which the tests consume, outside of the repository
  npm         install what the tests need from npm, outside of the repository
  python      install what the tests need from PyPI, outside of the repository
  reference   write docs/reference anew from the program and its tests
  pictures    draw docs/pictures anew from the program's output and its pages
  bench       run the benchmarks and print their figures
";

fn main() -> ExitCode {
    let args: Vec<String> = std::env::args().skip(1).collect();
    let args: Vec<&str> = args.iter().map(String::as_str).collect();
    let result = match args.as_slice() {
        ["test", flags @ ..] => {
            test::Options::parse(flags).and_then(|options| test::test(&options))
        }
        ["control-plane"] => control_plane::build(),
        ["gatus"] => gatus::build(),
        ["npm"] => npm::install(),
        ["python"] => python::install(),
        ["packages"] => packages::install().map(|()| true),
        ["reference"] => test::reference(),
        ["pictures"] => picture::draw_all().map(|()| true),
        ["bench"] => run::cargo(&["bench", "--workspace"], &[]),
        [] | ["help" | "--help" | "-h"] => {
            run::say(HELP);
            Ok(true)
        }
        other => Err(anyhow::anyhow!(
            "there is no command `{}`; `cargo xtask help` lists them",
            other.join(" ")
        )),
    };
    match result {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(error) => {
            run::say(&format!("xtask: {error:#}"));
            ExitCode::FAILURE
        }
    }
}
