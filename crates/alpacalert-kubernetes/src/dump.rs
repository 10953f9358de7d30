//! A cluster from files: `kubectl get -o yaml`, lists, several documents in one file, must-gather folders.

use std::collections::HashMap;
use std::io::Read;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use alpacalert_model::Timestamp;
use serde_json::Value;

use crate::cluster::{Access, Cluster, Origin, Table};
use crate::decode::Decoder;
use crate::kinds;
use crate::object::Object;
use crate::options::Options;

/// The most bytes of one file: a dump of a hundred thousand pods has about a gigabyte.
const MAX_FILE_BYTES: u64 = 4 * 1024 * 1024 * 1024;
/// How deep folders are looked into; a must-gather has about eight levels.
const MAX_DEPTH: usize = 32;
/// The most things without a name that are told of one by one.
const MAX_UNREADABLE: usize = 1000;

/// Objects that were saved, from one file or many.
#[derive(Debug, Default)]
pub struct Dump {
    decoder: Decoder,
    objects: HashMap<Arc<str>, Table>,
    access: HashMap<Arc<str>, Access>,
    unreadable: Vec<String>,
    newest: Option<Timestamp>,
    files: usize,
}

/// Why a dump could not be read at all.
#[derive(Debug, thiserror::Error)]
pub enum DumpError {
    /// A file or a folder.
    #[error("cannot read {path}")]
    Read {
        /// Which one.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// It is larger than what is read.
    #[error("{path} has {bytes} bytes, more than the {MAX_FILE_BYTES} that are read; split it")]
    TooLarge {
        /// Which one.
        path: PathBuf,
        /// Its size.
        bytes: u64,
    },
    /// There is nothing in it.
    #[error(
        "there are no objects in {0}; save some with `kubectl get all,configmaps,pvc,endpointslices,ingresses --all-namespaces -o yaml`"
    )]
    Empty(String),
}

impl Dump {
    /// A dump of a file, a folder, or, for `-`, what is piped in.
    pub fn open(from: &Path) -> Result<Dump, DumpError> {
        let mut dump = Dump::default();
        if from.as_os_str() == "-" {
            let mut text = String::new();
            std::io::stdin()
                .lock()
                .read_to_string(&mut text)
                .map_err(|source| read_error(from, source))?;
            dump.add(&text, "standard input");
        } else {
            dump.add_path(from, 0)?;
        }
        if dump.objects.is_empty() {
            let why = dump
                .unreadable
                .first()
                .map(|text| format!(": {text}"))
                .unwrap_or_default();
            return Err(DumpError::Empty(format!("{}{why}", from.display())));
        }
        Ok(dump)
    }

    /// Adds the objects of a text: JSON, or YAML of any number of documents. What cannot be read is told of in the cluster.
    pub fn add(&mut self, text: &str, name: &str) {
        self.files += 1;
        let text = text.trim_start_matches('\u{feff}');
        if text.trim_start().starts_with(['{', '[']) {
            // One document after another, as tools print them.
            let documents = serde_json::Deserializer::from_str(text).into_iter::<Value>();
            for (read, value) in documents.enumerate() {
                match value {
                    Ok(value) => self.add_value(value, None, name),
                    Err(error) if read == 0 => {
                        return self.unreadable(format!("{name}: it is not JSON: {error}"));
                    }
                    Err(error) => {
                        return self.unreadable(format!("{name}: after {read} documents: {error}"));
                    }
                }
            }
            return;
        }
        for (index, document) in documents(text).enumerate() {
            if document.trim().is_empty() {
                continue;
            }
            match serde_saphyr::from_str_with_options::<Value>(document, yaml_options()) {
                Ok(Value::Null) => {}
                Ok(value) => self.add_value(value, None, name),
                Err(error) => {
                    let error = error.to_string();
                    let line = error.lines().next().unwrap_or_default();
                    self.unreadable(format!(
                        "{name}, document {}: it is not YAML: {line}",
                        index + 1
                    ));
                }
            }
        }
    }

    /// The newest time stamp in the dump: what it knows, it knows as of then.
    pub fn newest(&self) -> Option<Timestamp> {
        self.newest
    }

    /// What the dump knows, as the cluster of a name.
    pub fn cluster(self, name: impl Into<Arc<str>>, options: Options) -> Cluster {
        let mut cluster = Cluster::of(
            name.into(),
            Origin::Dump,
            options,
            self.objects,
            self.access,
        );
        cluster.unreadable = self.unreadable;
        cluster
    }

    fn add_path(&mut self, path: &Path, depth: usize) -> Result<(), DumpError> {
        let meta = std::fs::metadata(path).map_err(|source| read_error(path, source))?;
        if meta.is_dir() {
            if depth >= MAX_DEPTH {
                self.unreadable(format!(
                    "{}: folders are looked into {MAX_DEPTH} levels deep",
                    path.display()
                ));
                return Ok(());
            }
            let entries = std::fs::read_dir(path).map_err(|source| read_error(path, source))?;
            let mut paths = Vec::new();
            for entry in entries {
                paths.push(entry.map_err(|source| read_error(path, source))?.path());
            }
            paths.sort();
            for inner in paths {
                // Links may lead anywhere, or around in circles.
                let is_link = std::fs::symlink_metadata(&inner).is_ok_and(|meta| meta.is_symlink());
                if !is_link && (inner.is_dir() || is_dump_file(&inner)) {
                    self.add_path(&inner, depth + 1)?;
                }
            }
            return Ok(());
        }
        if meta.len() > MAX_FILE_BYTES {
            return Err(DumpError::TooLarge {
                path: path.to_owned(),
                bytes: meta.len(),
            });
        }
        let bytes = std::fs::read(path).map_err(|source| read_error(path, source))?;
        match String::from_utf8(bytes) {
            Ok(text) => self.add(&text, &path.display().to_string()),
            Err(_) => self.unreadable(format!("{}: it is not text", path.display())),
        }
        Ok(())
    }

