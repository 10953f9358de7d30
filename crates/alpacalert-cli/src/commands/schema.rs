//! `alpacalert schema`: the JSON Schema of the configuration.

use clap::Args;

use crate::builtin;
use crate::exit::{self, Outcome};
use crate::output::json;
use crate::terminal::Terminal;

const EXAMPLES: &str = "\
Examples:
  alpacalert schema > alpacalert.schema.json
  then begin alpacalert.yaml with:  # yaml-language-server: $schema=alpacalert.schema.json";

/// Print the JSON Schema of the configuration, with which editors complete and check it
#[derive(Args, Debug)]
#[command(after_help = EXAMPLES)]
pub(crate) struct Schema {}

pub(crate) fn run(_: &Schema, terminal: &Terminal) -> Outcome {
    terminal.print(&json(&alpacalert_config::schema(&builtin::registry()))?)?;
    Ok(exit::PASSING)
}
