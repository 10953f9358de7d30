//! Files into a plan.

use std::fs;
use std::io::Read;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use alpacalert_instrument::{Redactor, Registry};

use crate::diagnostic::{Diagnostic, Diagnostics};
use crate::plan::Plan;
use crate::secrets::{self, SecretUse};
use crate::text::File;
use crate::{check, yaml};

/// The largest file: a system with a sensor takes about a hundred bytes, so this is some 80,000 of them.
const MAX_FILE: u64 = 8 * 1024 * 1024;

/// The most that all files may hold together.
const MAX_TOTAL: u64 = 8 * MAX_FILE;

/// The most files of a folder.
const MAX_FILES: usize = 1_000;

/// A configuration that is right.
#[derive(Debug)]
pub struct Loaded {
    /// What it asks for, with secrets not yet read: see [`Loaded::resolve`].
    pub plan: Plan,
    /// What likely does not do what was meant.
    pub warnings: Vec<Diagnostic>,
    /// The files that were read.
    pub files: Vec<PathBuf>,
    secrets: Vec<SecretUse>,
    texts: Arc<Vec<File>>,
    base: PathBuf,
}

impl Loaded {
    /// Reads what `${env:…}` and `${file:…}` stand for, and gives the plan with them filled in.
    ///
    /// Files are relative to the folder of the configuration, at most 64 KiB long, and lose one newline at their end. An
    /// empty secret is an error. Every secret that cannot be read is reported, at its place in the file. The plan's
    /// `Debug` still shows references, never what they stand for; the [`Redactor`] hides it in other texts.
    pub fn resolve(
        &self,
        env: &dyn Fn(&str) -> Option<String>,
    ) -> Result<(Plan, Redactor), Diagnostics> {
        secrets::resolve(&self.plan, &self.secrets, &self.base, &self.texts, env)
    }
}

/// Reads a file, or all files of a folder that end in `.yaml` or `.yml`, in the order of their names. Folders inside and
/// names that begin with a dot are passed over. Nothing else is touched.
///
/// The files of a folder are one configuration: names refer to each other across files, and a key that can be said once
/// must be the same wherever it is said.
pub fn load(path: &Path, registry: &Registry) -> Result<Loaded, Diagnostics> {
    let failed = |path: &Path, error: std::io::Error| {
        Diagnostics::from(Diagnostic::error(format!(
            "cannot read the configuration `{}`: {error}",
            path.display()
        )))
    };
    let is_folder = fs::metadata(path)
        .map_err(|error| failed(path, error))?
        .is_dir();
    let (files, base) = if is_folder {
        let files = files_of(path).map_err(|error| failed(path, error))?;
        (files, path.to_owned())
    } else {
        let base = path.parent().map(Path::to_owned).unwrap_or_default();
        (vec![path.to_owned()], base)
    };
    if files.is_empty() {
        return Err(Diagnostics::from(
            Diagnostic::error(format!(
                "the folder `{}` holds no configuration",
                path.display()
            ))
            .help("files of a configuration end in `.yaml` or `.yml`"),
        ));
    }
    if files.len() > MAX_FILES {
        return Err(Diagnostics::from(Diagnostic::error(format!(
            "the folder `{}` holds {} files, and at most {MAX_FILES} are read",
            path.display(),
            files.len()
        ))));
    }
    let mut texts = Vec::new();
    let mut problems = Vec::new();
    let mut total = 0;
    for file in &files {
        match read(file) {
            Ok(text) => {
                total += text.len() as u64;
                if total > MAX_TOTAL {
                    problems.push(Diagnostic::error(format!(
                        "the files of `{}` hold more than {MAX_TOTAL} bytes together",
                        path.display()
                    )));
                    break;
                }
                texts.push(File::new(file.display().to_string(), text));
            }
            Err(problem) => problems.push(problem),
        }
    }
    if !problems.is_empty() {
        return Err(Diagnostics::new(problems, 0));
    }
    plan(texts, files, base, registry)
}

/// Does the same with texts: pairs of a name, shown in messages, and the text. Paths are relative to the folder of the first
/// name, if it has one.
pub fn parse(texts: &[(String, String)], registry: &Registry) -> Result<Loaded, Diagnostics> {
    let files: Vec<PathBuf> = texts.iter().map(|(name, _)| name.into()).collect();
    let base = files
        .first()
        .and_then(|name| name.parent())
        .map(Path::to_owned)
        .unwrap_or_default();
    let total: u64 = texts.iter().map(|(_, text)| text.len() as u64).sum();
    let too_large = texts.iter().find(|(_, text)| text.len() as u64 > MAX_FILE);
    if let Some((name, _)) = too_large {
        return Err(Diagnostics::from(too_long(name)));
    }
    if total > MAX_TOTAL || texts.len() > MAX_FILES {
        return Err(Diagnostics::from(Diagnostic::error(format!(
            "at most {MAX_FILES} texts of {MAX_TOTAL} bytes together are read"
        ))));
    }
    let texts = texts
        .iter()
        .map(|(name, text)| File::new(name.clone(), text.clone()))
        .collect();
    plan(texts, files, base, registry)
}

fn plan(
    texts: Vec<File>,
    files: Vec<PathBuf>,
    base: PathBuf,
    registry: &Registry,
) -> Result<Loaded, Diagnostics> {
    let texts = Arc::new(texts);
    let mut found = Vec::new();
    let trees: Vec<_> = texts
        .iter()
        .enumerate()
        .filter_map(|(index, file)| yaml::read(&file.text, index, &mut found))
        .collect();
    // What the other files say cannot be judged without what this one would have said.
    if !found.is_empty() {
        let found = found.into_iter().map(|d| d.in_files(&texts)).collect();
        return Err(Diagnostics::new(found, 0));
    }
    let checked = check::check(&trees, registry, &texts, &base)?;
    Ok(Loaded {
        plan: checked.plan,
        warnings: checked.warnings,
        files,
        secrets: checked.secrets,
        texts,
        base,
    })
}

fn files_of(folder: &Path) -> std::io::Result<Vec<PathBuf>> {
    let mut files = Vec::new();
    for entry in fs::read_dir(folder)? {
        let path = entry?.path();
        let hidden = path
            .file_name()
            .is_some_and(|name| name.as_encoded_bytes().starts_with(b"."));
        let is_yaml = path
            .extension()
            .is_some_and(|extension| extension == "yaml" || extension == "yml");
        // A link that leads nowhere is not a folder: reading it says what is wrong.
        if is_yaml && !hidden && !path.is_dir() {
            files.push(path);
        }
    }
    files.sort();
    Ok(files)
}

fn read(path: &Path) -> Result<String, Diagnostic> {
    let name = path.display();
    let mut bytes = Vec::new();
    fs::File::open(path)
        .and_then(|file| file.take(MAX_FILE + 1).read_to_end(&mut bytes))
        .map_err(|error| {
            Diagnostic::error(format!("cannot read the configuration `{name}`: {error}"))
        })?;
    if bytes.len() as u64 > MAX_FILE {
        return Err(too_long(&name.to_string()));
    }
    String::from_utf8(bytes).map_err(|error| {
        let good = &error.as_bytes()[..error.utf8_error().valid_up_to()];
        let line = good.iter().filter(|b| **b == b'\n').count() + 1;
        Diagnostic::error(format!(
            "`{name}` is not UTF-8 text: line {line} is the first that is not"
        ))
        .help("save it with the encoding UTF-8")
    })
}

fn too_long(name: &str) -> Diagnostic {
    Diagnostic::error(format!("`{name}` is longer than {MAX_FILE} bytes"))
        .help("spread the configuration over several files of a folder")
}
