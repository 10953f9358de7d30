//! `alpacalert graph`: what depends on what.

use alpacalert_visualise::{Report, dot, mermaid, outline};
use clap::{Args, ValueEnum};

use crate::configuration::Place;
use crate::exit::{self, Outcome};
use crate::measuring::{Patience, measure, structure};
use crate::output::{json, yaml};
use crate::terminal::Terminal;
use crate::{builtin, select};

const EXAMPLES: &str = "\
Examples:
  alpacalert graph                                       what depends on what, as an outline
  alpacalert graph --output dot | dot -Tsvg > graph.svg
  alpacalert graph --measure --output mermaid website    with the states";

/// Show what depends on what, and how it counts, without measuring anything
#[derive(Args, Debug)]
#[command(after_help = EXAMPLES, after_long_help = format!("{EXAMPLES}\n\n{}\n\nThe exit code is 0 whatever the states are.", select::HELP))]
pub(crate) struct Graph {
    /// Show only these nodes, with everything they depend on
    #[arg(value_name = "NODE")]
    nodes: Vec<String>,
    #[command(flatten)]
    place: Place,
    /// The form of what is shown
    #[arg(short, long, value_name = "FORM", default_value = "outline")]
    output: Form,
    /// Ask sources and measure, and show the states too
    #[arg(long)]
    measure: bool,
    #[command(flatten)]
    patience: Patience,
}

/// The form of what is shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Form {
    /// Indented lines
    Outline,
    /// A picture for Graphviz
    Dot,
    /// A picture for Markdown pages
    Mermaid,
    /// A record for programs
    Json,
    /// The same record in YAML
    Yaml,
}

pub(crate) fn run(command: &Graph, terminal: &Terminal) -> Outcome {
    let registry = builtin::registry();
    let measurement = if command.measure {
        let (plan, redactor) = command.place.resolve(&registry, terminal)?;
        measure(&plan, registry, redactor, &command.patience, terminal)?
    } else {
        let plan = command.place.load(&registry, terminal)?.plan;
        if !plan.sources.is_empty() {
            terminal.note("what sources know is shown with --measure only");
        }
        structure(&plan, registry)?
    };
    let mut view = measurement.view();
    if !command.nodes.is_empty() {
        view.roots.clear();
        for text in &command.nodes {
            view.roots.extend(select::all(view.graph, text)?);
        }
    }
    let states = command.measure;
    terminal.print(&match command.output {
        Form::Outline => outline(&view, states, terminal.look()),
        Form::Dot => dot(&view, states),
        Form::Mermaid => mermaid(&view, states),
        Form::Json => json(&Report::of(&view))?,
        Form::Yaml => yaml(&Report::of(&view))?,
    })?;
    Ok(exit::PASSING)
}
