//! From trees to a plan, or to everything that is wrong with them.

mod group;
mod item;
mod limits;
mod maintenance;
mod shape;
mod source;
mod structure;
mod text;
mod top;
mod words;

pub(crate) use words::describe;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use alpacalert_instrument::{Registry, nearest};
use alpacalert_model::NodeId;

use crate::diagnostic::{Diagnostic, Diagnostics, Severity};
use crate::plan::Plan;
use crate::secrets::SecretUse;
use crate::text::{File, Span};
use crate::tree::{Key, Node};

/// How many mistakes are kept until they are sorted; those beyond are counted.
const MAX_FOUND: usize = 3 * Diagnostics::MAX;

/// What a set of files says.
pub(crate) struct Checked {
    pub(crate) plan: Plan,
    pub(crate) warnings: Vec<Diagnostic>,
    pub(crate) secrets: Vec<SecretUse>,
}

/// Checks the trees of all files together.
pub(crate) fn check(
    trees: &[Node],
    registry: &Registry,
    files: &Arc<Vec<File>>,
    base: &Path,
) -> Result<Checked, Diagnostics> {
    let mut cx = Cx {
        registry,
        files,
        base: base.to_owned(),
        found: Vec::new(),
        more: 0,
        secrets: Vec::new(),
        in_extension: false,
        sources: BTreeMap::new(),
        groups: BTreeMap::new(),
    };
    let plan = top::plan(&mut cx, trees);
    let finish = |found: Vec<Diagnostic>| -> Vec<Diagnostic> {
        found.into_iter().map(|d| d.in_files(files)).collect()
    };
    let (errors, warnings): (Vec<_>, Vec<_>) = finish(cx.found)
        .into_iter()
        .partition(|d| d.severity() == Severity::Error);
    if errors.is_empty() {
        Ok(Checked {
            plan,
            warnings: Diagnostics::new(warnings, 0).into_vec(),
            secrets: cx.secrets,
        })
    } else {
        Err(Diagnostics::new(errors, cx.more))
    }
}

/// A system or service that a name stands for.
#[derive(Clone, Debug)]
struct Named {
    /// Its place among the groups of the plan.
    index: usize,
    id: NodeId,
    /// Where its name is written.
    span: Span,
}

/// What checking knows and collects.
struct Cx<'a> {
    registry: &'a Registry,
    files: &'a Arc<Vec<File>>,
    /// What relative paths start from.
    base: PathBuf,
    found: Vec<Diagnostic>,
    more: usize,
    secrets: Vec<SecretUse>,
    /// Whether texts may hold placeholders.
    in_extension: bool,
    // Ordered, so that of several names equally near the same one is suggested each time.
    sources: BTreeMap<Arc<str>, Span>,
    groups: BTreeMap<Arc<str>, Named>,
}

impl Cx<'_> {
    /// Whether further mistakes are only counted, so that words for them need not be sought.
    fn is_full(&self) -> bool {
        self.found.len() >= MAX_FOUND
    }

    fn report(&mut self, problem: Diagnostic) {
        if self.is_full() {
            self.more += 1;
        } else {
            self.found.push(problem);
        }
    }

    /// Runs a check whose mistakes may turn out not to count. Gives its result, or its mistakes.
    fn attempt<T>(
        &mut self,
        check: impl FnOnce(&mut Self) -> Option<T>,
    ) -> Result<T, Vec<Diagnostic>> {
        let before = std::mem::take(&mut self.found);
        let (more, secrets) = (self.more, self.secrets.len());
        let result = check(self);
        let found = std::mem::replace(&mut self.found, before);
        match result {
            Some(value) => {
                for problem in found {
                    self.report(problem);
                }
                Ok(value)
            }
            None => {
                self.more = more;
                self.secrets.truncate(secrets);
                Err(found)
            }
        }
    }

    /// A key that is not one of those there are.
    fn unknown_key<'w>(
        &mut self,
        key: &Key,
        owner: &str,
        known: impl IntoIterator<Item = &'w str>,
    ) {
        if self.is_full() {
            self.more += 1;
            return;
        }
        let known: Vec<&str> = known.into_iter().collect();
        let problem = Diagnostic::error(format!(
            "unknown key `{}` in {owner}",
            crate::tree::shorten(&key.text)
        ));
        let problem = match near(&key.text, known.iter().copied()) {
            Some(word) => problem.at(key.span, format!("did you mean `{word}`?")),
            None => problem.at(key.span, "this is not a key here"),
        };
        self.report(problem.help(list("the keys here are", &known)));
    }
}

/// The word spelled most alike. Not looked for where texts are long or words are many: it takes their product.
fn near<'w>(text: &str, words: impl IntoIterator<Item = &'w str>) -> Option<&'w str> {
    const MAX_TEXT: usize = 64;
    const MAX_WORDS: usize = 2_000;
    // Every word of one letter is near every other.
    if text.len() > MAX_TEXT || text.chars().count() < 2 {
        return None;
    }
    let words: Vec<&str> = words
        .into_iter()
        // Those of another length are not near.
        .filter(|word| word.len().abs_diff(text.len()) <= text.len().max(3) / 3)
        .take(MAX_WORDS)
        .collect();
    nearest(text, &words, |word| word).copied()
}

/// `the keys here are a, b, c`, cut where it would fill the screen.
fn list(lead: &str, words: &[&str]) -> String {
    const MAX: usize = 40;
    match words.len() {
        0 => "nothing can be written here".to_owned(),
        n if n > MAX => format!("{lead} {} and {} more", words[..MAX].join(", "), n - MAX),
        _ => format!("{lead} {}", words.join(", ")),
    }
}
