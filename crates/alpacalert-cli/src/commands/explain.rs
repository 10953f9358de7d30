//! `alpacalert explain`: why a node is as it is.

use alpacalert_model::{ExplainLimits, State};
use alpacalert_visualise::{ExplanationRecord, explain, one_line, shape};
use clap::Args;
use serde_json::Value;

use crate::configuration::Place;
use crate::exit::{self, Outcome};
use crate::measuring::{Patience, measure};
use crate::output::{AnswerForm, json, yaml};
use crate::remote::{Remote, ask};
use crate::terminal::Terminal;
use crate::{builtin, select};

const EXAMPLES: &str = "\
Examples:
  alpacalert explain website              why it is not well, what would mend it, how much more it can bear
  alpacalert explain 'website/nginx' -o json
  alpacalert explain website --url http://127.0.0.1:8420   what the running instance knows of it, without measuring";

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
    #[command(flatten)]
    remote: Remote,
}

pub(crate) fn run(command: &Explain, terminal: &Terminal) -> Outcome {
    if let Some(url) = &command.remote.url {
        return of_instance(url, command, terminal);
    }
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

/// What a running instance knows.
fn of_instance(url: &str, command: &Explain, terminal: &Terminal) -> Outcome {
    let client = command.remote.token.client(url)?;
    let record = ask(url, client.explain(&command.node))?;
    let state = record["node"]["state"].as_str().and_then(State::parse);
    let state = state.unwrap_or(State::Unknown);
    terminal.print(&match command.output {
        AnswerForm::Text => text(&record, state, terminal),
        AnswerForm::Json => json(&record)?,
        AnswerForm::Yaml => yaml(&record)?,
    })?;
    Ok(exit::of(state))
}

/// The record in words. Which nodes it names is all that is known of them here.
fn text(record: &Value, state: State, terminal: &Terminal) -> String {
    let words = |value: &Value| one_line(value.as_str().unwrap_or_default());
    let lists = |key: &str| record[key].as_array().cloned().unwrap_or_default();
    let each = |list: &Value| -> Vec<String> {
        let nodes = list.as_array().into_iter().flatten();
        nodes.map(words).collect()
    };
    let shape = shape(state, terminal.look().ascii);
    let mut out = format!("{shape} {}\n", words(&record["headline"]));
    for message in record["node"]["messages"].as_array().into_iter().flatten() {
        out.push_str(&format!("  {}\n", words(&message["text"])));
    }
    for cause in lists("causes") {
        out.push_str(&format!("  because of {}\n", each(&cause).join(" → ")));
    }
    if record["causes_cut"] == true {
        out.push_str("  and more\n");
    }
    for set in lists("repair_sets") {
        out.push_str(&format!("  mended by {}\n", each(&set).join(" and ")));
    }
    out
}
