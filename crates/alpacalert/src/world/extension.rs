//! What users add to every thing of a kind.

use std::sync::Arc;

use alpacalert_config::{ExtensionPlan, MemberTarget};
use alpacalert_instrument::{
    InstrumentError, Instrumentor, KindSpec, Registry, Request, Scope, Target,
};
use alpacalert_model::{Edge, NodeId};

/// Adds the members of an [`ExtensionPlan`] to each thing of its kind.
pub(crate) struct Extension {
    members: Vec<(Edge, Added)>,
}

enum Added {
    Node(NodeId),
    Thing(Box<Request>, Arc<KindSpec>),
}

impl Extension {
    /// The plan must have been checked: what is not described in the registry is left out here.
    pub(crate) fn new(plan: &ExtensionPlan, registry: &Registry) -> Self {
        let members = plan.members.iter().filter_map(|member| {
            let added = match &member.target {
                MemberTarget::Node(id) => Added::Node(id.clone()),
                MemberTarget::Request(request) => {
                    let spec = registry.spec(&request.kind)?;
                    Added::Thing(request.clone(), spec.clone())
                }
                MemberTarget::Found { .. } => return None,
            };
            Some((member.edge, added))
        });
        Extension {
            members: members.collect(),
        }
    }
}

impl Instrumentor for Extension {
    fn instrument(
        &self,
        target: &Target,
        scope: &mut Scope<'_, '_>,
    ) -> Result<(), InstrumentError> {
        let mut problems = Vec::new();
        for (edge, added) in &self.members {
            match added {
                Added::Node(id) => scope.member(id.clone(), *edge),
                Added::Thing(template, spec) => match filled(template, spec, target) {
                    Ok(request) => scope.require(request, *edge),
                    Err(error) => problems.push(format!(
                        "cannot add `{}` to the thing: {error}",
                        spec.title_of(&template.params)
                    )),
                },
            }
        }
        // Told at the end, so that one wrong placeholder does not take the other additions with it.
        if problems.is_empty() {
            Ok(())
        } else {
            Err(InstrumentError::new(problems.join("; ")))
        }
    }
}

/// The request with the target's fields in place of its placeholders.
fn filled(
    template: &Request,
    spec: &KindSpec,
    target: &Target,
) -> Result<Request, alpacalert_instrument::UnknownField> {
    let params = template.params.substitute(&target.fields)?;
    let mut request = template.clone();
    request.reference = spec.reference_of(&params).into();
    request.params = params;
    Ok(request)
}
