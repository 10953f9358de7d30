//! Programs that tests need.

use std::io::Write;
use std::path::PathBuf;

/// Where administrators' programs are, which the search path of a user does not always hold.
const ALSO: [&str; 3] = ["/usr/sbin", "/usr/local/sbin", "/sbin"];

/// Where `cargo xtask test` wants to read, a line each, which tests were skipped and why.
const REPORT: &str = "ALPACALERT_TESTS_SKIPPED";

/// Says why a test does not run; the caller returns.
///
/// Prints `skipped: reason`, and reports it to `cargo xtask test`, which counts it.
#[allow(
    clippy::print_stdout,
    reason = "the reader of the test's output asked for it"
)]
pub fn skip(reason: &str) {
    println!("skipped: {reason}");
    let Some(file) = std::env::var_os(REPORT) else {
        return;
    };
    let test = std::thread::current();
    let line = format!("{}: {reason}\n", test.name().unwrap_or("a test"));
    // One short write in append mode: tests of several processes do not mix their lines.
    let file = std::fs::OpenOptions::new()
        .create(true)
        .append(true)
        .open(file);
    if let Err(error) = file.and_then(|mut file| file.write_all(line.as_bytes())) {
        println!("and it cannot be reported: {error}");
    }
}

/// The path of a program, or `None` after having said that the test is skipped.
pub fn require(program: &str) -> Option<PathBuf> {
    let found = find(program);
    if found.is_none() {
        skip(&format!("{program} is not installed"));
    }
    found
}

fn find(program: &str) -> Option<PathBuf> {
    let path = std::env::var_os("PATH").unwrap_or_default();
    std::env::split_paths(&path)
        .chain(ALSO.iter().map(PathBuf::from))
        .map(|folder| folder.join(program))
        .find(|file| file.is_file())
}
