//! Some services, by name.

use std::sync::Arc;

use alpacalert::config::ScopePlan;

/// Names of services, in which `*` stands for any characters.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct Scope(Arc<[String]>);

impl Scope {
    /// These names and patterns.
    pub fn new(patterns: impl IntoIterator<Item = impl Into<String>>) -> Self {
        Scope(patterns.into_iter().map(Into::into).collect())
    }

    /// Whether a name is among them.
    pub fn holds(&self, name: &str) -> bool {
        self.0.iter().any(|pattern| matches(pattern, name))
    }

    /// What any of two holds.
    fn and(&self, other: &Scope) -> Scope {
        Scope::new(self.0.iter().chain(other.0.iter()).cloned())
    }

    /// Whether nothing is among them.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

/// What somebody may see or report to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Extent {
    Some(Scope),
    Everything,
}

impl Extent {
    pub(super) fn of(plan: &ScopePlan) -> Self {
        match plan {
            ScopePlan::Nothing => Extent::Some(Scope::default()),
            ScopePlan::Services(names) => Extent::Some(Scope::new(names)),
            ScopePlan::Everything => Extent::Everything,
        }
    }

    /// What any of two holds.
    pub(super) fn and(&self, other: &Extent) -> Extent {
        match (self, other) {
            (Extent::Some(one), Extent::Some(other)) => Extent::Some(one.and(other)),
            _ => Extent::Everything,
        }
    }

    pub(super) fn holds(&self, name: &str) -> bool {
        match self {
            Extent::Some(scope) => scope.holds(name),
            Extent::Everything => true,
        }
    }
}

/// Whether a pattern stands for a name as a whole. Takes the product of their lengths at most.
fn matches(pattern: &str, name: &str) -> bool {
    let mut parts = pattern.split('*');
    let Some(first) = parts.next() else {
        return false;
    };
    let Some(mut rest) = name.strip_prefix(first) else {
        return false;
    };
    let Some(last) = parts.next_back() else {
        // Without a star the first part is the whole.
        return rest.is_empty();
    };
    for part in parts {
        let Some(at) = rest.find(part) else {
            return false;
        };
        rest = &rest[at + part.len()..];
    }
    rest.ends_with(last)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_star_stands_for_any_characters() {
        for (pattern, yes, no) in [
            ("shop", "shop", "shops"),
            ("shop-*", "shop-till", "shop"),
            ("*", "", ""),
            ("*-db", "shop-db", "shop-db2"),
            ("a*b*c", "aXbYc", "acb"),
            ("ab*ba", "abba", "aba"),
            ("*b*", "abc", "ac"),
        ] {
            assert!(matches(pattern, yes), "{pattern} {yes}");
            assert!(pattern == "*" || !matches(pattern, no), "{pattern} {no}");
        }
        assert!(!Scope::default().holds(""));
    }
}
