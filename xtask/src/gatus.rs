//! Gatus, whose endpoints Alpacalert consumes, built from its Go module into a cache outside of the repository.

use anyhow::Result;

use crate::go::Program;
use crate::run::say;
use crate::{cache, go};

/// Overrides where it is kept. The test kit knows this name, and the usual place.
const FOLDER: &str = "ALPACALERT_GATUS";

const PROGRAMS: &[Program] = &[Program {
    name: "gatus",
    module: "gatus",
    package: "github.com/TwiN/gatus/v5",
    flags: None,
}];

/// Builds it unless it is up to date. `false` when it cannot be had: what it publishes is tested by what it documents, too.
pub(crate) fn build() -> Result<bool> {
    if !go::is_there() {
        say("skipped: Gatus is built with Go, and there is no `go` on the PATH");
        return Ok(false);
    }
    let folder = cache::folder(FOLDER, "gatus")?;
    say(&format!(
        "Gatus is kept in {}; set {FOLDER} to keep it elsewhere",
        folder.display()
    ));
    if let Err(error) = go::build(&folder, PROGRAMS) {
        say(&format!("skipped: {error:#}"));
        return Ok(false);
    }
    Ok(true)
}
