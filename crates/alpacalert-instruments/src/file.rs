//! The kind `file`: whether a file is there, how old and how large it is, and what it says.

use std::fs::{self, File, Metadata};
use std::io::{self, Read, Seek, SeekFrom};
use std::os::unix::fs::{FileTypeExt, MetadataExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

use alpacalert_instrument::model::{Limits, Measurement, Severity, Unit};
use alpacalert_instrument::{
    BoxFuture, Class, Context, Field, InstrumentError, Kind, KindSpec, Observation, Params, Reason,
    Registry, Scope, Sensor, SensorError, Shape, State, Target,
};
use regex::Regex;
use rustix::fs::OFlags;

use crate::host::mounts;
use crate::host::question::Question;
use crate::host::root::{Root, read_bounded};

/// Adds `file`.
pub(crate) fn register(registry: &mut Registry) {
    registry.register_kind(spec(), instrument);
}

const DOC: &str = "\
Looks at a path: a regular file, or a folder if only its being there, age, owner and mode are asked for.

| state | reason | when |
|---|---|---|
| Failing | `missing` | there is nothing at `path`, and `exists` is not `false` |
| Failing | `present` | there is something, and `exists` is `false` |
| Degraded, Failing | `limit` | `age`, `size` or `min_size` crosses a limit |
| Failing | `content` | `contains` is not found, or `lacks` is |
| Failing | `owner` | it belongs to somebody else than `owner` |
| Failing | `mode` | it permits more than `mode` does |
| Failing | `not-a-file` | its size or content is asked for, and it is a folder, a pipe, a socket or a device |
| Failing | `hung` | the network file system that it is on does not answer |
| Unknown | `unreadable` | we may not look at it |

Nothing is limited by default. Of a file larger than 1 MiB, `contains` and `lacks` see the last 1 MiB: what a log said last. Pipes and devices \
are never opened.";

fn spec() -> KindSpec {
    let text = |name, doc| Field::optional(name, Shape::Text, doc);
    let regex = |name, doc| Field::optional(name, Shape::Regex, doc);
    KindSpec {
        alias: Some("file"),
        doc: DOC,
        fields: vec![
            Field::required("path", Shape::Path, "The path. Links are followed."),
            Field::optional(
                "exists",
                Shape::Bool,
                "Whether it must be there. With `false` it must not, like the lock that a broken job leaves.",
            )
            .default("true"),
            Field::optional(
                "age",
                Shape::limits_above(Unit::Seconds),
                "The time since it was last written.",
            )
            .default("off"),
            Field::optional("size", Shape::limits_above(Unit::Bytes), "Its size, worse when larger.").default("off"),
            Field::optional(
                "min_size",
                Shape::limits_below(Unit::Bytes),
                "Its size, worse when smaller: an empty backup is none.",
            )
            .default("off"),
            regex("contains", "A regular expression that must match somewhere in it."),
            regex("lacks", "A regular expression that must not match anywhere in it."),
            text("owner", "Whose it must be: a name of /etc/passwd, or a number."),
            text(
                "mode",
                "The most that it may permit, in octal: `\"0640\"`. Quote it, or YAML reads a number.",
            ),
        ],
        reference: &["path"],
        shorthand: Some("path"),
        example: "path: /var/backups/db.dump\nage: { degraded: 26h, failing: 50h }\nmin_size: { failing: 1MiB }",
        ..KindSpec::new(
            Kind::of("alpacalert.io/File"),
            "a file: there or not, age, size, content, owner and mode",
        )
    }
}

/// What is asked of a file.
#[derive(Clone, Debug)]
struct Wanted {
    path: PathBuf,
    exists: bool,
    age: Limits,
    size: Limits,
    min_size: Limits,
    contains: Option<Regex>,
    lacks: Option<Regex>,
    owner: Option<String>,
    mode: Option<u32>,
    /// Whether a size or a content is asked for, which only regular files have.
    is_regular: bool,
}

struct FileSensor {
    root: Root,
    wanted: Wanted,
    question: Question<Seen>,
}

type Seen = Result<Observation, SensorError>;

fn instrument(target: &Target, scope: &mut Scope<'_, '_>) -> Result<(), InstrumentError> {
    let wanted = Wanted::of(&target.params)?;
    scope.sensor(FileSensor {
        root: Root::of(&Params::new()),
        wanted,
        question: Question::default(),
    });
    Ok(())
}

impl Wanted {
    fn of(params: &Params) -> Result<Wanted, InstrumentError> {
        let regex = |key: &str| match params.text(key) {
            Some(text) => Regex::new(text)
                .map(Some)
                .map_err(|error| InstrumentError::new(format!("cannot use `{key}`: {error}"))),
            None => Ok(None),
        };
        let mode = match params.text("mode") {
            Some(text) => Some(
                u32::from_str_radix(text.trim_start_matches("0o"), 8).map_err(|_| {
                    InstrumentError::new(format!(
                        "the mode `{text}` is not octal; write it like \"0640\""
                    ))
                })?,
            ),
            None => None,
        };
        let keys = ["size", "min_size", "contains", "lacks"];
        Ok(Wanted {
            path: PathBuf::from(params.required_text("path")?),
            exists: params.bool("exists").unwrap_or(true),
            age: params.limits("age", Limits::above(None, None)),
            size: params.limits("size", Limits::above(None, None)),
            min_size: params.limits("min_size", Limits::below(None, None)),
            contains: regex("contains")?,
            lacks: regex("lacks")?,
            owner: params.text("owner").map(str::to_owned),
            mode,
            is_regular: keys.iter().any(|key| params.has(key)),
        })
    }

    fn reads(&self) -> bool {
        self.contains.is_some() || self.lacks.is_some()
    }

    /// Looks at the file. Blocks the thread for as long as the file system does.
    fn look(&self, cx: &Context) -> Seen {
        let path = self.path.display();
        let metadata = match fs::metadata(&self.path) {
            Ok(metadata) => metadata,
            Err(error) if is_missing(&error) => {
                return Ok(match self.exists {
                    true => failing(cx, "missing", format!("{path} does not exist")),
                    false => Observation::passing(cx.now()),
                });
            }
            Err(error) => return Err(self.unreadable(error)),
        };
        if !self.exists {
            return Ok(failing(
                cx,
                "present",
                format!("{path} exists, and should not"),
            ));
        }
        if self.is_regular && !metadata.is_file() {
            let text = format!("{path} is {}, not a regular file", what_it_is(&metadata));
            return Ok(failing(cx, "not-a-file", text));
        }
        let mut observation = self.judge_metadata(&metadata, cx);
        if self.reads() {
            let text = self
                .read(cx.limits.body_bytes as u64)
                .map_err(|error| self.unreadable(error))?;
            observation = self.judge_content(observation, &text);
        }
        Ok(observation)
    }

    fn judge_metadata(&self, metadata: &Metadata, cx: &Context) -> Observation {
        let mut observation = Observation::passing(cx.now());
        let path = self.path.display();
        let age = cx.now().as_second() - metadata.mtime();
        if age < -1 {
            let text = format!("{path} was written in the future");
            observation = observation.message(Severity::Warn, text);
        }
        let age = Measurement::new("age", age as f64, Unit::Seconds);
        observation = observation.measured(age.against(self.age));
        if metadata.is_file() {
            // One value cannot be shown against limits in both directions.
            let size = |name| Measurement::new(name, metadata.len() as f64, Unit::Bytes);
            observation = observation.measured(size("size").against(self.size));
            if self.min_size != Limits::NONE {
                observation = observation.measured(size("least size").against(self.min_size));
            }
        }
        if let Some(owner) = &self.owner
            && uid(owner) != Some(metadata.uid())
        {
            let text = format!("{path} belongs to user {}, not to {owner}", metadata.uid());
            observation = observation.worsened(State::Failing, Reason::fixed("owner"), text);
        }
        let mode = metadata.mode() & 0o7777;
        if let Some(most) = self.mode
            && mode & !most != 0
        {
            let text =
                format!("{path} has the mode {mode:04o}, which permits more than {most:04o}");
            observation = observation.worsened(State::Failing, Reason::fixed("mode"), text);
        }
        observation
    }

    fn judge_content(&self, observation: Observation, text: &str) -> Observation {
        let content = Reason::fixed("content");
        let path = self.path.display();
        let mut observation = observation;
        if let Some(regex) = &self.contains
            && !regex.is_match(text)
        {
            let text = format!("{path} does not contain `{regex}`");
            observation = observation.worsened(State::Failing, content.clone(), text);
        }
        if let Some(regex) = &self.lacks
            && let Some(found) = regex.find(text)
        {
            let line = text[..found.start()].rfind('\n').map_or(0, |at| at + 1);
            let line = text[line..].lines().next().unwrap_or_default();
            let text = format!("{path} contains `{regex}`: {line}");
            observation = observation.worsened(State::Failing, content, text);
        }
        observation
    }

    /// The last `most` bytes.
    fn read(&self, most: u64) -> io::Result<String> {
        // What was a file a moment ago may be a pipe now: opening that would wait for a writer.
        let flags = (OFlags::NONBLOCK | OFlags::NOCTTY).bits();
        let mut file = File::options()
            .read(true)
            .custom_flags(flags.cast_signed())
            .open(&self.path)?;
        let metadata = file.metadata()?;
        if !metadata.is_file() {
            return Err(io::Error::other("it is not a regular file any more"));
        }
        if metadata.len() > most {
            file.seek(SeekFrom::Start(metadata.len() - most))?;
        }
        let mut bytes = Vec::new();
        file.take(most).read_to_end(&mut bytes)?;
        Ok(String::from_utf8_lossy(&bytes).into_owned())
    }

    fn unreadable(&self, error: io::Error) -> SensorError {
        SensorError::new(
            Reason::fixed("unreadable"),
            format!("cannot look at {}", self.path.display()),
        )
        .because(error)
    }
}

fn is_missing(error: &io::Error) -> bool {
    matches!(
        error.kind(),
        io::ErrorKind::NotFound | io::ErrorKind::NotADirectory
    )
}

fn failing(cx: &Context, reason: &'static str, text: String) -> Observation {
    Observation::failing(Reason::fixed(reason), text, cx.now())
}

fn what_it_is(metadata: &Metadata) -> &'static str {
    let kind = metadata.file_type();
    if kind.is_dir() {
        "a folder"
    } else if kind.is_fifo() {
        "a pipe"
    } else if kind.is_socket() {
        "a socket"
    } else {
        "a device"
    }
}

