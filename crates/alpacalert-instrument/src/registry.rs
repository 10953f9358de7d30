//! Which instrumentors have something to say about which kind.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;

use alpacalert_model::Kind;

use crate::{KindSpec, MissingParam, Scope, SourceProvider, Target};

/// Turns a target of a kind into scanners.
///
/// Pure: looks at the target and at the snapshot of its source, and says through the scope what the target's node
/// consists of. Called again whenever the snapshot changes; the result is applied as a difference.
pub trait Instrumentor: Send + Sync + 'static {
    /// Contributes to the target's node. An error becomes an Unknown member of the node, with the reason; what other
    /// instrumentors contribute stays.
    fn instrument(&self, target: &Target, scope: &mut Scope<'_, '_>)
    -> Result<(), InstrumentError>;
}

impl<F> Instrumentor for F
where
    F: Fn(&Target, &mut Scope<'_, '_>) -> Result<(), InstrumentError> + Send + Sync + 'static,
{
    fn instrument(
        &self,
        target: &Target,
        scope: &mut Scope<'_, '_>,
    ) -> Result<(), InstrumentError> {
        self(target, scope)
    }
}

/// Why a thing could not be instrumented.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum InstrumentError {
    /// Nobody is registered for the kind.
    NoProvider {
        /// The kind asked for.
        kind: Kind,
        /// The registered kind that is spelled most alike.
        nearest: Option<Kind>,
    },
    /// Things require each other more than [`Builder::MAX_DEPTH`](crate::Builder::MAX_DEPTH) levels deep.
    TooDeep {
        /// The kind at which it ended.
        kind: Kind,
    },
    /// The instrumentor's own words: lower case, naming what it was doing and to what.
    Other(String),
}

impl InstrumentError {
    /// An error in the instrumentor's own words.
    pub fn new(text: impl Into<String>) -> Self {
        InstrumentError::Other(text.into())
    }
}

impl From<MissingParam> for InstrumentError {
    fn from(error: MissingParam) -> Self {
        InstrumentError::Other(error.to_string())
    }
}

impl fmt::Display for InstrumentError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            InstrumentError::NoProvider { kind, nearest } => {
                write!(f, "nobody provides the kind `{kind}`")?;
                if let Some(nearest) = nearest {
                    write!(f, "; did you mean `{nearest}`?")?;
                }
                Ok(())
            }
            InstrumentError::TooDeep { kind } => write!(
                f,
                "things require each other more than {} levels deep, at the kind `{kind}`",
                crate::Builder::MAX_DEPTH
            ),
            InstrumentError::Other(text) => f.write_str(text),
        }
    }
}

impl std::error::Error for InstrumentError {}

/// What is registered for one kind.
#[derive(Default, Clone)]
struct Entry {
    spec: Option<Arc<KindSpec>>,
    instrumentors: Vec<Arc<dyn Instrumentor>>,
}

/// Maps each kind to everybody who has something to say about it, and each sort of source to who makes it.
#[derive(Default, Clone)]
pub struct Registry {
    kinds: BTreeMap<Kind, Entry>,
    sources: BTreeMap<&'static str, Arc<dyn SourceProvider>>,
}

impl fmt::Debug for Registry {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Registry")
            .field("kinds", &self.kinds.keys().collect::<Vec<_>>())
            .field("sources", &self.sources.keys().collect::<Vec<_>>())
            .finish()
    }
}

impl Registry {
    /// A registry without kinds.
    pub fn new() -> Self {
        Registry::default()
    }

    /// Adds an instrumentor for a kind. Those registered before stay: all of them contribute to a node of that kind.
    pub fn register(&mut self, kind: Kind, instrumentor: impl Instrumentor) {
        let entry = self.kinds.entry(kind).or_default();
        entry.instrumentors.push(Arc::new(instrumentor));
    }

    /// Adds a kind that users can write in a configuration, with its first instrumentor. Of several descriptions of one
    /// kind the first counts.
    pub fn register_kind(&mut self, spec: KindSpec, instrumentor: impl Instrumentor) {
        let kind = spec.kind.clone();
        let entry = self.kinds.entry(kind.clone()).or_default();
        entry.spec.get_or_insert_with(|| Arc::new(spec));
        self.register(kind, instrumentor);
    }

    /// Adds a sort of source. A later one of the same name replaces an earlier one.
    pub fn register_source(&mut self, provider: impl SourceProvider) {
        let provider: Arc<dyn SourceProvider> = Arc::new(provider);
        self.sources.insert(provider.spec().name, provider);
    }

