//! References to secrets in texts, and what they stand for.

use std::collections::HashMap;
use std::fs;
use std::io::Read;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use alpacalert_instrument::{Params, Redactor, Secret, Value, nearest};

use crate::diagnostic::{Diagnostic, Diagnostics};
use crate::form::Form;
use crate::plan::{MemberPlan, MemberTarget, Plan};
use crate::text::{File, Span};

/// The longest secret, in bytes: a key or a token, not a document.
const MAX_SECRET: u64 = 64 * 1024;

/// Texts in which every `${` begins a reference, or is written `$${`. For the JSON Schema.
pub(crate) const PATTERN: &str =
    r"^(?:[^$]|\$\$\{|\$(?!\$?\{)|\$\{env:[A-Za-z_][A-Za-z0-9_]*\}|\$\{file:[^}]+\})*$";

/// Those of them with at least one reference. For the JSON Schema.
pub(crate) const SOME: &str =
    r"^(?:[^$]|\$\$\{|\$(?!\$?\{))*\$\{(?:env:[A-Za-z_][A-Za-z0-9_]*|file:[^}]+)\}";

/// A text taken apart.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Piece<'a> {
    /// As it stands.
    Text(&'a str),
    /// A reference, whole and taken apart.
    Reference { written: &'a str, from: From<'a> },
}

/// Where a secret comes from.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum From<'a> {
    /// A variable of the environment.
    Env(&'a str),
    /// A file.
    File(&'a str),
}

/// A `${` that begins nothing that is known: the words, a hint, and the part of the text.
pub(crate) struct BadReference<'a> {
    pub(crate) message: String,
    pub(crate) help: String,
    pub(crate) part: &'a str,
}

/// Takes a text apart.
pub(crate) fn pieces(text: &str) -> Result<Vec<Piece<'_>>, BadReference<'_>> {
    let mut pieces = Vec::new();
    let mut rest = text;
    while let Some(at) = rest.find("${") {
        if rest[..at].ends_with('$') {
            pieces.push(Piece::Text(&rest[..at - 1]));
            pieces.push(Piece::Text("${"));
            rest = &rest[at + 2..];
            continue;
        }
        pieces.push(Piece::Text(&rest[..at]));
        let begun = &rest[at..];
        let Some(end) = begun.find('}') else {
            return Err(BadReference {
                message: "`${` without its `}`".to_owned(),
                help: "close the reference, or write `$${` for the characters themselves"
                    .to_owned(),
                part: begun,
            });
        };
        let written = &begun[..=end];
        let from = reference(&written[2..end]).map_err(|(message, help)| BadReference {
            message,
            help,
            part: written,
        })?;
        pieces.push(Piece::Reference { written, from });
        rest = &begun[end + 1..];
    }
    pieces.push(Piece::Text(rest));
    Ok(pieces)
}

fn reference(inside: &str) -> Result<From<'_>, (String, String)> {
    const HELP: &str = "secrets are written `${env:NAME}` or `${file:PATH}`; write `$${` for the characters themselves";
    let (sort, name) = inside.split_once(':').unwrap_or((inside, ""));
    match sort {
        "env" if is_variable(name) => Ok(From::Env(name)),
        "env" => Err((
            "`${env:…}` without the name of a variable".to_owned(),
            "names are letters, digits and `_`: `${env:GRAFANA_TOKEN}`".to_owned(),
        )),
        "file" if !name.is_empty() => Ok(From::File(name)),
        "file" => Err((
            "`${file:…}` without a path".to_owned(),
            "name the file: `${file:/run/secrets/token}`".to_owned(),
        )),
        _ => {
            let near = nearest(sort, &["env", "file"], |word| word);
            let help = match near {
                Some(near) => format!("did you mean `{near}`? {HELP}"),
                None => HELP.to_owned(),
            };
            Err((
                "a reference to a secret that is of no known sort".to_owned(),
                help,
            ))
        }
    }
}

fn is_variable(name: &str) -> bool {
    name.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_')
        && name.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_')
}

/// A text with references, where it is, and what form it must have once they are replaced.
#[derive(Clone, Debug)]
pub(crate) struct SecretUse {
    pub(crate) span: Span,
    pub(crate) template: String,
    pub(crate) form: Form,
}

