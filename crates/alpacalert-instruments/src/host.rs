//! The kind `host`: a machine whose parts are its processors, memory, disks, interfaces, clock, tables and units.

mod disk;
mod memory;
pub(crate) mod mounts;
mod network;
mod pressure;
mod processes;
mod processors;
pub(crate) mod question;
mod reboot;
pub(crate) mod root;
mod sampling;
pub(crate) mod systemd;
mod tables;
mod trend;
mod units;

use alpacalert_instrument::model::Effect;
use alpacalert_instrument::{
    Field, InstrumentError, Kind, KindSpec, Observation, Params, Registry, Scope, Sensor, Shape,
    Target,
};

use disk::Disk;
use memory::Memory;
use network::Interface;
use processes::Processes;
use processors::Processors;
use reboot::Reboot;
use root::Root;
use tables::{Files, Waits};
use units::{Clock, Units};

/// The parts of a host, each with its word in the configuration.
const PARTS: [&str; 10] = [
    "processors",
    "memory",
    "disks",
    "waits",
    "interfaces",
    "files",
    "processes",
    "units",
    "clock",
    "reboot",
];

const DOC: &str = include_str!("host/host.md");

/// Adds `host`, and its parts that make sense alone.
pub(crate) fn register(registry: &mut Registry) {
    registry.register_kind(spec(), instrument);
    disk::register(registry);
    registry.register_kind(
        part_spec(
            KindSpec::new(
                Kind::of("alpacalert.io/Processors"),
                "how busy the processors of this machine are, and how much work waits for them",
            ),
            "processors",
            processors::fields(),
        ),
        |target: &Target, scope: &mut Scope<'_, '_>| {
            scope.sensor(Processors::new(Root::of(&target.params), &target.params));
            Ok(())
        },
    );
    registry.register_kind(
        part_spec(
            KindSpec::new(
                Kind::of("alpacalert.io/Memory"),
                "what memory this machine has left, and how much work waits for it",
            ),
            "memory",
            memory::fields(),
        ),
        |target: &Target, scope: &mut Scope<'_, '_>| {
            scope.sensor(Memory::new(Root::of(&target.params), &target.params));
            Ok(())
        },
    );
}

fn part_spec(spec: KindSpec, alias: &'static str, mut fields: Vec<Field>) -> KindSpec {
    fields.push(root_field());
    KindSpec {
        alias: Some(alias),
        doc: "The same as the part of this name of the kind `host`: see there for what makes it Degraded and Failing.",
        fields,
        example: match alias {
            "memory" => "available: { degraded: 10%, failing: 2GiB }",
            _ => "load: { degraded: 4 }",
        },
        ..spec
    }
}

/// The key that says which machine.
pub(crate) fn root_field() -> Field {
    Field::optional(
        "root",
        Shape::Path,
        "Where the root of the machine is mounted. For a program in a container that watches the machine around it: `/host`.",
    )
    .default("/")
}

fn spec() -> KindSpec {
    let part = |name, fields, doc| Field::optional(name, Shape::record(fields), doc);
    let mut disk_fields = disk::fields();
    disk_fields.push(Field::optional(
        "ignore",
        Shape::OneOrMany(Box::new(Shape::Text)),
        "Disks to leave out, by where they are mounted.",
    ));
    KindSpec {
        alias: Some("host"),
        doc: DOC,
        fields: vec![
            part(
                "processors",
                processors::fields(),
                "Limits for the processors.",
            ),
            part("memory", memory::fields(), "Limits for the memory."),
            part("disks", disk_fields, "Limits for every disk."),
            part(
                "waits",
                tables::wait_fields(),
                "Limits for work that waits for disks.",
            ),
            part(
                "interfaces",
                network::fields(),
                "Limits for every network interface.",
            ),
            part("files", tables::file_fields(), "Limits for open files."),
            part(
                "processes",
                processes::fields(),
                "Limits for the table of processes.",
            ),
            part("units", units::fields(), "Limits for systemd's units."),
            Field::optional(
                "without",
                Shape::OneOrMany(Box::new(Shape::OneOf(PARTS.to_vec()))),
                "Parts not to measure.",
            ),
            root_field(),
        ],
        reference: &["root"],
        example: "disks: { free: { degraded: 15%, failing: 5% }, ignore: /mnt/scratch }\nwithout: reboot",
        ..KindSpec::new(
            Kind::of("alpacalert.io/Host"),
            "this machine: processors, memory, disks, interfaces, processes, units, clock",
        )
    }
}

