//! Programs that tests need.

use std::path::PathBuf;

/// Where administrators' programs are, which the search path of a user does not always hold.
const ALSO: [&str; 3] = ["/usr/sbin", "/usr/local/sbin", "/sbin"];

/// The path of a program, or `None` after having said that the test is skipped.
#[allow(
    clippy::print_stdout,
    reason = "the reader of the test's output asked for it"
)]
pub fn require(program: &str) -> Option<PathBuf> {
    let found = find(program);
    if found.is_none() {
        println!("skipped: {program} is not installed");
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
