//! What pods and pod templates name: configuration, volumes and classes: ENV-1 to ENV-3, VOL-1 to VOL-6, MNT-1 to MNT-3.

use alpacalert_model::{Effect, State};

use super::Judge;
use crate::cluster::Lookup;
use crate::kinds;
use crate::object::pod::{Container, KeyReference, Pod, PodSpec, ProjectedSource, Volume};
use crate::object::storage::Keys;
use crate::object::{Body, Object};

/// A ConfigMap or a Secret that a pod takes files or values from.
struct Source<'s> {
    kind: &'static str,
    name: &'s str,
    optional: bool,
    /// The keys that are asked for by name.
    keys: Vec<&'s str>,
}

/// ENV-1 to ENV-3.
pub(super) fn environment(judge: &mut Judge<'_>, container: &Container, started: bool) {
    for source in environment_sources(container) {
        check(judge, &source, started, "ENV-1", "ENV-2");
    }
}

fn environment_sources(container: &Container) -> Vec<Source<'_>> {
    let mut sources = Vec::new();
    for from in &container.env_from {
        let both = [
            (kinds::CONFIG_MAP, &from.config_map_ref),
            (kinds::SECRET, &from.secret_ref),
        ];
        for (kind, reference) in both {
            if let Some(reference) = reference {
                sources.push(Source {
                    kind,
                    name: &reference.name,
                    optional: reference.optional,
                    keys: Vec::new(),
                });
            }
        }
    }
    for from in container
        .env
        .iter()
        .filter_map(|env| env.value_from.as_ref())
    {
        let both = [
            (kinds::CONFIG_MAP, &from.config_map_key_ref),
            (kinds::SECRET, &from.secret_key_ref),
        ];
        for (kind, reference) in both {
            if let Some(KeyReference {
                name,
                key,
                optional,
            }) = reference
            {
                sources.push(Source {
                    kind,
                    name,
                    optional: *optional,
                    keys: vec![key],
                });
            }
        }
    }
    sources
}

/// The ConfigMaps and Secrets of a volume.
fn volume_sources(volume: &Volume) -> Vec<Source<'_>> {
    let mut sources: Vec<Source<'_>> = Vec::new();
    let plain = [
        (kinds::CONFIG_MAP, &volume.config_map),
        (kinds::SECRET, &volume.secret),
    ];
    let projected = volume
        .projected
        .iter()
        .flat_map(|projected| &projected.sources);
    let projected = projected.flat_map(|source| {
        [
            (kinds::CONFIG_MAP, &source.config_map),
            (kinds::SECRET, &source.secret),
        ]
    });
    for (kind, files) in plain.into_iter().chain(projected) {
        if let Some(files) = files {
            let items = files.items.iter().flatten();
            sources.push(Source {
                kind,
                name: files.source(),
                optional: files.optional,
                keys: items.map(|item| &*item.key).collect(),
            });
        }
    }
    sources
}

/// Whether a source and its keys are there. The source itself is a node below; keys and optional sources are findings.
fn check(
    judge: &mut Judge<'_>,
    source: &Source<'_>,
    started: bool,
    exists: &'static str,
    keys: &'static str,
) {
    if !judge.looks_around() || source.name.is_empty() {
        return;
    }
    let namespace = judge.object.namespace();
    let title = format!("{} {}", kinds::short_name(source.kind), source.name);
    let found = match judge.cluster.look(source.kind, namespace, source.name) {
        Lookup::Missing if source.optional => {
            return judge.passing(
                exists,
                "optional",
                format!("{title} is optional and does not exist"),
            );
        }
        Lookup::Found(object) => object,
        Lookup::Missing | Lookup::Unseen(..) => {
            return judge.refer(source.kind, namespace, source.name, started);
        }
    };
    judge.refer(source.kind, namespace, source.name, started);
    let Body::Keys(held) = &found.body else {
        return;
    };
    for key in &source.keys {
        check_key(judge, source, held, key, started, keys);
    }
}

