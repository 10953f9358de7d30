//! Disks: free space, inodes, time until full, and whether they can be written to.

use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, PoisonError};

use alpacalert_instrument::model::{Limits, Measurement, Unit};
use alpacalert_instrument::{
    BoxFuture, Class, Context, Field, InstrumentError, Kind, KindSpec, Observation, Params, Reason,
    Registry, Scope, Sensor, SensorError, Shape, State, Target,
};
use rustix::fs::StatVfs;
use rustix::io::Errno;
use tokio::time::Instant;

use super::mounts::{self, Mount};
use super::question::Question;
use super::root::Root;
use super::trend::Trend;
use crate::limits::{Floor, Floors, Left};

const GIB: f64 = 1024.0 * 1024.0 * 1024.0;

/// The shares are those of the alerts that Prometheus' node mixin ships (`NodeFilesystemAlmostOutOfSpace`); on large
/// disks they are cut to an amount, because 5 % of 10 TiB is room for months.
const FREE: Floors = Floors {
    degraded: Floor::ShareUpTo(5.0, 20.0 * GIB),
    failing: Floor::ShareUpTo(3.0, 5.0 * GIB),
};

/// From the same place (`NodeFilesystemAlmostOutOfFiles`).
const INODES: Floors = Floors {
    degraded: Floor::Share(5.0),
    failing: Floor::Share(3.0),
};

/// From the same place (`NodeFilesystemSpaceFillingUp`): a disk that will be full within a day, and only where less
/// than this share is free, so that filling a new disk alarms nobody.
const FULL_IN_SECONDS: f64 = 24.0 * 3600.0;
const FULL_IN_BELOW_SHARE: f64 = 40.0;

/// Measures the file system that a path is on.
pub(crate) struct Disk {
    root: Root,
    path: String,
    /// Whether the path must be a place where something is mounted.
    is_mount: bool,
    wanted_writable: Option<bool>,
    free: Floors,
    inodes: Floors,
    full_in: Limits,
    trend: Mutex<Trend>,
    seen_writable: AtomicBool,
    question: Question<Result<StatVfs, Errno>>,
}

pub(super) fn register(registry: &mut Registry) {
    registry.register_kind(spec(), instrument);
}

/// The keys that `disk` and the disks of a host have in common.
pub(crate) fn fields() -> Vec<Field> {
    vec![
        Field::optional(
            "free",
            Floors::shape(Unit::Bytes),
            "Space that unprivileged programs can still use, as a share (`15%`) or an amount (`20GiB`).",
        )
        .default("degraded 5%, but at most 20GiB; failing 3%, but at most 5GiB"),
        Field::optional(
            "inodes",
            Floors::shape(Unit::Count),
            "Files that can still be made, as a share or a number. Not measured on file systems without a fixed number.",
        )
        .default("degraded 5%, failing 3%"),
        Field::optional(
            "full_in",
            Shape::limits_below(Unit::Seconds),
            "The time until the disk is full if it goes on filling as in the last six hours. Measured after half an hour, while \
             the disk fills and less than 40 % of it is free.",
        )
        .default("degraded 24h"),
    ]
}

fn spec() -> KindSpec {
    let mut fields = vec![
        Field::required(
            "path",
            Shape::Path,
            "Any path on the disk; usually where it is mounted.",
        ),
        Field::optional(
            "writable",
            Shape::Bool,
            "Whether it must be possible to write to the disk.",
        )
        .default("what /etc/fstab says, and what was true at the first look"),
    ];
    fields.extend(self::fields());
    fields.push(super::root_field());
    KindSpec {
        alias: Some("disk"),
        doc: DOC,
        fields,
        reference: &["path"],
        shorthand: Some("path"),
        example: "path: /srv/reports\nfree: { degraded: 15%, failing: 5% }",
        ..KindSpec::new(
            Kind::of("alpacalert.io/Disk"),
            "free space, inodes and writability of the file system that a path is on",
        )
    }
}

const DOC: &str = "\
Asks the file system that `path` is on, as `df` does.

| state | reason | when |
|---|---|---|
| Degraded, Failing | `limit` | free space, inodes or the time until full cross a limit |
| Failing | `missing` | there is no such path |
| Failing | `read-only` | the kernel made the file system read-only after an error, or it is mounted read-only against `/etc/fstab`, `writable`, or an earlier look |
| Failing | `io-error` | the file system answers with an error |
| Failing | `hung` | a file system on the network still has not answered the question of the look before |
| Unknown | `unreadable` | we may not look at the path |
| Unknown | `no-slot` | 16 questions about other hung file systems are open |

Free space is what unprivileged programs can use: what ext4 reserves for root counts as used. The default limits are those of the \
alerts in Prometheus' node mixin (5 % and 3 %), cut to 20 GiB and 5 GiB so that a large disk with much room left is Passing.

File systems on the network and in user space can hang. They are asked on a thread of their own, one question at a time.";

fn instrument(target: &Target, scope: &mut Scope<'_, '_>) -> Result<(), InstrumentError> {
    let path = target.params.required_text("path")?;
    let root = Root::of(&target.params);
    let mut disk = Disk::new(root, path, &target.params);
    disk.wanted_writable = target.params.bool("writable");
    scope.sensor(disk);
    Ok(())
}

impl Disk {
    pub(crate) fn new(root: Root, path: &str, params: &Params) -> Self {
        Disk {
            root,
            path: path.to_owned(),
            is_mount: false,
            wanted_writable: None,
            free: FREE.given(params, "free"),
            inodes: INODES.given(params, "inodes"),
            full_in: params.limits("full_in", Limits::below(FULL_IN_SECONDS, None)),
            trend: Mutex::default(),
            seen_writable: AtomicBool::new(false),
            question: Question::default(),
        }
    }

