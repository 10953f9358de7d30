//! `alpacalert k8s`: judges a Kubernetes cluster, live or from a dump, without any configuration.

use std::path::PathBuf;

use alpacalert::Progress;
use alpacalert_instrument::Context;
use alpacalert_kubernetes::{
    Cluster, Connection, Dump, Judged, KubernetesSource, Listing, Options, Record, Selection,
    records,
};
use alpacalert_model::{State, Timestamp};
use alpacalert_visualise::{TreeOptions, View, one_line, shown_width};
use anyhow::Context as _;
use clap::Args;
use jiff::tz::TimeZone;

use crate::builtin;
use crate::exit::{self, Failure, Outcome};
use crate::measuring::runtime;
use crate::output::{Output, Shown, json, yaml};
use crate::progress::ProgressLine;
use crate::terminal::Terminal;

const EXAMPLES: &str = "\
Examples:
  alpacalert k8s                              what is wrong with the cluster of the current context
  alpacalert k8s -n shop deploy/cart          one object, and everything it depends on
  alpacalert k8s --only failing --output table
  kubectl get all,cm,pvc,ing,endpointslices -A -o yaml > dump.yaml
  alpacalert k8s --from dump.yaml             a saved cluster, judged as of its newest time stamp
  alpacalert k8s --from must-gather/ --at 2026-11-22T03:00:00Z";

/// Judge a Kubernetes cluster: its workloads, what they depend on, and what depends on them
#[derive(Args, Debug)]
#[command(after_help = EXAMPLES, after_long_help = format!("{EXAMPLES}\n\n{}", exit::HELP))]
pub(crate) struct K8s {
    /// Only these objects: a kind, or a kind and a name, such as `deploy/cart`
    #[arg(value_name = "KIND[/NAME]")]
    targets: Vec<String>,
    /// Only this namespace; may be repeated
    #[arg(short, long = "namespace", value_name = "NAMESPACE")]
    namespaces: Vec<String>,
    /// All namespaces, which is the default
    #[arg(short = 'A', long, conflicts_with = "namespaces")]
    all_namespaces: bool,
    /// Only objects whose labels match, such as `app=cart,tier in (web, api)`
    #[arg(short = 'l', long, value_name = "SELECTOR")]
    selector: Option<String>,
    /// The context of the kubeconfig
    #[arg(long, value_name = "CONTEXT", conflicts_with = "from")]
    context: Option<String>,
    /// The kubeconfig; otherwise that of kubectl
    #[arg(long, value_name = "FILE", conflicts_with = "from")]
    kubeconfig: Option<PathBuf>,
    /// Do not look at this kind, such as Secret; may be repeated
    #[arg(long, value_name = "KIND", conflicts_with = "from")]
    without: Vec<String>,
    /// Judge what is saved in a file or a folder, or, for `-`, piped in
    #[arg(long, value_name = "FILE|DIR|-")]
    from: Option<PathBuf>,
    /// Judge as of this time; a dump otherwise as of its newest time stamp
    #[arg(long, value_name = "TIME", requires = "from")]
    at: Option<Timestamp>,
    /// Judge each object by its own status alone, whatever it refers to
    #[arg(long)]
    own: bool,
    #[command(flatten)]
    shown: Shown,
}

pub(crate) fn run(command: &K8s, terminal: &Terminal) -> Outcome {
    let selection = selection(command)?;
    let options = Options {
        own: command.own,
        ..Options::default()
    };
    let (cluster, at) = match &command.from {
        Some(from) => saved(command, from, options)?,
        None => live(command, options)?,
    };
    let judged = Judged::new(cluster.select(selection), &builtin::registry(), at)
        .map_err(|error| Failure::usage(error.to_string()))?;
    show(command, &judged, terminal)
}

fn selection(command: &K8s) -> Result<Selection, Failure> {
    let mut selection = Selection::default().in_namespaces(command.namespaces.iter().cloned());
    if let Some(selector) = &command.selector {
        selection = selection
            .with_labels(selector)
            .map_err(|error| Failure::usage(error.to_string()))?;
    }
    for target in &command.targets {
        selection = selection.with_target(target);
    }
    Ok(selection)
}

