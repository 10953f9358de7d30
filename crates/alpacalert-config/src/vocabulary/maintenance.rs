//! The keys of a time in which work is planned.

use alpacalert_instrument::{Field, Shape};

/// A time of day.
pub(crate) const TIME_OF_DAY: &str = "(?:[01][0-9]|2[0-3]):[0-5][0-9]";

/// A day, a time of day, and perhaps an offset from UTC.
pub(crate) const MOMENT: &str = "[0-9]{4}-[0-9]{2}-[0-9]{2}[T ](?:[01][0-9]|2[0-3]):[0-5][0-9](?::[0-5][0-9])?(?:Z|[+-](?:[01][0-9]|2[0-3]):[0-5][0-9])?";

const EITHER: &str = "[0-9]{4}-[0-9]{2}-[0-9]{2}[T ](?:[01][0-9]|2[0-3]):[0-5][0-9](?::[0-5][0-9])?(?:Z|[+-](?:[01][0-9]|2[0-3]):[0-5][0-9])?|(?:[01][0-9]|2[0-3]):[0-5][0-9]";

const DAY: &str = "day|(?:(?:first|second|third|fourth|last) )?(?:monday|tuesday|wednesday|thursday|friday|saturday|sunday)";

/// The keys of a window beside its reason.
pub(crate) fn window() -> Vec<Field> {
    let time = || Shape::Matching {
        what: "a time such as `2027-01-16T22:00`, or beside `every` such as `22:00`",
        pattern: EITHER,
    };
    vec![
        Field::required(
            "from",
            time(),
            "When it begins. With an offset such as `Z` or `+01:00` it is that moment; without, the clocks of `zone` show it.",
        ),
        Field::required(
            "until",
            time(),
            "When it ends. Beside `every` on the next day, if that is not later than the beginning: `00:00` to `00:00` is a whole day.",
        ),
        Field::optional(
            "every",
            Shape::OneOrMany(Box::new(Shape::Matching {
                what: "`day`, or a weekday such as `sunday`, `first sunday` or `last sunday` of a month",
                pattern: DAY,
            })),
            "On which days it begins, again and again; without it, it is once.",
        ),
        Field::optional(
            "zone",
            Shape::Matching {
                what: "a time zone such as `Europe/Berlin`",
                pattern: "[A-Za-z][A-Za-z0-9_+/-]{0,63}",
            },
            "Whose clocks show the times, summer time included.",
        )
        .default("UTC"),
    ]
}

/// What says why, beside [`window`].
pub(crate) const REASON: (&str, &str) = (
    "reason",
    "Why, for people: it is shown to everybody who sees the state.",
);
