//! The page's agent against the real edge, both pure: in virtual time, every edge object forgotten between any two
//! inputs, over networks that drop, repeat, delay and reorder between its objects, and sockets that break.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

#[allow(dead_code, reason = "the edge's own tests use the rest of their world")]
#[path = "../edge/sim.rs"]
mod sim;

mod life;
mod page;
mod stories;
mod storm;