fn check_key(
    judge: &mut Judge<'_>,
    source: &Source<'_>,
    held: &Keys,
    key: &str,
    started: bool,
    rule: &'static str,
) {
    let title = format!("{} {}", kinds::short_name(source.kind), source.name);
    match held.has(key) {
        Some(true) => {}
        Some(false) if source.optional => {
            judge.passing(
                rule,
                "optional",
                format!("the key {key} of {title} is optional and does not exist"),
            );
        }
        // The value was read when the container started: it works until it starts again.
        Some(false) if started => {
            judge.degraded(
                rule,
                "missing-key",
                format!("the key {key} of {title} does not exist: the next start will fail"),
            );
        }
        Some(false) => judge.failing(
            rule,
            "missing-key",
            format!("the key {key} of {title} does not exist"),
        ),
        None if started => {}
        None => judge.unknown(
            rule,
            "KeysNotVisible",
            format!("the keys of {title} cannot be seen"),
        ),
    }
}

/// Judges the volume of a name; `None` when the pod has no such volume.
pub(crate) fn volume(judge: &mut Judge<'_>, pod: &Pod, name: &str) -> Option<()> {
    let volume = pod.spec.volume(name)?;
    let started = super::pod::all_started(pod);
    volume_of(judge, volume, started);
    if let Some(claim) = &volume.persistent_volume_claim {
        judge.refer(
            kinds::PVC,
            judge.object.namespace(),
            &claim.claim_name,
            false,
        );
    } else if volume.ephemeral.is_some() {
        ephemeral(judge, pod, volume);
    } else if let Some(csi) = &volume.csi {
        csi_driver(judge, pod, &csi.driver, started);
        if let Some(secret) = &csi.node_publish_secret_ref {
            judge.refer(
                kinds::SECRET,
                judge.object.namespace(),
                &secret.name,
                started,
            );
        }
    }
    if judge.verdict.findings.is_empty() && judge.verdict.links.is_empty() {
        judge.passing("VOL-6", "NotInspectable", "nothing of it can be inspected");
    }
    Some(())
}

/// The configuration that a volume of a pod, or of a template, is made of.
fn volume_of(judge: &mut Judge<'_>, volume: &Volume, started: bool) {
    for source in volume_sources(volume) {
        check(judge, &source, started, "VOL-1", "VOL-1");
    }
    let bundles = volume
        .projected
        .iter()
        .flat_map(|projected| &projected.sources);
    for bundle in bundles.filter_map(|source| source.cluster_trust_bundle.as_ref()) {
        if !bundle.name.is_empty() && !bundle.optional {
            judge.refer(kinds::CLUSTER_TRUST_BUNDLE, "", &bundle.name, started);
        }
    }
    if let Some(projected) = &volume.projected
        && projected.sources.iter().all(is_own_identity)
    {
        judge.passing("VOL-2", "ok", "made by the node");
    }
}

/// What the node makes itself, and always can.
fn is_own_identity(source: &ProjectedSource) -> bool {
    source.config_map.is_none() && source.secret.is_none() && source.cluster_trust_bundle.is_none()
}

/// VOL-4: the claim of an ephemeral volume must be the pod's own.
fn ephemeral(judge: &mut Judge<'_>, pod: &Pod, volume: &Volume) {
    if !judge.looks_around() {
        return;
    }
    let namespace = judge.object.namespace();
    let name = format!("{}-{}", judge.object.name(), volume.name);
    match judge.cluster.look(kinds::PVC, namespace, &name) {
        Lookup::Found(claim) => {
            let uid = &judge.object.meta.uid;
            if claim
                .meta
                .owner_references
                .iter()
                .any(|owner| owner.uid == *uid)
            {
                judge.link_object(claim, Effect::Required);
            } else {
                let text = format!("PersistentVolumeClaim {name} exists and is not this pod's");
                judge.failing("VOL-4", "ClaimOfAnother", text);
            }
        }
        Lookup::Unseen(reason, text) => judge.unknown("VOL-4", reason, text),
        Lookup::Missing if &*pod.status.phase == "Pending" => {
            judge.unknown(
                "VOL-4",
                "Progressing",
                format!("PersistentVolumeClaim {name} is not made yet"),
            );
        }
        Lookup::Missing => judge.failing(
            "VOL-4",
            "missing",
            format!("PersistentVolumeClaim {name} does not exist"),
        ),
    }
}

