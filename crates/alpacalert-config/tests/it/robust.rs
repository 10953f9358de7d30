//! Broken documents end in an answer.

use std::time::{Duration, Instant};

use crate::corpus::files;
use crate::kinds::registry;

/// A small generator of numbers (xorshift64*), so that a failure is the same failure tomorrow.
struct Random(u64);

impl Random {
    fn below(&mut self, n: usize) -> usize {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        let high = self.0.wrapping_mul(0x2545_F491_4F6C_DD1D) >> 33;
        high as usize % n.max(1)
    }
}

/// What YAML and the language care about.
const PIECES: &[&str] = &[
    "{",
    "}",
    "[",
    "]",
    ":",
    ": ",
    ",",
    "- ",
    "\n",
    "\n  ",
    "\t",
    "'",
    "\"",
    "|\n",
    ">",
    "&a ",
    "*a",
    "!!x ",
    "<<: ",
    "#",
    "---\n",
    "%",
    "@",
    "`",
    "\u{0}",
    "\u{feff}",
    "é",
    "𝄞",
    "\\",
    "${",
    "${env:",
    "}}",
    "{{",
    "{name}",
    "null",
    "true",
    "-1",
    "1e999",
    "0x",
    "99999999999999999999",
    "all",
    "weights: ",
    "at_least: ",
    "find: ",
    "extend:\n",
    "optional: ",
    "999999999w",
    "$.[",
    "((((",
    "a{1000}{1000}",
    "http://[",
    "[::",
    "\r",
    "\r\n",
    "? ",
];

fn mutated(text: &str, random: &mut Random) -> String {
    let mut chars: Vec<char> = text.chars().collect();
    for _ in 0..=random.below(3) {
        let at = random.below(chars.len() + 1);
        let end = (at + random.below(12)).min(chars.len());
        match random.below(4) {
            0 => drop(chars.drain(at..end)),
            1 => {
                let piece = PIECES[random.below(PIECES.len())];
                chars.splice(at..at, piece.chars());
            }
            2 => {
                let piece = PIECES[random.below(PIECES.len())];
                chars.splice(at..end, piece.chars());
            }
            _ => {
                let copy = chars[at..end].to_vec();
                let to = random.below(chars.len() + 1);
                chars.splice(to..to, copy);
            }
        }
    }
    chars.into_iter().collect()
}

#[test]
fn ten_thousand_broken_documents_end_in_an_answer() {
    let registry = registry();
    // The valid ones often, for a mistake hides others.
    let documents: Vec<String> = std::iter::repeat_n(files("valid"), 5)
        .chain([files("invalid")])
        .flatten()
        .map(|(_, text)| text)
        .filter(|text| text.len() < 10_000)
        .collect();
    let mut random = Random(0x5EED);
    let (mut accepted, mut refused) = (0, 0);
    for round in 0..10_500 {
        let text = mutated(&documents[round % documents.len()], &mut random);
        let begun = Instant::now();
        match alpacalert_config::parse(&[("a.yaml".to_owned(), text.clone())], &registry) {
            Ok(_) => accepted += 1,
            Err(problems) => {
                refused += 1;
                assert!(!problems.render(true).is_empty(), "{text}");
                assert!(problems.iter().next().is_some(), "{text}");
            }
        }
        assert!(begun.elapsed() < Duration::from_secs(5), "{text}");
    }
    // Otherwise the changes were too few or too many to say anything.
    assert!(
        accepted > 100 && refused > 5_000,
        "{accepted} accepted, {refused} refused"
    );
}

#[test]
fn large_documents_are_read_in_a_moment() {
    let mut text = "systems:\n".to_owned();
    for n in 0..20_000 {
        text.push_str(&format!("  s{n}: {{ tcp: \"host-{n}:80\" }}\n"));
    }
    let begun = Instant::now();
    let loaded = crate::parse(&text).unwrap_or_else(|problems| panic!("{problems}"));
    assert_eq!(loaded.plan.groups.len(), 20_000);
    // Far from exact: the machine may be busy. A cost that grows with the square would be minutes.
    assert!(
        begun.elapsed() < Duration::from_secs(30),
        "{:?}",
        begun.elapsed()
    );
}

#[test]
fn a_document_of_mistakes_is_answered_in_a_moment_and_at_bounded_length() {
    let mut text = "systems:\n".to_owned();
    for n in 0..20_000 {
        text.push_str(&format!(
            "  system-{n}: {{ al: [system-{n}], all: [sistem-{n}] }}\n"
        ));
    }
    let begun = Instant::now();
    let problems = crate::parse(&text).expect_err("all of it is wrong");
    assert_eq!(problems.iter().count(), 100);
    let shown = problems.to_string();
    assert!(
        shown.ends_with("and 39900 more"),
        "{}",
        &shown[shown.len() - 100..]
    );
    assert!(
        begun.elapsed() < Duration::from_secs(60),
        "{:?}",
        begun.elapsed()
    );
}

#[test]
fn a_long_chain_of_names_is_no_deep_recursion() {
    let mut text = "systems:\n  s0: { mark: {} }\n".to_owned();
    for n in 1..20_000 {
        text.push_str(&format!("  s{n}: {{ all: [s{}] }}\n", n - 1));
    }
    assert!(crate::parse(&text).is_ok());
}
