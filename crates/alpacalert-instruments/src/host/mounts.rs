//! What is mounted, and what should be.

use alpacalert_instrument::SensorError;

use super::root::{self, Root};

/// One line of `/proc/self/mountinfo` (proc_pid_mountinfo(5)).
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Mount {
    /// `major:minor` of the file system.
    pub(crate) device: String,
    /// Which folder of the file system is mounted; `/` for all of it.
    pub(crate) subtree: String,
    /// Where.
    pub(crate) point: String,
    /// Whether this mount may be written to.
    pub(crate) mount_writable: bool,
    /// The type of the file system.
    pub(crate) fstype: String,
    /// What is mounted: `/dev/sda1`.
    pub(crate) source: String,
    /// Whether the file system itself may be written to.
    pub(crate) super_writable: bool,
}

/// One line of `/etc/fstab` that is mounted at the start and that the machine does not start without.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Wanted {
    pub(crate) point: String,
    pub(crate) writable: bool,
}

/// Everything that is mounted. Of several mounts at one point, the last one is seen, and only that one is given.
pub(crate) fn mounted(root: &Root) -> Result<Vec<Mount>, SensorError> {
    let text = root::read(&root.own_table("mountinfo"))?;
    let mut mounts: Vec<Mount> = Vec::new();
    for mount in text.lines().filter_map(parse_mount) {
        mounts.retain(|earlier| earlier.point != mount.point);
        mounts.push(mount);
    }
    Ok(mounts)
}

/// Whether only this program may not write to a mount: systemd gives a service a view of its own, in which everything is
/// read-only (`ProtectSystem=strict`), while the first process sees the machine as it is.
pub(crate) fn is_writable_for_others(root: &Root, mount: &Mount) -> bool {
    root.is_own()
        && root::read_bounded(&root.at("proc/1/mountinfo"))
            .is_ok_and(|text| is_writable_in(&text, mount))
}

fn is_writable_in(mountinfo: &str, mount: &Mount) -> bool {
    let mut mounts = mountinfo.lines().filter_map(parse_mount);
    mounts.any(|other| {
        other.point == mount.point && other.device == mount.device && other.mount_writable
    })
}

/// What `/etc/fstab` asks for. A machine without that file asks for nothing.
pub(crate) fn wanted(root: &Root) -> Vec<Wanted> {
    root::read_bounded(&root.at("etc/fstab"))
        .map(|text| text.lines().filter_map(parse_fstab).collect())
        .unwrap_or_default()
}

/// The mount that a path is on.
pub(crate) fn covering<'a>(mounts: &'a [Mount], path: &str) -> Option<&'a Mount> {
    mounts
        .iter()
        .filter(|mount| is_below(path, &mount.point))
        .max_by_key(|mount| mount.point.len())
}

/// The path with its links followed, without touching a file system that may hang: from there on the path stays as it is.
pub(crate) fn resolve(root: &Root, mounts: &[Mount], path: &str) -> String {
    /// As the kernel has it (path_resolution(7)).
    const MAX_LINKS: usize = 40;
    let mut todo: Vec<String> = parts(path);
    let mut done = String::new();
    let mut links = 0;
    while let Some(part) = todo.pop() {
        if part == ".." {
            done.truncate(done.rfind('/').unwrap_or(0));
            continue;
        }
        let next = format!("{done}/{part}");
        if covering(mounts, &next).is_some_and(|mount| may_hang(&mount.fstype)) {
            todo.reverse();
            return [vec![next], todo].concat().join("/");
        }
        match std::fs::read_link(root.at(&next)) {
            Ok(link) if links < MAX_LINKS => {
                links += 1;
                if link.is_absolute() {
                    done.clear();
                }
                todo.extend(parts(&link.to_string_lossy()));
            }
            _ => done = next,
        }
    }
    if done.is_empty() {
        "/".to_owned()
    } else {
        done
    }
}

/// The parts of a path, the last first.
fn parts(path: &str) -> Vec<String> {
    path.split('/')
        .filter(|part| !part.is_empty() && *part != ".")
        .rev()
        .map(str::to_owned)
        .collect()
}

fn is_below(path: &str, point: &str) -> bool {
    let point = point.trim_end_matches('/');
    path.strip_prefix(point)
        .is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
}

/// The disks of the machine: one mount of each file system that is on a device and can be written to, or should be.
pub(crate) fn disks(root: &Root, mounts: &[Mount], wanted: &[Wanted]) -> Vec<Mount> {
    let mut disks: Vec<Mount> = Vec::new();
    let should_write = |point: &str| wanted.iter().any(|w| w.point == point && w.writable);
    for mount in mounts {
        let writable = mount.mount_writable || should_write(&mount.point);
        if !writable || !is_disk(mount) || root.at(&mount.point).is_file() {
            continue;
        }
        // One file system that is mounted at several places is shown once: where all of it is mounted, else where the
        // path is shortest.
        let rank = |mount: &Mount| (mount.subtree != "/", mount.point.len());
        match disks.iter_mut().find(|disk| disk.device == mount.device) {
            Some(disk) if rank(mount) < rank(disk) => *disk = mount.clone(),
            Some(_) => {}
            None => disks.push(mount.clone()),
        }
    }
    disks
}

fn is_disk(mount: &Mount) -> bool {
    // Made to be read only, and always full.
    const MEDIA: [&str; 6] = ["squashfs", "iso9660", "udf", "erofs", "cramfs", "romfs"];
    // Pools that name no device.
    const POOLS: [&str; 2] = ["zfs", "bcachefs"];
    if MEDIA.contains(&mount.fstype.as_str()) {
        return false;
    }
    // The root of a container is an overlay; its space is that of the disk below.
    mount.source.starts_with("/dev/")
        || POOLS.contains(&mount.fstype.as_str())
        || (mount.point == "/" && mount.fstype == "overlay")
}

