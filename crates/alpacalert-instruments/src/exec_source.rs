//! The source `exec`: a program that prints a blueprint as JSON.

mod read;
mod wire;

use std::sync::Arc;

use alpacalert_instrument::{
    BoxFuture, Builder, Context, InstrumentError, Kind, MissingParam, NodeId, Observation, Params,
    Reason, Registry, Request, Scope, SensorError, Snapshot, Source, SourceProvider, SourceSpec,
    model,
};

use crate::exec::run::{Ended, How, Program};
use read::{Found, Name, Node, Problem};

/// The most that a program may print: ten thousand nodes with their evidence have room.
const KEEP: usize = 8 * 1024 * 1024;

/// Adds the source `exec`.
pub(crate) fn register(registry: &mut Registry) {
    registry.register_source(Provider);
}

struct Provider;

const DOC: &str = "\
Runs a program at each interval. What it prints is a blueprint: the nodes that should be in the graph, with what was seen of each. See the \
reference of the exec protocol.

The program runs as those of the kind `exec` do: in a process group of its own, without a shell, with a small environment, and it is killed whole \
at the time-out. It must exit with 0. When it does not, or when its output is no blueprint, all its nodes become Unknown with the reason; what is \
wrong with one node makes that node Unknown and no other.

| reason | what is Unknown |
|---|---|
| `cannot-start`, `exit-code`, `signal`, `timeout`, `too-much-output` (8 MiB) | every node of the source |
| `bad-blueprint`, `unsupported-version`, `too-many-nodes` (10,000) | every node of the source |
| `bad-node`, `duplicate-node` | that node |
| `missing` | a member that nobody describes |

What is wrong with nodes that have no valid kind and reference is said by a node of the kind `alpacalert.io/ExecSource`.";

impl SourceProvider for Provider {
    fn spec(&self) -> SourceSpec {
        SourceSpec {
            name: "exec",
            summary: "a program that prints sensors and systems as JSON",
            doc: DOC,
            fields: crate::exec::program_fields(),
            constraints: Vec::new(),
            example: "command: [/usr/local/lib/alpacalert/spool.py, /var/spool/reports]",
        }
    }

    fn brings_kinds(&self) -> bool {
        true
    }

    fn source(&self, name: &Arc<str>, params: &Params) -> Result<Arc<dyn Source>, InstrumentError> {
        let program = Program::of(params).ok_or(MissingParam("command"))?;
        let name = name.clone();
        Ok(Arc::new(Blueprints { name, program }))
    }
}

/// A program that prints blueprints.
struct Blueprints {
    name: Arc<str>,
    program: Program,
}

impl Source for Blueprints {
    fn fetch<'a>(&'a self, cx: &'a Context) -> BoxFuture<'a, Result<Snapshot, SensorError>> {
        Box::pin(async {
            let ended = self.program.run(KEEP, cx.timeout, cx.cancel()).await?;
            check_end(&ended, cx)?;
            Ok(Snapshot::new(read::read(&ended.stdout.bytes, cx)?))
        })
    }

    fn assemble(
        &self,
        snapshot: &Snapshot,
        builder: &mut Builder<'_>,
    ) -> Result<(), InstrumentError> {
        let found = snapshot.get::<Found>().ok_or_else(|| {
            InstrumentError::new("cannot assemble the snapshot of another source")
        })?;
        if !found.nameless.is_empty() {
            self.tell(&found.nameless, builder);
        }
        for (name, node) in &found.nodes {
            let request = self.request(name, node);
            builder.object(request, |_, scope| {
                match node {
                    Ok(node) => self.describe(node, scope),
                    Err(problem) => scope.observed(unknown(problem, scope)),
                }
                Ok(())
            })?;
        }
        Ok(())
    }
}

impl Blueprints {
    fn id(&self, name: &Name) -> NodeId {
        NodeId::new(self.name.clone(), name.0.clone(), name.1.as_str())
    }

    fn request(&self, name: &Name, node: &Result<Node, Problem>) -> Request {
        let mut request = Request::from_source(self.name.clone(), name.0.clone(), name.1.as_str());
        if let Ok(node) = node {
            request.fields = node.fields.clone();
        }
        request
    }

    fn describe(&self, node: &Node, scope: &mut Scope<'_, '_>) {
        if let Some(title) = &node.title {
            scope.title(title.as_str());
        }
        if let Some(owner) = &node.owner {
            scope.owner(owner.as_str());
        }
        if let Some(service) = &node.service {
            scope.service(service.clone());
        }
        if node.rule.is_some() || node.degraded_below.is_some() {
            scope.rule(node.rule.unwrap_or_default(), node.degraded_below);
        }
        if let Some(observation) = &node.observation {
            scope.observed(observation.clone());
        }
        for (name, edge) in &node.members {
            scope.member(self.id(name), *edge);
        }
    }

    /// Says what is wrong with nodes that have no name to be shown under.
    fn tell(&self, problems: &[String], builder: &mut Builder<'_>) {
        const MOST_TOLD: usize = 10;
        let id = NodeId::new(
            self.name.clone(),
            Kind::of("alpacalert.io/ExecSource"),
            "blueprint",
        );
        let text = format!(
            "{} nodes of the blueprint of {} have no valid name",
            problems.len(),
            self.program.name()
        );
        let mut observation = Observation::unknown(Reason::fixed("bad-node"), text, builder.now());
        for problem in problems.iter().take(MOST_TOLD) {
            observation = observation.message(model::Severity::Warn, problem.clone());
        }
        let title = format!("blueprint of {}", self.name);
        builder.observed(model::Node::sensor(id, title), observation);
    }
}

fn unknown(problem: &Problem, scope: &Scope<'_, '_>) -> Observation {
    let (reason, text) = problem;
    let text = alpacalert_instrument::sanitize(text).into_owned();
    Observation::unknown(Reason::fixed(reason), text, scope.now())
}

/// Anything but a program that ended well and said it all is an error.
fn check_end(ended: &Ended, cx: &Context) -> Result<(), SensorError> {
    let how = match ended.how {
        How::Exited(0) if ended.stdout.said <= KEEP => return Ok(()),
        How::Exited(0) => How::SaidTooMuch,
        how => how,
    };
    let (reason, mut text) = crate::exec::unusual(how, cx);
    if let Some(line) = ended
        .stderr
        .text()
        .lines()
        .rfind(|line| !line.trim().is_empty())
    {
        // The last line of a traceback says what it is about.
        text.push_str(": ");
        text.push_str(line.trim());
    }
    Err(SensorError::new(Reason::fixed(reason), text))
}
