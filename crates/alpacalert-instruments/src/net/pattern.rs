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

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use rustix::time::{ClockId, clock_gettime};

    use super::*;

    /// The processor time of this thread: by the clock, other work of the machine would count too.
    fn processor_time() -> Duration {
        let time = clock_gettime(ClockId::ThreadCPUTime);
        Duration::try_from(time).expect("a time since the start of the thread")
    }

    /// Expressions that take engines with backtracking, or with large automata, very long.
    fn evil() -> Vec<String> {
        let mut patterns: Vec<String> = [
            "(a+)+$",
            "(a*)*b",
            "(a|a)*b",
            "(a|aa)+$",
            "([a-z]+)*$",
            "(.*)*x",
            "(.*a){20}",
            "^(a?){50}a{50}$",
            "(x+x+)+y",
            "(a+){10}b",
            ".*.*.*=.*",
            "(?:a|b|ab)*c",
            "(\\w+\\s*)+:",
            "^(([a-z])+.)+[A-Z]([a-z])+$",
            "[a-q][^u-z]{30}x",
            "(?i)(.{0,50}a){8}b",
            "\\pL{40}x",
            "(?s).{200}z",
            "((a{10}){10}){5}b",
            "(a{1000}){1000}",
        ]
        .map(str::to_owned)
        .to_vec();
        for n in 1..=80 {
            patterns.push(format!("(a{{1,{n}}}b?){{1,{n}}}c|.{{{n}}}[^a]{{{n}}}z"));
        }
        patterns
    }

    #[test]
    fn a_hundred_evil_expressions_are_refused_or_take_bounded_time() {
        // The bound is for optimised code; without optimisation a sixteenth of the text has to do, in ten times the time.
        let (bytes, most) = if cfg!(debug_assertions) {
            (64 * 1024, Duration::from_millis(500))
        } else {
            (1024 * 1024, Duration::from_millis(50))
        };
        let texts = [
            "a".repeat(bytes),
            "ab".repeat(bytes / 2),
            "aé=".repeat(bytes / 4),
        ];
        let patterns = evil();
        assert_eq!(patterns.len(), 100);
        let mut accepted = 0;
        for pattern in patterns {
            let Ok(compiled) = Pattern::parse(&pattern) else {
                continue;
            };
            accepted += 1;
            for text in &texts {
                let begun = processor_time();
                compiled.is_match(text.as_bytes());
                let took = processor_time() - begun;
                assert!(took <= most, "{pattern} took {took:?}");
            }
        }
        assert!(accepted >= 20, "{accepted} are accepted");
    }
}