/// VOL-5: the driver must exist, and be on the pod's node.
fn csi_driver(judge: &mut Judge<'_>, pod: &Pod, driver: &str, started: bool) {
    if !judge.looks_around() || started {
        return judge.passing("VOL-5", "ok", format!("made by the driver {driver}"));
    }
    judge.must_exist("VOL-5", kinds::CSI_DRIVER, "", driver);
    let node = &pod.node_name;
    if node.is_empty() {
        return;
    }
    if let Lookup::Found(Object {
        body: Body::CsiNode(csi),
        ..
    }) = judge.cluster.look(kinds::CSI_NODE, "", node)
        && !csi.spec.drivers.iter().any(|known| &*known.name == driver)
    {
        judge.failing(
            "VOL-5",
            "DriverNotOnNode",
            format!("the driver {driver} does not run on the node {node}"),
        );
    }
}

/// A mount, as `container/volume`.
fn mount<'p>(
    pod: &'p Pod,
    name: &'p str,
) -> Option<(
    &'p Container,
    impl Iterator<Item = &'p crate::object::pod::VolumeMount>,
)> {
    let (container, volume) = name.split_once('/')?;
    let container = pod.spec.all_containers().find(|c| &*c.name == container)?;
    let mounts = container
        .volume_mounts
        .iter()
        .chain(&container.volume_devices);
    Some((
        container,
        mounts.filter(move |mount| &*mount.name == volume),
    ))
}

/// MNT-1.
pub(crate) fn volume_mount(judge: &mut Judge<'_>, pod: &Pod, name: &str) -> Option<()> {
    let (_, mut mounts) = mount(pod, name)?;
    let mount = mounts.next()?;
    if pod.spec.volume(&mount.name).is_some() {
        judge.passing("MNT-1", "ok", format!("mounted at {}", mount.mount_path));
    } else {
        judge.failing(
            "MNT-1",
            "UnknownVolume",
            format!("the pod has no volume {}", mount.name),
        );
    }
    Some(())
}

/// MNT-2 and MNT-3, for every mount of a volume in a container.
pub(crate) fn volume_sub_path(judge: &mut Judge<'_>, pod: &Pod, name: &str) -> Option<()> {
    let (container, mounts) = mount(pod, name)?;
    let started = pod
        .container_status(&container.name)
        .is_some_and(super::container::has_started);
    for mount in mounts {
        let Some(volume) = pod.spec.volume(&mount.name) else {
            continue;
        };
        if mount.sub_path.is_empty() {
            if !mount.sub_path_expr.is_empty() {
                judge.passing(
                    "MNT-2",
                    "NotInspectable",
                    "its subPathExpr is known to the node alone",
                );
            }
            continue;
        }
        let holds_files =
            volume.config_map.is_some() || volume.secret.is_some() || volume.projected.is_some();
        if !holds_files {
            judge.passing(
                "MNT-3",
                "NotInspectable",
                format!("what {} holds cannot be inspected", mount.sub_path),
            );
            continue;
        }
        sub_path(judge, volume, &mount.sub_path, started);
    }
    Some(())
}

/// Whether a path is among the files of a volume.
fn sub_path(judge: &mut Judge<'_>, volume: &Volume, path: &str, started: bool) {
    let found = files(judge, volume, path);
    match found {
        Some(true) => judge.passing("MNT-2", "ok", format!("{path} is in the volume")),
        // Kubernetes makes a folder for a path that is not there, so that the container starts, with the wrong thing in place.
        Some(false) => {
            let state = if started {
                State::Degraded
            } else {
                State::Failing
            };
            judge.find(
                "MNT-2",
                state,
                "missing-path",
                format!("{path} is not in the volume {}", volume.name),
            );
        }
        None if started => judge.passing(
            "MNT-2",
            "NotInspectable",
            "the keys of its source cannot be seen",
        ),
        None => judge.unknown(
            "MNT-2",
            "KeysNotVisible",
            "the keys of its source cannot be seen",
        ),
    }
}

