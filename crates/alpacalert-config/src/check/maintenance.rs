//! Times in which work is planned.

use alpacalert_instrument::{Day, Params, Value, When, Window};
use jiff::civil::{DateTime, Time, Weekday};
use jiff::tz::TimeZone;

use super::shape::{self, Owner, expected_what};
use super::{Cx, near, top};
use crate::diagnostic::Diagnostic;
use crate::tree::{Data, Key, Node};
use crate::vocabulary::{REASON, window};

/// A list of at least one window.
pub(super) fn windows(cx: &mut Cx<'_>, node: &Node) -> Option<Vec<Window>> {
    let items = match &node.data {
        Data::List(items) if !items.is_empty() => items,
        _ => {
            let what = "a list of windows, such as `[{ every: sunday, from: \"02:00\", until: \"04:00\" }]`";
            return expected_what(cx, node, what, "maintenance");
        }
    };
    // Placeholders are filled in where a kind has its keys, and nowhere else.
    let in_extension = std::mem::replace(&mut cx.in_extension, false);
    let windows: Vec<_> = items.iter().map(|item| one(cx, item)).collect();
    cx.in_extension = in_extension;
    windows.into_iter().collect()
}

fn one(cx: &mut Cx<'_>, node: &Node) -> Option<Window> {
    let Data::Map(entries) = &node.data else {
        let what = "windows: maps of the keys `from`, `until`, `every`, `zone` and `reason`";
        return expected_what(cx, node, what, "maintenance");
    };
    let (why, own): (Vec<&(Key, Node)>, Vec<_>) =
        entries.iter().partition(|(key, _)| *key.text == *REASON.0);
    let mut good = true;
    let mut reason = None;
    for (key, node) in why {
        reason = top::label(cx, node, &key.text);
        good &= reason.is_some();
    }
    let owner = Owner {
        name: "`maintenance`",
        span: node.span,
    };
    let read = shape::record(cx, &owner, &own, &window(), &[], &[REASON.0])?;
    let params = Params::from(read);
    let zone = zone(cx, node, &params);
    let draft = Draft {
        node,
        params: &params,
        // Without it the times are looked at all the same, so that mistakes in them are told at once.
        zone: zone.clone().unwrap_or(TimeZone::UTC),
    };
    let when = match params.get("every") {
        Some(days) => draft.again(cx, days),
        None => draft.once(cx),
    }?;
    (good && zone.is_some()).then(|| Window {
        when,
        reason: reason.unwrap_or_default(),
    })
}

/// A window whose every key has its form.
struct Draft<'a> {
    node: &'a Node,
    params: &'a Params,
    zone: TimeZone,
}

impl Draft<'_> {
    fn once(&self, cx: &mut Cx<'_>) -> Option<When> {
        // Both, so that two mistakes are told at once.
        let (from, until) = (self.moment(cx, "from"), self.moment(cx, "until"));
        let (from, until) = (from?, until?);
        if from < until {
            return Some(When::Once { from, until });
        }
        let problem = Diagnostic::error("a maintenance that ends before it begins");
        cx.report(
            problem
                .at(self.span("until"), "this is not later")
                .at(self.span("from"), "than this"),
        );
        None
    }

    fn again(&self, cx: &mut Cx<'_>, days: &Value) -> Option<When> {
        let (from, until) = (self.time(cx, "from"), self.time(cx, "until"));
        let days = match days {
            Value::List(days) => days.as_slice(),
            day => std::slice::from_ref(day),
        };
        Some(When::Again {
            days: days
                .iter()
                .filter_map(|text| day(text.as_text()?))
                .collect(),
            from: from?,
            until: until?,
            zone: self.zone.clone(),
        })
    }

    /// A time of day.
    fn time(&self, cx: &mut Cx<'_>, key: &str) -> Option<Time> {
        let text = self.text(cx, key)?;
        let time = text.parse().ok().filter(|_| text.len() == "22:00".len());
        if time.is_none() {
            let problem = Diagnostic::error(format!("`{key}` with a date, beside `every`"));
            cx.report(problem.at(
                self.span(key),
                "write the time of day alone, such as `22:00`",
            ));
        }
        time
    }

    fn moment(&self, cx: &mut Cx<'_>, key: &str) -> Option<jiff::Timestamp> {
        let text = self.text(cx, key)?;
        let span = self.span(key);
        if text.len() == "22:00".len() {
            let problem = Diagnostic::error(format!("`{key}` without a date"));
            cx.report(
                problem
                    .at(
                        span,
                        format!("on which day? write it like `2027-01-16T{text}`"),
                    )
                    .help(
                        "for one that comes again and again add `every`, such as `every: sunday`",
                    ),
            );
            return None;
        }
        let told = match text.parse::<jiff::Timestamp>() {
            Ok(moment) => Ok(moment),
            // Without an offset.
            Err(_) => text.parse::<DateTime>().and_then(|time| {
                let zoned = self.zone.to_ambiguous_zoned(time);
                // Of a time that clocks show twice, the one that makes the window longer.
                let zoned = match key {
                    "from" => zoned.earlier(),
                    _ => zoned.later(),
                };
                Ok(zoned?.timestamp())
            }),
        };
        match told {
            Ok(moment) => Some(moment),
            Err(error) => {
                let problem = Diagnostic::error(format!("`{key}` is not a time"));
                cx.report(problem.at(span, error.to_string()));
                None
            }
        }
    }

    /// The text of a key, which takes no secrets: it is shown.
    fn text(&self, cx: &mut Cx<'_>, key: &str) -> Option<&str> {
        plain(cx, self.node, self.params, key)
    }

    fn span(&self, key: &str) -> crate::text::Span {
        self.node.get(key).map_or(self.node.span, |node| node.span)
    }
}

