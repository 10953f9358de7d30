//! Regular expressions whose cost is bounded, and excerpts of what a target said.

use alpacalert_instrument::InstrumentError;
use regex::bytes::{Regex, RegexBuilder};

/// The largest compiled expression, in bytes. Matching takes time in proportion to this times the text, so this is what
/// keeps a pattern such as `(a{100}){100}` from burning a core for seconds on a megabyte.
const COMPILED_BYTES: usize = 64 * 1024;

/// A regular expression that is searched for in bytes from outside.
#[derive(Clone, Debug)]
pub(crate) struct Pattern(Regex);

impl Pattern {
    /// Compiles an expression; it is an error when it is too large.
    pub(crate) fn parse(text: &str) -> Result<Pattern, InstrumentError> {
        let regex = RegexBuilder::new(text)
            .size_limit(COMPILED_BYTES)
            .dfa_size_limit(8 * COMPILED_BYTES)
            .build();
        regex.map(Pattern).map_err(|error| {
            InstrumentError::new(match error {
                regex::Error::CompiledTooBig(_) => format!(
                    "the regular expression `{text}` is larger than {} KiB when compiled; use fewer or smaller repetitions",
                    COMPILED_BYTES / 1024
                ),
                error => format!("cannot read the regular expression `{text}`: {error}"),
            })
        })
    }

    pub(crate) fn is_match(&self, text: &[u8]) -> bool {
        self.0.is_match(text)
    }

    pub(crate) fn as_str(&self) -> &str {
        self.0.as_str()
    }
}

/// The beginning of what a target said, in one line, for a message.
pub(crate) fn excerpt(bytes: &[u8]) -> String {
    const SHOWN: usize = 120;
    let text = String::from_utf8_lossy(&bytes[..bytes.len().min(4 * SHOWN)]);
    let mut line: String = text
        .split_whitespace()
        .collect::<Vec<_>>()
        .join(" ")
        .chars()
        .take(SHOWN)
        .collect();
    if line.len() < text.trim().len() || bytes.len() > 4 * SHOWN {
        line.push('…');
    }
    line
}
