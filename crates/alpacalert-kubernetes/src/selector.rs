//! Label selectors: those of objects, and those that people write.

use crate::object::Labels;
use crate::object::workload::{LabelSelector, Requirement};

impl LabelSelector {
    /// Whether the labels match. A selector without requirements matches everything.
    pub(crate) fn matches(&self, labels: &Labels) -> bool {
        self.match_labels
            .iter()
            .all(|(key, value)| labels.get(key) == Some(value))
            && self
                .match_expressions
                .iter()
                .all(|requirement| requirement.matches(labels))
    }

    /// A selector as people write it: `app=cart,tier in (web, api),!canary`.
    pub(crate) fn parse(text: &str) -> Result<LabelSelector, String> {
        let mut selector = LabelSelector::default();
        for part in split(text) {
            let part = part.trim();
            if part.is_empty() {
                return Err(format!("the selector `{text}` has an empty requirement"));
            }
            selector.match_expressions.push(requirement(part).ok_or_else(|| {
                format!(
                    "`{part}` is not a requirement of a selector; write `key=value`, `key!=value`, `key in (a, b)`, `key notin (a, b)`, `key` or `!key`"
                )
            })?);
        }
        Ok(selector)
    }
}

impl Requirement {
    fn matches(&self, labels: &Labels) -> bool {
        let value = labels.get(&self.key);
        let listed =
            || value.is_some_and(|value| self.values.iter().any(|known| &**known == value));
        match &*self.operator {
            "In" => listed(),
            "NotIn" => !listed(),
            "Exists" => value.is_some(),
            "DoesNotExist" => value.is_none(),
            // The API accepts no other; what it does not know cannot match.
            _ => false,
        }
    }
}

/// Splits at commas outside of parentheses.
fn split(text: &str) -> Vec<&str> {
    let (mut parts, mut depth, mut from) = (Vec::new(), 0_usize, 0);
    for (at, c) in text.char_indices() {
        match c {
            '(' => depth += 1,
            ')' => depth = depth.saturating_sub(1),
            ',' if depth == 0 => {
                parts.push(&text[from..at]);
                from = at + 1;
            }
            _ => {}
        }
    }
    parts.push(&text[from..]);
    parts
}

fn requirement(part: &str) -> Option<Requirement> {
    let make = |key: &str, operator: &str, values: Vec<Box<str>>| {
        let key = key.trim();
        let valid =
            !key.is_empty() && !key.contains(|c: char| c.is_whitespace() || "()=!,".contains(c));
        valid.then(|| Requirement {
            key: key.into(),
            operator: operator.into(),
            values,
        })
    };
    if let Some((key, rest)) = part.split_once(" in ").or_else(|| part.split_once(" in(")) {
        return make(key, "In", list(rest)?);
    }
    if let Some((key, rest)) = part
        .split_once(" notin ")
        .or_else(|| part.split_once(" notin("))
    {
        return make(key, "NotIn", list(rest)?);
    }
    if let Some((key, value)) = part.split_once("!=") {
        return make(key, "NotIn", vec![value.trim().into()]);
    }
    if let Some((key, value)) = part.split_once("==").or_else(|| part.split_once('=')) {
        return make(key, "In", vec![value.trim().into()]);
    }
    match part.strip_prefix('!') {
        Some(key) => make(key, "DoesNotExist", Vec::new()),
        None => make(part, "Exists", Vec::new()),
    }
}

fn list(text: &str) -> Option<Vec<Box<str>>> {
    let text = text.trim();
    let inner = text.strip_prefix('(').unwrap_or(text).strip_suffix(')')?;
    Some(inner.split(',').map(|value| value.trim().into()).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn labels(pairs: &[(&str, &str)]) -> Labels {
        pairs
            .iter()
            .map(|(k, v)| ((*k).into(), (*v).into()))
            .collect()
    }

    #[test]
    fn a_written_selector_matches_like_that_of_kubectl() {
        let labels = labels(&[("app", "cart"), ("tier", "web")]);
        for (text, expected) in [
            ("app=cart", true),
            ("app==cart,tier=web", true),
            ("app!=cart", false),
            ("gone!=x", true),
            ("tier in (web, api)", true),
            ("tier notin (web, api)", false),
            ("app", true),
            ("!app", false),
            ("!canary", true),
        ] {
            let selector = LabelSelector::parse(text).expect(text);
            assert_eq!(selector.matches(&labels), expected, "{text}");
        }
    }

    #[test]
    fn a_selector_that_means_nothing_is_refused() {
        for text in ["", "a=b,,c=d", "a in b", "=x", "a b=c"] {
            assert!(LabelSelector::parse(text).is_err(), "{text}");
        }
    }
}
