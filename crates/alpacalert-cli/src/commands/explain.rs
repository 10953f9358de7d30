//! `alpacalert explain`: why a node is as it is.

use alpacalert_model::ExplainLimits;
use alpacalert_visualise::{ExplanationRecord, explain};
use clap::Args;

use crate::configuration::Place;
use crate::exit::{self, Outcome};
use crate::measuring::{Patience, measure};
use crate::output::{AnswerForm, json, yaml};
use crate::terminal::Terminal;
use crate::{builtin, select};

const EXAMPLES: &str = "\
Examples:
  alpacalert explain website              why it is not well, what would mend it, how much more it can bear
  alpacalert explain 'website/nginx' -o json";

/// Say why a node is as it is: the causes with their evidence, what would mend it, and its margin
#[derive(Args, Debug)]
#[command(after_help = EXAMPLES, after_long_help = format!("{EXAMPLES}\n\n{}\n\n{}", select::HELP, exit::HELP))]
pub(crate) struct Explain {
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

pub(crate) fn run(command: &Explain, terminal: &Terminal) -> Outcome {
    let registry = builtin::registry();
    let (plan, redactor) = command.place.resolve(&registry, terminal)?;
    let measurement = measure(&plan, registry, redactor, &command.patience, terminal)?;
    let graph = &measurement.checked.graph;
    let node = select::one(graph, &command.node)?;
    let view = measurement.view_of(vec![node.key()]);
    let explanation = graph
        .explain(node.key(), &ExplainLimits::default())
        .ok_or_else(|| anyhow::anyhow!("the node went away while it was explained"))?;
    let record = || ExplanationRecord::of(&view, node, &explanation);
    terminal.print(&match command.output {
        AnswerForm::Text => explain(&view, node, &explanation, terminal.look()),
        AnswerForm::Json => json(&record())?,
        AnswerForm::Yaml => yaml(&record())?,
    })?;
    Ok(exit::of(node.state()))
}
