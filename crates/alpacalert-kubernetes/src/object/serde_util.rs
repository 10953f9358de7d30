//! Reading leniently: an absent field and `null` are the default, and fields that nobody reads are skipped.

use alpacalert_model::Timestamp;
use serde::de::{Deserialize, Deserializer, Error, IgnoredAny};

/// Structs with camel-case fields that are all optional, `null` included.
macro_rules! pruned {
    ($($(#[$meta:meta])* $name:ident { $($(#[$field_meta:meta])* $field:ident : $type:ty),* $(,)? })*) => {
        $($(#[$meta])*
        #[derive(Clone, Debug, Default, PartialEq, serde::Deserialize)]
        #[serde(rename_all = "camelCase", default)]
        pub(crate) struct $name {
            $($(#[$field_meta])*
            #[serde(deserialize_with = "crate::object::serde_util::or_default")]
            pub(crate) $field: $type,)*
        })*
    };
}
pub(crate) use pruned;

/// The value, or the default for `null`.
pub(crate) fn or_default<'de, D, T>(deserializer: D) -> Result<T, D::Error>
where
    D: Deserializer<'de>,
    T: Deserialize<'de> + Default,
{
    Ok(Option::<T>::deserialize(deserializer)?.unwrap_or_default())
}

/// A moment as the API writes it, in RFC 3339.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Time(pub(crate) Timestamp);

impl<'de> Deserialize<'de> for Time {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = std::borrow::Cow::<str>::deserialize(deserializer)?;
        text.parse()
            .map(Time)
            .map_err(|error| D::Error::custom(format!("`{text}` is not a time: {error}")))
    }
}

/// A number or a text: `maxUnavailable: 25%`, `targetPort: http`.
#[derive(Clone, Debug, PartialEq, serde::Deserialize)]
#[serde(untagged)]
pub(crate) enum IntOrText {
    Int(i64),
    Text(Box<str>),
}

impl IntOrText {
    /// The number, or the share of `total` that a percentage stands for, rounded down.
    pub(crate) fn of(&self, total: i64) -> Option<i64> {
        match self {
            IntOrText::Int(n) => Some(*n),
            IntOrText::Text(text) => {
                let percent: i64 = text.strip_suffix('%')?.trim().parse().ok()?;
                Some(total.saturating_mul(percent) / 100)
            }
        }
    }
}

impl std::fmt::Display for IntOrText {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            IntOrText::Int(n) => n.fmt(f),
            IntOrText::Text(text) => text.fmt(f),
        }
    }
}

/// Whether a field is there, whatever it holds.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub(crate) struct Present(pub(crate) bool);

impl<'de> Deserialize<'de> for Present {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        IgnoredAny::deserialize(deserializer).map(|_| Present(true))
    }
}
