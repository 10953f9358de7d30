//! What of a configuration others may be shown who look at a mistake in it: a log, an operator's page. Whoever writes it sees it anyway.

use std::collections::HashSet;
use std::ops::Range;

use alpacalert_instrument::nearest;

use crate::secrets::{Piece, pieces};
use crate::tree::{Data, Key, Node, shorten};

/// What stands for what is not shown, however long that is.
const MASK: &str = "****";

/// Parts of words for what nobody else is to know, without `-` and `_`. Their values may be lists and maps.
const PARTS: [&str; 12] = [
    "password",
    "passwd",
    "passphrase",
    "secret",
    "token",
    "bearer",
    "authorization",
    "cookie",
    "credential",
    "apikey",
    "privatekey",
    "accesskey",
];

/// Whole words for it: those that hold whatever somebody puts there, too.
const WORDS: [&str; 10] = [
    "auth", "basic", "command", "env", "hash", "headers", "key", "pass", "pwd", "send",
];

/// Sections whose keys are names.
const NAMED: [&str; 4] = ["systems", "services", "sources", "extend"];

/// Shorter texts are hidden where they are quoted, and not wherever their letters come in a sentence.
const TELLING: usize = 6;

/// What a file holds, by its tree.
#[derive(Debug, Default)]
pub(crate) struct Seen {
    /// Keys and values that may be shown, and those that may not; in order, and apart from each other.
    parts: Vec<(Range<usize>, bool)>,
    /// The texts of values that may not be shown.
    secrets: HashSet<String>,
}

/// A part of a file with masks in it, and where what was is now.
pub(crate) struct Masked {
    pub(crate) text: String,
    start: usize,
    /// What was replaced, in the file, and what stands for it, in the text.
    masks: Vec<(Range<usize>, Range<usize>)>,
}

/// A key or a value with its place, and whether it may be shown.
type Text<'t> = (Range<usize>, &'t str, bool);

impl Seen {
    pub(crate) fn of(tree: &Node) -> Seen {
        let mut seen = Seen::default();
        let mut texts = Vec::new();
        seen.sections(tree, &mut texts);
        // What is secret somewhere is secret everywhere.
        let parts = texts.into_iter().map(|(range, text, shown)| {
            let shown = shown && !seen.secrets.contains(text);
            (range, shown)
        });
        seen.parts = parts.collect();
        // An alias has the place of what it stands for: if either is secret, it is.
        seen.parts
            .sort_by_key(|(range, shown)| (range.start, *shown));
        seen.parts
            .dedup_by(|later, first| later.0.start < first.0.end.max(first.0.start + 1));
        seen
    }

    /// The whole file. What people call their systems, services and sources says nothing of what is in them.
    fn sections<'t>(&mut self, tree: &'t Node, texts: &mut Vec<Text<'t>>) {
        let sections = tree.as_map().unwrap_or_default();
        if sections.is_empty() {
            return self.value(tree, false, texts);
        }
        for (key, section) in sections {
            self.key(key, texts);
            match section.as_map() {
                Some(named) if NAMED.contains(&&*key.text) => {
                    for (name, node) in named {
                        self.key(name, texts);
                        self.value(node, false, texts);
                    }
                }
                _ => self.value(section, is_secret(&key.text), texts),
            }
        }
    }

    fn value<'t>(&mut self, node: &'t Node, secret: bool, texts: &mut Vec<Text<'t>>) {
        match &node.data {
            Data::Map(entries) => {
                for (key, node) in entries {
                    self.key(key, texts);
                    self.value(node, secret || is_secret(&key.text), texts);
                }
            }
            Data::List(items) => {
                for item in items {
                    self.value(item, secret, texts);
                }
            }
            Data::Text(text) | Data::Number(_, text) => {
                let hidden = secret && !only_references(text) || looks_secret(text);
                self.part(node.span.range(), text, hidden, texts);
            }
            Data::Bool(_) => texts.push((node.span.range(), "", true)),
            Data::Null => {}
        }
    }

    fn key<'t>(&mut self, key: &'t Key, texts: &mut Vec<Text<'t>>) {
        self.part(key.span.range(), &key.text, looks_secret(&key.text), texts);
    }

    fn part<'t>(
        &mut self,
        range: Range<usize>,
        text: &'t str,
        hidden: bool,
        texts: &mut Vec<Text<'t>>,
    ) {
        texts.push((range, text, !hidden));
        if hidden && !text.is_empty() {
            self.secrets.insert(text.to_owned());
            self.secrets.insert(shorten(text));
        }
    }

    /// A part of a file as others may see it: what is neither a key nor a value, such as a comment, is not shown either.
    pub(crate) fn masked(&self, file: &str, part: Range<usize>) -> Masked {
        let mut masked = Masked {
            text: String::new(),
            start: part.start,
            masks: Vec::new(),
        };
        let mut at = part.start;
        let first = self
            .parts
            .partition_point(|(range, _)| range.end <= part.start);
        for (range, shown) in &self.parts[first..] {
            if range.start >= part.end {
                break;
            }
            let (start, end) = (range.start.max(at), range.end.min(part.end));
            masked.between(file, at..start);
            match shown {
                true => masked.text.push_str(&file[start..end]),
                false => masked.hide(file, start..end),
            }
            at = end;
        }
        masked.between(file, at..part.end);
        masked
    }

    /// A sentence without what may not be shown.
    pub(crate) fn scrub(&self, text: &mut String) {
        for secret in &self.secrets {
            if secret.len() >= TELLING {
                if text.contains(secret) {
                    *text = text.replace(secret, MASK);
                }
                continue;
            }
            let quoted = format!("`{secret}`");
            if text.contains(&quoted) {
                *text = text.replace(&quoted, &format!("`{MASK}`"));
            }
        }
    }
}

