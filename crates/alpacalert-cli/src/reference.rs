//! The reference under `docs/reference/` is what the program says about itself. `UPDATE_REFERENCE=1 cargo test -p
//! alpacalert-cli` writes it anew.

use std::fs;
use std::path::Path;

use clap::CommandFactory as _;

use crate::builtin;
use crate::cli::Cli;

const FOLDER: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/reference");

/// Holds a page against what the program says.
fn page(name: &str, text: &str) {
    let file = Path::new(FOLDER).join(name);
    if std::env::var_os("UPDATE_REFERENCE").is_some() {
        fs::create_dir_all(FOLDER).expect("the folder can be made");
        fs::write(&file, text).expect("the page can be written");
        return;
    }
    let written = fs::read_to_string(&file).unwrap_or_default();
    assert!(
        written == text,
        "docs/reference/{name} is out of date; write it anew with: UPDATE_REFERENCE=1 cargo test -p alpacalert-cli"
    );
}

#[test]
fn commands_are_documented() {
    page("commands.md", &commands());
}

#[test]
fn keys_of_the_configuration_are_documented() {
    page(
        "configuration.md",
        &alpacalert_config::reference(&builtin::registry()),
    );
}

#[test]
fn kinds_are_documented() {
    page(
        "kinds.md",
        &alpacalert_config::kinds_reference(&builtin::registry()),
    );
}

/// What the examples name as the source of what they mean.
const SOURCES: &str = "sources:
  cluster: { kubernetes: {} }
  infra: { alpacalert: { url: https://alpacalert.infra.example.com } }
";

#[test]
fn examples_in_the_reference_are_right() {
    let registry = builtin::registry();
    for spec in registry.specs() {
        let word = spec.alias.unwrap_or(spec.kind.as_str());
        let text = format!(
            "{SOURCES}systems:\n  example:\n    all:\n      - {word}:\n{}",
            indented(spec.example, 10)
        );
        check_example(&text, &registry);
    }
    for source in registry.sources() {
        let spec = source.spec();
        let text = format!(
            "sources:\n  example:\n    {}:\n{}",
            spec.name,
            indented(spec.example, 6)
        );
        check_example(&text, &registry);
    }
}

#[test]
fn configurations_in_the_readme_and_in_the_examples_are_right() {
    let registry = builtin::registry();
    let root = Path::new(FOLDER).join("../..");
    let readme = fs::read_to_string(root.join("README.md")).expect("the README is there");
    let blocks = readme.split("```yaml\n").skip(1);
    let blocks: Vec<&str> = blocks.filter_map(|rest| rest.split("```").next()).collect();
    assert!(!blocks.is_empty(), "the README shows a configuration");
    let access = root.join("docs/how-to/access.md");
    let access = fs::read_to_string(access).expect("the page is there");
    let recipes = access.split("```yaml\n").skip(1);
    let recipes: Vec<&str> = recipes
        .filter_map(|rest| rest.split("```").next())
        .collect();
    assert!(recipes.len() >= 5, "the page has recipes");
    for block in blocks.into_iter().chain(recipes) {
        check_example(block, &registry);
    }
    for example in ["reports", "extend-in-python"] {
        let folder = root.join("examples").join(example);
        if let Err(mistakes) = alpacalert_config::load(&folder, &registry) {
            panic!("{mistakes}");
        }
    }
}

fn check_example(text: &str, registry: &alpacalert_instrument::Registry) {
    let texts = [("example.yaml".to_owned(), text.to_owned())];
    if let Err(mistakes) = alpacalert_config::parse(&texts, registry) {
        panic!("{mistakes}\n{text}");
    }
}

fn indented(text: &str, by: usize) -> String {
    text.lines()
        .map(|line| format!("{:by$}{line}\n", ""))
        .collect()
}

/// The long help of every command.
fn commands() -> String {
    let mut cli = Cli::command().term_width(100);
    cli.build();
    let mut out = String::from(
        "# Commands\n\nGenerated from the program: `alpacalert COMMAND --help` shows the same.\n",
    );
    section(&mut out, &mut cli.clone());
    for command in cli.get_subcommands_mut() {
        section(&mut out, command);
        for command in command.get_subcommands_mut() {
            section(&mut out, command);
        }
    }
    out
}

fn section(out: &mut String, command: &mut clap::Command) {
    let name = command.get_bin_name().unwrap_or("alpacalert").to_owned();
    let help = command.render_long_help().to_string();
    let help: Vec<&str> = help.lines().map(str::trim_end).collect();
    out.push_str(&format!(
        "\n## {name}\n\n```text\n{}\n```\n",
        help.join("\n").trim_end()
    ));
}
