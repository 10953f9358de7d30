//! The kind `exec`: any Nagios plugin.

mod perfdata;
pub(crate) mod run;

use alpacalert_instrument::model::{Message, Severity};
use alpacalert_instrument::{
    BoxFuture, Class, Context, Field, InstrumentError, Kind, KindSpec, MissingParam, Observation,
    Reason, Registry, Scope, Sensor, SensorError, Shape, State, Target,
};

use run::{Ended, How, Program};

/// How much of a plugin's output is kept. The guidelines of the plugins speak of 8 KiB; this is what scorecards of ours
/// promise as the most.
const KEEP: usize = 64 * 1024;

/// How many lines of a plugin's long output are shown.
const LONG_LINES: usize = 10;

/// Adds `exec`.
pub(crate) fn register(registry: &mut Registry) {
    registry.register_kind(spec(), instrument);
}

/// The keys that say which program to run.
pub(crate) fn program_fields() -> Vec<Field> {
    vec![
        Field::required(
            "command",
            Shape::OneOrMany(Box::new(Shape::Text)),
            "The program and its arguments, one item each. There is no shell: nothing is expanded, split or redirected. A program \
             without `/` in its name is looked for in the `PATH` of its environment.",
        ),
        Field::optional(
            "env",
            Shape::Map(Box::new(Shape::Text)),
            "Variables of the program's environment, beside `HOME` and the defaults. The place for secrets: arguments can be seen \
             by everybody on the machine.",
        )
        .default("PATH of the system's program folders, LC_ALL=C, LANG=C"),
        Field::optional(
            "dir",
            Shape::Path,
            "The folder in which the program runs.",
        )
        .default("that of this program"),
    ]
}

const DOC: &str = "\
Runs a program that keeps to the Monitoring Plugins Development Guidelines: its exit code is the state, the first line that it prints is \
the message, and what stands after `|` are measured values.

| exit code | state | reason |
|---|---|---|
| 0 | Passing | `ok` |
| 1 | Degraded | `plugin-warning` |
| 2 | Failing | `plugin-critical` |
| 3 | Unknown | `plugin-unknown` |
| any other | Unknown | `exit-code` |
| ended by a signal | Unknown | `signal` |
| still running at the time-out, and killed | Unknown | `timeout` |
| printed more than 1 MiB, and killed | Unknown | `too-much-output` |
| cannot be started | Unknown | `cannot-start` |

Measured values are shown against the limits that the plugin prints with them; its exit code alone decides. Further lines of output are \
shown up to ten. 64 KiB of output are kept.

The program runs in a process group of its own, without standard input, with a small environment, without core dumps, and with at most \
1024 open files. When it is done, at the time-out, and when the check is called off, the whole group ends with it. Time is up a tenth \
of the time-out (at most a second) early: SIGTERM then, SIGKILL half of that later. A process that left the group is not \
waited for.";

fn spec() -> KindSpec {
    KindSpec {
        alias: Some("exec"),
        doc: DOC,
        fields: program_fields(),
        reference: &["command"],
        shorthand: Some("command"),
        example: "command: [/usr/lib/nagios/plugins/check_load, -w, \"5,4,3\", -c, \"10,8,6\"]",
        ..KindSpec::new(
            Kind::of("alpacalert.io/Exec"),
            "a Nagios plugin: exit code, message and performance data",
        )
    }
}

fn instrument(target: &Target, scope: &mut Scope<'_, '_>) -> Result<(), InstrumentError> {
    let program = Program::of(&target.params).ok_or(MissingParam("command"))?;
    scope.sensor(Plugin { program });
    Ok(())
}

/// A Nagios plugin.
struct Plugin {
    program: Program,
}

impl Sensor for Plugin {
    fn measure<'a>(&'a self, cx: &'a Context) -> BoxFuture<'a, Result<Observation, SensorError>> {
        Box::pin(async {
            let ended = self.program.run(KEEP, cx.timeout, cx.cancel()).await?;
            Ok(observation(&ended, cx))
        })
    }

    fn class(&self) -> Class {
        Class::Process
    }
}