impl Masked {
    /// Where a place of the file is in the text; what was replaced begins and ends with what stands for it.
    pub(crate) fn range(&self, range: Range<usize>) -> Range<usize> {
        let place = |at: usize, is_end: bool| {
            let mut moved = at - self.start;
            for (was, is) in &self.masks {
                if was.end <= at {
                    moved = is.end + (at - was.end);
                } else if was.start < at || was.start == at && !is_end {
                    return if is_end { is.end } else { is.start };
                } else {
                    break;
                }
            }
            moved
        };
        let (start, end) = (place(range.start, false), place(range.end, true));
        start..end.max(start)
    }

    fn hide(&mut self, file: &str, range: Range<usize>) {
        let start = self.text.len();
        self.text.push_str(MASK);
        // Later lines keep their numbers.
        let lines = file[range.clone()].matches('\n').count();
        self.text.extend(std::iter::repeat_n('\n', lines));
        self.masks.push((range, start..self.text.len()));
    }

    /// What stands between keys and values: signs, and what nobody knows.
    fn between(&mut self, file: &str, range: Range<usize>) {
        let mut hidden: Option<usize> = None;
        let mut comment = false;
        for (offset, c) in file[range.clone()].char_indices() {
            let at = range.start + offset;
            comment = c != '\n' && (comment || c == '#');
            let plain = c.is_whitespace() && !(comment && c != '\n')
                || "{}[],:-?&*|>\"'".contains(c) && !comment;
            match (plain, hidden) {
                (true, Some(start)) => {
                    self.hide(file, start..at);
                    hidden = None;
                    self.text.push(c);
                }
                (true, None) => self.text.push(c),
                (false, None) => hidden = Some(at),
                (false, Some(_)) => {}
            }
        }
        if let Some(start) = hidden {
            self.hide(file, start..range.end);
        }
    }
}

/// Whether a key, perhaps misspelled, says that its value is nobody else's.
fn is_secret(key: &str) -> bool {
    let word: String = key
        .chars()
        .filter(char::is_ascii_alphanumeric)
        .map(|c| c.to_ascii_lowercase())
        .collect();
    // Names with what they may do.
    if word == "tokens" {
        return false;
    }
    PARTS.iter().any(|part| word.contains(part))
        || WORDS.contains(&&*word)
        || word.ends_with("key")
        || word.len() < 32
            && nearest(&word, &PARTS, |part| part).is_some_and(|part| {
                // `pasword` is a password, and `broken` is no token.
                part.as_bytes().first() == word.as_bytes().first()
                    && part.len().abs_diff(word.len()) <= 1
            })
}

