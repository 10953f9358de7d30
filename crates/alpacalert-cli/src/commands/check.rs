//! `alpacalert check`: measures once what a configuration describes.

use clap::Args;

use crate::configuration::Place;
use crate::exit::{self, Outcome};
use crate::measuring::{Patience, measure};
use crate::output::Shown;
use crate::terminal::Terminal;
use crate::{builtin, select};

const EXAMPLES: &str = "\
Examples:
  alpacalert check                            everything that ./alpacalert.yaml describes
  alpacalert check -c infra/ website          one service, with everything it depends on
  alpacalert check 'website/*' --output table
  alpacalert check --only failing,unknown
  alpacalert check --output nagios --timeout 50s";

/// Measure once what a configuration describes, and show what is wrong, why, and whose it is
#[derive(Args, Debug)]
#[command(after_help = EXAMPLES, after_long_help = format!("{EXAMPLES}\n\n{}\n\n{}", select::HELP, exit::HELP))]
pub(crate) struct Check {
    /// Show only these nodes, with everything they depend on
    #[arg(value_name = "NODE")]
    nodes: Vec<String>,
    #[command(flatten)]
    place: Place,
    #[command(flatten)]
    shown: Shown,
    #[command(flatten)]
    patience: Patience,
}

pub(crate) fn run(command: &Check, terminal: &Terminal) -> Outcome {
    let registry = builtin::registry();
    let (plan, redactor) = command.place.resolve(&registry, terminal)?;
    let measurement = measure(&plan, registry, redactor, &command.patience, terminal)?;
    let view = if command.nodes.is_empty() {
        measurement.view()
    } else {
        let mut roots = Vec::new();
        for text in &command.nodes {
            roots.extend(select::all(&measurement.checked.graph, text)?);
        }
        measurement.view_of(roots)
    };
    command.shown.print(&view, terminal)?;
    Ok(exit::of(view.state()))
}
