//! The reason codes that several network sensors give.

use alpacalert_instrument::Reason;

// The target's.
pub(crate) const CONNECTION_REFUSED: Reason = Reason::fixed("connection-refused");
pub(crate) const CONNECTION_CLOSED: Reason = Reason::fixed("connection-closed");
pub(crate) const CONNECTION_FAILED: Reason = Reason::fixed("connection-failed");
pub(crate) const HOST_UNREACHABLE: Reason = Reason::fixed("host-unreachable");
pub(crate) const NAME_NOT_FOUND: Reason = Reason::fixed("name-not-found");

// Ours.
pub(crate) const NETWORK_UNREACHABLE: Reason = Reason::fixed("network-unreachable");
pub(crate) const NOT_PERMITTED: Reason = Reason::fixed("not-permitted");
pub(crate) const OUT_OF_RESOURCES: Reason = Reason::fixed("out-of-resources");
pub(crate) const NAME_NOT_RESOLVED: Reason = Reason::fixed("name-not-resolved");
pub(crate) const CANNOT_READ: Reason = Reason::fixed("cannot-read");
