//! Answers with accidents in them.

use http::Method;

use super::framing::cases;
use super::{Seen, seen};

const COUNT: usize = 100_000;

/// What means something to a reader of HTTP.
const TELLING: [&[u8]; 14] = [
    b"\r\n",
    b"\n",
    b"\r",
    b":",
    b" ",
    b"\t",
    b"0",
    b",",
    b";",
    b"f",
    b"\0",
    b"\xff",
    b"\r\n\r\n",
    b"transfer-encoding: chunked\r\n",
];

/// One accident.
fn mutate(bytes: &mut Vec<u8>, others: &[Vec<u8>], random: &mut fastrand::Rng) {
    let at = random.usize(..=bytes.len());
    let end = random.usize(at..=bytes.len().min(at + 20));
    match random.u8(..6) {
        0 if at < bytes.len() => bytes[at] ^= 1 << random.u8(..8),
        1 if at < bytes.len() => bytes[at] = random.u8(..),
        2 => drop(bytes.drain(at..end)),
        3 => {
            let again = bytes[at..end].to_vec();
            bytes.splice(at..at, again);
        }
        4 => {
            let telling = TELLING[random.usize(..TELLING.len())];
            bytes.splice(at..at, telling.iter().copied());
        }
        _ => {
            let other = &others[random.usize(..others.len())];
            let from = random.usize(..=other.len());
            bytes.truncate(at);
            bytes.extend_from_slice(&other[from..]);
        }
    }
}

/// The same bytes in pieces of random sizes.
fn split(bytes: &[u8], random: &mut fastrand::Rng) -> Vec<Vec<u8>> {
    let mut pieces = Vec::new();
    let mut rest = bytes;
    while !rest.is_empty() {
        let (piece, behind) = rest.split_at(random.usize(1..=rest.len()));
        pieces.push(piece.to_vec());
        rest = behind;
    }
    pieces
}

#[test]
fn a_hundred_thousand_malformed_answers_do_no_harm_wherever_they_are_split() {
    let answers: Vec<Vec<u8>> = cases().into_iter().map(|case| case.answer).collect();
    let mut random = fastrand::Rng::with_seed(21);
    let (mut whole, mut refused) = (0, 0);
    for _ in 0..COUNT {
        let mut answer = answers[random.usize(..answers.len())].clone();
        for _ in 0..random.usize(1..5) {
            mutate(&mut answer, &answers, &mut random);
        }
        let pieces = split(&answer, &mut random);
        let at_once: Vec<Vec<u8>> = [answer].into_iter().filter(|a| !a.is_empty()).collect();
        let seen_at_once = seen(at_once.clone(), Method::GET, true);
        assert_eq!(seen(pieces, Method::GET, true), seen_at_once, "{at_once:?}");
        match seen_at_once {
            Seen::Whole(..) => whole += 1,
            Seen::Refused(_) => refused += 1,
            _ => {}
        }
    }
    // Both happen often, or this would test little.
    assert!(
        whole > COUNT / 20 && refused > COUNT / 5,
        "{whole} {refused}"
    );
}
