//! Every key outside of kinds and sources: the one table that checking, the JSON Schema and the reference read.

mod access;
mod maintenance;

pub(crate) use access::{access, serve};
use alpacalert_instrument::{Field, Shape};
pub(crate) use maintenance::{MOMENT, REASON, TIME_OF_DAY, window};

/// A key of the language.
pub(crate) struct Word {
    pub(crate) name: &'static str,
    pub(crate) takes: Takes,
    pub(crate) doc: &'static str,
}

/// What a key of the language takes.
pub(crate) enum Takes {
    /// What a shape says.
    Shape(Shape),
    /// Text without secrets.
    Label,
    /// A name of the user's making.
    Name,
    /// A map of names to sources.
    Sources,
    /// A map of names to systems or services.
    Groups { services: bool },
    /// A map of kinds to items.
    Extend,
    /// Items, which may say how they count.
    Items,
    /// Items whose list says how they count.
    PlainItems,
    /// A number of members, a share of them, or a weight.
    Threshold,
    /// A map of names to weights.
    Weights,
    /// A list of times in which work is planned.
    Windows,
    /// A record of these keys.
    Record(Vec<Field>),
}

/// Names that users give: to this instance, to sources, systems and services.
pub(crate) const NAME: &str = "^[A-Za-z0-9][A-Za-z0-9._-]{0,99}$";

/// The source of what an instance measures itself.
pub(crate) const LOCAL: &str = "local";

/// Shares of members.
pub(crate) const PERCENT: &str = "^(?:100|[1-9][0-9]?) ?%$";

/// The greatest weight, and the greatest number of members that a rule may ask for.
pub(crate) const MAX_COUNT: i64 = 1_000_000;

pub(crate) fn is_name(text: &str) -> bool {
    text.len() <= 100
        && text.starts_with(|c: char| c.is_ascii_alphanumeric())
        && text
            .bytes()
            .all(|b| b.is_ascii_alphanumeric() || b"._-".contains(&b))
}

const MAINTENANCE: &str = "When work on it is planned: it keeps its state and says `in maintenance`, and time in which it is not well counts as unknown and not as down. So does what it is made of and nothing else needs, down to services.";

fn word(name: &'static str, takes: Takes, doc: &'static str) -> Word {
    Word { name, takes, doc }
}

/// A whole number from `min` up to [`MAX_COUNT`].
pub(crate) fn count_from(min: i64) -> Shape {
    Shape::Int {
        min,
        max: MAX_COUNT,
    }
}

/// The keys of a configuration.
pub(crate) fn top() -> Vec<Word> {
    vec![
        word(
            "instance",
            Takes::Name,
            "The name of this instance: where its services come from, as other instances see it. Without it: `alpacalert`.",
        ),
        word(
            "owner",
            Takes::Label,
            "Whose everything is that names no owner and has no parent that does.",
        ),
        word(
            "defaults",
            Takes::Record(schedule()),
            "How often and how patiently sensors are measured that do not say so themselves.",
        ),
        word(
            "concurrency",
            Takes::Record(concurrency()),
            "How much is measured at a time, so that a slow target hurts nobody else.",
        ),
        word(
            "history",
            Takes::Record(history()),
            "For how long `alpacalert serve` remembers; each at least an hour. Other commands pass over it.",
        ),
        word(
            "serve",
            Takes::Record(serve()),
            "How `alpacalert serve` is reached: its address for people, TLS, and limits. Other commands pass over it.",
        ),
        word(
            "access",
            Takes::Record(access()),
            "Who may see what of `alpacalert serve`. Without it everything is visible, and only on the loopback interface. With it, those who do not say who they are see public services only. Scopes (`read`, `push`) are `everything`, or names of services, in which `*` stands for any characters; who may read a service sees it with all that it depends on.",
        ),
        word(
            "sources",
            Takes::Sources,
            "Connections to external systems, by name. Each is one sort of source with its keys.",
        ),
        word(
            "systems",
            Takes::Groups { services: false },
            "Systems, by name: things that are made of other things.",
        ),
        word(
            "services",
            Takes::Groups { services: true },
            "Services, by name: systems that others rely on. Systems and services share one set of names, and refer to each other in any order.",
        ),
        word(
            "extend",
            Takes::Extend,
            "Sensors to add to every thing of a kind, wherever it appears. Texts may hold placeholders such as `{name}`; `{{` and `}}` stand for braces.",
        ),
    ]
}

/// How often and how patiently.
pub(crate) fn schedule() -> Vec<Field> {
    let times = |max| Shape::Int { min: 0, max };
    vec![
        Field::optional(
            "interval",
            Shape::Duration,
            "From the start of one measurement to the start of the next; at least 100ms.",
        )
        .default("30s"),
        Field::optional(
            "timeout",
            Shape::Duration,
            "How long a measurement may take in all.",
        )
        .default("10s"),
        Field::optional(
            "retries",
            times(1_000),
            "How many more times to look before a worse state is believed.",
        )
        .default("0"),
        Field::optional(
            "retry_interval",
            Shape::Duration,
            "The interval while a worse state is not yet believed; at least 100ms.",
        )
        .default("the interval, at most 10s"),
        Field::optional(
            "recoveries",
            Shape::Int { min: 1, max: 1_000 },
            "How many better results in a row make a recovery.",
        )
        .default("1"),
        Field::optional(
            "time_to_live",
            Shape::Duration,
            "How old an observation may be before the sensor is Unknown.",
        )
        .default("three intervals and a timeout"),
    ]
}

