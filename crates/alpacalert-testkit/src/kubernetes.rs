//! API servers: a real control plane, and one that fails on purpose.

mod fake;
mod kubectl;
mod plane;

pub use fake::FakeApiServer;
pub use plane::ControlPlane;