/// Says which parts the machine has.
///
/// Reads the tables of mounts and interfaces, which makes it the one instrumentor that is not pure: the tables are
/// those of this machine, small, and always there. A disk that comes later is seen when the graph is next assembled.
fn instrument(target: &Target, scope: &mut Scope<'_, '_>) -> Result<(), InstrumentError> {
    let root = Root::of(&target.params);
    let params = &target.params;
    if let Ok(name) = root.read("proc/sys/kernel/hostname") {
        scope.title(name.trim());
    }
    let without = params.texts("without");
    let part = |name: &str| params.record(name).unwrap_or_default();
    for name in PARTS.into_iter().filter(|name| !without.contains(name)) {
        let given = part(name);
        match name {
            "processors" => add(scope, name, Processors::new(root.clone(), &given)),
            "memory" => add(scope, name, Memory::new(root.clone(), &given)),
            "disks" => disks(scope, &root, &given),
            "waits" if Waits::exist(&root) => add(scope, name, Waits::new(root.clone(), &given)),
            "interfaces" => interfaces(scope, &root, &given),
            "files" => add(scope, name, Files::new(root.clone(), &given)),
            "processes" => add(scope, name, Processes::new(root.clone(), &given)),
            "units" if systemd::runs(&root) => add(scope, name, Units::new(root.clone(), &given)),
            "clock" if systemd::runs(&root) => add(scope, name, Clock::new(root.clone())),
            "reboot" => add(scope, name, Reboot::new(root.clone())),
            _ => {}
        }
    }
    Ok(())
}

fn add(scope: &mut Scope<'_, '_>, part: &str, sensor: impl Sensor) {
    scope.sensor_part(part, None, title(part), Effect::Required, sensor);
}

fn title(part: &str) -> &str {
    match part {
        "waits" => "waits for disks",
        "files" => "open files",
        "units" => "systemd units",
        part => part,
    }
}

fn disks(scope: &mut Scope<'_, '_>, root: &Root, params: &Params) {
    let mounts = match mounts::mounted(root) {
        Ok(mounts) => mounts,
        Err(error) => {
            let observation =
                Observation::unknown(error.reason().clone(), error.chain(), scope.now());
            return scope.observed_part("disk", None, "disks", Effect::Required, observation);
        }
    };
    let wanted = mounts::wanted(root);
    let mut points: Vec<String> = mounts::disks(root, &mounts, &wanted)
        .into_iter()
        .map(|mount| mount.point)
        .collect();
    // In a container `/etc/fstab` is that of the image.
    let is_container = mounts
        .iter()
        .any(|mount| mount.point == "/" && mount.fstype == "overlay");
    let missing = wanted
        .into_iter()
        .map(|wanted| wanted.point)
        .filter(|point| !is_container && !mounts.iter().any(|mount| mount.point == *point));
    points.extend(missing);
    let ignore = params.texts("ignore");
    points.retain(|point| !ignore.contains(&point.as_str()));
    points.sort();
    for point in points {
        let disk = Disk::mounted_at(root.clone(), &point, params);
        let title = format!("disk {point}");
        scope.sensor_part("disk", Some(&point), title, Effect::Required, disk);
    }
}

fn interfaces(scope: &mut Scope<'_, '_>, root: &Root, params: &Params) {
    let ignore = params.texts("ignore");
    for name in network::interfaces(root) {
        if ignore.contains(&name.as_str()) {
            continue;
        }
        let interface = Interface::new(root.clone(), &name, params);
        let title = format!("interface {name}");
        scope.sensor_part("interface", Some(&name), title, Effect::Required, interface);
    }
}