/// How much at a time.
pub(crate) fn concurrency() -> Vec<Field> {
    vec![
        Field::optional(
            "network",
            count_from(1),
            "The most measurements over the network at a time.",
        )
        .default("20000"),
        Field::optional("processes", count_from(1), "The most processes at a time.").default("64"),
        Field::optional(
            "per_source",
            count_from(1),
            "The most fetches from one source at a time, and the most measurements of its nodes.",
        )
        .default("64"),
    ]
}

/// For how long things are remembered.
pub(crate) fn history() -> Vec<Field> {
    let kept = |name, doc, default| Field::optional(name, Shape::Duration, doc).default(default);
    vec![
        kept(
            "transitions",
            "Every change of state with its reason, and everything as it was at any moment.",
            "400d",
        ),
        kept(
            "measurements",
            "Measured values, one a minute and at each change of state.",
            "2d",
        ),
        kept(
            "hours",
            "What is left of them then: least, mean and greatest of each hour.",
            "90d",
        ),
        kept(
            "days",
            "What is left of them then, of each day; and the uptime of services on days whose changes are gone.",
            "1825d",
        ),
    ]
}

/// The keys of a source beside its sort.
pub(crate) fn source() -> Vec<Word> {
    let mut words: Vec<Word> = schedule()
        .into_iter()
        .filter(|field| ["interval", "timeout"].contains(&field.name))
        .map(|field| match field.name {
            "interval" => word(
                field.name,
                Takes::Shape(field.shape),
                "How often it is fetched; at least 100ms. Without it, as the sort of source says.",
            ),
            _ => word(
                field.name,
                Takes::Shape(field.shape),
                "How long a fetch may take in all.",
            ),
        })
        .collect();
    words.push(word("owner", Takes::Label, "Whose its things are."));
    words
}

/// The keys that every kind takes beside its own. A kind's own key of the same name comes first.
pub(crate) fn common() -> Vec<Word> {
    let mut words = vec![
        word("title", Takes::Label, "What people call it."),
        word(
            "owner",
            Takes::Label,
            "Whose it is, if not its parents' owner's.",
        ),
    ];
    words.push(word("maintenance", Takes::Windows, MAINTENANCE));
    words.extend(
        schedule()
            .into_iter()
            .map(|field| word(field.name, Takes::Shape(field.shape), field.doc)),
    );
    words
}

/// The keys of a system or a service, beside a kind in place of a rule.
pub(crate) fn group(services: bool) -> Vec<Word> {
    let mut words = vec![
        word("title", Takes::Label, "What people call it."),
        word(
            "owner",
            Takes::Label,
            "Whose it is, if not its parents' owner's.",
        ),
        word("maintenance", Takes::Windows, MAINTENANCE),
        word(
            "all",
            Takes::Items,
            "The state is that of the worst member.",
        ),
        word("any", Takes::Items, "The state is that of the best member."),
        word(
            "at_least",
            Takes::Threshold,
            "With `of`: the state of the n-th best member, for a number such as `2` or a share such as `50%`. With `weights`: the state at which the weight, added up from the best member on, reaches this much.",
        ),
        word(
            "exactly",
            Takes::Shape(count_from(0)),
            "With `of`: Passing if exactly this many members are Passing or Degraded, and none is Unknown.",
        ),
        word(
            "of",
            Takes::Items,
            "The members that `at_least` or `exactly` counts.",
        ),
        word(
            "weights",
            Takes::Weights,
            "How much each member counts for `at_least`: names of systems and services with whole numbers from 1.",
        ),
        word(
            "degraded_below",
            Takes::Shape(count_from(1)),
            "What would be Passing is Degraded if fewer members than this are Passing.",
        ),
        word(
            "degrades",
            Takes::PlainItems,
            "More members, whose worst is Degraded for this one.",
        ),
        word(
            "optional",
            Takes::PlainItems,
            "More members, which are measured and shown and not counted.",
        ),
        word(
            "inverted",
            Takes::PlainItems,
            "More members, of which Failing counts as Passing and the reverse.",
        ),
    ];
    if services {
        words.push(word(
            "requires",
            Takes::Items,
            "What the service cannot do without: the same as `all`.",
        ));
        words.push(word(
            "public",
            Takes::Shape(Shape::Bool),
            "Whether everybody may see it. Without it: `false`.",
        ));
    }
    words
}

/// The keys of a member that is found in a source.
pub(crate) fn find() -> Vec<Field> {
    vec![
        Field::required("source", Shape::Text, "The name of a source."),
        Field::required(
            "path",
            Shape::Either(vec![Shape::Text, Shape::list(Shape::Text)]),
            "Titles or references from the roots of the source down, as a list or with `/` between them; `*` stands for all.",
        ),
    ]
}