/// The number of a user, by name or as written.
fn uid(owner: &str) -> Option<u32> {
    if let Ok(uid) = owner.parse() {
        return Some(uid);
    }
    let users = read_bounded(Path::new("/etc/passwd")).ok()?;
    users.lines().find_map(|line| {
        let mut fields = line.split(':');
        (fields.next()? == owner).then(|| fields.nth(1)?.parse().ok())?
    })
}

impl Sensor for FileSensor {
    fn measure<'a>(&'a self, cx: &'a Context) -> BoxFuture<'a, Result<Observation, SensorError>> {
        Box::pin(async {
            let path = self.wanted.path.display().to_string();
            let mounts = mounts::mounted(&self.root)?;
            let real = mounts::resolve(&self.root, &mounts, &path);
            let may_hang = mounts::covering(&mounts, &real)
                .is_some_and(|mount| mounts::may_hang(&mount.fstype));
            // What the kernel knows without asking a disk needs no thread.
            if !may_hang && !self.wanted.reads() {
                return self.wanted.look(cx);
            }
            let (wanted, its) = (self.wanted.clone(), cx.clone());
            let look = move || wanted.look(&its);
            if may_hang {
                let hung = || {
                    failing(
                        cx,
                        "hung",
                        format!("the file system of {path} does not answer"),
                    )
                };
                return match self.question.ask(&path, look).await? {
                    Some(seen) => seen,
                    None => Ok(hung()),
                };
            }
            tokio::task::spawn_blocking(look).await.map_err(|error| {
                SensorError::new(Reason::SENSOR_BROKEN, format!("cannot look at {path}"))
                    .because(error)
            })?
        })
    }

    fn class(&self) -> Class {
        Class::Local
    }
}
