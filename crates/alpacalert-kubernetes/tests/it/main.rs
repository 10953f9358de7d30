//! The rules of Kubernetes, from dumps and watches to trees.

mod claims;
mod control;
mod dump;
mod faults;
mod follow;
mod general;
mod hostile;
mod live;
mod mistakes;
mod others;
mod pods;
mod real;
mod rules;
mod scenarios;
mod services;
mod silent;
mod storage;
mod support;
mod vectors;
mod workloads;
