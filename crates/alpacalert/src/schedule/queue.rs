//! The same bounds for measuring a list of sensors once.

use std::collections::HashMap;
use std::sync::Arc;

use super::job::class_of;
use super::{Capacity, Run, Slots};
use crate::world::Listed;

/// Hands out slots to the sensors of a list, by their index.
pub(crate) struct Queue {
    slots: Slots,
    /// 0 is this instance itself, which is no source.
    sources: HashMap<Arc<str>, u32>,
}

impl Queue {
    pub(crate) fn new(capacity: Capacity) -> Self {
        Queue {
            slots: Slots::new(capacity),
            sources: HashMap::from([("local".into(), 0)]),
        }
    }

    /// Takes the slots of a sensor; `false` when it has to wait.
    pub(crate) fn take(&mut self, index: usize, listed: &Listed) -> bool {
        let run = self.run(index, listed);
        self.slots.take(run)
    }

    /// Frees the slots of a sensor, and tells which ones go next.
    pub(crate) fn release(&mut self, index: usize, listed: &Listed) -> Vec<usize> {
        let run = self.run(index, listed);
        let mut next = Vec::new();
        self.slots.release(run, |run| {
            next.push(run.job as usize);
            true
        });
        next
    }

    fn run(&mut self, index: usize, listed: &Listed) -> Run {
        let number = self.sources.len() as u32;
        let source = self.sources.entry(listed.source.clone());
        Run {
            job: index as u32,
            generation: 0,
            class: class_of(&*listed.measured.sensor),
            source: *source.or_insert(number),
            suspect: false,
        }
    }
}
