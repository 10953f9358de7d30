//! A table of answers, right ones and wrong ones, and that it does not matter where they are split.

use http::Method;

use super::super::HEAD_BYTES;
use super::{Seen, seen};

/// An answer, and what comes of it.
pub(super) struct Case {
    pub(super) answer: Vec<u8>,
    pub(super) method: Method,
    expected: Expected,
}

enum Expected {
    /// The status, the body, and whether the connection can be used again.
    Whole(u16, &'static str, bool),
    /// Why it is refused.
    Refused(&'static str),
    Closed,
}
use Expected::{Closed, Refused, Whole};

/// Answers that are right, after `HTTP/1.1 `.
const RIGHT: [(&str, Expected); 19] = [
    (
        "200 OK\r\ncontent-length: 5\r\n\r\nhello",
        Whole(200, "hello", true),
    ),
    ("200 OK\r\ncontent-length: 0\r\n\r\n", Whole(200, "", true)),
    ("200\r\ncontent-length: 2\r\n\r\nok", Whole(200, "ok", true)),
    ("200 OK\nContent-Length: 2\n\nok", Whole(200, "ok", true)),
    (
        "200 OK\r\nx: \u{e9}t\u{e9}\r\ncontent-length: 2\r\n\r\nok",
        Whole(200, "ok", true),
    ),
    (
        "200 OK\r\ncontent-length: 2, 2\r\ncontent-length: 2\r\n\r\nok",
        Whole(200, "ok", true),
    ),
    (
        "200 OK\r\ncontent-length: 2\r\nconnection: x, Close\r\n\r\nok",
        Whole(200, "ok", false),
    ),
    (
        "200 OK\r\ncontent-length: 2\r\n\r\nok and more",
        Whole(200, "ok", false),
    ),
    (
        "200 OK\r\n\r\nuntil the end",
        Whole(200, "until the end", false),
    ),
    (
        "200 OK\r\nTransfer-Encoding: Chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n",
        Whole(200, "hello", true),
    ),
    (
        "200 OK\r\ntransfer-encoding: chunked\r\n\r\n00A\r\n0123456789\r\n1;a=b;c=\"d;e\"\r\nx\r\n0\r\n\r\n",
        Whole(200, "0123456789x", true),
    ),
    (
        "200 OK\r\ntransfer-encoding: chunked\r\n\r\n2 \r\nok\r\n0 ; a\r\nx-sum: 1\r\ny:\r\n\r\n",
        Whole(200, "ok", true),
    ),
    (
        "200 OK\r\ntransfer-encoding: chunked\r\n\r\n0\r\n\r\nmore",
        Whole(200, "", false),
    ),
    ("204 No Content\r\n\r\n", Whole(204, "", true)),
    (
        "304 Not Modified\r\ncontent-length: 5\r\n\r\n",
        Whole(304, "", true),
    ),
    (
        "100 Continue\r\n\r\nHTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok",
        Whole(200, "ok", true),
    ),
    (
        "103 Early Hints\r\nlink: </a>\r\n\r\nHTTP/1.1 102 Processing\r\n\r\nHTTP/1.1 500 No\r\ncontent-length: 2\r\n\r\nok",
        Whole(500, "ok", true),
    ),
    (
        "101 Switching Protocols\r\nupgrade: x\r\n\r\n\u{0}\u{1}",
        Whole(101, "", false),
    ),
    (
        "999 Odd\r\ncontent-length: 2\r\n\r\nok",
        Whole(999, "ok", true),
    ),
];

/// Answers that are wrong, after `HTTP/1.1 `.
const WRONG: [(&str, Expected); 37] = [
    (
        "200 OK\r\ntransfer-encoding: chunked\r\ncontent-length: 5\r\n\r\n0\r\n\r\n",
        Refused("in two places"),
    ),
    (
        "200 OK\r\ntransfer-encoding: gzip, chunked\r\n\r\n0\r\n\r\n",
        Refused("did not ask for"),
    ),
    (
        "200 OK\r\ntransfer-encoding: chunked\r\ntransfer-encoding: chunked\r\n\r\n0\r\n\r\n",
        Refused("did not ask for"),
    ),
    (
        "200 OK\r\ntransfer-encoding: identity\r\n\r\n",
        Refused("did not ask for"),
    ),
    (
        "200 OK\r\ntransfer-encoding: \u{b}chunked\r\n\r\n0\r\n\r\n",
        Refused("control character"),
    ),
    (
        "200 OK\r\ncontent-length: 5\r\ncontent-length: 6\r\n\r\nhello",
        Refused("that differ"),
    ),
    (
        "200 OK\r\ncontent-length: 5, 6\r\n\r\nhello",
        Refused("that differ"),
    ),
    (
        "200 OK\r\ncontent-length: +5\r\n\r\nhello",
        Refused("not a number"),
    ),
    (
        "200 OK\r\ncontent-length: -5\r\n\r\nhello",
        Refused("not a number"),
    ),
    (
        "200 OK\r\ncontent-length: 0x5\r\n\r\nhello",
        Refused("not a number"),
    ),
    (
        "200 OK\r\ncontent-length: 5 5\r\n\r\nhello",
        Refused("not a number"),
    ),
    (
        "200 OK\r\ncontent-length:\r\n\r\nhello",
        Refused("not a number"),
    ),
    (
        "200 OK\r\ncontent-length: 5,\r\n\r\nhello",
        Refused("not a number"),
    ),
    (
        "200 OK\r\ncontent-length: 18446744073709551616\r\n\r\nhello",
        Refused("not a number"),
    ),
    ("200 OK\r\nx: a\r\n b\r\n\r\n", Refused("folded")),
    ("200 OK\r\n x: a\r\n\r\n", Refused("folded")),
    (
        "200 OK\r\ncontent-length : 5\r\n\r\nhello",
        Refused("space before its colon"),
    ),
    ("200 OK\r\nno colon\r\n\r\n", Refused("no proper name")),
    ("200 OK\r\nx: a\u{0}b\r\n\r\n", Refused("control character")),
    ("200 OK\r\nx: a\rb: c\r\n\r\n", Refused("")),
    ("2000 OK\r\n\r\n", Refused("")),
    ("099 OK\r\n\r\n", Refused("from 100 to 999")),
    (
        "200 OK\r\ntransfer-encoding: chunked\r\n\r\n\r\n",
        Refused("hexadecimal"),
    ),
    (
        "200 OK\r\ntransfer-encoding: chunked\r\n\r\n0x5\r\nhello\r\n0\r\n\r\n",
        Refused("hexadecimal"),
    ),
    (
        "200 OK\r\ntransfer-encoding: chunked\r\n\r\n-5\r\nhello\r\n0\r\n\r\n",
        Refused("hexadecimal"),
    ),
    (
        "200 OK\r\ntransfer-encoding: chunked\r\n\r\n5 5\r\nhello\r\n0\r\n\r\n",
        Refused("hexadecimal"),
    ),
    (
        "200 OK\r\ntransfer-encoding: chunked\r\n\r\n10000000000000000\r\n",
        Refused("too large"),
    ),
    (
        "200 OK\r\ntransfer-encoding: chunked\r\n\r\n5\nhello\r\n0\r\n\r\n",
        Refused("hexadecimal"),
    ),
    (
        "200 OK\r\ntransfer-encoding: chunked\r\n\r\n5;a\nhello\r\n0\r\n\r\n",
        Refused("extension"),
    ),
    (
        "200 OK\r\ntransfer-encoding: chunked\r\n\r\n5;a\rhello\r\n0\r\n\r\n",
        Refused("CR LF"),
    ),
    (
        "200 OK\r\ntransfer-encoding: chunked\r\n\r\n4\r\nhello\r\n0\r\n\r\n",
        Refused("longer than its size"),
    ),
    (
        "200 OK\r\ntransfer-encoding: chunked\r\n\r\n0\r\nno colon\r\n\r\n",
        Refused("trailer"),
    ),
    (
        "200 OK\r\ntransfer-encoding: chunked\r\n\r\n0\r\nx: a\r\n b\r\n\r\n",
        Refused("trailer"),
    ),
    (
        "200 OK\r\ntransfer-encoding: chunked\r\n\r\n0\r\nx: a\nb: c\r\n\r\n",
        Refused("trailer"),
    ),
    (
        "200 OK\r\ntransfer-encoding: chunked\r\n\r\n6\r\nhello",
        Closed,
    ),
    ("200 OK\r\ncontent-length: 6\r\n\r\nhello", Closed),
    ("100 Continue\r\n\r\n", Closed),
];

/// All cases but those that are large.
pub(super) fn cases() -> Vec<Case> {
    let after = |(rest, expected)| case(format!("HTTP/1.1 {rest}"), Method::GET, expected);
    let mut cases: Vec<Case> = RIGHT.into_iter().chain(WRONG).map(after).collect();
    let length = "HTTP/1.1 200 OK\r\ncontent-length: 5\r\n\r\n";
    cases.push(case(length, Method::HEAD, Whole(200, "", true)));
    let more = [
        (
            "HTTP/1.0 200 OK\r\ncontent-length: 2\r\n\r\nok",
            Whole(200, "ok", false),
        ),
        ("HTTP/1.0 200 OK\r\n\r\nok", Whole(200, "ok", false)),
        (
            "HTTP/1.0 200 OK\r\ntransfer-encoding: chunked\r\n\r\n0\r\n\r\n",
            Refused("HTTP/1.0"),
        ),
        ("HTTP/1.2 200 OK\r\n\r\n", Refused("version")),
        ("HTTP/2 200 OK\r\n\r\n", Refused("does not begin")),
        ("\r\nHTTP/1.1 200 OK\r\n\r\n", Refused("does not begin")),
        ("http/1.1 200 OK\r\n\r\n", Refused("does not begin")),
        ("220 mail.test ESMTP\r\n", Refused("does not begin")),
        ("HTTP", Closed),
        ("", Closed),
    ];
    cases.extend(more.map(|(answer, expected)| case(answer, Method::GET, expected)));
    cases
}

fn case(answer: impl Into<String>, method: Method, expected: Expected) -> Case {
    Case {
        answer: answer.into().into_bytes(),
        method,
        expected,
    }
}

/// In pieces, with a server that closes after them, and with one that stays.
fn both(case: &Case, pieces: &[&[u8]]) -> [Seen; 2] {
    let pieces: Vec<Vec<u8>> = pieces
        .iter()
        .filter(|p| !p.is_empty())
        .map(|p| p.to_vec())
        .collect();
    [true, false].map(|closes| seen(pieces.clone(), case.method.clone(), closes))
}

fn check(case: &Case) {
    let shown = String::from_utf8_lossy(&case.answer);
    let shown = shown.get(..200).unwrap_or(&shown);
    let [closed, stays] = both(case, &[&case.answer]);
    match (&case.expected, &closed) {
        (Whole(status, body, again), Seen::Whole(found, _, data, false)) => {
            assert_eq!(
                (*status, *body),
                (*found, &*String::from_utf8_lossy(data)),
                "{shown}"
            );
            match stays {
                Seen::Whole(_, _, _, found) => assert_eq!(found, *again, "{shown}"),
                seen => assert_eq!((seen, *again), (Seen::Waits, false), "{shown}"),
            }
        }
        (Refused(part), Seen::Refused(why)) => {
            assert!(why.contains(part), "{why}: {shown}");
            assert_eq!(closed, stays, "{shown}");
        }
        (Closed, Seen::Closed) => assert_eq!(stays, Seen::Waits, "{shown}"),
        _ => panic!("{closed:?}: {shown}"),
    }
}

#[test]
fn answers_are_read_as_the_standard_says() {
    cases().iter().for_each(check);
}

#[test]
fn where_an_answer_is_split_makes_no_difference() {
    for case in cases() {
        let whole = both(&case, &[&case.answer]);
        for at in 0..case.answer.len() {
            let (first, second) = case.answer.split_at(at);
            assert_eq!(
                both(&case, &[first, second]),
                whole,
                "{at} of {first:?} {second:?}"
            );
        }
        let single: Vec<&[u8]> = case.answer.chunks(1).collect();
        assert_eq!(both(&case, &single), whole, "{single:?}");
    }
}

#[test]
fn what_is_larger_than_its_limit_is_refused() {
    let head = "HTTP/1.1 200 OK\r\n";
    let chunked = "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n";
    let long = "y".repeat(HEAD_BYTES);
    let large = [
        (format!("{head}x: {long}\r\n\r\n"), "larger than 32 KiB"),
        (format!("{head}x: {long}"), "larger than 32 KiB"),
        (format!("{head}{long}"), "larger than 32 KiB"),
        (
            "HTTP/1.1 100 Continue\r\n\r\n".repeat(2_000),
            "larger than 32 KiB",
        ),
        (
            format!("{head}{}\r\n", "x: y\r\n".repeat(101)),
            "more than 100 headers",
        ),
        (
            format!("{chunked}5;{long}\r\nhello\r\n0\r\n\r\n"),
            "extensions and trailers",
        ),
        (
            format!("{chunked}{}", "1;abc\r\nx\r\n".repeat(10_000)),
            "extensions and trailers",
        ),
        (
            format!("{chunked}0\r\n{}", "x: y\r\n".repeat(10_000)),
            "extensions and trailers",
        ),
    ];
    for (answer, part) in large {
        let case = case(answer, Method::GET, Refused(part));
        check(&case);
        for size in [1_000, 16 * 1024] {
            let pieces: Vec<&[u8]> = case.answer.chunks(size).collect();
            assert_eq!(both(&case, &pieces), both(&case, &[&case.answer]));
        }
    }
    let most = format!("{head}{}content-length: 2\r\n\r\nok", "x: y\r\n".repeat(99));
    check(&case(most, Method::GET, Whole(200, "ok", true)));
}
