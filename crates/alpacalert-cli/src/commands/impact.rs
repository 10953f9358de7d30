//! `alpacalert impact`: what a node takes down when it fails.

use alpacalert_visualise::{ImpactRecord, impact};
use clap::Args;

use crate::configuration::Place;
use crate::exit::{self, Outcome};
use crate::measuring::{Patience, measure};
use crate::output::{AnswerForm, json, yaml};
use crate::terminal::Terminal;
use crate::{builtin, select};

const EXAMPLES: &str = "\
Examples:
  alpacalert impact queue                 which services change if it fails
  alpacalert impact queue -o json";

/// Say which services change if a node fails, found by evaluating the rules
#[derive(Args, Debug)]
#[command(after_help = EXAMPLES, after_long_help = format!("{EXAMPLES}\n\n{}\n\nThe exit code is 0 whatever the states are.", select::HELP))]
pub(crate) struct Impact {
    /// The node
    #[arg(value_name = "NODE")]
    node: String,
    #[command(flatten)]
    place: Place,
    /// The form of the answer
    #[arg(short, long, value_name = "FORM", default_value = "text")]
    output: AnswerForm,
    #[command(flatten)]
    patience: Patience,
}

pub(crate) fn run(command: &Impact, terminal: &Terminal) -> Outcome {
    let registry = builtin::registry();
    let (plan, redactor) = command.place.resolve(&registry, terminal)?;
    let measurement = measure(&plan, registry, redactor, &command.patience, terminal)?;
    let graph = &measurement.checked.graph;
    let node = select::one(graph, &command.node)?;
    let view = measurement.view();
    let impacts = graph.impact(node.key());
    let record = || ImpactRecord::all(&view, &impacts);
    terminal.print(&match command.output {
        AnswerForm::Text => impact(&view, node, &impacts, terminal.look()),
        AnswerForm::Json => json(&record())?,
        AnswerForm::Yaml => yaml(&record())?,
    })?;
    Ok(exit::PASSING)
}
