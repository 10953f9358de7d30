//! Files, folders and secrets.

use std::fs;
use std::path::Path;

use alpacalert_config::{MemberTarget, load};
use alpacalert_instrument::Redactor;

use crate::kinds::registry;
use crate::parse;

fn write(folder: &Path, files: &[(&str, &str)]) {
    for (name, text) in files {
        fs::write(folder.join(name), text).expect("files can be written");
    }
}

/// What is said about a folder, with its name taken out.
fn problems(folder: &Path) -> String {
    let problems = load(folder, &registry()).expect_err("there are mistakes");
    problems
        .to_string()
        .replace(&folder.display().to_string(), "FOLDER")
}

#[test]
fn the_files_of_a_folder_are_one_configuration() {
    let folder = tempfile::tempdir().expect("a folder");
    fs::create_dir(folder.path().join("inside.yaml")).expect("a folder");
    write(
        folder.path(),
        &[
            ("b.yml", "systems: { b: { tcp: 'b:1' } }\ninstance: here"),
            (
                "a.yaml",
                "services: { a: { requires: [b] } }\ninstance: here\ndefaults: { interval: 1m }",
            ),
            ("c.yaml", "# all commented out\n"),
            (".hidden.yaml", "nonsense"),
            ("README.md", "nonsense"),
        ],
    );
    let loaded = load(folder.path(), &registry()).unwrap_or_else(|problems| panic!("{problems}"));
    assert_eq!(loaded.plan.groups.len(), 2);
    assert_eq!(&*loaded.plan.instance, "here");
    let names: Vec<_> = loaded
        .files
        .iter()
        .map(|path| {
            path.file_name()
                .expect("files have names")
                .to_string_lossy()
                .into_owned()
        })
        .collect();
    assert_eq!(names, ["a.yaml", "b.yml", "c.yaml"]);
}

#[test]
fn mistakes_across_files_show_both_places() {
    let folder = tempfile::tempdir().expect("a folder");
    write(
        folder.path(),
        &[
            (
                "a.yaml",
                "instance: a\ndefaults: { interval: 1m }\nsystems:\n  x: { all: [y] }\n  twice: { mark: }\n",
            ),
            (
                "b.yaml",
                "instance: b\ndefaults: { interval: 2m }\nsystems:\n  y: { all: [x] }\nservices:\n  twice: { mark: }\n",
            ),
        ],
    );
    insta::assert_snapshot!(problems(folder.path()));
}

#[test]
fn what_cannot_be_read_is_said() {
    let folder = tempfile::tempdir().expect("a folder");
    assert!(
        problems(folder.path()).starts_with("error: the folder `FOLDER` holds no configuration")
    );
    assert_eq!(
        problems(&folder.path().join("none.yaml")),
        "error: cannot read the configuration `FOLDER`: No such file or directory (os error 2)"
    );
    let file = folder.path().join("bad.yaml");
    fs::write(&file, b"a: 1\nb: \xff\n").expect("files can be written");
    assert!(problems(folder.path()).starts_with(
        "error: `FOLDER/bad.yaml` is not UTF-8 text: line 2 is the first that is not"
    ));
    fs::write(&file, vec![b'#'; 8 * 1024 * 1024 + 1]).expect("files can be written");
    assert!(
        problems(folder.path())
            .starts_with("error: `FOLDER/bad.yaml` is longer than 8388608 bytes")
    );
}

#[test]
fn texts_that_are_too_many_or_too_long_are_refused() {
    let long = "#".repeat(8 * 1024 * 1024 + 1);
    let problems = parse(&long).expect_err("too long").to_string();
    assert!(problems.contains("longer than 8388608 bytes"), "{problems}");
    let texts: Vec<_> = (0..1_001)
        .map(|n| (format!("{n}.yaml"), String::new()))
        .collect();
    let problems = alpacalert_config::parse(&texts, &registry())
        .expect_err("too many")
        .to_string();
    assert!(problems.contains("at most 1000 texts"), "{problems}");
}

const SECRETS: &str = "sources:
  api: { api: { url: 'https://${env:HOST}/api', token: '${file:token}' } }
systems:
  a:
    all:
      - http: { url: 'http://a', headers: { authorization: 'Bearer ${env:TOKEN} $${kept}' } }
extend:
  http:
    - query: { source: api, query: '${env:TOKEN}' }
";

#[test]
fn secrets_are_read_when_asked_for_and_never_shown() {
    let folder = tempfile::tempdir().expect("a folder");
    write(
        folder.path(),
        &[("a.yaml", SECRETS), ("token", "token-of-the-file\r\n")],
    );
    let loaded = load(folder.path(), &registry()).unwrap_or_else(|problems| panic!("{problems}"));
    let env = |name: &str| match name {
        "HOST" => Some("secret-host.example".to_owned()),
        "TOKEN" => Some("hunter2-hunter2".to_owned()),
        _ => None,
    };
    let (plan, redactor): (_, Redactor) = loaded
        .resolve(&env)
        .unwrap_or_else(|problems| panic!("{problems}"));
    let source = &plan.sources[0].params;
    assert_eq!(source.text("url"), Some("https://secret-host.example/api"));
    assert_eq!(source.text("token"), Some("token-of-the-file"));
    let MemberTarget::Request(request) = &plan.groups[0].members[0].target else {
        panic!("a kind is a request");
    };
    let headers = request.params.record("headers").expect("headers are there");
    assert_eq!(
        headers.text("authorization"),
        Some("Bearer hunter2-hunter2 ${kept}")
    );

    for shown in [
        format!("{plan:?}"),
        format!("{plan:#?}"),
        format!("{loaded:?}"),
    ] {
        for secret in ["secret-host", "token-of-the-file", "hunter2"] {
            assert!(!shown.contains(secret), "{secret} in {shown}");
        }
    }
    assert!(format!("{plan:?}").contains("${env:TOKEN}"));
    assert_eq!(
        redactor.scrub("denied: Bearer hunter2-hunter2, token-of-the-file"),
        "denied: Bearer ${env:TOKEN}, ${file:token}"
    );
}

