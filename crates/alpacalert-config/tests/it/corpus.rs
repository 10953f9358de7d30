//! Every file of `tests/corpus`: the valid ones make a plan without a warning; each invalid one is one mistake, and the
//! whole message about it is in the file beside it. `UPDATE_CORPUS=1` writes these.

use std::fs;
use std::path::{Path, PathBuf};

use crate::parse;

pub(crate) fn files(folder: &str) -> Vec<(String, String)> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("tests/corpus")
        .join(folder);
    let mut files: Vec<PathBuf> = fs::read_dir(&folder)
        .expect("the corpus is there")
        .map(|entry| entry.expect("the corpus can be listed").path())
        .filter(|path| {
            path.extension()
                .is_some_and(|extension| extension == "yaml")
        })
        .collect();
    files.sort();
    files
        .into_iter()
        .map(|path| {
            let name = path
                .file_stem()
                .expect("files have names")
                .to_string_lossy()
                .into_owned();
            (name, fs::read_to_string(&path).expect("the corpus is text"))
        })
        .collect()
}

#[test]
fn valid_documents_make_a_plan_without_a_warning() {
    let files = files("valid");
    assert!(files.len() >= 10, "the corpus is {} files", files.len());
    for (name, text) in files {
        match parse(&text) {
            Ok(loaded) => assert!(loaded.warnings.is_empty(), "{name}: {:?}", loaded.warnings),
            Err(problems) => panic!("{name}:\n{problems}"),
        }
    }
}

#[test]
fn each_mistake_is_explained_in_the_words_beside_it() {
    let files = files("invalid");
    assert!(files.len() >= 50, "the corpus is {} files", files.len());
    let mut wrong = Vec::new();
    for (name, text) in files {
        let Err(problems) = parse(&text) else {
            wrong.push(format!("{name} was accepted"));
            continue;
        };
        let said = format!("{problems}\n");
        let beside = Path::new(env!("CARGO_MANIFEST_DIR"))
            .join("tests/corpus/invalid")
            .join(format!("{name}.txt"));
        if std::env::var_os("UPDATE_CORPUS").is_some() {
            fs::write(&beside, &said).expect("the corpus can be written");
        }
        let expected = fs::read_to_string(&beside).unwrap_or_default();
        if said != expected {
            wrong.push(format!("{name}: expected\n{expected}\nbut it said\n{said}"));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n\n"));
}
