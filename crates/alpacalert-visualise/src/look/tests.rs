use super::*;

fn line(look: Look, first: &str, rest: &str, spans: &[Span]) -> String {
    let mut out = String::new();
    look.line(&mut out, first, rest, spans);
    out
}

fn width(width: usize) -> Look {
    Look {
        width: Some(width),
        ..Look::default()
    }
}

#[test]
fn lines_are_broken_between_words_and_begin_with_the_prefix() {
    let text = span(Tone::Plain, "one two three four five six seven");
    assert_eq!(
        line(width(28), "├─ ", "│  ", &[text]),
        "├─ one two three four five\n│  six seven\n"
    );
}

#[test]
fn no_line_is_wider_than_the_terminal() {
    for columns in 30..60 {
        let spans = [
            span(
                Tone::Strong,
                "監視監視監視監視監視監視監視監視監視監視監視監視",
            ),
            span(Tone::Plain, " word "),
            span(Tone::Quiet, "x".repeat(100)),
        ];
        for shown in line(width(columns), "├─ ", "│  ", &spans).lines() {
            assert!(shown_width(shown) <= columns, "{columns}: {shown:?}");
        }
    }
}

#[test]
fn words_longer_than_the_line_lose_nothing() {
    let long = "abcdefghij".repeat(10);
    let shown = line(width(30), "", "", &[span(Tone::Plain, long.clone())]);
    assert_eq!(shown.replace('\n', ""), long);
}

#[test]
fn colours_surround_words_and_leave_spaces_alone() {
    let look = Look {
        color: true,
        ..Look::default()
    };
    assert_eq!(
        line(look, "", "", &[span(Tone::Strong, "a b ")]),
        "\u{1b}[1ma b\u{1b}[0m\n"
    );
}

#[test]
fn ascii_has_no_other_characters() {
    let look = Look {
        ascii: true,
        ..Look::default()
    };
    let shown = line(
        look,
        "`- ",
        "   ",
        &[look.shape(State::Failing), span(Tone::Plain, " ä … 監")],
    );
    assert_eq!(shown, "`- x ? ... ?\n");
}

#[test]
fn a_number_stays_with_its_unit() {
    let text = span(Tone::Plain, "waiting (degraded > 90 %) and so on");
    let shown = line(width(24), "", "", &[text]);
    assert_eq!(shown, "waiting (degraded >\n90 %) and so on\n");
}
