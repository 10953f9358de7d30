//! `alpacalert kinds`: what can be checked.

use alpacalert_config::kind_reference;
use alpacalert_instrument::{KindSpec, Registry, nearest};
use alpacalert_visualise::{Look, columns};
use clap::Args;

use crate::builtin;
use crate::exit::{self, Failure, Outcome};
use crate::terminal::Terminal;

const EXAMPLES: &str = "\
Examples:
  alpacalert kinds            every kind in a line
  alpacalert kinds http       one kind with its keys, limits and an example";

/// List the kinds of things that can be checked, or describe one
#[derive(Args, Debug)]
#[command(after_help = EXAMPLES)]
pub(crate) struct Kinds {
    /// The kind to describe: its short word, or its whole name
    #[arg(value_name = "KIND")]
    kind: Option<String>,
}

pub(crate) fn run(command: &Kinds, terminal: &Terminal) -> Outcome {
    let registry = builtin::registry();
    let text = match &command.kind {
        None => list(&registry, terminal.look()),
        Some(word) => kind_reference(find(&registry, word)?),
    };
    terminal.print(&text)?;
    Ok(exit::PASSING)
}

/// A line for each kind: the word for it, and what it measures.
fn list(registry: &Registry, look: Look) -> String {
    let rows: Vec<(String, String)> = registry
        .specs()
        .map(|spec| {
            let word = spec.alias.unwrap_or(spec.kind.as_str());
            (word.to_owned(), spec.summary.to_owned())
        })
        .collect();
    columns(&rows, look)
}

fn find<'a>(registry: &'a Registry, word: &str) -> Result<&'a KindSpec, Failure> {
    if let Some(spec) = registry.spec_by_word(word) {
        return Ok(spec);
    }
    let words: Vec<&str> = registry
        .specs()
        .flat_map(|spec| spec.alias.into_iter().chain([spec.kind.as_str()]))
        .collect();
    let hint = nearest(word, &words, |word| word).map_or_else(
        || "`alpacalert kinds` lists them all".to_owned(),
        |near| format!("did you mean `{near}`?"),
    );
    Err(Failure::usage(format!(
        "there is no kind `{}`; {hint}",
        word.escape_debug()
    )))
}
