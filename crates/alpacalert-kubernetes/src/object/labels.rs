//! Labels and annotations: few per object, on very many objects.

use std::sync::Arc;

use serde::{Deserialize, Deserializer};

/// Labels or annotations, in the order of their keys.
///
/// Cheap to clone: the pods of one workload share theirs.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub(crate) struct Labels(Arc<[(Box<str>, Box<str>)]>);

impl Labels {
    pub(crate) fn get(&self, key: &str) -> Option<&str> {
        let at = self
            .0
            .binary_search_by(|(known, _)| (**known).cmp(key))
            .ok()?;
        Some(&*self.0[at].1)
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    pub(crate) fn iter(&self) -> impl Iterator<Item = (&str, &str)> {
        self.0.iter().map(|(key, value)| (&**key, &**value))
    }

    pub(crate) fn retain(&mut self, mut keep: impl FnMut(&str, &str) -> bool) {
        if self.0.iter().all(|(key, value)| keep(key, value)) {
            return;
        }
        let kept = self.0.iter().filter(|(key, value)| keep(key, value));
        self.0 = kept.cloned().collect();
    }

    /// How many objects have these very ones.
    pub(crate) fn users(&self) -> usize {
        Arc::strong_count(&self.0)
    }
}

impl FromIterator<(Box<str>, Box<str>)> for Labels {
    fn from_iter<T: IntoIterator<Item = (Box<str>, Box<str>)>>(pairs: T) -> Self {
        // Through a map: of a key that is there twice the last value counts, as in any JSON.
        let sorted: std::collections::BTreeMap<_, _> = pairs.into_iter().collect();
        Labels(sorted.into_iter().collect())
    }
}

impl<'de> Deserialize<'de> for Labels {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let pairs = std::collections::BTreeMap::deserialize(deserializer)?;
        Ok(Labels(pairs.into_iter().collect()))
    }
}