/// Whether a volume holds a path; `None` when a source that may hold it cannot be seen.
fn files(judge: &Judge<'_>, volume: &Volume, path: &str) -> Option<bool> {
    let path = path.trim_matches('/');
    // The path of a file, or a folder above one.
    let fits = |file: &str| {
        let file = file.trim_matches('/');
        file == path
            || file
                .strip_prefix(path)
                .is_some_and(|rest| rest.starts_with('/'))
    };
    let mut unseen = false;
    let plain = [
        (kinds::CONFIG_MAP, &volume.config_map),
        (kinds::SECRET, &volume.secret),
    ];
    let projected = volume
        .projected
        .iter()
        .flat_map(|projected| &projected.sources);
    for source in projected.clone() {
        let token = source
            .service_account_token
            .iter()
            .map(|token| &*token.path);
        let downward = source
            .downward_api
            .iter()
            .flat_map(|api| api.items.iter().map(|item| &*item.path));
        let bundle = source
            .cluster_trust_bundle
            .iter()
            .map(|bundle| &*bundle.path);
        if token.chain(downward).chain(bundle).any(fits) {
            return Some(true);
        }
    }
    let projected = projected.flat_map(|source| {
        [
            (kinds::CONFIG_MAP, &source.config_map),
            (kinds::SECRET, &source.secret),
        ]
    });
    for (kind, files) in plain.into_iter().chain(projected) {
        let Some(files) = files else { continue };
        match &files.items {
            Some(items) if !items.is_empty() => {
                if items.iter().any(|item| fits(&item.path)) {
                    return Some(true);
                }
            }
            _ => match judge
                .cluster
                .look(kind, judge.object.namespace(), files.source())
            {
                Lookup::Found(Object {
                    body: Body::Keys(keys),
                    ..
                }) => match &keys.keys {
                    Some(keys) if keys.iter().any(|key| fits(key)) => return Some(true),
                    Some(_) => {}
                    None => unseen = true,
                },
                // A missing source is told by its own node.
                _ => unseen = true,
            },
        }
    }
    (!unseen).then_some(false)
}

/// Classes that a pod names.
pub(super) fn classes(judge: &mut Judge<'_>, spec: &PodSpec, started: bool) {
    if started {
        return;
    }
    for (kind, name) in [
        (kinds::PRIORITY_CLASS, &spec.priority_class_name),
        (kinds::RUNTIME_CLASS, &spec.runtime_class_name),
    ] {
        if !name.is_empty() && !judge.cluster.contains(kind, "", name) {
            judge.refer(kind, "", name, false);
        }
    }
}

/// What a workload's template names, checked even when there are no pods: what is missing shows before it runs.
pub(super) fn template(judge: &mut Judge<'_>, spec: &PodSpec, works: bool) {
    if !judge.looks_around() {
        return;
    }
    let namespace = judge.object.namespace();
    // What is there is judged below the pods; here only what is missing matters.
    let missing = |judge: &Judge<'_>, kind: &str, name: &str| {
        !name.is_empty() && matches!(judge.cluster.look(kind, namespace, name), Lookup::Missing)
    };
    let account = spec.service_account();
    if missing(judge, kinds::SERVICE_ACCOUNT, account) {
        judge.refer(kinds::SERVICE_ACCOUNT, namespace, account, works);
    }
    for volume in &spec.volumes {
        if let Some(claim) = &volume.persistent_volume_claim
            && missing(judge, kinds::PVC, &claim.claim_name)
        {
            judge.refer(kinds::PVC, namespace, &claim.claim_name, works);
        }
    }
    let sources = spec.all_containers().flat_map(environment_sources);
    let sources: Vec<_> = sources
        .chain(spec.volumes.iter().flat_map(volume_sources))
        .collect();
    for source in sources {
        if source.optional {
            continue;
        }
        match judge.cluster.look(source.kind, namespace, source.name) {
            Lookup::Missing => judge.refer(source.kind, namespace, source.name, works),
            Lookup::Found(Object {
                body: Body::Keys(keys),
                ..
            }) => {
                for key in source
                    .keys
                    .iter()
                    .filter(|key| keys.has(key) == Some(false))
                {
                    check_key(judge, &source, keys, key, works, "ENV-2");
                }
            }
            _ => {}
        }
    }
    classes(judge, spec, works);
}