    fn add_value(&mut self, value: Value, expected: Option<(&str, &str)>, name: &str) {
        let Value::Object(mut fields) = value else {
            if let Value::Array(items) = value {
                for item in items {
                    self.add_value(item, expected, name);
                }
                return;
            }
            return self.unreadable(format!("{name}: neither an object nor a list of objects"));
        };
        let text = |key: &str| {
            fields
                .get(key)
                .and_then(Value::as_str)
                .unwrap_or_default()
                .to_owned()
        };
        let (api_version, kind) = (text("apiVersion"), text("kind"));
        if kind == "List" || kind.ends_with("List") && fields.contains_key("items") {
            let items = fields.remove("items").unwrap_or_default();
            let item_kind = kind.strip_suffix("List").unwrap_or_default().to_owned();
            if !item_kind.is_empty() {
                // The list says of its kind that this is all there is.
                let known = kinds::kind_text(kinds::group_of(&api_version), &item_kind);
                self.access.insert(known.into(), Access::Ok);
            }
            let expected = (!item_kind.is_empty()).then_some((&*api_version, &*item_kind));
            if let Value::Array(items) = items {
                for item in items {
                    self.add_value(item, expected, name);
                }
            }
            return;
        }
        // Events are told and forgotten; they decide nothing.
        if kind == "Event" {
            return;
        }
        let value = Value::Object(fields);
        self.newest = self.newest.max(newest(&value, 0));
        match self.decoder.value(value, expected) {
            Ok(object) => self.insert(object),
            Err(error) => self.unreadable(format!("{name}: {error}")),
        }
    }

    fn insert(&mut self, object: Object) {
        let table = self.objects.entry(object.kind.clone()).or_default();
        table.insert(object.reference.clone(), Arc::new(object));
    }

    fn unreadable(&mut self, text: String) {
        if self.unreadable.len() < MAX_UNREADABLE {
            self.unreadable.push(text);
        }
    }
}

fn read_error(path: &Path, source: std::io::Error) -> DumpError {
    DumpError::Read {
        path: path.to_owned(),
        source,
    }
}

fn is_dump_file(path: &Path) -> bool {
    let extension = path.extension().and_then(|extension| extension.to_str());
    extension.is_some_and(|extension| {
        ["yaml", "yml", "json"]
            .iter()
            .any(|known| extension.eq_ignore_ascii_case(known))
    })
}

/// The documents of a YAML text. A separator is a line that begins with `---` and stands at the margin; inside a block of
/// text it would be indented.
fn documents(text: &str) -> impl Iterator<Item = &str> {
    let mut rest = Some(text);
    std::iter::from_fn(move || {
        let text = rest?;
        let mut from = 0;
        for line in text.split_inclusive('\n') {
            let marker = line.trim_end();
            if from > 0 && (marker == "---" || line.starts_with("--- ") || marker == "...") {
                rest = Some(&text[from + line.len()..]);
                return Some(strip_marker(&text[..from]));
            }
            from += line.len();
        }
        rest = None;
        Some(strip_marker(text))
    })
}

/// The document without a separator before it.
fn strip_marker(document: &str) -> &str {
    match document.strip_prefix("---") {
        Some(rest) if rest.is_empty() || rest.starts_with(['\n', '\r', ' ']) => rest,
        _ => document,
    }
}

fn yaml_options() -> serde_saphyr::Options {
    let mut options = serde_saphyr::Options::default();
    // `kubectl` writes YAML 1.2: `on` and `no` are words.
    options.strict_booleans = true;
    options.with_snippet = false;
    // A dump is as large as its cluster; what stays bounded is what a small text can blow up by aliases.
    if let Some(budget) = &mut options.budget {
        budget.max_events = usize::MAX;
        budget.max_nodes = usize::MAX;
        budget.max_total_scalar_bytes = usize::MAX;
    }
    options
}

/// The newest time stamp of an object that tells of the past: deadlines and ends of certificates do not count.
fn newest(value: &Value, depth: usize) -> Option<Timestamp> {
    const FUTURE: &[&str] = &[
        "notAfter",
        "renewalTime",
        "deletionTimestamp",
        "expirationTimestamp",
        "notBefore",
    ];
    // Object and list nesting is bounded by the parsers; what is deeper than this holds no time stamp of a status.
    if depth > 16 {
        return None;
    }
    match value {
        Value::Object(fields) => {
            fields
                .iter()
                .filter(|(key, _)| !FUTURE.contains(&key.as_str()))
                .filter_map(|(key, value)| match value {
                    // Only the API's own fields: texts of a ConfigMap may hold any date.
                    Value::String(text)
                        if key.ends_with("Timestamp")
                            || key.ends_with("Time")
                            || key.ends_with("At")
                            || key == "time" =>
                    {
                        text.parse().ok()
                    }
                    Value::Object(_) | Value::Array(_) if key != "data" && key != "spec" => {
                        newest(value, depth + 1)
                    }
                    // A Lease tells in its specification when it was renewed.
                    Value::Object(_) if key == "spec" => {
                        let renewed = value.get("renewTime").and_then(Value::as_str);
                        renewed.and_then(|text| text.parse().ok())
                    }
                    _ => None,
                })
                .max()
        }
        Value::Array(items) => items
            .iter()
            .filter_map(|item| newest(item, depth + 1))
            .max(),
        _ => None,
    }
}