    /// Adds everything that another registry holds.
    pub fn extend(&mut self, other: Registry) {
        for (kind, entry) in other.kinds {
            let mine = self.kinds.entry(kind).or_default();
            mine.instrumentors.extend(entry.instrumentors);
            if mine.spec.is_none() {
                mine.spec = entry.spec;
            }
        }
        self.sources.extend(other.sources);
    }

    /// Everybody who contributes to things of a kind, or an error that names the nearest kind there is.
    pub fn instrumentors(&self, kind: &Kind) -> Result<&[Arc<dyn Instrumentor>], InstrumentError> {
        match self.kinds.get(kind) {
            Some(entry) if !entry.instrumentors.is_empty() => Ok(&entry.instrumentors),
            _ => Err(InstrumentError::NoProvider {
                kind: kind.clone(),
                nearest: self.nearest(kind.as_str()).cloned(),
            }),
        }
    }

    /// The registered kinds, in order.
    pub fn kinds(&self) -> impl Iterator<Item = &Kind> {
        self.kinds.keys()
    }

    /// The kinds that users can write in a configuration, with their descriptions, in order.
    pub fn specs(&self) -> impl Iterator<Item = &Arc<KindSpec>> {
        self.kinds.values().filter_map(|entry| entry.spec.as_ref())
    }

    /// The description of a kind.
    pub fn spec(&self, kind: &Kind) -> Option<&Arc<KindSpec>> {
        self.kinds.get(kind)?.spec.as_ref()
    }

    /// The description that a word of the configuration stands for: a kind's short word or its whole text.
    pub fn spec_by_word(&self, word: &str) -> Option<&Arc<KindSpec>> {
        self.specs()
            .find(|spec| spec.alias == Some(word) || spec.kind.as_str() == word)
    }

    /// Who makes sources of a sort.
    pub fn source(&self, name: &str) -> Option<&Arc<dyn SourceProvider>> {
        self.sources.get(name)
    }

    /// The sorts of source, in order.
    pub fn sources(&self) -> impl Iterator<Item = &Arc<dyn SourceProvider>> {
        self.sources.values()
    }

    /// The registered kind that is spelled most like `text`, if one is near. Within a namespace that exists the names are
    /// compared alone: all kinds of a long namespace are spelled much alike.
    pub fn nearest(&self, text: &str) -> Option<&Kind> {
        let name = |kind: &'_ Kind| kind.namespace().len() + 1;
        if let Some((namespace, rest)) = text.split_once('/') {
            let of_it = |kind: &&Kind| kind.namespace().eq_ignore_ascii_case(namespace);
            if self.kinds.keys().any(|kind| of_it(&kind)) {
                let kinds = self.kinds.keys().filter(of_it);
                return nearest(rest, kinds, |kind| &kind.as_str()[name(kind)..]);
            }
        }
        nearest(text, self.kinds.keys(), |kind| kind.as_str())
    }
}

/// The candidate that is spelled most like `text`: at most a third of its characters need to change, in any case.
pub fn nearest<'a, T>(
    text: &str,
    candidates: impl IntoIterator<Item = &'a T>,
    word: impl Fn(&'a T) -> &'a str,
) -> Option<&'a T> {
    let wanted = text.to_lowercase();
    let length = wanted.chars().count();
    let allowed = length.max(3) / 3;
    candidates
        .into_iter()
        // A cheap test first: somebody's word may be a whole file.
        .filter(|candidate| length.abs_diff(word(candidate).chars().count()) <= allowed)
        .map(|candidate| {
            (
                distance(&wanted, &word(candidate).to_lowercase()),
                candidate,
            )
        })
        .filter(|(distance, _)| *distance <= allowed)
        .min_by_key(|(distance, _)| *distance)
        .map(|(_, candidate)| candidate)
}

/// How many characters to insert, remove, replace or swap with their neighbour (optimal string alignment).
fn distance(a: &str, b: &str) -> usize {
    let (a, b): (Vec<char>, Vec<char>) = (a.chars().collect(), b.chars().collect());
    let width = b.len() + 1;
    let mut rows = vec![0; (a.len() + 1) * width];
    for i in 0..=a.len() {
        for j in 0..=b.len() {
            rows[i * width + j] = if i == 0 || j == 0 {
                i + j
            } else {
                let change = usize::from(a[i - 1] != b[j - 1]);
                let mut best = (rows[(i - 1) * width + j] + 1)
                    .min(rows[i * width + j - 1] + 1)
                    .min(rows[(i - 1) * width + j - 1] + change);
                if i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1] {
                    best = best.min(rows[(i - 2) * width + j - 2] + 1);
                }
                best
            };
        }
    }
    rows[a.len() * width + b.len()]
}

#[cfg(test)]
mod tests;