/// Whether asking about the file system can wait for another machine, or for another program.
pub(crate) fn may_hang(fstype: &str) -> bool {
    const REMOTE: [&str; 10] = [
        "nfs",
        "nfs4",
        "cifs",
        "smb3",
        "9p",
        "ceph",
        "afs",
        "glusterfs",
        "lustre",
        "autofs",
    ];
    REMOTE.contains(&fstype) || fstype.starts_with("fuse")
}

fn parse_mount(line: &str) -> Option<Mount> {
    let (place, what) = line.split_once(" - ")?;
    let place: Vec<&str> = place.split(' ').collect();
    let what: Vec<&str> = what.split(' ').collect();
    let writable = |options: &str| !options.split(',').any(|option| option == "ro");
    Some(Mount {
        device: (*place.get(2)?).to_owned(),
        subtree: unescape(place.get(3)?),
        point: unescape(place.get(4)?),
        mount_writable: writable(place.get(5)?),
        fstype: (*what.first()?).to_owned(),
        source: unescape(what.get(1)?),
        super_writable: writable(what.get(2)?),
    })
}

fn parse_fstab(line: &str) -> Option<Wanted> {
    let mut fields = line.split_whitespace();
    let source = fields.next()?;
    let (point, fstype, options) = (fields.next()?, fields.next()?, fields.next()?);
    let has = |word: &str| options.split(',').any(|option| option == word);
    let is_local = !may_hang(fstype) && !has("_netdev");
    let is_wanted = !source.starts_with('#')
        && point.starts_with('/')
        && !matches!(fstype, "swap" | "tmpfs" | "proc" | "sysfs" | "devpts")
        && !has("noauto")
        && !has("nofail")
        && !has("bind");
    (is_wanted && is_local).then(|| Wanted {
        point: unescape(point),
        writable: !has("ro"),
    })
}

/// Blanks, tabs, line feeds and backslashes are written as three octal digits.
fn unescape(text: &str) -> String {
    let bytes = text.as_bytes();
    let mut out = Vec::with_capacity(bytes.len());
    let mut at = 0;
    while at < bytes.len() {
        let code = (bytes[at] == b'\\')
            .then(|| text.get(at + 1..at + 4))
            .flatten()
            .and_then(|digits| u8::from_str_radix(digits, 8).ok());
        match code {
            Some(byte) => {
                out.push(byte);
                at += 4;
            }
            None => {
                out.push(bytes[at]);
                at += 1;
            }
        }
    }
    String::from_utf8_lossy(&out).into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn mounts(text: &str) -> Vec<Mount> {
        text.lines().filter_map(parse_mount).collect()
    }

    #[test]
    fn a_disk_is_shown_once_and_what_is_no_disk_never() {
        let mounts = mounts(
            "1 0 8:1 / / rw,relatime shared:1 - ext4 /dev/sda1 rw,errors=remount-ro\n\
             2 1 0:5 / /dev rw - devtmpfs udev rw\n\
             3 1 8:1 /var/lib /mnt/bind rw - ext4 /dev/sda1 rw\n\
             4 1 8:2 / /srv/my\\040files rw - xfs /dev/sda2 rw\n\
             5 1 7:0 / /snap/core ro - squashfs /dev/loop0 ro\n\
             6 1 0:9 / /home rw - nfs4 server:/home rw\n\
             7 1 8:3 / /backup ro - ext4 /dev/sda3 ro\n",
        );
        let root = Root::of(&Default::default());
        let points = |wanted: &[Wanted]| -> Vec<String> {
            disks(&root, &mounts, wanted)
                .into_iter()
                .map(|disk| disk.point)
                .collect()
        };
        assert_eq!(points(&[]), ["/", "/srv/my files"]);
        let backup = parse_fstab("/dev/sda3 /backup ext4 defaults 0 2").unwrap();
        assert_eq!(points(&[backup]), ["/", "/srv/my files", "/backup"]);
        assert_eq!(
            covering(&mounts, "/srv/my files/x").unwrap().source,
            "/dev/sda2"
        );
        assert_eq!(covering(&mounts, "/srvx").unwrap().point, "/");
    }

    #[test]
    fn a_view_of_our_own_is_told_from_a_disk_that_is_read_only() {
        let machine = "30 1 8:1 / / rw,relatime - ext4 /dev/sda1 rw\n31 30 8:2 / /srv ro,relatime - ext4 /dev/sda2 rw\n";
        let ours = mounts(
            "30 1 8:1 / / ro,relatime - ext4 /dev/sda1 rw\n31 30 8:2 / /srv ro,relatime - ext4 /dev/sda2 rw\n",
        );
        let writable: Vec<bool> = ours
            .iter()
            .map(|mount| is_writable_in(machine, mount))
            .collect();
        assert_eq!(writable, [true, false]);
    }

    #[test]
    fn what_the_machine_starts_without_is_not_wanted() {
        for line in [
            "# /dev/sda1 / ext4 defaults 0 1",
            "/dev/sdb1 /media/stick vfat noauto 0 0",
            "/dev/sdb2 /data ext4 defaults,nofail 0 0",
            "UUID=1 none swap sw 0 0",
            "server:/x /x nfs defaults 0 0",
            "",
        ] {
            assert_eq!(parse_fstab(line), None, "{line}");
        }
        assert!(!parse_fstab("/dev/a /b ext4 ro 0 0").unwrap().writable);
    }
}