/// Whether a text is a secret by its looks: a URL with a password or a query, or letters and digits without sense.
fn looks_secret(text: &str) -> bool {
    /// The least length of what people would not write themselves.
    const LONG: usize = 16;
    let is_url = text.split_once("://").is_some_and(|(_, rest)| {
        let place = rest.split(['/', '?', '#']).next().unwrap_or_default();
        place.contains('@') || rest.contains('?')
    });
    if is_url {
        return !only_references(text);
    }
    let mut runs = text.split(|c: char| !c.is_ascii_alphanumeric());
    runs.any(|run| {
        let digits = run.bytes().filter(u8::is_ascii_digit).count();
        let upper = run.bytes().any(|byte| byte.is_ascii_uppercase());
        let lower = run.bytes().any(|byte| byte.is_ascii_lowercase());
        let enough = if upper && lower { 2 } else { 3 };
        run.len() >= LONG && digits >= enough && digits < run.len()
    })
}

/// Whether all that could be secret in a text is a reference, which is shown everywhere.
fn only_references(text: &str) -> bool {
    let Ok(pieces) = pieces(text) else {
        return false;
    };
    let is_reference = |piece: &Piece<'_>| matches!(piece, Piece::Reference { .. });
    let rest = pieces.iter().map(|piece| match piece {
        Piece::Text(text) => text.trim(),
        Piece::Reference { .. } => "",
    });
    pieces.iter().any(is_reference)
        && rest
            .into_iter()
            .all(|rest| rest.is_empty() || ["Bearer", "Basic", "Token"].contains(&rest))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(text: &str) -> String {
        let mut found = Vec::new();
        let tree = crate::yaml::read(text, 0, &mut found).expect("YAML");
        Seen::of(&tree).masked(text, 0..text.len()).text
    }

    #[test]
    fn values_of_secret_keys_are_hidden_and_others_are_not() {
        for (text, wanted) in [
            ("password: hunter2", "password: ****"),
            ("pasword: 'hunter2'", "pasword: ****"),
            ("X-Api-Key: [a, {b: c}]", "X-Api-Key: [****, {b: ****}]"),
            (
                "headers: { X-A: one, X-B: 2 }",
                "headers: { X-A: ****, X-B: **** }",
            ),
            ("token: ${env:TOKEN}", "token: ${env:TOKEN}"),
            ("token: abc${env:TOKEN}", "token: ****"),
            (
                "authorization: Bearer ${file:x}",
                "authorization: Bearer ${file:x}",
            ),
            (
                "tokens: { a: { hash: x, read: shop } }",
                "tokens: { a: { hash: ****, read: shop } }",
            ),
            (
                "systems: { auth: { all: [a] } }",
                "systems: { auth: { all: [a] } }",
            ),
            ("broken: { requires: [a] }", "broken: { requires: [a] }"),
            ("url: http://u:p@host/", "url: ****"),
            ("url: http://host/?key=x", "url: ****"),
            ("url: http://host/a@b", "url: http://host/a@b"),
            ("title: eyJhbGciOiJIUzI1NiJ9", "title: ****"),
            ("title: check-out-eu-west-1a", "title: check-out-eu-west-1a"),
            ("from: 2027-01-16T22:00:00Z", "from: 2027-01-16T22:00:00Z"),
            ("a: 1 # hunter2 of old\nb: true", "a: 1 ****\nb: true"),
            ("a: &x hunter2\nsecret: *x", "a: &**** ****\nsecret: *****"),
            (
                "secret: |\n  two\n  lines\na: b",
                "secret: |\n  ****\n\na: b",
            ),
        ] {
            assert_eq!(shown(text), wanted, "{text}");
        }
    }

    #[test]
    fn places_are_where_they_were_between_masks() {
        let text = "a: x\npassword: hunter2\nb: yy";
        let mut found = Vec::new();
        let tree = crate::yaml::read(text, 0, &mut found).expect("YAML");
        let masked = Seen::of(&tree).masked(text, 5..text.len());
        let of = |part: &str| {
            let at = text.find(part).expect("it is there");
            &masked.text[masked.range(at..at + part.len())]
        };
        assert_eq!(masked.text, "password: ****\nb: yy");
        assert_eq!(of("password"), "password");
        assert_eq!(of("hunter2"), MASK);
        assert_eq!(of("unter"), MASK);
        assert_eq!(of("yy"), "yy");
        assert_eq!(of("ord: hunt"), "ord: ****");
        assert_eq!(of("r2\nb"), "****\nb");
    }
}