    /// The disk of a host, which is mounted at `path` now, or should be.
    pub(crate) fn mounted_at(root: Root, path: &str, params: &Params) -> Self {
        Disk {
            is_mount: true,
            ..Disk::new(root, path, params)
        }
    }

    async fn look(&self, cx: &Context) -> Result<Observation, SensorError> {
        let mounts = mounts::mounted(&self.root)?;
        let mount = match self.mount(&mounts) {
            Ok(mount) => mount,
            Err(text) => return Ok(Observation::failing(Reason::MISSING, text, cx.now())),
        };
        let stat = match self.ask(&mount).await? {
            Ok(stat) => stat,
            Err(errno) => return self.refused(errno, cx),
        };
        let mut observation = self.check_writable(Observation::passing(cx.now()), &mount);
        let block = stat.f_frsize as f64;
        let available = stat.f_bavail as f64 * block;
        let used = stat.f_blocks.saturating_sub(stat.f_bfree) as f64 * block;
        let space = Left {
            name: "free space",
            share_name: "free space share",
            unit: Unit::Bytes,
            left: available,
            whole: used + available,
        };
        observation = self.free.judge(observation, space);
        // File systems that make inodes as they need them say that there are none.
        if stat.f_files > 0 {
            let inodes = Left {
                name: "free inodes",
                share_name: "free inodes share",
                unit: Unit::Count,
                left: stat.f_favail as f64,
                whole: stat.f_files as f64,
            };
            observation = self.inodes.judge(observation, inodes);
        }
        if let Some(seconds) = self.full_in(used, available) {
            let left = Measurement::new("time until full", seconds, Unit::Seconds);
            observation = observation.measured(left.against(self.full_in));
        }
        Ok(observation)
    }

    /// The mount to ask about, or why there is none.
    fn mount(&self, mounts: &[Mount]) -> Result<Mount, String> {
        if self.is_mount {
            let found = mounts.iter().find(|mount| mount.point == self.path);
            return found
                .cloned()
                .ok_or_else(|| format!("nothing is mounted at {}", self.path));
        }
        let real = mounts::resolve(&self.root, mounts, &self.path);
        mounts::covering(mounts, &real)
            .cloned()
            .ok_or_else(|| format!("nothing is mounted that {} is on", self.path))
    }

    /// The path as it is reached from here.
    fn here(&self) -> PathBuf {
        self.root.at(&self.path)
    }

    async fn ask(&self, mount: &Mount) -> Result<Result<StatVfs, Errno>, SensorError> {
        let path = self.here();
        if !mounts::may_hang(&mount.fstype) {
            return Ok(rustix::fs::statvfs(path));
        }
        let answer = self
            .question
            .ask(&self.path, move || rustix::fs::statvfs(path))
            .await?;
        Ok(answer.unwrap_or(Err(Errno::TIMEDOUT)))
    }

    fn refused(&self, errno: Errno, cx: &Context) -> Result<Observation, SensorError> {
        let path = &self.path;
        match errno {
            Errno::NOENT | Errno::NOTDIR => Ok(Observation::failing(
                Reason::MISSING,
                format!("{path} does not exist"),
                cx.now(),
            )),
            Errno::ACCESS | Errno::PERM => Err(SensorError::new(
                Reason::fixed("unreadable"),
                format!("cannot look at {path}"),
            )
            .because(std::io::Error::from(errno))),
            Errno::TIMEDOUT => Ok(Observation::failing(
                Reason::fixed("hung"),
                format!("the file system of {path} does not answer"),
                cx.now(),
            )),
            errno => Ok(Observation::failing(
                Reason::fixed("io-error"),
                format!(
                    "the file system of {path} answers: {}",
                    std::io::Error::from(errno)
                ),
                cx.now(),
            )),
        }
    }

    fn check_writable(&self, observation: Observation, mount: &Mount) -> Observation {
        let read_only = Reason::fixed("read-only");
        let path = &self.path;
        if mount.mount_writable && mount.super_writable {
            self.seen_writable.store(true, Ordering::Relaxed);
            return observation;
        }
        if mount.mount_writable {
            return observation.worsened(
                State::Failing,
                read_only,
                format!("{path} cannot be written to: the kernel made the file system read-only; its log says why (dmesg)"),
            );
        }
        if mount.super_writable && mounts::is_writable_for_others(&self.root, mount) {
            return observation;
        }
        let expected = self.wanted_writable.or_else(|| {
            let wanted = mounts::wanted(&self.root);
            let line = wanted.iter().find(|wanted| wanted.point == mount.point);
            line.map(|wanted| wanted.writable)
        });
        let why = match expected {
            Some(true) => "although it should be writable",
            None if self.seen_writable.load(Ordering::Relaxed) => "although it was writable before",
            _ => return observation,
        };
        let text = format!("{path} is mounted read-only, {why}");
        observation.worsened(State::Failing, read_only, text)
    }

    fn full_in(&self, used: f64, available: f64) -> Option<f64> {
        let mut trend = self.trend.lock().unwrap_or_else(PoisonError::into_inner);
        trend.note(Instant::now(), used);
        let growth = trend.growth()?;
        let share = 100.0 * available / (used + available).max(1.0);
        (growth > 0.0 && share < FULL_IN_BELOW_SHARE).then(|| available / growth)
    }
}

impl Sensor for Disk {
    fn measure<'a>(&'a self, cx: &'a Context) -> BoxFuture<'a, Result<Observation, SensorError>> {
        Box::pin(self.look(cx))
    }

    fn class(&self) -> Class {
        Class::Local
    }
}
