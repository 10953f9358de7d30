//! Addresses of pages. Whatever comes from outside goes into a query, encoded: no address begins with it, and no browser
//! tidies it up as it does with `..` in a path.

use std::fmt::Write as _;

/// The text as a value in a query.
pub(crate) fn encoded(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for byte in text.bytes() {
        match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'_' | b'.' | b'~' | b'/' => {
                out.push(char::from(byte));
            }
            _ => {
                // Writing to a string cannot fail.
                let _ = write!(out, "%{byte:02X}");
            }
        }
    }
    out
}

/// A short name for an identity, the same in every run and every instance: what is unfolded in a tree is part of its
/// address. Two identities that share one are unfolded together, which harms nobody. FNV-1a, 32 bits.
pub(crate) fn token(id: &str) -> String {
    let hash = id.bytes().fold(0x811c_9dc5_u32, |hash, byte| {
        (hash ^ u32::from(byte)).wrapping_mul(0x0100_0193)
    });
    format!("{hash:08x}")
}

/// Addresses that stay at the moment that is looked at.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Links {
    /// The moment in the past that is looked at, as it stands in addresses.
    pub(crate) at: Option<String>,
    /// Whether this is a wall screen.
    pub(crate) wall: bool,
}

impl Links {
    /// A page of ours with a query.
    pub(crate) fn to(&self, path: &str, query: &[(&str, &str)]) -> String {
        let mut out = path.to_owned();
        let at = self.at.as_deref().map(|at| ("at", at));
        let wall = self.wall.then_some(("wall", ""));
        let pairs = query.iter().copied().filter(|(_, value)| !value.is_empty());
        for (nth, (key, value)) in pairs.chain(at).chain(wall).enumerate() {
            out.push(if nth == 0 { '?' } else { '&' });
            out.push_str(key);
            if !value.is_empty() {
                out.push('=');
                out.push_str(&encoded(value));
            }
        }
        out
    }

    /// The page of a node.
    pub(crate) fn node(&self, id: &str) -> String {
        self.to("/node", &[("id", id)])
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_comes_from_outside_stays_a_value() {
        let links = Links::default();
        assert_eq!(
            links.node("a/b c&d=#\"<é"),
            "/node?id=a/b%20c%26d%3D%23%22%3C%C3%A9"
        );
        assert_eq!(links.node("javascript:x"), "/node?id=javascript%3Ax");
    }

    #[test]
    fn addresses_stay_at_their_moment() {
        let links = Links {
            at: Some("2026-11-22T10:02:00Z".to_owned()),
            wall: true,
        };
        assert_eq!(
            links.to("/tree", &[("open", "")]),
            "/tree?at=2026-11-22T10%3A02%3A00Z&wall"
        );
    }
}
