//! The rules of Kubernetes, from dumps and watches to trees.

mod claims;
mod control;
mod dump;
mod faults;
mod live;
mod mistakes;
mod pods;
mod real;
mod rules;
mod scenarios;
mod services;
mod storage;
mod support;
mod workloads;
