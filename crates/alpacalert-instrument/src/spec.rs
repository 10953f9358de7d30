//! What a kind is, which keys it takes, and what they mean.

use alpacalert_model::Kind;

use crate::{Params, ScheduleOverrides, Shape};

/// A kind as users see it: in the configuration, in `alpacalert kinds`, in the JSON Schema and in the reference.
#[derive(Clone, Debug, PartialEq)]
pub struct KindSpec {
    /// The kind.
    pub kind: Kind,
    /// The short word for it in the configuration: `http` for `alpacalert.io/Http`.
    pub alias: Option<&'static str>,
    /// One line: what it measures.
    pub summary: &'static str,
    /// What it does in full, in Markdown: what makes it Degraded, Failing and Unknown, with the reason codes.
    pub doc: &'static str,
    /// The keys it takes.
    pub fields: Vec<Field>,
    /// What must hold between the keys.
    pub constraints: Vec<Constraint>,
    /// The keys whose values tell one thing of this kind from another, and are shown as its name.
    pub reference: &'static [&'static str],
    /// The key that a bare scalar stands for: `tcp: 127.0.0.1:80`.
    pub shorthand: Option<&'static str>,
    /// An example in YAML: the value of the key.
    pub example: &'static str,
    /// How often and how patiently it is measured unless the configuration says otherwise.
    pub schedule: ScheduleOverrides,
}

impl KindSpec {
    /// A kind without keys.
    pub fn new(kind: Kind, summary: &'static str) -> Self {
        KindSpec {
            kind,
            alias: None,
            summary,
            doc: "",
            fields: Vec::new(),
            constraints: Vec::new(),
            reference: &[],
            shorthand: None,
            example: "",
            schedule: ScheduleOverrides::default(),
        }
    }

    /// The reference of the thing that `params` describe: what its [`KindSpec::reference`] keys say, and, so that two
    /// sensors of one target with different expectations are two nodes, a short digest of the other keys if there are any.
    ///
    /// The digest covers the reference keys too where their values alone do not say which key they are of: when one was
    /// left out before another (`unit: nginx` is not `name: nginx`), or when two of them have spaces.
    pub fn reference_of(&self, params: &Params) -> String {
        let shown: Vec<Option<String>> = self.reference.iter().map(|k| params.shown(k)).collect();
        let name: Vec<&str> = shown.iter().flatten().map(String::as_str).collect();
        let mut reference = name.join(" ");
        let left_out = !shown.is_sorted_by_key(Option::is_none);
        let run_together = name.len() > 1 && name.iter().any(|text| text.contains(' '));
        let known: &[&str] = if left_out || run_together {
            &[]
        } else {
            self.reference
        };
        let rest = params.digest(known);
        if let Some(rest) = rest {
            if reference.is_empty() {
                return format!("{rest:08x}");
            }
            reference.push_str(&format!("~{rest:08x}"));
        } else if reference.is_empty() {
            reference.push_str("default");
        }
        reference
    }

    /// The title of the thing that `params` describe: `http https://example.com`.
    pub fn title_of(&self, params: &Params) -> String {
        let mut words = vec![
            self.alias
                .map_or_else(|| self.kind.name().to_owned(), str::to_owned),
        ];
        for key in self.reference {
            words.extend(params.shown(key));
        }
        words.join(" ")
    }
}

/// A key of a kind or of a record.
#[derive(Clone, Debug, PartialEq)]
pub struct Field {
    /// The key.
    pub name: &'static str,
    /// What values it takes.
    pub shape: Shape,
    /// Whether it must be given.
    pub required: bool,
    /// What holds when it is not given, for the documentation: `10s`, `the system's resolvers`.
    pub default: Option<&'static str>,
    /// What it means: a sentence or two, with units.
    pub doc: &'static str,
}

impl Field {
    /// A key that may be left out.
    pub fn optional(name: &'static str, shape: Shape, doc: &'static str) -> Self {
        Field {
            name,
            shape,
            required: false,
            default: None,
            doc,
        }
    }

    /// A key that must be given.
    pub fn required(name: &'static str, shape: Shape, doc: &'static str) -> Self {
        Field {
            required: true,
            ..Field::optional(name, shape, doc)
        }
    }

    /// What holds when it is not given.
    #[must_use]
    pub fn default(mut self, default: &'static str) -> Self {
        self.default = Some(default);
        self
    }
}

/// What must hold between the keys of a record.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Constraint {
    /// One of these keys, and not two.
    ExactlyOne(&'static [&'static str]),
    /// One of these keys, or none.
    AtMostOne(&'static [&'static str]),
    /// At least one of these keys.
    AtLeastOne(&'static [&'static str]),
    /// The first key makes sense only with the second.
    Requires(&'static str, &'static str),
}

#[cfg(test)]
mod tests;
