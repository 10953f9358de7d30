//! What was known of a node at each moment, as spans without holes between them. Pure: rows go in, spans come out.

use alpacalert_model::{Reason, State};

use crate::read::Numbers;
use crate::{MAINTENANCE, MONITOR_DOWN, Uptime};

/// A time in which the program ran.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Run {
    pub(crate) began: i64,
    pub(crate) until: i64,
    /// Of the changes that were written in it.
    pub(crate) numbers: Numbers,
}

/// A time in which it saw or kept nothing, although it ran.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Gap {
    pub(crate) from: i64,
    pub(crate) to: i64,
    pub(crate) reason: Reason,
}

/// A state from a moment on, until the next one or the end of the run.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Entered {
    pub(crate) at: i64,
    pub(crate) number: i64,
    pub(crate) state: State,
    /// Why it is Unknown.
    pub(crate) why: Reason,
    pub(crate) maintenance: bool,
}

/// Whether the node was in the graph, from a moment on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Presence {
    pub(crate) at: i64,
    pub(crate) there: bool,
}

/// What is known of a time.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Known {
    /// The node was so, and why if that is Unknown.
    Seen(State, Reason),
    /// Nobody looked.
    Unseen(Reason),
    /// There was no such node.
    Absent,
}

/// A time, and what is known of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Span {
    pub(crate) from: i64,
    pub(crate) to: i64,
    pub(crate) known: Known,
}

/// Everything that is remembered of one node. Each list is in order of time, and reaches back to before the time asked for; runs are in
/// the order in which they were. They overlap where the clock was set back: what was seen later is what counts.
#[derive(Clone, Debug, Default)]
pub(crate) struct Facts {
    pub(crate) runs: Vec<Run>,
    pub(crate) gaps: Vec<Gap>,
    pub(crate) entered: Vec<Entered>,
    pub(crate) presence: Vec<Presence>,
}

impl Facts {
    /// What is known of each moment of a time.
    pub(crate) fn spans(&self, from: i64, to: i64) -> Vec<Span> {
        let mut edges = vec![from, to];
        edges.extend(self.runs.iter().flat_map(|run| [run.began, run.until]));
        edges.extend(self.gaps.iter().flat_map(|gap| [gap.from, gap.to]));
        edges.extend(self.entered.iter().map(|entered| entered.at));
        edges.extend(self.presence.iter().map(|presence| presence.at));
        edges.retain(|at| (from..=to).contains(at));
        edges.sort_unstable();
        edges.dedup();
        let mut spans: Vec<Span> = Vec::new();
        for edge in edges.windows(2) {
            let (from, to) = (edge[0], edge[1]);
            let known = self.at(from);
            match spans.last_mut() {
                Some(last) if last.known == known => last.to = to,
                _ => spans.push(Span { from, to, known }),
            }
        }
        spans
    }

    /// What is known of a moment.
    pub(crate) fn at(&self, at: i64) -> Known {
        let covers = |run: &&Run| run.began <= at && run.until > at;
        let running = self.runs.iter().rev().find(covers);
        let there = self.presence.partition_point(|presence| presence.at <= at);
        let there = there.checked_sub(1).is_some_and(|n| self.presence[n].there);
        let later = self.runs.iter().any(|run| run.began > at);
        let earlier = self.runs.iter().any(|run| run.began <= at);
        if !there
            || running.is_none() && !earlier
            || running.is_none() && !later && self.is_over(at)
        {
            return Known::Absent;
        }
        let Some(run) = running else {
            return Known::Unseen(MONITOR_DOWN);
        };
        let gap = |gap: &&Gap| gap.from <= at && at < gap.to;
        if let Some(gap) = self.gaps.iter().find(gap) {
            return Known::Unseen(gap.reason.clone());
        }
        let entered = self.entered.partition_point(|entered| entered.at <= at);
        let entered = self.entered[..entered].iter().rev();
        let entered = entered
            .take_while(|entered| entered.at >= run.began)
            .find(|entered| run.numbers.contains(entered.number));
        match entered {
            None => Known::Unseen(Reason::NOT_MEASURED),
            Some(entered) if entered.maintenance && entered.state > State::Degraded => {
                Known::Unseen(MAINTENANCE)
            }
            Some(entered) => Known::Seen(entered.state, entered.why.clone()),
        }
    }

    /// Whether a moment is after everything that can be known: it is still to come.
    fn is_over(&self, at: i64) -> bool {
        self.runs.iter().all(|run| run.until <= at)
    }
}

/// The beginning of one of equal parts of a time.
pub(crate) fn edge((from, to): (i64, i64), parts: usize, part: usize) -> i64 {
    match part == parts {
        true => to,
        false => from + ((to - from) as f64 / parts as f64 * part as f64) as i64,
    }
}

/// How each of equal parts of a time was spent, without what came before `kept`.
pub(crate) fn uptime(facts: &Facts, time: (i64, i64), kept: i64, parts: usize) -> Vec<Uptime> {
    let spans = facts.spans(time.0.max(kept), time.1);
    let mut first = 0;
    (0..parts)
        .map(|part| {
            let (from, to) = (edge(time, parts, part), edge(time, parts, part + 1));
            while spans.get(first).is_some_and(|span| span.to <= from) {
                first += 1;
            }
            let mut uptime = Uptime::default();
            for span in spans[first..].iter().take_while(|span| span.from < to) {
                let seconds = (span.to.min(to) - span.from.max(from)).max(0) as f64 / 1000.0;
                match &span.known {
                    Known::Absent => uptime.absent += seconds,
                    Known::Unseen(why) => {
                        uptime.unobserved += seconds;
                        uptime.blame(why, seconds);
                    }
                    Known::Seen(state, why) => {
                        uptime.seconds[state.index()] += seconds;
                        if *state == State::Unknown {
                            uptime.blame(why, seconds);
                        }
                    }
                }
            }
            uptime.order();
            uptime
        })
        .collect()
}

#[cfg(test)]
mod tests;