/// Reads every secret of a plan once and puts it in; or says everything that is wrong.
pub(crate) fn resolve(
    plan: &Plan,
    uses: &[SecretUse],
    base: &Path,
    files: &Arc<Vec<File>>,
    env: &dyn Fn(&str) -> Option<String>,
) -> Result<(Plan, Redactor), Diagnostics> {
    let mut reader = Reader {
        env,
        base,
        read: HashMap::new(),
    };
    let mut found = Vec::new();
    let mut resolved: HashMap<&str, Secret> = HashMap::new();
    for used in uses {
        match reader.text(&used.template) {
            Ok((text, parts)) => {
                if used.form.check(&text).is_err() || text.is_empty() {
                    // Not the parser's words: they may quote the secret.
                    let problem = Diagnostic::error(format!(
                        "with its secrets filled in this is not {}",
                        used.form.describe()
                    ));
                    found.push(problem.at(used.span, "").in_files(files));
                }
                let secret = Secret::unresolved(&used.template).resolved(text, parts);
                resolved.insert(&used.template, secret);
            }
            Err(problems) => found.extend(problems.into_iter().map(|(part, problem)| {
                problem.at(used.span.part(files, &part), "").in_files(files)
            })),
        }
    }
    if !found.is_empty() {
        return Err(Diagnostics::new(found, 0));
    }
    let mut plan = plan.clone();
    if resolved.is_empty() {
        return Ok((plan, Redactor::default()));
    }
    for_each_params(&mut plan, &mut |params| {
        let entries: Vec<_> = params
            .iter()
            .map(|(key, value)| (key.to_owned(), filled(value, &resolved)))
            .collect();
        *params = Params::from(entries);
    });
    let redactor = Redactor::new(resolved.values());
    Ok((plan, redactor))
}

fn filled(value: &Value, resolved: &HashMap<&str, Secret>) -> Value {
    value.map_text(&mut |text| match text {
        Value::Secret(secret) => match resolved.get(secret.template()) {
            Some(secret) => Value::Secret(secret.clone()),
            None => text.clone(),
        },
        other => other.clone(),
    })
}

/// Calls `change` for the parameters of everything in a plan.
fn for_each_params(plan: &mut Plan, change: &mut dyn FnMut(&mut Params)) {
    change(&mut plan.serve);
    plan.access.iter_mut().for_each(&mut *change);
    for source in &mut plan.sources {
        change(&mut source.params);
    }
    let groups = plan.groups.iter_mut().flat_map(|group| &mut group.members);
    let extensions = plan
        .extensions
        .iter_mut()
        .flat_map(|extension| &mut extension.members);
    for MemberPlan { target, .. } in groups.chain(extensions) {
        if let MemberTarget::Request(request) = target {
            change(&mut request.params);
        }
    }
}

/// A text with its references replaced, and what each of them stands for.
type Resolved = (String, Vec<(String, String)>);

struct Reader<'a> {
    env: &'a dyn Fn(&str) -> Option<String>,
    base: &'a Path,
    /// What was read already, by reference: a file that changes meanwhile is the same everywhere.
    read: HashMap<String, Result<String, String>>,
}

impl Reader<'_> {
    /// The text, or each reference that could not be read with the reason.
    fn text(&mut self, template: &str) -> Result<Resolved, Vec<(String, Diagnostic)>> {
        let mut text = String::new();
        let mut parts = Vec::new();
        let mut problems = Vec::new();
        // References were found to be well-formed when the plan was made.
        for piece in pieces(template).unwrap_or_default() {
            match piece {
                Piece::Text(piece) => text.push_str(piece),
                Piece::Reference { written, from } => match self.secret(written, from) {
                    Ok(secret) => {
                        text.push_str(&secret);
                        parts.push((written.to_owned(), secret));
                    }
                    Err(reason) => problems.push((written.to_owned(), Diagnostic::error(reason))),
                },
            }
        }
        if problems.is_empty() {
            Ok((text, parts))
        } else {
            Err(problems)
        }
    }

    fn secret(&mut self, written: &str, from: From<'_>) -> Result<String, String> {
        if let Some(read) = self.read.get(written) {
            return read.clone();
        }
        let read = match from {
            From::Env(name) => match (self.env)(name) {
                Some(value) if value.is_empty() => {
                    Err(format!("the environment variable `{name}` is empty"))
                }
                Some(value) => Ok(value),
                None => Err(format!("the environment variable `{name}` is not set")),
            },
            From::File(path) => file(&self.base.join(path)),
        };
        self.read.insert(written.to_owned(), read.clone());
        read
    }
}

/// The text of a file without the newline at its end.
fn file(path: &PathBuf) -> Result<String, String> {
    let shown = path.display();
    let failed = |error: std::io::Error| format!("cannot read the secret file `{shown}`: {error}");
    // Before it is opened: opening a pipe that nobody writes to would wait for ever.
    if !fs::metadata(path).map_err(failed)?.is_file() {
        return Err(format!("the secret file `{shown}` is not a regular file"));
    }
    let mut bytes = Vec::new();
    fs::File::open(path)
        .and_then(|file| file.take(MAX_SECRET + 1).read_to_end(&mut bytes))
        .map_err(failed)?;
    if bytes.len() as u64 > MAX_SECRET {
        return Err(format!(
            "the secret file `{shown}` is longer than {MAX_SECRET} bytes"
        ));
    }
    let mut text = String::from_utf8(bytes)
        .map_err(|_| format!("the secret file `{shown}` is not UTF-8 text"))?;
    if text.ends_with('\n') {
        text.pop();
        if text.ends_with('\r') {
            text.pop();
        }
    }
    if text.is_empty() {
        return Err(format!("the secret file `{shown}` is empty"));
    }
    Ok(text)
}
