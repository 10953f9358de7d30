//! Text from outside that people will read.

use std::borrow::Cow;

/// The text with what could fool a terminal, a log or a reader replaced by `�`: control characters other than the line
/// feed and the tab (ANSI sequences begin with one) and the characters that change the direction of text.
pub fn sanitize(text: &str) -> Cow<'_, str> {
    if text.chars().any(is_unsafe) {
        Cow::Owned(
            text.chars()
                .map(|c| {
                    if is_unsafe(c) {
                        char::REPLACEMENT_CHARACTER
                    } else {
                        c
                    }
                })
                .collect(),
        )
    } else {
        Cow::Borrowed(text)
    }
}

fn is_unsafe(c: char) -> bool {
    // Bidirectional formatting characters: Unicode Standard Annex 9, section 2; U+FEFF and the separators break lines.
    (c.is_control() && c != '\n' && c != '\t')
        || matches!(c, '\u{061c}' | '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}' | '\u{2028}' | '\u{2029}' | '\u{feff}')
}
