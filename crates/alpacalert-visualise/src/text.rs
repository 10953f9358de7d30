//! Text from outside, made fit to be shown.

use alpacalert_model::sanitize;
use unicode_width::UnicodeWidthStr;

/// The text on one line: cleaned, with every run of white space as one space.
pub fn one_line(text: &str) -> String {
    let clean = sanitize(text);
    let mut out = String::with_capacity(clean.len());
    for word in clean.split_whitespace() {
        if !out.is_empty() {
            out.push(' ');
        }
        out.push_str(word);
    }
    out
}

/// The lines of a text, each as [`one_line`] makes it, without empty ones; at most `most`, then one that counts the rest.
pub(crate) fn lines(text: &str, most: usize) -> Vec<String> {
    let mut lines: Vec<String> = text
        .lines()
        .map(one_line)
        .filter(|line| !line.is_empty())
        .collect();
    if lines.len() > most {
        let rest = lines.len() - most;
        lines.truncate(most);
        lines.push(format!("… {rest} more {}", plural(rest, "line", "lines")));
    }
    lines
}

/// How many columns of a terminal the text takes.
pub fn shown_width(text: &str) -> usize {
    UnicodeWidthStr::width(text)
}

/// The word for `n` things.
pub(crate) fn plural<'a>(n: usize, one: &'a str, many: &'a str) -> &'a str {
    if n == 1 { one } else { many }
}

/// The text in characters of ASCII: the signs that this program uses by what stands for them, others as `?`.
pub(crate) fn to_ascii(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            c if c.is_ascii() => out.push(c),
            '…' => out.push_str("..."),
            'µ' => out.push('u'),
            '°' => {}
            '·' | '–' | '—' => out.push('-'),
            '→' => out.push_str("->"),
            '‘' | '’' => out.push('\''),
            '“' | '”' => out.push('"'),
            _ => out.push('?'),
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_line_has_no_control_characters_and_no_breaks() {
        assert_eq!(one_line("a\n\tb \u{1b}[31mred\u{202e}"), "a b �[31mred�");
        assert_eq!(one_line("  \n "), "");
    }

    #[test]
    fn lines_beyond_the_limit_are_counted() {
        assert_eq!(lines("a\n\nb\nc\nd", 2), ["a", "b", "… 2 more lines"]);
        assert_eq!(lines("a\nb", 2), ["a", "b"]);
    }

    #[test]
    fn wide_characters_take_two_columns() {
        assert_eq!(shown_width("監視"), 4);
        assert_eq!(shown_width("●▲✕"), 3);
    }

    #[test]
    fn ascii_keeps_what_it_can() {
        assert_eq!(to_ascii("20 µs … é"), "20 us ... ?");
    }
}
