//! What is shown of a graph, and in which form.

use alpacalert_model::State;
use alpacalert_visualise::{
    Report, TreeOptions, View, dot, junit, mermaid, nagios, table, to_yaml, tree,
};
use anyhow::Context as _;
use clap::{Args, ValueEnum};
use serde::Serialize;

use crate::terminal::Terminal;

/// What is shown, and in which form.
#[derive(Args, Debug)]
pub(crate) struct Shown {
    /// The form of what is shown
    #[arg(short, long, value_name = "FORM", default_value = "tree")]
    pub(crate) output: Output,
    /// Unfold everything, what is passing too
    #[arg(short, long)]
    pub(crate) all: bool,
    /// Unfold at most this many levels
    #[arg(long, value_name = "N")]
    pub(crate) depth: Option<usize>,
    /// Show only what is in this state, and what leads to it; may be repeated, or separated by commas
    #[arg(long, value_name = "STATE", value_delimiter = ',', value_parser = state)]
    pub(crate) only: Vec<State>,
}

/// The form of what is shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Output {
    /// A tree for people: what is not passing is unfolded, the cause first
    Tree,
    /// A line for each service and each sensor
    Table,
    /// A record for programs
    Json,
    /// The same record in YAML
    Yaml,
    /// A picture for Graphviz
    Dot,
    /// A picture for Markdown pages
    Mermaid,
    /// One line as Nagios plugins print it
    Nagios,
    /// JUnit XML for continuous integration
    Junit,
}

fn state(word: &str) -> Result<State, String> {
    State::parse(word).ok_or_else(|| {
        let words: Vec<_> = State::ALL.iter().map(|state| state.as_str()).collect();
        format!("the states are {}", words.join(", "))
    })
}

impl Shown {
    /// The options of the tree.
    pub(crate) fn tree_options(&self) -> TreeOptions {
        TreeOptions {
            all: self.all,
            depth: self.depth,
            only: self.only.clone(),
            ..TreeOptions::default()
        }
    }

    /// Writes a view to standard output.
    pub(crate) fn print(&self, view: &View<'_>, terminal: &Terminal) -> anyhow::Result<()> {
        self.print_tree_with(view, &self.tree_options(), terminal)
    }

    /// Writes a view to standard output; a tree with these options.
    pub(crate) fn print_tree_with(
        &self,
        view: &View<'_>,
        options: &TreeOptions,
        terminal: &Terminal,
    ) -> anyhow::Result<()> {
        let text = match self.output {
            Output::Tree => tree(view, options, terminal.look()),
            Output::Table => table(view, &self.only, terminal.look()),
            Output::Json => json(&Report::of(view))?,
            Output::Yaml => yaml(&Report::of(view))?,
            Output::Dot => dot(view, true),
            Output::Mermaid => mermaid(view, true),
            Output::Nagios => nagios(view),
            Output::Junit => junit(view),
        };
        terminal.print(&text)
    }
}

/// The form of an answer to a question about one node.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum AnswerForm {
    /// For people
    Text,
    /// A record for programs
    Json,
    /// The same record in YAML
    Yaml,
}

/// A record as JSON, for people to look at too.
pub(crate) fn json(record: &impl Serialize) -> anyhow::Result<String> {
    let mut text = serde_json::to_string_pretty(record).context("failed to write JSON")?;
    text.push('\n');
    Ok(text)
}

/// A record as YAML.
pub(crate) fn yaml(record: &impl Serialize) -> anyhow::Result<String> {
    to_yaml(record).context("failed to write YAML")
}