fn plain<'p>(cx: &mut Cx<'_>, node: &Node, params: &'p Params, key: &str) -> Option<&'p str> {
    match params.get(key) {
        Some(Value::Text(text)) => Some(text),
        Some(Value::Secret(_)) => {
            let span = node.get(key).map_or(node.span, |node| node.span);
            let problem = Diagnostic::error(format!("`{key}` takes no secrets"));
            cx.report(problem.at(span, "it is shown to everybody"));
            None
        }
        _ => None,
    }
}

fn zone(cx: &mut Cx<'_>, node: &Node, params: &Params) -> Option<TimeZone> {
    if !params.has("zone") {
        return Some(TimeZone::UTC);
    }
    let name = plain(cx, node, params, "zone")?;
    if let Ok(zone) = TimeZone::get(name) {
        return Some(zone);
    }
    if cx.is_full() {
        cx.more += 1;
        return None;
    }
    let span = node.get("zone").map_or(node.span, |node| node.span);
    let known: Vec<String> = jiff::tz::db()
        .available()
        .map(|zone| zone.to_string())
        .collect();
    // Those that are known by their place alone.
    let place = known.iter().find(|zone| {
        let place = zone.rsplit_once('/').map(|(_, place)| place);
        place.is_some_and(|place| place.eq_ignore_ascii_case(name))
    });
    let meant = place
        .map(String::as_str)
        .or_else(|| near(name, known.iter().map(String::as_str)));
    let problem = Diagnostic::error(format!("there is no time zone `{name}`"));
    cx.report(match meant {
        Some(zone) => problem.at(span, format!("did you mean `{zone}`?")),
        None => problem
            .at(span, "unknown")
            .help("time zones are named by a place, such as `Europe/Berlin`; or write `UTC`"),
    });
    None
}

/// The days that a text names; it has that form.
fn day(text: &str) -> Option<Day> {
    let (nth, name) = match text.split_once(' ') {
        Some((nth, name)) => (Some(nth), name),
        None => (None, text),
    };
    let weekday = match name {
        "day" => return Some(Day::Every),
        "monday" => Weekday::Monday,
        "tuesday" => Weekday::Tuesday,
        "wednesday" => Weekday::Wednesday,
        "thursday" => Weekday::Thursday,
        "friday" => Weekday::Friday,
        "saturday" => Weekday::Saturday,
        _ => Weekday::Sunday,
    };
    Some(match nth {
        None => Day::Weekly(weekday),
        Some("first") => Day::Monthly(1, weekday),
        Some("second") => Day::Monthly(2, weekday),
        Some("third") => Day::Monthly(3, weekday),
        Some("fourth") => Day::Monthly(4, weekday),
        Some(_) => Day::Monthly(-1, weekday),
    })
}