#[test]
fn every_secret_that_cannot_be_read_is_said_at_its_place() {
    let folder = tempfile::tempdir().expect("a folder");
    fs::create_dir(folder.path().join("folder")).expect("a folder");
    write(
        folder.path(),
        &[
            (
                "a.yaml",
                "systems:
  a:
    all:
      - http: { url: '${env:URL}', headers: { a: 'x ${env:NONE} y ${file:none}', b: '${env:EMPTY}' } }
      - every: { text: '${file:folder}', path: '${file:long}', regex: '${file:bytes}', address: '${env:URL}' }
      - every: { text: '${file:empty}', many: ['${env:NONE}'] }
",
            ),
            ("empty", "\n"),
        ],
    );
    fs::write(folder.path().join("long"), vec![b'x'; 65_537]).expect("files can be written");
    fs::write(folder.path().join("bytes"), b"\xff\xfe").expect("files can be written");
    let loaded = load(folder.path(), &registry()).unwrap_or_else(|problems| panic!("{problems}"));
    let env = |name: &str| match name {
        "URL" => Some("hunter2 is no url".to_owned()),
        "EMPTY" => Some(String::new()),
        _ => None,
    };
    let problems = loaded
        .resolve(&env)
        .expect_err("nothing can be read")
        .to_string();
    assert!(!problems.contains("hunter2"), "{problems}");
    insta::assert_snapshot!(problems.replace(&folder.path().display().to_string(), "FOLDER"));
}

#[test]
fn paths_start_from_the_folder_of_the_configuration() {
    let folder = tempfile::tempdir().expect("a folder");
    write(
        folder.path(),
        &[(
            "a.yaml",
            "systems: { a: { all: [{ every: { path: data/x } }, { every: { path: /abs } }, { every: { path: 'a/${env:X}' } }] } }",
        )],
    );
    let loaded = load(&folder.path().join("a.yaml"), &registry()).unwrap_or_else(|p| panic!("{p}"));
    let (plan, _) = loaded
        .resolve(&|_| Some("value".to_owned()))
        .unwrap_or_else(|p| panic!("{p}"));
    let paths: Vec<String> = plan.groups[0]
        .members
        .iter()
        .map(|member| match &member.target {
            MemberTarget::Request(request) => {
                request.params.text("path").unwrap_or_default().to_owned()
            }
            other => panic!("{other:?}"),
        })
        .collect();
    let under = |name: &str| folder.path().join(name).display().to_string();
    assert_eq!(
        paths,
        [under("data/x"), "/abs".to_owned(), under("a/value")]
    );
}

#[test]
fn a_mistake_tells_others_no_secret_of_its_lines() {
    const SECRET: &str = "hunter2";
    for text in [
        "systems:\n  a: { http: { url: http://a, bearr: hunter2 } }\n",
        "systems:\n  a: { http: { url: http://a, headers: { Cookie: hunter2 }, nothing: x } } # hunter2\n",
        "systems:\n  a: { http: { url: 'http://u:hunter2@a', status: no } }\n",
        "systems:\n  a: { every: { token: [hunter2], int: hunter2 } }\n",
        "access:\n  tokens: { t: { hash: hunter2, read: everything } }\n",
        "access:\n  users: { anna: { password: hunter2, read: everything } }\n",
        "sources:\n  s: { api: { token: hunter2, token: hunter2 } }\n",
        "sources:\n  s: { password: hunter2, api: {} }\n",
        "secret: hunter2\nownr: hunter2\n",
        "owner: { password: hunter2\n",
        "owner: \"a\"hunter2\n",
    ] {
        let problems = parse(text).expect_err("it is wrong");
        let mine = problems.render(false);
        let others = problems.render_for_others(false);
        assert!(mine.contains(SECRET), "whoever writes it sees it: {mine}");
        assert!(!others.contains(SECRET), "{text}: {others}");
        assert!(
            others.contains("alpacalert.yaml:"),
            "and where it is: {others}"
        );
        let heads = |text: &str| {
            text.lines()
                .filter(|line| line.starts_with("error"))
                .count()
        };
        assert_eq!(heads(&mine), heads(&others));
    }
}

#[test]
fn what_is_no_secret_is_told_to_others_as_it_is() {
    let text = "services:\n  shop: { requires: [ queue ] }\nsystems:\n  other: { http: { url: http://a, statsu: 200 } }\n";
    let problems = parse(text).expect_err("it is wrong");
    assert_eq!(problems.render(false), problems.render_for_others(false));
}
