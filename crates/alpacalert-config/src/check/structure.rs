//! Cycles among systems and services.

use super::Cx;
use crate::diagnostic::Diagnostic;
use crate::text::Span;
use crate::tree::{Key, Node};

/// One group names another.
#[derive(Clone, Copy)]
pub(super) struct Step {
    pub(super) from: usize,
    pub(super) to: usize,
    pub(super) span: Span,
}

/// Reports cycles: for each group on one, once.
pub(super) fn check(cx: &mut Cx<'_>, groups: &[(&(Key, Node), bool)], steps: &[Step]) {
    let mut next: Vec<Vec<Step>> = vec![Vec::new(); groups.len()];
    for step in steps {
        next[step.from].push(*step);
    }
    let mut walk = Walk {
        next: &next,
        state: vec![State::New; groups.len()],
        cycles: Vec::new(),
    };
    for start in 0..groups.len() {
        walk.from(start);
    }
    for cycle in walk.cycles {
        let name = |index: usize| &*groups[index].0.0.text;
        let mut path: Vec<&str> = cycle.iter().map(|step| name(step.from)).collect();
        path.extend(cycle.first().map(|step| name(step.from)));
        let mut problem = Diagnostic::error(format!("a cycle: {}", path.join(" → ")));
        for step in &cycle {
            let words = format!("`{}` has `{}` as a member", name(step.from), name(step.to));
            problem = problem.at(step.span, words);
        }
        cx.report(
            problem.help("the state of each would follow from its own: take one of the steps out"),
        );
    }
}

#[derive(Clone, Copy, PartialEq)]
enum State {
    New,
    /// On the path that is being walked.
    Open,
    Done,
}

struct Walk<'a> {
    next: &'a [Vec<Step>],
    state: Vec<State>,
    cycles: Vec<Vec<Step>>,
}

impl Walk<'_> {
    /// Walks depth first with a stack of its own: a chain of names can be longer than the program's stack is deep.
    fn from(&mut self, start: usize) {
        if self.state[start] != State::New {
            return;
        }
        self.state[start] = State::Open;
        // The group that is looked at, and how many of its steps were taken; and the steps that led here.
        let mut stack = vec![(start, 0)];
        let mut path: Vec<Step> = Vec::new();
        while let Some((group, taken)) = stack.last_mut() {
            let Some(step) = self.next[*group].get(*taken).copied() else {
                self.state[*group] = State::Done;
                stack.pop();
                path.pop();
                continue;
            };
            *taken += 1;
            match self.state[step.to] {
                State::Done => {}
                State::New => {
                    self.state[step.to] = State::Open;
                    path.push(step);
                    stack.push((step.to, 0));
                }
                State::Open => {
                    let first = path
                        .iter()
                        .position(|s| s.from == step.to)
                        .unwrap_or(path.len());
                    let mut cycle = path[first..].to_vec();
                    cycle.push(step);
                    self.cycles.push(cycle);
                }
            }
        }
    }
}