/// What a plugin's end means.
fn observation(ended: &Ended, cx: &Context) -> Observation {
    let (state, reason, about) = verdict(ended.how, cx);
    let mut observation = Observation::new(state, Reason::fixed(reason), cx.now());
    if let Some(about) = about {
        observation = observation.message(state.into(), about);
    }
    let output = Output::of(&ended.stdout.text());
    if !output.message.is_empty() {
        observation = observation.message(state.into(), output.message);
    }
    // Plugins that break say so where they should not.
    if state != State::Passing
        && let Some(line) = ended
            .stderr
            .text()
            .lines()
            .find(|line| !line.trim().is_empty())
    {
        let text = format!("on standard error: {}", line.trim());
        observation = observation.message(Severity::Warn, text);
    }
    let more = output.long.len().saturating_sub(LONG_LINES);
    for line in output.long.into_iter().take(LONG_LINES) {
        observation
            .messages
            .push(Message::new(Severity::Info, line));
    }
    let (measurements, left_out) = perfdata::parse(&output.perfdata, cx.limits.measurements);
    observation.measurements = measurements;
    for (count, what) in [(more, "lines"), (left_out, "measured values")] {
        if count > 0 {
            let text = format!("{count} more {what} are not shown");
            observation = observation.message(Severity::Info, text);
        }
    }
    observation
}

fn verdict(how: How, cx: &Context) -> (State, &'static str, Option<String>) {
    match how {
        How::Exited(0) => (State::Passing, "ok", None),
        How::Exited(1) => (State::Degraded, "plugin-warning", None),
        How::Exited(2) => (State::Failing, "plugin-critical", None),
        How::Exited(3) => (State::Unknown, "plugin-unknown", None),
        how => {
            let (reason, text) = unusual(how, cx);
            (State::Unknown, reason, Some(text))
        }
    }
}

/// The reason and the sentence for an end that is no answer.
pub(crate) fn unusual(how: How, cx: &Context) -> (&'static str, String) {
    match how {
        How::Exited(code) => ("exit-code", format!("the program exited with code {code}")),
        How::Signalled(signal) => (
            "signal",
            format!("the program was ended by signal {signal}"),
        ),
        How::TimedOut => (
            "timeout",
            format!(
                "the program was killed because it did not end within {}",
                alpacalert_instrument::model::Unit::Seconds.write(cx.timeout.as_secs_f64())
            ),
        ),
        How::SaidTooMuch => ("too-much-output", "the program printed too much".to_owned()),
        How::Cancelled => ("cancelled", "the check was called off".to_owned()),
    }
}

/// The parts of a plugin's output: on the first line the message and performance data after a `|`; then long output, and
/// more performance data after another `|`.
#[derive(Debug, Default, PartialEq, Eq)]
struct Output {
    message: String,
    long: Vec<String>,
    perfdata: String,
}

impl Output {
    fn of(text: &str) -> Output {
        let mut output = Output::default();
        let mut lines = text.lines();
        let first = lines.next().unwrap_or_default();
        let (message, perfdata) = first.split_once('|').unwrap_or((first, ""));
        output.message = message.trim().to_owned();
        output.perfdata = perfdata.trim().to_owned();
        let mut in_perfdata = false;
        for line in lines {
            let (long, perfdata) = match line.split_once('|') {
                _ if in_perfdata => ("", line),
                Some((long, perfdata)) => {
                    in_perfdata = true;
                    (long, perfdata)
                }
                None => (line, ""),
            };
            if !long.trim().is_empty() {
                output.long.push(long.trim_end().to_owned());
            }
            if !perfdata.trim().is_empty() {
                output.perfdata.push(' ');
                output.perfdata.push_str(perfdata.trim());
            }
        }
        output
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_example_of_the_guidelines_is_taken_apart() {
        let text = "DISK OK - free space: / 3326 MB (56%); | /=2643MB;5948;5958;0;5968\n\
                    / 15272 MB (77%);\n/boot 68 MB (69%);\n/var/log 819 MB (84%); | /boot=68MB;88;93;0;98\n/home=69357MB\n";
        let output = Output::of(text);
        assert_eq!(output.message, "DISK OK - free space: / 3326 MB (56%);");
        assert_eq!(output.long.len(), 3);
        assert_eq!(
            output.perfdata,
            "/=2643MB;5948;5958;0;5968 /boot=68MB;88;93;0;98 /home=69357MB"
        );
        assert_eq!(Output::of(""), Output::default());
    }
}