fn saved(
    command: &K8s,
    from: &std::path::Path,
    options: Options,
) -> Result<(Cluster, Timestamp), Failure> {
    let dump = Dump::open(from).map_err(|error| Failure::from(anyhow::Error::from(error)))?;
    let at = command.at.or(dump.newest()).unwrap_or_else(Timestamp::now);
    let name = from.file_stem().map_or_else(
        || "dump".to_owned(),
        |name| name.to_string_lossy().into_owned(),
    );
    let name = if name == "-" { "dump".to_owned() } else { name };
    Ok((dump.cluster(name, options), at))
}

fn live(command: &K8s, options: Options) -> Result<(Cluster, Timestamp), Failure> {
    let name = command
        .context
        .clone()
        .unwrap_or_else(|| "kubernetes".to_owned());
    let connection = Connection {
        kubeconfig: command.kubeconfig.clone(),
        context: command.context.clone(),
        namespaces: command.namespaces.clone(),
        without: command.without.clone(),
        custom: true,
    };
    let source = KubernetesSource::new(name, connection, options);
    let line = ProgressLine::new();
    let show = |listing: &Listing| {
        let kind = listing.waiting_for.as_deref().unwrap_or_default();
        let kind = kind.rsplit('/').next().unwrap_or_default();
        let objects = listing.objects;
        line.show(&Progress {
            done: listing.done,
            total: listing.total,
            waiting_for: Some(format!("{kind} objects; {objects} objects so far")),
        });
    };
    let cx = Context::default();
    let cluster = runtime()?
        .block_on(source.list(&cx, &show))
        .map_err(|error| {
            // Not being able to ask is a failed input: nothing is known about the cluster's health.
            Failure::from(std::io::Error::other(error.chain()))
        })?;
    line.clear();
    Ok((cluster, Timestamp::now()))
}

fn show(command: &K8s, judged: &Judged, terminal: &Terminal) -> Outcome {
    let graph = &judged.graph;
    let view = View {
        graph,
        roots: judged.roots.iter().filter_map(|id| graph.key(id)).collect(),
        instance: judged
            .cluster()
            .map_or_else(String::new, |cluster| cluster.name().to_string()),
        now: judged.at,
        zone: TimeZone::system(),
        began: Some(judged.at),
    };
    let objects = judged
        .cluster()
        .map(|cluster| records(cluster, graph))
        .unwrap_or_default();
    let only = &command.shown.only;
    let wanted: Vec<&Record> = objects
        .iter()
        .filter(|record| {
            only.is_empty() || State::parse(record.state).is_some_and(|state| only.contains(&state))
        })
        .collect();
    match command.shown.output {
        Output::Json => terminal.print(&json(&wanted)?)?,
        Output::Yaml => terminal.print(&yaml(&wanted)?)?,
        Output::Table => terminal.print(&table(&wanted))?,
        _ => {
            let options = TreeOptions {
                unfold: 1,
                alike: 3,
                ..command.shown.tree_options()
            };
            command
                .shown
                .print_tree_with(&view, &options, terminal)
                .context("failed to show the cluster")?;
        }
    }
    Ok(exit::of(view.state()))
}

/// A line for each object, the worst first.
fn table(records: &[&Record]) -> String {
    let mut lines =
        vec![["STATE", "NAMESPACE", "KIND", "NAME", "REASON", "MESSAGE"].map(str::to_owned)];
    for record in records {
        lines.push([
            record.state.to_owned(),
            one_line(record.namespace.as_deref().unwrap_or("-")),
            one_line(&record.kind),
            one_line(&record.name),
            one_line(&record.reason),
            one_line(&record.message),
        ]);
    }
    let mut widths = [0; 6];
    for line in &lines {
        for (width, cell) in widths.iter_mut().zip(line) {
            *width = shown_width(cell).max(*width);
        }
    }
    let mut text = String::new();
    for line in &lines {
        let mut row = String::new();
        for (cell, width) in line.iter().zip(widths) {
            row.push_str(cell);
            row.push_str(&" ".repeat(width - shown_width(cell) + 2));
        }
        text.push_str(row.trim_end());
        text.push('\n');
    }
    text
}
