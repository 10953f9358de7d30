//! `alpacalert validate`: checks a configuration without touching anything.

use alpacalert::Settings;
use alpacalert_config::Plan;
use clap::Args;

use crate::builtin;
use crate::configuration::Place;
use crate::exit::{self, Outcome};
use crate::measuring::build;
use crate::terminal::Terminal;

const EXAMPLES: &str = "\
Examples:
  alpacalert validate
  alpacalert validate -c infra/";

/// Check a configuration without touching anything: no source is opened, no secret is read
#[derive(Args, Debug)]
#[command(after_help = EXAMPLES, after_long_help = format!("{EXAMPLES}\n\n{}", exit::HELP))]
pub(crate) struct Validate {
    #[command(flatten)]
    place: Place,
}

pub(crate) fn run(command: &Validate, terminal: &Terminal) -> Outcome {
    let registry = builtin::registry();
    let loaded = command.place.load(&registry, terminal)?;
    build(&loaded.plan, registry, Settings::default())?;
    terminal.print(&format!("no mistakes found: {}\n", contents(&loaded.plan)))?;
    Ok(exit::PASSING)
}

/// `2 services, 5 systems, 1 source`.
fn contents(plan: &Plan) -> String {
    let services = plan
        .groups
        .iter()
        .filter(|group| group.service.is_some())
        .count();
    let counts = [
        (services, "service", "services"),
        (plan.groups.len() - services, "system", "systems"),
        (plan.sources.len(), "source", "sources"),
        (plan.extensions.len(), "extended kind", "extended kinds"),
    ];
    let words: Vec<String> = counts
        .iter()
        .filter(|(n, ..)| *n > 0)
        .map(|(n, one, many)| format!("{n} {}", if *n == 1 { one } else { many }))
        .collect();
    if words.is_empty() {
        return "it describes nothing yet".to_owned();
    }
    words.join(", ")
}
