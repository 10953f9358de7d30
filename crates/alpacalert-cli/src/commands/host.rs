//! `alpacalert host`: judges this machine, without any configuration.

use alpacalert_config::{GroupPlan, MemberPlan, MemberTarget, Plan};
use alpacalert_instrument::{Params, Redactor, Registry, Request};
use alpacalert_model::{Edge, Kind, NodeId, Rule};
use alpacalert_visualise::TreeOptions;
use clap::Args;

use crate::builtin;
use crate::exit::{self, Failure, Outcome};
use crate::measuring::{Measurement, Patience, measure};
use crate::output::Shown;
use crate::terminal::Terminal;

const EXAMPLES: &str = "\
Examples:
  alpacalert host                     what is wrong with this machine, and its main figures
  alpacalert host --all               every value, beside its limits
  alpacalert host --output nagios     as a plugin of Nagios or Icinga";

/// Judge this machine, without any configuration: processors, memory, disks, network, time, units
#[derive(Args, Debug)]
#[command(after_help = EXAMPLES, after_long_help = format!("{EXAMPLES}\n\n{}", exit::HELP))]
pub(crate) struct Host {
    #[command(flatten)]
    shown: Shown,
    #[command(flatten)]
    patience: Patience,
}

/// The kind that stands for this machine.
const HOST: &str = "alpacalert.io/Host";

pub(crate) fn run(command: &Host, terminal: &Terminal) -> Outcome {
    let registry = builtin::registry();
    let (plan, host) = this_machine(&registry)?;
    let measurement = measure(
        &plan,
        registry,
        Redactor::default(),
        &command.patience,
        terminal,
    )?;
    let roots = measurement.checked.graph.key(&host).into_iter().collect();
    let view = Measurement::view_of(&measurement, roots);
    // Somebody who asks about one machine wants to see it, even when all is well.
    let options = TreeOptions {
        unfold: 1,
        members: usize::MAX,
        ..command.shown.tree_options()
    };
    command.shown.print_tree_with(&view, &options, terminal)?;
    Ok(exit::of(view.state()))
}

/// A plan of this machine alone, and its identity.
pub(super) fn this_machine(registry: &Registry) -> Result<(Plan, NodeId), Failure> {
    let kind = Kind::of(HOST);
    let spec = registry
        .spec(&kind)
        .ok_or_else(|| anyhow::anyhow!("this build does not know the kind {HOST}"))?;
    let request = Request::local(kind, spec.reference_of(&Params::new()));
    let host = request.id();
    let mut plan = Plan::new("local");
    plan.groups.push(GroupPlan {
        id: NodeId::new("local", Kind::of("alpacalert.io/System"), "this machine"),
        title: None,
        owner: None,
        service: None,
        rule: Rule::All,
        maintenance: Vec::new(),
        degraded_below: None,
        members: vec![MemberPlan {
            edge: Edge::default(),
            target: MemberTarget::Request(Box::new(request)),
        }],
    });
    Ok((plan, host))
}
