//! The rules of Kubernetes, from dumps to trees.

mod claims;
mod dump;
mod mistakes;
mod pods;
mod rules;
mod services;
mod storage;
mod support;
mod workloads;
mod control;
