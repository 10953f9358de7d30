//! What the rules may ask of a cluster, as facts that change one by one.

use alpacalert_instrument::Fact;

/// An object, or that there is none of the name.
pub(crate) fn object(kind: &str, reference: &str) -> Fact {
    Fact::of((0_u8, kind, reference))
}

/// Who has a uid, and whom it owns.
pub(super) fn uid(uid: &str) -> Fact {
    Fact::of((1_u8, uid))
}

/// Which objects of a kind there are.
pub(super) fn table(kind: &str) -> Fact {
    Fact::of((2_u8, kind))
}

/// Which objects of a kind there are in a namespace.
pub(super) fn in_namespace(kind: &str, namespace: &str) -> Fact {
    Fact::of((3_u8, kind, namespace))
}

/// The slices of a Service.
pub(super) fn slices(service: &str) -> Fact {
    Fact::of((4_u8, service))
}

/// The pods that use a claim.
pub(super) fn claim(reference: &str) -> Fact {
    Fact::of((5_u8, reference))
}

/// The attachments of a volume.
pub(super) fn volume(name: &str) -> Fact {
    Fact::of((6_u8, name))
}

/// The pods of a namespace that carry a label, written `key=value`.
pub(super) fn label(namespace: &str, label: &str) -> Fact {
    Fact::of((7_u8, namespace, label))
}

/// The definition of a custom kind.
pub(super) fn definition(kind: &str) -> Fact {
    Fact::of((8_u8, kind))
}

/// How the last run of a CronJob ended, by the CronJob's uid.
pub(super) fn run(uid: &str) -> Fact {
    Fact::of((9_u8, uid))
}

/// When the leases were read.
pub(super) fn leases_read() -> Fact {
    Fact::of(10_u8)
}

/// The objects of a namespace that stand below nothing else.
pub(super) fn roots(namespace: &str) -> Fact {
    Fact::of((11_u8, namespace))
}

/// Which namespaces hold something.
pub(super) fn namespaces() -> Fact {
    Fact::of(12_u8)
}

/// Of which kinds there are objects.
pub(super) fn kinds() -> Fact {
    Fact::of(13_u8)
}
