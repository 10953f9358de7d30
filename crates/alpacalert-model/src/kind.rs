//! What kind of thing a node is.

use std::fmt;
use std::str::FromStr;
use std::sync::Arc;

/// `namespace/Name` or `namespace/Name#fragment`: `kubernetes.io/Pod`, `kubernetes.io/Pod#volume`.
///
/// The namespace is a domain name and groups kinds of one domain. The name is a valid URI path for things that can be
/// instrumented on their own. The fragment marks what exists only as a part of such a thing. Cheap to clone.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Kind {
    /// The whole text: it is valid, and it is what is compared.
    text: Arc<str>,
    /// Where the namespace ends.
    slash: u16,
}

/// Why a text is not a [`Kind`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KindError {
    text: String,
    problem: &'static str,
}

impl fmt::Display for KindError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "`{}` is not a kind: {}",
            self.text.escape_debug(),
            self.problem
        )
    }
}

impl std::error::Error for KindError {}

impl Kind {
    /// The longest text of a kind, in bytes: a domain name has at most 253, and names are far shorter than the rest.
    pub const MAX_LEN: usize = 512;

    /// A kind that is known when the program is compiled.
    ///
    /// # Panics
    ///
    /// When the text is not a valid kind; use [`str::parse`] for text from outside.
    #[track_caller]
    pub fn of(text: &'static str) -> Kind {
        match text.parse() {
            Ok(kind) => kind,
            Err(error) => panic!("{error}"),
        }
    }

    /// The domain that the kind belongs to: `kubernetes.io`.
    pub fn namespace(&self) -> &str {
        &self.text[..usize::from(self.slash)]
    }

    /// The name within the domain, without the fragment: `Pod`.
    pub fn name(&self) -> &str {
        let rest = &self.text[usize::from(self.slash) + 1..];
        rest.split_once('#').map_or(rest, |(name, _)| name)
    }

    /// The part of the thing that this kind is about: `volume`.
    pub fn fragment(&self) -> Option<&str> {
        self.text.split_once('#').map(|(_, fragment)| fragment)
    }

    /// The whole text.
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// Whether another copy shares this text.
    pub(crate) fn is_shared(&self) -> bool {
        Arc::strong_count(&self.text) > 1
    }
}

impl FromStr for Kind {
    type Err = KindError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let error = |problem| KindError {
            text: text.chars().take(100).collect(),
            problem,
        };
        if text.len() > Self::MAX_LEN {
            return Err(error("it is longer than 512 bytes"));
        }
        let Some((namespace, rest)) = text.split_once('/') else {
            return Err(error(
                "write it as `namespace/Name`, such as `kubernetes.io/Pod`",
            ));
        };
        let (name, fragment) = match rest.split_once('#') {
            Some((name, fragment)) => (name, Some(fragment)),
            None => (rest, None),
        };
        if !is_domain(namespace) {
            return Err(error(
                "the namespace before the first `/` must be a domain name, such as `example.com`",
            ));
        }
        if !is_path(name) {
            return Err(error(
                "the name after the first `/` must be a URI path of letters, digits and `-._~!$&'()*+,;=:@`",
            ));
        }
        if fragment
            .is_some_and(|fragment| fragment.is_empty() || !fragment.split('/').all(is_segment))
        {
            return Err(error(
                "the fragment after `#` must be letters, digits and `-._~!$&'()*+,;=:@`",
            ));
        }
        let slash =
            u16::try_from(namespace.len()).map_err(|_| error("the namespace is too long"))?;
        Ok(Kind {
            text: Arc::from(text),
            slash,
        })
    }
}

/// A domain name as RFC 1123 allows: labels of 1 to 63 letters, digits and inner hyphens, 253 in all.
fn is_domain(text: &str) -> bool {
    text.len() <= 253
        && text.split('.').all(|label| {
            (1..=63).contains(&label.len())
                && label
                    .bytes()
                    .all(|b| b.is_ascii_alphanumeric() || b == b'-')
                && !label.starts_with('-')
                && !label.ends_with('-')
        })
}

/// A relative URI path of non-empty segments (RFC 3986, section 3.3), without percent-encoding.
fn is_path(text: &str) -> bool {
    text.split('/').all(is_segment)
}

fn is_segment(text: &str) -> bool {
    !text.is_empty()
        && text
            .bytes()
            .all(|b| b.is_ascii_alphanumeric() || b"-._~!$&'()*+,;=:@".contains(&b))
}

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.text)
    }
}

impl fmt::Debug for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Kind({})", self.text)
    }
}
